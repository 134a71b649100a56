"""Records what the real server says of runs at several moments, for the tests of the panel's components.

    .venv/bin/python -m tests.clients.record_panel

writes ``clients/panel/test/recorded/*.json`` anew: the answers to `wainwright.runs`, `wainwright.page` and
`wainwright.change`, and what was told until then. Models are played by the script of the end-to-end tests.
"""

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from client import Client, Refused, load_profile
from editors import VsCode
from tests.fixtures import team
from tests.fixtures.openai_server import Answer, call, say
from tests.fixtures.program import end_services
from workplace import FINDING, GOAL, ON_DISK, PLAN, Workplace

RECORDED = Path(__file__).parents[2] / "clients" / "panel" / "test" / "recorded"
NOTICES_MAX = 60
"""Of those told until a moment, the newest."""
SIDE_TASKS = {"power": ["subtract"], "modulo": ["subtract"], "describe": ["power", "modulo"], "list": []}
"""Tasks beside that of the goal, and what each needs."""


def plan_of_several() -> dict:
    """The plan, with tasks that need others."""
    first = PLAN["tasks"][0]
    beside = [
        {
            **first,
            "id": name,
            "title": f"Add {name}",
            "instruction": f"Create calc/{name}.py.",
            "needs": needs,
            "write_set": [f"calc/{name}.py"],
            "acceptance": ["R1"],
        }
        for name, needs in SIDE_TASKS.items()
    ]
    return {**PLAN, "tasks": [first, *beside]}


class Record:
    """A person whose server is written down."""

    def __init__(self, person, name: str) -> None:
        self.person = person
        self.name = name
        self.told: list[dict] = []

    async def at(self, moment: str) -> None:
        """Write down what is said at this moment."""
        for method in ("wainwright/event", "wainwright/output"):
            notes = self.person.client.notifications[method]
            self.told += [{"method": method, "params": params} for params in notes]
            notes.clear()
        runs = await self.person.command("runs")
        run = runs["runs"][0]["run"]
        try:
            change, no_change = await self.person.command("change"), ""
        except Refused as refused:
            change, no_change = None, refused.message
        texts = {}
        for file in change["files"] if change else ():
            for uri in filter(None, (file["before"], file["after"])):
                answer = await self.person.client.request("workspace/textDocumentContent", {"uri": uri})
                texts[uri] = answer["text"]
        page = await self.person.command("page")
        told = {
            "runs": runs, "page": page, "change": change, "noChange": no_change,
            "texts": texts, "told": self.told[-NOTICES_MAX:],
        }  # fmt: skip
        text = json.dumps(told, indent=1, ensure_ascii=False)
        text = text.replace(str(self.person.at.root), "/shop").replace(run, self.name)
        # Where this Python is installed is nobody's business.
        text = re.sub(r"/[^ \"\\]*(?=/lib/python3)", "/usr", text)
        (RECORDED / f"{moment}.json").write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8000", text) + "\n")


def as_one_of_several(place: Workplace) -> None:
    """The plan has several tasks, and each is asked to be worked on."""

    def play(body: dict) -> Answer:
        # Whoever is held is held here as well.
        usual = place.team.play(body)
        role = team.part(body)
        if role == "Planner":
            return say(team.answer(plan_of_several()))
        brief = team.text_of(body["messages"][team.begun(body)])
        found = re.search(r"^## Your task: (\w+),", brief, re.MULTILINE)
        if role != "Implementer" or found is None or found[1] not in SIDE_TASKS:
            return usual
        name = found[1]
        file = f"<<<<<<< FILE calc/{name}.py\ndef {name}() -> None:\n    pass\n>>>>>>> FILE\n"
        done = say(team.answer({"status": "done", "summary": f"Added {name}."}))
        return (say(file), call("run_tests"), done)[min(team.turns(body), 2)]

    place.model.script = play


def as_one_who_asks(place: Workplace) -> None:
    """The implementer cannot go on."""
    play = place.team._answer

    def answer(role: str, own: str, turn: int) -> Answer | None:
        if role != "Implementer":
            return play(role, own, turn)
        because = "Are fractions meant as well?"
        return say(team.answer({"status": "impossible", "summary": "Not clear.", "because": because}))

    place.team._answer = answer


async def until(person, true) -> None:
    """Wait until the page is as wanted."""
    async with asyncio.timeout(120):
        while not true(await person.command("page")):
            await asyncio.sleep(0.2)


async def whole(person) -> None:
    """A run of several tasks, from its plan to its end."""
    as_one_of_several(person.at)
    person.at.team.findings = [FINDING]
    record = Record(person, "several-tasks")
    await person.command("start", goal=GOAL)
    await person.is_asked("Is the plan")
    await record.at("plan")
    person.at.team.hold("Implementer")
    await person.command("approve")
    await until(person, lambda page: sum(task["mark"] == "now" for task in page["tasks"]) == 2)
    await record.at("building")
    person.at.team.release("Implementer")
    await person.is_asked("Take the change over?")
    await record.at("change")
    await person.command("hunk", decision="reject", hunks=[1], reason="Say what it returns.")
    await record.at("rejected")
    await person.command("hunk", decision="accept", hunks=[1])
    await person.command("approve")
    await person.is_asked("Start the service")
    await person.command("approve")
    await person.reads("DONE")
    await record.at("done")
    await person.command("revert", file="calc/power.py")
    await person.reads("was taken back")
    await record.at("reverted")


async def unclear(person) -> None:
    """A run that asks, and fails when nobody answers."""
    as_one_who_asks(person.at)
    record = Record(person, "a-question")
    await person.command("start", goal=GOAL)
    for times in (1, 2):
        await person.is_asked("Is the plan", times)
        await asyncio.sleep(1.1)
        await person.command("approve")
    await person.is_asked("cannot be finished")
    await record.at("question")
    await person.command("reject", reason="Then not.")
    await until(person, lambda page: page["run"]["ended"])
    await record.at("failed")


async def play(story) -> None:
    """Play a story on a workplace of its own."""
    clients: list[Client] = []

    async def start(*words, **options) -> Client:
        clients.append(await Client.start(*words, **options))
        return clients[-1]

    with tempfile.TemporaryDirectory() as base:
        place = Workplace(Path(base), start)
        with place.model:
            experimental = {"wainwright": {"output": True}}
            capabilities = {**load_profile(VsCode.profile)["capabilities"], "experimental": experimental}
            person = await place.sit_down(VsCode, "--autonomy", "suggest", capabilities=capabilities)
            person.editor.open(place.file, ON_DISK)
            try:
                await story(person)
            finally:
                await clients[-1].kill()
        end_services(place.base / "state")


async def main() -> None:
    """Record all of it."""
    RECORDED.mkdir(exist_ok=True)
    for story in (whole, unclear):
        await play(story)


if __name__ == "__main__":
    asyncio.run(main())
