"""A run that is done can be gone on from, whatever was removed when it ended."""

import pytest
from tests.fixtures.delivered import deliver
from tests.fixtures.scenario import Stagehand

from wainwright.domain.events import Delivered, RunResumed, SnapshotTaken
from wainwright.engine.engine import Engine
from wainwright.engine.views.event_text import describe_event
from wainwright.sandbox.clearing import remove

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.nightly
async def test_a_fork_is_shown_the_ignored_files_of_now_where_those_of_then_are_gone(
    stage: Stagehand,
) -> None:
    it = await deliver(stage, "ignored_and_generated_files")
    journal, repository = it.parts.journal, it.parts.repository
    at = next(row.seq for row in journal.rows(it.run) if '"plan-proposed"' in row.body)
    # As it goes when the run is done and another one has been shown other files.
    taken = next(fact for fact in journal.events(it.run) if isinstance(fact, SnapshotTaken))
    shown = repository.environment(taken.environment)
    assert shown is not None
    remove(shown)
    (it.workspace / "calc" / "_version.py").write_text("version = '2'\n")
    engine = Engine(it.parts)
    new = await engine.forking.fork(it.run, at)
    await engine.resume(new, attended=False)
    await engine.wait(new)
    facts = journal.events(new)
    resumed = next(fact for fact in facts if isinstance(fact, RunResumed))
    assert "as they are now" in describe_event(resumed)
    layer = repository.environment(resumed.environment or "")
    assert layer is not None
    assert (layer / "calc" / "_version.py").read_text() == "version = '2'\n"
    # It came as far as the run it comes from; whom it would have to ask anew does not answer any more.
    assert any(isinstance(fact, Delivered) for fact in facts)
