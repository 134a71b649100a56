"""C: lines that get past whoever reads them ask a person first, and hold in the fence when a person says yes."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from tests.attack.answering import Answered, Answering
from tests.attack.cases import Case, Group, Seen
from tests.attack.commands import C
from tests.attack.observers import Outside
from tests.fixtures.bench import Bench
from tests.fixtures.scenario import PATH, stagehand

from wainwright.domain.command_policy import Judged, Rules
from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.sandbox.protocol import Command, CommandOutcome, SandboxView
from wainwright.tools.shell import SHELL
from wainwright.tools.toolbox import Workbench

pytestmark = pytest.mark.asyncio(loop_scope="module")
FILES = {
    "calc.py": "# two\ndef add(a, b):\n    return a + b\n",
    "test_calc.py": "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    "tool": "#!/bin/sh\necho tool\n",
}
NAIVE = (
    "git push",
    "rm -rf /",
    "rm -rf ~",
    "sudo ",
    "mkfs.",
    "> /dev/sd",
    ":(){",
    "chmod -R 777 /",
    "shutdown",
)
"""What agents look for in a line that only look for something in a line."""


class Notes:
    """Stands where the sandbox stands, and only notes that something would run."""

    tier, overlays = "bubblewrap", True

    async def run(self, command: Command, view: SandboxView) -> CommandOutcome:
        return CommandOutcome(exit=0, output="", truncated=False, timed_out=False, seconds=0.0)


class World:
    """One workspace with a home and a folder beside it, and a machine around it."""

    def __init__(self, root: Path, sandbox: Bubblewrap) -> None:
        self.bench = Bench(root, FILES, sandbox)
        self.home, self.beside = root / "home", root / "beside"
        for folder in (self.home, self.beside):
            folder.mkdir(exist_ok=True)
            (folder / ".bashrc").write_text("as it was\n")

    def observer(self) -> Outside:
        return Outside(self.home, self.beside, self.bench.workspace)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Bubblewrap:
    root = tmp_path_factory.mktemp("sandbox")
    return await prove(root / "state", {"HOME": str(root / "home"), "PATH": PATH})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sandbox: Bubblewrap) -> Iterator[World]:
    machine = Outside(Path("/etc"), Path("/usr/local/bin"))
    made = World(tmp_path_factory.mktemp("commands"), sandbox)
    yield made
    made.bench.journal.close()
    assert machine.alarms() == []


async def call(workbench: Workbench, line: str) -> str:
    return await SHELL.call(workbench, {"command": line, "timeout_s": 20})


async def attempt(world: World, answering: Answering, case: Case, workbench: Workbench) -> Seen:
    """Try a line without a person's yes; one that asks is approved then, and run in the fence."""
    if isinstance(case.act, Answered):
        return await answering.tries(case.act)
    line = str(case.act)
    outside, tree = world.observer(), Outside(workbench.tree)
    said = await call(workbench, line)
    if "a person would have to say yes" not in said:
        return Seen("refuse" if "ot run" in said[:30] else "ok", outside.alarms(), said)
    alarms = [f"done before it was asked: {alarm}" for alarm in tree.alarms()]
    # Some of them would go on for ever, or through all of the machine.
    arguments = {"command": line, "timeout_s": 1}
    approval = SHELL.asks(workbench, arguments)
    if approval is None:
        return Seen("refuse", [*alarms, "it is refused, and nobody can say yes"], said)
    workbench.approved = approval.digest
    said = await SHELL.call(workbench, arguments)
    if "ot run" in said[:30]:
        alarms.append(f"it was said yes to, and not run: {said}")
    return Seen("ask", [*alarms, *await asyncio.to_thread(outside.alarms)], said)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def answering() -> AsyncIterator[Answering]:
    async with stagehand() as stage:
        yield Answering(stage)


@pytest.mark.parametrize("case", C.run, ids=lambda case: case.id)
async def test_a_line(case: Case, world: World, answering: Answering) -> None:
    seen = await attempt(world, answering, case, world.bench.workbench(case.id.lower()))
    assert seen.faults(case) == []


@pytest.mark.weak_build
async def test_a_list_of_forbidden_words_is_passed(
    world: World, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    def naive(_self: Rules, lines: Sequence[str], _at: str = "") -> Judged:
        asks = any(word in line for line in lines for word in NAIVE)
        return Judged("ask", "a forbidden word") if asks else Judged()

    monkeypatch.setattr(Rules, "judge", naive)
    workbench = world.bench.workbench("weak")
    workbench.sandbox = Notes()  # type: ignore[assignment]
    assert C.through({case.id: await attempt(world, answering, case, workbench) for case in C.attacks}) == []


@pytest.mark.parametrize("group", [C], ids=["C"])
async def test_the_group(group: Group) -> None:
    assert group.flaws() == []
