"""What the adapters of Java's build tools share: tests by the file of their class, and errors of compilers."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Project
from wainwright.receipts.runners import junit, naming

_SOURCE = re.compile(r"\.(?:java|kt|groovy|scala)$")
_COMPILER = re.compile(
    r"^(?::[\w:]+)?\s*(?:\[ERROR\]|\[error\]|e:)?\s*(?:file://)?(/\S+?\.(?:java|kt|groovy|scala))"
    r":(?:\[?(\d+)[,:]\s?\d+\]?|(\d+))?:? (.*)$",
    re.MULTILINE,
)
_PARAMETERS = re.compile(r"^(\w+)\((.*?)\)((?:\[.*\])?)$")
"""``many(int)[1]``: the runs of one test have its name and something in brackets."""
_ROOTS = re.compile(r"(?:^|.*?/)(?:src/)?[^/]+/(?:java|kotlin|groovy|scala)/")


class Classes:
    """Which file of a project a class stands in."""

    def __init__(self, project: Project) -> None:
        self._files: defaultdict[str, list[str]] = defaultdict(list)
        for file in project.files():
            if _SOURCE.search(file):
                self._files[PurePosixPath(file).stem].append(file)

    def name(self, classname: str, title: str, module: str = "") -> str:
        """The name of a test: its file where one can be told, nested classes, its method."""
        outer, *nested = classname.split("$")
        path = outer.replace(".", "/")
        fits = [
            file
            for file in self._files.get(path.rpartition("/")[2], ())
            if _SOURCE.sub("", f"/{file}").endswith(f"/{path}")
        ]
        of_module = [file for file in fits if file.startswith(f"{module}/")] if module else fits
        chosen = of_module or fits
        place = chosen[0] if len(chosen) == 1 else outer
        return naming.named(place, *nested, title)


def class_of(place: str) -> str:
    """The class for a file of tests, or for what is a class already."""
    if not _SOURCE.search(place):
        return place
    return _SOURCE.sub("", _ROOTS.sub("", place, count=1)).replace("/", ".")


def of_reports(folder: Path, module: str, classes: Classes, suffix: str = "") -> tuple[Case, ...]:
    """The cases of all reports in a folder, whose classes may carry a suffix of ours."""

    def case(node: junit.Node) -> Case:
        owner = (node.classname or node.suite).removesuffix(suffix)
        # Ant's way of saying that a class could not be begun: no name of a test, or the class's.
        title = node.name.removesuffix(suffix)
        title = "" if title in ("", owner) else title
        title = _PARAMETERS.sub(lambda m: f"{m[1]}[{m[2]}]{m[3]}" if m[2] else f"{m[1]}{m[3]}", title)
        name = classes.name(owner, title or "class", module)
        return Case(name=name, outcome=node.outcome, message=plain(node.message))

    found: list[Case] = []
    for file in sorted(folder.glob("TEST-*.xml")):
        if not suffix or file.stem.endswith(f"-{suffix[1:-1]}"):
            found += junit.read(file, case) or ()
    return tuple(found)


def not_compiled(output: str, placed: naming.Placed) -> Iterator[Case]:
    """The files that a compiler complained of, one case each."""
    said: defaultdict[str, list[str]] = defaultdict(list)
    for found in _COMPILER.finditer(plain(output)):
        place = placed.path(found.group(1))
        about = f"{place}:{found.group(2) or found.group(3) or ''} {found.group(4)}"
        if about not in said[place]:
            said[place].append(about)
    for place, lines in said.items():
        yield naming.unbuilt(place, junit.bounded("\n".join(lines), 0))
