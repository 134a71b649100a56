"""A model's answer applied to a folder, as `wainwright apply` does it."""

from pathlib import Path

import pytest

from wainwright.domain.errors import InputError, StaleEdit
from wainwright.workspace.answers import difference, work_out, write
from wainwright.workspace.native import Applied, Refusal

ANSWER = "a.py\n<<<<<<< SEARCH\none = 1\n=======\none = 2\n>>>>>>> REPLACE\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    root.mkdir()
    (root / "a.py").write_text("one = 1\ntwo = 2\n")
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
