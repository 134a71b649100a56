"""What a person has to know of how far the tests of a run can be trusted: told at gates, at the end, in documents."""

from collections.abc import Sequence

from wainwright.domain import skipping
from wainwright.domain.evidence import Receipt
from wainwright.domain.state import RunState

NAMED_MAX = 3
"""Tests named in one sentence."""


def cautions(state: RunState) -> tuple[str, ...]:
    """Sentences, the gravest first; empty where the tests ran, and nothing about them is out of the ordinary."""
    if state.base is None:
        return ()
    if not state.suites:
        return ("It is not known how this workspace is tested, so nothing was tested.", *skipping.told(state))
    if not state.testable:
        why = without_stop(state.untested or state.tier_reason)
        return (f"No test was run: {why}.", *skipping.told(state))
    told = [*_of_the_base(state), *_of_the_whole(state), *skipping.told(state)]
    return tuple(dict.fromkeys(told))


def _of_the_base(state: RunState) -> list[str]:
    base = state.base_tested
    if base is None:
        return []
    if base.receipt is None:
        return [f"No test was run on the base: {without_stop(base.reason)}."]
    receipt = base.receipt
    if receipt.environment:
        return [f"No test of this workspace could run: {without_stop(receipt.environment)}."]
    told = list(receipt.doubts)
    if receipt.unbuilt:
        told.insert(
            0, f"Before the run began these could not be built or collected: {names(receipt.unbuilt)}."
        )
    if _red(receipt):
        told.insert(0, _red_before(state, receipt))
    told += _ended_before(state, receipt)
    if not receipt.cases and receipt.exit != 0 and not (state.tested and state.tested.shows_nothing):
        ended = "was stopped at its time limit" if receipt.exit is None else f"ended with {receipt.exit}"
        told.insert(0, f"`{receipt.command}` {ended} before the run began, without telling single tests.")
    return told


def _red_before(state: RunState, receipt: Receipt) -> str:
    red = _red(receipt)
    still = tuple(name for name in state.tested.verdict.base_red if name in red) if state.tested else ()
    tests = len(receipt.cases) - len(receipt.unbuilt) - len(receipt.endings)
    count = f"{len(red)} of {tests} tests {'was' if len(red) == 1 else 'were'} red"
    and_now = ""
    if state.tested is not None:
        one = len(red) == 1
        and_now = ", and is not now" if one else ", and none of them is red now"
        if still:
            many = "all of them" if len(still) == len(red) else f"{len(still)}"
            and_now = ", and still is" if one else f", and still so are {many}"
    return f"{count} before the run began{and_now}: {names(still or red)}."


def _red(receipt: Receipt) -> tuple[str, ...]:
    """The tests that are red; what could not be built is no test, and no exit code is."""
    return tuple(
        c.name for c in receipt.cases if c.outcome in ("failed", "error") and not c.unbuilt and not c.ending
    )


def _ended_before(state: RunState, receipt: Receipt) -> list[str]:
    """Which commands ended badly on the base, where that is all that is known of them."""
    told = []
    for case in receipt.endings:
        if case.outcome != "passed":
            ended = without_stop(case.message.partition("\n")[0]).removeprefix("It ")
            still = state.tested is not None and case.name in state.tested.verdict.base_red
            and_now = ", and still does" if still else ""
            told.append(f"`{case.name.removesuffix('::exit')}` {ended} before the run began{and_now}.")
    return told


def _of_the_whole(state: RunState) -> list[str]:
    tested = state.tested
    if tested is None:
        return []
    if tested.unverified:
        return ["The tests were passed by a person, without a receipt."]
    told = list(tested.verdict.doubts)
    for tests, became in ((tested.verdict.deleted, "deleted"), (tested.verdict.skipped, "skipped")):
        if tests:
            now = (
                "gone with a file that the change deletes"
                if became == "deleted"
                else "skipped, and not so before"
            )
            told.append(
                f"{len(tests)} {'test is' if len(tests) == 1 else 'tests are'} {now}: {names(tests)}."
            )
    if tested.verdict.flaky:
        told.append(f"Red first, and green when run again alone: {names(tested.verdict.flaky)}.")
    return told


def names(tests: Sequence[str], limit: int = NAMED_MAX) -> str:
    """Some tests by name, and how many more there are."""
    more = f" and {len(tests) - limit} more" if len(tests) > limit else ""
    return ", ".join(f"`{test}`" for test in tests[:limit]) + more


def without_stop(sentence: str) -> str:
    """A sentence to be set into another one."""
    return sentence.strip().rstrip(".")
