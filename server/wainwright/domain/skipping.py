"""What follows from a task that a person skipped: what nothing makes true any more, and what waits for it.

It counts as not done. What needs it waits until the person has it built without. Acceptance tests that only it would
make green never land; a file that has others beside them is written anew without them.
"""

from wainwright.domain.errors import IllegalTransition
from wainwright.domain.events import AcceptanceWritten
from wainwright.domain.state import RunState, TaskState, without_test


def skipped(state: RunState) -> tuple[TaskState, ...]:
    """The tasks that a person skipped."""
    return tuple(one for one in state.tasks.values() if one.status == "skipped")


def left_out(state: RunState) -> frozenset[str]:
    """The requirements that only skipped tasks of the present plan serve: nothing makes them true."""
    of_plan = [one for one in state.tasks.values() if one.revision == state.revision]
    gone = {name for one in of_plan if one.status == "skipped" for name in one.task.acceptance}
    met = {one.id for one in state.plan.requirements if one.met} if state.plan else set()
    served = {name for one in of_plan if one.status != "skipped" for name in one.task.acceptance}
    return frozenset(gone - met - served)


def skip(state: RunState, one: TaskState, by: str) -> RunState:
    """The run without a task. Raises IllegalTransition where nothing would be left of it."""
    if all(other is one or other.status == "skipped" for other in state.tasks.values()):
        raise IllegalTransition(
            f"Task {one.task.id} is all that is to be done.", "`wainwright cancel` stops the run."
        )
    changes = {"status": "skipped", "skipped_by": by, "paused": False, "halted": None}
    gone = one.model_copy(update=changes)
    after = state.changed(tasks={**state.tasks, one.task.id: gone})
    only = left_out(after) & set(one.task.acceptance)
    tests = state.acceptance.tests if state.acceptance else ()
    names = dict.fromkeys((*one.skipped_tests, *(test.test for test in tests if test.requirement in only)))
    gone = gone.model_copy(update={"skipped_tests": tuple(names)})
    return state.changed(tasks={**state.tasks, one.task.id: gone})


def do_after_all(one: TaskState) -> dict[str, object]:
    """What changes of a skipped task that is to be done all the same."""
    return {"skipped_by": "", "skipped_tests": ()}


def unfit(state: RunState) -> str:
    """Why the acceptance tests do not fit what is skipped, for who writes them anew; empty where they do."""
    written, gone = state.acceptance, skipped(state)
    if written is None or not gone or not any(_mixed(state, written, path) for path in written.owners):
        return ""
    names = "\n".join(f"- {one.task.id}, {one.task.title} ({', '.join(one.task.acceptance)})" for one in gone)
    out = ", ".join(sorted(left_out(state)))
    write = f"Write no test of {out}. " if out else ""
    return (
        f"The person skipped these tasks, and nobody does them:\n{names}\n{write}"
        "Keep what the tests say of the other tasks, and let none of them need what is not built."
    )


def _mixed(state: RunState, written: AcceptanceWritten, path: str) -> bool:
    """Whether a file waits for skipped tasks and for others, or shows what is left out beside something else."""
    owners = [state.tasks[name].status for name in written.owners[path] if name in state.tasks]
    if "skipped" in owners:
        return set(owners) != {"skipped"}
    shown = {test.requirement for test in written.tests if test.test.partition("::")[0] == path}
    return bool(shown & left_out(state))


def waits_for(state: RunState, one: TaskState) -> tuple[str, ...]:
    """The skipped tasks that a task needs, and that nobody said it goes on without."""
    gone = {each.task.id for each in skipped(state)}
    return tuple(need for need in one.task.needs if need in gone and need not in one.without)


def asks_about(state: RunState, one: TaskState) -> str:
    """What a person is asked about a task that needs what was skipped; empty where it does not."""
    missing = ", ".join(waits_for(state, one))
    many = "are" if "," in missing else "is"
    return f"Task {one.task.id} needs {missing}, which {many} skipped. Build it without?" if missing else ""


def told(state: RunState) -> tuple[str, ...]:
    """A sentence on each skipped task: who skipped it, and what is not shown for that."""
    out = left_out(state)
    sentences = []
    for one in skipped(state):
        own = [name for name in one.task.acceptance if name in out and one.revision == state.revision]
        text = f"Task {one.task.id} ({one.task.title}) was skipped by {one.skipped_by}"
        text += f", so nothing makes {', '.join(own)} true" if own else ""
        tests = ", ".join(f"`{name}`" for name in one.skipped_tests)
        sentences.append(f"{text}; skipped with it: {tests}." if tests else f"{text}.")
    return tuple(sentences)


def untested(state: RunState) -> dict[str, list[str]]:
    """Why requirements have no test although nobody skipped them: each reason once, with its requirements."""
    out, found = left_out(state), dict[str, list[str]]()
    for name, why in without_test(state).items():
        if name not in out:
            found.setdefault(why, []).append(name)
    return found
