"""The typed list of commands in the languages of clients: JSON Schema, TypeScript, and annotations for Lua.

All three are made from the same schema, and the schema from the models: nothing is written down a second time.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from wainwright.lsp.connection.commands import Command

Json = dict[str, Any]


class Exchange(NamedTuple):
    """What goes over the wire beside the commands."""

    method: str
    sent: tuple[type[BaseModel], ...]
    """One of these goes to the client."""
    answer: type[BaseModel] | None = None
    """What it answers; None: a notification."""


class Protocol:
    """All that a client may have to know, as one schema."""

    def __init__(
        self,
        commands: Sequence[Command],
        exchanges: Sequence[Exchange],
        told: Mapping[type[BaseModel], Mapping[str, str]],
    ) -> None:
        """``told``: what stands under each field of a model."""
        self._commands = commands
        self._exchanges = exchanges
        wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
        for one in commands:
            wanted[one.arguments, "validation"] = None
            wanted[one.result, "serialization"] = None
        for exchange in exchanges:
            wanted.update(dict.fromkeys((model, "serialization") for model in exchange.sent))
            if exchange.answer is not None:
                wanted[exchange.answer, "validation"] = None
        refs, schema = models_json_schema(list(wanted), by_alias=True, ref_template="#/$defs/{model}")
        self._names = {key: str(ref["$ref"]).rpartition("/")[2] for key, ref in refs.items()}
        fields = {model.__name__: of_it for model, of_it in told.items()}
        self.defs: dict[str, Json] = {
            name: _plain(name, value, fields.get(name, {})) for name, value in sorted(schema["$defs"].items())
        }

    def name(self, model: type[BaseModel], mode: JsonSchemaMode) -> str:
        """What a model is called in the schema."""
        return self._names[model, mode]

    def schema(self) -> str:
        """JSON Schema of every value, with the commands and notifications that they belong to."""

        def ref(model: type[BaseModel], mode: JsonSchemaMode) -> Json:
            return {"$ref": f"#/$defs/{self.name(model, mode)}"}

        commands = {
            one.name: {
                "title": one.title,
                "arguments": ref(one.arguments, "validation"),
                "result": ref(one.result, "serialization"),
            }
            for one in self._commands
        }
        exchanges = {}
        for one in self._exchanges:
            sent: Json = {"params": {"anyOf": [ref(model, "serialization") for model in one.sent]}}
            answer = {"result": ref(one.answer, "validation")} if one.answer is not None else {}
            exchanges[one.method] = {**sent, **answer}
        whole = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "What an editor says to Wainwright",
            "$comment": "Made by `python -m wainwright.lsp.reference protocol.schema.json`; do not edit.",
            "commands": commands,
            "sent": exchanges,
            "$defs": self.defs,
        }
        return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"

    def typescript(self) -> str:
        """Declarations for TypeScript."""
        parts = ["/** Made by `python -m wainwright.lsp.reference protocol.d.ts`; do not edit. */"]
        for name, schema in self.defs.items():
            about = _comment(schema.get("description", ""), "")
            if "properties" not in schema and schema.get("type") == "object":
                parts.append(f"{about}export type {name} = Record<string, never>;")
            elif "properties" in schema:
                lines = [
                    f"{_comment(value.get('description', ''), '  ')}  {field}{mark}: {_typescript(value)};"
                    for field, value, mark in _fields(schema)
                ]
                parts.append("\n".join([f"{about}export interface {name} {{", *lines, "}"]))
            else:
                parts.append(f"{about}export type {name} = {_typescript(schema)};")
        commands = [
            f'  "{one.name}": {{ arguments: {self.name(one.arguments, "validation")}; '
            f"result: {self.name(one.result, 'serialization')} }};"
            for one in self._commands
        ]
        parts.append("\n".join(["/** Every command. */", "export interface Commands {", *commands, "}"]))
        sent = []
        for one in self._exchanges:
            params = " | ".join(self.name(model, "serialization") for model in one.sent)
            answer = f"; result: {self.name(one.answer, 'validation')}" if one.answer else ""
            sent.append(f'  "{one.method}": {{ params: {params}{answer} }};')
        parts.append(
            "\n".join(
                ["/** What is sent to clients that ask for it. */", "export interface Sent {", *sent, "}"]
            )
        )
        return "\n\n".join(parts) + "\n"

    def lua(self) -> str:
        """Annotations for the language server of Lua."""
        parts = ["---@meta\n-- Made by `python -m wainwright.lsp.reference protocol.lua`; do not edit."]
        for name, schema in self.defs.items():
            about = [f"--- {line}" for line in schema.get("description", "").splitlines()]
            if schema.get("type") == "object":
                lines = [
                    f"---@field {field}{mark} {_lua(value)} {' '.join(value.get('description', '').split())}".rstrip()
                    for field, value, mark in _fields(schema)
                ]
                parts.append("\n".join([*about, f"---@class wainwright.{name}", *lines]))
            else:
                parts.append("\n".join([*about, f"---@alias wainwright.{name} {_lua(schema)}"]))
        names = "|".join(f'"{one.name}"' for one in self._commands)
        parts.append(f"---@alias wainwright.CommandName {names}")
        return "\n\n".join(parts) + "\n\nreturn {}\n"


def _plain(name: str, schema: Json, told: Mapping[str, str]) -> Json:
    """A schema without titles, and with what is told of each field."""
    kept = {key: value for key, value in schema.items() if key != "title"}
    if "properties" in kept:
        kept["properties"] = {
            field: {
                **{key: value for key, value in of_it.items() if key != "title"},
                **({"description": " ".join(told[field].split())} if field in told else {}),
            }
            for field, of_it in kept["properties"].items()
        }
    return kept


def _fields(schema: Json) -> Iterator[tuple[str, Json, str]]:
    required = schema.get("required", ())
    for field, value in schema.get("properties", {}).items():
        yield field, value, "" if field in required else "?"


def _comment(text: str, indent: str) -> str:
    return f"{indent}/** {' '.join(text.split())} */\n" if text else ""


def _typescript(schema: Json) -> str:
    match schema:
        case {"$ref": str(ref)}:
            return ref.rpartition("/")[2]
        case {"const": value}:
            return json.dumps(value)
        case {"enum": list(values)}:
            return " | ".join(map(json.dumps, values))
        case {"anyOf": list(some)}:
            return " | ".join(map(_typescript, some))
        case {"prefixItems": list(some)}:
            return f"[{', '.join(map(_typescript, some))}]"
        case {"type": "array", "items": dict(items)}:
            inner = _typescript(items)
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        case _:
            kind = str(schema["type"])
            return {"integer": "number"}.get(kind, kind)


def _lua(schema: Json) -> str:
    match schema:
        case {"$ref": str(ref)}:
            return f"wainwright.{ref.rpartition('/')[2]}"
        case {"const": value}:
            return json.dumps(value)
        case {"enum": list(values)}:
            return "|".join(map(json.dumps, values))
        case {"anyOf": list(some)}:
            return "|".join(map(_lua, some))
        case {"prefixItems": list(some)}:
            inner = ", ".join(f"[{at}]: {_lua(one)}" for at, one in enumerate(some, start=1))
            return f"{{ {inner} }}"
        case {"type": "array", "items": dict(items)}:
            inner = _lua(items)
            return f"({inner})[]" if "|" in inner else f"{inner}[]"
        case _:
            kind = str(schema["type"])
            return {"null": "nil"}.get(kind, kind)
