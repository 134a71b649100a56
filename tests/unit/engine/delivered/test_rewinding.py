"""Files go back to checkpoints, and back again; what the person changed is never lost."""

import pytest
from tests.fixtures.delivered import Delivered

from wainwright.domain.errors import InputError
from wainwright.engine.editing import Editing
from wainwright.engine.rewinding import Preview, Rewinding, shown

pytestmark = pytest.mark.asyncio(loop_scope="session")
CODE, TESTS = "calc/__init__.py", "tests/test_add.py"


@pytest.fixture
def rewinding(it: Delivered) -> Rewinding:
    it.git("merge", "--quiet", it.branch)
    parts = it.parts
    return Rewinding(parts, Editing(parts.workspace, parts.state, parts.repository))


def read(it: Delivered) -> dict[str, str]:
    return {path: (it.workspace / path).read_text() for path in (CODE, TESTS)}


async def go(rewinding: Rewinding, name: str, *overwrite: str) -> tuple[Preview, str]:
    done = await rewinding.rewind(await rewinding.look(name, overwrite))
    return done.preview, done.back


async def test_each_task_and_the_state_before_are_checkpoints(it: Delivered, rewinding: Rewinding) -> None:
    found = [one for one in await rewinding.checkpoints() if one.name.startswith(it.run)]
    assert [one.name for one in found] == [f"{it.run}@1", f"{it.run}@0"]
    assert [one.what for one in found] == ["after add, as it was delivered", "before its change"]


async def test_back_to_before_the_change_and_back_again(it: Delivered, rewinding: Rewinding) -> None:
    delivered = read(it)
    (it.workspace / "mine.txt").write_text("mine\n")
    preview, back = await go(rewinding, f"{it.run}@0")
    assert [line.split("  ")[0] for line in shown(preview)] == [f"M {CODE}", f"M {TESTS}"]
    assert it.git("diff", "--stat", f"{it.branch}~1", "--", CODE, TESTS) == ""
    assert (it.workspace / "mine.txt").read_text() == "mine\n"
    await go(rewinding, back)
    assert read(it) == delivered
    again = await rewinding.look(back)
    assert again.preview.files == ()


async def test_what_the_person_changed_is_named_and_left(it: Delivered, rewinding: Rewinding) -> None:
    mine = "# mine\n" + (it.workspace / CODE).read_text()
    (it.workspace / CODE).write_text(mine)
    preview, _ = await go(rewinding, f"{it.run}@0")
    assert [one.path for one in preview.left] == [CODE]
    assert f"  {CODE}: you changed it since; it is left as it is" in shown(preview)
    assert [one.path for one in preview.doing] == [TESTS]
    assert (it.workspace / CODE).read_text() == mine

    _, back = await go(rewinding, f"{it.run}@0", CODE)
    assert "def add(a: int, b: int)" in (it.workspace / CODE).read_text()
    await go(rewinding, back)
    assert (it.workspace / CODE).read_text() == mine


async def test_what_is_unsaved_counts_as_changed(it: Delivered, rewinding: Rewinding) -> None:
    planned = await rewinding.look(f"{it.run}@0", unsaved={CODE: "unsaved\n"})
    assert [one.path for one in planned.preview.left] == [CODE]


async def test_a_file_that_is_saved_between_the_look_and_the_rewind_keeps_all_as_it_is(
    it: Delivered, rewinding: Rewinding
) -> None:
    planned = await rewinding.look(f"{it.run}@0")
    kept = len(await rewinding.checkpoints())
    (it.workspace / TESTS).write_text("saved at this moment\n")
    before = read(it)
    done = await rewinding.rewind(planned)
    assert done.back == ""
    assert TESTS in done.reason
    assert read(it) == before
    assert len(await rewinding.checkpoints()) == kept


async def test_files_that_the_change_made_or_took_away_go_and_come(
    it: Delivered, rewinding: Rewinding
) -> None:
    (it.workspace / CODE).unlink()
    preview, back = await go(rewinding, f"{it.run}@1", CODE)
    assert [one.kind for one in preview.doing] == ["create"]
    await go(rewinding, back)
    assert not (it.workspace / CODE).exists()


async def test_another_name_is_refused(rewinding: Rewinding, it: Delivered) -> None:
    for name in ("nothing", f"{it.run}@9", "rewind-999"):
        with pytest.raises(InputError, match="There is no checkpoint"):
            await rewinding.look(name)
    with pytest.raises(InputError, match="not a file of"):
        await rewinding.look(f"{it.run}@0", ["other.py"])
