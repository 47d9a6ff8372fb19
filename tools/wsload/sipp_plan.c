/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_plan.h"

#include "engine/clock.h"
#include "tools/wsload/options_value.h"
#include "tools/wsload/plan.h"
#include "tools/wsload/sipp_scenario.h"

#define RATE 10.0                       /* of SIPp, when nothing is said */
#define FOR_EVER_NS (UINT64_C(1) << 58) /* nine years */
#define ACCEPTED 10000u                 /* connections of a TCP server at once */

/* Who answers over a WebSocket is reached by the name of -s: it registers that. */
static const char register_head[] =
	"REGISTER sip:{domain} SIP/2.0\r\n"
	"Via: SIP/2.0/{transport} {token}.invalid;branch=z9hG4bK{run}{client}{op}{try}\r\n"
	"Max-Forwards: 70\r\n"
	"To: <sip:{service}@{domain}>\r\n"
	"From: <sip:{service}@{domain}>;tag=r{client}\r\n"
	"Call-ID: {client}@{run}\r\n"
	"CSeq: {cseq} REGISTER\r\n"
	"Contact: <sip:{service}@{token}.invalid;transport=ws>;expires=3600\r\n"
	"Supported: path\r\n"
	"User-Agent: wsload\r\n"
	"Content-Length: {length}\r\n\r\n";

struct scenario_text
sipp_plan_register(void)
{
	return (struct scenario_text){ register_head, "" };
}

enum { CALLS, REGISTERS, LISTENS };

#define ROW .name = "sipp", .about = "", .kind = SCENARIO_REGISTER, .idles = true

static const struct scenario rows[] = {
	[CALLS] = { ROW },
	[REGISTERS] = { ROW, .registers = true },
	[LISTENS] = { ROW, .listens = true },
};

/* A scenario begins at once, and goes on until its calls are made, or for ever. */
static void
settle_times(struct options *o)
{
	if (!options_given(o, OPT_WARM_UP) && !options_given(o, OPT_STAGES))
		o->warmup_ns = 0;
	if (!options_given(o, OPT_DURATION) && !options_given(o, OPT_STAGES))
		o->duration_ns = FOR_EVER_NS;
}

static const char *
settle_role(struct options *o)
{
	bool answers = o->sipp.scenario->answers;

	if (o->sipp.network == SIPP_UDP && o->sources_len)
		return "--sources are for connections: give -i ADDRESS";
	if (o->sipp.network != SIPP_WEBSOCKET && options_given(o, OPT_KEEP_ALIVE))
		return "--keep-alive is for WebSockets: leave it out";

	o->scenario = &rows[CALLS];
	if (answers && o->sipp.network == SIPP_WEBSOCKET) {
		o->scenario = &rows[REGISTERS];
		if (o->connections > 1)
			return "one client registers the name of -s and answers: leave out "
			       "--connections";
		if (!o->user[0] &&
		    !options_word(o->sipp.user ? o->sipp.user : o->sipp.service, o->user))
			return "-au is a name, as in alice";
		if (!o->password[0] && !options_word(o->sipp.password, o->password))
			return "-ap is without braces or line ends";
	} else if (o->sipp.network == SIPP_UDP || answers) {
		/* A socket for all; connections are those that others open. */
		o->scenario = &rows[LISTENS];
		if (o->sipp.network == SIPP_UDP && options_given(o, OPT_CONNECTIONS))
			return "one socket is for all calls: leave out --connections";
		if (!options_given(o, OPT_CONNECTIONS))
			o->connections = o->sipp.network == SIPP_TCP ? ACCEPTED : 1;
	}
	return NULL;
}

/* -r is --rate; --depth or -users make a closed loop; without any of them 10 calls a second. */
static const char *
settle_rate(struct options *o)
{
	bool closed = o->depth || o->sipp.users;

	if (o->sipp.scenario->answers) {
		if (o->rate > 0 || o->sipp.rate > 0 || closed)
			return "this scenario answers calls: leave out -r, --rate, --stages, "
			       "--depth "
			       "and -users";
		o->depth = 1;
		return NULL;
	}
	if (o->sipp.rate > 0 && o->rate > 0)
		return "-r is --rate: give one of them";
	if (o->sipp.users && (o->rate > 0 || o->sipp.rate > 0))
		return "-users make calls one behind the other: leave out -r and --rate";
	if (o->sipp.period_ns == 0)
		return "-rp is a time above 0";
	if (o->sipp.rate > 0)
		o->rate = o->sipp.rate * CLOCK_NS_PER_S / (double)o->sipp.period_ns;
	else if (o->rate <= 0 && !closed)
		o->rate = RATE;
	return NULL;
}

const char *
sipp_plan_settle(struct options *o)
{
	const char *wrong;

	if (!o->sipp.file) {
		if (o->sipp.network != SIPP_WEBSOCKET)
			return "udp:, tcp: and sip: are for scenarios of SIPp: give --scenario "
			       "FILE.xml";
		return o->sipp.rate > 0 || o->sipp.calls || o->sipp.limit ||
				       o->sipp.injections_len || o->sipp.users ?
			       "SIPp's options are for its scenarios: give --scenario FILE.xml" :
			       NULL;
	}
	if (o->bad)
		return "--bad is for no scenario";
	if (o->threads > 1)
		return "a scenario of SIPp's runs on one thread: leave out --threads";
	settle_times(o);
	wrong = settle_role(o);
	return wrong ? wrong : settle_rate(o);
}
