"""What an editor needs of the engine: exact texts, careful writing, and the way back."""

import asyncio
import sys

import pytest

from wainwright.domain.errors import OutsideBoundary
from wainwright.engine.editing import Editing, TextChange, line_hunks, merged
from wainwright.workspace.repository import Repository


@pytest.fixture
def editing(tmp_path):
    workspace, state = tmp_path / "shop", tmp_path / "state"
    workspace.mkdir()
    state.mkdir(mode=0o700)
    return Editing(workspace, state, Repository(workspace, state))


def change(path, before, after, **more):
    return TextChange(path=path, before=before, after=after, **more)


async def test_files_are_written_made_and_removed_together(editing):
    (editing.workspace / "a.txt").write_text("one\n")
    (editing.workspace / "gone.txt").write_text("gone\n")
    changes = [
        change("a.txt", "one\n", "two\r\n"),
        change("bin/run", None, "#!/bin/sh\n", executable=True),
        change("gone.txt", "gone\n", None),
    ]
    assert await editing.write(changes) == {}
    assert (editing.workspace / "a.txt").read_bytes() == b"two\r\n"
    assert (editing.workspace / "bin" / "run").stat().st_mode & 0o111
    assert not (editing.workspace / "gone.txt").exists()


async def test_what_a_dead_process_left_half_written_is_completed_at_the_next_start(editing, tmp_path):
    names = [f"f{number}.txt" for number in range(20)]
    for name in names:
        (editing.workspace / name).write_text("old")
    script = (
        "import os, sys, threading\nfrom wainwright.workspace.native import write_batch\n"
        "threading.Thread(target=lambda: (sys.stdin.read(1), os.kill(os.getpid(), 9)), daemon=True).start()\n"
        f"print(flush=True)\nfor text in [b'new', b'old'] * 5000:\n"
        f"    write_batch({str(editing.workspace)!r}, [(n, text, None) for n in {names!r}],"
        f" write_log={str(tmp_path / 'state')!r})\n"
    )
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdin=-1, stdout=-1)
    await child.stdout.readline()
    child.stdin.write(b"x")
    assert await child.wait() == -9
    await editing.recover()
    assert len({(editing.workspace / name).read_text() for name in names}) == 1
    assert {path.name for path in editing.workspace.iterdir()} == set(names)


async def test_a_file_that_changed_meanwhile_keeps_all_others_as_they_are(editing):
    (editing.workspace / "a.txt").write_text("one\n")
    (editing.workspace / "b.txt").write_text("somebody's\n")
    for stale in (change("b.txt", "mine\n", "new\n"), change("b.txt", None, "new\n"), change("c", "x", "y")):
        reasons = await editing.write([change("a.txt", "one\n", "two\n"), stale])
        assert reasons[stale.path] == "The file on disk has changed meanwhile."
        assert reasons["a.txt"].startswith("Left alone")
    assert (editing.workspace / "a.txt").read_text() == "one\n"
    assert (editing.workspace / "b.txt").read_text() == "somebody's\n"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell who has a file open")
async def test_a_file_that_is_being_written_is_named(editing):
    (editing.workspace / "a.txt").write_text("one\n")
    (editing.workspace / "b.txt").write_text("one\n")
    with (editing.workspace / "b.txt").open("a"):
        reasons = await editing.write([change(name, "one\n", "two\n") for name in ("a.txt", "b.txt")])
    assert reasons["b.txt"] == "Another program is writing to the file."
    assert reasons["a.txt"].startswith("Left alone")
    assert (editing.workspace / "a.txt").read_text() == "one\n"


def test_changes_of_other_lines_are_merged():
    base = "1\n2\n3\n4\n5\n"
    assert merged(base, base.replace("1", "I"), base.replace("4", "IV")) == "I\n2\n3\nIV\n5\n"
    assert merged(base, base.replace("1", "I"), base.replace("1", "one")) is None


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_half_a_character_stays_where_it_was_typed_and_the_change_comes_beside_it(end):
    base = end.join(["a \ufffd", "2", "3", "4"])
    ours, theirs = base.replace("\ufffd", "\ud83d"), base.replace("4", "four")
    assert merged(base, ours, theirs) == ours.replace("4", "four")
    assert merged(base, ours.replace("2", "\ude00"), theirs) == ours.replace("2", "\ude00").replace(
        "4", "four"
    )
    assert merged(base, ours.replace("4", "\ud83d"), theirs) is None
    assert [hunk.old_start for hunk in line_hunks(base, ours)] == [0]
    assert line_hunks(ours, ours) == ()


async def test_a_path_that_leads_out_is_refused(editing, tmp_path):
    (editing.workspace / "link").symlink_to(tmp_path)
    for path in ("../out.txt", "link/out.txt"):
        reason = (await editing.write([change(path, None, "x")]))[path]
        assert "could not be written" in reason or "not a path inside the workspace" in reason
        with pytest.raises(OutsideBoundary):
            await editing.put(path, "x")
    assert not (tmp_path / "out.txt").exists()


async def test_the_way_back_is_kept_for_later_servers_and_forgotten_when_it_was_gone(editing, tmp_path):
    changes = (change("a.txt", "two\n", "one\n"), change("b.txt", "new\n", None))
    assert await editing.undo("run-1") == ()
    await editing.keep_undo("run-1", changes)
    (kept,) = (tmp_path / "state" / "undo").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    again = Editing(editing.workspace, tmp_path / "state", Repository(editing.workspace, tmp_path / "state"))
    assert await again.undo("run-1") == changes
    kept.write_text("[{")
    assert await again.undo("run-1") == (), "a way back that cannot be read is in the way of nothing else"
    await editing.keep_undo("run-1", ())
    assert await again.undo("run-1") == ()


async def test_a_way_back_that_was_kept_for_a_write_that_did_not_happen_does_no_harm(editing):
    (editing.workspace / "a.txt").write_text("one\n")
    (editing.workspace / "b.txt").write_text("one\n")
    back = [change(name, "two\n", "one\n", pending=True) for name in ("a.txt", "b.txt")]
    made = change("made.txt", "new\n", None, pending=True)
    await editing.keep_undo("run-1", [*back, made])
    assert await editing.undo("run-1") == (), "nothing was written"
    (editing.workspace / "b.txt").write_text("two\n")
    assert await editing.undo("run-1") == (back[1],)
    (editing.workspace / "b.txt").write_text("three\n")
    assert await editing.undo("run-1") == (back[1],), "somebody has changed it since: they are asked"


async def test_the_text_before_is_what_was_on_disk(editing):
    (editing.workspace / "dos.txt").write_bytes(b"one\r\ntwo\r\n")
    (editing.workspace / "raw.bin").write_bytes(b"\xff\xfe")
    repository = Repository(editing.workspace, editing.workspace.parent / "state")
    base = repository.snapshot("run-1", {})
    (editing.workspace / "dos.txt").write_bytes(b"")
    (editing.workspace / "raw.bin").write_bytes(b"text\n")
    tip = repository.snapshot("run-2", {"unsaved.txt": "only in the buffer\n"})
    files = {file.path: file for file in repository.changeset(base.commit, tip.commit).files}
    assert await editing.text_before(base.commit, files["dos.txt"]) == "one\r\ntwo\r\n"
    assert await editing.text_before(base.commit, files["raw.bin"]) is None
    assert await editing.text_before(base.commit, files["unsaved.txt"]) is None
