"""Reports as files: large ones, broken ones, and what may stand in their place."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from wainwright.domain.evidence import Case
from wainwright.receipts.runners import junit, tap
from wainwright.receipts.runners.nextest import Nextest
from wainwright.receipts.runners.other import JUnit
from wainwright.receipts.runners.pytest import Pytest

MEGABYTES = 12


def report(path: Path, megabytes: int) -> int:
    """A report of this size; returns how many tests are in it."""
    message = "E   assert 1 == 2\n" * 60
    count = 0
    with path.open("w") as file:
        file.write("<testsuites><testsuite>")
        while file.tell() < megabytes * 1_000_000:
            bad = f'<failure message="assert">{message}</failure>' if count % 2 else ""
            file.write(f'<testcase classname="tests.test_a" name="test_{count}">{bad}</testcase>')
            count += 1
        file.write("</testsuite></testsuites>")
    return count


MEASURE = """
import resource, sys
from pathlib import Path
from wainwright.receipts.runners.pytest import Pytest
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
cases = Pytest().read(Path(sys.argv[1]), "", Path("/"), None)
print(len(cases), sum(len(case.message) for case in cases) // 1_000_000, peak() - before)
"""


def test_a_large_report_costs_little_time_and_memory(tmp_path: Path) -> None:
    path = tmp_path / "r.xml"
    count = report(path, MEGABYTES)
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "server")},
    )
    read, kept, grown = map(int, done.stdout.split())
    assert read == count
    # Messages are cut when there are many; what is kept is far below what was read, and so is what reading takes.
    assert kept <= MEGABYTES // 2
    assert grown < 5 * MEGABYTES
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.ru_utime - began.ru_utime < 15


@pytest.mark.parametrize("place", ["missing", "folder", "link", "pipe", "broken", "empty", "huge"])
def test_what_is_no_report_is_none(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.xml"
    good = "<testsuites><testcase name='a'/></testsuites>"
    if place == "folder":
        path.mkdir()
    elif place == "link":
        (tmp_path / "other.xml").write_text(good)
        path.symlink_to(tmp_path / "other.xml")
    elif place == "pipe":
        os.mkfifo(path)
    elif place != "missing":
        path.write_text({"broken": good[:-5], "empty": "", "huge": good}[place])
    if place == "huge":
        monkeypatch.setattr(junit, "REPORT_MAX", 10)
    assert Pytest().read(path, "", tmp_path, None) is None  # type: ignore[arg-type]


def test_entities_that_grow_are_no_report(tmp_path: Path) -> None:
    grows = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    path = tmp_path / "r.xml"
    path.write_text(
        f'<!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">{grows}]><testsuites><testcase name="&e9;"/></testsuites>'
    )
    assert Pytest().read(path, "", tmp_path, None) is None  # type: ignore[arg-type]


def test_any_junit_report_is_read_by_file_class_or_suite(tmp_path: Path) -> None:
    path = tmp_path / "r.xml"
    path.write_text(
        "<testsuites><testsuite name='s'><testcase name='a b' classname='x.Y'/><testcase name='c'/>"
        "<testcase name='d' file='t/d.js' classname='q'><failure message='no'>at line 3</failure></testcase>"
        "<testcase name='e'><skipped/><system-out>said</system-out></testcase>"
        "<testsuite name='inner'><testcase name='f'><error message='boom'/></testcase></testsuite>"
        "<testcase name='g'/></testsuite></testsuites>"
    )
    assert JUnit().read(path, "", tmp_path, None) == (  # type: ignore[arg-type]
        Case(name="x.Y::a b", outcome="passed"),
        Case(name="s::c", outcome="passed"),
        Case(name="t/d.js::d", outcome="failed", message="no\nat line 3"),
        Case(name="s::e", outcome="skipped"),
        Case(name="inner::f", outcome="error", message="boom"),
        Case(name="s::g", outcome="passed"),
    )


TAP = """TAP version 13
# Subtest: sums
    # Subtest: of two words
    ok 1 - of two words
    not ok 2 - red # TODO later
    1..2
ok 1 - sums
not ok 2 - \x1b[31mboom\x1b[0m
  ---
  message: no
  ...
ok 3 - off # SKIP not here
1..3
"""


def test_tap_is_read_with_subtests_and_directives() -> None:
    assert tap.looks_like(TAP)
    assert tap.plan_kept(TAP)
    assert not tap.plan_kept(TAP.replace("1..3", "1..4"))
    assert tap.read(TAP.splitlines()) == (
        Case(name="sums::of two words", outcome="passed"),
        Case(name="sums::red", outcome="skipped"),
        Case(name="sums", outcome="passed"),
        Case(name="boom", outcome="failed", message="message: no"),
        Case(name="off", outcome="skipped"),
    )


@pytest.mark.parametrize("text", ["", "ok\n", "all ok\n1..3\n", "1..2 apples\n"])
def test_what_is_no_tap(text: str) -> None:
    assert not tap.looks_like(text)


NEXTEST = r"""
{"type":"suite","event":"started","test_count":3,"nextest":{"crate":"x","test_binary":"x","kind":"lib"}}
{"type":"test","event":"started","name":"x::x$tests::adds"}
{"type":"test","event":"ok","name":"x::x$tests::adds","exec_time":0.004}
{"type":"test","event":"failed","name":"x::it$red","exec_time":0.1,"stdout":"\u001b[31mleft: 1\u001b[0m"}
{"type":"test","event":"failed","name":"x::it$shaky","exec_time":0.1,"stdout":"no"}
{"type":"test","event":"ok","name":"x::it$shaky#2","exec_time":0.1}
{"type":"test","event":"ignored","name":"x::it$slow"}
{"type":"suite","event":"failed","passed":1,"failed":1,"ignored":1,"measured":0,"filtered_out":0,"exec_time":0.2}
"""


def test_the_lines_of_nextest_are_read(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text(NEXTEST)
    assert Nextest().read(path, "", tmp_path, None) == (  # type: ignore[arg-type]
        Case(name="x::x::tests::adds", outcome="passed"),
        Case(name="x::it::red", outcome="failed", message="left: 1"),
        Case(name="x::it::shaky", outcome="passed", flaky=True),
        Case(name="x::it::slow", outcome="skipped"),
    )
