"""A small workflow on a real journal, in processes that are killed at a chosen append. Driven by ``test_sweep``.

Reads requests as JSON lines, forks one process for each, and answers with how it ended. A fork per request keeps
the imports warm; every process opens the journal itself.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from pydantic import JsonValue
from tests.crash.dying import at_append

from wainwright.domain.errors import InputError
from wainwright.domain.events import RunStarted, TaskLanded
from wainwright.domain.goal import Goal
from wainwright.journal import Journal, Lease, Reservation, Spend, Steps

RUN = "r1"
TASKS = ("a", "b", "c")
CALLS = 3
HOLD = Reservation(usd=0.25, tokens=20)
SPEND = Spend(usd=0.125, tokens=10)


def own(journal: Journal) -> Lease:
    """Go on with the run, or begin it."""
    try:
        return journal.claim(RUN)
    except InputError:
        first = RunStarted(
            run=RUN,
            goal=Goal(text="Count"),
            workspace="here",
            route=(),
            autonomy="suggest",
            trust="trusted",
            tier="none",
            attended=False,
        )
        return journal.create(first, RUN, "Count", cap_usd=10.0, cap_tokens=1000)


async def one_task(journal: Journal, lease: Lease, task: str, outside: Path) -> JsonValue:
    """Ask a few times, each question made of the answer before it; then land."""
    steps = Steps(journal, lease, f"/BUILD/{task}.1.0")
    said: JsonValue = task

    async def call(key: str) -> tuple[JsonValue, Spend]:
        with outside.open("a") as file:
            file.write(key + "\n")
        await asyncio.sleep(0)
        return f"{said}+{key.rpartition('#')[2]}", SPEND

    for _ in range(CALLS):
        said = await steps.step("model", inputs={"said": said}, effect="llm", act=call, reservation=HOLD)
    landed = {e.task for e in journal.events(RUN) if isinstance(e, TaskLanded)}
    if task not in landed:
        journal.append(lease, [TaskLanded(task=task, attempt=0, commit="c", tree="t", summary=str(said))])
    return said


async def run(path: Path, outside: Path) -> list[JsonValue]:
    """The whole workflow: all tasks side by side."""
    journal = Journal(path)
    lease = own(journal)
    said = await asyncio.gather(*(one_task(journal, lease, task, outside) for task in TASKS))
    journal.release(lease)
    journal.close()
    return list(said)


def main() -> None:
    """Serve requests until the input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            if request["kill_at"]:
                at_append(request["kill_at"], request["moment"])
            said = asyncio.run(run(Path(request["journal"]), Path(request["outside"])))
            Path(request["answer"]).write_text(json.dumps(said))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
