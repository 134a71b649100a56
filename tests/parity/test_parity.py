"""Quick workspaces give the same results inside as outside; the others are named: `make parity` runs them."""

import os
from pathlib import Path

import pytest
from tests.parity import inside, outside
from tests.parity.made import PYTHON, Hung, Workspace, known, person, run
from tests.parity.measure import enough, measure, why

from wainwright.domain.evidence import Case, Receipt

ALL = known()


# Longer than a few lines of a workspace may take: whichever hangs says so itself.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("workspace", ALL, ids=lambda one: one.name)
def test_results_inside_are_those_outside(workspace: Workspace, tmp_path: Path) -> None:
    if not workspace.ci:
        pytest.skip("takes longer than a check may: make parity")
    if missing := workspace.missing():
        pytest.skip(f"missing: {', '.join(missing)}")
    measured = measure(workspace, tmp_path, 1)
    assert measured.equal, "\n".join(why([measured]))


def test_there_are_enough_workspaces() -> None:
    assert len(ALL) >= 16


def test_a_line_that_hangs_says_what_it_printed_and_leaves_no_process(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    alive = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    line = f"exec 9>{pipe}; echo said; sleep 500 & wait"
    with pytest.raises(Hung, match=r"not done after 5 seconds:\n.*\nsaid\n"):
        run(line, tmp_path, os.environ, 5)
    os.set_blocking(alive, True)
    assert os.read(alive, 1) == b""
    os.close(alive)


def test_a_person_is_no_build_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / PYTHON).mkdir()
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("COLOUR", "red")
    environment = person(tmp_path)
    assert ("CI" in environment, environment["COLOUR"]) == (False, "red")


def test_a_reading_that_finds_too_little_is_no_reading() -> None:
    with pytest.raises(ValueError, match="too little to compare"):
        enough("none", {}, "nothing was run")
    with pytest.raises(ValueError, match="too little to compare"):
        enough("all green", dict.fromkeys("abcdef", "green"), "")


@pytest.mark.parametrize(
    ("cases", "wrong"),
    [
        ([("a.py::one", "passed"), ("a.py::two", "failed")], []),
        ([("a.py::one", "passed")], ["only outside: two red"]),
        ([("a.py::one", "passed"), ("a.py::two", "passed")], ["two: red outside, green inside"]),
        ([("a.py::one", "passed"), ("two", "error"), ("three", "passed")], ["only inside: three green"]),
        ([("x > one", "passed"), ("y > one", "passed"), ("two", "failed")], ["twice: y > one green"]),
        ([("a.py::one", "passed"), ("atwo", "failed")], ["only inside: atwo red", "only outside: two red"]),
        ([], ["no test by name: exit code 1."]),
    ],
)
def test_what_differs_is_named(cases: list[tuple[str, str]], wrong: list[str]) -> None:
    found: outside.Results = {"one": "green", "two": "red"}
    said = tuple(Case.model_validate({"name": name, "outcome": outcome}) for name, outcome in cases)
    receipt = Receipt(command="test", tree="0" * 40, exit=1, started=0, seconds=1, cases=said)
    assert inside.differences(found, inside.Base(receipt, "", 1, "")) == wrong


def test_a_changed_file_shows(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "link").symlink_to("a")
    before = inside.fingerprint(tmp_path)
    (tmp_path / "a").chmod(0o600)
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("b")
    (tmp_path / ".wainwright").mkdir()
    after = inside.fingerprint(tmp_path)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == {
        "a",
        "link",
    }
