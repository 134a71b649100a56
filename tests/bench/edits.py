"""Differences between texts, and edits put into them, in this process on both sides.

The text is source code of the first corpus; what is changed in it is drawn with a fixed seed.
"""

import random
from collections import Counter
from collections.abc import Iterator

from tests.bench.harness import OURS, Bar, Figure, Missing, Run, Setting, figure, interleave, timed

SIZES = (300, 2_000, 10_000, 50_000)
BLOCK = 12
LIBGIT2 = "libgit2 (pygit2)"
WINDOWS = "rapidfuzz, every window"


def texts(setting: Setting) -> Iterator[tuple[int, str]]:
    corpus = next(iter(setting.corpora.values()))
    for lines in SIZES:
        yield lines, corpus.text(lines)


def loops(text: str) -> int:
    """Calls to one sample, so that a sample takes some milliseconds."""
    return max(1, 800_000 // len(text))


def edited(text: str, share: float = 0.01) -> str:
    """The text with that share of its lines replaced, deleted or followed by a new one."""
    chance = random.Random(7)
    lines = text.splitlines(keepends=True)
    for at in sorted(chance.sample(range(len(lines)), int(len(lines) * share)), reverse=True):
        kind = chance.choice(("replace", "delete", "insert"))
        new = [f"    value_{at} = compute({chance.randrange(1000)})\n"]
        lines[at : at + 1] = {"replace": new, "delete": [], "insert": [lines[at], *new]}[kind]
    return "".join(lines)


def patched(old: str, new: str, hunks: list[tuple[int, int, int, int]]) -> str:
    """The old text with the hunks' lines put in: equal to the new text if the hunks are right."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for start, length, new_start, new_length in reversed(hunks):
        before[start : start + length] = after[new_start : new_start + new_length]
    return "".join(before)


def diff(setting: Setting) -> Iterator[Figure]:
    """Line differences, 1 % of the lines edited. Ours must rebuild the new text and be no longer than libgit2's."""
    for lines, old in texts(setting):
        yield one_diff(setting, f"line diff, {lines:,} lines", old, edited(old))


def one_diff(setting: Setting, name: str, old: str, new: str) -> Figure:
    notes: list[str] = []
    touched: dict[str, int] = {}

    def ours() -> Run:
        from wainwright.workspace.native import line_hunks

        hunks = [tuple(hunk) for hunk in line_hunks(old, new)]
        touched[OURS] = sum(gone + come for _, gone, _, come in hunks)
        if patched(old, new, hunks) != new:
            notes.append("the hunks do not give the new text")
        return timed(lambda: line_hunks(old, new), loops(old))

    def anchor() -> Run:
        setting.tools.libraries()
        from pygit2 import Patch

        touched[LIBGIT2] = sum(Patch.create_from(old, new, context_lines=0).line_stats[1:])
        return timed(lambda: Patch.create_from(old, new, context_lines=0), loops(old))

    samples = interleave({OURS: ours, LIBGIT2: anchor}, setting.runs(15))
    if len(touched) == 2 and touched[OURS] > 1.02 * touched[LIBGIT2]:
        notes.append(f"{touched[OURS]} lines differ; by libgit2, {touched[LIBGIT2]}")
    return figure(name, samples, LIBGIT2, Bar(0.6), right=not notes, notes=tuple(notes))


NEW = "    replaced = True\n"


def block_in(text: str) -> list[str]:
    """The first block after the middle of which most lines occur only there; its second line is to be replaced."""
    lines = text.splitlines(keepends=True)
    often = Counter(lines)
    for start in range(len(lines) // 2, len(lines) - BLOCK):
        block = lines[start : start + BLOCK]
        if often[block[1]] == 1 and sum(often[line] == 1 for line in block) > BLOCK // 2:
            return block
    raise Missing("a block of lines that cannot be mistaken for another")


def replaced(block: list[str]) -> str:
    return "".join([block[0], NEW, *block[2:]])


def apply(text: str, search: str, replace: str) -> str | None:
    """Ours: the new text, or None where the block is refused."""
    from wainwright.workspace.native import Applied, Edit, apply_edits

    done = apply_edits([Edit("search", "a", search, replace)], ["a"], {"a": text}.get)
    return done.changes["a"] if isinstance(done, Applied) else None


def exact(setting: Setting) -> Iterator[Figure]:
    """A search/replace block that is quoted exactly, through all of the applier."""
    for lines, text in texts(setting):
        block = block_in(text)
        search, replace = "".join(block), replaced(block)
        right = apply(text, search, replace) == text.replace(search, replace)
        sides = {
            OURS: lambda: timed(lambda: apply(text, search, replace), loops(text)),  # noqa: B023
            "str.replace": lambda: timed(lambda: text.replace(search, replace), loops(text)),  # noqa: B023
        }
        samples = interleave(sides, setting.runs(15))
        yield figure(f"exact block, {lines:,} lines", samples, "str.replace", Bar(0.02, "s"), right=right)


def misspelt(block: list[str]) -> list[str]:
    """The block with two letters exchanged in each of the two longest lines that are to stay."""
    lines = list(block)
    stay = [at for at in range(len(lines)) if at != 1]
    for at in sorted(stay, key=lambda at: (-len(lines[at]), at))[:2]:
        middle = len(lines[at]) // 2
        lines[at] = (
            lines[at][: middle - 1] + lines[at][middle] + lines[at][middle - 1] + lines[at][middle + 1 :]
        )
    return lines


def nearest_window(text: str, search: str) -> tuple[int, int]:
    """Where, in characters, the most similar run of lines is, by rapidfuzz over all of them."""
    from rapidfuzz import fuzz, process

    lines = text.splitlines(keepends=True)
    windows = ["".join(lines[start : start + BLOCK]) for start in range(len(lines) - BLOCK + 1)]
    _, _, at = process.extractOne(search, windows, scorer=fuzz.ratio)
    start = sum(map(len, lines[:at]))
    return start, start + len(windows[at])


def typo(setting: Setting) -> Iterator[Figure]:
    """A search/replace block with two lines misspelt that stay: put in its place, with the file's own lines there."""
    for lines, text in texts(setting):
        yield one_typo(setting, f"block with a typo, {lines:,} lines", text)


def one_typo(setting: Setting, name: str, text: str) -> Figure:
    block = block_in(text)
    quoted = misspelt(block)
    search, replace = "".join(quoted), replaced(quoted)
    start = text.index("".join(block))
    wanted = text[:start] + replaced(block) + text[start + len("".join(block)) :]
    came = apply(text, search, replace)
    notes = [] if came == wanted else ["refused" if came is None else "not put in as it should be"]

    def anchor() -> Run:
        setting.tools.libraries()

        def put() -> str:
            found, end = nearest_window(text, search)
            return text[:found] + replace + text[end:]

        if nearest_window(text, search)[0] != start:
            raise Missing("finds the wrong place")
        return timed(put)

    sides = {OURS: lambda: timed(lambda: apply(text, search, replace)), WINDOWS: anchor}
    samples = interleave(sides, setting.runs(9))
    return figure(name, samples, WINDOWS, Bar(0.3), right=not notes, notes=tuple(notes))
