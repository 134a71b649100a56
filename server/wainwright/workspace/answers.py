"""Answers of models applied to a folder, and many at once for measuring how often that is right."""

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from wainwright.domain.changes import protected
from wainwright.domain.errors import InputError
from wainwright.workspace import kept, native
from wainwright.workspace.native.edits import Applied, Format, Refusal, Source, apply_answer, unified
from wainwright.workspace.sources import source, text


def work_out(
    workspace: Path, answer: str, *, form: Format = "auto", path: str | None = None, symbol: str | None = None
) -> Applied | Refusal:
    """What an answer comes to in a folder; nothing is written. Raises InputError for protected paths."""
    tree = sorted({*(file.path for file in native.walk(workspace)), *kept.in_workspace(workspace)})

    def read(name: str) -> Source:
        if protected(name):
            raise InputError(f"{name} is a protected place.", "Leave it out of the edit.")
        return source(workspace, name)

    return apply_answer(answer, tree, read, form=form, path=path, symbol=symbol)


def write(workspace: Path, applied: Applied, write_log: Path) -> None:
    """Write what edits came to over what they were made against, all files or none, also after a kill.

    ``write_log`` is the state folder. Raises StaleEdit if a file has changed since it was read, OSError, and the
    errors of files outside.
    """
    native.recover(write_log, workspace)
    batch = [
        (name, None if after is None else after.encode(), None) for name, after in applied.changes.items()
    ]
    native.write_batch(workspace, batch, write_log=write_log, expected=applied.before)


def difference(workspace: Path, applied: Applied) -> str:
    """What would change, in the unified format."""
    parts = []
    for name, after in applied.changes.items():
        before = text(workspace, name)
        names = (
            "/dev/null" if before is None else f"a/{name}",
            "/dev/null" if after is None else f"b/{name}",
        )
        parts.append(unified(before or "", after or "", *names))
    return "".join(parts)


class Target(BaseModel):
    """The function that an answer is the code of."""

    path: str
    symbol: str


class Case(BaseModel):
    """An answer, and the files it is to be applied to."""

    model_config = ConfigDict(extra="ignore")

    id: str
    path: str
    format: Literal["search_replace", "udiff", "v4a", "whole_function", "whole_file"]
    files: dict[str, str]
    tree: tuple[str, ...] = ()
    edit: str
    target: Target | None = None


FORMS: Mapping[str, Format] = {
    "search_replace": "blocks",
    "udiff": "unified",
    "v4a": "v4a",
    "whole_function": "function",
    "whole_file": "file",
}


def apply_cases(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Apply the answer of each case, one JSON object a line, and say what came of it."""
    for line in lines:
        if line.strip():
            yield _apply_case(Case.model_validate_json(line))


def _apply_case(case: Case) -> dict[str, Any]:
    began = time.perf_counter()
    outcome = apply_answer(
        case.edit,
        case.tree or tuple(case.files),
        case.files.get,
        form=FORMS[case.format],
        path=case.target.path if case.target else case.path if case.format == "whole_file" else None,
        symbol=case.target.symbol if case.target else None,
    )
    seconds = round(time.perf_counter() - began, 6)
    if isinstance(outcome, Refusal):
        return {"id": case.id, "outcome": "refused", "reason": outcome.explain(), "seconds": seconds}
    changes = dict(outcome.changes)
    after = changes.pop(case.path, case.files.get(case.path))
    return {
        "id": case.id,
        "outcome": "applied",
        "path": case.path,
        "text": after or "",
        "others": changes,
        "seconds": seconds,
        "forgiven": sorted({name for done in outcome.done for name in done.tolerances}),
    }
