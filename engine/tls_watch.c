/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tls_watch.h"

#include <sys/stat.h>
#include "engine/tls_cert.h"

/* FNV-1a: what has changed by itself, not what somebody wants to look unchanged. */
static void
mix(uint64_t *state, uint64_t value)
{
	for (int i = 0; i < 8; i++) {
		*state ^= value >> (8 * i) & 0xFF;
		*state *= UINT64_C(0x100000001B3);
	}
}

static void
add_file(uint64_t *state, const char *name)
{
	struct stat st;

	if (stat(name, &st)) { /* the link's target, not the link */
		mix(state, 0);
		return;
	}
	mix(state, st.st_dev);
	mix(state, st.st_ino);
	mix(state, (uint64_t)st.st_size);
	mix(state, (uint64_t)st.st_mtim.tv_sec);
	mix(state, (uint64_t)st.st_mtim.tv_nsec);
	mix(state, (uint64_t)st.st_ctim.tv_sec);
	mix(state, (uint64_t)st.st_ctim.tv_nsec);
}

static void
add_list(uint64_t *state, const char *list)
{
	char name[SETTINGS_TEXT_MAX];

	for (uint32_t i = 0; tls_cert_item(list, i, name); i++)
		add_file(state, name);
}

static uint64_t
state_of(const struct settings *s)
{
	uint64_t state = UINT64_C(0xCBF29CE484222325);

	add_list(&state, s->tls_ticket_keys);
	for (uint32_t i = 0; i < s->domains_len; i++) {
		const struct settings_domain *d = &s->domains[i];

		add_list(&state, d->certificate);
		add_list(&state, d->private_key);
		add_list(&state, d->ocsp_response);
		add_list(&state, d->ca_list);
		add_list(&state, d->ca_dir);
		add_list(&state, d->crl_dir);
	}
	return state;
}

void
tls_watch_mark(struct tls_watch *w, const struct settings *s)
{
	w->state = state_of(s);
}

bool
tls_watch_changed(const struct tls_watch *w, const struct settings *s)
{
	return state_of(s) != w->state;
}
