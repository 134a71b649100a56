/** Made by `python -m wainwright.lsp.reference protocol.d.ts`; do not edit. */

/** Which gate to answer, and what. */
export interface AnswerArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  /** Default: the one that is open. */
  gate?: string | null;
  /** Default: the lines that begin with `> ` under it in `run.md`; else the person is asked. A gate whose `answer` is empty is not answered so. */
  words?: string;
  /** The digest of what was read, as for `wainwright.approve`. */
  seen?: string;
}

/** Which gate to pass. */
export interface ApproveArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  /** Default: the one that is open. */
  gate?: string | null;
  /** What to answer at a gate that is answered in words; at others it is refused. */
  answer?: string;
  /** The digest of what was read. The decision is refused where the gate asks something else; default: it is not compared. */
  seen?: string;
}

/** Which run goes on with the stage, or what a new one is for, and where the person is. */
export interface BeginArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** Default: the newest run that has not ended. */
  run?: string | null;
  /** What a new run is for; one is started unless a run holds before this stage. It passes this stage alone; for `build` the tests and the review as well, for `deploy` the watching. */
  goal?: string | null;
  /** The document that the person looks at; a review then looks at it as it stands, else at the present changes. */
  uri?: string | null;
  /** The lines of it. */
  range?: Span | null;
}

/** One test of the newest receipt. */
export interface CaseInfo {
  name: string;
  outcome: "passed" | "failed" | "error" | "skipped";
  /** How it ended before the run; empty: there was none of that name. */
  before: "passed" | "failed" | "error" | "skipped" | "";
  message: string;
}

/** A change that is to be shown. */
export interface ChangesParams {
  title: string;
  files: SidesInfo[];
}

/** A state that the files can be brought to. */
export interface CheckpointInfo {
  name: string;
  /** Seconds since 1970. */
  at: number;
  run: string;
  what: string;
}

/** All checkpoints, the newest first. */
export interface CheckpointList {
  checkpoints: CheckpointInfo[];
}

/** A fork beside the run that it comes from; of a pair, the first is that run's, from the row where they part. */
export interface ComparisonInfo {
  parent: string;
  fork: string;
  stages: [Stage, Stage];
  /** Those in which the results differ. */
  files: string[];
  usd: [number, number];
  tokens: [number, number];
  calls: [number, number];
  /** Model calls of the fork that were answered from the record. */
  given: number;
  /** The same, as the person is told it. */
  sentences: string[];
}

/** Where this version would not do what a record says. */
export interface DifferenceInfo {
  /** The first row that it is about. */
  row: number;
  /** The row before that: from where a fork could go on. */
  before: number;
  what: string;
}

/** A document of the run. */
export interface DocumentInfo {
  name: string;
  uri: string;
}

/** The text in the editor is being changed; what came of it is told later, for the editor may answer first. */
export interface EditBegun {
  run: string;
  status: "begun";
}

/** What became of a change in the editor. */
export interface EditInfo {
  status: "applied" | "partial" | "refused";
  files: FileInfo[];
  /** Why, when it is not `applied`. */
  detail: string;
}

/** What came of `wainwright.apply` or `wainwright.revert`. */
export interface EditNotice {
  run: string;
  kind: "apply" | "revert";
  /** The sentence that the person is shown. */
  text: string;
  edit: EditInfo;
}

/** What became of one file. */
export interface FileInfo {
  path: string;
  applied: boolean;
  reason: string;
}

/** From where a run is gone on from in a run of its own. */
export interface ForkArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  /** The last row that both have, as `wainwright.rows` lists them. Default: the person is asked. */
  row?: number | null;
  /** Roles that are asked again in any case; what others ask as before is answered from the record. */
  anew?: ("planner" | "designer" | "implementer" | "tester" | "reviewer" | "critic" | "deployer" | "monitor")[];
}

/** A fork that is at work, or about whose row the person is asked. */
export interface ForkBegun {
  parent: string;
  /** Empty: the person is asked first. */
  run: string;
}

/** An open gate: somebody has to decide. */
export interface GateInfo {
  id: string;
  kind: string;
  question: string;
  detail: string;
  /** What `wainwright.approve` is called at this gate. */
  yes: string;
  /** What `wainwright.reject` is called at this gate. */
  no: string;
  /** The document in which what is asked about can be read; `wainwright.show` opens it. */
  read: string;
  /** The digest of question and detail, which a decision may carry. */
  seen: string;
  /** What `wainwright.answer` is called at this gate; empty: it is not answered in words. */
  answer: string;
  /** Whether a no ends the run; it can be resumed. */
  ends: boolean;
}

/** Which hunk of the change that a run asks about. */
export interface HunkArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  /** Its number in `change.diff`. */
  hunk: number;
}

/** A hunk of a change, and what was said of it last. */
export interface HunkInfo {
  number: number;
  path: string;
  /** Where it begins in the file as the change has it, from 1. */
  line: number;
  /** As in a unified diff; empty for what text cannot show. */
  lines: string;
  /** The requirements that it is there for. */
  serves: string[];
  /** Those that made it. */
  tasks: string[];
  /** Empty: nothing was said, and it is taken over. */
  decision: "" | "accept" | "reject" | "change";
  reason: string;
}

/** The change that a run shows, in hunks. */
export interface HunkList {
  run: string;
  commit: string;
  /** Hunks can be decided on: the run is where it asks about the change. */
  asked: boolean;
  /** It was handed over: hunks can be taken back, or put in again. */
  handed: boolean;
  files: SidesInfo[];
  hunks: HunkInfo[];
}

/** What is said of which hunks of the change that a run asks about. */
export interface HunksArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  /** `reject` leaves them out and has BUILD told why; `change` has them made again as the words say. */
  decision: "accept" | "reject" | "change";
  /** Their numbers in `change.diff`. Default: all, or all of `file`. */
  hunks?: number[];
  /** All hunks of this file; beside `hunks` the file that these must be of. */
  file?: string;
  /** Why, or what is to be changed. Default: the lines below them in `change.diff` that begin with `>`. */
  reason?: string;
  /** Which change was looked at; another one by now is refused. Default: the present one. */
  commit?: string;
}

/** What the person is asked to type. */
export interface InputParams {
  prompt: string;
  /** What stands there at first. */
  value: string;
  /** What is typed must not be shown, or kept. */
  secret: boolean;
}

/** What the person typed; nothing when they closed the input. */
export interface InputResult {
  text?: string | null;
}

/** Which line is meant. */
export interface LineArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  /** The document; what is unsaved in it counts. */
  uri?: string;
  /** As the protocol counts: from 0. */
  line?: number;
}

/** Where a line comes from; empty is what cannot be told. All of it stands in a document that is being opened. */
export interface LineInfo {
  /** The run that wrote it; empty: none did. */
  run: string;
  commit: string;
  task: string;
  /** The key of the step of the journal that wrote it. */
  step: string;
  /** The key of the model call that asked for it. */
  call: string;
  uri: string;
}

/** The person is being asked which model is asked; it is told what came of it. */
export interface ModelAsked {
  status: "asked";
}

/** For commands that take nothing. */
export interface NoArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
}

/** What to say to those at work on a run. */
export interface NoteArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  /** Each agent hears them at its next turn. Default: the lines that begin with `> ` under *Your notes* in `run.md`; else the person is asked. */
  words?: string;
}

/** What the person said to those at work. */
export interface NoteInfo {
  words: string;
  /** Who was told, in order; empty: nobody yet. */
  received: string[];
}

/** What a subscriber hears: something about a run changed. */
export interface Notice {
  run: string;
  kind: string;
  text: string;
  stage: Stage;
  task?: string;
}

/** Which task of a run. */
export interface OneTaskArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  /** The task, as the plan names it. */
  task: string;
}

/** A piece of what commands print while they run, as it came: colours and all. */
export interface OutputParams {
  run: string;
  /** Whose command it is; empty: nobody's in particular. */
  task: string;
  text: string;
}

/** A run as a page shows it. */
export interface PageInfo {
  run: RunInfo;
  /** How large the goal is and why, in a sentence; empty as long as nobody has sized it. */
  size: string;
  stages: StageInfo[];
  tasks: TaskInfo[];
  /** The oldest first. */
  receipts: ReceiptInfo[];
  /** What is not green first. */
  cases: CaseInfo[];
  remarks: RemarkInfo[];
  /** The dearest first. */
  spent: SpentInfo[];
  /** The newest lines of what is going on. */
  lines: string[];
  documents: DocumentInfo[];
  service: ServiceInfo | null;
  /** What came of a run that ended unfinished, or how its branch is taken over, a sentence each. */
  ending: string[];
  /** The most urgent first. */
  ways: WayInfo[];
}

/** Which part of the change of a run is meant. Default: all of it. */
export interface PartArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  /** One file of it. */
  file?: string;
  /** Some hunks, by their numbers in `change.diff`; beside `file` all must be of it. */
  hunks?: number[];
}

/** That commands ran on a tree, and how they ended. */
export interface ReceiptInfo {
  command: string;
  exit: number | null;
  tree: string;
  passed: number;
  failed: number;
  seconds: number;
}

/** Which gate to refuse, and why. */
export interface RejectArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  /** Default: the one that is open. */
  gate?: string | null;
  /** Why; the team works it in. Default: the lines that begin with `> ` under it in `run.md`; else the person is asked, where the client can take a line of text. */
  reason?: string;
  /** The digest of what was read, as for `wainwright.approve`. */
  seen?: string;
}

/** Something that was remarked, or a test that fails; all of them are diagnostics, too. */
export interface RemarkInfo {
  code: "review" | "noticed" | "mutant" | "test" | "incident";
  severity: string;
  /** The document that it is about; empty: none. */
  uri: string;
  /** From 0. */
  line: number;
  text: string;
}

/** What came of doing a run again against its record; no model was asked. */
export interface ReplayInfo {
  run: string;
  /** The same, as the person is told it. */
  sentence: string;
  /** Why it could not be done again at all; empty when it could. */
  unreadable: string;
  facts: number;
  /** Model calls that are recorded. */
  calls: number;
  /** Those of them that were asked for again. */
  asked: number;
  /** Those that would be asked in other words; their replies count all the same. */
  reworded: number;
  differences: DifferenceInfo[];
  /** What was taken from the record, since a command would have to run. */
  notRedone: string[];
  /** Documents of the run that are not on disk as the record has them. */
  documents: string[];
}

/** Which run goes on, and what it may cost from now on. New caps are the person's decision, as on the command line: they may go past the settings, hold for this run alone, and are said aloud. A client asks the person for the number; it never offers one by itself. */
export interface ResumeArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  /** The most the run may cost in all, in US dollars, what is spent included. Default: as it was. */
  budgetUsd?: number | null;
  /** The most tokens the run may take in all, those taken included. Default: as it was. */
  budgetTokens?: number | null;
}

/** Where files go back to. */
export interface RewindArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** Its name, as `wainwright.checkpoints` lists them. Default: the person is asked. */
  checkpoint?: string | null;
  /** Files to be rewound although the person changed them since. */
  overwrite?: string[];
}

/** A row of a run's journal: a fact, or what was asked or done in between. */
export interface RowInfo {
  number: number;
  /** Seconds since 1970. */
  at: number;
  kind: string;
  text: string;
  usd: number;
  tokens: number;
}

/** The rows of a run, the oldest first. */
export interface RowList {
  run: string;
  rows: RowInfo[];
}

/** Which run is meant. */
export interface RunArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
}

/** How far a run is. */
export interface RunInfo {
  run: string;
  goal: string;
  /** The goal in a line. */
  title: string;
  stage: Stage;
  /** How far it is, in a line. */
  status: string;
  ended: boolean;
  percent: number;
  /** Why nothing goes on: a decision is open, or the run holds after the stage it was let go to. */
  waiting: "" | "gate" | "hold";
  /** Which process drives the run: this server, another process, none. */
  atWork: "here" | "elsewhere" | "";
  /** Its process ended before the run did; `wainwright.resume` goes on. */
  interrupted: boolean;
  gates: GateInfo[];
  notes: NoteInfo[];
  branch: string | null;
  /** What became of the change in the editor: `applied`, `partial`, `refused`, or `absent`. */
  editor: string;
  /** How commands are held, in a sentence: the tier of the sandbox, and why it is no better one. */
  tier: string;
  /** How far the tests can be trusted, a sentence each; empty where nothing is out of the ordinary. */
  cautions: string[];
  failure: string;
  hint: string;
  modelCalls: number;
  tokens: number;
  costUsd: number;
  /** The same in words: a price that is unknown is said to be so. */
  cost: string;
}

/** All runs of the workspace. */
export interface RunList {
  runs: RunInfo[];
  /** The one to look at first: one that waits for the person, else one that is under way; empty: there is none. */
  first: string;
}

/** A service that the run left serving. */
export interface ServiceInfo {
  url: string;
  /** How it is held, in a sentence. */
  fence: string;
}

/** Which document of a run to open. */
export interface ShowArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  document?: "run.md" | "plan.md" | "change.diff";
}

/** Where the document of a run is, which the editor is being asked to open. */
export interface Shown {
  run: string;
  uri: string;
}

/** A file of a change. */
export interface SidesInfo {
  /** The file in the workspace. */
  uri: string;
  /** The document with its text before the change (`workspace/textDocumentContent`); nothing where it is new. */
  before: string | null;
  /** The document with its text after it; nothing where it is deleted. */
  after: string | null;
}

/** A range as the protocol has it. */
export interface Span {
  start: Spot;
  end: Spot;
}

/** What one role took of one model. */
export interface SpentInfo {
  role: string;
  model: string;
  calls: number;
  tokens: number;
  /** In words: a price that is unknown is said to be so. */
  cost: string;
  costUsd: number;
}

/** A position as the protocol has it: line and character count from 0. */
export interface Spot {
  line: number;
  character: number;
}

/** Where a run is on its way. */
export type Stage = "NEW" | "PLANNING" | "DESIGN" | "BUILD" | "TEST" | "REVIEW" | "DEPLOY" | "MONITOR" | "DONE" | "FAILED" | "CANCELLED";

/** A stage of a run. */
export interface StageInfo {
  stage: Stage;
  /** How to draw it; `wrong`: the run failed in it. */
  mark: "done" | "now" | "later" | "skipped" | "wrong";
  /** Seconds since 1970; nothing: it has not begun. */
  began: number | null;
  /** Why it is skipped. */
  why: string;
}

/** What to work on. */
export interface StartArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** What should be true when the work is done. Default: the text of `.wainwright/goal.md`. */
  goal?: string | null;
  /** The document that the person looks at. */
  uri?: string | null;
  /** What is selected there. */
  range?: Span | null;
  /** Messages that the goal is about. */
  diagnostics?: string[];
  /** How far the run may go by itself; never further than the settings allow. */
  autonomy?: "suggest" | "auto-edit" | "full-auto" | null;
  /** Hold after this stage. */
  until?: Stage | null;
  /** How large the goal is. Default: the setting, or the planner says it. */
  size?: "small" | "medium" | "large" | null;
}

/** Which task of a run, and what is to be done with it. */
export interface TaskArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** The run, or how its name begins. Default: the newest one that fits. */
  run?: string | null;
  /** The task, as the plan names it. */
  task: string;
  /** `again` is a new attempt; `skip` leaves the task out, and what needs it waits until it is let go on without. The others leave the present attempt where it is. */
  way: "pause" | "go-on" | "stop" | "again" | "skip";
}

/** A task of the plan. */
export interface TaskInfo {
  id: string;
  title: string;
  status: string;
  /** How to draw it. */
  mark: "done" | "now" | "later" | "skipped" | "wrong";
  /** From 0. */
  attempt: number;
  /** The tasks that it waits for. */
  needs: string[];
  /** Files that it may change. */
  writes: string[];
  summary: string;
  /** What can be done about it now. */
  ways: WayInfo[];
}

/** A few sentences, which the person is shown as well. */
export interface TextInfo {
  run: string;
  text: string;
}

/** Whether the folder is trusted. */
export interface TrustArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** Trust it no more, instead of asking whether to. */
  revoke?: boolean;
}

/** Whether work may be done in the folder that is open. */
export interface TrustInfo {
  folder: string;
  /** As things are now; a person who is asked may say yes later. */
  trusted: boolean;
}

/** A command that is possible now. */
export interface WayInfo {
  /** Where the run is not in plain sight. */
  title: string;
  /** Where it is. */
  short: string;
  command: string;
  argument: object;
  /** Somebody waits for it. */
  urgent: boolean;
}

/** What to ask the person about, and where they are. */
export interface WorkArguments {
  /** The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first. */
  folder?: string | null;
  /** What should be true when the work is done. Default: the text of `.wainwright/goal.md`. */
  goal?: string | null;
  /** The document that the person looks at. */
  uri?: string | null;
  /** What is selected there. */
  range?: Span | null;
  /** Messages that the goal is about. */
  diagnostics?: string[];
  /** How far the run may go by itself; never further than the settings allow. */
  autonomy?: "suggest" | "auto-edit" | "full-auto" | null;
  /** Hold after this stage. */
  until?: Stage | null;
  /** How large the goal is. Default: the setting, or the planner says it. */
  size?: "small" | "medium" | "large" | null;
  /** What is taken unless the person says otherwise; `explain` has it explained. */
  offered?: string;
}

/** The person is being asked what is to be done; the work begins on their answer. */
export interface WorkAsked {
  status: "asked";
}

/** Every command. */
export interface Commands {
  "wainwright.start": { arguments: StartArguments; result: RunInfo };
  "wainwright.work": { arguments: WorkArguments; result: WorkAsked };
  "wainwright.explain": { arguments: StartArguments; result: RunInfo };
  "wainwright.plan": { arguments: BeginArguments; result: RunInfo };
  "wainwright.design": { arguments: BeginArguments; result: RunInfo };
  "wainwright.build": { arguments: BeginArguments; result: RunInfo };
  "wainwright.test": { arguments: BeginArguments; result: RunInfo };
  "wainwright.review": { arguments: BeginArguments; result: RunInfo };
  "wainwright.deploy": { arguments: BeginArguments; result: RunInfo };
  "wainwright.monitor": { arguments: BeginArguments; result: RunInfo };
  "wainwright.approve": { arguments: ApproveArguments; result: RunInfo };
  "wainwright.answer": { arguments: AnswerArguments; result: RunInfo };
  "wainwright.reject": { arguments: RejectArguments; result: RunInfo };
  "wainwright.resume": { arguments: ResumeArguments; result: RunInfo };
  "wainwright.task": { arguments: TaskArguments; result: RunInfo };
  "wainwright.note": { arguments: NoteArguments; result: RunInfo };
  "wainwright.difference": { arguments: OneTaskArguments; result: Shown };
  "wainwright.cancel": { arguments: RunArguments; result: RunInfo };
  "wainwright.stop": { arguments: RunArguments; result: RunInfo };
  "wainwright.runs": { arguments: NoArguments; result: RunList };
  "wainwright.page": { arguments: RunArguments; result: PageInfo };
  "wainwright.change": { arguments: RunArguments; result: HunkList };
  "wainwright.show": { arguments: ShowArguments; result: Shown };
  "wainwright.hunk": { arguments: HunksArguments; result: HunkList };
  "wainwright.explainHunk": { arguments: HunkArguments; result: TextInfo };
  "wainwright.apply": { arguments: PartArguments; result: EditBegun };
  "wainwright.revert": { arguments: PartArguments; result: EditBegun };
  "wainwright.why": { arguments: LineArguments; result: LineInfo };
  "wainwright.replay": { arguments: RunArguments; result: ReplayInfo };
  "wainwright.rows": { arguments: RunArguments; result: RowList };
  "wainwright.fork": { arguments: ForkArguments; result: ForkBegun };
  "wainwright.compare": { arguments: RunArguments; result: ComparisonInfo };
  "wainwright.checkpoints": { arguments: NoArguments; result: CheckpointList };
  "wainwright.rewind": { arguments: RewindArguments; result: EditBegun };
  "wainwright.trust": { arguments: TrustArguments; result: TrustInfo };
  "wainwright.model": { arguments: NoArguments; result: ModelAsked };
}

/** What is sent to clients that ask for it. */
export interface Sent {
  "wainwright/event": { params: Notice | EditNotice };
  "wainwright/input": { params: InputParams; result: InputResult };
  "wainwright/output": { params: OutputParams };
  "wainwright/changes": { params: ChangesParams };
}
