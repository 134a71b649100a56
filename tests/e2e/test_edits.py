"""Changesets meet editors: what the person typed survives, and the outcome is told as it is."""

import hashlib

import pytest
from editors import Eglot, Helix, IntelliJ, Lsp4ij, Neovim, VsCode

BASE = "one\ntwo\nthree 😀\nfour\nfive\nsix\nseven\n"
WANTED = BASE.replace("two", "TWO").replace("six\n", "six\n😀 six and a half\n")
EDITORS = [VsCode, Neovim, Eglot]


async def apply(editor, *edits, **more):
    return await editor.client.command("probe.apply", edits=list(edits), **more)


def edit(path, before=BASE, after=WANTED):
    return {"path": str(path), "before": before, "after": after}


def reason(result, name):
    return result["files"][name]["reason"]


@pytest.mark.parametrize("kind", EDITORS)
async def test_an_open_file_is_edited_through_the_editor_alone(start, tmp_path, kind):
    path = tmp_path / "open.txt"
    path.write_text(BASE)
    editor = await kind.connect(start)
    editor.open(path, BASE)
    result = await apply(editor, edit(path))
    assert result == {
        "status": "applied",
        "files": {"open.txt": {"applied": True, "rebased": False, "reason": ""}},
    }
    assert editor.text(path) == WANTED
    assert path.read_text() == BASE, "saving is the person's business"
    (sent,) = editor.edits
    (document,) = sent["edit"]["documentChanges"]
    assert document["textDocument"]["version"] == kind.first_version
    assert len(document["edits"]) == 2, "two small hunks, not the whole file"
    assert "changeAnnotations" not in sent["edit"], "an annotation makes Neovim wait for a key"
    assert await editor.client.leave() == 0


@pytest.mark.parametrize("kind", EDITORS)
async def test_two_edits_in_a_row_are_each_made_against_the_text_that_is_there(start, tmp_path, kind):
    path = tmp_path / "open.txt"
    editor = await kind.connect(start)
    editor.open(path, BASE)
    assert (await apply(editor, edit(path)))["status"] == "applied"
    again = WANTED.replace("one", "zero\none")
    assert (await apply(editor, edit(path, WANTED, again)))["status"] == "applied"
    assert editor.text(path) == again
    assert await editor.client.leave() == 0


@pytest.mark.parametrize("kind", EDITORS)
async def test_typing_in_other_lines_moves_the_edit_along(start, tmp_path, kind):
    path = tmp_path / "open.txt"
    editor = await kind.connect(start)
    editor.open(path, BASE)
    editor.type(path, "four", "typed\nfour, typed too")
    await editor.told()
    result = await apply(editor, edit(path))
    assert result["status"] == "applied"
    assert result["files"]["open.txt"]["rebased"]
    assert editor.text(path) == WANTED.replace("four", "typed\nfour, typed too")
    assert await editor.client.leave() == 0


LONG = "".join(f"line {number} 😀é\n" for number in range(1, 41))


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("kind", EDITORS)
async def test_typing_between_two_far_places_of_a_change_is_kept(start, tmp_path, kind, end):
    """The agent has changed lines 2 and 38, and the person types in line 20."""
    path = tmp_path / "open.txt"
    base = LONG.replace("\n", end)
    wanted = base.replace("line 2 ", "LINE 2 ").replace("line 38 ", "LINE 38 ")
    editor = await kind.connect(start)
    editor.open(path, base)
    editor.type(path, "line 20 😀", "line 20 😀, typed")
    await editor.told()
    result = await apply(editor, edit(path, base, wanted))
    assert result["files"]["open.txt"] == {"applied": True, "rebased": True, "reason": ""}
    assert editor.text(path) == wanted.replace("line 20 😀", "line 20 😀, typed")
    (document,) = editor.edits[-1]["edit"]["documentChanges"]
    lines = [(one["range"]["start"]["line"], one["range"]["end"]["line"]) for one in document["edits"]]
    assert sorted(lines) == [(1, 2), (37, 38)], "small edits, not one large one"
    assert await editor.client.leave() == 0


async def test_half_a_character_that_an_editor_sent_stops_no_edit(start, tmp_path):
    path = tmp_path / "open.txt"
    editor = await VsCode.connect(start)
    text = "one \ud83d\ntwo\n"
    uri = editor.open(path, "one\ntwo\n")
    editor.client.notify(
        "textDocument/didChange",
        {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": text}]},
    )
    editor.documents[uri].text, editor.documents[uri].version = text, 2
    result = await apply(editor, edit(path, text, text.replace("two", "TWO")))
    assert result["files"]["open.txt"] == {"applied": True, "rebased": True, "reason": ""}
    assert editor.text(path) == text.replace("two", "TWO")
    assert await editor.client.leave() == 0


async def test_typing_in_the_same_lines_refuses_the_edit(start, tmp_path):
    path, other = tmp_path / "open.txt", tmp_path / "closed.txt"
    other.write_text(BASE)
    editor = await VsCode.connect(start)
    editor.open(path, BASE)
    editor.type(path, "two", "two, typed")
    result = await apply(editor, edit(path), edit(other))
    assert result["status"] == "refused"
    assert reason(result, "open.txt") == "The same lines have been changed meanwhile."
    assert reason(result, "closed.txt") == "Left alone, because another file of the change is refused."
    assert other.read_text() == BASE
    assert editor.edits == []
    assert await editor.client.leave() == 0


async def test_a_conflict_in_one_file_stops_no_other_where_each_is_taken_by_itself(start, tmp_path):
    path, other, closed, full = (
        tmp_path / name for name in ("open.txt", "other.txt", "closed", "unwritable")
    )
    closed.write_text(BASE)
    full.write_text(BASE)
    editor = await VsCode.connect(start)
    editor.open(path, BASE)
    editor.open(other, BASE)
    editor.type(path, "two", "two, typed")
    await editor.told()
    result = await apply(editor, edit(path), edit(other), edit(closed), edit(full), apart=True)
    assert result["status"] == "partial"
    assert reason(result, "open.txt") == "The same lines have been changed meanwhile."
    assert reason(result, "unwritable") == "The disk is full."
    assert (editor.text(other), closed.read_text()) == (WANTED, WANTED)
    assert editor.text(path) == BASE.replace("two", "two, typed")
    # The person types into one file while the edit is on its way, in its lines: the other is sent again.
    editor.type(other, "four", "4")
    await editor.told()
    again = WANTED.replace("four", "4").replace("one", "ONE")
    late = BASE.replace("two", "two, typed").replace("one", "ONE")
    editor.before_apply = lambda: editor.type(path, "one", "1") if "one" in editor.text(path) else None
    edits = [edit(path, BASE.replace("two", "two, typed"), late), edit(other, editor.text(other), again)]
    result = await apply(editor, *edits, apart=True)
    assert (result["status"], editor.text(other)) == ("partial", again)
    assert reason(result, "open.txt") == "The same lines have been changed meanwhile."
    assert await editor.client.leave() == 0


@pytest.mark.parametrize("kind", [VsCode, Eglot, Helix, Neovim])
async def test_an_edit_that_somebody_typed_before_is_moved_along_and_sent_again(start, tmp_path, kind):
    path, closed = tmp_path / "open.txt", tmp_path / "closed.txt"
    closed.write_text(BASE)
    editor = await kind.connect(start)
    editor.open(path, BASE)
    editor.type(path, "four", "fourth")  # Neovim looks at no version of a text that was never changed
    await editor.told()
    editor.before_apply = lambda: editor.type(path, "fourth", "4") if "fourth" in editor.text(path) else None
    result = await apply(editor, edit(path), edit(closed))
    assert (result["status"], len(editor.edits)) == ("applied", 2)
    assert result["files"]["open.txt"]["rebased"]
    assert editor.text(path) == WANTED.replace("four", "4")
    assert closed.read_text() == WANTED
    editor.before_apply = lambda: editor.type(path, "4", "IV") if "4" in editor.text(path) else None
    assert (await editor.client.command("probe.revert"))["status"] == "refused"
    assert editor.text(path) == WANTED.replace("four", "IV"), "what is not to move is not"
    assert await editor.client.leave() == 0


async def test_who_types_on_and_on_is_told_so_and_nothing_is_lost(start, tmp_path):
    path, closed = tmp_path / "open.txt", tmp_path / "closed.txt"
    closed.write_text(BASE)
    editor = await VsCode.connect(start)
    editor.open(path, BASE)
    editor.before_apply = lambda: editor.change(f"file://{path}", editor.text(path) + "typed\n")
    result = await apply(editor, edit(path), edit(closed))
    assert (result["status"], len(editor.edits)) == ("refused", 3)
    assert reason(result, "open.txt") == "The editor did not apply the edit: it has changed meanwhile."
    assert reason(result, "closed.txt") == "Left alone, because the editor did not take its part."
    assert (editor.text(path), closed.read_text()) == (BASE + "typed\n" * 3, BASE)
    assert await editor.client.leave() == 0


async def test_a_file_that_is_closed_before_its_edit_is_sent_again_is_told_as_that(start, tmp_path):
    path = tmp_path / "open.txt"
    path.write_text(BASE)
    editor = await VsCode.connect(start)
    editor.open(path, BASE)

    def leave():
        editor.type(path, "four", "4")
        editor.client.notify("textDocument/didClose", {"textDocument": {"uri": f"file://{path}"}})

    editor.before_apply = leave
    result = await apply(editor, edit(path))
    assert reason(result, "open.txt") == "The file was closed while it was edited."
    assert (path.read_text(), len(editor.edits)) == (BASE, 1)
    assert await editor.client.leave() == 0


async def test_a_way_back_is_not_moved_along_where_an_editor_looks_at_no_version(start, tmp_path):
    path = tmp_path / "open.txt"
    editor = await IntelliJ.connect(start)
    editor.open(path, BASE)
    assert (await apply(editor, edit(path)))["status"] == "applied"
    typed = "typed\n" + editor.text(path)
    editor.before_apply = lambda: (
        editor.change(f"file://{path}", typed) if "typed" not in editor.text(path) else None
    )
    result = await editor.client.command("probe.revert")
    assert (result["status"], reason(result, "open.txt")) == (
        "refused",
        "The text has changed since the change was made.",
    )
    assert editor.text(path) == typed
    assert await editor.client.leave() == 0


@pytest.mark.parametrize("kind", [VsCode, Eglot])
async def test_typing_that_the_server_has_not_heard_of_yet_is_protected_by_the_version(start, tmp_path, kind):
    path = tmp_path / "open.txt"
    editor = await kind.connect(start)
    editor.open(path, BASE)
    typed = BASE.replace("two", "two, just typed")
    editor.before_apply = lambda: editor.change(f"file://{path}", typed)
    editor.delay = 0.1
    result = await apply(editor, edit(path))
    assert result["status"] == "refused"
    assert reason(result, "open.txt") == "The same lines have been changed meanwhile."
    assert editor.text(path) == typed
    assert await editor.client.leave() == 0


async def test_neovim_skips_a_stale_edit_and_says_it_was_applied(start, tmp_path):
    path = tmp_path / "open.txt"
    editor = await Neovim.connect(start)
    editor.open(path, BASE)
    editor.type(path, "four", "4")
    await editor.told()
    typed = editor.text(path).replace("two", "two, just typed")
    editor.before_apply = lambda: editor.change(f"file://{path}", typed)
    result = await apply(editor, edit(path))
    assert reason(result, "open.txt") == "The same lines have been changed meanwhile."
    assert len(editor.edits) == 1
    assert editor.text(path) == typed
    assert await editor.client.leave() == 0


async def test_neovim_spoils_a_second_stale_document_and_the_person_is_told(start, tmp_path):
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    closed = tmp_path / "closed.txt"
    closed.write_text(BASE)
    editor = await Neovim.connect(start)
    editor.open(first, BASE)
    editor.open(second, BASE)
    editor.before_apply = lambda: editor.change(f"file://{second}", "typed above\n" + BASE)
    result = await apply(editor, edit(first), edit(second), edit(closed))
    assert result["status"] == "partial"
    assert result["files"]["first.txt"]["applied"]
    assert "look at it before you save" in reason(result, "second.txt")
    assert closed.read_text() == BASE
    assert await editor.client.leave() == 0


async def test_an_editor_that_claims_success_and_does_nothing_is_found_out(start, tmp_path):
    path, closed = tmp_path / "open.txt", tmp_path / "closed.txt"
    closed.write_text(BASE)
    editor = await Lsp4ij.connect(start)
    editor.open(path, BASE)
    result = await apply(editor, edit(path), edit(closed))
    assert result["status"] == "refused"
    assert reason(result, "open.txt") == "The editor did not apply the edit."
    assert closed.read_text() == BASE
    assert await editor.client.leave() == 0


async def test_a_person_who_says_no_is_heard(start, tmp_path):
    path = tmp_path / "open.txt"
    editor = await Eglot.connect(start)
    editor.consent = False
    editor.open(path, BASE)
    result = await apply(editor, edit(path))
    assert reason(result, "open.txt") == "The editor did not apply the edit: User refused"
    assert await editor.client.leave() == 0


@pytest.mark.parametrize("kind", [VsCode, Neovim])
async def test_typing_right_after_the_edit_does_not_hide_its_success(start, tmp_path, kind):
    """Neovim reports the edit and the typing in one notification."""
    path = tmp_path / "open.txt"
    editor = await kind.connect(start)
    editor.open(path, BASE)
    editor.after_apply = lambda: editor.type(path, "four", "four, typed")
    result = await apply(editor, edit(path))
    assert result["status"] == "applied"
    editor.after_apply = lambda: None
    assert (await editor.client.command("probe.revert"))["status"] == "applied"
    assert editor.text(path) == BASE.replace("four", "four, typed"), "taking back keeps what was typed"
    assert await editor.client.leave() == 0


async def test_files_that_are_not_open_are_written_changed_created_and_deleted_on_disk(start, tmp_path):
    changed, created, deleted = tmp_path / "changed", tmp_path / "new" / "created", tmp_path / "deleted"
    changed.write_bytes(BASE.replace("\n", "\r\n").encode())
    deleted.write_text(BASE)
    editor = await VsCode.connect(start)
    edits = [
        edit(changed, BASE.replace("\n", "\r\n"), WANTED.replace("\n", "\r\n")),
        edit(created, None, WANTED),
        {"path": str(deleted), "sha256": hashlib.sha256(BASE.encode()).hexdigest(), "after": None},
    ]
    assert (await apply(editor, *edits))["status"] == "applied"
    assert changed.read_bytes() == WANTED.replace("\n", "\r\n").encode()
    assert created.read_text() == WANTED
    assert not deleted.exists()
    assert editor.edits == []
    assert (await editor.client.command("probe.revert"))["status"] == "applied"
    assert changed.read_bytes() == BASE.replace("\n", "\r\n").encode()
    assert not created.exists()
    assert deleted.read_text() == BASE
    assert await editor.client.leave() == 0


async def test_reverting_is_refused_when_the_text_has_changed_since(start, tmp_path):
    path, closed = tmp_path / "open.txt", tmp_path / "closed.txt"
    closed.write_text(BASE)
    editor = await VsCode.connect(start)
    editor.open(path, BASE)
    assert (await apply(editor, edit(path), edit(closed)))["status"] == "applied"
    closed.write_text("something else")
    result = await editor.client.command("probe.revert")
    assert result["status"] == "refused"
    assert reason(result, "closed.txt") == "The text has changed since the change was made."
    assert editor.text(path) == WANTED
    assert await editor.client.leave() == 0


@pytest.mark.parametrize(
    ("on_disk", "before", "after", "expected"),
    [
        (BASE, None, "new", "There is a file of this name already."),
        (None, BASE, WANTED, "The file is gone."),
        ("other", BASE, None, "The text has changed since the change was made."),
        (b"\xff\xfe", BASE, WANTED, "The file is not UTF-8 text."),
        (BASE.replace("two", "2"), BASE, WANTED, "The same lines have been changed meanwhile."),
    ],
)
async def test_a_file_that_is_not_as_expected_is_left_alone(
    start, tmp_path, on_disk, before, after, expected
):
    path = tmp_path / "file"
    if on_disk is not None:
        path.write_bytes(on_disk if isinstance(on_disk, bytes) else on_disk.encode())
    editor = await VsCode.connect(start)
    result = await apply(editor, edit(path, before, after))
    assert (result["status"], reason(result, "file")) == ("refused", expected)
    assert await editor.client.leave() == 0


async def test_a_disk_that_refuses_makes_the_outcome_partial(start, tmp_path):
    path, full = tmp_path / "open.txt", tmp_path / "unwritable"
    full.write_text(BASE)
    editor = await VsCode.connect(start)
    editor.open(path, BASE)
    result = await apply(editor, edit(path), edit(full))
    assert result["status"] == "partial"
    assert reason(result, "unwritable") == "The disk is full."
    assert await editor.client.leave() == 0


async def test_deleting_a_file_that_is_open_with_unsaved_text_is_refused(start, tmp_path):
    path = tmp_path / "open.txt"
    path.write_text("saved\n")
    editor = await VsCode.connect(start)
    editor.open(path, BASE)
    result = await apply(editor, edit(path, BASE, None))
    assert reason(result, "open.txt") == "The file is open and has unsaved changes."
    assert path.exists()
    assert await editor.client.leave() == 0


async def test_a_client_without_apply_edit_gets_saved_files_on_disk(client, tmp_path):
    path = tmp_path / "open.txt"
    path.write_text(BASE)
    item = {"uri": f"file://{path}", "languageId": "x", "version": 1, "text": BASE}
    client.notify("textDocument/didOpen", {"textDocument": item})
    result = await client.command("probe.apply", edits=[edit(path)])
    assert result["status"] == "applied"
    assert path.read_text() == WANTED
    assert await client.leave() == 0


async def test_an_open_file_is_found_through_a_link_and_a_strange_spelling(start, tmp_path):
    folder = tmp_path / "a b%"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    path = folder / "ü.txt"
    path.write_text(BASE)
    editor = await VsCode.connect(start)
    editor.open(str(path).replace("%", "%25").replace(" ", "%20").replace("ü", "%c3%bc"), BASE)
    result = await apply(editor, edit(tmp_path / "link" / "ü.txt"))
    assert result["status"] == "applied"
    assert path.read_text() == BASE
    assert await editor.client.leave() == 0


async def test_the_same_file_twice_is_refused(start, tmp_path):
    path = tmp_path / "file"
    path.write_text(BASE)
    editor = await VsCode.connect(start)
    result = await apply(editor, edit(path), edit(path))
    assert result["status"] == "refused"
    assert await editor.client.leave() == 0


@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize("swapped", ["folder", "folder/a.txt"])
async def test_nothing_is_taken_back_through_a_link_that_was_put_there_since(
    start, tmp_path, opened, swapped
):
    root, outside = tmp_path / "root", tmp_path / "outside"
    path = root / "folder/a.txt"
    for place in (path, outside / "folder/a.txt"):
        place.parent.mkdir(parents=True)
        place.write_text(BASE)
    editor = await VsCode.connect(start)
    if opened:
        editor.open(path, BASE)
    assert (await apply(editor, edit(path), root=str(root)))["status"] == "applied"
    (outside / "folder/a.txt").write_text(WANTED)
    sent = len(editor.edits)
    (root / swapped).rename(root / "moved")
    (root / swapped).symlink_to(outside / swapped)
    result = await editor.client.command("probe.revert")
    assert reason(result, "a.txt") == "It is a protected place, or not a path inside the workspace."
    assert (outside / "folder/a.txt").read_text() == WANTED
    assert len(editor.edits) == sent
    assert await editor.client.leave() == 0
