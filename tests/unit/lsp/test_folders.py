"""Which folder of an editor a document belongs to, and what commands say of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lsprotocol import types

from wainwright.lsp.features.folders import Folders


def folders(*paths: Path, root: Path | None = None) -> Folders:
    named = {path.as_uri(): types.WorkspaceFolder(path.as_uri(), path.name) for path in paths}
    buffers = SimpleNamespace(folders=named, root_uri=None if root is None else root.as_uri())
    server: Any = SimpleNamespace(buffers=buffers)
    opens: Any = None
    return Folders(server, opens)


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("shop/calc.py", "shop"),
        ("shop/inner/calc.py", "shop/inner"),
        ("shop/inner", "shop/inner"),
        ("depot/a.py", "depot"),
        ("link/a.py", "depot"),
        ("shopping/a.py", "shop"),
        ("elsewhere/a.py", "shop"),
    ],
)
def test_a_document_belongs_to_the_innermost_folder_around_it_or_else_to_the_first(
    tmp_path: Path, place: str, found: str
) -> None:
    for name in ("shop/inner", "depot"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "depot")
    known = folders(tmp_path / "shop", tmp_path / "depot", tmp_path / "shop" / "inner")
    assert known.around((tmp_path / place).as_uri()) == tmp_path / found
    assert known.around("untitled:Untitled-1") == tmp_path / "shop"


def test_without_folders_it_is_the_root_and_without_that_none(tmp_path: Path) -> None:
    assert folders(root=tmp_path).around("") == tmp_path
    assert folders().around((tmp_path / "a.py").as_uri()) is None


def test_commands_name_their_folder_where_there_are_several(tmp_path: Path) -> None:
    uri = (tmp_path / "shop" / "a.py").as_uri()
    mine, theirs = (
        types.Command("a", "a"),
        types.Command("b", "b", arguments=[{"run": "r", "folder": "file:///depot"}]),
    )
    folders(tmp_path / "shop").tell_apart(uri, [mine])
    assert mine.arguments is None
    folders(tmp_path / "shop", tmp_path / "depot").tell_apart(uri, [mine, theirs, None])
    assert mine.arguments == [{"folder": (tmp_path / "shop").as_uri()}]
    assert theirs.arguments == [{"folder": "file:///depot", "run": "r"}]
