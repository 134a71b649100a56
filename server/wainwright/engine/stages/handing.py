"""REVIEW: the change is shown before anybody is asked, and what was accepted of it is handed over."""

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from pydantic import JsonValue

from wainwright.domain import events as ev
from wainwright.domain.changes import Changeset, FileChange
from wainwright.domain.choosing import refused
from wainwright.domain.control_files import CONTROL
from wainwright.domain.fold import fold
from wainwright.domain.gates import agreed_by_person
from wainwright.domain.goal import slug
from wainwright.domain.hunks import ChangeShown, Hunk, ShownFile
from wainwright.domain.shown import in_line
from wainwright.domain.state import RunState
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages.anchoring import anchored
from wainwright.engine.stages.landing import commit_message, control_files
from wainwright.engine.views.documents import Documents, folder, write
from wainwright.journal import Spend
from wainwright.workspace import hunks, takeover

PATCH = "changes.patch"
_LEFT_OUT = "Leave out what the review refused"


async def show_change(parts: EngineParts, run: LiveRun) -> Sequence[ev.Event]:
    """Put the change on its branch, or into a patch, and tell it in hunks: the person looks before they are asked."""
    state, head = run.state, run.state.present_head
    branch, patch = await _put_out(parts, state, head)
    files = await asyncio.to_thread(_files, parts, state, head)
    tree = state.head_tree or ""
    shown = ChangeShown(commit=head, tree=tree, branch=branch, patch=patch, files=files)
    # It is to be there when the question comes, which is at once.
    documents = Documents(parts.workspace, state.run, parts.journal)
    await asyncio.to_thread(documents.write, fold(state, shown))
    return (shown,)


async def hand_over(parts: EngineParts, run: LiveRun) -> Sequence[ev.Event]:
    """Put the change on a branch, or into a patch, and into the editor the run was started from.

    Hunks that a person refused are taken out of it first.
    """
    state = run.state
    base, head = state.base, state.present_head
    assert base is not None
    if base == head:
        return (ev.Delivered(commit=head, detail="Nothing was changed."),)
    left_out = tuple(refused(state))
    if left_out:
        head = await _without_refused(parts, run)
    head = await anchored(parts, run, head)
    changeset = await asyncio.to_thread(_for_editor, parts, state, head)
    branch, patch = await _put_out(parts, state, head)
    run.tell(f"hands over {len(changeset.files)} files")
    # A run that a person did not agree to reaches no farther than its branch with these.
    control = () if agreed_by_person(state) else await asyncio.to_thread(control_files, parts, state, head)
    files = tuple(file for file in changeset.files if file.path not in control)
    answer = await parts.editor.apply(state.run, changeset.model_copy(update={"files": files}))
    if control and answer.status == "applied":
        answer = answer.model_copy(update={"status": "partial"})
    absent = answer.status == "absent"
    not_taken = tuple(file.path for file in files) if absent else answer.left
    detail = " ".join(filter(None, (_other_name(branch), answer.detail, _on_branch_only(control))))
    # Only now: what the editor did decides which way works.
    way = ""
    if branch is not None:
        taken = partial(takeover.way, applied=answer.status == "applied")
        way = await asyncio.to_thread(taken, parts.repository.place, base, head, branch)
    delivered = ev.Delivered(
        commit=head,
        tree=await asyncio.to_thread(parts.repository.tree_of, head) if left_out else "",
        left_out=left_out,
        not_taken=(*not_taken, *control),
        branch=branch,
        patch=patch,
        editor=answer.status,
        detail=detail,
        way=way,
    )
    return (delivered,)


async def _put_out(parts: EngineParts, state: RunState, head: str) -> tuple[str | None, str | None]:
    """The branch that a commit is on from now on; in a folder without git, the path of a patch instead."""
    shown = state.shown.commit if state.shown else ""
    branch = await asyncio.to_thread(parts.repository.deliver, branch_slug(state), head, instead_of=shown)
    if branch is not None:
        return branch, None
    assert state.base is not None
    text = await asyncio.to_thread(parts.repository.diff, state.base, head)
    path = folder(parts.workspace, state.run) / PATCH
    await asyncio.to_thread(write, parts.workspace, path, text)
    return None, str(path.relative_to(parts.workspace))


def branch_slug(state: RunState) -> str:
    """What a branch of the run is called: by the goal where that is short and says it, else by what was done."""
    titles = [one.task.title for one in state.tasks.values()]
    if state.goal.telling or not titles:
        return state.goal.slug()
    return slug(titles[0]) or state.goal.slug()


def _for_editor(parts: EngineParts, state: RunState, head: str) -> Changeset:
    """What the editor lacks: of what it has taken already, the difference since then. Blocks."""
    assert state.base is not None
    whole = parts.repository.changeset(state.base, head)
    last = state.handed
    if last is None:
        return whole
    since = parts.repository.changeset(last.commit, head)
    files = [
        *(
            file.model_copy(update={"base": last.commit})
            for file in since.files
            if file.path not in last.not_taken
        ),
        *(file for file in whole.files if file.path in last.not_taken),
    ]
    return whole.model_copy(update={"files": tuple(files)})


# ---- hunks


def _files(parts: EngineParts, state: RunState, head: str) -> tuple[ShownFile, ...]:
    """All files of the change, with their hunks numbered through. Blocks."""
    assert state.base is not None
    repository, base = parts.repository, state.base
    notes = {one.path: one.said for one in repository.unshown(base, head)}
    tasks = _tasks(parts, state, head)
    found, number = list[ShownFile](), 0
    for change in repository.changeset(base, head).files:
        made = _hunks(parts, base, head, change, number)
        number += len(made)
        whole = change.kind != "modified" or not made[0].lines
        names = tuple(tasks.get(change.path, ()))
        note = parts.redactor.redact(notes.get(change.path, ""))
        about = {"tasks": names, "serves": _serves(state, change.path, names), "note": note, "whole": whole}
        found.append(
            ShownFile.model_validate({"path": change.path, "kind": change.kind, "hunks": made, **about})
        )
    return tuple(found)


def _hunks(parts: EngineParts, base: str, head: str, change: FileChange, before: int) -> tuple[Hunk, ...]:
    old, new = _text(parts, base, change.path), _text(parts, head, change.path)
    pieces = hunks.pieces(old, new) if old is not None and new is not None else []
    return tuple(
        Hunk(number=number, **piece.span._asdict(), lines=parts.redactor.redact(piece.lines))
        for number, piece in enumerate(pieces, before + 1)
    ) or (Hunk(number=before + 1),)


def _text(parts: EngineParts, commit: str, path: str) -> str | None:
    """The text of a file as git keeps it, empty where there is no file; None for what is no text."""
    try:
        content = (parts.repository.read(commit, path) or b"").decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in content else content


def _tasks(parts: EngineParts, state: RunState, head: str) -> dict[str, dict[str, None]]:
    """Path -> the tasks whose commits changed it, in order."""
    assert state.base is not None
    owners = {one.commit: name for name, one in state.tasks.items() if one.commit}
    commits = [state.base, *(entry.commit for entry in reversed(parts.repository.log(state.base, head)))]
    found: dict[str, dict[str, None]] = {}
    for before, commit in pairwise(commits):
        if owner := owners.get(commit):
            for _, path in parts.repository.changes(before, commit):
                found.setdefault(path, {})[owner] = None
    return found


def _serves(state: RunState, path: str, tasks: Sequence[str]) -> tuple[str, ...]:
    """The requirements that a file is there for: those it tests, else those of the tasks that changed it."""
    tests = state.acceptance.tests if state.acceptance else ()
    tested = [one.requirement for one in tests if one.test.partition("::")[0] == path]
    return tuple(
        dict.fromkeys(tested or [name for task in tasks for name in state.tasks[task].task.acceptance])
    )


async def _without_refused(parts: EngineParts, run: LiveRun) -> str:
    """A commit on the head in which refused hunks are as they were before the run; the same one when asked again."""
    state = run.state

    async def now(_key: str) -> tuple[JsonValue, Spend]:
        return await asyncio.to_thread(_taken_out, parts, state), Spend()

    about: JsonValue = list(refused(state))
    steps = run.steps(f"/REVIEW/left-out.{state.present_head[:16]}")
    return str(await steps.step("commit", inputs=about, effect="read", act=now))


def _taken_out(parts: EngineParts, state: RunState) -> str:
    shown, out = state.shown, refused(state)
    assert shown is not None
    assert state.base is not None
    gone, texts = list[str](), dict[str, bytes]()
    for file in shown.files:
        spans = [
            hunks.Span(one.old_start, one.old_len, one.new_start, one.new_len)
            for one in file.hunks
            if one.number in out
        ]
        if len(spans) == len(file.hunks):
            gone.append(file.path)
        elif spans:
            old, new = (_text(parts, commit, file.path) or "" for commit in (state.base, shown.commit))
            texts[file.path] = hunks.without(old, new, spans).encode()
    tree = parts.repository.lay(shown.commit, state.base, gone, texts)
    told = "\n".join(f"- hunk {number}: {said.reason}" for number, said in out.items())
    words = commit_message(parts, state, shown.commit, tree, _LEFT_OUT, told)
    return parts.repository.commit_tree(tree, [shown.commit], words)


# ---- what is said of it


def _on_branch_only(control: tuple[str, ...]) -> str:
    """Say which files a person has to take over."""
    told = ", ".join(map(in_line, control))
    return (
        f"It changes {CONTROL}, and nobody was asked: look at them before you take them over. {told}."
        if told
        else ""
    )


def _other_name(branch: str | None) -> str:
    """Say why a branch is not called as branches of runs usually are."""
    if branch is None or branch.startswith("wainwright/"):
        return ""
    return f"The branch is called {branch}: your branch `wainwright` leaves no room for one named `wainwright/...`."
