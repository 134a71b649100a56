"""What is written one after the other, in a thread of its own: what comes together meanwhile is one group."""

import atexit
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from wainwright.domain.errors import JournalError
from wainwright.waiting import Promise, wake

T = TypeVar("T")

Outcome = tuple[Any, BaseException | None]
"""A value, or an error."""

GROUP_MAX = 64
"""Writes that are made one transaction, at most."""


class Turn(NamedTuple):
    """A write that waits for its turn, and who hears of it."""

    work: Callable[[], Any]
    promise: Promise[Any]

    def outcome(self) -> Outcome:
        """What came of it."""
        try:
            return self.work(), None
        except BaseException as error:  # noqa: BLE001 - whoever waits for it is told
            return None, error


def tell(group: Sequence[Turn], outcomes: Sequence[Outcome]) -> None:
    """Say what came of each that was not told before, then wake all who wait."""
    for one, outcome in zip(group, outcomes, strict=True):
        if not one.promise.done():
            one.promise.say(*outcome)
    wake([one.promise for one in group])


class Turns:
    """Hands what is waiting to ``do``, group by group, which tells what came of each.

    A process does not end before all of it is done.
    """

    def __init__(self, do: Callable[[list[Turn]], None]) -> None:
        self._do = do
        self._waiting: SimpleQueue[Turn | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, work: Callable[[], T]) -> Promise[T]:
        """Have it done after what was added before. Raises JournalError after `close`."""
        promise: Promise[T] = Promise()
        with self._lock:
            if self._closed:
                raise JournalError("The journal is closed: nothing more is written.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
                self._thread.start()
                atexit.register(self.close)
            self._waiting.put(Turn(work, promise))
        return promise

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            group, ended = [first], False
            for _ in range(min(self._waiting.qsize(), GROUP_MAX - 1)):
                one = self._waiting.get()
                if one is None:
                    ended = True
                    break
                group.append(one)
            try:
                self._do(group)
            except BaseException as error:  # noqa: BLE001 - who waits would wait for ever
                tell(group, [(None, error)] * len(group))
            if ended:
                return

    def close(self) -> None:
        """Do what is waiting, and nothing more."""
        with self._lock:
            if not self._closed:
                self._waiting.put(None)
            self._closed = True
        if self._thread is not None:
            self._thread.join()
            atexit.unregister(self.close)
