"""A profile for ``sandbox-exec`` of macOS, as text. It was not tried there, so nothing is run with it yet."""

from collections.abc import Iterable
from pathlib import Path

from wainwright.domain.errors import SandboxError

PROGRAM = "/usr/bin/sandbox-exec"
"""By its absolute path, as everything that the engine itself runs."""
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/System",
    "/Library/Apple",
    "/private/etc",
    "/opt/homebrew",
    "/private/var/db/dyld",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/dtracehelper")


def profile(tree: Path, room: Path, readable: Iterable[Path] = (), protected: Iterable[Path] = ()) -> str:
    """What a command may do that works in ``tree``, with a home and temporary files in ``room``: nothing else.

    ``readable`` are toolchains, ``protected`` paths of the tree, there or not, that stay as they are. Later lines win
    there. Raises SandboxError for a path that cannot be written into such a text.
    """
    shown = "".join(
        f"\n  (subpath {_quoted(place)})" for place in (*map(Path, _SYSTEM), *readable, tree, room)
    )
    kept = "".join(f"\n(deny file-write* (subpath {_quoted(tree / place)}))" for place in protected)
    devices = "".join(f"\n  (literal {_quoted(place)})" for place in _DEVICES)
    return f"""(version 1)
(deny default)
(allow process-fork)
(allow process-exec)
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow file-read-metadata)
(allow file-read*{shown}{devices}
  (literal "/"))
(allow file-write*
  (subpath {_quoted(tree)})
  (subpath {_quoted(room)}){devices})
(deny file-write-setugid)
(deny network*)
(deny appleevent-send)
(deny mach-lookup)
(deny process-info* (target others)){kept}
"""


def _quoted(place: str | Path) -> str:
    text = str(place)
    if not text.startswith("/") or not text.isprintable():
        raise SandboxError(f"{text!r} cannot be named to sandbox-exec.", "Rename the folder.")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
