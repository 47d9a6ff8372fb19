/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/admission.h"

#include "engine/answer.h"
#include "engine/policy.h"
#include "engine/rank.h"
#include "engine/sources.h"

#define MS_NS UINT64_C(1000000)

static bool
defer(struct inbound *in, _Atomic uint64_t *counter)
{
	stats_add(counter, 1);
	answer_later(in);
	return true;
}

static bool
is_too_large(struct inbound *in)
{
	uint32_t max = in->stage->settings->routing_max_message;

	if (!max || in->m->sip.len <= max)
		return false;
	stats_add(&in->stage->stats->refused_size, 1);
	answer_refuse(in, 513, NULL);
	return true;
}

static void
allow_write(uint32_t methods, struct writer *w)
{
	struct span before = SPAN("Allow: ");

	for (unsigned i = SIP_METHOD_OTHER + 1; i < SIP_METHOD_COUNT; i++) {
		if (!(methods & UINT32_C(1) << i))
			continue;
		writer_put(w, before);
		writer_put(w, sip_method_name((enum sip_method)i));
		before = SPAN(", ");
	}
	if (w->len)
		writer_put(w, SPAN("\r\n"));
}

static bool
is_no_method_of_ours(struct inbound *in)
{
	uint32_t methods = in->stage->settings->methods;
	char text[256];
	struct writer w = writer_over(text, sizeof(text));

	if (!methods || methods & UINT32_C(1) << in->m->sip.method)
		return false;
	stats_add(&in->stage->stats->refused_method, 1);
	allow_write(methods, &w);
	answer_send(in, 405, SPAN(""), writer_text(&w));
	return true;
}

static bool
is_against_the_rules(struct inbound *in)
{
	const struct settings *settings = in->stage->settings;
	struct policy_request request = {
		.sip = &in->m->sip,
		.uri = in->uri,
		.address = in->m->peer.address,
		.listener = in->m->listener + 1,
	};
	const struct policy_rule *rule =
		policy_match(settings->rules, settings->rules_len, &request);

	if (!rule || rule->action != POLICY_REJECT)
		return false;
	stats_add(&in->stage->stats->refused_policy, 1);
	answer_refuse(in, rule->status, NULL);
	return true;
}

static bool
is_too_much(struct inbound *in)
{
	struct stage *s = in->stage;

	if (in->m->over_rate)
		return defer(in, &s->stats->refused_connection_rate);
	if (s->sources && !sources_spend(s->sources, in->m->peer.address,
					 s->settings->routing_source_rate, in->now_ns))
		return defer(in, &s->stats->refused_source_rate);
	return false;
}

/* Age decides, not length: what has waited for long will be sent again, or was given up already. */
static bool
is_too_late(struct inbound *in, enum rank rank)
{
	uint64_t limit = in->stage->settings->routing_queue_age_ms * MS_NS, since = in->m->since_ns;

	if (!limit || !since || in->now_ns < since)
		return false;
	if (in->now_ns - since <= (rank == RANK_SPARE ? limit / 2 : limit))
		return false;
	return defer(in, rank == RANK_SPARE ? &in->stage->stats->spared_overload :
					      &in->stage->stats->refused_overload);
}

bool
admission_refuses(struct inbound *in)
{
	uint8_t method = in->m->sip.method;
	enum rank rank = rank_of(&in->m->sip, in->head);

	in->m->rank = (uint8_t)rank;
	if (method == SIP_METHOD_ACK || method == SIP_METHOD_CANCEL)
		return false;
	if (is_too_large(in) || is_no_method_of_ours(in))
		return true;
	if (in->stage->settings->rules_len && is_against_the_rules(in))
		return true;
	return rank != RANK_KEEP && (is_too_much(in) || is_too_late(in, rank));
}
