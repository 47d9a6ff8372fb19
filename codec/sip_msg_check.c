/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_essentials.h"

enum sip_error
sip_msg_check(const struct sip_msg *m)
{
	struct sip_essentials ignored;

	return sip_essentials_read(m, &ignored);
}
