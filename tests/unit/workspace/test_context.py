"""What a model is shown of a workspace before it asks."""

from pathlib import Path

import pytest

from wainwright.workspace.context import WHOLE_MAX, workspace
from wainwright.workspace.index import Indexes
from wainwright.workspace.native.ranking import Moment
from wainwright.workspace.repository import Repository

MODULES = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    (root / "shop").mkdir(parents=True)
    (root / "README.md").write_text("# Shop\n")
    (root / "shop" / "cart.py").write_text("class Cart:\n    def total(self):\n        return 1\n")
    (root / "shop" / "voucher.py").write_text("def apply_voucher(cart, code):\n    return cart.total()\n")
    return root


def large(folder: Path) -> Path:
    for module in range(MODULES):
        functions = (
            f"def number_{n}():\n    return {module}\n\n\n" for n in range(WHOLE_MAX // MODULES // 20)
        )
        (folder / "shop" / f"a{module:02}.py").write_text("".join(functions))
    return folder


def test_a_small_workspace_is_shown_whole(folder: Path, tmp_path: Path) -> None:
    shown = workspace(Indexes(tmp_path / "index").open(folder), "anything")
    assert "### Files (3)" in shown
    assert all(path.read_text().rstrip() in shown for path in folder.rglob("*.*"))


def test_of_a_large_one_the_places_are_shown_that_the_words_speak_of(folder: Path, tmp_path: Path) -> None:
    look = Indexes(tmp_path / "index").open(large(folder))
    shown = workspace(look, "apply a voucher twice", ["shop/cart.py"])
    assert "### shop/cart.py\n\n```\nclass Cart:" in shown, "what a task may write is shown whole"
    found = shown.partition("### Where the work seems to be")[2]
    assert "    1 def apply_voucher(cart, code):" in found
    assert "a59.py" not in found, "there is no room for everything"


def test_what_is_shown_whole_is_not_shown_again(folder: Path, tmp_path: Path) -> None:
    look = Indexes(tmp_path / "index").open(large(folder))
    shown = workspace(look, "apply a voucher twice", ["shop/voucher.py"])
    assert shown.count("### shop/voucher.py\n") == 1
    assert "### shop/voucher.py\n\n```\ndef apply_voucher" in shown
    assert "### shop/a" in shown.partition("### Where the work seems to be")[2], "others are found still"


def test_without_words_nothing_is_looked_for(folder: Path, tmp_path: Path) -> None:
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    shown = workspace(Indexes(tmp_path / "index").open(large(folder)), "")
    assert "shop/voucher.py" in shown, "it is named"
    assert 'name = "shop"' in shown
    assert "Where the work seems to be" not in shown


def test_the_place_where_the_person_stood_is_shown(folder: Path, tmp_path: Path) -> None:
    look = Indexes(tmp_path / "index").open(large(folder))
    goal = "this is wrong, mend it"
    assert "def total" not in workspace(look, goal)
    assert "    2     def total(self):" in workspace(look, goal, moment=Moment(cursor=("shop/cart.py", 2)))


def test_history_tells_where_something_was_done_before(folder: Path, tmp_path: Path) -> None:
    look = Indexes(tmp_path / "index").open(large(folder))
    repository = Repository(folder, tmp_path / "state")
    base = repository.snapshot("r1", {}).commit
    tree = repository.clone("r1", "task", base)
    (tree / "shop" / "cart.py").write_text((folder / "shop" / "cart.py").read_text() + "\n# kept\n")
    tip = repository.commit(tree, "Keep the invoices for ten years", "r1/task").commit
    look.ranker.read_history(repository.history(tip))
    assert "shop/cart.py" not in workspace(look, "invoices vanish", tip=base).partition("### Where")[2]
    assert "shop/cart.py" in workspace(look, "invoices vanish", tip=tip).partition("### Where")[2]


def test_the_same_tree_gives_the_same_words_whatever_was_asked_before(folder: Path, tmp_path: Path) -> None:
    indexes = Indexes(tmp_path / "one")
    look = indexes.open(large(folder))
    workspace(look, "number_7 and its cart")
    workspace(indexes.open(folder / "shop"), "voucher")
    again = workspace(look, "apply a voucher twice")
    assert again == workspace(Indexes(tmp_path / "two").open(folder), "apply a voucher twice")
