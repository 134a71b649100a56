"""What a front knows of its conversation: all that another host has to be told when one dies.

Texts of documents are kept as they were opened and changed, and put together only when they are needed, or when
there is more of their changes than of themselves.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_MOST_CHANGES = 2000
"""Changes of one document that are kept before they are put together."""
FAILED = -32803
"""A request that could not be done, in the protocol."""
_WIDTHS: dict[str, Callable[[str], int]] = {
    "utf-8": lambda char: len(char.encode(errors="surrogatepass")),
    "utf-16": lambda char: 1 + (char > "\uffff"),
}
"""How wide a character is in an encoding of positions; in ``utf-32`` each is one."""

Message = dict[str, Any]


class Document:
    """A document that is open in the editor."""

    def __init__(self, opened: Message) -> None:
        self._opened = opened
        self._changes: list[Message] = []

    def change(self, params: Message, encoding: str) -> None:
        """Keep a change."""
        self._changes.append(params)
        if len(self._changes) > _MOST_CHANGES:
            self.opened(encoding)

    def opened(self, encoding: str) -> Message:
        """The parameters of an opening that leads to the document as it is."""
        document = dict(self._opened["textDocument"])
        changes = [change for params in self._changes for change in params["contentChanges"]]
        document["text"] = changed(document["text"], changes, encoding)
        if self._changes:
            document["version"] = self._changes[-1]["textDocument"]["version"]
        self._opened, self._changes = {"textDocument": document}, []
        return self._opened


class _Lines:
    """A text by its lines, so that many changes of a long one take no longer than those of a short one."""

    def __init__(self, text: str, encoding: str) -> None:
        self._lines = _LINE.findall(text)
        self._width = _WIDTHS.get(encoding)

    def change(self, change: Message) -> None:
        """Take over one change of the protocol."""
        text, span = str(change["text"]), change.get("range")
        if span is None:
            self._lines = _LINE.findall(text)
            return
        (first, start), (last, end) = self._place(span["start"]), self._place(span["end"])
        made = self._line(first)[:start] + text + self._line(last)[end:]
        last += 1
        # Both halves of a line's end may have come together.
        if made.startswith("\n") and first > 0 and self._line(first - 1).endswith("\r"):
            first -= 1
            made = self._line(first) + made
        if (made.endswith("\r") and self._line(last).startswith("\n")) or (
            made and not made.endswith(("\r", "\n"))
        ):
            made += self._line(last)
            last += 1
        self._lines[first:last] = _LINE.findall(made)

    def _line(self, number: int) -> str:
        return self._lines[number] if number < len(self._lines) else ""

    def _place(self, at: dict[str, int]) -> tuple[int, int]:
        """Line, and how many characters of it come before."""
        if at["line"] >= len(self._lines):
            final = self._line(len(self._lines) - 1) if self._lines else "\n"
            return (
                (len(self._lines), 0) if final.endswith(("\r", "\n")) else (len(self._lines) - 1, len(final))
            )
        line = self._line(at["line"]).rstrip("\r\n")
        if self._width is None or line.isascii():
            return at["line"], min(at["character"], len(line))
        left, before = at["character"], 0
        while before < len(line) and left >= (width := self._width(line[before])):
            left -= width
            before += 1
        return at["line"], before

    def __str__(self) -> str:
        return "".join(self._lines)


def changed(text: str, changes: Iterable[Message], encoding: str) -> str:
    """``text`` after some changes of the protocol, one after the other."""
    lines = _Lines(text, encoding)
    for change in changes:
        lines.change(change)
    return str(lines)


class Conversation:
    """What was said by both sides, as far as it still counts."""

    def __init__(self, greeted: Message | None) -> None:
        self.greeted = greeted
        """What ``initialize`` was answered."""
        self.shut_down = False
        self.left = False
        """The editor has said its last word."""
        self._first: list[Message] = []
        """What is said once, and holds for the whole conversation, in order."""
        self._documents: dict[str, Document] = {}
        self._asked: dict[Any, str] = {}
        """Requests of the editor that nobody has answered yet."""
        self._asks: dict[Any, str] = {}
        """Requests to the editor that it has not answered yet."""
        self._progress: dict[Any, bool] = {}
        self._marked: set[str] = set()
        """Documents with diagnostics."""

    @property
    def _encoding(self) -> str:
        answer = self.greeted or {}
        told: str = answer.get("result", {}).get("capabilities", {}).get("positionEncoding", "utf-16")
        return told

    def of_editor(self, message: Message) -> None:
        """Take note of what the editor says."""
        method, params = message.get("method"), message.get("params")
        if method is None:
            self._asks.pop(message.get("id"), None)
        elif "id" in message:
            if method == "initialize":
                self._first.append(message)
                if self.greeted is not None:
                    return
            self._asked[_key(message["id"])] = method
            self.shut_down = self.shut_down or method == "shutdown"
        elif method in ("initialized", "workspace/didChangeWorkspaceFolders"):
            self._first.append(message)
        elif isinstance(params, dict) and method.startswith("textDocument/did"):
            self._document(method, params)

    def _document(self, method: str, params: Message) -> None:
        try:
            uri = params["textDocument"]["uri"]
            if method == "textDocument/didOpen":
                self._documents[uri] = Document(params)
            elif method == "textDocument/didClose":
                self._documents.pop(uri, None)
            elif method == "textDocument/didChange" and uri in self._documents:
                self._documents[uri].change(params, self._encoding)
        except (KeyError, TypeError):
            pass  # the host says what is wrong with it

    def of_host(self, message: Message) -> None:
        """Take note of what the host says."""
        method, params = message.get("method"), message.get("params")
        if method is None:
            if self._asked.pop(_key(message.get("id")), "") == "initialize" and "result" in message:
                self.greeted = message
        elif "id" in message:
            self._asks[message["id"]] = method
        elif method == "$/progress" and isinstance(params, dict):
            kind = params["value"].get("kind")
            if kind == "end":
                self._progress.pop(params["token"], None)
            else:
                self._progress[params["token"]] = True
        elif method == "textDocument/publishDiagnostics" and isinstance(params, dict):
            (self._marked.add if params["diagnostics"] else self._marked.discard)(params["uri"])

    def bereave(self) -> list[Message]:
        """What the editor is told when its host has died: nothing waits for that one any more."""
        told: list[Message] = []
        why = "Wainwright's host has ended. Ask again."
        for number, method in list(self._asked.items()):
            if method == "initialize":
                continue
            answer = {"result": None} if method == "shutdown" else {"error": {"code": FAILED, "message": why}}
            told.append({"jsonrpc": "2.0", "id": number[1], **answer})
            del self._asked[number]
        told += [_notice("$/cancelRequest", {"id": number}) for number in self._asks]
        told += [_notice("$/progress", {"token": one, "value": {"kind": "end"}}) for one in self._progress]
        told += [
            _notice("textDocument/publishDiagnostics", {"uri": one, "diagnostics": []})
            for one in self._marked
        ]
        self._asks.clear()
        self._progress.clear()
        self._marked.clear()
        return told

    def again(self) -> list[Message]:
        """What another host is told first."""
        opened = [document.opened(self._encoding) for document in self._documents.values()]
        return [*self._first, *(_notice("textDocument/didOpen", params) for params in opened)]


def _notice(method: str, params: Message) -> Message:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def _key(number: Any) -> tuple[type, Any]:
    """1 is another id than true."""
    return type(number), number if isinstance(number, int | str | None) else str(number)
