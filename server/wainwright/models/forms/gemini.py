"""Gemini's contents."""

import json
from typing import Any

from wainwright.domain.text import clean_within
from wainwright.models.forms.sound import arguments, counts, marked, table, tables, words


class Content:
    """Pieces of an answer; see ``Form``. Only the first candidate counts."""

    def __init__(self) -> None:
        self.size = 0
        self.finished = False
        self._parts: list[dict[str, Any]] = []
        self._grown: list[list[str]] = []
        """The texts of each part."""
        self._last: dict[str, Any] = {}
        self._finish: str | None = None
        self._usage: dict[str, Any] = {}

    @staticmethod
    def ask(path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The same, for a stream of server-sent events."""
        way, _, query = path.partition("?")
        way = way.removesuffix(":generateContent") + ":streamGenerateContent"
        return f"{way}?{query + '&' if query else ''}alt=sse", body

    def take(self, piece: dict[str, Any]) -> str:
        """Add a piece."""
        self._last = self._last | {
            name: piece[name] for name in ("promptFeedback", "modelVersion", "responseId") if name in piece
        }
        self._usage = table(piece.get("usageMetadata")) or self._usage
        if table(piece.get("promptFeedback")).get("blockReason"):
            self.finished = True
        first = next(iter(tables(piece.get("candidates"))), {})
        if first.get("index") not in (0, None):
            return ""
        if isinstance(finish := first.get("finishReason"), str):
            self._finish, self.finished = finish, True
        parts = tables(table(first.get("content")).get("parts"))
        return "".join([self._add(part) for part in parts])

    def _add(self, part: dict[str, Any]) -> str:
        text = words(part.get("text"))
        self.size += len(text) + (len(json.dumps(part["functionCall"])) if "functionCall" in part else 0)
        if self._parts and _goes_on(self._parts[-1], part):
            self._grown[-1].append(text)
        else:
            self._parts.append(dict(part))
            self._grown.append([text])
        return "" if part.get("thought") else text

    def whole(self) -> dict[str, Any]:
        """An answer."""
        parts = [
            part | ({"text": "".join(grown)} if "text" in part else {})
            for part, grown in zip(self._parts, self._grown, strict=True)
        ]
        first = {"content": {"parts": parts, "role": "model"}, "finishReason": self._finish, "index": 0}
        candidates = [first] if parts or self._finish else []
        return self._last | {"candidates": candidates, "usageMetadata": self._usage}

    @staticmethod
    def mend(answer: dict[str, Any], most: int, *, cut: bool = False) -> tuple[dict[str, Any], bool]:
        """See ``Form``."""
        feedback = table(answer.get("promptFeedback"))
        blocked = {"promptFeedback": feedback} if words(feedback.get("blockReason")) else {}
        first = next(iter(tables(answer.get("candidates"))), {})
        if not first and not blocked:
            raise LookupError("candidates")
        parts = [part for part in map(_part, tables(table(first.get("content")).get("parts"))) if part]
        told = sum(
            len(json.dumps(part.get("functionCall", ""))) + len(words(part.get("text"))) for part in parts
        )
        if cut := cut or told > most:
            said = [words(one.get("text")) for one in parts if not one.get("thought")]
            parts = [{"text": "".join(said)[:most]}]
        finish = "MAX_TOKENS" if cut else words(first.get("finishReason")) or "STOP"
        usage = {} if cut else _usage(answer.get("usageMetadata"))
        shaped = {
            "candidates": [
                {"content": {"parts": parts, "role": "model"}, "finishReason": finish, "index": 0}
            ],
            "usageMetadata": usage or {"promptTokenCount": 0, "totalTokenCount": 0},
            "modelVersion": words(answer.get("modelVersion")),
        }
        return clean_within(shaped | blocked), cut


def _usage(told: Any) -> dict[str, Any]:
    """Its counts; who answers nothing, or only thinks, leaves out what would be 0."""
    told = table(told)
    nothing = {name: told.get(name, 0) for name in ("candidatesTokenCount", "thoughtsTokenCount")}
    kept = counts(told | nothing, "promptTokenCount", *nothing)
    return {name: value for name, value in kept.items() if name.endswith("Count")}


def _goes_on(last: dict[str, Any], part: dict[str, Any]) -> bool:
    """Whether a part is more text of the part before it."""
    plain = {"text", "thought"}
    alike = bool(last.get("thought")) == bool(part.get("thought"))
    return alike and "text" in last and "text" in part and last.keys() <= plain and part.keys() <= plain


def _part(part: dict[str, Any]) -> dict[str, Any] | None:
    """A part in the shape that LiteLLM reads; None for one that says nothing to us."""
    signed = {name: part[name] for name in ("thoughtSignature",) if isinstance(part.get(name), str)}
    if "functionCall" in part:
        asked = table(part["functionCall"])
        raw = json.dumps(asked.get("args") or {})
        found = arguments(raw)
        named = {"name": words(asked.get("name")), "args": marked(raw) if found is None else found}
        return {"functionCall": named, **signed}
    if isinstance(part.get("text"), str):
        return {"text": part["text"], **signed} | ({"thought": True} if part.get("thought") is True else {})
    return None
