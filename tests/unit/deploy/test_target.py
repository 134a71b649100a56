"""Targets as the engine uses them: what each asks, deploys, tells and takes back."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from wainwright.deploy.process import ProcessTarget
from wainwright.deploy.target import Order, PortTaken, Target, Wanted, watch
from wainwright.deploy.targets import TARGETS, available
from wainwright.domain.errors import DeployError
from wainwright.domain.evidence import Deployment
from wainwright.sandbox.bubblewrap import Bubblewrap
from wainwright.sandbox.protocol import SandboxView

SERVE = ("python3", "-S", "-m", "http.server", "--bind", "127.0.0.1", "{port}")


def order(tmp_path: Path, name: str, command: tuple[str, ...] = SERVE, path: str = "/page.html") -> Order:
    tree = tmp_path / "state" / "trees" / name

    async def view() -> SandboxView:
        tree.mkdir(parents=True)
        (tree / "page.html").write_text("hello")
        return SandboxView(tree=tree, at=tmp_path / "project")

    return Order(id=name, commit="c1", branch="wainwright/x", wanted=Wanted(command, path), view=view)


@pytest.fixture
async def process(tmp_path: Path, sandbox: Bubblewrap, services: object) -> Target:
    """A target over the same records as ``services``, which ends them."""
    return ProcessTarget(tmp_path / "state" / "deploy", sandbox)


def test_without_a_sandbox_there_are_the_targets_that_run_nothing(
    tmp_path: Path, sandbox: Bubblewrap
) -> None:
    assert available(tmp_path, sandbox).keys() == TARGETS.keys()
    assert not any(target.serves for target in available(tmp_path, None).values())


async def test_a_branch_is_left_and_nothing_asks(tmp_path: Path) -> None:
    target = available(tmp_path, None)["branch"]
    assert target.plan(Wanted(("rm", "-rf", "/"))) == Wanted()
    assert target.question(Wanted()) == ""
    left = await target.apply(order(tmp_path, "b"))
    assert (left.serves, left.branch, left.stop, left.url) == (False, "wainwright/x", "", "")
    assert target.current() is None
    assert (await target.probe(left)).ok
    assert target.log(left) == ""
    assert await target.roll_back(left) is None


async def test_a_process_serves_is_watched_and_taken_back(process: Target, tmp_path: Path) -> None:
    assert "loopback" in process.question(Wanted(SERVE))
    first = await process.apply(order(tmp_path, "a"))
    assert (first.target, first.serves, first.stop) == ("process", True, f"kill -9 {first.pid}")
    assert process.current() == first
    healthy = await watch(process, first, window_s=0.3, interval_s=0.1, breach_after=2)
    assert healthy
    assert all(probe.ok and probe.status == 200 for probe in healthy)
    assert "GET /page.html" in process.log(first)

    second = await process.apply(order(tmp_path, "b"))
    (tmp_path / "state" / "trees" / "b" / "page.html").unlink()
    began = time.monotonic()
    breach = await watch(process, second, window_s=3600, interval_s=0.05, breach_after=2)
    assert [probe.error for probe in breach] == ["HTTP status 404"] * 2
    assert time.monotonic() - began < 3600
    back = await process.roll_back(second)
    assert back is not None
    assert (back.id, back.url.startswith("http://127.0.0.1:")) == ("a", True)


async def test_a_process_serves_where_it_was_said_or_not_at_all(process: Target, tmp_path: Path) -> None:
    port = process.free_port()
    assert port is not None
    wanted = process.plan(Wanted(SERVE, "/page.html", port))
    assert f"port {port}" in process.question(wanted)
    first = await process.apply(replace(order(tmp_path, "a"), wanted=wanted))
    assert first.url == f"http://127.0.0.1:{port}"
    with pytest.raises(PortTaken, match=f"Port {port} cannot be had any more: Address already in use"):
        await process.apply(replace(order(tmp_path, "b"), wanted=wanted))
    assert process.current() == first


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(), "needs a command"),
        (Wanted(SERVE, "page"), "health_path"),
        (Wanted(SERVE, "/a b"), "health_path"),
    ],
)
def test_what_a_process_lacks_is_told(process: Target, wanted: Wanted, said: str) -> None:
    with pytest.raises(DeployError, match=said):
        process.plan(wanted)


async def test_a_deployment_whose_record_is_gone_is_named(process: Target) -> None:
    gone = Deployment(id="gone", target="process", commit="c1")
    with pytest.raises(DeployError, match="gone has no record"):
        await process.probe(gone)
