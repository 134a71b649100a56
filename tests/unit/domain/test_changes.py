"""Which paths are protected, which changes make sense, and what a content is known by."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from wainwright.domain.changes import FileChange, content_hash, protected


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "\\\\server\\share", "C:/x", "c:x", "..", "a/../b", "a/..", "./a", "a//b", "a/", "a\0b",
        ".git", ".git/config", "sub/.git/hooks/pre-commit", ".GIT/config", ".Git", "git~1/config", "GIT~1",
        ".git./config", ".git /config", ".git::$DATA", ".git::$INDEX_ALLOCATION/config", "\uff0egit/config",
        ".g\u200cit/config", "\ufeff.git/config", "sub\\.git\\config", ".git\\config",
        ".wainwright/plan.md", ".wainwright", ".Wainwright/x", "wainwright.toml", "WAINWRIGHT.TOML",
        "wainwright.toml.",
    ],
)  # fmt: skip
def test_protected(path):
    assert protected(path)
    with pytest.raises(ValidationError):
        FileChange(path=path, kind="created", before=None, after="")


@pytest.mark.parametrize(
    "path",
    [
        "a", "src/a.py", ".gitignore", ".gitattributes", ".github/workflows/ci.yml", "git/config", "a.git/x",
        "docs/wainwright.toml.md", "sub/wainwright.toml", "..a", "a..b", "été/ß.txt", "a b", "-x", "legit~1",
    ],
)  # fmt: skip
def test_open(path):
    assert not protected(path)


@given(st.lists(st.sampled_from([".git", ".GiT", "a", "..", "x.py", ".git.", "b c"]), min_size=1, max_size=5))
def test_a_git_component_or_a_way_up_is_protected_wherever_it_stands(parts):
    forbidden = any(part.lower().rstrip(".") == ".git" or part == ".." for part in parts)
    assert protected("/".join(parts)) == forbidden


@pytest.mark.parametrize(
    ("kind", "before", "after", "binary"),
    [("created", "00", "x", False), ("modified", None, "x", False), ("deleted", "00", "x", False),
     ("modified", "00", None, False), ("created", None, "x", True)],
)  # fmt: skip
def test_a_change_must_make_sense(kind, before, after, binary):
    with pytest.raises(ValidationError):
        FileChange(path="a", kind=kind, before=before, after=after, binary=binary)


def test_a_content_hash_is_of_bytes():
    assert (
        content_hash("é\r\n")
        == content_hash("é\r\n".encode())
        == hashlib.sha256("é\r\n".encode()).hexdigest()
    )
