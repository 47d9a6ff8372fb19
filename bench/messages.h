/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_MESSAGES_H
#define BENCH_MESSAGES_H
/* SIP messages of the size and shape that browsers send; static, read-only. */
#include "codec/span.h"

struct span messages_message(void);  /* a MESSAGE, about 700 bytes */
struct span messages_invite(void);   /* an INVITE with audio, about 2.6 KB */
struct span messages_options(void);  /* to the server, as a probe */
struct span messages_register(void); /* of bob */

/*
 * A masked text frame with `text` as its payload, in malloc()ed memory; *len is the whole.
 * The masking key is 0: unmasking it in place, again and again, leaves the text valid.
 */
uint8_t *messages_frame(struct span text, size_t *len);

#endif
