/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_BAD_H
#define WSLOAD_BAD_H
/*
 * Bad clients, one after the other, and what a good server makes of each. A second client that
 * behaves asks and is answered after each of them: nobody else must notice.
 */
#include <stdbool.h>
#include "tools/wsload/bad_peer.h"

#define BAD_GOT_MAX 80

struct bad_case {
	const char *name;
	const char *about;
	const char *expected; /* in words */
	/*
	 * Does it, says in `got` what came of it, and returns whether that is as expected. The peer
	 * is connected and upgraded, unless `raw`.
	 */
	bool (*run)(struct bad_peer *p, char got[BAD_GOT_MAX]);
	bool raw;          /* begins before the handshake */
	int receive_bytes; /* SO_RCVBUF */
};

extern const struct bad_case bad_cases[]; /* ends with one without a name */

/* Is it "all", or a list of names with commas? */
bool bad_is_list(const char *list);

/* Run those in the list; a table on `out`, and with --json one object. True: all as expected. */
bool bad_run(const struct plan *plan, FILE *out);

/* ---- for the cases ---- */

/* Writes what `end` is, in words. */
void bad_say(char got[BAD_GOT_MAX], const struct bad_peer *p, enum bad_end end);

/* Wait for the end of the connection; is it a Close with this code? */
bool bad_expect_close(struct bad_peer *p, int code, char got[BAD_GOT_MAX]);

/* Was the last OPTIONS answered? */
bool bad_expect_answer(struct bad_peer *p, char got[BAD_GOT_MAX]);

/* Is the connection ended, in whatever way, within the time? */
bool bad_expect_end(struct bad_peer *p, int timeout_ms, char got[BAD_GOT_MAX]);

int bad_timeout_ms(const struct bad_peer *p);

bool bad_flood_pings(struct bad_peer *p, char got[BAD_GOT_MAX]);
bool bad_flood_crlf(struct bad_peer *p, char got[BAD_GOT_MAX]);
bool bad_flood_slow_reader(struct bad_peer *p, char got[BAD_GOT_MAX]);
bool bad_flood_zero_window(struct bad_peer *p, char got[BAD_GOT_MAX]);

#endif
