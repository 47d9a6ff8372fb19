/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "engine/settings.h"
#include "engine/settings_table.h"

static void
print_meaning(const struct settings_row *row, FILE *out)
{
	switch (row->kind) {
	case SETTINGS_U32:
		fprintf(out, "# %s (%s, %u to %u)\n", row->meaning, row->unit, row->min, row->max);
		return;
	case SETTINGS_BOOL:
	case SETTINGS_TEXT:
	case SETTINGS_CHOICE:
		fprintf(out, "# %s (%s)\n", row->meaning, row->unit);
		return;
	}
}

static void
print_listener(const struct settings_listener *listener, FILE *out)
{
	bool brackets = strchr(listener->address, ':') != NULL;

	fprintf(out, "  - \"%s:%s%s%s", listener->tls ? "wss" : "ws", brackets ? "[" : "",
		listener->address, brackets ? "]" : "");
	if (!listener->port_default)
		fprintf(out, ":%u", listener->port);
	fputs("\"\n", out);
}

static void
print_upstream(const struct settings_upstream *upstream, FILE *out)
{
	bool brackets = strchr(upstream->address, ':') != NULL;

	fprintf(out, "  - \"%s:%s%s%s", upstream->tls ? "sips" : "sip", brackets ? "[" : "",
		*upstream->host ? upstream->host : upstream->address, brackets ? "]" : "");
	if (upstream->port && !upstream->port_default)
		fprintf(out, ":%u", upstream->port);
	fprintf(out, ";transport=%s",
		upstream->transport == FLOW_WS	? "ws" :
		upstream->transport == FLOW_UDP ? "udp" :
						  "tcp");
	if (upstream->weight != 1)
		fprintf(out, ";weight=%u", upstream->weight);
	if (*upstream->name)
		fprintf(out, ";name=%s", upstream->name);
	fputs("\"\n", out);
}

/* One character of UTF-8; *text moves behind it. */
static uint32_t
next_character(const char **text)
{
	unsigned char first = (unsigned char)*(*text)++;
	unsigned more = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	uint32_t character = more ? first & (0x3fu >> more) : first;

	while (more--)
		character = character << 6 | ((unsigned char)*(*text)++ & 0x3f);
	return character;
}

/* Must YAML have it escaped? Controls (C1 are left), line ends, byte order marks. */
static bool
is_escaped(uint32_t character)
{
	return character == '"' || character == '\\' || (character >= 0x7f && character < 0xa0) ||
	       character == 0x2028 || character == 0x2029 || character == 0xfeff ||
	       character == 0xfffe || character == 0xffff;
}

/* As YAML's double-quoted text. */
static void
print_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	while (*text) {
		const char *at = text;
		uint32_t character = next_character(&text);

		if (is_escaped(character))
			fprintf(out, "\\U%08X", character);
		else
			fwrite(at, 1, (size_t)(text - at), out);
	}
	fputc('"', out);
}

static void
print_value(const struct settings_row *row, const char *value, FILE *out)
{
	if (row->kind == SETTINGS_TEXT)
		print_quoted(value, out);
	else
		fputs(value, out);
	fputc('\n', out);
}

static void
print_row(const struct settings *s, const struct settings_row *row, FILE *out)
{
	char value[SETTINGS_VALUE_MAX];

	settings_table_format(row, s, value);
	print_meaning(row, out);
	fprintf(out, "%s: ", row->name);
	print_value(row, value, out);
}

#define SERVER_DOMAINS                                                                             \
	"# TLS domains for listeners: a map of tls. settings for each\ntls.server_domains:\n"
#define CLIENT_DOMAINS                                                                             \
	"# TLS domains for upstreams: a map of tls. settings for each\ntls.client_domains:\n"

/* One that is not the default domain: its name, then what differs from the defaults. */
static void
print_domain(const struct settings *s, uint32_t domain, const char **title, FILE *out)
{
	struct settings defaults;
	char value[SETTINGS_VALUE_MAX], usual[SETTINGS_VALUE_MAX];
	bool named = false;

	for (size_t i = 0; i < settings_table_len; i++) {
		struct settings_row row = settings_domain_row(&settings_table[i], domain);

		if (!row.is_domain)
			continue;
		settings_table_default(&settings_table[i], &defaults);
		settings_table_format(&settings_table[i], &defaults, usual);
		settings_table_format(&row, s, value);
		if (strcmp(value, usual) == 0)
			continue;
		if (!named)
			fprintf(out, "%s  \"%s\":\n", *title, s->domains[domain].name);
		named = true;
		*title = "";
		fprintf(out, "    %s: ", row.name + strlen("tls."));
		print_value(&row, value, out);
	}
	if (named || domain == SETTINGS_DOMAIN_CLIENT) /* which is there without being named */
		return;
	fprintf(out, "%s  \"%s\": {}\n", *title, s->domains[domain].name);
	*title = "";
}

static void
print_domains(const struct settings *s, bool client, FILE *out)
{
	const char *title = client ? CLIENT_DOMAINS : SERVER_DOMAINS;

	for (uint32_t i = SETTINGS_DOMAIN_SERVER + 1; i < s->domains_len; i++)
		if (s->domains[i].client == client)
			print_domain(s, i, &title, out);
}

static void
print_rule(const struct policy_rule *rule, FILE *out)
{
	char text[POLICY_TEXT_MAX];

	policy_print(rule, text);
	fputs("  - ", out);
	print_quoted(text, out);
	fputc('\n', out);
}

/* All that is no row of the table. */
static void
print_lists(const struct settings *s, FILE *out)
{
	fputs("# where to listen: ws:IP[:PORT] or wss:IP[:PORT], port 0: any free one\n", out);
	fputs(s->listeners_len ? "listen:\n" : "listen: []\n", out);
	for (uint32_t i = 0; i < s->listeners_len; i++)
		print_listener(&s->listeners[i], out);
	if (s->upstreams_len)
		fputs("# servers to keep a connection to: sip:IP[:PORT];transport=ws, or sips: for "
		      "TLS\nupstream:\n",
		      out);
	for (uint32_t i = 0; i < s->upstreams_len; i++)
		print_upstream(&s->upstreams[i], out);
	print_domains(s, false, out);
	print_domains(s, true, out);
	if (s->rules_len)
		fputs("# what becomes of a request: the first rule that fits\npolicy.rule:\n", out);
	for (uint32_t i = 0; i < s->rules_len; i++)
		print_rule(&s->rules[i], out);
}

void
settings_print(const struct settings *s, FILE *out)
{
	print_lists(s, out);
	for (size_t i = 0; i < settings_table_len; i++)
		print_row(s, &settings_table[i], out);
}

void
settings_print_given(const struct settings *s, FILE *out)
{
	struct settings defaults;
	char value[SETTINGS_VALUE_MAX], usual[SETTINGS_VALUE_MAX];

	print_lists(s, out);
	for (size_t i = 0; i < settings_table_len; i++) {
		const struct settings_row *row = &settings_table[i];

		if (!s->given[i])
			continue;
		settings_table_default(row, &defaults);
		settings_table_format(row, &defaults, usual);
		settings_table_format(row, s, value);
		/* one that is given may be another domain's */
		if (!row->is_domain || strcmp(value, usual) != 0)
			print_row(s, row, out);
	}
}

/* '|' would end a cell of the table. */
static void
print_cell(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '|')
			fputc('\\', out);
		fputc(*text, out);
	}
}

void
settings_print_markdown(FILE *out)
{
	struct settings defaults;
	char value[SETTINGS_VALUE_MAX];

	settings_init(&defaults);
	fputs("| setting | default | unit or choices | range | meaning |\n|---|---|---|---|---|\n",
	      out);
	for (size_t i = 0; i < settings_table_len; i++) {
		const struct settings_row *row = &settings_table[i];

		settings_table_format(row, &defaults, value);
		fprintf(out, "| `%s` | %s | ", row->name, *value ? value : "(empty)");
		print_cell(row->unit, out);
		if (row->kind == SETTINGS_U32)
			fprintf(out, " | %u-%u | ", row->min, row->max);
		else
			fputs(" | | ", out);
		print_cell(row->meaning, out);
		fputs(" |\n", out);
	}
}
