"""``cargo nextest run``: its messages in libtest's form."""

import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case, Outcome
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit

_OUTCOMES: dict[str, Outcome] = {"ok": "passed", "failed": "failed", "ignored": "skipped"}


class Nextest:
    """Reads the lines of JSON that nextest prints for each test."""

    name = "nextest"
    live = False

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``cargo nextest run``."""
        return PurePosixPath(words[0]).name == "cargo" and tuple(words[1:3]) in (
            ("nextest", "run"),
            ("nextest", "r"),
        )

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By ``--message-format``; names of tests cannot be told from those of modules, so nothing is narrowed."""
        if how != "direct" or only:
            return None
        own = (*words[:3], "--message-format", "libtest-json", "--no-fail-fast", *words[3:])
        return Ask(words=own, env={"NEXTEST_EXPERIMENTAL_LIBTEST_JSON": "1"}, capture=True)

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """One case for each test that ended, named ``package::binary::path``."""
        cases: dict[str, Case] = {}
        try:
            with junit.opened(report) as file:
                while line := file.readline(1_000_000):
                    told = json.loads(line) if line.startswith(b"{") else {}
                    if told.get("type") == "test" and told.get("event") in _OUTCOMES:
                        case = _case(told, len(cases))
                        # A test that is tried again is told once more, with the number of the try: the last counts.
                        flaky = case.name in cases and case.outcome == "passed"
                        cases[case.name] = case.model_copy(update={"flaky": flaky})
        except (OSError, ValueError, KeyError, AttributeError):
            return None
        return tuple(cases.values()) or None


def _case(told: dict[str, str], before: int) -> Case:
    outcome = _OUTCOMES[told["event"]]
    said = "" if outcome == "passed" else plain(str(told.get("stdout", "")))
    name = re.sub(r"#\d+$", "", str(told["name"])).replace("$", "::")
    return Case(name=name, outcome=outcome, message=junit.bounded(said, before))
