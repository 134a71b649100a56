"""The program without its guards, for what has to get through then: nothing is masked, and no sandbox stands.

python -m tests.attack.weak serve --stdio
"""

import asyncio
import sys
from typing import Any

from wainwright.secrets.redactor import Redactor


async def _plainly(command: Any, view: Any) -> Any:
    """A command with the environment of the server and the home of the person, where the tree lies."""
    from wainwright.sandbox.protocol import CommandOutcome

    process = await asyncio.create_subprocess_exec(
        *command.argv,
        cwd=view.tree / view.cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    text = out.decode("utf-8", "replace").replace("\0", "\n")
    return CommandOutcome(exit=process.returncode, output=text, truncated=False, timed_out=False, seconds=0.1)


def main() -> None:
    """Take the guards away, and begin."""
    from wainwright.__main__ import main as begin
    from wainwright.sandbox import bubblewrap

    Redactor._look_through = lambda _self, text, _by_lines: text  # type: ignore[method-assign]
    Redactor.without_values = lambda _self, text: text  # type: ignore[method-assign]
    fenced = bubblewrap.Bubblewrap.run

    async def run(sandbox: Any, command: Any, view: Any) -> Any:
        # What the engine runs, the tests, needs what the sandbox lays out for it.
        by_model = "bash" in command.argv[0]
        return await (_plainly(command, view) if by_model else fenced(sandbox, command, view))

    bubblewrap.Bubblewrap.run = run  # type: ignore[method-assign]
    sys.argv[0] = "wainwright"
    begin()


if __name__ == "__main__":
    main()
