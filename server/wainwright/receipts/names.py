"""How tests are named in receipts and by those who ask for them: files, or single tests as ``file::name``."""

import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from wainwright.domain.evidence import Case, Receipt

CUT = "\n[…]\n"
"""Stands in a message for what was left out of it."""


def belongs(name: str, wanted: str) -> bool:
    """Whether a case is the named test, one of its parameters or subtests, or in the named file."""
    if name == wanted or name.startswith((f"{wanted}::", f"{wanted}[")):
        return True
    return "::" in wanted and name.startswith((f"{wanted}/", f"{wanted} > ", f"{wanted} ("))


def of(cases: Sequence[Case], wanted: Collection[str]) -> list[Case]:
    """The cases that belong to any of these names."""
    return [case for case in cases if any(belongs(case.name, one) for one in wanted)]


def red(receipt: Receipt, names: Collection[str]) -> tuple[str, ...]:
    """Which of the named tests, or of the tests in the named files, are in the receipt and red."""
    return tuple(dict.fromkeys(c.name for c in of(receipt.cases, names) if c.outcome in ("failed", "error")))


def below(names: Sequence[str], folder: str) -> tuple[str, ...]:
    """Names as they are called from within a folder; those of other places are left out."""
    if folder in (".", ""):
        return tuple(names)
    start = f"{folder}/"
    return tuple(name[len(start) :] for name in names if name.startswith(start))


def _joined(name: str) -> str:
    """A name in words, whatever joins its parts."""
    return re.sub(r"(::|\s+[>\u203a#]\s+|[#\s])+", " ", name)


def as_reported(test: str, receipt: Receipt, base: Receipt | None) -> tuple[str, ...]:
    """How a report calls a new test that is named ``file::name`` or by its file alone.

    A name may join its parts otherwise than the report does, leave its suites out, or be a suite's. Some reports tell
    no files: there it is what the base has not, and what is called like the name if one is given. Others know whole
    programs alone: there it is those that say what failed in the file (``programs``).
    """
    file, _, name = test.partition("::")
    if any(belongs(case.name, test) for case in receipt.cases):
        return (test,)
    there = [case.name for case in receipt.cases if belongs(case.name, file)]
    if there or receipt.unbuilt:
        meant, bare = _joined(test), f" {_joined(name)}"
        same = tuple(one for one in there if _joined(one) == meant)
        same = same or tuple(one for one in there if _joined(one).startswith(f"{meant} "))
        same = same or tuple(one for one in there if name and _joined(one).endswith(bare))
        return same or _spelled_otherwise(name, there) or (test,)
    before = {case.name for case in base.cases} if base else set[str]()
    new = tuple(case.name for case in receipt.cases if case.name not in before)
    called = tuple(one for one in new if one == name or one.endswith((f"::{name}", f" {name}", f".{name}")))
    return (called if name else new) or programs(file, receipt) or (test,)


def _spelled_otherwise(name: str, there: Sequence[str]) -> tuple[str, ...]:
    """The one case of a file that has a name's very words: `TestA.test_x`, `TestA/two words`, `adds()`, `adds two`.

    Reports of many runners make an identifier of a title, and put ``test`` before it.
    """
    wanted = _words(name)
    found = [
        one for one in there if wanted in (_words(one.partition("::")[2]), _words(one.rpartition("::")[2]))
    ]
    return tuple(found) if wanted and len(found) == 1 else ()


def _words(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name).strip().removeprefix("test ")


def programs(file: str, receipt: Receipt) -> tuple[str, ...]:
    """Red cases that are whole programs of tests, by no file's name, and say that a test in this file failed."""
    spoken = re.compile(rf"(^|[\s/\"'(]){re.escape(file)}[:(]", re.MULTILINE)
    return tuple(
        case.name
        for case in receipt.cases
        if case.outcome in ("failed", "error")
        and not PurePosixPath(case.name.partition("::")[0]).suffix
        and spoken.search(case.message)
    )


def passed_within(test: str, names: Collection[str], receipt: Receipt, *, guard: bool) -> bool:
    """Whether a test is in a file of which programs say what failed in it, and is not among that.

    Where a message was cut, what it does not name is believed to be what its author says: a ``guard`` is green.
    """
    file, _, name = test.partition("::")
    if not name or not names or set(names) != {*programs(file, receipt)}:
        return False
    said = [case.message for case in receipt.cases if case.name in names]
    if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) for message in said):
        return False
    return guard or not any(CUT in message for message in said)
