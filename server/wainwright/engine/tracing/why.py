"""Why a line is as it is: from the line to the commit of a run, and from there through its journal.

The line is followed through the person's history first. Where that ends at a commit that is no run's (a squash, a
cherry-pick, an edit that was taken over in the editor), the text of then is laid over what each run delivered, and
followed from there.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from wainwright.domain import events as ev
from wainwright.domain.errors import InputError, JournalError
from wainwright.domain.evidence import Receipt
from wainwright.domain.shown import markdown
from wainwright.engine.parts import EngineParts
from wainwright.engine.tracing.origins import LineOrigin, origins
from wainwright.engine.tracing.record import Act, Landing, Record
from wainwright.engine.views.documents import write
from wainwright.engine.views.why_view import (
    ON_A_BRANCH,
    CallTold,
    GateTold,
    ReceiptTold,
    StepTold,
    Why,
    document,
)
from wainwright.journal import Row
from wainwright.workspace import sources
from wainwright.workspace.lineage import INDENTED, LOOSE, STRICT, Lineage, Origin, Text

_MOVED = "It was moved or indented anew since."


class _Found(NamedTuple):
    record: Record
    origin: Origin
    """Where it stands in the run's own commit."""
    followed: tuple[str, ...]


class Tracing:
    """Tells where lines of one workspace come from."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts

    async def why(self, path: str, line: int, *, run: str | None = None, text: str | None = None) -> Why:
        """Tell where a line comes from, counted from 1. ``text``: what is unsaved; ``run``: asked about that alone.

        Raises InputError for a file or a line that is not there.
        """
        return await asyncio.to_thread(self._why, path, line, run, text)

    async def told(
        self, path: str, line: int, *, run: str | None = None, text: str | None = None
    ) -> tuple[Why, Path]:
        """Do as ``why``, and write the answer into a document for the person to read; where that is."""
        seen = await self.why(path, line, run=run, text=text)
        place = self._parts.workspace / ".wainwright" / "why.md"
        await asyncio.to_thread(write, self._parts.workspace, place, markdown(document(seen)))
        return seen, place

    async def origins(self, run: str) -> tuple[LineOrigin, ...]:
        """Which task each line of a run's change comes from."""
        record = Record(self._parts.journal, run)
        return await asyncio.to_thread(origins, record, self._parts.repository)

    def _why(self, path: str, line: int, run: str | None, unsaved: str | None) -> Why:
        text = _read(self._parts.workspace, path, unsaved)
        lines = text.content.splitlines()
        if not 1 <= line <= len(lines):
            raise InputError(f"{path} has {len(lines)} lines.", f"Name one of them: FILE:LINE. {ON_A_BRANCH}")
        plain = Why(path=path, line=line, text=lines[line - 1].decode("utf-8", "replace"))
        names = [row.run for row in self._parts.journal.runs() if row.run.startswith(run or "")]
        if run and not names:
            raise InputError(f"There is no run {run}.", "`wainwright runs` lists the runs of this workspace.")
        records = [Record(self._parts.journal, one) for one in names]
        with Lineage.over(self._parts.repository.place, self._parts.state) as lineage:
            search = _Search(lineage, self._parts.workspace, records)
            found = search.run_of(text, line)
            return _told(plain, found, lineage) if found else search.by_somebody(plain, text, line)


def _read(workspace: Path, path: str, unsaved: str | None) -> Text:
    content = sources.source(workspace, path) if unsaved is None else unsaved.encode("utf-8", "surrogatepass")
    if not isinstance(content, bytes):
        raise InputError(
            f"{path} is no file of this workspace.",
            f"Name a file as FILE:LINE. {ON_A_BRANCH}",
        )
    return Text(path, content)


class _Search:
    """One look for the run that wrote a line."""

    def __init__(self, lineage: Lineage, workspace: Path, records: Sequence[Record]) -> None:
        self._lineage = lineage
        self._workspace = workspace
        self._records = records
        self._head = lineage.person_head

    def run_of(self, text: Text, line: int) -> _Found | None:
        """The run that wrote a line, and where it stands in the run's own commit."""
        for how in (STRICT, INDENTED, LOOSE):
            moved = () if how is STRICT else (_MOVED,)
            seen = self._in_history(text, line, how)
            for record in self._records:
                if seen is not None and seen.commit in record.landings:
                    return _Found(record, seen, (*_renamed(text.path, seen.path), *moved))
            version = self._lineage.version(seen.commit, seen.path) if seen else None
            if version is None or seen is None:
                seen, version = Origin("", text.path, line, "", 0.0, ""), text
            for record in self._records:
                written = self._delivered(record, version, seen, how)
                if written is not None:
                    came = (*_renamed(text.path, seen.path), *_brought(seen), *moved)
                    return _Found(record, written, (*came, *_renamed(seen.path, written.path)))
        return None

    def by_somebody(self, plain: Why, text: Text, line: int) -> Why:
        """What is told of a line that no run wrote."""
        seen = self._in_history(text, line, STRICT)
        if seen is None or not seen.commit:
            return plain
        return plain.model_copy(
            update={
                "commit": seen.commit,
                "subject": seen.subject,
                "author": seen.author,
                "at": seen.at,
                "written_at": f"{seen.path}:{seen.line}",
                "followed": _renamed(text.path, seen.path),
            }
        )

    def _in_history(self, text: Text, line: int, how: Sequence[str]) -> Origin | None:
        """Where the person's own history has a line from; None where it has none, or the line is in no commit."""
        if self._head is None:
            return None
        gone: list[str] = []
        if self._lineage.version(self._head, text.path) is None:
            there = self._lineage.files(self._head)
            gone = [path for path in there if not (self._workspace / path).exists()]
        seen = self._lineage.origin(text, line, self._head, gone, how)
        return seen if seen is not None and seen.commit else None

    def _delivered(self, record: Record, text: Text, seen: Origin, how: Sequence[str]) -> Origin | None:
        """Where a line of a text stands in what a run delivered; None where it is not from there."""
        state, tip = record.state, record.tip
        if state is None or not state.base or not tip or tip == state.base:
            return None
        changed = self._lineage.changed(state.base, tip)
        gone = [] if text.path in changed else [one for one in sorted(changed) if self._is_gone(one, seen)]
        if text.path not in changed and not gone:
            return None
        written = self._lineage.origin(text, seen.line, tip, gone, how)
        return written if written is not None and written.commit in record.landings else None

    def _is_gone(self, path: str, seen: Origin) -> bool:
        if seen.commit:
            return self._lineage.version(seen.commit, path) is None
        return not (self._workspace / path).exists()


def _renamed(now: str, then: str) -> tuple[str, ...]:
    return (f"The file was called {then} then.",) if now != then else ()


def _brought(seen: Origin) -> tuple[str, ...]:
    if not seen.commit:
        return ("It is not committed in your history; what the run delivered has it.",)
    return (f"It came into your history with {seen.commit[:10]} ({seen.subject}) of {seen.author}.",)


# ---- through the journal


def _told(plain: Why, found: _Found, lineage: Lineage) -> Why:
    record, origin = found.record, found.origin
    landing = record.landings[origin.commit]
    act = _act(record, landing, origin, lineage)
    call = record.call_before(act) if act is not None else None
    receipt, delivered, untold = _receipts(record, landing)
    if act is None:
        untold = ("Which step wrote it cannot be told: no checkpoint of an agent has it.", *untold)
    elif call is None:
        untold = ("Which model call asked for it cannot be told.", *untold)
    state, task = record.state, landing.task if isinstance(landing, ev.TaskLanded) else ""
    batch = landing.together if isinstance(landing, ev.TaskLanded) else ()
    assert state is not None
    hunk = lineage.hunk(origin.commit, origin.path, origin.line)
    return plain.model_copy(
        update={
            "run": record.run,
            "goal": state.goal.text,
            "commit": origin.commit,
            "subject": origin.subject,
            "author": origin.author,
            "at": origin.at,
            "written_at": f"{origin.path}:{origin.line}",
            "followed": found.followed,
            "hunk": hunk,
            "task": task,
            "title": _title(record, landing),
            "step": act and StepTold(row=act.row.seq, key=act.row.key, tool=act.tool, at=act.row.at),
            "call": call and _call(record, call),
            "receipt": receipt,
            "together": tuple(one for one in batch if one != task),
            "delivered": delivered,
            "red_first": tuple(_red_first(record, landing)),
            "gates": tuple(
                GateTold(
                    gate=one.gate.id,
                    kind=one.gate.kind,
                    decision=one.decided.decision,
                    by=one.decided.by,
                    reason=one.decided.reason,
                )
                for one in state.gates.values()
                if one.decided is not None
            ),
            "untold": untold,
        }
    )


def _act(record: Record, landing: Landing, origin: Origin, lineage: Lineage) -> Act | None:
    """The action after which the line was there first: of the attempt that landed, else of those at work last."""
    text = lineage.version(origin.commit, origin.path)
    if text is None:
        return None
    for how in (STRICT, INDENTED, LOOSE):
        for acts in record.scopes(record.scope_of(landing)):
            made = {act.commit: act for act in reversed(acts)}
            written = lineage.origin(text, origin.line, acts[-1].commit, (), how)
            if written is not None and written.commit in made:
                return made[written.commit]
    return None


def _call(record: Record, call: Row) -> CallTold:
    reply = json.loads(call.body)
    try:
        role = str(record.asked(call).get("role", ""))
    except JournalError:
        role = ""
    return CallTold(
        row=call.seq,
        key=call.key,
        role=role or call.key.rpartition("/")[0].rpartition("/")[2],
        model=str(reply.get("model", "")),
        usd=call.usd if call.usd or reply.get("cost_usd") is not None else None,
        tokens=call.tokens,
        at=call.at,
    )


def _receipts(
    record: Record, landing: Landing
) -> tuple[ReceiptTold | None, ReceiptTold | None, tuple[str, ...]]:
    """The test runs of the tree that landed and of the one that was delivered; and what cannot be told of them."""
    state = record.state
    landed = None
    if isinstance(landing, ev.TaskLanded) and (receipt := landing.receipt) is not None:
        landed = _counted(receipt) if landing.together or receipt.tree == landing.tree else None
    last = state.tested.receipt if state and state.tested else None
    delivered = _counted(last) if last is not None else None
    if landed is not None or delivered is not None:
        return landed, delivered, ()
    why = state.untested if state else ""
    return None, None, (f"No test run vouches for it{': ' + why if why else '.'}",)


def _counted(receipt: Receipt) -> ReceiptTold:
    return ReceiptTold(
        tree=receipt.tree,
        command=receipt.command,
        passed=len(receipt.passing),
        failed=len(receipt.failing),
        green=receipt.green,
        at=receipt.started,
    )


def _title(record: Record, landing: Landing) -> str:
    if isinstance(landing, ev.AcceptanceWritten):
        return ""
    one = record.state.tasks.get(landing.task) if record.state else None
    return one.task.title if one else landing.summary


def _red_first(record: Record, landing: Landing) -> Iterator[str]:
    """The acceptance tests of the requirements that the task serves, and how they ended on the base."""
    state = record.state
    if state is None or state.acceptance is None or isinstance(landing, ev.AcceptanceWritten):
        return
    one = state.tasks.get(landing.task)
    served = set(one.task.acceptance) if one else set()
    first = state.red_first.found if state.red_first else None
    for test in state.acceptance.tests:
        if test.requirement not in served:
            continue
        if first is None:
            ended = "did not run before the change"
        elif test.test in first.red:
            ended = "was red before the change"
        elif test.test in first.green:
            ended = "was green before the change: it keeps what was so"
        else:
            ended = "could not run before the change"
        yield f"{test.test} ({test.requirement}) {ended}."
