"""Which open document is a file, as documents come and go."""

from pathlib import Path

import pytest
from lsprotocol import types

from wainwright.lsp.documents.buffers import Buffers


@pytest.fixture
def buffers(tmp_path: Path) -> Buffers:
    return Buffers(tmp_path.as_uri())


def opened(buffers: Buffers, uri: str) -> None:
    buffers.put_text_document(types.TextDocumentItem(uri, "python", 1, "x = 1\n"))


def test_a_document_is_found_from_when_it_is_opened_until_it_is_closed(
    buffers: Buffers, tmp_path: Path
) -> None:
    path = tmp_path / "one.py"
    assert buffers.find_open(path) is None
    opened(buffers, path.as_uri())
    assert buffers.find_open(path) is not None
    assert list(buffers.opened) == [path]
    buffers.remove_text_document(path.as_uri())
    assert buffers.find_open(path) is None
    assert not buffers.opened


def test_one_that_is_opened_anew_is_another(buffers: Buffers, tmp_path: Path) -> None:
    path = tmp_path / "one.py"
    opened(buffers, path.as_uri())
    first = buffers.find_open(path)
    opened(buffers, path.as_uri())
    assert buffers.find_open(path) is not first


def test_a_link_to_an_open_file_is_that_file_and_a_hard_link_is_another(
    buffers: Buffers, tmp_path: Path
) -> None:
    path, link, hard = tmp_path / "one.py", tmp_path / "other.py", tmp_path / "hard.py"
    path.write_text("x = 1\n")
    link.symlink_to(path)
    hard.hardlink_to(path)
    opened(buffers, path.as_uri())
    assert buffers.find_open(link) is buffers.find_open(path)
    assert buffers.find_open(hard) is None


def test_what_is_no_file_of_this_machine_is_none(buffers: Buffers, tmp_path: Path) -> None:
    opened(buffers, "untitled:Untitled-1")
    opened(buffers, "file://elsewhere/one.py")
    assert not buffers.opened
    assert buffers.find_open(tmp_path / "one.py") is None
