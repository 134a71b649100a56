"""The adapters with the real programs, in the sandbox: one text file in `live/` is one project, played in order.

    The text before the first section says what is peculiar about the runner.

    === needs                   lines `program NAME`, `file PATH` or `packages NAME` (of the cache, see below)
    === file PATH               the file has this text from now on
    === gone PATH
    === ends in the middle      says of the next run that the program ends among its tests
    === run COMMAND             a receipt of the whole tree; the first is the base. Then one statement a line:

        only NAME | timeout SECONDS                     before the command
        passed|failed|error|skipped|unbuilt NAME        all tests of the report, in any order
        exit CODE | runner NAME | doubt TEXT | disbelieved TEXT | environment TEXT
        says NAME: TEXT                                 what the message of a test contains
        wants NAME                                      an acceptance test
        verdict passed | verdict FIELD NAME | NAME      beside the base's; FIELD is one of a verdict

Packages lie in `~/.cache/wainwright-parity`, put there by `python -m tests.fixtures.packages`.
"""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from tests.fixtures import packages
from tests.fixtures.bench import plant
from tests.fixtures.scenario import PATH
from tests.fixtures.warm import go_cache
from tests.unit.receipts.test_command import Files

from wainwright.domain.evidence import Receipt, Suite
from wainwright.receipts.integrity import Before
from wainwright.receipts.take import take
from wainwright.receipts.verdict import judge
from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.sandbox.protocol import Layer, SandboxView
from wainwright.secrets import Redactor

HERE = Path(__file__).parent / "live"
OUTCOMES = ("passed", "failed", "error", "skipped", "unbuilt")


@dataclass
class Section:
    kind: str
    about: str
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip("\n") + "\n"

    @property
    def statements(self) -> list[tuple[str, str]]:
        return [
            (word, rest)
            for line in self.lines
            if line.strip() and line[0] != "#"
            for word, _, rest in [line.strip().partition(" ")]
        ]


def sections(path: Path) -> list[Section]:
    found: list[Section] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("=== "):
            kind, _, about = line[4:].partition(" ")
            found.append(Section(kind, about))
        elif found:
            found[-1].lines.append(line)
    return found


def missing(needs: list[tuple[str, str]]) -> str:
    """What keeps a project from being played here; empty when nothing does."""
    for kind, name in needs:
        if kind == "program" and shutil.which(name, path=f"{packages.programs()}:{PATH}") is None:
            return f"{name} is not installed"
        if kind == "file" and not Path(name).exists():
            return f"{name} is not there"
        if kind == "packages" and not packages.folder(name).is_dir():
            return f"{name} is not in the cache of packages: python -m tests.fixtures.packages"
    return ""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bubblewrap]:
    root = tmp_path_factory.mktemp("sandbox")
    path = f"{packages.programs()}:{PATH}"
    environment = {"HOME": str(root / "home"), "PATH": path, **await asyncio.to_thread(go_cache)}
    yield await prove(root / "state", environment)


@dataclass
class Stage:
    """One project on its way through its sections."""

    sandbox: Bubblewrap
    root: Path
    base: Receipt | None = None
    before: Files | None = None
    layers: tuple[Layer, ...] = ()
    files: dict[str, str] = field(default_factory=dict)

    @property
    def tree(self) -> Path:
        return self.root / "tree"

    async def play(self, section: Section) -> None:
        if section.kind == "needs":
            if ("packages", "node") in section.statements:
                source = packages.folder("node") / "node_modules"
                self.layers = (Layer(at=Path("node_modules"), sources=(source,), writes="kept"),)
        elif section.kind == "file":
            plant(self.tree, section.about, section.text)
            self.files[section.about] = section.text
        elif section.kind == "gone":
            (self.tree / section.about).unlink()
            del self.files[section.about]
        elif section.kind == "run":
            await self.run(section)
        else:
            assert section.kind == "ends"

    async def run(self, section: Section) -> None:
        said = section.statements
        receipt = await take(
            self.sandbox,
            SandboxView(
                tree=self.tree, at=self.root / "work", layers=self.layers, readable=(packages.CACHE,)
            ),
            (Suite(command=section.about.replace("{CACHE}", str(packages.CACHE))),),
            tree="t",
            timeout_s=next((float(rest) for word, rest in said if word == "timeout"), 120),
            redactor=Redactor([]),
            only=[rest for word, rest in said if word == "only"],
            before=self.since(),
        )
        if self.base is None:
            self.base, self.before = receipt, Files(dict(self.files))
        told = {f"{'unbuilt' if c.unbuilt else c.outcome} {c.name}" for c in receipt.cases}
        expected = {f"{word} {rest}" for word, rest in said if word in OUTCOMES}
        about = f"{section.about}\n{receipt.doubts}\n{receipt.environment}\n{receipt.output}"
        assert (sorted(told - expected), sorted(expected - told)) == ([], []), about
        for word, rest in said:
            if word not in (*OUTCOMES, "only", "timeout", "wants"):
                assert self.holds(word, rest, receipt, [name for w, name in said if w == "wants"]), (
                    f"{word} {rest}: {about}"
                )

    def since(self) -> Before | None:
        """What changed since the base."""
        if self.before is None:
            return None
        paths = {*self.files, *self.before.files()}
        return Before(self.before, [p for p in paths if self.files.get(p) != self.before.text(p)])

    def holds(self, word: str, rest: str, receipt: Receipt, wants: list[str]) -> bool:
        if word == "exit":
            return str(receipt.exit) == rest
        if word == "runner":
            return receipt.runner == rest
        if word == "doubt":
            return any(rest in doubt for doubt in receipt.doubts)
        if word == "disbelieved":
            return any(rest in why for why in receipt.disbelieved)
        if word == "environment":
            return rest in receipt.environment
        if word == "says":
            name, _, text = rest.partition(": ")
            return any(c.name == name and text in c.message for c in receipt.cases)
        assert word == "verdict"
        verdict = judge(receipt, self.base, wants)
        if rest == "passed":
            return verdict.passed
        kind, _, names = rest.partition(" ")
        return not verdict.passed and set(getattr(verdict, kind)) == set(names.split(" | "))


PROJECTS = sorted(HERE.glob("*.txt"))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.stem)
async def test_a_runner_is_read(path: Path, sandbox: Bubblewrap, tmp_path: Path) -> None:
    parts = sections(path)
    lacking = missing(parts[0].statements)
    if lacking:
        pytest.skip(lacking)
    stage = Stage(sandbox, tmp_path)
    stage.tree.mkdir()
    (stage.root / "work").mkdir()
    for section in parts:
        await stage.play(section)


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.stem)
def test_each_kind_of_case_is_planted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    planted = {
        "a red test that was red before": r"^verdict passed$",
        "a green test that turns red": r"^verdict turned_red ",
        "a file that cannot be built": r"^verdict unbuilt ",
        "a test that is never collected": r"^verdict not_run ",
        "letters beyond ASCII in a name": r"^passed .*ö",
        "a skipped test": r"^skipped ",
        "colours forced on": r"^=== run FORCE_COLOR=1 ",
        "the time limit": r"^timeout ",
        "narrowing": r"^only ",
        "a program that ends in the middle": r"^=== ends in the middle$",
        "a forged report": r"^(doubt .* (is not as on the base|has other settings)|disbelieved )",
    }
    lacking = [what for what, sign in planted.items() if not re.search(sign, text, re.MULTILINE)]
    assert lacking == []
