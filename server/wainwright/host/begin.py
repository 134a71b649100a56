"""The beginning of a host: a process that is nobody's child, and keeps nothing of whoever started it."""

import gc
import os
import sys

BY_HAND_S = 3600.0
"""Seconds in which a host that somebody started in a terminal waits for a window."""


def main() -> None:
    """Be the host of a socket that listens already; see ``door``. The process that was started ends at once."""
    if os.fork():
        os._exit(0)
    given = dict(word[2:].split("=", 1) for word in sys.argv[2:5])
    for name in ("listening", "lock"):
        os.set_inheritable(int(given[name]), False)
    # What is imported stays; ``keep`` has the collector look again.
    gc.disable()
    from wainwright.host.keeper import keep  # noqa: PLC0415 - whoever starts the host waits for the first process

    raise SystemExit(keep(int(given["listening"]), given["path"], sys.argv[5:]))


def by_hand(words: list[str]) -> int:
    """Be the host for windows that are started with these words, until nobody needs one any more."""
    gc.disable()
    from wainwright.host.door import KIND, fronts_folder, name_of  # noqa: PLC0415 - see above
    from wainwright.host.keeper import keep  # noqa: PLC0415
    from wainwright.sockets import opened  # noqa: PLC0415

    name, place = name_of(words), fronts_folder()
    try:
        with opened(place) as folder, folder.turn(name, KIND) as turn:
            if turn is not None:
                return keep(turn[0].fileno(), str(place / name), words, BY_HAND_S)
    except OSError as error:
        sys.stderr.write(f"There can be no host here: {error}\n")
        return 1
    sys.stderr.write("There is a host already for what is started like this.\n")
    return 1
