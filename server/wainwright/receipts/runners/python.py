"""What the adapters for Python's runners share: how an interpreter is called."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

_INTERPRETER = re.compile(r"(python|pypy)[\d.]*(\.exe)?$")
_VALUED = frozenset(("-X", "-W", "--check-hash-based-pycs"))
_COVERAGE_VALUED = frozenset(("--source", "--omit", "--include", "--rcfile", "--context", "--data-file"))


def module(words: Sequence[str], name: str) -> int | None:
    """Where the arguments of a module begin that an interpreter (or coverage) is told to run; None if it is not."""
    at = module_place(words)
    if at is None or words[at + 1] != name:
        return None
    return at + 2


def module_place(words: Sequence[str]) -> int | None:
    """Where the ``-m`` of the module stands that is run at last."""
    if not words:
        return None
    program = PurePosixPath(words[0]).name
    if program == "coverage" and len(words) > 1 and words[1] == "run":
        return _m(words, 2, _COVERAGE_VALUED)
    if not _INTERPRETER.match(program):
        return None
    at = _m(words, 1, _VALUED)
    if at is not None and words[at + 1] == "coverage" and words[at + 2 : at + 3] == ("run",):
        return _m(words, at + 3, _COVERAGE_VALUED)
    return at


def _m(words: Sequence[str], at: int, valued: frozenset[str]) -> int | None:
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "-m":
            return at if at + 1 < len(words) else None
        at += 2 if words[at] in valued else 1
    return None
