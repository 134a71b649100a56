"""`plan.md`: what is written is read again, whatever stands in it; and no edit is lost or breaks anything."""

import json
import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wainwright.domain.plan import Plan
from wainwright.domain.plan_edits import Taken, differences, shown, taken
from wainwright.domain.plan_page import Said, Span
from wainwright.domain.plan_problems import problems
from wainwright.domain.plan_reading import parse
from wainwright.domain.plan_text import render

PIECES = (
    *(
        "# Plan",
        "## Tasks",
        "## Requirements",
        "## Tests",
        "## Notes",
        "### a: b",
        "#### deep",
        "#",
        "> said",
        ">",
    ),
    *(
        "- needs: a",
        "* writes: `x`",
        "- serves: R1",
        "- starts from: q",
        "- **R1** x",
        "- R2 y",
        "```",
        "````",
        "~~~",
    ),
    *(
        "```python",
        "\\",
        "\\\\",
        "\\# Plan",
        "\\> x",
        "\\```",
        "",
        " ",
        "   ",
        "  indented",
        "    code",
        "\t",
        "\r",
    ),
    *(
        "(met already) x",
        "\\(guard)",
        "Goal: x",
        "- size: small",
        "a, b",
        "`a`",
        '"quoted"',
        "…",
        "\x0b",
        "\u2003",
    ),
    *(
        "Add sub(a, b) to calc.",
        "1. first",
        "- item",
        "---",
        "<!-- x -->",
        "[a](b)",
        "x  ",
        "null\0",
        "\u202e",
    ),
)
"""Lines that mean something on the page, or look as if they did."""
LINES = (
    "a",
    "Add sub",
    " led",
    "trailing ",
    '"',
    '"q"',
    "`",
    "two\nlines",
    "x: y",
    "-",
    "nothing",
    "\\",
    "#",
    "R1",
    "ä",
)
PATHS = ("src/**", "a.py", "a b.py", "x,y", "`", '"', "nothing", "**", "ü", "a\nb", " ")


def block(of: random.Random) -> str:
    return "\n".join(of.choices(PIECES, k=of.randint(1, 4))) or "x"


def made(seed: int) -> Plan:
    """A plan that holds together, with texts that try to be something else."""
    of = random.Random(seed)
    numbers = [f"R{n}" for n in of.sample(range(1, 30), of.randint(1, 3))]
    ids = of.sample(["a", "b", "add-tests", "nothing", "none", "x1"], of.randint(1, 3))
    tasks: list[dict[str, Any]] = [
        {
            "id": name,
            "title": of.choice(LINES),
            "instruction": block(of),
            "needs": of.sample(ids[:at], of.randint(0, at)),
            "write_set": of.sample(PATHS, of.randint(1, 3)),
            "acceptance": of.sample(numbers, of.randint(1, len(numbers))),
            "starts_from": of.choice(("", "", of.choice(LINES))),
        }
        for at, name in enumerate(ids)
    ]
    served = {name for task in tasks for name in task["acceptance"]}
    return Plan.model_validate(
        {
            "requirements": [
                {"id": name, "text": block(of), "met": name not in served, "guards": of.random() < 0.3}
                for name in numbers
            ],
            "tasks": tasks,
            "suites": [
                {
                    "command": of.choice((*LINES, "")),
                    "folder": of.choice((".", "sub", "a`b")),
                    "reason": of.choice(LINES),
                }
                for _ in range(of.choice((0, 0, 2)))
            ],
            "keeps_behaviour": of.random() < 0.2,
            "tests_need_design": of.random() < 0.7,
            "size": of.choice((None, "medium", "large")),
            "size_reason": of.choice(("", *LINES)),
            "notes": of.choice(("", block(of))),
        }
    )


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**40))
def test_what_is_written_is_read_again(seed: int) -> None:
    for plan in (made(seed + more) for more in range(20)):
        page = parse(render(plan, "The goal"))
        assert page.plan() == plan
        assert page.problems == ()


def test_what_was_said_and_own_sections_survive_a_formatting() -> None:
    for plan in map(made, range(200)):
        assert not [one for one in problems(parse(render(plan, ""))) if one.code != "overlap"]
        said = (
            Said("Smaller.\nAnd sooner.", Span(0, 0)),
            *(Said("No.", Span(0, 0), t.id) for t in plan.tasks),
        )
        again = parse(render(plan, "The goal", 2, "## Mine\n\n> My own words.", said))
        assert again.plan() == plan
        assert again.revision == 2
        assert {(one.text, one.at) for one in again.said} == {(one.text, one.at) for one in said}
        assert again.kept.strip() == "## Mine\n\n> My own words."


def test_lines_may_end_as_on_windows() -> None:
    for plan in map(made, range(200)):
        text = render(plan, "The goal")
        assert "\r" in text or parse(text.replace("\n", "\r\n")).plan() == plan


LINE = st.one_of(
    st.sampled_from(PIECES),
    st.sampled_from(
        ("- needs: c", "- writes: `b`, c, /etc", "- serves: R9", "### Any heading", "## Mine", "### b")
    ),
    st.text(max_size=20),
)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**40), st.lists(st.tuples(st.integers(0, 60), LINE, st.booleans()), max_size=12))
@example(0, [(7, "- starts from: q", False)])
def test_no_edit_breaks_anything_and_none_is_lost(seed: int, edits: list[tuple[int, str, bool]]) -> None:
    plan = made(seed)
    lines = shown(plan, "The goal").split("\n")
    words = []
    for number, (at, line, replaces) in enumerate(edits):
        words.append(f"word{number}word")
        lines[at : at + replaces] = [f"{line} {words[-1]}"]
    text = "\n".join(lines)
    page = parse(text)
    told = problems(page)
    for one in told:
        assert 0 <= one.span.start <= one.span.end <= len(text), one
    read = [json.dumps(page.values()), page.goal, page.kept, *(one.text for one in page.said)]
    read += [text[one.span.start : one.span.end] for one in told]
    for word in words:
        assert word not in text or any(word in one for one in read), word
    came = taken(plan, "The goal", page)
    assert (came.plan is None) == any(one.severity == "error" for one in came.problems)


def edited(*changes: tuple[str, str], of: Plan | None = None, begun: tuple[str, ...] = ()) -> Taken:
    """What becomes of the page of a plan with some of its words replaced."""
    plan = of or EXAMPLE
    text = shown(plan, "The goal")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return taken(plan, "The goal", parse(text), begun)


EXAMPLE = Plan.model_validate(
    {
        "requirements": [
            {"id": "R1", "text": "It adds."},
            {"id": "R2", "text": "It subtracts <b>exactly</b>."},
        ],
        "tasks": [
            {
                "id": "add",
                "title": "Add add",
                "instruction": "Write ![add](x).",
                "write_set": ["a.py"],
                "acceptance": ["R1"],
            },
            {
                "id": "sub",
                "title": "Add sub",
                "instruction": "Write sub.",
                "needs": ["add"],
                "write_set": ["b.py"],
                "acceptance": ["R2"],
            },
        ],
        "suites": [{"command": "make test"}],
        "notes": "Nothing else.",
    }
)


def test_what_nobody_touched_stays_to_the_letter() -> None:
    assert edited() == Taken(EXAMPLE, ())
    assert "Write \\![add](x)." in shown(EXAMPLE, "")
    came = edited(("Write sub.", "Write sub, and test it."), ("Nothing else.", "Nothing else.  "))
    assert came.plan is not None
    assert came.plan.task("sub").instruction == "Write sub, and test it."
    assert came.plan.task("add") == EXAMPLE.task("add")
    assert came.plan.requirements == EXAMPLE.requirements
    assert came.plan.notes == EXAMPLE.notes
    assert differences(EXAMPLE, came.plan) == ("task sub is changed",)


def test_what_has_begun_and_how_it_is_tested_stay() -> None:
    came = edited(
        ("Write \\!", "Draw \\!"),
        ("Write sub.", "Write less."),
        ("`make test`", "`make none`"),
        ("Goal: The goal", "Goal: Another"),
        begun=("add",),
    )
    assert came.plan is not None
    assert differences(EXAMPLE, came.plan) == ("task sub is changed",)
    assert [one.code for one in came.problems] == ["not-taken"] * 3
    gone = edited(
        ("### add: ", "## Old\n\n### add: "), ("### sub: ", "## Tasks\n\n### sub: "), begun=("add",)
    )
    assert gone.plan is None, "sub needs what is gone"
    without = edited(
        ("### add: ", "## Old\n\n### add: "),
        ("### sub: ", "## Tasks\n\n### sub: "),
        ("- needs: add", ""),
        ("R1** ", "R1** (met already) "),
        begun=("add",),
    )
    assert without.plan is not None
    assert [task.id for task in without.plan.tasks] == ["add", "sub"]


@pytest.mark.parametrize(
    ("old", "new", "code", "at"),
    [
        ("- needs: nothing", "- needs: sub", "cycle", "sub"),
        ("- needs: add", "- needs: ad", "unknown-need", "ad"),
        ("- needs: add", "- needs: nothing", "", ""),
        ("- serves: R1\n", "", "no-acceptance", "### add: Add add"),
        ("- serves: R1\n", "- serves: R7\n", "unknown-requirement", "R7"),
        ("`a.py`", "`.git/hooks/x`", "protected-path", "`.git/hooks/x`"),
        ("`a.py`", "`../x`", "protected-path", "`../x`"),
        ("`a.py`\n", "\n", "no-write-set", "- writes: "),
        ("Write sub.", "", "no-instruction", "### sub: Add sub"),
        ("### sub:", "### add:", "twice", "add"),
        ("### sub: Add sub", "### ---", "task-id", "### ---"),
        ("**R2** ", "**R3** ", "not-served", "R3"),
    ],
)
def test_each_problem_stands_at_its_words(old: str, new: str, code: str, at: str | None) -> None:
    text = shown(EXAMPLE, "The goal").replace(old, new, 1)
    found = [one for one in problems(parse(text)) if one.code == code]
    assert bool(found) == bool(code)
    assert at is None or not code or at in [text[one.span.start : one.span.end] for one in found]
    assert all(one.severity == "error" for one in found)


def test_tasks_that_write_the_same_are_told_unless_one_waits_for_the_other() -> None:
    text = shown(EXAMPLE, "The goal").replace("`b.py`", "`*.py`")
    assert problems(parse(text)) == ()
    (one,) = problems(parse(text.replace("- needs: add", "- needs: nothing")))
    assert (one.code, one.severity) == ("overlap", "warning")


def test_words_of_a_person_are_kept() -> None:
    text = shown(EXAMPLE, "The goal").replace("Write sub.", "Do:\n> Smaller, please.\n> Much.\n\n> And soon.")
    page = parse(text.replace("# Plan\n", "# Plan\n\n> No new files.\n"))
    assert [(one.text, one.at) for one in page.said] == [
        ("No new files.", ""),
        ("Smaller, please.\nMuch.", "sub"),
        ("And soon.", "sub"),
    ]
    assert page.tasks[1].instruction == "Do:"


def test_a_small_plan_with_another_task_is_medium() -> None:
    small = EXAMPLE.model_copy(update={"tasks": EXAMPLE.tasks[:1], "size": "small", "suites": ()})
    small = Plan.model_validate({**small.model_dump(), "requirements": [{"id": "R1", "text": "It adds."}]})
    more = "### more: More\n\n- writes: `m.py`\n- serves: R1\n\nMore.\n\n## Requirements"
    came = edited(("## Requirements", more), of=small)
    assert came.plan is not None
    assert came.plan.size == "medium"


def test_a_task_may_be_written_without_an_id() -> None:
    came = edited(("### sub: Add sub", "### Add the difference"))
    assert came.plan is not None
    assert came.plan.tasks[1].id == "add-the-difference"
