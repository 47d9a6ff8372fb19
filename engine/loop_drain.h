/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_LOOP_DRAIN_H
#define ENGINE_LOOP_DRAIN_H
/* The end of a loop, as it is told: see enum loop_command. */
struct loop;

/* Once per turn: begin to drain, go on, or give up. */
void loop_drain_obey(struct loop *l);

#endif
