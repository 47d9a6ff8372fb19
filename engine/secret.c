/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/secret.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

static bool
read_file(const char *path, uint8_t key[SHARED_KEY_LEN])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && read(fd, key, SHARED_KEY_LEN) == SHARED_KEY_LEN;

	if (fd >= 0)
		close(fd);
	return ok;
}

bool
secret_make(const struct settings *settings, uint8_t key[SHARED_KEY_LEN],
	    char error[SETTINGS_ERROR_MAX])
{
	const char *path = settings->token_secret;
	bool ok =
		*path ? read_file(path, key) : getrandom(key, SHARED_KEY_LEN, 0) == SHARED_KEY_LEN;

	if (!ok && *path)
		snprintf(error, SETTINGS_ERROR_MAX,
			 "routing.token_secret: %d bytes cannot be read from '%.100s'",
			 SHARED_KEY_LEN, path);
	else if (!ok)
		snprintf(error, SETTINGS_ERROR_MAX, "getrandom: no random bytes");
	return ok;
}
