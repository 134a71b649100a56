"""Forged reports, really run: each is refused, or what makes it lie is named.

A file of `forgeries/` says what it is about, which runner it deceives, what it puts into the tree, and what comes of
it: `refused: gone` (tests are missing), `refused: red` (they are red all the same), `refused: WORDS` of the verdict's
reason, or `named: WORDS` of a doubt. The code under test is broken by each of them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.bench import Bench, plant
from tests.unit.receipts.test_command import Files
from tests.unit.receipts.test_live import available, machine

from wainwright.domain.evidence import Receipt, Suite, Verdict
from wainwright.receipts.integrity import Before
from wainwright.receipts.take import take
from wainwright.receipts.verdict import judge
from wainwright.sandbox.bubblewrap import Bubblewrap
from wainwright.secrets import Redactor

__all__ = ["machine"]
run = pytest.mark.asyncio(loop_scope="module")
FORGERIES = sorted((Path(__file__).parent / "forgeries").glob("*.txt"))

PYTHON = {
    "calc.py": "def add(a, b):\n    return a + b\n",
    "tests/test_calc.py": (
        "from calc import add\n\ndef test_add():\n    assert add(1, 2) == 3\n\n"
        "def test_more():\n    assert add(2, 2) == 4\n"
    ),
}
BROKEN_PYTHON = {"calc.py": "def add(a, b):\n    return a - b\n"}
UNITTEST = (
    "import unittest\nfrom calc import add\n\n\nclass TestCalc(unittest.TestCase):\n"
    "    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n"
)
CMAKE = (
    "cmake_minimum_required(VERSION 3.15)\nproject(x C)\nenable_testing()\nadd_executable(t t.c)\n"
    "add_test(NAME adds COMMAND t)\n"
)
CARGO = (
    "pub fn add(a: i32, b: i32) -> i32 { a + b }\n#[cfg(test)]\nmod tests {\n    #[test]\n"
    "    fn adds() { assert_eq!(super::add(1, 2), 3); }\n}\n"
)
NODE = {
    "calc.js": "exports.add = (a, b) => a + b;\n",
    "package.json": '{"name": "x", "version": "1.0.0", "scripts": {"test": "node --test"}}\n',
    "test/calc.test.js": (
        "const { add } = require('../calc.js');\nconst test = require('node:test');\n"
        "const assert = require('node:assert');\n\ntest('adds', () => {\n  assert.strictEqual(add(1, 2), 3);\n});\n"
    ),
}
BROKEN_NODE = {"calc.js": "exports.add = (a, b) => a - b;\n"}
CHECK = (
    "from calc import add\n\nred = '' if add(1, 2) == 3 else '<failure/>'\n"
    'case = \'<testsuite name="x"><testcase classname="check" name="adds">\' + red + \'</testcase></testsuite>\'\n'
    "import sys\nopen(sys.argv[1].partition('=')[2], 'w').write(case)\n"
)
PROJECTS: dict[str, tuple[str, str, dict[str, str], dict[str, str]]] = {
    "pytest": ("python3", "python3 -m pytest -q", PYTHON, BROKEN_PYTHON),
    "pytest behind make": (
        "make",
        "make test",
        PYTHON | {"Makefile": "test:\n\tpython3 -m pytest -q\n"},
        BROKEN_PYTHON,
    ),
    "unittest": (
        "python3",
        "python3 -m unittest discover",
        {"calc.py": PYTHON["calc.py"], "tests/__init__.py": "", "tests/test_calc.py": UNITTEST},
        BROKEN_PYTHON,
    ),
    "go": (
        "go",
        "go test ./...",
        {
            "go.mod": "module example.com/x\n\ngo 1.21\n",
            "calc.go": "package x\n\nfunc Add(a, b int) int { return a + b }\n",
            "calc_test.go": (
                'package x\n\nimport "testing"\n\nfunc TestAdd(t *testing.T) { if Add(1, 2) != 3 { t.Fatal() } }\n'
            ),
        },
        {"calc.go": "package x\n\nfunc Add(a, b int) int { return a - b }\n"},
    ),
    "cargo": (
        "cargo",
        "cargo test",
        {
            "Cargo.toml": '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n',
            "src/lib.rs": CARGO,
        },
        {"src/lib.rs": CARGO.replace("a + b", "a - b")},
    ),
    "node": ("node", "node --test", NODE, BROKEN_NODE),
    "npm": ("npm", "npm test", NODE, BROKEN_NODE),
    "junit": (
        "python3",
        "python3 check.py --junit-xml=out.xml",
        {"calc.py": PYTHON["calc.py"], "check.py": CHECK},
        BROKEN_PYTHON,
    ),
    "ctest": (
        "ctest",
        "cmake -S . -B build && cmake --build build && ctest --test-dir build",
        {"CMakeLists.txt": CMAKE, "t.c": "int main() { return 0; }\n"},
        {"t.c": "int main() { return 1; }\n"},
    ),
}  # fmt: skip


class Forgery:
    """One file of the folder."""

    def __init__(self, path: Path) -> None:
        _, *sections = path.read_text(encoding="utf-8").split("\n=== ")
        self.files: dict[str, str] = {}
        for section in sections:
            head, _, body = section.partition("\n")
            kind, _, rest = head.partition(" ")
            if kind == "runner":
                self.runner = rest
            elif kind == "file":
                self.files[rest] = body + "\n"
            else:
                self.expected, _, self.words = rest.strip().partition(": ")


async def receipt(
    bench: Bench, name: str, command: str, files: dict[str, str], before: Before | None
) -> Receipt:
    workbench = bench.workbench(name)
    cache = bench.workspace.with_name("cache")
    cache.mkdir(exist_ok=True)
    for path, text in files.items():
        plant(workbench.tree, path, text)
    assert workbench.sandbox is not None
    return await take(
        workbench.sandbox,
        workbench.view.model_copy(update={"cache": cache}),
        (Suite(command=command),),
        tree=name,
        timeout_s=170,
        redactor=Redactor([]),
        before=before,
    )


class Bases:
    """A bench for each runner, with the receipt of its base, and a cache that its receipts share."""

    def __init__(self, root: Path, machine: Bubblewrap) -> None:
        self._root = root
        self._machine = machine
        self._made: dict[str, tuple[Bench, Receipt]] = {}

    async def of(self, runner: str) -> tuple[Bench, Receipt]:
        if runner not in self._made:
            program, command, files, _ = PROJECTS[runner]
            available(program)
            bench = Bench(self._root / runner, files, self._machine)
            self._made[runner] = bench, await receipt(bench, "base", command, {}, None)
        return self._made[runner]

    def close(self) -> None:
        for bench, _ in self._made.values():
            bench.journal.close()


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory, machine: Bubblewrap) -> Iterator[Bases]:
    made = Bases(tmp_path_factory.mktemp("bases"), machine)
    yield made
    made.close()


@run
@pytest.mark.parametrize("path", FORGERIES, ids=lambda path: path.stem)
async def test_a_forgery_is_refused_or_named(path: Path, bases: Bases) -> None:
    forgery = Forgery(path)
    bench, base = await bases.of(forgery.runner)
    assert (base.green, len(base.cases) > 0, base.doubts) == (True, True, ()), base.output
    _, command, files, broken = PROJECTS[forgery.runner]
    planted = broken | forgery.files
    found = await receipt(bench, path.stem, command, planted, Before(Files(files), tuple(planted)))
    verdict = judge(found, base, ())
    if forgery.expected == "named":
        assert any(forgery.words in doubt for doubt in verdict.doubts), (verdict, found.output)
    else:
        assert not verdict.passed, found.output
        assert _why(verdict, forgery.words), (verdict, found.output)


def _why(verdict: Verdict, words: str) -> bool:
    match words:
        case "gone":
            return bool(verdict.gone)
        case "red":
            return bool(verdict.turned_red)
        case _:
            return words in verdict.reason


def test_an_honest_change_is_not_doubted() -> None:
    from wainwright.receipts.integrity import changes

    new = {
        "calc.py": "def add(a, b):\n    return a + b\n\ndef sub(a, b):\n    return a - b\n",
        "tests/test_sub.py": "from calc import sub\n\ndef test_sub():\n    assert sub(2, 1) == 1\n",
        "package.json": '{"scripts": {"test": "jest"}, "dependencies": {"a": "2"}}',
        "pyproject.toml": '[project]\nname = "b"\n\n[tool.pytest.ini_options]\naddopts = "-q"\n',
        "src/runners/pytest.py": "class Pytest:\n    pass\n",
        "README.md": "Run pytest_runtest hooks, os._exit.\n",
    }
    old = {
        "package.json": '{"scripts": {"test": "jest"}, "dependencies": {"a": "1"}}',
        "pyproject.toml": '[project]\nname = "a"\n\n[tool.pytest.ini_options]\naddopts = "-q"\n',
    }
    found = changes(Before(Files(old), tuple(new)), Files(new), (Suite(command="pytest"),))
    assert (found.disbelieved, found.doubts) == ((), ())
