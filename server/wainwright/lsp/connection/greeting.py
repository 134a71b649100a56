"""The answer to ``initialize``, given before what would work it out is loaded.

``greeting.json`` beside this file is what the server says of itself; ``python -m wainwright.lsp.reference greeting``
prints it. What depends on the client is put in here, and a test holds both against the server's own answer.
"""

import json
import os
from itertools import chain
from pathlib import Path
from typing import Any

from wainwright.lsp.connection.framing import Streams, frame

_ENCODINGS = ("utf-8", "utf-16", "utf-32")
_SAVING = ("willSave", "willSaveWaitUntil")
_KINDS: dict[str, tuple[type, ...]] = {
    "processId": (int, type(None)),
    "rootUri": (str, type(None)),
    "rootPath": (str, type(None)),
    "workspaceFolders": (list, type(None)),
    "clientInfo": (dict, type(None)),
    "capabilities": (dict,),
}


def greeting(message: object) -> dict[str, Any] | None:
    """The whole answer to a first message; None where it is not plain what would be answered."""
    if not isinstance(message, dict) or message.get("method") != "initialize":
        return None
    params, number = message.get("params"), message.get("id")
    if message.get("jsonrpc") != "2.0" or isinstance(number, bool) or not isinstance(number, int | str):
        return None
    if not isinstance(params, dict) or "capabilities" not in params or str(number).startswith("wainwright:"):
        return None
    if not all(isinstance(params.get(name, None), kinds) for name, kinds in _KINDS.items()):
        return None
    result = json.loads(Path(__file__).with_name("greeting.json").read_bytes())
    capabilities = result["capabilities"]
    if (encoding := _encoding(params["capabilities"])) is None:
        return None
    capabilities["positionEncoding"] = encoding
    saving = _within(params["capabilities"], "textDocument", "synchronization")
    for name in _SAVING:
        if isinstance(saving, dict) and saving.get(name) is not None:
            capabilities["textDocumentSync"][name] = False
    return {"id": number, "jsonrpc": "2.0", "result": result}


def greet(streams: Streams) -> Streams:
    """Answer the first message of an editor, where it is plain what is answered; blocks until there is one."""
    first = next(streams.frames, None)
    if first is None:
        return streams
    answer = greeting(first[0])
    if answer is not None:
        left = memoryview(frame(json.dumps(answer, separators=(",", ":")).encode()))
        try:
            while left:
                left = left[os.write(streams.write_fd, left) :]
        except OSError:  # nobody reads it: the end of the input says so
            pass
    return streams._replace(frames=chain([first], streams.frames), greeted=answer)


def _encoding(capabilities: dict[str, Any]) -> str | None:
    """The first of the client's own that we know; None where they have no form that we know."""
    encodings = _within(capabilities, "general", "positionEncodings")
    if encodings is None:
        return "utf-16"
    if not isinstance(encodings, list):
        return None
    return next((one for one in encodings if one in _ENCODINGS), "utf-16")


def _within(found: Any, *names: str) -> Any:
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found
