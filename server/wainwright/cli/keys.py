"""Keys in the keyring of the operating system: ``keys set``, ``keys list``, ``keys remove``, ``keys signing``."""

import getpass
import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from wainwright.app import workspace_of
from wainwright.cli.console import Json, Workspace, complaining, out
from wainwright.domain.errors import InputError
from wainwright.models.defaults import with_defaults
from wainwright.secrets import (
    SIGNING_KEY,
    OsKeyring,
    Redactor,
    Signer,
    names_wanted,
    new_key,
    signer,
    whereabouts,
)
from wainwright.settings_files import load

app = typer.Typer(
    help="Keep keys of providers, and one to sign with, in the keyring of this machine.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="What the variable would be called, such as OPENAI_API_KEY.")]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@app.command("set")
def set_key(name: Name, workspace: Workspace = Path()) -> None:
    """Keep a key in the keyring. It is asked for, or read from standard input; it is never an argument."""
    with complaining():
        if not _NAME.fullmatch(name):
            raise InputError(
                "That is no name of a variable.", "Write for example: wainwright keys set OPENAI_API_KEY"
            )
        if why := OsKeyring().missing():
            raise InputError(
                why, "Set it as a variable, or put it into credentials.toml beside your config.toml."
            )
        asked = sys.stdin.isatty()
        value = (getpass.getpass(f"{name}: ") if asked else sys.stdin.readline()).strip()
        if not value:
            raise InputError(f"No value was given for {name}; nothing has changed.", "Type or pipe it.")
        OsKeyring().put(name, value)
        out.print(f"{name} is in the keyring.")
        first = whereabouts(load(workspace_of(workspace)))[0].get(name, ())
        if first and first[0] != OsKeyring.name:
            out.print(f"It is not used as long as {name} is in the {first[0]}, which goes first.")


@app.command("list")
def list_keys(workspace: Workspace = Path(), as_json: Json = False) -> None:
    """Say which keys there are and where each comes from. No value is shown."""
    with complaining():
        settings = with_defaults(load(workspace_of(workspace)))
        (found, wrong), wanted = whereabouts(settings), names_wanted(settings) | {SIGNING_KEY}
    notes = [note for note in (*wrong, OsKeyring().missing()) if note]
    if as_json:
        told = [
            {"name": name, "source": where[0] if where else None, "also": where[1:], "used": name in wanted}
            for name, where in found.items()
        ]
        out.out(json.dumps({"keys": told, "notes": notes}))
        return
    table = Table("key", "comes from", "also in", "used here", box=None)
    for name, where in found.items():
        table.add_row(
            name,
            where[0] if where else "nowhere",
            ", ".join(where[1:]),
            "yes" if name in wanted else "no model here asks for it",
        )
    out.print(table if found else "There are no keys. Set one: wainwright keys set OPENAI_API_KEY")
    for note in notes:
        out.print(f"\n{note}")


@app.command("signing")
def signing(workspace: Workspace = Path()) -> None:
    """Make a key that delivered commits are signed with, unless there is one; say its public half."""
    with complaining():
        by = signer(load(workspace_of(workspace)), Redactor())
        if by is None:
            if why := OsKeyring().missing():
                raise InputError(
                    why,
                    f"Set {SIGNING_KEY} to what `openssl rand -base64 32` prints: as a variable, in credentials.toml "
                    "beside your config.toml, or in Vault.",
                )
            made = new_key()
            OsKeyring().put(SIGNING_KEY, made)
            by = Signer(made)
            out.print(f"{SIGNING_KEY} is in the keyring. Commits that are delivered from now on are signed.")
    out.print("The public half, for whoever checks what you deliver:")
    out.print(by.public)


@app.command("remove")
def remove_key(name: Name) -> None:
    """Take a key out of the keyring."""
    with complaining():
        if not OsKeyring().remove(name):
            raise InputError(
                f"{name} is not in the keyring.", "`wainwright keys list` says where it comes from."
            )
    out.print(f"{name} is no longer in the keyring.")
