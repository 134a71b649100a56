"""The project's own instructions, and its files in few words."""

from pathlib import Path

import pytest

from wainwright.workspace.overview import INSTRUCTIONS_MAX, instructions, listing


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_the_nearest_instructions_come_first_and_those_of_other_folders_not_at_all(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "AGENTS.md": "Use tabs.",
            "web/AGENTS.md": "Use spaces.",
            "web/deep/CLAUDE.md": "Two of them.",
            "api/AGENTS.md": "Not for the web.",
            ".github/copilot-instructions.md": "Be short.",
        },
    )
    found = instructions(root, ["web/deep/page.ts"])
    assert list(found) == [
        "web/deep/CLAUDE.md",
        "web/AGENTS.md",
        "AGENTS.md",
        ".github/copilot-instructions.md",
    ]
    assert instructions(root, ["web/deep/page.ts"], but=tuple(found)) == {}


def test_the_same_words_and_hints_at_another_file_are_told_once(tmp_path: Path) -> None:
    root = write(
        tmp_path, {"AGENTS.md": "Use tabs.", "CLAUDE.md": "@AGENTS.md\n", ".cursorrules": "Use tabs.\n"}
    )
    assert instructions(root, []) == {"AGENTS.md": "Use tabs."}


@pytest.mark.parametrize(
    ("front", "path", "told"),
    [
        ("alwaysApply: true", "a.py", True),
        ("globs: *.ts,*.tsx\nalwaysApply: false", "web/a.tsx", True),
        ("globs: src/**/*.ts", "src/deep/a.ts", True),
        ("globs: *.ts\nalwaysApply: false", "a.py", False),
        ("description: for all", "a.py", True),
    ],
)
def test_cursor_rules_are_told_for_the_files_they_name(
    tmp_path: Path, front: str, path: str, told: bool
) -> None:
    root = write(tmp_path, {".cursor/rules/style.mdc": f"---\n{front}\n---\nNo semicolons.\n"})
    assert instructions(root, [path]) == ({".cursor/rules/style.mdc": "No semicolons."} if told else {})


def test_instructions_have_a_bound_and_links_that_lead_away_are_not_followed(tmp_path: Path) -> None:
    root = write(tmp_path / "work", {"AGENTS.md": "A line.\n" * 4_000})
    write(tmp_path, {"secret": "Not theirs."})
    (root / "CLAUDE.md").symlink_to(tmp_path / "secret")
    found = instructions(root, [])
    assert list(found) == ["AGENTS.md"]
    assert len(found["AGENTS.md"]) <= INSTRUCTIONS_MAX + 10


def test_folders_are_put_together_until_they_are_few() -> None:
    files = [f"src/part{n}/deep{m}/f.py" for n in range(9) for m in range(9)]
    assert listing(files).splitlines()[1:3] == ["src/part0/ (9)", "src/part1/ (9)"]
    assert listing(files[:2]) == "\n".join(files[:2])
