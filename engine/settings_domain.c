/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS domains, as OpenSIPS's tls_mgm has them: a name, and settings of its own given as
 * "name=[DOMAIN]value". "default" (what has no [DOMAIN]) is for listeners, "client" for upstreams.
 */
#include <string.h>
#include "engine/settings.h"
#include "engine/settings_table.h"

struct settings_row
settings_domain_row(const struct settings_row *row, uint32_t domain)
{
	struct settings_row shifted = *row;

	shifted.offset += domain * sizeof(struct settings_domain);
	return shifted;
}

static uint32_t
find(const struct settings *s, const char *name, size_t len)
{
	uint32_t i = 0;

	while (i < s->domains_len &&
	       (strlen(s->domains[i].name) != len || memcmp(s->domains[i].name, name, len) != 0))
		i++;
	return i;
}

bool
settings_domain_add(struct settings *s, const char *name, bool client,
		    char error[SETTINGS_ERROR_MAX])
{
	size_t len = strlen(name);
	struct settings_domain *d = &s->domains[s->domains_len];

	if (len == 0 || len >= SETTINGS_DOMAIN_NAME_MAX ||
	    strspn(name, SETTINGS_HOST_CHARACTERS) < len)
		return settings_fail(error,
				     "TLS domain '%.60s': its name must be 1 to %d letters, "
				     "digits, '-', '.', '_'",
				     name, SETTINGS_DOMAIN_NAME_MAX - 1);
	if (find(s, name, len) < s->domains_len)
		return settings_fail(error, "TLS domain '%.60s' is there already", name);
	if (s->domains_len == SETTINGS_DOMAINS_MAX)
		return settings_fail(error, "TLS domain '%.60s': there are %d already, the limit",
				     name, SETTINGS_DOMAINS_MAX);
	memcpy(d->name, name, len + 1);
	d->client = client;
	for (size_t i = 0; i < settings_table_len; i++)
		if (settings_table[i].is_domain) {
			struct settings_row row =
				settings_domain_row(&settings_table[i], s->domains_len);

			settings_table_default(&row, s);
		}
	s->domains_len++;
	return true;
}

bool
settings_domain_set(struct settings *s, const struct settings_row *row, const char *value,
		    char error[SETTINGS_ERROR_MAX])
{
	uint32_t domain = SETTINGS_DOMAIN_SERVER;
	const char *end = *value == '[' ? strchr(value, ']') : NULL;
	struct settings_row shifted;

	if (end) {
		domain = find(s, value + 1, (size_t)(end - value - 1));
		if (domain == s->domains_len)
			return settings_fail(error,
					     "setting '%s': there is no TLS domain '%.*s'; name it "
					     "first with tls.server_domain or tls.client_domain",
					     row->name,
					     end - value < 60 ? (int)(end - value - 1) : 60,
					     value + 1);
		value = end + 1;
	}
	shifted = settings_domain_row(row, domain);
	return settings_table_parse(&shifted, s, value, error);
}

static uint32_t
files(const char *list)
{
	uint32_t n = *list != '\0';

	for (; *list; list++)
		n += *list == ',';
	return n;
}

static bool
check_files(const struct settings_domain *d, char error[SETTINGS_ERROR_MAX])
{
	uint32_t certificates = files(d->certificate);

	if (certificates != files(d->private_key))
		return settings_fail(error,
				     "TLS domain '%s': %u tls.certificate and %u tls.private_key "
				     "do not go together",
				     d->name, certificates, files(d->private_key));
	if (*d->ocsp_response && files(d->ocsp_response) != certificates)
		return settings_fail(error,
				     "TLS domain '%s': %u tls.ocsp_response for %u "
				     "tls.certificate; there must be one for each",
				     d->name, files(d->ocsp_response), certificates);
	if (!d->client && d->verify_cert == SETTINGS_VERIFY_1 && !*d->ca_list && !*d->ca_dir)
		return settings_fail(error,
				     "TLS domain '%s': tls.verify_cert needs tls.ca_list or "
				     "tls.ca_dir",
				     d->name);
	return true;
}

bool
settings_domain_dials(const struct settings *s)
{
	const struct settings_domain *d = &s->domains[SETTINGS_DOMAIN_CLIENT];
	bool set = *d->certificate || *d->ca_list || *d->ca_dir ||
		   d->verify_cert != SETTINGS_VERIFY_AUTO;

	for (uint32_t i = SETTINGS_DOMAINS_FIXED; i < s->domains_len; i++)
		set |= s->domains[i].client;
	return set && s->mode == SETTINGS_MODE_EMBED;
}

bool
settings_domain_check(const struct settings *s, char error[SETTINGS_ERROR_MAX])
{
	bool serves = false;

	for (uint32_t i = 0; i < s->domains_len; i++) {
		const struct settings_domain *d = &s->domains[i];

		if (!check_files(d, error))
			return false;
		serves |= !d->client && *d->certificate;
		if (i >= SETTINGS_DOMAINS_FIXED && !d->client && !*d->certificate)
			return settings_fail(error,
					     "TLS domain '%s': a server needs tls.certificate and "
					     "tls.private_key",
					     d->name);
	}
	for (uint32_t i = 0; i < s->listeners_len; i++)
		if (s->listeners[i].tls && !serves)
			return settings_fail(error,
					     "listen wss:%s: needs tls.certificate and "
					     "tls.private_key",
					     s->listeners[i].address);
	return true;
}
