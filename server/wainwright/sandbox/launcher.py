"""The program that runs before bubblewrap and behind it, and beside services: layers and groups, fence, forwarding.

It is written in Rust (``native/launcher``) and carried by the extension module, so that every way of installing
brings it; it is put into the state directory, of which commands see nothing else.
"""

import ctypes
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from wainwright._native import launcher
from wainwright.domain.errors import SandboxError
from wainwright.sandbox import limits
from wainwright.sandbox.layers import Overlay

NAME = "wainwright-launch"
INSIDE = Path("/run", NAME)
"""Where a command's sandbox has it."""
_STDERR = 2
_CREATE_RULESET, _ASK_VERSION = 444, 1
_SAYS = f"{NAME}: ".encode()


def install(state: Path) -> Path:
    """Put the program into the state directory, unless it is there. Raises SandboxError when that cannot be."""
    program = launcher()
    if not program:
        raise SandboxError(
            "Commands are fenced on Linux only.", "Run Wainwright in a Linux machine or container."
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


def around(
    program: Path, report: int, overlays: Iterable[Overlay], groups: Iterable[Path], *, die_with_parent: bool
) -> list[str]:
    """Words before bubblewrap's own; what goes wrong is told to the descriptor ``report``."""
    said = [str(program), str(report), "around", *(["--die-with-parent"] if die_with_parent else [])]
    said += _places("--group", groups)
    for overlay in overlays:
        above = [str(overlay.upper), str(overlay.work)] if overlay.upper else ["", ""]
        below = [str(len(overlay.lower)), *map(str, overlay.lower)]
        said += ["--overlay", str(overlay.target), *above, *below]
    return [*said, "--"]


def inside(writable: Iterable[Path], door: tuple[int, int] | None = None) -> list[str]:
    """Words before the command's own, behind bubblewrap's: only beneath ``writable`` can anything be written.

    ``door``: a descriptor of ours, to which a socket is sent that listens on this port of the command's own loopback.
    """
    opened = ["--door", *map(str, door)] if door else []
    return [str(INSIDE), str(_STDERR), "inside", *_limits(), *opened, *_places("--writable", writable), "--"]


def over(program: Path, report: int, groups: Iterable[Path]) -> list[str]:
    """Words before ``alone``: whoever sees a command through where no namespace ends what it leaves."""
    return [str(program), str(report), "over", *_places("--group", groups), "--"]


def alone(program: Path, readable: Iterable[Path], writable: Iterable[Path]) -> list[str]:
    """Words before a command's own where no walls stand around it: nothing else can be read or written."""
    places = [*_places("--readable", readable), *_places("--writable", writable)]
    return [str(program), str(_STDERR), "alone", *_limits(), *places, "--"]


def _limits() -> list[str]:
    return [
        *("--processes", str(limits.PROCESSES_MAX)),
        *("--file-bytes", str(limits.FILE_BYTES_MAX)),
        *("--descriptors", str(limits.DESCRIPTORS_MAX)),
    ]


def _places(word: str, places: Iterable[Path]) -> list[str]:
    return [said for place in dict.fromkeys(places) for said in (word, str(place))]


def forward(program: Path, report: int, port: int, namespaces: Iterable[int]) -> list[str]:
    """Words for carrying connections into namespaces, which are given as descriptors in the order of entering."""
    return [str(program), str(report), "forward", str(port), *(f"/proc/self/fd/{one}" for one in namespaces)]


def landlock() -> int:
    """The version of Landlock that this kernel enforces; 0 when it has none."""
    version = ctypes.CDLL(None, use_errno=True).syscall(
        _CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION
    )
    return max(0, int(version))


def complaint(report: bytes) -> str:
    """What the launcher said it could not do; empty when it did everything."""
    lines = (line for line in report.splitlines() if line.startswith(_SAYS))
    return next((line.removeprefix(_SAYS).decode(errors="replace") for line in lines), "")
