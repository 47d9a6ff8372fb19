/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_ADMISSION_H
#define ENGINE_ADMISSION_H
/*
 * May a request come in at all? Before anything is looked up: its size, its method, the rules of
 * policy.h, the rate of its connection and of its source, and how long it has waited. ACK and
 * CANCEL are always let in, and whatever ends or goes on with something (rank.h) no matter the rate
 * and the wait.
 */
#include "engine/inbound.h"

/* True: it is answered, and counted by its reason. */
bool admission_refuses(struct inbound *in);

#endif
