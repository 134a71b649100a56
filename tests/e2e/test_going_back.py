"""In the editor: where a delivered line comes from, and the way back to before it, in open texts as well."""

from editors import VsCode
from workplace import ADDED, GOAL, ON_DISK

DELIVERED = ON_DISK + ADDED


async def test_a_delivered_line_is_explained_and_rewound_in_an_open_text(workplace):
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto")
    person.editor.open(workplace.file, ON_DISK)
    run = (await person.command("start", goal=GOAL))["run"]
    await person.reads("DONE")
    assert person.editor.text(workplace.file) == DELIVERED
    line = DELIVERED.splitlines().index("def sub(a: int, b: int) -> int:")

    seen = await person.command("why", uri=workplace.uri("calc/__init__.py"), line=line)
    assert (seen["run"], seen["task"]) == (run, "subtract")
    assert seen["step"].startswith("/BUILD/subtract.")
    assert "implementer/model#" in seen["call"]
    told = (workplace.root / ".wainwright" / "why.md").read_text()
    assert "+def sub(a: int, b: int) -> int:" in told
    assert person.shown[-1]["uri"] == seen["uri"]

    names = [one["name"] for one in (await person.command("checkpoints"))["checkpoints"]]
    assert names == [f"{run}@1", f"{run}@0"]
    test = workplace.root / "tests" / "test_sub.py"
    delivered = test.read_text()
    person.answers[f"Rewind to {run}@0"] = "Rewind"
    await person.command("rewind", checkpoint=f"{run}@0")
    await person.reads("rewind-1 leads back")
    assert person.editor.text(workplace.file) == ON_DISK
    assert not test.exists()

    person.answers["Rewind to rewind-1"] = "Rewind"
    person.answers["Rewind to which checkpoint"] = f"rewind-1: before the rewind to {run}@0"
    await person.command("rewind")
    await person.reads("rewind-2 leads back")
    assert person.editor.text(workplace.file) == DELIVERED
    assert test.read_text() == delivered

    person.editor.type(workplace.file, "Sums.", "Sums, by me.")
    await person.command("rewind", checkpoint=f"{run}@0")
    await person.is_asked(f"Rewind to {run}@0", times=2)
    again = person.questions(f"Rewind to {run}@0")[-1]
    assert "calc/__init__.py: you changed it since" in again["message"]
    assert [one["title"] for one in again["actions"]] == ["Rewind", "Rewind, with what I changed", "Not now"]
    await person.reads("rewind-3 leads back")
    assert "Sums, by me." in person.editor.text(workplace.file)
    assert not test.exists()
    assert await person.client.leave() == 0
