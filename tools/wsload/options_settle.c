/* SPDX-License-Identifier: Apache-2.0 */
/* What of the command line fits together. */
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "tools/wsload/options.h"

static bool
has_size(const struct options *o)
{
	return o->scenario->kind == SCENARIO_ECHO || o->scenario->kind == SCENARIO_MESSAGE ||
	       (o->scenario->mixes && o->mix[SCENARIO_MESSAGE]);
}

/* Options that only mean something together with others. */
static const char *
check_pairs(const struct options *o)
{
	const struct {
		enum options_code code;
		bool fits;
		const char *says;
	} rules[] = {
		{ OPT_STAGES, !options_given(o, OPT_RATE),
		  "--stages and --rate both say how fast: type --stages 60s:5000,60s:5000, or "
		  "--rate 5000 --duration 60s" },
		{ OPT_STAGES, !options_given(o, OPT_DURATION) && !options_given(o, OPT_WARM_UP),
		  "--stages says how long: leave out --duration and --warm-up" },
		{ OPT_MIX, o->scenario->mixes, "--mix is for --scenario mixed: add it" },
		{ OPT_BACKOFF, o->scenario->storms, "--backoff is for --scenario storm: add it" },
		{ OPT_SIZE, has_size(o), "--size is for --scenario message or echo: leave it out" },
		{ OPT_USER, options_given(o, OPT_PASSWORD), "--user is for --password: add it" },
		{ OPT_CA, o->secure, "--ca is for wss:// URLs: leave it out" },
		{ OPT_CA, !o->insecure, "--ca and --insecure exclude each other: leave one out" },
		{ OPT_INSECURE, o->secure, "--insecure is for wss:// URLs: leave it out" },
		{ OPT_NO_RESUME, o->secure && (o->scenario->churns || o->scenario->storms),
		  "--no-resume is for wss:// URLs with --scenario churn or storm: leave it out" },
		{ OPT_KEEP_ALIVE, !o->scenario->churns,
		  "--keep-alive is for connections that stay: leave it out with churn" },
		{ OPT_KEEP_ALIVE, !o->keepalive_crlf || o->scenario->kind != SCENARIO_ECHO,
		  "echo knows no CRLF keep-alive: type --keep-alive 30s" },
		{ OPT_SOURCES, o->server.ss_family == AF_INET,
		  "--sources are IPv4 addresses, the server has an IPv6 one: leave them out" },
		{ OPT_BAD, !o->secure, "--bad plays its clients without TLS: type ws://" },
		{ OPT_BAD, !options_given(o, OPT_SCENARIO) && !options_given(o, OPT_RATE),
		  "--bad is no load: leave out --scenario, --rate and --stages" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (options_given(o, rules[i].code) && !rules[i].fits)
			return rules[i].says;
	return NULL;
}

static const char *
check_machine(const struct options *o)
{
	if (o->server_pid && kill(o->server_pid, 0) < 0)
		return "--server-pid is of no process here: leave it out, or give the server's";
	if (o->cpu >= 0 && o->cpu + (long)o->threads > sysconf(_SC_NPROCESSORS_CONF))
		return "fewer CPUs than --cpu and --threads ask for: give a lower --cpu";
	return NULL;
}

static const char *
check_scenario(const struct options *o)
{
	const struct scenario *s = o->scenario;

	if (s->serial && o->depth > 1)
		return "this scenario has one operation of a client at a time: leave out --depth, "
		       "use --connections";
	if (s->idles && o->rate > 0 && !o->sipp.file)
		return "clients that do nothing have no rate: leave out --rate and --stages";
	if (s->storms && o->rate > 0)
		return "in a storm --backoff says when clients come: leave out --rate and --stages";
	if (s->pairs && o->connections / o->threads < 2)
		return "clients come in pairs: give each thread two --connections or more";
	if (o->connections < o->threads)
		return "each thread needs a connection: give more --connections or fewer --threads";
	return NULL;
}

const char *
options_settle(struct options *o)
{
	const struct scenario *s = o->scenario;
	const char *wrong;

	if (!o->depth)
		o->depth = o->rate > 0 && !s->serial ? 64 : 1;
	wrong = check_pairs(o);
	if (!wrong)
		wrong = check_scenario(o);
	if (!wrong)
		wrong = check_machine(o);
	if (wrong)
		return wrong;
	if (o->rate > 0 && !o->stages_len)
		o->stages[o->stages_len++] =
			(struct schedule_stage){ SCHEDULE_FOR_EVER, o->rate, o->rate };
	if (s->storms)
		o->warmup_ns = 0;
	if (!o->domain[0])
		memcpy(o->domain, o->host, sizeof(o->domain));
	if (!o->origin[0])
		snprintf(o->origin, sizeof(o->origin), "http%s://%.200s", o->secure ? "s" : "",
			 o->host);
	if (s->kind == SCENARIO_ECHO && !options_given(o, OPT_SUBPROTOCOL))
		o->protocol[0] = '\0';
	return NULL;
}
