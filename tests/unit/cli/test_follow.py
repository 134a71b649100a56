"""The list of runs on terminals of several widths."""

import pytest

from wainwright.cli.follow import listing
from wainwright.domain.goal import Stage
from wainwright.engine.views.run_view import RunView, seen_by

LONG = "Add a command that says of every run what it did, and which of its branches was merged\nand why"


def run(name: str, stage: Stage, branch: str | None, waiting: str = "") -> RunView:
    told = dict.fromkeys(("editor", "failure", "hint"), "")
    none = dict.fromkeys(("until", "patch", "deployment"))
    many = dict.fromkeys(("tasks", "gates", "artifacts", "receipts"), ())
    numbers = dict.fromkeys(("percent", "model_calls", "lost_calls", "tokens", "cost_usd"), 0)
    seen = RunView.model_validate(
        {
            **told, **none, **many, **numbers, "run": name, "goal": LONG, "workspace": "/w", "stage": stage,
            "waiting": waiting, "branch": branch, "skips": {},
        }
    )  # fmt: skip
    return seen_by(seen, "")


BRANCH = "wainwright/add-a-command-that-says-of-every-run"
RUNS = [
    run("add-a-command-that-says-0a1b", Stage.DONE, BRANCH),
    run("short-1234", Stage.PLANNING, None),
    run("waits-1234", Stage.PLANNING, None, "gate"),
]


@pytest.mark.parametrize("width", [80, 100, 160])
def test_each_run_has_one_line(width: int) -> None:
    lines = [line.plain for line in listing(RUNS, width)]
    head, done, short, waits = lines
    assert head.split()[:4] == ["run", "stage", "cost", "branch" if width == 160 else "goal"]
    assert done.split()[:4] == [
        "add-a-command-that-says-0a1b",
        "DONE",
        "$0.00",
        BRANCH if width == 160 else "Add",
    ]
    assert (short.split()[1], waits.split()[1]) == ("interrupted", "waits")
    assert all(len(line) <= width for line in lines)
    assert done.endswith(" …")
    assert done.removesuffix(" …").split()[-1] in LONG.split(), "no word is cut"
