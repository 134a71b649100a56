"""A: somebody changes the journal, what was exported of it, or where it ends; and what is done without a row."""

import contextlib
import io
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from tests.attack.audit import JOURNALS, STATEMENTS, Statement, copied, full
from tests.attack.cases import Case, Group, Seen
from tests.attack.watched import INSIDE, Trace, Watched
from tests.unit.journal.damaged import Place
from typer.testing import CliRunner, Result

from wainwright.app import state_folder
from wainwright.cli.program import program
from wainwright.domain.errors import WainwrightError
from wainwright.engine.tracing import verifier
from wainwright.journal import Journal, chain, journal, verify
from wainwright.journal.file import JournalFile
from wainwright.journal.records import Row

CASES = [
    Case("A1.01", "a row is edited", "refuse", "edit"),
    Case("A1.02", "the first row is deleted", "refuse", "delete first"),
    Case("A1.03", "a row in the middle is deleted", "refuse", "delete middle"),
    Case("A1.04", "the last row is deleted", "refuse", "delete last"),
    Case("A1.05", "two rows are exchanged", "refuse", "reorder"),
    Case("A1.06", "a row is put in between", "refuse", "insert"),
    Case("A1.07", "rows are chained anew from one on", "refuse", "re-chain"),
    Case("A1.08", "the tail is cut off", "refuse", "cut tail"),
    Case("A1.09", "the whole file of an older time is put back", "refuse", "roll back"),
    Case("A1.10", "two runs are called as each other", "refuse", "swap"),
    Case("A1.11", "a statement is signed by somebody else", "refuse", "another's signature"),
    Case("A1.12", "a statement names another algorithm", "refuse", "another algorithm"),
    Case("A1.13", "two rows have one number", "refuse", "duplicate"),
    Case("A1.14", "the numbers have a gap", "refuse", "gap"),
    Case("A1.15", "the clock is put back", "refuse", "clock"),
    Case("A1.16", "two processes write at the same time", "ok", "writers"),
    Case("A1.17", "the disk is full", "refuse", "full", strong="SQLite says itself that the disk is full"),
    Case("A1.18", "the key was changed since a statement was signed", "ok", "key rotated"),
    Case("A1.19", "the key is lost, and nothing is signed any more", "refuse", "key lost"),
    Case("A1.20", "where the chains ended is not there any more", "refuse", "anchor missing"),
    Case("A1.21", "where the chains ended is as it was earlier", "refuse", "anchor older"),
    Case("A1.22", "what was exported is altered", "refuse", "export altered"),
    Case("A1.23", "a secret is taken out of what was written", "refuse", "masked"),
    Case("A1.24", "there are very many rows", "ok", "many"),
    Case("A1.25", "a statement is made to hurt who verifies it", "refuse", "untrusted"),
    Case("A1.26", "something is run, connected to or removed that no row tells of", "ok", "hunt"),
]
GROUP = Group("A", "what was done is told, and told as it was", 26, CASES)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("made"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    (tmp_path / "workspace").mkdir()
    return tmp_path


def asked(workspace: Path, *words: str) -> Result:
    """What a command says; it logs to an output that ends with it."""
    try:
        return CliRunner().invoke(program(), [*words, "--workspace", str(workspace)])
    finally:
        structlog.reset_defaults()


def on_a_journal(attack: str, made: Place, folder: Path) -> Seen:
    """What ``audit verify`` says, and whether anything is done on the word of such a journal."""
    place, workspace = copied(made, folder), folder / "workspace"
    there = state_folder(workspace)
    shutil.rmtree(there, ignore_errors=True)
    there.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(place.path.parent, there)
    place.path = there / "journal.db"
    JOURNALS[attack](place)
    verified = asked(workspace, "audit", "verify")
    before, alarms = place.path.read_bytes(), []
    refused = ""
    try:
        with closing(Journal(place.path)) as opened:
            lease = opened.claim("r1")
            opened.release(lease)
    except WainwrightError as error:
        refused = str(error)
    shown = asked(workspace, "audit", "show", "r1", "--json")
    if shown.exception and not isinstance(shown.exception, SystemExit):
        alarms.append(f"audit show fell over: {shown.exception!r}")
    if verified.exit_code and not refused:
        alarms.append(f"something was done on its word, although: {verified.output}")
    if refused and attack != "roll back" and place.path.read_bytes() != before:
        alarms.append("the file was changed by who refused it")
    return Seen("refuse" if verified.exit_code else "ok", alarms, verified.output)


def on_a_statement(attack: str, made: Place, folder: Path) -> Seen:
    """What the program says that checks a statement, by itself, for who knows the commit and the key."""
    with closing(Journal(copied(made, folder).path)) as opened:
        told = Statement.made(opened, "r1")
    STATEMENTS[attack](told)
    (folder / "statement").write_bytes(told.text)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            code = verifier.main([str(folder / "statement"), told.commit, told.key])
    except Exception as error:  # noqa: BLE001 - whatever it falls over is what is looked for
        return Seen("refuse", [f"the verifier fell over: {error!r}"])
    return Seen("refuse" if code else "ok", said=said.getvalue())


def on_a_full_disk(_attack: str, _made: Place, folder: Path) -> Seen:
    said = full(folder)
    alarms = [] if "wrong:  kept all: True" in said else [f"what was written before is not whole: {said}"]
    return Seen("refuse" if "The disk is full" in said else "ok", alarms, said)


def tried(case: Case, made: Place, folder: Path) -> Seen:
    how = on_a_full_disk if case.act == "full" else on_a_journal if case.act in JOURNALS else on_a_statement
    return how(str(case.act), made, folder)


@pytest.mark.parametrize("case", [case for case in GROUP.run if case.act != "hunt"], ids=lambda case: case.id)
def test_it_is_found_or_it_is_no_harm(case: Case, made: Place, folder: Path) -> None:
    seen = tried(case, made, folder)
    assert seen.faults(case) == []


@pytest.mark.parametrize("case", [case for case in GROUP.run if case.act == "hunt"], ids=lambda case: case.id)
def test_nothing_is_done_that_no_row_tells_of(case: Case, watched: Watched) -> None:
    assert watched.ran, "the commands of the run were seen"
    assert Seen("ok", watched.unlogged()).faults(case) == []


def test_what_no_row_tells_of_is_seen(watched: Watched) -> None:
    sly = replace(watched, known=())
    assert any("no row tells of" in alarm for alarm in sly.unlogged())
    assert any("connected to" in alarm for alarm in replace(watched, ports=()).unlogged())


def test_a_number_that_is_used_again_is_another_process() -> None:
    inside = f'execve("{INSIDE}", ["x"], 0x1) = 0'
    trace = Trace(
        "\n".join(
            [
                "10 vfork() = 20",
                '20 execve("/usr/bin/git", ["git"], 0x1) = 0',
                "20 +++ exited with 0 +++",
                f"11 {inside}",
                '11 execve("/bin/sh", ["sh", "-c", "x"], 0x1) = 0',
                '20 execve("/usr/bin/made", ["made"], 0x1) = 0',  # it runs before its parent goes on
                "11 clone(flags=0) = 3 /* 20 in strace's PID NS */",
                "11 +++ exited with 0 +++",
                '11 execve("/usr/bin/sly", ["sly"], 0x1) = 0',
            ]
        )
    )
    assert trace.outside == ["/usr/bin/git", "/usr/bin/sly"]
    assert trace.ran == ['"sh", "-c", "x"']


def test_a_journal_that_is_believed_as_it_lies_there_lets_them_through(
    made: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(walk: chain.Walk, raw) -> str:
        walk._take(Row(*raw[:-1]), raw[-1])
        return ""

    monkeypatch.setattr(chain.Walk, "step", step)
    monkeypatch.setattr(verify, "_ends_elsewhere", lambda *_: "")
    monkeypatch.setattr(verify, "_table_differs", lambda *_: "")
    monkeypatch.setattr(journal, "ends", lambda *_: ())
    monkeypatch.setattr(JournalFile, "_go_on_from", lambda *_: None)
    monkeypatch.setattr(verifier, "check", lambda *_: [])
    monkeypatch.setattr(verifier, "_signed", lambda *_: True)
    seen = {}
    for case in GROUP.attacks:
        folder = tmp_path / case.id
        (folder / "workspace").mkdir(parents=True)
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "xdg"))
        seen[case.id] = tried(case, made, folder)
    assert GROUP.through(seen) == []


@pytest.mark.parametrize("group", [GROUP], ids=["A"])
def test_the_list_is_whole(group: Group) -> None:
    assert group.flaws() == []
