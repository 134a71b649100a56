"""Files that git has although a rule ignores them are found like any other."""

from pathlib import Path

import pytest
from tests.fixtures.person import Git, write

from wainwright.workspace.index import Indexes
from wainwright.workspace.repository import Repository

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.usefixtures("started")
def test_in_the_persons_folder(workspace: Path, git: Git, tmp_path: Path) -> None:
    write(workspace, {"build/kept.py": "def zebra(): pass\n", "build/other.py": "def zebra(): pass\n"})
    git("add", "-f", "build/kept.py")
    for _ in range(2):  # a second process finds what the first has saved
        look = Indexes(tmp_path / "index").open(workspace)
        assert [hit.path for hit in look.index.search("zebra")] == ["build/kept.py"]
        look.index.save()
    git("rm", "-q", "--cached", "build/kept.py")
    assert not Indexes(tmp_path / "index").open(workspace).index.search("zebra").hits
    git("add", "-f", "build/other.py")
    look = Indexes(tmp_path / "index").open(workspace)
    assert [hit.path for hit in look.index.search("zebra")] == ["build/other.py"]


@pytest.mark.asyncio
@pytest.mark.usefixtures("started")
async def test_in_a_tasks_tree(workspace: Path, git: Git, repository: Repository, tmp_path: Path) -> None:
    write(workspace, {"build/kept.py": "def zebra(): pass\n"})
    git("add", "-f", "build/kept.py")
    tree = repository.clone("r1", "t", repository.snapshot("r1", {}).commit)
    write(tree, {"build/left.py": "def zebra(): pass\n"})
    indexes = Indexes(tmp_path / "index")
    look = await indexes.at(tree)
    assert [hit.path for hit in look.index.search("zebra")] == ["build/kept.py"]
    repository.commit(tree, "one more", "r1/t/1", ["build/left.py"])
    look = await indexes.at(tree)
    assert [hit.path for hit in look.index.search("zebra")] == ["build/kept.py", "build/left.py"]
