"""The workbench an agent works at, and the tools on it.

A tool is typed, has one effect class, and gives its observation as text for the model. What a tool may touch is
decided here and by the sandbox, never by what a model says.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from wainwright.domain.changes import protected
from wainwright.domain.command_policy import Rules
from wainwright.domain.plan import covers
from wainwright.sandbox import layers
from wainwright.sandbox.protocol import Sandbox, SandboxView
from wainwright.secrets import Redactor
from wainwright.tools.observation import relevant
from wainwright.waiting import finish_in_thread
from wainwright.workspace.index import Indexes
from wainwright.workspace.repository import Repository

OBSERVATION_MAX = 16_000
"""Characters of one observation that reach a model, about; of what is longer what matters most."""


class Arguments(BaseModel):
    """Base of what a tool takes; its fields' docstrings are what a model reads about them."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True)
class Approval:
    """What a person has to say yes to before it is done."""

    question: str
    detail: str
    """All that will be done, to the letter, made such that it can be shown."""
    digest: str
    """Names exactly this: another tool, argument, tree, rule or fence gives another one."""


PersonPort = Callable[[Approval, str, str], Awaitable[str]]
"""Asks a person, and waits for as long as it takes: empty for yes, else why not. Given what it is about, the key of
the step that asks, and a digest of both."""


@dataclass
class Workbench:
    """One agent's place of work: a tree of its own, a fence, and the limits of what it may write."""

    tree: Path
    """The agent's own tree."""
    began_at: str
    """The commit the work began on."""
    tree_at: str
    """The commit the tree stands on, without what was changed since."""
    expected_at: str
    """The commit the tree ought to stand on after the steps done so far."""
    ref: str
    """Where its commits are kept: ``<run>/<task>/<attempt>``."""
    repository: Repository
    view: SandboxView
    sandbox: Sandbox | None
    """None: no sandbox could be proven, so no command can run."""
    redactor: Redactor
    indexes: Indexes
    rules: Rules = field(default_factory=Rules)
    """Which commands are run here."""
    person: PersonPort | None = None
    """Who is asked about what only a person may say yes to; None: nobody is there."""
    approved: str = ""
    """The digest of the one act that a person has just said yes to."""
    tests: "TestPort | None" = None
    """Runs the project's tests; None: no test command is known."""
    read_only: frozenset[str] = frozenset()
    """Paths nobody may change here: the acceptance tests."""
    claimed: tuple[str, ...] = ()
    """What other unfinished tasks will write: not this agent's to touch, unless it is in its own write set."""
    write_set: tuple[str, ...] = ()
    own_tests: tuple[str, ...] | None = None
    """The acceptance tests of the requirements this agent works on; None: all of them."""
    due_tests: tuple[str, ...] = ()
    """Those of them that nobody else works on."""
    writable: bool = True
    misquoted: Counter[str] = field(default_factory=Counter)
    """How often in a row edits of a file did not quote it as it is."""
    written: set[str] = field(default_factory=set)
    """What blocks have written since the last checkpoint: it stays, whatever rules ignore it."""

    @property
    def name(self) -> str:
        """What the tree is called among those of its run."""
        return self.view.tree.name

    def refuses(self, path: str) -> str:
        """Why a path may not be changed here, as a sentence; empty when it may."""
        if not self.writable:
            return "you may read here, not write"
        if protected(path):
            return f"{path} is a protected place, or not a path inside the workspace"
        if path in self.read_only:
            return f"{path} is an acceptance test and read-only for you; make the code meet it"
        if covers(self.claimed, path) and not covers(self.write_set, path):
            return f"{path} belongs to another task that is not finished"
        return ""

    async def checkpoint(self, message: str) -> str:
        """Commit what changed, so that nothing is lost, and return the commit the tree stands on."""
        if not self.writable:
            return self.tree_at
        written = tuple(self.written)
        made = await finish_in_thread(self.repository.commit, self.tree, message, self.ref, written)
        self.written.difference_update(written)
        self.tree_at = made.commit
        return made.commit

    async def beside(self) -> str:
        """Where commands have written that is in no checkpoint, such as ``node_modules``; empty for nowhere."""
        return ", ".join(await asyncio.to_thread(layers.written_to, self.view)) if self.writable else ""

    async def restore(self, commit: str) -> None:
        """Put the tree back to a commit of its own. Whoever may not write has changed nothing."""
        if not self.writable:
            return
        await finish_in_thread(self.repository.restore, self.tree, commit)
        self.tree_at = commit


class Denied(str):
    """An observation that says why nothing was done: the journal has such an action as denied."""

    __slots__ = ()


ToolEffect = Literal["read", "idempotent", "external"]
"""The effect class of an action, with which its step is written down. ``read`` leaves the agent's tree as it was: no
checkpoint follows. ``idempotent`` changes that tree and nothing else, from one checkpoint to the next, so that it may
be done again from there. ``external`` changes or destroys something that no checkpoint brings back: what was under
way when its process ended is never done again by itself."""

TestPort = Callable[[Workbench, str, Sequence[str]], Awaitable[str]]
"""Runs the tests on the tree of a workbench, which has this git hash, or only those that are named; in words."""

A = TypeVar("A", bound=Arguments)


def no_approval(_workbench: Workbench, _arguments: Arguments) -> None:
    """Nothing has to be approved."""


@dataclass(frozen=True)
class Tool(Generic[A]):
    """One capability."""

    name: str
    description: str
    arguments: type[A]
    effect: ToolEffect
    """What it says of itself; there is no default."""
    run: Callable[[Workbench, A], Awaitable[str]]
    needs_sandbox: bool = False
    approval: Callable[[Workbench, A], Approval | None] = no_approval
    """What a person has to say yes to first; None: nothing."""

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of its arguments, without what says their names a second time."""
        told = _untitled(self.arguments.model_json_schema())
        return {name: value for name, value in told.items() if name != "description"}

    def asks(self, workbench: Workbench, raw: Mapping[str, object]) -> Approval | None:
        """What a person has to say yes to before this call; None where nothing, or where it cannot be done at all."""
        if self.needs_sandbox and workbench.sandbox is None:
            return None
        try:
            return self.approval(workbench, self.arguments.model_validate(raw))
        except ValidationError:
            return None

    def misfit(self, raw: Mapping[str, object]) -> str:
        """What is wrong with arguments, as a sentence for the model; empty when they fit."""
        try:
            self.arguments.model_validate(raw)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
            return f"The arguments of {self.name} do not fit: {wrong}."
        return ""

    async def call(self, workbench: Workbench, raw: Mapping[str, object]) -> str:
        """Check the arguments and run; what is wrong with them is told to the model. ``Denied``: nothing was done."""
        if wrong := self.misfit(raw):
            return Denied(wrong)
        seen = await self.run(workbench, self.arguments.model_validate(raw))
        told = relevant(await workbench.redactor.clean(seen), OBSERVATION_MAX)
        return Denied(told) if isinstance(seen, Denied) else told


def _untitled(node: Any) -> Any:
    """A schema without the titles that pydantic gives everything."""
    if isinstance(node, dict):
        # A property may be called `title`; a title is text.
        return {
            name: _untitled(one) for name, one in node.items() if name != "title" or not isinstance(one, str)
        }
    return [_untitled(one) for one in node] if isinstance(node, list) else node
