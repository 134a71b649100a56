"""What a model is shown: the context for a goal, hot, beside aider's repository map of the same size."""

import json
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.corpora import Corpus
from tests.bench.harness import OURS, Bar, Figure, Missing, Samples, Setting, figure
from tests.bench.index import kept
from tests.bench.subject import Subject

ANCHOR = Path(__file__).with_name("anchors") / "aider_map.py"
AIDER = "aider, re-rank, once"
TOKENS = 8_000
CODE = (".py", ".go", ".js", ".ts", ".tsx", ".rs", ".java", ".c", ".h", ".cc", ".rb", ".php")
PATIENCE_S = 1_200
GOALS = (
    "Close the connection when the server stops",
    "Validation error message is wrong for an empty field",
    "Support a timeout option in the client and retry when it is exceeded",
    "Cache headers are not set on a not modified response",
    "Parsing of a date with time zone fails",
    "The default value of a flag is ignored when a configuration file sets it",
    "Volume is not unmounted after the pod was deleted",
)


def context(setting: Setting) -> Iterator[Figure]:
    """From a goal to ranked files and functions, packed into 8,000 tokens, with the index open."""
    for corpus in setting.corpora.values():
        reasons: list[str] = []
        taken: dict[str, list[float]] = {}
        try:
            taken[OURS] = ours(setting, corpus)
        except (Missing, ImportError, AttributeError) as error:
            reasons.append(f"{OURS}: {error}")
        try:
            taken[AIDER] = aider(setting, corpus)
        except Missing as error:
            reasons.append(f"{AIDER}: {error}")
        bar = Bar(0.040 if corpus.large else 0.010, "s")
        yield figure(f"context of 8k tokens, {corpus.name}", Samples(taken, reasons), AIDER, bar)


def ours(setting: Setting, corpus: Corpus) -> list[float]:
    """The median for each goal."""
    cache, _ = kept(setting, corpus)
    index = Subject(corpus.root, cache)
    medians = []
    for goal in GOALS:
        index.context(goal, TOKENS)
        times = []
        for _ in range(setting.runs(7)):
            began = time.perf_counter()
            shown = index.context(goal, TOKENS)
            times.append(time.perf_counter() - began)
            if not shown:
                raise Missing(f"nothing was found for: {goal}")
        medians.append(statistics.median(times))
    return medians


def aider(setting: Setting, corpus: Corpus) -> list[float]:
    """One later request, as each turn pays; the first map, which takes longer, is made before and not counted."""
    if setting.quick:
        raise Missing("left out, it takes minutes")
    cache = setting.scratch / f"aider-{corpus.name}"
    listed = "\n".join(path for path in corpus.paths if path.endswith(CODE))
    command = [setting.tools.aider(), ANCHOR, corpus.root, cache]
    try:
        ended = subprocess.run(
            command, input=listed, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"not done after {PATIENCE_S} s") from None
    if ended.returncode:
        raise Missing((ended.stderr.strip().splitlines() or ["no message"])[-1])
    return [json.loads(ended.stdout)["later"]]
