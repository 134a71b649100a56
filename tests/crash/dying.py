"""The program as ever, but it is killed at a chosen write to its journal, or its gateway to the models is.

    python -m tests.crash.dying 17 before itself run "Add a function"

Rows are counted from 1. ``before`` what they are written with is on disk, right ``after``, or in ``between``: when
the file of heads does not say yet that it is final. ``told`` is when that file has it and the database does not.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.fixtures.leftovers import children

from wainwright.__main__ import main
from wainwright.journal.file import JournalFile
from wainwright.journal.heads import Heads
from wainwright.journal.transaction import Transaction

KILLED = "The gateway was killed."


def die() -> None:
    """End as a process does that is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def at_append(number: int, moment: str, act: Callable[[], None] = die) -> None:
    """Do something once at an append of this process, from now on counted from 1."""
    count, done = 0, False
    add, once, told_heads = Transaction.add, JournalFile._once, Heads.told

    def due(exactly: str) -> None:
        nonlocal done
        if moment == exactly and count >= number and not done:
            done = True
            act()

    def counting(self: Transaction, *args: Any, **kwargs: Any) -> None:
        nonlocal count
        count += 1
        due("before")
        add(self, *args, **kwargs)

    @contextmanager
    def told(self: Heads, heads: Any) -> Iterator[None]:
        with told_heads(self, heads):
            due("told")
            yield
            due("between")

    def writing(self: JournalFile, work: Any) -> Any:
        result = once(self, work)
        due("after")
        return result

    Transaction.add = counting  # type: ignore[method-assign]
    Heads.told = told  # type: ignore[method-assign]
    JournalFile._once = writing  # type: ignore[method-assign]


def gateway_dies() -> None:
    """Kill the gateway of this process, where it has one by now."""
    for pid in children(os.getpid(), "gateway"):
        os.kill(pid, signal.SIGKILL)
        print(KILLED, file=sys.stderr, flush=True)


if __name__ == "__main__":
    at, moment, whom, *words = sys.argv[1:]
    at_append(int(at), moment, {"itself": die, "gateway": gateway_dies}[whom])
    sys.argv = ["wainwright", *words]
    main()
