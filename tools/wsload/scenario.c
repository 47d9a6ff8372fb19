/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/plan.h"

#include <string.h>

#define VIA "Via: SIP/2.0/{transport} c{client}.invalid;branch=z9hG4bK{run}{client}{op}\r\n"
#define AOR "<sip:w{client}@{domain}>"

static const char options_head[] = "OPTIONS sip:{domain} SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n"
				   "To: <sip:{domain}>\r\n"
				   "From: " AOR ";tag=f{client}\r\n"
				   "Call-ID: {client}{op}@{run}\r\n"
				   "CSeq: 1 OPTIONS\r\n"
				   "Accept: application/sdp\r\n"
				   "User-Agent: wsload\r\n"
				   "Content-Length: {length}\r\n\r\n";

/* All of a client's REGISTERs have one Call-ID, and CSeq counts them (RFC 3261 §10.2). */
static const char register_head[] =
	"REGISTER sip:{domain} SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n"
	"To: " AOR "\r\n"
	"From: " AOR ";tag=r{client}\r\n"
	"Call-ID: {client}@{run}\r\n"
	"CSeq: {cseq} REGISTER\r\n"
	"Contact: <sip:w{client}@c{client}.invalid;transport=ws>;expires=3600\r\n"
	"User-Agent: wsload\r\n"
	"Content-Length: {length}\r\n\r\n";

static const char message_head[] =
	"MESSAGE sip:w{peer}@{domain} SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n"
	"To: <sip:w{peer}@{domain}>\r\n"
	"From: " AOR ";tag=f{client}\r\n"
	"Call-ID: {client}{op}@{run}\r\n"
	"CSeq: 1 MESSAGE\r\n"
	"Content-Type: text/plain\r\n"
	"User-Agent: wsload\r\n"
	"Content-Length: {length}\r\n\r\n";

static const struct scenario scenarios[] = {
	{ .name = "options", .about = "OPTIONS to the server and its 200", .head = options_head },
	{ .name = "register",
	  .about = "register, then refresh it",
	  .head = register_head,
	  .registers = true,
	  .serial = true },
	{ .name = "message",
	  .about = "MESSAGE from one registered client to another and its 200 back",
	  .head = message_head,
	  .body = "{client}{op} {filler}",
	  .registers = true,
	  .pairs = true },
	{ .name = "churn",
	  .about = "connect, upgrade, OPTIONS and its 200, Close both ways",
	  .head = options_head,
	  .churns = true,
	  .serial = true },
	{ .name = "idle",
	  .about = "connections that do nothing",
	  .head = options_head,
	  .idles = true },
	{ .name = "echo", .about = "raw WebSocket messages that the server sends back" },
};

#define SCENARIOS (sizeof(scenarios) / sizeof(*scenarios))

const struct scenario *
scenario_find(const char *name)
{
	for (size_t i = 0; i < SCENARIOS; i++)
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	return NULL;
}

const struct scenario *
scenario_at(unsigned i)
{
	return i < SCENARIOS ? &scenarios[i] : NULL;
}

const char *
scenario_register_head(void)
{
	return register_head;
}
