"""What the journal of one run says about its change: which commit landed with what, and which step wrote what."""

import json
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from wainwright.domain import events as ev
from wainwright.domain.fold import replay
from wainwright.domain.state import RunState
from wainwright.journal import Journal, Row

_ACT = re.compile(r"(?P<scope>.+)/act-(?P<tool>[^/]+)#\d+")
_BEGIN = re.compile(r"(?P<scope>.+)/begin#\d+")

Landing = ev.TaskLanded | ev.AcceptanceWritten


class Act(NamedTuple):
    """An action of an agent that changed its tree."""

    scope: str
    tool: str
    row: Row
    commit: str
    """The checkpoint after it."""


class Record:
    """One run, read back from the journal. Blocks."""

    def __init__(self, journal: Journal, run: str) -> None:
        self.run = run
        self._journal = journal

    @cached_property
    def rows(self) -> list[Row]:
        """All facts and steps, in order."""
        return self._journal.rows(self.run)

    @cached_property
    def facts(self) -> list[tuple[ev.Event, float]]:
        """The facts, and when they were written down; read without the steps, which are many."""
        times = self._journal.times(self.run)
        return [(fact, at) for fact, (at, _) in zip(self._journal.events(self.run), times, strict=False)]

    @cached_property
    def state(self) -> RunState | None:
        """What the run is now."""
        return replay([fact for fact, _ in self.facts])

    @cached_property
    def tip(self) -> str:
        """The newest commit of the run's own; empty where there is none."""
        state = self.state
        return (state.delivered.commit if state and state.delivered else state.head if state else "") or ""

    @cached_property
    def landings(self) -> dict[str, Landing]:
        """What made each commit of the run's own head, by commit; of a delivered one, what landed last before it."""
        found: dict[str, Landing] = {}
        last: Landing | None = None
        for fact, _ in self.facts:
            if isinstance(fact, Landing):
                last = found.setdefault(fact.commit, fact)
            elif isinstance(fact, ev.Delivered) and last is not None:
                found.setdefault(fact.commit, last)
        if self.state is not None and self.state.base:
            found.pop(self.state.base, None)
        return found

    def before(self, landing: Landing, kind: type[ev.Event]) -> list[ev.Event]:
        """The facts of a kind that came before a landing, in order."""
        found = []
        for fact, _ in self.facts:
            if fact is landing:
                break
            if isinstance(fact, kind):
                found.append(fact)
        return found

    def scope_of(self, landing: Landing) -> str:
        """The scope of the attempt that landed; empty for what no task brought."""
        if isinstance(landing, ev.AcceptanceWritten):
            return ""
        begun = [
            fact
            for fact in self.before(landing, ev.TaskStarted)
            if isinstance(fact, ev.TaskStarted)
            and (fact.task, fact.attempt) == (landing.task, landing.attempt)
        ]
        return f"/BUILD/{landing.task}.{begun[-1].revision}.{landing.attempt}/implementer" if begun else ""

    @cached_property
    def acts(self) -> dict[str, list[Act]]:
        """The actions of each scope that moved its tree on, the scope that was at work last at the end."""
        found: dict[str, list[Act]] = {}
        stands: dict[str, str] = {}
        for row in self.rows:
            if row.kind != "done":
                continue
            if begin := _BEGIN.fullmatch(row.key):
                stands[begin["scope"]] = _commit_in(row)
            act = _ACT.fullmatch(row.key)
            commit = _commit_in(row) if act else ""
            if act and commit and commit != stands.get(act["scope"]):
                stands[act["scope"]] = commit
                before = found.pop(act["scope"], [])
                found[act["scope"]] = [*before, Act(act["scope"], act["tool"], row, commit)]
        return found

    def scopes(self, first: str) -> Iterator[list[Act]]:
        """The actions by scope: those of ``first``, then of those at work last."""
        if first in self.acts:
            yield self.acts[first]
        yield from (acts for scope, acts in reversed(self.acts.items()) if scope != first)

    def call_before(self, act: Act) -> Row | None:
        """The model call whose answer asked for an action."""
        asked = f"{act.scope}/model#"
        calls = (
            row
            for row in reversed(self.rows)
            if row.seq < act.row.seq and row.kind == "done" and row.key.startswith(asked)
        )
        return next(calls, None)

    def asked(self, call: Row) -> dict[str, Any]:
        """What a model was asked."""
        found = json.loads(self._journal.get_blob(call.fingerprint))
        return found if isinstance(found, dict) else {}


def _commit_in(row: Row) -> str:
    found = json.loads(row.body)
    return str(found.get("commit", "")) if isinstance(found, dict) else ""
