"""The composition root."""

import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from wainwright.app import log_lines, state_folder


@pytest.fixture
def kept_logging() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("kept_logging")
def test_a_line_of_the_log_is_not_obeyed_by_the_terminal() -> None:
    written = io.StringIO()
    log_lines(written, logging.WARNING)
    path = "a\x1b]52;c\x07\u202eb"
    structlog.get_logger().warning("odd", path=path, exc_info=OSError("a\x1b[2Jb"))
    told = written.getvalue()
    assert all(one.isprintable() or one == "\n" for one in told), ascii(told)
    assert "\\x1b]52;c\\x07\\u202eb" in told


def test_a_workspace_whose_name_is_not_utf_8_has_a_state_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    odd, other = (Path(os.fsdecode(name)) for name in (b"/w/\xff", b"/w/\xfe"))
    assert state_folder(odd) == state_folder(odd)
    assert state_folder(odd) != state_folder(other)
    assert state_folder(odd).is_relative_to(tmp_path)
