/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plainest generator there can be, to hold wsload against: one connection, blocking calls, one
 * OPTIONS after the other on a fixed time line, from which latency counts. It shares no code with
 * wsload, so that both are not wrong in one way.
 *
 *   plain_load PORT RATE SECONDS -> {"operations":N,"errors":N,"median_us":X}
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define OPERATIONS_MAX 10000000u
#define TEXT_MAX 4096

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
sleep_until(double us)
{
	struct timespec t = { .tv_sec = (time_t)(us / 1e6) };

	t.tv_nsec = (long)((us - (double)t.tv_sec * 1e6) * 1e3);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
		;
}

static int
connect_to(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static int
upgrade(int fd)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
				  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
				  "Sec-WebSocket-Protocol: sip\r\nOrigin: http://127.0.0.1\r\n\r\n";
	char answer[TEXT_MAX + 1];
	ssize_t len = 0, n;

	if (send(fd, ask, sizeof(ask) - 1, 0) < 0)
		return -1;
	do {
		n = recv(fd, answer + len, TEXT_MAX - (size_t)len, 0);
		if (n <= 0)
			return -1;
		len += n;
		answer[len] = '\0';
	} while (!strstr(answer, "\r\n\r\n"));
	return strncmp(answer, "HTTP/1.1 101", 12) == 0 ? 0 : -1;
}

/* A masked text frame; returns its length. */
static size_t
make_frame(unsigned char *out, unsigned n)
{
	static const unsigned char mask[4] = { 0x5a, 0xa5, 0x3c, 0xc3 };
	char text[TEXT_MAX];
	int len = snprintf(text, sizeof(text),
			   "OPTIONS sip:127.0.0.1 SIP/2.0\r\n"
			   "Via: SIP/2.0/WS p%08x.invalid;branch=z9hG4bKp%08x\r\n"
			   "Max-Forwards: 70\r\nTo: <sip:127.0.0.1>\r\n"
			   "From: <sip:plain@127.0.0.1>;tag=plain\r\nCall-ID: %08x@plain\r\n"
			   "CSeq: 1 OPTIONS\r\nAccept: application/sdp\r\nUser-Agent: plain\r\n"
			   "Content-Length: 0\r\n\r\n",
			   (unsigned)getpid(), n, n);

	out[0] = 0x81;
	out[1] = 0x80 | 126;
	out[2] = (unsigned char)(len >> 8);
	out[3] = (unsigned char)len;
	memcpy(out + 4, mask, 4);
	for (int i = 0; i < len; i++)
		out[8 + i] = (unsigned char)text[i] ^ mask[i % 4];
	return (size_t)len + 8;
}

/* One unmasked text frame that comes whole; 0: it is the 200 to number n. */
static int
check_answer(int fd, unsigned n)
{
	char in[TEXT_MAX + 1], branch[64];
	ssize_t len = recv(fd, in, TEXT_MAX, 0);

	if (len < 4)
		return -1;
	in[len] = '\0';
	snprintf(branch, sizeof(branch), "branch=z9hG4bKp%08x", n);
	return strncmp(in + 4, "SIP/2.0 200", 11) == 0 && strstr(in + 4, branch) ? 0 : -1;
}

static int
compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	float *times = malloc(OPERATIONS_MAX * sizeof(*times));
	unsigned char frame[TEXT_MAX + 16];
	unsigned n = 0, errors = 0;
	double start, rate;
	int fd;

	if (argc != 4 || !times) {
		fputs("usage: plain_load PORT RATE SECONDS\n", stderr);
		return 2;
	}
	fd = connect_to((uint16_t)strtoul(argv[1], NULL, 10));
	if (fd < 0 || upgrade(fd) < 0) {
		fputs("plain_load: no connection\n", stderr);
		return 1;
	}
	start = now_us();
	rate = strtod(argv[2], NULL);
	while (n < OPERATIONS_MAX && n < rate * strtod(argv[3], NULL)) {
		double meant = start + n / rate * 1e6;
		size_t len = make_frame(frame, n);

		sleep_until(meant);
		if (send(fd, frame, len, 0) < 0 || check_answer(fd, n) < 0)
			errors++;
		times[n++] = (float)(now_us() - meant);
	}
	close(fd);
	qsort(times, n, sizeof(*times), compare);
	printf("{\"operations\":%u,\"errors\":%u,\"median_us\":%.3f}\n", n, errors,
	       n ? (double)times[n / 2] : 0);
	free(times);
	return errors != 0;
}
