"""Whether a report can be believed: exit code and report agree, and nothing changed that could make it lie."""

from collections.abc import Sequence

from wainwright.domain.evidence import Case, Suite
from wainwright.receipts.protocol import Project


def agreement(command: str, code: int | None, cases: Sequence[Case]) -> list[str]:
    """What is odd about an exit code beside the cases of a report."""
    red = [case.name for case in cases if case.outcome in ("failed", "error")]
    if code == 0 and red:
        return [f"`{command}` ended with exit code 0, though its report has red tests: {', '.join(red[:3])}."]
    if code not in (0, None) and cases and not red:
        return [f"`{command}` ended with exit code {code}, though no test in its report is red."]
    return []


def changes(base: Project, now: Project, suites: Sequence[Suite]) -> list[str]:
    """What changed since the base that could make a report lie, a sentence each."""
    return []
