"""House rules that no linter knows."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from tests.map import Room, crates, python_rooms, rust_rooms
from tests.rust_source import files_of_tests, functions

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "server" / "wainwright"
SHIPPED = PACKAGE / "demo" / "workspace"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if SHIPPED not in path.parents)
LINES_MAX = 60
"""Of one function; one-arm-an-event dispatchers are listed by name, and the list may only shrink."""
LONG = {"fold.py:_apply": 75}
FILE_LINES_MAX = 500
"""Of one module."""
BY_PATH = {
    "agents/roles.py": "prompts that are shipped",
    "deploy/services.py": "records and logs in the state directory",
    "engine/editing.py": "the way back, in the state directory",
    "engine/replaying.py": "a record that a person names",
    "engine/rerun.py": "a copy of the state directory",
    "engine/tracing/verifier.py": "what a person names; it stands alone",
    "lsp/connection/greeting.py": "what is shipped beside it",
    "lsp/connection/framing.py": "descriptors of the server",
    "models/cassette.py": "recordings that a person names",
    "models/host.py": "descriptors that it is given, and its own socket",
    "receipts/runners/junit.py": "reports, in a folder of the state directory",
    "receipts/store.py": "receipts in the state directory",
    "workspace/checkpoints.py": "the list of checkpoints in the state directory",
    "workspace/comparison.py": "a checkout made for it in the state directory",
    "workspace/identity.py": "a record in the state directory",
    "workspace/index.py": "indexes in the state directory",
    "workspace/kept.py": "a list in the state directory",
    "workspace/native/fsops.py": "a descriptor that the native half opened",
    "workspace/plumbing.py": "files of git directories that are our own",
    "workspace/repository.py": "the private repository",
    "workspace/snapshot.py": "the index of the person's repository, and scratch files",
    "workspace/standing.py": "the standing checkout in the state directory",
    "workspace/takeover.py": "a copy in a temporary folder",
    "workspace/trees.py": "git directories of task trees",
    "workspace/trust.py": "a record in the state directory",
    "workspace/world/layer.py": "layers in the state directory",
    "workspace/world/repository.py": "a repository for commands, in the state directory",
}
"""Modules that open, read, write or remove files by their paths, and which: none of them lies where somebody else may
put a link in its place. Files of a workspace or a task's tree go through ``workspace.native`` or ``regular``."""
ROOMS = ("agents", "deploy", "engine", "lsp", "models", "receipts", "tools", "workspace")
SOURCES = sorted((ROOT / "native").glob("*/src/**/*.rs"))
RUST = sorted(set(SOURCES) - {test for file in SOURCES for test in files_of_tests(file)})
"""Without the files that are test code as a whole."""
RUST_FILE_LINES_MAX = 700
TABLES = {"syntax/src/tables.rs"}
"""Data that is best read in one piece, however long."""


def crate_path(path: Path) -> str:
    return path.relative_to(ROOT / "native").as_posix()


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


def _by_path(call: ast.Call) -> bool:
    """Whether a call opens, reads, writes or removes a file that a path leads to."""
    name = ast.unparse(call.func)
    _, _, last = name.rpartition(".")
    if name.startswith(("os.", "shutil.")):
        ways = ("copy", "link", "move", "open", "remove", "rename", "replace", "rmtree", "symlink", "unlink")
        return last.startswith(ways)
    mode = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    opens = last == "open" and (name == "open" or (isinstance(mode, str) and set(mode) <= set("rwabx+")))
    return opens or last in {
        "hardlink_to", "read_bytes", "rename", "symlink_to", "unlink", "write_bytes", "write_text"
    } or (last == "read_text" and name != "read_text")  # fmt: skip


def test_files_of_a_workspace_are_read_and_written_by_handles() -> None:
    found = {
        name
        for path in MODULES
        for name in [path.relative_to(PACKAGE).as_posix()]
        if name.partition("/")[0] in ROOMS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _by_path(node)
    }
    assert found == BY_PATH.keys()


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_modules_stay_short() -> None:
    lines = {path.relative_to(PACKAGE).as_posix(): lines_of(path) for path in MODULES}
    assert {name: many for name, many in lines.items() if many > FILE_LINES_MAX} == {}


def test_rust_files_stay_short() -> None:
    lines = {crate_path(path): lines_of(path) for path in RUST if crate_path(path) not in TABLES}
    assert {name: many for name, many in lines.items() if many > RUST_FILE_LINES_MAX} == {}


def test_rust_functions_stay_short_or_say_why_not() -> None:
    long = [
        f"{name}:{function.line}: {function.name} has {function.lines} lines, and no `// Long: why` above it"
        for path in RUST
        for name in [crate_path(path)]
        for function in functions(path.read_text(encoding="utf-8"))
        if function.lines > LINES_MAX and not function.reason
    ]
    assert long == []


def circles(rooms: list[Room]) -> list[str]:
    return [f"{room.name}: {' '.join(circle)}" for room in rooms for circle in room.circles]


def test_no_room_of_the_server_has_a_circle() -> None:
    assert circles(python_rooms()) == []


@pytest.mark.parametrize("crate", crates(), ids=lambda path: path.name)
def test_no_folder_of_a_crate_has_a_circle(crate: Path) -> None:
    assert circles(rust_rooms(crate)) == []


def test_the_map_names_every_package() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    packages = [p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()]
    crates = [p.name for p in (ROOT / "native").iterdir() if (p / "Cargo.toml").exists()]
    missing = [name for name in packages + crates if f"`{name}/`" not in text]
    assert not missing, f"ARCHITECTURE.md does not name {missing}"


def test_the_map_names_files_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w./-]+\.(?:py|rs|md|json|pyi))`", text))
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    there = [f"/{name}" for name in files.splitlines()]
    made = {"goal.md", "plan.md", "run.md"}
    gone = [n for n in named if Path(n).name not in made and not any(t.endswith(f"/{n}") for t in there)]
    assert gone == [], "ARCHITECTURE.md names files that are not there"


def test_every_dependency_is_pinned_and_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = (project["dependency-groups"], project["project"]["optional-dependencies"])
    declared = [
        *project["project"]["dependencies"],
        *(one for some in groups for of in some.values() for one in of),
    ]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").lower()
    for requirement in declared:
        name, _, version = requirement.partition("==")
        assert version, f"{requirement} is not pinned"
        assert f"{name.partition('[')[0]}=={version}" in re.sub(r"\[.*?\]", "", lock), (
            f"{requirement} is not locked"
        )
    assert "://" not in lock, "the lock names a registry"
