"""Measure what an implementer is told first, without any model: how long it is, and whether it holds what matters.

    python -m tests.evals.first_message CASES GITS [--any-file] [--show DIR]

CASES is a file of JSON lines with ``repo`` (owner/name), ``sha`` and ``query``; GITS a folder of bare repositories
named ``owner+name`` or ``owner+name/repo``. Of each commit the tree before it is looked through for the query; the
plan is one task whose instruction is the query, and the acceptance tests are the commit's own. The functions in whose
lines the commit changed something are the gold; a case's ``gold_functions`` replace them. The task may write the
files that the commit changed, or with ``--any-file`` whatever it likes: then nothing points at them but the query.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wainwright.agents import roles
from wainwright.domain import events as ev
from wainwright.domain.evidence import Suite
from wainwright.domain.fold import replay
from wainwright.domain.goal import WORKING, Goal
from wainwright.domain.plan import Plan, Requirement, Task
from wainwright.domain.state import RunState, TaskState
from wainwright.engine.stages import briefs
from wainwright.workspace import context
from wainwright.workspace.index import IndexedTree, Indexes
from wainwright.workspace.localise import find_repository, history
from wainwright.workspace.native.ranking import role_of
from wainwright.workspace.plumbing import GitDirectory

CODE = frozenset({"function", "method", "constructor"})


@dataclass(frozen=True)
class Told:
    """One first request."""

    case: str
    characters: int
    shared: int
    gold: int
    """Functions the commit changed."""
    whole: int
    """Those of them that are whole in it."""
    files: int
    """Files that are spoken of."""


def git(repository: GitDirectory, *words: str) -> str:
    return repository.run(*words).out.decode("utf-8", "replace")


def lay_out(repository: GitDirectory, commit: str, folder: Path, paths: tuple[str, ...] = ()) -> None:
    """Write a tree, or some files of it."""
    command = ["git", "--git-dir", str(repository.path), "archive", commit, "--", *paths]
    packed = subprocess.run(command, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)


def changed_lines(repository: GitDirectory, base: str, sha: str) -> Iterator[tuple[str, int, int]]:
    """The lines of the base that a commit changes; what is only added stands behind a line."""
    path = ""
    for line in git(repository, "diff", "-U0", "--no-renames", base, sha).splitlines():
        if line.startswith("--- "):
            path = line[6:] if line.startswith("--- a/") else ""
        elif (found := re.match(r"@@ -(\d+)(?:,(\d+))? ", line)) and path:
            first, count = int(found[1]), int(found[2] or 1)
            yield path, first, first + max(count, 1) - 1


def gold_of(indexed: IndexedTree, lines: list[tuple[str, int, int]]) -> set[tuple[str, int, int]]:
    """The innermost functions with changed lines."""
    found = set()
    for path, first, last in lines:
        if role_of(path) != "source":
            continue
        around = [
            (one.end_line - one.start_line, path, one.start_line, one.end_line)
            for one in indexed.outline(path) or ()
            if one.kind in CODE and one.start_line <= last and first <= one.end_line
        ]
        if around:
            found.add(min(around)[1:])
    return found


def told_in(case: dict[str, Any], repository: GitDirectory, *, any_file: bool, show: Path | None) -> Told:
    sha = git(repository, "rev-parse", case["sha"]).strip()
    base = git(repository, "rev-parse", case.get("base") or f"{sha}^").strip()
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch, "tree")
        tree.mkdir()
        lay_out(repository, base, tree)
        indexes = Indexes(Path(scratch, "index"))
        indexed = indexes.open(tree)
        indexed.structure.fill(indexed.index)
        lines = list(changed_lines(repository, base, sha))
        gold = {(one["file"], one["start_line"], one["end_line"]) for one in case.get("gold_functions", ())}
        gold = gold or gold_of(indexed, lines)
        texts = {path: (tree / path).read_text("utf-8", "replace").split("\n") for path, _, _ in gold}
        indexed.ranker.read_history(history(repository, [base], 20_000))
        known = context.shared(indexed, case["query"], tip=base)
        after = git(
            repository, "diff", "--name-only", "--diff-filter=AM", "--no-renames", base, sha
        ).splitlines()
        tests = tuple(path for path in after if role_of(path) == "test")
        lay_out(repository, sha, tree, tests) if tests else None
        indexed.index.refresh()
        sources = tuple(dict.fromkeys(path for path, _, _ in lines if role_of(path) == "source"))
        write_set = ("**",) if any_file or not sources else sources
        parts = opening(indexed, case["query"], known, write_set, tests)
    told = "".join(parts)
    if show is not None:
        (show / f"{case['repo'].replace('/', '+')}-{sha[:8]}.md").write_text(told)
    whole = sum("\n".join(texts[path][first - 1 : last]) in told for path, first, last in gold)
    files = len(set(re.findall(r"^### (\S+)", told, re.MULTILINE)))
    return Told(
        f"{case['repo']} {sha[:8]}", len(told), len(parts[0]) + len(parts[1]), len(gold), whole, files
    )


def opening(
    indexed: IndexedTree,
    query: str,
    known: context.Shared,
    write_set: tuple[str, ...],
    tests: tuple[str, ...],
) -> list[str]:
    """The first request of the implementer of a plan with one task, as its parts."""
    task = Task(
        id="change",
        title=query.split("\n", maxsplit=1)[0][:100] or "x",
        instruction=query,
        write_set=write_set,
        acceptance=("R1",),
    )
    plan = Plan(requirements=(Requirement(id="R1", text=query),), tasks=(task,))
    one = TaskState(task=task, revision=1, digest="")
    state = started(query).changed(plan=plan, tasks={"change": one})
    shared = briefs.shared(state, known)
    names = tuple(f"{path}::a_test" for path in tests)
    text = briefs.join(briefs.task(one), briefs.acceptance(tests, {}, names, names), briefs.since(()))
    taken = sum(map(len, shared)) + len(text)
    room, most = roles.IMPLEMENT.room_beside(taken), roles.IMPLEMENT.left_beside(taken)
    own = context.own(indexed, query, known, write_set=write_set, whole=tests, room=room, most=most)
    return [
        roles.IMPLEMENT.common,
        *shared,
        roles.IMPLEMENT.own,
        briefs.join("# The work at hand", text, own),
    ]


def started(goal: str) -> RunState:
    first = ev.RunStarted(
        run="one", goal=Goal(text=goal), workspace="/w", route=WORKING, autonomy="suggest", trust="trusted",
        tier="bubblewrap", attended=False,
    )  # fmt: skip
    state = replay(
        [
            first,
            ev.SnapshotTaken(commit="0" * 40, tree="0" * 40, head=None, suites=(Suite(command="make test"),)),
        ]
    )
    assert state is not None
    return state


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path)
    parser.add_argument("gits", type=Path)
    parser.add_argument("--any-file", action="store_true")
    parser.add_argument("--show", type=Path)
    options = parser.parse_args()
    all_told = []
    for line in options.cases.read_text().splitlines():
        case = json.loads(line)
        try:
            repository = find_repository(options.gits, case["repo"])
            told = told_in(case, repository, any_file=options.any_file, show=options.show)
        except Exception as error:  # noqa: BLE001 - one bad case hurts no other
            sys.stderr.write(f"{case['repo']} {case['sha'][:8]}: {type(error).__name__} {error}\n")
            continue
        all_told.append(told)
        sys.stdout.write(
            f"{told.case:44} {told.characters:6} characters ({told.shared:6} shared), {told.files:2} files, "
            f"{told.whole}/{told.gold} gold functions whole\n"
        )
        sys.stdout.flush()
    with_gold = [one for one in all_told if one.gold]
    if with_gold:
        counts = sorted(one.characters for one in all_told)
        sys.stdout.write(
            f"{len(all_told)} cases, {len(with_gold)} with gold functions: all whole in "
            f"{sum(one.whole == one.gold for one in with_gold)}, some in {sum(one.whole > 0 for one in with_gold)}; "
            f"characters: median {statistics.median(counts):.0f}, most {counts[-1]}\n"
        )


if __name__ == "__main__":
    main()
