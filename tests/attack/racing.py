"""Somebody exchanges files and folders while they are read, written and removed: nothing outside may be met.

    python -m tests.attack.racing --tries 60000

Each kind of race has a process that exchanges names as fast as the system lets it. ``--weak`` looks first and acts
then, by paths, as a program does that knows no handles: it shows that the tries can find what they look for.
"""

import argparse
import ctypes
import mmap
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from wainwright import regular
from wainwright.domain.errors import WainwrightError
from wainwright.sandbox import clearing
from wainwright.workspace.native import write_batch

TRIES, WEAK = 60_000, 3_000
"""Of each kind in the night, and until one has got through where nothing stands in the way."""
OUTSIDE, INSIDE, MINE = b"of somebody else\n", b"of the workspace\n", b"mine\n"
_RUN, _PAUSE, _STOP = 0, 1, 2
_LOOKED_AFTER = 100
"""After how many tries it is looked whether something of somebody else is gone, where that takes a pause."""


@dataclass
class Came:
    """What came of the tries of one kind."""

    tries: int = 0
    done: int = 0
    """How often what was asked for was done; otherwise it was refused."""
    escaped: list[str] = field(default_factory=list)
    seconds: float = 0.0
    first: bool = False
    """Whether one escape is enough."""

    def each(self, count: int) -> Iterator[int]:
        for number in range(count):
            if self.first and self.escaped:
                return
            self.tries += 1
            yield number

    def __str__(self) -> str:
        return (
            f"{self.tries:,} tries, {self.done:,} done, {len(self.escaped):,} escaped, {self.seconds:.1f} s"
        )


class Place:
    """A workspace, what lies outside, and who exchanges names between the two."""

    def __init__(self, base: Path) -> None:
        self.base, self.root, self.out = base, base / "root", base / "out"
        for folder in (self.root, self.root / "d", self.out):
            folder.mkdir()
        for name in ("f", "d/f", "g"):
            (self.root / name).write_bytes(INSIDE)
        (self.out / "f").write_bytes(OUTSIDE)
        (self.root / "to-folder").symlink_to(self.out)
        (self.root / "to-file").symlink_to(self.out / "f")
        self.held = os.open(self.out, os.O_RDONLY | os.O_DIRECTORY)
        self._control = base / "control"
        self._control.write_bytes(bytes(2))

    @contextmanager
    def raced(self, do: str, *names: Path) -> Iterator[None]:
        argv = [sys.executable, __file__, f"--{do}", str(self._control), *map(str, names)]
        with self._control.open("r+b") as file, mmap.mmap(file.fileno(), 2) as self._shared:
            self._other = subprocess.Popen(argv)
            try:
                self._wait_for(_RUN)
                yield
            finally:
                self._shared[0] = _STOP
                self._other.wait()

    def _wait_for(self, state: int) -> None:
        while self._shared[1] != state + 1:
            assert self._other.poll() is None, "nobody races"
            time.sleep(0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._shared[0] = _PAUSE
        self._wait_for(_PAUSE)
        yield
        self._shared[0] = _RUN
        self._wait_for(_RUN)

    def outside(self) -> bytes:
        """The file of somebody else, by a handle of its folder: what that is called does not matter."""
        try:
            with os.fdopen(os.open("f", os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.held), "rb") as file:
                return file.read()
        except OSError as error:
            return str(error).encode()

    def mend(self) -> None:
        with suppress(FileNotFoundError):
            os.unlink("f", dir_fd=self.held)
        with os.fdopen(os.open("f", os.O_WRONLY | os.O_CREAT, dir_fd=self.held), "wb") as file:
            file.write(OUTSIDE)


# ---- the real ways, and those that look first and act then


def _read(place: Place, name: str, *, weak: bool) -> bytes:
    path = place.root / name
    if not weak:
        return regular.read(path, 100, beneath=place.root)
    if not Path(os.path.realpath(path)).is_relative_to(place.root):
        raise PermissionError
    return path.read_bytes()


def _write(place: Place, name: str, text: bytes, before: bytes, *, weak: bool) -> None:
    path = place.root / name
    if not weak:
        write_batch(place.root, [(name, text, None)], expected={name: before})
        return
    if not Path(os.path.realpath(path)).is_relative_to(place.root) or path.read_bytes() != before:
        raise PermissionError
    draft = path.with_name(f"{path.name}.tmp")
    draft.write_bytes(text)
    draft.replace(path)


def _remove(folder: Path, *, weak: bool) -> None:
    if not weak:
        clearing.remove(folder)
        return
    for name in os.listdir(folder):  # noqa: PTH208 - as a program does that knows only paths
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            _remove(path, weak=True)
        else:
            path.unlink(missing_ok=True)
    folder.rmdir()


Tries = Callable[[Place, int, Came, bool], None]


@dataclass(frozen=True)
class Kind:
    """One kind of race."""

    what: str
    tries: Tries
    share: int = 2_000
    """How many tries there are in every run of the tests."""


def _reading(name: str, other: str) -> Tries:
    def tries(place: Place, count: int, came: Came, weak: bool) -> None:
        with place.raced("exchange", place.root / name.partition("/")[0], place.root / other):
            for _ in came.each(count):
                with suppress(OSError):
                    if _read(place, name, weak=weak) != INSIDE:
                        came.escaped.append("read outside")
                    came.done += 1

    return tries


def _writing(place: Place, count: int, came: Came, weak: bool) -> None:
    """The root itself is exchanged with a folder in which a file of the same name has another text."""
    held = os.open(place.root, os.O_RDONLY | os.O_DIRECTORY)
    text = INSIDE
    with place.raced("exchange", place.root, place.out):
        for number in came.each(count):
            with suppress(OSError, WainwrightError):
                new = b"%d\n" % number
                _write(place, "f", new, text, weak=weak)
                came.done += 1
            if place.outside() != OUTSIDE:
                came.escaped.append("written outside")
                place.mend()
            # What it is by now; by paths nobody knows whose it was.
            with os.fdopen(os.open("f", os.O_RDONLY, dir_fd=held), "rb") as file:
                text = file.read()
    os.close(held)


def _removing(place: Place, count: int, came: Came, weak: bool) -> None:
    folder = place.root / "gone"
    with place.raced("within", folder):
        for _ in came.each(count):
            (folder / "d").mkdir(parents=True)
            for name in "abcdefgh":
                (folder / "d" / name).write_bytes(INSIDE)
            (folder / "link").symlink_to(place.out)  # from now on they are exchanged
            with suppress(OSError):
                _remove(folder, weak=weak)
                came.done += 1
            if place.outside() != OUTSIDE:
                came.escaped.append("removed outside")
                place.mend()
            clearing.remove(folder)


def _planted(place: Place, count: int, came: Came, weak: bool) -> None:
    text = INSIDE
    with place.raced("plant", place.root, place.out / "f", place.root / "f.tmp"):
        for number in came.each(count):
            with suppress(OSError, WainwrightError):
                _write(place, "f", b"%d\n" % number, text, weak=weak)
                came.done += 1
            if place.outside() != OUTSIDE:
                came.escaped.append("written outside")
                place.mend()
            target = place.root / "f"
            if target.is_symlink():
                target.unlink()
                target.write_bytes(INSIDE)
            text = target.read_bytes()


def _files(folder: Path) -> Iterator[Path]:
    return (one for one in folder.iterdir() if one.is_file() and not one.is_symlink())


def _swapped(place: Place, count: int, came: Came, weak: bool) -> None:
    """Between a yes to a change and the change, another file with another text takes the name."""
    pair = [place.root / name for name in ("f", "g")]
    pair[1].write_bytes(OUTSIDE)
    with place.raced("exchange", *pair):
        for number in came.each(count):
            with suppress(OSError, WainwrightError):
                agreed = _read(place, "f", weak=weak)
                if agreed != OUTSIDE:
                    time.sleep(0)  # a person looks at it
                    # Whoever looks only once writes over whatever is there by now.
                    before = (place.root / "f").read_bytes() if weak else agreed
                    _write(place, "f", b"%d\n" % number, before, weak=weak)
                    came.done += 1
            if number % _LOOKED_AFTER == 0 or number == count - 1:
                with place.paused():
                    # What could not be given its name back is kept under another, and whoever wrote is told so.
                    if OUTSIDE not in [one.read_bytes() for one in _files(place.root)]:
                        came.escaped.append("overwritten, and nobody had agreed to that")
                    for left in place.root.glob(".wainwright-*"):
                        left.unlink()
                    pair[0].write_bytes(INSIDE)
                    pair[1].write_bytes(OUTSIDE)


KINDS = (
    Kind("a folder above is exchanged with a link", _reading("d/f", "to-folder")),
    Kind("the file is exchanged with a link", _reading("f", "to-file")),
    Kind("the workspace is exchanged with another folder", _writing),
    Kind("a folder becomes a link while it is removed", _removing, share=200),
    Kind("a link is planted where a draft is written", _planted),
    Kind("the file is another one than was agreed to", _swapped),
)


def run(kind: Kind, base: Path, tries: int, *, weak: bool = False, first: bool = False) -> Came:
    """Try one kind so many times, or to the first escape, in a folder of its own."""
    came = Came(first=first)
    with tempfile.TemporaryDirectory(dir=base, prefix="race-") as folder:
        place = Place(Path(folder).resolve())
        began = time.perf_counter()
        kind.tries(place, tries, came, weak)
        came.seconds = time.perf_counter() - began
        os.close(place.held)
    return came


# ---- the other process


def _other(control: str, act: Callable[[], None]) -> None:
    parent = os.getppid()
    with Path(control).open("r+b") as file, mmap.mmap(file.fileno(), 2) as shared:
        # Whoever started this may have been killed.
        while (state := shared[0]) != _STOP and os.getppid() == parent:
            shared[1] = state + 1
            if state == _PAUSE:
                time.sleep(0)
                continue
            for _ in range(20):
                act()


def _exchange(one: str, other: str) -> Callable[[], None]:
    rename = ctypes.CDLL(None).renameat2
    first, second = os.fsencode(one), os.fsencode(other)
    return lambda: rename(-100, first, -100, second, 2)


def _within(folder: str) -> Callable[[], None]:
    """Exchanges two names in a folder that somebody renames and removes meanwhile."""
    rename = ctypes.CDLL(None).renameat2

    def act() -> None:
        try:
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            return
        for _ in range(100):
            rename(held, b"d", held, b"link", 2)
        os.close(held)

    return act


def _plant(root: str, to: str, draft: str) -> Callable[[], None]:
    """Puts a link in the place of every draft, and one where a draft of a known name would be."""
    spare = f"{root}/spare"

    def act() -> None:
        for name in [draft, *(f"{root}/{name}" for name in os.listdir(root) if name.endswith(".tmp"))]:  # noqa: PTH208
            with suppress(OSError):
                os.symlink(to, spare)  # noqa: PTH211 - as fast as can be
                os.rename(spare, name)  # noqa: PTH104

    return act


def main() -> int:
    """Try all kinds, or be the process that races."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=TRIES)
    parser.add_argument("--weak", action="store_true")
    parser.add_argument("--exchange", nargs=3)
    parser.add_argument("--within", nargs=2)
    parser.add_argument("--plant", nargs=4)
    told = parser.parse_args()
    if told.exchange:
        _other(told.exchange[0], _exchange(*told.exchange[1:]))
        return 0
    if told.within:
        _other(told.within[0], _within(told.within[1]))
        return 0
    if told.plant:
        _other(told.plant[0], _plant(*told.plant[1:]))
        return 0
    escaped = 0
    for kind in KINDS:
        came = run(kind, Path(tempfile.gettempdir()), told.tries, weak=told.weak)
        escaped += len(came.escaped)
        print(f"{kind.what}: {came}", flush=True)
    return int(bool(escaped))


if __name__ == "__main__":
    raise SystemExit(main())
