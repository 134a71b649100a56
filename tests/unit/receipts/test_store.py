"""Receipts that are kept: found for the same tree, suites and surroundings, and for nothing else."""

import os
from pathlib import Path
from typing import Any

import pytest

from wainwright.domain.evidence import Receipt, Suite
from wainwright.receipts import store
from wainwright.receipts.store import ReceiptStore

SUITES = (Suite(command="go test ./...", folder="api", reason="recognised"),)


def receipt(**changes: Any) -> Receipt:
    given = {
        "command": "go test ./...",
        "tree": "t1",
        "exit": 0,
        "started": 1.0,
        "seconds": 0.5,
        "suites": SUITES,
        "surroundings": "here",
    }
    return Receipt.model_validate({**given, **changes})


def test_what_is_kept_is_found_and_says_so(tmp_path: Path) -> None:
    kept = ReceiptStore(tmp_path / "receipts")
    assert kept.find("t1", SUITES, "here") is None
    kept.keep(receipt(exit=1))
    again = ReceiptStore(tmp_path / "receipts").find("t1", SUITES, "here")
    assert again == receipt(exit=1, reused=True)
    told_otherwise = (SUITES[0].model_copy(update={"reason": "settings name it"}),)
    assert kept.find("t1", told_otherwise, "here") is not None, "why it is run decides nothing"
    assert (tmp_path / "receipts").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("tree", "suites", "around"),
    [
        ("t2", SUITES, "here"),
        ("t1", SUITES, "there"),
        ("t1", (Suite(command="go test ./..."),), "here"),
        ("t1", (*SUITES, *SUITES), "here"),
        ("t1", (), "here"),
    ],
)
def test_another_tree_suite_or_place_is_another_receipt(
    tmp_path: Path, tree: str, suites: tuple[Suite, ...], around: str
) -> None:
    kept = ReceiptStore(tmp_path)
    kept.keep(receipt())
    assert kept.find(tree, suites, around) is None


@pytest.mark.parametrize(
    "changes", [{"only": ("a",)}, {"environment": "no go"}, {"exit": None}, {"surroundings": ""}]
)
def test_what_says_nothing_of_the_code_as_a_whole_is_not_kept(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    kept = ReceiptStore(tmp_path)
    kept.keep(receipt(**changes))
    assert list(tmp_path.iterdir()) == []


def test_a_broken_file_is_none(tmp_path: Path) -> None:
    kept = ReceiptStore(tmp_path)
    kept.keep(receipt())
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text()[:40])
    assert kept.find("t1", SUITES, "here") is None


def test_the_oldest_go_first_and_what_is_too_large_stays_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "KEPT_MAX", 3)
    monkeypatch.setattr(store, "SIZE_MAX", 2_000)
    kept = ReceiptStore(tmp_path)
    for number in range(3):
        kept.keep(receipt(tree=f"t{number}"))
        for file in tmp_path.iterdir():
            os.utime(file, ns=(0, file.stat().st_mtime_ns - 10**9))
    assert kept.find("t0", SUITES, "here") is not None, "what is used is new again"
    kept.keep(receipt(tree="t9"))
    kept.keep(receipt(tree="t10", output="x" * 2_000))
    there = [n for n in ("t0", "t1", "t2", "t9", "t10") if kept.find(n, SUITES, "here")]
    assert there == ["t0", "t2", "t9"]
