"""Receipts that are kept, so that no tree is tested twice: one file for tree, suites and surroundings together."""

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from wainwright.domain.evidence import Receipt, Suite

KEPT_MAX = 200
"""Receipts of one workspace; the oldest go first."""
SIZE_MAX = 8 * 1024 * 1024
"""Characters of one: what is larger is cheaper to take again than to keep."""


class ReceiptStore:
    """The receipts of one workspace. Commands of agents never see the folder they lie in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, tree: str, suites: Sequence[Suite], surroundings: str) -> Receipt | None:
        """The receipt that was taken of the same tree with the same suites in the same surroundings. Blocks."""
        path = self._path(tree, suites, surroundings)
        try:
            found = Receipt.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return found.model_copy(update={"reused": True})

    def keep(self, receipt: Receipt) -> None:
        """Keep a receipt, unless it says nothing of the whole, or of the code. Blocks."""
        if receipt.only or receipt.environment or receipt.exit is None or not receipt.surroundings:
            return
        text = receipt.model_dump_json()
        if len(text) > SIZE_MAX:
            return
        path = self._path(receipt.tree, receipt.suites, receipt.surroundings)
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        # Without it the tests run once more: no reason to fail.
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(path)
            self._drop_oldest()

    def _path(self, tree: str, suites: Sequence[Suite], surroundings: str) -> Path:
        run = [(suite.command, suite.folder) for suite in suites]
        key = hashlib.sha256(json.dumps([tree, run, surroundings]).encode()).hexdigest()
        return self._folder / f"{key}.json"

    def _drop_oldest(self) -> None:
        there = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in there[KEPT_MAX:]:
            path.unlink(missing_ok=True)
