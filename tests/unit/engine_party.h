/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_ENGINE_PARTY_H
#define TESTS_UNIT_ENGINE_PARTY_H
/*
 * Parties that talk to each other through the engine, or with its echo, and the ledger of all that
 * was said. A party is another user with every connection; so whoever gets a message knows whether
 * it was meant for this connection.
 */
#include "tests/unit/ws_peer.h"

struct engine_party {
	struct ws_peer ws;
	uint32_t user;
	bool honest; /* has kept to all rules, and to the end of its handshake */
	bool registering, registered;
	bool said_close;
	uint32_t said, heard; /* echo: texts */
};

/* A new ledger, and nobody there. */
void engine_party_begin(struct engine_party *parties, int count, bool echo);
void engine_party_end(struct engine_party *parties, int count);

/* With a proper handshake, or saying something else. */
void engine_party_connect(struct engine_party *p, int listener, bool properly);

/* As the server of a connection that waits at this listener. False: none does. */
bool engine_party_accept(struct engine_party *p, int listener);

/* What a user says: registers, sends messages, most of them to this other. */
void engine_party_talk(struct engine_party *p, const struct engine_party *to);

/* Legal but odd; against the rules. */
void engine_party_odd(struct engine_party *p);
void engine_party_sin(struct engine_party *p);
void engine_party_say_close(struct engine_party *p);

/* Gone without a word; with a RST. */
void engine_party_vanish(struct engine_party *p, bool reset);

/* Answer a Close, leave when the stream has ended. */
void engine_party_manners(struct engine_party *p);

/* Is there, has kept to the rules, and nothing is on its way to an end. */
bool engine_party_is_sound(const struct engine_party *p);

/*
 * Of those who are there and were honest: has all they said to each other come, and its answer?
 * But for what was refused because its target did not read: at most so many.
 */
void engine_party_audit(const struct engine_party *parties, int count, uint64_t refused_max);

#endif
