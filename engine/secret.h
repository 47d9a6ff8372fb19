/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_SECRET_H
#define ENGINE_SECRET_H
/* The random bytes that all keys of the routing stage are made of. Before any loop runs. */
#include "engine/settings.h"
#include "engine/shared.h"

/* Those of routing.token_secret, or new ones. False: `error` says why not. */
bool secret_make(const struct settings *settings, uint8_t key[SHARED_KEY_LEN],
		 char error[SETTINGS_ERROR_MAX]);

#endif
