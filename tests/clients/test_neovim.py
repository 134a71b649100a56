"""Neovim itself, from start to revert: once set up as the README shows it, once with our folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fixtures.program import end_services
from workplace import FINDING, GOAL, ON_DISK, Workplace

ROOT = Path(__file__).parents[2]
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


pytestmark = pytest.mark.editor


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
    folder = ROOT / "clients" / "neovim"
    return (
        f"vim.opt.runtimepath:append('{folder}')\n"
        f"vim.cmd.source('{folder}/plugin/wainwright.lua')\n"
        f"vim.lsp.config('wainwright', {{ cmd = {lua_list(command)} }})\n"
        "vim.lsp.enable('wainwright')\n"
    )


@pytest.mark.parametrize("init", [as_in_the_readme, with_our_folder])
def test_a_goal_goes_to_done_and_back(tmp_path, editor, init):
    place = Workplace(tmp_path, None)
    place.team.findings = [FINDING]
    with place.model:
        script = tmp_path / "init.lua"
        script.write_text(init([*SERVE, "--api-base", place.model.base]))
        env = {
            **os.environ,
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "XDG_DATA_HOME": str(tmp_path / "data"),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "PYTHONPATH": str(ROOT / "server"),
            "OPENAI_API_KEY": "a-key",
        }
        words = ["-u", script, "-i", "NONE", "-n", "--headless", "-l", Path(__file__).parent / "neovim.lua"]
        done = subprocess.run(
            [editor("neovim-0.12"), *words, place.file, GOAL],
            env=env,
            cwd=place.root,
            capture_output=True,
            text=True,
            check=False,
        )
    end_services(tmp_path / "state")
    assert done.returncode == 0, done.stdout + done.stderr
    assert place.file.read_text() == ON_DISK, "the buffer is the person's to save"
    assert not (place.root / "tests" / "test_sub.py").exists(), "taken back on disk, too"
    requests = [str(entry["request"]) for entry in place.model.entries]
    assert any("only in the buffer" in request for request in requests)
