"""Files go back to checkpoints, and back again; what the person changed is never lost."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue
from tests.fixtures.delivered import Delivered

from wainwright.domain.errors import InputError, WorkspaceError
from wainwright.engine.editing import Editing, TextChange
from wainwright.engine.rewinding import Preview, Rewinding, shown
from wainwright.journal import Spend, Steps
from wainwright.sandbox.clearing import remove
from wainwright.workspace import plumbing
from wainwright.workspace.checkpoints import FOLDER

pytestmark = pytest.mark.asyncio(loop_scope="session")
CODE, TESTS = "calc/__init__.py", "tests/test_add.py"


@pytest.fixture
def rewinding(it: Delivered) -> Rewinding:
    it.git("merge", "--quiet", it.branch)
    remove(it.parts.state / FOLDER)
    return another(it)


def another(it: Delivered) -> Rewinding:
    """As another process has it."""
    parts = it.parts
    return Rewinding(parts, Editing(parts.workspace, parts.state, parts.repository))


def store(it: Delivered, name: str) -> Path:
    return it.parts.state / FOLDER / name


def no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: Any, **_: Any) -> None:
        raise AssertionError(f"git was asked: {words}")

    monkeypatch.setattr(plumbing.GitDirectory, "run", refuse)


def read(it: Delivered) -> dict[str, str]:
    return {path: (it.workspace / path).read_text() for path in (CODE, TESTS)}


async def go(rewinding: Rewinding, name: str, *overwrite: str) -> tuple[Preview, str]:
    done = await rewinding.rewind(await rewinding.look(name, overwrite))
    return done.preview, done.back


async def test_each_task_and_the_state_before_are_checkpoints(it: Delivered, rewinding: Rewinding) -> None:
    found = [one for one in await rewinding.checkpoints() if one.name.startswith(it.run)]
    assert [one.name for one in found] == [f"{it.run}@1", f"{it.run}@0"]
    assert [one.what for one in found] == ["after add, as it was delivered", "before its change"]


async def test_back_to_before_the_change_and_back_again(it: Delivered, rewinding: Rewinding) -> None:
    delivered = read(it)
    (it.workspace / "mine.txt").write_text("mine\n")
    preview, back = await go(rewinding, f"{it.run}@0")
    assert [line.split("  ")[0] for line in shown(preview)] == [f"M {CODE}", f"M {TESTS}"]
    assert it.git("diff", "--stat", f"{it.branch}~1", "--", CODE, TESTS) == ""
    assert (it.workspace / "mine.txt").read_text() == "mine\n"
    await go(rewinding, back)
    assert read(it) == delivered
    again = await rewinding.look(back)
    assert again.preview.files == ()


async def test_what_the_person_changed_is_named_and_left(it: Delivered, rewinding: Rewinding) -> None:
    mine = "# mine\n" + (it.workspace / CODE).read_text()
    (it.workspace / CODE).write_text(mine)
    preview, _ = await go(rewinding, f"{it.run}@0")
    assert [one.path for one in preview.left] == [CODE]
    assert f"  {CODE}: you changed it since; it is left as it is" in shown(preview)
    assert [one.path for one in preview.doing] == [TESTS]
    assert (it.workspace / CODE).read_text() == mine

    _, back = await go(rewinding, f"{it.run}@0", CODE)
    assert "def add(a: int, b: int)" in (it.workspace / CODE).read_text()
    await go(rewinding, back)
    assert (it.workspace / CODE).read_text() == mine


async def test_what_is_unsaved_counts_as_changed(it: Delivered, rewinding: Rewinding) -> None:
    planned = await rewinding.look(f"{it.run}@0", unsaved={CODE: "unsaved\n"})
    assert [one.path for one in planned.preview.left] == [CODE]


async def test_a_file_that_is_saved_between_the_look_and_the_rewind_keeps_all_as_it_is(
    it: Delivered, rewinding: Rewinding
) -> None:
    planned = await rewinding.look(f"{it.run}@0")
    kept = len(await rewinding.checkpoints())
    (it.workspace / TESTS).write_text("saved at this moment\n")
    before = read(it)
    done = await rewinding.rewind(planned)
    assert done.back == ""
    assert TESTS in done.reason
    assert read(it) == before
    assert len(await rewinding.checkpoints()) == kept


async def test_files_that_the_change_made_or_took_away_go_and_come(
    it: Delivered, rewinding: Rewinding
) -> None:
    (it.workspace / CODE).unlink()
    preview, back = await go(rewinding, f"{it.run}@1", CODE)
    assert [one.kind for one in preview.doing] == ["create"]
    await go(rewinding, back)
    assert not (it.workspace / CODE).exists()


async def test_another_name_is_refused(rewinding: Rewinding, it: Delivered) -> None:
    for name in ("nothing", f"{it.run}@9", "rewind-999"):
        with pytest.raises(InputError, match="There is no checkpoint"):
            await rewinding.look(name)
    with pytest.raises(InputError, match="not a file of"):
        await rewinding.look(f"{it.run}@0", ["other.py"])


# ---- kept natively, whatever happens meanwhile


async def test_what_landed_is_kept_when_it_lands_and_git_is_asked_for_nothing_later(
    it: Delivered, rewinding: Rewinding, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fact in it.parts.journal.events(it.run):
        rewinding.heard(it.run, fact)
    await rewinding.settle()
    no_git(monkeypatch)
    delivered = read(it)
    _, back = await go(another(it), f"{it.run}@0")
    assert read(it) != delivered
    await go(rewinding, back)
    assert read(it) == delivered


async def test_a_checkpoint_of_an_earlier_session_is_gone_to_all_the_same(
    it: Delivered, rewinding: Rewinding
) -> None:
    # Nobody heard of the landing: the process was killed before it was kept, or is of an earlier version.
    assert not store(it, "list").exists()
    delivered = read(it)
    _, back = await go(rewinding, f"{it.run[:-2]}@0")
    await go(another(it), back)
    assert read(it) == delivered


async def test_a_line_that_was_cut_off_by_a_kill_counts_as_never_written(
    it: Delivered, rewinding: Rewinding
) -> None:
    names = [one.name for one in await rewinding.checkpoints()]
    whole = store(it, "list").read_bytes()
    for length in range(0, len(whole), 211):
        store(it, "list").write_bytes(whole[:length])
        again = another(it)
        assert [one.name for one in await again.checkpoints()] == names
        assert len((await again.look(f"{it.run}@0")).steps) == 2


@pytest.mark.parametrize("left", [0, 50], ids=["all", "most"])
async def test_what_a_power_cut_took_from_the_snapshots_is_taken_from_the_commits_again(
    it: Delivered, rewinding: Rewinding, left: int
) -> None:
    planned = await rewinding.look(f"{it.run}@0")
    pack = store(it, "objects")
    pack.write_bytes(pack.read_bytes()[:left])
    assert await another(it).look(f"{it.run}@0") == planned


async def test_what_was_kept_before_a_rewind_and_is_damaged_is_told(
    it: Delivered, rewinding: Rewinding
) -> None:
    (it.workspace / CODE).write_text("mine\n")
    _, back = await go(rewinding, f"{it.run}@0", CODE)
    pack = store(it, "objects")
    pack.write_bytes(pack.read_bytes().replace(b"mine\n", b"MINE\n"))
    with pytest.raises(WorkspaceError, match="damaged"):
        await another(it).look(back)


async def test_two_processes_number_what_they_keep_apart(it: Delivered, rewinding: Rewinding) -> None:
    planned = await rewinding.look(f"{it.run}@0")
    both = [rewinding, another(it)]
    names = await asyncio.gather(*(both[at % 2].keep(planned, "person") for at in range(8)))
    assert sorted(names) == [f"rewind-{number}" for number in range(1, 9)]
    await rewinding.forget("rewind-8", "nobody wants it", "person")
    assert {one.name for one in await both[1].checkpoints() if one.name.startswith("rewind")} == {*names} - {
        "rewind-8"
    }


async def test_what_a_change_met_in_an_open_text_can_be_gone_back_to(
    it: Delivered, rewinding: Rewinding
) -> None:
    made_for, mine = read(it)[CODE], "# typed meanwhile\n" + read(it)[CODE]
    change = TextChange(path=CODE, before=mine, after=f"{mine}# and merged\n")
    await rewinding.changed(it.run, [change])
    (it.workspace / CODE).write_text(change.after or "")
    newest = (await rewinding.checkpoints())[0]
    assert (newest.name, newest.what) == (
        "applied-1",
        f"before the change of {it.run} was put into your files",
    )
    # It is the change's own: nothing of it counts as the person's.
    preview, back = await go(rewinding, f"{it.run}@0")
    assert not preview.left
    await go(rewinding, back)
    await go(rewinding, "applied-1")
    assert read(it)[CODE] == mine
    # Where it met what it was made for, the run's own checkpoints say it all.
    await rewinding.changed(it.run, [change.model_copy(update={"before": made_for, "after": made_for})])
    assert (await rewinding.checkpoints())[0].name != "applied-2"


async def test_another_landing_is_seen_and_what_is_not_one_is_not_looked_at(
    it: Delivered, rewinding: Rewinding, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rewinding.checkpoints()
    journal = it.parts.journal
    lease = journal.claim(it.run)

    async def look(_key: str) -> tuple[JsonValue, Spend]:
        return "seen", Spend()

    await Steps(journal, lease, "/later").step("look", inputs=None, effect="read", act=look)
    journal.release(lease)
    no_git(monkeypatch)
    monkeypatch.setattr(journal, "events", None)
    assert len((await rewinding.look(f"{it.run}@0")).steps) == 2
