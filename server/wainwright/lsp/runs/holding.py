"""Whether a run holds before a stage, and what comes first where it does not."""

from wainwright.domain.errors import InputError
from wainwright.domain.goal import ENDS, WAY, Stage
from wainwright.engine.views.run_view import RunView


def holds_before(view: RunView, stage: Stage) -> bool:
    """Whether it waits for a word to begin this stage."""
    return view.waiting == "hold" and view.stage is stage and not view.at_work


def not_now(view: RunView, stage: Stage) -> InputError:
    """Why a run cannot do this stage now, and which command comes first."""
    if view.stage in ENDS:
        first = (
            "wainwright.show tells what came of it." if view.stage is Stage.DONE else "Run wainwright.resume."
        )
        return InputError(f"Run {view.run} is {view.stage}.", first)
    if view.at_work == "elsewhere":
        return InputError(f"Another process is at work on run {view.run}.", "Use the editor that started it.")
    if view.waiting == "gate":
        return InputError(
            f"Run {view.run} waits for a decision: {view.gates[0].question}",
            "Run wainwright.approve or wainwright.reject first.",
        )
    if WAY.index(stage) < WAY.index(view.stage):
        return InputError(f"Run {view.run} has been through {stage}; it is in {view.stage}.", "")
    if view.at_work == "here":
        return InputError(f"Run {view.run} is at work on {view.stage}.", "Wait until it gets there.")
    if view.waiting == "hold":
        command = f"wainwright.{view.stage.value.lower().removesuffix('ning')}"
        return InputError(f"Run {view.run} holds before {view.stage}.", f"Run {command} first.")
    return InputError(f"Run {view.run} was interrupted in {view.stage}.", "Run wainwright.resume first.")
