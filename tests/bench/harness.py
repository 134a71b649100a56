"""Rows of the benchmark: two sides measured in turn, medians, one table, and the samples kept as JSON.

A *row* is a function that yields `Figure`s. The sides of a figure run in turn, round by round, so that what else
happens on the machine falls on all of them; only their ratio means anything elsewhere.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

Unit = Literal["s", "B", "x"]
Run = Callable[[], float]
Prepare = Callable[[], Run]

OURS = "wainwright"


class Missing(Exception):
    """A tool, a corpus or a function that a side needs is not there; the message says which."""


@dataclass(frozen=True)
class Bar:
    """What must hold: a ratio to the anchor, seconds beyond it, or seconds, or bytes."""

    limit: float
    kind: Literal["ratio", "beyond", "s", "B"] = "ratio"

    def __str__(self) -> str:
        if self.kind == "ratio":
            return f"<= {self.limit:g}x"
        if self.kind == "beyond":
            return f"<= +{show(self.limit, 's')}"
        return f"<= {show(self.limit, self.kind)}"


@dataclass(frozen=True)
class Figure:
    """One line of the table. A side that could not run has no value, and `notes` says why."""

    name: str
    unit: Unit
    ours: float | None
    anchor: float | None
    anchor_name: str
    bar: Bar | None = None
    right: bool = True
    """The answer was checked as well as timed; false voids the figure."""
    notes: tuple[str, ...] = ()
    samples: Mapping[str, list[float]] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return self.ours / self.anchor if self.ours is not None and self.anchor else None

    @property
    def holds(self) -> bool | None:
        """None where there is nothing to say: no bar, or a side is missing."""
        if self.bar is None or self.ours is None:
            return None
        if not self.right:
            return False
        value = self.ratio if self.bar.kind == "ratio" else self.ours
        if self.bar.kind == "beyond":
            value = None if self.anchor is None else self.ours - self.anchor
        return None if value is None else value <= self.bar.limit


@dataclass
class Samples:
    """Seconds (or bytes) of every round by side, and why a side has none."""

    taken: dict[str, list[float]]
    reasons: list[str]

    def value(self, side: str, of: Callable[[list[float]], float] = statistics.median) -> float | None:
        return of(self.taken[side]) if self.taken.get(side) else None


@dataclass(frozen=True)
class Setting:
    """What a row is given: the corpora by name, the public tools, a folder to write in, and how often to measure."""

    fetch: Callable[[], Mapping[str, Any]]
    """Gets the corpora, which may take many minutes: a row that needs none does not wait for them."""
    tools: Any
    scratch: Path
    quick: bool

    @cached_property
    def corpora(self) -> Mapping[str, Any]:
        """The corpora by name."""
        return self.fetch()

    @property
    def fetched(self) -> Mapping[str, Any]:
        """Those that some row has asked for."""
        return vars(self).get("corpora", {})

    def runs(self, often: int) -> int:
        return min(often, 3) if self.quick else often


def interleave(sides: Mapping[str, Prepare], runs: int, warm: int = 1) -> Samples:
    """Prepare every side, then run them in turn, another first each round; `warm` rounds do not count."""
    ready: dict[str, Run] = {}
    reasons: list[str] = []
    for name, prepare in sides.items():
        try:
            ready[name] = prepare()
        except (Missing, ImportError, AttributeError) as error:
            reasons.append(f"{name}: {error}")
    taken: dict[str, list[float]] = {name: [] for name in ready}
    for number in range(warm + runs):
        order = list(ready)
        for name in order[number % len(order) :] + order[: number % len(order)] if order else ():
            if name not in ready:
                continue
            try:
                sample = ready[name]()
            except Missing as error:
                reasons.append(f"{name}: {error}")
                del ready[name]
                continue
            if number >= warm:
                taken[name].append(sample)
    return Samples(taken, reasons)


def timed(work: Callable[[], object], loops: int = 1) -> Run:
    """A run that takes the wall time of `work`, averaged over `loops` calls where one is too short to time."""

    def run() -> float:
        began = time.perf_counter()
        for _ in range(loops):
            work()
        return (time.perf_counter() - began) / loops

    return run


def compare(
    name: str,
    ours: Prepare,
    anchor: tuple[str, Prepare],
    bar: Bar | None,
    runs: int,
    *,
    warm: int = 1,
    notes: tuple[str, ...] = (),
) -> Figure:
    """The usual figure: the medians of two sides in seconds."""
    samples = interleave({OURS: ours, anchor[0]: anchor[1]}, runs, warm)
    return figure(name, samples, anchor[0], bar, notes=notes)


def figure(
    name: str,
    samples: Samples,
    anchor: str,
    bar: Bar | None = None,
    *,
    unit: Unit = "s",
    of: Callable[[list[float]], float] = statistics.median,
    right: bool = True,
    notes: tuple[str, ...] = (),
) -> Figure:
    """A line of the table from what was sampled."""
    return Figure(
        name,
        unit,
        samples.value(OURS, of),
        samples.value(anchor, of),
        anchor,
        bar,
        right,
        (*notes, *samples.reasons),
        {side: samples.taken[side] for side in (OURS, anchor) if side in samples.taken},
    )


def p99(values: list[float]) -> float:
    """The value that 99 of 100 do not exceed."""
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


def show(value: float | None, unit: str) -> str:
    """Three digits in the unit a reader expects."""
    if value is None:
        return "-"
    if unit == "x":
        return f"{value:.3g}"
    steps = [(1, "s"), (1e-3, "ms"), (0, "µs")] if unit == "s" else [(1e9, "GB"), (1e6, "MB"), (0, "kB")]
    scale = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "GB": 1e9, "MB": 1e6, "kB": 1e3}
    name = next(name for least, name in steps if abs(value) >= least)
    digits = value / scale[name]
    return f"{digits:.0f} {name}" if abs(digits) >= 100 else f"{digits:.3g} {name}"


HEAD = ("figure", "ours", "anchor", "", "ratio", "bar", "holds?")


def table(figures: list[Figure]) -> Iterator[str]:
    """The table's lines; the notes of a figure stand under it."""
    verdicts = {True: "yes", False: "NO", None: "-"}
    rows = [HEAD]
    for one in figures:
        ratio = "-" if one.ratio is None else f"{one.ratio:.3g}x"
        verdict = verdicts[one.holds] if one.right or one.ours is None else "NO (see note)"
        values = show(one.ours, one.unit), show(one.anchor, one.unit)
        rows.append((one.name, *values, one.anchor_name, ratio, str(one.bar or "-"), verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    numbers = (1, 2, 4)
    for index, row in enumerate(rows):
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
        if index == 0:
            yield "-" * (sum(widths) + 2 * (len(widths) - 1))
        else:
            yield from (f"    {note}" for note in figures[index - 1].notes)
