"""The variables that a command is started with, whatever holds it."""

import functools
from collections.abc import Iterable
from pathlib import Path

from wainwright.sandbox.layers import Mount
from wainwright.sandbox.variables import VARIABLES
from wainwright.sandbox.visible import Visible


def environment(
    visible: Visible, at: Path, layers: Iterable[Mount], seen: tuple[Path, ...]
) -> dict[str, str]:
    """Variables of every command: the project's own environments come first on PATH, as if activated.

    ``at`` is where the tree appears, and ``seen`` are the places in which programs may be found.
    """
    variables = {**VARIABLES, **visible.variables}
    # The person trusts the settings of their own workspace; mise notes that in a file which is not shown.
    variables["MISE_TRUSTED_CONFIG_PATHS"] = str(at)
    first: list[Path] = []
    for mount in layers:
        place = at / mount.at
        if any((source / "pyvenv.cfg").is_file() for source in mount.shows):
            variables.setdefault("VIRTUAL_ENV", str(place))
            first.append(place / "bin")
        elif any((source / ".bin").is_dir() for source in mount.shows):
            first.append(place / ".bin")
    persons = _beneath(visible.search_path, seen)
    variables["PATH"] = ":".join(dict.fromkeys((*map(str, first), *persons)))
    return variables


@functools.lru_cache(maxsize=32)
def _beneath(directories: tuple[Path, ...], seen: tuple[Path, ...]) -> tuple[str, ...]:
    """Those of some directories that are seen: the same ones for most commands."""
    return tuple(
        str(directory) for directory in directories if any(directory.is_relative_to(root) for root in seen)
    )
