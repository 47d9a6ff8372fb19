/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/chart.h"

#include <math.h>

#define WIDTH 760.0
#define HEIGHT 260.0
#define LEFT 70.0
#define RIGHT 16.0
#define TOP 12.0
#define BOTTOM 30.0
#define LINES_OF_Y 5

struct frame {
	const struct chart *chart;
	double x_low, x_high, y_low, y_high; /* y already as a logarithm, where it is one */
};

static double
scale(const struct chart *c, double y)
{
	if (!c->logarithmic)
		return y;
	return log10(y > c->floor ? y : c->floor);
}

static struct frame
frame_of(const struct chart *c)
{
	struct frame f = { .chart = c,
			   .x_low = INFINITY,
			   .x_high = -INFINITY,
			   .y_low = INFINITY,
			   .y_high = -INFINITY };

	for (uint32_t i = 0; i < c->lines_len; i++) {
		for (uint32_t k = 0; k < c->lines[i].len; k++) {
			struct chart_point p = c->lines[i].points[k];

			f.x_low = fmin(f.x_low, p.x);
			f.x_high = fmax(f.x_high, p.x);
			f.y_low = fmin(f.y_low, scale(c, p.y));
			f.y_high = fmax(f.y_high, scale(c, p.y));
		}
	}
	if (f.x_low > f.x_high) /* no points */
		f = (struct frame){ .chart = c };
	if (!c->logarithmic)
		f.y_low = 0;
	if (f.x_high <= f.x_low)
		f.x_high = f.x_low + 1;
	if (f.y_high <= f.y_low)
		f.y_high = f.y_low + 1;
	f.y_high += (f.y_high - f.y_low) * 0.05;
	return f;
}

static double
at_x(const struct frame *f, double x)
{
	return LEFT + (x - f->x_low) / (f->x_high - f->x_low) * (WIDTH - LEFT - RIGHT);
}

static double
at_y(const struct frame *f, double scaled)
{
	return HEIGHT - BOTTOM -
	       (scaled - f->y_low) / (f->y_high - f->y_low) * (HEIGHT - TOP - BOTTOM);
}

/* 1,234,567 is 1.23M: four characters are enough for an axis. */
static void
put_number(double n, FILE *out)
{
	static const char *const units[] = { "", "k", "M", "G" };
	unsigned i = 0;

	for (; n >= 1000 && i < 3; i++)
		n /= 1000;
	fprintf(out, "%.3g%s", n, units[i]);
}

static void
draw_y(const struct frame *f, FILE *out)
{
	for (int i = 0; i <= LINES_OF_Y; i++) {
		double scaled = f->y_low + (f->y_high - f->y_low) * i / LINES_OF_Y;
		double y = at_y(f, scaled);

		fprintf(out,
			"<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
			"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">",
			LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4);
		put_number(f->chart->logarithmic ? pow(10, scaled) : scaled, out);
		fputs("</text>\n", out);
	}
}

static void
draw_tick(const struct frame *f, double x, FILE *out)
{
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", at_x(f, x),
		HEIGHT - BOTTOM + 16);
}

static void
draw_x(const struct frame *f, FILE *out)
{
	const struct chart *c = f->chart;

	for (uint32_t i = 0; i < c->ticks_len; i++) {
		if (c->ticks[i].x > f->x_high)
			break;
		draw_tick(f, c->ticks[i].x, out);
		fprintf(out, "%s</text>\n", c->ticks[i].text);
	}
	for (int i = 0; !c->ticks && i <= LINES_OF_Y; i++) {
		double x = f->x_low + (f->x_high - f->x_low) * i / LINES_OF_Y;

		draw_tick(f, x, out);
		fprintf(out, "%.3g s</text>\n", x);
	}
}

static void
draw_line(const struct frame *f, uint32_t n, FILE *out)
{
	const struct chart_line *l = &f->chart->lines[n];

	fprintf(out, "<polyline class=\"line l%u\" points=\"", n);
	for (uint32_t i = 0; i < l->len; i++)
		fprintf(out, "%.1f,%.1f ", at_x(f, l->points[i].x),
			at_y(f, scale(f->chart, l->points[i].y)));
	fputs("\"/>\n", out);
	for (uint32_t i = 0; i < l->len && l->len <= 64; i++)
		fprintf(out,
			"<circle class=\"dot l%u\" r=\"2.5\" cx=\"%.1f\" cy=\"%.1f\"><title>%s "
			"%.6g %s"
			"</title></circle>\n",
			n, at_x(f, l->points[i].x), at_y(f, scale(f->chart, l->points[i].y)),
			l->name, l->points[i].y, f->chart->unit);
}

void
chart_draw(const struct chart *c, FILE *out)
{
	struct frame f = frame_of(c);

	fprintf(out,
		"<figure id=\"%s\"><figcaption>%s <small>%s</small></figcaption>\n"
		"<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\">\n",
		c->id, c->title, c->unit, WIDTH, HEIGHT, c->title);
	draw_y(&f, out);
	draw_x(&f, out);
	for (uint32_t i = 0; i < c->lines_len; i++)
		draw_line(&f, i, out);
	fputs("</svg>\n<p class=\"legend\">", out);
	for (uint32_t i = 0; i < c->lines_len; i++)
		fprintf(out, "<span class=\"l%u\">%s</span> ", i, c->lines[i].name);
	fputs("</p></figure>\n", out);
}
