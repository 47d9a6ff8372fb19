/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_TEMPLATE_H
#define WSLOAD_TEMPLATE_H
/*
 * A message that is the same every time but for some digits. They have a fixed width, so that a
 * message is made by copying the text and overwriting them, and its length, its Content-Length
 * and the place of every field are known beforehand.
 *
 * In the text, {NAME} is a place for digits:
 *   {client}  8 hex digits, the client that sends        {peer}        likewise, its partner
 *   {token}   16 hex digits, nobody else's anywhere      {peer_token}  likewise, of the partner
 *   {op}      12 hex digits, the operation of the client {cseq}        10 decimal digits
 *   {try}     1 digit, how often the request was sent
 * or a word that is put in once and for all: those of struct template_word, and {length}, the
 * bytes of the body.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/span.h"

#define TEMPLATE_MARKS_MAX 48
#define TEMPLATE_OP_LEN 12
#define TEMPLATE_TOKEN_LEN 16

/* The digits of one message. */
struct template_digits {
	char client[8], peer[8], op[TEMPLATE_OP_LEN], cseq[10];
	char token[TEMPLATE_TOKEN_LEN], peer_token[TEMPLATE_TOKEN_LEN];
	char attempt;
};

struct template_word {
	const char *name;
	const char *value;
};

struct template_mark {
	uint32_t off; /* in the message */
	uint8_t from; /* in struct template_digits */
	uint8_t len;
};

struct template
{
	char *bytes; /* owned */
	uint32_t len;
	uint32_t marks_len;
	bool counts;     /* it has a place {cseq} */
	bool has_tokens; /* ... {token} or {peer_token} */
	struct template_mark marks[TEMPLATE_MARKS_MAX];
};

/*
 * `words` ends with a name that is NULL. False, and errno says why: EINVAL a {NAME} that nobody
 * knows, a brace that never closes or too many places; ENOMEM.
 */
bool template_compile(struct template *t, const char *head, const char *body,
		      const struct template_word *words);
void template_free(struct template *t);

/* Write the message of t->len bytes. */
void template_write(const struct template *t, const struct template_digits *digits, char *out);

void template_digits_client(char out[8], uint32_t client);
void template_digits_op(char out[TEMPLATE_OP_LEN], uint16_t entry, uint32_t serial);
/* n is at most 9,999,999,999. */
void template_digits_cseq(char out[10], uint64_t n);

/*
 * The client's random token: the same for the same key, and no two clients of a key share one. To
 * others it tells neither.
 */
void template_digits_token(char out[TEMPLATE_TOKEN_LEN], uint64_t key, uint32_t client);

/* The reverse; false when there is something else than hex digits in lower case. */
bool template_read_hex(const char digits[8], uint32_t *out);

#endif
