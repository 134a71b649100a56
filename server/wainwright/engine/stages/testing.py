"""TEST: the whole is tested, and a red receipt is judged."""

import asyncio
from collections.abc import Sequence

from wainwright.agents import roles
from wainwright.agents.answers import ConsentAnswer, TriageAnswer
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.evidence import Verdict
from wainwright.domain.marks import among
from wainwright.engine.judging import judged
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.base import change, lasting
from wainwright.engine.stages.belonging import standing, tampered, tests_in
from wainwright.engine.stages.structured_answer import ask


async def run_tests(parts: EngineParts, run: LiveRun, effect: ef.RunTests) -> Sequence[ev.Event]:
    """Run the whole tests on the head and judge the receipt."""
    state = run.state
    assert state.head is not None
    assert state.head_tree is not None
    if effect.unverified:
        verdict = Verdict(passed=True, reason="a person passed it without a receipt")
        return (ev.Tested(tree=state.head_tree, verdict=verdict, unverified=True),)
    run.tell(f"tests the whole: {state.command}{lasting(state)}")
    receipt, verdict = await judged(
        parts, state, "test", state.head, tests_in(state, standing(state)), anew=effect.number > 0
    )
    changed = await asyncio.to_thread(tampered, parts, state, state.head)
    if changed:
        update = {"passed": False, "acceptance_red": changed, "reason": "acceptance tests were changed"}
        verdict = verdict.model_copy(update=update)
    return (ev.Tested(tree=receipt.tree, verdict=verdict, receipt=receipt),)


async def triage(parts: EngineParts, run: LiveRun, effect: ef.TriageFailure) -> Sequence[ev.Event]:
    """Find out what a red receipt means: the code, a test, or the surroundings."""
    state = run.state
    tested = state.tested
    assert tested is not None
    lacks, base = tested.receipt.environment if tested.receipt else "", state.base_receipt
    if lacks and (base is None or base.environment):
        return (ev.FailureTriaged(cause="environment", digest=lacks),)
    diff = await change(parts, state)
    shared = (
        briefs.receipt(tested.receipt, base=base),
        f"## Verdict\n\n{_told(tested)}",
    )
    scope = f"/TEST/{effect.number}"
    done = await ask(
        parts, run, roles.TRIAGE, TriageAnswer, scope, lambda _: briefs.join(*shared, briefs.diff(diff))
    )
    consent = False
    if done.answer.cause == "test":
        claim = f"## The Tester's claim\n\n{among(done.answer.digest)}"
        asked = await ask(
            parts, run, roles.CONSENT, ConsentAnswer, scope, lambda _: briefs.join(*shared, claim)
        )
        consent = asked.answer.agree
        digest = f"{done.answer.digest}\n\nThe Reviewer: {asked.answer.reason}"
        return (ev.FailureTriaged(cause="test", digest=digest, consent=consent),)
    return (ev.FailureTriaged(cause=done.answer.cause, digest=done.answer.digest),)


def _told(tested: ev.Tested) -> str:
    """What the verdict says, a line a kind."""
    verdict = tested.verdict
    if tested.receipt is None or not tested.receipt.cases:
        return briefs.join(
            "No single tests can be told from what the command reports: read its output.", verdict.reason
        )
    kinds = (
        ("Green on the base, or new, and red now", verdict.turned_red),
        ("Green on the base and gone or skipped now", verdict.gone),
        ("Cannot be built or collected any more", verdict.unbuilt),
        ("Acceptance tests that are red", verdict.acceptance_red),
        ("Acceptance tests that did not run", verdict.not_run),
        ("Red on the base already, and not to be mended here", verdict.base_red),
        ("Red first, and green when run again alone", verdict.flaky),
    )
    lines = [f"{title}: {', '.join(found)}." for title, found in kinds if found]
    return briefs.join("\n".join(lines), verdict.reason)
