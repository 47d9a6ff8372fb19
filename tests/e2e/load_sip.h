/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_E2E_LOAD_SIP_H
#define TESTS_E2E_LOAD_SIP_H
/*
 * The few SIP messages of the load test: built, taken apart, and checked to the last byte that
 * matters. Users are numbers; serials tell the messages apart.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_SIP_MAX 8192
#define LOAD_SIP_VIAS_MAX 4

struct load_sip {
	int status;       /* 0: a request */
	bool is_register; /* by CSeq; not for requests, of which only MESSAGE is taken */
	uint64_t serial;  /* by Call-ID */
	const char *uri;  /* of a request */
	const char *vias[LOAD_SIP_VIAS_MAX];
	int vias_len;
	const char *from, *to, *call_id, *cseq, *max_forwards;
	char *body;
	size_t body_len;
};

/* Takes `text` apart in place: all strings end in a NUL. Fails on anything but well-formed SIP. */
void load_sip_parse(struct load_sip *sip, char *text, size_t len);

/* Each writes at most LOAD_SIP_MAX bytes and returns how many. */
size_t load_sip_register(char *out, uint32_t user, uint32_t cseq, uint32_t expires);
size_t load_sip_message(char *out, uint32_t from, uint32_t to, uint32_t serial, uint32_t padding);
size_t load_sip_ok(char *out, const struct load_sip *request, uint32_t user);

/* Is this the MESSAGE with that serial, as a proxy may hand it over? */
void load_sip_check_message(const struct load_sip *sip, uint32_t from, uint32_t to);

/* Is this the answer to it, as it must come back? */
void load_sip_check_response(const struct load_sip *sip, uint32_t from, uint32_t to);

#endif
