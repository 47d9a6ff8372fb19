/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_HOST_H
#define CODEC_SIP_HOST_H
/* host and port, RFC 3261 §25.1, as URIs and Via have them. For the parsers of those. */
#include <stdint.h>
#include "codec/sip_msg.h"

#define SIP_HOST_IPV6_LEN 16

/*
 * One past the host that begins at p: a host name, an IPv4 address, or an IPv6
 * reference with its brackets. NULL when there is none. `m`: see sip_scan.h.
 */
const char *sip_host_over(const struct sip_msg *m, const char *p, const char *end);

/* One past the port's digits at p; NULL when it is not 1..65535. */
const char *sip_host_over_port(const char *p, const char *end, uint16_t *port);

/*
 * One past the IPv6 address at p, without brackets, by the corrected grammar of
 * RFC 5954 §4.1; its octets in out. NULL when there is none.
 */
const char *sip_host_over_ipv6(const char *p, const char *end, uint8_t out[SIP_HOST_IPV6_LEN]);

#endif
