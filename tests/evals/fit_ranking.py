"""Fit the two models of the ranking on the history of bare repositories, and write their tables.

    python -m tests.evals.fit_ranking GITS [--cases N] [--leave-out OWNER+NAME ...] [--write]

Runs in the root of the project, with its extension module built, and needs lightgbm (4.7.0 was used), numpy and
scipy, which the project itself does not. GITS is a folder of bare repositories named ``owner+name``,
``owner+name.git`` or ``owner+name/repo``. A case is a commit with one parent that modifies 1 to 5 sources beside its
tests and says in words what it changes: its message, without what names the files, is the query; the files, and the
functions that its lines lie in, are the gold. The values of all candidates come from the extension module itself, so
what is fitted is what is computed.

Functions are ranked by trees. The scores of its functions, by models that have not seen the repository, are then
features of a file. Files are ranked by a weighted sum of the features, fitted so that the softmax over a case's
candidates lies on the gold, and by trees that correct the sum.

Figures are cross-validated by repository, with an interval from drawing repositories anew, beside those of one
feature alone. A gold file that is no candidate counts as not found; functions count among the candidates only, and
without the share of their files.
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
from scipy.optimize import minimize

from wainwright import _native
from wainwright.domain.errors import WorkspaceError
from wainwright.workspace.localise import contents, entries, find_repository, history
from wainwright.workspace.plumbing import GitDirectory

RANK = Path(__file__).parents[2] / "native" / "indexer" / "src" / "rank"
CODE = tuple(".py .rs .go .java .js .mjs .cjs .jsx .ts .mts .tsx .c .h".split())  # noqa: SIM905
FOLDS = 5
TREES = {
    "objective": "lambdarank",
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "lambdarank_truncation_level": 15,
    "label_gain": [0, 1],
    "max_bin": 63,
    "verbose": -1,
    "num_threads": 1,
    "seed": 3,
}
OF_FUNCTIONS = TREES | {"learning_rate": 0.08, "num_leaves": 9, "min_data_in_leaf": 40}
OF_FILES = TREES | {"learning_rate": 0.05, "num_leaves": 7, "min_data_in_leaf": 80, "feature_fraction": 0.3}
ROUNDS = {"files": 120, "functions": 150}
LEARNED = {"files": 64, "functions": 110}
"""So many candidates of a case are learned from, the first by the sum of the cheap evidence."""
ALONE = {"files": "linear", "functions": "body"}
"""The feature to compare with."""
ABOUT_QUERY = frozenset(
    ["log_files", "terms", "title_terms", "content_top", "hist_top", "path_top", "def_top"]
)
"""The same for all candidates of a case: nothing for a sum."""
PENALTY = 2e-3
MOST, LEAST, SPEAKERS = 10.0, 1e-6, 8
"""As in model.rs and answer.rs."""
Array = np.ndarray[Any, Any]
LAST_DAY = "2024-06-30"
# Messages that do not describe a behaviour, by how they begin and by what they speak of.
_DULL = re.compile(
    r"^(merge|release|bump|version|v?\d|prepare|revert|docs?\b|chore|style|refactor|tests?\b|ci\b|build\b|update|changelog"
    r"|clean|lint|format|whitespace|rename|move |reformat|typing|typos?\b|type hint|cherry|copyright|spelling)",
    re.IGNORECASE,
)
_NO_BEHAVIOUR = re.compile(
    r"\b(typos?|whitespace|refactor\w*|renam(e[sd]?|ing)|reformat|clean(ed)?[- ]?ups?|tidy|simplif(y|ied|ies)|readme"
    r"|changelog|bump|mypy|unused|dead code|code style|minor|copyright|license|tests? only|flaky|spelling|grammar"
    r"|wording|benchmarks?|javadocs?|docstrings?)\b",
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
    rows: list[Array] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    """The file of each candidate."""
    missed: dict[str, int] = field(default_factory=dict)
    """Gold that is no candidate, by case."""

    def extend(self, other: "Values") -> None:
        """Take the candidates of other cases."""
        self.case += other.case
        self.gold += other.gold
        self.rows += other.rows
        self.places += other.places
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
        f"--until={LAST_DAY}",
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
    title = message.strip().partition("\n")[0]
    dull = _DULL.match(title) or _NO_BEHAVIOUR.search(title)
    says = 40 <= len(query) <= 2000 and len(query.split()) >= 5 and not dull
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
        _add(files, case.name, [(name, name in case.lines, row) for name, row in seen], len(case.lines))
        _add(functions, case.name, _functions(case, within), 0)
    return files, functions


def _functions(
    case: Change, found: Sequence[tuple[str, str, int, int, list[float]]]
) -> list[tuple[str, bool, list[float]]]:
    """A changed line belongs to the innermost function around it."""
    gold: set[int] = set()
    for path, lines in case.lines.items():
        spans = [
            (end - start, start, end, at) for at, (file, _, start, end, _) in enumerate(found) if file == path
        ]
        for line in lines:
            around = [(size, at) for size, start, end, at in spans if start <= line <= end]
            gold.update([min(around)[1]] if around else [])
    return [(one[0], at in gold, one[4]) for at, one in enumerate(found)]


def _add(values: Values, case: str, found: Sequence[tuple[str, bool, list[float]]], wanted: int) -> None:
    values.missed[case] = max(wanted - sum(gold for _, gold, _ in found), 0)
    for place, gold, row in found:
        values.case.append(case)
        values.gold.append(gold)
        values.rows.append(np.array(row, dtype=np.float32))
        values.places.append(place)


@dataclass
class Lists:
    """Candidates of many cases as arrays; those of a case stand together, in the order they came."""

    names: Sequence[str]
    rows: Array
    gold: Array
    starts: Array
    of_case: Array
    repository: Array
    """Of each candidate."""
    places: list[str]

    @classmethod
    def of(cls, values: Values, names: Sequence[str], repository: dict[str, str]) -> "Lists":
        """Turn values to arrays."""
        case = np.array(values.case)
        begins = np.r_[True, case[1:] != case[:-1]]
        gold = np.array(values.gold, dtype=int)
        owner = np.array([repository[name] for name in values.case])
        rows = np.array(values.rows, dtype=np.float32)
        starts, of_case = np.flatnonzero(begins), np.cumsum(begins) - 1
        return cls(names, rows, gold, starts, of_case, owner, values.places)

    def learned(self, keep: Array, most: int, by: str | None) -> tuple[Array, Array]:
        """The rows to learn from and how many each case has; cases without gold teach nothing."""
        order = self.rows[:, self.names.index(by)] if by else -np.arange(len(self.gold), dtype=np.float32)
        taken, sizes = [], []
        for start, end in zip(self.starts, [*self.starts[1:], len(self.gold)], strict=True):
            best = np.sort(start + np.argsort(-order[start:end], kind="stable")[:most])
            if keep[start] and self.gold[best].any():
                taken.append(best)
                sizes.append(len(best))
        return np.concatenate(taken), np.array(sizes)

    def folds(self) -> Iterator[Array]:
        """For each fold, which candidates it holds back."""
        names = sorted(set(self.repository))
        np.random.default_rng(0).shuffle(names)
        yield from (np.isin(self.repository, names[fold::FOLDS]) for fold in range(FOLDS))


def function_trees(lists: Lists, keep: Array) -> lightgbm.Booster:
    """A ranking of functions."""
    taken, sizes = lists.learned(keep, LEARNED["functions"], None)
    data = lightgbm.Dataset(lists.rows[taken], lists.gold[taken], group=sizes)
    return lightgbm.train(OF_FUNCTIONS, data, ROUNDS["functions"])


def tell_files(files: Lists, functions: Lists, case_of: dict[str, Sequence[str]], score: Array) -> None:
    """Write what functions score into the features of their files, as ``judge_functions`` in answer.rs does."""
    own: dict[tuple[str, str], list[float]] = {}
    best: dict[str, float] = {}
    worst: dict[str, float] = {}
    for case, place, value in zip(case_of["functions"], functions.places, score, strict=True):
        own.setdefault((case, place), []).append(value)
        best[case] = max(best.get(case, value), value)
        worst[case] = min(worst.get(case, value), value)
    at = [files.names.index(name) for name in ("fun_score", "fun_score_sum", "fun_score_gap")]
    for row, case, place in zip(files.rows, case_of["files"], files.places, strict=True):
        scores = sorted(own.get((case, place), [worst.get(case, 0.0)]), reverse=True)[:SPEAKERS]
        row[at] = scores[0], np.logaddexp.reduce(scores), scores[0] - best.get(case, 0.0)


def shares(lists: Lists) -> Array:
    """What the weighted sum adds up: values, and values divided by the most of the case."""
    columns = [at for at, name in enumerate(lists.names) if name not in ABOUT_QUERY]
    values = np.minimum(lists.rows[:, columns], MOST)
    most = np.maximum(np.maximum.reduceat(values, lists.starts), LEAST)
    return np.concatenate([values, np.maximum(values, 0) / most[lists.of_case]], axis=1)


def fit_sum(lists: Lists, values: Array, keep: Array) -> Array:
    """Weights whose softmax over the candidates of a case lies on the gold."""
    taken, sizes = lists.learned(keep, LEARNED["files"], ALONE["files"])
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    of_case = np.repeat(np.arange(len(sizes)), sizes)
    spread = values[taken].std(0) + 1e-9
    scaled = (values[taken] / spread).astype(np.float32)
    gold = lists.gold[taken] / np.add.reduceat(lists.gold[taken], starts)[of_case]

    def loss(weights: Array) -> tuple[float, Array]:
        score = (scaled @ weights.astype(np.float32)).astype(np.float64)
        score -= np.maximum.reduceat(score, starts)[of_case]
        mass = np.exp(score)
        all_mass = np.add.reduceat(mass, starts)
        told = (np.log(all_mass).sum() - (gold * score).sum()) / len(sizes) + PENALTY * (weights @ weights)
        slope = scaled.T @ (mass / all_mass[of_case] - gold).astype(np.float32)
        return told, slope.astype(np.float64) / len(sizes) + 2 * PENALTY * weights

    begin = np.zeros(values.shape[1])
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 120})
    return np.asarray(found.x) / spread


def file_trees(lists: Lists, base: Array, keep: Array) -> lightgbm.Booster:
    """Trees that correct the weighted sum."""
    taken, sizes = lists.learned(keep, LEARNED["files"], ALONE["files"])
    data = lightgbm.Dataset(lists.rows[taken], lists.gold[taken], group=sizes, init_score=base[taken])
    return lightgbm.train(OF_FILES, data, ROUNDS["files"])


def figures(values: Values, score: Array, repository: dict[str, str]) -> dict[str, Any]:
    """Recall at 1 and 10, mean reciprocal rank, and recall at 10 of the cases with several gold files."""
    by_case: dict[str, list[int]] = {}
    for at, case in enumerate(values.case):
        by_case.setdefault(case, []).append(at)
    told: list[tuple[str, float, float, float, bool]] = []
    for case, found in by_case.items():
        order = sorted(found, key=lambda at: -score[at])
        ranks = [rank for rank, at in enumerate(order, 1) if values.gold[at]]
        wanted = len(ranks) + values.missed[case]
        if wanted:
            one, ten = (sum(rank <= most for rank in ranks) / wanted for most in (1, 10))
            told.append((repository[case], one, ten, 1 / ranks[0] if ranks else 0.0, wanted > 1))
    owner = np.array([one[0] for one in told])
    all_told = np.array([one[1:] for one in told], dtype=float)

    def means(some: Array) -> list[float]:
        return [*some[:, :3].mean(0), some[some[:, 3] > 0, 1].mean()]

    draw = np.random.default_rng(0)
    own = [all_told[owner == name] for name in sorted(set(owner))]
    drawn = [
        means(np.concatenate([own[at] for at in draw.integers(0, len(own), len(own))])) for _ in range(400)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    names = ("recall@1", "recall@10", "MRR", "several@10")
    shown = {
        name: f"{mean:.3f} ({below:.3f} to {above:.3f})"
        for name, mean, below, above in zip(names, means(all_told), low, high, strict=True)
    }
    return shown | {"cases": len(told)}


def table(model: lightgbm.Booster, names: Sequence[str], remarks: Sequence[str]) -> str:
    """The trees as ``native/indexer/src/rank/model.rs`` reads them."""

    def text(node: dict[str, Any]) -> str:
        if "split_index" not in node:
            return f"{node['leaf_value']:.5g}"
        inner = f"{text(node['left_child'])} {text(node['right_child'])}"
        return f"({names[node['split_feature']]} {node['threshold']:.6g} {inner})"

    trees = [text(tree["tree_structure"]) for tree in model.dump_model()["tree_info"]]
    return "".join(f"# {remark}\n" for remark in remarks) + "".join(f"{tree}\n" for tree in trees)


def weights_table(weights: Array, names: Sequence[str]) -> str:
    """The weighted sum as ``model.rs`` reads it."""
    shown = [name for name in names if name not in ABOUT_QUERY]
    units, parts = weights[: len(shown)], weights[len(shown) :]
    lines = [f"{name} {u:.5g} {p:.5g}\n" for name, u, p in zip(shown, units, parts, strict=True)]
    return "".join(lines)


@dataclass
class Fitted:
    """Models, and what they would score on repositories that they have not seen."""

    functions: lightgbm.Booster
    weights: Array
    files: lightgbm.Booster
    function_score: Array
    file_score: Array


def fit(files: Lists, functions: Lists, case_of: dict[str, Sequence[str]]) -> Fitted:
    """Cross-validate both rankings, then fit them on everything."""
    function_score = np.zeros(len(functions.gold))
    for held in functions.folds():
        function_score[held] = function_trees(functions, ~held).predict(functions.rows[held])
    tell_files(files, functions, case_of, function_score)
    values = shares(files)
    file_score = np.zeros(len(files.gold))
    for held in files.folds():
        base = values @ fit_sum(files, values, ~held)
        file_score[held] = base[held] + file_trees(files, base, ~held).predict(files.rows[held])
    everything = np.ones(len(files.gold), dtype=bool)
    weights = fit_sum(files, values, everything)
    trees = file_trees(files, values @ weights, everything)
    all_functions = function_trees(functions, np.ones(len(functions.gold), dtype=bool))
    return Fitted(all_functions, weights, trees, function_score, file_score)


def main() -> None:
    """Make the cases, fit, tell the figures, and write the tables if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("gits", type=Path)
    parser.add_argument("--cases", type=int, default=50, help="the most of one repository")
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
    report(both, repository, write=arguments.write)


def report(both: dict[str, Values], repository: dict[str, str], *, write: bool) -> None:
    """Fit, tell the figures, and write the tables if asked to."""
    names = dict(zip(both, _native.rank_features(), strict=True))
    lists = {kind: Lists.of(values, names[kind], repository) for kind, values in both.items()}
    fitted = fit(lists["files"], lists["functions"], {kind: values.case for kind, values in both.items()})
    scores = {"files": fitted.file_score, "functions": fitted.function_score}
    parts = {"files": weights_table(fitted.weights, names["files"]), "functions": ""}
    models = {"files": fitted.files, "functions": fitted.functions}
    for kind, values in both.items():
        told = figures(values, scores[kind], repository)
        alone = lists[kind].rows[:, names[kind].index(ALONE[kind])]
        sys.stdout.write(f"{kind}: {told}\n{ALONE[kind]} alone: {figures(values, alone, repository)}\n")
        if write:
            remarks = [
                f"Fitted by tests/evals/fit_ranking.py on {told['cases']} changes of public repositories.",
                f"Cross-validated by repository, with 95 % intervals: {told}",
                "Repositories: " + ", ".join(sorted(set(repository.values()))),
            ]
            (RANK / f"{kind}.trees").write_text(table(models[kind], names[kind], remarks) + parts[kind])


if __name__ == "__main__":
    main()
