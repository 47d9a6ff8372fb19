/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/settings_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>
#include "engine/settings_table.h"

#define DEPTH_MAX 8
/* Also bounds what aliases can multiply. */
#define NODES_MAX 4096
#define ASSIGNMENT_MAX (SETTINGS_TEXT_MAX + 256)

struct reader {
	struct settings *s;
	const char *name; /* of the file */
	yaml_document_t document;
	unsigned nodes; /* visited */
	bool seen[SETTINGS_LEN];
	char *error;
};

/* Where the walk is: the name so far, and the TLS domain whose settings come. */
struct place {
	char name[128];
	const char *domain; /* NULL: none */
	unsigned depth;
};

static bool wrong(struct reader *r, const yaml_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool
wrong(struct reader *r, const yaml_node_t *node, const char *format, ...)
{
	char what[SETTINGS_ERROR_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return settings_fail(r->error, "%.100s:%zu: %.400s", r->name, node->start_mark.line + 1,
			     what);
}

static const char *
text_of(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

/* One line of text: YAML's may hold anything, and `name:` without a value is null. */
static bool
check_scalar(struct reader *r, const yaml_node_t *node, const char *name)
{
	for (size_t i = 0; i < node->data.scalar.length; i++)
		if (node->data.scalar.value[i] < ' ' || node->data.scalar.value[i] == 0x7f)
			return wrong(r, node, "'%.60s': there is a control character in it", name);
	if (node->data.scalar.length == 0 && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return wrong(r, node, "'%.60s' has no value; an empty one is written \"\"", name);
	return true;
}

static bool
assign(struct reader *r, const yaml_node_t *node, const struct place *place, const char *value)
{
	const struct settings_row *row = settings_table_find(place->name);
	char assignment[ASSIGNMENT_MAX], why[SETTINGS_ERROR_MAX];
	int len;

	if (place->domain && row && !row->is_domain)
		return wrong(r, node, "setting '%s' is not one of a TLS domain", place->name);
	if (place->domain)
		len = snprintf(assignment, sizeof(assignment), "%s=[%s]%s", place->name,
			       place->domain, value);
	else
		len = snprintf(assignment, sizeof(assignment), "%s=%s", place->name, value);
	if (len >= (int)sizeof(assignment))
		return wrong(r, node, "setting '%s': its value is longer than %d bytes",
			     place->name, SETTINGS_TEXT_MAX - 1);
	return settings_set(r->s, assignment, why) || wrong(r, node, "%s", why);
}

/* Each value adds one. */
static bool
is_repeated(const char *name)
{
	return strcmp(name, "listen") == 0 || strcmp(name, "upstream") == 0 ||
	       strcmp(name, "policy.rule") == 0;
}

static const yaml_node_t *
item_of(struct reader *r, const yaml_node_t *sequence, size_t i)
{
	return yaml_document_get_node(&r->document, sequence->data.sequence.items.start[i]);
}

static size_t
items(const yaml_node_t *sequence)
{
	return (size_t)(sequence->data.sequence.items.top - sequence->data.sequence.items.start);
}

static bool
check_item(struct reader *r, const yaml_node_t *item, const char *name)
{
	if (++r->nodes > NODES_MAX)
		return wrong(r, item, "more than %d values", NODES_MAX);
	if (item->type != YAML_SCALAR_NODE)
		return wrong(r, item, "'%.60s': each of its values must be one text", name);
	return check_scalar(r, item, name);
}

static bool
take_each(struct reader *r, const yaml_node_t *sequence, const struct place *place)
{
	for (size_t i = 0; i < items(sequence); i++) {
		const yaml_node_t *item = item_of(r, sequence, i);

		if (!check_item(r, item, place->name) || !assign(r, item, place, text_of(item)))
			return false;
	}
	return true;
}

/* A sequence for a setting that is a list is the list with commas. */
static bool
take_joined(struct reader *r, const yaml_node_t *sequence, const struct place *place)
{
	char joined[SETTINGS_TEXT_MAX];
	size_t len = 0;

	joined[0] = '\0';
	for (size_t i = 0; i < items(sequence); i++) {
		const yaml_node_t *item = item_of(r, sequence, i);

		if (!check_item(r, item, place->name))
			return false;
		if (strchr(text_of(item), ','))
			return wrong(r, item, "setting '%s': a comma in one of its values",
				     place->name);
		len += (size_t)snprintf(joined + len, sizeof(joined) - len, "%s%s", i ? "," : "",
					text_of(item));
		if (len >= sizeof(joined))
			return wrong(r, item, "setting '%s': its value is longer than %d bytes",
				     place->name, SETTINGS_TEXT_MAX - 1);
	}
	return assign(r, sequence, place, joined);
}

static bool
take_sequence(struct reader *r, const yaml_node_t *node, const struct place *place)
{
	const struct settings_row *row = settings_table_find(place->name);

	if (is_repeated(place->name))
		return take_each(r, node, place);
	if (row && row->kind != SETTINGS_TEXT)
		return wrong(r, node, "setting '%s' is one value, not a list", place->name);
	return take_joined(r, node, place);
}

/* Is this value the first of its setting? */
static bool
check_first(struct reader *r, const yaml_node_t *node, const struct place *place)
{
	const struct settings_row *row = settings_table_find(place->name);
	bool *seen = row && !place->domain ? &r->seen[row - settings_table] : NULL;

	if (seen && *seen)
		return wrong(r, node, "setting '%s' is given twice", place->name);
	if (seen)
		*seen = true;
	return true;
}

static bool take_map(struct reader *r, const yaml_node_t *map, const struct place *place);

/* tls.server_domains, tls.client_domains: a map for each name. */
static bool
is_domains(const char *name)
{
	return strcmp(name, "tls.server_domains") == 0 || strcmp(name, "tls.client_domains") == 0;
}

static bool
take_domain(struct reader *r, const yaml_node_t *key, const yaml_node_t *map, bool client)
{
	struct place place = { .name = "tls", .domain = text_of(key), .depth = 2 };
	char why[SETTINGS_ERROR_MAX];

	if (map->type != YAML_MAPPING_NODE)
		return wrong(r, map, "TLS domain '%.60s': its settings must be a map",
			     text_of(key));
	if (strcmp(text_of(key), client ? "client" : "default") != 0 && /* these are there */
	    !settings_domain_add(r->s, text_of(key), client, why))
		return wrong(r, key, "%s", why);
	return take_map(r, map, &place);
}

static bool
take_value(struct reader *r, const yaml_node_t *node, const struct place *place)
{
	switch (node->type) {
	case YAML_MAPPING_NODE:
		if (settings_table_find(place->name) || is_repeated(place->name))
			return wrong(r, node, "setting '%s' is a value, not a map", place->name);
		return take_map(r, node, place);
	case YAML_SEQUENCE_NODE:
		return check_first(r, node, place) && take_sequence(r, node, place);
	case YAML_SCALAR_NODE:
		return check_scalar(r, node, place->name) && check_first(r, node, place) &&
		       assign(r, node, place, text_of(node));
	case YAML_NO_NODE:
		break;
	}
	return wrong(r, node, "'%s' has no value", place->name);
}

static bool
descend(struct reader *r, const yaml_node_t *key, const struct place *from, struct place *to)
{
	const char *dot = from->name[0] ? "." : "";

	*to = (struct place){ .domain = from->domain, .depth = from->depth + 1 };
	if (snprintf(to->name, sizeof(to->name), "%s%s%s", from->name, dot, text_of(key)) >=
	    (int)sizeof(to->name))
		return wrong(r, key, "no setting has a name as long as '%.60s...'", to->name);
	if (strchr(to->name, '='))
		return wrong(r, key, "'%.80s': no setting has a '=' in its name", to->name);
	return true;
}

static bool
take_pair(struct reader *r, const yaml_node_t *key, const yaml_node_t *value,
	  const struct place *place)
{
	struct place below;

	if (key->type != YAML_SCALAR_NODE)
		return wrong(r, key, "the name of a setting must be one text");
	if (!check_scalar(r, key, "the name of a setting"))
		return false;
	if (!place->domain && is_domains(place->name))
		return take_domain(r, key, value, place->name[4] == 'c');
	return descend(r, key, place, &below) && take_value(r, value, &below);
}

/* Is there a pair before `pair` with the same name? YAML forbids it; libyaml does not look. */
static bool
is_twice(struct reader *r, const yaml_node_t *map, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);

	if (key->type != YAML_SCALAR_NODE)
		return false;
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
		const yaml_node_t *other = yaml_document_get_node(&r->document, p->key);

		if (other->type == YAML_SCALAR_NODE && strcmp(text_of(key), text_of(other)) == 0)
			return true;
	}
	return false;
}

static bool
take_map(struct reader *r, const yaml_node_t *map, const struct place *place)
{
	if (place->depth > DEPTH_MAX)
		return wrong(r, map, "maps nested deeper than %d", DEPTH_MAX);
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(&r->document, p->key);

		if (++r->nodes > NODES_MAX)
			return wrong(r, key, "more than %d values", NODES_MAX);
		if (is_twice(r, map, p))
			return wrong(r, key, "'%.80s' is given twice", text_of(key));
		if (!take_pair(r, key, yaml_document_get_node(&r->document, p->value), place))
			return false;
	}
	return true;
}

static bool
take_document(struct reader *r)
{
	const yaml_node_t *root = yaml_document_get_root_node(&r->document);
	const struct place top = { .name = "" };

	if (!root || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0))
		return true; /* nothing but comments */
	if (root->type != YAML_MAPPING_NODE)
		return wrong(r, root, "must be a map of settings: NAME: VALUE");
	return take_map(r, root, &top);
}

/* What libyaml found wrong. */
static bool
refuse(const struct reader *r, const yaml_parser_t *parser)
{
	size_t line = parser->problem_mark.line + 1;

	if (parser->error == YAML_MEMORY_ERROR)
		return settings_fail(r->error, "%.100s: out of memory", r->name);
	if (parser->error == YAML_READER_ERROR)
		return settings_fail(r->error, "%.100s: byte %zu: no YAML: %s", r->name,
				     parser->problem_offset, parser->problem);
	return settings_fail(r->error, "%.100s:%zu: no YAML: %s", r->name, line, parser->problem);
}

static bool
only_one(struct reader *r, yaml_parser_t *parser)
{
	yaml_document_t next;
	bool one;

	if (!yaml_parser_load(parser, &next))
		return refuse(r, parser);
	one = yaml_document_get_root_node(&next) == NULL;
	if (!one)
		settings_fail(r->error, "%.100s:%zu: a second YAML document", r->name,
			      next.start_mark.line + 1);
	yaml_document_delete(&next);
	return one;
}

bool
settings_file_parse(struct settings *s, const char *name, const char *text, size_t len,
		    char error[SETTINGS_ERROR_MAX])
{
	struct reader r = { .s = s, .name = name, .error = error };
	yaml_parser_t parser;
	bool good;

	if (!yaml_parser_initialize(&parser))
		return settings_fail(error, "%.100s: out of memory", name);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, &r.document)) {
		good = take_document(&r) && only_one(&r, &parser);
		yaml_document_delete(&r.document);
	} else {
		good = refuse(&r, &parser);
	}
	yaml_parser_delete(&parser);
	return good;
}

/* All of the file, at most `cap` bytes; -1: errno says why. */
static ssize_t
read_all(const char *path, char *text, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -1;
	while (n > 0 && len < cap) {
		n = read(fd, text + len, cap - len);
		if (n > 0)
			len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	close(fd);
	return n < 0 ? -1 : (ssize_t)len;
}

char *
settings_file_text(const char *path, size_t *len, char error[SETTINGS_ERROR_MAX])
{
	size_t cap = SETTINGS_FILE_BYTES_MAX + 1;
	char *text = malloc(cap);
	ssize_t n = text ? read_all(path, text, cap) : -1;

	if (!text)
		settings_fail(error, "%.160s: out of memory", path);
	else if (n < 0)
		settings_fail(error, "%.160s: %s", path, strerror(errno));
	else if ((size_t)n == cap)
		settings_fail(error, "%.160s: larger than %u bytes", path, SETTINGS_FILE_BYTES_MAX);
	*len = (size_t)n;
	if (n >= 0 && (size_t)n < cap)
		return text;
	free(text);
	return NULL;
}

bool
settings_file_read(struct settings *s, const char *path, char error[SETTINGS_ERROR_MAX])
{
	size_t len;
	char *text = settings_file_text(path, &len, error);
	bool good = text && settings_file_parse(s, path, text, len, error);

	free(text);
	return good;
}
