/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody outside would write; built against the installed tree only. */
#include <sipring.h>
#include <stdio.h>
#include <string.h>

int
main(void)
{
	struct sipring *s = sipring_new();

	if (!s)
		return 1;
	if (sipring_set(s, "no_such_setting=1") != SIPRING_USAGE)
		return 2;
	if (!strstr(sipring_error(s), "no_such_setting"))
		return 3;
	if (sipring_listen(s, "ws:127.0.0.1:0") != SIPRING_OK || sipring_check(s) != SIPRING_OK)
		return 4;
	sipring_free(s);
	puts(sipring_version());
	return 0;
}
