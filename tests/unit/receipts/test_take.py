"""Receipts: what commands say about a tree, and what that means."""

import os
import shutil
from collections.abc import Callable

import pytest
from tests.fixtures.bench import Bench, plant
from tests.fixtures.scenario import TESTS

from wainwright.domain.evidence import Receipt, Suite
from wainwright.receipts.take import take
from wainwright.secrets import Redactor

run = pytest.mark.asyncio(loop_scope="module")


async def receipt(
    bench: Bench, *commands: str | Suite, timeout_s: float = 60, recognised: bool = False, **files: str
) -> Receipt:
    workbench = bench.workbench()
    for path, text in files.items():
        plant(workbench.tree, path, text)
    assert workbench.sandbox is not None
    return await take(
        workbench.sandbox,
        workbench.view,
        tuple(one if isinstance(one, Suite) else Suite(command=one) for one in commands or (TESTS,)),
        tree="t",
        timeout_s=timeout_s,
        redactor=Redactor(["hunter2-hunter2"]),
        recognised=recognised,
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
    "trick", ["ln -s /etc/passwd", "mkfifo", "mkdir", "echo '<a' >", "echo '<a><b/></a>' >", "true"]
)
async def test_what_a_command_puts_in_the_reports_place_harms_nobody(bench: Bench, trick: str) -> None:
    conftest = f"""import os

def pytest_configure(config):
    config.place = config.option.xmlpath

def pytest_unconfigure(config):
    os.system(f"rm -rf {{config.place}}; {trick} {{config.place}}")
"""
    workbench = bench.workbench()
    found = await receipt(bench, **{"conftest.py": conftest})
    assert found.cases == ()
    assert not list(workbench.view.beside.glob("wainwright-*"))


@run
@pytest.mark.parametrize("trick", ["ln -s /etc", "mkfifo", "touch", "true"])
async def test_what_a_command_puts_in_place_of_the_folder_of_reports_harms_nobody(
    bench: Bench, trick: str
) -> None:
    workbench = bench.workbench()
    conftest = f"""import os

def pytest_unconfigure(config):
    place = os.path.dirname(config.option.xmlpath)
    os.system(f"rm -rf {{place}}; {trick} {{place}}")
"""
    found = await receipt(bench, **{"conftest.py": conftest})
    assert found.cases == ()
    assert not list(workbench.view.beside.glob("wainwright-*"))


@run
async def test_a_report_that_lies_in_the_tree_is_not_believed(bench: Bench) -> None:
    lie = '<testsuites><testcase classname="test_x" name="test_y"/></testsuites>'
    found = await receipt(bench, "pytest --version", **{".wainwright-junit.xml": lie})
    assert found.cases == ()


WATCHING = """const env = process.env;
console.log(`Waiting for file changes... ${env.CI}`);
if (!env.CI) setInterval(() => {}, 1000);
"""


@run
async def test_a_script_that_watches_is_told_not_to_and_is_named_when_it_does(bench: Bench) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    files = {"package.json": '{"scripts": {"test": "node watch.js"}}', "watch.js": WATCHING}
    found = await receipt(bench, "npm test --silent", **files)
    assert (found.exit, found.environment) == (0, "")
    found = await receipt(bench, "node watch.js", timeout_s=2, **files)
    assert "give a command that ends" in found.environment
    assert "undefined" in found.output


# ---- pytest with what projects set and install


@run
@pytest.mark.parametrize(
    "options",
    [
        "-p no:cacheprovider --strict-config",
        "-n 2",
        "-x",
        "--color=yes -vv --tb=long",
        "-p no:terminal",
        "--import-mode=importlib",
        "-rA --capture=no",
    ],
)
async def test_options_of_a_project_change_nothing_of_what_is_read(bench: Bench, options: str) -> None:
    ini = f"[pytest]\naddopts = {options}\n"
    two = "def test_b():\n    print('said')\n\ndef test_z():\n    assert 0\n"
    found = await receipt(bench, "python3 -m pytest -q", **{"pytest.ini": ini, "sub/test_two.py": two})
    assert outcomes(found) == {
        "sub/test_two.py::test_b": "passed",
        "sub/test_two.py::test_z": "failed",
        **({} if options == "-x" else {"test_calc.py::test_add": "passed"}),
    }, found.output
    assert (found.exit, found.doubts) == (1, ())


OLD = """#!/bin/sh
case "$*" in *--junit-xml*) echo "error: unrecognized arguments: $*"; exit 4;; esac
echo "1 failed"; exit {}
"""


@run
@pytest.mark.parametrize("code", [0, 1])
async def test_a_program_that_cannot_be_asked_is_judged_by_its_exit_code(bench: Bench, code: int) -> None:
    line = "chmod +x old/pytest && old/pytest -q"
    found = await receipt(bench, line, **{"old/pytest": OLD.replace("{}", str(code))})
    assert (found.exit, found.cases, found.environment, found.output) == (code, (), "", "1 failed\n")
    assert found.doubts == (
        f"pytest cannot be asked for a report here, so the exit code of `{line}` is all that is known.",
    )


@run
async def test_a_report_that_a_project_switches_off_is_missed(bench: Bench) -> None:
    found = await receipt(bench, **{"pytest.ini": "[pytest]\naddopts = -p no:junitxml\n"})
    assert (found.exit, found.cases, found.doubts) == (0, (), ("pytest left no report that can be read.",))


@run
async def test_tests_in_an_order_of_chance_have_the_same_names(bench: Bench) -> None:
    shuffled = "import random\n\ndef pytest_collection_modifyitems(items):\n    random.shuffle(items)\n"
    found = await receipt(
        bench, **{"conftest.py": shuffled, "test_more.py": "def test_a(): pass\n\ndef test_b(): pass\n"}
    )
    assert sorted(outcomes(found)) == [
        "test_calc.py::test_add",
        "test_more.py::test_a",
        "test_more.py::test_b",
    ]


@run
async def test_options_that_are_set_in_the_line_are_kept(bench: Bench) -> None:
    make = {"Makefile": "test:\n\tpython3 -m pytest -q\n", "test_more.py": "def test_b(): pass\n"}
    found = await receipt(bench, "PYTEST_ADDOPTS='-k add' make test", **make)
    assert outcomes(found) == {"test_calc.py::test_add": "passed"}
    found = await receipt(bench, "export PYTEST_ADDOPTS='-k add' && make test", **make)
    assert outcomes(found) == {"test_calc.py::test_add": "passed"}


# ---- several


@run
async def test_several_suites_are_one_receipt(bench: Bench) -> None:
    suites = (
        Suite(command=TESTS),
        Suite(command="exit 3", folder="sub"),
        Suite(command="python3 -m unittest discover", folder="sub"),
        Suite(command="true", folder="gone"),
    )
    unit = "import unittest\n\nclass TestA(unittest.TestCase):\n    def test_u(self):\n        pass\n"
    found = await receipt(bench, *suites, **{"sub/test_u.py": unit})
    assert outcomes(found) == {
        "test_calc.py::test_add": "passed",
        "sub/test_u.py::TestA::test_u": "passed",
        "cd sub && exit 3::exit": "failed",
        "cd gone && true::exit": "failed",
    }
    assert (found.exit, found.suites, found.runner) == (3, suites, "pytest, unittest")


LACKING = (Suite(command="nosuchprogram", folder="a"), Suite(command="nosuchmodule", folder="b"))
THERE = {"a/x": "", "b/x": ""}


@run
async def test_a_suite_that_cannot_run_here_is_left_out_where_another_can(bench: Bench) -> None:
    found = await receipt(bench, Suite(command=TESTS), *LACKING, recognised=True, **THERE)
    assert outcomes(found) == {"test_calc.py::test_add": "passed"}
    assert (found.exit, found.environment, found.doubts, found.command) == (0, "", (), TESTS)
    assert tuple(one.suite for one in found.left_out) == LACKING
    assert found.left_out[0].reason == (
        "`cd a && nosuchprogram` cannot run here: "
        "command not found (/bin/sh: 1: nosuchprogram: not found); it is not run."
    )


@run
async def test_a_suite_that_somebody_named_or_that_ran_is_never_left_out(bench: Bench) -> None:
    named = await receipt(bench, Suite(command=TESTS), LACKING[0], **THERE)
    red = await receipt(bench, Suite(command=TESTS), Suite(command="exit 3"), recognised=True)
    assert (named.left_out, named.exit, red.left_out, red.exit) == ((), 127, (), 3)
    assert "cd a && nosuchprogram::exit" in named.failing


@run
async def test_where_no_suite_can_run_that_is_the_surroundings(bench: Bench) -> None:
    found = await receipt(bench, *LACKING, recognised=True, **THERE)
    assert found.left_out == ()
    assert "nosuchprogram: not found" in found.environment
    assert "nosuchmodule: not found" in found.environment


@run
async def test_several_runners_in_one_line(bench: Bench) -> None:
    unit = "import unittest\n\nclass TestA(unittest.TestCase):\n    def test_u(self):\n        pass\n"
    line = "cd sub && python3 -m unittest -v; cd .. && python3 -m pytest -q test_calc.py"
    found = await receipt(bench, line, **{"sub/test_u.py": unit})
    assert outcomes(found) == {"test_calc.py::test_add": "passed", "sub/test_u.py::TestA::test_u": "passed"}


@run
@pytest.mark.parametrize(
    ("printed", "read"),
    [
        ("1..2\\nok 1 - two words\\nnot ok 2 - b", {"two words": "passed", "b": "failed"}),
        ("ok 1 things\\nall went well", {}),
    ],
)
async def test_what_an_unknown_command_prints_may_be_tap(
    bench: Bench, printed: str, read: dict[str, str]
) -> None:
    assert outcomes(await receipt(bench, f"printf '{printed}\\n'")) == read
