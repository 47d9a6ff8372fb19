/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_SETTINGS_H
#define ENGINE_SETTINGS_H
/*
 * All limits, timeouts and defaults. One table (settings.def), one struct.
 * Read-only once the engine runs; then any thread may read it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "engine/flow.h"
#include "engine/policy.h"

/* In the order of the choices in settings.def. */
enum settings_mode {
	SETTINGS_MODE_REGISTRAR,
	SETTINGS_MODE_ECHO,
	SETTINGS_MODE_EMBED,
	SETTINGS_MODE_EDGE
};
enum settings_guard { SETTINGS_GUARD_TRY, SETTINGS_GUARD_ALWAYS };
enum settings_verify { SETTINGS_VERIFY_0, SETTINGS_VERIFY_1, SETTINGS_VERIFY_AUTO };
enum settings_qop { SETTINGS_QOP_AUTH, SETTINGS_QOP_AUTH_INT };
enum settings_foreign { SETTINGS_FOREIGN_REFUSE, SETTINGS_FOREIGN_ALLOW };
enum settings_origin { SETTINGS_ORIGIN_0, SETTINGS_ORIGIN_1, SETTINGS_ORIGIN_AUTO };

#define SETTINGS_ALGORITHMS_MAX 3
#define SETTINGS_RULES_MAX 64
#define SETTINGS_LISTENERS_MAX 16
#define SETTINGS_TEXT_MAX 1024

struct settings_listener {
	char address[64];  /* numeric; IPv6 without brackets */
	uint16_t port;     /* 0: any free one, unless port_default */
	bool port_default; /* none was named; settings_finish() puts in ws_port, wss_port */
	bool tls;
	bool core; /* SIP over TCP, from the core: edge.listen */
};

#define SETTINGS_UPSTREAMS_MAX 16
#define SETTINGS_WEIGHT_MAX 1000

struct settings_upstream {
	char address[64]; /* numeric; IPv6 without brackets; empty: `host` is looked up */
	char host[256];
	uint16_t port;     /* 0: none was named; settings_finish() puts in that of the transport */
	bool port_default; /* it did */
	uint8_t transport; /* enum flow_transport */
	uint16_t weight;   /* its share of the requests, among those of all upstreams */
	bool tls;          /* sips: */
	char name[256];    /* host name that its certificate must have; empty: the address */
};

#define SETTINGS_DOMAINS_MAX 16
#define SETTINGS_DOMAIN_NAME_MAX 64

/* The first two are always there. */
enum { SETTINGS_DOMAIN_SERVER, SETTINGS_DOMAIN_CLIENT, SETTINGS_DOMAINS_FIXED };

/* One for each row of settings.def. */
enum settings_index {
#define SETTING(kind, symbol, ...) SETTINGS_AT_##symbol,
#define DOMAIN(kind, symbol, ...) SETTINGS_AT_##symbol,
#include "engine/settings.def"
#undef SETTING
#undef DOMAIN
	SETTINGS_LEN
};

#define SETTING_FIELD_U32(symbol) uint32_t symbol;
#define SETTING_FIELD_BOOL(symbol) bool symbol;
#define SETTING_FIELD_TEXT(symbol) char symbol[SETTINGS_TEXT_MAX];
#define SETTING_FIELD_CHOICE(symbol) uint32_t symbol;

/* What one side of TLS is: certificates, whom to trust, what to speak. As tls_mgm's domains. */
struct settings_domain {
	char name[SETTINGS_DOMAIN_NAME_MAX];
	bool client; /* for outgoing connections */
#define SETTING(kind, symbol, ...)
#define DOMAIN(kind, symbol, ...) SETTING_FIELD_##kind(symbol)
#include "engine/settings.def"
#undef SETTING
#undef DOMAIN
};

struct settings {
#define SETTING(kind, symbol, ...) SETTING_FIELD_##kind(symbol)
#define DOMAIN(kind, symbol, ...)
#include "engine/settings.def"
#undef SETTING
#undef DOMAIN
#undef SETTING_FIELD_U32
#undef SETTING_FIELD_BOOL
#undef SETTING_FIELD_TEXT
#undef SETTING_FIELD_CHOICE
	struct settings_listener listeners[SETTINGS_LISTENERS_MAX];
	uint32_t listeners_len;
	struct settings_upstream upstreams[SETTINGS_UPSTREAMS_MAX];
	uint32_t upstreams_len;
	struct settings_domain domains[SETTINGS_DOMAINS_MAX];
	uint32_t domains_len;
	struct policy_rule rules[SETTINGS_RULES_MAX];
	uint32_t rules_len;
	bool given[SETTINGS_LEN]; /* by settings_set(); the others have their defaults */
	/* derived by settings_finish() */
	struct settings_listener core_listener; /* mode edge: edge.listen */
	enum settings_mode mode;
	enum settings_guard guard;
	bool origin_required;
	uint8_t auth_order[SETTINGS_ALGORITHMS_MAX]; /* enum sip_digest_algorithm */
	uint32_t auth_order_len;
	uint32_t methods; /* routing.methods as bits of enum sip_method; 0: all */
};

#define SETTINGS_ERROR_MAX 512 /* bytes of an error text */

void settings_init(struct settings *s); /* all defaults */

/*
 * "name=value", blanks around either do not count; "listen=..." adds a listener, "upstream=..." an
 * upstream, "tls.server_domain=NAME" and "tls.client_domain=NAME" a TLS domain, "policy.rule=..." a
 * rule behind the others (policy.h). False: `error` says what is wrong and what would be right, and
 * nothing was changed.
 */
bool settings_set(struct settings *s, const char *assignment, char error[SETTINGS_ERROR_MAX]);

/* "ws:IP[:PORT]" or "wss:IP[:PORT]", IPv6 in brackets; port 0: any free one. */
bool settings_listen(struct settings *s, const char *where, char error[SETTINGS_ERROR_MAX]);

/*
 * "sip:IP[:PORT];transport=ws" (in mode edge also tcp and udp, which is what a URI without it
 * means; and ";weight=N"): a server to keep a connection to; sips: over TLS, and there
 * ";name=HOST" is the name that is asked for (SNI, Host) and verified. A host name is looked up
 * in mode edge only, for tcp and udp, and never a `.invalid` one.
 */
bool settings_upstream(struct settings *s, const char *uri, char error[SETTINGS_ERROR_MAX]);

/* "IP[:PORT]" as a listener for the SIP core. */
bool settings_listen_core(struct settings_listener *out, const char *where,
			  char error[SETTINGS_ERROR_MAX]);

/* The same as settings_upstream() into `out`, and no setting. */
bool settings_upstream_parse(struct settings_upstream *out, const char *uri,
			     char error[SETTINGS_ERROR_MAX]);

/*
 * Once, when all is set: derive, round up to powers of two, give modes echo and edge their own
 * defaults, and check what only shows when all is known. Adds ws:127.0.0.1:8080 when there is no
 * listener, but not in mode embed.
 */
bool settings_finish(struct settings *s, char error[SETTINGS_ERROR_MAX]);

/*
 * May an application connect out over TLS (mode embed)? There is a client domain that somebody has
 * set up: certificates, CAs or tls.verify_cert. After settings_finish().
 */
bool settings_domain_dials(const struct settings *s);

/* All as a file for settings_file_read(), with unit and meaning as comments. */
void settings_print(const struct settings *s, FILE *out);

/* The same of what was set only, before settings_finish(). */
void settings_print_given(const struct settings *s, FILE *out);

/* The table of all settings and their defaults for the documentation. */
void settings_print_markdown(FILE *out);

#endif
