"""TEST: the whole is tested, and a red receipt is judged."""

import asyncio
from collections.abc import Sequence

from wainwright.agents import roles
from wainwright.agents.answers import ConsentAnswer, TriageAnswer
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.evidence import Verdict
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.acceptance import judged, tampered
from wainwright.engine.stages.base import change
from wainwright.engine.stages.structured_answer import ask
from wainwright.receipts.verdict import judge


async def run_tests(parts: EngineParts, run: LiveRun, effect: ef.RunTests) -> Sequence[ev.Event]:
    """Run the whole tests on the head and judge the receipt."""
    state = run.state
    assert state.head is not None
    assert state.head_tree is not None
    if effect.unverified:
        verdict = Verdict(passed=True, reason="a person passed it without a receipt")
        return (ev.Tested(tree=state.head_tree, verdict=verdict, unverified=True),)
    assert state.test_command is not None
    run.tell(f"tests the whole: {state.test_command}")
    receipt = await workbenches.receipt(parts, state, "test", state.head, state.test_command)
    changed = await asyncio.to_thread(tampered, parts, state, state.head)
    verdict = judge(receipt, state.base_receipt, judged(state))
    if changed:
        verdict = verdict.model_copy(
            update={
                "passed": False,
                "acceptance_red": changed,
                "reason": "acceptance tests were changed",
            }
        )
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
    done = await ask(
        parts, run, roles.TRIAGE, TriageAnswer, scope, lambda _: briefs.join(*shared, briefs.diff(diff))
    )
    consent = False
    if done.answer.cause == "test":
        claim = f"## The Tester's claim\n\n{done.answer.digest}"
        asked = await ask(
            parts, run, roles.CONSENT, ConsentAnswer, scope, lambda _: briefs.join(*shared, claim)
        )
        consent = asked.answer.agree
        digest = f"{done.answer.digest}\n\nThe Reviewer: {asked.answer.reason}"
        return (ev.FailureTriaged(cause="test", digest=digest, consent=consent),)
    return (ev.FailureTriaged(cause=done.answer.cause, digest=done.answer.digest),)
