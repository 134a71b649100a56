"""The person's settings and ignore rules that decide what a snapshot holds, as the private repository has them."""

from collections.abc import Callable, Sequence

from wainwright.workspace.dependencies import exclude_rules
from wainwright.workspace.person import Person
from wainwright.workspace.plumbing import GitDirectory, read_text, replace_text
from wainwright.workspace.snapshot import EVERYDAY_SETTINGS

NO_FILTERS = "* -filter\n"
"""Filters are named by attributes and defined by settings; there are no such settings here, and no names either."""


def take_over(private: GitDirectory, person: Person | None, excluded: Callable[[], Sequence[str]]) -> None:
    """Have the private repository keep to the person's rules of now; ``excluded`` lists what is ignored as well."""
    ignoring = attributes = ""
    if person is not None:
        ours = private.settings(EVERYDAY_SETTINGS)
        theirs = person.git.settings(EVERYDAY_SETTINGS, owners=True)
        for name in ours.keys() - theirs.keys():
            private.run("config", "--unset-all", name)
        for name, value in theirs.items():
            if ours.get(name) != value:
                private.run("config", "--replace-all", name, value)
        ignoring = read_text(person.file("info/exclude"))
        attributes = read_text(person.file("info/attributes"))
        _take_over_shallow(private, person)
    info = private.path / "info"
    replace_text(info / "attributes", "\n".join((attributes, NO_FILTERS)).lstrip("\n"))
    # The second round sees what the rules written by the first one ignore.
    for _ in range(2):
        replace_text(info / "exclude", exclude_rules(ignoring, excluded()))


def _take_over_shallow(private: GitDirectory, person: Person) -> None:
    ours = private.path / "shallow"
    lines = {*read_text(ours).split(), *read_text(person.file("shallow")).split()}
    if lines:
        replace_text(ours, "".join(f"{line}\n" for line in sorted(lines)))
