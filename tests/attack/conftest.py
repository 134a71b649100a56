"""A case that was skipped has failed: what is claimed here is claimed whole."""

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which does not count: {call.excinfo.value if call.excinfo else ''}"
    return report


@pytest.fixture(autouse=True)
def told(request: pytest.FixtureRequest, record_property) -> None:
    """What a test tried, for the table at the end."""
    if case := getattr(request.node, "callspec", None) and request.node.callspec.params.get("case"):
        record_property("attack", case.id[0])
    if group := getattr(request.node, "callspec", None) and request.node.callspec.params.get("group"):
        for one in group.cases:
            if not one.runs:
                why = f"owed to {one.owed}" if one.owed else f"should not be: {one.wrong}"
                record_property("attacks not run", f"{group.letter} {one.id} {one.what}: {why}")
