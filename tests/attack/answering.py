"""Commands that a planner and a deployer name in their answers, of a model that says the same for ever."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.attack.cases import Seen
from tests.fixtures import team
from tests.fixtures.openai_server import Answer, OpenAIServer, say
from tests.fixtures.scenario import Stagehand, make_repository

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.errors import WainwrightError
from wainwright.domain.fold import replay
from wainwright.domain.goal import WORKING, Goal, Stage
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages.deployment import plan_deployment
from wainwright.engine.stages.planning import make_plan

_RUNBOOK = "<<<<<<< FILE runbook.md\n# Runbook\n\nIt serves files.\n>>>>>>> FILE\n"


@dataclass(frozen=True)
class Answered:
    """What an answer names: a planner's test command; a deployer's service or check, in words."""

    door: Literal["suites", "command", "smoke"]
    words: tuple[str, ...]

    @property
    def answer(self) -> Answer:
        if self.door == "suites":
            named = [{"command": word, "folder": "."} for word in self.words]
            return say(team.answer({**team.PLAN, "suites": named}))
        spec = {"target": "process", "reason": "It can be served.", "command": team.SERVE, "health_path": "/"}
        return say(_RUNBOOK + team.answer({**spec, self.door: list(self.words)}))


class Answering:
    """Has the role of each answer asked at its own stage, in a workspace of its own."""

    def __init__(self, stage: Stagehand) -> None:
        self.stage = stage
        self._numbers = itertools.count()

    async def tries(self, said: Answered) -> Seen:
        name = f"answers-{next(self._numbers)}"
        make_repository(team.make_workspace(self.stage.root / "work" / name))
        with OpenAIServer(lambda _body: said.answer) as server:
            parts = self.stage.parts(name, server, {})
            try:
                events: Sequence[Any] = await self._asked(parts, said)
            except WainwrightError as error:
                return Seen("refuse", [] if error.hint else ["no word of what to do"], error.message)
            finally:
                parts.journal.close()
        return Seen("ok", said=str(events[0])[:300])

    async def _asked(self, parts: EngineParts, said: Answered) -> Sequence[Any]:
        first = ev.RunStarted(
            run="r1",
            goal=Goal(text="Add calc.sub and calc.mul, and deploy it."),
            workspace=str(parts.workspace),
            route=WORKING,
            autonomy="suggest",
            trust="trusted",
            tier="bubblewrap",
            attended=True,
        )
        taken = parts.repository.snapshot("r1", {})
        state = replay([first, ev.SnapshotTaken(commit=taken.commit, tree=taken.tree, head=taken.head)])
        assert state is not None
        if said.door != "suites":
            state = state.changed(stage=Stage.DEPLOY, head=taken.commit, head_tree=taken.tree)
        lease = parts.journal.create(first, "r1", "x", cap_usd=None, cap_tokens=None)
        live = LiveRun(
            state,
            lease,
            parts.journal,
            _nothing,
            parallel=1,
            wall_s=600,
            notify=lambda *_: None,
            tidy=_nothing,
        )
        live._deadline = time.monotonic() + 600
        if said.door == "suites":
            return await make_plan(parts, live, ef.MakePlan(revision=1, digest=""))
        return await plan_deployment(parts, live, ef.PlanDeployment(number=0))


async def _nothing(*_: Any) -> Any: ...
