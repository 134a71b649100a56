"""Anchor: tree-sitter's own parse and tags query over every Python, Go, JavaScript and TypeScript file below 1 MB.

`tags.py ROOT PROCESSES` reads paths relative to ROOT from its input, one a line, and prints one line of JSON.
Grammars and queries are loaded and the processes started before the clock runs; files are dealt out in small
lots, largest first.
"""

import json
import multiprocessing
import sys
import time
from pathlib import Path

import tree_sitter_go
import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_typescript
from tree_sitter import Language, Parser, Query, QueryCursor

LARGEST = 1_000_000
LOT = 16

JAVASCRIPT_TAGS = tree_sitter_javascript.TAGS_QUERY
GRAMMARS = {
    "py": (tree_sitter_python.language, tree_sitter_python.TAGS_QUERY),
    "go": (tree_sitter_go.language, tree_sitter_go.TAGS_QUERY),
    "js": (tree_sitter_javascript.language, JAVASCRIPT_TAGS),
    # The grammar names both: its own query has only what JavaScript lacks.
    "ts": (tree_sitter_typescript.language_typescript, tree_sitter_typescript.TAGS_QUERY + JAVASCRIPT_TAGS),
    "tsx": (tree_sitter_typescript.language_tsx, tree_sitter_typescript.TAGS_QUERY + JAVASCRIPT_TAGS),
}
GRAMMARS |= {"jsx": GRAMMARS["js"], "mjs": GRAMMARS["js"], "cjs": GRAMMARS["js"]}


class Tagger:
    """A parser and a query for each language."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ready: dict[str, tuple[Parser, QueryCursor]] = {}
        for ending, (pointer, tags) in GRAMMARS.items():
            language = Language(pointer())
            self.ready[ending] = Parser(language), QueryCursor(Query(language, tags))

    def tags(self, path: str) -> tuple[int, int]:
        """Bytes parsed and definitions found."""
        parser, cursor = self.ready[path.rpartition(".")[2]]
        text = (self.root / path).read_bytes()
        captures = cursor.captures(parser.parse(text).root_node)
        return len(text), sum(len(nodes) for name, nodes in captures.items() if name.startswith("definition"))


tagger: Tagger


def lot(paths: list[str]) -> tuple[int, int]:
    done = [tagger.tags(path) for path in paths]
    return sum(size for size, _ in done), sum(count for _, count in done)


def main() -> None:
    global tagger  # noqa: PLW0603  (inherited by the processes that are forked below)
    root, processes = Path(sys.argv[1]), int(sys.argv[2])
    tagger = Tagger(root)
    sizes = {}
    for path in sys.stdin.read().splitlines():
        if path.rpartition(".")[2] in GRAMMARS and (size := (root / path).stat().st_size) < LARGEST:
            sizes[path] = size
    paths = sorted(sizes, key=lambda path: (-sizes[path], path))
    lots = [paths[start : start + LOT] for start in range(0, len(paths), LOT)]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        pool.map(lot, [[] for _ in range(processes)])
        began = time.perf_counter()
        done = list(pool.imap_unordered(lot, lots))
        took = time.perf_counter() - began
    totals = {"bytes": sum(size for size, _ in done), "definitions": sum(count for _, count in done)}
    print(json.dumps({"seconds": took, "files": len(paths), **totals}))


if __name__ == "__main__":
    main()
