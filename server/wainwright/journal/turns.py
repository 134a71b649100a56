"""What is written one after the other, in a thread of its own: what comes together meanwhile is one group."""

import atexit
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from wainwright.domain.errors import JournalError
from wainwright.waiting import told_together

T = TypeVar("T")

GROUP_MAX = 64
"""Writes that are made one transaction, at most."""


class Turn(NamedTuple):
    """A write that waits for its turn, and who hears of it."""

    work: Callable[[], Any]
    heard: Future[Any]

    def outcome(self) -> tuple[Any, BaseException | None]:
        """What came of it."""
        try:
            return self.work(), None
        except BaseException as error:  # noqa: BLE001 - whoever waits for it is told
            return None, error

    def tell(self, value: Any, error: BaseException | None) -> None:
        """Say what came of it."""
        if error is None:
            self.heard.set_result(value)
        else:
            self.heard.set_exception(error)


class Turns:
    """Hands what is waiting to ``do``, group by group. A process does not end before all of it is done."""

    def __init__(self, do: Callable[[list[Turn]], None]) -> None:
        self._do = do
        self._waiting: SimpleQueue[Turn | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, work: Callable[[], T]) -> Future[T]:
        """Have it done after what was added before. Raises JournalError after `close`."""
        heard: Future[T] = Future()
        heard.set_running_or_notify_cancel()  # nothing takes it back
        with self._lock:
            if self._closed:
                raise JournalError("The journal is closed: nothing more is written.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
                self._thread.start()
                atexit.register(self.close)
            self._waiting.put(Turn(work, heard))
        return heard

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            group, ended = [first], False
            for _ in range(min(self._waiting.qsize(), GROUP_MAX - 1)):
                one = self._waiting.get()
                if one is None:
                    ended = True
                    break
                group.append(one)
            with told_together():
                self._do(group)
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
