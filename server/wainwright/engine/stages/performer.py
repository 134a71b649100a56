"""Performs effects: for each, what is asked of which role, what is run, and the events that come of it."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar, assert_never, cast

import yaml
from openapi_spec_validator import validate as validate_openapi
from pydantic import JsonValue

from wainwright.agents import roles
from wainwright.agents.answers import (
    ConsentAnswer,
    DeployAnswer,
    DesignAnswer,
    FindingsAnswer,
    MonitorAnswer,
    TriageAnswer,
)
from wainwright.agents.loop import Work, run_agent
from wainwright.agents.roles import Assignment
from wainwright.deploy.probe import Probe
from wainwright.deploy.target import Order, Target, Wanted, watch
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.errors import DeployError
from wainwright.domain.evidence import Receipt, Verdict
from wainwright.domain.goal import Fact
from wainwright.domain.plan import Plan
from wainwright.domain.state import RunState
from wainwright.engine.live_run import Scheduler
from wainwright.engine.parts import House
from wainwright.engine.stages import briefs
from wainwright.engine.stages.build import Builder
from wainwright.engine.views.documents import folder, write
from wainwright.engine.workbenches import Desks
from wainwright.journal import Spend
from wainwright.tools import receipts
from wainwright.workspace.context import fenced

A = TypeVar("A", bound=Fact)
PATCH = "changes.patch"
OPENAPI_NODES_MAX = 50_000
"""Values in an OpenAPI document, repeated ones counted."""


class Stages:
    """The performer of one workspace's runs."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._desks = Desks(house)
        self._builder = Builder(house, self._desks)

    async def perform(self, effect: ef.Effect, run: Scheduler) -> Sequence[ev.Event]:  # noqa: C901, PLR0911, PLR0912
        """Do what an effect asks for. Raises WainwrightError where the run cannot go on by itself."""
        match effect:
            case ef.TakeSnapshot():
                return await self._snapshot(run)
            case ef.SkipStage():
                return (ev.StageSkipped(stage=effect.stage, reason=effect.reason),)
            case ef.TestBase():
                return await self._test_base(run, effect)
            case ef.MakePlan():
                return await self._plan(run, effect)
            case ef.OpenGate():
                return (ev.GateOpened(gate=effect.gate),)
            case ef.MakeDesign():
                return await self._design(run, effect)
            case ef.WriteAcceptance():
                return await self._builder.write_acceptance(run, effect)
            case ef.RunTask():
                return await self._builder.run_task(run, effect)
            case ef.RunTests():
                return await self._test(run, effect)
            case ef.TriageFailure():
                return await self._triage(run, effect)
            case ef.ReviewChange():
                return await self._review(run, effect)
            case ef.HandOver():
                return await self._hand_over(run)
            case ef.PlanDeployment():
                return await self._plan_deployment(run, effect)
            case ef.DeployService():
                return await self._deploy(run, effect)
            case ef.Watch():
                return await self._watch(run)
            case ef.Fail():
                return (ev.RunFailed(reason=effect.reason, hint=effect.hint),)
        assert_never(effect)

    # ---- NEW and PLANNING

    async def _snapshot(self, run: Scheduler) -> Sequence[ev.Event]:
        house, state = self._house, run.state
        run.tell("takes a snapshot of the workspace")
        overlay = {path: house.journal.get_blob(sha).decode() for path, sha in state.overlay.items()}
        taken = await asyncio.to_thread(house.repository.snapshot, state.run, overlay)
        await asyncio.to_thread(self._pin, run, taken.commit)
        command = house.settings.test.command or await asyncio.to_thread(self._detect, taken.commit)
        return (
            ev.SnapshotTaken(
                commit=taken.commit,
                tree=taken.tree,
                head=taken.head,
                skipped=tuple(f"{s.path}: {s.reason}" for s in taken.skipped),
                test_command=command,
            ),
        )

    def _pin(self, run: Scheduler, commit: str) -> None:
        ref = f"{run.state.run}/head"
        self._house.repository.move(ref, commit, self._house.repository.resolve(ref))

    def _detect(self, commit: str) -> str | None:
        repository = self._house.repository
        files = repository.files(commit)
        texts = {
            name: (repository.read(commit, name) or b"").decode("utf-8", "replace")
            for name in receipts.MANIFESTS
            if name in files
        }
        return receipts.detect(files, texts, repository.dependencies())

    async def _test_base(self, run: Scheduler, effect: ef.TestBase) -> Sequence[ev.Event]:
        state, base = run.state, run.state.base
        assert base is not None
        if self._house.sandbox is None:
            return (ev.BaseTested(command=effect.command, reason=self._house.sandbox_reason),)
        run.tell(f"tests the base: {effect.command}")
        receipt = await self._desks.receipt(state, "base", base, effect.command)
        return (ev.BaseTested(command=effect.command, receipt=receipt),)

    async def _plan(self, run: Scheduler, effect: ef.MakePlan) -> Sequence[ev.Event]:
        state = run.state
        landed = await self._change(state) if state.base != state.head else ""
        done = await self._ask(
            run,
            roles.PLAN,
            Plan,
            f"/PLANNING/{effect.revision}",
            lambda shown: briefs.join(
                briefs.goal(state),
                briefs.before(effect.digest),
                briefs.former(state),
                briefs.diff(landed, "What has landed so far and stays") if landed else "",
                briefs.tests(state),
                shown,
            ),
            check=lambda answer: _check_plan(state, answer),
            about=state.goal.text,
        )
        return (ev.PlanProposed(plan=done.answer),)

    # ---- DESIGN

    async def _design(self, run: Scheduler, effect: ef.MakeDesign) -> Sequence[ev.Event]:
        state = run.state
        done = await self._ask(
            run,
            roles.DESIGN,
            DesignAnswer,
            f"/DESIGN/{effect.revision}.{effect.number}",
            lambda shown: briefs.join(
                briefs.goal(state),
                briefs.requirements(state),
                briefs.plan(state),
                briefs.before(effect.digest),
                briefs.former(state),
                shown,
            ),
            check=_check_documents,
            about=state.goal.text,
        )
        return (ev.DesignProposed(summary=done.answer.summary, documents=done.documents),)

    # ---- TEST

    async def _test(self, run: Scheduler, effect: ef.RunTests) -> Sequence[ev.Event]:
        state = run.state
        assert state.head is not None
        assert state.head_tree is not None
        if effect.unverified:
            verdict = Verdict(passed=True, reason="a person passed it without a receipt")
            return (ev.Tested(tree=state.head_tree, verdict=verdict, unverified=True),)
        assert state.test_command is not None
        run.tell(f"tests the whole: {state.test_command}")
        receipt = await self._desks.receipt(state, "test", state.head, state.test_command)
        tampered = await asyncio.to_thread(self._builder.tampered, state, state.head)
        verdict = receipts.judge(receipt, _base_receipt(state), self._builder.judged(state))
        if tampered:
            verdict = verdict.model_copy(
                update={
                    "passed": False,
                    "acceptance_red": tampered,
                    "reason": "acceptance tests were changed",
                }
            )
        return (ev.Tested(tree=receipt.tree, verdict=verdict, receipt=receipt),)

    async def _triage(self, run: Scheduler, effect: ef.TriageFailure) -> Sequence[ev.Event]:
        state = run.state
        tested = state.tested
        assert tested is not None
        lacks, base = tested.receipt.environment if tested.receipt else "", _base_receipt(state)
        if lacks and (base is None or base.environment):
            return (ev.FailureTriaged(cause="environment", digest=lacks),)
        change = await self._change(state)
        verdict = briefs.join(
            *(
                (
                    f"Turned red: {', '.join(tested.verdict.turned_red) or 'none'}.",
                    f"Acceptance tests that are red: {', '.join(tested.verdict.acceptance_red) or 'none'}.",
                )
                if tested.receipt is not None and tested.receipt.cases
                else ("The command reports no single tests: read its output.",)
            ),
            tested.verdict.reason,
        )
        shared = (briefs.requirements(state), briefs.receipt(tested.receipt), f"## Verdict\n\n{verdict}")
        scope = f"/TEST/{effect.number}"
        done = await self._ask(
            run, roles.TRIAGE, TriageAnswer, scope, lambda _: briefs.join(*shared, briefs.diff(change))
        )
        consent = False
        if done.answer.cause == "test":
            claim = f"## The Tester's claim\n\n{done.answer.digest}"
            asked = await self._ask(
                run, roles.CONSENT, ConsentAnswer, scope, lambda _: briefs.join(*shared, claim)
            )
            consent = asked.answer.agree
            digest = f"{done.answer.digest}\n\nThe Reviewer: {asked.answer.reason}"
            return (ev.FailureTriaged(cause="test", digest=digest, consent=consent),)
        return (ev.FailureTriaged(cause=done.answer.cause, digest=done.answer.digest),)

    # ---- REVIEW

    async def _review(self, run: Scheduler, effect: ef.ReviewChange) -> Sequence[ev.Event]:
        state = run.state
        assert state.head_tree is not None
        change = await self._change(state)
        receipt = state.tested.receipt if state.tested else None
        done = await self._ask(
            run,
            roles.REVIEW,
            FindingsAnswer,
            f"/REVIEW/{effect.number}",
            lambda _: briefs.join(
                briefs.goal(state),
                briefs.requirements(state),
                briefs.notes(state),
                briefs.design(state),
                briefs.diff(change),
                briefs.remarks(state),
                briefs.receipt(receipt),
            ),
        )
        summary = done.answer.summary or "The reviewer said nothing more."
        return (ev.Reviewed(tree=state.head_tree, summary=summary, findings=done.answer.findings),)

    async def _change(self, state: RunState) -> str:
        """What the run changed; for a route without BUILD, what the person changed since their last commit."""
        repository = self._house.repository
        assert state.base is not None
        assert state.head is not None
        since = state.base if state.base != state.head else (state.person_head or state.base)
        return self._house.redactor.redact(await asyncio.to_thread(repository.diff, since, state.head))

    async def _hand_over(self, run: Scheduler) -> Sequence[ev.Event]:
        house, state = self._house, run.state
        base, head = state.base, state.head
        assert base is not None
        assert head is not None
        if base == head:
            return (ev.Delivered(commit=head, detail="Nothing was changed."),)
        changeset = await asyncio.to_thread(house.repository.changeset, base, head)
        branch = await asyncio.to_thread(house.repository.deliver, state.goal.slug(), head)
        patch = None
        if branch is None:
            text = await asyncio.to_thread(house.repository.diff, base, head)
            path = folder(house.workspace, state.run) / PATCH
            await asyncio.to_thread(write, house.workspace, path, text)
            patch = str(path.relative_to(house.workspace))
        run.tell(f"hands over {len(changeset.files)} files")
        answer = await house.editor.apply(state.run, changeset)
        return (
            ev.Delivered(commit=head, branch=branch, patch=patch, editor=answer.status, detail=answer.detail),
        )

    # ---- DEPLOY and MONITOR

    async def _plan_deployment(self, run: Scheduler, effect: ef.PlanDeployment) -> Sequence[ev.Event]:
        house, state = self._house, run.state
        targets = house.targets
        if not any(target.serves for target in targets.values()):
            return (ev.DeploymentPlanned(target=next(iter(targets)), reason=house.sandbox_reason),)
        earlier = [f"{c.url}, {' '.join(c.command)}" for t in targets.values() if (c := t.current())]
        dependencies = ", ".join(await asyncio.to_thread(house.repository.dependencies)) or "none"
        done = await self._ask(
            run,
            roles.DEPLOY,
            DeployAnswer,
            f"/DEPLOY/{effect.number}",
            lambda shown: briefs.join(
                briefs.goal(state),
                briefs.requirements(state),
                "## Deployed before\n\n" + ("\n".join(earlier) or "Nothing."),
                briefs.branch(state),
                f"## Dependency folders\n\n{dependencies}",
                shown,
            ),
            check=self._check_deployment,
            about="server port listen http health",
        )
        answer, target = done.answer, targets[done.answer.target]
        wanted = target.plan(_wanted(answer))
        smoke = None
        if target.serves and answer.smoke:
            assert state.head is not None
            smoke = await self._desks.command(state, "smoke", state.head, answer.smoke)
        return (
            ev.DeploymentPlanned(
                target=target.name,
                reason=answer.reason,
                question=target.question(wanted),
                command=wanted.command,
                health_path=wanted.health_path,
                smoke=smoke,
                runbook=next((d.text for d in done.documents if d.name == "runbook.md"), ""),
            ),
        )

    async def _check_deployment(self, done: Work[DeployAnswer]) -> str:
        target = self._house.targets.get(done.answer.target)
        if target is None:
            return f"The target {done.answer.target} is not one of {', '.join(self._house.targets)}."
        try:
            target.plan(_wanted(done.answer))
        except DeployError as error:
            return str(error)
        return ""

    async def _deploy(self, run: Scheduler, effect: ef.DeployService) -> Sequence[ev.Event]:
        state = run.state
        plan, head = state.deployment_plan, state.head
        assert plan is not None
        assert head is not None
        target = self._target(plan.target)
        if target.serves:
            run.tell("starts the service")
        order = Order(
            id=f"{state.run}-{effect.number}",
            commit=head,
            branch=(state.delivered.branch if state.delivered else None) or "",
            wanted=Wanted(plan.command, plan.health_path),
            view=lambda: self._desks.view(state, f"deploy-{effect.number}", head),
        )
        before = target.current()
        try:
            return (ev.Deployed(deployment=await target.apply(order)),)
        except DeployError as error:
            return (ev.DeployFailed(reason=str(error), rolled_back_to=before.id if before else None),)

    def _target(self, name: str) -> Target:
        target = self._house.targets.get(name)
        if target is None:
            why = self._house.sandbox_reason or f"it is none of {', '.join(self._house.targets)}"
            raise DeployError(f"Nothing can be deployed to {name} here: {why}.", "Resume when it can be.")
        return target

    async def _watch(self, run: Scheduler) -> Sequence[ev.Event]:
        deployment, settings = run.state.deployment, self._house.settings.deploy
        assert deployment is not None
        target = self._target(deployment.target)
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
            return (await self._read_probes(run, target, facts, probes, failures),)
        last = next((p.error for p in reversed(probes) if p.error), "")
        rolled = await target.roll_back(deployment)
        log = await asyncio.to_thread(target.log, deployment)
        report = f"{facts}. The last failure: {last}\n\nLog:\n{self._house.redactor.redact(log)}"
        return (
            ev.Monitored(
                probes=len(probes),
                failures=failures,
                breach=True,
                report=report,
                rolled_back_to=rolled.id if rolled else None,
            ),
        )

    async def _read_probes(
        self, run: Scheduler, target: Target, facts: str, probes: list[Probe], failures: int
    ) -> ev.Monitored:
        state, deployment = run.state, run.state.deployment
        assert deployment is not None
        scope = f"/MONITOR/{deployment.id.rpartition('-')[2]}"
        steps = run.steps(f"{scope}/probes")

        async def kept(_key: str) -> tuple[JsonValue, Spend]:
            log = await asyncio.to_thread(target.log, deployment)
            return [_timing(probes), self._house.redactor.redact(log)], Spend()

        # Times differ on every watch: the monitor is asked about what was recorded first.
        watched = await steps.step("watched", inputs=deployment.id, effect="read", act=kept)
        timing, log = cast("list[str]", watched)
        runbook = state.deployment_plan.runbook if state.deployment_plan else ""
        done = await self._ask(
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
        report = f"{facts}.\n\n{done.answer.report}"
        if done.answer.concern:
            report += f"\n\nConcern: {done.answer.concern}"
        return ev.Monitored(probes=len(probes), failures=failures, breach=False, report=report)

    # ---- one structured answer

    async def _ask(
        self,
        run: Scheduler,
        assignment: Assignment,
        form: type[A],
        scope: str,
        brief: Callable[[str], str],
        check: Callable[[Work[A]], Awaitable[str]] | None = None,
        about: str = "",
    ) -> Work[A]:
        """Ask a role that answers with one structure, at a desk where it can only read.

        ``brief`` is given what the desk shows of the workspace, looked through for what it is ``about``.
        """
        state = run.state
        run.tell(f"the {assignment.role} thinks")
        commit = state.head or state.base
        assert commit is not None
        name = f"{assignment.name}-{hashlib.sha256(scope.encode()).hexdigest()[:8]}"
        desk = await self._desks.reading(state, name, commit)
        shown = await self._desks.shown(state, desk, about) if about else ""
        text = self._house.redactor.redact(brief(shown))
        return await run_agent(
            assignment,
            form,
            text,
            desk=desk,
            steps=run.steps(f"{scope}/{assignment.name}"),
            models=self._house.models,
            check=check,
            tell=run.tell,
        )


def _base_receipt(state: RunState) -> Receipt | None:
    return state.base_tested.receipt if state.base_tested else None


async def _check_plan(state: RunState, done: Work[Plan]) -> str:
    taken = sorted({t.id for t in done.answer.tasks} & set(state.tasks))
    return f"Task ids of work that has landed cannot be used again: {', '.join(taken)}." if taken else ""


async def _check_documents(done: Work[DesignAnswer]) -> str:
    """An openapi.yaml has to be valid; other documents have to be among those a designer writes."""
    for document in done.documents:
        if document.name == "openapi.yaml":
            wrong = await asyncio.to_thread(_openapi_problem, document.text)
            if wrong:
                return f"openapi.yaml {wrong}"
        elif document.name != "design.md" and not document.name.startswith("adr/"):
            return f"{document.name} is not one of design.md, adr/*.md, openapi.yaml."
    return ""


def _openapi_problem(text: str) -> str:
    """What is wrong with an OpenAPI document; empty when it is valid."""
    try:
        document = yaml.safe_load(text)
        nodes = list(islice(_nodes(document), OPENAPI_NODES_MAX))
        outside = [ref for ref in (n.get("$ref") for n in nodes if isinstance(n, dict)) if _leads_out(ref)]
        if outside:
            # The validator would fetch it, from wherever it is.
            return f"refers to {outside[0]}: references have to stay in the document (#/...)."
        if len(nodes) == OPENAPI_NODES_MAX:
            return "is too large."
        validate_openapi(document)
    except Exception as error:  # noqa: BLE001 - the validator lets anything through
        return f"is not a valid OpenAPI document: {type(error).__name__} {str(error)[:600]}"
    return ""


def _nodes(value: object) -> Iterator[object]:
    """All values in a document; YAML may repeat one many times, or make a circle."""
    waiting = [value]
    while waiting:
        yield (one := waiting.pop())
        if isinstance(one, dict | list):
            waiting.extend(one.values() if isinstance(one, dict) else one)


def _leads_out(reference: object) -> bool:
    return isinstance(reference, str) and not reference.startswith("#")


def _wanted(answer: DeployAnswer) -> Wanted:
    return Wanted(answer.command, answer.health_path)


def _timing(probes: list[Probe]) -> str:
    answers = sorted(p.seconds * 1000 for p in probes if p.ok)
    if not answers:
        return "None was answered."
    median = answers[len(answers) // 2]
    return f"Latency in ms: least {answers[0]:.1f}, median {median:.1f}, most {answers[-1]:.1f}."
