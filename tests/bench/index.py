"""The index: from nothing, reopened, after an edit, asked for a word; its memory and its bytes on disk.

Where a start is measured, ours runs in a process of its own (`subject.py`), so that nothing is warm but the
page cache, which is as warm for the anchors. What an interpreter needs to begin is left out on both sides; an
anchor that is a program is timed whole, for that is what its user waits for.
"""

import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tests.bench.corpora import Corpus
from tests.bench.harness import (
    OURS,
    Bar,
    Figure,
    Missing,
    Run,
    Samples,
    Setting,
    figure,
    interleave,
    p99,
    show,
    timed,
)
from tests.bench.subject import CORES, Subject
from tests.bench.tools import quietly

HERE = Path(__file__).parent
READ = "rg, reading every file"
TAGS = "ctags, definitions"
TREE_SITTER = f"tree-sitter parse + tags, {CORES} processes"
STATUS = "git status"
INCREMENTAL = "tree-sitter, incremental"
QUERY = "rg -w -F, the process"
CINDEX = "codesearch (cindex)"
NOWHERE = "zqxjkvwpfgh"
FIRST = 100
SOURCE = (".py", ".go", ".js", ".ts", ".rs", ".java", ".c")


def large(setting: Setting) -> Corpus:
    """The larger of the trees."""
    return max(setting.corpora.values(), key=lambda corpus: len(corpus.paths))


def subject(*arguments: str | Path) -> dict[str, float]:
    """Our side in a new process; it prints what it measured."""
    command = [sys.executable, "-m", "tests.bench.subject", *map(str, arguments)]
    ended = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Missing((ended.stderr.strip().splitlines() or ["no message"])[-1])
    return json.loads(ended.stdout)


def program(*command: str | Path, cwd: Path, code: int = 0) -> Run:
    """The wall time of a program from its start to its end, its output thrown away."""

    def run() -> float:
        began = time.perf_counter()
        nothing = subprocess.DEVNULL
        ended = subprocess.run(command, cwd=cwd, stdin=nothing, stdout=nothing, stderr=nothing, check=False)
        took = time.perf_counter() - began
        if ended.returncode != code:
            raise Missing(f"{command[0]} ended with {ended.returncode}")
        return took

    return run


def cold(setting: Setting, corpus: Corpus, tier: str, told: dict[str, float] | None = None) -> Run:
    """Index from nothing until a tier is ready, in seconds since the index was opened; `told` has all of it."""
    numbers = iter(range(10**6))

    def run() -> float:
        cache = setting.scratch / f"cold-{corpus.name}-{tier}-{next(numbers)}"
        measured = subject("cold", corpus.root, cache, tier)
        quietly("rm", "-rf", cache)
        if told is not None:
            told.update(measured)
        return measured[tier]

    return run


def kept(setting: Setting, corpus: Corpus) -> tuple[Path, dict[str, float]]:
    """The cache folder of a complete index, made once in a run, and what its making measured."""
    cache = setting.scratch / f"kept-{corpus.name}"
    measured = cache.with_suffix(".json")
    if not measured.exists():
        measured.write_text(json.dumps(subject("cold", corpus.root, cache, "structural")))
    return cache, json.loads(measured.read_text())


def rg_reads(setting: Setting, corpus: Corpus) -> Run:
    """Anchor: every file of the tree read to its end, for a word that is nowhere."""
    options = (f"-j{CORES}", "--hidden", "-g", "!.git", "-c", NOWHERE, ".")
    return program(setting.tools.program("rg"), *options, cwd=corpus.root, code=1)


def lexical(setting: Setting) -> Iterator[Figure]:
    """From nothing until search, definitions and the file graph answer."""
    for corpus in setting.corpora.values():
        bar = Bar(6.0 if corpus.large else 4.0)
        yield from tiers(setting, corpus, f"lexical tier ready, {corpus.name}", bar)


def tiers(setting: Setting, corpus: Corpus, name: str, bar: Bar) -> Iterator[Figure]:
    def tags() -> Run:
        into = setting.scratch / f"tags-{corpus.name}"
        ctags = setting.tools.program("ctags")
        return program(ctags, "-R", "--exclude=.git", "-f", into, ".", cwd=corpus.root)

    samples = interleave(
        {OURS: lambda: cold(setting, corpus, "lexical"), READ: lambda: rg_reads(setting, corpus)},
        setting.runs(7),
    )
    yield figure(name, samples, READ, bar)
    beside = interleave({TAGS: tags}, setting.runs(3))
    yield figure(name, Samples(samples.taken | beside.taken, beside.reasons), TAGS)


def structural(setting: Setting) -> Iterator[Figure]:
    """From nothing until every file's definitions, references and imports are in."""
    for corpus in setting.corpora.values():
        yield one_structural(setting, corpus)


def one_structural(setting: Setting, corpus: Corpus) -> Figure:
    theirs: dict[str, float] = {}
    mine: dict[str, float] = {}

    def anchor() -> Run:
        command = [setting.tools.python(), HERE / "anchors" / "tags.py", corpus.root, str(CORES)]
        listed = "\n".join(corpus.paths)

        def run() -> float:
            ended = subprocess.run(command, input=listed, capture_output=True, text=True, check=True)
            theirs.update(json.loads(ended.stdout))
            return theirs["seconds"]

        return run

    sides = {OURS: lambda: cold(setting, corpus, "structural", mine), TREE_SITTER: anchor}
    samples = interleave(sides, setting.runs(3 if corpus.large else 7), warm=0)
    notes = [
        "the anchor has Python, Go, JavaScript and TypeScript files below 1 MB; ours is timed with the lexical tier"
    ]
    for side, count, size in (
        (OURS, mine.get("parsed_files"), mine.get("parsed_bytes")),
        (TREE_SITTER, theirs.get("files"), theirs.get("bytes")),
    ):
        if count and size:
            notes.append(f"{side}: {count:,} files, {size / 1e6:.0f} MB parsed")
    return figure(
        f"structural tier complete, {corpus.name}", samples, TREE_SITTER, Bar(1.1), notes=tuple(notes)
    )


def reopen(setting: Setting) -> Iterator[Figure]:
    """A second start, nothing changed: from opening until the tree is known to be as it was indexed."""
    for corpus in setting.corpora.values():
        yield one_reopen(setting, corpus)


def one_reopen(setting: Setting, corpus: Corpus) -> Figure:
    def ours() -> Run:
        cache, _ = kept(setting, corpus)
        return lambda: subject("reopen", corpus.root, cache)["ready"]

    status = program("git", "status", "--porcelain", cwd=corpus.root)
    samples = interleave({OURS: ours, STATUS: lambda: status}, setting.runs(9))
    return figure(f"second start, {corpus.name}", samples, STATUS, Bar(1.5))


def buffer(corpus: Corpus) -> tuple[str, str]:
    """Path and text of the Go or Python file of many functions whose size is nearest to 30 kB."""
    sources = [path for path in corpus.paths if path.endswith((".go", ".py"))]
    for path in sorted(sources, key=lambda path: (abs((corpus.root / path).stat().st_size - 30_000), path)):
        text = (corpus.root / path).read_text(errors="replace")
        if len(places(text)) >= 10:
            return path, text
    raise Missing("a Go or Python file with ten functions")


def function(path: str, name: str) -> str:
    return (
        f"func {name}() int {{ return 1 }}\n\n"
        if path.endswith(".go")
        else f"def {name}():\n    return 1\n\n\n"
    )


def places(text: str) -> list[int]:
    """Where a function may be put in: before every function at the outer level."""
    return [found.start() for found in re.finditer(r"^func \w|^def \w|^class \w", text, re.MULTILINE)]


def edit(setting: Setting) -> Iterator[Figure]:
    """A function is typed into an open buffer; until a query for its name finds it."""
    corpus = large(setting)
    path, text = buffer(corpus)
    where = places(text)

    def texts() -> Iterator[tuple[str, str, int]]:
        chance = random.Random(5)
        for number in range(10**6):
            name, at = f"BenchAdds{number}", chance.choice(where)
            yield name, text[:at] + function(path, name) + text[at:], at

    def ours() -> Run:
        cache, _ = kept(setting, corpus)
        index = Subject(corpus.root, cache)
        versions = texts()

        def run() -> float:
            name, changed, _ = next(versions)
            began = time.perf_counter()
            index.edit(path, changed)
            found = index.defined(name)
            took = time.perf_counter() - began
            if found != [path]:
                raise Missing(f"{name} was not found after the edit")
            return took

        return run

    def anchor() -> Run:
        setting.tools.libraries()
        return reparse(path, text, texts())

    rounds = 30 if setting.quick else 300
    samples = interleave({OURS: ours, INCREMENTAL: anchor}, rounds, warm=10)
    name = f"edit visible to a query, {len(text.encode()) / 1000:.0f} kB buffer, {corpus.name}"
    yield figure(name, samples, INCREMENTAL, Bar(0.003, "s"))
    yield figure(f"{name}, p99", samples, INCREMENTAL, Bar(0.015, "s"), of=p99)


def reparse(path: str, text: str, versions: Iterator[tuple[str, str, int]]) -> Run:
    """Anchor: parse again what changed, from the same text each time, and run the tags query over that."""
    import tree_sitter_go
    import tree_sitter_python
    from tree_sitter import Language, Parser, Query, QueryCursor

    grammar = tree_sitter_go if path.endswith(".go") else tree_sitter_python
    language = Language(grammar.language())
    parser, cursor = Parser(language), QueryCursor(Query(language, grammar.TAGS_QUERY))
    before = parser.parse(text.encode())

    def point(source: bytes, at: int) -> tuple[int, int]:
        return source.count(b"\n", 0, at), at - (source.rfind(b"\n", 0, at) + 1)

    def run() -> float:
        _, changed, characters = next(versions)
        tree, source = before.copy(), changed.encode()
        at = len(text[:characters].encode())
        end = at + len(source) - len(text.encode())
        began = time.perf_counter()
        here = point(source, at)
        tree.edit(at, at, end, here, here, point(source, end))
        after = parser.parse(source, tree)
        for changed_range in tree.changed_ranges(after):
            cursor.set_byte_range(changed_range.start_byte, changed_range.end_byte)
            cursor.captures(after.root_node)
        return time.perf_counter() - began

    return run


WORD = re.compile(rb"(?<!\w)[A-Za-z_]\w{3,39}(?!\w)")


def spread(corpus: Corpus, each: int) -> dict[str, list[str]]:
    """Words of the tree's source code by how many of the files have them; always the same ones."""
    sources = [path for path in corpus.paths if path.endswith(SOURCE)]
    sampled = sources[:: max(1, len(sources) // 1_500)]
    found: Counter[str] = Counter()
    for path in sampled:
        found.update(word.decode() for word in set(WORD.findall((corpus.root / path).read_bytes())))
    shares = {"rare": (0.0, 0.001), "middling": (0.005, 0.05), "common": (0.1, 1.0)}
    chance = random.Random(11)
    drawn = {}
    for name, (least, most) in shares.items():
        low, high = least * len(sampled), max(1.0, most * len(sampled))
        words = sorted(word for word, count in found.items() if low < count <= high)
        drawn[name] = chance.sample(words, min(each, len(words)))
    return drawn


def rg_hits(rg: str, corpus: Corpus, word: str) -> tuple[float, list[tuple[str, int]]]:
    """Seconds, and path and line of every hit, in order."""
    command = [rg, "-w", "-F", "-n", "--null", "--no-heading", "--color=never", "-e", word, "."]
    began = time.perf_counter()
    out = subprocess.run(command, cwd=corpus.root, capture_output=True, check=False).stdout
    took = time.perf_counter() - began
    hits = []
    for line in out.split(b"\n"):
        path, mark, rest = line.partition(b"\0")
        if mark:
            hits.append((path.removeprefix(b"./").decode(), int(rest.partition(b":")[0])))
    return took, sorted(hits)


def by_path(hits: list[tuple[str, int]]) -> list[tuple[str, list[int]]]:
    """Path and lines of sorted hits."""
    grouped = groupby(hits, key=lambda hit: hit[0])
    return [(path, [line for _, line in of_path]) for path, of_path in grouped]


def query(setting: Setting) -> Iterator[Figure]:
    """Where a word is, for words from rare to common: every line, the first hundred, the files. As rg tells it."""
    corpus = large(setting)
    words = spread(corpus, 3 if setting.quick else 15)
    rg = setting.tools.program("rg")
    every = [(kind, word, *rg_hits(rg, corpus, word)) for kind, drawn in words.items() for word in drawn]
    seconds = [took for _, _, took, _ in every]
    try:
        cache, _ = kept(setting, corpus)
        index = Subject(corpus.root, cache)
    except Missing as error:
        yield figure(f"word query, {corpus.name}", Samples({QUERY: seconds}, [f"{OURS}: {error}"]), QUERY)
        return
    questions = {
        "every line": (index.places, by_path),
        f"first {FIRST} lines with their text": (
            lambda word: index.lines(word, FIRST),
            lambda hits: hits[:FIRST],
        ),
        "files": (index.files, lambda hits: sorted({path for path, _ in hits})),
    }
    for name, (ask, wanted) in questions.items():
        notes: list[str] = []
        taken: dict[str, list[float]] = {}
        for kind, word, _, hits in every:
            if (found := ask(word)) != wanted(hits):
                notes.append(f"{word}: {len(found):,} hits, rg has {len(wanted(hits)):,}")
            timing = timed(lambda ask=ask, word=word: ask(word))
            taken.setdefault(kind, []).append(statistics.median(timing() for _ in range(7)))
        right = not notes
        kinds = ", ".join(f"{kind} {show(statistics.median(times), 's')}" for kind, times in taken.items())
        samples = Samples({OURS: [one for times in taken.values() for one in times], QUERY: seconds}, [])
        title = f"word query, {name}, {len(every)} words, {corpus.name}"
        yield figure(
            title, samples, QUERY, Bar(0.0005, "s"), right=right, notes=(f"medians: {kinds}", *notes)
        )


def cindex(setting: Setting, corpus: Corpus) -> tuple[float, float]:
    """Anchor: bytes at the peak of memory and on disk of a trigram index."""
    into = setting.scratch / f"csearch-{corpus.name}"
    environment = {**os.environ, "CSEARCHINDEX": str(into)}
    with subprocess.Popen(
        [setting.tools.program("cindex"), corpus.root],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    return 1024 * usage.ru_maxrss, into.stat().st_size


def indexed_text(corpus: Corpus) -> int:
    """Bytes of the files that are text, by what git and rg go by: no NUL at the beginning."""
    total = 0
    for path in corpus.paths:
        body = (corpus.root / path).read_bytes()
        total += 0 if b"\0" in body[:8192] else len(body)
    return total


def memory(setting: Setting) -> Iterator[Figure]:
    """Memory of a process that has indexed everything, interpreter included, and what is kept on disk."""
    corpus = large(setting)
    taken: dict[str, dict[str, list[float]]] = {"resident": {}, "peak": {}, "disk": {}}
    reasons: list[str] = []
    try:
        _, measured = kept(setting, corpus)
        for name, values in taken.items():
            values[OURS] = [measured[name]]
        reasons.append(f"of which before the index was opened: {measured['before'] / 1e6:.0f} MB")
    except Missing as error:
        reasons.append(f"{OURS}: {error}")
    try:
        peak, disk = cindex(setting, corpus)
        taken["resident"][CINDEX] = taken["peak"][CINDEX] = [peak]
        reasons.append(f"{CINDEX} keeps {disk / 1e6:.0f} MB on disk")
    except Missing as error:
        reasons.append(f"{CINDEX}: {error}")
    taken["disk"]["the indexed text"] = [indexed_text(corpus)]
    name = f"index of {corpus.name}"
    resident = Samples(taken["resident"], reasons)
    yield figure(f"memory, {name}, resident", resident, CINDEX, Bar(160e6, "B"), unit="B")
    yield figure(f"memory, {name}, peak", Samples(taken["peak"], []), CINDEX, Bar(300e6, "B"), unit="B")
    yield figure(f"disk, {name}", Samples(taken["disk"], []), "the indexed text", Bar(0.25), unit="B")
