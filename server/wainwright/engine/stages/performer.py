"""Performs effects: each is done by the file of its stage, and the events that come of it are given back."""

from collections.abc import Sequence
from typing import assert_never

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages.acceptance import write_acceptance
from wainwright.engine.stages.base import take_snapshot, test_base
from wainwright.engine.stages.caps import raise_caps
from wainwright.engine.stages.deployment import deploy, plan_deployment, watch_deployment
from wainwright.engine.stages.design import make_design
from wainwright.engine.stages.exits import keep_work
from wainwright.engine.stages.handing import hand_over, show_change
from wainwright.engine.stages.mutants import try_mutants
from wainwright.engine.stages.planning import make_plan
from wainwright.engine.stages.review import review_change
from wainwright.engine.stages.task_attempt import run_task
from wainwright.engine.stages.testing import run_tests, triage


async def perform(parts: EngineParts, effect: ef.Effect, run: LiveRun) -> Sequence[ev.Event]:  # noqa: C901, PLR0911, PLR0912
    """Do what an effect asks for. Raises WainwrightError where the run cannot go on by itself."""
    match effect:
        case ef.TakeSnapshot():
            return await take_snapshot(parts, run)
        case ef.SkipStage():
            return (ev.StageSkipped(stage=effect.stage, reason=effect.reason),)
        case ef.TestBase():
            return await test_base(parts, run, effect)
        case ef.MakePlan():
            return await make_plan(parts, run, effect)
        case ef.Resize():
            return (ev.Resized(size=effect.size, reason=effect.reason),)
        case ef.GiveUpPlan():
            return (ev.PlanGivenUp(),)
        case ef.OpenGate():
            return (ev.GateOpened(gate=effect.gate),)
        case ef.MakeDesign():
            return await make_design(parts, run, effect)
        case ef.WriteAcceptance():
            return await write_acceptance(parts, run, effect)
        case ef.RunTask():
            return await run_task(parts, run, effect)
        case ef.RunTests():
            return await run_tests(parts, run, effect)
        case ef.TriageFailure():
            return await triage(parts, run, effect)
        case ef.ReviewChange():
            return await review_change(parts, run, effect)
        case ef.TryMutants():
            return await try_mutants(parts, run)
        case ef.ShowChange():
            return await show_change(parts, run)
        case ef.HandOver():
            return await hand_over(parts, run)
        case ef.PlanDeployment():
            return await plan_deployment(parts, run, effect)
        case ef.DeployService():
            return await deploy(parts, run, effect)
        case ef.Watch():
            return await watch_deployment(parts, run)
        case ef.KeepWork():
            return await keep_work(parts, run)
        case ef.RaiseCaps():
            return await raise_caps(parts, run, effect)
        case ef.Fail():
            return (ev.RunFailed(reason=effect.reason, hint=effect.hint),)
    assert_never(effect)
