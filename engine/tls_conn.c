/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tls_conn.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include "engine/tls_set.h"

/*
 * A record's plaintext, and what encryption adds to it at most: header 5, explicit IV 16, MAC 48
 * and padding 256 of the ciphers that are not AEAD.
 */
#define RECORD_PLAIN 16384u
#define RECORD_EXTRA 325u

struct tls_conn {
	SSL *ssl;
	struct tls_set *set; /* of the handshake under way, or NULL */
	bool over;           /* failed, or close_notify sent */
};

/* ---- BIO: a slice in, pieces out ---- */

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static int
bio_write(BIO *bio, const char *bytes, size_t len, size_t *written)
{
	struct tls_io *io = BIO_get_data(bio);

	BIO_clear_retry_flags(bio); /* of a read, maybe of another connection */
	if (!io->put(io->arg, span_of(bytes, len)))
		return 0;
	*written = len;
	return 1;
}

static int
bio_read(BIO *bio, char *bytes, size_t len, size_t *taken)
{
	struct tls_io *io = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (io->in.len == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	if (len > io->in.len)
		len = io->in.len;
	memcpy(bytes, io->in.at, len);
	io->in = span_of(io->in.at + len, io->in.len - len);
	*taken = len;
	return 1;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static int
bio_destroy(BIO *bio)
{
	struct tls_io *io = BIO_get_data(bio);

	if (io)
		io->bio = NULL;
	return 1;
}

static void
make_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "slice");
	if (method && BIO_meth_set_write_ex(method, bio_write) &&
	    BIO_meth_set_read_ex(method, bio_read) && BIO_meth_set_ctrl(method, bio_ctrl) &&
	    BIO_meth_set_destroy(method, bio_destroy))
		return;
	BIO_meth_free(method);
	method = NULL;
}

bool
tls_conn_setup(void)
{
	pthread_once(&method_once, make_method);
	return method != NULL;
}

/* ---- life ---- */

/* A reference to the one of all connections of this io. NULL: no memory. */
static BIO *
bio_of(struct tls_io *io)
{
	if (io->bio) {
		BIO_up_ref(io->bio);
		return io->bio;
	}
	io->bio = BIO_new(method);
	if (!io->bio)
		return NULL;
	BIO_set_data(io->bio, io);
	BIO_set_init(io->bio, 1);
	return io->bio;
}

struct tls_conn *
tls_conn_new(SSL_CTX *context, struct tls_io *io, bool client)
{
	struct tls_conn *t = malloc(sizeof(*t));
	BIO *bio = bio_of(io);

	if (t)
		*t = (struct tls_conn){ .ssl = SSL_new(context) };
	if (!t || !t->ssl || !bio) {
		BIO_free(bio);
		tls_conn_free(t);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_bio(t->ssl, bio, bio);
	if (client)
		SSL_set_connect_state(t->ssl);
	else
		SSL_set_accept_state(t->ssl);
	return t;
}

void
tls_conn_free(struct tls_conn *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	tls_set_drop(t->set);
	free(t);
}

void
tls_conn_keep(struct tls_conn *t, struct tls_set *set)
{
	t->set = tls_set_hold(set);
}

struct tls_io *
tls_conn_io(SSL *ssl)
{
	return BIO_get_data(SSL_get_rbio(ssl));
}

SSL *
tls_conn_ssl(const struct tls_conn *t)
{
	return t->ssl;
}

/* ---- operations ---- */

/*
 * OpenSSL tells by the thread's queue of errors whether an operation has failed, so it must be
 * empty before. It nearly always is, and to look costs less than to clear it.
 */
static void
forget_errors(void)
{
	if (ERR_peek_error())
		ERR_clear_error();
}

static enum tls_result
result_of(struct tls_conn *t, int result)
{
	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return TLS_MORE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_END;
	default:
		t->over = true;
		return TLS_FAILED;
	}
}

enum tls_result
tls_conn_handshake(struct tls_conn *t)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(t->ssl);
	if (result != 1)
		return result_of(t, result);
	tls_set_drop(t->set);
	t->set = NULL;
	return TLS_DONE;
}

bool
tls_conn_is_secure(const struct tls_conn *t)
{
	return SSL_is_init_finished(t->ssl);
}

enum tls_result
tls_conn_read(struct tls_conn *t, uint8_t *bytes, size_t cap, size_t *len)
{
	struct tls_io *io = tls_conn_io(t->ssl);
	int result;

	*len = 0;
	if (io->in.len == 0 && !SSL_has_pending(t->ssl))
		return TLS_MORE; /* asking would tell the same, for more time */
	forget_errors();
	result = SSL_read_ex(t->ssl, bytes, cap, len);
	return result == 1 ? TLS_DONE : result_of(t, result);
}

bool
tls_conn_has_part(const struct tls_conn *t)
{
	return SSL_has_pending(t->ssl);
}

bool
tls_conn_write(struct tls_conn *t, struct span bytes)
{
	size_t written;

	assert(!t->over);
	if (bytes.len == 0)
		return true;
	forget_errors();
	if (SSL_write_ex(t->ssl, bytes.at, bytes.len, &written) == 1)
		return true;
	t->over = true;
	return false;
}

bool
tls_conn_may_close(const struct tls_conn *t)
{
	return !t->over && SSL_is_init_finished(t->ssl);
}

void
tls_conn_close(struct tls_conn *t)
{
	if (!tls_conn_may_close(t))
		return;
	t->over = true;
	forget_errors();
	SSL_shutdown(t->ssl);
}

bool
tls_conn_is_over(const struct tls_conn *t)
{
	return t->over;
}

size_t
tls_conn_sealed_max(size_t len)
{
	return len + (len / RECORD_PLAIN + 1) * RECORD_EXTRA;
}
