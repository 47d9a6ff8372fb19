/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/rates.h"

const char rates_method[] =
	"RFC 7502: sessions and refreshes over duration_s, after the warm-up; registrations over "
	"opening_s, TCP and WebSocket handshakes included; no media, no forking, one BYE as soon "
	"as a session is established; a benchmark is the highest rate of several runs with "
	"zero_failures";

static double
per_second(double n, double seconds)
{
	return seconds > 0 ? n / seconds : 0;
}

static double
refreshes(const struct options *o, const struct tally *t)
{
	if (o->scenario->mixes)
		return (double)t->times[TALLY_TIME_refresh].total;
	return o->scenario->kind == SCENARIO_REGISTER && !o->scenario->storms ?
		       (double)tally_read(t, TALLY_operations) :
		       0;
}

struct rates
rates_of(const struct options *o, const struct result *r)
{
	const struct tally *t = &r->tally;
	double registered = o->scenario->registers ? (double)r->open : 0;
	double failed = (double)tally_read(t, TALLY_register_failed);

	return (struct rates){
		.session_attempt_rate =
			per_second((double)tally_read(t, TALLY_sessions_attempted), r->duration_s),
		.session_establishment_rate =
			per_second((double)t->times[TALLY_TIME_answer].total, r->duration_s),
		.registration_attempt_rate = per_second(registered, r->opening_s),
		.registration_rate = per_second(registered - failed, r->opening_s),
		.re_registration_rate = per_second(refreshes(o, t), r->duration_s),
		.establishment_threshold_time_s = (double)o->timeout_ns / 1e9,
	};
}
