/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/options.h"

#include <getopt.h>
#include <string.h>
#include "tools/wsload/bad.h"
#include "tools/wsload/options_value.h"
#include "tools/wsload/plan.h"

static const char help[] = "usage: wsload URL [OPTION]...\n"
			   "\n"
			   "Load for SIP-over-WebSocket servers. URL is ws://HOST[:PORT][/PATH],\n"
			   "or wss: for TLS (certificates are not verified).\n"
			   "\n"
			   "  --scenario NAME     what the clients do (default options):\n";

static const char help_rest[] =
	"  --connections N     clients (default 1)\n"
	"  --depth D           operations of one client at once (default 1; with --rate 64)\n"
	"  --rate R            open loop: R operations a second on a fixed time line; latency "
	"counts\n"
	"                      from the time an operation was meant to start\n"
	"  --stages LIST       open loop with rates that change: 10s:500,60s:500,0s:2000,10s:2000\n"
	"                      goes up to 500/s in 10 s, stays there for 60 s, jumps to 2000/s\n"
	"  --duration TIME     how long to measure: 30s, 500ms, 2m (default 10s)\n"
	"  --warm-up TIME      the same load before it, not counted (default 1s)\n"
	"  --timeout TIME      an answer that takes longer is lost (default 5s)\n"
	"  --threads N         generator threads, each with its own ring (default 1)\n"
	"  --size BYTES        payload of echo, body of MESSAGE (default 64)\n"
	"  --sources LIST      addresses to connect from: 127.0.0.2-127.0.0.9,127.0.1.1\n"
	"  --opening N         connections that a thread opens at once (default 256)\n"
	"  --domain NAME       of SIP URIs (default: the host of the URL)\n"
	"  --subprotocol LIST  to ask for (default sip; none for echo: \"\")\n"
	"  --password TEXT     for servers that challenge (digest: MD5, SHA-256, SHA-512-256)\n"
	"  --user NAME         with it (default: each client's own, w and eight hex digits)\n"
	"  --origin ORIGIN     Origin of the handshake (default http://HOST)\n"
	"  --server-pid PID    also tell the CPU time and memory of this process and its children\n"
	"  --cpu N             pin the first thread to CPU N, the next to N+1, ...\n"
	"  --spin              watch for answers without ever sleeping\n"
	"  --max-lag TIME      an open-loop run whose own send lag exceeds this at p99 is not\n"
	"                      valid (default 1ms)\n"
	"  --bad LIST          instead of load: clients that do something wrong, one after the "
	"other,\n"
	"                      and whether the server reacts as it should; all, or names\n"
	"  --slo EXPR          what has to be reached, else exit 1; may come more than once:\n"
	"                      'p99(register)<20ms', 'loss==0', 'rate>=5000', and lists of them\n"
	"  --report FILE.html  a page with charts\n"
	"  --csv FILE          a row per second\n"
	"  --hgrm FILE         percentiles as HdrHistogram prints them\n"
	"  --junit FILE        the objectives as test cases\n"
	"  --json              one JSON object on the last line\n"
	"  --quiet             no line per second\n"
	"\n"
	"  wsload ws://127.0.0.1:8080 --connections 100 --depth 16\n"
	"  wsload ws://127.0.0.1:8080 --scenario message --connections 1000 --rate 5000\n"
	"  wsload ws://127.0.0.1:8080 --scenario idle --connections 15000 --duration 60s\n"
	"\n"
	"Exit: 0 all is well, 1 something was lost, wrong or late, 2 bad usage.\n";

enum option_code {
	OPT_SCENARIO = 256,
	OPT_CONNECTIONS,
	OPT_DEPTH,
	OPT_RATE,
	OPT_DURATION,
	OPT_WARM_UP,
	OPT_TIMEOUT,
	OPT_THREADS,
	OPT_SIZE,
	OPT_SOURCES,
	OPT_OPENING,
	OPT_DOMAIN,
	OPT_SUBPROTOCOL,
	OPT_ORIGIN,
	OPT_SERVER_PID,
	OPT_CPU,
	OPT_SPIN,
	OPT_MAX_LAG,
	OPT_JSON,
	OPT_QUIET,
	OPT_SLO,
	OPT_STAGES,
	OPT_USER,
	OPT_PASSWORD,
	OPT_BAD,
	OPT_FILE, /* the first of OPTIONS_FILES */
};

static const struct option names[] = {
	{ "scenario", required_argument, NULL, OPT_SCENARIO },
	{ "connections", required_argument, NULL, OPT_CONNECTIONS },
	{ "depth", required_argument, NULL, OPT_DEPTH },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "warm-up", required_argument, NULL, OPT_WARM_UP },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "sources", required_argument, NULL, OPT_SOURCES },
	{ "opening", required_argument, NULL, OPT_OPENING },
	{ "domain", required_argument, NULL, OPT_DOMAIN },
	{ "subprotocol", required_argument, NULL, OPT_SUBPROTOCOL },
	{ "origin", required_argument, NULL, OPT_ORIGIN },
	{ "server-pid", required_argument, NULL, OPT_SERVER_PID },
	{ "cpu", required_argument, NULL, OPT_CPU },
	{ "spin", no_argument, NULL, OPT_SPIN },
	{ "max-lag", required_argument, NULL, OPT_MAX_LAG },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "user", required_argument, NULL, OPT_USER },
	{ "password", required_argument, NULL, OPT_PASSWORD },
	{ "stages", required_argument, NULL, OPT_STAGES },
	{ "bad", required_argument, NULL, OPT_BAD },
	{ "slo", required_argument, NULL, OPT_SLO },
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
	case OPT_SERVER_PID:
		return take_pid(o, v) ? NULL : "the number of a process";
	default:
		return take_cpu(o, v) ? NULL : "the number of a CPU";
	}
}

static void
say_help(FILE *out)
{
	const struct scenario *s;

	fputs(help, out);
	for (unsigned i = 0; (s = scenario_at(i)); i++)
		fprintf(out, "      %-10s %s\n", s->name, s->about);
	fputs(help_rest, out);
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
		say_help(out);
		return OPTIONS_DONE;
	case '?':
		return try_help(err);
	case OPT_SPIN:
		o->spin = true;
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

/* What is not given follows from what is. */
static const char *
settle(struct options *o)
{
	const struct scenario *s = o->scenario;

	if (!o->depth)
		o->depth = o->rate > 0 && !s->serial ? 64 : 1;
	if (s->serial && o->depth > 1)
		return "this scenario has one operation of a client at a time: leave out --depth, "
		       "use --connections";
	if (s->idles && o->rate > 0)
		return "clients that do nothing have no rate: leave out --rate and --stages";
	if (o->rate > 0 && !o->stages_len)
		o->stages[o->stages_len++] =
			(struct schedule_stage){ SCHEDULE_FOR_EVER, o->rate, o->rate };
	if (s->pairs && o->connections / o->threads < 2)
		return "clients come in pairs: give each thread two --connections or more";
	if (o->connections < o->threads)
		return "each thread needs a connection: give more --connections or fewer --threads";
	if (!o->domain[0])
		memcpy(o->domain, o->host, sizeof(o->domain));
	if (!o->origin[0])
		snprintf(o->origin, sizeof(o->origin), "http://%.200s", o->host);
	if (s->kind == SCENARIO_ECHO && strcmp(o->protocol, "sip") == 0)
		o->protocol[0] = '\0';
	return NULL;
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
	};
	optind = 0;
	while (result == OPTIONS_RUN && (code = getopt_long(argc, argv, "h", names, &index)) != -1)
		result = take_option(o, code, names[index].name, out, err);
	if (result != OPTIONS_RUN)
		return result;
	if (optind + 1 != argc) {
		fputs(optind == argc ? "wsload: no URL: type wsload ws://HOST:PORT\n" :
				       "wsload: more than one URL\n",
		      err);
		return try_help(err);
	}
	wrong = options_url(o, argv[optind]);
	if (!wrong)
		wrong = settle(o);
	if (!wrong)
		return OPTIONS_RUN;
	fprintf(err, "wsload: %s\n", wrong);
	return OPTIONS_WRONG;
}
