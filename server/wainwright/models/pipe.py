"""The frames on the pipe between the server and the gateway process.

    9 bytes: length of the body, number of the call, kind;  then the body: JSON

Whoever reads knows how long a body is and whose it is before taking it: one that is too long fails its own call only.
"""

import enum
import struct

HEAD = struct.Struct("<IIB")
READ_BYTES = 2**18
"""Bytes that wait to be taken before no more are read."""
LONGEST_BODY = 32 * 2**20
"""Bytes of a body that the server takes."""


class Kind(enum.IntEnum):
    """What a frame is."""

    COMPLETE = 1
    """Asked: ``{"candidate": {...}, "request": {...}, "key": "..." or null}``."""
    PRICE = 2
    """Asked: ``{"candidate": {...}}``."""
    CANCEL = 3
    """Asked: end the call of this number; it is not answered."""
    PING = 4
    """Asked: say that you are there."""
    DONE = 5
    """Answered: what was asked for. For call 0, once: the gateway can be asked."""
    FAILED = 6
    """Answered: ``{"kind", "message", "hint", "retry_after", "status", "lost"}``."""
    HEARD = 7
    """Told meanwhile: a text, as it comes."""
    WINDOW = 8
    """Asked: ``{"candidate": {...}}``."""


def frame(kind: Kind, number: int, body: bytes = b"") -> bytes:
    """One frame."""
    return HEAD.pack(len(body), number, kind) + body
