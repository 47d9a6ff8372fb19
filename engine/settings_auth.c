/* SPDX-License-Identifier: Apache-2.0 */
/* auth.*: what can be said of it before the file of users is read. */
#include <string.h>
#include "codec/sip_digest.h"
#include "engine/settings.h"
#include "engine/settings_table.h"

static bool
algorithm_add(struct settings *s, struct span name, char error[SETTINGS_ERROR_MAX])
{
	enum sip_digest_algorithm algorithm;

	if (!name.len || !sip_digest_lookup(name, &algorithm))
		return settings_fail(error,
				     "setting 'auth.algorithms': '%.*s' is none of MD5, SHA-256, "
				     "SHA-512-256",
				     name.len < 60 ? (int)name.len : 60, name.at);
	/* RFC 8760 §2.5: no two challenges of one realm and algorithm */
	if (memchr(s->auth_order, (int)algorithm, s->auth_order_len))
		return settings_fail(error, "setting 'auth.algorithms': '%.*s' is named twice",
				     (int)name.len, name.at);
	s->auth_order[s->auth_order_len++] = (uint8_t)algorithm;
	return true;
}

bool
settings_auth_finish(struct settings *s, char error[SETTINGS_ERROR_MAX])
{
	const char *at = s->auth_algorithms;
	bool ok = true;

	_Static_assert(SETTINGS_ALGORITHMS_MAX == SIP_DIGEST_ALGORITHMS, "each of them once");
	s->auth_order_len = 0;
	for (size_t len; ok; at += len + 1) {
		len = strcspn(at, ",");
		ok = algorithm_add(s, span_trim(span_of(at, len)), error);
		if (!at[len])
			break;
	}
	if (ok && strpbrk(s->auth_realm, "\"\\"))
		return settings_fail(error,
				     "setting 'auth.realm': '%.80s' has quotes or backslashes",
				     s->auth_realm);
	if (ok && s->auth_users[0] && s->mode != SETTINGS_MODE_REGISTRAR)
		return settings_fail(error,
				     "auth.users: only routing.mode registrar authenticates");
	return ok;
}
