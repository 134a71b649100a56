"""A case that was skipped has failed: what is claimed here is claimed whole."""

from collections.abc import Callable, Generator

import pytest
from tests.attack.cases import Case, Group
from tests.attack.watched import watched

__all__ = ["watched"]


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
def told(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """What a test tried, for the table at the end."""
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if isinstance(case := parameters.get("case"), Case):
        record_property("attack", case.id[0])
    if isinstance(group := parameters.get("group"), Group):
        record_property("attacks not run", [case.why_not for case in group.cases if not case.runs])
