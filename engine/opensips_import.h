/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_OPENSIPS_IMPORT_H
#define ENGINE_OPENSIPS_IMPORT_H
/*
 * An opensips.cfg to our settings: sockets, the parameters of proto_ws, proto_wss and tls_mgm, and
 * those of the core that have to do with connections. The script is not read.
 */
#include <stdio.h>
#include "codec/span.h"
#include "engine/settings.h"

/*
 * Write the configuration file to `yaml`, and to `report` a line for each thing that was found:
 * what is the same here, what differs and how, what there is not and why. False: `error` is
 * "NAME:LINE: what", and nothing was written to `yaml`. Any thread.
 */
bool opensips_import(const char *name, struct span text, FILE *yaml, FILE *report,
		     char error[SETTINGS_ERROR_MAX]);

#endif
