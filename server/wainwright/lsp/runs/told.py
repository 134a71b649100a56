"""How far a run is, and what came of it, in the words of bars and of the message at its end."""

from typing import TYPE_CHECKING

from wainwright.domain.goal import Stage

if TYPE_CHECKING:
    from wainwright.engine.views.run_view import RunView

_IN_FILES = {
    "applied": "in your files",
    "partial": "partly in your files",
    "refused": "not in your files",
}


def word(view: "RunView") -> str:
    """How far a run is, in one line."""
    if view.stage is Stage.FAILED:
        return " ".join(filter(None, (f"FAILED: {view.failure}", view.hint, *view.ending)))
    if view.stage is Stage.CANCELLED:
        return ". ".join(("CANCELLED", " ".join(view.ending))).removesuffix(". ")
    if view.stage is Stage.DONE:
        where = [_IN_FILES.get(view.editor, ""), view.branch and f"branch {view.branch}"]
        return ". ".join([", ".join(["DONE", *filter(None, where)]), *view.cautions[:1]])
    if view.waiting == "hold":
        return f"holds before {view.stage}"
    if view.gates:
        return f"{view.stage}: waits for you: {view.gates[0].question}"
    return f"{view.stage}: {view.activity}" if view.activity else str(view.stage)


def came_of_it(view: "RunView", files: int) -> str:
    """What a run that is done changed: files, tests, service, each in a few words; empty: nothing to tell."""
    told = [_many(files, "file") + " changed"] if files else []
    newest = next((one for one in reversed(view.receipts) if one.passed or one.failed), None)
    if newest is not None:
        red = f", {newest.failed} red" if newest.failed else ""
        told.append(f"{_many(newest.passed, 'test')} green{red}")
    if view.deployment is not None and view.deployment.url:
        told.append(f"it serves at {view.deployment.url}")
    return "; ".join(told)


def spent(view: "RunView", seconds: float) -> str:
    """How long a run is at work here, and what it has cost, for a bar."""
    return f"{_many(int(seconds // 60), 'minute')}, {money(view)}"


def money(view: "RunView") -> str:
    """What a run has cost, as far as prices are known."""
    return "price unknown" if view.unpriced and not view.cost_usd else f"${view.cost_usd:.2f}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
