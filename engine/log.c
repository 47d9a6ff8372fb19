/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/log.h"
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "engine/clock.h"
#include "engine/doorbell.h"

#define SLOTS 256u        /* lines that may wait to be written; power of two */
#define REASONS 256u      /* buckets; the last one is shared when there are more reasons */
#define SUM_NS CLOCK_NS_PER_S
#define FINI_NS (CLOCK_NS_PER_S / 2)

/*
 * A line that waits. `turn` says whose it is: equal to the index of a producer, it is free for it;
 * index + 1, it is filled and the writer's; the writer sets index + SLOTS: free for the next lap.
 */
struct slot {
	_Atomic uint32_t turn;
	uint32_t len;
	char line[LOG_LINE_MAX];
};

/* The budget of one reason. */
struct bucket {
	_Atomic(const char *) reason;
	_Atomic uint64_t next_ns;    /* when the budget is whole again if no more comes */
	_Atomic uint64_t suppressed; /* lines not made, not yet summed up */
};

static struct {
	enum log_level level;
	uint64_t interval_ns; /* of one line of a reason, on the average */
	uint64_t burst_ns;    /* how far next_ns may lie ahead */
	bool running;
	bool stuck;           /* log_fini() gave up: nobody reads stderr */
	pthread_t writer;
	struct doorbell bell; /* there are lines, or something to sum up, or stop */
	struct doorbell done; /* the writer has ended */
	_Atomic bool stop;
	_Atomic uint32_t head;       /* next slot to claim */
	uint32_t tail;               /* next slot to write; the writer's */
	_Atomic uint64_t lost;       /* lines for which there was no slot */
	_Atomic bool any_suppressed; /* some bucket has something to sum up */
	struct slot slots[SLOTS];
	struct bucket buckets[REASONS];
} logger = { .level = LOG_INFO };

static const char *const level_names[] = { "error", "warn", "info", "debug" };

/* One line, one write(2), but for a signal or a full disk. */
static void
write_line(const char *line, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n <= 0)
			return; /* nobody is left to be told */
		line += n;
		len -= (size_t)n;
	}
}

/* Ends the line with a newline; len may be what vsnprintf() would have liked to write. */
static uint32_t
finish_line(char line[LOG_LINE_MAX], size_t len)
{
	if (len > LOG_LINE_MAX - 1) {
		len = LOG_LINE_MAX - 1;
		memcpy(line + len - 3, "...", 3);
	}
	/* a line is one line, whatever an argument held */
	for (size_t i = 0; i < len; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	line[len++] = '\n';
	return (uint32_t)len;
}

static uint32_t __attribute__((format(printf, 4, 0)))
format_line(char line[LOG_LINE_MAX], enum log_level level, const char *reason, const char *format,
	    va_list args)
{
	int len = snprintf(line, LOG_LINE_MAX, "sipring: %s %s%s", level_names[level], reason,
			   *format ? " " : "");
	int more = 0;

	assert(len > 0);
	if (len < LOG_LINE_MAX)
		more = vsnprintf(line + len, (size_t)(LOG_LINE_MAX - len), format, args);
	return finish_line(line, (size_t)len + (more > 0 ? (size_t)more : 0));
}

/*
 * A slot to fill, or NULL when all are waiting to be written. Lock-free: a producer that stands
 * still between here and slot_publish() holds up the writer, but no other producer until the
 * ring is full.
 */
static struct slot *
slot_claim(uint32_t *index)
{
	/* relaxed: what orders the contents is `turn` */
	uint32_t head = atomic_load_explicit(&logger.head, memory_order_relaxed);

	for (;;) {
		struct slot *slot = &logger.slots[head % SLOTS];
		/* acquire: pairs with the writer's release in slots_write() */
		uint32_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);

		if (turn == head) {
			if (atomic_compare_exchange_weak_explicit(&logger.head, &head, head + 1,
								  memory_order_relaxed,
								  memory_order_relaxed)) {
				*index = head;
				return slot;
			}
		} else if ((int32_t)(turn - head) < 0) {
			return NULL;
		} else {
			head = atomic_load_explicit(&logger.head, memory_order_relaxed);
		}
	}
}

static void
slot_publish(struct slot *slot, uint32_t index)
{
	/* release: pairs with the writer's acquire in slots_write() */
	atomic_store_explicit(&slot->turn, index + 1, memory_order_release);
	doorbell_ring(&logger.bell);
}

/* The writer: write every line that is filled. */
static void
slots_write(void)
{
	for (;;) {
		struct slot *slot = &logger.slots[logger.tail % SLOTS];

		/* acquire, release: pair with the producer's in slot_publish(), slot_claim() */
		if (atomic_load_explicit(&slot->turn, memory_order_acquire) != logger.tail + 1)
			return;
		write_line(slot->line, slot->len);
		atomic_store_explicit(&slot->turn, logger.tail + SLOTS, memory_order_release);
		logger.tail++;
	}
}

static void __attribute__((format(printf, 1, 2)))
write_summary(const char *format, ...)
{
	char line[LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	write_line(line, format_line(line, LOG_WARN, "suppressed", format, args));
	va_end(args);
}

/* The writer: tell what was not logged. The exchange pairs with the one in tell_suppressed(). */
static void
sum_up(void)
{
	uint64_t lost = atomic_exchange_explicit(&logger.lost, 0, memory_order_relaxed);

	if (lost)
		write_summary("lines=%llu cause=log_full", (unsigned long long)lost);
	if (!atomic_exchange_explicit(&logger.any_suppressed, false, memory_order_acq_rel))
		return;
	for (uint32_t i = 0; i < REASONS; i++) {
		struct bucket *b = &logger.buckets[i];
		uint64_t n = atomic_exchange_explicit(&b->suppressed, 0, memory_order_relaxed);
		const char *reason = atomic_load_explicit(&b->reason, memory_order_relaxed);

		if (n)
			write_summary("lines=%llu cause=log_rate reason=%s", (unsigned long long)n,
				      reason ? reason : "others");
	}
}

/* `due_ns` 0 is never. */
static uint64_t
time_until(uint64_t due_ns, uint64_t now_ns)
{
	if (due_ns == 0)
		return UINT64_MAX;
	return due_ns > now_ns ? due_ns - now_ns : 0;
}

static void *
writer_main(void *arg)
{
	uint64_t sum_ns = 0; /* when the next sums are due; 0: nothing to sum up */

	while (!atomic_load_explicit(&logger.stop, memory_order_acquire)) {
		uint64_t now = clock_now_ns();

		doorbell_wait(&logger.bell, time_until(sum_ns, now));
		slots_write();
		now = clock_now_ns();
		if (sum_ns != 0 && now >= sum_ns) {
			sum_up();
			sum_ns = 0;
		}
		if (sum_ns == 0 &&
		    (atomic_load_explicit(&logger.any_suppressed, memory_order_relaxed) ||
		     atomic_load_explicit(&logger.lost, memory_order_relaxed)))
			sum_ns = now + SUM_NS;
	}
	slots_write();
	sum_up();
	doorbell_ring(&logger.done);
	return arg;
}

/* With all signals blocked: they are for other threads, and a broken pipe is no reason to die. */
static int
writer_start(void)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&logger.writer, NULL, writer_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

/* Engines of this process that log. */
static pthread_mutex_t users_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users;

static int
begin(enum log_level level, uint32_t rate)
{
	int error;

	assert(!logger.running && !logger.stuck && rate > 0);
	memset(&logger, 0, sizeof(logger));
	logger.level = level;
	logger.interval_ns = CLOCK_NS_PER_S / rate;
	logger.burst_ns = CLOCK_NS_PER_S;
	for (uint32_t i = 0; i < SLOTS; i++)
		atomic_init(&logger.slots[i].turn, i);
	error = writer_start();
	if (error)
		return -error;
	logger.running = true;
	return 0;
}

static void
end(void)
{
	if (!logger.running)
		return;
	atomic_store_explicit(&logger.stop, true, memory_order_release);
	doorbell_ring(&logger.bell);
	logger.running = false;
	/* a writer that is stuck in write(2) ends with the process */
	if (doorbell_wait(&logger.done, FINI_NS))
		pthread_join(logger.writer, NULL);
	else
		logger.stuck = pthread_detach(logger.writer) == 0;
}

int
log_init(enum log_level level, uint32_t rate)
{
	int result = 0;

	pthread_mutex_lock(&users_lock);
	if (users == 0)
		result = begin(level, rate);
	users++;
	pthread_mutex_unlock(&users_lock);
	return result;
}

void
log_fini(void)
{
	pthread_mutex_lock(&users_lock);
	if (users && --users == 0)
		end();
	pthread_mutex_unlock(&users_lock);
}

static struct bucket *
bucket_of(const char *reason)
{
	uint32_t i = (uint32_t)(((uintptr_t)reason * UINT64_C(0x9E3779B97F4A7C15)) >> 32);

	for (uint32_t tries = 0; tries < 16; tries++, i++) {
		struct bucket *b = &logger.buckets[i % (REASONS - 1)];
		/* relaxed: the key is a constant string, and nothing else is published with it */
		const char *key = atomic_load_explicit(&b->reason, memory_order_relaxed);

		if (key == reason ||
		    (!key && (atomic_compare_exchange_strong_explicit(&b->reason, &key, reason,
								      memory_order_relaxed,
								      memory_order_relaxed) ||
			      key == reason)))
			return b;
	}
	return &logger.buckets[REASONS - 1];
}

/* Take one line from the budget. Relaxed: the bucket is one number, nothing hangs on it. */
static bool
bucket_take(struct bucket *b)
{
	uint64_t now = clock_now_ns();
	uint64_t next = atomic_load_explicit(&b->next_ns, memory_order_relaxed);
	uint64_t after;

	do {
		after = (next > now ? next : now) + logger.interval_ns;
		if (after > now + logger.burst_ns) {
			atomic_fetch_add_explicit(&b->suppressed, 1, memory_order_relaxed);
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(&b->next_ns, &next, after,
							memory_order_relaxed,
							memory_order_relaxed));
	return true;
}

/*
 * Something was not logged: the writer is to sum it up. Rings once for all until then. Acquire
 * and release: who finds it set already leaves its count to the writer's exchange, which comes
 * after this one.
 */
static void
tell_suppressed(void)
{
	if (!atomic_exchange_explicit(&logger.any_suppressed, true, memory_order_acq_rel))
		doorbell_ring(&logger.bell);
}

int
log_enabled(enum log_level level)
{
	return level <= logger.level;
}

void
log_line(enum log_level level, const char *reason, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	struct slot *slot;
	uint32_t index;
	va_list args;

	if (!log_enabled(level) || logger.stuck)
		return;
	va_start(args, format);
	if (!logger.running) {
		write_line(line, format_line(line, level, reason, format, args));
	} else if (!bucket_take(bucket_of(reason))) {
		tell_suppressed();
	} else if ((slot = slot_claim(&index))) {
		slot->len = format_line(slot->line, level, reason, format, args);
		slot_publish(slot, index);
	} else {
		atomic_fetch_add_explicit(&logger.lost, 1, memory_order_relaxed);
	}
	va_end(args);
}

struct log_text
log_text(const void *bytes, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *at = bytes;
	size_t shown = len < LOG_TEXT_BYTES ? len : LOG_TEXT_BYTES;
	struct log_text out;
	char *to = out.text;

	*to++ = '"';
	for (size_t i = 0; i < shown; i++) {
		if (at[i] < ' ' || at[i] > '~') {
			*to++ = '\\';
			*to++ = 'x';
			*to++ = digits[at[i] >> 4];
			*to++ = digits[at[i] & 15];
			continue;
		}
		if (at[i] == '"' || at[i] == '\\')
			*to++ = '\\';
		*to++ = (char)at[i];
	}
	*to++ = '"';
	if (shown < len) {
		memcpy(to, "...", 3);
		to += 3;
	}
	*to = '\0';
	assert((size_t)(to - out.text) < sizeof(out.text));
	return out;
}
