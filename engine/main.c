/* SPDX-License-Identifier: Apache-2.0 */
/* sipring, the daemon: arguments -> settings -> run -> exit code. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "engine/opensips_import.h"
#include "engine/settings_file.h"
#include "engine/sipring.h"

static const char help[] =
	"usage: sipring [-f FILE] [--listen ws[s]:IP[:PORT]]... [--routing MODE] "
	"[--set KEY=VALUE]... [OPTION]...\n"
	"\n"
	"SIP over WebSocket: takes browsers that make phone calls. Without arguments it is a\n"
	"registrar and proxy on ws:127.0.0.1:8080.\n"
	"\n"
	"  -f FILE                settings from a YAML file; the other options come on top\n"
	"  --listen ws:IP[:PORT]  where to listen; IPv6 in brackets; port 0: any free one;\n"
	"                         wss: with TLS, needs tls.certificate and tls.private_key\n"
	"  --routing MODE         registrar: location service and stateless proxy (default)\n"
	"                         edge: in front of a SIP core, the upstreams\n"
	"                         echo: every message goes back; any subprotocol\n"
	"  --upstream SIP-URI     keep a connection to sip:IP[:PORT];transport=udp|tcp|ws\n"
	"                         (mode edge, several with ;weight=N; mode echo: ws only);\n"
	"                         sips: with TLS, ;name=HOST is the name in its certificate\n"
	"  --set KEY=VALUE        any setting; --print-config lists them with their meaning\n"
	"  --check                check the settings, start nothing\n"
	"  --print-config         print all settings in force, as such a file\n"
	"  --print-table          print the table of all settings in Markdown\n"
	"  --version, --help\n"
	"\n"
	"  sipring import-opensips FILE   an opensips.cfg as such a file; what maps how on stderr\n"
	"\n"
	"  sipring --listen ws:0.0.0.0:8080 --set routing.domains=example.org\n"
	"  sipring --routing edge --upstream 'sip:127.0.0.1:5070;transport=tcp'\n"
	"  sipring --routing echo --set ws_max_message=16777216\n"
	"  sipring --listen wss:0.0.0.0 --set tls.certificate=chain.pem --set "
	"tls.private_key=key.pem\n"
	"\n"
	"Signals: TERM and INT drain (again: stop at once); HUP reads certificates and users\n"
	"again; USR1 prints the counters.\n"
	"Exit: 0 done, 1 runtime failure, 2 bad usage or settings.\n";

enum option_code {
	OPT_LISTEN = 256,
	OPT_ROUTING,
	OPT_SET,
	OPT_CHECK,
	OPT_PRINT,
	OPT_TABLE,
	OPT_VERSION,
	OPT_UPSTREAM
};

static const struct option options[] = {
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "routing", required_argument, NULL, OPT_ROUTING },
	{ "upstream", required_argument, NULL, OPT_UPSTREAM },
	{ "set", required_argument, NULL, OPT_SET },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "print-config", no_argument, NULL, OPT_PRINT },
	{ "print-table", no_argument, NULL, OPT_TABLE },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct command_line {
	bool check;
	bool print;
	bool done; /* --help or --version said all */
};

static enum sipring_result
complain(const char *what)
{
	fprintf(stderr, "sipring: %s\n", what);
	return SIPRING_USAGE;
}

static enum sipring_result
set_routing(struct sipring *s, const char *mode)
{
	char assignment[128];

	snprintf(assignment, sizeof(assignment), "routing.mode=%.100s", mode);
	return sipring_set(s, assignment);
}

static enum sipring_result
take_option(struct sipring *s, int code, const char *value, struct command_line *cl)
{
	enum sipring_result result = SIPRING_OK;

	switch (code) {
	case OPT_LISTEN:
		result = sipring_listen(s, value);
		break;
	case OPT_ROUTING:
		result = set_routing(s, value);
		break;
	case OPT_SET:
		result = sipring_set(s, value);
		break;
	case OPT_CHECK:
		cl->check = true;
		break;
	case OPT_PRINT:
		cl->print = true;
		break;
	case OPT_TABLE:
		sipring_print_table(stdout);
		cl->done = true;
		break;
	case OPT_VERSION:
		printf("sipring %s\n", sipring_version());
		cl->done = true;
		break;
	case 'h':
		fputs(help, stdout);
		cl->done = true;
		break;
	case 'f': /* has been read */
		break;
	case OPT_UPSTREAM:
		result = sipring_upstream(s, value);
		break;
	default: /* getopt has said what is wrong */
		return complain("try 'sipring --help'");
	}
	return result == SIPRING_OK ? SIPRING_OK : complain(sipring_error(s));
}

/* Files come first, wherever they stand: the command line is what has the last word. */
static enum sipring_result
read_files(struct sipring *s, int argc, char **argv)
{
	enum sipring_result result = SIPRING_OK;
	int code;

	opterr = 0;
	while (!result && (code = getopt_long(argc, argv, "hf:", options, NULL)) != -1)
		if (code == 'f')
			result = sipring_read(s, optarg);
	opterr = 1;
	optind = 1;
	return result == SIPRING_OK ? SIPRING_OK : complain(sipring_error(s));
}

static enum sipring_result
read_command_line(struct sipring *s, int argc, char **argv, struct command_line *cl)
{
	enum sipring_result result = read_files(s, argc, argv);
	int code;

	while (!result && !cl->done && (code = getopt_long(argc, argv, "hf:", options, NULL)) != -1)
		result = take_option(s, code, optarg, cl);
	if (!result && !cl->done && optind < argc) {
		fprintf(stderr, "sipring: unexpected argument '%s'\n", argv[optind]);
		return complain("try 'sipring --help'");
	}
	return result;
}

static void
print_counters(const struct sipring *s)
{
	char text[8192];

	if (sipring_counters(s, text, sizeof(text)))
		printf("sipring: counters %s\n", text);
	fflush(stdout);
}

static void
say_ready(const struct sipring *s)
{
	const char *url;

	for (unsigned i = 0; (url = sipring_url(s, i)); i++)
		printf("sipring: ready on %s\n", url);
	printf("sipring: up to %u connections; point JsSIP or SIP.js there, register any name, "
	       "call "
	       "any other; Ctrl-C drains and ends\n",
	       sipring_connections_max(s));
	fflush(stdout);
}

/* Signals come as data: nothing is ever interrupted. */
static int
open_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void
reload(struct sipring *s)
{
	if (sipring_reload(s))
		complain(sipring_error(s));
	else
		puts("sipring: reloaded");
	fflush(stdout);
}

static void
take_signal(struct sipring *s, int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1) {
		print_counters(s);
	} else if (info.ssi_signo == SIGHUP) {
		reload(s);
	} else {
		puts("sipring: draining");
		fflush(stdout);
		sipring_drain(s);
	}
}

static int
run(struct sipring *s)
{
	struct pollfd fds[2] = { { .fd = open_signals(), .events = POLLIN },
				 { .fd = sipring_ended_fd(s), .events = POLLIN } };
	enum sipring_result result = sipring_start(s);
	int interval_ms = -1;

	if (result) {
		complain(sipring_error(s));
		return result;
	}
	say_ready(s);
	if (sipring_check_interval_s(s))
		interval_ms = (int)sipring_check_interval_s(s) * 1000;
	while (!fds[1].revents) {
		int ready = poll(fds, 2, interval_ms);

		if (ready < 0 && errno != EINTR)
			break;
		if (ready == 0 && sipring_is_stale(s))
			reload(s);
		if (fds[0].revents)
			take_signal(s, fds[0].fd);
	}
	result = sipring_wait(s);
	print_counters(s);
	if (result)
		complain(sipring_error(s));
	else
		puts("sipring: done");
	return result;
}

static int
act(struct sipring *s, const struct command_line *cl)
{
	if (cl->print || cl->check) {
		enum sipring_result result = sipring_check(s);

		if (result) {
			complain(sipring_error(s));
			return result;
		}
	}
	if (cl->print)
		sipring_print_settings(s, stdout);
	else if (cl->check)
		puts("sipring: settings are good");
	return cl->print || cl->check ? 0 : run(s);
}

static int
import_opensips(int argc, char **argv)
{
	char error[SETTINGS_ERROR_MAX];
	size_t len;
	char *text;
	bool good;

	if (argc != 3)
		return complain("usage: sipring import-opensips FILE");
	text = settings_file_text(argv[2], &len, error);
	good = text && opensips_import(argv[2], span_of(text, len), stdout, stderr, error);
	free(text);
	return good ? SIPRING_OK : complain(error);
}

int
main(int argc, char **argv)
{
	struct sipring *s;
	struct command_line cl = { 0 };
	int result;

	if (argc > 1 && strcmp(argv[1], "import-opensips") == 0)
		return import_opensips(argc, argv);
	s = sipring_new();

	if (!s) {
		fputs("sipring: out of memory\n", stderr);
		return SIPRING_RUNTIME;
	}
	result = read_command_line(s, argc, argv, &cl);
	if (!result && !cl.done)
		result = act(s, &cl);
	sipring_free(s);
	return result;
}
