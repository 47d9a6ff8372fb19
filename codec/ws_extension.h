/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WS_EXTENSION_H
#define CODEC_WS_EXTENSION_H
/*
 * The value of Sec-WebSocket-Extensions, RFC 6455 §9.1: a comma list of extensions, each a token
 * with parameters. Both roles. Views into the value; no state; any thread.
 */
#include <stdbool.h>
#include "codec/span.h"

enum ws_extension_read {
	WS_EXTENSION_NEXT,      /* one was read */
	WS_EXTENSION_END,       /* none is left */
	WS_EXTENSION_MALFORMED, /* the rest is not what the grammar allows */
};

struct ws_extension {
	struct span name;
	struct span params; /* what follows the name, for ws_extension_param() */
};

struct ws_extension_param {
	struct span name;
	struct span value; /* of a quoted one, what is between the quotes; empty: none */
	bool has_value;
};

/* Read the next extension from the front of `rest`, and check the grammar of all its parameters. */
enum ws_extension_read ws_extension_next(struct span *rest, struct ws_extension *out);

/* Read the next parameter from the front of an extension's `params`. */
enum ws_extension_read ws_extension_param(struct span *params, struct ws_extension_param *out);

/* Count the extensions of one header field value; -1: malformed. */
int ws_extension_count(struct span value);

/* Is an extension of this name (exactly) in the list? */
bool ws_extension_named(struct span value, struct span name);

#endif
