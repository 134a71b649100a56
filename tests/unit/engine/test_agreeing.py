"""Whose test commands are run by themselves, which of them a person is asked about, and what a yes or no does."""

import pytest
from tests.unit.domain.test_machine import SNAPSHOT, started

from wainwright.domain.evidence import Suite
from wainwright.domain.fold import replay
from wainwright.domain.state import RunState
from wainwright.engine import workbenches
from wainwright.engine.agreeing import NotAgreed, agreed
from wainwright.engine.parts import EngineParts
from wainwright.sandbox import landlocked, launcher
from wainwright.sandbox.landlocked import Landlocked
from wainwright.sandbox.tiers import Asked
from wainwright.tools.toolbox import Approval

PLAIN, PUSHES = Suite(command="python3 -m pytest -q"), Suite(command="python3 -m pytest -q; git push")


class Person:
    """Says what it is told to, and remembers what it was asked."""

    def __init__(self, parts: EngineParts, *says: str) -> None:
        self.says, self.asked = list(says), []
        self.binds: list[str] = []
        parts.persons["r1"] = lambda: self.ask

    async def ask(self, approval: Approval, _step: str, binds: str) -> str:
        self.asked.append(f"{approval.question}\n{approval.detail}")
        self.binds.append(binds)
        return self.says.pop(0)


@pytest.fixture
def state() -> RunState:
    found = replay([started(), SNAPSHOT.model_copy(update={"suites": (PLAIN,)})])
    assert found is not None
    return found


async def test_what_the_workspace_names_and_what_is_harmless_asks_nobody(
    parts: EngineParts, state: RunState
) -> None:
    own = state.model_copy(update={"own_suites": (PUSHES,)})
    for known, suite in ((own, PUSHES), (state, PLAIN), (state, Suite(command="make test"))):
        assert await agreed(parts, known, "base", [suite], "t1") is parts.sandbox


async def test_a_line_of_a_model_with_an_outside_effect_is_asked_about_for_each_tree(
    parts: EngineParts, state: RunState
) -> None:
    person = Person(parts, "", "the person said no", "")
    assert await agreed(parts, state, "base", [PUSHES], "t1") is parts.sandbox
    with pytest.raises(
        NotAgreed, match=r"`python3 -m pytest -q; git push` was not run: the person said no\."
    ):
        await agreed(parts, state, "base", [PUSHES], "t2")
    await agreed(parts, state, "base", [PUSHES], "t1")
    assert "`git push` has an effect outside of this machine" in person.asked[0]
    assert person.binds[0] == person.binds[2] != person.binds[1], "the same gate is gone on with"


async def test_a_no_is_not_for_ever(parts: EngineParts, state: RunState) -> None:
    person = Person(parts, "no", "")
    with pytest.raises(NotAgreed):
        await agreed(parts, state, "base", [PUSHES], "t1")
    await agreed(parts, state.model_copy(update={"resumes": 1}), "base", [PUSHES], "t1")
    assert person.binds[0] != person.binds[1]


async def test_where_nobody_attends_it_is_not_run(parts: EngineParts, state: RunState) -> None:
    with pytest.raises(NotAgreed, match="Nobody is there to agree to"):
        await agreed(parts, state, "base", [PUSHES], "t1")
    parts.settings = parts.settings.model_copy(
        update={"commands": parts.settings.commands.model_copy(update={"deny": ("make",)})}
    )
    with pytest.raises(NotAgreed, match="`make test` is not run: the rule `make` of the settings"):
        await agreed(parts, state, "base", [Suite(command="make test")], "t1")


@pytest.mark.skipif(
    launcher.landlock() < landlocked.ABI_MIN, reason="this kernel has no Landlock that can stand alone"
)
async def test_behind_landlock_alone_all_is_asked_about_and_mutants_are_not_tried(
    parts: EngineParts, state: RunState
) -> None:
    assert parts.sandbox is not None
    proven = Landlocked(launcher.install(parts.state), parts.sandbox._visible)  # type: ignore[attr-defined]
    parts.sandbox = Asked(proven)
    person = Person(parts, "")
    assert await agreed(parts, state, "base", [PLAIN], "t1") is proven
    assert "behind Landlock" in person.asked[0]
    with pytest.raises(NotAgreed, match="would be asked about each time"):
        async with workbenches.altering(parts, state, "mutants", "c1"):
            pass
