---@meta
-- Made by `python -m wainwright.lsp.reference protocol.lua`; do not edit.

--- Which gate to answer, and what.
---@class wainwright.AnswerArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field gate? string|nil Default: the one that is open.
---@field words? string Default: the lines that begin with `> ` under it in `run.md`; else the person is asked. A gate whose `answer` is empty is not answered so.
---@field seen? string The digest of what was read, as for `wainwright.approve`.

--- Which gate to pass.
---@class wainwright.ApproveArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field gate? string|nil Default: the one that is open.
---@field answer? string What to answer at a gate that is answered in words; at others it is refused.
---@field seen? string The digest of what was read. The decision is refused where the gate asks something else; default: it is not compared.

--- Which run goes on with the stage, or what a new one is for, and where the person is.
---@class wainwright.BeginArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil Default: the newest run that has not ended.
---@field goal? string|nil What a new run is for; one is started unless a run holds before this stage. It passes this stage alone; for `build` the tests and the review as well, for `deploy` the watching.
---@field uri? string|nil The document that the person looks at; a review then looks at it as it stands, else at the present changes.
---@field range? wainwright.Span|nil The lines of it.

--- One test of the newest receipt.
---@class wainwright.CaseInfo
---@field name string
---@field outcome "passed"|"failed"|"error"|"skipped"
---@field before "passed"|"failed"|"error"|"skipped"|"" How it ended before the run; empty: there was none of that name.
---@field message string

--- A change that is to be shown.
---@class wainwright.ChangesParams
---@field title string
---@field files wainwright.SidesInfo[]

--- A state that the files can be brought to.
---@class wainwright.CheckpointInfo
---@field name string
---@field at number Seconds since 1970.
---@field run string
---@field what string

--- All checkpoints, the newest first.
---@class wainwright.CheckpointList
---@field checkpoints wainwright.CheckpointInfo[]

--- A fork beside the run that it comes from; of a pair, the first is that run's, from the row where they part.
---@class wainwright.ComparisonInfo
---@field parent string
---@field fork string
---@field stages { [1]: wainwright.Stage, [2]: wainwright.Stage }
---@field files string[] Those in which the results differ.
---@field usd { [1]: number, [2]: number }
---@field tokens { [1]: integer, [2]: integer }
---@field calls { [1]: integer, [2]: integer }
---@field given integer Model calls of the fork that were answered from the record.
---@field sentences string[] The same, as the person is told it.

--- Where this version would not do what a record says.
---@class wainwright.DifferenceInfo
---@field row integer The first row that it is about.
---@field before integer The row before that: from where a fork could go on.
---@field what string

--- A document of the run.
---@class wainwright.DocumentInfo
---@field name string
---@field uri string

--- The text in the editor is being changed; what came of it is told later, for the editor may answer first.
---@class wainwright.EditBegun
---@field run string
---@field status "begun"

--- What became of a change in the editor.
---@class wainwright.EditInfo
---@field status "applied"|"partial"|"refused"
---@field files wainwright.FileInfo[]
---@field detail string Why, when it is not `applied`.

--- What came of `wainwright.apply` or `wainwright.revert`.
---@class wainwright.EditNotice
---@field run string
---@field kind "apply"|"revert"
---@field text string The sentence that the person is shown.
---@field edit wainwright.EditInfo

--- What became of one file.
---@class wainwright.FileInfo
---@field path string
---@field applied boolean
---@field reason string

--- From where a run is gone on from in a run of its own.
---@class wainwright.ForkArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field row? integer|nil The last row that both have, as `wainwright.rows` lists them. Default: the person is asked.
---@field anew? ("planner"|"designer"|"implementer"|"tester"|"reviewer"|"critic"|"deployer"|"monitor")[] Roles that are asked again in any case; what others ask as before is answered from the record.

--- A fork that is at work, or about whose row the person is asked.
---@class wainwright.ForkBegun
---@field parent string
---@field run string Empty: the person is asked first.

--- An open gate: somebody has to decide.
---@class wainwright.GateInfo
---@field id string
---@field kind string
---@field question string
---@field detail string
---@field yes string What `wainwright.approve` is called at this gate.
---@field no string What `wainwright.reject` is called at this gate.
---@field read string The document in which what is asked about can be read; `wainwright.show` opens it.
---@field seen string The digest of question and detail, which a decision may carry.
---@field answer string What `wainwright.answer` is called at this gate; empty: it is not answered in words.
---@field ends boolean Whether a no ends the run; it can be resumed.

--- Which hunk of the change that a run asks about.
---@class wainwright.HunkArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field hunk integer Its number in `change.diff`.

--- A hunk of a change, and what was said of it last.
---@class wainwright.HunkInfo
---@field number integer
---@field path string
---@field line integer Where it begins in the file as the change has it, from 1.
---@field lines string As in a unified diff; empty for what text cannot show.
---@field serves string[] The requirements that it is there for.
---@field tasks string[] Those that made it.
---@field decision ""|"accept"|"reject"|"change" Empty: nothing was said, and it is taken over.
---@field reason string

--- The change that a run shows, in hunks.
---@class wainwright.HunkList
---@field run string
---@field commit string
---@field asked boolean Hunks can be decided on: the run is where it asks about the change.
---@field handed boolean It was handed over: hunks can be taken back, or put in again.
---@field files wainwright.SidesInfo[]
---@field hunks wainwright.HunkInfo[]

--- What is said of which hunks of the change that a run asks about.
---@class wainwright.HunksArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field decision "accept"|"reject"|"change" `reject` leaves them out and has BUILD told why; `change` has them made again as the words say.
---@field hunks? integer[] Their numbers in `change.diff`. Default: all, or all of `file`.
---@field file? string All hunks of this file; beside `hunks` the file that these must be of.
---@field reason? string Why, or what is to be changed. Default: the lines below them in `change.diff` that begin with `>`.
---@field commit? string Which change was looked at; another one by now is refused. Default: the present one.

--- What the person is asked to type.
---@class wainwright.InputParams
---@field prompt string
---@field value string What stands there at first.
---@field secret boolean What is typed must not be shown, or kept.

--- What the person typed; nothing when they closed the input.
---@class wainwright.InputResult
---@field text? string|nil

--- Which line is meant.
---@class wainwright.LineArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field uri? string The document; what is unsaved in it counts.
---@field line? integer As the protocol counts: from 0.

--- Where a line comes from; empty is what cannot be told. All of it stands in a document that is being opened.
---@class wainwright.LineInfo
---@field run string The run that wrote it; empty: none did.
---@field commit string
---@field task string
---@field step string The key of the step of the journal that wrote it.
---@field call string The key of the model call that asked for it.
---@field uri string

--- The person is being asked which model is asked; it is told what came of it.
---@class wainwright.ModelAsked
---@field status "asked"

--- For commands that take nothing.
---@class wainwright.NoArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.

--- What to say to those at work on a run.
---@class wainwright.NoteArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field words? string Each agent hears them at its next turn. Default: the lines that begin with `> ` under *Your notes* in `run.md`; else the person is asked.

--- What the person said to those at work.
---@class wainwright.NoteInfo
---@field words string
---@field received string[] Who was told, in order; empty: nobody yet.

--- What a subscriber hears: something about a run changed.
---@class wainwright.Notice
---@field run string
---@field kind string
---@field text string
---@field stage wainwright.Stage
---@field task? string

--- Which task of a run.
---@class wainwright.OneTaskArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field task string The task, as the plan names it.

--- A piece of what commands print while they run, as it came: colours and all.
---@class wainwright.OutputParams
---@field run string
---@field task string Whose command it is; empty: nobody's in particular.
---@field text string

--- A run as a page shows it.
---@class wainwright.PageInfo
---@field run wainwright.RunInfo
---@field size string How large the goal is and why, in a sentence; empty as long as nobody has sized it.
---@field stages wainwright.StageInfo[]
---@field tasks wainwright.TaskInfo[]
---@field receipts wainwright.ReceiptInfo[] The oldest first.
---@field cases wainwright.CaseInfo[] What is not green first.
---@field remarks wainwright.RemarkInfo[]
---@field spent wainwright.SpentInfo[] The dearest first.
---@field lines string[] The newest lines of what is going on.
---@field documents wainwright.DocumentInfo[]
---@field service wainwright.ServiceInfo|nil
---@field ending string[] What came of a run that ended unfinished, or how its branch is taken over, a sentence each.
---@field ways wainwright.WayInfo[] The most urgent first.

--- Which part of the change of a run is meant. Default: all of it.
---@class wainwright.PartArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field file? string One file of it.
---@field hunks? integer[] Some hunks, by their numbers in `change.diff`; beside `file` all must be of it.

--- That commands ran on a tree, and how they ended.
---@class wainwright.ReceiptInfo
---@field command string
---@field exit integer|nil
---@field tree string
---@field passed integer
---@field failed integer
---@field seconds number

--- Which gate to refuse, and why.
---@class wainwright.RejectArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field gate? string|nil Default: the one that is open.
---@field reason? string Why; the team works it in. Default: the lines that begin with `> ` under it in `run.md`; else the person is asked, where the client can take a line of text.
---@field seen? string The digest of what was read, as for `wainwright.approve`.

--- Something that was remarked, or a test that fails; all of them are diagnostics, too.
---@class wainwright.RemarkInfo
---@field code "review"|"noticed"|"mutant"|"test"|"incident"
---@field severity string
---@field uri string The document that it is about; empty: none.
---@field line integer From 0.
---@field text string

--- What came of doing a run again against its record; no model was asked.
---@class wainwright.ReplayInfo
---@field run string
---@field sentence string The same, as the person is told it.
---@field unreadable string Why it could not be done again at all; empty when it could.
---@field facts integer
---@field calls integer Model calls that are recorded.
---@field asked integer Those of them that were asked for again.
---@field reworded integer Those that would be asked in other words; their replies count all the same.
---@field differences wainwright.DifferenceInfo[]
---@field notRedone string[] What was taken from the record, since a command would have to run.
---@field documents string[] Documents of the run that are not on disk as the record has them.

--- Which run goes on, and what it may cost from now on.
--- 
--- New caps are the person's decision, as on the command line: they may go past the settings, hold for this run
--- alone, and are said aloud. A client asks the person for the number; it never offers one by itself.
---@class wainwright.ResumeArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field budgetUsd? number|nil The most the run may cost in all, in US dollars, what is spent included. Default: as it was.
---@field budgetTokens? integer|nil The most tokens the run may take in all, those taken included. Default: as it was.

--- Where files go back to.
---@class wainwright.RewindArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field checkpoint? string|nil Its name, as `wainwright.checkpoints` lists them. Default: the person is asked.
---@field overwrite? string[] Files to be rewound although the person changed them since.

--- A row of a run's journal: a fact, or what was asked or done in between.
---@class wainwright.RowInfo
---@field number integer
---@field at number Seconds since 1970.
---@field kind string
---@field text string
---@field usd number
---@field tokens integer

--- The rows of a run, the oldest first.
---@class wainwright.RowList
---@field run string
---@field rows wainwright.RowInfo[]

--- Which run is meant.
---@class wainwright.RunArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.

--- How far a run is.
---@class wainwright.RunInfo
---@field run string
---@field goal string
---@field title string The goal in a line.
---@field stage wainwright.Stage
---@field status string How far it is, in a line.
---@field ended boolean
---@field percent integer
---@field waiting ""|"gate"|"hold" Why nothing goes on: a decision is open, or the run holds after the stage it was let go to.
---@field atWork "here"|"elsewhere"|"" Which process drives the run: this server, another process, none.
---@field interrupted boolean Its process ended before the run did; `wainwright.resume` goes on.
---@field gates wainwright.GateInfo[]
---@field notes wainwright.NoteInfo[]
---@field branch string|nil
---@field editor string What became of the change in the editor: `applied`, `partial`, `refused`, or `absent`.
---@field tier string How commands are held, in a sentence: the tier of the sandbox, and why it is no better one.
---@field cautions string[] How far the tests can be trusted, a sentence each; empty where nothing is out of the ordinary.
---@field failure string
---@field hint string
---@field modelCalls integer
---@field tokens integer
---@field costUsd number
---@field cost string The same in words: a price that is unknown is said to be so.

--- All runs of the workspace.
---@class wainwright.RunList
---@field runs wainwright.RunInfo[]
---@field first string The one to look at first: one that waits for the person, else one that is under way; empty: there is none.

--- A service that the run left serving.
---@class wainwright.ServiceInfo
---@field url string
---@field fence string How it is held, in a sentence.

--- Which document of a run to open.
---@class wainwright.ShowArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field document? "run.md"|"plan.md"|"change.diff"

--- Where the document of a run is, which the editor is being asked to open.
---@class wainwright.Shown
---@field run string
---@field uri string

--- A file of a change.
---@class wainwright.SidesInfo
---@field uri string The file in the workspace.
---@field before string|nil The document with its text before the change (`workspace/textDocumentContent`); nothing where it is new.
---@field after string|nil The document with its text after it; nothing where it is deleted.

--- A range as the protocol has it.
---@class wainwright.Span
---@field start wainwright.Spot
---@field end wainwright.Spot

--- What one role took of one model.
---@class wainwright.SpentInfo
---@field role string
---@field model string
---@field calls integer
---@field tokens integer
---@field cost string In words: a price that is unknown is said to be so.
---@field costUsd number

--- A position as the protocol has it: line and character count from 0.
---@class wainwright.Spot
---@field line integer
---@field character integer

--- Where a run is on its way.
---@alias wainwright.Stage "NEW"|"PLANNING"|"DESIGN"|"BUILD"|"TEST"|"REVIEW"|"DEPLOY"|"MONITOR"|"DONE"|"FAILED"|"CANCELLED"

--- A stage of a run.
---@class wainwright.StageInfo
---@field stage wainwright.Stage
---@field mark "done"|"now"|"later"|"skipped"|"wrong" How to draw it; `wrong`: the run failed in it.
---@field began number|nil Seconds since 1970; nothing: it has not begun.
---@field why string Why it is skipped.

--- What to work on.
---@class wainwright.StartArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field goal? string|nil What should be true when the work is done. Default: the text of `.wainwright/goal.md`.
---@field uri? string|nil The document that the person looks at.
---@field range? wainwright.Span|nil What is selected there.
---@field diagnostics? string[] Messages that the goal is about.
---@field autonomy? "suggest"|"auto-edit"|"full-auto"|nil How far the run may go by itself; never further than the settings allow.
---@field until? wainwright.Stage|nil Hold after this stage.
---@field size? "small"|"medium"|"large"|nil How large the goal is. Default: the setting, or the planner says it.

--- Which task of a run, and what is to be done with it.
---@class wainwright.TaskArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field run? string|nil The run, or how its name begins. Default: the newest one that fits.
---@field task string The task, as the plan names it.
---@field way "pause"|"go-on"|"stop"|"again"|"skip" `again` is a new attempt; `skip` leaves the task out, and what needs it waits until it is let go on without. The others leave the present attempt where it is.

--- A task of the plan.
---@class wainwright.TaskInfo
---@field id string
---@field title string
---@field status string
---@field mark "done"|"now"|"later"|"skipped"|"wrong" How to draw it.
---@field attempt integer From 0.
---@field needs string[] The tasks that it waits for.
---@field writes string[] Files that it may change.
---@field summary string
---@field ways wainwright.WayInfo[] What can be done about it now.

--- A few sentences, which the person is shown as well.
---@class wainwright.TextInfo
---@field run string
---@field text string

--- Whether the folder is trusted.
---@class wainwright.TrustArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field revoke? boolean Trust it no more, instead of asking whether to.

--- Whether work may be done in the folder that is open.
---@class wainwright.TrustInfo
---@field folder string
---@field trusted boolean As things are now; a person who is asked may say yes later.

--- A command that is possible now.
---@class wainwright.WayInfo
---@field title string Where the run is not in plain sight.
---@field short string Where it is.
---@field command string
---@field argument object
---@field urgent boolean Somebody waits for it.

--- What to ask the person about, and where they are.
---@class wainwright.WorkArguments
---@field folder? string|nil The URI of the folder that is meant, or of a document in it. Default: where `uri` or `run` is, or the first.
---@field goal? string|nil What should be true when the work is done. Default: the text of `.wainwright/goal.md`.
---@field uri? string|nil The document that the person looks at.
---@field range? wainwright.Span|nil What is selected there.
---@field diagnostics? string[] Messages that the goal is about.
---@field autonomy? "suggest"|"auto-edit"|"full-auto"|nil How far the run may go by itself; never further than the settings allow.
---@field until? wainwright.Stage|nil Hold after this stage.
---@field size? "small"|"medium"|"large"|nil How large the goal is. Default: the setting, or the planner says it.
---@field offered? string What is taken unless the person says otherwise; `explain` has it explained.

--- The person is being asked what is to be done; the work begins on their answer.
---@class wainwright.WorkAsked
---@field status "asked"

---@alias wainwright.CommandName "wainwright.start"|"wainwright.work"|"wainwright.explain"|"wainwright.plan"|"wainwright.design"|"wainwright.build"|"wainwright.test"|"wainwright.review"|"wainwright.deploy"|"wainwright.monitor"|"wainwright.approve"|"wainwright.answer"|"wainwright.reject"|"wainwright.resume"|"wainwright.task"|"wainwright.note"|"wainwright.difference"|"wainwright.cancel"|"wainwright.stop"|"wainwright.runs"|"wainwright.page"|"wainwright.change"|"wainwright.show"|"wainwright.hunk"|"wainwright.explainHunk"|"wainwright.apply"|"wainwright.revert"|"wainwright.why"|"wainwright.replay"|"wainwright.rows"|"wainwright.fork"|"wainwright.compare"|"wainwright.checkpoints"|"wainwright.rewind"|"wainwright.trust"|"wainwright.model"

return {}
