"""Each live runner, really run in the sandbox, on small projects with things planted in them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.fixtures.bench import Bench, plant
from tests.fixtures.scenario import PATH
from tests.unit.receipts.live import LIVE, Live

from wainwright.domain.evidence import Receipt, Suite
from wainwright.receipts.take import take
from wainwright.receipts.verdict import judge
from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.secrets import Redactor

run = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def machine(tmp_path_factory: pytest.TempPathFactory) -> Bubblewrap:
    """A sandbox that shows this machine's own toolchains."""
    return await prove(tmp_path_factory.mktemp("machine") / "state", {**os.environ, "PATH": PATH})


def available(program: str) -> None:
    """Skip a test whose program is not there."""
    if shutil.which(program, path=PATH) is None:
        pytest.skip(f"{program} is not on this machine")


class Place:
    """One project on a bench, with a cache of its own that all its receipts share."""

    def __init__(self, root: Path, live: Live, machine: Bubblewrap) -> None:
        self.live = live
        self.bench = Bench(root, live.files, machine)
        self.cache = root / "cache"
        self.cache.mkdir()
        self.count = 0

    async def receipt(self, more: dict[str, str] | None = None, only: tuple[str, ...] = ()) -> Receipt:
        self.count += 1
        workbench = self.bench.workbench(f"t{self.count}")
        for path, text in (more or {}).items():
            plant(workbench.tree, path, text)
        assert workbench.sandbox is not None
        return await take(
            workbench.sandbox,
            workbench.view.model_copy(update={"cache": self.cache}),
            (Suite(command=self.live.command),),
            tree="t",
            timeout_s=170,
            redactor=Redactor([]),
            only=only,
        )


@pytest.fixture
def place(tmp_path: Path, machine: Bubblewrap, request: pytest.FixtureRequest) -> Iterator[Place]:
    live = LIVE[request.param]
    available(live.program)
    made = Place(tmp_path, live, machine)
    yield made
    made.bench.journal.close()


@run
@pytest.mark.parametrize("place", LIVE, indirect=True)
async def test_what_a_runner_says_is_read(place: Place) -> None:
    base = await place.receipt()
    said = {case.name: case.outcome for case in base.cases}
    assert said == place.live.base, base.output
    assert (base.exit != 0, base.runner != "", base.environment, base.doubts) == (True, True, "", ())
    assert "\x1b" not in base.model_dump_json().replace("\\u001b", "\x1b")
    # A red test of the base is in nobody's way.
    same = judge(base, base, [name for name, outcome in place.live.base.items() if outcome == "passed"])
    assert (same.passed, same.base_red) == (True, base.failing)
    for what, planted in place.live.planted.items():
        found = await place.receipt(planted.files)
        verdict = judge(found, base, ()).model_dump(
            exclude_defaults=True, exclude={"reason", "doubts", "base_red"}
        )
        assert {name: tuple(sorted(value)) for name, value in verdict.items() if name != "passed"} == {
            name: tuple(sorted(value)) for name, value in planted.says.items()
        }, (what, found.output)
        assert not verdict["passed"]
    for name, wanted in place.live.only.items():
        found = await place.receipt(only=(name,))
        assert {case.name for case in found.cases} == set(wanted), (name, found.output)
