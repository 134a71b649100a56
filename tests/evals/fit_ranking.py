"""Fit the two models of the ranking on the history of bare repositories, and write their tables.

    python -m tests.evals.fit_ranking GITS [--cases N] [--leave-out OWNER+NAME ...] [--write]

Runs in the root of the project, with its extension module built, and needs lightgbm (4.7.0 was used) and numpy, which
the project itself does not. GITS is a folder of bare repositories named ``owner+name``, ``owner+name.git`` or
``owner+name/repo``. A case is a commit with one parent that modifies 1 to 5 sources beside its tests and says in
words what it changes: its message, without what names the files, is the query; the files, and the functions
that its lines lie in, are the gold. The values of all candidates come from the extension module itself, so what
is fitted is what is computed.

Figures are cross-validated by repository, beside those of one feature alone. A gold file that is no candidate counts
as not found; functions count among the candidates only, and without the share of their files.
"""

import argparse
import contextlib
import hashlib
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from wainwright import _native
from wainwright.domain.errors import WorkspaceError
from wainwright.workspace.localise import contents, entries, find_repository, history
from wainwright.workspace.plumbing import GitDirectory

RANK = Path(__file__).parents[2] / "native" / "indexer" / "src" / "rank"
CODE = tuple(".py .rs .go .java .js .mjs .cjs .jsx .ts .mts .tsx .c .h".split())  # noqa: SIM905
FOLDS = 5
PARAMETERS = {
    "objective": "lambdarank",
    "learning_rate": 0.05,
    "num_leaves": 9,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "lambdarank_truncation_level": 15,
    "label_gain": [0, 1],
    "verbose": -1,
    "num_threads": 2,
    "seed": 3,
}
ROUNDS = {"files": 300, "functions": 200}
ALONE = {"files": "linear", "functions": "body"}
"""The feature to compare with."""
# Messages that do not describe a behaviour.
_DULL = re.compile(
    r"^(merge|release|bump|version|v?\d|prepare|revert|docs?\b|chore|style|refactor|tests?\b|ci\b|build\b|update|changelog"
    r"|clean|lint|format|whitespace|rename|move |reformat|typing|typos?\b|type hint|cherry|copyright|spelling)",
    re.IGNORECASE,
)
_TRAILER = re.compile(
    r"^\s*(signed-off-by|co-authored-by|reviewed-by|change-id|fixes|closes|refs?|see|pr-url|cc|backport|git-svn-id"
    r"|acked-by|tested-by|reported-by|issue|resolves?|\(?cherry picked)\b[^a-z]*[:#(].*$",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\(?\[?(gh-|[\w.-]+/[\w.-]+)?#\d+\]?\)?|https?://\S+|\b(?=\w*\d)(?=\w*[a-f])[0-9a-f]{7,40}\b"
)
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? ", re.MULTILINE)


@dataclass
class Change:
    """A commit that may become a case."""

    name: str
    parent: str
    query: str
    files: dict[str, tuple[str, str]]
    """Modified sources: the contents before and after."""
    lines: dict[str, list[int]] = field(default_factory=dict)
    """Lines of the text before that it changes."""


@dataclass
class Values:
    """Candidates of many cases."""

    case: list[str] = field(default_factory=list)
    gold: list[bool] = field(default_factory=list)
    rows: list[np.ndarray[Any, Any]] = field(default_factory=list)
    missed: dict[str, int] = field(default_factory=dict)
    """Gold that is no candidate, by case."""

    def extend(self, other: "Values") -> None:
        """Take the candidates of other cases."""
        self.case += other.case
        self.gold += other.gold
        self.rows += other.rows
        self.missed |= other.missed


def changes(git: GitDirectory, most: int) -> Iterator[Change]:
    """The commits to learn from, spread over the history by their names' hashes."""
    log = git.run(
        "log",
        "--no-merges",
        "--format=%x01%H%x02%P%x02%B%x02",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        "HEAD",
    )
    found = [c for r in log.out.decode("utf-8", "replace").split("\x01")[1:] if (c := _change(r)) is not None]
    found.sort(key=lambda change: hashlib.sha1(change.name.encode(), usedforsecurity=False).hexdigest())
    used: dict[str, int] = {}
    wanted = {True: round(most * 0.42), False: most - round(most * 0.42)}
    for change in found:
        several = len(change.files) > 1
        if not wanted[several] or any(used.get(path, 0) >= 3 for path in change.files):
            continue
        changed = [_changed_lines(git, before, after) for before, after in change.files.values()]
        change.lines = dict(zip(change.files, changed, strict=True))
        if all(changed) and sum(map(len, changed)) <= 400:
            wanted[several] -= 1
            for path in change.files:
                used[path] = used.get(path, 0) + 1
            yield change


def _change(record: str) -> Change | None:
    name, parents, message, listing = record.split("\x02")[:4]
    touched = [line for line in listing.strip().split("\n") if line.startswith(":")]
    fields = [(line.split("\t")[0].split(), line.split("\t")[1]) for line in touched]
    sources = [(f, p) for f, p in fields if p.endswith(CODE) and _native.role_of(p) == "source"]
    modified = {path: (f[2], f[3]) for f, path in sources if f[4] == "M"}
    query = _query(message, [path for _, path in fields])
    whole = len(parents.split()) == 1 and len(fields) <= 60 and not any(f[4] in "DT" for f, _ in sources)
    says = 28 <= len(query) <= 2000 and len(query.split()) >= 5 and not _DULL.match(message.strip())
    return Change(name, parents, query, modified) if whole and says and 1 <= len(modified) <= 5 else None


def _query(message: str, paths: Sequence[str]) -> str:
    text = "\n".join(line for line in message.splitlines() if not _TRAILER.match(line))
    text = _NUMBER.sub("", text)
    for path in paths:
        for literal in (path, "/".join(path.split("/")[-2:]), path.split("/")[-1]):
            text = re.sub(rf"(?<![\w./]){re.escape(literal)}(?!\w)", "", text)
    return re.sub(r"[ \t]+", " ", re.sub(r"\(\s*\)", "", text)).strip()


def _changed_lines(git: GitDirectory, before: str, after: str) -> list[int]:
    diff = git.run("diff", "-U0", "--no-color", before, after, ok=(0, 1, 128)).out.decode("utf-8", "replace")
    lines: list[int] = []
    for hunk in _HUNK.finditer(diff):
        start, count = int(hunk[1]), int(hunk[2] or 1)
        lines += range(start, start + max(count, 1))
    return lines


def repositories(gits: Path) -> dict[str, GitDirectory]:
    """The repositories of a folder by name."""
    found: dict[str, GitDirectory] = {}
    for name in sorted({place.name.removesuffix(".git") for place in gits.iterdir()}):
        with contextlib.suppress(WorkspaceError):
            found[name] = find_repository(gits, name)
    return found


def values_of(git: GitDirectory, most: int) -> tuple[Values, Values]:
    """The candidates of one repository's cases: files, functions."""
    files, functions = Values(), Values()
    cases = list(changes(git, most))
    ranker = _native.Ranker()
    if cases:
        ranker.read_history(history(git, [case.parent for case in cases]))
    for case in cases:
        tree = list(entries(git, case.parent))
        names = {entry.object: entry.path for entry in tree}
        missing = ranker.missing(tree)
        ranker.supply([(name, names[name], text) for name, text in contents(git, missing)] if missing else [])
        seen, within = ranker.values(tree, case.parent, case.query)
        _add(files, case.name, [(name in case.lines, row) for name, row in seen], len(case.lines))
        _add(functions, case.name, _functions(case, within), 0)
    return files, functions


def _functions(
    case: Change, found: Sequence[tuple[str, str, int, int, list[float]]]
) -> list[tuple[bool, list[float]]]:
    """A changed line belongs to the innermost function around it."""
    gold: set[int] = set()
    for path, lines in case.lines.items():
        spans = [
            (end - start, start, end, at) for at, (file, _, start, end, _) in enumerate(found) if file == path
        ]
        for line in lines:
            around = [(size, at) for size, start, end, at in spans if start <= line <= end]
            gold.update([min(around)[1]] if around else [])
    return [(at in gold, one[4]) for at, one in enumerate(found)]


def _add(values: Values, case: str, found: Sequence[tuple[bool, list[float]]], wanted: int) -> None:
    values.missed[case] = max(wanted - sum(gold for gold, _ in found), 0)
    for gold, row in found:
        values.case.append(case)
        values.gold.append(gold)
        values.rows.append(np.array(row, dtype=np.float32))


def fit(values: Values, rounds: int, keep: np.ndarray[Any, Any] | None = None) -> lightgbm.Booster:
    """A ranking of trees, from the cases that have gold among their candidates."""
    case, gold, rows = (
        np.array(values.case),
        np.array(values.gold, dtype=int),
        np.array(values.rows, dtype=np.float32),
    )
    keep = np.isin(case, case[gold > 0]) & (keep if keep is not None else np.ones(len(case), dtype=bool))
    order = np.argsort(case[keep], kind="stable")
    _, sizes = np.unique(case[keep][order], return_counts=True)
    data = lightgbm.Dataset(rows[keep][order], gold[keep][order], group=sizes)
    return lightgbm.train(PARAMETERS, data, rounds)


def figures(values: Values, score: np.ndarray[Any, Any]) -> dict[str, float]:
    """Recall at 1 and 10, mean reciprocal rank, and recall at 10 of the cases with several gold files."""
    by_case: dict[str, list[int]] = {}
    for at, case in enumerate(values.case):
        by_case.setdefault(case, []).append(at)
    one, ten, first, several = [], [], [], []
    for case, found in by_case.items():
        order = sorted(found, key=lambda at: -score[at])
        ranks = [rank for rank, at in enumerate(order, 1) if values.gold[at]]
        wanted = len(ranks) + values.missed[case]
        if not wanted:
            continue
        one.append(sum(rank <= 1 for rank in ranks) / wanted)
        ten.append(sum(rank <= 10 for rank in ranks) / wanted)
        first.append(1 / ranks[0] if ranks else 0.0)
        several += [ten[-1]] if wanted > 1 else []
    named = {"recall@1": one, "recall@10": ten, "MRR": first, "several@10": several}
    return {name: round(float(np.mean(of)), 4) for name, of in named.items() if of} | {"cases": len(one)}


def validated(values: Values, repository: dict[str, str], rounds: int) -> dict[str, float]:
    """Figures of models that have not seen the repository."""
    of_row = np.array([repository[case] for case in values.case])
    names = sorted(set(repository.values()))
    score = np.zeros(len(of_row))
    rows = np.array(values.rows, dtype=np.float32)
    for fold in range(FOLDS):
        held = np.isin(of_row, names[fold::FOLDS])
        if held.any():
            score[held] = fit(values, rounds, ~held).predict(rows[held])
    return figures(values, score)


def table(model: lightgbm.Booster, names: Sequence[str], remarks: Sequence[str]) -> str:
    """The trees as ``native/indexer/src/rank/model.rs`` reads them."""

    def text(node: dict[str, Any]) -> str:
        if "split_index" not in node:
            return f"{node['leaf_value']:.5g}"
        inner = f"{text(node['left_child'])} {text(node['right_child'])}"
        return f"({names[node['split_feature']]} {node['threshold']:.6g} {inner})"

    trees = [text(tree["tree_structure"]) for tree in model.dump_model()["tree_info"]]
    return "".join(f"# {remark}\n" for remark in remarks) + "".join(f"{tree}\n" for tree in trees)


def main() -> None:
    """Make the cases, fit, tell the figures, and write the tables if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("gits", type=Path)
    parser.add_argument("--cases", type=int, default=45, help="the most of one repository")
    parser.add_argument(
        "--leave-out", nargs="*", default=[], help="owner+name of repositories kept for judging"
    )
    parser.add_argument("--write", action="store_true", help="write the tables")
    arguments = parser.parse_args()
    found = {n: g for n, g in repositories(arguments.gits).items() if n not in arguments.leave_out}
    if len(found) < 2:
        parser.error("cross-validation needs two repositories at least")
    both = {"files": Values(), "functions": Values()}
    repository: dict[str, str] = {}
    with ProcessPoolExecutor(2) as pool:
        parts = pool.map(values_of, found.values(), [arguments.cases] * len(found))
        for name, part in zip(found, parts, strict=True):
            sys.stderr.write(f"{name}: {len(part[0].missed)} cases\n")
            for into, values in zip(both.values(), part, strict=True):
                into.extend(values)
            repository |= dict.fromkeys(part[0].missed, name)
    for kind, names in zip(both, _native.rank_features(), strict=True):
        told = validated(both[kind], repository, ROUNDS[kind])
        alone = np.array(both[kind].rows)[:, names.index(ALONE[kind])]
        sys.stdout.write(f"{kind}: {told}\n{ALONE[kind]} alone: {figures(both[kind], alone)}\n")
        if arguments.write:
            remarks = [
                f"LambdaMART by tests/evals/fit_ranking.py on {told['cases']} changes of public repositories.",
                f"Cross-validated by repository: {told}",
                "Repositories: " + ", ".join(sorted(set(repository.values()))),
            ]
            (RANK / f"{kind}.trees").write_text(table(fit(both[kind], ROUNDS[kind]), names, remarks))


if __name__ == "__main__":
    main()
