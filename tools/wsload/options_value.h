/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_OPTIONS_VALUE_H
#define WSLOAD_OPTIONS_VALUE_H
/* The values of options. A function is false, or says what is wrong, for what it does not take. */
#include "tools/wsload/options.h"

bool options_number(const char *text, double least, double most, double *out);
bool options_whole(const char *text, uint32_t least, uint32_t most, uint32_t *out);

/* Text that may stand in a header or a URI. */
bool options_word(const char *text, char out[OPTIONS_TEXT_MAX]);

/* "30s", "500ms", "2m", "1.5" (seconds). */
bool options_duration(const char *text, uint64_t *ns);

/* "127.0.0.2", "127.0.0.2-127.0.0.9", and lists of both with commas. */
bool options_sources(struct options *o, const char *text);

/* "10s:100,30s:1000,5s:1000": a time and the rate at its end, again and again. */
bool options_stages(struct options *o, const char *text);

/* "options=2,message=6,call=1": weights of the kinds of operations; others have none. */
bool options_mix(struct options *o, const char *text);

/* "30s", "30s:ping", "30s:crlf". */
bool options_keepalive(struct options *o, const char *text);

/* ws://HOST[:PORT][/PATH]. NULL, or what is wrong; static text. */
const char *options_url(struct options *o, const char *url);

#endif
