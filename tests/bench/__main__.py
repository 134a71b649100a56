"""`make bench`: our figures beside those of public tools, in one table. `--help` lists the rows."""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from tests.bench import (
    calls,
    context,
    edits,
    fence,
    files,
    first_request,
    index,
    journal,
    large_change,
    latency,
    receipts,
    rewinds,
    startup,
    trees,
)
from tests.bench.corpora import SOURCES, Corpus, named, standard
from tests.bench.harness import Figure, Missing, Setting, table
from tests.bench.tools import Tools, cache_folder

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results")

ROWS: dict[str, Callable[[Setting], Iterator[Figure]]] = {
    "lexical": index.lexical,
    "structural": index.structural,
    "reopen": index.reopen,
    "edit": index.edit,
    "query": index.query,
    "context": context.context,
    "memory": index.memory,
    "diff": edits.diff,
    "exact": edits.exact,
    "typo": edits.typo,
    "batch": files.batch,
    "snapshot": files.snapshot,
    "rewind": rewinds.rewind,
    "hash": files.tree_hash,
    "trees": trees.trees,
    "journal": journal.journal,
    "initialize": startup.initialize,
    "window": startup.window,
    "first-request": first_request.first_request,
    "base": receipts.base,
    "fence": fence.fence,
    "call": calls.calls,
    "latency": latency.latency,
    "large-change": large_change.large_change,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, epilog=f"Rows: {', '.join(ROWS)}."
    )
    parser.add_argument("--rows", default="", help="which rows, with commas between (all)")
    parser.add_argument("--corpus", type=Path, help="a git checkout to measure on, instead of M and L")
    parser.add_argument("--only", choices=list(SOURCES), help="one of the standard trees instead of both")
    parser.add_argument(
        "--quick", action="store_true", help="three rounds at most, and no anchor that takes minutes"
    )
    parser.add_argument("--no-install", action="store_true", help="do without tools that are not there")
    chosen = parser.parse_args()
    unknown = set(filter(None, chosen.rows.split(","))) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}. Rows: {', '.join(ROWS)}")
    return chosen


def corpora(chosen: argparse.Namespace, cache: Path) -> dict[str, Corpus]:
    if chosen.corpus:
        corpus = named(chosen.corpus)
        return {corpus.name: corpus}
    found = {}
    for name in [chosen.only] if chosen.only else SOURCES:
        try:
            found[name] = standard(name, cache)
        except Missing as error:
            print(f"Without corpus {name}: {error}", file=sys.stderr)
    if not found:
        raise Missing("no corpus could be fetched; name a checkout of yours: make bench CORPUS=dir")
    return found


def measured(names: list[str], setting: Setting) -> Iterator[Figure]:
    """The figures of the rows; a row that cannot run at all still has its line."""
    for name in names:
        print(f"… {name}", file=sys.stderr)
        try:
            yield from ROWS[name](setting)
        except Exception as error:  # noqa: BLE001  (whatever ails one row, the others are measured)
            yield Figure(name, "s", None, None, "", notes=(f"not measured: {type(error).__name__}: {error}",))


def machine(setting: Setting) -> dict[str, object]:
    """What the figures were measured on."""
    head = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": head.stdout.strip(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": os.getloadavg()[0],
        "tools": setting.tools.versions(),
        "quick": setting.quick,
    }


def main() -> int:
    chosen = arguments()
    cache = cache_folder()
    tools = Tools(cache, install=not chosen.no_install)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="scratch-", ignore_cleanup_errors=True) as scratch:
        setting = Setting(lambda: corpora(chosen, cache), tools, Path(scratch), chosen.quick)
        names = [name for name in ROWS if name in chosen.rows.split(",")] if chosen.rows else list(ROWS)
        about = machine(setting)
        figures = list(measured(names, setting))
        about["corpora"] = {
            name: {"files": len(one.paths), "bytes": one.size} for name, one in setting.fetched.items()
        }
    print(*table(figures), sep="\n")
    RESULTS.mkdir(exist_ok=True)
    kept = RESULTS / f"{about['at']}.json".replace(":", "")
    rows = [{**asdict(one), "ratio": one.ratio, "holds": one.holds} for one in figures]
    kept.write_text(json.dumps({"machine": about, "figures": rows}, indent=1))
    print(f"\nKept: {kept.relative_to(ROOT)}")
    return int(any(one.holds is False for one in figures))


if __name__ == "__main__":
    raise SystemExit(main())
