/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/opensips_import.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "engine/opensips_lexer.h"
#include "engine/settings_table.h"

struct import {
	const char *name; /* of the file */
	struct opensips_lexer lexer;
	struct opensips_token token; /* the one before lexer */
	struct settings settings;
	FILE *report;
	bool script;       /* there is one */
	bool verify_given; /* tls_mgm's verify_cert or require_cert */
};

struct mapping {
	const char *module;
	const char *name;
	const char *setting; /* NULL: nothing */
	const char *remark;  /* NULL: the same */
};

static const struct mapping mappings[] = {
#define SAME(module, name, setting) { module, name, setting, NULL },
#define DIFFERS(module, name, setting, how) { module, name, setting, how },
#define NOTHING(module, name, why) { module, name, NULL, why },
#include "engine/opensips_map.def"
#undef SAME
#undef DIFFERS
#undef NOTHING
};

static void say(struct import *i, unsigned line, const char *verdict, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void
say(struct import *i, unsigned line, const char *verdict, const char *format, ...)
{
	va_list args;

	fprintf(i->report, "%-8s%s:%u: ", verdict, i->name, line);
	va_start(args, format);
	vfprintf(i->report, format, args);
	va_end(args);
	fputc('\n', i->report);
}

static bool
set(struct import *i, const char *setting, const char *value, char error[SETTINGS_ERROR_MAX])
{
	char assignment[OPENSIPS_TEXT_MAX + 128];

	snprintf(assignment, sizeof(assignment), "%s=%s", setting, value);
	return settings_set(&i->settings, assignment, error);
}

/* OpenSIPS has words for the numbers 0 and 1. */
static const char *
as_number(const char *value)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(value, words[i]) == 0)
			return i % 2 ? "1" : "0";
	return value;
}

/* What our own checks say of a value decides whether it is taken over. */
static void
take(struct import *i, unsigned line, const char *setting, const char *value, const char *remark)
{
	char error[SETTINGS_ERROR_MAX];

	if (!set(i, setting, value, error) && !set(i, setting, as_number(value), error))
		say(i, line, "none", "%s", error);
	else if (remark)
		say(i, line, "differs", "%s: %s", setting, remark);
	else
		say(i, line, "same", "%s = %s", setting, value);
}

static bool
matches(const char *pattern, const char *name)
{
	size_t len = strlen(pattern), name_len = strlen(name);

	if (pattern[0] == '*')
		return name_len >= len - 1 && strcmp(name + name_len - (len - 1), pattern + 1) == 0;
	if (pattern[len - 1] == '*')
		return strncmp(name, pattern, len - 1) == 0;
	return strcmp(name, pattern) == 0;
}

static const struct mapping *
find(const char *module, const char *name)
{
	for (size_t i = 0; i < sizeof(mappings) / sizeof(mappings[0]); i++)
		if (strcmp(mappings[i].module, module) == 0 && matches(mappings[i].name, name))
			return &mappings[i];
	return NULL;
}

/* False: not one that concerns us. */
static bool
take_parameter(struct import *i, unsigned line, const char *module, const char *name,
	       const char *value)
{
	const struct mapping *m = find(module, name);

	if (!m)
		return false;
	if (m->setting)
		take(i, line, m->setting, value, m->remark);
	else
		say(i, line, "none", "%s%s%s: %s", module, *module ? "." : "", name, m->remark);
	return true;
}

/* ---- tls_mgm ---- */

/* "name", or as before 3.0 "name=IP:PORT". */
static void
take_domain(struct import *i, unsigned line, const char *value, bool client)
{
	const char *setting = client ? "tls.client_domain" : "tls.server_domain";
	char name[OPENSIPS_TEXT_MAX], address[OPENSIPS_TEXT_MAX + SETTINGS_DOMAIN_NAME_MAX];
	size_t len = strcspn(value, "=");

	snprintf(name, sizeof(name), "%.*s", (int)len, value);
	if (strcmp(name, client ? "client" : "default") == 0)
		say(i, line, "same", "%s = %s (is always there)", setting, name);
	else
		take(i, line, setting, name, NULL);
	if (value[len] == '=') {
		snprintf(address, sizeof(address), "[%.*s]%s", (int)len, value, value + len + 1);
		take(i, line, "tls.match_ip_address", address, NULL);
	}
}

/* Versions below 1.2 are cut off: "TLSv1-TLSv1_2" has something left, "TLSv1" has not. */
static void
take_method(struct import *i, unsigned line, const char *value)
{
	const char *end = *value == '[' ? strchr(value, ']') : NULL;
	const char *range = end ? end + 1 : value;
	const char *high = strchr(range, '-');
	char cut[OPENSIPS_TEXT_MAX + 16];
	bool old = strncmp(range, "TLSv1-", 6) == 0 || strncmp(range, "TLSv1_1-", 8) == 0;

	snprintf(cut, sizeof(cut), "%.*sTLSv1_2%s", (int)(range - value), value, old ? high : "");
	if (old)
		take(i, line, "tls.tls_method", cut, "there is nothing below TLS 1.2 (RFC 9325)");
	else if (strcmp(range, "TLSv1") == 0 || strcmp(range, "TLSv1_1") == 0 ||
		 strcmp(range, "SSLv2") == 0 || strcmp(range, "SSLv3") == 0)
		say(i, line, "none", "tls_method %s: there is nothing below TLS 1.2 (RFC 9325)",
		    range);
	else
		take(i, line, "tls.tls_method", value, NULL);
}

static void
take_module(struct import *i, unsigned line, const char *module, const char *name,
	    const char *value)
{
	bool tls = strcmp(module, "tls_mgm") == 0;

	if (tls && (strcmp(name, "server_domain") == 0 || strcmp(name, "client_domain") == 0)) {
		take_domain(i, line, value, name[0] == 'c');
		return;
	}
	if (tls && strcmp(name, "tls_method") == 0) {
		take_method(i, line, value);
		return;
	}
	if (tls && (strcmp(name, "verify_cert") == 0 || strcmp(name, "require_cert") == 0))
		i->verify_given = true;
	take_parameter(i, line, module, name, value);
}

/* ---- the core ---- */

static void
add_to_list(struct import *i, unsigned line, const char *setting, const char *list,
	    const char *item)
{
	char value[SETTINGS_TEXT_MAX + OPENSIPS_TEXT_MAX];

	snprintf(value, sizeof(value), "%s%s%s", list, *list ? "," : "", item);
	take(i, line, setting, value, NULL);
}

/* The host of [PROTO:]HOST[:PORT]. */
static void
host_of(const char *value, char out[OPENSIPS_TEXT_MAX])
{
	const char *colon = strchr(value, ':');

	if (*value != '[' && colon && colon[1] &&
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		value = colon + 1;
	snprintf(out, OPENSIPS_TEXT_MAX, "%.*s",
		 (int)(*value == '[' ? strcspn(value, "]") + 1 : strcspn(value, ":")), value);
}

static void
take_alias(struct import *i, unsigned line, const char *value)
{
	char host[OPENSIPS_TEXT_MAX];

	host_of(value, host);
	add_to_list(i, line, "routing.domains", i->settings.routing_domains, host);
}

static void
take_log_level(struct import *i, unsigned line, const char *value)
{
	long level = strtol(value, NULL, 10);

	take(i, line, "log_level",
	     level < 1 ? "error" :
	     level < 3 ? "warn" :
	     level < 4 ? "info" :
			 "debug",
	     NULL);
}

/* Socket options: those with a value, then those without. */
static const char *const options_with[] = {
	"as", "use_workers", "use_children", "tag", "tos", "frag", "use_auto_scaling_profile"
};
static const char *const options_alone[] = { "anycast",
					     "reuse_port",
					     "accept_subdomain",
					     "allow_proxy_protocol",
					     "send_proxy_protocol",
					     "proxy_protocol" };

static bool
is_one(const char *const *list, size_t len, const char *word)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return false;
}

static bool
next(struct import *i)
{
	return opensips_lexer_next(&i->lexer, &i->token);
}

static void
take_option(struct import *i, unsigned line, const char *option, const char *value)
{
	if (strcmp(option, "as") == 0)
		take(i, line, "routing.host", value, "one for all listeners");
	else if (strcmp(option, "reuse_port") == 0)
		say(i, line, "same", "%s: always", option);
	else if (strncmp(option, "use_", 4) == 0)
		say(i, line, "none", "%s: no worker processes: one loop for each processor",
		    option);
	else
		say(i, line, "none", "socket option %s", option);
}

/* What follows an address; stops before what is no option. */
static bool
take_options(struct import *i, bool ours)
{
	struct opensips_token option;

	for (;;) {
		bool with;

		if (!opensips_lexer_peek(&i->lexer, &option))
			return true; /* next() will tell */
		with = is_one(options_with, sizeof(options_with) / sizeof(options_with[0]),
			      option.text);
		if (option.kind != OPENSIPS_WORD ||
		    (!with &&
		     !is_one(options_alone, sizeof(options_alone) / sizeof(options_alone[0]),
			     option.text)))
			return true;
		if (!next(i) || (with && !next(i)))
			return false;
		if (ours)
			take_option(i, option.line, option.text, with ? i->token.text : "");
	}
}

static bool
take_socket(struct import *i, unsigned line, const char *value)
{
	bool ours = strncmp(value, "ws:", 3) == 0 || strncmp(value, "wss:", 4) == 0;
	bool hep = strncmp(value, "hep_", 4) == 0;
	char all[OPENSIPS_TEXT_MAX];

	if (ours && strchr(value, '*')) { /* every address */
		snprintf(all, sizeof(all), "%.*s0.0.0.0%s", (int)strcspn(value, "*"), value,
			 strchr(value, '*') + 1);
		take(i, line, "listen", all, "every IPv4 address; add [::] for IPv6");
	} else if (ours) {
		take(i, line, "listen", value, NULL);
	} else {
		say(i, line, "none", "socket %s: %s", value,
		    hep ? "this version has no HEP tracing" :
			  "only ws and wss are listened on; leave it to the SIP core");
	}
	return take_options(i, ours);
}

static bool
take_global(struct import *i, unsigned line, const char *name, const char *value)
{
	if (strcmp(name, "socket") == 0 || strcmp(name, "listen") == 0)
		return take_socket(i, line, value);
	if (strcmp(name, "alias") == 0)
		take_alias(i, line, value);
	else if (strcmp(name, "log_level") == 0)
		take_log_level(i, line, value);
	else if (strcmp(name, "advertised_address") == 0)
		take(i, line, "routing.host", value, NULL);
	else
		take_parameter(i, line, "", name, value);
	return true;
}

/* ---- statements ---- */

static bool
fail(struct import *i, unsigned line, char error[SETTINGS_ERROR_MAX], const char *what)
{
	return settings_fail(error, "%.100s:%u: %s", i->name, line, what);
}

/* Behind '{': to its '}'. */
static bool
skip_block(struct import *i, char error[SETTINGS_ERROR_MAX])
{
	unsigned line = i->token.line, depth = 1;

	while (depth) {
		if (!next(i))
			return fail(i, i->lexer.line, error, i->lexer.problem);
		if (i->token.kind == OPENSIPS_END)
			return fail(i, line, error, "a '{' without its '}'");
		depth += opensips_lexer_is(&i->token, OPENSIPS_MARK, "{");
		depth -= opensips_lexer_is(&i->token, OPENSIPS_MARK, "}");
	}
	i->script = true;
	return true;
}

static bool
is_value(const struct opensips_token *token)
{
	return token->kind == OPENSIPS_WORD || token->kind == OPENSIPS_TEXT;
}

/* ("module|module", "name", value) */
static bool
take_modparam(struct import *i, char error[SETTINGS_ERROR_MAX])
{
	static const char marks[] = { '(', ',', ',', ')' };
	char values[3][OPENSIPS_TEXT_MAX];
	unsigned line = i->token.line;
	char *rest = NULL;

	for (int k = 0; k < 4; k++) {
		if (!next(i))
			return fail(i, i->lexer.line, error, i->lexer.problem);
		if (i->token.kind != OPENSIPS_MARK || i->token.text[0] != marks[k])
			return fail(i, line, error,
				    "must be modparam(\"MODULE\", \"NAME\", VALUE)");
		if (k == 3)
			break;
		if (!next(i))
			return fail(i, i->lexer.line, error, i->lexer.problem);
		if (!is_value(&i->token))
			return fail(i, line, error,
				    "must be modparam(\"MODULE\", \"NAME\", VALUE)");
		memcpy(values[k], i->token.text, sizeof(values[k]));
	}
	for (char *module = strtok_r(values[0], "|", &rest); module;
	     module = strtok_r(NULL, "|", &rest))
		take_module(i, line, module, values[1], values[2]);
	return true;
}

/* NAME = VALUE; what is no such thing is of no interest. */
static bool
take_statement(struct import *i, char error[SETTINGS_ERROR_MAX])
{
	const struct opensips_token name = i->token;
	struct opensips_token value;

	if (opensips_lexer_is(&i->token, OPENSIPS_MARK, "{"))
		return skip_block(i, error);
	if (i->token.kind != OPENSIPS_WORD)
		return true;
	if (strcmp(i->token.text, "modparam") == 0)
		return take_modparam(i, error);
	if (strcmp(name.text, "include_file") == 0 || strcmp(name.text, "import_file") == 0)
		say(i, name.line, "none", "%s: files that are included are not read; import each",
		    name.text);
	if (!opensips_lexer_peek(&i->lexer, &value) ||
	    !opensips_lexer_is(&value, OPENSIPS_MARK, "="))
		return true;
	if (!next(i) || !next(i))
		return fail(i, i->lexer.line, error, i->lexer.problem);
	if (!is_value(&i->token))
		return fail(i, name.line, error, "a '=' without a value behind it");
	value = i->token; /* what follows moves on */
	return take_global(i, name.line, name.text, value.text) ||
	       fail(i, i->lexer.line, error, i->lexer.problem);
}

static bool
take_all(struct import *i, char error[SETTINGS_ERROR_MAX])
{
	for (;;) {
		if (!next(i))
			return fail(i, i->lexer.line, error, i->lexer.problem);
		if (i->token.kind == OPENSIPS_END)
			return true;
		if (!take_statement(i, error))
			return false;
	}
}

/* What a reader of both has to know, and no single line says. */
static void
say_notes(struct import *i)
{
	bool tls = i->settings.domains[SETTINGS_DOMAIN_SERVER].certificate[0] ||
		   i->settings.domains_len > SETTINGS_DOMAINS_FIXED;
	struct settings finished = i->settings;
	char error[SETTINGS_ERROR_MAX];

	if (i->script)
		fprintf(i->report,
			"note    the script (route blocks) is not read: see routing.mode\n");
	if (tls && !i->verify_given)
		fprintf(i->report,
			"note    without verify_cert and require_cert OpenSIPS refuses clients "
			"that have no certificate, as browsers have none; here they are let in\n");
	if (!settings_finish(&finished, error))
		fprintf(i->report, "note    to be settled: %s\n", error);
	if (i->settings.listeners_len == 0)
		fprintf(i->report, "note    no ws or wss socket was found; without any it will be "
				   "ws:127.0.0.1:8080\n");
}

bool
opensips_import(const char *name, struct span text, FILE *yaml, FILE *report,
		char error[SETTINGS_ERROR_MAX])
{
	struct import *i = malloc(sizeof(*i));
	bool good;

	if (!i)
		return settings_fail(error, "%.100s: out of memory", name);
	memset(i, 0, sizeof(*i));
	i->name = name;
	i->report = report;
	settings_init(&i->settings);
	opensips_lexer_init(&i->lexer, text.at, text.len);
	good = take_all(i, error);
	if (good) {
		say_notes(i);
		settings_print_given(&i->settings, yaml);
	}
	free(i);
	return good;
}
