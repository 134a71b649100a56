"""What can be done about a run at this moment; lenses and code actions both show it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wainwright.domain.goal import ENDS, Stage
from wainwright.domain.text import headline

if TYPE_CHECKING:
    from wainwright.engine.views.run_view import RunView


@dataclass(frozen=True)
class AvailableCommand:
    """One command that is possible now."""

    title: str
    command: str
    argument: dict[str, Any] = field(default_factory=dict)
    urgent: bool = False
    """Somebody waits for it: it is offered wherever the person is."""
    short: str = ""
    """Its title where the run is in plain sight, and the line is full soon."""


def to_start(*, trusted: bool) -> list[AvailableCommand]:
    """What the goal document offers."""
    return [
        *([] if trusted else [AvailableCommand("Trust this folder", "wainwright.trust")]),
        AvailableCommand("Start", "wainwright.start"),
        AvailableCommand("Plan only", "wainwright.plan"),
    ]


def available(view: "RunView") -> list[AvailableCommand]:
    """What can be done about a run, the most urgent first."""
    run = {"run": view.run}
    found = _decisions(view)
    if view.stage not in ENDS:
        found += _moves(view)
    elif view.stage is not Stage.DONE:
        found.append(AvailableCommand(f"Resume {view.run}", "wainwright.resume", run, short="Resume"))
    if view.editor in ("applied", "partial"):
        title = f"Revert the change of {view.run}"
        found.append(AvailableCommand(title, "wainwright.revert", run, short="Revert the change"))
    if view.editor in ("refused", "partial") or (view.editor == "absent" and (view.branch or view.patch)):
        title = f"Apply the change of {view.run}"
        found.append(AvailableCommand(title, "wainwright.apply", run, short="Apply the change"))
    return found


def about(view: "RunView") -> list[AvailableCommand]:
    """What can always be asked about a run, beside what moves it."""
    run = {"run": view.run}
    found = [
        *to_say(view),
        AvailableCommand("Show the run", "wainwright.show", run),
        AvailableCommand(f"Replay {view.run} against its record", "wainwright.replay", run, short="Replay"),
        AvailableCommand(f"Fork {view.run}", "wainwright.fork", run, short="Fork"),
    ]
    if view.deployment is not None and view.deployment.serves and view.stage in ENDS:
        title = f"Stop the service at {view.deployment.url or view.deployment.id}"
        found.append(AvailableCommand(title, "wainwright.stop", run, short="Stop the service"))
    if view.branch or view.patch or view.editor in ("applied", "partial"):
        before = {"checkpoint": f"{view.run}@0"}
        title = f"Rewind the files to before {view.run}"
        found.append(AvailableCommand(title, "wainwright.rewind", before, short="Rewind the files"))
    return found


def to_say(view: "RunView") -> list[AvailableCommand]:
    """Words for those at work on a run, as long as it goes on."""
    title = f"Send the note to those at work on {view.run}"
    offer = AvailableCommand(title, "wainwright.note", {"run": view.run}, short="Send a note")
    return [] if view.stage in ENDS else [offer]


def _decisions(view: "RunView") -> list[AvailableCommand]:
    found = []
    for gate in view.gates:
        argument = {"run": view.run, "gate": gate.id, "seen": gate.seen}
        # A question that begins with the yes again does not say of what.
        about = headline(view.goal) if gate.question.startswith(gate.yes) else gate.question
        ways = (
            (gate.yes, "wainwright.approve"),
            (gate.answer, "wainwright.answer"),
            (gate.no, "wainwright.reject"),
        )
        for word, command in ways:
            if word:
                short = word if len(view.gates) == 1 else ""
                title = f"{word}: {about}"
                found.append(AvailableCommand(title, command, argument, urgent=True, short=short))
        read = {"run": view.run, "document": gate.read}
        title = f"Review what is asked: {about}"
        found.append(AvailableCommand(title, "wainwright.show", read, urgent=True, short="Review"))
    return found


def _moves(view: "RunView") -> list[AvailableCommand]:
    run = {"run": view.run}
    if view.at_work:
        return [AvailableCommand(f"Cancel {view.run}", "wainwright.cancel", run, short="Cancel")]
    if view.waiting == "hold":
        command = f"wainwright.{view.stage.value.lower().removesuffix('ning')}"
        return [
            AvailableCommand(f"Go on with {view.stage}", command, run),
            AvailableCommand("Go on to the end", "wainwright.resume", run),
        ]
    title = f"Resume {view.run}, which was interrupted" if view.interrupted else f"Resume {view.run}"
    return [AvailableCommand(title, "wainwright.resume", run, urgent=True, short="Resume")]
