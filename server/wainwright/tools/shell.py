"""Run commands in the sandbox, run the tests, and look at history."""

import asyncio
from typing import Literal, Self

from pydantic import Field, model_validator

from wainwright.domain.errors import SandboxError
from wainwright.domain.text import cut
from wainwright.domain.tiers import why_asked
from wainwright.sandbox.protocol import Command, Text
from wainwright.sandbox.tiers import agreed
from wainwright.tools.approvals import approval
from wainwright.tools.toolbox import Approval, Arguments, Denied, Tool, Workbench


class Shell(Arguments):
    """Arguments of ``shell``."""

    command: Text = ""
    """A shell line. It starts in the workspace."""
    commands: tuple[Text, ...] = ()
    """Or several, one after the other in one process: the folder stays, and the first that fails is the last."""
    timeout_s: float = Field(default=120.0, gt=0, le=900)
    """Seconds for all of them."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not any(map(str.strip, self.lines)):
            raise ValueError("give a command, or several as commands")
        return self

    @property
    def lines(self) -> tuple[str, ...]:
        """All shell lines, in order."""
        return (*((self.command,) if self.command else ()), *self.commands)


class RunTests(Arguments):
    """Arguments of ``run_tests``."""

    only: tuple[Text, ...] = ()
    """Test files or names to run, such as ``a/test_b.py::test_c`` or ``TestC/sub case``; empty for all."""


class History(Arguments):
    """Arguments of ``history``."""

    show: Literal["diff", "log", "commit"] = "diff"
    """``diff``: what changed since you began. ``log``: the newest commits before that. ``commit``: one of these."""
    commit: str = ""
    """For ``commit``: its name, as the log has it."""
    path: str | None = None
    """Only what concerns this file or folder; not for ``log``."""


LEFT_MAX = 5
"""Ignored files that are named after a command."""
NO_SANDBOX = "No command can be run here: no sandbox could be proven on this machine."


_SEVERAL = """\
_at=0
trap '_code=$?; [ $_code -eq 0 ] || [ $_at -eq $# ] ||
  echo "[command $_at of $# ended with exit code $_code; those behind it were not run]"' EXIT
for _line in "$@"; do
  _at=$((_at + 1))
  echo "\\$ $_line"
  eval "$_line" || exit $?
done
"""
"""Runs each of its arguments in one shell, says which it is at, and stops at the first that fails."""


def _approval(workbench: Workbench, arguments: Shell) -> Approval | None:
    judged = workbench.rules.judge(arguments.lines, str(workbench.view.at))
    if workbench.sandbox is None or judged.verdict == "deny":
        return None
    tier, view = workbench.sandbox.tier, workbench.view
    why = judged.why or why_asked(tier)
    if not why:
        return None
    return approval(
        arguments.lines,
        why=why,
        where=f"{view.at / view.cwd}, in a tree that is this agent's alone, at commit "
        f"{workbench.expected_at[:10]}, for {arguments.timeout_s:g} s at the most",
        tier=tier,
        bound=(
            SHELL.name,
            arguments.model_dump(mode="json"),
            workbench.expected_at,
            workbench.rules.version,
            str(view.at),
            view.cwd,
        ),
        once="A yes is for exactly this, once",
    )


async def _shell(workbench: Workbench, arguments: Shell) -> str:
    if workbench.sandbox is None:
        return Denied(NO_SANDBOX)
    lines = arguments.lines
    asked = _approval(workbench, arguments)
    sandbox = workbench.sandbox
    if asked is not None and asked.digest == workbench.approved:
        sandbox = agreed(sandbox)
    elif refusal := workbench.rules.judge(lines, str(workbench.view.at)).refusal:
        return Denied(refusal)
    argv = ("/bin/bash", "-c", lines[0]) if len(lines) == 1 else ("/bin/bash", "-c", _SEVERAL, "bash", *lines)
    command = Command(argv=argv, timeout_s=arguments.timeout_s)
    hidden = await _hidden(workbench)
    try:
        outcome = await sandbox.run(command, workbench.view)
    except SandboxError as error:
        # Most likely the command itself: too long, or it left something in the way of the walls.
        return Denied(f"The command was not run. {error}")
    ended = f"Stopped after {arguments.timeout_s:g} s." if outcome.timed_out else f"exit code {outcome.exit}"
    return f"{ended}\n{_left(sorted(await _hidden(workbench) - hidden))}{outcome.output}"


async def _hidden(workbench: Workbench) -> set[str]:
    return (
        await asyncio.to_thread(workbench.repository.hidden, workbench.tree) if workbench.writable else set()
    )


def _left(paths: list[str]) -> str:
    """A line about new files that will not be part of the work."""
    if not paths:
        return ""
    more = f" and {len(paths) - LEFT_MAX} more" if len(paths) > LEFT_MAX else ""
    named = ", ".join(paths[:LEFT_MAX])
    return (
        f"(Ignored by git, so no part of your work: {named}{more}. Write what has to stay as a FILE block.)\n"
    )


async def _run_tests(workbench: Workbench, arguments: RunTests) -> str:
    if workbench.sandbox is None:
        return Denied(NO_SANDBOX)
    if workbench.tests is None:
        return Denied("No test command is known for this workspace.")
    commit = await workbench.checkpoint("before running the tests")
    tree = await asyncio.to_thread(workbench.repository.tree_of, commit)
    said = await workbench.tests(workbench, tree, arguments.only)
    # What the tests left lying about is no part of the work.
    await workbench.restore(commit)
    return said


async def _history(workbench: Workbench, arguments: History) -> str:
    if arguments.show == "log":
        entries = await asyncio.to_thread(workbench.repository.recent, workbench.began_at, 20)
        return "\n".join(f"{e.commit[:10]} {e.subject}" for e in entries) or "No commits."
    paths = [arguments.path] if arguments.path else []
    if arguments.show == "commit":
        return cut(await asyncio.to_thread(workbench.repository.shown, arguments.commit, paths))
    commit = await workbench.checkpoint("before looking at the difference")
    diff = await asyncio.to_thread(workbench.repository.diff, workbench.began_at, commit, paths)
    return cut(diff) or "Nothing changed."


SHELL = Tool(
    name="shell",
    description=(
        "Run a shell line, or several as `commands`, in the sandbox: no network, no secrets, only the workspace and "
        "/tmp can be written. Each call is a fresh process with an empty /tmp: neither `cd` nor a file there "
        "lasts. Of long output the failures, the beginning and the end are shown."
    ),
    arguments=Shell,
    effect="idempotent",
    run=_shell,
    needs_sandbox=True,
    approval=_approval,
)
RUN_TESTS = Tool(
    name="run_tests",
    description=(
        "Run the project's tests on your tree and see which fail; name files or tests to run only those. "
        "Files that the tests create are removed."
    ),
    arguments=RunTests,
    effect="read",
    run=_run_tests,
    needs_sandbox=True,
)
HISTORY = Tool(
    name="history",
    description="See what you have changed so far, the newest commits of the project, or one of these.",
    arguments=History,
    effect="read",
    run=_history,
)
