"""Gates: for each kind who decides it, what a rejection does, and what happens when nobody attends the run.

``GATES`` is the one table; ``fold``, ``decide`` and the engine read it, and a test holds it complete.
"""

from dataclasses import dataclass
from typing import Literal

from wainwright.domain import change_diff, tiers
from wainwright.domain.changes import content_hash
from wainwright.domain.errors import InputError
from wainwright.domain.events import Decision, Gate, GateKind
from wainwright.domain.goal import Autonomy
from wainwright.domain.state import RunState

WITHOUT_TESTS = "without tests"
"""What a person answers to go on although no test can run here."""
NOBODY_AGREED = "not deployed: a model chose the command, and nobody was there to agree to it"
"""Why a deployment is left out where nobody attends and no setting agrees."""

NOBODY_THERE = "nobody attends this run any more"
"""Why the policy decides a gate that was opened for a person."""

Rejected = Literal["plans anew", "builds again", "is not deployed", "is not run", "fails"]


@dataclass(frozen=True)
class GateRule:
    """How gates of one kind are decided."""

    asks_at: frozenset[Autonomy]
    """At which autonomy a person decides; at the others the policy approves."""
    unattended: Literal["approve", "fail", "leave out", "reject"]
    """Without a person the policy approves, or the run fails with the question as its reason and can be resumed, or
    what was asked about is left out unless the person's own settings agree to it, or the policy rejects."""
    rejected: Rejected
    """What the run does when the answer is no."""
    yes: str
    no: str
    """What the two answers are called where a person chooses: the act and its object, so that none is taken for
    another."""
    read: str = "run.md"
    """The document of the run in which what is asked about can be read."""
    answer: str = ""
    """What an answer in words is called; empty: such a gate is not answered."""

    @property
    def ends(self) -> bool:
        """Whether a no ends the run: nobody is to say it by a slip."""
        return self.rejected == "fails"


_ALWAYS: frozenset[Autonomy] = frozenset({"suggest", "auto-edit", "full-auto"})

GATES: dict[GateKind, GateRule] = {
    "plan": GateRule(
        frozenset({"suggest", "auto-edit"}),
        unattended="approve",
        rejected="plans anew",
        yes="Approve the plan",
        no="Reject the plan",
        read="plan.md",
    ),
    "apply": GateRule(
        frozenset({"suggest"}),
        unattended="approve",
        rejected="builds again",
        yes="Take the change over",
        no="Reject the change",
        read=change_diff.NAME,
    ),
    "deploy": GateRule(
        _ALWAYS,
        unattended="leave out",
        rejected="is not deployed",
        yes="Start the service",
        no="Do not start the service",
    ),
    "unverified": GateRule(
        _ALWAYS, unattended="fail", rejected="fails", yes="Go on without tests", no="Stop the run"
    ),
    "question": GateRule(
        _ALWAYS,
        unattended="fail",
        rejected="fails",
        yes="Go on with the run",
        no="Stop the run",
        answer="Answer in words",
    ),
    "budget": GateRule(
        _ALWAYS,
        unattended="fail",
        rejected="fails",
        yes="Allow as much again",
        no="Stop the run",
        answer="Set other caps",
    ),
    "command": GateRule(
        _ALWAYS,
        unattended="reject",
        rejected="is not run",
        yes="Run the command once",
        no="Do not run the command",
    ),
}


def digest(gate: Gate) -> str:
    """What a decision carries to say what was read: a short hash of all that the gate asks."""
    return content_hash(f"{gate.question}\n{gate.detail}")[:16]


def to_read(gate: Gate) -> str:
    """What a person reads of a gate. The tree that it is about binds what they say to it, and tells them nothing."""
    first, _, rest = gate.detail.partition("\n")
    return rest if gate.kind == "apply" and first.startswith("tree ") else gate.detail


def require_fitting(kind: GateKind, decision: Decision) -> None:
    """Raises InputError for an answer in words to a gate that takes a yes or a no: words are no yes."""
    rule = GATES[kind]
    if decision == "answer" and not rule.answer:
        raise InputError(
            "This gate is not answered in words.",
            f"Approve it ({rule.yes}), or reject it with your words ({rule.no}).",
        )


def choices(kind: GateKind) -> str:
    """What a person who types may answer at a gate, in one line."""
    rule = GATES[kind]
    if not rule.ends:
        return f"y: {rule.yes}; n, or your words: {rule.no}"
    words = f"; your words: {rule.answer}" if rule.answer else ""
    return f"y: {rule.yes}{words}; stop: the run ends here, and can be resumed"


def typed(kind: GateKind, said: str) -> tuple[Decision, str] | None:
    """What a typed line decides at a gate, with the words of it; None: nothing, so that it is asked again.

    A single letter is a slip of the hand unless it is one of those that were offered, and no slip ends a run.
    """
    words, rule = said.strip(), GATES[kind]
    plain = words.lower()
    if plain in ("y", "yes"):
        return "approve", ""
    if plain in ("n", "no"):
        return None if rule.ends else ("reject", "")
    if not rule.ends:
        return ("reject", words) if len(words) > 1 else None
    if plain == "stop":
        return "reject", ""
    return ("answer", words) if words and rule.answer else None


def lacking(autonomy: Autonomy, *, attended: bool, tier: str, capped: bool) -> str:
    """What a run must have to go so far by itself, and has not, as a part of a sentence; empty: nothing.

    Its checkpoints it always has: each begins with a snapshot. A run that nobody attends asks nobody whatever its
    autonomy, and says by itself what it cannot do without a sandbox.
    """
    if autonomy == "full-auto" and tier == tiers.NONE and attended:
        return "no sandbox could be proven on this machine"
    if autonomy == "full-auto" and tiers.asks(tier) and attended:
        return f"behind {tier} alone a person is asked about every command"
    if autonomy == "full-auto" and not capped:
        return "neither money nor tokens of a run are capped"
    return ""


def asks(state: RunState, kind: GateKind) -> bool:
    """Whether a person has to decide a gate of this kind in this run.

    Control files are always asked about, and services too, but for a run in full-auto where their settings agree.
    """
    always = kind == "apply" and bool(state.control)
    agreed = kind == "deploy" and state.autonomy == "full-auto" and state.deploys
    return state.attended and not agreed and (always or state.autonomy in GATES[kind].asks_at)


def agreed_by_person(state: RunState) -> bool:
    """Whether a person, and not the policy, took the newest change over."""
    gate = state.latest_gate("apply")
    decided = gate.decided if gate is not None else None
    return decided is not None and decided.decision != "reject" and decided.by != "policy"


def passes_by_policy(state: RunState, kind: GateKind) -> bool:
    """Whether the policy approves a gate of this kind: no person is asked, and none is needed."""
    return not (
        asks(state, kind)
        or fails_unattended(state, kind)
        or left_out_unattended(state, kind)
        or rejected_unattended(state, kind)
    )


def left_out_unattended(state: RunState, kind: GateKind) -> bool:
    """Whether what a gate of this kind asks about is not done, since nobody attends and no setting agrees to it."""
    return not state.attended and GATES[kind].unattended == "leave out" and not state.deploys


def rejected_unattended(state: RunState, kind: GateKind) -> bool:
    """Whether the policy says no in place of a person who does not attend the run."""
    return not state.attended and GATES[kind].unattended == "reject"


def fails_unattended(state: RunState, kind: GateKind) -> bool:
    """Whether the run cannot pass a gate of this kind, since only a person may and nobody attends it."""
    return not state.attended and GATES[kind].unattended == "fail"
