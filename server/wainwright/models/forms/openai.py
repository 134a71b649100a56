"""OpenAI's chat completions, and the many servers that speak them in ways of their own."""

import json
from typing import Any

from wainwright.domain.text import clean_within
from wainwright.models.forms.sound import count, counts, marked, table, tables, words


class Completion:
    """Pieces of a chat completion; see ``Form``. Only the first choice counts."""

    def __init__(self) -> None:
        self.size = 0
        self.finished = False
        self._head: dict[str, Any] = {}
        self._text: list[str] = []
        self._calls: list[_Call] = []
        self._newest: dict[int | str, _Call] = {}
        """The last call of each index: looking through all of thousands for each piece takes minutes."""
        self._finish: str | None = None
        self._usage: dict[str, Any] = {}
        self._declined = False

    @staticmethod
    def ask(path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The same, for a stream that ends with its usage."""
        return path, body | {"stream": True, "stream_options": {"include_usage": True}}

    def take(self, piece: dict[str, Any]) -> str:
        """Add a chunk."""
        if not self._head:
            told = ("id", "created", "model", "service_tier")
            self._head = {name: piece[name] for name in told if name in piece}
        # Groq counts in a field of its own, others in every chunk: the last word holds.
        self._usage = (
            table(piece.get("usage")) or table(table(piece.get("x_groq")).get("usage")) or self._usage
        )
        choices = piece.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return ""
        choice = choices[0]
        if choice.get("index") not in (0, None):
            return ""
        if isinstance(finish := choice.get("finish_reason"), str):
            self._finish, self.finished = finish, True
        delta = choice.get("delta") or choice.get("message")
        return self._add(delta) if isinstance(delta, dict) else ""

    def _add(self, delta: dict[str, Any]) -> str:
        text = delta.get("content") or delta.get("refusal") or ""
        self._declined = self._declined or _declined(delta)
        if not isinstance(text, str):
            text = spoken(text)
        if text:
            self._text.append(text)
            self.size += len(text)
        for name in ("reasoning_content", "reasoning"):
            if thought := delta.get(name):
                self.size += len(words(thought))
                break
        for asked in tables(delta.get("tool_calls")):
            self._call(asked)
        if isinstance(old := delta.get("function_call"), dict):
            self._call({"index": 0, "function": old})
        return text

    def _call(self, asked: dict[str, Any]) -> None:
        """A piece of a call. Some servers number all calls 0, or none, and tell them apart by their ids."""
        function, number, index = table(asked.get("function")), asked.get("id"), asked.get("index")
        newest = self._calls[-1] if self._calls else None
        last = self._newest.get(index) if isinstance(index, int | str) else newest
        if last is None or (number not in (None, "") and last.number not in (None, "", number)):
            last = _Call(number)
            self._calls.append(last)
            if isinstance(index, int | str):
                self._newest[index] = last
        last.number = last.number or number
        last.name = last.name or function.get("name")
        told = function.get("arguments")
        told = told if isinstance(told, str) else "" if told is None else json.dumps(told)
        last.arguments.append(told)
        self.size += len(told)

    def whole(self) -> dict[str, Any]:
        """A chat completion."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._text)}
        if self._calls:
            message["tool_calls"] = [one.whole() for one in self._calls]
        finish = "content_filter" if self._declined else self._finish
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return self._head | {"object": "chat.completion", "choices": [choice], "usage": self._usage}

    @staticmethod
    def mend(answer: dict[str, Any], most: int, *, cut: bool = False) -> tuple[dict[str, Any], bool]:
        """LiteLLM refuses all of an answer for one odd part of it, and the reply would be lost."""
        answer = clean_within(answer)
        first = next(choice for choice in tables(answer["choices"]) if isinstance(choice["message"], dict))
        message, cut = _message(first["message"], most, cut=cut)
        finish = "length" if cut else words(first.get("finish_reason")) or "stop"
        if _declined(first["message"]):
            finish = "content_filter"
        usage = {} if cut else counts(answer.get("usage"), "prompt_tokens", "completion_tokens")
        shaped = {
            "id": words(answer.get("id")),
            "object": "chat.completion",
            "created": count(answer.get("created")) or 0,
            "model": words(answer.get("model")),
            # LiteLLM takes it for granted in what Groq answers.
            "service_tier": words(answer.get("service_tier")) or "default",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        }
        return shaped | ({"usage": usage} if usage else {}), cut


class _Call:
    def __init__(self, number: Any) -> None:
        self.number = number
        self.name: Any = None
        self.arguments: list[str] = []

    def whole(self) -> dict[str, Any]:
        function = {"name": self.name, "arguments": "".join(self.arguments)}
        return {"id": self.number, "type": "function", "function": function}


def _declined(message: dict[str, Any]) -> bool:
    """Whether the model refuses in words of their own field."""
    return bool(message.get("refusal")) and not message.get("content")


def spoken(content: Any) -> str:
    """The text of a content that is not one, such as a list of parts."""
    if isinstance(content, list):
        return "".join(words(part.get("text")) for part in tables(content))
    return json.dumps(content)


def _message(told: dict[str, Any], most: int, *, cut: bool) -> tuple[dict[str, Any], bool]:
    """What we read of a message, and whether it was cut after ``most`` characters."""
    content = told.get("content") or told.get("refusal") or ""
    text = content if isinstance(content, str) else spoken(content)
    asked = tables(told.get("tool_calls")) or [{"function": told.get("function_call")}]
    calls = [call for call in map(_mended_call, asked) if call is not None]
    size = len(text) + sum(len(call["function"]["arguments"]) for call in calls)
    size += max(len(words(told.get(name))) for name in ("reasoning_content", "reasoning"))
    if cut or size > most:
        return {"role": "assistant", "content": text[:most]}, True
    return {"role": "assistant", "content": text} | ({"tool_calls": calls} if calls else {}), False


def _mended_call(call: dict[str, Any]) -> dict[str, Any] | None:
    function = call.get("function")
    if not isinstance(function, dict):
        return None
    name, told = function.get("name"), function.get("arguments")
    if told is not None and not isinstance(told, str):
        told = json.dumps(told)
    named = {"name": "" if name is None else str(name), "arguments": marked(told or "{}")}
    number = call.get("id")
    return {"id": None if number is None else str(number), "type": "function", "function": named}
