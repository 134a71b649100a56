"""What reaches a person's files when a change is asked for once more: control files only after a question by name."""

from types import SimpleNamespace
from typing import Any

import pytest

from wainwright.domain.changes import Changeset, FileChange
from wainwright.lsp.edits.delivery import YES, Delivery
from wainwright.lsp.messages import EditInfo, FileInfo

FILES = (
    FileChange(path="app.py", kind="created", before=None, after="x = 1\n"),
    FileChange(path=".github/workflows/ci.yml", kind="created", before=None, after="on: push\n"),
    FileChange(path="package.json", kind="modified", before="0" * 64, after='{"scripts": {"test": "x"}}'),
)


class Offers(Delivery):
    """Keeps what would be put into the person's files."""

    def __init__(self, answer: str | None, before: str) -> None:
        self.asked: list[str] = []
        self.put: list[str] = []

        async def choose(question: str, _choices: list[str]) -> str | None:
            self.asked.append(question)
            return answer

        async def text_before(_base: str, _file: FileChange) -> str:
            return before

        server: Any = SimpleNamespace()
        super().__init__(server, choose)
        editing: Any = SimpleNamespace(text_before=text_before)
        self.editing = editing

    async def offer(self, run: str, changeset: Changeset) -> EditInfo:
        """Take note of it."""
        self.put += [file.path for file in changeset.files]
        told = tuple(FileInfo(path=file.path, applied=True, reason="") for file in changeset.files)
        return EditInfo(status="applied", files=told)


@pytest.mark.parametrize("answer", [YES, "No", None])
async def test_control_files_are_asked_about_by_name(answer: str | None) -> None:
    delivery = Offers(answer, "{}")
    info = await delivery.offer_asked("r1", Changeset(base="a", tip="b", files=FILES))
    (question,) = delivery.asked
    assert ".github/workflows/ci.yml, package.json." in question
    assert "app.py" not in question
    if answer == YES:
        assert (info.status, delivery.put) == ("applied", [file.path for file in FILES])
    else:
        assert (info.status, delivery.put) == ("partial", ["app.py"])
        assert "package.json: Nobody agreed to it." in info.detail


async def test_nothing_is_asked_where_nothing_acts() -> None:
    delivery = Offers(None, '{"scripts": {"test": "x"}, "name": "y"}')
    files = tuple(file for file in FILES if not file.path.startswith(".github"))
    await delivery.offer_asked("r1", Changeset(base="a", tip="b", files=files))
    assert delivery.asked == []
    assert delivery.put == ["app.py", "package.json"]
