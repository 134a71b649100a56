"""Puts what was verified in the place of a journal that cannot be believed any more. The original is kept."""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wainwright.domain.errors import InputError, RunBusy
from wainwright.journal import copies
from wainwright.journal.chain import walk
from wainwright.journal.file import JournalFile, alone, text_of
from wainwright.journal.heads import Head, Heads, name_of, this_boot
from wainwright.journal.owners import alive
from wainwright.journal.told import told
from wainwright.journal.transaction import Transaction


@dataclass(frozen=True)
class Restored:
    """What became of one run."""

    run: str
    rows: int
    """So many are in the journal now."""
    lost: int
    """So many more were there once."""


def restore(path: Path) -> tuple[Path, list[Restored]]:
    """Make the journal anew of what can be believed: where the old one lies now, and what became of each run.

    What was spent, as far as that is known outside the database, counts as spent. Raises RunBusy while a run is at
    work, InputError when there is nothing to restore from.
    """
    try:
        with alone(path.with_name(path.name + ".lock")):
            return _restore(path)
    except (OSError, sqlite3.Error) as error:
        raise told(error, path) from error


def _restore(path: Path) -> tuple[Path, list[Restored]]:
    kept = path.with_name(path.name + copies.SUFFIX)
    heads = path.with_suffix(".heads")
    ends = _ends(heads)
    _take_over_what_verifies(path, kept, ends)
    if not _holds_anything(kept):
        raise InputError(
            f"There is no verified copy of {path}.", "`wainwright audit export` writes out what is there."
        )
    # Made beside it first: until it is whole, nothing has changed.
    with TemporaryDirectory(dir=path.parent, prefix="restoring-") as place:
        new = Path(place) / path.name
        made = JournalFile(new)
        try:
            restored = _plant(made, kept, ends)
        finally:
            made.close()
        aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}")
        aside.mkdir(mode=0o700)
        for one in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")), heads):
            if one.exists() or one.is_symlink():
                one.replace(aside / one.name)
        new.with_suffix(".heads").replace(heads)
        new.replace(path)
    return aside, restored


def _take_over_what_verifies(path: Path, kept: Path, ends: dict[str, Head]) -> None:
    """Rows that go on as they were written from what was kept, even in a file that is damaged elsewhere."""
    if not path.is_file():
        return
    try:
        with closing(sqlite3.connect(path)) as broken:
            broken.text_factory = text_of
            runs = broken.execute("SELECT run, owner, lease_until FROM runs").fetchall()
            for run, owner, until in runs:
                if isinstance(owner, str) and alive(owner, until, time.time()) and until > time.time():
                    raise RunBusy(f"Run {run} is at work in process {owner.split(':')[0]}.", "Stop it first.")
            with closing(copies.open_copy(kept)) as target:
                for run, *_ in runs:
                    end = ends.get(name_of(run))
                    known = end is not None and end.boot == this_boot() != ""
                    copies.keep(broken, run, target, rows_max=end.rows if end and known else None)
    except sqlite3.Error:
        return  # what was kept before has to do


def _holds_anything(kept: Path) -> bool:
    if not kept.is_file():
        return False
    with closing(copies.open_copy(kept)) as target:
        return target.execute("SELECT 1 FROM journal").fetchone() is not None


def _ends(path: Path) -> dict[str, Head]:
    if path.is_symlink() or not path.is_file():
        return {}
    heads = Heads(path)
    try:
        return {head.name: head for head in heads.all()}
    finally:
        heads.close()


def _plant(made: JournalFile, kept: Path, ends: dict[str, Head]) -> list[Restored]:
    restored = []
    with closing(copies.open_copy(kept)) as source:
        runs = [run for (run,) in source.execute("SELECT run FROM journal GROUP BY run ORDER BY min(at)")]
        for run in runs:
            rows = _believed(run, copies.links(source, run))
            end = ends.pop(name_of(run), None)
            spent = (end.spent_usd, end.spent_tokens) if end else (0.0, 0)
            made.write(partial(copies.replant, run=run, rows=rows, spent=spent))
            restored.append(Restored(run, len(rows), max(0, end.rows - len(rows)) if end else 0))
        blobs = source.execute("SELECT sha, bytes, packed FROM blobs").fetchall()
    made.write(partial(_put, blobs=blobs))
    return restored + [Restored(name, 0, head.rows) for name, head in ends.items() if not head.only_begun]


def _put(tx: Transaction, blobs: list[Any]) -> None:
    for blob in blobs:
        tx.db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", blob)


def _believed(run: str, rows: list[Any]) -> list[Any]:
    """What was kept may be damaged too."""
    return rows[: walk(run, rows)[0].book.rows]
