"""Commands, tests and history at a workbench, in a sandbox that was proven."""

from pathlib import Path

import pytest
from tests.fixtures.bench import Bench

from wainwright.domain.command_policy import Rules
from wainwright.tools.shell import HISTORY, RUN_TESTS, SHELL

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_command_runs_on_the_tree_at_the_workspaces_own_path(bench: Bench) -> None:
    seen = await SHELL.call(bench.workbench(), {"command": "pwd; cat calc.py; exit 4"})
    assert seen == f"exit code 4\n{bench.workspace}\ndef add(a, b):\n    return a + b\n"


async def test_a_command_changes_the_tree_and_not_the_workspace(bench: Bench) -> None:
    workbench = bench.workbench()
    await SHELL.call(workbench, {"command": "echo x > made.txt"})
    assert (workbench.tree / "made.txt").read_text() == "x\n"
    assert not (bench.workspace / "made.txt").exists()


async def test_a_command_that_hangs_is_stopped_and_what_it_said_is_told(bench: Bench) -> None:
    seen = await SHELL.call(bench.workbench(), {"command": "echo started; sleep 60", "timeout_s": 0.5})
    assert seen == "Stopped after 0.5 s.\nstarted\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            "touch made && git push",
            "Not run, a person would have to say yes: `git push` has an effect outside",
        ),
        ("touch made; $X", "it cannot be told for sure which program it runs"),
        ("touch made; nc x 1", "Not run, denied: the rule `nc` of the settings"),
    ],
)
async def test_nothing_is_run_of_what_is_not_allowed(bench: Bench, line: str, why: str) -> None:
    workbench = bench.workbench()
    workbench.rules = Rules(deny=("nc",))
    for arguments in ({"command": line}, {"commands": ["true", line]}):
        assert why in await SHELL.call(workbench, arguments)
        assert not (workbench.tree / "made").exists()


async def test_a_command_that_cannot_be_started_is_told(bench: Bench) -> None:
    seen = await SHELL.call(bench.workbench(), {"command": "true " + "x" * 200_000})
    assert seen.startswith("The command was not run. The sandbox could not start")


@pytest.mark.parametrize(
    "arguments", [{"command": ""}, {"command": "a\0b"}, {"command": "true", "timeout_s": -1}]
)
async def test_arguments_that_do_not_fit(bench: Bench, arguments: dict[str, object]) -> None:
    assert "The arguments of shell do not fit" in await SHELL.call(bench.workbench(), arguments)


async def test_there_is_no_network_and_no_secret(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2-hunter2")
    connect = 'import socket; socket.create_connection(("192.0.2.1", 80), 2)'
    seen = await SHELL.call(bench.workbench(), {"command": f"env; python3 -c '{connect}'"})
    assert "unreachable" in seen
    assert "OPENAI_API_KEY" not in seen


async def test_tests_are_run_and_what_they_leave_is_removed(bench: Bench) -> None:
    workbench = bench.workbench()
    litter = "def test_litter():\n    open('litter', 'w').close()\n"
    (workbench.tree / "test_litter.py").write_text(litter)
    assert "2 passed, 0 failed" in await RUN_TESTS.call(workbench, {})
    assert sorted(path.name for path in workbench.tree.iterdir()) == [
        "calc.py",
        "test_calc.py",
        "test_litter.py",
    ]


async def test_red_tests_are_told_with_their_reason(bench: Bench) -> None:
    workbench = bench.workbench()
    (workbench.tree / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    seen = await RUN_TESTS.call(workbench, {})
    assert "0 passed, 1 failed" in seen
    assert "test_calc.py::test_add" in seen
    assert "assert -1 == 3" in seen


async def test_some_tests_only(bench: Bench) -> None:
    workbench = bench.workbench()
    (workbench.tree / "test_it's.py").write_text("def test_a():\n    pass\n")
    assert "1 passed" in await RUN_TESTS.call(workbench, {"only": ["test_it's.py::test_a"]})
    assert "exit code 4" in await RUN_TESTS.call(workbench, {"only": ["test_none.py"]})


async def test_without_a_sandbox_or_a_command_it_says_so(bench: Bench) -> None:
    workbench = bench.workbench(tests=None)
    assert "No test command is known" in await RUN_TESTS.call(workbench, {})
    workbench.sandbox = None
    for tool in (RUN_TESTS, SHELL):
        assert "No command can be run here" in await tool.call(
            workbench, {"command": "x"} if tool is SHELL else {}
        )


async def test_history_shows_the_own_change_and_what_was_before(bench: Bench) -> None:
    workbench = bench.workbench()
    assert await HISTORY.call(workbench, {}) == "Nothing changed."
    (workbench.tree / "new.py").write_text("x = 1\n")
    seen = await HISTORY.call(workbench, {"show": "diff"})
    assert "+++ b/new.py\n@@ -0,0 +1 @@\n+x = 1" in seen
    assert "As it is" in await HISTORY.call(workbench, {"show": "log"})
    assert Path(workbench.tree, "new.py").exists()


async def test_what_a_command_leaves_in_an_ignored_place_is_said_to_be_no_part_of_the_work(
    bench: Bench,
) -> None:
    workbench = bench.workbench()
    await SHELL.call(workbench, {"command": "printf '/made/\\n__pycache__/\\n' > .gitignore"})
    make = "mkdir -p made __pycache__; touch made/x __pycache__/y plain"
    seen = await SHELL.call(workbench, {"command": make})
    assert "no part of your work: made/." in seen
    assert "pycache" not in seen
    assert "no part of your work" not in await SHELL.call(workbench, {"command": make})


async def test_several_commands_share_a_folder_and_end_with_the_first_that_fails(bench: Bench) -> None:
    lines = ["mkdir -p in/side && cd in/side", "X=3; pwd", "echo $X; false", "echo never"]
    seen = await SHELL.call(bench.workbench(), {"commands": lines})
    assert seen == (
        f"exit code 1\n$ {lines[0]}\n$ {lines[1]}\n{bench.workspace}/in/side\n$ {lines[2]}\n3\n"
        "[command 3 of 4 ended with exit code 1; those behind it were not run]\n"
    )
    seen = await SHELL.call(bench.workbench(), {"commands": ["cd /tmp", "exit 3", "pwd"]})
    assert "command 2 of 3 ended with exit code 3" in seen
    seen = await SHELL.call(bench.workbench(), {"command": "cd /tmp", "commands": ["pwd"]})
    assert seen == "exit code 0\n$ cd /tmp\n$ pwd\n/tmp\n"


async def test_of_long_output_failures_come_first(bench: Bench) -> None:
    line = "for n in $(seq 3000); do echo line $n; done; echo KeyError: lost; seq 3000"
    seen = await SHELL.call(bench.workbench(), {"command": f"({line})"})
    assert len(seen) < 17_000
    assert seen.index("KeyError: lost") < seen.index("line 1\n") < seen.index("left out …]")
    assert seen.endswith("\n3000")
