"""One workspace, outside and inside: the same results, all of the person's as it was, and in what time."""

import asyncio
import os
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.parity import inside, outside
from tests.parity.made import Workspace, make, person

TESTS_MIN = 5
SLOWER_MAX = 1.3
LATER_MAX_S = 0.150
"""What of a quick command may come on top, whatever the ratio."""


@dataclass
class Measured:
    """A line of the table."""

    name: str
    tests: int = 0
    differences: list[str] = field(default_factory=list)
    """Empty when each round inside said of each test what the runner said outside."""
    changed: list[str] = field(default_factory=list)
    """What is not as it was beneath the person's folder."""
    outside_s: list[float] = field(default_factory=list)
    inside_s: list[float] = field(default_factory=list)
    """From the snapshot to the receipt, without the first round, which fills caches."""
    first_s: float = 0.0
    detected: str = ""
    """The commands that the product finds out by itself."""
    detected_differences: list[str] = field(default_factory=list)
    """Empty when those say of each test the same."""
    output: str = ""
    """The end of what was printed inside, where the results differ."""

    @property
    def ratio(self) -> float:
        return statistics.median(self.inside_s) / statistics.median(self.outside_s)

    @property
    def in_time(self) -> bool:
        out, into = statistics.median(self.outside_s), statistics.median(self.inside_s)
        return into <= max(out * SLOWER_MAX, out + LATER_MAX_S)

    @property
    def equal(self) -> bool:
        return not self.differences and not self.detected_differences and not self.changed


def measure(workspace: Workspace, base: Path, rounds: int) -> Measured:
    """Make it beneath ``base``, run it outside in a copy at its own path and inside, ``rounds`` times each in turn.

    In turn, since what else the machine does changes from minute to minute. Raises Missing where it cannot be made,
    and ValueError when its tests show too little to compare.
    """
    root = base / workspace.name
    folder = make(workspace, base)
    environment = person(base)
    kept = base / f"{workspace.name}-kept"
    subprocess.run(["cp", "-a", root, kept], check=True)
    found, printed = outside.results(workspace, folder, environment)
    enough(workspace.name, found, printed)
    measured = Measured(workspace.name, len(found))
    worn = base / f"{workspace.name}-worn"
    root.rename(worn)
    kept.rename(root)

    def time_outside() -> None:
        with _in_place(worn, root):
            measured.outside_s.append(outside.seconds(workspace, folder, environment))

    before = inside.fingerprint(root)
    with _prompt(base, environment):
        (by_itself,) = asyncio.run(inside.bases(folder, {}, 1, workspace.patience))
        bases = asyncio.run(
            inside.bases(folder, workspace.settings, rounds + 1, workspace.patience, time_outside)
        )
    after = inside.fingerprint(root)
    measured.changed = sorted(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )
    measured.detected, measured.detected_differences = by_itself.suites, inside.differences(found, by_itself)
    measured.first_s, *measured.inside_s = (one.seconds for one in bases)
    for number, one in enumerate(bases):
        measured.differences += [f"round {number}: {what}" for what in inside.differences(found, one)]
    wrong = next((one for one in (by_itself, *bases) if inside.differences(found, one)), None)
    measured.output = wrong.receipt.output if wrong and wrong.receipt else ""
    return measured


def enough(name: str, found: outside.Results, printed: str) -> None:
    """Raise ValueError unless there is something to compare: five tests, one of them red and one skipped."""
    if len(found) < TESTS_MIN or not {"red", "skipped", "green"} <= set(found.values()):
        raise ValueError(f"{name}: too little to compare: {found}\n{printed[-3000:]}")


@contextmanager
def _in_place(copy: Path, root: Path) -> Iterator[None]:
    """Have a copy stand at the path of what it is a copy of."""
    aside = root.with_name(f"{root.name}-aside")
    root.rename(aside)
    copy.rename(root)
    try:
        yield
    finally:
        root.rename(copy)
        aside.rename(root)


@contextmanager
def _prompt(base: Path, environment: dict[str, str]) -> Iterator[None]:
    """The product finds the person's PATH, and a state and settings of its own."""
    ours = {
        "PATH": environment["PATH"],
        "XDG_STATE_HOME": str(base / "state"),
        "XDG_CONFIG_HOME": str(base / "config"),
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def table(rows: list[Measured]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    yield "| workspace | tests | equal | folder | outside s | inside s | ratio | in time | first s | by itself |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for one in rows:
        same = "yes" if not one.differences else "**no**"
        folder = "as it was" if not one.changed else f"**{len(one.changed)} changed**"
        out, into = statistics.median(one.outside_s), statistics.median(one.inside_s)
        by_itself = "yes" if not one.detected_differences else "**no**"
        in_time = "yes" if one.in_time else "**no**"
        yield (
            f"| {one.name} | {one.tests} | {same} | {folder} | {out:.2f} | {into:.2f} | {one.ratio:.2f}"
            f" | {in_time} | {one.first_s:.2f} | {by_itself}, `{one.detected}` |"
        )


def why(rows: list[Measured]) -> Iterator[str]:
    """What differs, a paragraph a workspace."""
    for one in rows:
        if not one.equal:
            yield f"\n{one.name}:"
            yield from (f"  {line}" for line in one.differences[:12])
            yield from (f"  by itself: {line}" for line in one.detected_differences[:12])
            yield from (f"  changed: {path}" for path in one.changed[:12])
            yield from (f"    | {line}" for line in one.output.splitlines()[-15:])
