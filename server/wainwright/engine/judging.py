"""Receipts with what they mean beside the base's. Task checks, landings and TEST all ask here."""

import asyncio
from collections.abc import Collection
from functools import partial

from wainwright.domain.evidence import Receipt, Verdict
from wainwright.domain.state import RunState
from wainwright.engine import workbenches
from wainwright.engine.parts import EngineParts
from wainwright.receipts.text import report_text
from wainwright.receipts.verdict import judge, rerun

NAMED_MAX = 10


async def judged(
    parts: EngineParts,
    state: RunState,
    name: str,
    commit: str,
    acceptance: Collection[str],
    *,
    anew: bool = False,
) -> tuple[Receipt, Verdict]:
    """The receipt of a commit and its verdict. What is red and was not is run again once, alone.

    ``anew``: a red receipt that was taken before is not enough.
    """
    receipt, base = await workbenches.receipt(parts, state, name, commit, anew=anew), state.base_receipt
    if not receipt.reused:
        again = partial(workbenches.again, parts, state, name, commit)
        settled = await rerun(again, receipt, base)
        if settled is not receipt:
            await asyncio.to_thread(workbenches.keep, parts, settled)
        receipt = settled
    return receipt, await verdict_on(parts, state, commit, receipt, acceptance)


async def verdict_on(
    parts: EngineParts, state: RunState, commit: str, receipt: Receipt, acceptance: Collection[str]
) -> Verdict:
    """What a receipt of a commit means. The tests of files that the change deletes may be gone with them."""
    assert state.base is not None
    changes = await asyncio.to_thread(parts.repository.changes, state.base, commit)
    deleted = [path for status, path in changes if status == "D"]
    return judge(receipt, state.base_receipt, acceptance, deleted=deleted)


def broken(receipt: Receipt, verdict: Verdict, base: Receipt | None) -> str:
    """Why nothing that ends like this may land: it is worse than the base. Empty when it is not."""
    kinds = (
        ("Cannot be built or collected any more", verdict.unbuilt),
        ("Green before your change and red now", verdict.turned_red),
        ("Green before your change and gone now", verdict.gone),
    )
    worse = [f"{what}: {_names(found)}." for what, found in kinds if found]
    only_still_red = bool(verdict.acceptance_red or verdict.not_run) and bool(receipt.cases)
    believed = not receipt.disbelieved and receipt.exit is not None
    if not worse and (verdict.passed or (only_still_red and believed)):
        return ""
    own = tuple(dict.fromkeys((*verdict.unbuilt, *verdict.turned_red))) or None
    lines = worse or [verdict.reason]
    return "\n".join([*lines, report_text(receipt, own=own, base=base)])


def _names(found: Collection[str]) -> str:
    more = f" and {len(found) - NAMED_MAX} more" if len(found) > NAMED_MAX else ""
    return ", ".join(list(found)[:NAMED_MAX]) + more
