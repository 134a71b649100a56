"""A folder that nobody trusts: it is read and searched; nothing of it runs and no key is read before a yes."""

from pathlib import Path

import pytest
from client import Refused
from editors import Eglot, Neovim, VsCode
from workplace import GOAL, Workplace

ASKED = "Do you trust"
TRUST = "Trust this folder"


@pytest.fixture
def found(start, tmp_path):
    """A workspace of somebody else, with what acts in it."""
    place = Workplace(tmp_path, start, trusted=False)
    trap = place.base / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {place.base}/sprung\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "filter.a.clean", "filter.a.smudge", "diff.a.textconv", "core.sshCommand"):
        place.git("config", key, str(trap))
    (place.root / ".gitattributes").write_text("* filter=a diff=a\n")
    for hook in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction"):
        (place.root / ".git" / "hooks" / hook).symlink_to(trap)
    (place.root / "conftest.py").write_text(f"open({str(place.base / 'sprung')!r}, 'w')\n")
    (place.root / "wainwright.toml").write_text(
        f'[test]\ncommand = "touch {place.base}/sprung"\n[editor]\nsymbols = true\n'
    )
    with place.model:
        yield place


def descendants(pid: int) -> list[str]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    below = [line for child in children for line in descendants(int(child))]
    return [Path(f"/proc/{child}/cmdline").read_text() for child in children] + below


@pytest.mark.parametrize("kind", [VsCode, Neovim, Eglot])
async def test_opening_it_runs_nothing_and_a_start_asks_first(found, kind):
    # Nobody could use these, so whoever reads them stumbles.
    (found.base / "config" / "wainwright" / "credentials.toml").write_text("no = [toml")
    person = await found.sit_down(kind)
    assert await person.runs() == []
    person.editor.open(found.file, "def later() -> None: ...\n# TODO: more\n")
    assert [one["title"] for one in await person.actions(line=1, only=["quickfix"])] == [
        "Wainwright: Do this TODO: more"
    ]
    assert await person.client.request("workspace/symbol", {"query": "add"}) == [], (
        "its settings only tighten"
    )
    for asked in (("start", {"goal": GOAL}), ("plan", {"goal": GOAL}), ("review", {})):
        with pytest.raises(Refused, match=r"nobody has said that .* is trusted"):
            await person.command(asked[0], **asked[1])
    await person.is_asked(ASKED)
    assert all(str(found.root) in asked["message"] for asked in person.questions(ASKED))
    assert await person.runs() == []
    assert descendants(person.client.process.pid) == []
    assert not (found.base / "sprung").exists()
    assert found.model.entries == []


async def test_on_a_yes_the_goal_begins_and_it_is_asked_once(found):
    (found.root / "wainwright.toml").unlink()
    (found.root / "conftest.py").unlink()
    person = await found.sit_down()
    assert (await person.command("trust"))["trusted"] is False
    await person.is_asked(ASKED)
    with pytest.raises(Refused):
        await person.command("start", goal=GOAL)
    person.answers[ASKED] = TRUST
    with pytest.raises(Refused):
        await person.command("start", goal=GOAL)
    await person.reads("has begun.")
    await person.is_asked("Is the plan")
    assert len(await person.runs()) == 1
    asked = len(person.asked(ASKED))
    await person.command("cancel")
    await person.reads("CANCELLED")
    await person.command("start", goal=GOAL)
    await person.command("cancel")
    assert len(person.asked(ASKED)) == asked
    assert (await person.command("trust", revoke=True))["trusted"] is False
    person.answers[ASKED] = "Not now"
    with pytest.raises(Refused):
        await person.command("start", goal=GOAL)
    await person.is_asked(ASKED, times=asked + 1)


async def test_it_is_offered_where_a_goal_is_written_until_it_is_trusted(found):
    goal = found.root / ".wainwright" / "goal.md"
    person = await found.sit_down()
    await person.command("runs")
    person.editor.open(goal, GOAL)
    path = ".wainwright/goal.md"
    assert TRUST in [lens["command"]["title"] for lens in await person.lenses(path)]
    offered = await person.action(TRUST, path, line=0)
    assert (await person.take(offered))["trusted"] is False
    found.trust()
    assert (await person.take(offered))["trusted"] is True
    assert TRUST not in [lens["command"]["title"] for lens in await person.lenses(path)]
    found.trust("--revoke")
    assert TRUST in [lens["command"]["title"] for lens in await person.lenses(path)]


@pytest.mark.parametrize("options", [("--trust",), ("--autonomy", "full-auto")], ids=" ".join)
async def test_the_start_command_of_the_server_is_a_word_for_that_start(found, options):
    (found.root / "wainwright.toml").unlink()
    (found.root / "conftest.py").unlink()
    person = await found.sit_down(VsCode, *options)
    await person.command("start", goal=GOAL)
    await person.command("cancel")
    await person.reads("CANCELLED")
    assert person.asked(ASKED) == []
    other = await found.sit_down()
    with pytest.raises(Refused, match="trusted"):
        await other.command("start", goal=GOAL)
