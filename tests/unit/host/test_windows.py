"""Several windows at one engine: who is asked, who gets a change, and how long it stays when all have gone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from wainwright.domain.changes import Changeset
from wainwright.domain.errors import InputError
from wainwright.domain.ports import EditorAnswer
from wainwright.host.windows import Engines
from wainwright.settings import HostSettings

CHANGE = Changeset(base="b", tip="t", files=())


class FakeEngine:
    def __init__(self) -> None:
        self.host = HostSettings(idle_s=60)
        self.work = False
        self.closed = False
        self.index = self

    async def busy(self) -> bool:
        return self.work

    async def close(self) -> None:
        self.closed = True

    async def left(self, window: object) -> None:
        pass


class Window:
    def __init__(self, name: str) -> None:
        self.name = name
        self.told: list[str] = []
        self.shown: list[str] = []

    async def apply(self, run: str, changeset: Changeset) -> EditorAnswer:
        return EditorAnswer(status="applied", detail=self.name)

    async def agrees(self, question: str) -> bool:
        self.told.append(question)
        return True

    def tell(self, text: str) -> None:
        self.told.append(text)


class Office:
    """Engines that are fakes, and a clock that is moved."""

    def __init__(self) -> None:
        self.opened: list[FakeEngine] = []
        self.editors: list[Any] = []
        self.now = 0.0
        self.engines = Engines(self._open, lambda: self.now)  # type: ignore[arg-type]

    async def _open(self, folder: Path, editor: Any) -> FakeEngine:
        self.editors.append(editor)
        if folder.name == "bad":
            raise InputError("No.", "")
        await asyncio.sleep(0)
        self.opened.append(FakeEngine())
        return self.opened[-1]

    async def sit(self, folder: Path, window: Window) -> Any:
        seat = await self.engines.sit(folder, window)
        seat.shared = window.shown.append
        return seat

    async def later(self, seconds: float) -> None:
        self.now += seconds
        await self.engines.look()


@pytest.fixture
def office() -> Office:
    return Office()


async def test_windows_of_one_folder_share_its_engine(office: Office, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    one, two = Window("one"), Window("two")
    first, second = await asyncio.gather(office.sit(tmp_path, one), office.sit(tmp_path / "link", two))
    other = await office.sit(tmp_path / "else", Window("other"))
    assert first.engine is second.engine is not other.engine
    assert len(office.opened) == 2


async def test_a_change_goes_where_its_run_was_worked_on_last(office: Office, tmp_path: Path) -> None:
    one, two = Window("one"), Window("two")
    first, second = await office.sit(tmp_path, one), await office.sit(tmp_path, two)
    (editor,) = office.editors
    first.take("r")
    assert (one.shown, two.shown) == ([], ["r"])
    assert (await editor.apply("r", CHANGE)).detail == "one"
    second.take("r")
    assert (await editor.apply("r", CHANGE)).detail == "two"
    await second.leave()
    assert (await editor.apply("r", CHANGE)).detail == "one", "another one, when that has gone"
    await first.leave()
    assert (await editor.apply("r", CHANGE)).status == "absent"
    assert not await editor.agrees("Really?")
    third = await office.sit(tmp_path, Window("three"))
    assert third.under_way == ("r",)


@pytest.mark.parametrize(
    ("work", "finish", "in_order", "stays_s"),
    [
        (False, False, True, 60),
        (True, False, True, 0),
        (True, False, False, 60),
        (True, True, True, None),
    ],
    ids=["idle", "closed at work", "died at work", "finishes at work"],
)
async def test_how_long_an_engine_stays(
    office: Office, tmp_path: Path, *, work: bool, finish: bool, in_order: bool, stays_s: float | None
) -> None:
    seat = await office.sit(tmp_path, Window("one"))
    (engine,) = office.opened
    engine.work, engine.host = work, HostSettings(idle_s=60, finish_runs=finish)
    await office.later(1000)
    assert not engine.closed, "somebody looks at it"
    seat.in_order = in_order
    await seat.leave()
    if stays_s != 0:
        await office.later(59)
        assert not engine.closed
    await office.later(1)
    assert engine.closed == (stays_s is not None)
    if finish:
        engine.work = False
        await office.later(59)
        assert not engine.closed, "counted from when the run rests"
        await office.later(1)
        assert engine.closed
    assert len(office.engines) == 0
    await office.sit(tmp_path, Window("two"))
    assert len(office.opened) == 2


async def test_one_that_cannot_be_opened_is_tried_anew(office: Office, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(InputError):
            await office.sit(tmp_path / "bad", Window("one"))
        await office.later(1)
    assert (len(office.editors), len(office.engines)) == (2, 0)


async def test_settings_that_were_written_since_hold_for_a_new_engine(office: Office, tmp_path: Path) -> None:
    first = await office.sit(tmp_path, Window("one"))
    (tmp_path / "wainwright.toml").write_text("parallel = 1\n")
    late = Window("late")
    second = await office.sit(tmp_path, late)
    assert first.engine is second.engine
    assert "settings have changed" in late.told[0]
    await first.leave()
    await second.leave()
    third = await office.sit(tmp_path, Window("three"))
    assert third.engine is not first.engine
    assert office.opened[0].closed
