"""Commits of the person's that are to be looked at: a range, or a single one."""

from collections.abc import Iterable

from wainwright.domain.errors import InputError
from wainwright.workspace.person import Person
from wainwright.workspace.plumbing import GitDirectory

_HOW = "Name a commit, or some: `HEAD~3..`, `main..topic`, `main...topic`."


def named(person: Person | None, text: str) -> tuple[str, str]:
    """Where the commits begin and end that a person names: git's `A..B`, `A...B`, or one commit.

    Of a first commit the beginning is the empty tree. Raises InputError for what is not there or changes nothing.
    """
    if person is None:
        raise InputError(
            "There are no commits here: this folder is no git repository.", "Review without them."
        )
    git, words = person.git, text.strip()
    start, dots, end = words.partition("..")
    if not dots:
        last = _commit(git, words)
        first = git.resolve(f"{last}^1^{{commit}}") or git.text(
            "hash-object", "-t", "tree", "--stdin", stdin=b""
        )
    else:
        last = _commit(git, end.removeprefix(".") or "HEAD")
        first = _commit(git, start or "HEAD")
        if end.startswith("."):
            first = git.run("merge-base", first, last, ok=(0, 1)).text or first
    if git.run("diff", "--quiet", "--no-ext-diff", "--no-textconv", first, last, "--", ok=(0, 1)).code == 0:
        raise InputError(f"There is nothing to review: {words} holds no change.", _HOW)
    return first, last


def take(
    person: Person | None, private: GitDirectory, ref: str, commits: tuple[str, str], known: Iterable[str]
) -> None:
    """Copy the commits into the private repository, where ``ref`` keeps the last one; ``known`` are there already."""
    start, end = commits
    if person is not None and not (private.has(end) and (private.has(start) or not person.git.has(start))):
        missing = [one for one in (end, start) if person.git.has(one) and not private.has(one)]
        person.git.send(private, missing, [old for old in known if person.git.has(old)])
    private.run("update-ref", ref, end)
    if private.has(start):
        private.run("update-ref", f"{ref}-of-the-change", start)


def _commit(git: GitDirectory, text: str) -> str:
    found = git.resolve(f"{text}^{{commit}}")
    if found is None:
        raise InputError(f"There is no commit {text} here.", _HOW)
    return found
