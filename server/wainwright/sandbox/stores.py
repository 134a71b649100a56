"""How the person's stores of packages and built things are shown: read from theirs, written to ours.

A command with a cache finds each store at the person's own path. Where overlays can be mounted it sees theirs, over
it what earlier caches left, and over that what it writes itself. Elsewhere packages are read-only, and built things
start empty: slower, and right. So it is for a command without a cache.
"""

import time
from pathlib import Path

from wainwright.sandbox.layers import Mount, Taken, overlay
from wainwright.sandbox.toolchains import Store

_TRIMMED = "trim.txt"
"""Where Go notes when it last removed what it had not used for days: of the person's that is not ours to decide."""
_HOME = "home"


def lay(taken: Taken, stores: tuple[Store, ...], cache_home: Path, *, overlays: bool) -> list[Mount]:
    """Set up the stores for one command, and the directory that programs take for ``~/.cache``."""
    view = taken.view
    if view.cache is None:
        return [_read_only(store) for store in stores if not store.built]
    mounts = [_written(taken, _HOME, cache_home, (), overlays=overlays)]
    for store in stores:
        if overlays and (store.of / _TRIMMED).is_file():
            (_kept(view.cache, _name(store)) / _TRIMMED).write_text(f"{int(time.time())}")
        if overlays or store.built:
            mounts.append(_written(taken, _name(store), store.at, (store.of,), overlays=overlays))
        else:
            mounts.append(_read_only(store))
    return mounts


def unwritable(stores: tuple[Store, ...], mounts: list[Mount]) -> list[Path]:
    """Stores of built things for which there is no place to write to: each command has an empty one of its own."""
    there = {mount.at for mount in mounts}
    return [store.at for store in stores if store.at not in there]


def _read_only(store: Store) -> Mount:
    return Mount(source=store.of, at=store.at, writable=False)


def _written(taken: Taken, name: str, at: Path, person: tuple[Path, ...], *, overlays: bool) -> Mount:
    view = taken.view
    assert view.cache is not None
    upper = _kept(view.cache, name)
    lower = (*(layer / name for layer in view.cache_beneath if (layer / name).is_dir()), *person)
    if overlays and lower:
        upper = overlay(taken, lower, writable=True, upper=upper).target
    return Mount(source=upper, at=at, writable=True)


def _kept(cache: Path, name: str) -> Path:
    place = cache / name
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


def _name(store: Store) -> str:
    """One folder a path, so that no name of one lies within another's."""
    return store.at.as_posix().replace("%", "%25").replace("/", "%2F")[-200:]
