"""An editor in a pane of a terminal, as the person has it: keys go in, and what the screen shows is read."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 60.0
LOOKS_EVERY_S = 0.05


class Terminal:
    """One pane of a tmux of its own."""

    def __init__(self, tmux: str, folder: Path, columns: int = 110, rows: int = 36) -> None:
        self._tmux = [tmux, "-u", "-f", "/dev/null", "-S", str(folder / "tmux")]
        self._size = ["-x", str(columns), "-y", str(rows)]

    def start(self, words: list[str], cwd: Path, env: dict[str, str]) -> None:
        """Start a program in the pane."""
        added = [word for name, value in env.items() for word in ("-e", f"{name}={value}")]
        self._say("new-session", "-d", *self._size, "-c", str(cwd), *added, *words)
        self._say("set-option", "-g", "remain-on-exit", "on")

    def end(self) -> None:
        """End the program, whatever it does."""
        self._say("kill-server")

    def press(self, *keys: str) -> None:
        """Press keys by their names: ``Escape``, ``C-x``, ``Enter``."""
        self._say("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self._say("send-keys", "-l", text)

    def screen(self) -> str:
        """What is shown."""
        return self._say("capture-pane", "-p")

    def shows(self, part: str, patience: float = PATIENCE_S) -> str:
        """Wait until the screen shows a text; the screen."""
        return self.until(lambda: part in self.screen(), f"the screen shows {part!r}", patience)

    def until(self, true: Callable[[], bool], what: str, patience: float = PATIENCE_S) -> str:
        """Wait until something holds; the screen."""
        ends = time.monotonic() + patience
        while not true():
            assert time.monotonic() < ends, f"never: {what}\n{self.screen()}"
            time.sleep(LOOKS_EVERY_S)
        return self.screen()

    def _say(self, *words: str) -> str:
        env = {**os.environ, "LC_ALL": "C.UTF-8"}
        done = subprocess.run([*self._tmux, *words], env=env, capture_output=True, text=True, check=True)
        return done.stdout
