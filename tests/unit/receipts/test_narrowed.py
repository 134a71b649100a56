"""Tests asked for in a model's words, run by the real runner: these run, and nothing else."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.fixtures.scenario import TESTS

from wainwright.domain.evidence import Receipt, Suite
from wainwright.receipts.asked import resolve
from wainwright.receipts.project import FolderProject
from wainwright.receipts.take import take
from wainwright.sandbox.bubblewrap import prove
from wainwright.sandbox.protocol import SandboxView
from wainwright.secrets import Redactor


class Asked(NamedTuple):
    """A small project, and what runs when tests of it are asked for."""

    program: str
    command: str
    files: dict[str, str]
    added: dict[str, str]
    """Files as they are once tests have come that no receipt knows."""
    ran: dict[str, set[str]]


PYTHON = "class TestAdd:\n    def test_zero(self):\n        pass\n\n\ndef test_alone():\n    pass\n"
GO = """package calc

import "testing"

func TestAgo(t *testing.T) {
	t.Run("in an hour", func(t *testing.T) {})
	t.Run("in a day", func(t *testing.T) {})
}
"""
NODE = """const { describe, it } = require("node:test");
describe("sum", () => {
  it("adds two numbers", () => {});
  it("takes none", () => {});
});
"""
RUST = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {}\n}\n"
CASES = {
    "pytest": Asked(
        "python3",
        TESTS,
        {"tests/test_core.py": PYTHON},
        {"tests/test_core.py": PYTHON.replace("\n\n\n", "\n\n    def test_new(self):\n        pass\n\n\n")},
        {
            "test_alone": {"tests/test_core.py::test_alone"},
            "TestAdd": {"tests/test_core.py::TestAdd::test_zero", "tests/test_core.py::TestAdd::test_new"},
            "test_core.py::test_new": {"tests/test_core.py::TestAdd::test_new"},
        },
    ),
    "go": Asked(
        "go",
        "go test ./...",
        {"go.mod": "module calc\n\ngo 1.20\n", "in/calc_test.go": GO},
        {"in/calc_test.go": f"{GO}\nfunc TestNew(t *testing.T) {{}}\n"},
        {
            "TestAgo/in an hour": {"in/calc_test.go::TestAgo/in_an_hour"},
            "in/calc_test.go > TestNew": {"in/calc_test.go::TestNew"},
        },
    ),
    "node": Asked(
        "node",
        "node --test",
        {"sum.test.js": NODE},
        {"sum.test.js": NODE.replace("takes none", "is new")},
        {
            "sum.test.js > sum > adds two numbers": {"sum.test.js::sum::adds two numbers"},
            "is new": {"sum.test.js::sum::adds two numbers", "sum.test.js::sum::is new"},
        },
    ),
    "cargo": Asked(
        "cargo",
        "cargo test --offline",
        {"Cargo.toml": '[package]\nname = "calc"\nversion = "0.1.0"\nedition = "2021"\n', "src/lib.rs": RUST},
        {"src/lib.rs": RUST.replace("    #[test]\n", "    #[test]\n    fn is_new() {}\n    #[test]\n")},
        {"is_new": {"src/lib.rs::tests::is_new"}, "tests::adds": {"src/lib.rs::tests::adds"}},
    ),
}


@pytest.mark.timeout(600)  # the first build with an empty cache takes its time
@pytest.mark.parametrize("language", CASES)
async def test_what_is_asked_for_runs_alone(tmp_path: Path, language: str) -> None:
    case = CASES[language]
    if shutil.which(case.program) is None:
        pytest.skip(f"{case.program} is not on this machine")
    sandbox, tree, cache = await prove(tmp_path / "state"), tmp_path / "trees" / "t", tmp_path / "cache"
    cache.mkdir()

    async def run(only: tuple[str, ...] = ()) -> Receipt:
        return await take(
            sandbox,
            SandboxView(tree=tree, at=tmp_path / "work", cache=cache),
            (Suite(command=case.command),),
            tree="t",
            timeout_s=500,
            redactor=Redactor(()),
            only=only,
        )

    def write(files: dict[str, str]) -> None:
        for path, text in files.items():
            place = tree / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

    write(case.files)
    first = await run()
    known = [one.name for one in first.cases]
    assert known, first.output
    write(case.added)
    for asked, wanted in case.ran.items():
        ran = await run(resolve([asked], known, FolderProject(tree)))
        assert {one.name for one in ran.cases} == wanted, (asked, known, ran.output)
        assert ran.green
