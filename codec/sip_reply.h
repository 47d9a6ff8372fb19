/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_REPLY_H
#define CODEC_SIP_REPLY_H
/*
 * A response of our own to a request, RFC 3261 §8.2.6: Via lines, From, To,
 * Call-ID, CSeq copied from it. Works also on a request that sip_msg_parse() found
 * faulty, with the fields that could be read: what is missing or malformed there is missing or
 * malformed here, and of a field that is there more often than it may be the first is copied.
 */
#include "codec/sip_essentials.h"
#include "codec/writer.h"

struct sip_reply {
	int status;
	struct span reason;     /* empty: the standard phrase of the status */
	struct span to_tag;     /* added to To when that has no tag; the same for a
	                           retransmission (P-12) */
	struct span via_params; /* added to the topmost Via, e.g. ";received=192.0.2.1;rport=4711",
	                           without white space or quotes; may be empty. Parameters of the
	                           same names that it has, such as a valueless rport, go */
	struct span fields;     /* more whole header lines, each with CRLF */
	struct span body;       /* with its Content-Type among `fields` */
	const struct sip_essentials *head; /* of the request, when it was read without fault; or
	                                      NULL */
};

/*
 * Write the whole response; Content-Length is always there. Returns false when the request holds
 * too little to be answered at all (no Via, or it is an ACK or a response), or w became full;
 * what w got is then of no use.
 */
bool sip_reply_write(struct writer *w, const struct sip_msg *request,
		     const struct sip_reply *reply);

/* "Not Found" for 404 and so on; the class's phrase for unknown codes in 100..699. */
struct span sip_reason_phrase(int status);

#endif
