/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_CHART_H
#define WSLOAD_CHART_H
/* Line charts as SVG that is put into a page; its colours are the page's. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct chart_point {
	double x, y;
};

struct chart_line {
	const char *name;
	const struct chart_point *points;
	uint32_t len;
};

struct chart_tick {
	double x;
	const char *text;
};

struct chart {
	const char *id, *title, *unit; /* of y */
	bool logarithmic;              /* y; values below `floor` are drawn there */
	double floor;
	const struct chart_line *lines;
	uint32_t lines_len;
	const struct chart_tick *ticks; /* of x; NULL: seconds, chosen here */
	uint32_t ticks_len;
};

void chart_draw(const struct chart *chart, FILE *out);

#endif
