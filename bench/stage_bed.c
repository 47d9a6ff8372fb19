/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/stage_bed.h"

#include <stdlib.h>
#include "bench/bench.h"
#include "codec/ws_frame.h"

#define NOW_NS (1000 * UINT64_C(1000000000))

const struct flow stage_alice = { .slot = 1, .tag = 1 }, stage_bob = { .slot = 2, .tag = 1 };

static void
flow_open(struct stage_bed *bed, struct flow flow, const char *address)
{
	struct message *m = bed->m;

	m->kind = MESSAGE_FLOW_OPENED;
	m->from = flow;
	m->peer = (struct message_peer){ .port = 40000 };
	memcpy(m->peer.address, address, strlen(address));
	route_message(bed->route, m, NOW_NS);
}

enum message_action
stage_bed_decide(struct stage_bed *bed, struct flow from, struct span text)
{
	struct message *m = bed->m;

	m->kind = MESSAGE_DATA;
	m->from = from;
	m->opcode = WS_OP_TEXT;
	m->bytes = (uint8_t *)(uintptr_t)text.at;
	m->len = (uint32_t)text.len;
	message_read(m, bed->shapes);
	route_message(bed->route, m, NOW_NS);
	bench_use(m);
	return (enum message_action)m->action;
}

bool
stage_bed_init(struct stage_bed *bed)
{
	static const uint8_t key[SHARED_KEY_LEN] = "the same key in every benchmark";

	memset(&bed->stats, 0, sizeof(bed->stats));
	settings_init(&bed->settings);
	bed->settings.mode = SETTINGS_MODE_REGISTRAR;
	bed->m = calloc(1, sizeof(*bed->m));
	route_thread_begin();
	bed->shared = shared_new(&bed->settings, key, 1, 16, 1);
	bed->shapes = calloc(1, sizeof(*bed->shapes));
	if (!bed->m || !bed->shared || !bed->shapes)
		abort();
	bed->route = route_new(&bed->settings, "192.0.2.10:8080", bed->shared, 0, &bed->stats);
	if (!bed->route)
		abort();
	flow_open(bed, stage_alice, "198.51.100.7");
	flow_open(bed, stage_bob, "203.0.113.90");
	return stage_bed_decide(bed, stage_bob, messages_register()) == MESSAGE_REPLY;
}

void
stage_bed_fini(struct stage_bed *bed)
{
	route_free(bed->route);
	shared_free(bed->shared);
	route_thread_end();
	free(bed->shapes);
	free(bed->m);
}
