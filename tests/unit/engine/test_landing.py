"""The head of a run follows its journal: only who has the lease moves it, whatever the ref says."""

from typing import Any

import pytest
from tests.unit.domain.test_machine import SNAPSHOT, started

from wainwright.domain.errors import Fenced
from wainwright.domain.fold import replay
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages.landing import move_head


async def test_the_head_is_moved_from_where_the_journal_has_it_and_by_its_owner_alone(
    parts: EngineParts,
) -> None:
    repository, journal = parts.repository, parts.journal
    base = repository.snapshot("r1", {}).commit
    tree = repository.tree_of(base)
    first, stale, second, late = (
        repository.commit_tree(tree, [base], name) for name in ("first", "stale", "second", "late")
    )
    lease = journal.create(started(), "r1", "x", cap_usd=None, cap_tokens=None)
    state = replay([started(), SNAPSHOT.model_copy(update={"commit": base})])
    assert state is not None

    def run(**changes: Any) -> LiveRun:
        async def tidy(_run: str) -> None: ...

        def perform(_effect: object, _run: object) -> Any:
            raise AssertionError

        changed = state.changed(**changes)
        return LiveRun(
            changed, lease, journal, perform, parallel=1, wall_s=1, notify=lambda *_: None, tidy=tidy
        )

    old_owner = run()
    await move_head(parts, old_owner, first)
    assert repository.resolve("r1/head") == first, "there was no ref yet"
    await move_head(parts, run(), stale)
    assert repository.resolve("r1/head") == stale, (
        "a landing that was not written before a crash is taken back"
    )
    await move_head(parts, run(head=stale), second)
    assert repository.resolve("r1/head") == second
    journal.release(lease)
    journal.claim("r1")
    with pytest.raises(Fenced):
        await move_head(parts, old_owner, late)
    assert repository.resolve("r1/head") == second, "who was fenced does not move what others landed"
    journal.close()
