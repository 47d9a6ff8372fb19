/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/scan.h"
#include "codec/sip_addr.h"

bool
sip_delta_seconds(struct span text, uint32_t *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!scan_is_digit(text.at[i]))
			return false;
		if (n <= UINT32_MAX)
			n = n * 10 + (uint64_t)(text.at[i] - '0');
	}
	*out = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
	return text.len > 0;
}
