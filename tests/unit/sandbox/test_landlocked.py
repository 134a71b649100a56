"""Commands where bubblewrap cannot be had: what they find there, and that nothing of theirs is left."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import landlocked, launcher, tiers
from wainwright.sandbox.bubblewrap import Bubblewrap, survey_around
from wainwright.sandbox.landlocked import Landlocked
from wainwright.sandbox.protocol import Command, Layer, SandboxView

pytestmark = pytest.mark.skipif(
    launcher.landlock() < landlocked.ABI_MIN, reason="this kernel has no Landlock that can stand alone"
)
Find = Callable[[str], list[int]]


def environment(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "person"), "PATH": os.defpath}


@pytest.fixture
async def alone(tmp_path: Path) -> Landlocked:
    state = tmp_path / "state"
    return await landlocked.prove(state, survey_around(state, environment(tmp_path), None))


def shell(text: str, timeout_s: float = 30, **more: object) -> Command:
    return Command(argv=("/bin/bash", "-c", text), timeout_s=timeout_s, **more)  # type: ignore[arg-type]


async def test_a_command_works_in_its_tree_and_ends_as_it_ends(alone: Landlocked, view: SandboxView) -> None:
    outcome = await alone.run(shell("pwd; cat; echo x > made; exit 7", stdin=b"told\n"), view)
    assert (outcome.exit, outcome.output) == (7, f"{view.tree}\ntold\n")
    assert (view.tree / "made").read_text() == "x\n"
    assert (await alone.run(shell("kill -9 $$"), view)).exit == 137
    assert (await alone.run(Command(argv=("no-such-program",), timeout_s=9), view)).exit == 127
    assert sorted(place.name for place in view.tree.parent.iterdir()) == ["one"]


async def test_layers_are_seen_and_what_is_kept_is_not_the_persons(
    alone: Landlocked, view: SandboxView, tmp_path: Path
) -> None:
    packages = tmp_path / "home" / "me" / "project" / "node_modules"
    packages.mkdir(parents=True)
    (packages / "left").write_text("of the person\n")
    for writes in ("refused", "kept"):
        layered = view.model_copy(
            update={"layers": (Layer(at=Path("node_modules"), sources=(packages,), writes=writes),)}  # type: ignore[arg-type]
        )
        outcome = await alone.run(shell("cat node_modules/left; echo x > node_modules/made"), layered)
        assert outcome.output.startswith("of the person\n")
        assert (outcome.exit == 0) == (writes == "kept")
    assert [place.name for place in packages.iterdir()] == ["left"]
    assert not (view.tree / "node_modules").exists()


async def test_what_a_command_leaves_for_us_is_found(
    alone: Landlocked, view: SandboxView, signals: Path, mark: str
) -> None:
    at = Path("/tmp", mark)
    outcome = await alone.run(shell(f"echo x > {at}/report", shared=((signals, at),)), view)
    assert (outcome.exit, (signals / "report").read_text()) == (0, "x\n")
    at.symlink_to("/")
    try:
        with pytest.raises(SandboxError, match="cannot be made"):
            await alone.run(shell("true", shared=((signals, at),)), view)
    finally:
        at.unlink()


@pytest.mark.parametrize("ends", ["by itself", "at its time", "with the server"])
async def test_nothing_is_left_wherever_it_went(
    ends: str, alone: Landlocked, view: SandboxView, tmp_path: Path, mark: str, processes_with: Find
) -> None:
    away = f"(trap '' TERM HUP; setsid bash -c 'sleep 500; : {mark}' > /dev/null 2>&1 < /dev/null &)"
    if ends == "with the server":
        script = f"""
import asyncio, os
from pathlib import Path
from wainwright.sandbox import landlocked
from wainwright.sandbox.bubblewrap import survey_around
from wainwright.sandbox.protocol import Command, SandboxView
async def main():
    state = Path({str(tmp_path / "state")!r})
    sandbox = await landlocked.prove(state, survey_around(state, {environment(tmp_path)!r}, None))
    view = SandboxView.model_validate_json({view.model_dump_json()!r})
    text = {away!r} + "; touch began; sleep 400"
    await sandbox.run(Command(argv=("/bin/bash", "-c", text), timeout_s=600), view)
asyncio.run(main())
"""
        server = await asyncio.create_subprocess_exec(sys.executable, "-c", script, start_new_session=True)
        while not (view.tree / "began").exists():
            await asyncio.sleep(0.01)
        server.kill()
        assert await server.wait() == -signal.SIGKILL
    else:
        later, timeout_s = ("true", 30.0) if ends == "by itself" else ("sleep 400", 0.5)
        outcome = await alone.run(shell(f"{away}; {later}", timeout_s), view)
        assert outcome.timed_out == (ends == "at its time")
        assert processes_with(mark) == []
    while processes_with(mark):
        await asyncio.sleep(0.01)


async def test_a_tree_with_a_folder_of_gits_is_not_opened(alone: Landlocked, view: SandboxView) -> None:
    (view.tree / ".git").mkdir()
    with pytest.raises(SandboxError, match="holds what no command may change"):
        await alone.run(shell("true"), view)


async def test_without_a_yes_nothing_is_run(alone: Landlocked, view: SandboxView) -> None:
    fenced = tiers.Asked(alone)
    with pytest.raises(SandboxError, match="Nobody has agreed"):
        await fenced.run(shell("touch first"), view)
    assert not (view.tree / "first").exists()
    assert (await tiers.agreed(fenced).run(shell("echo second"), view)).output == "second\n"


async def test_it_takes_the_place_of_walls_that_cannot_be_had(
    tmp_path: Path, programs_in: Callable[..., None]
) -> None:
    walls, why = await tiers.prove(tmp_path / "state", environment(tmp_path))
    assert (isinstance(walls, Bubblewrap), why) == (True, "")
    programs_in(tmp_path / "bin")
    found, why = await tiers.prove(tmp_path / "state", environment(tmp_path))
    assert isinstance(found, Landlocked)
    assert "the program bwrap is in none of" in why
