"""Files that git has although a rule ignores them: they belong to a tree, for search as for anything else."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from wainwright.domain.errors import WorkspaceError
from wainwright.workspace.person import Person
from wainwright.workspace.place import Place
from wainwright.workspace.plumbing import GitDirectory, quote
from wainwright.workspace.trees import directory_beside


def in_workspace(workspace: Path) -> list[str]:
    """Return those of the person's repository, or nothing when there is none that can be read."""
    try:
        person = Person.find(workspace)
    except WorkspaceError:
        return []
    return _tracked(person.git, person.place) if person else []


def in_task_tree(tree: Path) -> list[str]:
    """Return those of a task's tree."""
    for top in (tree, *tree.parents[:-1]):
        directory = directory_beside(top)
        if directory.is_dir():
            prefix = "" if top == tree else f"{tree.relative_to(top).as_posix()}/"
            return _tracked(GitDirectory(directory), Place(top, prefix))
    return []


def _tracked(git: GitDirectory, place: Place) -> list[str]:
    how = ("-z", "--cached", "--ignored", "--exclude-standard")
    try:
        found = git.within(place.top).run("ls-files", *how).items
    except WorkspaceError:
        return []
    return [path.removeprefix(place.prefix) for path in found if path.startswith(place.prefix)]


def note(place: Path, paths: Iterable[str]) -> None:
    """Write the list that the native half reads, if it says something else than before."""
    content = quote(sorted(paths))
    try:
        if place.read_bytes() == content:
            return
    except FileNotFoundError:
        if not content:
            return
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(place)


def drop(place: Path) -> None:
    """Remove the list, and its folder if nothing else is in it."""
    place.unlink(missing_ok=True)
    with suppress(OSError):
        place.parent.rmdir()
