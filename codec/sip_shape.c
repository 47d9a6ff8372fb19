/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_shape.h"

#include <assert.h>
#include <string.h>
#include "codec/cpu.h"
#include "codec/scan.h"
#include "codec/sip_param.h"

#define BLOCK 32 /* octets that are compared at once; a head is longer */

/* All spans there are in struct sip_essentials. */
#define URI_SPANS(uri)                                                                             \
	offsetof(struct sip_essentials, uri.text), offsetof(struct sip_essentials, uri.scheme),    \
		offsetof(struct sip_essentials, uri.user),                                         \
		offsetof(struct sip_essentials, uri.password),                                     \
		offsetof(struct sip_essentials, uri.host),                                         \
		offsetof(struct sip_essentials, uri.params),                                       \
		offsetof(struct sip_essentials, uri.headers)
#define ADDR_SPANS(addr)                                                                           \
	offsetof(struct sip_essentials, addr.display),                                             \
		offsetof(struct sip_essentials, addr.uri_text), URI_SPANS(addr.uri),               \
		offsetof(struct sip_essentials, addr.params),                                      \
		offsetof(struct sip_essentials, addr.tag)

static const uint16_t spans[] = {
	offsetof(struct sip_essentials, via_text),
	offsetof(struct sip_essentials, via.protocol),
	offsetof(struct sip_essentials, via.version),
	offsetof(struct sip_essentials, via.transport),
	offsetof(struct sip_essentials, via.sent_by),
	offsetof(struct sip_essentials, via.host),
	offsetof(struct sip_essentials, via.params),
	offsetof(struct sip_essentials, via.branch),
	offsetof(struct sip_essentials, via.received),
	offsetof(struct sip_essentials, via.rport),
	URI_SPANS(uri),
	ADDR_SPANS(from),
	ADDR_SPANS(to),
	offsetof(struct sip_essentials, cseq.method),
};
_Static_assert(sizeof(char *) == sizeof(uint64_t) && offsetof(struct span, at) == 0 &&
		       sizeof(struct sip_essentials) % sizeof(uint64_t) == 0,
	       "views are moved word by word");
#define SPANS (sizeof(spans) / sizeof(spans[0]))

static inline struct span *
view_at(struct sip_essentials *e, uint16_t off)
{
	return (struct span *)(void *)((char *)e + off);
}

/* ---- comparing ---- */

static inline unsigned
class_of(char c)
{
	return scan_is_digit(c) ? SIP_SHAPE_DIGIT : scan_is(c, SCAN_ALPHA) ? SIP_SHAPE_ALPHA : 0;
}

bool
sip_shape_fits_scalar(const struct sip_shape *s, const char *octets)
{
	for (uint32_t i = 0; i < s->head_len; i++)
		if (octets[i] != s->octets[i] && !(class_of(octets[i]) & s->may[i]))
			return false;
	return true;
}

#if CPU_X86
#include <immintrin.h>

/* Is x, as an unsigned number, from..from + more, in each octet? */
CPU_TARGET_AVX2 static inline __m256i
in_range(__m256i x, char from, char more)
{
	x = _mm256_sub_epi8(x, _mm256_set1_epi8(from));
	return _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(more)), x);
}

/* Most blocks are the same octet for octet, and that is seen first. */
CPU_TARGET_AVX2 static inline bool
block_fits(const struct sip_shape *s, const char *octets, uint32_t i)
{
	__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(octets + i)), may, alpha;
	__m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(s->octets + i));
	__m256i same = _mm256_cmpeq_epi8(x, y), digit;

	if (_mm256_movemask_epi8(same) == -1)
		return true;
	may = _mm256_loadu_si256((const __m256i *)(const void *)(s->may + i));
	digit = in_range(x, '0', 9);
	alpha = in_range(_mm256_or_si256(x, _mm256_set1_epi8(0x20)), 'a', 'z' - 'a');
	digit = _mm256_and_si256(digit, _mm256_set1_epi8(SIP_SHAPE_DIGIT));
	alpha = _mm256_and_si256(alpha, _mm256_set1_epi8(SIP_SHAPE_ALPHA));
	may = _mm256_and_si256(may, _mm256_or_si256(digit, alpha));
	may = _mm256_cmpgt_epi8(may, _mm256_setzero_si256());
	return _mm256_movemask_epi8(_mm256_or_si256(same, may)) == -1;
}

/* The last block overlaps the one before it: no octet behind the head is read. */
CPU_TARGET_AVX2 static bool
fits_avx2(const struct sip_shape *s, const char *octets)
{
	for (uint32_t i = 0; i < s->head_len - BLOCK; i += BLOCK)
		if (!block_fits(s, octets, i))
			return false;
	return block_fits(s, octets, s->head_len - BLOCK);
}
#endif

bool
sip_shape_fits(const struct sip_shape *s, const char *octets)
{
#if CPU_X86
	if (cpu_has_avx2())
		return fits_avx2(s, octets);
#endif
	return sip_shape_fits_scalar(s, octets);
}

/* ---- the table ---- */

/* Of the length and the first octets: the method, or SIP/2.0 and the class of the status. */
static inline uint32_t
key_of(const char *bytes, size_t len)
{
	uint64_t first;

	memcpy(&first, bytes, sizeof(first));
	return (uint32_t)(((first ^ len) * UINT64_C(0x9E3779B97F4A7C15)) >> 32);
}

static inline unsigned
set_of(uint32_t key)
{
	return key / (UINT32_MAX / SIP_SHAPE_SETS + 1);
}

/* An index over the same octets at another place. Only what is used of it is copied. */
static inline void
copy_index(struct sip_msg *m, const struct sip_msg *from, const char *bytes)
{
	size_t blocks = (from->fields_end + 2 + SCAN_BLOCK - 1) / SCAN_BLOCK * sizeof(uint64_t);

	memcpy(m, from, offsetof(struct sip_msg, map));
	m->base = bytes;
	memcpy(m->map.stop, from->map.stop, blocks);
	memcpy(m->map.mark, from->map.mark, blocks);
	memcpy(m->fields, from->fields, from->fields_len * sizeof(from->fields[0]));
}

/*
 * The essentials over the same octets at another place: their words, and the distance on top of
 * those that point.
 */
void
sip_shape_move_scalar(struct sip_essentials *out, const struct sip_shape *s, const char *bytes)
{
	uint64_t distance = (uintptr_t)bytes - (uintptr_t)s->octets;
	const char *from = (const char *)&s->essentials;
	uint64_t word;

	for (size_t i = 0; i < SIP_SHAPE_WORDS; i++) {
		memcpy(&word, from + i * sizeof(word), sizeof(word));
		word += s->points[i] & distance;
		memcpy((char *)out + i * sizeof(word), &word, sizeof(word));
	}
}

#if CPU_X86
CPU_TARGET_AVX2 static inline void
copy_four(char *to, const char *from, const char *points, __m256i distance)
{
	__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)from);
	__m256i p = _mm256_loadu_si256((const __m256i *)(const void *)points);

	x = _mm256_add_epi64(x, _mm256_and_si256(p, distance));
	_mm256_storeu_si256((__m256i *)(void *)to, x);
}

/* The last four words overlap those before them. */
CPU_TARGET_AVX2 static void
move_avx2(struct sip_essentials *out, const struct sip_shape *s, const char *bytes)
{
	uint64_t distance = (uintptr_t)bytes - (uintptr_t)s->octets;
	const char *from = (const char *)&s->essentials, *points = (const char *)s->points;
	const __m256i all = _mm256_set1_epi64x((int64_t)distance);
	char *to = (char *)out;

	for (size_t i = 0; i + BLOCK < sizeof(*out); i += BLOCK)
		copy_four(to + i, from + i, points + i, all);
	copy_four(to + sizeof(*out) - BLOCK, from + sizeof(*out) - BLOCK,
		  points + sizeof(*out) - BLOCK, all);
}
#endif

void
sip_shape_move(struct sip_essentials *out, const struct sip_shape *s, const char *bytes)
{
#if CPU_X86
	if (cpu_has_avx2()) {
		move_avx2(out, s, bytes);
		return;
	}
#endif
	sip_shape_move_scalar(out, s, bytes);
}

bool
sip_shape_find(struct sip_shapes *t, const char *bytes, size_t len, struct sip_msg *m,
	       struct sip_essentials *out)
{
	struct sip_shape *s;

	assert(len <= INT32_MAX);
	if (len < BLOCK)
		return false;
	s = t->sets[set_of(key_of(bytes, len))];
	for (unsigned i = 0; i < SIP_SHAPE_WAYS; i++, s++) {
		if (s->len != len || !sip_shape_fits(s, bytes))
			continue;
		copy_index(m, &s->msg, bytes);
		sip_shape_move(out, s, bytes);
		s->used = true;
		/* the one value of which not every spelling is good */
		return sip_cseq_over_number(sip_msg_value(m, SIP_FIELD_CSEQ).at,
					    out->cseq.method.at, &out->cseq.number) != NULL;
	}
	return false;
}

/* ---- learning ---- */

static void
let(struct sip_shape *s, struct span text, enum sip_shape_may may)
{
	for (const char *p = text.at, *end = span_end(text); p < end; p++)
		if (class_of(*p) & may)
			s->may[p - s->octets] = (uint8_t)may;
}

/* The two octets behind a '%' stay. */
static void
let_user(struct sip_shape *s, struct span user)
{
	const char *p = user.at, *end = span_end(user);

	for (; p < end; p++) {
		if (*p == '%')
			p += 2;
		else
			let(s, span_of(p, 1), SIP_SHAPE_WORD);
	}
}

/*
 * Of a name all labels but the last one, which makes it a name: no address in numbers has one that
 * begins with a letter. Other hosts stay.
 */
static void
let_host(struct sip_shape *s, struct span host)
{
	const char *last = span_end(host);

	if (last > host.at && last[-1] == '.')
		last--;
	while (last > host.at && last[-1] != '.')
		last--;
	if (host.len && scan_is(*last, SCAN_ALPHA))
		let(s, span_of(host.at, (size_t)(last - host.at)), SIP_SHAPE_WORD);
}

static void
let_uri(struct sip_shape *s, const struct sip_uri *uri)
{
	if (uri->has_user)
		let_user(s, uri->user);
	let_host(s, uri->host);
}

/* A tag is any kind of value, but only in a token are all letters and digits the same. */
static void
let_addr(struct sip_shape *s, const struct sip_addr *addr)
{
	let(s, addr->display, SIP_SHAPE_WORD);
	let_uri(s, &addr->uri);
	if (scan_all(addr->tag, SCAN_TOKEN))
		let(s, addr->tag, SIP_SHAPE_WORD);
}

/*
 * Does it matter to sip_msg_parse() or sip_essentials_read() which letters and digits are in a
 * value with this id?
 */
static bool
matters(unsigned id)
{
	return id == SIP_FIELD_VIA || id == SIP_FIELD_FROM || id == SIP_FIELD_TO ||
	       id == SIP_FIELD_CSEQ || id == SIP_FIELD_MAX_FORWARDS ||
	       id == SIP_FIELD_CONTENT_LENGTH;
}

/* The topmost Via: parameters that sip_via_read() does not look into. */
static void
let_via_params(struct sip_shape *s, struct span rest)
{
	struct span name, value;

	while (rest.len) {
		enum sip_param_kind kind = sip_param_read(&s->msg, &rest, &name, &value);

		if (kind == SIP_PARAM_TOKEN && !SPAN_IS_NOCASE(name, "received") &&
		    !SPAN_IS_NOCASE(name, "rport"))
			let(s, value, SIP_SHAPE_WORD);
	}
}

/* Of the Via values behind it is only read where they end. */
static void
let_other_vias(struct sip_shape *s)
{
	const char *from = span_end(s->essentials.via_text);
	const struct sip_field *f = sip_msg_field(&s->msg, SIP_FIELD_VIA);

	for (; f; f = sip_msg_next(&s->msg, f)) {
		struct span value = sip_field_value(&s->msg, f);

		if (from > value.at)
			value = span_of(from, (size_t)(span_end(value) - from));
		let(s, value, SIP_SHAPE_WORD);
	}
}

static void
note_may(struct sip_shape *s)
{
	const struct sip_essentials *e = &s->essentials;
	const char *cseq = sip_msg_value(&s->msg, SIP_FIELD_CSEQ).at;

	memset(s->may, SIP_SHAPE_FIXED, s->head_len);
	for (unsigned i = 0; i < s->msg.fields_len; i++)
		if (!matters(s->msg.fields[i].id))
			let(s, sip_field_value(&s->msg, &s->msg.fields[i]), SIP_SHAPE_WORD);
	let_host(s, e->via.host);
	let_via_params(s, e->via.params);
	let_other_vias(s);
	let_uri(s, &e->uri);
	let_addr(s, &e->from);
	let_addr(s, &e->to);
	let(s, span_of(cseq, (size_t)(e->cseq.method.at - cseq)), SIP_SHAPE_DIGIT);
}

/* The views go with the octets. */
static void
note_views(struct sip_shape *s, const char *from)
{
	memset(s->points, 0, sizeof(s->points));
	for (unsigned i = 0; i < SPANS; i++) {
		struct span *view = view_at(&s->essentials, spans[i]);

		if (!view->at)
			continue;
		view->at = s->octets + (view->at - from);
		s->points[spans[i] / sizeof(uint64_t)] = UINT64_MAX;
	}
}

/* The next one in turn, but for those that were of use since they last had it. */
static struct sip_shape *
place(struct sip_shapes *t, unsigned set)
{
	struct sip_shape *s;

	for (unsigned i = 0;; i++) {
		s = &t->sets[set][t->turn[set]++ % SIP_SHAPE_WAYS];
		if (!s->used || i == SIP_SHAPE_WAYS)
			return s;
		s->used = false;
	}
}

static void
learn(struct sip_shapes *t, uint32_t key, const struct sip_msg *m)
{
	struct sip_essentials essentials = { 0 };
	struct sip_shape *s;

	if (sip_essentials_read(m, &essentials))
		return;
	s = place(t, set_of(key));
	s->len = m->len;
	s->head_len = m->fields_end + 2;
	s->used = false;
	memcpy(s->octets, m->base, s->head_len);
	copy_index(&s->msg, m, s->octets);
	s->essentials = essentials;
	note_views(s, m->base);
	note_may(s);
}

static bool
is_learnable(const struct sip_msg *m)
{
	uint32_t head_len = m->fields_end + 2;

	return m->mapped && !m->surplus && head_len > BLOCK && head_len <= SIP_SHAPE_HEAD_MAX;
}

void
sip_shape_missed(struct sip_shapes *t, const struct sip_msg *m)
{
	uint32_t key, *missed;

	t->misses++;
	if (t->misses < t->next || !is_learnable(m))
		return;
	key = key_of(m->base, m->len);
	missed = &t->missed[key % SIP_SHAPE_MISSES];
	if (*missed != key) {
		*missed = key;
		return;
	}
	t->next = t->misses + SIP_SHAPE_PAUSE;
	learn(t, key, m);
}
