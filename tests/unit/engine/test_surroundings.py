"""Surroundings have the same name while nothing in them changes, and another one when something does."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from wainwright.engine.surroundings import digest
from wainwright.sandbox.protocol import Layer, SandboxView


@pytest.fixture
def view(tmp_path: Path) -> SandboxView:
    installed = tmp_path / "node_modules" / "left-pad"
    installed.mkdir(parents=True)
    (installed / "index.js").write_text("1\n")
    layer = Layer(at=Path("node_modules"), sources=(tmp_path / "node_modules",), writes="kept")
    return SandboxView(tree=tmp_path / "tree", at=tmp_path / "work", layers=(layer,))


def test_it_stays_the_same_wherever_the_tree_lies(view: SandboxView, tmp_path: Path) -> None:
    other = view.model_copy(update={"tree": tmp_path / "another"})
    assert digest(view, "bubblewrap", ()) == digest(other, "bubblewrap", ())


def _installed(folder: Path, _patch: pytest.MonkeyPatch) -> None:
    (folder / "node_modules" / "left-pad" / "more.js").write_text("2\n")


def _removed(folder: Path, _patch: pytest.MonkeyPatch) -> None:
    (folder / "node_modules" / "left-pad" / "index.js").unlink()


def _locked(folder: Path, _patch: pytest.MonkeyPatch) -> None:
    (folder / "node_modules" / ".package-lock.json").write_text("{}\n")


def _another_go(folder: Path, patch: pytest.MonkeyPatch) -> None:
    programs = folder / "bin"
    programs.mkdir()
    (programs / "go").write_text("#!/bin/sh\n")
    (programs / "go").chmod(0o755)
    patch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize("change", [_installed, _removed, _locked, _another_go])
def test_another_name_for_what_is_installed_otherwise(
    view: SandboxView,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    before = digest(view, "bubblewrap", ())
    change(tmp_path, monkeypatch)
    assert digest(view, "bubblewrap", ()) != before


def test_another_name_for_other_walls_and_folders(view: SandboxView) -> None:
    names = {
        digest(view, "bubblewrap", ()),
        digest(view, "other", ()),
        digest(view.model_copy(update={"layers": ()}), "bubblewrap", ()),
        digest(view.model_copy(update={"cwd": "api"}), "bubblewrap", ()),
    }
    assert len(names) == 4
