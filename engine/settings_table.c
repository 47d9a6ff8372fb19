/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/settings_table.h"
#include <assert.h>
#include <string.h>
#include "codec/utf8.h"

#define ROW(kind_, symbol_, name_, unit_, meaning_)                                                \
	.name = name_, .unit = unit_, .meaning = meaning_, .kind = SETTINGS_##kind_,               \
	.offset = offsetof(struct settings, symbol_)
#define ROW_LIMITS(min_, max_) .min = min_, .max = max_
#define ROW_DEFAULT_U32(default_) .number = default_
#define ROW_DEFAULT_BOOL(default_) .text = #default_
#define ROW_DEFAULT_TEXT(default_) .text = default_
#define ROW_DEFAULT_CHOICE(default_) .text = default_

const struct settings_row settings_table[] = {
#define SETTING(kind_, symbol_, name_, unit_, default_, min_, max_, meaning_)                      \
	{ ROW(kind_, symbol_, name_, unit_, meaning_), ROW_DEFAULT_##kind_(default_),              \
	  ROW_LIMITS(min_, max_) },
#define DOMAIN(kind_, symbol_, name_, unit_, default_, min_, max_, meaning_)                       \
	{ ROW(kind_, domains[0].symbol_, name_, unit_, meaning_), ROW_DEFAULT_##kind_(default_),   \
	  ROW_LIMITS(min_, max_), .is_domain = true },
#include "engine/settings.def"
#undef SETTING
#undef DOMAIN
};

const size_t settings_table_len = sizeof(settings_table) / sizeof(settings_table[0]);

/* Whole names, and beginnings of names (those that end in '.' or '_'). */
static const char *const future_names[] = {
	"trace_destination",
	"trace_on",
	"trace_filter_route",
	"trace_",
	"tls.dh_params",
	"tls_",
	"admin.",
	"upstreams",
	"upstream.",
	"upstreams.",
};

const struct settings_row *
settings_table_find(const char *name)
{
	for (size_t i = 0; i < settings_table_len; i++)
		if (strcmp(settings_table[i].name, name) == 0)
			return &settings_table[i];
	return NULL;
}

bool
settings_table_is_future(const char *name)
{
	for (size_t i = 0; i < sizeof(future_names) / sizeof(future_names[0]); i++) {
		const char *future = future_names[i];
		size_t len = strlen(future);
		bool is_beginning = future[len - 1] == '.' || future[len - 1] == '_';

		if (is_beginning ? strncmp(name, future, len) == 0 : strcmp(name, future) == 0)
			return true;
	}
	return false;
}

#define DISTANCE_NAME_MAX 64

/* Letters to insert, delete or replace until `a` is `b` (Levenshtein). */
static size_t
distance(const char *a, const char *b)
{
	size_t row[DISTANCE_NAME_MAX + 1];
	size_t b_len = strlen(b);

	assert(b_len <= DISTANCE_NAME_MAX);
	for (size_t k = 0; k <= b_len; k++)
		row[k] = k;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t k = 1; k <= b_len; k++) {
			size_t best = diagonal + (a[i - 1] != b[k - 1]);

			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (row[k - 1] + 1 < best)
				best = row[k - 1] + 1;
			diagonal = row[k];
			row[k] = best;
		}
	}
	return row[b_len];
}

/* The part after the last dot. */
static const char *
last_part(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

const char *
settings_table_nearest(const char *name)
{
	const char *nearest = NULL;
	size_t nearest_distance = SIZE_MAX;

	for (size_t i = 0; i < settings_table_len; i++) {
		const char *known = settings_table[i].name;
		size_t d = distance(name, known);

		/* a forgotten or wrong group is one mistake, whatever its length */
		if (d > 1 && strcmp(last_part(name), last_part(known)) == 0)
			d = 1;
		if (d < nearest_distance) {
			nearest_distance = d;
			nearest = known;
		}
	}
	return nearest_distance <= 1 + strlen(name) / 3 ? nearest : NULL;
}

static bool
parse_u32(const struct settings_row *row, uint32_t *field, const char *value,
	  char error[SETTINGS_ERROR_MAX])
{
	uint64_t n = 0;
	const char *at = value;

	while (*at >= '0' && *at <= '9' && n <= UINT32_MAX)
		n = n * 10 + (uint64_t)(*at++ - '0');
	if (at == value || (*at != '\0' && n <= UINT32_MAX))
		return settings_fail(
			error,
			"setting '%s': '%.60s' is not a number; it must be one from %u "
			"to %u (%s)",
			row->name, value, row->min, row->max, row->unit);
	if (n < row->min || n > row->max)
		return settings_fail(error,
				     "setting '%s': %.60s is out of range; it must be from "
				     "%u to %u (%s)",
				     row->name, value, row->min, row->max, row->unit);
	*field = (uint32_t)n;
	return true;
}

static bool
parse_bool(const struct settings_row *row, bool *field, const char *value,
	   char error[SETTINGS_ERROR_MAX])
{
	static const char *const words[] = { "0", "1", "no", "yes", "off", "on", "false", "true" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(value, words[i]) == 0) {
			*field = i % 2 == 1;
			return true;
		}
	return settings_fail(error,
			     "setting '%s': '%.60s' is neither yes (1, on, true) nor no (0, "
			     "off, false)",
			     row->name, value);
}

static bool
parse_text(const struct settings_row *row, char *field, const char *value,
	   char error[SETTINGS_ERROR_MAX])
{
	size_t len = strlen(value);

	assert(row->max < SETTINGS_TEXT_MAX);
	if (len > row->max)
		return settings_fail(error, "setting '%s': %zu bytes are too long; it may have %u",
				     row->name, len, row->max);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return settings_fail(error, "setting '%s': byte %zu is a control character",
					     row->name, i + 1);
	if (!utf8_valid((const uint8_t *)value, len))
		return settings_fail(error, "setting '%s': must be UTF-8", row->name);
	memcpy(field, value, len + 1);
	return true;
}

static bool
parse_choice(const struct settings_row *row, uint32_t *field, const char *value,
	     char error[SETTINGS_ERROR_MAX])
{
	const char *at = row->unit;
	uint32_t choice = 0;

	for (;;) {
		size_t len = strcspn(at, "|");

		if (strlen(value) == len && memcmp(at, value, len) == 0) {
			*field = choice;
			return true;
		}
		if (at[len] == '\0')
			break;
		at += len + 1;
		choice++;
	}
	return settings_fail(error, "setting '%s': '%.60s' is none of its choices: %s", row->name,
			     value, row->unit);
}

bool
settings_table_parse(const struct settings_row *row, struct settings *s, const char *value,
		     char error[SETTINGS_ERROR_MAX])
{
	void *field = (char *)s + row->offset;

	switch (row->kind) {
	case SETTINGS_U32:
		return parse_u32(row, field, value, error);
	case SETTINGS_BOOL:
		return parse_bool(row, field, value, error);
	case SETTINGS_TEXT:
		return parse_text(row, field, value, error);
	case SETTINGS_CHOICE:
		break;
	}
	assert(row->kind == SETTINGS_CHOICE);
	return parse_choice(row, field, value, error);
}

void
settings_table_default(const struct settings_row *row, struct settings *s)
{
	char error[SETTINGS_ERROR_MAX];
	bool good = true;

	if (row->kind == SETTINGS_U32)
		memcpy((char *)s + row->offset, &row->number, sizeof(row->number));
	else
		good = settings_table_parse(row, s, row->text, error);
	assert(good);
}

static void
format_choice(const struct settings_row *row, uint32_t choice, char out[SETTINGS_VALUE_MAX])
{
	const char *at = row->unit;

	while (choice--) {
		at = strchr(at, '|');
		assert(at);
		at++;
	}
	snprintf(out, SETTINGS_VALUE_MAX, "%.*s", (int)strcspn(at, "|"), at);
}

void
settings_table_format(const struct settings_row *row, const struct settings *s,
		      char out[SETTINGS_VALUE_MAX])
{
	const void *field = (const char *)s + row->offset;

	switch (row->kind) {
	case SETTINGS_U32:
		snprintf(out, SETTINGS_VALUE_MAX, "%u", *(const uint32_t *)field);
		return;
	case SETTINGS_BOOL:
		snprintf(out, SETTINGS_VALUE_MAX, "%s", *(const bool *)field ? "yes" : "no");
		return;
	case SETTINGS_TEXT:
		snprintf(out, SETTINGS_VALUE_MAX, "%s", (const char *)field);
		return;
	case SETTINGS_CHOICE:
		break;
	}
	assert(row->kind == SETTINGS_CHOICE);
	format_choice(row, *(const uint32_t *)field, out);
}
