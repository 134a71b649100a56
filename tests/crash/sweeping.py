"""A whole run is killed at each write to its journal, or its gateway is, and has to end as if nothing had happened.

    python -m tests.crash.sweeping --stride 1

The run has three tasks side by side, gates that a person decides, landings and a deployment. It is driven by the
command line and by a language server; each is killed once, at one row of the journal, before that is on disk or right
after, and another one goes on. Once more the gateway to the models is killed there, and its own process goes on. What
has to be the same then is what ``killing`` looks at.
"""

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.dying import KILLED
from tests.crash.killing import (
    PATIENCE_S,
    CommandLine,
    Judged,
    LanguageServer,
    Outcome,
    Place,
    in_a_place,
    judge,
    to_its_end,
    wait,
)
from tests.fixtures import team
from tests.fixtures.openai_server import Answer, call, say
from tests.fixtures.program import CONFIG, SERVER

REPOSITORY = SERVER.parent
MODULES = {
    "sub": "def sub(a: int, b: int) -> int:\n    return a - b\n",
    "mul": "def mul(a: int, b: int) -> int:\n    return a * b\n",
    "neg": "def neg(a: int) -> int:\n    return -a\n",
}
PLAN = {
    "requirements": [
        {"id": f"R{number}", "text": f"`calc.{name}` has `{name}`."}
        for number, name in enumerate(MODULES, start=1)
    ],
    "tasks": [
        {
            "id": name,
            "title": f"Add {name}",
            "instruction": f"Create calc/{name}.py.",
            "needs": [],
            "write_set": [f"calc/{name}.py"],
            "acceptance": [f"R{number}"],
        }
        for number, name in enumerate(MODULES, start=1)
    ],
    "test_command": None,
    "notes": "",
}
TESTS = """from calc.mul import mul
from calc.neg import neg
from calc.sub import sub


def test_sub():
    assert sub(5, 3) == 2


def test_mul():
    assert mul(-4, 3) == -12


def test_neg():
    assert neg(4) == -4
"""
KINDS = {"run": CommandLine, "server": LanguageServer}


def play(body: dict[str, Any]) -> Answer:
    """Three tasks, each right at once; for the rest the team."""
    part, turn = team.part(body), team.turns(body)
    if part == "Planner":
        return say(team.answer(PLAN))
    if part == "Tester" and turn == 0:
        return say(f"<<<<<<< FILE tests/test_more.py\n{TESTS}>>>>>>> FILE\n")
    if part == "Tester" and turn > 1:
        tests = [
            {"requirement": f"R{number}", "test": f"tests/test_more.py::test_{name}"}
            for number, name in enumerate(MODULES, start=1)
        ]
        return say(team.answer({"status": "done", "tests": tests, "summary": "Three tests."}))
    if part == "Implementer" and turn == 0:
        brief = team.text_of(body["messages"][team.begun(body)])
        name = brief.partition("## Your task: ")[2].partition(",")[0]
        return say(f"<<<<<<< FILE calc/{name}.py\n{MODULES[name]}>>>>>>> FILE\n")
    if part == "Implementer" and turn == 1:
        return call("run_tests")
    return team.play(body)


@dataclass(frozen=True)
class Point:
    """Where something is killed."""

    kind: str
    whom: str
    at: int
    moment: str

    def __str__(self) -> str:
        killed = f"the gateway of {self.kind}" if self.whom == "gateway" else self.kind
        return f"{killed}, {self.moment} row {self.at}"


@dataclass
class Sweep:
    """What came of it."""

    rows: dict[str, int] = field(default_factory=dict)
    """Of a run that nobody disturbed, by what drove it."""
    kills: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    lost: int = 0
    wrong: list[str] = field(default_factory=list)


def killed_once(place: Place, point: Point, sweep: Sweep) -> None:
    """Let one process work until something is killed at the point."""
    work = place.work
    work.entry = ("tests.crash.dying", str(point.at), point.moment, point.whom)
    driver = KINDS[point.kind](place)
    if point.whom == "gateway":
        to_its_end(driver, place)
        happened = KILLED in driver.said
    else:
        wait(driver.ended, PATIENCE_S)
        happened = driver.process.poll() == -signal.SIGKILL
        if happened:
            driver.kill()
        else:
            driver.leave()
    sweep.kills[f"{point.kind}: {point.whom}" if happened else "nothing there to kill"] += 1
    work.entry = ("wainwright",)


def one_run(point: Point, control: Outcome | None, sweep: Sweep, kept: Path | None) -> Outcome | None:
    """A run with one kill, or the control run where there is none to compare it with."""

    def act(place: Place) -> Judged:
        place.autonomy = "auto-edit"
        place.work.extra["PYTHONPATH"] = f"{SERVER}:{REPOSITORY}"
        known: dict[str, int] = {}
        if control is not None:
            killed_once(place, point, sweep)
            known = place.recorded()
        while not place.over():
            to_its_end(KINDS[point.kind](place), place)
        told = place.work.do("show", "--json").last
        wrong = judge(place, told, known, control)
        if control is None:
            sweep.rows[point.kind] = place.rows("SELECT count(*) FROM journal")[0][0]
        sweep.calls += told["model_calls"]
        sweep.lost += told["lost_calls"]
        return place.outcome(told), wrong

    seen, wrong = in_a_place(str(point), act, play, "parallel = 3\n" + CONFIG, kept)
    sweep.wrong += wrong
    return seen


def points(rows: dict[str, int], stride: int, first: int) -> Iterator[Point]:
    """Where to kill: every so many-th of all the points there are."""
    every = [
        Point(kind, whom, at, moment)
        for at in range(1, max(rows.values()) + 1)
        for kind, whom, moment in (
            ("run", "itself", "before"),
            ("server", "itself", "before"),
            ("run", "gateway", "after"),
            ("run", "itself", "after"),
            ("server", "itself", "after"),
        )
        if at <= rows[kind]
    ]
    yield from every[first::stride]


def sweep_all(stride: int, first: int, jobs: int, kept: Path | None = None) -> Sweep:
    """The control runs, then one run for each point."""
    sweep = Sweep()
    controls = {kind: one_run(Point(kind, "nobody", 0, "at"), None, sweep, kept) for kind in KINDS}
    if sweep.wrong:
        return sweep

    def one(point: Point) -> None:
        began = time.monotonic()
        one_run(point, controls[point.kind], sweep, kept)
        wrong = [one for one in sweep.wrong if one.startswith(f"{point}:")]
        print(f"{point}: {wrong or 'well'}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, points(sweep.rows, stride, first)))
    return sweep


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stride", type=int, default=1, help="only each so many-th point")
    parser.add_argument("--first", type=int, default=0, help="the number of the first point")
    parser.add_argument("--jobs", type=int, default=2, help="runs at the same time")
    parser.add_argument("--keep", type=Path, help="a folder for the journals of runs that went wrong")
    chosen = parser.parse_args()
    sweep = sweep_all(chosen.stride, chosen.first, chosen.jobs, chosen.keep)
    print(f"rows {sweep.rows}, kills {dict(sweep.kills)}; {sweep.calls} calls recorded, {sweep.lost} lost")
    print(*sweep.wrong, sep="\n") if sweep.wrong else print("all as if nothing had happened")
    return 1 if sweep.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
