"""The typed face itself: it is the only importer of the extension module, and gives out plain values."""

import ast
from pathlib import Path

import wainwright.workspace.native as face
from wainwright.workspace.native import Found, Hit, Listing

PACKAGE = Path(face.__file__).parents[2]


def _imports_the_extension(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        module = node.module if isinstance(node, ast.ImportFrom) else None
        if "_native" in names or any("_native" in name.split(".") for name in [*names, module or ""]):
            return True
    return False


def test_only_the_face_imports_the_extension() -> None:
    importers = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if _imports_the_extension(path)}
    # These lie below: the launcher is a program that the extension carries, folders are removed by the sandbox, and
    # settings and an editor's texts are read by all rooms.
    importers -= {Path("sandbox/launcher.py"), Path("sandbox/clearing.py"), Path("regular.py")}
    assert {path.parent for path in importers} == {Path("workspace/native")}


def test_answers_can_be_counted_and_walked_through() -> None:
    assert not Found((), truncated=False)
    hit = Hit("a", 1, "x")
    found = Found((hit,), truncated=True)
    assert (list(found), len(found)) == ([hit], 1)
    assert not Listing((), truncated=False)
