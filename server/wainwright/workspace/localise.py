"""Where in a repository a goal in words has to be worked on: ranked files and functions, with reasons.

No model and no network: words, paths, definitions, imports, tests and the history up to the commit in question.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from wainwright.domain.errors import WainwrightError, WorkspaceError
from wainwright.domain.text import clean
from wainwright.workspace.index import IndexedTree
from wainwright.workspace.native.ranking import Ranker, Ranking, TreeEntry
from wainwright.workspace.person import Person
from wainwright.workspace.plumbing import GitDirectory, unquote

HISTORY_MAX = 20_000
"""Older commits say little about today's files."""
LIMIT = 50
PROCESSES = 2
_LOG = ("log", "--topo-order", "--name-status", "-M100%", "--format=%x01%H%x02%P%x02%B%x02")


class Case(BaseModel):
    """A commit that a query describes: rank the tree before it."""

    id: str
    repo: str
    """owner/name."""
    base: str
    query: str


class Located(BaseModel):
    """What came of a case: its line in the ranking, or why there is none."""

    ranking: dict[str, Any] | None = None
    error: str = ""


def rank_cases(lines: Iterable[str], gits: Path, limit: int = LIMIT) -> Iterator[Located]:
    """Rank each case, one JSON object a line, in the repositories below ``gits``; one bad case hurts no other."""
    by_repository: dict[str, list[Case]] = {}
    for line in lines:
        if line.strip():
            case = Case.model_validate_json(line)
            by_repository.setdefault(case.repo, []).append(case)
    # The largest first, so that no process is left with it at the end.
    groups = sorted(by_repository.values(), key=len, reverse=True)
    with ProcessPoolExecutor(PROCESSES) as pool:
        for located in pool.map(_rank_group, groups, [gits] * len(groups), [limit] * len(groups)):
            yield from located


def _rank_group(cases: Sequence[Case], gits: Path, limit: int) -> list[Located]:
    """Rank the cases of one repository, which share all that does not depend on the commit."""
    try:
        git = find_repository(gits, cases[0].repo)
        ranker = Ranker()
        known = [case.base for case in cases if git.has(case.base)]
        if known:
            ranker.read_history(history(git, known))
    except (OSError, ValueError, WainwrightError) as error:
        return [Located(error=f"{case.id}: {error}") for case in cases]
    return [_rank_case(case, git, ranker, limit) for case in cases]


def _rank_case(case: Case, git: GitDirectory, ranker: Ranker, limit: int) -> Located:
    began = time.perf_counter()
    try:
        ranking = rank_commit(git, ranker, case.base, case.query, limit)
    except (OSError, ValueError, WainwrightError) as error:
        return Located(error=f"{case.id}: {error}")
    functions = [{"file": one.path, "name": one.name} for one in ranking.functions]
    files = [one.path for one in ranking.files]
    seconds = round(time.perf_counter() - began, 4)
    return Located(ranking={"id": case.id, "files": files, "functions": functions, "seconds": seconds})


def find_repository(gits: Path, name: str) -> GitDirectory:
    """The repository ``owner/name``: ``owner+name``, ``owner+name.git`` or ``owner/name`` below ``gits``."""
    joined = name.replace("/", "+")
    for place in (f"{joined}/repo", joined, f"{joined}.git", name, f"{name}.git"):
        for path in (gits / place, gits / place / ".git"):
            if (path / "HEAD").is_file() and (path / "objects").is_dir():
                return GitDirectory(path.resolve())
    raise WorkspaceError(f"no repository {name} below {gits}", "Fetch it, or leave its cases out.")


def history(git: GitDirectory, tips: Sequence[str], most: int | None = None, prefix: str = "") -> bytes:
    """The commits that ``tips`` contain, newest first, as ``Ranker.read_history`` takes them.

    ``prefix``: with the paths beneath that folder alone, relative to it.
    """
    inside = [f"--relative={prefix}"] if prefix else []
    bound = [f"--max-count={most}"] if most is not None else []
    return git.run(*_LOG, *inside, *bound, *tips, "--").out


def rank_commit(git: GitDirectory, ranker: Ranker, commit: str, query: str, limit: int) -> Ranking:
    """Rank the tree of a commit, with the history that it contains."""
    tree = list(entries(git, commit))
    paths = {entry.object: entry.path for entry in tree}
    missing = ranker.missing(tree)
    if missing:
        ranker.supply((name, paths[name], content) for name, content in contents(git, missing))
    return ranker.rank(tree, commit, query, limit)


def entries(git: GitDirectory, commit: str) -> Iterator[TreeEntry]:
    """The regular files of a commit's tree; those that the store lacks are left out."""
    for record in git.run("ls-tree", "-r", "-l", "-z", commit).out.split(b"\0"):
        head, _, path = record.partition(b"\t")
        fields = head.split()
        if len(fields) == 4 and fields[1] == b"blob" and fields[0] != b"120000" and fields[3].isdigit():
            name = unquote(path)
            if name.isprintable():
                yield TreeEntry(name, fields[2].decode(), int(fields[3]))


def contents(git: GitDirectory, objects: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The contents of objects, as far as the store has them."""
    out = git.run("cat-file", "--batch", stdin="".join(f"{name}\n" for name in objects).encode()).out
    at = 0
    while at < len(out):
        end = out.index(b"\n", at)
        fields = out[at:end].split()
        at = end + 1
        if len(fields) == 3:
            size = int(fields[2])
            yield fields[0].decode(), out[at : at + size]
            at += size + 1


def rank_workspace(indexed: IndexedTree, query: str, limit: int = LIMIT) -> Ranking:
    """Rank the files of a tree as its index knows them, with its history if it is a repository."""
    person = Person.find(indexed.root)
    tip = (person.head if person else None) or ""
    if person and tip and not indexed.ranker.knows(tip):
        indexed.ranker.read_history(history(person.git, [tip], HISTORY_MAX, person.place.prefix))
    return indexed.ranker.rank(
        indexed.index, indexed.structure, clean(query), limit=limit, tokens=0, tip=tip
    )[0]
