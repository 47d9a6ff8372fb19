/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a turn of ring/ costs: an echo server made of it alone, beside the same on epoll.
 *
 *	bench_ring [ROUNDS [SECONDS]]
 *
 * The server on core 0, the client, which never sleeps, on core 1. Each row: medians of ROUNDS
 * interleaved rounds of SECONDS; server CPU time per operation is the kernel's account of its
 * process.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ring/ring.h"

enum { MESSAGE = 500, CONNS_MAX = 10000, OUT_MAX = 65536, ROUNDS_MAX = 15 };
#define NS_PER_S UINT64_C(1000000000)

enum kind { ON_EPOLL, ON_RING, KINDS_OF_SERVER };

struct contender {
	const char *name;
	enum kind kind;
	uint32_t spin_ns, disable;
};

enum work { ECHO, CHURN, IDLE };

struct row {
	enum work work;
	uint32_t conns, depth;
};

static pid_t server; /* 0: none, or it is this process */

static void
end_server(void)
{
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	server = 0;
}

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "bench_ring: %s: %s\n", what, strerror(errno));
	end_server();
	exit(1);
}

static void
pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static uint64_t
read_clock(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		die("clock");
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static int
listen_on(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	if (bind(fd, (struct sockaddr *)address, len) < 0 || listen(fd, 4096) < 0 ||
	    getsockname(fd, (struct sockaddr *)address, &len) < 0)
		die("listen");
	return fd;
}

/* -- the server on epoll -- */

static _Noreturn void
serve_epoll(int listener)
{
	static char bytes[OUT_MAX];
	static struct epoll_event events[256];
	struct epoll_event e = { .events = EPOLLIN, .data.fd = listener };
	int set = epoll_create1(0);

	epoll_ctl(set, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		int n = epoll_wait(set, events, 256, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			ssize_t len;

			if (fd == listener) {
				struct sockaddr_storage peer;
				socklen_t size = sizeof(peer);

				e.data.fd = accept4(fd, (struct sockaddr *)&peer, &size, 0);
				epoll_ctl(set, EPOLL_CTL_ADD, e.data.fd, &e);
				continue;
			}
			len = recv(fd, bytes, sizeof(bytes), 0);
			if (len <= 0 || send(fd, bytes, (size_t)len, MSG_NOSIGNAL) != len)
				close(fd);
		}
	}
}

/* -- the server on a ring: what a turn brings for a connection goes out in one send -- */

struct echo {
	struct ring *ring;
	uint32_t touched[CONNS_MAX], count;
	struct {
		uint8_t *out;
		uint32_t len;
		bool dirty, ended;
	} conns[CONNS_MAX + 64];
};

static void
echo_accepted(void *arg, uint32_t slot, uint32_t listener, const struct sockaddr_storage *peer)
{
	struct echo *e = arg;

	(void)listener;
	(void)peer;
	e->conns[slot].ended = e->conns[slot].dirty = false;
	e->conns[slot].len = 0;
}

static void
echo_received(void *arg, uint32_t slot, const struct ring_lease *lease)
{
	struct echo *e = arg;

	if (e->conns[slot].out == NULL && (e->conns[slot].out = malloc(OUT_MAX)) == NULL)
		die("memory");
	if (ring_sending(e->ring, slot) || e->conns[slot].len + lease->len > OUT_MAX)
		abort(); /* the client waits for its answers */
	memcpy(e->conns[slot].out + e->conns[slot].len, lease->bytes, lease->len);
	e->conns[slot].len += lease->len;
	if (!e->conns[slot].dirty)
		e->touched[e->count++] = slot;
	e->conns[slot].dirty = true;
}

static void
echo_ended(void *arg, uint32_t slot, int result)
{
	struct echo *e = arg;

	(void)result;
	e->conns[slot].ended = true;
	ring_close(e->ring, slot, false);
}

static void
echo_sent(void *arg, uint32_t slot, int result)
{
	(void)arg;
	(void)slot;
	(void)result;
}

static void
echo_closed(void *arg, uint32_t slot)
{
	(void)arg;
	(void)slot;
}

static _Noreturn void
serve_ring(int listener, const struct contender *c)
{
	static const struct ring_handlers handlers = { .accepted = echo_accepted,
						       .received = echo_received,
						       .ended = echo_ended,
						       .sent = echo_sent,
						       .closed = echo_closed };
	const struct ring_config config = { .slots_max = CONNS_MAX,
					    .sq_entries = 1024,
					    .buffers = 1024,
					    .buffer_bytes = 16384,
					    .spin_ns = c->spin_ns,
					    .disable = c->disable };
	static struct echo e;
	const char *error;

	if (ring_open(&e.ring, &config, &handlers, &e, &error) < 0) {
		fprintf(stderr, "bench_ring: %s\n", error);
		exit(1);
	}
	if (ring_listen(e.ring, listener) < 0)
		die("ring_listen");
	while (ring_turn(e.ring, UINT64_MAX) == 0) {
		for (uint32_t i = 0; i < e.count; i++) {
			uint32_t slot = e.touched[i];

			e.conns[slot].dirty = false;
			if (!e.conns[slot].ended)
				ring_send(e.ring, slot, e.conns[slot].out, e.conns[slot].len,
					  1000000);
			e.conns[slot].len = 0;
		}
		e.count = 0;
	}
	die("ring_turn");
}

/* -- the client -- */

static int
connect_to(const struct sockaddr_in *to)
{
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void
reset(int fd)
{
	const struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static char out[64 * MESSAGE], in[64 * MESSAGE];
static uint32_t missing[65536]; /* of the answer, by descriptor */
static int peers[CONNS_MAX];

static uint64_t
echo_until(uint64_t end_ns, int set, const struct row *row)
{
	static struct epoll_event events[256];
	uint32_t burst = row->depth * MESSAGE;
	uint64_t done = 0;

	for (uint32_t i = 0; i < row->conns; i++)
		if (missing[peers[i]] == 0) {
			missing[peers[i]] = burst;
			if (send(peers[i], out, burst, 0) != burst)
				die("send");
		}
	while (read_clock(CLOCK_MONOTONIC) < end_ns) {
		int n = epoll_wait(set, events, 256, 0);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			ssize_t len = recv(fd, in, sizeof(in), 0);

			if (len <= 0)
				die("recv");
			missing[fd] -= (uint32_t)len;
			if (missing[fd] > 0)
				continue;
			done += row->depth;
			missing[fd] = burst;
			if (send(fd, out, burst, 0) != burst)
				die("send");
		}
	}
	return done;
}

static uint64_t
churn_until(uint64_t end_ns, const struct sockaddr_in *to)
{
	uint64_t done = 0;

	for (; read_clock(CLOCK_MONOTONIC) < end_ns; done++) {
		int fd = connect_to(to);

		if (send(fd, out, MESSAGE, 0) != MESSAGE || recv(fd, in, MESSAGE, MSG_WAITALL) < 0)
			die("echo");
		reset(fd);
	}
	return done;
}

struct result {
	double per_s, us; /* operations; server CPU time of each. IDLE: share of a core in % */
};

static struct result
work(const struct row *row, const struct sockaddr_in *to, clockid_t cpu, double seconds)
{
	uint64_t begin_ns, end_ns, cpu_ns, done = 0;
	int set = epoll_create1(0);

	memset(missing, 0, sizeof(missing));
	for (uint32_t i = 0; i < row->conns; i++) {
		int fd = connect_to(to);
		struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

		peers[i] = fd;
		epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
	}
	begin_ns = read_clock(CLOCK_MONOTONIC);
	if (row->work == ECHO) /* warm */
		echo_until(begin_ns + NS_PER_S / 10, set, row);
	else
		usleep(200000);
	begin_ns = read_clock(CLOCK_MONOTONIC);
	end_ns = begin_ns + (uint64_t)(seconds * 1e9);
	cpu_ns = read_clock(cpu);
	if (row->work == ECHO)
		done = echo_until(end_ns, set, row);
	else if (row->work == CHURN)
		done = churn_until(end_ns, to);
	else
		usleep((useconds_t)(seconds * 1e6));
	cpu_ns = read_clock(cpu) - cpu_ns;
	end_ns = read_clock(CLOCK_MONOTONIC);
	for (uint32_t i = 0; i < row->conns; i++)
		close(peers[i]);
	close(set);
	if (row->work == IDLE)
		return (struct result){ 0, 100.0 * (double)cpu_ns / (double)(end_ns - begin_ns) };
	return (struct result){ (double)done * 1e9 / (double)(end_ns - begin_ns),
				(double)cpu_ns / 1000 / (double)done };
}

static struct result
round_of(const struct contender *c, const struct row *row, double seconds)
{
	struct sockaddr_in address;
	int listener = listen_on(&address);
	struct result result;
	clockid_t clock;

	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(0);
		if (c->kind == ON_EPOLL)
			serve_epoll(listener);
		serve_ring(listener, c);
	}
	close(listener);
	if (server < 0 || clock_getcpuclockid(server, &clock) != 0)
		die("fork");
	pin(1);
	result = work(row, &address, clock, seconds);
	end_server();
	return result;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return values[n / 2];
}

static const struct contender contenders[] = {
	{ "epoll", ON_EPOLL, 0, 0 },
	{ "ring", ON_RING, 20000, 0 },
	{ "ring, no spin", ON_RING, 0, 0 },
	{ "ring, ordinary descriptors", ON_RING, 20000, 1u << RING_FEATURE_DIRECT },
	{ "ring, no credit", ON_RING, 20000, 1u << RING_FEATURE_RECV_CREDIT },
};
enum { CONTENDERS = sizeof(contenders) / sizeof(contenders[0]) };

static void
run_row(const char *name, const struct row *row, int rounds, double seconds)
{
	double per_s[CONTENDERS][ROUNDS_MAX], us[CONTENDERS][ROUNDS_MAX];

	for (int i = 0; i < rounds; i++)
		for (int c = 0; c < CONTENDERS; c++) {
			struct result result = round_of(&contenders[c], row, seconds);

			per_s[c][i] = result.per_s;
			us[c][i] = result.us;
		}
	for (int c = 0; c < CONTENDERS; c++)
		printf("%-28s %-28s %12.0f /s %9.3f %s\n", name, contenders[c].name,
		       median(per_s[c], rounds), median(us[c], rounds),
		       row->work == IDLE ? "% of a core" : "us");
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 3;
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 0.6;

	if (rounds < 1 || rounds > ROUNDS_MAX || seconds <= 0) {
		fprintf(stderr, "usage: bench_ring [ROUNDS (1-15) [SECONDS]]\n");
		return 2;
	}
	run_row("echo, 1 connection, depth 1", &(struct row){ ECHO, 1, 1 }, rounds, seconds);
	run_row("echo, 100, depth 1", &(struct row){ ECHO, 100, 1 }, rounds, seconds);
	run_row("echo, 100, depth 16", &(struct row){ ECHO, 100, 16 }, rounds, seconds);
	run_row("connect, echo, reset", &(struct row){ CHURN, 0, 0 }, rounds, seconds);
	run_row("idle, 9000 connections", &(struct row){ IDLE, 9000, 0 }, rounds, seconds);
	return 0;
}
