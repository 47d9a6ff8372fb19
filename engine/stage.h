/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_STAGE_H
#define ENGINE_STAGE_H
/*
 * What the routing stage holds, one of each router. Shared by the files that decide: route.c, those
 * of the modes (proxy*.c and registrar*.c, edge.c, embed.c), and what they ask (admission.c,
 * auth_check.c, gruu.c, inbound.c, answer.c); nobody else looks in.
 */
#include "engine/names.h"
#include "engine/shared.h"

struct embed;

/* The last Route that came alone and named us: see proxy_route_read(). Empty: none yet. */
struct stage_route {
	uint32_t len;
	char text[124];
};

struct stage {
	const struct settings *settings;
	struct stats *stats;
	struct flows *flows;        /* of struct shared, as location and home are */
	struct location *location;
	struct location_home *home; /* this router's */
	uint32_t index;             /* this router's */
	uint64_t epoch_ns;          /* add to a time for the age of tokens */
	struct auth *auth;          /* of struct shared; NULL: nobody has to authenticate */
	struct sources *sources;    /* of struct shared; NULL: no rate per source */
	struct evp_cipher_ctx_st *gruu_seal, *gruu_open; /* see gruu_init() */
	struct siphash_key branch_key, tag_key;
	struct span host;        /* our name in Via and Record-Route */
	struct span via_head[2]; /* "Via: SIP/2.0/WS host;branch=z9hG4bK"; of a secure flow WSS */
	struct span route_tail;  /* "@host;transport=ws;lr>" */
	/* mode edge; by enum flow_transport */
	const struct group *group;
	struct span core_host;                  /* our name there: "host:port" */
	struct span core_via[FLOW_TRANSPORTS];  /* "Via: SIP/2.0/TCP host:port;branch=z9hG4bK" */
	struct span core_tail[FLOW_TRANSPORTS]; /* "@host:port;transport=tcp;lr" */
	uint32_t target_max; /* contact URI and Path of a binding: what an edit has room for */
	char text[5 * 255 + 7 * 160]; /* of the texts above */
	size_t text_len;
	struct names names;
	struct stage_route route_known;
	struct embed *embed; /* mode embed: who is asked; else NULL */
};

/* The texts: of all modes; of mode edge. They view `host` and `group` no longer than the call. */
void stage_texts_init(struct stage *s, const char *host);
void stage_core_init(struct stage *s, const struct group *group);

#endif
