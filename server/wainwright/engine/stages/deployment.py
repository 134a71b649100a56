"""DEPLOY and MONITOR: to which target, with what, and how it is watched."""

import asyncio
import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from pydantic import JsonValue

from wainwright.agents import roles
from wainwright.agents.answers import DeployAnswer, MonitorAnswer
from wainwright.agents.loop import Work
from wainwright.deploy.culprit import culprit
from wainwright.deploy.probe import Probe
from wainwright.deploy.serving import asked_for, servable
from wainwright.deploy.target import Order, PortTaken, Target, Wanted, watch
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.deployment import Deployed, DeployFailed, DeploymentPlanned, Monitored
from wainwright.domain.errors import DeployError
from wainwright.domain.marks import fenced
from wainwright.engine import workbenches
from wainwright.engine.disk import DEPLOYED
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.structured_answer import ask
from wainwright.journal import Spend
from wainwright.receipts.project import FolderProject

NOTHING_SERVES = (
    "Nothing in the tree can be served: no entry point, manifest or source of it is a server's, "
    "and the goal asks for none."
)


async def plan_deployment(parts: EngineParts, run: LiveRun, effect: ef.PlanDeployment) -> Sequence[ev.Event]:
    """Let the deployer choose a target and say how; its smoke test runs in the sandbox."""
    state = run.state
    targets = parts.targets
    if not any(target.serves for target in targets.values()):
        return (DeploymentPlanned(target=next(iter(targets)), reason=parts.sandbox_reason),)
    if not await _serves(parts, run):
        left = next(target for target in targets.values() if not target.serves)
        return (DeploymentPlanned(target=left.name, reason=NOTHING_SERVES),)

    async def check(done: Work[DeployAnswer]) -> str:
        target = targets.get(done.answer.target)
        if target is None:
            return f"The target {done.answer.target} is not one of {', '.join(targets)}."
        try:
            target.plan(_wanted(done.answer))
        except DeployError as error:
            return str(error)
        chosen = [shlex.join(words) for words in (done.answer.command, done.answer.smoke) if words]
        return parts.settings.commands.rules.judge(chosen).refusal

    earlier = [f"{c.url}, {' '.join(c.command)}" for t in targets.values() if (c := t.current())]
    dependencies = ", ".join(await asyncio.to_thread(parts.repository.dependencies)) or "none"
    done = await ask(
        parts,
        run,
        roles.DEPLOY,
        DeployAnswer,
        f"/DEPLOY/{effect.number}",
        lambda shown: briefs.join(
            "## Deployed before\n\n" + ("\n".join(earlier) or "Nothing."),
            briefs.branch(state),
            f"## Dependency folders\n\n{dependencies}",
            shown,
        ),
        check=check,
        about="",
    )
    answer, target = done.answer, targets[done.answer.target]
    port = await _port(run, target, f"/DEPLOY/{effect.number}/port")
    wanted = target.plan(replace(_wanted(answer), port=port))
    smoke, where = None, ""
    if target.serves and answer.smoke:
        assert state.head is not None
        smoke = await workbenches.command(parts, state, "smoke", state.head, answer.smoke)
        where = "" if smoke.green else await _culprit(parts, run, smoke.output, answer.smoke)
    return (
        DeploymentPlanned(
            target=target.name,
            reason=answer.reason,
            question=target.question(wanted),
            command=wanted.command,
            health_path=wanted.health_path,
            port=wanted.port,
            smoke=smoke,
            where=where,
            runbook=next((d.text for d in done.documents if d.name == "runbook.md"), ""),
        ),
    )


async def _port(run: LiveRun, target: Target, scope: str) -> int | None:
    """The port that the person is asked about. Another is free each time: the first that was found is kept."""

    async def free(_key: str) -> tuple[JsonValue, Spend]:
        return await asyncio.to_thread(target.free_port), Spend()

    port = await run.steps(scope).step("free", inputs=target.name, effect="read", act=free)
    return cast("int | None", port)


async def _serves(parts: EngineParts, run: LiveRun) -> bool:
    """Whether anything can be served, or the goal asks for it: only then a model is asked how."""
    state = run.state
    if asked_for(state.goal.text):
        return True
    head = state.present_head
    files = await asyncio.to_thread(parts.repository.files, head)
    async with workbenches.reading(parts, state, f"serves-{state.deployment_plans}", head) as workbench:
        return bool(await asyncio.to_thread(servable, files, FolderProject(workbench.tree).text))


async def deploy(parts: EngineParts, run: LiveRun, effect: ef.DeployService) -> Sequence[ev.Event]:
    """Deploy to the target that was planned; one that does not become healthy is an event too.

    Where its port is somebody else's by now, the same is planned with another, which is asked about anew.
    """
    state = run.state
    plan, head = state.deployment_plan, state.head
    assert plan is not None
    assert head is not None
    target = _target(parts, plan.target)
    if target.serves:
        run.tell("starts the service")
    order = Order(
        id=f"{state.run}-{effect.number}",
        commit=head,
        branch=(state.delivered.branch if state.delivered else None) or "",
        wanted=Wanted(plan.command, plan.health_path, plan.port),
        view=lambda: workbenches.view(parts, state, f"{DEPLOYED}{effect.number}", head),
    )
    before = target.current()
    try:
        return (Deployed(deployment=await target.apply(order)),)
    except PortTaken:
        other = replace(order.wanted, port=await asyncio.to_thread(target.free_port))
        return (plan.model_copy(update={"port": other.port, "question": target.question(other)}),)
    except DeployError as error:
        where = await _culprit(parts, run, str(error), plan.command)
        return (DeployFailed(reason=str(error), where=where, rolled_back_to=before.id if before else None),)


async def _culprit(parts: EngineParts, run: LiveRun, log: str, command: Sequence[str]) -> str:
    """Where in the newest tree what a log tells seems to come from."""
    files = await asyncio.to_thread(parts.repository.files, run.state.present_head)
    return culprit(log, command, files)


def _target(parts: EngineParts, name: str) -> Target:
    target = parts.targets.get(name)
    if target is None:
        why = parts.sandbox_reason or f"it is none of {', '.join(parts.targets)}"
        raise DeployError(f"Nothing can be deployed to {name} here: {why}.", "Resume when it can be.")
    return target


async def watch_deployment(parts: EngineParts, run: LiveRun) -> Sequence[ev.Event]:
    """Watch for the monitor window; a breach rolls back."""
    deployment, settings = run.state.deployment, parts.settings.deploy
    assert deployment is not None
    target = _target(parts, deployment.target)
    run.tell(f"watches {deployment.url} for {settings.monitor_window_s:.0f} s")
    probes = await watch(
        target,
        deployment,
        settings.monitor_window_s,
        settings.monitor_interval_s,
        settings.breach_after,
    )
    failures = sum(not p.ok for p in probes)
    tail = [p.ok for p in probes[-settings.breach_after :]]
    breach = len(tail) >= settings.breach_after and not any(tail)
    where = f"{deployment.url}{deployment.health_path}"
    facts = f"{len(probes) - failures} of {len(probes)} probes of {where} were healthy"
    if not breach:
        return (await _read_probes(parts, run, target, facts, probes, failures),)
    last = next((p.error for p in reversed(probes) if p.error), "")
    rolled = await target.roll_back(deployment)
    log = await asyncio.to_thread(target.log, deployment)
    report = f"{facts}. The last failure: {last}\n\nLog:\n{await parts.redactor.clean(log)}"
    plan = run.state.deployment_plan
    where = await _culprit(parts, run, log, plan.command if plan else ())
    return (
        Monitored(
            probes=len(probes),
            failures=failures,
            breach=True,
            report=report,
            where=where,
            rolled_back_to=rolled.id if rolled else None,
        ),
    )


async def _read_probes(
    parts: EngineParts, run: LiveRun, target: Target, facts: str, probes: list[Probe], failures: int
) -> Monitored:
    state, deployment = run.state, run.state.deployment
    assert deployment is not None
    scope = f"/MONITOR/{deployment.id.rpartition('-')[2]}"
    steps = run.steps(f"{scope}/probes")

    async def kept(_key: str) -> tuple[JsonValue, Spend]:
        log = await asyncio.to_thread(target.log, deployment)
        return [_timing(probes), await parts.redactor.clean(log)], Spend()

    # Times differ on every watch: the monitor is asked about what was recorded first.
    watched = await steps.step("watched", inputs=deployment.id, effect="read", act=kept)
    timing, log = cast("list[str]", watched)
    runbook = state.deployment_plan.runbook if state.deployment_plan else ""
    done = await ask(
        parts,
        run,
        roles.MONITOR,
        MonitorAnswer,
        scope,
        lambda _: briefs.join(
            f"## Deployment\n\n{deployment.url}, commit {deployment.commit}",
            f"## Probes\n\n{facts}. {timing}",
            f"## Log\n\n{fenced(log)}",
            f"## Runbook\n\n{fenced(runbook)}",
        ),
    )
    concern, where = done.answer.concern, ""
    report = f"{facts}.\n\n{done.answer.report}"
    if concern:
        report += f"\n\nConcern: {concern}"
        where = await _culprit(
            parts, run, log, state.deployment_plan.command if state.deployment_plan else ()
        )
    return Monitored(
        probes=len(probes), failures=failures, breach=False, report=report, concern=concern, where=where
    )


def _wanted(answer: DeployAnswer) -> Wanted:
    return Wanted(answer.command, answer.health_path)


def _timing(probes: list[Probe]) -> str:
    answers = sorted(p.seconds * 1000 for p in probes if p.ok)
    if not answers:
        return "None was answered."
    median = answers[len(answers) // 2]
    return f"Latency in ms: least {answers[0]:.1f}, median {median:.1f}, most {answers[-1]:.1f}."
