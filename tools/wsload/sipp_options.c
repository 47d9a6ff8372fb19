/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "engine/clock.h"
#include "tools/wsload/file.h"
#include "tools/wsload/options_value.h"
#include "tools/wsload/sipp_scenario.h"

void
sipp_options_init(struct sipp_options *o)
{
	*o = (struct sipp_options){
		.service = "service",
		.password = "password",
		.media_port = 6000,
		.period_ns = CLOCK_NS_PER_S,
		.t2_ns = 4 * CLOCK_NS_PER_S,
		.cseq = 1,
		.retransmissions = UINT32_MAX,
		.invites_again = UINT32_MAX,
		.others_again = UINT32_MAX,
	};
}

/* ---- SIPp's names ---- */

enum kind { TEXT, NUMBER, RATE, TIME, FLAG, FILE_NAME, PAIR };

struct row {
	const char *name;
	enum kind kind;
	size_t place; /* in struct sipp_options; of a list, its length */
	uint32_t most;
};

#define AT(member) offsetof(struct sipp_options, member)

static const struct row rows[] = {
	{ "-sf", TEXT, AT(file), 0 },
	{ "-s", TEXT, AT(service), 0 },
	{ "-au", TEXT, AT(user), 0 },
	{ "-ap", TEXT, AT(password), 0 },
	{ "-i", TEXT, AT(local_ip), 0 },
	{ "-mi", TEXT, AT(media_ip), 0 },
	{ "-p", NUMBER, AT(local_port), 65535 },
	{ "-mp", NUMBER, AT(media_port), 65535 },
	{ "-r", RATE, AT(rate), 0 },
	{ "-rp", TIME, AT(period_ns), 0 },
	{ "-l", NUMBER, AT(limit), 1u << 20 },
	{ "-m", NUMBER, AT(calls), UINT32_MAX },
	{ "-users", NUMBER, AT(users), 1u << 20 },
	{ "-d", TIME, AT(pause_ns), 0 },
	{ "-recv_timeout", TIME, AT(receive_ns), 0 },
	{ "-T2", TIME, AT(t2_ns), 0 },
	{ "-base_cseq", NUMBER, AT(cseq), INT32_MAX },
	{ "-max_retrans", NUMBER, AT(retransmissions), 1000 },
	{ "-max_invite_retrans", NUMBER, AT(invites_again), 1000 },
	{ "-max_non_invite_retrans", NUMBER, AT(others_again), 1000 },
	{ "-nd", FLAG, AT(no_defaults), 0 },
	{ "-nr", FLAG, AT(no_retransmissions), 0 },
	{ "-aa", FLAG, AT(answers), 0 },
	{ "-trace_logs", FLAG, AT(logs), 0 },
	{ "-inf", FILE_NAME, AT(injections_len), SIPP_INJECTIONS_MAX },
	{ "-key", PAIR, AT(keys_len), SIPP_PAIRS_MAX },
	{ "-set", PAIR, AT(sets_len), SIPP_PAIRS_MAX },
};

static void *
place(struct sipp_options *o, const struct row *row)
{
	return (char *)o + row->place;
}

/* Milliseconds unless a unit is given, as SIPp has it. */
static bool
read_time(const char *text, uint64_t *ns)
{
	char copy[32];
	size_t len = strlen(text);

	if (text[strspn(text, "0123456789.")] || len + sizeof("ms") > sizeof(copy))
		return options_duration(text, ns);
	memcpy(copy, text, len);
	memcpy(copy + len, "ms", sizeof("ms"));
	return options_duration(copy, ns);
}

static bool
add_pair(struct sipp_options *o, const struct row *row, char **words)
{
	uint32_t *len = place(o, row);
	struct sipp_pair *list = len == &o->keys_len ? o->keys : o->sets;

	if (*len == row->most)
		return false;
	list[(*len)++] = (struct sipp_pair){ words[1], words[2] };
	return true;
}

static const char *
take(struct sipp_options *o, const struct row *row, char **words)
{
	switch (row->kind) {
	case TEXT:
		*(const char **)place(o, row) = words[1];
		return NULL;
	case NUMBER:
		return options_whole(words[1], 0, row->most, place(o, row)) ? NULL :
									      "a number from 0 on";
	case RATE:
		return options_number(words[1], 1e-6, 1e8, place(o, row)) ? NULL :
									    "calls, as in 100";
	case TIME:
		return read_time(words[1], place(o, row)) ? NULL : "milliseconds, or a time as 5s";
	case FLAG:
		*(bool *)place(o, row) = true;
		return NULL;
	case FILE_NAME:
		if (o->injections_len == row->most)
			return "fewer files";
		o->injections[o->injections_len++] = words[1];
		return NULL;
	case PAIR:
		break;
	}
	return add_pair(o, row, words) ? NULL : "fewer of them";
}

static int
words_of(const struct row *row)
{
	return row->kind == FLAG ? 1 : row->kind == PAIR ? 3 : 2;
}

static const struct row *
find(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static bool
take_one(struct sipp_options *o, const struct row *row, char **words, FILE *err)
{
	const char *accepts = NULL;

	for (int i = 1; i < words_of(row) && !accepts; i++)
		if (!words[i])
			accepts = "a value behind it";
	if (!accepts)
		accepts = take(o, row, words);
	if (!accepts)
		return true;
	fprintf(err, "wsload: %s %s: give %s\n", row->name, words[1] ? words[1] : "", accepts);
	return false;
}

bool
sipp_options_take(struct sipp_options *o, int *argc, char **argv, FILE *err)
{
	int kept = 1;

	for (int i = 1; i < *argc;) {
		const struct row *row = find(argv[i]);

		if (row) {
			if (!take_one(o, row, &argv[i], err))
				return false;
			i += words_of(row);
		} else if (argv[i][0] == '-' && argv[i][1] && argv[i][1] != '-' && argv[i][2]) {
			fprintf(err,
				"wsload: %s: no option here, see docs/wsload-sipp.md for those "
				"of SIPp\n",
				argv[i]);
			return false;
		} else {
			argv[kept++] = argv[i++];
		}
	}
	argv[kept] = NULL;
	*argc = kept;
	return true;
}

bool
sipp_options_is_file(const char *name)
{
	const char *dot = strrchr(name, '.');

	return strchr(name, '/') || (dot && strcmp(dot, ".xml") == 0);
}

/* ---- the scenario ---- */

bool
sipp_options_load(struct sipp_options *o, FILE *err)
{
	struct sipp_error error = { 0 };
	const char *file = NULL;
	struct span bytes;

	if (!file_read(o->file, &bytes)) {
		fprintf(err, "wsload: %s: %s\n", o->file, strerror(errno));
		return false;
	}
	o->scenario = sipp_scenario_new(bytes.at, bytes.len, o, &error, &file);
	file_free(bytes);
	if (o->scenario)
		return true;
	fprintf(err, "wsload: %s:", file ? file : o->file);
	if (error.line)
		fprintf(err, "%u:", error.line);
	fprintf(err, " %s\n", error.text);
	return false;
}

void
sipp_options_free(struct sipp_options *o)
{
	sipp_scenario_free(o->scenario);
	o->scenario = NULL;
}
