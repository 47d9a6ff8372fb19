/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_EXCHANGE_H
#define WSLOAD_EXCHANGE_H
/*
 * A request of ours and what has to come of it. Whoever looks at a message that came makes the
 * request again from its template and compares: nothing about an operation is kept but its
 * number, and still every field is checked whole.
 *
 * The number is in the branch of our Via, which responses bring back, and in Call-ID, which
 * arrives with the request. A request that is sent again with credentials keeps its Call-ID; the
 * branch says which attempt it was.
 */
#include <stdbool.h>
#include <stdint.h>
#include "codec/sip_msg.h"
#include "tools/wsload/template.h"

#define EXCHANGE_RAW_ID_LEN (8 + TEMPLATE_OP_LEN) /* a raw message begins with its number */
#define EXCHANGE_BYTES_MAX 65536                  /* of a request */

/* Offset and length in the request, or, of a value in the middle, of digits in that value. */
struct exchange {
	struct template request;
	bool from_peer;          /* the answer is the partner's: its tag is the partner's digits */
	bool contact_returns;    /* the 200 lists the Contact of the request (REGISTER) */
	bool in_dialog;          /* To has its tag already */
	uint8_t method;          /* enum sip_method */
	struct span answer_body; /* of a 2xx, if it is the partner's; owned by who sets it */
	struct sip_view via;     /* transport and sent-by */
	struct sip_view branch;  /* ";branch=..." */
	struct sip_view from, to, call_id, cseq, body;
	struct sip_view contact; /* up to the first parameter */
	uint32_t branch_client, branch_op, branch_try;
	uint32_t call_id_client, call_id_op; /* UINT32_MAX: it holds none */
};

/* Whose message is it? */
struct exchange_id {
	uint32_t client;
	uint16_t entry;
	uint32_t serial;
	uint8_t attempt; /* from 1 on; only in a branch, otherwise 1 */
};

/*
 * Make it of texts as for template_compile(). NULL, or what is wrong with them: the request must
 * be one that a server accepts, with the places {client} and {op} in the branch, which is the last
 * parameter of its Via.
 */
const char *exchange_init(struct exchange *x, const char *head, const char *body,
			  const struct template_word *words);
void exchange_fini(struct exchange *x);

/* A message of any subprotocol that begins with the places {client} and {op}. */
const char *exchange_init_raw(struct exchange *x, const char *text,
			      const struct template_word *words);

bool exchange_identify_response(const struct exchange *x, const struct sip_msg *m,
				struct exchange_id *id);
bool exchange_identify_request(const struct exchange *x, const struct sip_msg *m,
			       struct exchange_id *id);
bool exchange_identify_raw(struct span bytes, struct exchange_id *id);

/*
 * NULL: all is as it has to be. Otherwise the name of the field that is not; static text.
 * `request` is the request as template_write() makes it for this operation.
 */
const char *exchange_check_response(const struct exchange *x, const struct sip_msg *m,
				    const char *request, const struct template_digits *digits);
const char *exchange_check_request(const struct exchange *x, const struct sip_msg *m,
				   const char *request, const struct template_digits *digits);

#endif
