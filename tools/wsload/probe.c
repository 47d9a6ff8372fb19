/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/probe.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MAX 1024

struct process {
	pid_t pid, parent;
	uint64_t ticks;
};

/* The name in parentheses may hold anything: the fields begin behind the last one. */
static bool
read_stat(pid_t pid, struct process *p)
{
	char path[64], text[1024], *rest;
	uint64_t user, system;
	FILE *f;
	size_t n;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	rest = strrchr(text, ')');
	if (!rest ||
	    sscanf(rest + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
		   &parent, &user, &system) != 3)
		return false;
	*p = (struct process){ pid, (pid_t)parent, user + system };
	return true;
}

static bool
add_memory(pid_t pid, struct probe *out)
{
	char path[64], line[256];
	uint64_t kb;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Rss: %" SCNu64 " kB", &kb) == 1)
			out->rss_bytes += kb * 1024;
		else if (sscanf(line, "Pss: %" SCNu64 " kB", &kb) == 1)
			out->pss_bytes += kb * 1024;
		else if (sscanf(line, "Private_Clean: %" SCNu64 " kB", &kb) == 1 ||
			 sscanf(line, "Private_Dirty: %" SCNu64 " kB", &kb) == 1)
			out->private_bytes += kb * 1024;
	}
	fclose(f);
	return true;
}

static size_t
list_processes(struct process *all)
{
	DIR *d = opendir("/proc");
	struct dirent *entry;
	size_t n = 0;

	while (d && n < PROCESSES_MAX && (entry = readdir(d))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && read_stat(pid, &all[n]))
			n++;
	}
	if (d)
		closedir(d);
	return n;
}

static bool
descends(const struct process *all, size_t n, pid_t pid, pid_t from)
{
	for (size_t depth = 0; depth < n && pid > 1; depth++) {
		size_t i = 0;

		if (pid == from)
			return true;
		while (i < n && all[i].pid != pid)
			i++;
		if (i == n)
			return false;
		pid = all[i].parent;
	}
	return pid == from;
}

bool
probe_server(pid_t pid, bool memory, struct probe *out)
{
	struct process *all = calloc(PROCESSES_MAX, sizeof(*all));
	size_t n = all ? list_processes(all) : 0;
	uint64_t ticks = 0;

	*out = (struct probe){ 0 };
	for (size_t i = 0; i < n; i++) {
		if (!descends(all, n, all[i].pid, pid) || (memory && !add_memory(all[i].pid, out)))
			continue;
		ticks += all[i].ticks;
		out->processes++;
	}
	out->cpu_s = (double)ticks / (double)sysconf(_SC_CLK_TCK);
	free(all);
	return out->processes > 0;
}
