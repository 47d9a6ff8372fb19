/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_MERGE_H
#define WSLOAD_MERGE_H
/*
 * `wsload merge FILE...`: one result of those that several processes wrote with --json, as if one
 * had made all of the load. Counts, rates and histograms add up, times of day do not: the
 * duration is the longest.
 */
#include <stdio.h>
#include "tools/wsload/run.h"

/*
 * Add a result in JSON, the last line of `text`, to *result, which begins as merge_begin() makes
 * it. NULL, or what is wrong; static text.
 */
void merge_begin(struct plan *plan, struct result *result);
const char *merge_add(struct plan *plan, struct result *result, struct span text);

/* The command; argv[0] is "merge". The exit code. */
int merge_main(int argc, char **argv);

#endif
