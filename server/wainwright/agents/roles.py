"""The roles as data: for each piece of work, who does it, the prompt, the form of the answer, tools and limits.

Planner, designer, reviewer, critic, deployer and monitor answer with one validated structure and may look things up
before; implementer and tester act on a tree of their own until their work is done.

The first message begins with what is one for all, and with what all are given: what one role was asked is the
beginning of what the next is asked. Only then come a role's own words.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from wainwright.agents.answers import (
    AcceptanceAnswer,
    AloneAnswer,
    ConsentAnswer,
    DeployAnswer,
    DesignAnswer,
    ExplainAnswer,
    FindingsAnswer,
    MonitorAnswer,
    TriageAnswer,
    WorkAnswer,
)
from wainwright.deploy.targets import TARGETS
from wainwright.domain.evidence import ROUTES
from wainwright.domain.goal import Fact, Role
from wainwright.domain.plan import Plan
from wainwright.tools.files import LIST, READ, SEARCH
from wainwright.tools.shell import HISTORY, RUN_TESTS, SHELL
from wainwright.tools.symbols import CALLERS, FIND_SYMBOL, OUTLINE, READ_SYMBOL, REFERENCES
from wainwright.tools.toolbox import Tool

COMMON = "common"
"""Names the file with the prompt of all roles."""
EDITS = "edits"
"""Names the file that tells those who work in a tree of their own how files are edited."""
OPENING_MAX = 24_000
"""Characters that a role's first request should keep to, where what has to be told leaves room for that."""
_AROUND = 200
"""Headings around what is told."""
LOOK: tuple[Tool[Any], ...] = (READ, SEARCH, LIST, FIND_SYMBOL, REFERENCES, CALLERS, OUTLINE, READ_SYMBOL)
WORK: tuple[Tool[Any], ...] = (*LOOK, SHELL, RUN_TESTS, HISTORY)
_FOR_WHAT_IS_THERE = (FIND_SYMBOL, REFERENCES, CALLERS, OUTLINE, READ_SYMBOL, HISTORY)
"""What helps to find one's way in code of others, and in what they did before."""

_FILLED_IN: Mapping[str, str] = {
    "naming": "A test is named by its file and the name that it has there; what is around it may be left out.",
    "routes": "\n".join(
        (
            "- Severity `blocker` and `major` send the work back, unless the route is `defer`; `minor` is noted.",
            *(f"- Route `{name}`: {meaning}." for name, meaning in ROUTES.items()),
        )
    ),
    "targets": "\n".join(target.choice for target in TARGETS.values()),
    "target_names": " | ".join(f'"{name}"' for name in TARGETS),
}


@dataclass(frozen=True)
class Assignment:
    """One kind of work for a role."""

    role: Role
    name: str
    """Names the prompt file, and the scope of its steps in the journal."""
    answer: type[Fact]
    tools: tuple[Tool[Any], ...] = LOOK
    edits: bool = False
    """Whether SEARCH, FILE and DELETE blocks change the tree; otherwise FILE blocks are documents."""
    documents: tuple[str, ...] = ()
    """Documents that must come with the answer."""
    turns: int = 12
    """The most model calls for one piece of work."""
    room: int = 0
    """About so many characters of code are shown for this work alone, beyond what all are shown."""
    language: str = "python"
    """The language of the worked example, where the prompt has one for each: a file of ``examples/``."""
    from_nothing: bool = False
    """Whether the workspace was empty before the run."""

    def speaking(self, tested_by: str) -> "Assignment":
        """The same work, with the worked example in the language of what tests the workspace."""
        return replace(self, language=language(tested_by))

    def where(self, *, from_nothing: bool) -> "Assignment":
        """The same work in a workspace that was empty before the run, or was not."""
        if not from_nothing:
            return self
        return replace(
            self, from_nothing=True, tools=tuple(t for t in self.tools if t not in _FOR_WHAT_IS_THERE)
        )

    def left_beside(self, taken: int) -> int:
        """How many characters its first request may still have where so many are told already."""
        return max(0, OPENING_MAX - _AROUND - len(self.common) - len(self.own) - taken)

    def room_beside(self, taken: int) -> int:
        """How much of its room this work has where so many characters are told already."""
        return min(self.room, self.left_beside(taken))

    @property
    def common(self) -> str:
        """What all roles are told before anything else."""
        return _fitting(_read("prompts", COMMON), from_nothing=self.from_nothing)

    @property
    def own(self) -> str:
        """What comes after what all are given: how files are edited, for those who may, and the role's own words."""
        edits = f"{_read('prompts', EDITS).strip()}\n\n" if self.edits else ""
        return f"{edits}# Your part\n\n{self.prompt.strip()}"

    @property
    def prompt(self) -> str:
        """The role's own words; ``{{name}}`` in its file stands for a value of ``_FILLED_IN``."""
        text = _fitting(_read("prompts", self.name), from_nothing=self.from_nothing)
        more = {"test": NAMES[self.language]}
        if "{{example}}" in text:
            more["example"] = _read("examples", f"{self.name}.{self.language}")
        return re.sub(r"\{\{(\w+)\}\}", lambda found: {**_FILLED_IN, **more}[found[1]], text)


def _fitting(text: str, *, from_nothing: bool) -> str:
    """A prompt for a workspace: of ``⟦this¦that⟧`` one that has files gets the first, an empty one the second."""
    chosen = re.sub(
        r"⟦([^¦⟧]*)(?:¦([^⟧]*))?⟧", lambda found: (found[2] or "") if from_nothing else found[1], text
    )
    return re.sub(r"\n{3,}", "\n\n", chosen)


def _read(folder: str, name: str) -> str:
    return (resources.files("wainwright.agents") / folder / f"{name}.md").read_text("utf-8")


LANGUAGES: tuple[tuple[str, str], ...] = (
    ("go", r"go|gotestsum"),
    ("rust", r"cargo|nextest"),
    ("expect", r"vitest|jest|bun"),
    ("javascript", r"node|deno|mocha|ava|tap|npm|pnpm|yarn|corepack"),
    ("java", r"mvn\w*|maven|surefire|gradlew?|sbt|dotnet"),
    ("ruby", r"rspec|minitest|rake|rails|ruby|bundle|mix|exunit"),
    ("php", r"phpunit|pest|php|composer"),
    ("python", r"py\.?test|unittest|python[\d.]*|tox|nox|uv|hatch"),
)
"""The languages of worked examples, and the runners and programs of each, or of those that read most like it."""

NAMES: Mapping[str, str] = {
    "go": "notes/names_test.go::TestInitials/two_names",
    "rust": "tests/names.rs::initials_of_two_names",
    "expect": "test/names.test.ts::initials > of two names",
    "javascript": "test/names.test.js::initials of two names",
    "java": "src/test/java/notes/NamesTest.java::initialsOfTwoNames",
    "ruby": "test/names_test.rb::test_initials_of_two_names",
    "php": "tests/NamesTest.php::testInitialsOfTwoNames",
    "python": "tests/test_names.py::test_initials_of_two_names",
}
"""How an answer names a test, in each of these languages."""


def language(tested_by: str) -> str:
    """The language of what is named first in a list of runners or in a shell line; Python where nothing is known."""
    found = ((re.search(rf"(?<![\w-])({words})(?![\w-])", tested_by), name) for name, words in LANGUAGES)
    return min(((at.start(), name) for at, name in found if at), default=(0, "python"))[1]


PLAN = Assignment("planner", "planner", Plan, room=4_000)
DESIGN = Assignment("designer", "designer", DesignAnswer, documents=("design.md",), room=2_000)
ACCEPTANCE = Assignment("tester", "tester", AcceptanceAnswer, tools=WORK, edits=True, turns=40, room=3_000)
IMPLEMENT = Assignment("implementer", "implementer", WorkAnswer, tools=WORK, edits=True, turns=60, room=7_000)
ALONE = Assignment("implementer", "alone", AloneAnswer, tools=WORK, edits=True, turns=60, room=7_000)
CRITIQUE = Assignment("critic", "critic", FindingsAnswer, turns=8)
TASK_REVIEW = Assignment("reviewer", "task-reviewer", FindingsAnswer, turns=8)
REVIEW = Assignment("reviewer", "reviewer", FindingsAnswer)
EXPLAIN = Assignment("reviewer", "explain", ExplainAnswer, documents=("explanation.md",), room=7_000)
TRIAGE = Assignment("tester", "triage", TriageAnswer, turns=8)
CONSENT = Assignment("reviewer", "consent", ConsentAnswer, turns=8)
DEPLOY = Assignment("deployer", "deployer", DeployAnswer, documents=("runbook.md",), room=3_000)
MONITOR = Assignment("monitor", "monitor", MonitorAnswer, tools=(), turns=4)

ASSIGNMENTS: tuple[Assignment, ...] = (
    PLAN,
    DESIGN,
    ACCEPTANCE,
    IMPLEMENT,
    ALONE,
    CRITIQUE,
    TASK_REVIEW,
    REVIEW,
    EXPLAIN,
    TRIAGE,
    CONSENT,
    DEPLOY,
    MONITOR,
)
