/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/route.h"

#include <assert.h>
#include <stdlib.h>
#include "codec/sip_addr.h"
#include "engine/admission.h"
#include "engine/answer.h"
#include "engine/auth_check.h"
#include "engine/edge.h"
#include "engine/embed.h"
#include "engine/gruu.h"
#include "engine/inbound.h"
#include "engine/location_home.h"
#include "engine/proxy.h"
#include "engine/registrar.h"

#define SECOND_NS UINT64_C(1000000000)
#define EXPIRE_STEPS 256 /* of one route_expire(): some 50 us */

/* What a mode does with what comes in. */
struct route_mode {
	bool homes; /* an address-of-record is only changed by the router that is its home */
	void (*data)(struct stage *s, struct message *m, uint64_t now_ns);
	uint64_t (*expire)(struct stage *s, uint64_t now_ns);
	void (*undeliverable)(struct stage *s, struct message *m, uint64_t now_ns);
	void (*opened)(struct stage *s, struct message *m, uint64_t now_ns);
	void (*closed)(struct stage *s, struct message *m, uint64_t now_ns);
};

struct route {
	const struct route_mode *mode;
	struct stage stage;
};

/* ---- mode echo ---- */

static void
echo_data(struct stage *s, struct message *m, uint64_t now_ns)
{
	(void)s;
	(void)now_ns;
	m->action = MESSAGE_REPLY;
	m->to = m->from;
	m->out_opcode = m->opcode;
	m->pieces[0] = span_of(m->bytes, m->len);
	m->pieces_len = 1;
	m->out_len = m->len;
}

static uint64_t
echo_expire(struct stage *s, uint64_t now_ns)
{
	(void)s;
	(void)now_ns;
	return UINT64_MAX;
}

static void
echo_undeliverable(struct stage *s, struct message *m, uint64_t now_ns)
{
	(void)s;
	(void)now_ns;
	answer_drop(m, FATE_dropped_sender_closed);
}

/* An opened or closed flow is nothing to it. */
static void
echo_flow(struct stage *s, struct message *m, uint64_t now_ns)
{
	(void)s;
	(void)m;
	(void)now_ns;
}

/* ---- mode registrar ---- */

struct message_way {
	void (*request)(struct inbound *in);
	void (*response)(struct inbound *in);
};

/* P-12: an ACK that bears the tag of an answer of ours ends here. */
static bool
is_ack_to_us(const struct inbound *in)
{
	char tag[INBOUND_TAG_LEN];

	if (in->m->sip.method != SIP_METHOD_ACK)
		return false;
	inbound_tag(in, tag);
	return span_equal(sip_addr_tag(&in->head->to), span_of(tag, sizeof(tag)));
}

/* A faulty message: a request is told why, if it can be told. */
static void
fault(struct inbound *in, enum sip_error error)
{
	if (in->m->sip.request)
		answer_refuse(in, sip_error_status(error), sip_error_words(error));
	else
		answer_drop(in->m, FATE_dropped_malformed);
}

/*
 * Is the server itself meant? A Request-URI without user in a domain of ours; not what a token
 * takes elsewhere, and not a .invalid name, which can only be a client's contact (S-18). §10.2
 * forbids a user in a REGISTER; it is let pass, as no REGISTER is ever sent on.
 */
static bool
is_for_server(const struct inbound *in, const struct proxy_route *route)
{
	const struct names *names = &in->stage->names;

	if (route->by_token || !names_is_ours(names, in->uri))
		return false;
	if (in->m->sip.method == SIP_METHOD_REGISTER)
		return true;
	return !in->uri->has_user &&
	       (!names_is_invalid(in->uri) || names_is_listed(names, in->uri));
}

static void
serve(struct inbound *in)
{
	switch (in->m->sip.method) {
	case SIP_METHOD_REGISTER:
		registrar_serve(in);
		break;
	case SIP_METHOD_OPTIONS:
		if (!answer_bad_extension(in, SIP_FIELD_REQUIRE))
			answer_options(in);
		break;
	case SIP_METHOD_CANCEL:
		answer_refuse(in, 481,
			      NULL); /* §9.2: none of our answers leaves a transaction behind */
		break;
	case SIP_METHOD_OTHER:
		answer_send(in, 501, SPAN(""),
			    SPAN(ANSWER_ALLOW)); /* §21.5.2: a method that is not even known */
		break;
	default:
		answer_send(in, 405, SPAN(""), SPAN(ANSWER_ALLOW));
	}
}

/* §16.3(2): a request for a scheme that is served. 0 or the status. */
static int
uri_check(const struct inbound *in)
{
	/*
	 * S-17: sips: wants TLS on every hop. Where it came over one without, it is a scheme that
	 * cannot be served (RFC 3261 §21.4.14).
	 */
	if (in->uri->kind == SIP_SCHEME_SIPS)
		return in->from->secure ? 0 : 416;
	return in->uri->kind == SIP_SCHEME_SIP ? 0 : 416;
}

/* The order of the checks is that of §16.3. */
static void
request(struct inbound *in)
{
	struct proxy_route route;
	bool for_server;
	int status = uri_check(in), route_status;

	if (status) {
		answer_refuse(in, status, NULL);
		return;
	}
	if (admission_refuses(in))
		return;
	route_status = proxy_route_read(in, &route);
	if (route.rewritten && (status = uri_check(in))) {
		answer_refuse(in, status, NULL);
		return;
	}
	for_server = route_status == 0 && is_for_server(in, &route);
	/*
	 * §16.3(3) speaks of forwarding: what ends here may come with its last hop (so also
	 * OPTIONS)
	 */
	if (!for_server && in->head->hops == 0) {
		answer_refuse(in, 483, NULL);
		return;
	}
	if (answer_bad_extension(in, SIP_FIELD_PROXY_REQUIRE))
		return;
	if (route_status)
		answer_refuse(in, route_status,
			      route_status == 403 ? "Route Not Ours" : "Malformed Route");
	else if (in->stage->auth && auth_check_refuses(in, &route, for_server))
		return;
	else if (for_server)
		serve(in);
	else if (in->m->sip.method == SIP_METHOD_REGISTER) /* §10.3, 1: nobody to proxy it to */
		answer_refuse(in, 404, "Domain Not Served Here");
	else
		proxy_request(in, &route);
}

/* What registrar and edge do alike before they look at a request or a response. */
static void
decide(const struct message_way *way, struct stage *s, struct message *m, uint64_t now_ns)
{
	struct inbound in;
	enum sip_error error;

	error = inbound_init(&in, s, m, now_ns, m->sip_error);
	if (error != SIP_OK)
		fault(&in, error);
	else if (!in.from)
		answer_overload(&in);
	else if (!m->sip.request)
		way->response(&in);
	else if (is_ack_to_us(&in))
		answer_drop(m, FATE_absorbed);
	else
		way->request(&in);
}

/* O-16; when it is due again. */
static uint64_t
rotate_keys(struct stage *s, uint64_t now_ns)
{
	uint64_t lifetime_ns = s->settings->token_lifetime_s * SECOND_NS;
	uint64_t epoch = (now_ns + s->epoch_ns) / lifetime_ns;

	flows_set_epoch(s->flows, (uint32_t)epoch);
	return (epoch + 1) * lifetime_ns - s->epoch_ns;
}

static void
registrar_data(struct stage *s, struct message *m, uint64_t now_ns)
{
	static const struct message_way way = { request, proxy_response };

	if (!m->has_sip) {
		answer_drop(m, FATE_dropped_malformed);
		return;
	}
	rcu_enter(); /* what is found in the location table stays there until the message is made */
	decide(&way, s, m, now_ns);
	rcu_leave();
}

static uint64_t
registrar_expire(struct stage *s, uint64_t now_ns)
{
	uint64_t next_ns = location_home_expire(s->home, now_ns, EXPIRE_STEPS);
	uint64_t latest_ns = now_ns + s->settings->expires_min_s * SECOND_NS;
	uint64_t rotate_ns = rotate_keys(s, now_ns);

	if (rotate_ns < latest_ns)
		latest_ns = rotate_ns;
	/* what is registered after this call cannot run out before latest_ns */
	return next_ns < latest_ns ? next_ns : latest_ns;
}

/*
 * The flow closed between decision and delivery. Inside a dialog there was a token: 430 (O-06);
 * else the callee is known but away: 480.
 */
static void
registrar_undeliverable(struct stage *s, struct message *m, uint64_t now_ns)
{
	struct inbound in;

	if (!m->has_sip || m->action != MESSAGE_FORWARD || !m->sip.request) {
		answer_drop(m, m->action == MESSAGE_FORWARD ? FATE_dropped_flow_gone :
							      FATE_dropped_sender_closed);
		return;
	}
	/* it was forwarded, so there is no fault in it */
	if (inbound_init(&in, s, m, now_ns, m->sip_error) == SIP_OK &&
	    sip_addr_tag(&in.head->to).len)
		answer_refuse(&in, 430, NULL);
	else
		answer_refuse(&in, 480, NULL);
}

static void
registrar_opened(struct stage *s, struct message *m, uint64_t now_ns)
{
	(void)now_ns;
	flows_open(s->flows, m->from, m->peer.secure);
}

static void
registrar_closed(struct stage *s, struct message *m, uint64_t now_ns)
{
	(void)now_ns;
	flows_close(s->flows, m->from);
}

/* ---- mode edge ---- */

static void
edge_data(struct stage *s, struct message *m, uint64_t now_ns)
{
	static const struct message_way way = { edge_request, edge_response };

	if (m->has_sip)
		decide(&way, s, m, now_ns);
	else
		answer_drop(m, FATE_dropped_malformed);
}

static void
edge_opened(struct stage *s, struct message *m, uint64_t now_ns)
{
	(void)now_ns;
	if (m->peer.core)
		flows_open_core(s->flows, m->from, m->peer.secure);
	else
		flows_open(s->flows, m->from, m->peer.secure);
}

/* ---- all ---- */

static const struct route_mode modes[] = {
	[SETTINGS_MODE_REGISTRAR] = { true, registrar_data, registrar_expire,
				      registrar_undeliverable, registrar_opened, registrar_closed },
	[SETTINGS_MODE_ECHO] = { false, echo_data, echo_expire, echo_undeliverable, echo_flow,
				 echo_flow },
	[SETTINGS_MODE_EMBED] = { false, embed_data, embed_expire, embed_undeliverable,
				  embed_opened, embed_closed },
	[SETTINGS_MODE_EDGE] = { false, edge_data, rotate_keys, edge_undeliverable, edge_opened,
				 registrar_closed },
};

struct route *
route_new(const struct settings *settings, const char *host, struct shared *shared, uint32_t index,
	  struct stats *stats)
{
	struct stage *s;
	struct route *r;

	assert(settings->mode < sizeof(modes) / sizeof(modes[0]) &&
	       index < shared->location.homes_len);
	assert(strlen(host) <= ROUTE_HOST_MAX);
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->mode = &modes[settings->mode];
	s = &r->stage;
	s->settings = settings;
	if (!gruu_init(s, shared->gruu_key)) {
		gruu_fini(s);
		free(r);
		return NULL;
	}
	s->stats = stats;
	s->flows = &shared->flows;
	s->location = &shared->location;
	s->auth = shared->auth;
	s->sources = shared->sources;
	s->home = &shared->location.homes[index];
	s->home->stats = stats;
	s->index = index;
	s->epoch_ns = shared->epoch_ns;
	s->branch_key = shared->branch_key;
	s->tag_key = shared->tag_key;
	stage_texts_init(s, host);
	names_init(&s->names, settings, s->host);
	if (settings->mode == SETTINGS_MODE_EDGE)
		stage_core_init(s, &shared->group);
	return r;
}

void
route_free(struct route *r)
{
	if (!r)
		return;
	location_home_clear(r->stage.home);
	gruu_fini(&r->stage);
	free(r);
}

void
route_thread_begin(void)
{
	rcu_thread_begin();
}

void
route_thread_end(void)
{
	rcu_thread_end();
}

uint32_t
route_home(const struct route *r, const struct message *m)
{
	const struct stage *s = &r->stage;
	struct location_key key;
	struct sip_addr to;

	if (!r->mode->homes || s->location->homes_len == 1 || !m->has_sip || m->sip_error != SIP_OK)
		return s->index;
	if (!m->sip.request || m->sip.method != SIP_METHOD_REGISTER)
		return s->index;
	/* one that cannot be carried out is refused by whoever has it */
	if (sip_addr_parse(sip_msg_value(&m->sip, SIP_FIELD_TO), &to) != SIP_OK ||
	    !location_key_of(s->location, &to.uri, &key))
		return s->index;
	return location_home_of(s->location, &key);
}

bool
route_embed(struct route *r, struct embed *embed, uint32_t routers)
{
	assert(r->mode == &modes[SETTINGS_MODE_EMBED]);
	return embed_attach(embed, &r->stage, routers);
}

bool
route_message(struct route *r, struct message *m, uint64_t now_ns)
{
	m->action = MESSAGE_UNDECIDED;
	switch ((enum message_kind)m->kind) {
	case MESSAGE_DATA:
		r->mode->data(&r->stage, m, now_ns);
		assert(m->action != MESSAGE_UNDECIDED);
		return !r->stage.embed;
	case MESSAGE_FLOW_OPENED:
		r->mode->opened(&r->stage, m, now_ns);
		return true;
	case MESSAGE_FLOW_CLOSED:
		r->mode->closed(&r->stage, m, now_ns);
		return true;
	default: /* see route_undeliverable(); orders only go out */
		assert(false);
		return true;
	}
}

uint64_t
route_expire(struct route *r, uint64_t now_ns)
{
	return r->mode->expire(&r->stage, now_ns);
}

bool
route_undeliverable(struct route *r, struct message *m, uint64_t now_ns)
{
	r->mode->undeliverable(&r->stage, m, now_ns);
	return !r->stage.embed;
}

struct message *
route_take(struct route *r)
{
	return r->stage.embed ? embed_take(r->stage.embed) : NULL;
}

uint64_t
route_due_ns(const struct route *r)
{
	return r->stage.embed ? embed_due_ns(r->stage.embed) : UINT64_MAX;
}
