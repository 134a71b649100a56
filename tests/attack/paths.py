"""Two grounds on which paths are tried: a task's tree, where agents read and write, and the person's own folder.

Beside each lie what nobody may touch and a home with a key. A door is one way of the product to a file; which of them
a case tries is part of the case. On the weak build the native boundary and the words against paths are gone.
"""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lsprotocol import types
from tests.attack.cases import Case, Seen
from tests.attack.observers import Canaries, Outside
from tests.fixtures.bench import RUN, Bench

from wainwright import _native, regular
from wainwright.agents import answers
from wainwright.agents.saying import seen as as_a_model_sees_it
from wainwright.domain import changes
from wainwright.domain.changes import Changeset, FileChange
from wainwright.domain.errors import WainwrightError
from wainwright.engine import editing
from wainwright.engine.editing import Editing, TextChange
from wainwright.lsp.connection.capabilities import ClientProfile
from wainwright.lsp.connection.session import Reply
from wainwright.lsp.documents.buffers import Buffers
from wainwright.lsp.documents.own import read_text
from wainwright.lsp.documents.positions import local_path, uri_from_path
from wainwright.lsp.edits import apply as editor
from wainwright.lsp.edits import delivery
from wainwright.lsp.edits.delivery import Delivery
from wainwright.lsp.edits.edit import FileEdit
from wainwright.sandbox.protocol import Sandbox
from wainwright.tools import files, toolbox
from wainwright.tools.files import LIST, READ, SEARCH
from wainwright.tools.shell import SHELL
from wainwright.workspace.native import fsops
from wainwright.workspace.repository import Repository

INSIDE = {"calc.py": "x = 1\n", "sub/deep/a.txt": "deep\n", "test_calc.py": "assert True\n"}
AFTER = "written by a model\n"
Tried = tuple[bool, str]
"""Whether it went through, and what was said."""


@dataclass(frozen=True)
class Ground:
    """A folder that no path may leave, and what lies around it."""

    root: Path
    out: Path
    home: Path

    @property
    def victim(self) -> Path:
        return self.out / "victim"

    def path(self, written: str) -> str:
        """A path as a case has it, with the places of this ground."""
        names = {
            "victim": self.victim,
            "out": self.out,
            "home": self.home,
            "root": self.root,
            "name": self.root.name,
        }
        for name, place in names.items():
            written = written.replace(f"<{name}>", str(place))
        return written


Trap = Callable[[Ground], object]
READING, WRITING = ("read", "look", "own"), ("create", "edit", "delete", "move", "write", "change", "buffer")
ALL = (*READING, *WRITING)


@dataclass(frozen=True)
class Try:
    """A path, the trap that it leads to, and the doors at which it is tried."""

    path: str
    trap: Trap | None = None
    doors: Sequence[str] = ALL
    text: str | None = None
    """What stands there, to be edited; None: what the victim has."""


Act = Callable[["World"], Awaitable[Seen]]


class World:
    """The grounds, the doors, and who watches; a case begins on fresh ones."""

    def __init__(self, root: Path, sandbox: Sandbox) -> None:
        self.base = root
        self.bench = Bench(root, INSIDE, sandbox)
        self.workbench = self._made = self.bench.workbench()
        self.person = Ground(self.bench.workspace, root / "out", root / "home")
        tree = self.workbench.tree
        self.task = Ground(tree, tree.parent / "out", tree.parent / "home")
        self.grounds = (self.person, self.task)
        self._kept = root.parent / f"{root.name}-kept"
        for ground in self.grounds:
            shutil.copytree(ground.root, self._kept / ground.root.name, symlinks=True)

    def fresh(self) -> None:
        """Begin anew, whatever a case did before, a weak build's harm included."""
        self.canaries = Canaries("outside", "home")
        for ground in self.grounds:
            for folder in (ground.root, ground.out, ground.home, _beside(ground)):
                _gone(folder)
            shutil.copytree(self._kept / ground.root.name, ground.root, symlinks=True)
            ground.out.mkdir()
            ground.victim.write_text(self.canaries["outside"] + "\n")
            (ground.home / ".ssh").mkdir(parents=True)
            (ground.home / ".ssh" / "id_ed25519").write_text(self.canaries["home"] + "\n")
            _beside(ground).mkdir()
            (_beside(ground) / "x").write_text(self.canaries["outside"] + "\n")
        self.workbench = replace(self._made, written=set(), misquoted=Counter(), read_only=frozenset())
        # The folder is another one now, and a log serves one only.
        (self.base / "state" / "batches.journal").unlink(missing_ok=True)
        self.editing = Editing(self.person.root, self.base / "state", self.bench.repository)
        self.front = Front(self)

    def watch(self) -> Outside:
        trees = (self.task.root, self.task.root.with_name(f"{self.task.root.name}.git"))
        inside = (*trees, self.task.root.with_name(f"{self.task.root.name}.layers"))
        return Outside(self.base, self.task.root.parent, but=(self.person.root, self.base / "state", *inside))

    async def look(self, case: Case) -> Seen:
        """Try a case, and say what came of it."""
        self.fresh()
        if not isinstance(case.act, Try):
            act: Any = case.act
            seen: Seen = await act(self)
            return seen
        for ground in self.grounds:
            if case.act.trap:
                case.act.trap(ground)
        outside = self.watch()
        seen = Seen(case.expect)
        for door in case.act.doors:
            try:
                went, said = await getattr(self, f"door_{door}")(case.act)
            except (WainwrightError, OSError, ValueError) as error:
                went, said = False, f"{type(error).__name__}: {error}"
            seen.alarms += self.canaries.alarms(f"what the door {door} shows", said)
            if door != "look" and went != (case.expect in ("ok", "hold")):
                seen.outcome = "ok" if went else "refuse"
                seen.said += f"\n{door}: {said}"
        seen.alarms += [*outside.alarms(), *self.front.alarms]
        return seen

    # Doors of agents, on the task's tree

    async def door_read(self, one: Try) -> Tried:
        told = as_a_model_sees_it(await READ.call(self.workbench, {"path": self.task.path(one.path)}))
        return (
            " cannot be read: " not in told and "do not fit" not in told and "there is nothing" not in told,
            told,
        )

    async def door_look(self, one: Try) -> Tried:
        told = [
            await LIST.call(self.workbench, {}),
            await SEARCH.call(self.workbench, {"pattern": "CANARY-"}),
        ]
        return False, as_a_model_sees_it("\n".join(told))

    async def _reply(self, text: str) -> Tried:
        reading = answers.read(text)
        if reading.problems or not reading.blocks:
            return False, f"nothing to apply: {reading.problems}"
        went, told = await files.apply(self.workbench, reading.blocks)
        return went and told.startswith("Applied"), as_a_model_sees_it(told)

    async def door_shell(self, one: Try) -> Tried:
        told = await SHELL.call(self.workbench, {"command": f"printf written > {self.task.path(one.path)}"})
        return (self.task.root / one.path).read_text() == "written", told

    def _text(self, one: Try) -> str:
        return (self.canaries["outside"] + "\n") if one.text is None else one.text

    async def door_create(self, one: Try) -> Tried:
        return await self._reply(f"<<<<<<< FILE {self.task.path(one.path)}\n{AFTER}>>>>>>> FILE\n")

    async def door_edit(self, one: Try) -> Tried:
        path, text = self.task.path(one.path), self._text(one)
        return await self._reply(f"<<<<<<< SEARCH {path}\n{text}=======\n{AFTER}>>>>>>> REPLACE\n")

    async def door_delete(self, one: Try) -> Tried:
        return await self._reply(f"<<<<<<< DELETE {self.task.path(one.path)}\n")

    async def door_move(self, one: Try) -> Tried:
        to = self.task.path(one.path)
        return await self._reply(
            f"*** Begin Patch\n*** Update File: test_calc.py\n*** Move to: {to}\n@@\n-assert True\n"
            f"+assert 1\n*** End Patch\n"
        )

    # Doors of the engine and of the editor, on the person's folder

    async def door_own(self, one: Try) -> Tried:
        """As the goal document and a file's text beside an edit are read."""
        text = read_text(self.person.root / self.person.path(one.path), self.person.root)
        return text is not None, text or "nothing"

    async def door_write(self, one: Try) -> Tried:
        path, text = self.person.path(one.path), self._text(one)
        said = []
        for before, after in ((None, AFTER), (text, AFTER), (AFTER, None)):
            reasons = await self.editing.write([TextChange(path=path, before=before, after=after)])
            said.append(reasons)
        return not all(said), str(said)

    async def door_change(self, one: Try) -> Tried:
        path, text = self.person.path(one.path), self._text(one)
        said, went = "", False
        for kind, before in (("modified", text), ("created", None), ("deleted", AFTER)):
            file = _change(path, kind, before)
            info = await self.front.offer(file) if isinstance(file, FileChange) else None
            said += f"{info.detail if info else file}; "
            went |= info is not None and info.status == "applied"
        return went, said

    async def door_buffer(self, one: Try) -> Tried:
        """The same change where the editor has that very file open."""
        path, text = self.person.path(one.path), self._text(one)
        with suppress(ValueError):
            self.front.open(self.person.root / path, text)
        file = _change(path, "modified", text)
        if not isinstance(file, FileChange):
            return False, file
        info = await self.front.offer(file)
        return info.status == "applied", info.detail


def _change(path: str, kind: Any, before: str | None) -> FileChange | str:
    known = None if before is None else hashlib.sha256(before.encode()).hexdigest()
    try:
        return FileChange(path=path, kind=kind, before=known, after=None if kind == "deleted" else AFTER)
    except ValueError as error:
        return str(error)


def _beside(ground: Ground) -> Path:
    return ground.root.with_name(f"{ground.root.name}-evil")


def _gone(place: Path) -> None:
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.exists():
        shutil.rmtree(place)


class Front:
    """An editor that does what it is told: who is told to edit a file outside has edited it."""

    def __init__(self, world: World) -> None:
        self.world, self.alarms, self.asked = world, [], []
        self.yes = False
        self.before_edit: Callable[[], None] = lambda: None
        self.buffers = Buffers(None)
        self.profile = ClientProfile(apply_edit=True, document_changes=True, change_annotations=True)
        server: Any = SimpleNamespace(
            buffers=self.buffers, profile=self.profile, ask=self._ask, window_show_message=lambda _: None
        )
        self.delivery = Delivery(server, self._choose)
        self.delivery.editing = world.editing
        self.delivery.changed = self._changed

    async def _changed(self, *_: object) -> None: ...

    async def _choose(self, question: str, _choices: list[str]) -> str | None:
        self.asked.append(question)
        return delivery.YES if self.yes else None

    def open(self, path: Path | str, text: str) -> None:
        uri = path if isinstance(path, str) else uri_from_path(path)
        self.buffers.put_text_document(types.TextDocumentItem(uri, "plaintext", 1, text))

    async def offer(self, *files: FileChange) -> Any:
        base = self.world.bench.base
        return await self.delivery.offer(RUN, Changeset(base=base, tip=base, files=files))

    async def edit(self, path: Path, before: str | None, after: str | None) -> Any:
        return await self.delivery._editor.apply([FileEdit(path, before, after)], "Probe", rebase=False)

    async def _ask(self, _method: str, params: types.ApplyWorkspaceEditParams, seconds: float) -> Any:
        self.before_edit()
        for document in params.edit.document_changes or ():
            uri, version = document.text_document.uri, document.text_document.version
            place = local_path(uri)
            root = Path(os.path.realpath(self.world.person.root))
            if place is None or not Path(os.path.realpath(place)).is_relative_to(root):
                self.alarms.append(f"the editor was told to edit {uri}")
            opened = self.buffers.open_document(uri)
            if opened is None or opened.version != version:
                return Reply(types.ApplyWorkspaceEditResult(applied=False))
            for edit in sorted(document.edits, key=lambda one: one.range.start.line, reverse=True):
                change = types.TextDocumentContentChangePartial(edit.range, edit.new_text)
                named = types.VersionedTextDocumentIdentifier(version + 1, uri)
                self.buffers.update_text_document(named, change)
        return Reply(types.ApplyWorkspaceEditResult(applied=True))


# ---- the weak build


def _read(root: Any, path: Any, max_bytes: int) -> bytes:
    with open(Path(root, path), "rb", opener=_waits_for_nobody) as file:
        return file.read(max_bytes)


def _waits_for_nobody(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _write(root: Any, changes: Any, _log: Any) -> None:
    for path, content, _mode, _expected in changes:
        place = Path(root, path)
        if content is None:
            place.unlink()
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("r+b" if place.exists() else "wb") as file:
                file.write(content)
                file.truncate()


def _source(root: Path, path: str) -> bytes | None:
    try:
        return _read(root, path, files.EDIT_MAX)
    except OSError:
        return None


def weaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the boundary away: paths are joined and opened, by whatever leads there."""
    weak = SimpleNamespace(**{name: getattr(_native, name) for name in dir(_native) if name[0] != "_"})
    weak.read_beneath, weak.write_batch = _read, _write
    monkeypatch.setattr(fsops, "_native", weak)
    for module in (changes, toolbox, editing, editor):
        monkeypatch.setattr(module, "protected", lambda _: False)
    monkeypatch.setattr(files, "source", _source)
    monkeypatch.setattr(
        files, "text", lambda root, path: (_source(root, path) or b"").decode("utf-8", "replace")
    )
    monkeypatch.setattr(regular, "_beneath", lambda root, place, most: _read("/", place, most))
    monkeypatch.setattr(Repository, "why_not_kept", lambda *_: "")
    monkeypatch.setattr(delivery, "acts", lambda *_: False)
    monkeypatch.setattr(editor.Editor, "_is_barred", lambda *_: False)
