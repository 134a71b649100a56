"""A case that was skipped has failed: what is claimed here is claimed whole."""

import os
from collections.abc import Callable, Generator

import pytest
from tests.attack.cases import Case, Group
from tests.attack.watched import watched

__all__ = ["watched"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """That attacks get through where there is no guard takes as long as all else: `make attacks` tries it."""
    weak = [one for one in items if one.get_closest_marker("weak_build")]
    if weak and os.environ.get("ATTACKS") != "all":
        config.hook.pytest_deselected(items=weak)
        items[:] = [one for one in items if one not in weak]


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
