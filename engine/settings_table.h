/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_SETTINGS_TABLE_H
#define ENGINE_SETTINGS_TABLE_H
/*
 * settings.def as an array, and what can be said of one row: between settings.c,
 * settings_table.c, settings_listen.c, settings_upstream.c, settings_domain.c, settings_auth.c,
 * settings_policy.c and settings_print.c only.
 */
#include "engine/settings.h"

#define SETTINGS_HOST_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"

enum settings_kind { SETTINGS_U32, SETTINGS_BOOL, SETTINGS_TEXT, SETTINGS_CHOICE };

struct settings_row {
	const char *name;
	const char *unit; /* CHOICE: the choices, separated by '|' */
	const char *meaning;
	const char *text; /* default of BOOL, TEXT, CHOICE */
	size_t offset;    /* in struct settings; of a domain's: in its first domain */
	enum settings_kind kind;
	bool is_domain;  /* one for each TLS domain */
	uint32_t number; /* default of U32 */
	uint32_t min, max;
};

extern const struct settings_row settings_table[];
extern const size_t settings_table_len;

/* Always false, so that a check can end with it. */
bool settings_fail(char error[SETTINGS_ERROR_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* NULL: there is no such setting. */
const struct settings_row *settings_table_find(const char *name);

/* A name that OpenSIPS or the design has, and this version has not. */
bool settings_table_is_future(const char *name);

/* The name most like this one; NULL when none is at all alike. */
const char *settings_table_nearest(const char *name);

bool settings_table_parse(const struct settings_row *row, struct settings *s, const char *value,
			  char error[SETTINGS_ERROR_MAX]);

/* Set it to its default. */
void settings_table_default(const struct settings_row *row, struct settings *s);

/* "[DOMAIN]value" of a domain's setting; without [DOMAIN]: of the default one. */
bool settings_domain_set(struct settings *s, const struct settings_row *row, const char *value,
			 char error[SETTINGS_ERROR_MAX]);

/* Add a domain, all its settings at their defaults. */
bool settings_domain_add(struct settings *s, const char *name, bool client,
			 char error[SETTINGS_ERROR_MAX]);

/* Do the domains go together, and are those there that listeners and upstreams need? */
bool settings_domain_check(const struct settings *s, char error[SETTINGS_ERROR_MAX]);

/* Add a rule; see policy.h. */
bool settings_policy_add(struct settings *s, const char *text, char error[SETTINGS_ERROR_MAX]);

/* Check the rules and routing.methods, when all listeners are known. */
bool settings_policy_finish(struct settings *s, char error[SETTINGS_ERROR_MAX]);

/* Check auth.* and fill the order of algorithms. */
bool settings_auth_finish(struct settings *s, char error[SETTINGS_ERROR_MAX]);

/* The row as it is for another domain. */
struct settings_row settings_domain_row(const struct settings_row *row, uint32_t domain);

#define SETTINGS_VALUE_MAX (SETTINGS_TEXT_MAX + 2)

/* The value of a row as settings_table_parse() takes it. */
void settings_table_format(const struct settings_row *row, const struct settings *s,
			   char out[SETTINGS_VALUE_MAX]);

#endif
