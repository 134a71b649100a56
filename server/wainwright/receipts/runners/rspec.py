"""RSpec, by its JSON report; behind rake through ``SPEC_OPTS``."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from wainwright.domain.evidence import Case, Outcome
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming

_OUTCOMES: dict[str, Outcome] = {"passed": "passed", "failed": "failed", "pending": "skipped"}
_LOADING = re.compile(r"while loading (\S+?)\.(?:\s|$)")


class RSpec:
    """Reads RSpec's JSON report."""

    name = "rspec"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``rspec``, and ``rake`` where its file speaks of RSpec."""
        program = PurePosixPath(words[0]).name
        if program == "rake":
            tasks = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
            return set(tasks) <= {"spec", "default"} and "RSpec" in (project.text("Rakefile") or "")
        return program == "rspec"

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By arguments where they reach it."""
        formats = ["--format", "progress", "--format", "json", "--out", str(report)]
        if how == "environment" or PurePosixPath(words[0]).name == "rake":
            return None if only else Ask(words=tuple(words), env={"SPEC_OPTS": " ".join(formats)})
        if only:
            files, titles = naming.split(only)
            wanted = naming.pattern(titles)
            formats += [*(["--example-matches", wanted] if wanted else []), *files]
        return Ask(words=(*words, *formats))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The examples, and the files that could not be loaded."""
        try:
            with junit.opened(report) as file:
                text = file.read().decode("utf-8", "replace")
            found: Any = json.loads(text[text.index("{") :])
            return tuple(_cases(found, naming.Placed(tree)))
        except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
            return None


def _cases(report: Any, placed: naming.Placed) -> Iterator[Case]:
    kept = 0
    for example in report["examples"]:
        outcome = _OUTCOMES.get(example["status"], "error")
        error = example.get("exception") or {}
        frames = [
            line for line in error.get("backtrace") or () if "/gems/" not in line and "/ruby/" not in line
        ]
        said = (
            "\n".join((f"{error.get('class')}: {error.get('message', '').strip()}", *frames)) if error else ""
        )
        said = said if outcome in ("failed", "error") else str(example.get("pending_message") or "")
        kept += outcome == "failed"
        place, whole = placed.path(example["file_path"]), str(example["full_description"])
        title = str(example["description"])
        around = whole[: -len(title)] if title and whole.endswith(title) else whole
        name = naming.named(place, around, title)
        yield Case(name=name, outcome=outcome, message=junit.bounded(plain(said), kept))
    # With an error outside of examples RSpec runs none at all.
    for number, message in enumerate(report.get("messages") or ()):
        where = _LOADING.search(message)
        if where:
            yield naming.unbuilt(placed.path(where.group(1)), junit.bounded(message.strip(), number))
        elif "error occurred outside of examples" in message or "An error occurred" in message:
            yield Case(
                name="rspec::outside of examples",
                outcome="error",
                message=junit.bounded(plain(message), number),
            )
