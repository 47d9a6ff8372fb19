/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS as a connection has it, the server's side, in memory: a client of our own writes records, the
 * input says in which pieces they come and what happens to them on the way. First byte: TLS 1.2 or
 * 1.3, and whether the client speaks at all; then steps, a byte each and what it takes.
 *
 * Whatever comes: plaintext is a beginning of what the client wrote, and lies where tls_conn_read()
 * promises; and where nobody had a hand in it all of it comes, and ends with close_notify.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "engine/tls_conn.h"
#include "engine/tls_set.h"
#include "tests/unit/tls_files.h"

#define WIRE_MAX 262144u
#define SCRATCH 16384u
#define SAID_MAX 65536u

/* Bytes on their way to one side. */
struct wire {
	uint8_t bytes[WIRE_MAX];
	size_t len;
};

struct side {
	struct tls_conn *tls;
	struct tls_io io;
	struct wire out;
	bool secure, ended, failed;
};

struct bench {
	struct side server, client;
	uint8_t said[SAID_MAX]; /* by the client */
	size_t said_len, heard_len;
	bool tampered;
};

static struct settings settings;
static struct tls_set *set;
static struct settings_listener listener = { .address = "127.0.0.1", .port = 443, .tls = true };
static struct tls_context clients[2]; /* TLS 1.2, 1.3 */

static void
setting(struct settings *s, const char *name, const char *value)
{
	char text[512], error[SETTINGS_ERROR_MAX];

	snprintf(text, sizeof(text), "%s=%s", name, value);
	if (!settings_set(s, text, error))
		abort();
}

static void
prepare(void)
{
	const struct tls_files *files = tls_files_usual();
	char error[SETTINGS_ERROR_MAX];

	settings_init(&settings);
	setting(&settings, "listen", "wss:127.0.0.1:443");
	setting(&settings, "tls.certificate", files->certificate);
	setting(&settings, "tls.private_key", files->key);
	setting(&settings, "tls.client_domain", "old");
	setting(&settings, "tls.tls_method", "[old]TLSv1_2");
	setting(&settings, "tls.verify_cert", "[old]0");
	setting(&settings, "tls.tls_method", "[client]TLSv1_3");
	setting(&settings, "tls.verify_cert", "[client]0");
	if (!settings_finish(&settings, error) || !(set = tls_set_new(&settings, NULL, error)))
		abort();
	for (int i = 0; i < 2; i++)
		if (!tls_context_init(&clients[i],
				      &settings.domains[i ? SETTINGS_DOMAIN_CLIENT :
							    settings.domains_len - 1],
				      NULL, error))
			abort();
}

static bool
put(void *arg, struct span bytes)
{
	struct side *s = arg;

	if (bytes.len > WIRE_MAX - s->out.len)
		return false;
	memcpy(s->out.bytes + s->out.len, bytes.at, bytes.len);
	s->out.len += bytes.len;
	return true;
}

static void
note(struct side *s, enum tls_result result)
{
	s->ended |= result == TLS_END;
	s->failed |= result == TLS_FAILED;
	if (result == TLS_FAILED)
		assert(tls_conn_is_over(s->tls) && !tls_conn_may_close(s->tls));
}

/* What a side reads must be what the other said, so far as it goes. */
static void
hear(struct bench *b, const uint8_t *bytes, size_t len)
{
	assert(len <= b->said_len - b->heard_len);
	assert(memcmp(b->said + b->heard_len, bytes, len) == 0);
	b->heard_len += len;
}

/* As conn_tls.c does it: into scratch what began earlier, the rest where its ciphertext was. */
static void
read_records(struct bench *b, struct side *s, uint8_t *area, size_t len)
{
	static uint8_t scratch[SCRATCH];
	enum tls_result result = TLS_DONE;
	size_t plain = 0, n;

	if (tls_conn_has_part(s->tls)) {
		result = tls_conn_read(s->tls, scratch, sizeof(scratch), &n);
		if (s == &b->server)
			hear(b, scratch, n);
	}
	while (result == TLS_DONE) {
		result = tls_conn_read(s->tls, area + plain, len - plain, &n);
		/* never over what is not taken yet */
		assert(plain + n <= (size_t)(s->io.in.at - (const char *)area));
		plain += n;
	}
	if (s == &b->server)
		hear(b, area, plain);
	note(s, result);
}

/* `len` bytes come to a side, in a block of just their size. */
static void
deliver(struct bench *b, struct side *s, const uint8_t *bytes, size_t len)
{
	uint8_t *area = malloc(len ? len : 1);
	enum tls_result result = TLS_DONE;

	assert(area);
	memcpy(area, bytes, len);
	s->io.in = span_of(area, len);
	if (len && !s->ended && !s->failed) {
		if (!s->secure)
			result = tls_conn_handshake(s->tls);
		if (result == TLS_DONE) {
			s->secure = true;
			read_records(b, s, area, len);
		} else {
			note(s, result);
		}
	}
	s->io.in = SPAN("");
	free(area);
}

static void
take(struct wire *w, size_t len)
{
	w->len -= len;
	memmove(w->bytes, w->bytes + len, w->len);
}

/* `len` bytes from the client arrive; all that the server says to it comes back at once. */
static void
carry(struct bench *b, size_t len)
{
	struct wire *w = &b->client.out;

	if (len > w->len)
		len = w->len;
	deliver(b, &b->server, w->bytes, len);
	take(w, len);
	deliver(b, &b->client, b->server.out.bytes, b->server.out.len);
	b->server.out.len = 0;
}

static void
say(struct bench *b, struct side *s, size_t len)
{
	uint8_t *at = b->said + b->said_len;

	if (!s->secure || s->ended || tls_conn_is_over(s->tls) || len > SAID_MAX - b->said_len ||
	    s->out.len > WIRE_MAX / 2)
		return;
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(b->said_len + i);
	if (tls_conn_write(s->tls, span_of(at, len)) && s == &b->client)
		b->said_len += len;
	else
		s->failed |= tls_conn_is_over(s->tls);
}

/* ---- steps ---- */

struct input {
	const uint8_t *at;
	size_t len;
};

static size_t
number(struct input *in)
{
	size_t n = 0;

	for (int i = 0; i < 2 && in->len; i++, in->at++, in->len--)
		n = n << 8 | *in->at;
	return n;
}

static void
insert(struct bench *b, struct input *in)
{
	struct wire *w = &b->client.out;
	size_t at = number(in), len = number(in) % 1024;

	at = w->len ? at % (w->len + 1) : 0;
	if (len > in->len)
		len = in->len;
	if (len == 0 || len > WIRE_MAX - w->len)
		return;
	memmove(w->bytes + at + len, w->bytes + at, w->len - at);
	memcpy(w->bytes + at, in->at, len);
	w->len += len;
	in->at += len;
	in->len -= len;
	b->tampered = true;
}

static void
flip(struct bench *b, struct input *in)
{
	struct wire *w = &b->client.out;
	size_t at = number(in), by = number(in) & 0xFF;

	if (w->len && by) {
		w->bytes[at % w->len] ^= (uint8_t)by;
		b->tampered = true;
	}
}

static void
cut(struct bench *b, struct input *in)
{
	struct wire *w = &b->client.out;
	size_t at = number(in), len = number(in);

	if (at >= w->len)
		return;
	if (len > w->len - at)
		len = w->len - at;
	w->len -= len;
	memmove(w->bytes + at, w->bytes + at + len, w->len - at);
	b->tampered |= len > 0;
}

/* The last bytes on the wire once more. */
static void
repeat(struct bench *b, struct input *in)
{
	struct wire *w = &b->client.out;
	size_t len = number(in);

	if (len > w->len)
		len = w->len;
	if (len == 0 || len > WIRE_MAX - w->len)
		return;
	memcpy(w->bytes + w->len, w->bytes + w->len - len, len);
	w->len += len;
	b->tampered = true;
}

static void
step(struct bench *b, struct input *in)
{
	uint8_t what = *in->at++;

	in->len--;
	switch (what % 9) {
	case 0:
		carry(b, WIRE_MAX);
		break;
	case 1:
		carry(b, number(in));
		break;
	case 2:
		say(b, &b->client, number(in));
		break;
	case 3:
		flip(b, in);
		break;
	case 4:
		insert(b, in);
		break;
	case 5:
		cut(b, in);
		break;
	case 6:
		repeat(b, in);
		break;
	case 7:
		say(b, &b->server, number(in) % 20000);
		break;
	default:
		if (b->client.secure && !tls_conn_is_over(b->client.tls) &&
		    SSL_key_update(tls_conn_ssl(b->client.tls), SSL_KEY_UPDATE_REQUESTED))
			note(&b->client, tls_conn_handshake(b->client.tls));
	}
}

static void
side_init(struct side *s, SSL_CTX *context, bool client)
{
	s->io = (struct tls_io){ .put = put, .arg = s, .listener = &listener };
	s->out.len = 0;
	s->secure = s->ended = s->failed = false;
	s->tls = tls_conn_new(context, &s->io, client);
	assert(s->tls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct bench b;
	struct input in;

	if (len == 0)
		return 0;
	if (!set)
		prepare();
	in = (struct input){ data + 1, len - 1 };
	b.said_len = b.heard_len = 0;
	b.tampered = false;
	side_init(&b.server, tls_set_server(set, &listener), false);
	side_init(&b.client, clients[data[0] & 1].ssl, true);
	tls_conn_keep(b.server.tls, set);
	if (data[0] & 2) { /* no client: what follows is all that comes */
		deliver(&b, &b.server, in.at, in.len);
		in.len = 0;
	} else {
		note(&b.client, tls_conn_handshake(b.client.tls));
	}
	while (in.len)
		step(&b, &in);
	for (int i = 0; i < 3; i++) /* so often they answer one another */
		carry(&b, WIRE_MAX);
	tls_conn_close(b.client.tls);
	carry(&b, WIRE_MAX);
	/* without a hand in it all arrives, and ends as it should */
	if (!(data[0] & 2) && !b.tampered) {
		assert(!b.server.failed && !b.client.failed);
		assert(b.heard_len == b.said_len);
		assert(b.server.secure == b.server.ended);
	}
	tls_conn_free(b.server.tls);
	tls_conn_free(b.client.tls);
	return 0;
}
