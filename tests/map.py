"""`make map`: which file uses which, room by room; the levels that follow, and the circles.

Python is read by grimp, imports under `TYPE_CHECKING` included. Rust is read here: an edge leads from a file to
the one in which what it names is *defined*, by `use`, by a path in the code, or by a macro of a module above it. A
name that `lib.rs` or a `mod.rs` only passes on (`pub use`) is followed to its origin and makes no edge of its own;
declaring a child makes none either. So a `mod.rs` is in a circle with a child if each uses what the other defines,
and only then. Test code is left out.

A package is looked at once for each of its folders: what lies in it, folders as one, and how these use each other.
A file stands one level above the highest it uses; those in a circle share a level.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grimp
from tests.rust_source import Module, read_file

ROOT = Path(__file__).parents[1]
PACKAGE = "wainwright"
SHIPPED = f"{PACKAGE}.demo.workspace"
PATH = re.compile(r"(?<![\w$])(?<!(?<!\.)\.)\$?([A-Za-z_]\w*(?:\s*::\s*[A-Za-z_]\w*)*)(!?)")

Name = tuple[str, ...]
Edges = set[tuple[Name, Name]]


@dataclass(frozen=True)
class Room:
    """What lies in one folder: the levels from the lowest up, and the circles."""

    name: str
    levels: list[list[str]]
    circles: list[list[str]]


def knots(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups in which each reaches each, a group after all that it uses (Tarjan)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in order:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == order[name]:
            at = stack.index(name)
            found.append(sorted(stack[at:]))
            del stack[at:]

    for name in sorted(graph):
        if name not in order:
            visit(name)
    return found


def room_of(name: str, graph: dict[str, set[str]]) -> Room:
    groups = knots(graph)
    level: dict[str, int] = {}
    for group in groups:
        below = {other for one in group for other in graph[one]} - set(group)
        height = max((level[other] + 1 for other in below), default=0)
        level.update(dict.fromkeys(group, height))
    top = max(level.values(), default=-1)
    levels = [sorted(one for one in level if level[one] == height) for height in range(top + 1)]
    return Room(name, levels, [group for group in groups if len(group) > 1])


def rooms(root: str, own: str, files: Iterable[Name], edges: Edges) -> Iterator[Room]:
    """Every folder of a tree of files, the outermost first. A folder's own file (`own`) goes by that name."""
    files = set(files)
    folders = {name[:length] for name in files for length in range(len(name))}
    for folder in sorted(folders, key=lambda name: (len(name), name)):
        depth = len(folder)

        def inside(name: Name, folder: Name = folder, depth: int = depth) -> str | None:
            if name[:depth] != folder:
                return None
            return name[depth] if len(name) > depth else own

        graph: dict[str, set[str]] = {one: set() for name in files if (one := inside(name))}
        for source, target in edges:
            one, other = inside(source), inside(target)
            if one and other and one != other:
                graph[one].add(other)
        if len(graph) > 1:
            yield room_of("/".join((root, *folder)), graph)


def python_rooms(package: str = PACKAGE) -> list[Room]:
    graph = grimp.build_graph(package, cache_dir=None)
    modules = [name for name in graph.modules if not name.startswith(SHIPPED)]
    names = {name: tuple(name.split(".")[1:]) for name in modules}
    edges = {
        (names[name], names[other])
        for name in modules
        for other in graph.find_modules_directly_imported_by(name)
        if other in names
    }
    return list(rooms(package, "__init__", names.values(), edges))


class Crate:
    """The modules of one crate, and where each name in them is defined."""

    def __init__(self, root: Path) -> None:
        self.root = read_file(root)

    def modules(self) -> Iterator[Module]:
        waiting = [self.root]
        while waiting:
            module = waiting.pop()
            yield module
            waiting.extend(module.children.values())

    def origins(
        self, start: Module, path: Name, seen: frozenset[tuple[Name, Name]] = frozenset()
    ) -> set[Module]:
        """The modules that define what the path means there: none for what comes from outside the crate.

        A module that is only named is no origin; what is taken out of it is.
        """
        if (start.path, path) in seen:
            return set()
        seen |= {(start.path, path)}
        head, rest = path[0], path[1:]
        if head in {"crate", "self", "super"}:
            there = {"crate": self.root, "self": start, "super": start.parent or start}[head]
            return self.origins(there, rest, seen) if rest else set()
        found: set[Module] = set()
        if rest and head in start.children:
            return self.origins(start.children[head], rest, seen)
        if head in start.defined:
            found.add(start)
        elif head in start.bound:
            found |= self.origins(start, (*start.bound[head], *rest), seen)
        for glob in start.globs:
            if target := self.module_at(start, glob):
                found |= self.origins(target, path, seen)
        return found

    def module_at(self, start: Module, path: Name) -> Module | None:
        here: Module | None = start
        for part in path:
            if here is None:
                return None
            here = {"crate": self.root, "self": here, "super": here.parent}.get(part) or here.children.get(
                part
            )
        return here

    def used_by(self, module: Module) -> set[Module]:
        used: set[Module] = set()
        for name in module.private:
            used |= self.origins(module, module.bound[name])
        for found in PATH.finditer(module.body):
            path = tuple(part.strip() for part in found[1].split("::"))
            if found[2] and len(path) == 1:
                above = module.parent
                while above:
                    used |= {above} if path[0] in above.macros else set()
                    above = above.parent
            else:
                used |= self.origins(module, path)
        return used


def rust_rooms(crate: Path) -> list[Room]:
    """The folders of a crate: `crate` is where its Cargo.toml lies."""
    source = crate / "src"
    own = {"lib": (), "main": (), "mod": ()}

    def name_of(file: Path) -> Name:
        parts = file.relative_to(source).with_suffix("").parts
        return (*parts[:-1], *own.get(parts[-1], parts[-1:]))

    root = source / "lib.rs"
    tree = Crate(root if root.exists() else source / "main.rs")
    modules = list(tree.modules())
    edges = {
        (name_of(module.file), name_of(other.file))
        for module in modules
        for other in tree.used_by(module)
        if other.file != module.file
    }
    return list(
        rooms(
            str(crate.relative_to(ROOT)) if crate.is_relative_to(ROOT) else crate.name,
            "(own file)",
            {name_of(module.file) for module in modules},
            edges,
        )
    )


def crates() -> list[Path]:
    return sorted(
        path.parent for path in (ROOT / "native").glob("*/Cargo.toml") if (path.parent / "src").exists()
    )


def all_rooms() -> list[Room]:
    return [*python_rooms(), *(room for crate in crates() for room in rust_rooms(crate))]


def main() -> int:
    """Print the map. Whatever it shows, it was shown."""
    shown = all_rooms()
    for room in shown:
        print(f"{room.name}: {len(room.levels)} levels")
        for height in reversed(range(len(room.levels))):
            print(f"  {height + 1:2}  {' '.join(room.levels[height])}")
        for circle in room.circles:
            print(f"  circle of {len(circle)}: {' '.join(circle)}")
        print()
    print(f"{sum(len(room.circles) for room in shown)} circles")
    return 0


if __name__ == "__main__":
    sys.exit(main())
