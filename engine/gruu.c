/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/gruu.h"

#include <openssl/evp.h>
#include "codec/scan.h"

#define BLOCK 16
#define TEMPORARY_LEN (1 + 2 * BLOCK)
#define TEMPORARY_MARK 'g' /* in front of the digits */

/* What a temporary one says. */
struct temporary {
	uint64_t aor;      /* hash of its key */
	uint32_t instance; /* hash of instance and Call-ID */
	uint32_t cseq;
};

_Static_assert(sizeof(struct temporary) == BLOCK, "one block");

static EVP_CIPHER_CTX *
cipher_new(const uint8_t key[GRUU_KEY_LEN], int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx && EVP_CipherInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL, encrypt) &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0))
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

bool
gruu_init(struct stage *s, const uint8_t key[GRUU_KEY_LEN])
{
	s->gruu_seal = cipher_new(key, 1);
	s->gruu_open = cipher_new(key, 0);
	return s->gruu_seal && s->gruu_open;
}

void
gruu_fini(struct stage *s)
{
	EVP_CIPHER_CTX_free(s->gruu_seal);
	EVP_CIPHER_CTX_free(s->gruu_open);
}

static bool
cipher(EVP_CIPHER_CTX *ctx, const uint8_t in[BLOCK], uint8_t out[BLOCK])
{
	int len = 0;

	return EVP_CipherUpdate(ctx, out, &len, in, BLOCK) && len == BLOCK;
}

/* Without quotes and angle brackets; empty: there is none. */
static struct span
instance_of(const struct location_binding *b)
{
	struct span text = span_of(b->text + b->instance_off, b->instance_len);

	if (text.len < 5 || text.at[0] != '"' || text.at[1] != '<' || text.at[text.len - 2] != '>')
		return SPAN("");
	return span_of(text.at + 2, text.len - 4);
}

static uint32_t
instance_hash(const struct stage *s, const struct location_binding *b)
{
	struct siphash h;

	siphash_init(&h, &s->tag_key);
	siphash_feed_field(&h, instance_of(b));
	siphash_feed_field(&h, span_of(&b->call_id, sizeof(b->call_id)));
	return (uint32_t)siphash_value(&h);
}

/* ---- writing ---- */

static void
temporary_write(const struct inbound *in, const struct location_binding *b, struct writer *w)
{
	static const char digits[] = "0123456789abcdef";
	struct temporary t = {
		.aor = b->aor->node.hash,
		.instance = instance_hash(in->stage, b),
		.cseq = b->cseq,
	};
	uint8_t plain[BLOCK], block[BLOCK];

	memcpy(plain, &t, BLOCK);
	if (!cipher(in->stage->gruu_seal, plain, block))
		return;
	writer_put(w, SPAN(";temp-gruu=\"sip:"));
	writer_put_byte(w, TEMPORARY_MARK);
	for (unsigned i = 0; i < BLOCK; i++) {
		writer_put_byte(w, digits[block[i] >> 4]);
		writer_put_byte(w, digits[block[i] & 15]);
	}
	writer_put_byte(w, '@');
	writer_put(w, in->head->to.uri.host);
	writer_put(w, SPAN(";gr\""));
}

void
gruu_write(const struct inbound *in, const struct location_binding *b, struct writer *w)
{
	const struct sip_uri *aor = &in->head->to.uri;
	struct span instance = instance_of(b);

	if (!instance.len || !scan_all(instance, SCAN_PARAM) ||
	    instance.len + aor->user.len + 2 * aor->host.len > GRUU_TEXT_MAX - 128)
		return;
	writer_put(w, SPAN(";pub-gruu=\"sip:"));
	writer_put(w, aor->user);
	writer_put_byte(w, '@');
	writer_put(w, aor->host);
	writer_put(w, SPAN(";gr="));
	writer_put(w, instance);
	writer_put_byte(w, '"');
	temporary_write(in, b, w);
}

/* ---- finding ---- */

bool
gruu_read(const struct sip_uri *uri, struct span *gr)
{
	return uri->params.len && sip_uri_param(uri, SPAN("gr"), gr);
}

static bool
temporary_read(const struct stage *s, const struct sip_uri *uri, struct temporary *out)
{
	uint8_t block[BLOCK] = { 0 }, plain[BLOCK];
	struct span user = uri->user;

	if (user.len != TEMPORARY_LEN || user.at[0] != TEMPORARY_MARK)
		return false;
	for (unsigned i = 0; i < 2 * BLOCK; i++) {
		char c = user.at[1 + i];

		if (!scan_is(c, SCAN_HEX) || (c >= 'A' && c <= 'F'))
			return false;
		block[i / 2] = (uint8_t)(block[i / 2] << 4 | (c > '9' ? c - 'a' + 10 : c - '0'));
	}
	if (!cipher(s->gruu_open, block, plain))
		return false;
	memcpy(out, plain, BLOCK);
	return true;
}

/* Is the binding of the instance that is meant? */
static bool
is_meant(const struct stage *s, const struct location_binding *b, struct span gr,
	 const struct temporary *t)
{
	if (gr.len)
		return span_equal_nocase(instance_of(b), gr);
	return instance_of(b).len && instance_hash(s, b) == t->instance && b->cseq >= t->cseq;
}

int
gruu_find(const struct inbound *in, const struct location_key *key, struct span gr,
	  const struct location_binding **b, struct flows_entry *flow)
{
	const struct stage *s = in->stage;
	struct temporary t = { 0 };
	const struct location_aor *aor;
	int status = 404;

	if (!gr.len && !temporary_read(s, in->uri, &t))
		return 404;
	aor = gr.len ? location_aor_find(s->location, key, in->now_ns) :
		       location_aor_by_hash(s->location, t.aor);
	if (!aor)
		return 404;
	for (*b = location_first(aor); *b; *b = location_next(*b)) {
		if (!is_meant(s, *b, gr, &t) || (*b)->expires_ns <= in->now_ns)
			continue;
		status = 480;
		if (flows_by_serial(s->flows, (*b)->slot, (*b)->serial, flow) &&
		    (flow->secure || in->uri->kind != SIP_SCHEME_SIPS))
			return 0;
	}
	/* the user is known, whatever became of the instance; a temporary one ends for good */
	return gr.len ? 480 : status;
}
