/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/users.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "codec/scan.h"

#define FILE_MAX (1u << 30)

struct user {
	struct span name, realm, ha1; /* at NULL: a free place */
	enum sip_digest_algorithm algorithm;
};

struct realm {
	struct span name;
	size_t users;
	size_t of[SIP_DIGEST_ALGORITHMS]; /* that have a line for it */
};

struct users {
	char *text;
	struct user *places; /* open addressing, at most half full */
	size_t mask, len;
	struct realm realms[USERS_REALMS_MAX];
	size_t realms_len;
};

/* FNV-1a: what is in the table its owner chose, and nobody else can make it uneven. */
static size_t
hash(struct span name, struct span realm, enum sip_digest_algorithm algorithm)
{
	uint64_t h = UINT64_C(0xCBF29CE484222325) ^ (uint64_t)algorithm;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.at[i]) * UINT64_C(0x100000001B3);
	for (size_t i = 0; i < realm.len; i++)
		h = (h ^ (unsigned char)realm.at[i]) * UINT64_C(0x100000001B3);
	return (size_t)(h ^ h >> 32);
}

/* Its place, or the one that it would get. */
static struct user *
place_of(const struct users *u, struct span name, struct span realm,
	 enum sip_digest_algorithm algorithm)
{
	size_t at = hash(name, realm, algorithm);

	for (;; at++) {
		struct user *place = &u->places[at & u->mask];

		if (!place->name.at ||
		    (place->algorithm == algorithm && span_equal(place->name, name) &&
		     span_equal(place->realm, realm)))
			return place;
	}
}

/* realms_len: not there. */
static size_t
realm_index(const struct users *u, struct span name)
{
	size_t i = 0;

	while (i < u->realms_len && !span_equal(u->realms[i].name, name))
		i++;
	return i;
}

/* ---- reading ---- */

/* Up to the next colon, which is passed over, or all that is left. */
static struct span
part(struct span *rest)
{
	const char *colon = rest->len ? memchr(rest->at, ':', rest->len) : NULL;
	struct span found = colon ? span_of(rest->at, (size_t)(colon - rest->at)) : *rest;
	size_t used = found.len + (colon != NULL);

	*rest = span_of(rest->at + used, rest->len - used);
	return found;
}

/* May it stand in quotes as it is? */
static bool
is_plain(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7F || text.at[i] == '"' ||
		    text.at[i] == '\\')
			return false;
	return text.len > 0;
}

static const char *
line_read(struct span line, struct user *out)
{
	struct span third;

	out->name = part(&line);
	out->realm = part(&line);
	third = part(&line);
	out->ha1 = line.len ? line : third;
	if (!is_plain(out->name))
		return "the user has no name, or one with quotes, backslashes or controls";
	if (!is_plain(out->realm))
		return "the realm has no name, or one with quotes, backslashes or controls";
	if (!sip_digest_lookup(line.len ? third : SPAN(""), &out->algorithm) ||
	    (line.len && !third.len))
		return "the algorithm is none of MD5, SHA-256, SHA-512-256";
	if (out->ha1.len != sip_digest_hex_len(out->algorithm) || !scan_all(out->ha1, SCAN_HEX))
		return "HA1 must be 32 (MD5) or 64 hex digits";
	return NULL;
}

static const char *
realm_count(struct users *u, const struct user *user)
{
	size_t i = realm_index(u, user->realm);
	struct realm *realm = &u->realms[i];
	bool known = false;

	if (i == USERS_REALMS_MAX)
		return "there are too many realms";
	if (i == u->realms_len)
		u->realms[u->realms_len++] = (struct realm){ .name = user->realm };
	for (int a = 0; a < SIP_DIGEST_ALGORITHMS; a++)
		known |= users_find(u, user->name, user->realm, (enum sip_digest_algorithm)a).at !=
			 NULL;
	realm->users += !known;
	realm->of[user->algorithm]++;
	return NULL;
}

static const char *
line_add(struct users *u, struct span line)
{
	struct user user, *place;
	const char *wrong = line_read(line, &user);

	if (wrong)
		return wrong;
	place = place_of(u, user.name, user.realm, user.algorithm);
	if (place->name.at)
		return "the user has a line for this realm and algorithm already";
	wrong = realm_count(u, &user);
	if (wrong)
		return wrong;
	for (size_t i = 0; i < user.ha1.len; i++)
		u->text[user.ha1.at + i - u->text] = span_lower(user.ha1.at[i]);
	*place = user;
	u->len++;
	return NULL;
}

/* Without its end: LF, or CRLF as other machines write it. */
static struct span
next_line(struct span *rest)
{
	const char *end = memchr(rest->at, '\n', rest->len);
	struct span line = end ? span_of(rest->at, (size_t)(end - rest->at)) : *rest;
	size_t used = line.len + (end != NULL);

	*rest = span_of(rest->at + used, rest->len - used);
	return span_trim(line);
}

static bool
lines_add(struct users *u, struct span text, char error[SETTINGS_ERROR_MAX])
{
	const char *wrong = NULL;

	for (size_t n = 1; text.len; n++) {
		struct span line = next_line(&text);

		if (line.len && line.at[0] != '#')
			wrong = line_add(u, line);
		if (wrong) {
			snprintf(error, SETTINGS_ERROR_MAX, "line %zu: %s", n, wrong);
			return false;
		}
	}
	return true;
}

static bool
places_make(struct users *u, struct span text)
{
	size_t lines = 1, len = 8;

	for (size_t i = 0; i < text.len; i++)
		lines += text.at[i] == '\n';
	while (len < 2 * lines)
		len *= 2;
	u->mask = len - 1;
	u->places = calloc(len, sizeof(*u->places));
	u->text = malloc(text.len + 1);
	if (u->text && text.len)
		memcpy(u->text, text.at, text.len);
	return u->places && u->text;
}

struct users *
users_parse(struct span text, char error[SETTINGS_ERROR_MAX])
{
	struct users *u = calloc(1, sizeof(*u));
	bool ok = u && places_make(u, text);

	if (!ok)
		snprintf(error, SETTINGS_ERROR_MAX, "no memory");
	if (ok && lines_add(u, span_of(u->text, text.len), error))
		return u;
	users_free(u);
	return NULL;
}

/* All of a file that can be read at once; NULL: errno. */
static char *
file_read(const char *name, size_t *len)
{
	FILE *in = fopen(name, "re");
	size_t cap = 0, n;
	char *text = NULL, *larger;

	*len = 0;
	if (!in)
		return NULL;
	do {
		cap = cap ? 2 * cap : 65536;
		larger = cap <= FILE_MAX ? realloc(text, cap) : NULL;
		if (!larger)
			break;
		text = larger;
		n = fread(text + *len, 1, cap - *len, in);
		*len += n;
	} while (*len == cap);
	if (!larger || ferror(in)) {
		errno = larger ? errno : ENOMEM;
		free(text);
		text = NULL;
	}
	fclose(in);
	return text;
}

struct users *
users_read(const char *file, char error[SETTINGS_ERROR_MAX])
{
	char why[SETTINGS_ERROR_MAX];
	struct users *u = NULL;
	size_t len;
	char *text = file_read(file, &len);

	if (text)
		u = users_parse(span_of(text, len), why);
	else
		snprintf(why, sizeof(why), "%s", strerror(errno));
	if (!u)
		snprintf(error, SETTINGS_ERROR_MAX, "auth.users: %.100s: %.120s", file, why);
	free(text);
	return u;
}

void
users_free(struct users *u)
{
	if (!u)
		return;
	free(u->places);
	free(u->text);
	free(u);
}

/* ---- asking ---- */

size_t
users_count(const struct users *u)
{
	return u->len;
}

bool
users_has_realm(const struct users *u, struct span realm)
{
	return realm_index(u, realm) < u->realms_len;
}

bool
users_offer(const struct users *u, struct span realm, enum sip_digest_algorithm algorithm)
{
	size_t i = realm_index(u, realm);

	return i < u->realms_len && u->realms[i].of[algorithm] == u->realms[i].users;
}

struct span
users_find(const struct users *u, struct span user, struct span realm,
	   enum sip_digest_algorithm algorithm)
{
	return place_of(u, user, realm, algorithm)->ha1;
}
