/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/options.h"

static const char head[] =
	"usage: wsload URL [OPTION]...       load for SIP-over-WebSocket servers\n"
	"       wsload merge FILE...         one result of those that --json wrote\n"
	"\n"
	"URL is ws://HOST[:PORT][/PATH], or wss: for TLS.\n"
	"\n"
	"  --scenario NAME     what the clients do (default options):\n";

static const char rest[] =
	"  --scenario FILE.xml a scenario of SIPp, with its options -r -rp -l -m -s -d -inf -key\n"
	"                      ...; then URL may be udp:HOST:PORT, tcp:HOST:PORT or a sip: URI\n"
	"  --connections N     clients (default 1)\n"
	"  --depth D           operations of one client at once (default 1; with --rate 64)\n"
	"  --rate R            open loop: R operations a second on a fixed time line; latency "
	"counts\n"
	"                      from the time an operation was meant to start\n"
	"  --stages LIST       open loop with rates that change: 10s:500,60s:500,0s:2000,10s:2000\n"
	"                      goes up to 500/s in 10 s, stays there for 60 s, jumps to 2000/s\n"
	"  --duration TIME     how long to measure: 30s, 500ms, 2m (default 10s)\n"
	"  --warm-up TIME      the same load before it, not counted (default 1s)\n"
	"  --timeout TIME      an answer that takes longer is lost (default 5s)\n"
	"  --threads N         generator threads, each with its own ring (default 1)\n"
	"  --size BYTES        payload of echo, body of MESSAGE (default 64)\n"
	"  --mix LIST          weights of mixed (default options=2,register=1,message=6,call=1)\n"
	"  --backoff LAW       of storm: fixed, linear, exponential (full jitter) or rfc5626, "
	"with\n"
	"                      LAW:BASE:MAX (default exponential:1s:30s; rfc5626 is 30s:1800s)\n"
	"  --keep-alive TIME   also a Ping in every TIME, its Pong is timed; TIME:crlf for CRLFs\n"
	"  --sources LIST      addresses to connect from: 127.0.0.2-127.0.0.9,127.0.1.1\n"
	"  --opening N         connections that a thread opens at once (default 256)\n"
	"  --first N           number of the first client: processes that run side by side each "
	"have\n"
	"                      their own users, w and eight hex digits (default 0)\n"
	"  --domain NAME       of SIP URIs (default: the host of the URL)\n"
	"  --subprotocol LIST  to ask for (default sip; none for echo: \"\")\n"
	"  --origin ORIGIN     Origin of the handshake (default http://HOST, https: with wss:)\n"
	"  --password TEXT     for servers that challenge (digest: MD5, SHA-256, SHA-512-256)\n"
	"  --user NAME         with it (default: each client's own)\n"
	"  --ca FILE           wss: certificates that are trusted (default: the system's)\n"
	"  --insecure          wss: certificates are not verified\n"
	"  --no-resume         wss: every handshake is a full one, also in churn and storm\n"
	"  --server-pid PID    also tell the CPU time and memory of this process and its children\n"
	"  --cpu N             pin the first thread to CPU N, the next to N+1, ...\n"
	"  --spin              watch for answers without ever sleeping\n"
	"  --max-lag TIME      an open-loop run whose own send lag exceeds this at p99 is not\n"
	"                      valid (default 1ms)\n"
	"  --bad LIST          instead of load: clients that do something wrong, one after the "
	"other,\n"
	"                      and whether the server reacts as it should; all, or names\n"
	"  --slo EXPR          what has to be reached, else exit 1; may come more than once:\n"
	"                      'p99(register)<20ms', 'loss==0', 'rate>=5000', and lists of them\n"
	"  --report FILE.html  a page with charts\n"
	"  --csv FILE          a row per second\n"
	"  --hgrm FILE         percentiles as HdrHistogram prints them\n"
	"  --junit FILE        the objectives as test cases\n"
	"  --json              one JSON object on the last line; rates as RFC 7501 names them\n"
	"  --quiet             no line per second\n"
	"\n"
	"  wsload ws://127.0.0.1:8080 --connections 100 --depth 16\n"
	"  wsload ws://127.0.0.1:8080 --scenario message --connections 1000 --rate 5000\n"
	"  wsload wss://sip.example.org --scenario storm --connections 15000 --backoff "
	"rfc5626:2s:60s\n"
	"\n"
	"Exit: 0 all is well, 1 something was lost, wrong or late, 2 bad usage.\n";

void
options_help(FILE *out)
{
	const struct scenario *s;

	fputs(head, out);
	for (unsigned i = 0; (s = scenario_at(i)); i++)
		fprintf(out, "      %-10s %s\n", s->name, s->about);
	fputs(rest, out);
}
