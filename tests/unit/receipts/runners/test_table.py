"""The table of runners in ARCHITECTURE.md says what the adapters do."""

from pathlib import Path, PurePosixPath

import pytest
from tests.unit.receipts.test_command import Files

from wainwright.receipts.protocol import How, Runner
from wainwright.receipts.runners import RUNNERS

ARCHITECTURE = Path(__file__).parents[4] / "ARCHITECTURE.md"
SAMPLES = {
    "pytest": ("pytest", "a.py::b"),
    "unittest": ("python -m unittest", "a.py::A::b"),
    "go": ("go test ./...", "a_test.go::TestB"),
    "cargo": ("cargo test", "src/lib.rs::tests::a"),
    "nextest": ("cargo nextest run", "src/lib.rs::tests::a"),
    "ctest": ("ctest", "a::b"),
    "vitest": ("vitest run", "a.test.ts::b"),
    "jest": ("jest", "a.test.js::b"),
    "mocha": ("mocha", "a.js::b"),
    "ava": ("ava", "a.js::b"),
    "node": ("node --test", "a.test.js::b"),
    "bun": ("bun test", "a.test.ts::b"),
    "deno": ("deno test", "a_test.ts::b"),
    "surefire": ("mvn test", "src/test/java/A.java::b"),
    "gradle": ("gradle test", "src/test/java/A.java::b"),
    "sbt": ("sbt test", "src/test/scala/A.scala::b"),
    "dotnet": ("dotnet test", "A.cs::B"),
    "rspec": ("rspec", "a_spec.rb::b"),
    "minitest": ("rails test", "a_test.rb::A::test_b"),
    "minitest in rake": ("rake test", "test_a.rb::A::test_b"),
    "phpunit": ("phpunit", "ATest.php::testB"),
    "exunit": ("mix test", "a_test.exs::b"),
    "prove": ("prove -l", "t/a.t::b"),
    "busted": ("busted", "spec/a_spec.lua::b"),
    "testthat": ("Rscript -e testthat::test_local()", "tests/testthat/test-a.R::b"),
    "tap": ("bats", "a::b"),
    "junit": ("x --junit-xml=a.xml", "a::b"),
}
"""A command of each runner, and a test of it."""
TOLD_BY_FILES = {"minitest in rake": {"test/helper.rb": "require 'minitest/autorun'"}}
WAYS: dict[How, str] = {"direct": "by itself", "append": "behind scripts", "environment": "behind `make`"}


def row(runner: Runner) -> str:
    line, test = SAMPLES[runner.name]
    words = tuple(line.split())
    assert runner.recognises(words, Files(TOLD_BY_FILES.get(runner.name)))

    def ways(*only: str) -> str:
        said = [
            told
            for how, told in WAYS.items()
            if runner.ask(words, PurePosixPath("/r/0-x"), only, how) is not None
        ]
        return ", ".join(said) or "no"

    told = (type(runner).recognises.__doc__ or "").strip().rstrip(".").replace("``", "`")
    return f"| {runner.name} | {told} | {'live' if runner.live else 'recorded'} | {ways()} | {ways(test)} |"


def table() -> str:
    head = "| runner | recognised by | proven | asked for a report | narrowed to one test |\n|---|---|---|---|---|\n"
    return head + "\n".join(map(row, RUNNERS))


def test_the_table_of_runners_is_what_they_do() -> None:
    written = ARCHITECTURE.read_text(encoding="utf-8")
    assert table() in written, f"ARCHITECTURE.md needs this table:\n{table()}"


@pytest.mark.parametrize("runner", RUNNERS, ids=lambda runner: runner.name)
def test_what_is_asked_begins_with_the_command_itself(runner: Runner) -> None:
    words = tuple(SAMPLES[runner.name][0].split())
    for how in ("append", "environment"):
        ask = runner.ask(words, PurePosixPath("/r/0-x"), (), how)
        assert ask is None or ask.words[: len(words)] == words
