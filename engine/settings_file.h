/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_SETTINGS_FILE_H
#define ENGINE_SETTINGS_FILE_H
/*
 * The configuration file: YAML 1.1, one document, the names of settings.def. A dotted name may be
 * written whole or as nested maps; a setting that is a list of names or files may be a sequence:
 *
 *     listen: [ "ws:0.0.0.0:8080", "wss:0.0.0.0:8443" ]
 *     routing:
 *       domains: [ example.org, example.com ]
 *     tls:
 *       certificate: chain.pem
 *       private_key: key.pem
 *       server_domains:           # and client_domains
 *         shop:
 *           match_sip_domain: shop.example.org
 *           certificate: shop.pem
 *           private_key: shop.key
 *
 * What is unknown, given twice, of a wrong type or out of range is an error "FILE:LINE: what".
 */
#include <stddef.h>
#include "engine/settings.h"

#define SETTINGS_FILE_BYTES_MAX 1048576u

/*
 * Set what the file says. False: `error` tells where it is wrong, and what stands before that
 * place has been set. Before the engine runs.
 */
bool settings_file_read(struct settings *s, const char *path, char error[SETTINGS_ERROR_MAX]);

/* The same of a text; `name` is what errors call it. */
bool settings_file_parse(struct settings *s, const char *name, const char *text, size_t len,
			 char error[SETTINGS_ERROR_MAX]);

/* All of a file, in a block to free(); NULL: `error`. */
char *settings_file_text(const char *path, size_t *len, char error[SETTINGS_ERROR_MAX]);

#endif
