"""A person says something, at a gate and to those at work, in editors with an input and in those without."""

import pytest
from client import Refused, load_profile
from editors import Neovim, VsCode
from workplace import GOAL, completed

TYPES = {
    **load_profile("vscode-10.1")["capabilities"],
    "experimental": {"wainwright": {"input": True, "events": False}},
}


async def test_words_are_typed_where_the_editor_takes_them(workplace):
    person = await workplace.sit_down(VsCode, capabilities=TYPES)
    typed = [None, "Say it in French."]
    asked = []
    person.client.on("wainwright/input", lambda params: (asked.append(params), {"text": typed.pop(0)})[1])
    person.answers["Is the plan"] = "Reject the plan"
    await person.command("start", goal=GOAL)
    await person.client.until(lambda: asked, "a question for words")
    (seen,) = await person.runs()
    assert seen["waiting"] == "gate", "who closes the input has decided nothing"
    await person.command("reject")
    await person.client.until(lambda: len(asked) == 2, "a question for words")
    person.answers.clear()
    await person.is_asked("Is the plan", times=2)
    assert "The person rejected the plan: Say it in French." in completed(workplace.model)[-1]
    assert [one["prompt"] for one in asked] == ["What should be different?"] * 2
    typed.append("Keep it short.")
    await person.take(await person.action("Send the note"))
    await person.client.until(lambda: len(asked) == 3, "a question for a note")
    assert person.client.notifications["wainwright/event"] == []
    await person.command("cancel")
    await person.reads("CANCELLED")
    (seen,) = await person.runs()
    assert seen["notes"] == [{"words": "Keep it short.", "received": []}]
    assert await person.client.leave() == 0


async def test_words_are_written_into_the_run_document_where_it_does_not(workplace):
    person = await workplace.sit_down(Neovim)
    await person.command("start", goal=GOAL)
    await person.is_asked("Is the plan")
    (seen,) = await person.runs()
    with pytest.raises(Refused, match=r"There are no words yet. Write them under \*Your notes\* in run\.md"):
        await person.command("note")
    page = workplace.root / ".wainwright" / "runs" / seen["run"] / "run.md"
    await person.client.until(lambda: "**plan-1**" in page.read_text(), "the question in run.md")
    text = page.read_text()
    assert "write lines that begin with `> `" in text
    written = text.replace(
        "\n## Your notes\n", "\n> Say it\n> in French.\n\n## Your notes\n\n> Mind the docs.\n"
    )
    person.editor.open(page, written)
    await person.take(await person.action("Send the note", f".wainwright/runs/{seen['run']}/run.md"))
    with pytest.raises(Refused, match="noted already"):
        await person.command("note")
    await person.take(await person.action("Reject the plan: Is the plan"))
    await person.client.until(lambda: len(completed(workplace.model)) == 2, "another plan")
    told = completed(workplace.model)[-1]
    assert r"The person rejected the plan: Say it\nin French." in told
    assert r"# Note 1 of the person\n\nMind the docs." in told
    await person.command("cancel")
    await person.reads("CANCELLED")
    person.asked("")  # this editor is told of each question in a line
    assert await person.client.leave() == 0
