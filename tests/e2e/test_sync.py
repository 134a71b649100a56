"""Incremental synchronisation is exact: any text, any encoding, any change."""

import random

import pytest
from editors import lines_of, to_position

PIECES = [
    "a",
    "bc ",
    "é",
    "ß",
    "中",
    "😀",
    "👩‍🚀",
    "\n",
    "\r\n",
    "\r",
    "\f",
    "\v",
    "\x1c",
    "\x85",
    "\u2028",
    "\t",
    "\0",
    "\ufeff",
]
CHANGES = 400


def positions(text: str) -> list[int]:
    """Offsets where a cursor can stand: not between the two characters of one line ending."""
    return [o for o in range(len(text) + 1) if text[o - 1 : o + 1] != "\r\n" or o == 0]


def written(text):
    """As the probe tells a text."""
    return text.encode("utf-8", "surrogatepass").hex()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_the_mirror_equals_the_editor_after_every_change(start, encoding):
    luck = random.Random(encoding)
    client = await start()
    result = await client.initialize(capabilities={"general": {"positionEncodings": [encoding]}})
    assert result["capabilities"]["positionEncoding"] == encoding
    text = "".join(luck.choices(PIECES, k=60))
    uri = "file:///tmp/fuzz%20.txt"
    item = {"uri": uri, "languageId": "plaintext", "version": 0, "text": text}
    client.notify("textDocument/didOpen", {"textDocument": item})
    for version in range(1, CHANGES + 1):
        changes = []
        for _ in range(luck.choice([1, 1, 1, 3])):
            start_at, end_at = sorted(luck.choices(positions(text), k=2))
            end_at = min(end_at, start_at + luck.choice([0, 0, 3, 20]))
            if text[end_at - 1 : end_at + 1] == "\r\n" and end_at > start_at:
                end_at += 1
            new = "".join(luck.choices(PIECES, k=luck.choice([0, 1, 2, 8])))
            ends = {
                "start": to_position(text, start_at, encoding),
                "end": to_position(text, end_at, encoding),
            }
            changes.append({"range": ends, "text": new})
            text = text[:start_at] + new + text[end_at:]
        if luck.random() < 0.01:
            text = "".join(luck.choices(PIECES, k=80))
            changes.append({"text": text})
        client.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": changes},
        )
        if version % 20 == 0 or version == CHANGES:
            mirror = await client.command("probe.text", uri=uri)
            assert mirror == {"text": written(text), "version": version, "lines": len(lines_of(text))}
    assert await client.leave() == 0


async def test_a_file_that_is_not_open_keeps_its_line_endings(client, tmp_path):
    path = tmp_path / "dos.txt"
    path.write_bytes(b"a\r\nb\rc\x0cd\n")
    mirror = await client.command("probe.text", uri=f"file://{path}")
    assert mirror == {"text": written("a\r\nb\rc\fd\n"), "version": None, "lines": 3}
    assert await client.leave() == 0
