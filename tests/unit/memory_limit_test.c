/* SPDX-License-Identifier: Apache-2.0 */
/* The memory limit of control groups: made-up hierarchies of both kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "engine/memory_limit.h"

static char root[] = "/tmp/memory_limit_test.XXXXXX";
static const char *const directories[] = { "memory", "memory/a", "memory/a/b", "a", "a/b" };

#define DIRECTORIES (sizeof(directories) / sizeof(directories[0]))

static const char *
at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

/* NULL: no such file. */
static void
put(const char *name, const char *text)
{
	FILE *file;

	if (!text) {
		unlink(at(name));
		return;
	}
	file = fopen(at(name), "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static uint64_t
limit_of(const char *cgroups)
{
	char path[256];

	put("cgroups", cgroups);
	snprintf(path, sizeof(path), "%s", at("cgroups"));
	return memory_limit(path, root);
}

static int
set_up(void **state)
{
	(void)state;
	if (!mkdtemp(root))
		return -1;
	for (size_t i = 0; i < DIRECTORIES; i++)
		if (mkdir(at(directories[i]), 0700))
			return -1;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(at("cgroups"));
	for (size_t i = DIRECTORIES; i > 0; i--)
		rmdir(at(directories[i - 1]));
	return rmdir(root);
}

static void
version_2(void **state)
{
	(void)state;
	assert_true(limit_of("0::/a/b\n") == UINT64_MAX);
	put("a/b/memory.max", "max\n");
	assert_true(limit_of("0::/a/b\n") == UINT64_MAX);
	put("a/memory.max", "300000000\n");
	assert_int_equal(limit_of("0::/a/b\n"), 300000000);
	put("a/b/memory.max", "200000000\n");
	assert_int_equal(limit_of("0::/a/b\n"), 200000000);
	assert_int_equal(limit_of("0::/a\n"), 300000000);
	put("memory.max", "100000000\n"); /* a container sees its own group as the root */
	assert_int_equal(limit_of("0::/\n"), 100000000);
	assert_int_equal(limit_of("0::/a/b\n"), 100000000);
	put("memory.max", NULL);
	put("a/memory.max", NULL);
	put("a/b/memory.max", NULL);
}

static void
version_1(void **state)
{
	static const char cgroups[] = "9:name=systemd:/a\n5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n";

	(void)state;
	assert_true(limit_of(cgroups) == UINT64_MAX);
	put("memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
	assert_true(limit_of(cgroups) == UINT64_MAX);
	put("memory/a/memory.limit_in_bytes", "67108864\n");
	assert_int_equal(limit_of(cgroups), 67108864);
	put("memory/a/memory.limit_in_bytes", "\n");
	assert_true(limit_of(cgroups) == UINT64_MAX);
	put("memory/a/memory.limit_in_bytes", NULL);
	put("memory/a/b/memory.limit_in_bytes", NULL);
}

static void
nobody_can_tell(void **state)
{
	(void)state;
	assert_true(memory_limit(at("nothing"), root) == UINT64_MAX);
	assert_true(limit_of("") == UINT64_MAX);
	assert_true(limit_of("no colon\n1:memory\n") == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_2),
		cmocka_unit_test(version_1),
		cmocka_unit_test(nobody_can_tell),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
