"""Journals for what is tried on their files."""

import shutil
from pathlib import Path

import pytest
from tests.unit.journal.damaged import Place


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("made"))


@pytest.fixture
def place(made: Place, tmp_path: Path) -> Place:
    place = object.__new__(Place)
    place.path, place.older = tmp_path / "state" / "journal.db", made.older
    shutil.copytree(made.path.parent, place.path.parent)
    return place
