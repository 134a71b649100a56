"""A run is killed at random times, or its gateway to the models is, and has to end as if nothing had happened.

    python -m tests.crash.killing --trials 300 --seed 1

In each trial a goal goes to done on a tiny workspace: two tasks at once, a red test, a way back, a deployment. It
is driven by the command line or by a language server, as the seed says. That is killed with SIGKILL up to three
times, or its gateway first, and another one of either kind goes on. At the end tree and artifacts are those of a run
that nobody disturbed, no recorded call is made again, the books say what the provider charged, nothing is left over.
"""

import argparse
import json
import math
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fixtures import team
from tests.fixtures.hosts import end_hosts
from tests.fixtures.leftovers import children, files_of_work, processes_of
from tests.fixtures.openai_server import Answer, OpenAIServer, Script, usage_of
from tests.fixtures.program import CONFIG, Program, program

INPUT_USD, OUTPUT_USD = 1.0, 4.0
"""For a million tokens."""
EVEN = 1e-9
"""US dollars that a sum of floats may be out by."""
PATIENCE_S = 240.0
"""How long one process may work on a run."""
WORDS = ("design.md", "plan.json", "plan.md", "requirements.md", "runbook.md")
"""Artifacts in which nothing depends on the hour, or on which of two tasks landed first."""
ENDS = ("monitored", "run-failed", "run-cancelled")
"""Events after which a run goes on only when it is resumed."""


@dataclass
class Report:
    """What came of the trials."""

    kills: Counter[str] = field(default_factory=Counter)
    """By what was killed; ``too late`` where the run had ended before."""
    done: int = 0
    """Trials, the control run among them."""
    calls: int = 0
    lost: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What has to be the same, however often the run was killed."""

    tree: str
    artifacts: tuple[str, ...]
    texts: dict[str, str]


class Place:
    """A workspace, what works on it, and what is known of its run from outside."""

    autonomy = "full-auto"
    """How far a language server goes without asking."""

    def __init__(self, work: Program, server: OpenAIServer, config: str = CONFIG) -> None:
        self.work, self.server = work, server
        home = work.root / "config" / "wainwright" / "config.toml"
        home.parent.mkdir(parents=True)
        model = f'model = "openai/any"\napi_base = "{server.base}"\n'
        price = f"input_usd_per_mtok = {INPUT_USD}\noutput_usd_per_mtok = {OUTPUT_USD}\n"
        home.write_text(f"{config}\n[[models.default]]\n{model}{price}")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the journal has; nothing where there is none yet."""
        found = [*(self.work.root / "state" / "wainwright").glob("*/journal.db")]
        if not found:
            return []
        with suppress(sqlite3.OperationalError):
            db = sqlite3.connect(f"file:{found[0]}?mode=ro", uri=True, timeout=10)
            try:
                return db.execute(sql).fetchall()
            finally:
                db.close()
        return []

    @property
    def run(self) -> str:
        """The name of the run, once it has one."""
        return next((str(run) for (run,) in self.rows("SELECT run FROM runs")), "")

    def ended(self) -> bool:
        bodies = self.rows("SELECT body FROM journal WHERE kind = 'event' ORDER BY seq")
        kinds = [json.loads(body)["kind"] for (body,) in bodies]
        since = kinds[::-1].index("run-resumed") if "run-resumed" in kinds else len(kinds)
        return not {*kinds[len(kinds) - since :]}.isdisjoint(ENDS)

    def over(self) -> bool:
        """Whether it has ended, and whoever worked on it has put all in its place and let it go."""
        return self.ended() and self.rows("SELECT owner FROM runs") == [("",)]

    def recorded(self) -> dict[str, int]:
        """Every call whose outcome is written, with the row of it."""
        return dict(self.rows("SELECT key, seq FROM journal WHERE kind = 'done' AND effect = 'llm'"))

    def outcome(self, told: dict[str, Any]) -> Outcome:
        folder, name = self.work.workspace / ".wainwright" / "runs" / told["run"], told["run"]
        there = tuple(sorted(path.name for path in folder.iterdir()))
        texts = {one: (folder / one).read_text().replace(name, "RUN") for one in WORDS}
        return Outcome(self.work.git("rev-parse", f"{told['branch']}^{{tree}}").strip(), there, texts)


class CommandLine:
    """A process of the command line that works on the run."""

    def __init__(self, place: Place) -> None:
        words = ("resume", place.run) if place.run else ("run", team.GOAL)
        self.process = place.work.start(*words, "--json")
        self._drain = threading.Thread(target=self._read, daemon=True)
        self.said = ""
        self._drain.start()

    def _read(self) -> None:
        out, err = self.process.communicate()
        self.said = out + err

    def ended(self) -> bool:
        return self.process.poll() is not None

    def leave(self) -> None:
        self._drain.join(60)

    def kill(self) -> None:
        self.process.kill()
        self.leave()


class LanguageServer:
    """A language server that works on the run, with an editor that can nothing but answer."""

    def __init__(self, place: Place) -> None:
        self._place = place
        options = ("--stdio", "--no-host", "--trust", "--autonomy", place.autonomy)
        self.process = subprocess.Popen(
            [sys.executable, "-m", *place.work.entry, "serve", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=place.work.root,
            env=place.work.environment,
        )
        self.said = ""
        self._sending = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        folder = {"uri": place.work.workspace.as_uri(), "name": "work"}
        self._send(
            id=1,
            method="initialize",
            params={"processId": None, "rootUri": None, "capabilities": {}, "workspaceFolders": [folder]},
        )
        self._send(method="initialized", params={})
        command, argument = ("resume", {"run": place.run}) if place.run else ("start", {"goal": team.GOAL})
        asked = {"command": f"wainwright.{command}", "arguments": [argument]}
        self._send(id=2, method="workspace/executeCommand", params=asked)

    def _send(self, **message: Any) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        with self._sending, suppress(BrokenPipeError, ValueError):  # it was killed, or has ended
            self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
            self.process.stdin.flush()

    def _read(self) -> None:
        out = self.process.stdout
        assert out is not None
        while line := out.readline():
            length = int(line.split(b":")[1])
            out.readline()
            message = json.loads(out.read(length) or b"{}")
            if "method" in message and "id" in message:
                actions = message["params"].get("actions") or [{}] if "params" in message else [{}]
                yes = actions[0].get("title", "").startswith(("Approve", "Take", "Start"))
                self._send(id=message["id"], result=actions[0] if yes else None)
            elif "error" in message:
                self.said += json.dumps(message["error"])

    def ended(self) -> bool:
        return self.process.poll() is not None or self._place.ended() or bool(self.said)

    def leave(self) -> None:
        if self._place.ended():
            # It tidies up once the end is written. What it does not get done, the next one does.
            wait(self._place.over, 10)
        self._send(id=3, method="shutdown")
        self._send(method="exit")
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.said += "it did not leave"
        self.kill()

    def kill(self) -> None:
        """What it has said until then is read to its end."""
        self.process.kill()
        self.process.wait()
        self._reader.join(60)
        with self._sending:
            for pipe in (self.process.stdin, self.process.stdout):
                assert pipe is not None
                with suppress(BrokenPipeError):
                    pipe.close()


DRIVERS = (CommandLine, LanguageServer)


def wait(until: Any, seconds: float) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def slowly(body: dict[str, Any]) -> Answer:
    """The team takes its time, so that a kill finds calls under way."""
    return Answer(**{**vars(team.play(body)), "delay_s": 0.1})


def to_its_end(driver: CommandLine | LanguageServer, place: Place) -> None:
    """Let it work until the run has ended."""
    name = type(driver).__name__
    if not wait(driver.ended, PATIENCE_S):
        driver.kill()
        raise AssertionError(f"{name} came to no end in {place.work.do('show').out}")
    driver.leave()
    if not place.ended():
        raise AssertionError(f"{name} did not go on: {driver.said[-2000:]}")


def disturb(
    place: Place, chance: random.Random, seconds: float, report: Report, known: dict[str, int]
) -> bool:
    """Let one process work until it is killed at some time, or its gateway first; False when it came to its end."""
    kind = chance.choice(DRIVERS)
    gateway = chance.random() < 0.3
    driver = kind(place)
    if wait(driver.ended, chance.uniform(0.0, seconds)):
        report.kills["too late"] += 1
        driver.leave()
        return False
    if gateway:
        for pid in children(driver.process.pid, "gateway"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                report.kills[f"gateway of {kind.__name__}"] += 1
        if chance.random() < 0.5:
            to_its_end(driver, place)
            return False
        if wait(driver.ended, chance.uniform(0.0, seconds / 2)):
            driver.leave()
            return False
    driver.kill()
    report.kills[kind.__name__] += 1
    known.update({key: row for key, row in place.recorded().items() if key not in known})
    return True


def finish(place: Place, chance: random.Random) -> dict[str, Any]:
    """Let the run go to its end, and say how it stands."""
    while not place.over():
        to_its_end(chance.choice(DRIVERS)(place), place)
    return place.work.do("show", "--json").last


def charged(server: OpenAIServer) -> float:
    """What the provider takes for what it answered."""
    assert callable(server.script)
    sums = 0.0
    for entry in server.entries:
        if entry["completed"]:
            usage = usage_of(entry["request"], server.script(entry["request"]))
            sums += usage["prompt_tokens"] * INPUT_USD + usage["completion_tokens"] * OUTPUT_USD
    return sums / 1e6


def left_over(place: Place, service: int | None) -> list[str]:
    """Files and processes of the run that are there beside the one service."""
    (journal,) = (place.work.root / "state" / "wainwright").glob("*/journal.db")
    return processes_of(place.work.root, service=service) + files_of_work(journal.parent)


def differences(control: Outcome, seen: Outcome) -> list[str]:
    """In what one outcome is not the other."""
    found = [f"tree {seen.tree} instead of {control.tree}"] if seen.tree != control.tree else []
    odd = sorted({*control.artifacts} ^ {*seen.artifacts})
    return [
        *found,
        *(f"{name} is there in one only" for name in odd),
        *(f"{name} reads {text}" for name, text in seen.texts.items() if control.texts.get(name) != text),
    ]


def judge(place: Place, told: dict[str, Any], known: dict[str, int], control: Outcome | None) -> list[str]:
    """What is not as it should be."""
    wrong = []
    if told["stage"] != "DONE":
        return [f"it ended in {told['stage']}: {told['failure']}"]
    if control is not None and (seen := place.outcome(told)) != control:
        wrong.append("another outcome: " + "; ".join(differences(control, seen)))
    again = Counter(json.dumps(request["messages"]) for request in place.server.requests)
    repeated = sum(many - 1 for many in again.values())
    # A call that was under way when its gateway was killed has failed; when its server was, it is lost.
    ((undone,),) = place.rows(
        "SELECT count(*) FROM journal WHERE effect = 'llm' AND kind IN ('failed', 'lost')"
    )
    if repeated > undone or told["model_calls"] != len(again):
        wrong.append(f"{repeated} requests repeated, {undone} undone; {told['model_calls']} of {len(again)}")
    if gone := [key for key, row in known.items() if place.recorded().get(key) != row]:
        wrong.append(f"recorded calls were made again: {gone}")
    once = "SELECT key FROM journal WHERE kind = 'done' GROUP BY key HAVING count(*) > 1"
    if twice := place.rows(once):
        wrong.append(f"done twice: {twice}")
    ((spent, held),) = place.rows("SELECT spent_usd, held_usd FROM runs")
    ((booked,),) = place.rows("SELECT sum(usd) FROM journal WHERE kind IN ('done', 'failed', 'lost')")
    if abs(spent - booked) > EVEN or held > EVEN or charged(place.server) > spent + EVEN:
        wrong.append(
            f"money: {charged(place.server)} charged, {booked} in the rows, {spent} spent, {held} held"
        )
    service = told["deployment"]["pid"]
    end_hosts(place.work.hosts)
    if not wait(lambda: not left_over(place, service), 10):
        wrong.append(f"left over: {left_over(place, service)}")
    return wrong


FAULTS = (AssertionError, OSError, subprocess.SubprocessError, LookupError, ValueError)
Judged = tuple[Outcome | None, list[str]]
"""What came of a run, and what is not as it should be."""


def keep(place: Place, folder: Path) -> None:
    """Copy what tells how a run went: its journal, and what the provider was asked."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in (place.work.root / "state" / "wainwright").glob("*/journal.db*"):
        shutil.copy(part, folder)
    (folder / "asked.json").write_text(json.dumps(place.server.entries, default=str))


def in_a_place(
    name: str, act: Callable[[Place], Judged], script: Script, config: str = CONFIG, kept: Path | None = None
) -> Judged:
    """Do something in a new place. The journal of what went wrong is copied to ``kept``."""
    seen, wrong = None, list[str]()
    try:
        with program(alone=True) as work, OpenAIServer(script) as server:
            place = Place(work, server, config)
            try:
                seen, wrong = act(place)
            except FAULTS as error:
                wrong = [f"{type(error).__name__}: {error}"]
            if wrong and kept is not None:
                keep(place, kept / name)
    except FAULTS as error:
        wrong.append(f"{type(error).__name__}: {error}")
    return seen, [f"{name}: {one}" for one in wrong]


def trial(
    seed: int, control: Outcome | None, seconds: float, report: Report, kept: Path | None = None
) -> Outcome | None:
    """One run; the control run where there is none to compare it with."""
    chance = random.Random(seed)
    known: dict[str, int] = {}

    def one_run(place: Place) -> Judged:
        if control is not None:
            for number in range(chance.randint(1, 3)):
                if not disturb(place, chance, seconds / (1 if number == 0 else 2), report, known):
                    break
        told = finish(place, chance if control is not None else random.Random(0))
        wrong = judge(place, told, known, control)
        report.done += 1
        report.calls += told["model_calls"]
        report.lost += told["lost_calls"]
        return place.outcome(told), wrong

    seen, wrong = in_a_place(f"seed {seed}", one_run, slowly, kept=kept)
    report.wrong += wrong
    return seen


def trials(
    number: int, seed: int, jobs: int, kept: Path | None = None, least: int = 0, within_s: float = math.inf
) -> Report:
    """The control run, then as many others, as long as there is time for more than the least number of kills."""
    report = Report()
    began = time.monotonic()
    control = trial(0, None, 0.0, report, kept)
    seconds = time.monotonic() - began
    if control is None or report.wrong:
        return report

    def one(number: int) -> None:
        if report.kills.total() >= least and time.monotonic() > began + within_s:
            return
        trial(number, control, seconds, report, kept)
        wrong = [one for one in report.wrong if one.startswith(f"seed {number}:")]
        print(f"seed {number}: {wrong or 'well'}; so far {dict(report.kills)}", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, range(seed, seed + number)))
    return report


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="trials at the same time")
    parser.add_argument("--keep", type=Path, help="a folder for the journals of runs that went wrong")
    chosen = parser.parse_args()
    report = trials(chosen.trials, chosen.seed, chosen.jobs, chosen.keep)
    print(
        f"{report.done} runs, kills: {dict(report.kills)}; {report.calls} calls recorded, {report.lost} lost"
    )
    print(*report.wrong, sep="\n") if report.wrong else print("all as if nothing had happened")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
