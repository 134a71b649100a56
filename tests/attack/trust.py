"""Group W: folders that nobody trusts, facts where they may not happen, and yeses that are to something else."""

from tests.attack.cases import Case, Group

UNTRUSTED = (
    ("its test command is run", "start"),
    ("the provider, or another, is connected to", "plan"),
    ("its settings are obeyed", "symbols"),
    ("its .env is read", "review"),
    ("its MCP servers are started", ""),
    ("its git hooks are run", "review"),
    ("the Python of its .venv is run", "start"),
    ("its git filters and file system monitor are run", "plan"),
    ("everyday work: it is looked at, and no child is started for it", "actions"),
    ("its rules are told to a model", "plan"),
    ("its secrets are kept in an index", "start"),
    ("somebody is told that it is open", "start"),
)
"""What must not happen when it is opened and something is asked for, and what is asked for."""

_ANY = (
    "hold-moved noted note-received gate-opened gate-decided run-failed run-cancelled cap-met caps-raised "
    "run-resumed"
)
MAY: dict[str, str] = {
    "NEW": f"snapshot-taken {_ANY}",
    "PLANNING": f"stage-skipped base-tested plan-proposed plan-edited mutants-tried {_ANY}",
    "DESIGN": f"stage-skipped plan-edited design-proposed acceptance-written red-first mutants-tried {_ANY}",
    "BUILD": "stage-skipped plan-edited base-tested resized plan-given-up acceptance-written red-first "
    f"task-started task-failed task-landed task-steered mutants-tried {_ANY}",
    "TEST": f"stage-skipped tested failure-triaged {_ANY}",
    "REVIEW": f"stage-skipped reviewed mutants-tried change-shown hunks-decided delivered {_ANY}",
    "DEPLOY": f"stage-skipped mutants-tried deployment-planned deployed deploy-failed {_ANY}",
    "MONITOR": f"stage-skipped monitored {_ANY}",
    "DONE": "",
    "FAILED": "noted task-steered run-cancelled kept run-resumed",
    "CANCELLED": "noted task-steered kept run-resumed",
}
"""What may happen in each stage, written down a second time; all else is tried there."""

APPROVALS = (
    ("deny", "refuse", "a no runs it all the same"),
    ("late", "refuse", "the work ends while nobody answers, and a yes comes later"),
    ("edited", "refuse", "the tree is edited between a yes and the act"),
    ("reused", "ask", "a yes is used a second time"),
    ("another_agent", "ask", "another agent uses a yes"),
    ("another_run", "ask", "another run uses a yes"),
    ("restarted", "ok", "everyday work: a yes outlives the process, and runs it once"),
    ("other_rules", "ask", "the rules are changed while the gate is open"),
    ("below", "ask", "an agent below uses the yes of the one above"),
    ("one_of_two", "ok", "everyday work: of two that ask at once one is said yes to, and it alone runs"),
    ("always", "refuse", "always is answered, for whatever comes"),
    ("revoked", "refuse", "a yes, and the run is cancelled at once"),
)
W = Group(
    "W",
    "trust, states and approvals",
    36,
    [
        *(
            Case(
                f"W1.{at:02}",
                what,
                "ok" if what.startswith("everyday") else "refuse",
                door,
                owed="" if door else "other doors",
            )
            for at, (what, door) in enumerate(UNTRUSTED, start=1)
        ),
        *(
            Case(f"W2.{at:02}", f"in {stage} happens what may not", "refuse", stage)
            for at, stage in enumerate(MAY, start=1)
        ),
        Case("W2.12", "everyday work: a run goes from its start to its end", "ok", "DONE"),
        *(
            Case(f"W3.{at:02}", what, expect, act)
            for at, (act, expect, what) in enumerate(APPROVALS, start=1)
        ),
    ],
)
