import asyncio
import json
import os
import sys
import urllib.request
from pathlib import Path

import pytest

from wainwright.deploy.services import Service, Services, ServiceSpec
from wainwright.domain.errors import DeployError
from wainwright.sandbox.identity import start_time
from wainwright.sandbox.protocol import SandboxView

PYTHON = os.path.realpath(sys.executable)
SERVE = (PYTHON, "-S", "-m", "http.server", "--bind", "127.0.0.1", "{port}")
SPEC = ServiceSpec(command=SERVE, health_path="/page.html", health_timeout_s=30)


def view_of(tmp_path: Path, name: str, text: str = "hello") -> SandboxView:
    tree = tmp_path / "state" / "trees" / name
    tree.mkdir(parents=True)
    (tree / "page.html").write_text(text)
    return SandboxView(tree=tree, at=tmp_path / "project")


async def fetch(service: Service) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    response = await asyncio.to_thread(opener.open, f"{service.url}/page.html", None, 10)
    with response:
        return str(response.read().decode())


async def test_a_service_is_started_once_and_found_again(services: Services, tmp_path: Path, sandbox):
    view = view_of(tmp_path, "a", "first")
    service = await services.start("a", SPEC, view, "c0ffee")
    assert await fetch(service) == "first"
    assert service.tree == view.tree
    assert await services.start("a", SPEC, view, "c0ffee") == service

    another = Services(tmp_path / "state" / "deploy", sandbox)
    assert another.find("a") == another.current() == service
    assert another.alive(service)
    assert await another.start("a", SPEC, view, "c0ffee") == service
    assert another.find("unknown") is None

    record = tmp_path / "state" / "deploy" / "deployments" / "a.json"
    assert record.stat().st_mode & 0o777 == 0o600
    assert json.loads(record.read_text())["commit"] == "c0ffee"
    await another.stop(service)
    assert not services.alive(service)
    assert (await services.probe(service)).error == "the process has ended"
    await services.stop(service)


async def test_it_outlives_the_process_that_started_it(services: Services, tmp_path: Path):
    view = view_of(tmp_path, "a")
    script = f"""
import asyncio
from pathlib import Path
from wainwright.deploy.services import Services, ServiceSpec
from wainwright.sandbox.bubblewrap import prove
from wainwright.sandbox.protocol import SandboxView
async def main():
    state = Path({str(tmp_path / "state")!r})
    services = Services(state / "deploy", await prove(state))
    spec = ServiceSpec.model_validate_json({SPEC.model_dump_json()!r})
    await services.start("a", spec, SandboxView.model_validate_json({view.model_dump_json()!r}), "c0ffee")
asyncio.run(main())
"""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", script, start_new_session=True)
    assert await child.wait() == 0
    service = services.find("a")
    assert service is not None
    assert (await services.probe(service)).ok
    assert await fetch(service) == "hello"


async def test_the_next_one_takes_over_and_rolling_back_brings_the_first_again(
    services: Services, tmp_path: Path
):
    first = await services.start("a", SPEC, view_of(tmp_path, "a", "first"), "c1")
    second = await services.start("b", SPEC, view_of(tmp_path, "b", "second"), "c2")
    assert not services.alive(first)
    assert await fetch(second) == "second"
    assert services.current() == second

    again = await services.roll_back(second)
    assert again is not None
    assert (again.id, again.commit, again.tree) == ("a", "c1", first.tree)
    assert await fetch(again) == "first"
    assert not services.alive(second)
    assert services.current() == again
    assert await services.roll_back(second) == again, "to roll back twice changes nothing"
    assert await services.roll_back(again) is None
    assert services.current() is None


async def test_one_that_dies_or_is_never_well_is_told_with_its_log(services: Services, tmp_path: Path):
    good = await services.start("good", SPEC, view_of(tmp_path, "good"), "c1")
    dying = ServiceSpec(command=("sh", "-c", "echo the reason >&2; exit 3"))
    with pytest.raises(DeployError, match="the reason") as caught:
        await services.start("dying", dying, view_of(tmp_path, "dying"), "c2")
    assert caught.value.hint
    unwell = SPEC.model_copy(update={"health_path": "/missing", "health_timeout_s": 0.5})
    with pytest.raises(DeployError, match="HTTP status 404"):
        await services.start("unwell", unwell, view_of(tmp_path, "unwell"), "c3")
    left = services.find("unwell")
    assert left is not None
    assert not services.alive(left)
    assert services.current() == good
    assert (await services.probe(good)).ok, "what served before goes on serving"


async def test_one_that_listens_on_another_port_is_told_which(services: Services, tmp_path: Path):
    spec = SPEC.model_copy(update={"command": (*SERVE[:-1], "18080"), "health_timeout_s": 2})
    with pytest.raises(
        DeployError, match=r"It listens on port 18080, and was told \d+, as \{port\} and PORT"
    ):
        await services.start("a", spec, view_of(tmp_path, "a"), "c1")


async def test_a_service_that_ignores_the_polite_signal_ends_with_its_children(
    services: Services, tmp_path: Path
):
    stubborn = " ".join(("trap '' TERM; (trap '' TERM; sleep 500 &);", *SERVE, "& while :; do sleep 1; done"))
    spec = SPEC.model_copy(update={"command": ("bash", "-c", stubborn)})
    service = await services.start("a", spec, view_of(tmp_path, "a"), "c1")
    children = _namespace(service.pid)
    assert len(children) > 2
    await services.stop(service)
    assert not [pid for pid in children if start_time(pid) is not None]


async def test_a_process_that_got_the_same_id_is_not_touched(services: Services, tmp_path: Path):
    service = await services.start("a", SPEC, view_of(tmp_path, "a"), "c1")
    mistaken = service.model_copy(update={"start_time": service.start_time - 1})
    assert not services.alive(mistaken)
    await services.stop(mistaken)
    assert services.alive(service)


async def test_one_that_a_crash_left_without_a_record_is_replaced(services: Services, tmp_path: Path):
    view = view_of(tmp_path, "a")
    lost = await services.start("a", SPEC, view, "c1")
    (tmp_path / "state" / "deploy" / "deployments" / "a.json").unlink()
    found = await services.start("a", SPEC, view, "c1")
    assert found.pid != lost.pid
    async with asyncio.timeout(20):
        while services.alive(lost):
            await asyncio.sleep(0.02)


async def test_ids_and_records_are_checked(services: Services, tmp_path: Path):
    for bad in ("../a", "", ".a", "a/b"):
        with pytest.raises(DeployError, match="not a service id"):
            services.find(bad)
    record = tmp_path / "state" / "deploy" / "deployments" / "broken.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    with pytest.raises(DeployError, match="cannot be read"):
        services.find("broken")
    record.unlink()


@pytest.mark.parametrize("path", ["page", "/a b", "/a\r\nX: y", "/\u00e9"])
def test_a_health_path_is_one_word_of_a_request(path: str):
    with pytest.raises(ValueError, match="health_path"):
        ServiceSpec(command=("x",), health_path=path)


def _namespace(first: int) -> list[int]:
    wanted = Path(f"/proc/{first}/ns/pid").readlink()
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if (process / "ns" / "pid").readlink() == wanted:
                    found.append(int(process.name))
            except OSError:
                continue
    return found
