"""All models that cross the wire: what commands take, and what they answer; those about hunks are beside it.

Imports nothing of this room.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from wainwright.domain.events import Steering
from wainwright.domain.goal import Autonomy, Role, Size, Stage


class Wire(BaseModel):
    """Base of what goes over the wire: frozen, closed, snake_case here and camelCase there."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        json_schema_serialization_defaults_required=True,
        defer_build=True,
    )


class InFolder(Wire):
    """Base of what commands are asked with."""

    folder: str | None = None
    """The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first."""


class NoArguments(InFolder):
    """For commands that take nothing."""


EVENT = "wainwright/event"
"""The notification for clients that ask for it: an engine's `Notice`, or an `EditNotice`."""


INPUT = "wainwright/input"
"""The request to clients that can take a line of text from the person: `InputParams`, answered by `InputResult`."""


class InputParams(Wire):
    """What the person is asked to type."""

    prompt: str
    value: str = ""
    """What stands there at first."""
    secret: bool = False
    """What is typed must not be shown, or kept."""


class InputResult(Wire):
    """What the person typed; nothing when they closed the input."""

    text: str | None = None


class Spot(Wire):
    """A position as the protocol has it: line and character count from 0."""

    line: int
    character: int


class TrustArguments(InFolder):
    """Whether the folder is trusted."""

    revoke: bool = False
    """Trust it no more, instead of asking whether to."""


class TrustInfo(Wire):
    """Whether work may be done in the folder that is open."""

    folder: str
    trusted: bool
    """As things are now; a person who is asked may say yes later."""


class Span(Wire):
    """A range as the protocol has it."""

    start: Spot
    end: Spot


class StartArguments(InFolder):
    """What to work on."""

    goal: str | None = None
    """What should be true when the work is done. Default: the text of `.wainwright/goal.md`."""
    uri: str | None = None
    """The document that the person looks at."""
    range: Span | None = None
    """What is selected there."""
    diagnostics: tuple[str, ...] = ()
    """Messages that the goal is about."""
    autonomy: Autonomy | None = None
    """How far the run may go by itself; never further than the settings allow."""
    until: Stage | None = None
    """Hold after this stage."""
    size: Size | None = None
    """How large the goal is. Default: the setting, or the planner says it."""


class WorkArguments(StartArguments):
    """What to ask the person about, and where they are."""

    offered: str = ""
    """What is taken unless the person says otherwise; `explain` has it explained."""


class WorkAsked(Wire):
    """The person is being asked what is to be done; the work begins on their answer."""

    status: Literal["asked"] = "asked"


class ModelAsked(Wire):
    """The person is being asked which model is asked; it is told what came of it."""

    status: Literal["asked"] = "asked"


class BeginArguments(InFolder):
    """Which run goes on with the stage, or what a new one is for, and where the person is."""

    run: str | None = None
    """Default: the newest run that has not ended."""
    goal: str | None = None
    """What a new run is for; one is started unless a run holds before this stage. It passes this stage alone; for
    `build` the tests and the review as well, for `deploy` the watching."""
    uri: str | None = None
    """The document that the person looks at; a review then looks at it as it stands, else at the present changes."""
    range: Span | None = None
    """The lines of it."""


class RunArguments(InFolder):
    """Which run is meant."""

    run: str | None = None
    """The run, or how its name begins. Default: the newest one that fits."""


class OneTaskArguments(RunArguments):
    """Which task of a run."""

    task: str
    """The task, as the plan names it."""


class TaskArguments(OneTaskArguments):
    """Which task of a run, and what is to be done with it."""

    way: Steering
    """`again` is a new attempt; `skip` leaves the task out, and what needs it waits until it is let go on without.
    The others leave the present attempt where it is."""


class NoteArguments(RunArguments):
    """What to say to those at work on a run."""

    words: str = ""
    """Each agent hears them at its next turn. Default: the lines that begin with `> ` under *Your notes* in `run.md`;
    else the person is asked."""


class ResumeArguments(RunArguments):
    """Which run goes on, and what it may cost from now on.

    New caps are the person's decision, as on the command line: they may go past the settings, hold for this run
    alone, and are said aloud. A client asks the person for the number; it never offers one by itself.
    """

    budget_usd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """The most the run may cost in all, in US dollars, what is spent included. Default: as it was."""
    budget_tokens: int | None = Field(default=None, gt=0)
    """The most tokens the run may take in all, those taken included. Default: as it was."""


class ApproveArguments(RunArguments):
    """Which gate to pass."""

    gate: str | None = None
    """Default: the one that is open."""
    answer: str = ""
    """What to answer at a gate that is answered in words; at others it is refused."""
    seen: str = ""
    """The digest of what was read. The decision is refused where the gate asks something else; default: it is not
    compared."""


class AnswerArguments(RunArguments):
    """Which gate to answer, and what."""

    gate: str | None = None
    """Default: the one that is open."""
    words: str = ""
    """Default: the lines that begin with `> ` under it in `run.md`; else the person is asked. A gate whose `answer`
    is empty is not answered so."""
    seen: str = ""
    """The digest of what was read, as for `wainwright.approve`."""


class RejectArguments(RunArguments):
    """Which gate to refuse, and why."""

    gate: str | None = None
    """Default: the one that is open."""
    reason: str = ""
    """Why; the team works it in. Default: the lines that begin with `> ` under it in `run.md`; else the person is
    asked, where the client can take a line of text."""
    seen: str = ""
    """The digest of what was read, as for `wainwright.approve`."""


class ShowArguments(RunArguments):
    """Which document of a run to open."""

    document: Literal["run.md", "plan.md", "change.diff"] = "run.md"


class PartArguments(RunArguments):
    """Which part of the change of a run is meant. Default: all of it."""

    file: str = ""
    """One file of it."""
    hunks: tuple[int, ...] = ()
    """Some hunks, by their numbers in `change.diff`; beside `file` all must be of it."""


class LineArguments(RunArguments):
    """Which line is meant."""

    uri: str = ""
    """The document; what is unsaved in it counts."""
    line: int = Field(default=0, ge=0)
    """As the protocol counts: from 0."""


class RewindArguments(InFolder):
    """Where files go back to."""

    checkpoint: str | None = None
    """Its name, as `wainwright.checkpoints` lists them. Default: the person is asked."""
    overwrite: tuple[str, ...] = ()
    """Files to be rewound although the person changed them since."""


class ForkArguments(RunArguments):
    """From where a run is gone on from in a run of its own."""

    row: int | None = Field(default=None, ge=1)
    """The last row that both have, as `wainwright.rows` lists them. Default: the person is asked."""
    anew: tuple[Role, ...] = ()
    """Roles that are asked again in any case; what others ask as before is answered from the record."""


class GateInfo(Wire):
    """An open gate: somebody has to decide."""

    id: str
    kind: str
    question: str
    detail: str
    yes: str
    """What `wainwright.approve` is called at this gate."""
    no: str
    """What `wainwright.reject` is called at this gate."""
    read: str
    """The document in which what is asked about can be read; `wainwright.show` opens it."""
    seen: str
    """The digest of question and detail, which a decision may carry."""
    answer: str = ""
    """What `wainwright.answer` is called at this gate; empty: it is not answered in words."""
    ends: bool = False
    """Whether a no ends the run; it can be resumed."""


class NoteInfo(Wire):
    """What the person said to those at work."""

    words: str
    received: tuple[str, ...]
    """Who was told, in order; empty: nobody yet."""


class RunInfo(Wire):
    """How far a run is."""

    run: str
    goal: str
    title: str
    """The goal in a line."""
    stage: Stage
    status: str
    """How far it is, in a line."""
    ended: bool
    percent: int
    waiting: Literal["", "gate", "hold"]
    """Why nothing goes on: a decision is open, or the run holds after the stage it was let go to."""
    at_work: Literal["here", "elsewhere", ""]
    """Which process drives the run: this server, another process, none."""
    interrupted: bool
    """Its process ended before the run did; `wainwright.resume` goes on."""
    gates: tuple[GateInfo, ...]
    notes: tuple[NoteInfo, ...]
    branch: str | None
    editor: str
    """What became of the change in the editor: `applied`, `partial`, `refused`, or `absent`."""
    tier: str
    """How commands are held, in a sentence: the tier of the sandbox, and why it is no better one."""
    cautions: tuple[str, ...]
    """How far the tests can be trusted, a sentence each; empty where nothing is out of the ordinary."""
    failure: str
    hint: str
    model_calls: int
    tokens: int
    cost_usd: float
    cost: str
    """The same in words: a price that is unknown is said to be so."""


class RunList(Wire):
    """All runs of the workspace."""

    runs: tuple[RunInfo, ...]
    first: str
    """The one to look at first: one that waits for the person, else one that is under way; empty: there is none."""

    @classmethod
    def of(cls, runs: Sequence[RunInfo]) -> "RunList":
        """These runs, the newest first, folder by folder."""
        going = [run for run in runs if not run.ended]
        going.sort(key=lambda run: (not run.gates, not run.interrupted, not run.at_work))
        return cls(runs=tuple(runs), first=going[0].run if going else "")


class DifferenceInfo(Wire):
    """Where this version would not do what a record says."""

    row: int
    """The first row that it is about."""
    before: int
    """The row before that: from where a fork could go on."""
    what: str


class ReplayInfo(Wire):
    """What came of doing a run again against its record; no model was asked."""

    run: str
    sentence: str
    """The same, as the person is told it."""
    unreadable: str
    """Why it could not be done again at all; empty when it could."""
    facts: int
    calls: int
    """Model calls that are recorded."""
    asked: int
    """Those of them that were asked for again."""
    reworded: int
    """Those that would be asked in other words; their replies count all the same."""
    differences: tuple[DifferenceInfo, ...]
    not_redone: tuple[str, ...]
    """What was taken from the record, since a command would have to run."""
    documents: tuple[str, ...]
    """Documents of the run that are not on disk as the record has them."""


class RowInfo(Wire):
    """A row of a run's journal: a fact, or what was asked or done in between."""

    number: int
    at: float
    """Seconds since 1970."""
    kind: str
    text: str
    usd: float
    tokens: int


class RowList(Wire):
    """The rows of a run, the oldest first."""

    run: str
    rows: tuple[RowInfo, ...]


class ForkBegun(Wire):
    """A fork that is at work, or about whose row the person is asked."""

    parent: str
    run: str = ""
    """Empty: the person is asked first."""


class ComparisonInfo(Wire):
    """A fork beside the run that it comes from; of a pair, the first is that run's, from the row where they part."""

    parent: str
    fork: str
    stages: tuple[Stage, Stage]
    files: tuple[str, ...]
    """Those in which the results differ."""
    usd: tuple[float, float]
    tokens: tuple[int, int]
    calls: tuple[int, int]
    given: int
    """Model calls of the fork that were answered from the record."""
    sentences: tuple[str, ...]
    """The same, as the person is told it."""


class TextInfo(Wire):
    """A few sentences, which the person is shown as well."""

    run: str
    text: str


class Shown(Wire):
    """Where the document of a run is, which the editor is being asked to open."""

    run: str
    uri: str


class LineInfo(Wire):
    """Where a line comes from; empty is what cannot be told. All of it stands in a document that is being opened."""

    run: str
    """The run that wrote it; empty: none did."""
    commit: str
    task: str
    step: str
    """The key of the step of the journal that wrote it."""
    call: str
    """The key of the model call that asked for it."""
    uri: str


class CheckpointInfo(Wire):
    """A state that the files can be brought to."""

    name: str
    at: float
    """Seconds since 1970."""
    run: str
    what: str


class CheckpointList(Wire):
    """All checkpoints, the newest first."""

    checkpoints: tuple[CheckpointInfo, ...]


class FileInfo(Wire):
    """What became of one file."""

    path: str
    applied: bool
    reason: str = ""


class EditBegun(Wire):
    """The text in the editor is being changed; what came of it is told later, for the editor may answer first."""

    run: str
    status: Literal["begun"] = "begun"


class EditInfo(Wire):
    """What became of a change in the editor."""

    status: Literal["applied", "partial", "refused"]
    files: tuple[FileInfo, ...] = ()
    detail: str = ""
    """Why, when it is not `applied`."""


class EditNotice(Wire):
    """What came of `wainwright.apply` or `wainwright.revert`."""

    run: str
    kind: Literal["apply", "revert"]
    text: str
    """The sentence that the person is shown."""
    edit: EditInfo
