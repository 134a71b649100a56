"""The profile for macOS as a text. Nothing of it was tried there."""

from pathlib import Path

import pytest

from wainwright.domain.errors import SandboxError
from wainwright.sandbox.seatbelt import profile

TREE, ROOM = Path("/private/var/state/tasks/one"), Path("/private/var/state/tasks/one.layers/room")


def balanced(text: str) -> bool:
    depth, quoted, escaped = 0, False, False
    for one in text:
        if quoted:
            quoted, escaped = escaped or one != '"', one == "\\" and not escaped
        elif one == '"':
            quoted = True
        else:
            depth += {"(": 1, ")": -1}.get(one, 0)
            assert depth >= 0
    return depth == 0 and not quoted


def test_nothing_is_allowed_but_what_is_named() -> None:
    said = profile(TREE, ROOM, [Path("/Users/me/.cargo")], [Path(".git"), Path(".vscode")])
    assert balanced(said)
    lines = said.splitlines()
    assert lines[:2] == ["(version 1)", "(deny default)"]
    assert "(deny network*)" in lines
    assert "(deny appleevent-send)" in lines
    writes = said[said.index("(allow file-write*") : said.index("(deny file-write-setugid)")]
    assert f'"{TREE}"' in writes
    assert f'"{ROOM}"' in writes
    assert "/Users/me" not in writes


def test_what_is_protected_comes_last_and_need_not_be_there() -> None:
    lines = profile(TREE, ROOM, protected=[Path(".git")]).splitlines()
    assert lines[-1] == f'(deny file-write* (subpath "{TREE}/.git"))'


def test_a_name_cannot_end_its_quotes() -> None:
    said = profile(Path('/x"))(allow default)("'), Path("/a\\b"))
    assert balanced(said)
    assert '"/x\\"))(allow default)(\\""' in said
    assert '"/a\\\\b"' in said


@pytest.mark.parametrize("place", ["relative", "/a\nb", "/a\0b"])
def test_what_cannot_be_named_is_refused(place: str) -> None:
    with pytest.raises(SandboxError, match="sandbox-exec"):
        profile(Path(place), ROOM)
