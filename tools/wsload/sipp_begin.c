/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning and the end of a run: addresses, variables, <init>. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "engine/clock.h"
#include "tools/wsload/sipp_datagram.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/sipp_stream.h"
#include "tools/wsload/worker.h"

#define TABLE_LEN (1u << 14)

/* ---- addresses ---- */

static bool
put_address(const struct sockaddr *address, char out[SIPP_LOCAL_MAX], bool *v6)
{
	const void *at = &((const struct sockaddr_in *)(const void *)address)->sin_addr;

	*v6 = address->sa_family == AF_INET6;
	if (*v6)
		at = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	return inet_ntop(address->sa_family, at, out, SIPP_LOCAL_MAX) != NULL;
}

static bool
take_address(const char *text, char out[SIPP_LOCAL_MAX], bool *v6)
{
	size_t len = strlen(text);

	*v6 = strchr(text, ':') != NULL;
	if (len >= SIPP_LOCAL_MAX)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

/* The address that packets to the server leave from. */
static bool
find_local(const struct options *o, char out[SIPP_LOCAL_MAX], bool *v6)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);
	int fd = socket(o->server.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && connect(fd, (const struct sockaddr *)&o->server, o->server_len) == 0 &&
		  getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
		  put_address((const struct sockaddr *)&own, out, v6);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Who listens is at the address of the URL. */
static bool
find_addresses(struct sipp_run *run)
{
	const struct options *o = &run->worker->plan->options;
	const struct sipp_options *s = run->options;
	const struct sockaddr *server = (const struct sockaddr *)&o->server;
	bool ok = put_address(server, run->remote_ip, &run->remote_v6);

	if (s->local_ip)
		ok = ok && take_address(s->local_ip, run->local_ip, &run->local_v6);
	else
		ok = ok && find_local(o, run->local_ip, &run->local_v6);
	return ok && take_address(s->media_ip ? s->media_ip : run->local_ip, run->media_ip,
				  &run->media_v6);
}

/* ---- variables ---- */

static bool
set_globals(struct sipp_run *run)
{
	const struct sipp_options *o = run->options;

	for (uint32_t i = 0; i < o->sets_len; i++) {
		uint32_t n = sipp_variables_find(&run->scenario->variables,
						 span_of(o->sets[i].name, strlen(o->sets[i].name)));

		if (!sipp_value_text(&run->globals[n], SIPP_STRING,
				     span_of(o->sets[i].value, strlen(o->sets[i].value))))
			return false;
	}
	return true;
}

/* In no table: nothing can reach it from outside. */
static bool
run_init(struct sipp_run *run)
{
	struct sipp_call *c;

	if (!run->scenario->init.len)
		return true;
	c = sipp_call_new(run, 0, 0, SPAN("init"));
	if (!c)
		return false;
	c->program = &run->scenario->init;
	sipp_call_run(c);
	sipp_call_free(c);
	return true;
}

/* ---- the run ---- */

static bool
allocate(struct sipp_run *run)
{
	uint32_t users = run->options->users ? run->options->users : 1;
	uint32_t variables = run->scenario->variables.len + 1;

	run->table_len = TABLE_LEN;
	run->table = calloc(TABLE_LEN, sizeof(struct sipp_call *));
	run->dead = calloc(SIPP_DEAD_LEN, sizeof(*run->dead));
	run->globals = calloc(variables, sizeof(*run->globals));
	run->user_values = calloc((size_t)variables * users, sizeof(*run->user_values));
	run->idle_users = calloc(users, sizeof(*run->idle_users));
	if (!run->table || !run->dead || !run->globals || !run->user_values || !run->idle_users)
		return false;
	for (uint32_t i = users; i-- > 0;)
		run->idle_users[run->idle_users_len++] = i;
	return true;
}

int
sipp_run_open(struct worker *w, const char **error)
{
	const struct sipp_options *o = &w->plan->options.sipp;
	struct sipp_run *run = calloc(1, sizeof(*run));
	bool ok;

	*error = "out of memory";
	if (!run)
		return -ENOMEM;
	w->sipp = run;
	w->now_ns = clock_now_ns();
	run->worker = w;
	run->listener = -1;
	run->options = o;
	run->scenario = o->scenario;
	run->begun_ns = w->now_ns;
	wheel_init(&run->wheel, w->now_ns);
	ok = allocate(run) && set_globals(run);
	if (ok && !find_addresses(run)) {
		*error = "no local address: give -i ADDRESS";
		ok = false;
	}
	if (ok && o->network == SIPP_UDP)
		ok = sipp_datagram_open(run, error);
	if (ok && o->network == SIPP_TCP && run->scenario->answers)
		ok = sipp_stream_listen(w, error);
	return ok && run_init(run) ? 0 : -EINVAL;
}

void
sipp_run_free(struct sipp_run *run)
{
	uint32_t variables, users;

	if (!run)
		return;
	variables = run->scenario->variables.len;
	users = run->options->users ? run->options->users : 1;
	sipp_datagram_close(run->datagram);
	if (run->listener >= 0)
		close(run->listener);
	for (uint32_t i = 0; run->globals && i < variables; i++)
		sipp_value_clear(&run->globals[i]);
	for (uint32_t i = 0; run->user_values && i < variables * users; i++)
		sipp_value_clear(&run->user_values[i]);
	free(run->table);
	free(run->dead);
	free(run->globals);
	free(run->user_values);
	free(run->idle_users);
	sipp_text_free(&run->out);
	free(run);
}
