/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_TLS_CERT_H
#define ENGINE_TLS_CERT_H
/*
 * Certificates, keys, CAs, revocation lists and OCSP responses out of files into a context, and the
 * checks before they are used. Reads files: not on a loop's thread.
 */
#include <stdbool.h>
#include <stdint.h>
#include <openssl/ssl.h>
#include "engine/settings.h"

#define TLS_CERT_MAX 4u /* of one domain */

/* An OCSP response to staple, beside the certificate that it is of. */
struct tls_cert_ocsp {
	X509 *certificate; /* of the context */
	uint8_t *bytes;    /* DER, malloc()ed; NULL: none at present */
	uint32_t len;
};

struct tls_cert {
	int64_t expires_s; /* first of all in the chains, s since 1970; INT64_MAX: no certificate */
	uint32_t ocsp_len;
	struct tls_cert_ocsp ocsp[TLS_CERT_MAX];
};

/*
 * The certificates of the domain with their keys and responses. Each must fit its key, be
 * valid now, and be signed by the next in its file. False: `error` says which does not.
 */
bool tls_cert_load(struct tls_cert *c, SSL_CTX *context, const struct settings_domain *d,
		   char error[SETTINGS_ERROR_MAX]);
void tls_cert_free(struct tls_cert *c);

/* Whom to trust: tls.ca_list, ca_dir and crl_dir; the system's CAs for a client without any. */
bool tls_cert_trust(SSL_CTX *context, const struct settings_domain *d,
		    char error[SETTINGS_ERROR_MAX]);

/* Item `i` of a list with commas, without blanks, NUL-terminated. False: there are fewer. */
bool tls_cert_item(const char *list, uint32_t i, char out[SETTINGS_TEXT_MAX]);

#endif
