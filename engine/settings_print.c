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

	fprintf(out, "listen = %s:%s%s%s", listener->tls ? "wss" : "ws", brackets ? "[" : "",
		listener->address, brackets ? "]" : "");
	if (!listener->port_default)
		fprintf(out, ":%u", listener->port);
	fputc('\n', out);
}

static void
print_upstream(const struct settings_upstream *upstream, FILE *out)
{
	bool brackets = strchr(upstream->address, ':') != NULL;

	fprintf(out, "upstream = %s:%s%s%s", upstream->tls ? "sips" : "sip", brackets ? "[" : "",
		upstream->address, brackets ? "]" : "");
	if (upstream->port)
		fprintf(out, ":%u", upstream->port);
	fputs(";transport=ws", out);
	if (*upstream->name)
		fprintf(out, ";name=%s", upstream->name);
	fputc('\n', out);
}

/* Of the default domain all, of the others what is not the default. */
static void
print_row(const struct settings *s, const struct settings_row *row, FILE *out)
{
	char value[SETTINGS_VALUE_MAX], usual[SETTINGS_VALUE_MAX];
	struct settings defaults;

	settings_table_format(row, s, value);
	print_meaning(row, out);
	fprintf(out, "%s = %s\n", row->name, value);
	if (!row->is_domain)
		return;
	settings_table_default(row, &defaults);
	settings_table_format(row, &defaults, usual);
	for (uint32_t i = 1; i < s->domains_len; i++) {
		struct settings_row other = settings_domain_row(row, i);

		settings_table_format(&other, s, value);
		if (strcmp(value, usual) != 0)
			fprintf(out, "%s = [%s]%s\n", row->name, s->domains[i].name, value);
	}
}

void
settings_print(const struct settings *s, FILE *out)
{
	fputs("# where to listen: ws:IP[:PORT] or wss:IP[:PORT], port 0: any free one\n", out);
	for (uint32_t i = 0; i < s->listeners_len; i++)
		print_listener(&s->listeners[i], out);
	if (s->upstreams_len)
		fputs("# servers to keep a connection to: sip:IP[:PORT];transport=ws, or sips: for "
		      "TLS\n",
		      out);
	for (uint32_t i = 0; i < s->upstreams_len; i++)
		print_upstream(&s->upstreams[i], out);
	for (uint32_t i = SETTINGS_DOMAINS_FIXED; i < s->domains_len; i++)
		fprintf(out, "tls.%s_domain = %s\n", s->domains[i].client ? "client" : "server",
			s->domains[i].name);
	for (size_t i = 0; i < settings_table_len; i++)
		print_row(s, &settings_table[i], out);
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
