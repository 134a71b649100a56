"""Emacs itself, set up as clients/OTHERS.md shows it: from a `TODO` to the end by code actions and files alone."""

import json
import re
import time
from contextlib import suppress

import pytest
from tests.clients.terminal import PATIENCE_S, Terminal, at_a_terminal, block, serving
from workplace import GOAL, ON_DISK, UNSAVED, Workplace

EGLOT_WAITS_S = 10
CODE = "calc/__init__.py"
TODO = f"# TODO: {GOAL}"
TYPED = UNSAVED.replace("HEAD", f"{TODO}\nHEAD")

pytestmark = [pytest.mark.editor, pytest.mark.timeout(400)]


def as_in_the_document(command: list[str]) -> str:
    """The block for `init.el`, with this machine's command."""
    words = " ".join(map(json.dumps, command))
    text, changed = re.subn(
        r'\("/path/to/wainwright[^)]*\)', lambda _: f"({words})", block("elisp", "eglot-server-programs")
    )
    assert changed == 1
    return text


class Emacs:
    """What a person does in it."""

    def __init__(self, terminal: Terminal, place: Workplace) -> None:
        self.terminal = terminal
        self._place = place

    def opens(self, path: str) -> None:
        self.terminal.press("C-x", "C-f")
        self.terminal.shows("Find file: ")
        self.terminal.type(f"{self._place.root / path}\n")
        self.is_in(path)

    def is_in(self, path: str) -> None:
        """Wait until a document is the only one that is shown, and managed."""
        name = path.rpartition("/")[2]
        self.terminal.until(lambda: f"F1  {name}" in self.terminal.screen(), f"{path} is shown")
        self.terminal.press("C-x", "1")
        self.terminal.until(lambda: "[eglot:shop" in self._mode_line(name), f"{path} is managed")

    def is_asked(self, part: str) -> None:
        """Read a question, and close it, which decides nothing: until then it has the keyboard."""
        asks = "Choose an option: "
        self.terminal.until(
            lambda: part in (screen := self.terminal.screen()) and asks in screen, f"{part!r} is asked"
        )
        self.terminal.press("C-g")
        self.terminal.until(lambda: asks not in self.terminal.screen(), "the question is closed")

    def types(self, text: str) -> None:
        """Type into the document, and see it there: C-g throws away what Emacs has not read yet."""
        self.terminal.type(text)
        self.terminal.shows(text.strip("\n").rpartition("\n")[2])

    def finds(self, text: str) -> None:
        """Go behind a text, from the beginning."""
        self.terminal.press("M-<", "C-s")
        self.types(text)
        self.terminal.press("Enter")

    def saves(self, says: str) -> None:
        self.terminal.press("C-x", "C-s")
        self.terminal.shows(says)

    def asks_what_to_do(self) -> None:
        """Ask for the code actions; again where Eglot would not wait for a server that has just been started."""
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            self.commands("eglot-code-actions")
            with suppress(AssertionError):
                return self.terminal.shows("Pick an action", EGLOT_WAITS_S + 1)
        raise AssertionError(f"no action is offered\n{self.terminal.screen()}")

    def takes(self, title: str) -> None:
        """Choose a code action by how its title begins."""
        self.asks_what_to_do()
        first, *words = f"Wainwright: {title}".split(" ")
        self.terminal.type(first)
        for word in words:
            self.terminal.press("C-q", "Space")  # a space alone completes a word
            self.terminal.type(word)
        self.terminal.press("Enter")
        self.terminal.until(lambda: "Pick an action" not in self.terminal.screen(), f"{title} is offered")

    def commands(self, name: str) -> None:
        """Call a command by its name."""
        self.terminal.press("M-x")
        self.terminal.type(f"{name}\n")

    def text(self) -> str:
        """What the one window shows of a short document."""
        _, *rows = self.terminal.screen().splitlines()
        shown = [row[2:] for row in rows[: next(n for n, row in enumerate(rows) if "  F1  " in row)]]
        return "\n".join(shown).rstrip("\n") + "\n"

    def _mode_line(self, name: str) -> str:
        return next((row for row in self.terminal.screen().splitlines() if f"F1  {name}" in row), "")


def test_a_todo_goes_to_done_and_a_file_back(tmp_path, editor):
    place = Workplace(tmp_path, None)
    place.team.unsure = True
    with at_a_terminal(editor("tmux"), place) as terminal:
        (tmp_path / "emacs").mkdir()
        (tmp_path / "emacs" / "init.el").write_text(as_in_the_document(serving(place)))
        terminal.start([editor("emacs"), "--init-directory", str(tmp_path / "emacs"), CODE])
        emacs = Emacs(terminal, place)
        write_a_goal(emacs, place)
        start_at_a_todo(emacs)
        edit_the_plan(emacs)
        answer_a_question(emacs)
        reject_a_hunk(emacs)
        take_the_change(emacs)
        take_a_file_back(emacs, place)
        emacs.commands("kill-emacs")
        terminal.until(lambda: terminal.over, "it ends")
        terminal.write_kept("emacs.md", "A run in Emacs with Eglot")
    requests = [str(entry["request"]) for entry in place.model.entries]
    assert any("only in the buffer" in request for request in requests), "what is not saved counts"
    assert any("Subtract one from another" in request for request in requests), "the plan is built as edited"
    assert (place.root / "tests" / "test_sub.py").exists(), "one file was taken back"
    assert place.file.read_text() == ON_DISK, "saving is the person's business"


def write_a_goal(emacs: Emacs, place: Workplace) -> None:
    emacs.is_in(CODE)
    emacs.opens(".wainwright/goal.md")
    emacs.terminal.until((place.root / ".wainwright").is_dir, "there is a folder to save it in")
    emacs.types(f"# Goal\n\n{GOAL}")
    emacs.saves("Wrote ")
    emacs.asks_what_to_do()
    emacs.terminal.shows("default Wainwright: Start")
    emacs.terminal.press("C-g")
    emacs.opens(CODE)


def start_at_a_todo(emacs: Emacs) -> None:
    emacs.finds("HEAD = 1")
    emacs.terminal.press("BSpace")
    emacs.types("2  # only in the buffer")
    emacs.terminal.press("C-a")
    emacs.types(f"{TODO}\n")
    emacs.terminal.press("C-p")
    emacs.takes("Do this TODO")


def edit_the_plan(emacs: Emacs) -> None:
    emacs.terminal.shows("Choose an option: Show")
    emacs.terminal.keep("The plan waits, and asks once nothing was typed for three seconds")
    emacs.is_asked("revision 1")
    emacs.takes("Review what is asked")
    emacs.is_in("plan.md")
    emacs.finds("subtract: Add sub")
    emacs.terminal.press(*["BSpace"] * len("Add sub"))
    emacs.types("Subtract one from another")
    emacs.saves("The plan is edited")
    emacs.terminal.keep("The plan is a document: edited, and saved")
    emacs.takes("Approve the plan")


def answer_a_question(emacs: Emacs) -> None:
    emacs.is_asked("Is the plan")
    emacs.takes("Approve the plan")
    emacs.is_asked("cannot be finished")
    emacs.takes("Review what is asked")
    emacs.is_in("run.md")
    emacs.finds("## Your notes")
    emacs.terminal.press("C-a")
    emacs.types("> Whole numbers only.\n\n")
    emacs.takes("Answer in words")
    emacs.is_asked("Is the plan")
    emacs.takes("Approve the plan")


def reject_a_hunk(emacs: Emacs) -> None:
    emacs.is_asked("Take the change over?")
    emacs.takes("Review what is asked")
    emacs.is_in("change.diff")
    emacs.finds("+    return a - b")
    emacs.types("\n> Say what it returns.")
    emacs.saves("Wrote ")
    emacs.asks_what_to_do()
    emacs.terminal.press("Tab", "Tab")
    emacs.terminal.shows("Wainwright: Explain hunk 1 of calc/__init__.py")
    emacs.terminal.keep("A hunk of the change, and what can be said of it: Tab lists it")
    emacs.terminal.press("C-g")
    emacs.terminal.shows("Quit")
    emacs.takes("Reject hunk 1 of calc/__init__.py: Say what it returns.")
    emacs.terminal.shows("Hunk 1 is left out")
    emacs.takes("Take the change over")


def take_the_change(emacs: Emacs) -> None:
    emacs.is_asked("Take the change over?")
    emacs.terminal.shows("What is left of a without b.")
    emacs.takes("Take the change over")
    emacs.opens(CODE)
    emacs.terminal.shows("def sub")
    emacs.terminal.shows("HEAD = 2  # only in the buffer")
    emacs.terminal.keep("The change is in the buffer, beside what was typed there")
    emacs.terminal.press("C-/")
    emacs.terminal.until(lambda: "def sub" not in emacs.terminal.screen(), "one undo takes it back")
    emacs.terminal.shows("only in the buffer")
    emacs.commands("undo-redo")
    emacs.terminal.shows("def sub")
    emacs.is_asked("Start the service")
    emacs.takes("Start the service")
    emacs.terminal.shows("DONE")


def take_a_file_back(emacs: Emacs, place: Workplace) -> None:
    (diff,) = place.root.glob(".wainwright/runs/*/change.diff")
    emacs.opens(str(diff.relative_to(place.root)))
    emacs.finds("hunk 1, serves")
    emacs.takes("Revert the change of calc/__init__.py")
    emacs.terminal.shows("was taken back")
    emacs.opens(CODE)
    emacs.terminal.until(lambda: emacs.text() == TYPED, "what was typed is there, and nothing else")
