"""A receipt in words, for a model or a person."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

from wainwright.domain.evidence import Case, Receipt
from wainwright.domain.shown import in_line
from wainwright.domain.text import cut
from wainwright.receipts.names import belongs
from wainwright.receipts.verdict import exit_text

CASES_LISTED = 30
CASES_DETAILED = 6
NAMES_LISTED = 10
TRACE_MAX = 1_200
"""Characters of one failure."""
_FRAME = re.compile(
    r"^[_ ]{5,}$|^(/usr|/root|/home|/opt)\S*/lib/python|^\s+at .*\(node:internal|^\s+at .*/node_modules/"
)


def report_text(receipt: Receipt, *, own: Collection[str] | None = None, base: Receipt | None = None) -> str:
    """A receipt: first which tests are red, a line each, then why; identical failures once.

    ``own`` names the tests that the reader answers for: those come first and alone get details. None: all do.
    ``base`` is the base's receipt: what was red there is told apart.
    """
    head = f"`{receipt.command}` ended with {exit_text(receipt.exit)} after {receipt.seconds:.1f} s."
    if receipt.environment:
        return f"{head} {receipt.environment}\n{cut(receipt.output, 3000)}"
    if not receipt.cases:
        return "\n".join([head, *_beside(receipt, base), *_doubts(receipt), receipt.output])
    red = [c for c in receipt.cases if c.outcome in ("failed", "error")]
    unbuilt = [c for c in red if c.unbuilt]
    known = set(base.failing) if base else set[str]()
    failing = [c for c in red if c.name not in known]
    lines = [f"{head} {counts(receipt)}.", *_doubts(receipt)]
    mine = [c for c in failing if own is None or c.unbuilt or any(belongs(c.name, one) for one in own)]
    others = [c for c in failing if c not in mine]
    if own is not None and failing and not unbuilt:
        lines.append(
            f"Of this task's requirements {len(mine)} failed:" if mine else "None of this task's failed."
        )
    lines += [f"- {in_line(c.name)}: {_why(c)}" for c in mine[:CASES_LISTED]]
    lines += [_more(mine, CASES_LISTED)] if len(mine) > CASES_LISTED else []
    if others:
        files = Counter(c.name.partition("::")[0] for c in others)
        lines.append(
            "Of other tasks' requirements: "
            + ", ".join(f"{count} in {in_line(file)}" for file, count in files.items())
            + "."
        )
    lines += _beside(receipt, base)
    lines += _details(mine)
    return "\n".join(lines)


def counts(receipt: Receipt) -> str:
    """How many tests passed, failed and were skipped, and what could not be built."""
    unbuilt = len(receipt.unbuilt)
    skipped = len(receipt.skipped)
    endings = [case.outcome for case in receipt.endings]
    passed = len(receipt.passing) - endings.count("passed")
    parts = [f"{passed} passed", f"{len(receipt.failing) - unbuilt - endings.count('failed')} failed"]
    parts += [f"{skipped} skipped"] if skipped else []
    parts += [f"{unbuilt} could not be built or collected"] if unbuilt else []
    return ", ".join(parts)


def _beside(receipt: Receipt, base: Receipt | None) -> list[str]:
    """What the base's receipt says that is worth knowing here."""
    if base is None:
        return []
    if not base.cases:
        return [f"On the base it ended with {exit_text(base.exit)}."]
    red = [one for one in receipt.failing if one in set(base.failing)]
    gone = sorted(base.passing - {case.name for case in receipt.cases}) if not receipt.only else []
    known = {case.name for case in base.cases}
    new = sorted(name for name in receipt.passing if name not in known)
    lines = [f"On the base: {counts(base)}."]
    lines += [f"Red on the base already, and still: {_names(red)}."] if red else []
    lines += [f"Green on the base, and not in this report: {_names(gone)}."] if gone else []
    lines += [f"Not there on the base, and green: {_names(new)}."] if new else []
    return lines


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_LISTED} more" if len(names) > NAMES_LISTED else ""
    return ", ".join(map(in_line, names[:NAMES_LISTED])) + more


def _doubts(receipt: Receipt) -> list[str]:
    said = [f"Not believed: {why}" for why in receipt.disbelieved[:NAMES_LISTED]]
    return said + [f"Doubt: {doubt}" for doubt in receipt.doubts[:NAMES_LISTED]]


def _details(cases: Sequence[Case]) -> list[str]:
    """Why tests failed, each reason once with the names of all tests that give it."""
    reasons: dict[str, list[str]] = {}
    for case in cases:
        reasons.setdefault(_trace(case.message), []).append(case.name)
    lines = []
    for reason, names in list(reasons.items())[:CASES_DETAILED]:
        same = f" (and the same in {len(names) - 1} more)" if len(names) > 1 else ""
        lines.append(f"\n{in_line(names[0])}{same}\n{reason}")
    return lines


def _more(cases: Sequence[Case], shown: int) -> str:
    files = Counter(c.name.partition("::")[0] for c in cases[shown:])
    return "- and " + ", ".join(f"{count} more in {in_line(file)}" for file, count in files.items())


def _why(case: Case) -> str:
    """The line of a failure that says most: pytest marks it with an E."""
    marked = [line[2:].strip() for line in case.message.splitlines() if line.startswith("E ")]
    lines = marked or [line.strip() for line in case.message.splitlines() if line.strip()]
    return lines[0][:200] if lines else case.outcome


def _trace(message: str) -> str:
    """A failure without the frames of the interpreter and the rulers between frames."""
    kept = [line for line in message.splitlines() if line.strip() and not _FRAME.match(line)]
    return cut("\n".join(kept), TRACE_MAX)
