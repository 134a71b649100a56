"""D: what the project is made of is exchanged, added to, or taken from where somebody else can write."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import supply
from tests.attack.cases import Case, Group, Seen
from tests.attack.watched import Watched
from tests.fixtures.program import SERVER

from wainwright import doctor

LATER = "a release"
CASES = [
    Case("D1.01", "a package has another content than its pin says", "refuse", "hash"),
    Case("D1.02", "a package brings a file that runs whenever Python starts", "refuse", "pth"),
    Case("D1.03", "there is a program that no package brought", "refuse", "program"),
    Case("D1.04", "the list of parts is what is installed", "ok", "sbom"),
    Case(
        "D1.05",
        "something connects anywhere when it is imported",
        "hold",
        "imports",
        strong="nothing of ours does",
    ),
    Case(
        "D1.06",
        "a run connects to somebody else than its model",
        "hold",
        "telemetry",
        strong="nothing of ours does",
    ),
    Case("D1.07", "each part is under a licence that may be", "ok", "licences"),
    Case("D1.08", "two builds give the same wheel", "ok", owed=LATER),
    Case("D1.09", "a wheel is vouched for by who built it", "ok", owed=LATER),
    Case("D1.10", "a crate comes from elsewhere, or is there twice", "refuse", "crates"),
    Case(
        "D1.11", "a version has a known fault", "refuse", owed="the data of advisories, which have to be had"
    ),
    Case("D1.12", "the workspace has modules that Python loads by itself", "hold", "customize"),
    Case("D1.13", "variables name what Python loads first", "hold", "variables"),
    Case("D1.14", "the workspace has a native module of our name", "hold", "native"),
]
GROUP = Group("D", "what the project is made of", 14, CASES)
LEFT = "open({mark!r}, 'a').write(__name__ + chr(10))\n"
IMPORTS = """
import sys
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print(event, arguments[1:], flush=True)
sys.addaudithook(hook)
import wainwright.cli.program, wainwright.lsp.server, wainwright.assembly, wainwright.models.gateway as gateway
"""

QUIETLY = "gateway.quiet_litellm()"
"""As the gateway begins: LiteLLM by itself asks for a list of prices as soon as it is imported."""


def wheel(folder: Path, *more: str) -> Path:
    """A small package, with files beside it that run at each start."""
    made = folder / "small_part-1.0-py3-none-any.whl"
    told = "Metadata-Version: 2.1\nName: small-part\nVersion: 1.0\n"
    kind = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {
        "small_part.py": "",
        "small_part-1.0.dist-info/METADATA": told,
        "small_part-1.0.dist-info/WHEEL": kind,
    }
    files |= dict.fromkeys(more, "import os\n")
    record = [f"{name},sha256={_digest(text)},{len(text)}" for name, text in files.items()]
    files["small_part-1.0.dist-info/RECORD"] = "\n".join([*record, "small_part-1.0.dist-info/RECORD,,"])
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def installs(folder: Path, made: Path, pin: str, *options: str) -> subprocess.CompletedProcess[str]:
    lock = folder / "a.lock"
    lock.write_text(f"small-part==1.0{pin}\n")
    words = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--find-links",
        str(made.parent),
    ]
    words += ["--disable-pip-version-check", "--target", str(folder / "there"), *options, "-r", str(lock)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def hash_of_another(folder: Path, guards: bool) -> Seen:
    pin = f" --hash=sha256:{'0' * 64}" if guards else ""
    done = installs(folder, wheel(folder), pin, *(["--require-hashes"] if guards else []))
    alarms = ["it was installed"] if (folder / "there" / "small_part.py").exists() else []
    return Seen("refuse" if done.returncode else "ok", alarms, done.stderr)


def pth(folder: Path, guards: bool) -> Seen:
    made = wheel(folder, "litellm_init.pth", "sitecustomize.py")
    pin = f" --hash=sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}"
    assert installs(folder, made, pin, "--require-hashes").returncode == 0
    found = doctor.run_at_start(folder / "there") if guards else []
    return Seen("refuse" if found == ["litellm_init.pth", "sitecustomize.py"] else "ok", said=str(found))


def program(folder: Path, guards: bool) -> Seen:
    for name in ("python3", "wainwright", "left-by-somebody"):
        (folder / name).write_text("#!/bin/sh\n")
    found = list(supply.of_programs(folder, supply.metadata.distributions())) if guards else []
    told = "the program left-by-somebody was brought by no package"
    return Seen("refuse" if found == [told] else "ok", said=str(found))


def sbom(_folder: Path, _guards: bool) -> Seen:
    locks = [(supply.ROOT / name).read_text() for name in ("requirements.lock", "Cargo.lock")]
    told = supply.sbom(*locks)
    listed = {
        one["name"]: one["version"] for one in told["components"] if one["purl"].startswith("pkg:pypi/")
    }
    wrong = [
        f"{name} {version}" for name, version in supply.installed().items() if listed.get(name) != version
    ]
    wrong += [one["purl"] for one in told["components"] if not one["hashes"]]
    wrong += list(supply.of_python(locks[0], supply.installed()))
    return Seen("ok", wrong)


def licences(_folder: Path, _guards: bool) -> Seen:
    wrong = list(supply.of_licences(supply.licences()))
    if list(supply.of_licences([("x", "AGPL-3.0")])) != ["x is under AGPL-3.0"]:
        wrong.append("a licence that may not be is not seen")
    return Seen("ok", [*wrong, *supply.of_rust(supply.crates())])


def crates(_folder: Path, guards: bool) -> Seen:
    elsewhere = {"name": "a", "source": "git+https://example.org/a", "license": "MIT"}
    twice = {"name": "b", "source": supply.REGISTRY, "license": "MIT"}
    found = list(supply.of_rust({"packages": [elsewhere, twice, twice]})) if guards else []
    return Seen("refuse" if len(found) == 2 else "ok", said=str(found))


def imports(_folder: Path, guards: bool) -> Seen:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS + (QUIETLY if guards else "import litellm")],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SERVER)},
        capture_output=True,
        text=True,
        check=True,
    )
    return Seen("hold", done.stdout.splitlines())


def _started(folder: Path, planted: tuple[str, ...], more: dict[str, str], guards: bool) -> Seen:
    """Whether anything of a workspace was loaded by the program that is started in it, or by its gateway."""
    work, mark = folder / "work", folder / "loaded"
    for name in planted:
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(LEFT.format(mark=str(mark)))
    script = Path(sys.executable).with_name("wainwright")
    words = [str(script)] if guards else [sys.executable, "-m", "wainwright"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **more}
    if not guards:
        environment["PYTHONPATH"] = str(work)
    subprocess.run(
        [*words, "runs", "--workspace", str(work)],
        cwd=work,
        env=environment,
        capture_output=True,
        check=False,
    )
    return Seen("hold", mark.read_text().split() if mark.exists() else [])


def customize(folder: Path, guards: bool) -> Seen:
    return _started(folder, ("sitecustomize.py", "usercustomize.py", "json.py", "litellm.py"), {}, guards)


def native(folder: Path, guards: bool) -> Seen:
    return _started(folder, ("_native.py", "wainwright/__init__.py", "wainwright/_native.py"), {}, guards)


GATEWAY = """
import asyncio
from wainwright.models.process import GatewayProcess
from wainwright.secrets import Redactor
async def once():
    await (await GatewayProcess.start(60, Redactor(), 60)).close()
asyncio.run(once())
"""
AS_IT_IS = """
import os
import wainwright.models.starting as starting
starting._minimal_environment = lambda: dict(os.environ)
"""


def variables(folder: Path, guards: bool) -> Seen:
    """Variables that a person's shell was made to have, on the way to the process that holds the keys."""
    mark, planted = folder / "loaded", folder / "planted"
    planted.mkdir()
    begin = "import sys\nif 'wainwright.models.gateway' in sys.orig_argv:\n    "
    (planted / "sitecustomize.py").write_text(begin + LEFT.format(mark=str(mark)))
    (planted / "startup.py").write_text(LEFT.format(mark=str(mark)))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": f"{planted}:{SERVER}",
        "PYTHONSTARTUP": str(planted / "startup.py"),
    }
    subprocess.run(
        [sys.executable, "-c", ("" if guards else AS_IT_IS) + GATEWAY],
        env=environment,
        capture_output=True,
        check=True,
        timeout=100,
    )
    return Seen("hold", mark.read_text().split() if mark.exists() else [])


ALONE: dict[str, Callable[[Path, bool], Seen]] = {
    "hash": hash_of_another,
    "pth": pth,
    "program": program,
    "sbom": sbom,
    "licences": licences,
    "crates": crates,
    "imports": imports,
    "customize": customize,
    "variables": variables,
    "native": native,
}


@pytest.mark.parametrize("case", [one for one in GROUP.run if one.act in ALONE], ids=lambda case: case.id)
def test_each_part_is_what_it_should_be(case: Case, tmp_path: Path) -> None:
    assert ALONE[str(case.act)](tmp_path, True).faults(case) == []


@pytest.mark.parametrize("case", [one for one in GROUP.run if one.act not in ALONE], ids=lambda case: case.id)
def test_a_run_tells_nobody_but_its_model(case: Case, watched: Watched) -> None:
    assert watched.connected
    alarms = [one for one in watched.unlogged() if one.startswith("connected")]
    assert Seen("hold", alarms).faults(case) == []


def test_all_of_it_is_as_it_should_be() -> None:
    assert supply.flaws() == []


def test_without_these_looks_they_get_through(tmp_path: Path) -> None:
    seen = {}
    for case in GROUP.attacks:
        (tmp_path / case.id).mkdir()
        seen[case.id] = ALONE[str(case.act)](tmp_path / case.id, False)
    assert GROUP.through(seen) == []


@pytest.mark.parametrize("group", [GROUP], ids=["D"])
def test_the_list_is_whole(group: Group) -> None:
    assert group.flaws() == []


def test_the_list_of_parts_says_the_same_each_time(tmp_path: Path) -> None:
    locks = [(supply.ROOT / name).read_text() for name in ("requirements.lock", "Cargo.lock")]
    assert json.dumps(supply.sbom(*locks)) == json.dumps(supply.sbom(*locks))
