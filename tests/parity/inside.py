"""The product's side: a run takes its receipt of the base, and is cancelled before a model is asked."""

import asyncio
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.parity.made import Hung
from tests.parity.outside import Results

from wainwright.app import open_engine, state_folder
from wainwright.domain.events import BaseTested, SnapshotTaken
from wainwright.domain.evidence import Case, Receipt
from wainwright.domain.goal import Goal
from wainwright.engine.engine import Engine
from wainwright.engine.views.run_view import Notice, Start

_RECEIPTS = "receipts"
"""The folder of the state directory with receipts that are given again."""
RESULTS = {"passed": "green", "failed": "red", "error": "red", "skipped": "skipped"}
_NOBODY = [{"model": "openai/nobody", "api_base": "http://127.0.0.1:9", "max_output_tokens": 10}]


@dataclass(frozen=True)
class Base:
    """What a run said of the base."""

    receipt: Receipt | None
    reason: str
    seconds: float
    """From the snapshot to the receipt."""
    suites: str
    """The commands that were run."""


async def bases(
    folder: Path,
    test: Mapping[str, object],
    rounds: int,
    patience: float,
    between: Callable[[], None] = lambda: None,
) -> list[Base]:
    """The base as ``rounds`` runs one after the other find it, with these settings of ``[test]``.

    ``between`` each two of them something else is done, while nothing is under way here. Raises Hung when one of
    them has none after ``patience`` seconds.
    """
    engine = await open_engine(folder, overrides={"models": {"default": _NOBODY}, "test": test}, word=True)
    try:
        found = [await _base(engine, patience)]
        for _ in range(rounds - 1):
            await asyncio.to_thread(between)
            found.append(await _base(engine, patience))
        return found
    finally:
        await engine.close()


async def _base(engine: Engine, patience: float) -> Base:
    shutil.rmtree(state_folder(engine.workspace) / _RECEIPTS, ignore_errors=True)
    told = asyncio.Event()
    times: dict[str, float] = {}

    def hear(notice: Notice) -> None:
        times.setdefault(notice.kind, time.monotonic())
        if notice.kind in ("base-tested", "run-failed"):
            told.set()

    silence = engine.subscribe(hear)
    try:
        run = (await engine.start(Start(goal=Goal(text="Look at the base"), attended=True))).run
        try:
            await asyncio.wait_for(told.wait(), patience)
        except TimeoutError:
            raise Hung(f"No receipt after {patience:g} seconds; until then: {', '.join(times)}") from None
        finally:
            await engine.cancel(run)
        await engine.wait(run)
    finally:
        silence()
    taken, tested = await _event(engine, run, SnapshotTaken), await _event(engine, run, BaseTested)
    if taken is None or tested is None:
        return Base(None, (await engine.view(run)).failure, 0.0, "")
    suites = "; ".join(f"{one.folder}: {one.command}".removeprefix(".: ") for one in taken.suites)
    return Base(tested.receipt, tested.reason, times["base-tested"] - times["snapshot-taken"], suites)


async def _event(engine: Engine, run: str, kind: type):
    events = await asyncio.to_thread(engine._parts.journal.events, run)
    return next((one for one in events if isinstance(one, kind)), None)


def differences(outside: Results, base: Base) -> list[str]:
    """Where the receipt says something else than the runner outside; empty when the sets are the same."""
    receipt = base.receipt
    if receipt is None:
        return [f"no receipt: {base.reason}"]
    if receipt.reused:
        return ["no receipt of this round, but of an earlier one"]
    if not receipt.cases:
        return [f"no test by name: exit code {receipt.exit}. {receipt.environment}".strip()]
    said: dict[str, str] = {}
    wrong = []
    for case in receipt.cases:
        name = _which(case, outside)
        if name is None or name in said:
            wrong.append(f"{'twice' if name else 'only inside'}: {case.name} {RESULTS[case.outcome]}")
        else:
            said[name] = RESULTS[case.outcome]
    wrong += [f"only outside: {name} {result}" for name, result in outside.items() if name not in said]
    return wrong + [
        f"{name}: {outside[name]} outside, {result} inside"
        for name, result in said.items()
        if outside[name] != result
    ]


def _which(case: Case, outside: Results) -> str | None:
    """The test outside that a case is: its name ends with that one's, after something that separates names."""
    ends = [
        name
        for name in outside
        if case.name == name or (case.name.endswith(name) and not case.name[: -len(name)][-1].isalnum())
    ]
    return max(ends, key=len, default=None)


def fingerprint(root: Path) -> dict[str, str]:
    """All that is beneath a folder but for the run's own documents: kind, mode, bytes or target, time of change.

    Git renews the time of an object that it is about to write and finds there, also in a store that it only borrows
    from, so that nobody's clearing takes it away meanwhile: times of objects are left out.
    """
    found = {}
    for folder, names, files in os.walk(root):
        if ".wainwright" in names:
            names.remove(".wainwright")
        for name in (*names, *files):
            path = Path(folder, name)
            about = path.lstat()
            if stat.S_ISLNK(about.st_mode):
                what = f"-> {path.readlink()}"
            elif stat.S_ISREG(about.st_mode):
                written = "" if "objects" in path.parts else about.st_mtime_ns
                what = f"{hashlib.sha256(path.read_bytes()).hexdigest()} {written}"
            else:
                what = ""
            found[str(path.relative_to(root))] = f"{about.st_mode:o} {what}"
    return found
