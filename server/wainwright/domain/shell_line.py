"""The commands of a shell line, wherever they stand in it: in lists, pipes, substitutions, loops, cases, functions.

Made for judging a line, not for running it: each command is a list of words, none is left out, and a line whose
commands cannot be told for sure raises ``Unclear``. What a word becomes when the shell expands it is not known:
such a word is not ``plain``. Where something is written to by a redirection, and which variables are set, is told in
the same way, as commands that are named ``>`` and ``=``.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple


class Unclear(Exception):
    """It cannot be told for sure what a line runs; the text says why."""


class Word(NamedTuple):
    """A word: what it says without its quotes, and whether that is all that it says."""

    text: str
    plain: bool = True


Argv = tuple[Word, ...]

DEPTH_MAX = 20
"""Substitutions in one another that are followed."""
_STARTERS = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "coproc"})
"""Words behind which a command begins."""
_ENDERS = frozenset({"fi", "done", "}"})
_UNREAD = frozenset({"esac", "select"})
WRITES, SETS = ">", "="
"""What is called so in place of a program: writing to the file that follows, setting the variables that follow."""
_CASE_ENDS = (";;", ";&")
_ESAC = re.compile(r"esac(?![^\s;&|()<>])")
_PAIR = re.compile(r"[ \t]*\([ \t]*\)")
_OPERATOR = re.compile(r"&&|\|\||\|&|[;&|\n]")
_REDIRECTION = re.compile(r"(?:\d+|\{\w+\})?(?P<way><<<|<<-?|>>|>\||>&|<&|<>|&>>|&>|>(?!\()|<(?!\())")
_HOME = re.compile(r"\$(?:HOME\b|\{HOME\})")
_DESCRIPTOR = re.compile(r"\d+-?|-")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(\[[^]]*\])?\+?=")
_RUN = re.compile(r"[\w./:,=@%+^]+|-+")
_QUOTED_RUN = re.compile(r'[^"\\$`]+')
_PART = re.compile(r"[{}]")
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
_HEX = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "v": "\v",
}


def commands(line: str) -> list[Argv]:
    """All commands of a line. Raises Unclear."""
    reader = _Reader(line)
    reader.read(end="")
    return reader.found


@dataclass
class _Reader:
    line: str
    depth: int = 0
    at: int = 0
    found: list[Argv] = field(default_factory=list)
    documents: list[tuple[str, bool]] = field(default_factory=list)
    """Ends of the here documents whose text begins on the next line, and whether it is expanded."""

    def read(self, end: str) -> None:
        """Read commands up to ``end``, which is taken as well."""
        argv: list[Word] = []
        while self.at < len(self.line):
            char = self.line[self.at]
            if self._is_at(end, argv):
                break
            if char in " \t" or self.line.startswith("\\\n", self.at):
                self.at += 2 if char == "\\" else 1
            elif char == "#":
                to = self.line.find("\n", self.at)
                self.at = len(self.line) if to < 0 else to
            elif redirection := _REDIRECTION.match(self.line, self.at):
                self._redirect(redirection)
            elif operator := _OPERATOR.match(self.line, self.at):
                self._end(argv)
                self._operate(operator[0])
            elif char == "(":
                self._open(argv)
            elif char == ")":
                raise Unclear("a bracket closes that was not opened")
            else:
                self._take(argv)
        if end:
            self._close(end, argv)
        self._end(argv)

    def _close(self, end: str, argv: list[Word]) -> None:
        if not self._is_at(end, argv):
            raise Unclear("something is not closed")
        if self.documents:
            raise Unclear("a here document begins where a bracket ends")
        self.at += len(end) if end != "esac" else 0

    def _is_at(self, end: str, argv: list[Word]) -> bool:
        """Whether what is read ends here; a case ends at its mark, or before the word that ends all cases."""
        if end == "esac":
            here = not argv and _ESAC.match(self.line, self.at)
            return bool(here) or self.line.startswith(_CASE_ENDS, self.at)
        return bool(end) and self.line.startswith(end, self.at) and (end == ")" or not argv)

    def _operate(self, operator: str) -> None:
        self.at += len(operator)
        if operator == ";" and self.line.startswith(";", self.at):
            raise Unclear("it chooses between cases")
        if operator == "\n":
            self._skip_documents()

    def _open(self, argv: list[Word]) -> None:
        pair = _PAIR.match(self.line, self.at)
        if pair and len(argv) == 1 and argv[0].plain:
            # A function: what it would run counts as run, and who calls it is judged by its name.
            self.at = pair.end()
            argv.clear()
            return
        if argv:
            raise Unclear("it is not known what a bracket opens")
        if self.line.startswith("((", self.at):
            raise Unclear("it reckons where a command could stand")
        self.at += 1
        self._inside(")")

    def _take(self, argv: list[Word]) -> None:
        """Take the next word; keywords are no part of a command."""
        raw_at = self.at
        word = self._word()
        raw = self.line[raw_at : self.at]
        if argv:
            argv.append(word)
        elif raw in _UNREAD:
            raise Unclear(f"`{raw}` is not looked into")
        elif raw == "case":
            self._case()
        elif raw == "function":
            self._function()
        elif raw == "for":
            argv += [word, Word("")]  # its words are none of a command
        elif raw == "[[":
            self._condition()
        elif _ASSIGNMENT.match(raw):
            self.found.append((Word(SETS), word))
        elif raw not in _STARTERS | _ENDERS:
            argv.append(word)

    def _function(self) -> None:
        self._blanks(" \t")
        if not self._word().text:
            raise Unclear("a function has no name")
        if pair := _PAIR.match(self.line, self.at):
            self.at = pair.end()

    def _case(self) -> None:
        """Take the commands of all cases, whichever is chosen."""
        self._blanks(" \t")
        self._word()
        self._blanks(" \t\n")
        if self._word() != Word("in"):
            raise Unclear("a case has no `in`")
        while True:
            self._blanks(" \t\n")
            if ends := _ESAC.match(self.line, self.at):
                self.at = ends.end()
                return
            self._patterns()
            inner = self._deeper(self.line)
            inner.at = self.at
            inner.read("esac")
            self.at = inner.at
            if self.line.startswith(_CASE_ENDS, self.at):
                self.at += 3 if self.line.startswith(";;&", self.at) else 2

    def _patterns(self) -> None:
        if self.line.startswith("(", self.at):
            self.at += 1
        while True:
            self._blanks(" \t")
            before = self.at
            self._word()
            self._blanks(" \t")
            after = self.line[self.at : self.at + 1]
            if after not in ("|", ")") or self.at == before:
                raise Unclear("a pattern of a case is not understood")
            self.at += 1
            if after == ")":
                return

    def _blanks(self, which: str) -> None:
        while self.at < len(self.line) and self.line[self.at] in which:
            self.at += 1

    def _list(self, before: str) -> None:
        """Take the words of a list that is assigned: what is substituted in them is run, the words are not."""
        if not _ASSIGNMENT.fullmatch(before):
            raise Unclear("it is not known what a bracket opens")
        self.at += 1
        while True:
            self._blanks(" \t\n")
            if self.line.startswith(")", self.at):
                self.at += 1
                return
            since = self.at
            self._word()
            if self.at == since:
                raise Unclear("a list is not understood")

    def _end(self, argv: list[Word]) -> None:
        if argv and argv[0].text != "for":
            self.found.append(tuple(argv))
        argv.clear()

    def _condition(self) -> None:
        """Skip a condition; what is run inside of its words is not."""
        while self.at < len(self.line):
            if self.line.startswith("]]", self.at):
                self.at += 2
                return
            if self.line[self.at] in " \t\n<>&|()!":
                self.at += 1
            else:
                self._word()
        raise Unclear("a condition is not closed")

    # ---- words

    def _word(self) -> Word:
        text, plain, since = "", True, self.at
        while self.at < len(self.line) and self.line[self.at] not in " \t\n;|&<>()":
            char = self.line[self.at]
            if char == "'":
                end = self._find("'", self.at + 1)
                text += self.line[self.at + 1 : end]
                self.at = end + 1
            elif char == '"':
                self.at += 1
                said, whole = self.double('"')
                text, plain = text + said, plain and whole
            elif char == "\\":
                text += self.line[self.at + 1 : self.at + 2].replace("\n", "")
                self.at += 2
            elif char in "$`":
                said, whole = self._expansion(char)
                text, plain = text + said, plain and whole
            elif run := _RUN.match(self.line, self.at):
                text += run[0]
                self.at = run.end()
            else:
                plain = plain and char not in "*?[{"
                text += self._other(char)
        plain = plain or text in ("[", "{}")
        if self.at < len(self.line) and self.line[self.at] in "<>" and self.line.startswith("(", self.at + 1):
            self.at += 2
            self._inside(")")
            return Word(text, plain=False)
        if self.line.startswith("(", self.at) and text.endswith("="):
            self._list(self.line[since : self.at])
            return Word(text, plain=False)
        return Word(text, plain)

    def _other(self, char: str) -> str:
        if char.isspace() or char == "\0":
            raise Unclear("it has a character that looks like a space and is none")
        self.at += 1
        return char

    def double(self, end: str) -> tuple[str, bool]:
        """Text in double quotes, or that of a here document: what it says, and whether that is all."""
        text, plain = "", True
        while self.at < len(self.line):
            char = self.line[self.at]
            if char == end:
                self.at += 1
                return text, plain
            if run := _QUOTED_RUN.match(self.line, self.at):
                text += run[0]
                self.at = run.end()
                continue
            if char in "$`":
                said, whole = self._expansion(char, quoted=True)
                text, plain = text + said, plain and whole
                continue
            if char == "\\" and self.line[self.at + 1 : self.at + 2] in ('"', "\\", "$", "`", "\n"):
                self.at += 1
                char = self.line[self.at].replace("\n", "")
            text += char
            self.at += 1
        if end:
            raise Unclear("a quote is not closed")
        return text, plain

    def _expansion(self, char: str, *, quoted: bool = False) -> tuple[str, bool]:
        """What the shell puts in place of something: what of it can be told, and whether it can."""
        after = self.line[self.at + 1 : self.at + 2]
        if char == "`":
            return self._backticks()
        if after == "'" and not quoted:
            return self._escaped(), True
        if after == '"' and not quoted:
            self.at += 1
            return "", True
        if self.line.startswith("$((", self.at):
            return self._skipped(self._find("))", self.at) + 2)
        if after == "(":
            self.at += 2
            self._inside(")")
            return "", False
        if home := _HOME.match(self.line, self.at):
            self.at = home.end()
            return "~", False
        if after == "{":
            return self._skipped(self._closing_brace())
        name = _NAME.match(self.line, self.at + 1)
        self.at += 1 + (len(name[0]) if name else 0)
        return ("", False) if name else ("$", True)

    def _skipped(self, end: int) -> tuple[str, bool]:
        """Skip what is reckoned, or a parameter that is expanded, if nothing is run in it."""
        inner = self.line[self.at + 2 : end]
        if "$(" in inner or "`" in inner or inner.endswith("@P}"):
            raise Unclear("something is put together that may be run")
        self.at = end
        return "", False

    def _closing_brace(self) -> int:
        """Where a parameter that is expanded ends."""
        depth = 0
        for brace in _PART.finditer(self.line, self.at):
            depth += 1 if brace[0] == "{" else -1
            if not depth:
                return brace.end()
        raise Unclear("something is not closed")

    def _escaped(self) -> str:
        """``$'...'``, with what its escapes say."""
        start = at = self.at + 2
        while self.line[at : at + 1] not in ("'", ""):
            at += 2 if self.line[at] == "\\" else 1
        if at >= len(self.line):
            raise Unclear("a quote is not closed")
        self.at = at + 1
        return _HEX.sub(_unescaped, self.line[start:at])

    def _backticks(self) -> tuple[str, bool]:
        at = self.at + 1
        while self.line[at : at + 1] not in ("`", ""):
            at += 2 if self.line[at] == "\\" else 1
        if at >= len(self.line):
            raise Unclear("a quote is not closed")
        self._deeper(re.sub(r"\\([$`\\])", r"\1", self.line[self.at + 1 : at])).read(end="")
        self.at = at + 1
        return "", False

    # ---- what lies within

    def _inside(self, end: str) -> None:
        inner = self._deeper(self.line)
        inner.at = self.at
        inner.read(end)
        self.at = inner.at

    def _deeper(self, line: str) -> "_Reader":
        if self.depth >= DEPTH_MAX:
            raise Unclear("too much lies in one another")
        return _Reader(line, self.depth + 1, found=self.found)

    def _find(self, text: str, since: int) -> int:
        found = self.line.find(text, since)
        if found < 0:
            raise Unclear("something is not closed")
        return found

    # ---- redirections

    def _redirect(self, found: re.Match[str]) -> None:
        self.at = found.end()
        while self.line[self.at : self.at + 1] in (" ", "\t"):
            self.at += 1
        start = self.at
        word = self._word()
        raw = self.line[start : self.at]
        if not raw:
            raise Unclear("a redirection leads nowhere")
        if found["way"] in ("<<", "<<-"):
            self.documents.append((word.text, raw == word.text))
        elif found["way"] not in ("<", "<<<", "<&") and not _DESCRIPTOR.fullmatch(raw):
            self.found.append((Word(WRITES), word))

    def _skip_documents(self) -> None:
        """Here documents: only what is substituted in them is run, unless a shell reads them."""
        for end, expanded in self.documents:
            lines = []
            while True:
                if self.at >= len(self.line):
                    break
                to = self.line.find("\n", self.at)
                to = len(self.line) if to < 0 else to
                one = self.line[self.at : to]
                self.at = to + 1
                if one.lstrip("\t") == end:
                    break
                lines.append(one)
            if expanded:
                self._deeper("\n".join(lines)).double(end="")
        self.documents.clear()


def _unescaped(found: re.Match[str]) -> str:
    said = found[1]
    if said[0] in "xuU" and len(said) > 1:
        return chr(min(int(said[1:], 16), 0x10FFFF))
    if said[0] in "01234567":
        return chr(int(said, 8) & 0xFF)
    return _LETTERS.get(said, said)
