"""What of a long observation a model is shown: what speaks of failures, then the beginning and the end."""

import re

_TELLING = re.compile(
    r"\b(error|errors|fail|failed|failure|failures|panic|panicked|exception|traceback|fatal|assert\w*|undefined|"
    r"not found|no such|cannot|denied|expected|segmentation)\b|"
    r"Error\b|Exception\b|^E  |^--- FAIL|^not ok|\u2717|\u2715|\u00d7",
    re.IGNORECASE,
)
_UNTELLING = re.compile(r"\b(0|no) (errors?|fail(ed|ures?)?)\b|\bpassed\b.*\b0 failed\b", re.IGNORECASE)
_BEHIND = 3
"""Lines shown behind one that tells of a failure."""
_LINE_MAX = 400


def relevant(text: str, limit: int) -> str:
    """A long text within ``limit`` characters and a little more; one that is not too long stays as it is."""
    if len(text) <= limit:
        return text
    lines = [_short(line) for line in text.splitlines()]
    telling = _telling(lines, limit // 2)
    left = limit - sum(len(lines[at]) + 8 for at in telling)
    head = _within(lines, range(len(lines)), left // 2)
    tail = _within(lines, range(len(lines) - 1, head, -1), left // 2)
    first, last = head, len(lines) - tail
    if first >= last:
        return "\n".join(lines)
    inside = [at for at in telling if first <= at < last]
    told = "\n".join(f"{at + 1:5} {lines[at]}" for at in inside)
    speaks = (
        f"Of what is left out below, this speaks of failures (with line numbers):\n{told}\n\n" if told else ""
    )
    out = f"[… lines {first + 1} to {last} of {len(lines)} left out …]"
    return "\n".join(
        [f"{speaks}{lines[0]}" if lines[:first] else speaks.rstrip(), *lines[1:first], out, *lines[last:]]
    )


def _telling(lines: list[str], limit: int) -> list[int]:
    """The lines that tell of failures, each with those behind it, as far as there is room; the first ones first."""
    chosen: dict[int, None] = {}
    for at, line in enumerate(lines):
        if not _TELLING.search(line) or _UNTELLING.search(line):
            continue
        for near in range(at, min(at + 1 + _BEHIND, len(lines))):
            if near not in chosen:
                limit -= len(lines[near]) + 8
                if limit < 0:
                    return list(chosen)
                chosen[near] = None
    return list(chosen)


def _within(lines: list[str], order: range, limit: int) -> int:
    """How many lines in an order there is room for."""
    count = 0
    for at in order:
        limit -= len(lines[at]) + 1
        if limit < 0:
            break
        count += 1
    return count


def _short(line: str) -> str:
    if len(line) <= _LINE_MAX:
        return line
    return f"{line[: _LINE_MAX // 2]} [… {len(line) - _LINE_MAX} characters left out …] {line[-_LINE_MAX // 2 :]}"
