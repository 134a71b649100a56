"""Receipts: what commands say about a tree, and what that means."""

import os
from collections.abc import Callable

import pytest
from tests.fixtures.bench import Bench
from tests.fixtures.scenario import TESTS

from wainwright.domain.evidence import Case, Receipt
from wainwright.secrets import Redactor
from wainwright.tools.receipts import detect, is_pytest, judge, report_text, take

run = pytest.mark.asyncio(loop_scope="module")


async def receipt(bench: Bench, command: str = TESTS, *, timeout_s: float = 60, **files: str) -> Receipt:
    workbench = bench.workbench()
    for path, text in files.items():
        place = workbench.tree / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    assert workbench.sandbox is not None
    return await take(
        workbench.sandbox,
        workbench.view,
        command,
        tree="t",
        timeout_s=timeout_s,
        redactor=Redactor(["hunter2-hunter2"]),
    )


def outcomes(found: Receipt) -> dict[str, str]:
    return {case.name: case.outcome for case in found.cases}


@run
async def test_green(bench: Bench) -> None:
    found = await receipt(bench)
    assert outcomes(found) == {"test_calc.py::test_add": "passed"}
    assert (found.green, found.exit, found.environment, found.command) == (True, 0, "", TESTS)


KINDS = """
import unittest
import pytest

class TestA:
    def test_x(self):
        pass

    class TestInner:
        @pytest.mark.parametrize("v", ["a.b", "c/d", "x[1]"])
        def test_p(self, v):
            assert v != "c/d"

class Old(unittest.TestCase):
    def test_u(self):
        pass

@pytest.fixture
def torn():
    yield
    raise ValueError("teardown")

def test_t(torn):
    pass

@pytest.mark.skip
def test_s():
    pass

@pytest.mark.xfail
def test_xf():
    assert 0
"""


@run
@pytest.mark.parametrize("family", ["xunit1", "xunit2"])
async def test_every_kind_of_case_has_the_name_that_pytest_gives_it(bench: Bench, family: str) -> None:
    files = {"tests/unit/test_kinds.py": KINDS, "pytest.ini": f"[pytest]\njunit_family = {family}\n"}
    found = await receipt(bench, **files)
    place = "tests/unit/test_kinds.py"
    assert outcomes(found) == {
        "test_calc.py::test_add": "passed",
        f"{place}::TestA::test_x": "passed",
        f"{place}::TestA::TestInner::test_p[a.b]": "passed",
        f"{place}::TestA::TestInner::test_p[c/d]": "failed",
        f"{place}::TestA::TestInner::test_p[x[1]]": "passed",
        f"{place}::Old::test_u": "passed",
        f"{place}::test_t": "error",
        f"{place}::test_s": "skipped",
        f"{place}::test_xf": "skipped",
    }
    assert "c/d" in next(c.message for c in found.cases if c.outcome == "failed")


@run
async def test_files_with_other_names_than_usual(bench: Bench) -> None:
    ini = "[pytest]\npython_files = check_*.py\npython_classes = Spec*\n"
    found = await receipt(
        bench,
        **{"pytest.ini": ini, "test_dir/check_it.py": "class SpecA:\n    def test_x(self):\n        pass\n"},
    )
    assert outcomes(found) == {"test_dir/check_it.py::SpecA::test_x": "passed"}


@run
async def test_a_file_that_cannot_be_imported_does_not_hide_the_others(bench: Bench) -> None:
    found = await receipt(bench, **{"tests/test_new.py": "import nowhere\n"})
    assert outcomes(found) == {"test_calc.py::test_add": "passed", "tests/test_new.py::collection": "error"}
    assert found.environment == ""


@run
async def test_a_project_that_plays_with_the_cache_is_tested_whole(bench: Bench) -> None:
    ini = "[pytest]\naddopts = --strict-config --lf\ncache_dir = .cache\n"
    found = await receipt(bench, **{"pytest.ini": ini, "test_red.py": "def test_red():\n    assert 0\n"})
    again = await receipt(bench, **{"pytest.ini": ini, "test_red.py": "def test_red():\n    assert 0\n"})
    assert outcomes(found) == outcomes(again)
    assert len(again.cases) == 2


@run
async def test_no_tests_at_all(make_bench: Callable[..., Bench]) -> None:
    found = await receipt(make_bench({"a.py": ""}))
    assert (found.exit, found.cases, found.green, found.environment) == (5, (), False, "")


@run
async def test_a_broken_conftest_leaves_no_case(bench: Bench) -> None:
    found = await receipt(bench, **{"conftest.py": "raise RuntimeError('broken')\n"})
    assert (found.cases, found.green) == ((), False)
    assert "broken" in found.output


@run
async def test_tests_that_do_not_end_are_stopped(bench: Bench) -> None:
    found = await receipt(
        bench, timeout_s=2, **{"test_slow.py": "import time\n\ndef test_slow():\n    time.sleep(60)\n"}
    )
    assert (found.exit, found.green) == (None, False)
    assert "did not end within 2 s" in found.environment


@run
@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/usr/bin/env -i /usr/bin/python3 -I -m pytest", "pytest is not installed"),
        ("nosuchprogram --all", "command not found (/bin/sh: 1: nosuchprogram: not found)"),
        ("./calc.py", "the test command cannot be run"),
        (".venv/bin/python -m pytest -q", "command not found"),
    ],
)
async def test_what_is_missing_is_told_apart_from_red(bench: Bench, command: str, why: str) -> None:
    if "/usr/bin/python3" in command and not os.path.exists("/usr/bin/python3"):  # noqa: PTH110
        pytest.skip("there is no second interpreter without pytest here")
    found = await receipt(bench, command)
    assert why in found.environment


@run
async def test_a_test_that_talks_of_missing_things_is_no_missing_thing(bench: Bench) -> None:
    text = "def test_a():\n    assert not \"No module named 'pytest'\"\n"
    found = await receipt(bench, **{"test_talk.py": text})
    assert found.environment == ""


@run
async def test_other_commands_are_judged_by_their_exit_code(bench: Bench) -> None:
    assert (await receipt(bench, "true")).green
    red = await receipt(bench, "echo hunter2-hunter2; exit 3")
    assert (red.exit, red.green, red.cases) == (3, False, ())
    assert "hunter2" not in red.output


@run
@pytest.mark.parametrize(
    "trick", ["ln -s /etc/passwd", "mkfifo", "mkdir", "echo '<a' >", "echo '<a><b/></a>' >"]
)
async def test_what_a_command_puts_in_the_reports_place_harms_nobody(bench: Bench, trick: str) -> None:
    conftest = f"import os\n\ndef pytest_unconfigure():\n    os.system('rm -f .wainwright-junit.xml; {trick.replace(chr(39), chr(34))} .wainwright-junit.xml')\n"  # fmt: skip  # noqa: E501
    workbench = bench.workbench()
    found = await receipt(bench, **{"conftest.py": conftest})
    assert found.cases == ()
    assert not os.path.lexists(workbench.tree / ".wainwright-junit.xml")


@run
async def test_a_report_that_lies_in_the_tree_is_not_believed(bench: Bench) -> None:
    lie = '<testsuites><testcase classname="test_x" name="test_y"/></testsuites>'
    found = await receipt(bench, "pytest --version", **{".wainwright-junit.xml": lie})
    assert found.cases == ()


# ---- what a receipt means


def made(exit_code: int | None = 0, **cases: str) -> Receipt:
    return Receipt(
        command="pytest",
        tree="t",
        exit=exit_code,
        started=0,
        seconds=1,
        cases=tuple(
            Case.model_validate({"name": name.replace("__", "::"), "outcome": outcome})
            for name, outcome in cases.items()
        ),
    )


GREEN = made(a__x="passed", a__y="passed")


@pytest.mark.parametrize(
    ("now", "base", "acceptance", "passed", "turned_red", "acceptance_red"),
    [
        (made(0), None, (), True, (), ()),
        (made(1), None, (), False, (), ()),
        (made(None), GREEN, (), False, (), ()),
        (GREEN, GREEN, (), True, (), ()),
        (GREEN, None, ("a",), True, (), ()),
        (GREEN, GREEN, ("a::x",), True, (), ()),
        (GREEN, GREEN, ("b",), False, (), ("b",)),
        (made(1, a__x="passed", a__y="failed"), GREEN, (), False, ("a::y",), ()),
        (made(1, a__x="passed"), GREEN, (), False, ("a::y",), ()),
        (made(0, a__x="passed", a__y="skipped"), GREEN, (), False, ("a::y",), ()),
        (made(0, a__x="passed", a__y="skipped"), None, ("a",), False, (), ("a::y",)),
        (made(1, a__x="passed", a__y="failed"), made(1, a__x="passed", a__y="failed"), (), True, (), ()),
        (
            made(1, a__x="passed", a__y="error"),
            made(1, a__x="passed", a__y="failed"),
            ("a",),
            False,
            (),
            ("a::y",),
        ),
        (made(1, a__x="passed", b__n="failed"), made(0, a__x="passed"), (), False, ("b::n",), ()),
        (made(1, ab__x="failed", a__x="passed"), made(1, ab__x="failed"), ("a",), True, (), ()),
    ],
)
def test_what_a_receipt_means(
    now: Receipt,
    base: Receipt | None,
    acceptance: tuple[str, ...],
    passed: bool,
    turned_red: object,
    acceptance_red: object,
) -> None:
    verdict = judge(now, base, acceptance)
    assert (verdict.passed, verdict.turned_red, verdict.acceptance_red) == (
        passed,
        turned_red,
        acceptance_red,
    )
    assert bool(verdict.reason) == (not passed)


def test_a_parametrised_test_is_accepted_by_its_plain_name() -> None:
    case = Case(name="a::x[1]", outcome="failed")
    found = GREEN.model_copy(update={"cases": (case,)})
    assert judge(found, None, ("a::x",)).acceptance_red == ("a::x[1]",)


def test_the_text_of_a_receipt_names_what_is_red_and_is_bounded() -> None:
    red = tuple(Case(name=f"a::t{n}", outcome="failed", message="E   boom\n" * 900) for n in range(200))
    text = report_text(GREEN.model_copy(update={"cases": red, "exit": 1}))
    assert "200 failed" in text
    assert "a::t0: boom" in text
    assert len(text) < 14_000


@pytest.mark.parametrize(
    ("command", "yes"),
    [
        ("pytest", True),
        ("python3 -m pytest -q", True),
        (".venv/bin/py.test", True),
        ("FOO=1 poetry run pytest -k 'a b'", True),
        ("cd backend && pytest", False),
        ("cd backend; pytest", False),
        ("pytest -q | tail", False),
        ("pytest; true", False),
        ("pytest&", False),
        ("make test", False),
        ("pytest 'unclosed", False),
        ("python -m unittest", False),
    ],
)
def test_which_lines_run_pytest(command: str, yes: bool) -> None:
    assert is_pytest(command) is yes


@pytest.mark.parametrize(
    ("files", "read", "dependencies", "command"),
    [
        (["a.py", "tests/test_a.py"], {}, [], "python3 -m pytest -q"),
        (["a_test.py"], {}, [".venv"], ".venv/bin/python -m pytest -q"),
        (["tests/conftest.py"], {}, ["venv", "node_modules"], "venv/bin/python -m pytest -q"),
        (["pyproject.toml"], {"pyproject.toml": "[tool.pytest.ini_options]\n"}, [], "python3 -m pytest -q"),
        (["setup.cfg"], {"setup.cfg": "[tool:pytest]\n"}, [], "python3 -m pytest -q"),
        (["pyproject.toml"], {"pyproject.toml": "[tool.ruff]\n"}, [], None),
        (["package.json"], {"package.json": '{"scripts": {"test": "jest"}}'}, [], "npm test --silent"),
        (["package.json"], {"package.json": '{"scripts": {"test": "echo no test specified"}}'}, [], None),
        (["package.json"], {"package.json": "{"}, [], None),
        (["package.json"], {"package.json": "[]"}, [], None),
        (["package.json"], {"package.json": '{"scripts": {"test": 1}}'}, [], None),
        (["package.json"], {"package.json": '{"scripts": null}'}, [], None),
        (["Cargo.toml"], {}, [], "cargo test --offline --quiet"),
        (["go.mod"], {}, [], "go test ./..."),
        (["pom.xml"], {}, [], "mvn -o -q test"),
        (["Makefile"], {"Makefile": "all:\n\ntest: all\n\t./t\n"}, [], "make test"),
        (["Makefile"], {"Makefile": "all:\n"}, [], None),
        (["attest_it.py", "README.md"], {}, [], None),
        ([], {}, [], None),
    ],
)  # fmt: skip
def test_which_command_runs_the_tests(
    files: list[str], read: dict[str, str], dependencies: list[str], command: str | None
) -> None:
    assert detect(files, read, dependencies) == command
