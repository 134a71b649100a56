"""Attacks on the sandbox, each by a real command: what it may reach is watched from outside, whatever it says."""

import asyncio
import os
import socket
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from tests.attack import sandbox as attacks
from tests.attack.cases import Case, Group, Outcome, Seen
from tests.attack.observers import Sink
from tests.attack.sandbox_bench import PYTHON, Bench, plain
from tests.attack.sandbox_doors import DOORS, Tried
from tests.attack.sandbox_ways_out import REACHED, WAYS_OUT

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import bubblewrap, landlocked, limits, programs, watching
from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.sandbox.landlocked import Landlocked
from wainwright.sandbox.protocol import Command, Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROUP = Group("S", "the sandbox", 123, (*attacks.COMMANDS, REACHED, *WAYS_OUT, *DOORS))
"""109 attacks, and 14 pieces of everyday work, which are kind 0."""
NO_WAY_OUT = "no way out is opened in this tier: no socket can be made, so that there is nothing to filter"
NOT_ALONE = {
    "S0.06": "whose file it is no filter of calls can see, so modes and times stay: one reason why a person is asked",
    "S0.11": "a socket of one's own could not be told from one to others: one reason why a person is asked",
    "S0.14": NO_WAY_OUT,
    **{f"S3.{at}": NO_WAY_OUT for at in range(20, 31)},
    **({"S7.05": "who cannot have a namespace stays root, with none of its powers"} if attacks.ROOT else {}),
}
"""What cannot be in the tier of Landlock alone."""
ELSE_ALONE: dict[str, Outcome] = {"S7.02": "hold", "S7.03": "refuse", "S7.04": "hold", "S7.08": "hold"}
"""Where the better tier is refused this one takes its place, and it does not begin without Landlock."""
ALONE = Group(
    "S",
    "Landlock alone",
    123,
    [
        replace(
            case,
            id=f"{case.id}-landlock",
            wrong=NOT_ALONE.get(case.id, ""),
            expect=ELSE_ALONE.get(case.id, case.expect),
        )
        for case in GROUP.cases
    ],
)
TIMEOUT_S = 30.0
ANSWERS_S = 1.0
"""The longest that the server may not answer while a command takes what it can get."""


def made_small(limit: attacks.Guard | None, patch: pytest.MonkeyPatch) -> None:
    if limit == "memory":
        patch.setattr(limits, "memory_max", lambda: 200 << 20)
    elif limit == "disk":
        patch.setattr(limits, "WRITTEN_BYTES_MAX", 40 << 20)
        patch.setattr(watching, "_EVERY_S", 0.2)
    elif limit == "file":
        patch.setattr(limits, "FILE_BYTES_MAX", 32 << 20)


class Silence:
    """How long this process did not answer at most."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def listen(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            self.longest, last = max(self.longest, now - last), now


async def tried(bench: Bench, case: Case, sandbox: Sandbox, *, weak: bool = False) -> Seen:
    """What comes of an attack, with all that observers found."""
    alone = isinstance(sandbox, Landlocked)
    bench.anew(git=not alone)
    mark = f"mark-{uuid.uuid4().hex}"
    with pytest.MonkeyPatch.context() as patch, bench.watched(mark) as (victim, alarms):
        told = bench.told(victim, mark, weak=weak)
        if isinstance(case.act, attacks.Act):
            seen = await commanded(bench, case, sandbox, told, patch)
        else:
            try:
                outcome, said = await case.act(Tried(bench, sandbox, told, patch, weak, alone))  # type: ignore[operator]
            finally:
                programs.place.cache_clear()
            seen = Seen(outcome, said=said)
    seen.alarms += [*alarms, *bench.canaries.alarms("what it said", seen.said)]
    seen.alarms += [line for line in seen.said.splitlines() if line.startswith("ALARM ")]
    if attacks.WITNESS in seen.said:
        seen.alarms.append("it says that it got through")
    return seen


async def commanded(
    bench: Bench, case: Case, sandbox: Sandbox, told: dict[str, str], patch: pytest.MonkeyPatch
) -> Seen:
    """What comes of a command."""
    act = case.act
    assert isinstance(act, attacks.Act)
    made_small(act.limit, patch)
    timeout_s = 0.5 if act.limit == "time" else TIMEOUT_S
    command = Command(argv=act.argv(PYTHON), env=told, timeout_s=timeout_s)
    silence = Silence()
    listening = asyncio.create_task(silence.listen())
    began = time.monotonic()
    try:
        outcome = await sandbox.run(command, bench.view(act))
    except SandboxError as error:
        return Seen("refuse", said=str(error))
    finally:
        listening.cancel()
    took, said = time.monotonic() - began, outcome.output
    done = Seen("hold", said=said)
    if case.expect == "ok":
        done.outcome = "ok" if outcome.exit == 0 and attacks.TOLD in said else "refuse"
    if act.limit == "output" and len(said) > command.output_bytes_max * 2:
        done.alarms.append(f"{len(said)} characters were kept")
    if act.limit == "time" and took > timeout_s + 1:
        done.alarms.append(f"it ran for {took:.1f} s")
    if silence.longest > ANSWERS_S:
        done.alarms.append(f"nothing was answered for {silence.longest:.1f} s")
    return done


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    root = tmp_path_factory.mktemp("s")
    (root / "run").mkdir()
    (root / "hosts").mkdir()
    with (
        Sink(root / "run", root / "hosts" / "host") as sink,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handed_on,
    ):
        handed_on.connect(("127.0.0.1", sink.port))
        handed_on.set_inheritable(True)
        made = Bench(root, sink)
        made.anew()
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(bench: Bench) -> Bubblewrap:
    # Some toolchains write to the home directory when they are asked where they keep things.
    path = f"{bench.home}/.cargo/bin:{os.defpath}"
    return await prove(bench.state, {"HOME": str(bench.home), "PATH": path})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alone(bench: Bench, sandbox: Bubblewrap) -> Landlocked:
    return await landlocked.prove(bench.state, sandbox._visible)


@pytest.mark.parametrize("case", GROUP.run, ids=lambda case: case.id)
async def test_the_sandbox_holds(case: Case, bench: Bench, sandbox: Bubblewrap) -> None:
    seen = await tried(bench, case, sandbox)
    assert seen.faults(case) == [], seen.said


@pytest.mark.parametrize("case", ALONE.run, ids=lambda case: case.id)
async def test_landlock_alone_holds(case: Case, bench: Bench, alone: Landlocked) -> None:
    seen = await tried(bench, case, alone)
    assert seen.faults(case) == [], seen.said


class Plain:
    """What the weak build takes for a sandbox: it was never proven."""

    overlays = False
    run = plain


async def unproven(*_: object, **__: object) -> Plain:
    return Plain()


@pytest.mark.weak_build
async def test_without_it_nearly_all_get_through(
    bench: Bench, sandbox: Bubblewrap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bubblewrap, "run", plain)
    monkeypatch.setattr(bubblewrap, "prove", unproven)
    assert GROUP.through({one.id: await tried(bench, one, sandbox, weak=True) for one in GROUP.attacks}) == []


@pytest.mark.parametrize("group", [GROUP, ALONE], ids=["S", "S-landlock"])
async def test_the_list_is_whole(group: Group) -> None:
    assert group.flaws() == []
