"""The composition root."""

import os
from pathlib import Path

import pytest

from wainwright.app import state_folder


def test_a_workspace_whose_name_is_not_utf_8_has_a_state_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    odd, other = (Path(os.fsdecode(name)) for name in (b"/w/\xff", b"/w/\xfe"))
    assert state_folder(odd) == state_folder(odd)
    assert state_folder(odd) != state_folder(other)
    assert state_folder(odd).is_relative_to(tmp_path)
