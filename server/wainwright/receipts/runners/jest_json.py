"""The JSON report that jest invented and vitest writes, too."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wainwright.domain.evidence import Case, Outcome
from wainwright.domain.text import plain
from wainwright.receipts.runners import junit, naming

_OUTCOMES: dict[str, Outcome] = {
    "passed": "passed",
    "failed": "failed",
    "skipped": "skipped",
    "pending": "skipped",
    "todo": "skipped",
    "disabled": "skipped",
    "focused": "passed",
}


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Test(_Form):
    titles: tuple[str, ...] = Field(default=(), alias="ancestorTitles")
    title: str
    status: str
    messages: tuple[str, ...] | None = Field(default=(), alias="failureMessages")


class _File(_Form):
    name: str
    status: str
    message: str = ""
    tests: tuple[_Test, ...] = Field(default=(), alias="assertionResults")


class Report(_Form):
    """What a run says of itself."""

    files: tuple[_File, ...] = Field(alias="testResults")
    success: bool


def read(report: Path) -> Report | None:
    """The report; None when there is none that can be read."""
    try:
        with junit.opened(report) as file:
            found: Any = json.load(file)
        return Report.model_validate(found)
    except (OSError, ValueError, RecursionError, ValidationError):
        return None


def cases(report: Report, placed: naming.Placed) -> Iterator[Case]:
    """The tests, and the files that could not be loaded."""
    kept = 0
    for file in report.files:
        place = placed.path(file.name)
        for test in file.tests:
            # A test of types has its file among its titles.
            titles = test.titles[1:] if test.titles[:1] == (place,) else test.titles
            outcome = _OUTCOMES.get(test.status, "error")
            message = plain("\n".join(test.messages or ())) if outcome in ("failed", "error") else ""
            kept += bool(message)
            name = naming.named(place, *titles, test.title)
            yield Case(name=name, outcome=outcome, message=junit.bounded(message, kept))
        if file.status == "failed" and not any(_OUTCOMES.get(t.status) == "failed" for t in file.tests):
            message = junit.bounded(plain(file.message), kept)
            kept += 1
            if file.tests and any(_OUTCOMES.get(t.status) == "passed" for t in file.tests):
                # Its tests ran, and something else in it failed: what is done after them.
                yield Case(name=naming.named(place, "end"), outcome="error", message=message)
            else:
                yield naming.unbuilt(place, message)
