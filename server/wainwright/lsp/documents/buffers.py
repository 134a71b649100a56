"""The mirror of what is open in the editor, exact to the character."""

import asyncio
import logging
import os
import time
from collections import defaultdict, deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

from wainwright import regular
from wainwright.lsp.documents.own import TEXT_MAX
from wainwright.lsp.documents.positions import TextIndex, local_path, split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

log = logging.getLogger(__name__)

REMEMBERED = 32
"""How many texts of a document are kept while an edit of it is under way."""


class Buffer(TextDocument):
    """One document: open in the editor, or a view of a file on disk."""

    @property
    def index(self) -> TextIndex:
        """Positions in the present text, in the encoding agreed with the client."""
        source = self.source
        cached: TextIndex | None = getattr(self, "_index", None)
        if cached is None or cached.text is not source:
            cached = self._index = TextIndex(source, self.position_codec.encoding or "utf-16")
        return cached

    @property
    def lines(self) -> tuple[str, ...]:
        """Defect 6: pygls also breaks lines at form feeds and Unicode separators, and corrupts every later edit."""
        return tuple(split_lines(self.source))

    @property
    def source(self) -> str:
        """Defect 7: pygls reads a file that is not open with its line endings changed."""
        if self._source is None:
            return regular.read(Path(self.path), TEXT_MAX).decode()
        return self._source

    def _apply_incremental_change(self, change: types.TextDocumentContentChangePartial) -> None:
        source = self.source
        start, end = self.index.offsets(change.range)
        self._source = source[:start] + change.text + source[end:]

    @property
    def changed_at(self) -> float:
        """When the client last told of a change (`time.monotonic`); 0 when it never did."""
        return getattr(self, "_changed_at", 0.0)

    def touch(self) -> None:
        """Note that the client has just told of a change."""
        self._changed_at = time.monotonic()


class Buffers(Workspace):
    """The open documents and the workspace folders."""

    _tick: asyncio.Event | None = None
    _opened: "dict[Path, Buffer] | None" = None
    """Those that are files, by the path in their URI; None where a document was opened or closed since."""
    _told: "tuple[dict[str, deque[str]], ...]" = ()

    async def quiet(self, seconds: float) -> None:
        """Return when no open document has changed for that long, counted from now at the earliest."""
        began = time.monotonic()
        while True:
            documents = [d for d in self.text_documents.values() if isinstance(d, Buffer)]
            newest = max([began, *(document.changed_at for document in documents)])
            left = newest + seconds - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(left)

    async def next_change(self) -> None:
        """Wait until the client opens, changes or closes any document."""
        if self._tick is None:
            self._tick = asyncio.Event()
        await self._tick.wait()

    @contextmanager
    def remembering(self) -> "Iterator[Mapping[str, Sequence[str]]]":
        """The texts that the client tells of meanwhile, by URI, the last `REMEMBERED` of each."""
        told: dict[str, deque[str]] = {}
        before, self._told = self._told, (*self._told, told)
        try:
            yield told
        finally:
            self._told = before

    def _ring(self) -> None:
        if self._tick is not None:
            self._tick.set()
            self._tick = None

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> TextDocument:
        return Buffer(
            doc_uri,
            source=source,
            version=version,
            language_id=language_id,
            sync_kind=self._sync_kind,
            position_codec=self._position_codec,
        )

    def put_text_document(
        self, text_document: types.TextDocumentItem, notebook_uri: str | None = None
    ) -> None:
        """Open a document."""
        super().put_text_document(text_document, notebook_uri)
        self._opened = None
        self._ring()

    def remove_text_document(self, doc_uri: str) -> None:
        """Close a document."""
        super().remove_text_document(doc_uri)
        self._opened = None
        self._ring()

    def update_text_document(
        self, text_doc: types.VersionedTextDocumentIdentifier, change: types.TextDocumentContentChangeEvent
    ) -> None:
        """Defect 6 (second half): a change of a document that is not open is the client's slip, not a failure."""
        if unquote(text_doc.uri) not in self.text_documents:
            log.warning("ignoring a change of %s, which is not open", text_doc.uri)
            return
        super().update_text_document(text_doc, change)
        document = self.text_documents[unquote(text_doc.uri)]
        if isinstance(document, Buffer):
            document.touch()
            for told in self._told:
                told.setdefault(document.uri, deque(maxlen=REMEMBERED)).append(document.source)
        self._ring()

    def open_document(self, uri: str) -> Buffer | None:
        """The open document of that URI."""
        document = self.text_documents.get(unquote(uri))
        return document if isinstance(document, Buffer) else None

    @property
    def opened(self) -> "Mapping[Path, Buffer]":
        """The open documents that are files of this machine, by the path in their URI, links not followed."""
        if self._opened is None:
            self._opened = {
                local: document
                for document in self.text_documents.values()
                if isinstance(document, Buffer) and (local := local_path(document.uri)) is not None
            }
        return self._opened

    def find_open(self, path: Path) -> Buffer | None:
        """The open document behind ``path``, however the client spells its URI, through symbolic links as well."""
        return self.find_all([path]).get(path)

    def find_all(self, paths: "Sequence[Path]") -> dict[Path, Buffer]:
        """The same for many paths, in a time that grows with their number and that of the open documents."""
        opened = self.opened
        found = {path: opened[path] for path in paths if path in opened}
        other = [path for path in paths if path not in found] if opened else []
        files: dict[tuple[int, int] | str, list[Path]] = defaultdict(list)
        for local in opened if other else ():
            files[_file(local)].append(local)
        for path in other:
            for local in files.get(_file(path), ()):
                if os.path.realpath(local) == os.path.realpath(path):  # and no hard link to it
                    found[path] = opened[local]
        return found


def _file(path: Path) -> tuple[int, int] | str:
    """What tells a file from others, without following a path part by part; where there is none, its place."""
    try:
        status = path.stat()
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino
