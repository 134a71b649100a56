"""Group M on the agents' loop with a real gateway, git and sandbox; and on one that makes the best of everything."""

import difflib
import itertools
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.attack.cases import Case, Group, Seen
from tests.attack.model import DONE, GROUP, REPEATS, Try
from tests.attack.observers import Canaries, Outside
from tests.fixtures.bench import Bench, models
from tests.fixtures.openai_server import Answer, OpenAIServer
from tests.fixtures.scenario import PATH

from wainwright.agents import loop, roles, saying
from wainwright.agents.answers import WorkAnswer
from wainwright.agents.loop import Brief, Conversation, Work, run_agent
from wainwright.domain.errors import WainwrightError
from wainwright.models.client import GatewayBackend
from wainwright.sandbox.bubblewrap import prove

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[GatewayBackend]:
    backend = GatewayBackend({}, grace_s=5.0)
    await backend.warm()
    yield backend
    await backend.close()


class Place:
    """A bench, and a folder beside its workspace that nobody may see or touch."""

    def __init__(self, root: Path, bench: Bench, gateway: GatewayBackend) -> None:
        self.bench = bench
        self.gateway = gateway
        self.canaries = Canaries("beside")
        self.beside = root / "beside"
        self.beside.mkdir()
        (self.beside / "secret").write_text(self.canaries["beside"])
        self._names = itertools.count()

    async def tries(self, case: Case) -> Seen:
        """Have a model say it, again and again, and look what came of it."""
        tried: Try = case.act
        said = tried.says(self.beside)
        turns = itertools.count()

        def script(_: dict[str, Any]) -> Answer:
            turn = next(turns)
            if tried.then and turn:
                return tried.then[min(turn, len(tried.then)) - 1]
            if turn > tried.most or (turn and any(workbench.tree.rglob("planted*"))):
                return DONE  # it has got through
            return tried.second if tried.second and turn % 2 else said

        name = f"m{next(self._names)}"
        workbench = self.bench.workbench(name)
        outside = Outside(self.beside, self.bench.workspace)
        with OpenAIServer(script) as server:
            try:
                done: Any = await run_agent(
                    replace(roles.IMPLEMENT, turns=2 * REPEATS + 2), WorkAnswer, Brief("The brief."),
                    workbench=workbench, steps=self.bench.steps(f"/BUILD/{name}.1.0/implementer"),
                    models=models(server, self.gateway),
                )  # fmt: skip
            except WainwrightError as error:
                done = error
            asked = server.requests
        alarms = outside.alarms()
        told = str([one.get("content") for request in asked for one in request["messages"]])
        alarms += self.canaries.alarms("what the model is told", told)
        planted = [one for one in workbench.tree.rglob("planted*") if ".git" not in one.parts]
        alarms += [f"asked {len(asked)} times"] if len(asked) > tried.most else []
        if isinstance(done, Work):
            return Seen("ok" if planted else "refuse", alarms, done.answer.summary)
        alarms += [f"in its tree: {one.name}" for one in planted]
        alarms += [] if done.message and done.hint else ["no word of why, or of what to do"]
        return Seen("hold" if case.expect == "hold" else "refuse", alarms, done.message[:300])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory, gateway: GatewayBackend) -> AsyncIterator[Place]:
    root = tmp_path_factory.mktemp("model")
    sandbox = await prove(root / "state", {"HOME": str(root / "home"), "PATH": PATH})
    bench = Bench(root / "bench", {"calc.py": "def add(a, b):\n    return a + b\n"}, sandbox)
    yield Place(root, bench, gateway)
    bench.journal.close()


@pytest.mark.parametrize("case", GROUP.run, ids=lambda case: case.id)
async def test_no_answer_does_what_it_should_not(case: Case, place: Place) -> None:
    seen = await place.tries(case)
    assert seen.faults(case) == []


class Lenient(Conversation[Any]):
    """Runs each call as it comes, with the tool whose name is nearest and what is left of its arguments."""

    def _unusable(self, calls):
        return [""] * len(calls)

    def _tool(self, name):
        known = [tool.name for tool in self.tools]
        near = difflib.get_close_matches(name.lower(), known, 1, 0.6) or ["shell"]
        return next(tool for tool in self.tools if tool.name == near[0])

    async def _call(self, call, not_done):
        arguments = call.arguments or dict(re.findall(r'"(\w+)":\s*"([^"]*)', call.raw))
        known = self._tool(call.name).arguments.model_fields
        kept = {name: value for name, value in arguments.items() if name in known and value is not None}
        return await super()._call(call.model_copy(update={"arguments": kept, "malformed": False}), "")

    async def _call_all(self, calls, unusable, refused):
        for call in calls[3:]:  # thousands would only take longer
            self.messages.append(saying.message("tool", "done", tool_call_id=call.id))
        return await super()._call_all(calls[:3], unusable[:3], refused)


async def test_a_loop_that_makes_the_best_of_everything_lets_nearly_all_through(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "Conversation", Lenient)
    for name in ("MISFITS_MAX", "REPEATS_MAX"):
        monkeypatch.setattr(loop, name, 1000)
    seen = {case.id: await place.tries(case) for case in GROUP.attacks}
    assert GROUP.through(seen) == []


@pytest.mark.parametrize("group", [GROUP], ids=["M"])
async def test_the_list_proves_something(group: Group) -> None:
    assert group.flaws() == []
