"""What a receipt means, beside the base's: for the check of a task, for landing and for TEST alike."""

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

from wainwright.domain.evidence import Case, Receipt, RedFirst, Verdict
from wainwright.receipts.names import belongs
from wainwright.receipts.protocol import CannotNarrow

AGAIN_MAX = 30
"""Red tests that are run again to see whether they are flaky; with more something else is wrong."""

_BAD_LINE = re.compile(r"error|fail|not ok|exception|panic|✗|✘|undefined|cannot", re.IGNORECASE)
_CHANGING = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{12,}\b|\d+(\.\d+)?|/tmp/\S+", re.IGNORECASE)
_MISSING_NAME = re.compile(
    r"ImportError: cannot import name|ModuleNotFoundError|has no attribute|NameError: name"
    r"|undefined: |undefined \(|unknown field|has no field or method|is not in std|no required module provides"
    r"|not enough arguments in call|too many arguments in call|cannot use .* as .* value"
    r"|E0(?:061|063|107|407|412|422|423|424|425|426|428|432|433|437|438|531|532|559|560|576|599|603|609|614)\b"
    r"|Cannot find module ['\"]?[./]|Cannot find name|does not provide an export|is not a (?:function|constructor)"
    r"|TS(?:2304|2305|2307|2339|2551|2554|2614|2724)\b|Failed to resolve import ['\"][./]"
    r"|cannot find symbol|package [\w.]+ does not exist|cannot be applied to given types"
    r"|no suitable (?:method|constructor) found|does not override abstract method|does not override or implement"
    r"|Unresolved reference|Too many arguments for|No value passed for parameter|No parameter with name"
    r"|CS(?:0103|0117|0234|0246|1061|1501|1503|1729|1739|7036)\b|cannot find '[^']+' in scope|has no member"
    r"|no matching function for call|too (?:many|few) arguments to function|no member named"
    r"|uninitialized constant|undefined method|cannot load such file"
    r"|Class ['\"][\w\\]+['\"] not found|Call to undefined|is undefined|was not declared in this scope|No such file"
    r"|undefined (?:function|variable|local variable|subroutine|reference to)|Undefined subroutine|UndefVarError"
    r"|is not loaded and could not be found|Can't locate \S+ in @INC|Can't locate object method|is not exported by"
    r"|undeclared|implicit declaration of function|does not name a type|attempt to call [^\n]*nil value"
    r"|module '[\w.-]+' not found|(?:Variable|Data constructor|Type constructor or class)s? not in scope|Not in scope"
    r"|Could not (?:find|load) module|Module ['\u2018]\S+['\u2019] does not export"
    r"|Unbound (?:value|module|constructor|type)"
    r"|not found: (?:value|type|object)|is not a member of|could not find function|object '\S+' not found"
    r"|Unable to resolve symbol|unable to resolve class|No such property|No signature of method"
    r"|(?:value|type|namespace|constructor|module)[^\n]* is not defined|isn't defined"
)
"""What compilers and interpreters say of a name that is still to come."""


def judge(
    receipt: Receipt, base: Receipt | None, acceptance: Collection[str], *, deleted: Collection[str] = ()
) -> Verdict:
    """Pass: every acceptance test ran and is green, nothing that was green is red or gone, and it builds.

    ``acceptance`` names files, or single tests as ``file::name``; ``deleted`` are files that the plan's own change
    deleted openly, so that their tests may be gone. Without parsed cases the exit code speaks, beside the base's.
    """
    if receipt.environment:
        return Verdict(passed=False, reason=receipt.environment, doubts=receipt.doubts)
    if receipt.disbelieved:
        said = "the report is not believed: " + " ".join(receipt.disbelieved)
        return Verdict(passed=False, reason=said, doubts=(*receipt.disbelieved, *receipt.doubts))
    if not receipt.cases:
        return _by_exit(receipt, base, acceptance, deleted)
    found = {one: [c for c in receipt.cases if belongs(c.name, one)] for one in acceptance}
    green, known_red = (base.passing, set(base.failing)) if base else (frozenset[str](), set[str]())
    skipped_before = base.skipped if base else frozenset[str]()
    now = {case.name for case in receipt.cases}
    tests = [case for case in receipt.cases if not case.unbuilt]
    wanted_red = [c.name for cs in found.values() for c in cs if c.outcome in ("failed", "error")]
    not_run = [one for one, cases in found.items() if not cases]
    not_run += [
        c.name for cs in found.values() for c in cs if c.outcome == "skipped" and c.name not in skipped_before
    ]
    red = [case.name for case in tests if case.outcome in ("failed", "error")]
    turned_red = [name for name in red if name in green or (name not in known_red and name not in wanted_red)]
    gone = [name for name in green - now if not _deleted(name, deleted)]
    gone += [name for name in receipt.skipped if name in green]
    skipped = receipt.skipped - skipped_before - green - set(not_run)
    before = [case.name for case in base.cases if not case.unbuilt] if base else []
    unbuilt = [name for name in receipt.unbuilt if base is None or name not in base.unbuilt]
    disagrees = _disagrees(receipt, base)
    verdict = Verdict(
        passed=not (turned_red or wanted_red or not_run or gone or unbuilt or disagrees),
        turned_red=_unique(sorted(turned_red, key=lambda name: (name not in green, name))),
        acceptance_red=_unique(wanted_red),
        gone=_unique(sorted(gone)),
        not_run=_unique(not_run),
        unbuilt=_unique(unbuilt),
        deleted=_unique(sorted(name for name in before if name not in now and _deleted(name, deleted))),
        skipped=_unique(sorted(skipped)),
        base_red=_unique(name for name in receipt.failing if name in known_red),
        flaky=_unique(case.name for case in receipt.cases if case.flaky),
        doubts=receipt.doubts,
    )
    return verdict if verdict.passed else verdict.model_copy(update={"reason": _reason(verdict, disagrees)})


def _by_exit(
    receipt: Receipt, base: Receipt | None, acceptance: Collection[str], deleted: Collection[str]
) -> Verdict:
    ended = f"`{receipt.command}` ended with {exit_text(receipt.exit)}"
    if base is not None and base.passing:
        gone = tuple(sorted(name for name in base.passing if not _deleted(name, deleted)))
        if gone or receipt.exit != 0:
            return Verdict(
                passed=False,
                gone=gone,
                not_run=tuple(acceptance),
                doubts=receipt.doubts,
                reason=f"{ended}, and no test is in its report; on the base {len(base.passing)} were green",
            )
    if receipt.runner and acceptance:
        return Verdict(
            passed=False,
            not_run=tuple(acceptance),
            doubts=receipt.doubts,
            reason=f"{ended}, and no acceptance test ran",
        )
    if receipt.exit == 0:
        return Verdict(passed=True, doubts=receipt.doubts)
    if base is not None and base.exit == receipt.exit is not None and _no_worse(receipt, base):
        said = f"{ended}, as on the base and with the same messages; its tests cannot be told apart."
        return Verdict(passed=True, doubts=(*receipt.doubts, said))
    before = f"; on the base it ended with {exit_text(base.exit)}" if base is not None else ""
    return Verdict(passed=False, doubts=receipt.doubts, reason=f"{ended} and no parsed report{before}")


def _no_worse(receipt: Receipt, base: Receipt) -> bool:
    """Whether every line that tells of a failure was there on the base, numbers aside."""
    return _bad_lines(receipt.output) <= _bad_lines(base.output)


def _bad_lines(output: str) -> set[str]:
    return {_CHANGING.sub("#", line).strip() for line in output.splitlines() if _BAD_LINE.search(line)}


def _disagrees(receipt: Receipt, base: Receipt | None) -> str:
    """Why exit code and report do not agree, where the base does not have the same; empty when they do."""
    if receipt.exit is None:
        return "the tests were stopped at their time limit"
    if receipt.exit == 0 or receipt.failing:
        return ""
    if base is not None and base.exit == receipt.exit and not base.failing:
        return ""
    return f"it ended with {exit_text(receipt.exit)}, though no test is red"


def _deleted(name: str, deleted: Collection[str]) -> bool:
    return any(belongs(name, path) for path in deleted)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _reason(verdict: Verdict, disagrees: str) -> str:
    parts = [
        _some("could not be built or collected", verdict.unbuilt),
        _some("acceptance tests are red", verdict.acceptance_red),
        _some("acceptance tests did not run", verdict.not_run),
        _some("turned red or are new and red", verdict.turned_red),
        _some("were green on the base and are gone", verdict.gone),
        disagrees,
    ]
    return "; ".join(part for part in parts if part)


def _some(what: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{len(names)} {what}: {', '.join(names[:3])}{more}"


def exit_text(code: int | None) -> str:
    """An exit code in words."""
    return "no exit code: it was stopped at its time limit" if code is None else f"exit code {code}"


def red_first(receipt: Receipt, base: Receipt | None, tests: Collection[str]) -> RedFirst:
    """What each acceptance test says on the base with only the test files added."""
    places: dict[str, list[str]] = {"red": [], "green": [], "unbuilt": [], "not_run": []}
    known = set(base.unbuilt) if base else set[str]()
    broken = [case for case in receipt.cases if case.unbuilt and case.name not in known]
    for test in tests:
        places[_first(test, receipt, base, broken)].append(test)
    return RedFirst(**{name: tuple(found) for name, found in places.items()})


def _first(test: str, receipt: Receipt, base: Receipt | None, broken: Sequence[Case]) -> str:
    cases = [case for case in receipt.cases if belongs(case.name, test)]
    ran = [case for case in cases if not case.unbuilt]
    if any(case.outcome in ("failed", "error") for case in ran):
        return "red"
    if any(case.outcome == "passed" for case in ran):
        return "green"
    near = [case for case in broken if case in cases or _near(case.name, test)]
    if near and base is not None and any(belongs(name, test) for name in base.passing):
        # What is there already is green: only what came into its file or folder keeps it from being built.
        return "green"
    if near:
        return "red" if all(_MISSING_NAME.search(case.message) for case in near) else "unbuilt"
    return "not_run"


def _near(broken: str, test: str) -> bool:
    """Whether what could not be built may be what holds the test: its file, or a folder that it lies in."""
    place, file = broken.rpartition("::")[0], test.partition("::")[0]
    return place in (".", file) or file.startswith(f"{place}/")


async def rerun(
    again: Callable[[Sequence[str]], Awaitable[Receipt]], receipt: Receipt, base: Receipt | None
) -> Receipt:
    """Run what is newly red once more, alone; what is green then is marked as flaky and counts as passed.

    ``again`` takes a receipt of the same tree for these tests only.
    """
    known = set(base.failing) if base else set[str]()
    red = [
        c.name
        for c in receipt.cases
        if c.outcome in ("failed", "error") and not c.unbuilt and c.name not in known
    ]
    if not red or len(red) > AGAIN_MAX:
        return receipt
    try:
        second = await again(red)
    except CannotNarrow:
        return receipt
    green = second.passing & set(red)
    if not green:
        return receipt
    cases = tuple(
        case.model_copy(update={"outcome": "passed", "flaky": True}) if case.name in green else case
        for case in receipt.cases
    )
    mended = receipt.model_copy(update={"cases": cases})
    return mended if mended.failing else mended.model_copy(update={"exit": second.exit})
