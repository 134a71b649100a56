"""What a run of all tests has in common, and says at its end beside the runner's own summary."""

from collections import Counter, defaultdict

import pytest
from tests.attack.kinds import KINDS, kinds_of
from tests.fixtures import preloaded
from tests.fixtures.hosts import end_common


def pytest_sessionfinish() -> None:
    """What tests have in common ends with them."""
    end_common()
    preloaded.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each group and kind of attack: passed / run / skipped, and what is owed or should not be."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    notes: dict[str, list[str]] = defaultdict(list)
    titles = {f"{number:2} {title}": number for number, title in enumerate(KINDS, 1)}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            # What could not be imported is a report as well, of another kind.
            if not isinstance(report, pytest.TestReport) or (
                report.when != "call" and outcome not in ("error", "skipped")
            ):
                continue
            told = dict(report.user_properties)
            for group in [told["attack"]] if "attack" in told else []:
                counts[group][outcome] += 1
            for title, number in titles.items():
                counts[title][outcome] += number in kinds_of(report.nodeid)
            for line in told.get("attacks not run", []):
                notes[line[0]].append(line)
    shown = {name: count for name, count in counts.items() if count.total()}
    if not shown and not notes:
        return
    terminalreporter.section("attacks: passed / run / skipped")
    for name in sorted(shown.keys() | notes.keys()):
        count = counts[name]
        run = count.total() - count["skipped"]
        terminalreporter.write_line(f"{name}: {count['passed']} / {run} / {count['skipped']}")
        for note in notes[name]:
            terminalreporter.write_line(f"    {note}")
