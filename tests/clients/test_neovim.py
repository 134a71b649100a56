"""Neovim itself, from a goal to its end and back: as the README sets it up, with our folder, and without help."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fixtures.program import end_services
from workplace import FINDING, GOAL, MEANT, ON_DISK, WRONG, Workplace

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "clients" / "neovim"
SCRIPTS = Path(__file__).parent / "neovim"
NEWEST, OLDEST = "neovim-0.12", "neovim-0.10"
SERVE = [
    sys.executable,
    "-m",
    "wainwright",
    "serve",
    "--no-host",
    "--autonomy",
    "suggest",
    "--model",
    "openai/any",
]


pytestmark = [pytest.mark.editor, pytest.mark.timeout(400)]


def lua_list(words: list[str]) -> str:
    return "{ " + ", ".join(f"'{word}'" for word in words) + " }"


def as_in_the_readme(command: list[str]) -> str:
    """The block for a newcomer's `init.lua`, with this machine's command."""
    blocks = re.findall(r"```lua\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (block,) = [block for block in blocks if "vim.lsp.config('wainwright'" in block]
    text, changed = re.subn(r"cmd = \{.*?\}", lambda _: f"cmd = {lua_list(command)}", block)
    assert changed == 1
    return text


def with_our_folder(command: list[str]) -> str:
    """What the README in the folder shows, and the command."""
    return (
        f"vim.opt.runtimepath:append('{FOLDER}')\n"
        f"vim.cmd.source('{FOLDER}/plugin/wainwright.lua')\n"
        f"vim.lsp.config('wainwright', {{ cmd = {lua_list(command)} }})\n"
        "vim.lsp.enable('wainwright')\n"
    )


def by_hand(command: list[str]) -> str:
    """What somebody writes whose Neovim has no `vim.lsp.config` yet."""
    return (
        "vim.api.nvim_create_autocmd('FileType', { callback = function()\n"
        "  local root = vim.fs.root(0, '.git')\n"
        "  if not root or vim.bo.buftype ~= '' then return end\n"
        f"  vim.lsp.start({{ name = 'wainwright', cmd = {lua_list(command)}, root_dir = root }})\n"
        "end })\n"
    )


class Neovim:
    """Neovim beside a workplace, with an `init.lua` and a home of its own."""

    def __init__(self, program: str, place: Workplace, init: Callable[[list[str]], str]) -> None:
        self.place = place
        self.program = program
        self.init = place.base / "init.lua"
        self.init.write_text(init([*SERVE, "--api-base", place.model.base]))
        self.env = {
            "XDG_STATE_HOME": str(place.base / "state"),
            "XDG_CONFIG_HOME": str(place.base / "config"),
            "XDG_DATA_HOME": str(place.base / "data"),
            "XDG_CACHE_HOME": str(place.base / "cache"),
            "PYTHONPATH": str(ROOT / "server"),
            "OPENAI_API_KEY": "a-key",
        }

    @property
    def words(self) -> list[str]:
        return [self.program, "-u", str(self.init), "-i", "NONE", "-n"]

    def play(self, script: str, *words: str) -> str:
        """Have a person follow a script; what it says."""
        done = subprocess.run(
            [*self.words, "--headless", "-l", SCRIPTS / "play.lua", script, *words],
            env={**os.environ, **self.env},
            cwd=self.place.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def at_work(base: Path) -> Iterator[Workplace]:
    """A workplace, and nothing left of it."""
    place = Workplace(base, None)
    place.team.findings = [FINDING]
    try:
        with place.model:
            yield place
    finally:
        end_services(base / "state")


@pytest.mark.parametrize(
    ("version", "init"), [(NEWEST, as_in_the_readme), (NEWEST, with_our_folder), (OLDEST, by_hand)]
)
def test_a_goal_goes_to_done_and_back(tmp_path, editor, version, init):
    with at_work(tmp_path) as place:
        place.team.unsure = True
        Neovim(editor(version), place, init).play("story.lua", str(place.file), GOAL)
    assert place.file.read_text() == ON_DISK, "the buffer is the person's to save"
    assert (place.root / "tests" / "test_sub.py").exists(), "only the one file was taken back"
    told = str([entry["request"]["messages"] for entry in place.model.entries])
    for words in ("only in the buffer", "think of Euclid", MEANT, WRONG):
        assert words in told


def test_our_folder_shows_a_run_and_takes_its_keys(tmp_path, editor):
    with at_work(tmp_path) as place:
        Neovim(editor(NEWEST), place, with_our_folder).play("folder.lua", str(place.file), GOAL)


def test_checkhealth_says_what_is_there_and_what_is_missing(tmp_path, editor):
    with at_work(tmp_path) as place:
        Neovim(editor(NEWEST), place, with_our_folder).play("health.lua", str(place.file))


def test_the_help_has_its_tags_and_leads_nowhere_else(tmp_path, editor):
    program = editor(NEWEST)
    manual = FOLDER / "doc" / "wainwright.txt"
    shutil.copy(manual, tmp_path)
    words = [program, "--clean", "--headless", f"+helptags {tmp_path}", "+qa!"]
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=60)
    own = {line.split("\t")[0] for line in (tmp_path / "tags").read_text().splitlines()}
    theirs = {
        line.split("\t")[0]
        for tags in Path(program).parent.glob("root/usr/share/nvim/runtime/doc/tags")
        for line in tags.read_text().splitlines()
    }
    assert theirs, "the manual of Neovim itself"
    text = manual.read_text()
    assert {f":Wainwright-{name}" for name in ("runs", "timeline", "review", "findings", "log")} <= own
    assert set(re.findall(r"\|(\S+?)\|", text)) - own - theirs == set()
    assert [line for line in text.splitlines() if len(line.expandtabs(8)) > 78] == []
