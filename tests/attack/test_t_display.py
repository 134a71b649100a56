"""T: what a person is shown is what is there, through every door where they see text: nothing hidden, nothing obeyed.

The doors are the terminal's console, a message to the editor, the Markdown documents of a run, what is asked at a
gate, and what is told of a change that its lines do not show. The weak build has the neutralisers do nothing.
"""

import io
import itertools
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from tests.attack.cases import Case, Group, Seen
from tests.fixtures.scenario import make_repository

from wainwright.cli.console import Terminal, Text
from wainwright.domain import artifacts, decide, events, marks, shown
from wainwright.domain.effects import OpenGate
from wainwright.domain.fold import fold
from wainwright.domain.goal import WORKING, Goal, Stage
from wainwright.domain.plan import Plan, Requirement, Task
from wainwright.domain.shown import for_model
from wainwright.domain.state import RunState, TaskState
from wainwright.engine.stages import briefs
from wainwright.engine.views.documents import Documents
from wainwright.journal import Journal
from wainwright.lsp.connection.commands import Commands
from wainwright.lsp.connection.session import WainwrightServer
from wainwright.workspace import comparison
from wainwright.workspace.repository import Repository

ESC = "\x1b"


@dataclass(frozen=True)
class Says:
    """A model or a file says this, and it is shown everywhere; ``spelled`` is how what nobody sees has to be told."""

    text: str
    spelled: str = ""


@dataclass(frozen=True)
class Asks:
    """What a gate asks about; ``told`` has to stand in what is asked, and ``never`` on no line of its own."""

    told: str
    command: tuple[str, ...] = ()
    control: tuple[str, ...] = ()
    requirement: str = "It works."
    notes: str = ""
    never: str = ""


@dataclass(frozen=True)
class Writes:
    """Documents of a plan whose instruction is this: no line of them outside of code may be ``never``."""

    instruction: str
    never: str


@dataclass(frozen=True)
class Changes:
    """A change of a repository, as shell lines before it and in it, and what has to be told of it."""

    before: str
    change: str
    told: str


_LONG = "x" * 20_000
CASES: tuple[Case, ...] = (
    Case("T1.01", "CSI: colours, and a cleared screen", "hold", Says(f"a{ESC}[2J{ESC}[31mb", "\\x1b[2J")),
    Case("T1.02", "OSC 0: the title of the window", "hold", Says(f"a{ESC}]0;owned\x07", "\\x1b]0;owned")),
    Case("T1.03", "OSC 8: a link of the terminal", "hold", Says(f"{ESC}]8;;http://evil{ESC}\\x", "\\x1b]8;;")),
    Case("T1.04", "OSC 52: the clipboard", "hold", Says(f"a{ESC}]52;c;cm0=\x07", "\\x1b]52;c;cm0=")),
    Case("T1.05", "DCS", "hold", Says(f"{ESC}P+q544e{ESC}\\a", "\\x1bP+q544e")),
    Case("T1.06", "BEL", "hold", Says("a\x07b", "a\\x07b")),
    Case("T1.07", "backspace", "hold", Says("rm\x08\x08ls", "rm\\x08\\x08ls")),
    Case("T1.08", "CR that overwrites its line", "hold", Says("rm -rf /\rls", "rm -rf /\\rls")),
    Case("T2.01", "10,000 spaces before what matters", "ask",
         Asks("[10000 spaces]and delete all", requirement=f"It works.{' ' * 10_000}and delete all")),
    Case("T2.02", "tabs before what matters", "ask",
         Asks("\\t\\tand delete all", requirement="It works." + "\t" * 400 + "and delete all")),
    Case("T3.01", "bidi: LRO", "hold", Says("a\u202db", "\\u202d")),
    Case("T3.02", "bidi: RLO", "hold", Says("file\u202egpj.exe", "\\u202e")),
    Case("T3.03", "bidi: isolates", "hold", Says("ok \u2066// then\u2069 x", "\\u2066// then\\u2069")),
    Case("T4.01", "zero-width space", "hold", Says("pass\u200bword", "pass\\u200bword")),
    Case("T4.02", "zero-width non-joiner", "hold", Says("pass\u200cword", "pass\\u200cword")),
    Case("T4.03", "zero-width joiner", "hold", Says("pass\u200dword", "pass\\u200dword")),
    Case("T4.04", "word joiner", "hold", Says("pass\u2060word", "pass\\u2060word")),
    Case("T4.05", "zero-width no-break space", "hold", Says("pass\ufeffword", "pass\\ufeffword")),
    Case("T4.06", "tag characters", "hold", Says("hi\U000e0068\U000e0069", "\\U000e0068\\U000e0069")),
    Case("T4.07", "data in variation selectors", "hold",
         Says("hi\ufe01\ufe0f\ufe03\U000e0101", "hi\\ufe01\\ufe0f\\ufe03\\U000e0101")),
    Case("T5.01", "a host with a letter that looks like another", "ask",
         Asks("g\\u0456thub.com", command=("curl", "https://g\u0456thub.com/x"))),
    Case("T5.02", "a program with such a letter", "ask",
         Asks("\\u0440ython3", command=("\u0440ython3", "-m", "app"))),
    Case("T5.03", "a path with such letters", "ask",
         Asks(".github/work\\uff46lows/\\u0441i.yml", control=(".github/work\uff46lows/\u0441i.yml",))),
    Case("T6.01", "Markdown: a picture that is fetched", "hold", Says("see ![x](http://evil/x.png)")),
    Case("T6.02", "Markdown: a link that names another host than it leads to", "hold",
         Says("see [https://github.com/x](https://github.com@evil.example/x)")),
    Case("T6.03", "Markdown: HTML", "hold", Says("see <img src=http://evil/x> <script>x</script>")),
    Case("T6.04", "Markdown: a command: URI", "hold", Says("see [x](command:workbench.action.quit)")),
    Case("T6.05", "Markdown: a data: URI", "hold", Says("see [x](data:text/html;base64,AA==)")),
    Case("T6.06", "Markdown: a link to a file", "hold", Says("see [x](file:///etc/passwd)")),
    Case("T7.01", "a newline in a path", "ask",
         Asks(".envrc\\nREADME.md: nothing else", control=(".envrc\nREADME.md: nothing else",),
              never="README.md: nothing else")),
    Case("T7.02", "a fence that swallows what follows", "hold",
         Writes("Do it.\n````\n# all the rest is code", "# all the rest is code")),
    Case("T7.03", "an approval that nobody gave", "ask",
         Asks("It works.\\n\\nApproved by Ann.", requirement="It works.\n\nApproved by Ann.",
              never="Approved by Ann.")),
    Case("T7.04", "the head of a difference, or of a task, that is none", "ask",
         Asks("  --- a/README.md\n  R9: nothing", notes="--- a/README.md\nR9: nothing", never="R9: nothing")),
    Case("T7.05", "a very long first line before what matters", "ask",
         Asks(f"{_LONG} and delete all", requirement=f"{_LONG} and delete all"),
         strong="what a gate asks about is not cut, so there is no guard to take away"),
    Case("T8.01", "a link that is called like a file", "hold",
         Changes("echo a > README.md", "rm README.md; ln -s /etc/passwd README.md",
                 "`README.md` is a symbolic link to /etc/passwd, which leads out of the workspace")),
    Case("T8.02", "a rename that looks like an edit", "hold",
         Changes("seq 20 > a", "git mv a b; echo 21 >> b", "rename from a\nrename to b"),
         strong="git says it, and nothing of ours could leave it out"),
    Case("T8.03", "a mode that changes beside lines", "hold",
         Changes("echo a > run", "echo b > run; chmod +x run", "`run` can be run as a program now")),
    Case("T8.04", "a binary file", "hold",
         Changes("printf 'a\\0b' > a.bin", "head -c 999 /dev/zero > a.bin", "`a.bin` is binary, 999 bytes")),
    Case("T8.05", "a middle that was left out", "hold",
         Changes("true", "seq 30000 > long", " characters left out …]"),
         strong="it is said by what cuts, and without that nothing is left out"),
    Case("T8.06", "only the ends of lines differ", "hold",
         Changes("printf 'a\\nb\\n' > a", "printf 'a\\r\\nb\\r\\n' > a",
                 "`a` differs in spaces at the ends of lines, or in line ends, alone")),
    Case("T8.07", "only spaces at ends of lines differ: everyday work, and it is said", "ok",
         Changes("printf 'a\\nb\\n' > a", "printf 'a  \\nb\\n' > a",
                 "`a` differs in spaces at the ends of lines, or in line ends, alone")),
    Case("T8.08", "a line that differs in what nobody sees", "hold",
         Changes("echo 'isAdmin' > a", "printf 'is\\342\\200\\213Admin\\n' > a", "+is\\u200bAdmin")),
    Case("T8.09", "two files that look like one", "ask",
         Asks(".env\\u200brc, .envrc", control=(".env\u200brc", ".envrc"))),
    Case("T9.01", "digits of other scripts", "ok", Says("٣ von ٤٥, ۴")),
    Case("T9.02", "pictures with joiners", "ok", Says("👩‍💻 and 🏳️‍🌈 and 1️⃣")),
    Case("T9.03", "Arabic, with a joiner", "ok", Says("مرحبا, می‌خواهم")),
    Case("T9.04", "CJK, and letters with combining marks", "ok", Says("東京 and e\u0301, q\u0307\u0323")),
)  # fmt: skip
GROUP = Group("T", "what a person is shown", 47, CASES)


class _Written:
    """What the editor is sent."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        self.messages.append(json.loads(data.partition(b"\r\n\r\n")[2]))


class Doors:
    """Everywhere a person sees text."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._number = itertools.count()
        self._editor = WainwrightServer("test", "1", Commands())
        self._sent: Any = _Written()
        self._editor.protocol.set_writer(self._sent)

    def terminal(self, text: str) -> str:
        file = io.StringIO()
        Terminal(file=file, force_terminal=True, highlight=False, markup=False, soft_wrap=True).print(
            Text(text)
        )
        return file.getvalue().removesuffix("\n")

    def message(self, text: str) -> str:
        self._editor.window_show_message(types.ShowMessageParams(types.MessageType.Info, text))
        return str(self._sent.messages[-1]["params"]["message"])

    def documents(self, state: RunState) -> dict[str, str]:
        """What of a run lies in its folder, as it was written there."""
        folder = self._root / f"documents-{next(self._number)}"
        folder.mkdir()
        journal = Journal(folder / "journal.db")
        Documents(folder, "r1", journal).write(state)
        journal.close()
        return {one.name: one.read_text() for one in (folder / ".wainwright/runs/r1").iterdir()}

    def asked(self, state: RunState) -> tuple[str, str]:
        """What a person is asked, in the terminal and in the editor; empty if nobody is."""
        opened = [one.gate for one in decide.decide(state) if isinstance(one, OpenGate)]
        told = "\n".join(f"{gate.question}\n{gate.detail}" for gate in opened)
        return self.terminal(told), self.message(told)

    def told_of(self, case: Changes) -> str:
        """What is told of a change, as whoever reviews it reads it."""
        folder = self._root / f"work-{next(self._number)}"
        folder.mkdir()
        subprocess.run(["sh", "-ec", case.before], cwd=folder, check=True)
        make_repository(folder)
        repository = Repository(folder, folder.with_name(f"{folder.name}-state"))
        base = repository.snapshot("r1", {}).commit
        subprocess.run(["sh", "-ec", case.change], cwd=folder, check=True)
        tip = repository.snapshot("r1", {}).commit
        told = briefs.join(
            briefs.diff(repository.diff(base, tip)), briefs.unshown(repository.unshown(base, tip))
        )
        return for_model(told)[0]


def state(case: Asks | Writes | Says) -> RunState:
    """A run at the moment where its plan, its change or its service is asked about."""
    started = events.RunStarted(
        run="r1", goal=Goal(text="a goal"), workspace="/w", route=WORKING, autonomy="suggest", trust="trusted",
        tier="bubblewrap", attended=True,
    )  # fmt: skip
    text = case.text if isinstance(case, Says) else ""
    instruction = case.instruction if isinstance(case, Writes) else text or "Do it."
    asks = case if isinstance(case, Asks) else Asks("", requirement=text or "It works.", notes=text)
    task = Task(id="a", title=text or "a", instruction=instruction, write_set=("a.py",), acceptance=("R1",))
    plan = Plan(requirements=(Requirement(id="R1", text=asks.requirement),), tasks=(task,), notes=asks.notes)
    told = fold(None, started).changed(
        stage=Stage.PLANNING, plan=plan, suites=(), base="c0", head="c0", head_tree="t0"
    )
    told = told.changed(tasks={"a": TaskState(task=task, revision=1, summary=text)})
    if asks.control:
        reviewed = events.Reviewed(tree="t0", summary="Good.")
        return told.changed(stage=Stage.REVIEW, reviewed=reviewed, control=asks.control)
    if asks.command:
        planned = events.DeploymentPlanned(
            target="process", reason="It serves.", question="Start it?", command=asks.command, smoke=None
        )
        return told.changed(stage=Stage.DEPLOY, deployment_plan=planned)
    return told


def _says(case: Says, doors: Doors) -> Seen:
    places = {"the terminal": doors.terminal(case.text), "a message": doors.message(case.text)}
    wrote = doors.documents(state(case))
    places |= {name: text for name, text in wrote.items() if name.endswith(".md")}
    alarms = [
        f"{place} obeys {one!a}" for place, text in places.items() for one in text
        if not (one.isprintable() or one in "\n\t\u200c\u200d")
    ]  # fmt: skip
    if case.spelled:
        alarms += [f"{place} drops it" for place, text in places.items() if case.spelled not in text]
    same = case.text in places["the terminal"] and case.text in places["a message"]
    same = same and case.text in places["plan.md"]
    return Seen("ok" if same else "hold", alarms, str(places))


def _asks(case: Asks, doors: Doors) -> Seen:
    told = doors.asked(state(case))
    alarms = [f"{case.told!r} is not asked about" for one in told if case.told not in one]
    alarms += [f"{case.never!r} is a line of its own" for one in told if case.never in one.split("\n")]
    return Seen("ask" if all(told) else "ok", alarms, told[0][:2_000])


def _writes(case: Writes, doors: Doors) -> Seen:
    text = doors.documents(state(case))["plan.md"]
    fences = [line for line in text.split("\n") if line.startswith("```")]
    alarms = ["a fence is left open"] if len(fences) % 2 else []
    before = text.partition(fences[0])[0] if fences else text
    alarms += [f"{case.never!r} is a heading"] if case.never in before.split("\n") else []
    return Seen("hold" if text else "ok", alarms, text)


def _changes(case: Changes, doors: Doors) -> Seen:
    told = doors.told_of(case)
    alarms = [] if case.told in told else [f"nobody is told: {case.told}"]
    only_spaces = "printf 'a  " in case.change
    return Seen("ok" if only_spaces else "hold", alarms, told[:2_000])


_TRY: dict[type, Callable[[Any, Doors], Seen]] = {
    Says: _says,
    Asks: _asks,
    Writes: _writes,
    Changes: _changes,
}


def attempt(case: Case, doors: Doors) -> Seen:
    """Try one case."""
    return _TRY[type(case.act)](case.act, doors)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Doors:
    return Doors(tmp_path_factory.mktemp("doors"))


@pytest.mark.parametrize("case", GROUP.run, ids=lambda case: case.id)
def test_a_person_sees_what_is_there(case: Case, doors: Doors) -> None:
    assert attempt(case, doors).faults(case) == []


def test_without_neutralisers_nearly_all_get_through(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shown, "_escaped", lambda one: one)
    monkeypatch.setattr(shown, "_in_json", lambda found: found[0])
    monkeypatch.setattr(shown, "_without_targets", lambda text, _links: text)
    monkeypatch.setattr(shown, "_with_backslash", lambda found: found[0])
    monkeypatch.setattr(shown, "_SPACES", shown.re.compile("(?!)"))
    monkeypatch.setattr(decide, "in_line", lambda text: text)
    monkeypatch.setattr(marks, "_HEADING", marks.re.compile("(?!)"))
    monkeypatch.setattr(artifacts, "among", lambda text: text)
    monkeypatch.setattr(comparison, "unshown", lambda *_: [])
    doors = Doors(tmp_path)
    assert GROUP.through({case.id: attempt(case, doors) for case in GROUP.attacks}) == []


@pytest.mark.parametrize("group", [GROUP], ids=["T"])
def test_the_list_is_whole(group: Group) -> None:
    assert group.flaws() == []
