"""Writes the settings that VS Code shows from those that there are: what its page can hold, each under its own name.

python -m wainwright.lsp.editor_settings package.json < package.json
python -m wainwright.lsp.editor_settings package.nls.json < package.nls.json
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from wainwright.settings_files import json_schema

PREFIX = "wainwright."
WORD = "set."
"""How the names of their words begin."""
TITLE = "Runs"
_SCALARS = ("boolean", "integer", "number", "string")
_RULES = ("enum", "minimum", "maximum", "exclusiveMinimum", "pattern")
"""Of what a schema asks, the part that the page checks while somebody types."""


def contributed() -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The properties of `contributes.configuration`, and the words that they name."""
    properties, words = {}, {}
    for key, node in _leaves(json_schema()):
        if shown := _shown(node):
            word = WORD + key
            # Whoever can commit to a repository writes its settings as well: what is said here is said for a machine.
            properties[PREFIX + key] = {
                **shown,
                "scope": "machine",
                "markdownDescription": f"%{word}%",
            }
            text = " ".join(node["description"].replace("``", "`").split())
            words[word] = text.replace('`"unlimited"`', "`null` for no limit")
    return properties, words


def _leaves(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    def below(node: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, one in node.get("properties", {}).items():
            meant = {**schema["$defs"][one["$ref"].rpartition("/")[2]], **one} if "$ref" in one else one
            if "properties" in meant:
                yield from below(meant, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", meant

    yield from below(schema, "")


def _shown(node: dict[str, Any]) -> dict[str, Any]:
    """How the page holds a setting; empty where only the file can."""
    arms = node.get("anyOf", [node])
    meant = next((arm for arm in arms if arm["type"] != "null"), node)
    nothing = ["null"] if len(arms) > 1 else []
    if meant["type"] in _SCALARS:
        rules = {name: meant[name] for name in _RULES if name in meant}
        kinds = [meant["type"], *nothing]
        return {"type": kinds if nothing else kinds[0], **rules, "default": node["default"]}
    if meant["type"] == "array" and _is_a_line(meant["items"]):
        rules = {name: meant["items"][name] for name in _RULES if name in meant["items"]}
        return {"type": "array", "items": {"type": "string", **rules}, "default": []}
    return {}


def _is_a_line(item: dict[str, Any]) -> bool:
    """Whether a line can stand for it: a text is one, and a model by its name."""
    return item.get("type") == "string" or item.get("$ref", "").endswith("/Candidate")


def package_json(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest of the extension with these settings in the place of those that it has."""
    properties, _ = contributed()
    server, *_ = manifest["contributes"]["configuration"]
    manifest["contributes"]["configuration"] = [server, {"title": TITLE, "properties": properties}]
    return manifest


def package_nls_json(known: dict[str, str]) -> dict[str, str]:
    """The words of the extension with those of these settings."""
    _, words = contributed()
    return {name: text for name, text in known.items() if not name.startswith(WORD)} | words


if __name__ == "__main__":
    made = {"package.json": package_json, "package.nls.json": package_nls_json}[sys.argv[1]](
        json.load(sys.stdin)
    )
    json.dump(made, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
