/* SPDX-License-Identifier: Apache-2.0 */
/* Answers MESSAGE (RFC 3428) with 200 and sends the same text back: chatbot ws:IP:PORT */
#include <signal.h>
#include <sipring.h>
#include <stdio.h>
#include <time.h>

static void
on_message(void *arg, struct sipring_message *m)
{
	static unsigned long serial;
	sipring_connection from = sipring_message_connection(m);
	struct sipring_text body = sipring_message_body(m);
	struct sipring_address to;
	char text[8192];
	int n;

	if (!sipring_message_is_request(m) || sipring_message_method(m) == SIPRING_ACK)
		return; /* answers to our MESSAGE: nothing comes of them */
	if (sipring_message_fault(m) || sipring_message_method(m) != SIPRING_MESSAGE ||
	    !sipring_address(sipring_message_value(m, "From"), &to)) {
		sipring_reply(m, 405, NULL, "Allow: MESSAGE\r\n", NULL);
		return;
	}
	serial = serial ? serial + 1 : (unsigned long)time(NULL) << 20;
	n = snprintf(text, sizeof(text),
		     "MESSAGE %.*s SIP/2.0\r\nVia: SIP/2.0/WS bot.invalid;branch=z9hG4bK%lx\r\n"
		     "Max-Forwards: 70\r\nFrom: <sip:bot@bot.invalid>;tag=bot\r\nTo: <%.*s>\r\n"
		     "Call-ID: %lx@bot.invalid\r\nCSeq: 1 MESSAGE\r\n"
		     "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%.*s",
		     (int)to.uri.len, to.uri.at, serial, (int)to.uri.len, to.uri.at, serial,
		     body.len, (int)body.len, body.at);
	sipring_reply(m, 200, NULL, NULL, NULL); /* takes m, and what body and to point to */
	if (n < (int)sizeof(text))
		sipring_send(arg, from, text, (size_t)n);
}

int
main(int argc, char **argv)
{
	const struct sipring_handlers handlers = { .message = on_message };
	struct sipring *s = sipring_new();
	sigset_t end;
	int number;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL); /* the engine's threads inherit it */
	if (!s || sipring_embed(s, &handlers, s) || sipring_set(s, "loops=1") ||
	    sipring_listen(s, argv[argc - 1]) || sipring_start(s))
		return fprintf(stderr, "chatbot: %s\n", s ? sipring_error(s) : "no memory"), 1;
	printf("listening on %s\n", sipring_url(s, 0));
	fflush(stdout);
	sigwait(&end, &number);
	sipring_drain(s);
	number = sipring_wait(s);
	sipring_free(s);
	return number;
}
