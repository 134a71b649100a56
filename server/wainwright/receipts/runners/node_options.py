"""What reaches programs of Node behind any number of scripts: the variable ``NODE_OPTIONS``."""

import json
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

VARIABLE = "NODE_OPTIONS"
_INTERPRETERS = ("node", "nodejs", "bun", "tsx")
FORGET = f"""
{{
  const set = process.env.{VARIABLE} || '', at = set.indexOf(import.meta.url);
  const kept = at < 0 ? set : set.slice(0, set.lastIndexOf(' ', at) + 1).trim();
  if (kept) process.env.{VARIABLE} = kept; else delete process.env.{VARIABLE};
}}
"""
"""What a module given this way does first: programs that the tests start are not to be given it, too.

It takes away everything from the word on that holds the module: what is asked for stands behind what was set.
"""


def module(source: str) -> str:
    """A module as an address that holds it, so that it stands in no file that the code under test could change.

    Everything that a shell, or Node when it splits the options, could trip over is encoded.
    """
    return "data:text/javascript," + quote(source, safe="")


def pushed(program: str, words: Sequence[str]) -> dict[str, str]:
    """Variables that have a program of Node find further words behind its own.

    ``program`` is a regular expression for the end of the script's path; every other program is left as it is.
    """
    source = (
        f"if (new RegExp({json.dumps(program)}).test(process.argv[1] || '')) "
        f"{{ process.argv.push(...{json.dumps(list(words))}); {FORGET} }}"
    )
    return {VARIABLE: f"--import={module(source)}"}


def script_at(words: Sequence[str], program: str, interpreters: Sequence[str] = _INTERPRETERS) -> int | None:
    """Where the name of a script stands: first, or behind its interpreter and options of that."""
    for at, word in enumerate(words):
        name = PurePosixPath(word).name
        if re.fullmatch(program, name):
            return at
        if name not in interpreters if at == 0 else not word.startswith("-"):
            return None
    return None
