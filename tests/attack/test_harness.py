"""Observers see what they are there for, and a list that proves too little is found out."""

import base64
import os
import re
import socket
from pathlib import Path

import pytest
from tests.attack.cases import Case, Group, Seen
from tests.attack.kinds import KINDS, kinds_of
from tests.attack.observers import Canaries, Outside, Sink


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "victim").write_text("as it was")
    (tmp_path / "link").symlink_to("victim")
    return tmp_path


def write(path: Path) -> None:
    path.write_text("as it is")


def write_and_hide_the_time(path: Path) -> None:
    before = path.stat()
    path.write_text("as IT was")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def turn_the_link(path: Path) -> None:
    link = path.parent / "link"
    link.unlink()
    link.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("do", "word"),
    [
        (write, "changed"),
        (write_and_hide_the_time, "changed"),
        (lambda path: path.unlink(), "gone"),
        (lambda path: path.chmod(0o777), "changed"),
        (os.utime, "changed"),
        (lambda path: (path.parent / "new").mkdir(), "made"),
        (turn_the_link, "changed"),
    ],
)
def test_what_is_done_outside_is_seen(do, word: str, outside: Path) -> None:
    looked = Outside(outside)
    assert looked.alarms() == []
    do(outside / "victim")
    assert any(alarm.startswith(word) for alarm in looked.alarms())


@pytest.mark.parametrize("form", ["{0}", "x{1}y", "{2}", "{3}"])
def test_a_value_is_found_in_any_form(form: str) -> None:
    canaries = Canaries("env", "key")
    value = canaries["key"]
    shifted = base64.b64encode(f"a{value}and more".encode()).decode()
    text = form.format(value, value.encode().hex().upper(), shifted, value[::-1])
    assert [alarm.split(",")[0] for alarm in canaries.alarms("the log", text)][:1] == [
        "the value of key is in the log"
    ]
    assert canaries.alarms("the log", "nothing of the kind") == []


@pytest.mark.parametrize("kind", ["tcp", "udp", "unix", "abstract"])
def test_what_is_sent_is_heard(kind: str, tmp_path: Path) -> None:
    with Sink(tmp_path) as sink:
        assert sink.alarms() == []
        family = socket.AF_INET if kind in ("tcp", "udp") else socket.AF_UNIX
        with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as sent:
            sent.connect(
                {"unix": str(sink.path), "abstract": f"\0{sink.name}"}.get(kind) or ("127.0.0.1", sink.port)
            )
            if kind == "udp":
                sent.send(b"canary")
            else:
                sent.recv(1)
        while not sink.alarms():
            pass


def test_a_list_that_proves_too_little_is_found_out() -> None:
    attack, work = Case("Z1.01", "an attack", "refuse"), Case("Z1.02", "everyday work", "ok")
    assert Group("Z", "all well", 2, [attack, work]).flaws() == []
    assert Group("Z", "no work", 1, [attack]).flaws() == ["only 0 of 1 are everyday work"]
    assert Group("Z", "one twice", 3, [attack, attack, work]).flaws() == ["Z1.01 is there twice"]
    assert Group("Y", "another's", 2, [attack, work]).flaws()[0] == "Z1.01 is not of group Y"
    assert Group("Z", "too few", 3, [attack, work]).flaws() == ["2 cases instead of 3"]
    assert Group("Z", "weak", 2, [attack, work]).through({"Z1.01": Seen("refuse")}) != []
    assert Group("Z", "weak", 2, [attack, work]).through({"Z1.01": Seen("ok")}) == []


def test_an_alarm_counts_whatever_was_said() -> None:
    case = Case("Z1.01", "an attack", "refuse")
    assert Seen("refuse").faults(case) == []
    assert Seen("refuse", ["made outside: 'x'"]).faults(case) == ["made outside: 'x'"]
    assert Seen("ok", said="written").faults(case) == ["ok instead of refuse: written"]


@pytest.mark.parametrize("place", sorted({place for places in KINDS.values() for place in places}))
def test_the_tests_of_a_kind_are_there(place: str) -> None:
    path, _, name = place.partition("::")
    text = (Path(__file__).parents[1] / path).read_text(encoding="utf-8")
    assert not name or re.search(rf"^(class|def|async def) {name}\b", text, re.MULTILINE)
    assert kinds_of(f"tests/{place}::test_it[a case]" if not name else f"tests/{place}[a case]")


def test_a_test_of_no_kind_counts_for_none() -> None:
    assert len(KINDS) == 15
    assert kinds_of("tests/unit/domain/test_plan.py::test_it") == []
    assert kinds_of("tests/unit/workspace/test_enclosed.py::test_it[a]") == [9, 12]
