"""Editors as the server meets them: each keeps texts like the real one, and has its habits in applying edits.

Positions are converted here on their own, through encoded bytes, so that a mistake in the server cannot hide.
"""

import asyncio
import re
from typing import Any

from client import Client, Refused

WIDTH = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def lines_of(text: str) -> list[str]:
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", text) or []


def to_offset(text: str, position: dict[str, int], encoding: str) -> int:
    codec, width = WIDTH[encoding]
    lines = lines_of(text)
    if position["line"] >= len(lines):
        assert position == {"line": len(lines), "character": 0}, f"{position} is outside of the document"
        return len(text)
    raw = lines[position["line"]].rstrip("\r\n").encode(codec, "surrogatepass")
    assert position["character"] * width <= len(raw), f"{position} is outside of its line"
    inside = raw[: position["character"] * width].decode(codec, "surrogatepass")
    return len("".join(lines[: position["line"]])) + len(inside)


def to_nearest_offset(text: str, position: dict[str, int], encoding: str) -> int:
    """The same for editors that take a position outside of the document for the nearest one inside."""
    codec, width = WIDTH[encoding]
    lines = lines_of(text)
    if position["line"] >= len(lines):
        return len(text)
    units = len(lines[position["line"]].rstrip("\r\n").encode(codec, "surrogatepass")) // width
    return to_offset(text, {**position, "character": min(position["character"], units)}, encoding)


def to_position(text: str, offset: int, encoding: str) -> dict[str, int]:
    codec, width = WIDTH[encoding]
    line = 0
    for content in lines_of(text):
        if offset < len(content) or (offset == len(content) and not content.endswith(("\n", "\r"))):
            return {"line": line, "character": len(content[:offset].encode(codec, "surrogatepass")) // width}
        offset -= len(content)
        line += 1
    return {"line": line, "character": 0}


class Document:
    def __init__(self, text: str, version: int) -> None:
        self.text = text
        self.version = version


class FakeEditor:
    """What all editors share: open documents, typing, incremental synchronisation."""

    profile = "vscode-10.1"
    first_version = 1
    offset = staticmethod(to_offset)
    delay = 0.0
    """Seconds between a change in a buffer and the notification."""

    def __init__(self, client: Client, encoding: str) -> None:
        self.client = client
        self.encoding = encoding
        self.documents: dict[str, Document] = {}
        self.edits: list[dict[str, Any]] = []
        self.before_apply = lambda: None
        self.after_apply = lambda: None
        self._told: dict[str, Document] = {}
        self._sending: set[asyncio.Task] = set()
        client.on("workspace/applyEdit", self._apply_edit)

    @classmethod
    async def connect(cls, start) -> "FakeEditor":
        client = await start()
        result = await client.initialize(cls.profile)
        return cls(client, result["capabilities"]["positionEncoding"])

    def open(self, path: Any, text: str) -> str:
        uri = f"file://{path}"
        self.documents[uri] = Document(text, self.first_version)
        self._told[uri] = Document(text, self.first_version)
        item = {"uri": uri, "languageId": "plaintext", "version": self.first_version, "text": text}
        self.client.notify("textDocument/didOpen", {"textDocument": item})
        return uri

    def close(self, path: Any) -> None:
        uri = f"file://{path}"
        del self.documents[uri], self._told[uri]
        self.client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def text(self, path: Any) -> str:
        return self.documents[f"file://{path}"].text

    def told_text(self, path: Any) -> str:
        """The text as the server has heard of it."""
        return self._told[f"file://{path}"].text

    def change(self, uri: str, text: str) -> None:
        """The buffer changes now; the server hears of it after the editor's delay."""
        document = self.documents[uri]
        if text == document.text:  # a formatter that finds nothing to do
            return
        document.text = text
        document.version += 1
        if not self.delay:
            self._tell(uri)
            return
        task = asyncio.create_task(self._tell_later(uri))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def type(self, path: Any, old: str, new: str) -> None:
        """The person replaces ``old``, which is there exactly once."""
        text = self.text(path)
        assert text.count(old) == 1
        self.change(f"file://{path}", text.replace(old, new))

    async def told(self) -> None:
        """Everything that was typed has been sent: what is asked next comes behind it."""
        if self._sending:
            await asyncio.wait(self._sending)

    async def _tell_later(self, uri: str) -> None:
        await asyncio.sleep(self.delay)
        self._tell(uri)

    def _tell(self, uri: str) -> None:
        old, now = self._told[uri].text, self.documents[uri]
        if old == now.text:
            return
        shortest = min(len(old), len(now.text))
        start = next((i for i in range(shortest) if old[i] != now.text[i]), shortest)
        while start and old[start - 1] == "\r":
            start -= 1
        changed = {
            "range": {
                "start": to_position(old, start, self.encoding),
                "end": to_position(old, len(old), self.encoding),
            },
            "text": now.text[start:],
        }
        self._told[uri] = Document(now.text, now.version)
        identifier = {"uri": uri, "version": now.version}
        self.client.notify(
            "textDocument/didChange", {"textDocument": identifier, "contentChanges": [changed]}
        )

    def edited(self, text: str, edits: list[dict[str, Any]]) -> str:
        def span(edit: dict[str, Any]) -> tuple[int, int]:
            ends = edit["range"]["start"], edit["range"]["end"]
            return self.offset(text, ends[0], self.encoding), self.offset(text, ends[1], self.encoding)

        spans = sorted(((*span(edit), edit["newText"]) for edit in edits), key=lambda item: item[:2])
        for start, end, new in reversed(spans):
            text = text[:start] + new + text[end:]
        return text

    async def _apply_edit(self, params: dict[str, Any]) -> dict[str, Any]:
        self.edits.append(params)
        self.before_apply()
        result = await self.apply(params["edit"]["documentChanges"])
        self.after_apply()
        return result

    async def apply(self, changes: list[dict[str, Any]]) -> dict[str, Any]:
        raise NotImplementedError


class VsCode(FakeEditor):
    """Checks all versions, refuses the whole edit when one is stale, and reports changes before it answers."""

    async def apply(self, changes):
        for change in changes:
            if self.documents[change["textDocument"]["uri"]].version != change["textDocument"]["version"]:
                return {"applied": False}
        for change in changes:
            uri = change["textDocument"]["uri"]
            self.change(uri, self.edited(self.documents[uri].text, change["edits"]))
        return {"applied": True}


class Neovim(FakeEditor):
    """Answers before it reports, skips a stale first edit silently, and applies later stale ones."""

    profile = "neovim-0.12"
    offset = staticmethod(to_nearest_offset)
    first_version = 0
    delay = 0.15

    async def apply(self, changes):
        for number, change in enumerate(changes):
            uri, version = change["textDocument"]["uri"], change["textDocument"]["version"]
            document = self.documents[uri]
            if number == 0 and version and version > 0 and document.version > version:
                continue
            self.change(uri, self.edited(document.text, change["edits"]))
        return {"applied": True}


class Neovim10(Neovim):
    """Counts in UTF-16 only."""

    profile = "neovim-0.10"


class Helix(VsCode):
    """As strict about versions; it shows no lens, no virtual document and no choice, and opens nothing."""

    profile = "helix-25.07"
    first_version = 0


class Lsp4ij(FakeEditor):
    """Says "applied" whatever it did; here it did nothing."""

    profile = "lsp4ij-0.20"

    async def apply(self, changes):
        return {"applied": True}


class IntelliJ(FakeEditor):
    """Looks at no version: applies every edit to whatever text is there, or none at all, and says "applied"."""

    profile = "lsp4ij-0.20"
    offset = staticmethod(to_nearest_offset)
    idle = False

    async def apply(self, changes):
        for change in [] if self.idle else changes:
            uri = change["textDocument"]["uri"]
            self.change(uri, self.edited(self.documents[uri].text, change["edits"]))
        return {"applied": True}


class Eglot(FakeEditor):
    """Counts in code points, asks the person, and answers stale edits with an error."""

    profile = "eglot-1.17"
    first_version = 0
    consent = True

    async def apply(self, changes):
        await asyncio.sleep(0.05)
        if not self.consent:
            return {"applied": False, "failureReason": "User refused"}
        for change in changes:
            if self.documents[change["textDocument"]["uri"]].version != change["textDocument"]["version"]:
                raise Refused({"code": -32603, "message": "Edits on a stale version"})
        for change in changes:
            uri = change["textDocument"]["uri"]
            self.change(uri, self.edited(self.documents[uri].text, change["edits"]))
        return {"applied": True}


class Emacs(Eglot):
    """Reports no change while it waits for an answer of the server, to a command for instance."""

    delay = 0.01

    async def _tell_later(self, uri):
        await self.client.until(lambda: not self.client.waiting, "an answer to everything that was asked")
        self._tell(uri)
