"""Adapters that cannot be run here, with recorded reports: one text file in `recorded/` is one runner.

The text before the first section says where the format comes from.

=== command LINE        lines `only NAME`, then what the line becomes; nothing where it is not asked
=== tree PATH           a file of the tree; === old PATH: it is older than the command
=== report [PATH]       a file below the report, or the report itself; === output: what the command printed
=== expect [nothing]    all cases, as `OUTCOME NAME`, and `says NAME: TEXT`; the report and the output are taken away
"""

import os
import shutil
from pathlib import Path, PurePosixPath

import pytest
from tests.unit.receipts.runners.test_live import OUTCOMES, Section, sections

from wainwright.receipts.command import ask_for_reports
from wainwright.receipts.project import FolderProject
from wainwright.receipts.runners import RUNNERS

HERE = Path(__file__).parent / "recorded"


class Recording:
    """One runner's reports, as they are read one after the other."""

    def __init__(self, name: str, root: Path) -> None:
        self.runner = next(runner for runner in RUNNERS if runner.name == name)
        self.tree, self.reports = root / "tree", root / "reports"
        self.report = self.reports / f"0-{name}"
        self.tree.mkdir()
        self.clear()

    def clear(self) -> None:
        shutil.rmtree(self.reports, ignore_errors=True)
        self.report.mkdir(parents=True)
        self.output = ""

    def play(self, section: Section) -> None:
        if section.kind == "command":
            self.command(section)
        elif section.kind in ("tree", "report"):
            place = (self.tree if section.kind == "tree" else self.report) / section.about
            if not section.about:
                self.report.rmdir()
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(section.text, encoding="utf-8")
        elif section.kind == "old":
            os.utime(self.tree / section.about, (1, 1))
        elif section.kind == "output":
            self.output = section.text
        else:
            assert section.kind == "expect"
            self.expect(section)
            self.clear()

    def command(self, section: Section) -> None:
        only = [rest for word, rest in section.statements if word == "only"]
        becomes = [line for line in section.lines if line.strip() and not line.startswith("only ")]
        line = ask_for_reports(section.about, FolderProject(self.tree), RUNNERS, PurePosixPath("/r"), only)
        assert [line.text] == (becomes or [section.about])

    def expect(self, section: Section) -> None:
        found = self.runner.read(self.report, self.output, self.tree, FolderProject(self.tree))
        if section.about == "nothing":
            assert found is None
            return
        assert found is not None
        said = section.statements
        told = sorted(f"{'unbuilt' if case.unbuilt else case.outcome} {case.name}" for case in found)
        assert told == sorted(f"{word} {rest}" for word, rest in said if word in OUTCOMES)
        for name, _, text in (rest.partition(": ") for word, rest in said if word == "says"):
            assert any(case.name == name and text in case.message for case in found)


@pytest.mark.parametrize("path", sorted(HERE.glob("*.txt")), ids=lambda path: path.stem)
def test_a_recorded_report_is_read(path: Path, tmp_path: Path) -> None:
    recording = Recording(path.stem, tmp_path)
    assert not recording.runner.live
    for section in sections(path):
        recording.play(section)
