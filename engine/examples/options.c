/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers OPTIONS with 200 and every other request with 405.
 *     options [ws:IP:PORT]
 */
#include <signal.h>
#include <sipring.h>
#include <stdio.h>

#define ALLOW "Allow: OPTIONS\r\n"

static void
on_message(void *arg, struct sipring_message *m)
{
	const char *fault = sipring_message_fault(m);

	(void)arg;
	if (!sipring_message_is_request(m) || sipring_message_method(m) == SIPRING_ACK)
		sipring_drop(m);
	else if (fault)
		sipring_reply(m, 400, fault, NULL, NULL);
	else if (sipring_message_method(m) == SIPRING_OPTIONS)
		sipring_reply(m, 200, NULL, ALLOW "Accept: application/sdp\r\n", NULL);
	else
		sipring_reply(m, 405, NULL, ALLOW, NULL);
}

int
main(int argc, char **argv)
{
	const struct sipring_handlers handlers = { .message = on_message };
	struct sipring *s = sipring_new();
	int number, result = 1;
	sigset_t end;

	if (!s)
		return 1;
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL); /* the engine's threads inherit it */
	if (sipring_embed(s, &handlers, NULL) == SIPRING_OK &&
	    sipring_listen(s, argc > 1 ? argv[1] : "ws:127.0.0.1:8080") == SIPRING_OK &&
	    sipring_start(s) == SIPRING_OK) {
		printf("listening on %s\n", sipring_url(s, 0));
		fflush(stdout);
		sigwait(&end, &number);
		sipring_drain(s);
		result = sipring_wait(s);
	}
	if (result)
		fprintf(stderr, "options: %s\n", sipring_error(s));
	sipring_free(s);
	return result;
}
