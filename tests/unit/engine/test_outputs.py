"""What commands print reaches whoever listens, soon, bounded, and in whole characters."""

import asyncio

from wainwright.engine.outputs import BYTES_MAX, Outputs, Printed
from wainwright.secrets import MASK, Redactor

KEY = "Kx7-a-key-that-is-known"


async def test_what_is_printed_within_a_moment_is_told_at_once_and_characters_stay_whole() -> None:
    outputs, heard = Outputs(Redactor([KEY]).redact), list[Printed]()
    outputs.take("r1", "a", b"nobody listens")
    end = outputs.subscribe(heard.append)
    told = "größe\n".encode()
    outputs.take("r1", "a", told[:3])
    outputs.take("r1", "b", b"other\n")
    outputs.forget("r2")  # tells what there is
    outputs.take("r1", "a", told[3:])
    async with asyncio.timeout(10):
        while len(heard) < 3:
            await asyncio.sleep(0.01)
    assert [(one.task, one.text) for one in heard] == [("a", "gr"), ("b", "other\n"), ("a", "öße\n")]
    end()
    outputs.take("r1", "a", b"later")
    outputs.forget("r1")
    assert len(heard) == 3


async def test_of_a_flood_the_end_is_told_and_how_much_was_left_out() -> None:
    outputs, heard = Outputs(Redactor([KEY]).redact), list[Printed]()
    outputs.subscribe(heard.append)
    for _ in range(3):
        outputs.take("r1", "", b"x" * BYTES_MAX)
    outputs.take("r1", "", b"end")
    outputs.forget("r1")
    (piece,) = heard
    assert piece.text.startswith(f"[... {2 * BYTES_MAX + 3} bytes left out ...]\nx")
    assert piece.text.endswith("xend")


async def test_a_key_that_is_known_reaches_no_screen() -> None:
    outputs, heard = Outputs(Redactor([KEY]).redact), list[Printed]()
    outputs.subscribe(heard.append)
    outputs.take("r1", "a", f"token {KEY}\n".encode())
    outputs.forget("r1")
    assert [piece.text for piece in heard] == [f"token {MASK}\n"]
