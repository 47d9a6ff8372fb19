/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many registered connections through one daemon, and many messages between random pairs of
 * them: none lost, none delivered twice, none to the wrong connection, each answer back at its
 * sender; then everything closed, and nothing left in the daemon.
 *
 *   relay_load [--connections N] [--messages N] [PROGRAM or its directory]
 *
 * Without a program: the environment variable SIPRING_BIN. SIPRING_TEST_SCALE=N makes the
 * deadline N times as long. Exit code 77: too few descriptors here.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "tests/e2e/load_conn.h"
#include "tests/e2e/load_daemon.h"
#include "tests/e2e/load_sip.h"

#define DEADLINE_S 120
#define SOURCES 8          /* 127.0.0.2 and the following */
#define CONNECTING_MAX 256 /* handshakes and registrations under way at once */
#define IN_FLIGHT_MAX 512  /* messages without an answer at once, in all */
#define IN_FLIGHT_EACH 16  /* and per connection, on the average */
#define BURST_MAX 6        /* messages of one pair at once */

struct relay {
	uint32_t from, to;
	bool delivered, answered;
};

static struct {
	uint32_t connections, messages;
	uint64_t deadline_ns;
	struct load_daemon daemon;
	struct load_conn *conns;
	struct relay *relays; /* by serial */
	uint32_t opening;     /* connections begun */
	uint32_t registered, unregistered;
	bool leaving; /* what is registered now is taken back */
	uint32_t sent, delivered, answered;
	uint32_t gone;
	uint64_t bytes_relayed;
	uint64_t seed;
} load = { .connections = 10000, .messages = 100000, .seed = 1 };

static uint32_t
random_below(uint32_t n)
{
	load.seed = load.seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((load.seed >> 32) * n >> 32);
}

static void
turn(void)
{
	if (load_now_ns() > load.deadline_ns) {
		load.daemon.deadline_ns += UINT64_C(5000000000); /* to say what it knows */
		load_fail("not done in time: %u registered, %u sent, %u delivered, %u answered, "
			  "%u unregistered, %u gone; the daemon counts: %s",
			  load.registered, load.sent, load.delivered, load.answered,
			  load.unregistered, load.gone, load_daemon_counters(&load.daemon));
	}
	load_conn_turn(100);
}

static void
on_opened(struct load_conn *c)
{
	char text[LOAD_SIP_MAX];

	load_conn_send(c, text, load_sip_register(text, c->id, 1, 600));
}

static void
on_register_response(struct load_conn *c, const struct load_sip *sip)
{
	if (sip->status != 200 || sip->serial != c->id)
		load_fail("REGISTER of %u: status %d for %" PRIu64, c->id, sip->status,
			  sip->serial);
	*(load.leaving ? &load.unregistered : &load.registered) += 1;
}

static struct relay *
relay_of(const struct load_conn *c, uint64_t serial)
{
	if (serial >= load.sent)
		load_fail("connection %u got serial %" PRIu64 ", which nobody sent", c->id, serial);
	return &load.relays[serial];
}

static void
on_request(struct load_conn *c, const struct load_sip *sip)
{
	struct relay *r = relay_of(c, sip->serial);
	char text[LOAD_SIP_MAX];

	load_sip_check_message(sip, r->from, r->to);
	if (r->to != c->id)
		load_fail("serial %" PRIu64 " for %u came to %u", sip->serial, r->to, c->id);
	if (r->delivered)
		load_fail("serial %" PRIu64 " was delivered twice", sip->serial);
	r->delivered = true;
	load.delivered++;
	load_conn_send(c, text, load_sip_ok(text, sip, c->id));
}

static void
on_response(struct load_conn *c, const struct load_sip *sip)
{
	struct relay *r = relay_of(c, sip->serial);

	if (sip->status != 200)
		load_fail("serial %" PRIu64 " was answered %d", sip->serial, sip->status);
	if (r->from != c->id)
		load_fail("the answer to serial %" PRIu64 " of %u came to %u", sip->serial, r->from,
			  c->id);
	if (!r->delivered || r->answered)
		load_fail("serial %" PRIu64 " was answered %s", sip->serial,
			  r->answered ? "twice" : "before it was delivered");
	load_sip_check_response(sip, r->from, r->to);
	r->answered = true;
	load.answered++;
}

static void
on_message(struct load_conn *c, char *text, size_t len)
{
	struct load_sip sip;

	load_sip_parse(&sip, text, len);
	if (sip.status == 0)
		on_request(c, &sip);
	else if (sip.is_register)
		on_register_response(c, &sip);
	else
		on_response(c, &sip);
}

static void
on_gone(struct load_conn *c)
{
	(void)c;
	load.gone++;
}

static void
register_all(void)
{
	while (load.registered < load.connections) {
		while (load.opening < load.connections &&
		       load.opening - load.registered < CONNECTING_MAX) {
			struct load_conn *c = &load.conns[load.opening];
			struct in_addr source = { htonl(INADDR_LOOPBACK + 1 +
							load.opening % SOURCES) };

			c->id = load.opening++;
			load_conn_open(c, source, &load.daemon.address);
		}
		turn();
	}
}

/* Several messages at once from one to another; not to oneself. */
static void
send_burst(void)
{
	uint32_t from = random_below(load.connections);
	uint32_t to = (from + 1 + random_below(load.connections - 1)) % load.connections;
	char text[LOAD_SIP_MAX];

	for (uint32_t n = 1 + random_below(BURST_MAX); n && load.sent < load.messages; n--) {
		uint32_t serial = load.sent++;
		size_t len = load_sip_message(text, from, to, serial, random_below(1200));

		load.relays[serial] = (struct relay){ .from = from, .to = to };
		load.bytes_relayed += len;
		load_conn_send(&load.conns[from], text, len);
	}
}

static void
relay_all(void)
{
	uint32_t in_flight_max = load.connections < IN_FLIGHT_MAX / IN_FLIGHT_EACH ?
					 load.connections * IN_FLIGHT_EACH :
					 IN_FLIGHT_MAX;

	while (load.answered < load.messages) {
		while (load.sent < load.messages && load.sent - load.answered < in_flight_max)
			send_burst();
		turn();
	}
}

/* A message that is delivered a second time would be on its way now. */
static void
expect_silence(void)
{
	const char *json;
	uint64_t expected = load.registered + 2 * (uint64_t)load.messages;
	uint64_t until = load_now_ns() + UINT64_C(300000000);

	while (load_now_ns() < until)
		turn(); /* on_request() and on_response() refuse whatever comes */
	json = load_daemon_counters(&load.daemon);
	if (load_counter(json, "messages_received") != expected ||
	    load_counter(json, "delivered") != 2 * (uint64_t)load.messages ||
	    load_counter(json, "answered") != load.registered ||
	    load_counter_sum(json, "dropped_") != 0)
		load_fail("%" PRIu64 " messages were sent; the daemon counts: %s", expected, json);
	if (load_counter(json, "connections") != load.connections ||
	    load_counter(json, "bindings") != load.connections)
		load_fail("%u are registered; the daemon counts: %s", load.connections, json);
}

static void
unregister_all(void)
{
	char text[LOAD_SIP_MAX];

	load.leaving = true;
	for (uint32_t i = 0; i < load.connections; i++) {
		load_conn_send(&load.conns[i], text, load_sip_register(text, i, 2, 0));
		while (load.unregistered + CONNECTING_MAX <= i)
			turn();
	}
	while (load.unregistered < load.connections)
		turn();
}

/* Most with a closing handshake, some without a word. */
static void
close_all(void)
{
	for (uint32_t i = 0; i < load.connections; i++) {
		if (i % 10 == 9) {
			load_conn_drop(&load.conns[i]);
			load.gone++;
		} else {
			load_conn_close(&load.conns[i]);
		}
	}
	while (load.gone < load.connections)
		turn();
}

/* All gauges at 0, as soon as the daemon has seen the last end; each message has one fate. */
static void
check_rest(void)
{
	static const char *const gauges[] = { "connections", "messages", "assemblies",
					      "send_buffers", "bindings" };
	const char *json;
	uint64_t fates;

	do {
		turn();
		json = load_daemon_counters(&load.daemon);
	} while (load_counter(json, "connections") != 0);
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		if (load_counter(json, gauges[i]) != 0)
			load_fail("all is closed, but '%s' is not 0: %s", gauges[i], json);
	fates = load_counter_sum(json, "delivered") + load_counter_sum(json, "answered") +
		load_counter_sum(json, "absorbed") + load_counter_sum(json, "dropped_");
	if (fates != load_counter(json, "messages_received"))
		load_fail("%" PRIu64 " fates: %s", fates, json);
	if (load_counter(json, "connections_accepted") != load.connections ||
	    load_counter(json, "connections_closed") != load.connections)
		load_fail("%u connections were made: %s", load.connections, json);
}

static uint64_t
own_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* Descriptors for all connections and a few more, in this process and its child. */
static bool
raise_descriptors(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= load.connections + 100;
}

static void
run(void)
{
	struct load_daemon *d = &load.daemon;
	uint64_t rss_empty = load_daemon_rss_bytes(d), rss_idle;
	uint64_t begin = load_now_ns(), time, own, daemon;
	double n = load.messages;

	register_all();
	time = load_now_ns() - begin;
	rss_idle = load_daemon_rss_bytes(d);
	printf("relay_load: %u connections opened and registered in %.2f s\n", load.connections,
	       (double)time / 1e9);
	begin = load_now_ns();
	own = own_cpu_ns();
	daemon = load_daemon_cpu_ns(d);
	relay_all();
	time = load_now_ns() - begin;
	own = own_cpu_ns() - own;
	daemon = load_daemon_cpu_ns(d) - daemon;
	expect_silence();
	printf("relay_load: %u messages relayed and answered in %.2f s: %.0f messages/s each way, "
	       "%.0f bytes on the average\n",
	       load.messages, (double)time / 1e9, n / ((double)time / 1e9),
	       (double)load.bytes_relayed / n);
	printf("relay_load: CPU per message and its answer: daemon %.1f us, this test %.1f us\n",
	       (double)daemon / n / 1e3, (double)own / n / 1e3);
	printf("relay_load: daemon's memory: %.1f MB empty, %.0f bytes per registered connection, "
	       "%.1f MB after the messages\n",
	       (double)rss_empty / 1e6, (double)(rss_idle - rss_empty) / load.connections,
	       (double)load_daemon_rss_bytes(d) / 1e6);
}

int
main(int argc, char **argv)
{
	static const struct load_handlers handlers = { on_opened, on_message, on_gone };
	static const struct option options[] = { { "connections", required_argument, NULL, 'c' },
						 { "messages", required_argument, NULL, 'm' },
						 { 0 } };
	const char *path = getenv("SIPRING_BIN"), *scale = getenv("SIPRING_TEST_SCALE");
	uint64_t begin = load_now_ns();
	int option, code;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return 2;
		*(option == 'c' ? &load.connections : &load.messages) =
			(uint32_t)strtoul(optarg, NULL, 10);
	}
	path = optind < argc ? argv[optind] : path;
	if (!path || load.connections < 2)
		load_fail("no program: give it as an argument or in SIPRING_BIN");
	if (!raise_descriptors()) {
		printf("SKIP: the limit of descriptors is less than %u\n", load.connections + 100);
		return 77;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	load.conns = calloc(load.connections, sizeof(*load.conns));
	load.relays = calloc(load.messages, sizeof(*load.relays));
	if (!load.conns || !load.relays)
		load_fail("out of memory");
	load.deadline_ns =
		begin + DEADLINE_S * UINT64_C(1000000000) * (scale ? strtoul(scale, NULL, 10) : 1);
	load_daemon_start(&load.daemon, path, load.deadline_ns);
	load_conn_init(&handlers);
	run();
	unregister_all();
	close_all();
	check_rest();
	code = load_daemon_end(&load.daemon);
	if (code != 0)
		load_fail("the daemon ended with %d after SIGTERM", code);
	printf("relay_load: passed in %.2f s: none lost, none twice, none astray; gauges at 0\n",
	       (double)(load_now_ns() - begin) / 1e9);
	return 0;
}
