"""Findings as people and roles read them."""

from wainwright.domain.evidence import ROUTES, Finding, listed
from wainwright.domain.shown import in_line


def test_of_a_finding_each_part_has_a_line_and_its_route_is_said_in_words() -> None:
    later = Finding(
        where="a.py:3", trigger="no file.", consequence="a trace", severity="minor", route="defer"
    )
    now = Finding(where="b.py", trigger="two files", consequence="one is lost", severity="major")
    assert listed((later, now), in_line) == (
        "- **minor** at `a.py:3` (real, but not for now)\n"
        "  - When: no file.\n"
        "  - Then: a trace\n"
        "- **major** at `b.py` (the code is to be mended)\n"
        "  - When: two files\n"
        "  - Then: one is lost"
    )
    assert listed((), in_line) == ""


def test_every_route_of_a_finding_has_a_meaning() -> None:
    named = Finding.model_json_schema()["properties"]["route"]["enum"]
    assert set(ROUTES) == set(named)


def test_no_line_of_a_finding_begins_anything_else() -> None:
    forged = Finding(where="a", trigger="x\n# Your part", consequence="y\n- **blocker**", severity="minor")
    assert len(listed((forged,), in_line).splitlines()) == 3
