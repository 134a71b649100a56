"""Anchor: aider's repository map of 8,000 tokens, for a tree of git-listed paths given on the input.

`aider_map.py ROOT CACHE` prints one line of JSON: seconds for the first map, and for a later request with other
words when nothing has changed, which is what each turn with aider pays. Tokens are counted as a quarter of the
characters, so that no tokenizer takes part.
"""

import json
import re
import sys
import time
from pathlib import Path

from aider.repomap import RepoMap
from diskcache import Cache

TOKENS = 8_000


class Console:
    """What aider wants of a terminal."""

    def tool_output(self, *_: object) -> None: ...

    tool_error = tool_warning = tool_output

    def read_text(self, name: str) -> str | None:
        try:
            return Path(name).read_text(errors="replace")
        except OSError:
            return None


class Model:
    def token_count(self, text: str) -> int:
        return len(text) // 4


class Map(RepoMap):
    """Keeps its cache outside the tree."""

    def load_tags_cache(self) -> None:
        self.TAGS_CACHE = Cache(sys.argv[2])


def ask(repository: Map, paths: list[str], words: str) -> float:
    began = time.perf_counter()
    text = repository.get_repo_map(
        set(), paths, mentioned_idents=set(re.findall(r"\w+", words)), force_refresh=True
    )
    took = time.perf_counter() - began
    if not text:
        raise SystemExit("aider made no map")
    return took


def main() -> None:
    root = Path(sys.argv[1]).resolve()
    paths = [str(root / path) for path in sys.stdin.read().splitlines()]
    repository = Map(map_tokens=TOKENS, root=str(root), main_model=Model(), io=Console())
    first = ask(repository, paths, "parse the configuration file")
    later = ask(repository, paths, "close the connection when the server stops")
    print(json.dumps({"first": first, "later": later}))


if __name__ == "__main__":
    main()
