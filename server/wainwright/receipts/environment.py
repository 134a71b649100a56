"""Why tests could not be judged at all, recognised from how they failed: what is missing, and what they reach for."""

import re
from collections.abc import Sequence

from wainwright.domain.evidence import Case
from wainwright.sandbox.protocol import CommandOutcome

_MISSING = (
    (
        re.compile(r"No module named '?(pytest)'?"),
        "pytest is not installed for the interpreter that runs the tests",
    ),
    (
        re.compile(r"(?:bash: line \d+: |sh: \d+: |/bin/sh: \d+: )(\S+): (?:command )?not found"),
        "command not found",
    ),
    (
        re.compile(r"error: no matching package named|failed to (?:download|get) `"),
        "a dependency is not downloaded",
    ),
)

_WATCHES = re.compile(
    r"(?i)waiting for (?:file )?changes|watching for (?:file )?changes|press \S+ to (?:quit|show)|watch usage"
)


def reason(outcomes: Sequence[CommandOutcome], cases: Sequence[Case], output: str, timeout_s: float) -> str:
    """Why the commands could not judge the code at all; empty when they could."""
    if any(one.timed_out for one in outcomes) and not cases:
        watches = " It waits for changes: give a command that ends." if _WATCHES.search(output) else ""
        return f"The test command did not end within {timeout_s:.0f} s.{watches}"
    if cases or all(one.exit in (0, None) for one in outcomes):
        return ""
    for pattern, why in _MISSING:
        found = pattern.search(output)
        if found:
            return f"{why} ({found.group(0).strip()})"
    return "the test command cannot be run" if any(one.exit in (126, 127) for one in outcomes) else ""


def remarks(cases: Sequence[Case]) -> list[str]:
    """What a person should know of tests that reach for something outside, while others are green."""
    return []
