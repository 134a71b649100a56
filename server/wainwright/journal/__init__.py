"""The journal: the append-only, hash-chained list of everything a run did. The only place that knows SQLite.

Two kinds of rows share one chain. *Events* are facts; a run's state is their fold. *Steps* are acts that cost money
or change something: an intent is on disk before the act and its outcome after it, so that a run that was killed goes
on without paying twice.

    tx 1  check the epoch; reserve what the act may cost; write `intent`
    act
    tx 2  check the epoch; write `done` (or `failed`); settle

A step is found again by its key, ``/stage/task/scope/name#n`` with n counted per scope and name, never by a global
counter: parallel tasks cannot get each other's results. The same key with other inputs is ``Diverged``.

One process owns a run: it holds a lease with an epoch, which is checked inside every write. Who takes a run over
closes the intents that have no outcome as `lost`: what they may have cost counts as spent. A decision may be posted
by any process; the owner takes it.
"""

from wainwright.journal.journal import BEAT_S, Journal
from wainwright.journal.records import (
    NOTHING,
    Account,
    EffectClass,
    Lease,
    Reservation,
    Row,
    RunRow,
    Signal,
    Spend,
    Used,
)
from wainwright.journal.restoring import Restored, restore
from wainwright.journal.steps import Answers, Asked, Steps

__all__ = [
    "BEAT_S",
    "NOTHING",
    "Account",
    "Answers",
    "Asked",
    "EffectClass",
    "Journal",
    "Lease",
    "Reservation",
    "Restored",
    "Row",
    "RunRow",
    "Signal",
    "Spend",
    "Steps",
    "Used",
    "restore",
]
