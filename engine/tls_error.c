/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tls_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

/* The reason of an error that is the peer's alert is its number above this. */
#define ALERT_REASONS SSL_AD_REASON_OFFSET

static const char *
reason_words(unsigned long code)
{
	const char *words = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) :
						     ERR_reason_error_string(code);

	return words ? words : "no reason given";
}

static bool
is_alert(unsigned long code)
{
	return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) > ALERT_REASONS &&
	       ERR_GET_REASON(code) <= ALERT_REASONS + 255;
}

bool
tls_error_of(const SSL *ssl, char words[TLS_ERROR_MAX])
{
	unsigned long code = ERR_peek_error();
	bool alert = is_alert(code);
	long verdict = SSL_get_verify_result(ssl);

	if (alert)
		snprintf(words, TLS_ERROR_MAX, "alert from the peer: %s",
			 SSL_alert_desc_string_long(ERR_GET_REASON(code) - ALERT_REASONS));
	else if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK)
		snprintf(words, TLS_ERROR_MAX, "%s: %s", reason_words(code),
			 X509_verify_cert_error_string(verdict));
	else
		snprintf(words, TLS_ERROR_MAX, "%s", code ? reason_words(code) : "stream broken");
	ERR_clear_error();
	return alert;
}

bool
tls_error_fail(char *error, size_t cap, const char *what, const char *which)
{
	/* The first error is the cause, the last but says what it was for. */
	unsigned long code = ERR_peek_error();

	if (code)
		snprintf(error, cap, "%s '%.120s': %s", what, which, reason_words(code));
	else
		snprintf(error, cap, "%s '%.120s'", what, which);
	ERR_clear_error();
	return false;
}
