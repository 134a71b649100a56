# ruff: noqa: E501 - whole files in one line each
"""Small projects, one a runner: what is said of them untouched, and of each thing planted in them."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Planted:
    """Files written over the base, and what the verdict then says."""

    files: dict[str, str]
    says: dict[str, tuple[str, ...]]
    """Fields of the verdict that are not empty, by what their names contain."""


@dataclass(frozen=True)
class Live:
    """One project."""

    program: str
    """What has to be on PATH."""
    command: str
    files: dict[str, str]
    base: dict[str, str]
    """The outcome of each case on the base, colours forced, something red, something skipped."""
    planted: dict[str, Planted]
    only: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What runs when it is narrowed to a name."""


PYTEST = {
    "calc.py": "def add(a, b):\n    return a + b\n",
    "pytest.ini": "[pytest]\naddopts = --color=yes\n",
    "tests/test_add.py": (
        "import pytest\nfrom calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n\n\n"
        "@pytest.mark.parametrize('name', ['two words', 'é'])\ndef test_named(name):\n    assert name\n\n\n"
        "@pytest.mark.skip\ndef test_off():\n    pass\n"
    ),
    "tests/test_old.py": "def test_red():\n    assert 0, 'always'\n",
    "tests/never.py": "def test_never():\n    assert 0\n",
}
PYTEST_BASE = {
    "tests/test_add.py::test_add": "passed",
    "tests/test_add.py::test_named[two words]": "passed",
    "tests/test_add.py::test_named[\\xe9]": "passed",
    "tests/test_add.py::test_off": "skipped",
    "tests/test_old.py::test_red": "failed",
}
PYTEST_PLANTED = {
    "a red test": Planted(
        {"calc.py": "def add(a, b):\n    return a - b\n"},
        {"turned_red": ("tests/test_add.py::test_add",)},
    ),
    "a file that cannot be collected": Planted(
        {"tests/test_new.py": "def (:\n"}, {"unbuilt": ("tests/test_new.py::collection",)}
    ),
    "a source that does not compile": Planted(
        {"calc.py": "def (:\n"},
        {
            "unbuilt": ("tests/test_add.py::collection",),
            "gone": (
                "tests/test_add.py::test_add",
                "tests/test_add.py::test_named[\\xe9]",
                "tests/test_add.py::test_named[two words]",
            ),
        },
    ),
    "a conftest that breaks": Planted(
        {"conftest.py": "raise RuntimeError\n"},
        {
            "gone": (
                "tests/test_add.py::test_add",
                "tests/test_add.py::test_named[\\xe9]",
                "tests/test_add.py::test_named[two words]",
            )
        },
    ),
}

UNITTEST = {
    "calc.py": "def add(a, b):\n    return a + b\n",
    "tests/__init__.py": "",
    "tests/test_add.py": (
        "import unittest\nfrom calc import add\n\n\nclass TestAdd(unittest.TestCase):\n"
        "    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n\n"
        "    def test_parts(self):\n        '''Said of it.'''\n        for n in (1, 2):\n"
        "            with self.subTest('two words', n=n):\n                print('\\x1b[31mred\\x1b[0m')\n\n"
        "    @unittest.skip('later')\n    def test_off(self):\n        pass\n\n"
        "    @unittest.expectedFailure\n    def test_known(self):\n        self.fail()\n"
    ),
    "tests/test_old.py": (
        "import unittest\n\n\nclass TestOld(unittest.TestCase):\n    def test_red(self):\n        self.fail('always')\n"
    ),
    "tests/never.py": "import unittest\n\n\nclass TestNever(unittest.TestCase):\n    def test_n(self):\n        self.fail()\n",
}
UNITTEST_ALL = ("tests/test_add.py::TestAdd::test_add", "tests/test_add.py::TestAdd::test_parts")

GO = {
    "go.mod": "module example.com/x\n\ngo 1.21\n",
    "calc.go": "package x\n\nfunc Add(a, b int) int { return a + b }\n",
    "calc_test.go": (
        'package x\n\nimport ("fmt"; "testing")\n\nfunc TestAdd(t *testing.T) {\n\tfmt.Println("\\x1b[31mred\\x1b[0m")\n'
        '\tif Add(1, 2) != 3 { t.Fatal("sum") }\n}\n'
        'func TestNamed(t *testing.T) { t.Run("two words é", func(t *testing.T) {}) }\n'
        'func TestOff(t *testing.T) { t.Skip("later") }\nfunc testNever(t *testing.T) { t.Fatal() }\n'
    ),
    "sub/sub.go": "package sub\n",
    "sub/sub_test.go": 'package sub\n\nimport "testing"\n\nfunc TestRed(t *testing.T) { t.Error("always") }\nfunc TestOk(t *testing.T) {}\n',
    "none/none.go": "package none\n",
}
GO_ALL = ("calc_test.go::TestAdd", "calc_test.go::TestNamed", "calc_test.go::TestNamed/two_words_é")
GO_BASE = {
    "calc_test.go::TestAdd": "passed",
    "calc_test.go::TestNamed": "passed",
    "calc_test.go::TestNamed/two_words_é": "passed",
    "calc_test.go::TestOff": "skipped",
    "sub/sub_test.go::TestRed": "failed",
    "sub/sub_test.go::TestOk": "passed",
}
GO_PLANTED = {
    "a red test": Planted(
        {"calc.go": "package x\n\nfunc Add(a, b int) int { return a - b }\n"},
        {"turned_red": ("calc_test.go::TestAdd",)},
    ),
    "a source that does not compile": Planted(
        {"calc.go": "package x\n\nfunc Add(a, b int) int { return nope }\n"},
        {"unbuilt": (".::build",), "gone": GO_ALL},
    ),
    "a test that vet refuses": Planted(
        {
            "sub/more_test.go": 'package sub\n\nimport ("fmt"; "testing")\n\nfunc TestV(t *testing.T) { fmt.Printf("%d", "x") }\n'
        },
        {"unbuilt": ("sub::build",), "gone": ("sub/sub_test.go::TestOk",)},
    ),
    "an import that is not there": Planted(
        {"sub/more_test.go": 'package sub\n\nimport _ "example.com/y"\n'},
        {"unbuilt": ("sub::build",), "gone": ("sub/sub_test.go::TestOk",)},
    ),
    "a panic": Planted(
        {"calc_test.go": GO["calc_test.go"].replace("fmt.Println(", 'panic("boom"); fmt.Println(')},
        {"turned_red": ("calc_test.go::TestAdd",), "gone": GO_ALL[1:]},
    ),
    "a main that ends well at once": Planted(
        {
            "main_test.go": 'package x\n\nimport ("os"; "testing")\n\nfunc TestMain(m *testing.M) { os.Exit(0) }\n'
        },
        {"gone": GO_ALL},
    ),
    "a main that ends badly": Planted(
        {
            "main_test.go": 'package x\n\nimport ("os"; "testing")\n\nfunc TestMain(m *testing.M) { m.Run(); os.Exit(3) }\n'
        },
        {"turned_red": (".::package",)},
    ),
}

CARGO = {
    "Cargo.toml": '[package]\nname = "top-one"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\nmembers = ["sub"]\n',
    "Cargo.lock": 'version = 3\n\n[[package]]\nname = "sub"\nversion = "0.1.0"\n\n[[package]]\nname = "top-one"\nversion = "0.1.0"\n',
    ".cargo/config.toml": '[term]\ncolor = "always"\nquiet = true\n',
    "src/lib.rs": (
        "/// Adds.\n/// ```\n/// assert_eq!(top_one::add(1, 2), 3);\n/// ```\npub fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n"
        'mod calc;\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {\n        println!("hello");\n'
        '        assert_eq!(super::add(1, 2), 3);\n    }\n    #[test]\n    #[ignore = "slow"]\n    fn slow() {}\n'
        "    #[test]\n    #[should_panic]\n    fn panics() {\n        panic!()\n    }\n}\n"
    ),
    "src/calc.rs": "#[cfg(test)]\nmod tests {\n    #[test]\n    fn inner() {}\n}\n",
    "tests/it.rs": "#[test]\nfn works() {\n    assert_eq!(top_one::add(1, 1), 2);\n}\n",
    "sub/Cargo.toml": '[package]\nname = "sub"\nversion = "0.1.0"\nedition = "2021"\n',
    "sub/src/lib.rs": "pub fn x() {}\n",
    "sub/tests/it.rs": '#[test]\nfn red() {\n    assert_eq!(1, 2, "always");\n}\n#[test]\nfn green() {}\n',
    "tests/data/never.rs": "#[test]\nfn never() {\n    panic!()\n}\n",
}
CARGO_TOP = (
    "src/calc.rs::tests::inner",
    "src/lib.rs::doc add",
    "src/lib.rs::tests::adds",
    "src/lib.rs::tests::panics",
    "tests/it.rs::works",
)

CTEST = {
    "CMakeLists.txt": (
        "cmake_minimum_required(VERSION 3.19)\nproject(x C)\nenable_testing()\nadd_executable(t t.c)\n"
        'add_test(NAME "two words" COMMAND t ok)\nadd_test(NAME red COMMAND t bad)\n'
        "add_test(NAME skipped COMMAND t skip)\nset_tests_properties(skipped PROPERTIES SKIP_RETURN_CODE 77)\n"
        "add_test(NAME off COMMAND t bad)\nset_tests_properties(off PROPERTIES DISABLED TRUE)\n"
    ),
    "t.c": (
        '#include <string.h>\n#include <stdio.h>\nint main(int n, char **v) {\n  printf("\\033[31msaid\\033[0m\\n");\n'
        '  return !strcmp(v[1], "bad") ? 1 : !strcmp(v[1], "skip") ? 77 : 0;\n}\n'
    ),
    "never.c": "int main() { return 1; }\n",
}

LIVE = {
    "pytest": Live(
        "pytest",
        "FORCE_COLOR=1 python3 -m pytest -q",
        PYTEST,
        PYTEST_BASE,
        PYTEST_PLANTED,
        {
            "tests/test_add.py::test_named[two words]": ("tests/test_add.py::test_named[two words]",),
            "tests/test_old.py": ("tests/test_old.py::test_red",),
        },
    ),
    "pytest behind make": Live(
        "make",
        "make test",
        {**PYTEST, "Makefile": "PY ?= python3\n\ntest:\n\t@echo testing\n\t$(PY) -m pytest -q\n"},
        PYTEST_BASE,
        PYTEST_PLANTED,
        {"tests/test_old.py": ("tests/test_old.py::test_red",)},
    ),
    "pytest in a folder": Live(
        "pytest",
        "cd back && CLICOLOR_FORCE=1 pytest tests",
        {f"back/{path}": text for path, text in PYTEST.items()} | {"back/conftest.py": ""},
        {f"back/{name}": outcome for name, outcome in PYTEST_BASE.items()},
        {
            "a red test": Planted(
                {"back/calc.py": "def add(a, b):\n    return a - b\n"},
                {"turned_red": ("back/tests/test_add.py::test_add",)},
            )
        },
        {"back/tests/test_old.py": ("back/tests/test_old.py::test_red",)},
    ),
    "unittest": Live(
        "python3",
        "FORCE_COLOR=1 python3 -m unittest discover -v",
        UNITTEST,
        {
            "tests/test_add.py::TestAdd::test_add": "passed",
            "tests/test_add.py::TestAdd::test_parts": "passed",
            "tests/test_add.py::TestAdd::test_off": "skipped",
            "tests/test_add.py::TestAdd::test_known": "skipped",
            "tests/test_old.py::TestOld::test_red": "failed",
        },
        {
            "a red test": Planted(
                {"calc.py": "def add(a, b):\n    return a - b\n"}, {"turned_red": UNITTEST_ALL[:1]}
            ),
            "a source that does not compile": Planted(
                {"calc.py": "def (:\n"}, {"unbuilt": ("tests/test_add.py::collection",), "gone": UNITTEST_ALL}
            ),
            "an end in the middle": Planted(
                {"tests/test_add.py": "import os\n" + UNITTEST["tests/test_add.py"].replace("print(", "os._exit(0 and ")},
                {"turned_red": ("unittest::run",), "gone": UNITTEST_ALL[1:]},
            ),
        },
        {
            "tests/test_add.py::TestAdd::test_add": UNITTEST_ALL[:1],
            "tests/test_old.py": ("tests/test_old.py::TestOld::test_red",),
        },
    ),
    "unittest by names": Live(
        "python3",
        "python3 -m unittest tests.test_add tests.test_old",
        UNITTEST,
        {
            "tests/test_add.py::TestAdd::test_add": "passed",
            "tests/test_add.py::TestAdd::test_parts": "passed",
            "tests/test_add.py::TestAdd::test_off": "skipped",
            "tests/test_add.py::TestAdd::test_known": "skipped",
            "tests/test_old.py::TestOld::test_red": "failed",
        },
        {},
        {"tests/test_add.py::TestAdd::test_add": UNITTEST_ALL[:1]},
    ),
    "go": Live(
        "go",
        "CLICOLOR_FORCE=1 go test ./...",
        GO,
        GO_BASE,
        GO_PLANTED,
        {
            "calc_test.go::TestNamed/two_words_é": GO_ALL[2:],
            "sub/sub_test.go": ("sub/sub_test.go::TestRed", "sub/sub_test.go::TestOk"),
        },
    ),
    "go behind make": Live(
        "go",
        "make check",
        {**GO, "Makefile": "check:\n\tgo test -v ./...\n"},
        GO_BASE,
        {"a red test": GO_PLANTED["a red test"]},
    ),
    "cargo": Live(
        "cargo",
        "CARGO_TERM_COLOR=always cargo test --workspace --quiet",
        CARGO,
        {
            **dict.fromkeys(CARGO_TOP, "passed"),
            "src/lib.rs::tests::slow": "skipped",
            "sub/tests/it.rs::red": "failed",
            "sub/tests/it.rs::green": "passed",
        },
        {
            "a red test": Planted(
                {"src/lib.rs": CARGO["src/lib.rs"].replace("a + b", "a + b + 1")},
                {"turned_red": ("src/lib.rs::doc add", "src/lib.rs::tests::adds", "tests/it.rs::works")},
            ),
            "a source that does not compile": Planted(
                {"src/calc.rs": "fn x() -> i32 { nope }\n"},
                {
                    "unbuilt": (".::build",),
                    "gone": (*CARGO_TOP, "sub/tests/it.rs::green"),
                },
            ),
            "a build script that ends badly": Planted(
                {"build.rs": "fn main() { panic!() }\n"},
                {"unbuilt": (".::build",), "gone": (*CARGO_TOP, "sub/tests/it.rs::green")},
            ),
            "a test that does not compile": Planted(
                {"sub/tests/more.rs": "#[test]\nfn a() { sub::y() }\n"},
                {
                    "unbuilt": ("sub/tests/more.rs::build",),
                    "gone": (*CARGO_TOP, "sub/tests/it.rs::green"),
                },
            ),
            "an end in the middle": Planted(
                {"tests/it.rs": CARGO["tests/it.rs"].replace("assert_eq", "std::process::exit(0); assert_eq")},
                {"turned_red": ("tests/it.rs::run",), "gone": ("tests/it.rs::works",)},
            ),
        },
        {
            "src/calc.rs::tests::inner": ("src/calc.rs::tests::inner",),
            "sub/tests/it.rs::green": ("sub/tests/it.rs::green",),
        },
    ),
    "ctest": Live(
        "ctest",
        "cmake -S . -B build && cmake --build build && CLICOLOR_FORCE=1 ctest --test-dir build",
        CTEST,
        {"ctest::two words": "passed", "ctest::red": "failed", "ctest::skipped": "skipped", "ctest::off": "skipped"},
        {
            "a red test": Planted(
                {"t.c": CTEST["t.c"].replace(": 0;", ": 1;")}, {"turned_red": ("ctest::two words",)}
            ),
            "a source that does not compile": Planted({"t.c": "int main( {\n"}, {"gone": ("ctest::two words",)}),
            "a program that is not there": Planted(
                {"CMakeLists.txt": CTEST["CMakeLists.txt"] + "add_test(NAME nothing COMMAND nothing)\n"},
                {"unbuilt": ("ctest::nothing",)},
            ),
        },
        {"ctest::two words": ("ctest::two words",)},
    ),
}  # fmt: skip
