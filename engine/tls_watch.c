/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tls_watch.h"

#include "engine/file_state.h"
#include "engine/tls_cert.h"

static void
add_list(uint64_t *state, const char *list)
{
	char name[SETTINGS_TEXT_MAX];

	for (uint32_t i = 0; tls_cert_item(list, i, name); i++)
		file_state_add(state, name);
}

static uint64_t
state_of(const struct settings *s)
{
	uint64_t state = FILE_STATE_EMPTY;

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
