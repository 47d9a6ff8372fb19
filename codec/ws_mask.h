/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WS_MASK_H
#define CODEC_WS_MASK_H
/* Masking, RFC 6455 §5.3. Any thread; no state. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * XOR `len` bytes in place with the 4-byte key. `phase` (0..3) is the index in
 * the key of the first byte: payload offset modulo 4, so a payload may be
 * unmasked in pieces. Returns true when any resulting byte is >= 0x80, that is
 * when UTF-8 validation has something to do.
 */
bool ws_mask_apply(uint8_t *bytes, size_t len, const uint8_t key[4], unsigned phase);

/* The scalar twin: same contract, one byte at a time. For tests and benchmarks. */
bool ws_mask_apply_scalar(uint8_t *bytes, size_t len, const uint8_t key[4], unsigned phase);

#endif
