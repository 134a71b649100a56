"""A model's answer applied to a folder, as `wainwright apply` does it."""

import os
from pathlib import Path

import pytest

from wainwright.domain.errors import InputError, StaleEdit
from wainwright.workspace.answers import difference, work_out, write
from wainwright.workspace.native import Applied, Refusal

SMALL = "one = 1\ntwo = 2\n"
ANSWER = "a.py\n<<<<<<< SEARCH\none = 1\n=======\none = 2\n>>>>>>> REPLACE\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    root.mkdir()
    (root / "a.py").write_text(SMALL)
    return root


def test_an_answer_is_shown_and_written(folder: Path, tmp_path: Path) -> None:
    outcome = work_out(folder, ANSWER)
    assert isinstance(outcome, Applied)
    assert (
        difference(folder, outcome)
        == "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-one = 1\n+one = 2\n two = 2\n"
    )
    assert (folder / "a.py").read_text() == "one = 1\ntwo = 2\n"
    write(folder, outcome, tmp_path)
    assert (folder / "a.py").read_text() == "one = 2\ntwo = 2\n"
    assert [path.name for path in folder.iterdir()] == ["a.py"], "nothing is left beside it"


def test_what_was_saved_after_the_answer_was_worked_out_stays(folder: Path, tmp_path: Path) -> None:
    outcome = work_out(folder, ANSWER)
    assert isinstance(outcome, Applied)
    (folder / "a.py").write_text("one = 1\ntwo = 22\n")
    with pytest.raises(StaleEdit, match=r"a\.py is not what was read"):
        write(folder, outcome, tmp_path)
    assert (folder / "a.py").read_text() == "one = 1\ntwo = 22\n"


def test_what_does_not_fit_is_refused(folder: Path) -> None:
    outcome = work_out(folder, ANSWER.replace("one = 1", "six = 6"))
    assert isinstance(outcome, Refusal)
    assert "a.py" in outcome.explain()


def test_a_protected_place_is_refused(folder: Path) -> None:
    (folder / "wainwright.toml").write_text("one = 1\n")
    with pytest.raises(InputError, match=r"wainwright\.toml is a protected place"):
        work_out(folder, ANSWER.replace("a.py", "wainwright.toml"))


def answers(path: str) -> dict[str, str]:
    """An edit of ``one = 1`` in each form that a model writes."""
    return {
        "search": ANSWER.replace("a.py", path),
        "file": f"<<<<<<< FILE {path}\none = 2\n>>>>>>> FILE\n",
        "delete": f"<<<<<<< DELETE {path}\n",
        "unified": f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-one = 1\n+one = 2\n",
        "v4a": f"*** Begin Patch\n*** Update File: {path}\n@@\n-one = 1\n+one = 2\n*** End Patch\n",
        "add": f"*** Begin Patch\n*** Add File: {path}\n+one = 2\n*** End Patch\n",
    }


@pytest.mark.parametrize("form", answers(""))
def test_what_cannot_be_read_is_named_and_no_file_of_that_name_elsewhere_is_meant(
    folder: Path, form: str
) -> None:
    (folder / "docs").mkdir()
    with (folder / "large.py").open("wb") as file:
        file.truncate(20_000_001)
    os.mkfifo(folder / "pipe.py")
    (folder / "out.py").symlink_to("/etc/hostname")
    (folder / "folder.py").mkdir()
    (folder / "wide.py").write_bytes(SMALL.encode("utf-16"))
    for path, told in {
        "large.py": "too large to be edited: 20,000,001 bytes",
        "pipe.py": "is a named pipe",
        "out.py": "is a link to /etc/hostname",
        "folder.py": "is a folder",
        "wide.py": "is not UTF-8 text but UTF-16 text",
    }.items():
        (folder / "docs" / path).write_text(SMALL)
        outcome = work_out(folder, answers(path)[form])
        assert isinstance(outcome, Refusal)
        assert outcome.reason in {"not_editable", "not_text"}
        assert path in outcome.explain()
        assert told in outcome.explain()


def test_one_function_or_one_file_of_what_cannot_be_read_is_refused(folder: Path) -> None:
    (folder / "wide.py").write_bytes(b"\xff\xfed\0")
    (folder / "out.py").symlink_to("/etc/hostname")
    for path in ("wide.py", "out.py"):
        for form in ("function", "file"):
            outcome = work_out(folder, "def f():\n    return 1\n", form=form, path=path, symbol="f")
            assert isinstance(outcome, Refusal)
            assert path in outcome.explain()


def test_a_link_is_followed_to_its_file_also_into_a_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "real").mkdir()
    (folder / "real" / "m.py").write_text(SMALL)
    (folder / "alias").symlink_to("real")
    (folder / "link.py").symlink_to("a.py")
    for path, meant in {"alias/m.py": "real/m.py", "link.py": "a.py"}.items():
        outcome = work_out(folder, answers(path)["search"])
        assert isinstance(outcome, Applied)
        assert list(outcome.changes) == [meant]
        write(folder, outcome, tmp_path)
        assert (folder / meant).read_text() == "one = 2\ntwo = 2\n"
    assert (folder / "link.py").is_symlink()


def test_a_link_into_a_protected_place_is_refused(folder: Path) -> None:
    (folder / "wainwright.toml").write_text(SMALL)
    (folder / "link.py").symlink_to("wainwright.toml")
    with pytest.raises(InputError, match=r"wainwright\.toml is a protected place"):
        work_out(folder, answers("link.py")["search"])


@pytest.mark.parametrize("form", ["file", "delete"])
def test_another_spelling_of_a_hidden_file_means_that(folder: Path, form: str) -> None:
    """No list of the tree holds it."""
    (folder / ".env").write_text("one = 1\n")
    outcome = work_out(folder, answers("./.ENV")[form])
    assert isinstance(outcome, Applied)
    assert list(outcome.changes) == [".env"]


def test_a_merge_conflict_is_resolved_by_a_block(folder: Path) -> None:
    conflict = "<<<<<<< HEAD\nb = 2\n=======\nb = 3\n>>>>>>> topic\n"
    (folder / "a.py").write_text(f"a = 1\n{conflict}c = 4\n")
    outcome = work_out(folder, f"<<<<<<< SEARCH a.py\n{conflict}=======\nb = 3\n>>>>>>> REPLACE\n")
    assert isinstance(outcome, Applied)
    assert outcome.changes == {"a.py": "a = 1\nb = 3\nc = 4\n"}
