"""What can be done about a run at this moment; lenses and code actions both show it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wainwright.domain.goal import ENDS, Stage

if TYPE_CHECKING:
    from wainwright.engine.views.run_view import RunView


@dataclass(frozen=True)
class Offer:
    """One command that is possible now."""

    title: str
    command: str
    argument: dict[str, Any] = field(default_factory=dict)
    urgent: bool = False
    """Somebody waits for it: it is offered wherever the person is."""
    short: str = ""
    """Its title where the run is in plain sight, and the line is full soon."""


def start_offers() -> list[Offer]:
    """What the goal document offers."""
    return [
        Offer("Start", "wainwright.start"),
        Offer("Plan only", "wainwright.plan"),
    ]


def offers(view: "RunView") -> list[Offer]:
    """What can be done about a run, the most urgent first."""
    run = {"run": view.run}
    found = _decisions(view)
    if view.stage not in ENDS:
        found += _moves(view)
    elif view.stage is not Stage.DONE:
        found.append(Offer(f"Resume {view.run}", "wainwright.resume", run, short="Resume"))
    if view.editor in ("applied", "partial"):
        title = f"Revert the change of {view.run}"
        found.append(Offer(title, "wainwright.revert", run, short="Revert the change"))
    if view.editor in ("refused", "partial") or (view.editor == "absent" and (view.branch or view.patch)):
        title = f"Apply the change of {view.run}"
        found.append(Offer(title, "wainwright.apply", run, short="Apply the change"))
    return found


def _decisions(view: "RunView") -> list[Offer]:
    found = []
    for gate in view.gates:
        argument = {"run": view.run, "gate": gate.id}
        for word in ("Approve", "Reject"):
            short = word if len(view.gates) == 1 else ""
            title, command = f"{word}: {gate.question}", f"wainwright.{word.lower()}"
            found.append(Offer(title, command, argument, urgent=True, short=short))
    return found


def _moves(view: "RunView") -> list[Offer]:
    run = {"run": view.run}
    if view.at_work:
        return [Offer(f"Cancel {view.run}", "wainwright.cancel", run, short="Cancel")]
    if view.waiting == "hold":
        command = f"wainwright.{view.stage.value.lower().removesuffix('ning')}"
        return [
            Offer(f"Go on with {view.stage}", command, run),
            Offer("Go on to the end", "wainwright.resume", run),
        ]
    return [Offer(f"Resume {view.run}", "wainwright.resume", run, urgent=True, short="Resume")]
