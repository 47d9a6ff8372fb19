/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_SHAPE_H
#define CODEC_SIP_SHAPE_H
/*
 * Messages of one client, and of all clients with one user agent, differ in a few octets only. A
 * shape is the head of a message that was read in full and has no fault, with the index and the
 * essentials that came of it, and for each octet what may stand there instead without changing
 * either: a letter or digit for a letter or digit where the reader only looks for the end of a
 * run (tags, branches, user parts, display names, labels of host names but the last, Call-ID, and
 * values that it does not read at all), a digit in the number of CSeq, which is read anew. A
 * message that fits is compared, not parsed.
 *
 * The contract: what sip_shape_find() delivers is, for any octets, what sip_msg_parse() and
 * sip_essentials_read() would.
 *
 * A table has a fixed size and belongs to one thread; all zeros it is empty. What it costs is
 * bounded whatever peers send: a shape is learned when one of its length and kind was missed
 * before, and only once in SIP_SHAPE_PAUSE misses.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/sip_essentials.h"
#include "codec/sip_msg.h"

#define SIP_SHAPE_HEAD_MAX 1536 /* octets; a longer head is not learned */
#define SIP_SHAPE_SETS 16
#define SIP_SHAPE_WAYS 4
#define SIP_SHAPE_MISSES 256 /* that are remembered */
#define SIP_SHAPE_PAUSE 16   /* misses from one that is learned to the next */
#define SIP_SHAPE_WORDS (sizeof(struct sip_essentials) / sizeof(uint64_t))

/* What an octet may be instead. */
enum sip_shape_may {
	SIP_SHAPE_FIXED = 0,
	SIP_SHAPE_DIGIT = 1 << 0,
	SIP_SHAPE_ALPHA = 1 << 1,
	SIP_SHAPE_WORD = SIP_SHAPE_DIGIT | SIP_SHAPE_ALPHA,
};

struct sip_shape {
	uint32_t len; /* of the message; 0: there is none here */
	uint32_t head_len;
	bool used; /* since it was last considered for replacement */
	struct sip_essentials essentials; /* views into `octets` */
	uint64_t points[SIP_SHAPE_WORDS]; /* word by word of it: all ones where a view begins */
	struct sip_msg msg;
	char octets[SIP_SHAPE_HEAD_MAX];
	uint8_t may[SIP_SHAPE_HEAD_MAX]; /* enum sip_shape_may, beside each octet */
};

struct sip_shapes {
	uint32_t missed[SIP_SHAPE_MISSES]; /* keys */
	uint64_t misses;
	uint64_t next; /* `misses` when one may be learned */
	uint8_t turn[SIP_SHAPE_SETS];
	struct sip_shape sets[SIP_SHAPE_SETS][SIP_SHAPE_WAYS];
};

_Static_assert(sizeof(struct sip_shapes) <= 512 * 1024, "one per thread");

/*
 * Does a shape fit the message in bytes[0..len), len < 2^31? Then the message has no fault, and
 * *m and *out are filled (out->uri of a response is undefined). Else both are undefined.
 */
bool sip_shape_find(struct sip_shapes *t, const char *bytes, size_t len, struct sip_msg *m,
		    struct sip_essentials *out);

/*
 * Tell of a message that sip_shape_find() missed and sip_msg_parse() accepted: it may become a
 * shape, if sip_essentials_read() accepts it, too. No view into *m is kept.
 */
void sip_shape_missed(struct sip_shapes *t, const struct sip_msg *m);

/* Do these octets fit the head of the shape? There are head_len of them. */
bool sip_shape_fits(const struct sip_shape *s, const char *octets);

/* The essentials of the shape, as those of the message in bytes, which fits. */
void sip_shape_move(struct sip_essentials *out, const struct sip_shape *s, const char *bytes);

/* The scalar twins: same contract, one octet or one word at a time. */
bool sip_shape_fits_scalar(const struct sip_shape *s, const char *octets);
void sip_shape_move_scalar(struct sip_essentials *out, const struct sip_shape *s,
			   const char *bytes);

#endif
