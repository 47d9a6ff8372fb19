/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_TLS_ERROR_H
#define ENGINE_TLS_ERROR_H
/*
 * Why something of TLS failed, in words: what OpenSSL left in its error queue, which is per thread,
 * and empty afterwards. The calling thread's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <openssl/ssl.h>

#define TLS_ERROR_MAX 192 /* bytes of the words */

/*
 * Of a connection: "alert from the peer: unknown CA", "certificate verify failed: certificate has
 * expired", "no shared cipher". True: the peer's alert.
 */
bool tls_error_of(const SSL *ssl, char words[TLS_ERROR_MAX]);

/* Of anything else: files, settings. Always false, so that a check can end with it. */
bool tls_error_fail(char *error, size_t cap, const char *what, const char *which);

#endif
