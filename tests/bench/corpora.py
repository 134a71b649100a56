"""The two source trees that are measured, or any checkout that the user names."""

import hashlib
import os
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.bench.harness import Missing
from tests.bench.tools import quietly

DJANGO = "1a47f7a7a3d43ce64570d350e008d2949abe8c7e21737b351b6a1611277c6d89"
KUBERNETES = "b83c0780efb182d928dc63d46488a847f161f04e40a94b96bf5247dd671ecdfc"
KUBERNETES_AT = (
    "http://deb.debian.org/debian/pool/main/k/kubernetes/kubernetes_1.20.5+really1.20.2.orig.tar.gz"
)
LARGE = 15_000
"""Files from which on the bars of the large tree hold for a checkout of the user's."""


@dataclass(frozen=True)
class Corpus:
    """A committed git checkout. It is only read: what writes works on `copy`."""

    name: str
    root: Path

    @cached_property
    def paths(self) -> list[str]:
        listed = quietly("git", "-C", self.root, "ls-files", "-z").decode()
        return sorted(path for path in listed.split("\0") if (self.root / path).is_file())

    @property
    def large(self) -> bool:
        return len(self.paths) >= LARGE

    @cached_property
    def size(self) -> int:
        return sum((self.root / path).stat().st_size for path in self.paths)

    def copy(self, scratch: Path) -> Path:
        """A copy of the tree, with its repository, that a row may change."""
        place = scratch / f"copy-{self.name}"
        if not place.exists():
            quietly("cp", "-a", "--reflink=auto", self.root, place)
            quietly("git", "-C", place, "update-index", "-q", "--refresh")
        return place

    def text(self, lines: int) -> str:
        """That many lines of the tree's source code, always the same ones."""
        taken: list[str] = []
        for path in self.paths:
            if path.endswith((".py", ".go", ".js", ".ts", ".rs", ".java", ".c")):
                source = (self.root / path).read_bytes()
                if len(source) < 1_000_000:
                    taken += source.decode(errors="replace").replace("\r", "").split("\n")
            if len(taken) >= lines:
                return "\n".join(taken[:lines]) + "\n"
        raise Missing(f"{self.name} has fewer than {lines} lines of source code")


def sdist(folder: Path) -> Path:
    """Django's source archive, as pip finds it."""
    pip = shutil.which("pip") or shutil.which("pip3")
    if pip is None:
        raise Missing("pip, to fetch Django's source archive")
    quietly(pip, "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", folder, "django==5.2")
    return next(folder.glob("[Dd]jango-5.2.tar.gz"))


def debian_source(folder: Path) -> Path:
    """Kubernetes as Debian archives it."""
    place = folder / "kubernetes.tar.gz"
    with urllib.request.urlopen(KUBERNETES_AT, timeout=120) as answer, place.open("wb") as file:
        shutil.copyfileobj(answer, file)
    return place


SOURCES: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "M": (DJANGO, sdist),
    "L": (KUBERNETES, debian_source),
}


def named(folder: Path) -> Corpus:
    """A checkout that the user names."""
    if not (folder / ".git").exists():
        raise Missing(f"{folder} is no git checkout")
    return Corpus(folder.resolve().name, folder.resolve())


def standard(name: str, cache: Path) -> Corpus:
    """One of the two standard trees; fetched, checked, laid out and committed the first time."""
    place = cache / "corpora" / name
    if place.exists():
        return Corpus(name, place)
    digest, fetch = SOURCES[name]
    folder = cache / "download"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        archive = fetch(folder)
    except OSError as error:
        raise Missing(f"corpus {name}: {error}") from error
    if hashlib.sha256(archive.read_bytes()).hexdigest() != digest:
        raise Missing(f"corpus {name}: {archive.name} is not the archive it should be")
    lay_out(archive, place)
    archive.unlink()
    return Corpus(name, place)


def lay_out(archive: Path, place: Path) -> None:
    """Unpack into a fresh repository with one commit; the place appears only when it is whole."""
    rough = place.with_name(place.name + ".part")
    shutil.rmtree(rough, ignore_errors=True)
    rough.mkdir(parents=True)
    with tarfile.open(archive) as tar:
        tar.extractall(rough, filter="data")
    (top,) = rough.iterdir()
    quietly("git", "-C", top, "init", "-q")
    quietly("git", "-C", top, "add", "-A", "-f")
    identity = {f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(
        ["git", "-C", top, "-c", "gc.auto=0", "commit", "-q", "-m", "corpus"],
        check=True,
        env={**os.environ, **identity},
    )
    top.rename(place)
    rough.rmdir()
