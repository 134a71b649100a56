"""Somebody types while edits come. Each piece of text has a name of its own, so that none is lost or doubled unseen.

A piece is ``<b1>`` where it was there from the start, ``<h2>`` where the person typed it, ``<a3>`` where it came with
an edit. What should be in the document is known at every moment: what was typed and not deleted again, and what came
with edits that are said to have been applied, whole or in part.
"""

import asyncio
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from editors import FakeEditor, IntelliJ

PIECE = re.compile("<[bha]\\d+>")
SPOILED = "look at it before you save"
"""What is said of a text that may not be as it should be."""
WORDS = ("sum", "Größe", "🙂", "x = 1", "\u2028", "数", "  indented", "\tb")


@dataclass(frozen=True)
class Edit:
    """What an agent wants of the document, made against a text of it that may be an old one."""

    before: str
    after: str
    brings: frozenset[str]
    takes: frozenset[str]
    back: bool = False
    """Whether it takes back an earlier one."""


@dataclass
class Report:
    """What was seen: how edits ended, and what is not as it should be."""

    ended: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    """Pieces of the person's that are gone."""
    silent: list[str] = field(default_factory=list)
    """Documents that are not as they should be, of which the outcome says nothing."""


class Desk:
    """One document in an editor, a person who types in it, and an agent."""

    def __init__(self, editor: FakeEditor, path: Path, rng: random.Random, report: Report) -> None:
        self._editor, self._path, self._rng, self._report = editor, path, rng, report
        self._numbers = count(1)
        self._end = rng.choice(("\n", "\n", "\r\n"))
        lines = [self._line("b") for _ in range(rng.randint(3, 14))]
        text = self._end.join(lines) + rng.choice((self._end, ""))
        self._live = set(PIECE.findall(text))
        """What should be there."""
        self._deleted: set[str] = set()
        """What the person has deleted."""
        self._later: list[Edit] = []
        """The rest of what was accepted in part, and ways back."""
        self._untouchable: frozenset[str] = frozenset()
        """What the person does not delete now."""
        path.write_bytes(text.encode())
        editor.open(path, text)

    async def work(self, edits: int) -> None:
        """So many edits, with whatever the person does before, meanwhile and afterwards."""
        # A version of 0 is none to Neovim: the first edit of a text that nobody has changed since it was opened is
        # put over what it has not told of yet, and no server hears of that.
        self._add()
        await self._editor.told()
        for _ in range(edits):
            for _ in range(self._rng.randint(0, 2)):
                self._do_something()
            base = self._heard if self._rng.random() < 0.7 else self._stale()
            if not await self._edit(self._next(base)):
                break
        self._editor.close(self._path)

    # the person

    @property
    def _text(self) -> str:
        return self._editor.text(self._path)

    def _stale(self) -> str:
        """The text as an agent may still have it: what somebody did to it since is not in it."""
        text = self._heard
        self._do_something()
        return text

    @property
    def _heard(self) -> str:
        """The text as an agent has it: what nobody has told of yet is not in it."""
        return self._editor.told_text(self._path)

    def _line(self, who: str) -> str:
        return f"{self._rng.choice(WORDS)} <{who}{next(self._numbers)}> {self._rng.choice(WORDS)}"

    def _do_something(self) -> None:
        self._rng.choice(
            (self._type, self._type, self._add, self._add, self._delete, self._format, self._save)
        )()

    def _lines(self) -> list[str]:
        """The lines of the document as the person sees them now."""
        return re.findall(r"[^\r\n]*(?:\r\n|\n)|[^\r\n]+", self._text)

    def _changed(self, lines: list[str]) -> None:
        seen, now = set(PIECE.findall(self._text)), "".join(lines)
        there = set(PIECE.findall(now))
        self._deleted |= seen - there
        self._live = (self._live - (seen - there)) | (there - seen)
        self._editor.change(f"file://{self._path}", now)

    def _type(self) -> None:
        lines = self._lines()
        if lines:
            at = self._rng.randrange(len(lines))
            content = lines[at].rstrip("\r\n")
            lines[at] = f"{content}<h{next(self._numbers)}>{lines[at][len(content) :]}"
            self._changed(lines)

    def _add(self) -> None:
        lines = self._lines()
        at = self._rng.randint(0, len(lines))
        if at and not lines[at - 1].endswith("\n"):
            at -= 1
        lines.insert(at, self._line("h") + self._end)
        self._changed(lines)

    def _delete(self) -> None:
        lines = self._lines()
        at = self._rng.randrange(len(lines)) if len(lines) > 1 else None
        if at is not None and not self._untouchable & set(PIECE.findall(lines[at])):
            del lines[at]
            self._changed(lines)

    def _format(self) -> None:
        """A formatter goes over some lines, as it does when somebody saves."""
        lines = self._lines()
        odd = self._rng.randrange(3)
        for at, line in enumerate(lines):
            content = line.rstrip("\r\n")
            if at % 3 == odd:
                lines[at] = content.rstrip() + line[len(content) :]
        self._changed(lines)
        self._save()

    def _save(self) -> None:
        self._path.write_bytes(self._text.encode())
        self._editor.client.notify("textDocument/didSave", {"textDocument": {"uri": f"file://{self._path}"}})

    # the agent

    def _next(self, base: str) -> Edit:
        if self._later and self._rng.random() < 0.5:
            return self._later.pop()
        lines = re.findall(r"[^\r\n]*(?:\r\n|\n)|[^\r\n]+", base)
        hunks = sorted(self._rng.sample(range(len(lines)), min(len(lines), self._rng.randint(1, 3))))
        changes = {at: self._hunk(lines[at]) for at in hunks}
        accepted = {at for at in hunks if self._rng.random() < 0.7} or {hunks[0]} if hunks else set()
        part = "".join(changes[at] if at in accepted else line for at, line in enumerate(lines))
        whole = "".join(changes.get(at, line) for at, line in enumerate(lines))
        first = self._between(base, part)
        if part != whole:
            self._later.append(self._between(part, whole))
        if self._rng.random() < 0.3:
            self._later.append(self._between(part, base, back=True))
        return first

    def _hunk(self, line: str) -> str:
        content = line.rstrip("\r\n")
        end = line[len(content) :] or self._end
        match self._rng.randrange(4):
            case 0:
                return ""
            case 1:
                return f"{content}<a{next(self._numbers)}>{line[len(content) :]}"
            case 2:
                return f"{self._line('a')}{end}{line}"
            case _:
                return f"{content}{end}{self._line('a')}{line[len(content) :]}"

    def _between(self, before: str, after: str, *, back: bool = False) -> Edit:
        old, new = set(PIECE.findall(before)), set(PIECE.findall(after))
        return Edit(before, after, frozenset(new - old), frozenset(old - new), back)

    async def _edit(self, edit: Edit) -> bool:
        """Whether all is as it should be, so that it can go on."""
        meanwhile = [asyncio.create_task(self._soon()) for _ in range(self._rng.randint(0, 2))]
        if self._rng.random() < 0.3:
            self._editor.before_apply = self._once(self._do_something)
        if isinstance(self._editor, IntelliJ):
            # Whoever deletes the very line that an edit deletes, where no version is looked at, loses the next one
            # too: to a server that looks like the edit, and then a line deleted by hand.
            self._untouchable = edit.takes
        asked = {"path": str(self._path), "before": edit.before, "after": edit.after}
        told = await self._editor.client.command("probe.apply", edits=[asked], back=edit.back)
        await asyncio.gather(*meanwhile)
        self._editor.before_apply, self._untouchable = lambda: None, frozenset()
        await self._editor.told()
        outcome = told["files"][self._path.name]
        self._report.ended["applied" if outcome["applied"] else outcome["reason"]] += 1
        return self._judge(edit, outcome)

    async def _soon(self) -> None:
        await asyncio.sleep(self._rng.random() * 0.03)
        self._do_something()

    def _once(self, act: Any) -> Any:
        def do() -> None:
            self._editor.before_apply = lambda: None
            act()

        return do

    def _judge(self, edit: Edit, outcome: dict[str, Any]) -> bool:
        there = Counter(PIECE.findall(self._text))
        wanted = self._live
        if outcome["applied"]:
            # What was deleted by hand, and by an edit that is taken back, may be there again or not.
            again = set(there) if edit.back else set()
            wanted = (wanted | (edit.brings - (self._deleted - again))) - edit.takes
        wrong = Counter(wanted) != there
        own = {piece for piece in self._live if piece[1] == "h"} - edit.takes
        if lost := {piece for piece in own if not there[piece]}:
            self._report.lost.append(f"{self._path.name}: {sorted(lost)} after {outcome}")
        if wrong and SPOILED not in outcome["reason"]:
            left, more = Counter(wanted) - there, there - Counter(wanted)
            self._report.silent.append(f"{self._path.name}: without {sorted(left)}, with {sorted(more)}")
        self._report.ended["not as it should be, and said so"] += wrong and not outcome["applied"]
        self._live = wanted
        return not wrong


async def interleavings(editor: FakeEditor, folder: Path, many: int, seed: int) -> Report:
    """So many edits with a person who types; what came of them."""
    report = Report()
    await editor.client.command("probe.hurry")
    for number in range(-(-many // 5)):
        desk = Desk(editor, folder / f"{seed}-{number}.txt", random.Random(f"{seed}-{number}"), report)
        await desk.work(5)
    return report
