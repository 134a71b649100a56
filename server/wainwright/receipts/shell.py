"""Shell lines, taken apart as far as is needed to find the test runners in them and to add to their words.

Only lists of simple commands are read (``a && b; c | d``, assignments, quotes, redirections, ``cd``). Whatever else a
shell can do (loops, functions, subshells, here documents) is left alone: the line is then run as it is.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from pathlib import PurePosixPath

_COMPOUND = frozenset(
    [
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "for",
        "while",
        "until",
        "do",
        "done",
        "case",
        "esac",
        "function",
        "select",
        "{",
        "}",
        "!",
        "[[",
        "set",
        "trap",
        "eval",
        "source",
        ".",
    ]
)
_OPERATOR = re.compile(r"&&|\|\||;|\|&|\||&|\n")
_REDIRECTION = re.compile(r"\d*(?:>>|>\||>&|<&|<>|&>>|&>|>|<)\s*")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=")


@dataclass(frozen=True)
class Word:
    """One word: as it is spelled in the line, and what it says when nothing in it is expanded."""

    raw: str
    text: str
    plain: bool = True
    """Nothing in it is expanded by the shell."""


@dataclass(frozen=True)
class Simple:
    """One simple command of a line."""

    start: int
    end: int
    assignments: tuple[Word, ...] = ()
    words: tuple[Word, ...] = ()
    redirections: tuple[str, ...] = ()
    folder: str = "."
    """Where it runs, relative to where the line does."""
    piped: bool = False
    """What it prints goes to another program."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The words without their quotes."""
        return tuple(word.text for word in self.words)

    @property
    def printed_elsewhere(self) -> bool:
        """What it prints does not arrive where the line prints."""
        return self.piped or any(re.match(r"1?>|&>", one) for one in self.redirections)

    def with_words(
        self, words: Sequence[str], env: Mapping[str, str], to: str = "", *, errors_too: bool = False
    ) -> str:
        """The command with other words; those that stay keep their spelling. ``to`` takes what it prints."""
        # First of the redirections, so that ``2>&1`` goes the same way.
        capture = [f">{shlex.quote(to)}", *(["2>&1"] if errors_too else [])] if to else []
        parts = [*self._assigned(env), *respelled(self.words, words), *capture, *self.redirections]
        return " ".join(parts)

    def _assigned(self, env: Mapping[str, str]) -> list[str]:
        """Assignments before the command; a value with ``${`` in it is meant to be expanded."""
        rest = dict(env)
        parts = []
        for word in self.assignments:
            name, _, value = word.raw.partition("=")
            added = rest.pop(name, None)
            if added is None:
                parts.append(word.raw)
            elif added.startswith("${"):
                own = added.partition("} ")[2] or added.partition("}")[2]
                parts.append(f"{name}={value}{shlex.quote(' ' + own)}")
            else:
                parts.append(f"{name}={shlex.quote(added)}")
        for name, value in rest.items():
            if value.startswith("${"):
                head, _, tail = value.partition("}")
                parts.append(f'{name}="{head}}}"{shlex.quote(tail)}')
            else:
                parts.append(f"{name}={shlex.quote(value)}")
        return parts


def respelled(before: Sequence[Word], after: Sequence[str]) -> list[str]:
    """New words, where those that were there before keep the spelling they had."""
    matcher = SequenceMatcher(None, [word.text for word in before], list(after), autojunk=False)
    spelled: list[str] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        spelled += [word.raw for word in before[a:b]] if kind == "equal" else map(shlex.quote, after[c:d])
    return spelled


@dataclass
class _Reader:
    line: str
    at: int = 0
    words: list[Word] = field(default_factory=list)

    def word(self) -> Word | None:
        """The word that begins here; None when the line holds what is not understood."""
        start, text, plain = self.at, "", True
        while self.at < len(self.line):
            char = self.line[self.at]
            if char in " \t\n;|&<>":
                break
            if char in "()`" or (char == "#" and self.at == start):
                return None
            if char == "'":
                end = self.line.find("'", self.at + 1)
                if end < 0:
                    return None
                text += self.line[self.at + 1 : end]
                self.at = end + 1
            elif char == '"':
                quoted = self._double()
                if quoted is None:
                    return None
                text += quoted
                plain = plain and "$" not in quoted
            elif char == "\\" and self.at + 1 < len(self.line):
                text += "" if self.line[self.at + 1] == "\n" else self.line[self.at + 1]
                self.at += 2
            else:
                if char == "$" and self.line[self.at : self.at + 2] == "$(":
                    return None
                plain = plain and char not in "$*?[{~"
                text += char
                self.at += 1
        return Word(self.line[start : self.at], text, plain)

    def _double(self) -> str | None:
        self.at += 1
        text = ""
        while self.at < len(self.line):
            char = self.line[self.at]
            if char == '"':
                self.at += 1
                return text
            if char == "`" or self.line.startswith("$(", self.at):
                return None
            if char == "\\" and self.line[self.at + 1 : self.at + 2] in ('"', "\\", "$", "`"):
                self.at += 1
                char = self.line[self.at]
            text += char
            self.at += 1
        return None


def simple_commands(line: str) -> tuple[Simple, ...]:
    """The simple commands of a line, in order; none when it holds more than lists of them."""
    try:
        found = tuple(_commands(line))
    except ValueError:
        return ()
    if any(one.words and one.words[0].raw in _COMPOUND for one in found):
        return ()
    folder, placed = PurePosixPath(), []
    for one in found:
        if one.texts[:1] == ("cd",) and not one.piped:
            if len(one.words) != 2 or not one.words[1].plain or one.texts[1].startswith(("/", "-")):
                return ()
            folder = folder / one.texts[1]
            continue
        if one.words:
            placed.append(replace(one, folder=_tidy(folder)))
    return tuple(placed)


def _tidy(folder: PurePosixPath) -> str:
    parts: list[str] = []
    for part in folder.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts) or "."


def _commands(line: str) -> Iterator[Simple]:
    reader = _Reader(line)
    current, opened = Simple(0, 0), False
    while reader.at < len(line):
        if line[reader.at] in " \t" or line.startswith("\\\n", reader.at):
            reader.at += 2 if line[reader.at] == "\\" else 1
            continue
        if line.startswith("<<", reader.at):
            raise ValueError("here document")
        redirection = _REDIRECTION.match(line, reader.at)
        operator = None if redirection else _OPERATOR.match(line, reader.at)
        if operator is not None:
            if opened:
                yield replace(current, piped=operator.group() in ("|", "|&"))
            current, opened = Simple(operator.end(), operator.end()), False
            reader.at = operator.end()
            continue
        start = reader.at
        if not opened:
            current, opened = Simple(start, start), True
        if redirection is not None:
            reader.at = redirection.end()
        word = reader.word()
        if word is None or (not word.raw and redirection is None):
            raise ValueError("not understood")
        current = _grown(current, word, line[start : reader.at] if redirection else "", reader.at)
    if opened:
        yield current


def _grown(current: Simple, word: Word, redirection: str, end: int) -> Simple:
    if redirection:
        return replace(current, redirections=(*current.redirections, redirection), end=end)
    if not current.words and _ASSIGNMENT.match(word.raw):
        return replace(current, assignments=(*current.assignments, word), end=end)
    if not current.words and not current.assignments and word.raw.isdigit():
        raise ValueError("a number is no command")
    return replace(current, words=(*current.words, word), end=end)


def put_together(line: str, commands: Sequence[tuple[Simple, str]]) -> str:
    """``line`` with the named simple commands replaced."""
    for one, text in sorted(commands, key=lambda pair: -pair[0].start):
        line = line[: one.start] + text + line[one.end :]
    return line
