"""Helix itself, set up as clients/OTHERS.md shows it: from `goal.md` to the end by code actions and files alone."""

import json
import re
import time

import pytest
from tests.clients.terminal import PATIENCE_S, Terminal, at_a_terminal, block, serving
from workplace import GOAL, ON_DISK, UNSAVED, Workplace

BOX = "└────"
"""The edge of a question."""
CODE = "calc/__init__.py"

pytestmark = [pytest.mark.editor, pytest.mark.timeout(400)]


def as_in_the_document(command: list[str]) -> str:
    """The block for `languages.toml`, with this machine's command."""
    program, *words = map(json.dumps, command)
    text, changed = re.subn(
        r"^command = .*\nargs = .*$",
        lambda _: f"command = {program}\nargs = [{', '.join(words)}]",
        block("toml", "[language-server.wainwright]"),
        flags=re.MULTILINE,
    )
    assert changed == 1
    return text


class Helix:
    """What a person does in it."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def commands(self, line: str, says: str = "") -> None:
        """Type a command, as behind `:`, and read what it says."""
        self.terminal.press("Escape")
        self.terminal.type(f":{line}\n")
        self.terminal.shows(says)

    def opens(self, path: str) -> None:
        self.commands(f"open {path}")
        self.is_in(path)

    def is_in(self, path: str) -> None:
        self.terminal.until(lambda: path in self._status(), f"{path} is shown")

    def types(self, keys: str, text: str = "") -> None:
        """Type a text where some keys lead."""
        self.terminal.press("Escape")
        self.terminal.type(keys + text)
        self.terminal.press("Escape")

    def offers(self, title: str) -> None:
        """Open the menu of code actions, again and again, until one stands out whose title begins so."""
        ends = time.monotonic() + PATIENCE_S
        while not self._reaches(f"Wainwright: {title}"):
            assert time.monotonic() < ends, f"never offered: {title}\n{self.terminal.screen()}"

    def takes(self, title: str) -> None:
        """Choose a code action by how its title begins."""
        self.offers(title)
        self.terminal.press("Enter")

    def is_asked(self, part: str) -> None:
        """Read a question, and close it, which decides nothing: until then it has the keyboard."""
        self.terminal.until(
            lambda: part in (screen := self.terminal.screen()) and BOX in screen, f"{part!r} is asked"
        )
        self.terminal.press("Escape")
        self.terminal.until(lambda: BOX not in self.terminal.screen(), "the question is closed")

    def _reaches(self, title: str) -> bool:
        self.terminal.press("Escape")
        self.terminal.type(" a")
        try:
            self.terminal.until(lambda: bool(self.menu()), "the menu is shown", 2)
        except AssertionError:
            return False
        pressed = 0
        while not (shown := self.menu())[min(pressed, len(shown) - 1)].startswith(title):
            self.terminal.press("Down")
            pressed += 1
            if pressed >= len(shown):
                try:
                    self.terminal.until(lambda shown=shown: self.menu() != shown, "the menu goes on", 1)
                except AssertionError:
                    return False
        return True

    def menu(self) -> list[str]:
        rows = self.terminal.screen().splitlines()[:-2]
        return [found[0] for row in rows if (found := re.search(r"Wainwright: [^▐│]*", row))]

    def _status(self) -> str:
        return self.terminal.screen().splitlines()[-2]


def test_a_goal_goes_to_done_and_a_file_back(tmp_path, editor):
    place = Workplace(tmp_path, None)
    place.team.unsure = True
    with at_a_terminal(editor("tmux"), place) as terminal:
        settings = tmp_path / "config" / "helix" / "languages.toml"
        settings.parent.mkdir()
        settings.write_text(as_in_the_document(serving(place)))
        terminal.start([editor("helix"), CODE])
        helix = Helix(terminal)
        state_a_goal(helix, place)
        edit_the_plan(helix)
        answer_a_question(helix)
        reject_a_hunk(helix)
        take_the_change(helix, place)
        take_a_file_back(helix, place)
        helix.commands("quit-all!")
        terminal.until(lambda: terminal.over, "it ends")
        terminal.write_kept("helix.md", "A run in Helix")
    requests = [str(entry["request"]) for entry in place.model.entries]
    assert any("only in the buffer" in request for request in requests), "what is not saved counts"
    assert any("Subtract one from another" in request for request in requests), "the plan is built as edited"
    assert (place.root / "tests" / "test_sub.py").exists(), "one file was taken back"
    assert place.file.read_text() == ON_DISK, "saving is the person's business"


def state_a_goal(helix: Helix, place: Workplace) -> None:
    helix.offers("Review these changes")
    helix.types("3ggglr2A", "  # only in the buffer")
    helix.opens(".wainwright/goal.md")
    there = place.root / ".wainwright"
    helix.terminal.until(there.is_dir, "there is a folder to save it in, which Helix does not make")
    helix.types("i", f"# Goal\n\n{GOAL}")
    helix.commands("write", "'.wainwright/goal.md' written")
    helix.takes("Start")


def edit_the_plan(helix: Helix) -> None:
    helix.terminal.shows("│ revision 1")
    helix.terminal.keep("The plan waits, and asks once nothing was typed for three seconds")
    helix.is_asked("revision 1")
    helix.takes("Review what is asked")
    helix.is_in("plan.md")
    helix.types("/Add sub\nc", "Subtract one from another")
    helix.commands("write", "The plan is edited")
    helix.terminal.keep("The plan is a document: edited, and saved")
    helix.takes("Approve the plan")


def answer_a_question(helix: Helix) -> None:
    helix.is_asked("Is the plan")
    helix.takes("Approve the plan")
    helix.is_asked("cannot be finished")
    helix.takes("Review what is asked")
    helix.is_in("run.md")
    helix.types("/## Your notes\nO", "> Whole numbers only.\n")
    helix.takes("Answer in words")
    helix.is_asked("Is the plan")
    helix.takes("Approve the plan")


def reject_a_hunk(helix: Helix) -> None:
    helix.is_asked("Take the change over?")
    helix.takes("Review what is asked")
    helix.is_in("change.diff")
    helix.types("/\\+    return a - b\no", "> Say what it returns.")
    helix.terminal.type(" a")
    helix.terminal.shows("Wainwright: Reject hunk 1")
    helix.terminal.keep("A hunk of the change, and what can be said of it")
    helix.takes("Reject hunk 1 of calc/__init__.py: Say what it returns.")
    helix.terminal.shows("Hunk 1 is left out")
    helix.takes("Take the change over")


def take_the_change(helix: Helix, place: Workplace) -> None:
    helix.is_asked("Take the change over?")
    helix.commands("reload", "What is left of a without b.")
    helix.takes("Take the change over")
    helix.opens(CODE)
    helix.terminal.shows("def sub")
    helix.terminal.shows("HEAD = 2  # only in the buffer")
    helix.terminal.keep("The change is in the buffer, beside what was typed there")
    helix.types("u")
    helix.terminal.until(lambda: "def sub" not in helix.terminal.screen(), "one undo takes it back")
    helix.terminal.shows("only in the buffer")
    helix.types("U")
    helix.terminal.shows("def sub")
    helix.is_asked("Start the service")
    helix.takes("Start the service")
    helix.terminal.shows("DONE")


def take_a_file_back(helix: Helix, place: Workplace) -> None:
    (diff,) = place.root.glob(".wainwright/runs/*/change.diff")
    helix.opens(str(diff.relative_to(place.root)))
    helix.commands("reload")
    helix.types("/hunk 1, serves\n")
    helix.takes("Revert the change of calc/__init__.py")
    helix.terminal.shows("was taken back")
    helix.opens(CODE)
    shown, _, _ = helix.terminal.screen().partition("\n    ~\n")
    assert [row[7:].rstrip() for row in shown.splitlines()] == UNSAVED.splitlines()
