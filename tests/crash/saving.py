"""Another program saves files while a batch is written: nothing that it saved may be overwritten.

    python -m tests.crash.saving --trials 2000 --seed 1

Each trial lays files out, reads them, and writes a batch over them while another process saves one or two of the
same files, in one of the ways that programs have. The moments are drawn from the seed and spread over the time that
batches take. ``--blind`` compares first and then writes whatever is there: it shows that the trials can find what
they look for.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from wainwright.domain.errors import StaleEdit
from wainwright.workspace.native import write_batch

FILES = 12
KINDS = ("truncate", "rename", "append", "patch", "delete", "create", "chmod")
OUTCOMES = ("written", "refused", "told")
TAIL, PATCH, MODE = b"\nappended by the other program", b"PATCHED!", 0o600


@dataclass
class Report:
    """What came of the trials."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """``written``; ``refused``: a file had moved; ``told``: one could not be set back, and its old text is kept."""
    saves: Counter[str] = field(default_factory=Counter)
    overwritten: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    """Batches that are neither whole nor undone, and files that nobody was told of."""


class Saver:
    """The other program: a process that saves when told to."""

    def __init__(self) -> None:
        argv = [sys.executable, __file__, "--save"]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(self, saves: list[dict]) -> None:
        assert self._process.stdin is not None
        print(json.dumps(saves), file=self._process.stdin, flush=True)

    def done(self) -> list[bool]:
        """Wait, and tell of each save whether it was made."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def save(kind: str, path: str, text: bytes, pause: float) -> bool:
    """Save as programs do, with a pause where they may be interrupted; tells whether there was something to save."""
    flags = {
        "truncate": os.O_WRONLY | os.O_TRUNC,
        "append": os.O_WRONLY | os.O_APPEND,
        "patch": os.O_WRONLY,
        "create": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
    }
    try:
        if kind == "rename":
            draft = Path(f"{path}.draft")
            draft.write_bytes(text)
            wait(pause)
            draft.replace(path)
        elif kind == "delete":
            Path(path).unlink()
        elif kind == "chmod":
            Path(path).chmod(MODE)
        else:
            handle = os.open(path, flags[kind], 0o644)
            wait(pause)
            os.write(handle, text)
            os.close(handle)
    except (FileNotFoundError, FileExistsError):
        return False
    return True


def wait(seconds: float) -> None:
    """Exactly; a sleep is too long for what happens here."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def serve() -> None:
    """Save what the lines on standard input say."""
    for line in sys.stdin:
        began, made = time.perf_counter(), []
        for one in json.loads(line):
            wait(one["at"] - (time.perf_counter() - began))
            made.append(save(one["kind"], one["path"], one["text"].encode(), one["pause"]))
        print(json.dumps(made), flush=True)


class Trial:
    """One batch, and who saves meanwhile."""

    def __init__(self, place: Path, chance: random.Random, number: int, span: float) -> None:
        self.root, self.number = place / "root", number
        self.root.mkdir(exist_ok=True)
        for left in self.root.iterdir():
            left.unlink()
        self.before: dict[str, bytes | None] = {}
        self.after: dict[str, bytes | None] = {}
        for index in range(FILES):
            name = f"f{index}"
            old = f"old {name} {'o' * chance.randrange(9000)}".encode()
            new = f"new {name} {'n' * chance.randrange(9000)}".encode()
            made, gone = index % 4 == 0, index % 4 == 1
            self.before[name], self.after[name] = None if made else old, None if gone else new
            if not made:
                (self.root / name).write_bytes(old)
        self.saves = [self._save(chance, name, span) for name in chance.sample(list(self.before), 2)]
        del self.saves[chance.randint(1, 2) :]
        self.saves.sort(key=lambda one: one["at"])

    def _save(self, chance: random.Random, name: str, span: float) -> dict:
        kind = "create" if self.before[name] is None else chance.choice(KINDS)
        text = {"append": TAIL, "patch": PATCH}.get(kind, b"saved by the other program " + name.encode())
        moment, pause = chance.uniform(0, span), chance.choice((0, chance.uniform(0, span / 3)))
        return {
            "kind": kind,
            "path": str(self.root / name),
            "text": text.decode(),
            "at": moment,
            "pause": pause,
        }

    def write(self, write_log: Path | None, *, blind: bool) -> str:
        """Write the batch; what came of it in one word."""
        batch = [(name, text, None) for name, text in self.after.items()]
        try:
            if blind and {name: self._now(name) for name in self.before} != self.before:
                return "refused"
            write_batch(self.root, batch, write_log=write_log, expected=None if blind else self.before)
        except StaleEdit as stale:
            named = {str(self.root / path) for path in stale.paths}
            return "refused" if named <= {one["path"] for one in self.saves} else f"blamed on {stale.paths}"
        except OSError:
            return "refused" if blind else "told"
        return "written"

    def judge(self, outcome: str, made: list[bool], report: Report) -> None:
        """Whether everything that was saved is there, and all else is whole."""
        saved = {
            Path(one["path"]).name: one["kind"] for one, true in zip(self.saves, made, strict=True) if true
        }
        for name, kind in saved.items():
            report.saves[kind] += 1
            if not self._survives(name, kind):
                report.overwritten.append(
                    f"{self.number}: {kind} of {name}, {outcome}: {self._now(name)!r:.60}"
                )
        wanted = self.after if outcome == "written" else self.before
        others = [name for name in wanted if name not in saved]
        wrong = [name for name in others if self._now(name) != wanted[name]]
        strays = [path for path in self.root.iterdir() if path.name not in self.before]
        if (
            wrong
            or outcome not in OUTCOMES
            or (outcome == "told") != bool(strays)
            or any(s.read_bytes()[:3] != b"old" for s in strays)
        ):
            report.torn.append(f"{self.number}: {outcome}, {self.saves}: {wrong} {strays}")

    def _survives(self, name: str, kind: str) -> bool:
        now, bases = self._now(name), (self.before[name] or b"", self.after[name] or b"")
        match kind:
            case "delete":
                return now is None
            case "append":
                return now in [base + TAIL for base in bases]
            case "patch":
                return now in [PATCH + base[len(PATCH) :] for base in bases]
            case "chmod":
                return now is None or (self.root / name).stat().st_mode & 0o777 == MODE
            case _:
                return now == b"saved by the other program " + name.encode()

    def _now(self, name: str) -> bytes | None:
        with suppress(FileNotFoundError):
            return (self.root / name).read_bytes()
        return None


def trials(count: int, seed: int, place: Path, *, blind: bool = False) -> Report:
    """Make so many trials in a folder; half of them go through a write log."""
    chance, report, saver = random.Random(seed), Report(), Saver()
    spans = {True: 0.004, False: 0.002}
    write_log = place / "write-log"
    write_log.mkdir()
    try:
        for number in range(count):
            logged = number % 2 == 0
            trial = Trial(place, chance, number, spans[logged])
            saver.begin(trial.saves)
            began = time.perf_counter()
            outcome = trial.write(write_log if logged else None, blind=blind)
            if outcome == "written":
                spans[logged] = (9 * spans[logged] + time.perf_counter() - began) / 10
            report.outcomes[outcome] += 1
            trial.judge(outcome, saver.done(), report)
    finally:
        saver.close()
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description="Another program saves while a batch is written.")
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blind", action="store_true", help="compare, then write whatever is there")
    parser.add_argument("--save", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.save:
        serve()
        return 0
    with tempfile.TemporaryDirectory() as place:
        report = trials(options.trials, options.seed, Path(place), blind=options.blind)
    print(f"{options.trials} trials: {dict(report.outcomes)}; saved meanwhile: {dict(report.saves)}")
    print(f"overwritten: {len(report.overwritten)}; torn: {len(report.torn)}")
    for line in [*report.overwritten, *report.torn][:20]:
        print(line)
    return bool(report.overwritten or report.torn)


if __name__ == "__main__":
    raise SystemExit(main())
