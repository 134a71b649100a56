"""The documents a run leaves behind, as a pure function of its state: path -> text, below the run's folder."""

import json
import re
from collections.abc import Sequence

from wainwright.domain import change_diff
from wainwright.domain.cautions import cautions
from wainwright.domain.ending import ending, take_over
from wainwright.domain.events import MutantsTried, Tested
from wainwright.domain.evidence import (
    MISSING_OR_NEEDLESS,
    AcceptanceTest,
    Finding,
    Receipt,
    RedFirst,
    Suite,
    listed,
    unnoticed,
)
from wainwright.domain.goal import Stage
from wainwright.domain.marks import among
from wainwright.domain.plan import Plan
from wainwright.domain.plan_text import PLAN, render
from wainwright.domain.shown import in_line
from wainwright.domain.skipping import left_out, skipped, untested
from wainwright.domain.state import RunState, guarding, noticed
from wainwright.domain.text import headline


def artifacts(state: RunState) -> dict[str, str]:
    """All documents that exist by now."""
    found: dict[str, str] = {}
    if state.plan is not None:
        found["requirements.md"] = _requirements(state, state.plan)
        found[PLAN] = render(state.plan, state.goal.text, state.revision)
        found["plan.json"] = _plan_json(state.plan)
    if state.design is not None:
        found.update({d.name: d.text for d in state.design.documents})
    if state.tested is not None:
        found["test-report.md"] = _test_report(state)
        found["test-report.json"] = _test_json(state)
    if state.reviewed is not None:
        name = "explanation.md" if state.goal.asks == "explanation" else "review.md"
        found[name] = _review(state)
    if state.shown is not None:
        found[change_diff.NAME] = change_diff.render(state)
    if state.deployment_plan is not None and state.deployment_plan.runbook:
        found["runbook.md"] = state.deployment_plan.runbook
    if state.monitored is not None:
        found["monitor.md"] = f"# Monitoring\n\n{state.monitored.report}\n"
    if state.stage in (Stage.DONE, Stage.FAILED, Stage.CANCELLED):
        found["summary.md"] = _summary(state)
    warned = _warning(state)
    # The plan's page has nothing on it but the plan: how things stand is told beside it.
    return {
        name: _under_title(text, warned) if name.endswith(".md") and name != PLAN else text
        for name, text in found.items()
    }


def _plan_json(plan: Plan) -> str:
    """The plan as data. ``met`` and ``guards`` say how things were before: they are there where they are true."""
    told = plan.model_dump(mode="json")
    for one in told["requirements"]:
        for flag in ("met", "guards"):
            if not one[flag]:
                del one[flag]
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _warning(state: RunState) -> str:
    """What is wrong with the tests, for the top of every document but the plan; empty when nothing is."""
    return "\n>\n".join(f"> **Tests:** {told}" for told in cautions(state))


def _under_title(text: str, warning: str) -> str:
    """A document with a warning under its title, or above all where it has none."""
    if not warning:
        return text
    heading, end, rest = text.partition("\n")
    if not heading.startswith("# "):
        return f"{warning}\n\n{text}"
    return f"{heading}\n\n{warning}\n{end}{rest.lstrip(end)}"


def _requirements(state: RunState, plan: Plan) -> str:
    told = [
        f"- **{r.id}** {_in_item(r.text)}{' (so today, and to stay so)' if r.guards else ''}"
        for r in plan.requirements
    ]
    lines = ["# Requirements", "", f"Goal: {headline(state.goal.text)}", "", *told]
    lines += ["", "## How it is tested", "", _suites(state), *_whole_goal(state)]
    return "\n".join(lines) + "\n"


def _whole_goal(state: RunState) -> list[str]:
    """The goal in a section of its own, where its first line does not say all of it."""
    text = state.goal.text
    return ["", "## The goal", "", among(text)] if headline(text) != text else []


def _suites(state: RunState) -> str:
    lines = [
        f"- `{s.command}`{'' if s.folder == '.' else f' in `{s.folder}`'}{_because(s)}" for s in state.suites
    ]
    lines += [f"- {one.reason}" for one in state.left_out]
    return "\n".join(lines) or "It is not known."


def _because(suite: Suite) -> str:
    return f": {suite.reason}" if suite.reason else ""


def counted(receipt: Receipt) -> str:
    """How many tests ended how."""
    skipped = sum(case.outcome == "skipped" for case in receipt.cases)
    unbuilt = sum(case.unbuilt for case in receipt.cases)
    endings = [case.outcome for case in receipt.endings]
    passed = len(receipt.passing) - endings.count("passed")
    told = [f"{passed} passed", f"{len(receipt.failing) - unbuilt - endings.count('failed')} failed"]
    told += [f"{skipped} skipped"] if skipped else []
    told += [f"{unbuilt} could not be built or collected"] if unbuilt else []
    return ", ".join(told)


_FEW = re.compile(r" \(only (.*)\)$", re.DOTALL)
_NAMED_MAX = 3


def _some(tests: Sequence[str]) -> str:
    """Which tests were run alone, in few words."""
    if len(tests) <= _NAMED_MAX:
        return f" (only {', '.join(tests)})"
    files = sorted({test.partition("::")[0] for test in tests})
    more = f" and {len(files) - _NAMED_MAX} more files" if len(files) > _NAMED_MAX else ""
    return f" (only {len(tests)} tests, in {', '.join(files[:_NAMED_MAX])}{more})"


def _receipt(receipt: Receipt) -> str:
    code = "stopped at its time limit" if receipt.exit is None else f"exit code {receipt.exit}"
    counts = f", {counted(receipt)}" if receipt.cases else ""
    command = _FEW.sub(lambda found: _some(found[1].split(", ")), receipt.command)
    return f"`{command}` on tree `{receipt.tree}`: {code}{counts}, {receipt.seconds:.1f} s"


def _test_report(state: RunState) -> str:
    tested = state.tested
    assert tested is not None
    verdict = "passed, **unverified**: a person decided" if tested.unverified else None
    if tested.shows_nothing:
        verdict = "no worse than before, **unverified**: no test can be told from what the command prints"
    verdict = verdict or ("passed" if tested.verdict.passed else f"failed: {tested.verdict.reason}")
    lines = ["# Test report", "", f"Verdict: {verdict}."]
    if tested.receipt is not None:
        lines += ["", f"- Head: {_receipt(tested.receipt)}{_taken(tested)}"]
    base = state.base_tested
    if base is not None:
        lines.append(f"- Base: {_receipt(base.receipt) if base.receipt else base.reason}")
    for heading, names in (
        ("Turned red", tested.verdict.turned_red),
        ("Gone", tested.verdict.gone),
        ("Cannot be built or collected any more", tested.verdict.unbuilt),
        ("Acceptance tests not green", tested.verdict.acceptance_red),
        ("Acceptance tests that did not run", tested.verdict.not_run),
        ("Deleted with their files", tested.verdict.deleted),
        ("Skipped, and not so before the run", tested.verdict.skipped),
        ("Red before the run as well", tested.verdict.base_red),
        ("Flaky: red, and green when run again alone", tested.verdict.flaky),
    ):
        if names:
            lines += ["", f"## {heading}", "", *(f"- `{in_line(n)}`" for n in names)]
    without = untested(state)
    if state.acceptance is not None and (state.acceptance.tests or without):
        lines += ["", "## Acceptance tests", ""]
        lines += ["| requirement | test | before the change | outcome |", "|---|---|---|---|"]
        lines += [
            f"| {t.requirement} | `{in_line(t.test)}` | {_before(state, t)} | {_outcome(tested.receipt, t.test)} |"
            for t in state.acceptance.tests
            if t.requirement not in left_out(state)
        ]
        lines += [f"| {', '.join(some)} | no test: {_in_a_cell(why)} | | |" for why, some in without.items()]
    gone = [(test, one.task.id) for one in skipped(state) for test in one.skipped_tests]
    if gone:
        lines += [
            "",
            "## Skipped with their tasks",
            "",
            *(f"- `{in_line(test)}` (task {name})" for test, name in gone),
        ]
    if state.acceptance is not None:
        first = state.red_first
        if first is not None and first.receipt is not None:
            lines += ["", f"Before the change: {_receipt(first.receipt)}."]
    return "\n".join([*lines, *_mutants(state)]) + "\n"


def mutants_counted(tried: MutantsTried) -> str:
    """How many mutants there were and what became of them."""
    if not tried.made and not tried.reason:
        unknown = "no such change is known for these lines, or for their language"
        return f"0 made, so nothing is known of what the tests would miss: {unknown}"
    endless = f" ({tried.timed_out} of them never ended)" if tried.timed_out else ""
    told = [f"{tried.made} made", f"{tried.killed} killed{endless}", f"{len(tried.survivors)} survived"]
    told += [f"{tried.left} not tried"] if tried.left else []
    return f"{', '.join(told)}, {tried.seconds:.0f} s" + (f". {tried.reason}" if tried.reason else "")


def _unnoticed(state: RunState) -> list[str]:
    tried, tested = state.mutants, state.tested
    if tried is None or tested is None or tried.tree != tested.tree or not tried.survivors:
        return []
    many = len(unnoticed(tried.survivors))
    lines = "one line" if many == 1 else f"{many} lines"
    told = f"What {lines} of the change do no acceptance test notices"
    return ["", f"{told}: test-report.md lists {'it' if many == 1 else 'them'}."]


def _mutants(state: RunState) -> list[str]:
    tried, tested = state.mutants, state.tested
    if tried is None or tested is None or tried.tree != tested.tree:
        return []
    lines = ["", "## Mutants", "", "Small changes of the changed lines, tried on the acceptance tests alone:"]
    lines += [f"{mutants_counted(tried)}."]
    lines += ["", MISSING_OR_NEEDLESS, ""] if tried.survivors else []
    return [*lines, *(f"- `{where}`: {said}" for where, said in unnoticed(tried.survivors).items())]


def _in_item(text: str) -> str:
    """What stands in one item of a list: no line of it begins another item or a heading of the document."""
    return among(text).replace("\n", "\n  ")


def _in_a_cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _taken(tested: Tested) -> str:
    """When a receipt was taken that was there already."""
    if tested.receipt is None or not tested.receipt.reused:
        return ""
    return f"; reused, taken at {utc(tested.receipt.started)}"


def utc(seconds: float) -> str:
    """A time of the epoch as people read it. The domain has no clock, so it is worked out."""
    days, rest = divmod(int(seconds), 86_400)
    # Years that begin in March, so that a leap day is the last of its year.
    era, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    march = (5 * day + 2) // 153
    month = march + 3 if march < 10 else march - 9
    date = f"{era * 400 + year + (month <= 2):04}-{month:02}-{day - (153 * march + 2) // 5 + 1:02}"
    return f"{date} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02} UTC"


def _before(state: RunState, test: AcceptanceTest) -> str:
    """How an acceptance test ended before there was anything to make it green."""
    found = state.red_first.found if state.red_first else RedFirst()
    words = {"red": found.red, "green": found.green, "not built": found.unbuilt, "not run": found.not_run}
    ended = next((word for word, tests in words.items() if test.test in tests), "not known")
    receipt = state.red_first.receipt if state.red_first else None
    if receipt is not None and not receipt.cases and ended == "red":
        ended = "red, with all others: the command failed"
    guards = ", guards what was so already" if guarding(state, test) and not ended.startswith("red") else ""
    return f"{ended}{guards}"


def _outcome(receipt: Receipt | None, test: str) -> str:
    """How a named test ended, over all its parameters."""
    cases, (file, _, name) = receipt.cases if receipt else (), test.partition("::")
    found = {
        c.outcome
        for c in cases
        if c.name == test
        or c.name.startswith((f"{test}[", f"{test}::"))
        or (name and c.name.startswith(f"{file}::") and c.name.endswith(f"::{name}"))
    }
    worst = next((o for o in ("error", "failed", "skipped", "passed") if o in found), None)
    return worst or ("not in the report" if cases else "no single tests can be read from its output")


def _test_json(state: RunState) -> str:
    tested, base = state.tested, state.base_tested
    assert tested is not None
    report = {
        "tree": tested.tree,
        "verdict": tested.verdict.model_dump(mode="json"),
        "unverified": tested.unverified or tested.shows_nothing,
        "receipt": tested.receipt.model_dump(mode="json") if tested.receipt else None,
        "base": base.receipt.model_dump(mode="json") if base and base.receipt else None,
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _findings(findings: Sequence[Finding]) -> str:
    return f"{listed(findings, in_line) or 'No findings.'}\n"


def _review(state: RunState) -> str:
    reviewed = state.reviewed
    assert reviewed is not None
    if state.goal.asks == "explanation":
        return f"{reviewed.summary.rstrip()}\n"
    older = "" if reviewed.tree in ("", state.head_tree) else " It changed after that."
    head = f"# Review\n\nTree `{reviewed.tree}`.{older}\n\n{among(reviewed.summary)}"
    return f"{head}\n\n## Findings\n\n{_findings(reviewed.findings)}"


def _summary(state: RunState) -> str:
    lines = ["# Summary", "", f"Goal: {headline(state.goal.text)}", "", f"Ended in **{state.stage}**."]
    if state.failure is not None and state.stage is Stage.FAILED:
        lines += ["", state.failure.reason, "", state.failure.hint]
    lines += _changed(state)
    lines += _handed_over(state)
    if state.tested is not None and state.tested.receipt is not None:
        receipt = f"{_receipt(state.tested.receipt)}{_taken(state.tested)}."
        lines += ["", "## Tests", "", f"{_verdict(state)} {receipt}"]
    if state.reviewed is not None and state.reviewed.findings:
        lines += ["", "## What the review leaves open", "", _findings(state.reviewed.findings).rstrip()]
    if left := noticed(state):
        lines += ["", "## What was noticed on the way", "", _findings(left).rstrip()]
    lines += _unnoticed(state)
    told = ending(state)
    lines += ["", "## How it ended", "", *(f"- {_in_item(sentence)}" for sentence in told)] if told else []
    lines += _planned(state)
    lines += ["", *(f"- {stage} was left out: {reason}" for stage, reason in state.skips.items())]
    if state.skipped_files:
        left_on_disk = "Not in the snapshot, or not as on your disk:"
        lines += ["", left_on_disk, "", *(f"- {in_line(s)}" for s in state.skipped_files)]
    lines += _whole_goal(state)
    return "\n".join(lines).rstrip() + "\n"


def _changed(state: RunState) -> list[str]:
    """The files of the change that was handed over or is asked about, each with how many lines came and went."""
    if state.shown is None or not state.shown.files:
        return []
    left_out = state.delivered.left_out if state.delivered is not None else ()
    lines = ["", "## What changed", ""]
    for file in state.shown.files:
        taken = [hunk for hunk in file.hunks if hunk.number not in left_out]
        marks = [line[:1] for hunk in taken for line in hunk.lines.split("\n")]
        told = "" if file.kind == "modified" else f", {file.kind}"
        if taken:
            counts = f": +{marks.count('+')} -{marks.count('-')}" if any(marks) else ""
            lines.append(f"- {in_line(file.path)}{told}{counts}")
    return lines


def _planned(state: RunState) -> list[str]:
    lines: list[str] = []
    if state.plan is not None:
        out, count = left_out(state), len(state.plan.requirements)
        several = "1 requirement is" if count == 1 else f"{count} requirements are"
        lines += ["", "## Requirements", "", f"{several} written down in `requirements.md`."]
        open_ = [f"- {', '.join(some)}: no test. {why}" for why, some in untested(state).items()]
        open_ += [f"- {name} is left out: its task was skipped" for name in sorted(out)]
        lines += ["", *open_] if open_ else []
        lines += ["", "## The Planner's notes", "", among(state.plan.notes)] if state.plan.notes else []
    if state.tasks:
        lines += ["", "## Tasks", ""]
        lines += [
            f"- {in_line(t.task.title)}: {t.status}. {_in_item(t.summary)}" for t in state.tasks.values()
        ]
        lines += ["", f"Loops back to BUILD: {state.repairs}. New plans: {max(0, state.revision - 1)}."]
    return lines


def _verdict(state: RunState) -> str:
    """How the tests stand at the end, in words that the numbers behind them do not contradict."""
    tested = state.tested
    assert tested is not None
    verdict = tested.verdict
    if tested.tree != state.head_tree:
        return "The change was not tested again after what was done last. Before that:"
    if not verdict.passed:
        return f"They do not pass: {verdict.reason.rstrip('.')}."
    if tested.shows_nothing:
        return "They show nothing of the change: the command ends as it did before, and no test can be told."
    old = len(verdict.base_red)
    return (
        f"They pass; {old} {'was' if old == 1 else 'were'} red before the run as well."
        if old
        else "They pass."
    )


_EDITOR = {
    "applied": "The change is in your editor's buffers and files.",
    "partial": "A part of the change is in your editor; see below.",
    "refused": "The editor did not take the change; see below.",
    "absent": "",
}


def _handed_over(state: RunState) -> list[str]:
    delivered, deployment = state.delivered, state.deployment
    lines = []
    if delivered is not None:
        lines += ["", "## Delivered", ""]
        if delivered.branch:
            lines.append(f"Branch `{delivered.branch}`. {take_over(delivered.branch, delivered.way)}")
        elif delivered.patch:
            lines.append(f"Patch `{delivered.patch}`: `git apply {delivered.patch}` takes it over.")
        if delivered.branch and state.base != state.person_head:
            without = f"git rebase --onto {state.person_head} {state.base} {delivered.branch}"
            lines.append(
                "It begins with a commit of what you had not committed when the run began, since that is what was "
                f"built on and tested. Without it: `{without}`."
            )
        lines += [text for text in (_EDITOR[delivered.editor], delivered.detail) if text]
    if deployment is not None:
        stop = f" Stop it: `{deployment.stop}`." if deployment.stop else ""
        fence = f" {deployment.fence}" if deployment.fence else ""
        serves = f"Deployment {deployment.id}: serves at {deployment.url}.{fence}{stop}"
        lines += ["", serves if deployment.serves else "Nothing was deployed: there is nothing to serve."]
    return lines
