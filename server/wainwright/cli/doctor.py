"""``doctor``: what is missing on this machine, and how to get it."""

import asyncio
from pathlib import Path

from wainwright.cli.console import ApiBase, KeyName, Model, Text, Workspace, out, overrides
from wainwright.doctor import examine


def doctor(
    workspace: Workspace = Path(),
    model: Model = None,
    api_base: ApiBase = None,
    api_key_env: KeyName = None,
) -> None:
    """Say what is missing on this machine, and how to get it; with the options of a run, for such a run."""
    typed = overrides(model, api_base, api_key_env, None, None, None, None, None)
    found = asyncio.run(examine(workspace.resolve(), typed))
    styles = {"ok": "green", "missing": "red", "note": "yellow"}
    for one in found:
        out.print(Text(f"{one.status:7} ", style=styles[one.status]) + Text(f"{one.name}: {one.detail}"))
        if one.cure:
            out.print(Text(f"        {one.cure}"))
    raise SystemExit(1 if any(one.status == "missing" for one in found) else 0)
