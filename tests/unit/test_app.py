"""The composition root."""

import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from wainwright.app import log_lines, state_folder
from wainwright.home import hosts_folder


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


def test_sockets_lie_where_the_system_wants_them_or_beside_the_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    beside = tmp_path / "state" / "wainwright" / "hosts"
    others = tmp_path / "others"
    others.mkdir()
    if os.geteuid() == 0:
        os.chown(others, 12345, 12345)
    for given in ("", "relative", str(tmp_path / "gone"), str(others) if os.geteuid() == 0 else "/"):
        monkeypatch.setenv("XDG_RUNTIME_DIR", given)
        assert hosts_folder() == beside, given
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert hosts_folder() == tmp_path / "wainwright" / "hosts"
