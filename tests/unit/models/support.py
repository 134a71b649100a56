"""A journal with a run in it, and a look at processes."""

import os
import time
from pathlib import Path

from wainwright.domain.events import RunStarted
from wainwright.domain.goal import Goal
from wainwright.journal import Account, Journal, Steps

KEY = "a-key-for-tests"


class Books:
    """A journal with one run in it."""

    def __init__(self, path: Path, *, usd: float | None, tokens: int | None) -> None:
        self.journal = Journal(path)
        first = RunStarted(
            run="r1",
            goal=Goal(text="a goal"),
            workspace="/w",
            route=(),
            autonomy="auto-edit",
            trust="trusted",
            tier="none",
            attended=False,
        )
        self.lease = self.journal.create(first, "r1", "a goal", cap_usd=usd, cap_tokens=tokens)

    def steps(self, scope: str = "/BUILD/t1.0/implementer") -> Steps:
        return Steps(self.journal, self.lease, scope)

    @property
    def account(self) -> Account:
        return self.journal.account("r1")


def gone(pid: int, timeout_s: float = 30) -> bool:
    """Whether a process ends within the time; a killed one that nobody reaped counts as ended."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False
