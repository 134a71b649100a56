"""Take receipts: run the test commands on a tree inside the sandbox, read their reports, record how they ended."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case, LeftOut, Receipt, Suite
from wainwright.domain.text import cut, plain
from wainwright.receipts import command, environment, integrity, names, verdict
from wainwright.receipts.project import FolderProject, within
from wainwright.receipts.protocol import CannotNarrow, Project
from wainwright.receipts.runners import RUNNERS, junit, tap
from wainwright.sandbox import clearing
from wainwright.sandbox.protocol import Command, CommandOutcome, Sandbox, SandboxView
from wainwright.secrets import Redactor
from wainwright.waiting import finish_in_thread

OUTPUT_BYTES_MAX = 200_000
OUTPUT_KEPT = 6_000
PRINTED_MAX = 400_000
"""Bytes looked at of what a command printed into its report."""
_REFUSED = re.compile(
    r"(unrecogni[sz]ed|unknown|invalid|unexpected|illegal|bad) (command.line )?(argument|option|flag)",
    re.IGNORECASE,
)
"""How programs say that they do not know what they were asked."""
_WORST = ("passed", "skipped", "failed", "error")


@dataclass(frozen=True)
class _Ran:
    """How one suite ended."""

    suite: Suite
    outcome: CommandOutcome
    cases: tuple[Case, ...]
    output: str
    runners: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


async def take(
    sandbox: Sandbox,
    view: SandboxView,
    suites: Sequence[Suite],
    *,
    tree: str,
    timeout_s: float,
    redactor: Redactor,
    only: Sequence[str] = (),
    before: integrity.Before | None = None,
    hidden: Collection[str] = (),
    recognised: bool = False,
) -> Receipt:
    """Run the suites one after the other on a tree and say how they ended.

    ``tree`` is the git hash of what the view shows. ``only`` names tests or files: nothing else is run, and a suite
    that has none of them is left out. ``before`` is the base: what changed since and could make a report lie is
    named. ``hidden`` are ignored files of the person's that the tree does not have: one may be what is missing.
    ``recognised``: nobody named the suites, so one that cannot run here is left out while others can.
    Raises CannotNarrow, before anything was run, when ``only`` cannot be obeyed.
    """
    chosen = _chosen(suites, only)
    project = FolderProject(view.tree / view.cwd)
    changes = integrity.Changes()
    if before is not None:
        # Before anything runs that could put back what it changed.
        changes = await asyncio.to_thread(integrity.changes, before, project, tuple(suites))
    started = time.time()
    ran: list[_Ran] = []
    left = timeout_s
    for suite, wanted in chosen:
        one = await _run(sandbox, view, project, suite, wanted, max(left, 1.0))
        left -= one.outcome.seconds
        ran.append(one)
        if one.outcome.timed_out:
            break
    able, out, why_not = await asyncio.to_thread(_judged, ran, timeout_s, project, hidden)
    if recognised and not why_not:
        ran = able
    else:
        out = ()
    if len(chosen) > 1:
        ran = [_with_ending(one) for one in ran]
    doubts = [*changes.doubts, *(doubt for one in ran for doubt in one.doubts)]
    if before is not None:
        doubts += [said for one in ran for said in integrity.written(one.outcome.wrote, _shown(one.suite))]
    receipt = await asyncio.to_thread(_receipt, ran, tuple(only), redactor, doubts)
    return receipt.model_copy(
        update={
            "tree": tree,
            "started": started,
            "suites": tuple(suites),
            "environment": redactor.redact(why_not),
            "disbelieved": changes.disbelieved,
            "left_out": tuple(one.model_copy(update={"reason": redactor.redact(one.reason)}) for one in out),
        }
    )


def _receipt(
    ran: Sequence[_Ran], only: tuple[str, ...], redactor: Redactor, doubts: Sequence[str]
) -> Receipt:
    cases = tuple(
        case.model_copy(update={"message": redactor.redact(plain(case.message))})
        for case in _merged([case for one in ran for case in one.cases])
    )
    shown = "; ".join(_shown(one.suite) for one in ran)
    output = "\n".join(f"$ {_shown(one.suite)}\n{one.output}" if len(ran) > 1 else one.output for one in ran)
    return Receipt(
        command=f"{shown} (only {', '.join(only)})" if only else shown,
        tree="",
        exit=next((one.outcome.exit for one in ran if one.outcome.exit != 0), 0),
        started=0,
        seconds=round(sum(one.outcome.seconds for one in ran), 3),
        cases=cases,
        output=cut(redactor.redact(plain(output)), OUTPUT_KEPT),
        runner=", ".join(dict.fromkeys(name for one in ran for name in one.runners)),
        only=only,
        doubts=tuple(dict.fromkeys([*doubts, *environment.remarks(cases)])),
    )


def _with_ending(ran: _Ran) -> _Ran:
    """With how the command itself ended as a case, where its tests do not tell: of several each has to be told."""
    red = any(case.outcome in ("failed", "error") for case in ran.cases)
    if red or (ran.cases and ran.outcome.exit == 0):
        return ran
    said = f"It ended with {verdict.exit_text(ran.outcome.exit)}.\n{cut(plain(ran.output), OUTPUT_KEPT // 2)}"
    green = ran.outcome.exit == 0
    ending = Case(
        name=f"{_shown(ran.suite)}::exit",
        outcome="passed" if green else "failed",
        message="" if green else said,
        ending=True,
    )
    return replace(ran, cases=(*ran.cases, ending))


def _environment(ran: Sequence[_Ran], timeout_s: float, project: Project, hidden: Collection[str]) -> str:
    cases = [case for one in ran for case in one.cases]
    output = plain("\n".join(one.output for one in ran))
    return environment.reason([one.outcome for one in ran], cases, output, timeout_s, project, hidden)


def _judged(
    ran: Sequence[_Ran], timeout_s: float, project: Project, hidden: Collection[str]
) -> tuple[list[_Ran], tuple[LeftOut, ...], str]:
    """The suites that could begin, those that could not for a reason of the surroundings, and why none could."""
    able, out, reasons = [], [], []
    for one in ran:
        begun = one.outcome.timed_out or any(not case.unbuilt for case in one.cases)
        # What is wanted may be declared beside the tests, or for the whole workspace.
        places = () if begun else (within(project, one.suite.folder), project)
        why = next(filter(None, (_environment([one], timeout_s, place, hidden) for place in places)), "")
        if why:
            said = f"`{_shown(one.suite)}` cannot run here: {why.rstrip('.')}; it is not run."
            out.append(LeftOut(suite=one.suite, reason=said))
            reasons.append(why)
        else:
            able.append(one)
    if not able:
        return able, tuple(out), "; ".join(dict.fromkeys(reasons))
    return able, tuple(out), _environment(able, timeout_s, project, hidden)


def _shown(suite: Suite) -> str:
    return suite.command if suite.folder == "." else f"cd {suite.folder} && {suite.command}"


def _chosen(suites: Sequence[Suite], only: Sequence[str]) -> list[tuple[Suite, tuple[str, ...]]]:
    """The suites to run, each with the tests it is narrowed to as they are called in its folder."""
    if not only:
        return [(suite, ()) for suite in suites]
    chosen = []
    left = list(only)
    for suite in sorted(suites, key=lambda one: one.folder == "."):
        wanted = names.below(left, suite.folder)
        if wanted:
            chosen.append((suite, wanted))
            left = [name for name in left if suite.folder != "." and not name.startswith(f"{suite.folder}/")]
    if left:
        raise CannotNarrow(f"No test command of this workspace runs {', '.join(left)}.", "Run all tests.")
    return chosen


async def _run(
    sandbox: Sandbox,
    view: SandboxView,
    project: Project,
    suite: Suite,
    only: tuple[str, ...],
    timeout_s: float,
) -> _Ran:
    place = within(project, suite.folder)
    if not (view.tree / view.cwd / suite.folder).is_dir():
        gone = f"The folder {suite.folder} is not there."
        return _Ran(
            suite,
            CommandOutcome(exit=127, output=gone, truncated=False, timed_out=False, seconds=0),
            (),
            gone,
        )
    with _reports(view) as (host, seen):
        line = await asyncio.to_thread(
            command.ask_for_reports, suite.command, place, RUNNERS, PurePosixPath(seen), only
        )
        # A runner that we know is told not to watch; CI changes more than that, so it is for unknown ones alone.
        quiet = not line.asked and command.may_watch(suite.command)
        outcome = await _outcome(sandbox, view, suite, line.text, timeout_s, (host, seen), quiet=quiet)
        ran = await finish_in_thread(_read, view.tree / view.cwd, suite, place, line, outcome, host, only)
    if (
        only
        or not line.asked
        or ran.runners
        or outcome.exit in (0, None)
        or not _REFUSED.search(outcome.output)
    ):
        return ran
    # An old program, or one without its reports: what it does by itself is all that can be known.
    outcome = await _outcome(sandbox, view, suite, suite.command, max(timeout_s - outcome.seconds, 1.0))
    name = line.asked[0].found.runner.name
    said = f"{name} cannot be asked for a report here, so the exit code of `{_shown(suite)}` is all that is known."
    return _Ran(suite, outcome, (), outcome.output, doubts=(said,))


async def _outcome(
    sandbox: Sandbox,
    view: SandboxView,
    suite: Suite,
    line: str,
    timeout_s: float,
    *shared: tuple[Path, Path],
    quiet: bool = False,
) -> CommandOutcome:
    return await sandbox.run(
        Command(
            argv=("/bin/sh", "-c", line),
            cwd=suite.folder,
            env={"CI": "1"} if quiet else {},
            timeout_s=timeout_s,
            output_bytes_max=OUTPUT_BYTES_MAX,
            shared=shared,
        ),
        view,
    )


@contextmanager
def _reports(view: SandboxView) -> Iterator[tuple[Path, Path]]:
    """A folder for reports outside the tree, and where this command alone finds it: the name cannot be guessed."""
    name = f"wainwright-{secrets.token_hex(12)}"
    host = view.beside / name
    host.mkdir(parents=True, mode=0o700)
    try:
        yield host, Path("/tmp") / name  # noqa: S108 - in the sandbox, where /tmp is the command's own
    finally:
        with suppress(OSError):
            clearing.remove(host)


def _read(
    tree: Path,
    suite: Suite,
    project: Project,
    line: command.Line,
    outcome: CommandOutcome,
    reports: Path,
    only: tuple[str, ...],
) -> _Ran:
    cases: list[Case] = []
    doubts: list[str] = []
    runners: list[str] = []
    output = outcome.output
    for asked in line.asked:
        report = reports / asked.report
        runner, folder = asked.found.runner, asked.found.folder
        if asked.ask.capture:
            output += _printed(report)
        where = (tree / suite.folder / folder).resolve()
        found = runner.read(report, outcome.output, where, within(project, folder))
        if found is None:
            doubts.append(f"{runner.name} left no report that can be read.")
            continue
        if not runner.live and integrity.agreement(_shown(suite), outcome.exit, found):
            doubts.append(
                f"{runner.name}'s report surprises, and its reading is not proven: the exit code counts."
            )
            continue
        runners.append(runner.name)
        cases += [_placed(tree, suite.folder, folder, case) for case in found]
    if not line.asked and not outcome.truncated and tap.looks_like(outcome.output):
        cases += tap.read(outcome.output.splitlines()) or ()
        runners.append("tap")
    if only:
        wanted = [name if suite.folder == "." else f"{suite.folder}/{name}" for name in only]
        cases = [case for case in cases if case.unbuilt or any(names.belongs(case.name, w) for w in wanted)]
    doubts += integrity.agreement(_shown(suite), outcome.exit, cases)
    return _Ran(suite, outcome, tuple(cases), output, tuple(runners), tuple(doubts))


def _placed(tree: Path, suite: str, folder: str, case: Case) -> Case:
    """A case by its name from the workspace's root."""
    prefix = "/".join(part for part in (suite, folder) if part not in (".", ""))
    if not prefix:
        return case
    file = case.name.partition("::")[0]
    if not (tree / prefix / file).exists() and file != "." and (tree / file).exists():
        return case
    name = f"{prefix}{case.name[1:]}" if file == "." else f"{prefix}/{case.name}"
    return case.model_copy(update={"name": name})


def _merged(cases: Sequence[Case]) -> list[Case]:
    """One case a name: where a name comes twice, as a test and as its teardown, the worse outcome counts."""
    found: dict[str, Case] = {}
    for case in cases:
        earlier = found.get(case.name)
        if earlier is None or _WORST.index(case.outcome) > _WORST.index(earlier.outcome):
            found[case.name] = case
    return list(found.values())


def _printed(report: Path) -> str:
    """The end of what a command printed into its report; of a stream of events what programs printed."""
    try:
        with junit.opened(report) as file:
            file.seek(max(0, file.seek(0, 2) - PRINTED_MAX))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "".join(_line(line) for line in text.splitlines(keepends=True))


def _line(line: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        return str(json.loads(line).get("Output", ""))
    except (ValueError, AttributeError):
        return ""
