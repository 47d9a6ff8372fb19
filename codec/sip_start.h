/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_START_H
#define CODEC_SIP_START_H
/* The start line, RFC 3261 §7.1 and §7.2. For sip_msg.c. */
#include "codec/sip_msg.h"

/*
 * Read the start line m->base[0..line_len), without its CRLF. Fills `request`,
 * `method`, `status` and the views. After a fault `request` and `method` still say
 * what the line was meant to be: a request that can be answered, or not.
 */
enum sip_error sip_start_parse(struct sip_msg *m, uint32_t line_len);

#endif
