"""``trust``: a folder is one to work in, or not any more."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from wainwright.app import trust_in
from wainwright.cli.console import Text, complaining, out
from wainwright.journal import Journal


def trust(
    folder: Annotated[Path, typer.Argument(help="The folder of the project.")] = Path(),
    revoke: Annotated[bool, typer.Option("--revoke", help="Trust it no more.")] = False,
) -> None:
    """Trust a folder: runs may begin in it from an editor, too, without another question."""
    with complaining():
        found = trust_in(folder)
        with closing(Journal(found.state / "journal.db")) as journal:
            if revoke:
                found.revoke()
                journal.note("trust revoked", "person", {})
            else:
                journal.note("trust given", "person", {})
                found.keep()
    what = "is not trusted any more" if revoke else "is trusted, as long as it is this folder at this place"
    out.print(Text(f"{found.workspace} {what}."))
