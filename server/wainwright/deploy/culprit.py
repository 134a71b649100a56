"""Where in a tree what went wrong with a service seems to come from: named in its log, else run by its command."""

import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

_TRACEBACK = re.compile(r'File "([^"\n]+)", line (\d+)')
"""Python's, which names the innermost frame last."""
_FRAME = re.compile(r"([\w@.+/\\-]+\.\w+)(?::|\()(\d+)")
"""What others write, the innermost frame first: ``path:line``, or ``path(line``."""


def culprit(log: str, command: Sequence[str], files: Collection[str]) -> str:
    """``path:line``, or the path alone, of one of ``files``; empty where nothing names any of them.

    ``files``: paths of the tree, with ``/``; ``command``: the program and its arguments.
    """
    known = frozenset(files)
    frames = [*reversed(_TRACEBACK.findall(log)), *_FRAME.findall(log)]
    for named, line in frames:
        if path := _in_tree(named, known):
            return f"{path}:{line}"
    return next((path for word in command for path in _of_word(word) if path in known), "")


def _in_tree(named: str, known: frozenset[str]) -> str:
    """The file of the tree that a path means which begins wherever the tree lay; what is longest, fits best."""
    parts = PurePosixPath(named.replace("\\", "/")).parts
    ends = ("/".join(parts[at:]) for at in range(len(parts)))
    return next((end for end in ends if end in known), "")


def _of_word(word: str) -> tuple[str, ...]:
    """What a word of a command may run: a file, a Python module, or an object of one."""
    module = word.partition(":")[0].replace(".", "/")
    return word.removeprefix("./"), f"{module}.py", f"{module}/__main__.py"
