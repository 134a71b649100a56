"""House rules that no linter knows."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "server" / "wainwright"
SHIPPED = PACKAGE / "demo" / "workspace"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if SHIPPED not in path.parents)
LINES_MAX = 60
"""Of one function; one-arm-an-event dispatchers are listed by name, and the list may only shrink."""
LONG = {"fold.py:_apply": 75}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_opens_with_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, f"{path} has no docstring"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_functions_stay_short(path: Path) -> None:
    long = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            limit = LONG.get(f"{path.name}:{node.name}", LINES_MAX)
            if lines > limit:
                long.append(f"{path.name}:{node.name} has {lines} lines, {limit} are allowed")
    assert not long


def test_the_map_names_every_package() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    packages = [p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()]
    crates = [p.name for p in (ROOT / "native").iterdir() if (p / "Cargo.toml").exists()]
    missing = [name for name in packages + crates if f"`{name}/`" not in text]
    assert not missing, f"ARCHITECTURE.md does not name {missing}"


def test_every_dependency_is_pinned_and_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").lower()
    for requirement in declared:
        name, _, version = requirement.partition("==")
        assert version, f"{requirement} is not pinned"
        assert f"{name.partition('[')[0]}=={version}" in re.sub(r"\[.*?\]", "", lock), (
            f"{requirement} is not locked"
        )
    assert "://" not in lock, "the lock names a registry"
