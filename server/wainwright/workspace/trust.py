"""Whether a person trusts a workspace: only then anything of it is run, and only then a key is read.

The record lies in the user's state, where nothing of a workspace can write it, and holds for the folder that it was
made for: its real path and its inode. A folder that was moved, or made anew at the same path, is asked about again.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wainwright import regular

RECORD = "trust.json"


@dataclass(frozen=True)
class Trust:
    """The trust in one folder. ``workspace`` is its real path; ``word``: the start command said it."""

    state: Path
    workspace: Path
    word: bool = False

    def given(self) -> bool:
        """Whether work may be done in the folder now; looked up each time, since a person may revoke it elsewhere."""
        return self.word or self.remembered()

    def remembered(self) -> bool:
        """Whether a person has said so for good."""
        try:
            told = json.loads(regular.read(self.state / RECORD, regular.SMALL))
            return bool(told == self._here())
        except (OSError, ValueError, RecursionError):
            return False

    def keep(self) -> None:
        """Remember that the person trusts the folder as it is now. Raises OSError where that cannot be written."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.state / f".{RECORD}-{os.getpid()}"
        with open(draft, "w", opener=regular.private) as file:
            json.dump(self._here(), file)
        draft.replace(self.state / RECORD)

    def revoke(self) -> None:
        """Forget it; what begins from now on asks anew."""
        with suppress(FileNotFoundError):
            (self.state / RECORD).unlink()

    def _here(self) -> dict[str, str | int]:
        told = self.workspace.stat()
        return {"path": str(self.workspace), "device": told.st_dev, "inode": told.st_ino}
