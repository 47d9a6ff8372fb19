/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/conn_client.h"

#include <assert.h>
#include "codec/ws_client.h"
#include "engine/conn_input.h"
#include "engine/conn_life.h"
#include "engine/conn_output.h"
#include "engine/log.h"
#include "engine/loop.h"
#include "engine/upstream.h"

static struct ws_client_request
request_of(const struct loop *l, const struct upstream *u, struct span offer)
{
	const struct settings *s = l->settings;
	const char *host = *u->where.name ? u->where.name : u->host;
	const char *resource = u->where.tls ? s->wss_resource : s->ws_resource;

	return (struct ws_client_request){
		.host = span_of(host, strlen(host)),
		.port = u->port,
		.secure = u->where.tls,
		.resource = span_of(resource, strlen(resource)),
		.key = span_of(u->key, sizeof(u->key)),
		.protocols = span_of(s->ws_subprotocols, strlen(s->ws_subprotocols)),
		.extensions = offer,
		.header_bytes = s->handshake_bytes,
	};
}

void
conn_client_ask(struct loop *l, struct conn *c)
{
	char text[4096];
	struct writer w = writer_over(text, sizeof(text));
	uint8_t random[WS_CLIENT_RANDOM_LEN];
	struct ws_client_request request;
	char extension[WS_DEFLATE_OFFER_LEN];
	struct writer offer = writer_over(extension, sizeof(extension));

	random_take(&l->random, random, sizeof(random));
	ws_client_key(random, c->upstream->key);
	ws_deflate_offer_write(&l->compression.policy, &offer);
	request = request_of(l, c->upstream, writer_text(&offer));
	ws_client_write(&w, &request); /* upstream_check() has passed it */
	assert(!w.full);
	conn_output_put(l, c, writer_text(&w));
}

static void
declined(struct loop *l, struct conn *c, enum ws_client_error error,
	 const struct ws_client_answer *answer)
{
	log_line(LOG_WARN, "upstream_declined", "peer=%s port=%u status=%d reason=\"%s\"",
		 c->peer.address, c->peer.port, error == WS_CLIENT_STATUS ? answer->status : 0,
		 ws_client_words(error));
	conn_life_apply(l, c, CONN_EV_REFUSED);
}

/* What the server says of our offer; n, or the fault as ws_client_parse() tells it. */
static int
agree(struct loop *l, struct conn *c, const struct ws_client_answer *answer, int n)
{
	struct ws_deflate_terms terms;
	enum ws_client_error error = ws_deflate_offer_accept(&l->compression.policy, answer->fields,
							     answer->fields_len, &terms);

	if (error == WS_CLIENT_OK && !compression_agree(&l->compression, &c->compression, &terms))
		error = WS_CLIENT_DEFLATE;
	return error == WS_CLIENT_OK ? n : -(int)error;
}

void
conn_client_answer(struct loop *l, struct conn *c, struct span in, const struct ring_lease *lease)
{
	char extension[WS_DEFLATE_OFFER_LEN];
	struct writer offer = writer_over(extension, sizeof(extension));
	struct ws_client_request request;
	struct ws_client_answer answer;
	size_t seen = c->pieces.len;
	struct pieces head;
	int n;

	if (seen) {
		if (!pieces_add(&l->bytes, &l->stats, &c->pieces, in, 0)) {
			conn_life_abandon(l, c);
			return;
		}
		in = span_of(c->pieces.bytes, c->pieces.len);
		lease = NULL;
	}
	ws_deflate_offer_write(&l->compression.policy, &offer);
	request = request_of(l, c->upstream, writer_text(&offer));
	n = ws_client_parse(in.at, in.len, seen, &request, &answer);
	if (n > 0)
		n = agree(l, c, &answer, n);
	if (n < 0) {
		declined(l, c, (enum ws_client_error) - n, &answer);
		return;
	}
	if (n == 0) {
		if (!seen && !pieces_add(&l->bytes, &l->stats, &c->pieces, in, 0))
			conn_life_abandon(l, c);
		return;
	}
	head = c->pieces; /* the message that may begin behind the head needs pieces of its own */
	c->pieces = (struct pieces){ 0 };
	conn_life_apply(l, c, CONN_EV_UPGRADED);
	conn_input_frames(l, c, span_of(in.at + n, in.len - (size_t)n), lease);
	pieces_free(&l->bytes, &l->stats, &head);
}
