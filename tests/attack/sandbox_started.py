"""A process of its own in which a sandbox is proven and one command run, as JSON on stdin says; the end as JSON."""

import asyncio
import ctypes
import json
import struct
import sys
from pathlib import Path
from typing import Any

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import programs, tiers
from wainwright.sandbox.bubblewrap import prove
from wainwright.sandbox.protocol import Command, SandboxView


def without_landlock() -> None:
    """From here on the three calls of Landlock do not exist for this process."""
    load_number, at_least, above, allow, absent = 0x20, 0x35, 0x25, 0x7FFF0000, 0x50000 + 38
    steps = [
        (load_number, 0, 0, 0),
        (at_least, 0, 2, 444),
        (above, 1, 0, 446),
        (6, 0, 0, absent),
        (6, 0, 0, allow),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    library = ctypes.CDLL(None, use_errno=True)
    assert library.prctl(38, 1, 0, 0, 0) == 0
    assert library.prctl(22, 2, struct.pack("HP", len(steps), ctypes.addressof(code))) == 0


async def started(told: dict[str, Any]) -> tuple[str, str]:
    command = Command.model_validate(told["command"])
    view = SandboxView.model_validate(told["view"])
    if told["weak"]:
        from tests.attack.sandbox_bench import plain

        return "hold", (await plain(None, command, view)).output
    try:
        state, environment = Path(told["state"]), told["environment"]
        sandbox = (
            (await tiers.prove(state, environment))[0] if told["alone"] else await prove(state, environment)
        )
    except SandboxError as error:
        return "refuse", str(error)
    return "hold", (await sandbox.run(command, view)).output


if __name__ == "__main__":
    everything = json.load(sys.stdin)
    if everything.get("without_landlock"):
        without_landlock()
        # Where walls are asked for there are some; where the other tier is attacked, there shall be nothing else.
        programs.PLACES = () if everything["alone"] else programs.PLACES
    print(json.dumps(asyncio.run(started(everything))))
