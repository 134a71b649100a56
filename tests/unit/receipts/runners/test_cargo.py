"""What is told of a Rust source that does not compile."""

from pathlib import Path

from tests.unit.receipts.test_command import Files

from wainwright.receipts.runners.cargo import Cargo

MISSING = """\
error[E0599]: no method named `max_depth` found for struct `Walker` in the current scope
  --> tests/walk.rs:{line}:24
   |
{line} |     assert_eq!(Walker::new().max_depth(2).count(), 3);
   |                              ^^^^^^^^^ method not found in `Walker`
"""
OTHER = """\
error[E0425]: cannot find value `depth` in this scope
 --> tests/walk.rs:9:5
  |
9 |     depth
  |     ^^^^^ help: a local variable with a similar name exists: `deep`
"""
OUTPUT = f"""\
   Compiling walker v0.1.0 (/w)
warning: unused variable: `x`
 --> src/lib.rs:3:9
  |
3 |     let x = 1;
  |         ^ help: if this is intentional, prefix it with an underscore: `_x`

{MISSING.format(line=10)}
{OTHER}
{MISSING.format(line=14)}
{MISSING.format(line=21)}
For more information about this error, try `rustc --explain E0599`.
error: could not compile `walker` (test "walk") due to 4 previous errors
"""


def test_errors_keep_their_lines_of_the_source_and_are_told_once(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.write_text(OUTPUT)
    files = {"Cargo.toml": '[package]\nname = "walker"\n', "tests/walk.rs": "", "src/lib.rs": ""}
    cases = Cargo().read(report, "", tmp_path, Files(files))
    assert cases is not None
    assert [(case.name, case.unbuilt) for case in cases] == [("tests/walk.rs::build", True)]
    more = "(and the same 2 more times: tests/walk.rs:14:24, tests/walk.rs:21:24)\n"
    assert cases[0].message.strip() == f"{MISSING.format(line=10)}{more}{OTHER}".strip()
