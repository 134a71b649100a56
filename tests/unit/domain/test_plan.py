"""Plans: which are refused, and what their write sets mean."""

from typing import Any

import pytest

from wainwright.domain.errors import PlanError
from wainwright.domain.plan import EVERYTHING, Plan, covers, overlap


def task(task_id: str = "t1", **changes: Any) -> dict[str, Any]:
    given = {"title": "A task", "instruction": "Do it.", "write_set": ["src/**"], "acceptance": ["R1"]}
    return {"id": task_id, **given, **changes}


def plan(*tasks: dict[str, Any], requirements: tuple[str, ...] = ("R1",)) -> Plan:
    return Plan.model_validate(
        {"requirements": [{"id": r, "text": "It works."} for r in requirements], "tasks": list(tasks)}
    )


def test_a_sound_plan_is_read_and_survives_json() -> None:
    made = plan(task("a"), task("b", needs=["a"], acceptance=["R1", "R2"]), requirements=("R1", "R2"))
    assert made.task("b").needs == ("a",)
    assert Plan.model_validate_json(made.model_dump_json()) == made
    with pytest.raises(KeyError):
        made.task("c")


@pytest.mark.parametrize(
    ("tasks", "requirements", "says"),
    [
        ([task("a", needs=["b"]), task("b", needs=["a"])], ("R1",), "in a circle"),
        ([task("a", needs=["a"])], ("R1",), "in a circle: a > a"),
        (
            [task("a", needs=["c"]), task("b", needs=["a"]), task("c", needs=["b"]), task("d")],
            ("R1",),
            "in a circle",
        ),
        ([task("a", needs=["ghost"])], ("R1",), "task a needs ghost, which is no task"),
        ([task("a"), task("a")], ("R1",), "task a is there twice"),
        ([task("a")], ("R1", "R1"), "requirement R1 is there twice"),
        ([task("a")], ("R1", "R2"), "no task serves requirement R2"),
        ([task("a", acceptance=["R1", "R9"])], ("R1",), "task a is to serve R9, which is no requirement"),
    ],
)
def test_a_plan_that_does_not_hold_together_is_refused(
    tasks: list[dict[str, Any]], requirements: tuple[str, ...], says: str
) -> None:
    with pytest.raises(PlanError, match=says):
        plan(*tasks, requirements=requirements)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(PlanError) as caught:
        plan(task("a", needs=["ghost"], write_set=["/etc/passwd"]), requirements=("R1", "R2"))
    assert all(part in caught.value.message for part in ("ghost", "/etc/passwd", "R2"))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "~/.ssh/id",
        "..",
        "../other/a.py",
        "src/../../a.py",
        ".git/config",
        ".GIT/hooks/**",
        "./.git/config",
        ".//.git/config",
        "vendor/lib/.git/hooks/**",
        ".wainwright/goal.md",
        "./.wainwright/**",
        "wainwright.toml",
    ],
)
def test_a_write_set_stays_inside_the_workspace_and_out_of_protected_places(path: str) -> None:
    with pytest.raises(PlanError, match="may not write"):
        plan(task(write_set=["src/a.py", path]))


@pytest.mark.parametrize(
    "path", [EVERYTHING, ".github/**", ".gitignore", "docs/wainwright.toml", "a..b/c.py"]
)
def test_neighbours_of_protected_places_may_be_written(path: str) -> None:
    assert plan(task(write_set=[path])).tasks[0].write_set == (path,)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a.py", "a.py", True),
        ("a.py", "b.py", False),
        ("a.py", "./a.py", True),
        ("src/a.py", "src//a.py", True),
        ("src/a.py", "src/./a.py", True),
        ("src/**", "src/a.py", True),
        ("src/**", "src/deep/a.py", True),
        ("src/**", "srcs/a.py", False),
        ("src/", "src/a.py", True),
        ("src/**", "src/deep/**", True),
        ("src/a/**", "src/b/**", False),
        ("src/*.py", "src/b.txt", True),  # doubt counts as yes
        ("src/[ab].py", "src/?.py", True),
        ("*.md", "docs/x.md", True),
        (EVERYTHING, "anything/at/all", True),
        (EVERYTHING, EVERYTHING, True),
        ("./", "a.py", True),
        (".", "a.py", True),
        ("docs/**", "src/**", False),
    ],
)
def test_write_sets_overlap(one: str, other: str, meet: bool) -> None:
    assert overlap([one], [other]) is meet
    assert overlap([other], [one]) is meet
    assert overlap(["x/y", one], [other, "z/w"]) is meet


def test_nothing_overlaps_nothing() -> None:
    assert not overlap([], [EVERYTHING])


@pytest.mark.parametrize(
    ("write_set", "path", "inside"),
    [
        (("src/a.py",), "src/a.py", True),
        (("src/a.py",), "src/a.pyc", False),
        (("src/**", "docs/x.md"), "docs/x.md", True),
        (("src/**",), "tests/a.py", False),
        (("src/",), "src/deep/a.py", True),
        ((EVERYTHING,), "a", True),
        ((), "a", False),
    ],
)
def test_a_write_set_covers_a_path(write_set: tuple[str, ...], path: str, inside: bool) -> None:
    assert covers(write_set, path) is inside
