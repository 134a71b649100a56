"""Files that no editor has open: what stands in them, and how they are written."""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wainwright import regular
from wainwright.domain.changes import protected
from wainwright.lsp.documents.own import TEXT_MAX
from wainwright.lsp.edits.edit import DiskChange, WriteFiles


@dataclass(frozen=True)
class NotText:
    """What stands at a path is nothing that text edits may be made to."""

    reason: str


BARRED = NotText("It is a protected place, or not a path inside the workspace.")


class Disk:
    """``root`` is asked for the folder that no file lies out of, whatever links there are by now."""

    def __init__(self, root: Callable[[], Path], write: WriteFiles) -> None:
        self._root = root
        self._write = write

    def read(self, path: Path) -> str | NotText | None:
        """The text of a file; None where there is none."""
        try:
            return regular.read(path, TEXT_MAX, beneath=self._root()).decode()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except UnicodeDecodeError:
            return NotText("The file is not UTF-8 text.")
        except OSError as failure:
            return NotText(f"The file cannot be read: {failure.strerror}.")

    def barred(self, paths: Iterable[Path]) -> list[Path]:
        """The paths that name what no edit may touch, or where a link leads there: an editor writes through links."""
        root = self._root()
        real = Path(os.path.realpath(root))

        def is_free(path: Path, top: Path) -> bool:
            return path.is_relative_to(top) and not protected(path.relative_to(top).as_posix())

        return [p for p in paths if not (is_free(p, root) and is_free(Path(os.path.realpath(p)), real))]

    async def write(self, changes: Sequence[DiskChange], *, apart: bool) -> dict[Path, str]:
        """Write, and read it back: for each file why it is not as it should be; empty where it is.

        All of them or none; with ``apart`` each by itself where they cannot be written together.
        """
        failed = await self._write(changes) if changes else {}
        if failed and apart:
            # Nothing of it was written: what cannot be is told by itself.
            failed = {path: why for one in changes for path, why in (await self._write([one])).items()}
        reasons = dict.fromkeys((one.path for one in changes), "") | dict(failed)
        for one in changes:
            if not reasons[one.path] and await asyncio.to_thread(self.read, one.path) != one.after:
                reasons[one.path] = "The file on disk is not what was written."
        return reasons
