"""The two transactions of an act: its intent before it, its outcome after it."""

import hashlib
import json
import zlib
from collections.abc import Sequence

from pydantic import JsonValue

from wainwright.domain.errors import BudgetExceeded, Diverged, JournalBroken, JournalError
from wainwright.journal.chain import Book
from wainwright.journal.records import Lease, Reservation, Spend
from wainwright.journal.texts import as_json
from wainwright.journal.told import WAYS_OUT
from wainwright.journal.transaction import Reading, Transaction


def begin(
    tx: Transaction,
    lease: Lease,
    key: str,
    inputs: JsonValue,
    effect: str,
    reservation: Reservation,
    about: JsonValue = None,
) -> tuple[JsonValue] | None:
    """The recorded outcome in a tuple, or None when the act is to be done now.

    Inputs are kept in the order that they have: a conversation that is read back is the same to the byte.
    """
    given = as_json(inputs).encode()
    fingerprint = hashlib.sha256(given).hexdigest()
    book = tx.owned(lease)
    last = tx.newest(lease.run, key)
    if last is not None and last.kind == "done":
        if last.fingerprint != fingerprint and json.loads(get_blob(tx.db, last.fingerprint)) != json.loads(
            given
        ):
            raise Diverged(f"Step {key} was recorded with other inputs than it is asked for now.")
        return (json.loads(last.body),)
    if last is not None and last.kind == "intent":
        # Who claims a run closes the intents before it: this one is of the present owner.
        raise JournalError(
            f"Step {key} is under way already.", f"If it is not, `wainwright resume {lease.run}`."
        )
    _room(book, reservation)
    tx.put_blob(fingerprint, given)
    tx.add(
        book,
        "intent",
        key=key,
        effect=effect,
        fingerprint=fingerprint,
        usd=reservation.usd,
        tokens=reservation.tokens,
        body="null" if about is None else as_json(about),
    )
    return None


def _room(book: Book, reservation: Reservation) -> None:
    """Raises BudgetExceeded where the reservation does not fit under the caps."""
    usd, tokens = book.spent_usd + book.held_usd, book.spent_tokens + book.held_tokens
    if book.cap_usd is not None and reservation.usd > 0 and usd + reservation.usd > book.cap_usd:
        raise BudgetExceeded(
            f"The next call may cost ${reservation.usd:.4f}; ${usd:.4f} of ${book.cap_usd:.2f} is spent or held.",
            f"Raise the cap: `wainwright resume {book.run} --budget-usd …`, in an editor `budgetUsd`.",
        )
    cap = book.cap_tokens
    if cap is not None and reservation.tokens > 0 and tokens + reservation.tokens > cap:
        raise BudgetExceeded(
            f"The next call may take {reservation.tokens} tokens; {tokens} of {cap} are spent or held.",
            f"Raise the cap: `wainwright resume {book.run} --budget-tokens …`, in an editor `budgetTokens`.",
        )


def end(tx: Transaction, lease: Lease, key: str, kind: str, body: str, effect: str, spend: Spend) -> None:
    """What came of an act, and what it cost in the place of what its intent held."""
    book = tx.owned(lease)
    intent = tx.intent(lease.run, key)
    tx.add(
        book,
        kind,
        key=key,
        effect=effect,
        fingerprint=intent.fingerprint,
        usd=spend.usd,
        tokens=spend.tokens,
        body=body,
        reserved=(intent.usd, intent.tokens),
    )


def close_dangling(tx: Transaction, book: Book) -> None:
    """Intents without an outcome were under way when their process died: what they may have cost counts as spent."""
    dangling = tx.db.execute(
        "SELECT key, effect, usd, tokens FROM journal AS j WHERE run = ? AND kind = 'intent' AND NOT EXISTS "
        "(SELECT 1 FROM journal WHERE run = j.run AND key = j.key AND seq > j.seq) ORDER BY seq",
        (book.run,),
    ).fetchall()
    for key, effect, usd, tokens in dangling:
        tx.add(book, "lost", key=key, effect=effect, usd=usd, tokens=tokens, reserved=(usd, tokens))


def void(tx: Transaction, lease: Lease, keys: Sequence[str]) -> None:
    """Outcomes of these keys are no longer returned."""
    book = tx.owned(lease)
    for key in keys:
        tx.add(book, "void", key=key)


def last(db: Reading, run: str, prefix: str) -> tuple[JsonValue, JsonValue] | None:
    """What was put into the newest step that is done and whose key begins so, and what came of it."""
    row = db.execute(
        "SELECT fingerprint, body FROM journal WHERE run = ? AND kind = 'done' AND substr(key, 1, ?) = ?"
        " ORDER BY seq DESC LIMIT 1",
        (run, len(prefix), prefix),
    ).fetchone()
    return None if row is None else (json.loads(get_blob(db, row[0])), json.loads(row[1]))


def get_blob(db: Reading, sha: str) -> bytes:
    """The bytes of a digest. Raises JournalError when they are not here, or are not those."""
    row = db.execute("SELECT bytes, packed FROM blobs WHERE sha = ?", (sha,)).fetchone()
    if row is None:
        raise JournalError(f"The journal has no content {sha}.")
    try:
        content = zlib.decompress(row[0]) if row[1] else bytes(row[0])
    except zlib.error:
        content = b""
    if hashlib.sha256(content).hexdigest() != sha:
        raise JournalBroken(f"The journal's content {sha} is not what was written.", WAYS_OUT)
    return content


def is_whole(db: Reading, sha: str) -> bool:
    """Whether the bytes of a digest are what was put there."""
    try:
        get_blob(db, sha)
    except JournalError:
        return False
    return True
