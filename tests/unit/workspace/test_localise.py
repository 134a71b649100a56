import json
import os
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wainwright.cli.program import program
from wainwright.workspace.index import Indexes
from wainwright.workspace.localise import history, rank_cases, rank_commit, rank_workspace
from wainwright.workspace.native.ranking import Ranker
from wainwright.workspace.plumbing import GitDirectory

FILES = {
    "shop/cart.py": "class Cart:\n    def total(self):\n        return sum(i.price for i in self.items)\n",
    "shop/voucher.py": "def apply_voucher(cart, code):\n    return cart.total() - code.worth\n",
    "shop/store.py": "def save(order):\n    database.insert(order)\n",
    "tests/test_voucher.py": "def test_voucher():\n    assert apply_voucher(cart, code)\n",
}


def git(folder: Path, *arguments: str) -> str:
    names = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.fixture
def gits(tmp_path: Path) -> Path:
    """A folder with the repository me/shop: its second commit speaks of invoices."""
    folder = tmp_path / "gits" / "me+shop"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Start")
    (folder / "shop/cart.py").write_text(FILES["shop/cart.py"] + "\n# kept\n")
    git(folder, "commit", "-qam", "Keep the invoices for ten years")
    return tmp_path / "gits"


def case(gits: Path, revision: str, query: str, repo: str = "me/shop") -> str:
    base = git(gits / "me+shop", "rev-parse", revision)
    return json.dumps({"id": f"{revision}-{repo}", "repo": repo, "base": base, "query": query})


def test_a_batch_ranks_each_tree_with_its_own_history(gits: Path) -> None:
    query = "Invoices vanish"
    now, before = rank_cases([case(gits, "HEAD", query), case(gits, "HEAD~1", query)], gits)
    assert now.ranking is not None
    assert before.ranking is not None
    assert now.ranking["files"][0] == "shop/cart.py"
    assert set(now.ranking) == {"id", "files", "functions", "seconds"}
    assert now.ranking["files"] != before.ranking["files"]


def test_a_missing_repository_hurts_no_other_case(gits: Path) -> None:
    lines = [case(gits, "HEAD", "voucher", repo="no/such"), case(gits, "HEAD", "apply the voucher to a cart")]
    located = list(rank_cases(lines, gits))
    (error,) = [one.error for one in located if one.ranking is None]
    assert error.startswith(f"HEAD-no/such: no repository no/such below {gits}")
    ranked = [one.ranking for one in located if one.ranking is not None]
    assert ranked[0]["files"][0] == "shop/voucher.py"
    assert ranked[0]["functions"][0] == {"file": "shop/voucher.py", "name": "apply_voucher"}


def test_a_folder_is_ranked_as_it_is_on_disk(gits: Path, tmp_path: Path) -> None:
    folder = gits / "me+shop"
    (folder / "shop/refund.py").write_text("def refund(order):\n    pass\n")
    ranking = rank_workspace(Indexes(tmp_path / "index").open(folder), "Refund an order")
    assert ranking.files[0].path == "shop/refund.py"
    assert ranking.functions[0].name == "refund"


@pytest.mark.parametrize("query", ["Invoices vanish", "apply the voucher to a cart", "save `Cart` twice"])
def test_a_folder_and_its_commit_rank_alike(gits: Path, tmp_path: Path, query: str) -> None:
    folder = gits / "me+shop"
    git_folder, tip = GitDirectory(folder / ".git"), git(folder, "rev-parse", "HEAD")
    ranker = Ranker()
    ranker.read_history(history(git_folder, [tip]))
    of_commit = rank_commit(git_folder, ranker, tip, query, 50)
    look = Indexes(tmp_path / "index").open(folder)
    assert rank_workspace(look, query) == of_commit
    assert rank_workspace(look, query) == of_commit


def test_a_change_on_disk_is_ranked_by_the_same_look(gits: Path, tmp_path: Path) -> None:
    folder = gits / "me+shop"
    look = Indexes(tmp_path / "index").open(folder)
    rank_workspace(look, "Refund an order")
    (folder / "shop/refund.py").write_text("def refund(order):\n    pass\n")
    look.index.refresh()
    ranking = rank_workspace(look, "Refund an order")
    assert ranking.functions[0].path == "shop/refund.py"


def test_the_command_prints_one_object(gits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    found = CliRunner().invoke(
        program(), ["context", "apply the voucher", "-w", str(gits / "me+shop"), "--json"]
    )
    assert found.exit_code == 0, found.output
    answer = json.loads(found.output.splitlines()[-1])
    assert answer["files"][0]["path"] == "shop/voucher.py"
    assert set(answer["files"][0]) >= {"path", "score", "why"}
    assert set(answer["functions"][0]) == {"path", "name", "start_line", "end_line", "score"}


def test_a_goal_without_words_is_refused(gits: Path) -> None:
    found = CliRunner().invoke(program(), ["context", " \n", "-w", str(gits / "me+shop")])
    assert found.exit_code == 2
    assert "say in words" in found.output
