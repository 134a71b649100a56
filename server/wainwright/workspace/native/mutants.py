"""Small changes of a file that a good test notices, made on its syntax tree."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from wainwright import _native

_CONFIGURES = re.compile(r"(^|/)([^/]*\.config\.[cm]?[jt]s|\.[^/]*rc\.c?js|setup\.py|conftest\.py)$")
"""Files that no test is about."""


class Mutant(NamedTuple):
    """A small change of a file."""

    start: int
    """The first byte that is replaced."""
    end: int
    text: str
    """What stands there instead."""
    line: int
    """From 1."""
    kind: str
    """``boundary``, ``condition``, ``statement``, ``operator``, ``return``, ``constant`` or ``text``."""
    what: str
    """What it is, to follow "when": such as "`<` is `<=`"."""

    def applied(self, text: bytes) -> bytes:
        """The file with this change."""
        return text[: self.start] + self.text.encode() + text[self.end :]


def mutants(path: str, text: bytes, lines: Sequence[tuple[int, int]], most: int = 60) -> tuple[Mutant, ...]:
    """Make small changes of some lines (first and last, from 1): spread over them, the most telling first.

    None is made in comments, imports, types, tests and what configures tools, and none of a text whose language has
    no grammar.
    """
    if _CONFIGURES.search(path):
        return ()
    return tuple(Mutant(*row) for row in _native.mutants(path, text, list(lines), most))
