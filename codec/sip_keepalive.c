/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "codec/sip_msg.h"

enum sip_keepalive
sip_keepalive(const uint8_t *bytes, size_t len)
{
	if (len == 4 && memcmp(bytes, "\r\n\r\n", 4) == 0)
		return SIP_KEEPALIVE_PING;
	if (len == 2 && memcmp(bytes, "\r\n", 2) == 0)
		return SIP_KEEPALIVE_PONG;
	return SIP_KEEPALIVE_NOT;
}
