#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/tidy finds each kind of breach in a small tree made for it, and nothing in a clean one."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TIDY = pathlib.Path(__file__).resolve().parents[2] / "tools" / "tidy"
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
FLOW = SPDX + "#ifndef F\n#define F\nstruct flow { int slot; };\n#endif\n"
MARK = "FIX" + "ME"
LONG_FUNCTION = "int\nroute_all(void)\n{\n" + "\tcall();\n" * 70 + "}\n"

# name: (files, what tidy must say)
BREACHES = {
    "no licence": ({"codec/a.c": "int a;\n"}, "codec/a.c:1: no SPDX line"),
    "white space": ({"codec/a.c": SPDX + "int a; \n"}, "codec/a.c:2: trailing white space"),
    "no last newline": ({"codec/a.c": SPDX + "int a;"}, "codec/a.c:2: no newline at the end"),
    "columns": ({"codec/a.c": SPDX + "/*" + "x" * 99 + "*/\n"}, "codec/a.c:2: 103 columns"),
    "tabs count": ({"codec/a.c": SPDX + "\t" * 13 + "a;\n"}, "codec/a.c:2: 106 columns"),
    "spaces": ({"codec/a.c": SPDX + "    int a;\n"}, "codec/a.c:2: indented with spaces"),
    "mark": ({"ring/a.c": SPDX + f"/* {MARK} */\n"}, "ring/a.c:2: mark of unfinished work"),
    "banned call": ({"ring/a.c": SPDX + "\tsprintf(a);\n"}, "sprintf() is not used here"),
    "codec to engine": (
        {"codec/a.c": SPDX + '#include "engine/flow.h"\n', "engine/flow.h": FLOW},
        "codec/a.c: must not include engine/flow.h",
    ),
    "ring to codec": (
        {"ring/a.c": SPDX + '#include "codec/flow.h"\n', "codec/flow.h": FLOW},
        "ring/a.c: must not include codec/flow.h",
    ),
    "decider to ring, by way of a header": (
        {
            "engine/route.c": SPDX + '#include "engine/x.h"\n',
            "engine/x.h": SPDX + '#ifndef X\n#define X\n#include "ring/flow.h"\n#endif\n',
            "ring/flow.h": FLOW,
        },
        "engine/route.c: must not include ring/flow.h by way of engine/x.h",
    ),
    "include that is not there": (
        {"ring/a.c": SPDX + '#include "a.h"\n', "ring/a.h": FLOW},
        'ring/a.c: "a.h" is not a path from the source root',
    ),
    "header that needs another": (
        {"codec/a.h": SPDX + "#ifndef A\n#define A\nstruct a { size_t n; };\n#endif\n"},
        "codec/a.h: does not compile alone",
    ),
    "header without a guard": (
        {"codec/a.h": SPDX + "struct a { int n; };\n"},
        "codec/a.h: does not compile alone",
    ),
    "long function": ({"engine/a.c": SPDX + LONG_FUNCTION}, "longest_function is 73, was 70"),
    "many parameters": (
        {"engine/a.c": SPDX + "int\na_do(int a, int b, int c, int d, int e, int f)\n{\n}\n"},
        "functions_with_many_parameters is 1, was 0",
    ),
    "long file": ({"engine/a.c": SPDX + "int a;\n" * 500}, "files_too_long is 1, was 0"),
}

# name: (layer/stem, C text, what tidy must say of the object)
OBJECT_BREACHES = {
    "foreign need": ("codec/a", "void *malloc(unsigned long n);\nvoid *a_new(void);\n"
                     "void *a_new(void) { return malloc(1); }\n",
                     "codec/a.c: needs malloc from outside"),
    "stray export": ("ring/a", "int b_x;\n", "export without its file's stem: ring/a.c:b_x"),
}


class Tidy(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        (self.root / "tools").mkdir()
        shutil.copy(TIDY, self.root / "tools" / "tidy")
        self.write({"engine/clean.h": FLOW})
        self.tidy("--accept")

    def write(self, files):
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def tidy(self, *arguments):
        command = [sys.executable, self.root / "tools" / "tidy", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def build(self, name, text):
        """Objects as CMake names them, in a library for each layer."""
        for layer in ("codec", "ring", "engine"):
            stem = name.split("/")[1] if name.startswith(layer) else "none"
            source = text if name.startswith(layer) else "int none;\n"
            subprocess.run(["gcc", "-x", "c", "-c", "-o", self.root / f"{stem}.c.o", "-"],
                           input=source, text=True, check=True)
            (self.root / "lib").mkdir(exist_ok=True)
            subprocess.run(["ar", "rc", self.root / "lib" / f"lib{layer}.a",
                            self.root / f"{stem}.c.o"], check=True)
        return self.tidy("--build", self.root)

    def test_clean_tree(self):
        status, said = self.tidy()
        self.assertEqual(status, 0, said)
        uses_zlib = "int inflate(void);\nint a(void) { return inflate(); }\n"
        status, said = self.build("codec/a", uses_zlib)
        self.assertEqual(status, 0, said)

    def test_breaches(self):
        for name, (files, expected) in BREACHES.items():
            with self.subTest(name):
                self.write(files)
                status, said = self.tidy()
                self.assertEqual(status, 1)
                self.assertIn(expected, said)
                for file in files:
                    (self.root / file).unlink()

    def test_object_breaches(self):
        for name, (place, text, expected) in OBJECT_BREACHES.items():
            with self.subTest(name):
                status, said = self.build(place, text)
                self.assertEqual(status, 1)
                self.assertIn(expected, said)
                shutil.rmtree(self.root / "lib")

    def test_objects_must_be_there(self):
        status, said = self.tidy("--build", self.root)
        self.assertEqual(status, 1)
        self.assertIn("not built", said)


if __name__ == "__main__":
    unittest.main()
