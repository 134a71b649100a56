"""Anthropic's messages."""

import json
from typing import Any

from wainwright.domain.text import clean_within
from wainwright.models.forms.sound import MARK, arguments, counts, marked, table, tables, words

_GROWS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}


class Reply:
    """Events of a message; see ``Form``."""

    def __init__(self) -> None:
        self.size = 0
        self.finished = False
        self._head: dict[str, Any] = {}
        self._blocks: dict[Any, dict[str, Any]] = {}
        self._grown: dict[tuple[Any, str], list[str]] = {}
        self._usage: dict[str, Any] = {}
        self._stop: str | None = None

    @staticmethod
    def ask(path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The same, for a stream."""
        return path, body | {"stream": True}

    def take(self, piece: dict[str, Any]) -> str:
        """Add an event."""
        match piece.get("type"):
            case "message_start":
                self._head = table(piece.get("message"))
                self._usage = table(self._head.get("usage"))
            case "content_block_start":
                block = table(piece.get("content_block"))
                self._blocks.setdefault(_number(piece), dict(block))
                self.size += len(words(block.get("text")))
                return words(block.get("text"))
            case "content_block_delta":
                return self._grow(_number(piece), table(piece.get("delta")))
            case "message_delta":
                stop = table(piece.get("delta")).get("stop_reason")
                self._stop = stop if isinstance(stop, str) else self._stop
                self.finished = self._stop is not None
                self._usage = self._usage | table(piece.get("usage"))
            case "message_stop":
                self.finished = True
            case _:
                pass
        return ""

    def _grow(self, number: int, delta: dict[str, Any]) -> str:
        kind = words(delta.get("type"))
        name = _GROWS.get(kind)
        told = words(delta.get(name)) if name else ""
        if not told or name is None:
            return ""
        self._grown.setdefault((number, name), []).append(told)
        if name != "signature":
            self.size += len(told)
        return told if name == "text" else ""

    def whole(self) -> dict[str, Any]:
        """A message."""
        for (number, name), told in self._grown.items():
            empty = {"type": "text"} if name == "text" else {"type": "thinking"}
            block = self._blocks.setdefault(number, empty)
            if name == "partial_json":
                block["input"] = MARK + "".join(told)
            else:
                block[name] = words(block.get(name)) + "".join(told)
        content = [self._blocks[number] for number in sorted(self._blocks)]
        return self._head | {"content": content, "stop_reason": self._stop, "usage": self._usage}

    @staticmethod
    def mend(answer: dict[str, Any], most: int, *, cut: bool = False) -> tuple[dict[str, Any], bool]:
        """See ``Form``."""
        blocks = [block for block in map(_block, tables(answer["content"])) if block is not None]
        told = sum(_size(block) for block in blocks)
        if cut := cut or told > most:
            blocks = [{"type": "text", "text": "".join(words(one.get("text")) for one in blocks)[:most]}]
        stop = "max_tokens" if cut else words(answer.get("stop_reason")) or "end_turn"
        usage = {} if cut else counts(answer.get("usage"), "input_tokens", "output_tokens")
        head = {name: words(answer.get(name)) for name in ("id", "model")}
        shaped = {
            "type": "message",
            "role": "assistant",
            "content": blocks,
            "stop_reason": stop,
            "usage": usage or {"input_tokens": 0, "output_tokens": 0},
        }
        return clean_within(head | shaped), cut


def _number(piece: dict[str, Any]) -> int:
    number = piece.get("index")
    return number if isinstance(number, int) else 0


def _block(block: dict[str, Any]) -> dict[str, Any] | None:
    """A block in the shape that LiteLLM reads; None for one that says nothing to us."""
    match block.get("type"):
        case "text":
            return {"type": "text", "text": words(block.get("text"))}
        case "tool_use":
            asked = block.get("input")
            raw = asked.removeprefix(MARK) if isinstance(asked, str) else json.dumps(asked or {})
            found = arguments(raw or "{}")
            return {
                "type": "tool_use",
                "id": words(block.get("id")),
                "name": words(block.get("name")),
                "input": marked(raw) if found is None else found,
            }
        case "thinking":
            told = {name: words(block.get(name)) for name in ("thinking", "signature")}
            return {"type": "thinking", **told}
        case _:
            return None


def _size(block: dict[str, Any]) -> int:
    asked = len(json.dumps(block["input"])) if block["type"] == "tool_use" else 0
    return asked + len(words(block.get("text"))) + len(words(block.get("thinking")))
