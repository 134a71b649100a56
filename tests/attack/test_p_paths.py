"""P: nothing outside of the workspace is read, shown, made, changed, renamed or deleted, whatever a path says."""

import asyncio
import os
import shutil
import socket
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.attack import racing
from tests.attack.cases import Case, Group, Seen
from tests.attack.paths import AFTER, WRITING, Front, Ground, Try, World, weaken
from tests.fixtures.scenario import PATH

from wainwright.domain.changes import FileChange
from wainwright.domain.errors import WainwrightError
from wainwright.engine.editing import Editing, TextChange
from wainwright.engine.stages.landing import control_files
from wainwright.engine.views import documents
from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.tools.files import LIST, READ
from wainwright.tools.shell import SHELL

IN_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")


def link(name: str, to: str) -> Callable[[Ground], None]:
    def lay(ground: Ground) -> None:
        place = ground.root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(ground.path(to))

    return lay


def links(*pairs: tuple[str, str]) -> Callable[[Ground], None]:
    def lay(ground: Ground) -> None:
        for name, to in pairs:
            link(name, to)(ground)

    return lay


def put(name: str, text: str) -> Callable[[Ground], None]:
    def lay(ground: Ground) -> None:
        place = ground.root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    return lay


def cases(kind: str, *rows: tuple[Any, ...]) -> Iterator[Case]:
    for number, (what, expect, act, *more) in enumerate(rows, start=1):
        yield Case(f"{kind}.{number:02}", what, expect, act, **(more[0] if more else {}))


OUT = "../out/victim"
DEEP = "/".join(["d"] * 300)
STRONG = {"strong": "the system refuses it by itself"}

P1 = cases(
    "P1",
    ("up and over", "refuse", Try(OUT)),
    ("down and up", "refuse", Try("sub/../../out/victim")),
    ("with dots in between", "refuse", Try("sub/./../../out/victim")),
    ("an absolute path", "refuse", Try("<victim>")),
    ("an absolute path with two slashes", "refuse", Try("/<victim>")),
    ("a home", "refuse", Try("~/x", doors=WRITING)),
    ("another's home", "refuse", Try("~root/x", doors=WRITING)),
    ("a variable", "refuse", Try("$HOME/x", doors=WRITING)),
    ("a URI of a file", "refuse", Try("file://<victim>", doors=WRITING)),
    ("with this host", "refuse", Try("file://localhost<victim>", doors=WRITING)),
    ("with another host", "refuse", Try("file://host/share/x", doors=WRITING)),
    ("in capitals", "refuse", Try("FILE://<victim>", doors=WRITING)),
    ("an editor's new document", "refuse", Try("untitled:x", doors=WRITING)),
    ("an editor's remote one", "refuse", Try("vscode-remote://x/y", doors=WRITING)),
    ("an address", "refuse", Try("http://x/y", doors=WRITING)),
    ("nothing", "refuse", Try(""), STRONG),
    ("the folder itself", "refuse", Try("."), STRONG),
    ("a NUL", "refuse", Try("a\0b"), STRONG),
    ("a line break", "refuse", Try("a\nb", doors=("write", "change", "buffer"))),
    ("a drive", "refuse", Try("C:\\x", doors=WRITING)),
    ("a device path of Windows", "refuse", Try("\\\\?\\C:\\x", doors=WRITING)),
    ("backslashes", "refuse", Try("..\\out\\victim", doors=WRITING)),
    ("a name of 5,000 characters", "refuse", Try("x" * 5000), STRONG),
    (
        "300 folders deep",
        "ok",
        Try(f"{DEEP}/x", put(f"{DEEP}/x", "deep\n"), ("read", "own", "edit", "write"), "deep\n"),
    ),
)


async def _root_is_a_link(world: World) -> Seen:
    alias = world.base / "alias"
    alias.unlink(missing_ok=True)
    alias.symlink_to(world.person.root)
    outside, editing = world.watch(), Editing(alias, world.base / "state", world.bench.repository)
    editing._recovered = True
    said = await editing.write([TextChange(path="calc.py", before="x = 1\n", after=AFTER)])
    done = (world.person.root / "calc.py").read_text() == AFTER
    alarms = outside.alarms()
    alias.unlink()
    return Seen("ok" if done and not said else "refuse", alarms, str(said))


async def _replaced_between(world: World) -> Seen:
    before = await LIST.call(world.workbench, {})
    place = world.task.root / "calc.py"
    place.unlink()
    place.symlink_to(world.task.victim)
    outside = world.watch()
    told = [await READ.call(world.workbench, {"path": "calc.py"})]
    one = Try("calc.py")
    tried = [await getattr(world, f"door_{door}")(one) for door in ("create", "edit", "delete")]
    went = "cannot be read" not in told[0] or any(ok for ok, _ in tried)
    assert "calc.py" in before
    alarms = world.canaries.alarms("what a model sees", *told, *(said for _, said in tried))
    return Seen("ok" if went else "refuse", [*alarms, *outside.alarms()], f"{told} {tried}")


async def _committed(world: World) -> Seen:
    """The link is in the person's last commit, and a task's tree is checked out from it."""
    root = world.person.root
    (root / "trap").symlink_to("../out/victim")
    (root / "door").symlink_to("../out")
    run = ["git", "-C", str(root), "-c", "user.name=p", "-c", "user.email=p@example.org"]
    subprocess.run([*run, "add", "."], check=True, capture_output=True)
    subprocess.run([*run, "commit", "-qm", "links"], check=True, capture_output=True)
    taken = world.bench.repository.snapshot("r2", {})
    tree = world.bench.repository.clone("r2", "links", taken.commit)
    assert (tree / "trap").is_symlink()
    out = tree.parent / "out"
    out.mkdir(exist_ok=True)
    (out / "victim").write_text(world.canaries["outside"])
    world.workbench.tree = tree
    told = []
    for door in ("read", "look", "create", "edit", "delete"):
        told += [
            await getattr(world, f"door_{door}")(Try(path)) for path in ("trap", "door/victim", "door/new")
        ]
    alarms = world.canaries.alarms("what a model sees", *(said for _, said in told))
    if (
        sorted(one.name for one in out.iterdir()) != ["victim"]
        or world.canaries["outside"] not in (out / "victim").read_text()
    ):
        alarms.append("something was written outside")
    world.bench.repository.remove(tree)
    shutil.rmtree(out)
    return Seen("ok" if any(went for went, _ in told) else "refuse", alarms, str(told))


async def _unpacked(world: World) -> Seen:
    """A command in the sandbox unpacks links into the tree; the host's tools meet them afterwards."""
    place = world.base / "made"
    place.mkdir(exist_ok=True)
    for name, to in (("trap", "../out/victim"), ("door", "../out")):
        if not (place / name).is_symlink():
            (place / name).symlink_to(to)
    subprocess.run(
        ["tar", "cf", str(world.task.root / "a.tar"), "-C", str(place), "trap", "door"], check=True
    )
    said = await SHELL.call(world.workbench, {"command": "tar xf a.tar && ls -l trap door"})
    assert (world.task.root / "trap").is_symlink(), said
    outside = world.watch()
    told = []
    for door in ("read", "look", "create", "edit", "delete"):
        told += [
            await getattr(world, f"door_{door}")(Try(path)) for path in ("trap", "door/victim", "door/new")
        ]
    alarms = world.canaries.alarms("what a model sees", *(said for _, said in told))
    went = any(went for went, _ in told)
    return Seen("ok" if went else "refuse", [*alarms, *outside.alarms()], str(told))


async def _documents_through_a_link(world: World) -> Seen:
    """``.wainwright`` is a link: neither the documents of a run nor the goal are written through it."""
    root = world.person.root
    (root / ".wainwright").symlink_to("../out")
    outside, said = world.watch(), []
    for name in ("runs/r1/plan.md", "goal.md"):
        try:
            documents.write(root, root / ".wainwright" / name, "text")
            await world.editing.put(f".wainwright/{name}x", "text")
        except (WainwrightError, OSError) as error:
            said.append(str(error))
    return Seen("refuse" if len(said) == 2 else "ok", outside.alarms(), str(said))


async def _program(world: World) -> Seen:
    """A link to a program of the system: a command runs it, the host's tools do not read it."""
    link("node_modules/.bin/x", "/usr/bin/env")(world.task)
    ran = await SHELL.call(world.workbench, {"command": "node_modules/.bin/x echo it runs"})
    went, told = await world.door_read(Try("node_modules/.bin/x"))
    return Seen("ok" if "it runs" in ran and not went else "refuse", [], f"{ran} {told}")


P2 = cases(
    "P2",
    ("a link to a file", "refuse", Try("trap", link("trap", "<victim>"))),
    ("a link to a folder", "refuse", Try("trap/victim", link("trap", "../out"))),
    ("a link to the root", "refuse", Try("trap<victim>", link("trap", "/"))),
    ("a link to a link", "refuse", Try("trap", links(("trap", "other"), ("other", OUT)))),
    ("a loop", "refuse", Try("trap", links(("trap", "other"), ("other", "trap"))), STRONG),
    ("a link to what is made later", "refuse", Try("trap", link("trap", "../out/new"))),
    ("an absolute link that stays inside", "ok", Try("trap", link("trap", "<root>/calc.py"), ("own",))),
    (
        "a relative link that stays inside",
        "ok",
        Try("trap", link("trap", "calc.py"), ("read", "own", "edit"), "x = 1\n"),
    ),
    (
        "the last part is a link when it is written",
        "refuse",
        Try("sub/trap", link("sub/trap", "../../out/victim"), WRITING),
    ),
    (
        "a part in the middle is a link when a file is made",
        "refuse",
        Try("sub/trap/new", link("sub/trap", "../../out"), WRITING),
    ),
    ("the workspace itself is a link", "ok", _root_is_a_link),
    ("a link to the folder's own parent", "refuse", Try("trap", link("trap", "../<name>/../out/victim"))),
    ("a file becomes a link after it was listed", "refuse", _replaced_between),
    ("a README that is a key", "refuse", Try("README.md", link("README.md", "<home>/.ssh/id_ed25519"))),
    ("a program of an installed package, which commands may read", "ok", _program),
    (
        "a link to where the server runs",
        "refuse",
        Try("trap/pyproject.toml", link("trap", "/proc/self/cwd"), ("read", "own")),
    ),
    (
        "a link into the repository's own files",
        "refuse",
        Try("trap", link("trap", ".git/config"), ("write", "change", "buffer")),
    ),
    ("a link that was committed", "refuse", _committed),
    ("a link from an archive", "refuse", _unpacked),
    ("a link where our own documents lie", "refuse", _documents_through_a_link),
    (
        "a link above the trees of tasks",
        "refuse",
        None,
        {"wrong": "only the person can put one into the state directory (0700), and then it is meant"},
    ),
    (
        "a file is moved over a link",
        "refuse",
        Try("trap", link("trap", OUT), ("move",)),
        {"strong": "the applier moves nothing over what is there"},
    ),
)


def special(number: int, what: str, path: str, doors: Any = ("read", "own"), **more: Any) -> tuple[Any, ...]:
    return what, "refuse", Try("trap", link("trap", path), doors), more


def _socket(ground: Ground) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = os.open(ground.root, os.O_RDONLY | os.O_DIRECTORY)
        one.bind(f"/proc/self/fd/{here}/trap")  # a socket's path must be short
        os.close(here)


def _device(ground: Ground) -> None:
    if os.getuid() == 0:
        try:
            os.mknod(ground.root / "trap", stat.S_IFCHR | 0o600, os.makedev(1, 5))
        except OSError:
            link("trap", "/dev/zero")(ground)
    else:
        link("trap", "/dev/zero")(ground)


def _sparse(ground: Ground) -> None:
    with (ground.root / "trap").open("wb") as file:
        file.truncate(10 << 30)


DISK = next(
    (str(one) for one in sorted(Path("/dev").iterdir()) if stat.S_ISBLK(one.lstat().st_mode)), "/dev/sda"
)

P3 = cases(
    "P3",
    special(1, "the root of a process", "/proc/self/root<victim>"),
    special(2, "the folder of a process", "/proc/self/cwd/pyproject.toml"),
    special(3, "the root of the first process", "/proc/1/root<victim>", strong="only the superuser may look there"),
    special(4, "the environment of the server", "/proc/self/environ"),
    special(5, "the memory of the server", "/proc/self/mem", strong="its first page cannot be read"),
    special(6, "the map of the server", "/proc/self/maps"),
    special(7, "the machine's memory", "/dev/mem", strong="most machines have none that could be read"),
    special(8, "a terminal", "/dev/tty", strong="there is none here"),
    special(9, "an endless device", "/dev/zero"),
    special(10, "standard input", "/dev/stdin", strong="it is closed, or nothing"),
    special(11, "a disk", DISK, strong="only the superuser may read it"),
    ("a device in the folder", "refuse", Try("trap", _device, ("read", "own"))),
    ("a socket in the folder", "refuse", Try("trap", _socket, ("read", "own", "create", "delete", "write")), STRONG),
    special(14, "what the kernel tells", "/sys/kernel/uevent_seqnum"),
    ("a folder as a file", "refuse", Try("sub"), STRONG),
    ("a file of 10 GiB with nothing in it", "refuse", Try("trap", _sparse, ("read", "own"))),
)  # fmt: skip


def hard(victim: Callable[[World], Path], *doors: str) -> Any:
    """A hard link to something else of this disk: the name in the folder is written, the other keeps its text."""

    async def act(world: World) -> Seen:
        place = victim(world)
        text = place.read_bytes()
        for ground in world.grounds:
            (ground.root / "linked").unlink(missing_ok=True)
            os.link(place, ground.root / "linked")
        content, went, said = text.decode("latin-1"), False, []
        for door in doors:
            try:
                did, told = await getattr(world, f"door_{door}")(Try("linked", text=content))
            except (WainwrightError, OSError, ValueError) as error:
                did, told = False, str(error)
            went, said = went or did, [*said, told]
        alarms = [] if place.exists() and place.read_bytes() == text else [f"changed outside: {place.name}"]
        return Seen("ok" if went else "refuse", alarms, str(said))

    return act


def _another_workspace(world: World) -> Path:
    place = world.base / "other"
    place.mkdir(exist_ok=True)
    (place / "a.txt").write_text("theirs\n")
    return place / "a.txt"


def _receipt(world: World) -> Path:
    place = world.base / "state" / "receipts" / "one.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text("{}\n")
    return place


async def _linked_by_a_command(world: World) -> Seen:
    outside = world.watch()
    told = await SHELL.call(
        world.workbench, {"command": f"ln {world.task.victim} linked; ln ../out/victim linked; ls"}
    )
    made = (world.task.root / "linked").exists()
    alarms = world.canaries.alarms("what a model sees", told, (await world.door_read(Try("linked")))[1])
    return Seen("ok" if made else "hold", [*alarms, *outside.alarms()], told)


P4 = cases(
    "P4",
    (
        "a file outside has a name here, which is written",
        "ok",
        hard(lambda world: world.task.victim, "create", "write"),
    ),
    (
        "a command makes such a name",
        "hold",
        _linked_by_a_command,
        {"strong": "the sandbox stands in its way"},
    ),
    (
        "the journal has a name here, to which a command writes",
        "ok",
        hard(lambda world: world.base / "state" / "journal.db", "shell"),
    ),
    ("a receipt has a name here, which is written", "ok", hard(_receipt, "create", "write")),
    ("a file of another workspace has one", "ok", hard(_another_workspace, "edit", "write")),
    ("the name here is deleted", "ok", hard(lambda world: world.task.victim, "delete")),
)


async def _denied_otherwise(world: World) -> Seen:
    """An acceptance test may not be written; the same name in other Unicode forms is the same file."""
    name = unicodedata.normalize("NFC", "test_\N{LATIN SMALL LETTER E WITH ACUTE}.py")
    (world.task.root / name).write_text("assert True\n")
    world.workbench.read_only = frozenset({name})
    other = Try(unicodedata.normalize("NFD", name), text="assert True\n")
    tried = [await getattr(world, f"door_{door}")(other) for door in ("create", "edit", "delete", "move")]
    return Seen("ok" if any(went for went, _ in tried) else "refuse", [], str(tried))


async def _turned_around(world: World) -> Seen:
    name = "invoice\u202egnp.py"
    for ground in world.grounds:
        (ground.root / name).write_text("x = 1\n")
    tried = [
        await getattr(world, f"door_{door}")(Try(name, text="x = 1\n")) for door in ("read", "look", "edit")
    ]
    alarms = ["the name is shown as it is"] if any("\u202e" in said for _, said in tried) else []
    return Seen("ok" if tried[0][0] and tried[2][0] else "refuse", alarms, str(tried))


NEW = ("create", "move", "write", "change")


def asks(path: str, text: str = AFTER, before: str | None = None) -> Any:
    """Offered to an editor, and landed by a task: a control file is named and waits for a person."""

    async def act(world: World) -> Seen:
        world.person.root.joinpath(path).unlink(missing_ok=True)
        landed = await asyncio.to_thread(_landed, world, path, text)
        file = FileChange(path=path, kind="created", before=None, after=text)
        base = world.bench.base
        outside = world.watch()
        info = await world.front.delivery.offer_asked("r1", _changeset(base, file))
        there = world.person.root.joinpath(path).exists()
        asked = any(path in question for question in world.front.asked)
        said = f"{info.detail} {world.front.asked} {landed}"
        alarms = outside.alarms() if not there else ["it was written without a yes"]
        ok = asked and not there and path in landed
        return Seen("ask" if ok else "ok", alarms, said)

    return act


def _changeset(base: str, *files: FileChange) -> Any:
    from wainwright.domain.changes import Changeset

    return Changeset(base=base, tip=base, files=files)


def _landed(world: World, path: str, text: str) -> tuple[str, ...]:
    """What the gate before the hand-over is told of a commit that has such a file."""
    place = world.task.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.write_text(text)
    made = world.bench.repository.commit(world.task.root, "control", "r1/t", [path])
    parts: Any = type("Parts", (), {"repository": world.bench.repository})
    state: Any = type("State", (), {"base": world.bench.base})
    found = control_files(parts, state, made.commit)
    world.bench.repository.restore(world.task.root, world.bench.base)
    return found


P5 = cases(
    "P5",
    ("capitals", "refuse", Try(".GIT/config", doors=NEW)),
    ("one capital", "refuse", Try(".Git/hooks/x", doors=NEW)),
    ("a short name", "refuse", Try("git~1/config", doors=NEW)),
    ("a dot behind", "refuse", Try(".git./config", doors=NEW)),
    ("a blank behind", "refuse", Try(".git /config", doors=NEW)),
    ("a stream", "refuse", Try(".git::$DATA", doors=NEW)),
    ("a full-width stop", "refuse", Try("\uff0egit/config", doors=NEW)),
    ("a denied name in other Unicode forms", "refuse", _denied_otherwise),
    ("a capital of Turkish", "refuse", Try(".g\u0130t/config", doors=NEW)),
    ("instructions for agents in capitals", "ask", asks("AGENTS.MD")),
    (
        "names of devices on Windows, which are ordinary here",
        "ok",
        Try("aux/con.txt", put("aux/con.txt", "x\n"), ("read", "own", "edit", "write"), "x\n"),
    ),
    (
        "a dot at the end, which is ordinary here",
        "ok",
        Try("notes.", put("notes.", "x\n"), ("read", "own", "edit", "write"), "x\n"),
    ),
    ("a name that is turned around", "ok", _turned_around),
    ("a name that is not UTF-8", "refuse", Try("a\udcff", doors=("change",)), STRONG),
)


def internal(what: str, path: str, doors: Any = WRITING, **more: Any) -> tuple[Any, ...]:
    return what, "refuse", Try(path, doors=doors), more


P6 = cases(
    "P6",
    internal("settings", ".git/config"),
    internal("settings of a work tree", ".git/config.worktree"),
    internal("a hook", ".git/hooks/pre-commit"),
    internal("the folder of hooks", ".git/hooks"),
    internal("attributes", ".git/info/attributes"),
    internal("what is ignored", ".git/info/exclude"),
    internal("the head", ".git/HEAD"),
    internal("packed refs", ".git/packed-refs"),
    internal("a branch", ".git/refs/heads/x"),
    internal("an object", f".git/objects/aa/{'b' * 38}"),
    internal("the shared directory", ".git/commondir"),
    internal("the work tree's pointer", ".git/gitdir"),
    internal("settings of a submodule", ".git/modules/s/config"),
    internal("the pointer of another work tree", ".git/worktrees/x/gitdir"),
    internal("a directory for a file", "sub/.git/config"),
    internal("a file for the directory", "sub/.git"),
    internal("a nested repository's hook", "sub/deep/.git/hooks/pre-commit"),
    ("a repository without a name of git's", "ask", asks("sub/bare/HEAD", "ref: refs/heads/main\n")),
    ("submodules", "ask", asks(".gitmodules")),
)

P7 = cases(
    "P7",
    *(
        (path, "ask", asks(path))
        for path in (
            ".vscode/settings.json", ".vscode/tasks.json", ".vscode/launch.json", ".idea/workspace.xml", ".mcp.json",
            "AGENTS.md", "CLAUDE.md", "sub/.cursor/rules/x.mdc", ".envrc", ".npmrc", ".github/workflows/ci.yml",
            ".gitattributes", "sub/x.pth", ".devcontainer/devcontainer.json",
        )
    ),
)  # fmt: skip

P8 = cases("P8", *((kind.what, "refuse", kind) for kind in racing.KINDS))


async def _folder_gone(world: World) -> Seen:
    shutil.rmtree(world.person.root)
    outside = world.watch()
    said = await world.editing.write([TextChange(path="new.py", before=None, after=AFTER)])
    made = world.person.root.exists()
    return Seen("refuse" if said and not made else "ok", outside.alarms(), str(said))


async def _another_folder(world: World) -> Seen:
    """A second folder is open in the editor, and nobody trusts it."""
    place = _another_workspace(world)
    outside = world.watch()
    world.front.open(place, "theirs\n")
    outcome = await world.front.edit(place, "theirs\n", AFTER)
    return Seen(
        "refuse" if outcome.status == "refused" else "ok",
        [*outside.alarms(), *world.front.alarms],
        str(outcome),
    )


async def _another_work_tree(world: World) -> Seen:
    place = world.base / "worktree"
    shutil.rmtree(place, ignore_errors=True)
    git = ["git", "-C", str(world.person.root), "worktree"]
    subprocess.run([*git, "add", "-q", "--force", "--detach", str(place)], check=True, capture_output=True)
    outside = world.watch()
    tried = [
        await getattr(world, f"door_{door}")(Try("../worktree/calc.py", text="x = 1\n"))
        for door in ("own", "write", "change")
    ]
    outcome = await world.front.edit(place / "calc.py", "x = 1\n", AFTER)
    alarms = outside.alarms()
    subprocess.run([*git, "remove", "--force", str(place)], check=True, capture_output=True)
    went = outcome.status != "refused" or any(went for went, _ in tried)
    return Seen("ok" if went else "refuse", alarms, f"{tried} {outcome}")


async def _bound_elsewhere(world: World) -> Seen:
    alias = world.base / "bound"
    alias.mkdir(exist_ok=True)
    do = (
        "import sys; from wainwright.workspace.native import write_batch, read_beneath\n"
        f"write_batch(sys.argv[1], [('calc.py', {AFTER.encode()!r}, None)], expected={{'calc.py': b'x = 1\\n'}})\n"
        "sys.stdout.write(read_beneath(sys.argv[1], 'calc.py', 99).decode())\n"
    )
    line = f'mount --bind "$1" "$2" && exec {sys.executable} -c "$3" "$2"'
    env = {**os.environ, "PYTHONPATH": "server"}
    argv = ["unshare", "-r", "-m", "sh", "-c", line, "sh", str(world.person.root), str(alias), do]
    outside = world.watch()
    done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, env=env)
    there = (world.person.root / "calc.py").read_text()
    return Seen("ok" if done.stdout == there == AFTER else "refuse", outside.alarms(), done.stderr)


P9 = cases(
    "P9",
    ("a folder whose name begins the same", "refuse", Try("../<name>-evil/x")),
    ("the same name in capitals", "refuse", Try("../WORK/x", doors=WRITING)),
    ("a second folder of the editor", "refuse", _another_folder),
    ("the folder has gone", "refuse", _folder_gone),
    ("another work tree of the repository", "refuse", _another_work_tree),
    ("the folder is bound to another place", "ok", _bound_elsewhere),
)


def told(act: Callable[[World, Front], Any]) -> Any:
    """An edit that is handed to an editor."""

    async def run(world: World) -> Seen:
        (world.person.root / "trap").symlink_to("../out/victim")
        (world.person.root / "door").symlink_to("../out")
        outside, text = world.watch(), world.canaries["outside"] + "\n"
        try:
            outcome = await act(world, world.front)
        except (WainwrightError, ValueError) as error:
            return Seen("refuse", outside.alarms(), str(error))
        assert text == world.person.victim.read_text() or outside.alarms()
        return Seen(
            "refuse" if outcome.status == "refused" else "ok",
            [*outside.alarms(), *world.front.alarms],
            str(outcome),
        )

    return run


async def _edit_outside(world: World, front: Front) -> Any:
    front.open(world.person.victim, world.canaries["outside"] + "\n")
    return await front.edit(world.person.victim, world.canaries["outside"] + "\n", AFTER)


async def _rename_out(world: World, front: Front) -> Any:
    gone = FileChange(path="calc.py", kind="deleted", before=_hash("x = 1\n"), after=None)
    made = FileChange(path="../out/calc.py", kind="created", before=None, after="x = 1\n")
    return await front.offer(gone, made)


async def _create_over(world: World, front: Front) -> Any:
    return await front.offer(
        FileChange(path="trap", kind="modified", before=_hash(world.canaries["outside"] + "\n"), after=AFTER)
    )


async def _delete_through(world: World, front: Front) -> Any:
    before = _hash(world.canaries["outside"] + "\n")
    return await front.offer(FileChange(path="door/victim", kind="deleted", before=before, after=None))


async def _stale(world: World, front: Front) -> Any:
    place = world.person.root / "calc.py"
    front.open(place, "x = 1\n")
    uri = next(iter(front.buffers.text_documents))

    def type_meanwhile() -> None:
        from lsprotocol import types

        named = types.VersionedTextDocumentIdentifier(7, uri)
        front.buffers.update_text_document(named, types.TextDocumentContentChangeWholeDocument("x = 2\n"))

    front.before_edit = type_meanwhile
    return await front.edit(place, "x = 1\n", AFTER)


def _hash(text: str) -> str:
    from wainwright.domain.changes import content_hash

    return content_hash(text)


P10 = cases(
    "P10",
    ("an edit of a document outside", "refuse", told(_edit_outside)),
    ("a file is moved out", "refuse", told(_rename_out)),
    ("a file is made over a link", "refuse", told(_create_over)),
    ("a file is deleted behind a link", "refuse", told(_delete_through)),
    (
        "an edit of a text that has changed",
        "refuse",
        told(_stale),
        {"strong": "the editor knows the version"},
    ),
)

GROUP = Group("P", "paths", 132, [*P1, *P2, *P3, *P4, *P5, *P6, *P7, *P8, *P9, *P10])
RACES = [case for case in GROUP.run if isinstance(case.act, racing.Kind)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("paths")
    sandbox = await prove(root / "proof" / "state", {"HOME": str(root / "proof"), "PATH": PATH})
    assert isinstance(sandbox, Bubblewrap)
    (root / "w").mkdir()
    return World(root / "w", sandbox)


async def seen(world: World, case: Case) -> Seen:
    if isinstance(case.act, racing.Kind):
        came = await asyncio.to_thread(racing.run, case.act, world.base.parent, case.act.share)
        return Seen("refuse", came.escaped[:3], f"{came}")
    return await world.look(case)


@IN_ONE_LOOP
@pytest.mark.parametrize("case", GROUP.run, ids=lambda case: case.id)
async def test_a_path_leads_nowhere_else(case: Case, world: World) -> None:
    assert (await seen(world, case)).faults(case) == []


@pytest.mark.weak_build
@IN_ONE_LOOP
async def test_they_would_lead_out_without_the_boundary(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    weaken(monkeypatch)
    found = {case.id: await seen(world, case) for case in GROUP.attacks if case not in RACES}
    for case in RACES:
        came = await asyncio.to_thread(
            racing.run, case.act, world.base.parent, racing.WEAK, weak=True, first=True
        )
        found[case.id] = Seen("refuse", came.escaped[:1])
    assert GROUP.through(found) == []


@pytest.mark.parametrize("group", [GROUP], ids=["P"])
def test_the_list_is_whole(group: Group) -> None:
    assert group.flaws() == []
