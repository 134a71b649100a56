"""What fuzzing begins with, and what it found, through each reader."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")
INPUTS = sorted(CORPUS.glob("*/*"))


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_an_input_is_stood(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_each_reader_has_inputs() -> None:
    assert {path.parent.name for path in INPUTS} == TARGETS.keys()


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=30, deadline=None, database=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_stood(name: str, data: bytes) -> None:
    TARGETS[name](data)
