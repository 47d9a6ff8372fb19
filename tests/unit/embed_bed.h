/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_EMBED_BED_H
#define TESTS_UNIT_EMBED_BED_H
/*
 * An application in mode embed on the simulated kernel, and peers. What the engine calls is noted;
 * what the application does in a handler is the test's.
 */
#include "tests/unit/engine_bed.h"
#include "tests/unit/ws_peer.h"

enum { EMBED_PEERS = 4 };

struct embed_bed {
	struct engine_bed engine;
	struct sipring sipring; /* for sipring_send() and the like */
	struct ws_peer peers[EMBED_PEERS];
	char heard[EMBED_PEERS][8192];                  /* the last message of each */
	uint32_t opened, messages, undelivered, closed; /* calls */
	sipring_connection connection;                  /* of the last opened() */
	char address[46];                               /* of its peer */
	bool outgoing;
	sipring_connection closed_connection; /* of the last closed() */
	struct sipring_end end;
	/* What the application does in its handlers; NULL: nothing. */
	void (*on_opened)(sipring_connection connection);
	void (*on_message)(struct sipring_message *m);
	void (*on_closed)(sipring_connection connection);
};

extern struct embed_bed embed_bed;

/* Settings beside routing.mode, NULL at the end; or NULL. */
void embed_bed_open(const char *const *settings);

/* The same with an undelivered() that takes the message as message() does. */
void embed_bed_open_undelivered(const char *const *settings);

void embed_bed_turn(void);

#define embed_bed_until(condition)                                                                 \
	do {                                                                                       \
		for (int bed_taken = 0; !(condition); bed_taken++) {                               \
			if (bed_taken > 20000)                                                     \
				fail_msg("never: %s", #condition);                                 \
			embed_bed_turn();                                                          \
		}                                                                                  \
	} while (0)

void embed_bed_pass(uint64_t ms);

/* A peer connects and is told of; returns its connection. */
sipring_connection embed_bed_connect(uint32_t n);

/* The peer sends a request that is whole: its text, for comparing. */
const char *embed_bed_request(uint32_t n, const char *method);
void embed_bed_say(uint32_t n, const char *text);

/* Drain; nothing is left. */
void embed_bed_finish(void);

#define EMBED_BED_COUNT(name) ENGINE_BED_COUNT(&embed_bed.engine, name)

#endif
