"""What the project is made of: a list for others (CycloneDX), and whether each part may be there.

    python -m tests.supply                  says what is not as it should be, and ends with 1 then
    python -m tests.supply --sbom FILE      writes the list, from the lock files

Known faults of versions are not looked up: that takes data that is had from elsewhere (`cargo deny check advisories`,
`pip-audit -r requirements.lock`).
"""

import argparse
import json
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from wainwright.doctor import run_at_start

ROOT = Path(__file__).parents[1]
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"
OURS = "wainwright"
TOOLS = frozenset({"pip", "setuptools"})
"""What a virtual environment comes with, and no lock names."""
LICENCES = re.compile(
    r"MIT|Apache|BSD|ISC|MPL|Mozilla|Zlib|Unlicense|CC0|BSL-1\.0|Unicode|PSF|Python Software Foundation|"
    r"Public Domain|CNRI"
)
"""What every part has to be under; of several, one."""
TWICE = frozenset({"embedded-io", "foldhash", "getrandom", "hashbrown", "r-efi", "syn"})
"""Crates that are there in two versions, since parts of ours ask for different ones. The list may only shrink."""
_PIN = r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?: ; [^\n]+?)? \\"
_PINNED = re.compile(rf"^{_PIN}(?P<rest>(?:\n    --hash=sha256:[0-9a-f]{{64}}(?: \\)?)+)$", re.MULTILINE)
Json = dict[str, Any]


def plain(name: str) -> str:
    """The name of a Python package in its one spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def python_parts(lock: str) -> dict[str, Json]:
    """Packages of a lock of pip by name, each with its version and the hashes that its files may have."""
    return {
        plain(one["name"]): {"version": one["version"], "hashes": re.findall(r"[0-9a-f]{64}", one["rest"])}
        for one in _PINNED.finditer(lock)
    }


def rust_parts(lock: str) -> list[Json]:
    """Crates of a lock of cargo that are not the project's own."""
    return [one for one in tomllib.loads(lock)["package"] if "source" in one]


def sbom(python: str, cargo: str) -> Json:
    """The list of all parts, as CycloneDX has it. The same locks give the same list."""
    components = [
        _component("pypi", name, one["version"], one["hashes"])
        for name, one in sorted(python_parts(python).items())
    ]
    components += [
        _component("cargo", one["name"], one["version"], [one["checksum"]]) for one in rust_parts(cargo)
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": OURS, "version": project["version"]}},
        "components": components,
    }


def _component(kind: str, name: str, version: str, hashes: Iterable[str]) -> Json:
    purl = f"pkg:{kind}/{name}@{version}"
    told = [{"alg": "SHA-256", "content": one} for one in hashes]
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "hashes": told,
    }


def installed() -> dict[str, str]:
    """Python packages that are there, with their versions."""
    found = {plain(one.name): one.version for one in metadata.distributions()}
    return {name: version for name, version in found.items() if name not in {OURS, *TOOLS}}


def of_python(lock: str, there: dict[str, str]) -> Iterator[str]:
    """What is wrong with the lock, and with what is installed beside it."""
    parts = python_parts(lock)
    lines = [line for line in lock.splitlines() if not line.startswith(("    --hash=", "#"))]
    yield from (f"requirements.lock: {line} is not pinned with a hash" for line in lines if not _is_pin(line))
    yield from (f"{name} is installed, and in no lock" for name in sorted(there.keys() - parts.keys()))
    for name, one in parts.items():
        if name in there and there[name] != one["version"]:
            yield f"{name} {there[name]} is installed, and {one['version']} is locked"


def _is_pin(line: str) -> bool:
    return re.fullmatch(_PIN, line) is not None


def of_licences(licences: Iterable[tuple[str, str]]) -> Iterator[str]:
    """(part, licence): those that are under none that may be."""
    yield from (
        f"{name} is under {told or 'no licence'}" for name, told in licences if not LICENCES.search(told)
    )


def licences() -> Iterator[tuple[str, str]]:
    """The licence of each Python package, as it says itself."""
    for one in metadata.distributions():
        told = one.metadata
        classified = [line for line in told.get_all("Classifier") or () if line.startswith("License ::")]
        yield (
            one.name,
            " ".join([told.get("License-Expression") or "", *classified, told.get("License") or ""]),
        )


def of_rust(found: Json) -> Iterator[str]:
    """What is wrong with the crates, as ``cargo metadata`` has them."""
    versions: dict[str, int] = {}
    for crate in found["packages"]:
        versions[crate["name"]] = versions.get(crate["name"], 0) + 1
        if crate["source"] not in (None, REGISTRY):
            yield f"crate {crate['name']} comes from {crate['source']}"
    yield from (
        f"crate {name} is there {n} times" for name, n in versions.items() if n > 1 and name not in TWICE
    )
    yield from of_licences((f"crate {one['name']}", one["license"] or "") for one in found["packages"])


def crates() -> Json:
    """What cargo knows of all crates."""
    words = ["cargo", "metadata", "--locked", "--format-version", "1"]
    found: Json = json.loads(subprocess.run(words, cwd=ROOT, capture_output=True, check=True).stdout)
    return found


def of_programs(folder: Path, records: Iterable[metadata.Distribution]) -> Iterator[str]:
    """Programs beside Python that no installed package has brought."""
    known = {
        Path(str(file)).name for one in records for file in one.files or () if "bin" in Path(str(file)).parts
    }
    own = re.compile(r"python[0-9.]*|[Aa]ctivate.*|pip[0-9.]*|maturin|ruff")
    for file in sorted(folder.iterdir()):
        if file.name not in known and not own.fullmatch(file.name) and file.is_file():
            yield f"the program {file.name} was brought by no package"


def flaws() -> list[str]:
    """All that is not as it should be."""
    folder = Path(sysconfig.get_path("purelib"))
    return [
        *of_python((ROOT / "requirements.lock").read_text(), installed()),
        *of_licences(licences()),
        *of_rust(crates()),
        *(f"{name} runs whenever Python starts" for name in run_at_start(folder)),
        *of_programs(Path(sysconfig.get_path("scripts")), metadata.distributions()),
    ]


def main() -> None:
    """Say what is wrong, or write the list."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sbom", type=Path)
    options = parser.parse_args()
    if options.sbom:
        locks = [(ROOT / name).read_text() for name in ("requirements.lock", "Cargo.lock")]
        told = sbom(*locks)
        options.sbom.write_text(json.dumps(told, indent=1) + "\n")
        print(f"{len(told['components'])} parts in {options.sbom}")
        return
    wrong = flaws()
    print(
        "\n".join(wrong)
        or "All parts are pinned, from where they should be, and under a licence that may be."
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
