"""Lines of changes that scripted runs delivered are followed back: after merges, squashes, edits and renames."""

import os

import pytest
from tests.fixtures.delivered import Delivered, deliver
from tests.fixtures.scenario import Stagehand

from wainwright.domain.errors import InputError
from wainwright.engine.views.why_view import ON_A_BRANCH, Why, described

pytestmark = pytest.mark.asyncio(loop_scope="session")
OFTEN = ["from_goal_to_done", "a_small_goal_in_go", "node_from_an_empty_folder"]
LATER = [
    "conflict",
    "a_medium_goal_of_several_tasks",
    "a_small_goal_is_repaired_after_its_review",
    "a_tester_with_helpers",
    "a_go_module_from_nothing",
    "go_tests_land_with_their_tasks",
    "a_red_test_of_the_base_in_node",
]
BRANCHES = OFTEN + (LATER if os.environ.get("SCENARIOS") == "all" else [])
CODE, TESTS = "calc/__init__.py", "tests/test_add.py"
SUM = "    return sum(numbers)"


Were = dict[str, list[int | None]]
"""By path of now: what number each line had when it was delivered; None for one that the person wrote since."""


def live_on(it: Delivered, paths: list[str]) -> tuple[dict[str, str], Were]:
    """Twenty commits in and around files: lines more, all files moved, one of them indented anew. Their new names."""
    names = {path: path for path in paths}
    rows = {path: (it.workspace / path).read_text().splitlines() for path in paths}
    were: Were = {path: list(range(1, len(rows[path]) + 1)) for path in paths}
    for number in range(20):
        path = paths[number % len(paths)]
        if number == 7:
            for one in paths:
                names[one] = f"moved/{one}"
                (it.workspace / names[one]).parent.mkdir(parents=True, exist_ok=True)
                it.git("mv", one, names[one])
        if number == 13:
            rows[path] = [f"  {row}" if row else row for row in rows[path]]
        place = (0, len(rows[path]) // 2, len(rows[path]))[number // len(paths) % 3]
        rows[path].insert(place, f"note {number}")
        were[path].insert(place, None)
        (it.workspace / names[path]).write_text("\n".join(rows[path]) + "\n")
        (it.workspace / "NOTES").write_text(f"{number}\n")
        it.commit(f"Note {number}")
    return names, were


@pytest.mark.parametrize("scenario", BRANCHES)
async def test_each_delivered_line_is_followed_to_its_model_call(stage: Stagehand, scenario: str) -> None:
    it = await deliver(stage, scenario)
    lines = it.lines()
    it.git("merge", "--quiet", it.branch)
    await _all_whole(it, lines)
    lost = await _lost_after_twenty_commits(it, lines)
    print(
        f"{scenario}: {len(lines)} lines, {len(lines) - len(lost)} followed after 20 commits"
    )  # shown by -rP
    assert len(lost) <= 0.05 * len(lines), "\n".join("\n".join(described(why)) for why in lost)


async def test_a_line_of_a_batch_is_vouched_for_by_the_tests_of_the_batch(stage: Stagehand) -> None:
    it = await deliver(stage, "four_ready_tasks_land_as_one")
    path, line, text = next(one for one in it.lines() if one[0] == "calc/plus.py")
    why = await it.why(path, line, text)
    assert why.whole, described(why)
    assert sorted(why.together) == ["minus", "rest", "times"]
    assert why.receipt is not None
    assert why.receipt.green
    assert any(f"As it landed, as one with {', '.join(why.together)}, tree" in one for one in described(why))


async def _all_whole(it: Delivered, lines: list[tuple[str, int, str]]) -> None:
    for path, line, text in lines:
        why = await it.why(path, line)
        assert why.text == text
        assert why.run == it.run
        assert why.whole, described(why)
        assert why.delivered is not None, described(why)
        assert f"+{text}" in why.hunk.splitlines()
        assert why.call is not None
        assert why.step is not None
        assert text.strip() in it.parts.journal.recorded(it.run, why.call.key)[2]["text"]  # type: ignore
        assert why.call.row < why.step.row
        if why.red_first:
            assert any("was red before the change" in one for one in why.red_first)
        assert [gate.kind for gate in why.gates][:1] == ["plan"]


async def _lost_after_twenty_commits(it: Delivered, lines: list[tuple[str, int, str]]) -> list[Why]:
    """What is told of the lines that are not followed to their model call any more."""
    names, were = live_on(it, sorted({path for path, _, _ in lines}))
    written = {(path, number) for path, number, _ in lines}
    asked = [
        (names[path], number)
        for path in were
        for number, was in enumerate(were[path], 1)
        if (path, was) in written
    ]
    assert len(asked) == len(lines)
    told = [await it.why(path, number) for path, number in asked]
    return [why for why in told if not why.whole]


def at(it: Delivered, path: str, text: str) -> int:
    return (it.workspace / path).read_text().splitlines().index(text) + 1


async def test_a_squash_is_seen_through(it: Delivered) -> None:
    it.git("merge", "--quiet", "--squash", it.branch)
    it.commit("All at once")
    why = await it.why(CODE, at(it, CODE, SUM))
    assert why.whole
    assert any("It came into your history with" in one and "All at once" in one for one in why.followed)


async def test_what_is_not_committed_is_found_by_its_text(it: Delivered) -> None:
    it.git("checkout", "--quiet", it.branch, "--", CODE)
    it.git("reset", "--quiet")
    text = (it.workspace / CODE).read_text()
    why = await it.why(CODE, at(it, CODE, SUM) + 2, text=f"\n\n{text}")
    assert why.whole
    assert "It is not committed in your history; what the run delivered has it." in why.followed


async def test_windows_line_ends_hide_nothing(it: Delivered) -> None:
    it.git("merge", "--quiet", it.branch)
    text = (it.workspace / CODE).read_text().replace("\n", "\r\n")
    assert (await it.why(CODE, at(it, CODE, SUM), text=text)).whole


async def test_a_line_that_moved_to_another_file_and_was_indented_anew_is_found(it: Delivered) -> None:
    it.git("merge", "--quiet", it.branch)
    place = it.workspace / TESTS
    before, mark, moved = place.read_text().partition("def test_add_takes_any_number")
    place.write_text(before)
    indented = "".join(f"    {line}\n" for line in f"{mark}{moved}".splitlines())
    (it.workspace / "tests" / "test_many.py").write_text(f"from calc import add\n\nif True:\n{indented}")
    it.commit("Move it")
    why = await it.why("tests/test_many.py", at(it, "tests/test_many.py", "        assert add(1, 2, 3) == 6"))
    assert why.whole, described(why)
    assert why.written_at.startswith(f"{TESTS}:")
    assert "It was moved or indented anew since." in why.followed


async def test_a_line_of_the_persons_is_said_to_be_theirs(it: Delivered) -> None:
    it.git("merge", "--quiet", it.branch)
    why = await it.why(TESTS, 1)
    assert why.run == ""
    assert why.subject
    assert any("wrote it in commit" in one for one in described(why))
    fresh = (it.workspace / CODE).read_text() + "# Mine, just now.\n"
    mine = await it.why(CODE, len(fresh.splitlines()), text=fresh)
    assert described(mine)[1] == "It is not committed, and no run delivered it."


async def test_a_line_changed_by_the_person_is_theirs(it: Delivered) -> None:
    it.git("merge", "--quiet", it.branch)
    place = it.workspace / CODE
    place.write_text(place.read_text().replace("sum(numbers)", "sum(numbers, 0)"))
    it.commit("Mine")
    why = await it.why(CODE, at(it, CODE, "    return sum(numbers, 0)"))
    assert why.run == ""
    assert why.subject == "Mine"


async def test_without_the_steps_the_rest_is_told_and_the_gap_is_said(
    it: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    it.git("merge", "--quiet", it.branch)
    rows = it.parts.journal.rows
    monkeypatch.setattr(
        it.parts.journal, "rows", lambda run: [row for row in rows(run) if "/act-" not in row.key]
    )
    why = await it.why(CODE, at(it, CODE, SUM))
    assert why.run == it.run
    assert why.hunk
    assert not why.whole
    assert why.untold == ("Which step wrote it cannot be told: no checkpoint of an agent has it.",)


async def test_a_file_or_a_line_that_is_not_there_is_refused(it: Delivered) -> None:
    with pytest.raises(InputError, match=r"has \d+ lines") as beyond:
        await it.why(CODE, 99)
    assert ON_A_BRANCH in beyond.value.hint, "it may be one that only the branch has"
    with pytest.raises(InputError, match="no file"):
        await it.why("none.py", 1)
    with pytest.raises(InputError, match="no run nobody"):
        await it.tracing.why(CODE, 1, run="nobody")
