/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_HTTP_URI_H
#define CODEC_HTTP_URI_H
/* What a request carries of an http URI, RFC 3986 and RFC 9110 §4. Any thread; no state. */
#include <stdbool.h>
#include "codec/span.h"

/*
 * uri-host [":" port] of Host and of an absolute request target: a host that is not empty (name,
 * IPv4, or IPv6 in brackets) and a port up to 65535. No user information. The empty port of
 * "host:" is legal (RFC 3986 §3.2.3).
 */
bool http_uri_authority_valid(struct span authority);

/*
 * The bytes of text that can stand in a path and query, up to the first that cannot; an escape
 * cut short by the end of text counts. No space, no control, no fragment.
 */
size_t http_uri_path_len(struct span text);

/* The same for a whole URI, whose authority may have an IPv6 address in brackets. */
size_t http_uri_len(struct span text);

/* scheme://host[:port] and nothing behind it, or "null": RFC 6454 §7.1. */
bool http_uri_origin_valid(struct span origin);

#endif
