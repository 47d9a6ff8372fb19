/* SPDX-License-Identifier: Apache-2.0 */
/* policy.rule, routing.methods, registrar.service_route. */
#include <string.h>
#include "codec/sip_addr.h"
#include "engine/settings.h"
#include "engine/settings_table.h"

bool
settings_policy_add(struct settings *s, const char *text, char error[SETTINGS_ERROR_MAX])
{
	char why[SETTINGS_ERROR_MAX - 64];
	struct policy_rule rule;

	if (s->rules_len == SETTINGS_RULES_MAX)
		return settings_fail(error, "policy.rule: there are %d already, the limit",
				     SETTINGS_RULES_MAX);
	if (!policy_parse(&rule, text, why, sizeof(why)))
		return settings_fail(error, "policy.rule %u: %s", s->rules_len + 1, why);
	s->rules[s->rules_len++] = rule;
	return true;
}

/* Each value in angle brackets, separated by commas: it goes into answers as it is. */
static bool
check_service_route(const char *text, char error[SETTINGS_ERROR_MAX])
{
	const char *at = text;
	struct sip_addr addr;

	while (*at) {
		size_t len = strcspn(at, ",");

		if (sip_addr_parse(span_trim(span_of(at, len)), &addr) != SIP_OK ||
		    !addr.bracketed || addr.uri.kind == SIP_SCHEME_OTHER)
			return settings_fail(error,
					     "setting 'registrar.service_route': '%.80s' must be "
					     "<sip:HOST;lr>, ...",
					     text);
		at += len;
		at += *at == ',';
	}
	return true;
}

bool
settings_policy_finish(struct settings *s, char error[SETTINGS_ERROR_MAX])
{
	const char *list = s->routing_methods;

	s->methods = 0;
	if (*list && !policy_methods(span_of(list, strlen(list)), &s->methods))
		return settings_fail(error,
				     "setting 'routing.methods': '%.80s': methods are known by "
				     "name, or OTHER",
				     list);
	if (!check_service_route(s->service_route, error))
		return false;
	if (s->mode != SETTINGS_MODE_REGISTRAR && s->mode != SETTINGS_MODE_EDGE &&
	    (s->rules_len || s->methods))
		return settings_fail(error, "policy.rule and routing.methods are for "
					    "routing.mode registrar and edge");
	for (uint32_t i = 0; i < s->rules_len; i++) {
		if (s->rules[i].action == POLICY_UPSTREAM)
			return settings_fail(error,
					     "policy.rule %u: there is no group of upstreams "
					     "'%.60s'",
					     i + 1, s->rules[i].upstream);
		if (s->rules[i].listener > s->listeners_len)
			return settings_fail(error, "policy.rule %u: there is no listener %u",
					     i + 1, s->rules[i].listener);
	}
	return true;
}
