"""Hosts of the network, named in one way: what a list of them opens, and what is no host at all."""

import re

_PORTS = (80, 443)
"""Those of a host that is listed without one."""
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_A_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


def canonical(host: str) -> str | None:
    """The one spelling of a host's name; None for what is none: an address in any notation, a name with odd bytes."""
    try:
        name = host.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        return None
    labels = name.split(".")
    if not all(map(_LABEL.fullmatch, labels)) or _A_NUMBER.fullmatch(labels[-1]) or len(name) > 253:
        return None
    return name


def listed(entry: str) -> list[tuple[str, int]]:
    """What an entry of the list opens: ``host`` or ``host:port``. Raises ValueError for anything else."""
    host, colon, port = entry.partition(":")
    name = canonical(host)
    if name is None or (colon and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536)):
        raise ValueError(
            f"{entry!r} is not a host, such as pypi.org, nor one with a port, such as pypi.org:443"
        )
    return [(name, int(port))] if colon else [(name, one) for one in _PORTS]
