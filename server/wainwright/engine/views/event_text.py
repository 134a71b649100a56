"""Each fact as a line that a person understands."""

import re
from typing import assert_never

from wainwright.domain import events as ev
from wainwright.domain.artifacts import counted, mutants_counted
from wainwright.domain.caps import CapMet, CapsRaised
from wainwright.domain.deployment import Deployed, DeployFailed, DeploymentPlanned, Monitored
from wainwright.domain.evidence import Receipt
from wainwright.domain.hunks import ChangeShown, HunksDecided
from wainwright.domain.notes import Noted, NoteReceived
from wainwright.domain.text import headline, plain

_NAMED_MAX = 3
"""Files named in one line."""


def describe_event(event: ev.Event) -> str:  # noqa: C901, PLR0911, PLR0912 - one arm an event
    """What happened, in one line."""
    match event:
        case ev.RunStarted():
            return "the run begins"
        case ev.SnapshotTaken():
            return f"snapshot {event.commit[:10]}{_not_as_on_disk(event.skipped)}{_how_tested(event)}"
        case ev.HoldMoved():
            return f"goes on to the end of {event.until}" if event.until else "goes on to its end"
        case ev.StageSkipped():
            return f"left out: {event.reason}"
        case ev.BaseTested():
            out = [one.reason for one in event.receipt.left_out] if event.receipt else []
            return ". ".join([f"the base: {_counts(event.receipt) if event.receipt else event.reason}", *out])
        case ev.PlanProposed():
            plan, size = event.plan, f", {event.plan.size}" if event.plan.size else ""
            return f"plan: {_many(len(plan.requirements), 'requirement')}, {_many(len(plan.tasks), 'task')}{size}"
        case ev.PlanEdited():
            return f"the plan is edited by {event.by}: {'; '.join(event.what)}"
        case ev.Resized():
            return f"the goal is {event.size}, larger than it was taken for: {_line(event.reason)}"
        case ev.PlanGivenUp():
            return "what was under way has ended; the plan is made anew"
        case ev.GateOpened():
            return f"asks: {event.gate.question}"
        case ev.GateDecided():
            return f"{event.gate}: {event.decision} by {event.by}{_why(event.reason)}"
        case ev.DesignProposed():
            return f"design: {_line(event.summary)}"
        case ev.AcceptanceWritten():
            files = ", ".join(sorted(event.files))
            return f"acceptance tests: {files or 'none: no test shows what the goal asks for'}"
        case ev.RedFirstTested():
            return _red_first(event)
        case ev.TaskStarted():
            return f"attempt {event.attempt + 1} begins"
        case ev.TaskFailed():
            return f"the attempt failed ({event.cause}): {_line(event.digest)}"
        case ev.TaskLanded():
            return f"landed{_beside(event)}: {_line(event.summary)}"
        case ev.Tested():
            return _tested(event)
        case ev.FailureTriaged():
            return f"the fault is in the {event.cause}: {_line(event.digest)}"
        case ev.Reviewed():
            binding = sum(f.binding for f in event.findings)
            return f"review: {_many(len(event.findings), 'finding')}, {binding} to answer. {_line(event.summary)}"
        case ev.MutantsTried():
            return f"mutants: {mutants_counted(event)}"
        case _:
            return _of_the_end(event)


_Late = (
    ev.TaskSteered
    | ChangeShown
    | HunksDecided
    | ev.Delivered
    | DeploymentPlanned
    | Deployed
    | DeployFailed
    | Monitored
    | ev.RunFailed
    | ev.RunCancelled
    | CapMet
    | CapsRaised
    | ev.Kept
    | Noted
    | NoteReceived
    | ev.RunResumed
)


def _of_the_end(event: _Late) -> str:  # noqa: C901, PLR0911, PLR0912 - one arm an event
    match event:
        case ev.TaskSteered():
            done = {
                "pause": "is paused",
                "go-on": "goes on",
                "stop": "is stopped",
                "again": "is tried again",
                "skip": "is skipped",
            }
            return f"{done[event.way]}, by {event.by}"
        case ChangeShown():
            where = event.branch or event.patch
            return f"shows {_many(len(event.hunks), 'hunk')} in {_many(len(event.files), 'file')}, on {where}"
        case HunksDecided():
            return f"{_hunks(event.hunks)}: {event.decision} by {event.by}{_why(event.reason)}"
        case ev.Delivered():
            where = f"handed over: {event.branch or event.patch or 'nothing'}"
            where += f"; editor: {event.editor}" if event.editor != "absent" else ""
            return where + (f"; {_hunks(event.left_out)} left out" if event.left_out else "")
        case DeploymentPlanned():
            return f"to deploy: {' '.join(event.command) or event.target}. {_line(event.reason)}"
        case Deployed():
            return _deployed(event)
        case DeployFailed():
            return f"the deployment failed: {_line(event.reason)}"
        case Monitored():
            return f"{event.probes - event.failures} of {event.probes} probes were healthy"
        case ev.RunFailed():
            return f"failed: {_line(event.reason)}"
        case ev.RunCancelled():
            return f"cancelled by {event.by}"
        case CapMet():
            return f"has met its cap: {_line(event.reason)}"
        case CapsRaised():
            return _raised(event)
        case ev.Kept():
            return _kept(event)
        case Noted():
            return f"note by {event.by}: {_line(event.words)}"
        case NoteReceived():
            return f"the {event.role} has received {_notes(event.notes)}"
        case ev.RunResumed():
            shown = "" if event.environment is None else ", with the ignored files as they are now"
            return f"resumed by {event.by}{shown}"
    assert_never(event)


def _deployed(event: Deployed) -> str:
    there = event.deployment
    return (
        f"deployed: {there.url or there.id}" if there.serves else "nothing to serve, so nothing is deployed"
    )


def _raised(event: CapsRaised) -> str:
    caps = [f"${event.usd:g}"] if event.usd is not None else []
    caps += [f"{event.tokens} tokens"] if event.tokens is not None else []
    return f"may cost up to {' and '.join(caps) or 'as much as before'} in all, by {event.by}"


def _kept(event: ev.Kept) -> str:
    where = [*([f"branch {event.branch}"] if event.branch else []), *event.patches]
    return f"kept: {', '.join(where) or 'nothing'}{'. ' if event.detail else ''}{_line(event.detail)}"


def _notes(numbers: tuple[int, ...]) -> str:
    return f"note{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"


def _how_tested(event: ev.SnapshotTaken) -> str:
    told = "; ".join(f"{suite.shown}{f' ({suite.reason})' if suite.reason else ''}" for suite in event.suites)
    return f", tested by {told}" if told else ""


def _red_first(event: ev.RedFirstTested) -> str:
    if event.postponed:
        return f"the acceptance tests are run before the change later: {event.postponed}"
    if event.receipt is not None and not event.receipt.cases:
        # Of a file that does not compile no test has run: one exit code stands for all of them.
        return f"before the change, with the acceptance tests: {'green' if event.receipt.green else 'red'} as a whole"
    told = [f"{len(event.found.red)} red"]
    told += [f"{len(event.found.green)} green, as guards are"] if event.found.green else []
    return f"before the change, of the acceptance tests: {', '.join(told)}"


def _tested(event: ev.Tested) -> str:
    if event.unverified:
        return "passed without a receipt: a person decided"
    verdict = event.verdict
    again = ", as tested before" if event.receipt and event.receipt.reused else ""
    if verdict.passed:
        counts = f": {_passed(event)}" if event.receipt else ""
        said = "the tests show nothing" if event.shows_nothing else "the tests pass"
        return f"{said}{counts}{again}"
    counts = _counts(event.receipt) if event.receipt else ""
    red = [*verdict.turned_red, *verdict.gone, *verdict.unbuilt, *verdict.acceptance_red, *verdict.not_run]
    return f"the tests are red: {counts}{again}. {', '.join(red[:3])}{' …' if len(red) > 3 else ''}"


def _passed(event: ev.Tested) -> str:
    """What a receipt that passes says: what is red in it was red before the run."""
    receipt, verdict = event.receipt, event.verdict
    assert receipt is not None
    if not receipt.cases:
        return f"exit code {receipt.exit}" + ("" if receipt.exit == 0 else ", as before the run")
    told = [f"{len(receipt.passing)} green"]
    if verdict.base_red:
        many = len(verdict.base_red)
        told.append(
            f"{many} {'was' if many == 1 else 'were'} red before the run and still {'is' if many == 1 else 'are'}"
        )
    told += [f"{len(verdict.flaky)} flaky"] if verdict.flaky else []
    return ", ".join(told)


def _beside(event: ev.TaskLanded) -> str:
    others = [task for task in event.together if task != event.task]
    return f", tested as one with {', '.join(others)}" if others else ""


def _counts(receipt: Receipt) -> str:
    if receipt.environment:
        return f"no test could run: {receipt.environment}"
    if not receipt.cases:
        if receipt.exit is None:
            return "stopped at its time limit"
        said = _complaint(receipt.output) if receipt.exit else ""
        return f"exit code {receipt.exit}{f' ({said})' if said else ''}"
    return counted(receipt)


_COMPLAINS = re.compile(
    r"error|exception|cannot|could not|not found|no such|unknown|failed|denied", re.IGNORECASE
)


def _complaint(output: str) -> str:
    """The line of a command's output that says best why it did not do what it is for."""
    lines = [line.strip() for line in plain(output).splitlines() if line.strip()]
    return headline(next(filter(_COMPLAINS.search, lines), lines[-1] if lines else ""), 120)


def _hunks(numbers: tuple[int, ...]) -> str:
    return f"hunk{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _why(reason: str) -> str:
    return f": {reason}" if reason else ""


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _line(text: str) -> str:
    return headline(text, 120)


def _not_as_on_disk(skipped: tuple[str, ...]) -> str:
    more = f" and {len(skipped) - _NAMED_MAX} more" if len(skipped) > _NAMED_MAX else ""
    named = "; ".join(skipped[:_NAMED_MAX])
    return f", without or not as on your disk: {named}{more}" if skipped else ""
