"""The change that a run asks about, hunk by hunk, as any front reads it and says something of it."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import takewhile
from typing import Literal

from wainwright.domain.errors import InputError
from wainwright.domain.events import Event
from wainwright.domain.goal import Fact, Stage
from wainwright.domain.hunks import ChangeShown, HunkDecision, HunksDecided
from wainwright.domain.shown import in_line
from wainwright.domain.state import RunState
from wainwright.engine.editing import TextChange
from wainwright.workspace import hunks
from wainwright.workspace.repository import Repository

State = Callable[[str], Awaitable[RunState]]
Submit = Callable[[str, Event], Awaitable[None]]


class HunkView(Fact):
    """One hunk, and what was said of it last."""

    number: int
    path: str
    serves: tuple[str, ...]
    tasks: tuple[str, ...]
    lines: str
    """As in a unified diff; empty for what text cannot show."""
    line: int = 1
    """Where it begins in the file as the change has it, from 1; what is deleted there stood before that line."""
    length: int = 0
    """How many lines it has there."""
    decision: Literal["", "accept", "reject", "change"] = ""
    reason: str = ""


class ChangeView(Fact):
    """A change that is shown."""

    run: str
    commit: str
    handed: bool
    """It was handed over: hunks are taken back, or put in again, and nobody decides on them any more."""
    asked: bool
    """The run is where it asks about the change: hunks can be decided on."""
    tree: str
    """Which change it is, as the head of `change.diff` says."""
    hunks: tuple[HunkView, ...]


class Hunks:
    """What can be done about the hunks of runs: ``state`` gives a run's, ``submit`` writes a fact of it."""

    def __init__(self, repository: Repository, state: State, submit: Submit) -> None:
        self._repository = repository
        self._state = state
        self._submit = submit

    async def seen(self, run: str) -> ChangeView:
        """The change that a run shows. Raises InputError where it shows none."""
        return _seen(await self._state(run))

    async def decide(
        self,
        run: str,
        decision: HunkDecision,
        numbers: tuple[int, ...] = (),
        *,
        file: str = "",
        reason: str = "",
        commit: str = "",
        by: str = "person",
    ) -> ChangeView:
        """Say something of some hunks, of a file's, or of all. Nothing is taken over before the gate is decided.

        ``commit`` names the change that was read, where that is known. Raises InputError for hunks that there are
        not, and for a change that is asked for without words.
        """
        seen = await self.seen(run)
        chosen = _chosen(seen, numbers, file)
        if decision == "change" and not reason.strip():
            raise InputError("Nobody said what is to be changed.", "Say it in a sentence.")
        said = HunksDecided(
            commit=commit or seen.commit, hunks=chosen, decision=decision, reason=reason.strip(), by=by
        )
        await self._submit(run, said)
        return await self.seen(run)

    async def texts(self, run: str, numbers: tuple[int, ...], file: str = "") -> tuple[TextChange, ...]:
        """The files with some hunks of what was handed over, and without them; what is no text is not among them.

        Raises InputError where none is known, and for hunks that there are not, or not in the file that is named.
        """
        state = await self._state(run)
        shown = state.shown
        if shown is None or not _handed(state):
            raise InputError(
                f"Nothing that run {run} handed over is known by hunks.", "Name a file, or take all of it."
            )
        return await asyncio.to_thread(self._texts, state, set(_chosen(_seen(state), numbers, file)))

    def _texts(self, state: RunState, chosen: set[int]) -> tuple[TextChange, ...]:
        assert state.shown is not None
        assert state.base is not None
        found = []
        for file in state.shown.files:
            picked = [one for one in file.hunks if one.number in chosen]
            old, new = (self._text(commit, file.path) for commit in (state.base, state.shown.commit))
            if picked and not (old is None and new is None):
                spans = [hunks.Span(h.old_start, h.old_len, h.new_start, h.new_len) for h in picked]
                part = old is not None and new is not None and not file.whole
                after = hunks.without(old or "", new or "", spans) if part else old
                found.append(TextChange(path=file.path, before=new, after=after))
        return tuple(found)

    def _text(self, commit: str, path: str) -> str | None:
        content = self._repository.read(commit, path)
        try:
            return None if content is None else content.decode()
        except UnicodeDecodeError:
            return None

    async def shown(self, run: str) -> ChangeShown:
        """The change that a run shows, by files. Raises InputError where it shows none."""
        return _shown(await self._state(run))

    async def side(self, run: str, commit: str, path: str, *, before: bool) -> str:
        """A file of the change that a run shows, as it was or is to be; empty for what is not there, or no text.

        Raises InputError for a file or a commit that is not of this change.
        """
        state = await self._state(run)
        shown = _shown(state)
        if commit != shown.commit or path not in {file.path for file in shown.files}:
            raise InputError(f"Run {run} shows no such change of {in_line(path)}.", "Review the change anew.")
        assert state.base is not None
        return await asyncio.to_thread(self._text, state.base if before else commit, path) or ""

    async def explain(self, run: str, number: int) -> str:
        """Why a hunk is there, in sentences: what it serves, who made it, which tests show it, what was noted."""
        state = await self._state(run)
        hunk = next((one for one in _seen(state).hunks if one.number == number), None)
        if hunk is None:
            raise InputError(f"There is no hunk {number} in this change.", "change.diff numbers them.")
        told = [f"Hunk {number} is in {in_line(hunk.path)}."]
        required = {one.id: one.text for one in state.plan.requirements} if state.plan else {}
        told += [f"It serves {name}: {in_line(required[name])}" for name in hunk.serves if name in required]
        for name in hunk.tasks:
            one = state.tasks[name]
            told.append(f"Task {name} made it: {in_line(one.task.title)}. {in_line(one.summary)}".rstrip())
        tests = (
            [one.test for one in state.acceptance.tests if one.requirement in hunk.serves]
            if state.acceptance
            else []
        )
        told += [f"Tests that show it: {in_line(', '.join(tests))}."] if tests else []
        findings = state.reviewed.findings if state.reviewed else ()
        told += [
            f"The review noted: {in_line(one.trigger)} {in_line(one.consequence)}"
            for one in findings
            if one.where.partition(":")[0] == hunk.path
        ]
        return "\n".join(told)


def _handed(state: RunState) -> bool:
    return state.shown is not None and state.delivered is not None


def _chosen(seen: ChangeView, numbers: tuple[int, ...], file: str) -> tuple[int, ...]:
    """The hunks that are meant. Raises InputError for those there are not, and for those of another file."""
    of_it = tuple(one.number for one in seen.hunks if file in ("", one.path))
    if not of_it:
        raise InputError(f"The change has nothing in {in_line(file)}.", "change.diff names its files.")
    if unknown := sorted(set(numbers) - set(of_it)):
        what = f"of {in_line(file)} in this change" if file else "in this change"
        raise InputError(f"There is no hunk {unknown[0]} {what}.", "change.diff numbers them.")
    return numbers or of_it


def _shown(state: RunState) -> ChangeShown:
    if state.shown is None:
        raise InputError(
            f"Run {state.run} shows no change that can be decided on.", "It does when it asks about one."
        )
    return state.shown


def _unchanged(lines: list[str]) -> int:
    """How many lines of a hunk at its beginning are only there to find it."""
    return sum(1 for _ in takewhile(lambda line: line.startswith(" "), lines))


def _seen(state: RunState) -> ChangeView:
    shown = _shown(state)
    found = []
    for file in shown.files:
        for hunk in file.hunks:
            said = state.said.get(hunk.number)
            lines = [line for line in hunks.lines(hunk.lines) if not line.startswith("@@")]
            above, below = _unchanged(lines), _unchanged(lines[::-1])
            view = HunkView(
                number=hunk.number,
                path=file.path,
                serves=file.serves,
                tasks=tuple(name for name in file.tasks if name in state.tasks),
                lines=hunk.lines,
                line=hunk.new_start + above + 1,
                length=hunk.new_len - above - below,
                decision=said.decision if said else "",
                reason=said.reason if said else "",
            )
            found.append(view)
    handed = _handed(state)
    return ChangeView(
        run=state.run,
        commit=shown.commit,
        handed=handed,
        asked=state.stage is Stage.REVIEW and not handed,
        tree=shown.tree,
        hunks=tuple(found),
    )
