"""The one way into the person's repository: a branch of their own to look at, merge or throw away."""

from collections.abc import Iterable, Iterator

from wainwright.domain.errors import WorkspaceError
from wainwright.workspace.plumbing import GitDirectory

_BRANCHES_TRIED_MAX = 100
_OURS = "refs/heads/wainwright"
"""A branch of this name, or a work tree that stands on it before its first commit, leaves no room beneath it."""


def deliver(
    private: GitDirectory,
    person: GitDirectory,
    slug: str,
    commit: str,
    known: Iterable[str],
    instead_of: str = "",
) -> str:
    """Put ``commit`` on branch ``wainwright/<slug>`` of the person's repository and return the branch's name.

    It is ``wainwright-<slug>`` where a branch of the person is called ``wainwright``: git has no room for both.
    ``known`` are commits that probably both repositories have, so that their history is not sent again.
    A branch of that name which leads elsewhere, or which is checked out, is left alone for ``-2``, ``-3`` ...
    One that still stands on ``instead_of``, a commit of ours with the same files, is moved all the same.
    Objects are written first and the branch is set by compare-and-swap; no hook or filter runs.
    """
    if not person.has(commit):
        private.send(person, [commit], [old for old in known if person.has(old) and private.has(old)])
    in_use = set(_checked_out(person))
    room = _OURS not in in_use and person.resolve(_OURS) is None
    for branch in _names(f"wainwright{'/' if room else '-'}{slug}"):
        ref = f"refs/heads/{branch}"
        if _has_branches_beneath(person, ref):
            continue
        current = person.resolve(f"{ref}^{{commit}}")
        if current == commit:
            return branch
        ours = current == instead_of and _same_files(person, instead_of, commit)
        if current is None or ours or (ref not in in_use and _leads_to(person, current, commit)):
            person.run("update-ref", "-m", "wainwright: delivered", ref, commit, current or "0" * len(commit))
            return branch
    raise WorkspaceError(f"There are too many branches named wainwright/{slug}.", "Delete some of them.")


def _names(first: str) -> Iterator[str]:
    yield first
    for number in range(2, _BRANCHES_TRIED_MAX):
        yield f"{first}-{number}"


def _has_branches_beneath(git: GitDirectory, ref: str) -> bool:
    return bool(git.text("for-each-ref", "--count=1", f"{ref}/"))


def _same_files(git: GitDirectory, one: str, other: str) -> bool:
    """Whether no file of a work tree that stands on one differs from the other."""
    return git.resolve(f"{one}^{{tree}}") == git.resolve(f"{other}^{{tree}}")


def _leads_to(git: GitDirectory, old: str, new: str) -> bool:
    return git.run("merge-base", "--is-ancestor", old, new, ok=(0, 1)).code == 0


def _checked_out(git: GitDirectory) -> Iterator[str]:
    """Yield the full names of branches that some work tree of the person stands on."""
    for line in git.run("worktree", "list", "--porcelain", "-z").items:
        if line.startswith("branch "):
            yield line.removeprefix("branch ")
