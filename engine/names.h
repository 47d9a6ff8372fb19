/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_NAMES_H
#define ENGINE_NAMES_H
/*
 * Which names are ours: what this process is called (its name in Via, its listeners), and the
 * domains that it is responsible for. Built once, then read-only.
 *
 * Hosts are compared as text in any case. A port counts only where both sides name one:
 * "example.org" stands for every port of it.
 */
#include <stdbool.h>
#include <stdint.h>
#include "codec/sip_uri.h"
#include "engine/settings.h"

#define NAMES_DOMAINS_MAX (SETTINGS_TEXT_MAX / 2)
#define NAMES_SELF_MAX (SETTINGS_LISTENERS_MAX + 3)

struct names_entry {
	struct span host;
	uint16_t port; /* 0: any */
};

struct names {
	bool every_domain; /* routing.domains is empty */
	uint32_t domains_len, self_len;
	struct names_entry domains[NAMES_DOMAINS_MAX];
	struct names_entry self[NAMES_SELF_MAX];
};

/* Keeps views into `settings` and `host`, which must outlive it. */
void names_init(struct names *n, const struct settings *settings, struct span host);

/* One more name of this process, host[:port]; it must outlive `n`. */
void names_add_self(struct names *n, struct span host);

/* Is it this process? */
bool names_is_self(const struct names *n, const struct sip_uri *uri);

/* Is it this process or a domain of ours? */
bool names_is_ours(const struct names *n, const struct sip_uri *uri);

/* Ours because it was said so, not only because every domain is. */
bool names_is_listed(const struct names *n, const struct sip_uri *uri);

/*
 * Does the host end in .invalid (RFC 2606): the contact of a WebSocket client (S-18), nobody's
 * domain?
 */
bool names_is_invalid(const struct sip_uri *uri);

#endif
