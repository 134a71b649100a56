"""What compilers and package managers keep between two commands, and who may read what another wrote.

What lies in a cache decides what a test run does as much as the code: an entry of Go's cache is taken for the built
form of a source without another look. So it goes one way, from those who are trusted to those who need not be:

1. the person's own caches and packages, read and never written;
2. over them one cache a workspace, written by receipts of the *base* alone: what ran there is the person's own code,
   by a command that no model chose, as it would at their prompt. It stays from run to run, within a bound;
3. over both, what anything else writes: an agent's commands until its work ends, a receipt of a changed tree until it
   is written down. Nobody reads that but its writer: code under test, written by a model, could leave there a form of
   a source that makes the next receipt green.

Where no overlays can be mounted the upper caches begin empty, and the receipts of changed trees share one until their
run ends: every one of them compiling everything would cost more than it guards.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

from wainwright.sandbox import clearing

KEPT = "builds"
"""The folder of the state directory with what receipts of the base wrote."""
RUNS = "caches"
"""The folder with what is gone when its run has ended."""
_USED = "trim.txt"
_STALE_S = 50 * 60.0
"""Go marks an entry as used when an hour has passed, and a mark copies the entry up: marking all at once is cheap."""


def kept(state: Path) -> Path:
    """The workspace's own cache, made when missing."""
    return _made(state / KEPT)


def own(state: Path, run: str, whose: str) -> Path:
    """A cache for one agent or one receipt, made when missing."""
    return _made(state / RUNS / run / whose)


def beneath(state: Path) -> tuple[Path, ...]:
    """What a cache of one's own lies over."""
    place = state / KEPT
    if not place.is_dir():
        return ()
    _mark_used(place)
    return (place,)


def bound(state: Path, most_bytes: int) -> None:
    """Remove the largest parts of the workspace's cache until the rest fits. The next receipt of the base fills them.

    A part is what one tool keeps, whole: half a cache of Gradle's is a broken one. OSError when it cannot be removed.
    """
    place = state / KEPT
    if not place.is_dir():
        return
    sizes = {part: clearing.size(part) for part in place.iterdir() if part.is_dir() and not part.is_symlink()}
    for part in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if sum(sizes.values()) <= most_bytes:
            return
        clearing.remove(part)
        del sizes[part]


def _made(place: Path) -> Path:
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


def _mark_used(place: Path) -> None:
    for note in (*place.glob(f"*/{_USED}"), *place.glob(f"*/*/{_USED}")):
        with suppress(OSError):
            if note.is_symlink() or time.time() - note.lstat().st_mtime < _STALE_S:
                continue
            for folder, _, names in os.walk(note.parent):
                for name in names:
                    os.utime(Path(folder) / name, follow_symlinks=False)
