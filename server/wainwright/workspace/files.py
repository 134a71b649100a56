"""Files as the person sees them: the unsaved text of open editors over what is on disk."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from wainwright.domain.changes import protected
from wainwright.domain.errors import OutsideBoundary, WorkspaceError


def digest(content: str | bytes) -> str:
    """Return the SHA-256 of ``content`` in hex; text counts as its UTF-8 bytes."""
    return hashlib.sha256(encoded(content) if isinstance(content, str) else content).hexdigest()


def encoded(text: str) -> bytes:
    """Return the bytes of a buffer's text; half a surrogate pair, which an editor may send, does not stop it."""
    return text.encode("utf-8", "surrogatepass")


class Boundary:
    """The workspace folder as a fence: relative paths go in, absolute paths within it come out."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def resolve(self, path: str) -> Path:
        """Return the absolute place of a relative ``path``, with symbolic links followed.

        Raises OutsideBoundary when the path, or a link on its way, leads out or into a protected place.
        """
        if protected(path):
            raise OutsideBoundary(f"{path!r} is protected or not inside the workspace.", "Use another path.")
        try:
            place = (self.root / path).resolve()
            inside = place.relative_to(self.root).as_posix()
        except (ValueError, OSError, RuntimeError) as error:
            raise OutsideBoundary(f"{path!r} leads out of the workspace.", "Use another path.") from error
        if protected(inside):
            raise OutsideBoundary(f"{path!r} leads into a protected place.", "Use another path.")
        return place

    def relative(self, path: Path) -> str:
        """Return ``path`` relative to the root with forward slashes.

        A path is taken as it is written first, so that a link inside the workspace keeps its own name.
        Raises OutsideBoundary when it is not inside.
        """
        for root, place in ((self.root, path), (self.root, path.resolve())):
            if ".." not in place.parts and place.is_relative_to(root) and place != root:
                return place.relative_to(root).as_posix()
        raise OutsideBoundary(f"{path} is not inside the workspace.", f"Open a file below {self.root}.")


class Files:
    """Disk plus unsaved buffers.

    ``overlay`` maps relative paths to the unsaved text of open editors. It is kept, not copied: the
    owner goes on changing it, and every read sees its latest state.
    """

    def __init__(self, root: Path, overlay: Mapping[str, str]) -> None:
        self.boundary = Boundary(root)
        self.overlay = overlay

    def read(self, path: str) -> str | None:
        """Return the text of ``path``, the buffer first, or None when there is no such file.

        Line ends are kept. Raises OutsideBoundary, and WorkspaceError when the file is not UTF-8 text.
        """
        place = self.boundary.resolve(path)
        text = self.overlay.get(path)
        if text is not None:
            return text
        try:
            return place.read_bytes().decode()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise WorkspaceError(
                f"{path!r} cannot be read as text: {error}.", "Leave this file out."
            ) from error

    def relative(self, path: Path) -> str:
        """Return ``path`` relative to the workspace; raises OutsideBoundary."""
        return self.boundary.relative(path)
