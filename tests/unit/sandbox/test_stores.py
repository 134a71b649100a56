"""The person's stores as commands find them: read from theirs, written to ours."""

import os
from pathlib import Path

import pytest

from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.sandbox.protocol import Command, SandboxView

BUILT = ".cache/sccache"
PACKAGES = ".m2/repository"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in (BUILT, PACKAGES):
        (tmp_path / "person" / name).mkdir(parents=True)
        (tmp_path / "person" / name / "theirs").write_text("theirs\n")
    return tmp_path / "person"


@pytest.fixture
async def sandbox(tmp_path: Path, home: Path) -> Bubblewrap:
    return await prove(tmp_path / "state", {"HOME": str(home), "PATH": os.environ["PATH"]})


@pytest.fixture
def view(tmp_path: Path, home: Path) -> SandboxView:
    (tmp_path / "state" / "trees" / "one").mkdir(parents=True)
    return SandboxView(tree=tmp_path / "state" / "trees" / "one", at=home / "project")


async def shell(sandbox: Bubblewrap, view: SandboxView, line: str) -> str:
    outcome = await sandbox.run(Command(argv=("/bin/sh", "-c", line), timeout_s=60), view)
    return outcome.output


def cached(view: SandboxView, cache: Path, *beneath: Path) -> SandboxView:
    cache.mkdir(exist_ok=True)
    return view.model_copy(update={"cache": cache, "cache_beneath": beneath})


async def test_nothing_that_is_written_reaches_the_person(sandbox, view, home, tmp_path):
    line = f"cd ~; for i in {BUILT} {PACKAGES} .cache; do echo x > $i/theirs; echo x > $i/new; rm -f $i/theirs; done"
    for one in (view, cached(view, tmp_path / "cache")):
        await shell(sandbox, one, line)
        for name in (BUILT, PACKAGES):
            assert [file.name for file in (home / name).iterdir()] == ["theirs"]
            assert (home / name / "theirs").read_text() == "theirs\n"
    assert sorted(place.name for place in (home / ".cache").iterdir()) == ["sccache"]


async def test_packages_are_there_with_and_without_a_cache(sandbox, view, tmp_path):
    for one in (view, cached(view, tmp_path / "cache")):
        assert await shell(sandbox, one, f"cat ~/{PACKAGES}/theirs") == "theirs\n"


async def test_a_cache_of_built_things_can_be_written_to_with_and_without_a_place(sandbox, view, tmp_path):
    line = f"echo ours > ~/{BUILT}/ours && cat ~/{BUILT}/ours"
    assert await shell(sandbox, view, line) == "ours\n"
    assert "No such file" in await shell(sandbox, view, f"cat ~/{BUILT}/ours")
    one = cached(view, tmp_path / "cache")
    assert await shell(sandbox, one, line) == "ours\n"
    assert await shell(sandbox, one, f"cat ~/{BUILT}/ours") == "ours\n"


async def test_one_reads_what_lies_beneath_and_writes_beside_it(sandbox, view, tmp_path):
    if not sandbox.overlays:
        pytest.skip("no overlays can be mounted here")
    base, own, other = (tmp_path / name for name in ("base", "own", "other"))
    at = f"~/{BUILT}"
    await shell(sandbox, cached(view, base), f"echo base > {at}/a; echo base > ~/.cache/plain")
    assert await shell(sandbox, cached(view, own, base), f"cat {at}/theirs {at}/a ~/.cache/plain") == (
        "theirs\nbase\nbase\n"
    )
    await shell(
        sandbox,
        cached(view, own, base),
        f"echo forged > {at}/a; echo forged > ~/.cache/plain; rm {at}/theirs",
    )
    for one in (cached(view, other, base), cached(view, base)):
        assert await shell(sandbox, one, f"cat {at}/theirs {at}/a ~/.cache/plain") == "theirs\nbase\nbase\n"


async def test_a_tool_that_removes_what_it_has_not_used_for_days_keeps_the_persons(
    sandbox, view, home, tmp_path
):
    """Go does so when its note is a day old."""
    if not sandbox.overlays:
        pytest.skip("no overlays can be mounted here")
    (home / BUILT / "trim.txt").write_text("1")
    noted = await shell(sandbox, cached(view, tmp_path / "cache"), f"cat ~/{BUILT}/trim.txt")
    assert int(noted) > 1_700_000_000
    assert (home / BUILT / "trim.txt").read_text() == "1"


async def test_what_jest_compiled_is_found_by_the_user_inside(tmp_path, home, view):
    mine = tmp_path / "temporary" / ("jest_0" if os.getuid() == 0 else f"jest_{base36(os.getuid())}")
    mine.mkdir(parents=True)
    (mine / "compiled").write_text("theirs\n")
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "TMPDIR": str(mine.parent)}
    sandbox = await prove(tmp_path / "state", environment)
    seen = "jest_1eke" if os.getuid() == 0 else mine.name
    output = await shell(
        sandbox, cached(view, tmp_path / "cache"), f"cat /tmp/{seen}/compiled; touch /tmp/{seen}/new"
    )
    assert output == (
        "theirs\n" if sandbox.overlays else f"cat: /tmp/{seen}/compiled: No such file or directory\n"
    )
    assert [file.name for file in mine.iterdir()] == ["compiled"]


def base36(number: int) -> str:
    return (base36(number // 36) if number >= 36 else "") + "0123456789abcdefghijklmnopqrstuvwxyz"[
        number % 36
    ]
