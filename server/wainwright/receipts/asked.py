"""Tests as a model asks for them, told as receipts name them: ``file::suite::test``.

Models write what the runner they know prints: ``name`` alone, ``TestX/sub case``, ``file > suite > test``,
``tests.test_x.Case.test_it``, ``file.py:12``. What is in the receipt of the base is found there, else in the files.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from wainwright.receipts.protocol import CannotNarrow, Project

FOUND_MAX = 30
"""Tests that one name may stand for."""
FILES_READ_MAX = 500
_OF_TESTS = re.compile(
    r"(^|/)(tests?|specs?|__tests__|t)/|(^|/)test_|[._-](test|spec)s?\.|_test\.|Tests?\.|\.rs$"
)
_BETWEEN = re.compile(r"::|\s+[>\u203a]\s+|/")


def resolve(only: Sequence[str], known: Sequence[str], project: Project) -> tuple[str, ...]:
    """The tests and files that are meant, each once. Raises CannotNarrow for a name that stands for nothing.

    ``known`` are tests as receipts name them; ``project`` is the tree as it is now. Blocks.
    """
    asked = _Asked(known, project)
    return tuple(dict.fromkeys(found for one in only for found in asked.meant(one)))


@dataclass(frozen=True)
class _Asked:
    known: Sequence[str]
    project: Project

    @cached_property
    def files(self) -> frozenset[str]:
        return frozenset(self.project.files())

    def meant(self, name: str) -> Sequence[str]:
        text = re.sub(r"\s+[>\u203a]\s+", "::", name.strip()).removeprefix("./")
        place, _, inner = text.partition("::")
        file = self._file(place)
        if file is None and (found := re.fullmatch(r"(\S+?\.\w+)[:#]\s*(\S.*)", place)):
            file = self._file(found[1])
            inner = "::".join(part for part in (found[2], inner) if part)
            inner = "" if re.fullmatch(r"[\d:-]+", inner) else inner
        if file is None and re.fullmatch(r"\w+(\.\w+)+", place):
            file, inner = self._dotted(place, inner)
        if file is not None:
            return self._in_file(file, inner)
        below = [path for path in sorted(self.files) if path.startswith(f"{place.rstrip('/')}/")]
        if below and not inner:
            return [path for path in below if self._tests_in(path)] or [text]
        return self._anywhere(text)

    def _file(self, place: str) -> str | None:
        """The file of a path, or of the end of one where there is only one such."""
        if place in self.files:
            return place
        ends = [path for path in self.files if path.endswith(f"/{place}")] if place else []
        return ends[0] if len(ends) == 1 else None

    def _dotted(self, place: str, inner: str) -> tuple[str | None, str]:
        """A file of Python and what is in it, of a name with dots."""
        parts = place.split(".")
        for at in range(len(parts), 0, -1):
            file = self._file("/".join(parts[:at]) + ".py")
            if file is not None:
                return file, "::".join(part for part in (*parts[at:], inner) if part)
        return None, inner

    def _tests_in(self, path: str) -> bool:
        return bool(_OF_TESTS.search(path)) or any(one.startswith(f"{path}::") for one in self.known)

    def _in_file(self, file: str, inner: str) -> Sequence[str]:
        if not inner:
            return [file]
        name = f"{file}::{inner}"
        if any(one == name or one.startswith((f"{name}::", f"{name}[", f"{name}/")) for one in self.known):
            return [name]
        here = [one for one in self.known if one.startswith(f"{file}::") and _fits(one, inner)]
        spelt = self._spelt(file, inner)
        return here[:FOUND_MAX] or [f"{file}::{spelt}" if spelt else file]

    def _spelt(self, file: str, inner: str) -> str:
        """The name of a test that no receipt has yet, as its runner has it; empty for all of the file.

        Which suite a title of JavaScript stands in is not looked for.
        """
        if file.endswith("_test.go"):
            return re.sub(r"\s+", "_", inner.replace("::", "/"))
        text = self.project.text(file) or ""
        if file.endswith(".rs") and "::" not in inner:
            return "::".join(filter(None, (_around(text, rf"\bfn {inner}\(", r"\bmod (\w+) *\{"), inner)))
        if not file.endswith(".py"):
            return inner if file.endswith(".rs") or len(_parts(inner)) > 1 else ""
        spelt = re.sub(r"(?<=\w)\.(?=\w)", "::", inner) if "[" not in inner else inner
        if "::" in spelt:
            return spelt
        name = re.escape(spelt.partition("[")[0])
        return "::".join(
            filter(None, (_around(text, rf"^[ \t]+(?:async )?def {name}\(", r"^class (\w+)"), spelt))
        )

    def _anywhere(self, text: str) -> Sequence[str]:
        found = [one for one in self.known if _fits(one, text)]
        found = found or list(dict.fromkeys(filter(None, (_suite(one, text) for one in self.known))))
        if found:
            return found[:FOUND_MAX]
        parts = [part for part in re.split(r"::|/|\.", text) if part]
        begun = [path for path in self._readable() if _holds(self.project.text(path) or "", path, parts)]
        if not begun:
            names = [one.rpartition("::")[2] for one in self.known]
            near = ", ".join(difflib.get_close_matches(text, names, 4)) or "none"
            raise CannotNarrow(
                f"No test is called {text}. Names like it: {near}.", "Name a file, or file::test."
            )
        return [one for path in begun[:FOUND_MAX] for one in self._in_file(path, text)]

    def _readable(self) -> Iterator[str]:
        wanted = sorted(path for path in self.files if self._tests_in(path))
        yield from wanted[:FILES_READ_MAX]


def _parts(name: str) -> tuple[str, ...]:
    return tuple(re.sub(r"\s+", "_", part.strip()) for part in _BETWEEN.split(name) if part.strip())


def _fits(known: str, asked: str) -> bool:
    """Whether a known test ends as it was asked for, whatever joins its parts; parameters may be left out."""
    have, want = _parts(known.partition("::")[2]), _parts(asked)
    if not want or len(have) < len(want):
        return False
    dotted = _parts(re.sub(r"(?<=\w)\.(?=\w)", "::", asked))
    bare = (*have[:-1], have[-1].partition("[")[0]) if have else have
    return any(
        tuple(end[-len(one) :]) == one
        for one in (want, dotted)
        for end in (have, bare)
        if len(end) >= len(one)
    )


def _suite(known: str, asked: str) -> str:
    """The suite of a known test that is called so, as receipts name it; empty where it is in none."""
    file, *titles = known.split("::")
    for at, title in enumerate(titles[:-1], start=1):
        if _parts(title) == _parts(asked):
            return "::".join((file, *titles[:at]))
    return ""


def _holds(text: str, path: str, parts: Sequence[str]) -> bool:
    """Whether a file has what a name begins with, and of names in words all of it."""
    if path.endswith("_test.go"):
        return re.search(rf"^func {re.escape(parts[0])}\(", text, re.MULTILINE) is not None
    if PurePosixPath(path).suffix == ".py":
        return re.search(rf"\b(def|class) {re.escape(parts[-1].partition('[')[0])}\b", text) is not None
    return parts[-1] in text


def _around(text: str, inner: str, outer: str) -> str:
    """The name of what an ``inner`` line stands in, by the last ``outer`` line before it; empty for none."""
    found = re.search(inner, text, re.MULTILINE)
    around = re.findall(outer, text[: found.start()], re.MULTILINE) if found else []
    return str(around[-1]) if around else ""
