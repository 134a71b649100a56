"""Group L on the real server, and on one that takes what comes as pygls does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.attack import front as cases
from tests.attack.cases import Case, Group, Seen
from tests.attack.front import GROUP, Front, Refused, lives

WEAK = Path(__file__).with_name("weak_front.py")
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    one = Front(tmp_path_factory.mktemp("front"))
    yield one
    await one.close()


@pytest.mark.parametrize("case", GROUP.run, ids=lambda case: case.id)
async def test_the_server_stands(case: Case, front: Front) -> None:
    seen = await case.act(front)
    assert seen.faults(case) == []


@pytest.mark.weak_build
async def test_without_its_front_nearly_all_get_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Seen] = {}
    attacks = iter(GROUP.attacks)

    async def some(front: Front) -> None:
        assert await lives(await front.shared()), "it is weak and not dead"
        for case in attacks:
            try:
                seen[case.id] = await case.act(front)
            except (AssertionError, Refused, TimeoutError, OSError) as through:
                seen[case.id] = Seen("hold", [f"{type(through).__name__}: {through}"])
                await front.drop()
        await front.close()

    monkeypatch.setattr(cases, "PATIENCE", 1.5)
    fronts = [Front(tmp_path / str(n), str(WEAK)) for n in range(8)]
    await asyncio.gather(*(some(front) for front in fronts))
    assert GROUP.through(seen) == []


@pytest.mark.parametrize("group", [GROUP], ids=["L"])
async def test_the_list_proves_something(group: Group) -> None:
    assert group.flaws() == []
