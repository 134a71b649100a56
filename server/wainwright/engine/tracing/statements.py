"""What a run did until it delivered its commit, as a statement that anybody can check who has the commit."""

import asyncio
import json
from pathlib import Path

from wainwright.domain.errors import InputError
from wainwright.engine.parts import EngineParts
from wainwright.engine.tracing import verifier
from wainwright.engine.tracing.record import Record
from wainwright.secrets import signer
from wainwright.workspace import anchors

VERIFIER = Path(verifier.__file__)
"""The file that checks a statement, alone."""


class Statements:
    """Makes statements about the runs of one workspace."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts

    async def of(self, run: str) -> tuple[str, bytes, str]:
        """The commit that a run delivered last, the statement about it: all that was done before; and who signed it.

        It is signed where the person has a key, unless the commit is signed with another one.

        Raises InputError for a run that delivered nothing, and where the journal is not what the commit says.
        """
        return await asyncio.to_thread(self._of, run)

    def _of(self, run: str) -> tuple[str, bytes, str]:
        state = Record(self._parts.journal, run).state
        if state is None or state.delivered is None or state.delivered.commit == state.base:
            raise InputError(f"Run {run} has delivered no change.", "Let it go on to the end of REVIEW.")
        commit = state.delivered.commit
        content = anchors.content(self._parts.state, commit)
        named, head = verifier.trailer(content)
        if named != run:
            raise InputError(
                f"The commit that run {run} delivered does not name it.",
                f"It was made by an earlier version, or by run {named}." if named else "It was made earlier.",
            )
        lines = [json.loads(line) for line in self._parts.journal.lines(run)]
        rows = [{name: line[name] for name in (*verifier.COLUMNS, "hash")} for line in lines]
        last = next((number for number, row in enumerate(rows, 1) if row["hash"] == head), 0)
        text = verifier.as_written(verifier.statement(run, rows[:last], commit, content)) if last else b""
        wrong = verifier.check(text, commit) if text else ["The row that the commit names is not there."]
        if wrong:
            raise InputError(wrong[0], f"`wainwright audit verify {run}` looks at the journal.")
        by = signer(self._parts.settings, self._parts.redactor)
        if by is None or verifier.signer(content) not in ("", by.public):
            return commit, text, ""
        signed = by.sign(verifier.to_sign(verifier.PAYLOAD, text))
        return commit, verifier.envelope(text, by.public, signed), by.public
