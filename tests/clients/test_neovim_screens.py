"""What a person sees of a run in Neovim at a terminal; SCREENS=1 writes it to `clients/neovim/SCREENS.md`."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from tests.clients.terminal import Terminal, at_a_terminal
from tests.clients.test_neovim import FOLDER, NEWEST, Neovim, with_our_folder
from workplace import FINDING, GOAL, Team, Workplace

PAGE = FOLDER / "SCREENS.md"

pytestmark = [pytest.mark.editor, pytest.mark.timeout(400)]


def without_tabs(command: list[str]) -> str:
    """A line of tabs would show the whole name of a side of a change, which names the machine's folders."""
    return f"{with_our_folder(command)}vim.o.showtabline = 0\n"


class Screens:
    """Neovim at a terminal, and what was worth keeping of what it showed."""

    def __init__(self, neovim: Neovim, terminal: Terminal) -> None:
        self.terminal = terminal
        self.kept: dict[str, tuple[str, ...]] = {}
        """Captions, and what is to be seen below each."""
        self._program = neovim.program
        self._socket = Path(neovim.place.base) / "nvim"
        # As a program of another system it cannot start its second half by itself: both are started here.
        half = shlex.join([*neovim.words, "--headless", "--listen", str(self._socket), "calc/__init__.py"])
        show = shlex.join([self._program, "--server", str(self._socket), "--remote-ui"])
        wait = f"while [ ! -S {shlex.quote(str(self._socket))} ]; do sleep 0.05; done"
        terminal.start(["sh", "-c", f"{half} & trap 'kill -9 '$! EXIT HUP TERM; {wait}; {show}"])
        terminal.shows('"""Sums."""')
        terminal.until(self._is_attached, "the server is attached")

    def _is_attached(self) -> bool:
        asked = 'luaeval("#vim.lsp.get_clients({ name = [[wainwright]], bufnr = 0 })")'
        words = [self._program, "--server", str(self._socket), "--remote-expr", asked]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip() == "1"

    def commands(self, words: str) -> None:
        self.terminal.press("Escape")
        self.terminal.type(f":Wainwright {words}\n")

    def keep(self, caption: str, *parts: str) -> None:
        """Keep the screen once it shows all of these."""
        self.terminal.until(
            lambda: all(one in self.terminal.screen() for one in parts), f"{caption}: {parts}"
        )
        self.terminal.keep(caption)
        self.kept[caption] = parts


def chosen(screen: str, title: str) -> str:
    """The number of a choice."""
    found = re.search(rf"(\d+): {re.escape(title)}", screen)
    assert found, screen
    return found[1]


def answers(screens: Screens, title: str) -> None:
    """Choose in a list that asks for a number."""
    screens.terminal.shows(f": {title}")
    screens.terminal.type(chosen(screens.terminal.screen(), title) + "\n")


def play(screens: Screens, team: Team) -> None:
    screens.terminal.type(":Wainwright re\t")
    screens.keep("The command completes", "reject", "review", "rewind")
    screens.commands("timeline")
    screens.commands(f"start {GOAL}")
    screens.keep(
        "The plan waits, and the timeline tells so",
        "PLANNING: waits for you",
        "Answer by code action",
        "Decide",
    )
    screens.keep("Who types nothing for three seconds is asked", "1: Show", "Approve the plan")
    answers(screens, "Show")
    screens.keep(
        "The plan, with what can be done about each task", "### subtract: Add sub", "Approve the plan | "
    )
    team.hold("Implementer")
    screens.commands("approve")
    screens.keep("It is built", "[>] BUILD", "running: subtract", "BUILD: ")
    team.release("Implementer")
    answers(screens, "Show")
    screens.commands("timeline close")
    screens.keep(
        "Both sides of the change, with what can be done about each hunk", "Accept hunk 1", "def sub"
    )
    screens.terminal.type("]c")
    screens.terminal.type("g?")
    screens.keep("Why a hunk is there", "It serves R1", "Tests that show it")
    screens.terminal.type("q")
    screens.commands("approve")
    screens.terminal.shows("Start the service")
    screens.commands("reject Not today.")
    screens.terminal.shows("DONE")
    screens.terminal.type(":buffer calc/__init__.py\n")
    screens.commands("findings")
    screens.keep(
        "What was found, beside the line and in the quickfix list",
        "def sub",
        "Someone adds floats",
        "findings",
    )


def test_what_a_person_sees_is_what_the_page_shows(tmp_path, editor):
    place = Workplace(tmp_path, None)
    place.team.findings = [FINDING]
    with at_a_terminal(editor("tmux"), place, 100, 26) as terminal:
        screens = Screens(Neovim(editor(NEWEST), place, without_tabs), terminal)
        play(screens, place.team)
        terminal.write_kept("../neovim/SCREENS.md", "A run in Neovim")
    shown = re.findall(r"^## ([^\n]*)\n\n```\n(.*?)\n```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert [caption for caption, _ in shown] == list(screens.kept), "SCREENS=1 writes it anew"
    for caption, screen in shown:
        missing = [part for part in screens.kept[caption] if part not in screen]
        assert missing == [], f"{caption}: SCREENS=1 writes it anew"
