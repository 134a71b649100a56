"""A journal of two runs, and what can become of its files behind its back."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from wainwright.domain.events import HoldMoved, RunStarted, SnapshotTaken
from wainwright.domain.goal import WORKING, Goal, Stage
from wainwright.journal import Journal, Lease, Reservation, Spend, Steps

TEXT = '{"tasks": ["a plan that somebody approved"]}'


def first(run: str) -> RunStarted:
    return RunStarted(
        run=run,
        goal=Goal(text="Make it work"),
        workspace="here",
        route=WORKING,
        autonomy="suggest",
        trust="trusted",
        tier="bubblewrap",
        attended=True,
    )


class Place:
    """A journal of two runs, closed, and what is done to its files."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state" / "journal.db"
        self.older = folder / "older"
        journal = Journal(self.path)
        self.work(journal, "r1", 2)
        self.work(journal, "r2", 1)
        journal.close()
        shutil.copytree(self.path.parent, self.older)
        journal = Journal(self.path)
        lease = journal.claim("r1")
        self.ask(journal, lease, "/late", 3)
        journal.release(lease)
        journal.close()

    def work(self, journal: Journal, run: str, calls: int) -> None:
        lease = journal.create(first(run), run, "Make it work", cap_usd=5.0, cap_tokens=1000)
        journal.append(lease, [SnapshotTaken(commit="c0", tree="t0", head=None)])
        self.ask(journal, lease, "/PLANNING", calls)
        journal.post(run, f"{run}-s1", {"kind": "hold-moved", "until": "BUILD"})
        journal.append(lease, [HoldMoved(until=Stage.BUILD)], settles=f"{run}-s1")
        journal.post(run, f"{run}-s2", {"kind": "run-cancelled", "by": "person"})
        journal.raise_caps(run, cap_usd=6.0, cap_tokens=None)
        journal.release(lease)

    def ask(self, journal: Journal, lease: Lease, scope: str, calls: int) -> None:
        async def act(_: str) -> tuple[JsonValue, Spend]:
            return {"text": TEXT}, Spend(usd=0.25, tokens=7)

        async def all_of_them() -> None:
            steps = Steps(journal, lease, scope)
            for number in range(calls):
                await steps.step(
                    "model",
                    inputs=[number],
                    effect="llm",
                    act=act,
                    reservation=Reservation(usd=0.5, tokens=9),
                )

        asyncio.run(all_of_them())

    def sql(self, *statements: str) -> None:
        db = sqlite3.connect(self.path)
        db.execute("PRAGMA ignore_check_constraints=ON")
        with db:
            for statement in statements:
                assert db.execute(statement).rowcount > 0, statement
        db.close()

    def read(self) -> list[object]:
        """Own r1, and all that is read of it; what is damaged raises."""
        journal = Journal(self.path)
        try:
            journal.claim("r1")
            return [
                [row for row in journal.runs() if row.run == "r1"],
                journal.events("r1"),
                journal.times("r1"),
                journal.account("r1"),
                journal.calls("r1"),
                journal.signals("r1"),
                journal.last("r1", "/late/model#"),
            ]
        finally:
            journal.close()


def put_older_back(place: Place) -> None:
    shutil.copy(place.older / "journal.db", place.path)


def put_older_back_and_claim(place: Place) -> None:
    put_older_back(place)
    journal = Journal(place.path)
    lease = journal.create(first("r3"), "r3", "More", cap_usd=None, cap_tokens=None)
    place.ask(journal, lease, "/s", 20)
    journal.release(lease)
    journal.close()


def forget_heads(place: Place) -> None:
    place.path.with_suffix(".heads").unlink()


def forge(place: Place) -> None:
    """Another run under the same name, whole by itself."""
    place.path.unlink()
    heads = place.path.with_suffix(".heads")
    kept = heads.read_bytes()
    heads.unlink()
    journal = Journal(place.path)
    place.work(journal, "r1", 15)
    journal.close()
    heads.write_bytes(kept)


def cut_off(share: float) -> Callable[[Place], None]:
    def cut(place: Place) -> None:
        content = place.path.read_bytes()
        place.path.write_bytes(content[: int(len(content) * share)])

    return cut


def garbage(place: Place) -> None:
    place.path.write_bytes(b"garbage" * 1000)


def gone(place: Place) -> None:
    place.path.unlink()


DAMAGE: dict[str, Callable[[Place], None]] = {
    "an older one was put back": put_older_back,
    "an older one was put back, and used": put_older_back_and_claim,
    "the file of heads is gone": forget_heads,
    "another one was put in its place": forge,
    "a part is missing": cut_off(0.9),
    "half is missing": cut_off(0.5),
    "nearly all is missing": cut_off(0.01),
    "it is empty": cut_off(0.0),
    "it is garbage": garbage,
    "it is gone": gone,
}
