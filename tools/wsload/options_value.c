/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/options_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool
options_duration(const char *text, uint64_t *ns)
{
	char *unit;
	double n = strtod(text, &unit);
	double scale = strcmp(unit, "ms") == 0          ? 1e6 :
		       strcmp(unit, "us") == 0          ? 1e3 :
		       strcmp(unit, "m") == 0           ? 60e9 :
		       strcmp(unit, "h") == 0           ? 3600e9 :
		       !*unit || strcmp(unit, "s") == 0 ? 1e9 :
							  0;

	if (unit == text || scale <= 0 || !isfinite(n) || n < 0 || n * scale > 1e18)
		return false;
	*ns = (uint64_t)(n * scale);
	return true;
}

bool
options_number(const char *text, double least, double most, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && !*end && *out >= least && *out <= most;
}

bool
options_whole(const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || n < least || n > most)
		return false;
	*out = (uint32_t)n;
	return true;
}

bool
options_word(const char *text, char out[OPTIONS_TEXT_MAX])
{
	size_t len = strlen(text);

	if (len >= OPTIONS_TEXT_MAX || strpbrk(text, "\r\n{}"))
		return false;
	memcpy(out, text, len + 1);
	return true;
}

static bool
add_sources(struct options *o, const char *from, const char *to)
{
	struct in_addr first, last;
	uint32_t n;

	if (inet_pton(AF_INET, from, &first) != 1 || inet_pton(AF_INET, to, &last) != 1)
		return false;
	n = ntohl(last.s_addr) - ntohl(first.s_addr);
	if (n >= OPTIONS_SOURCES_MAX - o->sources_len)
		return false;
	for (uint32_t i = 0; i <= n; i++)
		o->sources[o->sources_len++].s_addr = htonl(ntohl(first.s_addr) + i);
	return true;
}

bool
options_sources(struct options *o, const char *text)
{
	char copy[4096], *rest = copy, *item, *dash;

	if (strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	while ((item = strsep(&rest, ","))) {
		dash = strchr(item, '-');
		if (dash)
			*dash++ = '\0';
		if (!add_sources(o, item, dash ? dash : item))
			return false;
	}
	return true;
}

bool
options_stages(struct options *o, const char *text)
{
	char copy[1024], *rest = copy, *item, *colon;
	double from = 0, rate;
	uint64_t ns;

	if (strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	o->rate = 0;
	o->duration_ns = 0;
	o->stages_len = 0;
	while ((item = strsep(&rest, ","))) {
		colon = strchr(item, ':');
		if (!colon || o->stages_len == SCHEDULE_STAGES_MAX)
			return false;
		*colon = '\0';
		if (!options_duration(item, &ns) || !options_number(colon + 1, 0, 1e8, &rate))
			return false;
		if (ns) /* a stage of no time is a step */
			o->stages[o->stages_len++] =
				(struct schedule_stage){ (double)ns / 1e9, from, rate };
		from = rate;
		o->duration_ns += ns;
		o->rate = fmax(o->rate, rate);
	}
	o->warmup_ns = 0;
	return o->rate > 0 && o->stages_len > 0;
}

static bool
add_weight(struct options *o, const char *name, const char *weight)
{
	for (int i = 0; i < SCENARIO_KINDS; i++)
		if (i != SCENARIO_ECHO &&
		    strcmp(scenario_kind_name((enum scenario_kind)i), name) == 0)
			return options_whole(weight, 0, 1000000, &o->mix[i]);
	return false;
}

bool
options_mix(struct options *o, const char *text)
{
	char copy[256], *rest = copy, *item, *equal;
	uint32_t sum = 0;

	if (strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	memset(o->mix, 0, sizeof(o->mix));
	while ((item = strsep(&rest, ","))) {
		equal = strchr(item, '=');
		if (!equal)
			return false;
		*equal = '\0';
		if (!add_weight(o, item, equal + 1))
			return false;
	}
	for (int i = 0; i < SCENARIO_KINDS; i++)
		sum += o->mix[i];
	return sum > 0;
}

bool
options_keepalive(struct options *o, const char *text)
{
	char copy[64], *kind;

	if (strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	kind = strchr(copy, ':');
	if (kind)
		*kind++ = '\0';
	o->keepalive_crlf = kind && strcmp(kind, "crlf") == 0;
	return (!kind || o->keepalive_crlf || strcmp(kind, "ping") == 0) &&
	       options_duration(copy, &o->keepalive_ns) && o->keepalive_ns > 0;
}
