/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_EMBED_TIMER_H
#define ENGINE_EMBED_TIMER_H
/* The application's timers. The router's thread only. */
#include "engine/embed.h"

/* fn(arg) after so many ms, once; freed by then. NULL: out of memory. */
struct sipring_timer *embed_timer_new(struct embed *e, unsigned ms, void (*fn)(void *), void *arg);

/* One that was not called yet. */
void embed_timer_cancel(struct sipring_timer *t);

/* Call those that are due. */
void embed_timer_run(struct embed *e);

/* The engine has ended: they are never called. */
void embed_timer_end(struct embed *e);

#endif
