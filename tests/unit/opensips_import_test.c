/* SPDX-License-Identifier: Apache-2.0 */
/* opensips.cfg to our settings: what is the same, what differs, what there is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "engine/opensips_import.h"
#include "engine/settings_file.h"

static char *yaml, *report;
static char error[SETTINGS_ERROR_MAX];
static struct settings s;

static bool
import(const char *text)
{
	size_t yaml_len, report_len;
	FILE *out, *said;
	bool good;

	free(yaml);
	free(report);
	yaml = report = NULL;
	out = open_memstream(&yaml, &yaml_len);
	said = open_memstream(&report, &report_len);
	assert_true(out && said);
	error[0] = '\0';
	good = opensips_import("o.cfg", span_of(text, strlen(text)), out, said, error);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(fclose(said), 0);
	assert_int_equal(good, error[0] == '\0');
	if (!good)
		assert_int_equal(yaml_len, 0);
	return good;
}

/* Import, and read what came of it. */
static void
take(const char *text)
{
	if (!import(text))
		fail_msg("%s", error);
	settings_init(&s);
	if (!settings_file_parse(&s, "printed", yaml, strlen(yaml), error))
		fail_msg("%s\n%s", error, yaml);
}

static void
said(const char *line)
{
	if (!strstr(report, line))
		fail_msg("'%s' is not in:\n%s", line, report);
}

static int
tear_down(void **state)
{
	(void)state;
	free(yaml);
	free(report);
	yaml = report = NULL;
	return 0;
}

static void
sockets(void **state)
{
	(void)state;
	take("socket=ws:127.0.0.1:8080 # all of them\n"
	     "socket = wss:[::1] as sip.example.org use_workers 4\n"
	     "  tag \"edge\"\n"
	     "listen=ws:*:81;\n"
	     "socket=udp:10.0.0.1:5060 as 203.0.113.1\n"
	     "socket=hep_udp:127.0.0.1:6060\n"
	     "socket=ws:eth0\n"
	     "log_level=4\n");
	assert_int_equal(s.listeners_len, 3);
	assert_int_equal(s.listeners[0].port, 8080);
	assert_true(s.listeners[1].tls && s.listeners[1].port_default);
	assert_string_equal(s.listeners[2].address, "0.0.0.0");
	assert_string_equal(s.routing_host, "sip.example.org");
	assert_int_equal(s.log_level, 3);
	said("same    o.cfg:1: listen = ws:127.0.0.1:8080\n");
	said("none    o.cfg:2: use_workers");
	said("none    o.cfg:3: socket option tag");
	said("differs o.cfg:4: listen");
	said("none    o.cfg:5: socket udp:10.0.0.1:5060: only ws and wss");
	said("none    o.cfg:6: socket hep_udp:127.0.0.1:6060: this version has no HEP");
	said("none    o.cfg:7: listen 'ws:eth0': 'eth0' is not an IP address");
}

static void
parameters(void **state)
{
	(void)state;
	take("modparam(\"proto_ws|proto_wss\", \"require_origin\", no)\n"
	     "modparam('proto_ws', 'ws_send_timeout', 200)\n"
	     "modparam(\"proto_ws\",\"ws_max_msg_chunks\",\"16\")\n"
	     "modparam(\"proto_ws\", \"trace_on\", 1)\n"
	     "modparam(\"proto_ws\", \"ws_port\", 0)\n"
	     "modparam(\"usrloc\", \"nat_bflag\", \"NAT\")\n"
	     "tcp_socket_backlog=128\n"
	     "tcp_keepidle=30\n"
	     "alias=example.org\n"
	     "alias=\"udp:example.com:5060\"\n");
	assert_int_equal(s.require_origin, SETTINGS_ORIGIN_0);
	assert_int_equal(s.ws_send_timeout_ms, 200);
	assert_int_equal(s.ws_max_msg_chunks, 16);
	assert_int_equal(s.backlog, 128);
	assert_string_equal(s.routing_domains, "example.org,example.com");
	said("differs o.cfg:1: require_origin: one setting for ws and wss");
	said("differs o.cfg:2: ws_send_timeout: the age");
	said("none    o.cfg:4: proto_ws.trace_on: this version has no HEP");
	said("none    o.cfg:5: setting 'ws_port': 0 is out of range");
	said("none    o.cfg:8: tcp_keepidle: silent peers");
	said("note    no ws or wss socket");
	assert_null(strstr(report, "nat_bflag"));
}

static void
tls_domains(void **state)
{
	(void)state;
	take("socket=wss:127.0.0.1:8443\n"
	     "modparam(\"tls_mgm\", \"server_domain\", \"one\")\n"
	     "modparam(\"tls_mgm\", \"server_domain\", \"two=127.0.0.1:8443\")\n"
	     "modparam(\"tls_mgm\", \"client_domain\", \"trunk\")\n"
	     "modparam(\"tls_mgm\", \"match_sip_domain\", \"[one]a.example\")\n"
	     "modparam(\"tls_mgm\", \"certificate\", \"[one]a.pem\")\n"
	     "modparam(\"tls_mgm\", \"private_key\", \"[one]a.key\")\n"
	     "modparam(\"tls_mgm\", \"certificate\", \"[two]b.pem\")\n"
	     "modparam(\"tls_mgm\", \"private_key\", \"[two]b.key\")\n"
	     "modparam(\"tls_mgm\", \"tls_method\", \"[one]TLSv1-TLSv1_2\")\n"
	     "modparam(\"tls_mgm\", \"tls_method\", \"[two]TLSv1\")\n"
	     "modparam(\"tls_mgm\", \"ca_list\", \"[trunk]ca.pem\")\n"
	     "modparam(\"tls_mgm\", \"certificate\", \"[three]c.pem\")\n"
	     "modparam(\"tls_mgm\", \"db_url\", \"mysql://x\")\n");
	assert_int_equal(s.domains_len, 5);
	assert_string_equal(s.domains[2].name, "one");
	assert_string_equal(s.domains[2].match_sip_domain, "a.example");
	assert_string_equal(s.domains[2].tls_method, "TLSv1_2-TLSv1_2");
	assert_string_equal(s.domains[3].match_ip_address, "127.0.0.1:8443");
	assert_string_equal(s.domains[3].tls_method, "TLSv1_2-TLSv1_3");
	assert_true(s.domains[4].client);
	assert_string_equal(s.domains[4].ca_list, "ca.pem");
	assert_true(settings_finish(&s, error));
	said("differs o.cfg:10: tls.tls_method: there is nothing below TLS 1.2");
	said("none    o.cfg:11: tls_method TLSv1: there is nothing");
	said("none    o.cfg:13: setting 'tls.certificate': there is no TLS domain 'three'");
	said("none    o.cfg:14: tls_mgm.db_url: TLS domains in a database");
	said("note    without verify_cert");
}

/* Strings and comments in the script must not end it. */
static void
script(void **state)
{
	(void)state;
	take("loadmodule \"proto_ws.so\"\n"
	     "/* socket=ws:127.0.0.1:1\n"
	     " modparam( */\n"
	     "route[a] {\n"
	     "  if (x) { xlog(\"} \\\" {\"); log('}'); } # }\n"
	     "  socket=ws:127.0.0.1:2\n"
	     "}\n"
	     "socket=ws:127.0.0.1:3\n");
	assert_int_equal(s.listeners_len, 1);
	assert_int_equal(s.listeners[0].port, 3);
	said("note    the script");
	take("socket=wss:127.0.0.1:1\n");
	said("note    to be settled: listen wss:127.0.0.1: needs tls.certificate");
}

static void
refuses(void **state)
{
	static const struct {
		const char *text, *words;
	} refusals[] = {
		{ "\n/* a", "o.cfg:2: a comment without an end" },
		{ "a = \"b\n", "o.cfg:1: a text without its closing quote" },
		{ "\n\nroute {\n", "o.cfg:3: a '{' without its '}'" },
		{ "a = ;", "o.cfg:1: a '=' without a value" },
		{ "a =", "o.cfg:1: a '=' without a value" },
		{ "modparam(\"a\", \"b\")", "o.cfg:1: must be modparam" },
		{ "modparam \"a\"", "o.cfg:1: must be modparam" },
		{ "modparam(\"a\", \"b\", )", "o.cfg:1: must be modparam" },
	};
	char large[3000];

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		assert_false(import(refusals[i].text));
		if (!strstr(error, refusals[i].words))
			fail_msg("'%s' is not in: %s", refusals[i].words, error);
	}
	memset(large, 'a', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	assert_false(import(large));
	assert_non_null(strstr(error, "longer than 1023"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets),     cmocka_unit_test(parameters),
		cmocka_unit_test(tls_domains), cmocka_unit_test(script),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
