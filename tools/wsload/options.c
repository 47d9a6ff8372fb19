/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/options.h"

#include <getopt.h>
#include <string.h>
#include "tools/wsload/bad.h"
#include "tools/wsload/options_value.h"
#include "tools/wsload/plan.h"
#include "tools/wsload/sipp_plan.h"

static const struct option names[] = {
#define NAME(symbol, option, argument) { option, argument##_argument, NULL, OPT_##symbol },
	OPTIONS_NAMES(NAME)
#undef NAME
#define FILE_OPTION(name, option)                                                                  \
	{ option, required_argument, NULL, OPT_FILE + OPTIONS_FILE_##name },
		OPTIONS_FILES(FILE_OPTION)
#undef FILE_OPTION
			{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool
take_scenario(struct options *o, const char *name, FILE *err)
{
	const struct scenario *s;

	if (sipp_options_is_file(name)) {
		o->sipp.file = name;
		return true;
	}
	o->scenario = scenario_find(name);
	if (o->scenario)
		return true;
	fprintf(err, "wsload: there is no scenario '%s'; there are", name);
	for (unsigned i = 0; (s = scenario_at(i)); i++)
		fprintf(err, " %s", s->name);
	fputs("\n", err);
	return false;
}

static bool
take_bad(struct options *o, const char *list, FILE *err)
{
	o->bad = list;
	if (bad_is_list(list))
		return true;
	fprintf(err, "wsload: --bad '%s': give all, or names with commas, of", list);
	for (const struct bad_case *c = bad_cases; c->name; c++)
		fprintf(err, " %s", c->name);
	fputs("\n", err);
	return false;
}

static bool
take_pid(struct options *o, const char *text)
{
	uint32_t pid;

	if (!options_whole(text, 1, INT32_MAX, &pid))
		return false;
	o->server_pid = (pid_t)pid;
	return true;
}

static bool
take_cpu(struct options *o, const char *text)
{
	uint32_t cpu;

	if (!options_whole(text, 0, 1023, &cpu))
		return false;
	o->cpu = (int)cpu;
	return true;
}

static const char *
add_slos(struct options *o, const char *text)
{
	char copy[1024], *rest = copy, *item;
	const char *wrong = NULL;

	if (strlen(text) >= sizeof(copy))
		return "a shorter list";
	memcpy(copy, text, strlen(text) + 1);
	while (!wrong && (item = strsep(&rest, ", "))) {
		if (!*item)
			continue;
		if (o->slos_len == OPTIONS_SLOS_MAX)
			return "fewer of them";
		wrong = slo_parse(&o->slos[o->slos_len++], item);
	}
	return wrong;
}

/* What an option with a value accepts, for who got it wrong. */
static const char *
take_value(struct options *o, int code, const char *v)
{
	switch (code) {
	case OPT_CONNECTIONS:
		return options_whole(v, 1, 1000000, &o->connections) ? NULL :
								       "a number from 1 to 1000000";
	case OPT_DEPTH:
		return options_whole(v, 1, 4096, &o->depth) ? NULL : "a number from 1 to 4096";
	case OPT_RATE:
		return options_number(v, 0.001, 1e8, &o->rate) ? NULL :
								 "operations a second, as in 5000";
	case OPT_DURATION:
		return options_duration(v, &o->duration_ns) ? NULL : "a time, as in 30s";
	case OPT_WARM_UP:
		return options_duration(v, &o->warmup_ns) ? NULL : "a time, as in 2s";
	case OPT_TIMEOUT:
		return options_duration(v, &o->timeout_ns) ? NULL : "a time, as in 5s";
	case OPT_MAX_LAG:
		return options_duration(v, &o->max_lag_ns) ? NULL : "a time, as in 1ms";
	case OPT_THREADS:
		return options_whole(v, 1, 64, &o->threads) ? NULL : "a number from 1 to 64";
	case OPT_SIZE:
		return options_whole(v, 20, 60000, &o->size) ? NULL : "bytes, from 20 to 60000";
	case OPT_SOURCES:
		return options_sources(o, v) ? NULL : "IPv4 addresses, as in 127.0.0.2-127.0.0.9";
	case OPT_OPENING:
		return options_whole(v, 1, 65536, &o->opening) ? NULL : "a number from 1 to 65536";
	case OPT_DOMAIN:
		return *v && options_word(v, o->domain) ? NULL : "a host name, as in example.org";
	case OPT_SUBPROTOCOL:
		return options_word(v, o->protocol) ? NULL : "a word, as in sip";
	case OPT_ORIGIN:
		return options_word(v, o->origin) ? NULL : "an origin, as in https://example.org";
	case OPT_STAGES:
		return options_stages(o, v) ? NULL : "times and rates, as in 10s:100,30s:1000";
	case OPT_USER:
		return options_word(v, o->user) ? NULL : "a name, as in alice";
	case OPT_PASSWORD:
		return options_word(v, o->password) ? NULL : "one without braces or line ends";
	case OPT_MIX:
		return options_mix(o, v) ? NULL :
					   "kinds and weights, as in options=2,message=6,call=1";
	case OPT_BACKOFF:
		return backoff_parse(&o->backoff, v) ?
			       NULL :
			       "fixed, linear, exponential or rfc5626, as in exponential:1s:30s";
	case OPT_KEEP_ALIVE:
		return options_keepalive(o, v) ? NULL : "a time, as in 30s or 30s:crlf";
	case OPT_FIRST:
		return options_whole(v, 0, 1u << 30, &o->first) && o->first % 2 == 0 ?
			       NULL :
			       "an even number, as in 100000";
	case OPT_SERVER_PID:
		return take_pid(o, v) ? NULL : "the number of a process";
	default:
		return take_cpu(o, v) ? NULL : "the number of a CPU";
	}
}

static enum options_result
try_help(FILE *err)
{
	fputs("wsload: try 'wsload --help'\n", err);
	return OPTIONS_WRONG;
}

static enum options_result
take_option(struct options *o, int code, const char *name, FILE *out, FILE *err)
{
	const char *accepts;

	switch (code) {
	case 'h':
		options_help(out);
		return OPTIONS_DONE;
	case '?':
		return try_help(err);
	case OPT_SPIN:
		o->spin = true;
		return OPTIONS_RUN;
	case OPT_INSECURE:
		o->insecure = true;
		return OPTIONS_RUN;
	case OPT_NO_RESUME:
		o->no_resume = true;
		return OPTIONS_RUN;
	case OPT_CA:
		o->ca = optarg;
		return OPTIONS_RUN;
	case OPT_JSON:
		o->json = true;
		return OPTIONS_RUN;
	case OPT_QUIET:
		o->quiet = true;
		return OPTIONS_RUN;
	case OPT_SLO:
		accepts = add_slos(o, optarg);
		if (!accepts)
			return OPTIONS_RUN;
		fprintf(err, "wsload: --slo '%s': %s\n", optarg, accepts);
		return OPTIONS_WRONG;
	case OPT_BAD:
		return take_bad(o, optarg, err) ? OPTIONS_RUN : OPTIONS_WRONG;
	case OPT_SCENARIO:
		return take_scenario(o, optarg, err) ? OPTIONS_RUN : OPTIONS_WRONG;
	default:
		if (code >= OPT_FILE) {
			o->files[code - OPT_FILE] = optarg;
			return OPTIONS_RUN;
		}
		accepts = take_value(o, code, optarg);
		if (!accepts)
			return OPTIONS_RUN;
		fprintf(err, "wsload: --%s '%s': give %s\n", name, optarg, accepts);
		return OPTIONS_WRONG;
	}
}

enum options_result
options_read(struct options *o, int argc, char **argv, FILE *out, FILE *err)
{
	enum options_result result = OPTIONS_RUN;
	int code, index = 0;
	const char *wrong;

	*o = (struct options){
		.scenario = scenario_at(0),
		.connections = 1,
		.threads = 1,
		.warmup_ns = 1000000000,
		.duration_ns = 10000000000,
		.timeout_ns = 5000000000,
		.max_lag_ns = 1000000,
		.opening = 256,
		.size = 64,
		.protocol = "sip",
		.cpu = -1,
		.mix = { [SCENARIO_OPTIONS] = 2,
			 [SCENARIO_REGISTER] = 1,
			 [SCENARIO_MESSAGE] = 6,
			 [SCENARIO_CALL] = 1 },
	};
	backoff_parse(&o->backoff, "exponential");
	sipp_options_init(&o->sipp);
	if (!sipp_options_take(&o->sipp, &argc, argv, err))
		return try_help(err);
	optind = 0;
	while (result == OPTIONS_RUN &&
	       (code = getopt_long(argc, argv, "h", names, &index)) != -1) {
		if (code >= OPT_FIRST_CODE && code < OPT_FILE)
			o->given |= UINT64_C(1) << (code - OPT_FIRST_CODE);
		result = take_option(o, code, names[index].name, out, err);
	}
	if (result != OPTIONS_RUN)
		return result;
	if (optind + 1 != argc) {
		if (optind == argc)
			fputs("wsload: no URL: type wsload ws://HOST:PORT\n", err);
		else
			fprintf(err, "wsload: more than one URL: leave out '%s'\n",
				argv[optind + 1]);
		return try_help(err);
	}
	wrong = options_url(o, argv[optind]);
	if (!wrong && o->sipp.file && !sipp_options_load(&o->sipp, err))
		return OPTIONS_WRONG;
	if (!wrong)
		wrong = sipp_plan_settle(o);
	if (!wrong)
		wrong = options_settle(o);
	if (!wrong)
		return OPTIONS_RUN;
	fprintf(err, "wsload: %s\n", wrong);
	options_free(o);
	return OPTIONS_WRONG;
}

void
options_free(struct options *o)
{
	sipp_options_free(&o->sipp);
}
