/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connects as a WebSocket client, sends OPTIONS, prints the answer, ends.
 *     client sip:IP:PORT;transport=ws
 */
#include <sipring.h>
#include <stdio.h>
#include <string.h>

static const char request[] = "OPTIONS sip:127.0.0.1 SIP/2.0\r\n"
			      "Via: SIP/2.0/WS client.invalid;branch=z9hG4bKexample\r\n"
			      "Max-Forwards: 70\r\n"
			      "From: <sip:client@example.invalid>;tag=1\r\n"
			      "To: <sip:127.0.0.1>\r\n"
			      "Call-ID: example@client.invalid\r\n"
			      "CSeq: 1 OPTIONS\r\n"
			      "Content-Length: 0\r\n\r\n";

static struct sipring *sipring;
static unsigned status; /* of the answer; 0: none */

static void
on_opened(void *arg, sipring_connection connection, const struct sipring_peer *peer)
{
	(void)arg;
	printf("connected to %s port %u\n", peer->address, peer->port);
	sipring_send(sipring, connection, request, strlen(request));
}

static void
on_message(void *arg, struct sipring_message *m)
{
	struct sipring_text text = sipring_message_bytes(m);

	(void)arg;
	printf("%.*s", (int)text.len, text.at);
	status = sipring_message_status(m);
	sipring_close(sipring, sipring_message_connection(m), 1000, "done");
}

static void
on_closed(void *arg, sipring_connection connection, const struct sipring_end *end)
{
	(void)arg, (void)connection, (void)end;
	sipring_drain(sipring);
}

int
main(int argc, char **argv)
{
	const struct sipring_handlers handlers = { on_opened, on_message, NULL, on_closed };

	sipring = sipring_new();
	if (argc != 2 || !sipring || sipring_embed(sipring, &handlers, NULL) ||
	    sipring_start(sipring) || !sipring_connect(sipring, argv[1]))
		return fprintf(stderr, "usage: client sip:IP:PORT;transport=ws\n"), 2;
	sipring_wait(sipring);
	sipring_free(sipring);
	return status / 100 != 2;
}
