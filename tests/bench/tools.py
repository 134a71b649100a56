"""The public tools that stand beside ours: found on the machine or installed once, each optional."""

import os
import shutil
import site
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.harness import Missing

PACKAGES = {"rg": "ripgrep", "ctags": "universal-ctags", "cindex": "codesearch"}
LIBRARIES = Path(__file__).with_name("requirements.lock")
AIDER = "aider-chat==0.86.2"
"""It pins all its own requirements exactly."""


def cache_folder() -> Path:
    """Where tools, corpora and scratch trees are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "wainwright-bench"


def quietly(*command: str | Path, cwd: Path | None = None) -> bytes:
    """Run to the end and return what was printed, or say what went wrong as something missing."""
    ended = subprocess.run(command, cwd=cwd, capture_output=True, check=False)
    if ended.returncode:
        last = ended.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise Missing(f"`{' '.join(map(str, command[:3]))} …` failed: {last[0]}")
    return ended.stdout


@dataclass(frozen=True)
class Tools:
    """Where the tools are. `install` may put them there; without it, what is missing stays missing."""

    cache: Path
    install: bool = True

    def program(self, name: str) -> str:
        """The path of a command-line tool from the distribution."""
        if (found := shutil.which(name)) is None and self.install:
            packaged(PACKAGES[name])
            found = shutil.which(name)
        if found is None:
            raise Missing(f"{name} (apt-get install {PACKAGES.get(name, name)})")
        return found

    def libraries(self) -> None:
        """Make the anchors' libraries importable here: last in line, so that ours stay what they are."""
        place = self.environment(
            "libraries", ["--require-hashes", "-r", str(LIBRARIES)], LIBRARIES.read_text()
        )
        paths = list(sys.path)
        for folder in place.glob("lib/python*/site-packages"):
            site.addsitedir(str(folder))
        sys.path[:] = paths + [path for path in sys.path if path not in paths]

    def python(self) -> Path:
        """An interpreter that has the anchors' libraries and nothing of ours."""
        self.libraries()
        return self.cache / "venv" / "libraries" / "bin" / "python"

    def aider(self) -> Path:
        """An interpreter that has aider."""
        return self.environment("aider", [AIDER], AIDER) / "bin" / "python"

    def environment(self, name: str, arguments: list[str], wanted: str) -> Path:
        """A virtual environment with exactly what is wanted, made anew when that changes."""
        place = self.cache / "venv" / name
        stamp = place / ".wanted"
        wanted = f"{sys.version}\n{wanted}"
        if stamp.exists() and stamp.read_text() == wanted:
            return place
        if not self.install:
            raise Missing(f"the Python packages for {name}")
        print(f"Installing {name} …", file=sys.stderr)
        shutil.rmtree(place, ignore_errors=True)
        quietly(sys.executable, "-m", "venv", place)
        pip = [place / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        quietly(*pip, *arguments)
        stamp.write_text(wanted)
        return place

    def versions(self) -> dict[str, str]:
        """What is there, for the record."""
        asked = {"rg": "--version", "ctags": "--version", "git": "--version"}
        found = {}
        for name, option in asked.items():
            if (path := shutil.which(name)) is not None:
                found[name] = quietly(path, option).decode().splitlines()[0]
        return found


def packaged(package: str) -> None:
    """Install a package of the distribution where that is allowed; the caller sees whether it came."""
    apt = shutil.which("apt-get")
    if apt is None or (os.geteuid() != 0 and shutil.which("sudo") is None):
        return
    print(f"Installing {package} …", file=sys.stderr)
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
        subprocess.run([*prefix, apt, *words], env=environment, capture_output=True, check=False)
