"""What the journal says was done, as a person reads it: every act, by whom, and on whose word."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from tests.unit.journal.damaged import first
from typer.testing import CliRunner

from wainwright.app import state_folder
from wainwright.cli.program import program
from wainwright.domain import events as ev
from wainwright.domain.goal import Stage
from wainwright.journal import Journal, Reservation, Spend


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = tmp_path / "workspace"
    made.mkdir()
    with closing(Journal(state_folder(made) / "journal.db")) as journal:
        begun = first("r1").model_copy(update={"by": "editor"})
        lease = journal.create(begun, "r1", "Make it work", cap_usd=5.0, cap_tokens=None)

        def step(key: str, inputs, effect: str, came, about=None, tokens=0) -> None:
            journal.begin(lease, key, inputs, effect, Reservation(tokens=9), about)
            journal.end(lease, key, ("done", json.dumps(came)), effect, Spend(tokens=tokens))

        about = {"role": "implementer", "model": "openai/any", "priced": True, "key": "OPENAI_API_KEY"}
        scope = "/BUILD/subtract.1.0/implementer"
        step(f"{scope}/model#0", {"ask": 1}, "llm", {"text": ""}, about, 7)
        lines = {"commands": ["true", "rm -rf ~"]}
        refused = {"ok": "", "text": "This is not run here: rm -rf ~", "commit": "c", "beside": ""}
        step(f"{scope}/act-shell#0", lines, "idempotent", refused)
        made_edit = {"ok": "yes", "text": "Applied: a.py written.", "commit": "c", "beside": ""}
        step(f"{scope}/act-edit#0", [{"path": "a.py"}, {"path": "b.py"}], "idempotent", made_edit)
        gate = ev.Gate(id="apply-1", kind="apply", question="Take it over?", detail="tree t1")
        decided = ev.GateDecided(gate="apply-1", decision="approve", by="editor")
        delivered = ev.Delivered(commit="c1", branch="wainwright/x", editor="applied")
        journal.append(lease, [ev.GateOpened(gate=gate), decided, delivered])
        journal.post("r1", "s1", {"kind": "hold-moved", "until": "BUILD", "by": "person"})
        journal.settle_signal("r1", "s1", "It has ended.")
        journal.append(lease, [ev.HoldMoved(until=Stage.BUILD, by="person")])
        journal.release(lease)
        journal.note("trust given", "editor", {})
        assert [row.run for row in journal.runs()] == ["r1"], "the acts of no run are no run"
        assert journal.verify("(workspace)").wrong == ""
    return made


def show(workspace: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(program(), ["audit", "show", *words, "--workspace", str(workspace)])
    return result.exit_code, result.output


def told(workspace: Path, *words: str) -> list[dict]:
    code, said = show(workspace, "--json", *words)
    assert code == 0, said
    return [json.loads(line) for line in said.splitlines()]


def test_every_act_is_told_with_who_did_it_and_on_whose_word(workspace: Path) -> None:
    acts = told(workspace, "r1")
    seen = {act["what"]: (act["kind"], act["actor"], act["denied"]) for act in acts}
    assert seen["run-started"] == ("fact", "person (editor)", False)
    assert seen["asks openai/any (key: OPENAI_API_KEY, where it is set)"] == (
        "call",
        "implementer of subtract",
        False,
    )
    assert seen['shell {"commands": ["true", "rm -rf ~"]}'] == ("command", "implementer of subtract", True)
    assert seen["edit a.py, b.py"] == ("edit", "implementer of subtract", False)
    assert seen["decides apply-1"] == ("gate", "person (editor)", False)
    assert seen["hold-moved"] == ("steering", "person (terminal)", False)
    (gate,) = (act for act in acts if act["what"] == "decides apply-1")
    assert gate["approved"] == "Take it over? tree t1"
    (delivered,) = (act for act in acts if act["what"] == "delivered")
    assert delivered["approved"] == "person (editor) at apply-1"
    assert {act["tier"] for act in acts if act["what"] != "run-started"} == {"unknown", "bubblewrap"}
    assert [act["tier"] for act in acts if act["row"] == 1] == ["unknown"], "nothing was run before"


def test_of_commands_that_were_asked_about_together_each_has_its_own_yes(workspace: Path) -> None:
    scopes = {"1": "/BUILD/subtract.1.0/implementer", "2": "/BUILD/multiply.1.0/implementer"}
    with closing(Journal(state_folder(workspace) / "journal.db")) as journal:
        lease = journal.claim("r1")
        for number, scope in scopes.items():
            asked = ev.CommandAsked(effect="e", step=f"{scope}/ask-3#0", binds=number)
            gate = ev.Gate(id=f"command-{number}", kind="command", question=f"Run {number}?", command=asked)
            journal.append(lease, [ev.GateOpened(gate=gate)])
        for number, by in (("1", "editor"), ("2", "person")):
            decided = ev.GateDecided(gate=f"command-{number}", decision="approve", by=by)
            journal.append(lease, [decided])
        for number, scope in (*scopes.items(), ("3", scopes["1"])):
            key = f"{scope}/act-shell#1{number}"
            journal.begin(lease, key, {"command": f"git push {number}"}, "external", Reservation(), None)
            journal.end(lease, key, ("done", json.dumps({"ok": "yes", "text": ""})), "external", Spend())
        journal.release(lease)
    acts = {act["what"]: act["approved"] for act in told(workspace, "r1", "--kind", "command")}
    assert acts["shell git push 1"] == "person (editor) at command-1"
    assert acts["shell git push 2"] == "person (terminal) at command-2"
    assert acts["shell git push 3"] == "", "a yes is for once"


def test_acts_are_chosen_by_run_actor_kind_and_denials(workspace: Path) -> None:
    assert [act["what"] for act in told(workspace, "--denied")] == [
        'shell {"commands": ["true", "rm -rf ~"]}',
        "asks its owner: goes on to the end of BUILD",
    ]
    assert {act["kind"] for act in told(workspace, "--kind", "call", "--kind", "edit")} == {"call", "edit"}
    assert {act["actor"] for act in told(workspace, "--actor", "person")} == {
        "person (editor)",
        "person (terminal)",
    }
    assert [act["what"] for act in told(workspace, "(workspace)")] == ["trust given"]
    assert show(workspace, "--kind", "nonsense")[0] == 2
    assert show(workspace, "--kind", "deployment") == (0, "There is no such act.\n")
    assert show(workspace, "--denied", "--kind", "edit") == (0, "Nothing was denied.\n")


def test_one_act_is_one_line_and_says_when_it_is_not_as_it_was_written(workspace: Path) -> None:
    code, said = show(workspace, "r1", "--kind", "command")
    assert (code, said.count("\n")) == (0, 1)
    assert "not as it was written" not in said
    with closing(Journal(state_folder(workspace) / "journal.db")) as journal:
        journal.file.db.execute("UPDATE journal SET body = 'null' WHERE seq = 2")
        journal.file.db.commit()
    _, said = show(workspace, "r1", "--kind", "command")
    assert "not as it was written" in said


def test_trust_that_is_given_and_taken_back_in_a_terminal_is_told(workspace: Path) -> None:
    for words in (["trust", str(workspace)], ["trust", "--revoke", str(workspace)]):
        assert CliRunner().invoke(program(), words).exit_code == 0
    acts = [(act["what"], act["actor"]) for act in told(workspace, "--kind", "workspace")]
    assert acts == [
        ("trust given", "person (editor)"),
        ("trust given", "person (terminal)"),
        ("trust revoked", "person (terminal)"),
    ]
