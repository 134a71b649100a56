import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from wainwright.domain.changes import FileChange, protected
from wainwright.domain.errors import OutsideBoundary, WorkspaceError
from wainwright.workspace.files import Boundary, Files, digest


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


def test_digest_is_of_bytes():
    assert digest("é\r\n") == digest("é\r\n".encode()) == hashlib.sha256("é\r\n".encode()).hexdigest()


def test_buffers_come_first_and_line_ends_survive(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\r\ntwo\n")
    (tmp_path / "b.txt").write_text("disk")
    overlay = {"b.txt": "buffer", "new.txt": "not on disk"}
    files = Files(tmp_path, overlay)
    assert files.read("a.txt") == "one\r\ntwo\n"
    assert files.read("b.txt") == "buffer"
    assert files.read("new.txt") == "not on disk"
    assert files.read("none.txt") is None
    assert files.read("a.txt/below") is None
    overlay.pop("b.txt")
    assert files.read("b.txt") == "disk"


def test_an_empty_buffer_is_a_buffer(tmp_path):
    (tmp_path / "a").write_text("disk")
    assert Files(tmp_path, {"a": ""}).read("a") == ""


def test_a_file_that_is_no_text_is_told(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WorkspaceError, match=r"a\.bin"):
        Files(tmp_path, {}).read("a.bin")


def test_links_do_not_lead_out(tmp_path):
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("secret")
    (tmp_path / "outside.txt").write_text("secret")
    (root / "real" / "a.txt").write_text("fine")
    (root / "inside").symlink_to(root / "real")
    (root / "out").symlink_to(tmp_path)
    (root / "config").symlink_to(".git/config")
    (root / "loop").symlink_to("loop")
    files = Files(root, {})
    assert files.read("inside/a.txt") == "fine"
    for path in ("out/outside.txt", "config", "loop"):
        with pytest.raises(OutsideBoundary):
            files.read(path)


def test_relative(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    link = tmp_path / "link"
    link.symlink_to(root)
    boundary = Boundary(link)
    assert boundary.relative(root / "a" / "b.py") == "a/b.py"
    assert boundary.relative(link / "a" / "b.py") == "a/b.py"
    for path in (root, tmp_path, root / ".." / "x", tmp_path / "rooted"):
        with pytest.raises(OutsideBoundary):
            boundary.relative(path)
