"""An editor in a terminal, as the person has it: keys go in, and what the screen shows is read."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fixtures.hosts import common
from tests.fixtures.program import end_services
from workplace import Workplace

ROOT = Path(__file__).parents[2]
OTHERS = ROOT / "clients" / "OTHERS.md"
SCREENS = ROOT / "clients" / "screens"
PATIENCE_S = 60.0
LOOKS_EVERY_S = 0.05


class Terminal:
    """One pane of a tmux of its own, in the workspace of a workplace."""

    def __init__(self, tmux: str, place: Workplace, columns: int, rows: int) -> None:
        self._tmux = [tmux, "-u", "-f", "/dev/null", "-S", str(place.base / "tmux")]
        self._place = place
        self._size = ["-x", str(columns), "-y", str(rows)]
        self._kept: list[str] = []

    def start(self, words: list[str]) -> None:
        """Start a program; nothing is left of the settings of whoever runs the tests."""
        base = self._place.base
        env = {
            "HOME": str(base),
            "XDG_CONFIG_HOME": str(base / "config"),
            "XDG_STATE_HOME": str(base / "state"),
            "XDG_DATA_HOME": str(base / "data"),
            "XDG_CACHE_HOME": str(base / "cache"),
            "XDG_RUNTIME_DIR": str(common() / "run"),
            "PYTHONPATH": str(ROOT / "server"),
            "OPENAI_API_KEY": "a-key",
        }
        added = [word for name, value in env.items() for word in ("-e", f"{name}={value}")]
        self._say("new-session", "-d", *self._size, "-c", str(self._place.root), *added, *words)
        self._say("set-option", "-g", "remain-on-exit", "on")

    @property
    def over(self) -> bool:
        """Whether the program has ended."""
        return self._say("display-message", "-p", "#{pane_dead}").strip() == "1"

    def end(self) -> None:
        """End the program, whatever it does."""
        self._say("kill-server")

    def press(self, *keys: str) -> None:
        """Press keys by their names: ``Escape``, ``C-x``, ``Enter``."""
        self._say("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a text as it is, line by line."""
        for number, line in enumerate(text.split("\n")):
            if number:
                self.press("Enter")
            if line:
                self._say("send-keys", "-l", "--", line)

    def screen(self) -> str:
        """What is shown."""
        return self._say("capture-pane", "-p")

    def shows(self, part: str, patience: float = PATIENCE_S) -> None:
        """Wait until the screen shows a text."""
        self.until(lambda: part in self.screen(), f"the screen shows {part!r}", patience)

    def until(self, true: Callable[[], bool], what: str, patience: float = PATIENCE_S) -> None:
        """Wait until something holds."""
        ends = time.monotonic() + patience
        while not true():
            assert time.monotonic() < ends, f"never: {what}\n{self.screen()}"
            time.sleep(LOOKS_EVERY_S)

    def keep(self, caption: str) -> None:
        """Keep what is shown for a page of screens."""
        rows = "\n".join(row.rstrip() for row in self.screen().splitlines()).strip("\n")
        shown = re.sub(r"\n{4,}", "\n\n\n", rows)  # not all of what is empty
        self._kept.append(f"## {caption}\n\n```\n{shown}\n```\n")

    def write_kept(self, name: str, title: str) -> None:
        """Write the page of screens, where ``SCREENS`` is set in the environment."""
        if os.environ.get("SCREENS"):
            SCREENS.mkdir(exist_ok=True)
            told = re.sub(re.escape(str(self._place.root)), "/shop", "\n".join([f"# {title}\n", *self._kept]))
            (SCREENS / name).write_text(told)

    def _say(self, *words: str) -> str:
        env = {**os.environ, "LC_ALL": "C.UTF-8"}
        done = subprocess.run([*self._tmux, *words], env=env, capture_output=True, text=True, check=True)
        return done.stdout


@contextmanager
def at_a_terminal(tmux: str, place: Workplace, columns: int = 110, rows: int = 36) -> Iterator[Terminal]:
    """A terminal in a workplace whose model answers; nothing of it is left running."""
    terminal = Terminal(tmux, place, columns, rows)
    with place.model:
        try:
            yield terminal
        finally:
            terminal.end()
            end_services(place.base / "state")


def serving(place: Workplace) -> list[str]:
    """The command that an editor starts here, where the documents say `wainwright serve`."""
    model = ["--model", "openai/any", "--api-base", place.model.base]
    return [sys.executable, "-m", "wainwright", "serve", "--no-host", "--autonomy", "suggest", *model]


def block(language: str, part: str) -> str:
    """The block of clients/OTHERS.md in a language that holds a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", OTHERS.read_text(), re.DOTALL)
    (found,) = [one for one in blocks if part in one]
    return found
