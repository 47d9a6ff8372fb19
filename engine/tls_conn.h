/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_TLS_CONN_H
#define ENGINE_TLS_CONN_H
/*
 * TLS on one connection, either side, with no I/O of its own: ciphertext comes in as a slice of
 * whatever buffer it lies in, and leaves piece by piece through a function of the caller's. An idle
 * connection keeps no buffer; a record that has not come whole stays in OpenSSL.
 *
 * One thread. Nothing here waits.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <openssl/ssl.h>
#include "codec/span.h"
#include "engine/tls_error.h"

/*
 * Where the operation under way reads and writes; one for all connections of a thread. The caller
 * sets `in` and `arg` before each operation; what is taken is taken from the front of `in`.
 */
struct tls_io {
	struct span in;
	bool (*put)(void *arg, struct span bytes); /* false: no memory, the connection is lost */
	void *arg;
	const void *listener; /* that the connection came to, for who chooses its certificate */
	BIO *bio;             /* one for all of them, while there are any; not the caller's */
};

enum tls_result {
	TLS_DONE,
	TLS_MORE,   /* all of `in` was taken; go on when more bytes have come */
	TLS_END,    /* close_notify: the peer says no more */
	TLS_FAILED, /* an alert came, or was put for the peer to know; words say why */
};

struct tls_conn;
struct tls_set;

/* Before the first connection, once in a process (again is harmless). False: no memory. */
bool tls_conn_setup(void);

/*
 * A connection with the settings of `context`, which it keeps alive; `io` must stay. NULL: no
 * memory.
 */
struct tls_conn *tls_conn_new(SSL_CTX *context, struct tls_io *io, bool client);

/* Keep this set until the handshake is done: its callbacks look into it. */
void tls_conn_keep(struct tls_conn *t, struct tls_set *set);

/* NULL is harmless. */
void tls_conn_free(struct tls_conn *t);

/* In a callback of OpenSSL. */
struct tls_io *tls_conn_io(SSL *ssl);

/* For names to send and to verify; not for I/O. */
SSL *tls_conn_ssl(const struct tls_conn *t);

/* The handshake, as far as the bytes there are allow. At most one asymmetric operation is made of
 * the server's, and none without bytes. */
enum tls_result tls_conn_handshake(struct tls_conn *t);
bool tls_conn_is_secure(const struct tls_conn *t); /* it is done */

/*
 * One record's plaintext, at most 16 KB of it, into bytes[0..cap); *len is 0 where there was none.
 * The bytes may lie in `in`'s own buffer, in front of what is not taken yet: a record is taken
 * whole before it is written, and is longer than its plaintext; only of a record that began in an
 * earlier slice (tls_conn_has_part()) may there be more plaintext than slice.
 */
enum tls_result tls_conn_read(struct tls_conn *t, uint8_t *bytes, size_t cap, size_t *len);
bool tls_conn_has_part(const struct tls_conn *t);

/* Encrypt all of it. False: TLS_FAILED. */
bool tls_conn_write(struct tls_conn *t, struct span bytes);

/* Put a close_notify, unless the stream has ended in another way or the handshake is not done. */
void tls_conn_close(struct tls_conn *t);
bool tls_conn_may_close(const struct tls_conn *t); /* would that put one? */

/* Nothing can be written any more. */
bool tls_conn_is_over(const struct tls_conn *t);

/* Bytes that `len` bytes of plaintext become at most. */
size_t tls_conn_sealed_max(size_t len);

#endif
