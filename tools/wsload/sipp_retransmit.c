/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_retransmit.h"

#include "tools/wsload/sipp_hash.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/worker.h"

#define INVITES_AGAIN 5u /* how often SIPp sends an INVITE again; and anything else */
#define OTHERS_AGAIN 7u

static struct sipp_seen *
last_seen(struct sipp_call *c)
{
	return c->seen_len ? &c->seen[(c->seen_len - 1) % SIPP_SEEN_MAX] : NULL;
}

static bool
is_invite(struct span message)
{
	return message.len > 7 && memcmp(message.at, "INVITE ", 7) == 0;
}

static void
arm(struct sipp_call *c)
{
	wheel_arm(&c->run->wheel, &c->again.wheel, c->run->worker->now_ns + c->again_ns);
}

bool
sipp_retransmit_sent(struct sipp_call *c, const struct sipp_step *s, struct span message)
{
	struct sipp_seen *seen = last_seen(c);

	if (sipp_transport_is_reliable(c->run->worker))
		return true;
	if (seen) {
		sipp_text_cut(&seen->reply, 0);
		sipp_text_put(&seen->reply, message);
	}
	if (!s->retrans_ns || c->run->options->no_retransmissions)
		return !seen || !seen->reply.failed;
	sipp_text_cut(&c->waiting, 0);
	sipp_text_put(&c->waiting, message);
	c->again_ns = s->retrans_ns;
	c->agains = 0;
	c->again_invite = is_invite(message);
	arm(c);
	return !c->waiting.failed && (!seen || !seen->reply.failed);
}

void
sipp_retransmit_stop(struct sipp_call *c)
{
	wheel_cancel(&c->run->wheel, &c->again.wheel);
}

static uint32_t
limit(const struct sipp_call *c)
{
	const struct sipp_options *o = c->run->options;
	uint32_t own = c->again_invite ? o->invites_again : o->others_again;

	if (own != UINT32_MAX)
		return own;
	if (o->retransmissions != UINT32_MAX)
		return o->retransmissions;
	return c->again_invite ? INVITES_AGAIN : OTHERS_AGAIN;
}

/* INVITE doubles without end, the others up to T2 (RFC 3261 §17.1.1.2, §17.1.2.2). */
void
sipp_retransmit_expired(struct sipp_call *c)
{
	if (c->agains == limit(c)) {
		sipp_call_fail(c, TALLY_call_unanswered, "no answer", false);
		return;
	}
	c->agains++;
	tally_count(&c->run->worker->tally, TALLY_resent, 1);
	if (!sipp_call_put(c, sipp_text_span(&c->waiting)))
		return;
	c->again_ns *= 2;
	if (!c->again_invite && c->again_ns > c->run->options->t2_ns)
		c->again_ns = c->run->options->t2_ns;
	arm(c);
}

bool
sipp_retransmit_is(struct sipp_call *c, struct span message)
{
	uint64_t hash;

	if (sipp_transport_is_reliable(c->run->worker))
		return false;
	hash = sipp_hash(message);
	for (uint32_t i = 0; i < SIPP_SEEN_MAX && i < c->seen_len; i++) {
		if (c->seen[i].hash != hash)
			continue;
		tally_count(&c->run->worker->tally, TALLY_resent_received, 1);
		if (c->seen[i].reply.len) {
			tally_count(&c->run->worker->tally, TALLY_resent, 1);
			sipp_call_put(c, sipp_text_span(&c->seen[i].reply));
		}
		return true;
	}
	return false;
}

void
sipp_retransmit_received(struct sipp_call *c, struct span message)
{
	struct sipp_seen *seen;

	if (sipp_transport_is_reliable(c->run->worker))
		return;
	seen = &c->seen[c->seen_len++ % SIPP_SEEN_MAX];
	seen->hash = sipp_hash(message);
	sipp_text_cut(&seen->reply, 0);
}

void
sipp_retransmit_free(struct sipp_call *c)
{
	sipp_text_free(&c->waiting);
	for (int i = 0; i < SIPP_SEEN_MAX; i++)
		sipp_text_free(&c->seen[i].reply);
}
