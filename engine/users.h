/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_USERS_H
#define ENGINE_USERS_H
/*
 * Who may authenticate: lines of the kind that htdigest writes,
 *
 *     user:realm:HA1                of MD5
 *     user:realm:ALGORITHM:HA1      MD5, SHA-256 or SHA-512-256 (RFC 7616)
 *
 * with HA1 = hash of "user:realm:password" in hex digits. One line for each user and algorithm;
 * empty lines and those that begin with '#' do not count.
 *
 * Parsing is pure. What it makes never changes: any thread may read it.
 */
#include "codec/sip_digest.h"
#include "engine/settings.h"

#define USERS_REALMS_MAX 64

struct users; /* opaque */

/* `text` is copied. NULL: `error` says what is wrong, and in which line. */
struct users *users_parse(struct span text, char error[SETTINGS_ERROR_MAX]);

/* The same of a file. */
struct users *users_read(const char *file, char error[SETTINGS_ERROR_MAX]);

void users_free(struct users *u); /* NULL: nothing */

size_t users_count(const struct users *u); /* lines */

bool users_has_realm(const struct users *u, struct span realm);

/*
 * May a challenge of this realm name the algorithm? When every user of the realm has a line for it:
 * else a client would pick one that it cannot succeed with.
 */
bool users_offer(const struct users *u, struct span realm, enum sip_digest_algorithm algorithm);

/* The user's HA1, sip_digest_hex_len() lower-case digits; at NULL: there is none. */
struct span users_find(const struct users *u, struct span user, struct span realm,
		       enum sip_digest_algorithm algorithm);

#endif
