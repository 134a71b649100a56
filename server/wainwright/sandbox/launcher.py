"""The program that mounts the layers of a command before bubblewrap builds its walls around them.

It is written in Rust (``native/launcher``) and carried by the extension module, so that every way of installing
brings it; it is put into the state directory, where commands never see it.
"""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from wainwright._native import launcher
from wainwright.domain.errors import SandboxError
from wainwright.sandbox.layers import Overlay

NAME = "wainwright-launch"
_SAYS = f"{NAME}: ".encode()


def install(state: Path) -> Path:
    """Put the program into the state directory, unless it is there. Raises SandboxError when that cannot be."""
    program = launcher()
    if not program:
        raise SandboxError(
            "Layers are mounted on Linux only.", "Nothing has to be done: copies are made instead."
        )
    place = state / NAME
    try:
        if not (place.is_file() and os.access(place, os.X_OK) and place.read_bytes() == program):
            descriptor, draft = tempfile.mkstemp(dir=state, prefix=f".{NAME}-")
            with os.fdopen(descriptor, "wb") as file:
                file.write(program)
            Path(draft).chmod(0o500)
            Path(draft).replace(place)
    except OSError as error:
        raise SandboxError(
            f"{place} cannot be written: {error}.", "Make room in the state directory."
        ) from error
    return place


def words(program: Path, report: int, overlays: Iterable[Overlay], *, die_with_parent: bool) -> list[str]:
    """Words before bubblewrap's own; what goes wrong is told to the descriptor ``report``."""
    said = [str(program), str(report), *(["--die-with-parent"] if die_with_parent else [])]
    for overlay in overlays:
        above = [str(overlay.upper), str(overlay.work)] if overlay.upper else ["", ""]
        below = [str(len(overlay.lower)), *map(str, overlay.lower)]
        said += ["--overlay", str(overlay.target), *above, *below]
    return [*said, "--"]


def complaint(report: bytes) -> str:
    """What the launcher said it could not do; empty when it did everything."""
    lines = (line for line in report.splitlines() if line.startswith(_SAYS))
    return next((line.removeprefix(_SAYS).decode(errors="replace") for line in lines), "")
