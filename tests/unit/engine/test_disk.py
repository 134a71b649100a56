"""What runs leave on disk, and what removes it."""

import os

from wainwright.deploy.services import Service, ServiceSpec
from wainwright.domain.events import RunCancelled, RunStarted
from wainwright.domain.goal import WORKING, Goal
from wainwright.engine.disk import Disk
from wainwright.engine.parts import EngineParts
from wainwright.sandbox.identity import start_time
from wainwright.sandbox.protocol import SandboxView


def run(parts: EngineParts, name: str, *, ended: bool, owned: bool = False) -> None:
    """A run with a tree, a cache, a service's tree, and what a removal that was killed left."""
    first = RunStarted(
        run=name,
        goal=Goal(text="x"),
        workspace=str(parts.workspace),
        route=WORKING,
        autonomy="suggest",
        trust="trusted",
        tier="none",
        attended=True,
    )
    lease = parts.journal.create(first, name, "x", cap_usd=None, cap_tokens=None)
    if ended:
        parts.journal.append(lease, [RunCancelled(by="person")])
    if not owned:
        parts.journal.release(lease)
    base = parts.repository.snapshot(name, {}).commit
    for tree in ("t-1-0", "deploy-1"):
        parts.repository.clone(name, tree, base)
    for place in (
        parts.state / "caches" / name / "t" / "deep",
        parts.state / "trees" / name / ".going-x",
        parts.state / "trees" / name / "t-1-0.layers" / "kept" / "work",
    ):
        place.mkdir(parents=True)
    (parts.state / "caches" / name / "t").chmod(0o000)
    (parts.state / "trees" / name / "t-1-0.layers" / "kept" / "work").chmod(0o000)


def serve(parts: EngineParts, run_name: str) -> None:
    """Note a service that is alive: this process."""
    tree = parts.state / "trees" / run_name / "deploy-1"
    started = start_time(os.getpid())
    assert started is not None
    record = Service(
        id=f"{run_name}-1",
        pid=os.getpid(),
        start_time=started,
        url="http://127.0.0.1:1",
        port=1,
        log=parts.state / "log",
        commit="0" * 40,
        spec=ServiceSpec(command=("x",)),
        view=SandboxView(tree=tree, at=parts.workspace),
    )
    place = parts.state / "deployments" / "deployments" / f"{run_name}-1.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(record.model_dump_json())


def there(parts: EngineParts) -> set[str]:
    found = [*parts.state.glob("trees/*/*"), *parts.state.glob("caches/*")]
    return {str(path.relative_to(parts.state)) for path in found}


async def test_a_run_that_has_ended_keeps_what_serves(parts: EngineParts) -> None:
    run(parts, "served", ended=True)
    serve(parts, "served")
    await Disk(parts).tidy("served")
    assert there(parts) == {"trees/served/deploy-1", "trees/served/deploy-1.git"}
    run(parts, "replaced", ended=True)
    await Disk(parts).tidy("replaced")
    assert there(parts) == {"trees/served/deploy-1", "trees/served/deploy-1.git"}
    assert not (parts.state / "trees" / "replaced").exists()


async def test_without_a_sandbox_no_service_is_known_and_every_one_might_live(parts: EngineParts) -> None:
    run(parts, "r", ended=True)
    parts.sandbox = None
    await Disk(parts).tidy("r")
    assert there(parts) == {"trees/r/deploy-1", "trees/r/deploy-1.git"}


async def test_the_standing_checkout_goes_when_no_run_is_under_way(parts: EngineParts) -> None:
    run(parts, "over", ended=True)
    owned = parts.journal.claim("over")
    disk, checkout = Disk(parts), parts.state / "checkout"
    assert (await disk.view()).shared["checkout"] > 0
    assert str(checkout) not in await disk.clean(dry_run=False)
    assert checkout.is_dir()
    parts.journal.release(owned)
    assert (await disk.clean(dry_run=True))[str(checkout)] > 0
    assert checkout.is_dir()
    await disk.clean(dry_run=False)
    assert not checkout.exists()
    assert parts.repository.clone("over", "again", parts.repository.resolve("over/base") or "").is_dir()


async def test_cleaning_spares_what_is_alive_or_can_go_on(parts: EngineParts) -> None:
    for name, ended, owned in (("done", True, False), ("waiting", False, False), ("owned", True, True)):
        run(parts, name, ended=ended, owned=owned)
    (parts.state / "trees" / "unknown" / "t").mkdir(parents=True)
    (parts.state / "trees" / "unknown" / "t" / "file").write_text("x")
    before, disk = there(parts), Disk(parts)
    seen = {one.run: one for one in (await disk.view()).runs}
    assert {name for name, one in seen.items() if one.removable} == {"done", "owned", "unknown"}
    assert seen["waiting"].resuming > 0
    would = await disk.clean(dry_run=True)
    assert there(parts) == before
    gone = await disk.clean(dry_run=False)
    assert set(gone) <= set(would)
    assert {path.split("/")[1] for path in there(parts)} == {"waiting", "owned"}
    assert parts.repository.clone("done", "t-1-0", parts.repository.resolve("done/base") or "").is_dir()
