"""What a run of all tests says at its end beside the runner's own summary."""

from collections import defaultdict

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each group of attacks: passed / run / skipped, and what is owed or should not be."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    notes: dict[str, list[str]] = defaultdict(list)
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name == "attack" and (report.when == "call" or outcome in ("error", "skipped")):
                    counts[value][0] += outcome == "passed"
                    counts[value][1] += outcome != "skipped"
                    counts[value][2] += outcome == "skipped"
                elif name == "attacks not run" and report.when == "call":
                    group, _, what = value.partition(" ")
                    notes[group].append(what)
    if not counts and not notes:
        return
    terminalreporter.section("attacks: passed / run / skipped")
    for group in sorted(counts.keys() | notes.keys()):
        terminalreporter.write_line(f"{group} {' / '.join(map(str, counts[group]))}")
        for note in sorted(notes[group]):
            terminalreporter.write_line(f"    {note}")
