/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/cluster_listen.h"

#include <stdio.h>
#include "engine/shared.h"

const struct settings_listener *
cluster_listen_setting(const struct settings *s, uint32_t i)
{
	return i < s->listeners_len ? &s->listeners[i] : &s->core_listener;
}

bool
cluster_listen_open(struct cluster *c)
{
	uint32_t len = c->settings->listeners_len + (c->settings->mode == SETTINGS_MODE_EDGE);

	for (uint32_t i = 0; i < len; i++) {
		if (listener_open(&c->listeners[i], cluster_listen_setting(c->settings, i),
				  c->loops_len, c->settings, c->error))
			return false;
		c->listeners_len++;
	}
	return true;
}

void
cluster_listen_name(struct cluster *c)
{
	const struct listener *l = &c->listeners[c->listeners_len - 1];

	snprintf(c->shared->group.host, sizeof(c->shared->group.host), "%s", l->host);
	c->core_address = listener_address(l);
}

void
cluster_listen_close(struct cluster *c)
{
	while (c->listeners_len)
		listener_close(&c->listeners[--c->listeners_len]);
}
