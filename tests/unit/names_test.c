/* SPDX-License-Identifier: Apache-2.0 */
/* Which names are ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "engine/names.h"

static struct settings settings;
static struct names names;

static void
make(const char *domains, const char *host)
{
	settings_init(&settings);
	snprintf(settings.routing_domains, sizeof(settings.routing_domains), "%s", domains);
	settings.listeners[0] = (struct settings_listener){ .address = "192.0.2.9", .port = 8080 };
	settings.listeners[1] = settings.listeners[0];
	memcpy(settings.listeners[1].address, "2001:db8::9", sizeof("2001:db8::9"));
	settings.listeners_len = 2;
	names_init(&names, &settings, span_of(host, strlen(host)));
}

static struct sip_uri
uri_of(const char *text)
{
	struct sip_uri uri;

	assert_int_equal(sip_uri_parse(span_of(text, strlen(text)), &uri), SIP_OK);
	return uri;
}

struct row {
	const char *uri;
	bool self, listed, ours;
};

static void
check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct sip_uri uri = uri_of(rows[i].uri);

		if (names_is_self(&names, &uri) != rows[i].self ||
		    names_is_listed(&names, &uri) != rows[i].listed ||
		    names_is_ours(&names, &uri) != rows[i].ours)
			fail_msg("%s", rows[i].uri);
	}
}

static void
listed_domains(void **state)
{
	static const struct row rows[] = {
		{ "sip:other.org", 0, 0, 0 },
		{ "sip:sub.example.org", 0, 0, 0 },
		{ "sip:example.orgx", 0, 0, 0 },
		{ "sip:example.or", 0, 0, 0 },
		{ "sip:edge.example.net:444", 0, 0, 0 },
		{ "sip:ported.example:5081", 0, 0, 0 },
		{ "sip:192.0.2.9:81", 0, 0, 0 },
		{ "sip:[2001:db8::8]", 0, 0, 0 },
		{ "sip:example.org", 0, 1, 1 },
		{ "sip:EXAMPLE.Org:5099", 0, 1, 1 },
		{ "sip:second.example", 0, 1, 1 },
		{ "sip:ported.example:5080", 0, 1, 1 },
		{ "sip:ported.example", 0, 1, 1 },
		{ "sip:[2001:DB8::1]:5060", 0, 1, 1 },
		{ "sip:edge.example.net:443", 1, 1, 1 },
		{ "sip:edge.example.net", 1, 1, 1 },
		{ "sip:192.0.2.9:8080", 1, 1, 1 },
		{ "sip:[2001:db8::9]:8080", 1, 1, 1 },
	};

	(void)state;
	make("example.org,second.example , ported.example:5080, [2001:db8::1]",
	     "edge.example.net:443");
	check(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
every_domain(void **state)
{
	static const struct row rows[] = {
		{ "sip:anything", 0, 0, 1 },
		{ "sip:abc.invalid", 0, 0, 1 },
		{ "sip:edge.example.net", 1, 1, 1 },
	};

	(void)state;
	make("", "edge.example.net");
	check(rows, sizeof(rows) / sizeof(rows[0]));
}

/* As many names as the setting can hold. */
static void
many_domains(void **state)
{
	char text[SETTINGS_TEXT_MAX];
	size_t len = 0;
	struct sip_uri uri = uri_of("sip:z"), other = uri_of("sip:y");

	(void)state;
	while (len + 3 < sizeof(text)) {
		text[len++] = 'a';
		text[len++] = ',';
	}
	text[len - 2] = 'z';
	text[len - 1] = '\0';
	make(text, "h");
	assert_true(names_is_ours(&names, &uri));
	assert_false(names_is_ours(&names, &other));
}

/* S-18 */
static void
invalid(void **state)
{
	static const struct {
		const char *uri;
		bool invalid;
	} rows[] = {
		{ "sip:a@x.invalid", true },      { "sip:a@x.INVALID.", true },
		{ "sip:a@a.b.invalid:80", true }, { "sip:a@xinvalid", false },
		{ "sip:a@invalid", false },       { "sip:a@x.invalid.org", false },
		{ "sip:x.invalid@y.org", false },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sip_uri uri = uri_of(rows[i].uri);

		if (names_is_invalid(&uri) != rows[i].invalid)
			fail_msg("%s", rows[i].uri);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listed_domains),
		cmocka_unit_test(every_domain),
		cmocka_unit_test(many_domains),
		cmocka_unit_test(invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
