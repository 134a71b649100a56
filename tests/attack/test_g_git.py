"""G: no program that a repository names is run on the host, by whatever the product asks git for."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.attack.cases import Case, Group, Seen

from wainwright.domain.errors import WainwrightError
from wainwright.workspace import kept, takeover
from wainwright.workspace.lineage import LOOSE, Lineage, Text
from wainwright.workspace.native import write_batch
from wainwright.workspace.repository import Repository

FILES = {"a.txt": "one\n", "src/b.py": "b = 1\n", ".gitignore": "*.log\n"}
SECRET = "of another folder"
BASE = "base of another history"


class Hostile:
    """A repository with one commit and more, a program that leaves a mark, and a home of the person's."""

    def __init__(self, base: Path) -> None:
        self.base, self.root, self.marks = base, base / "work", base / "marks"
        self.evil = base / "evil"
        self.elsewhere = base / "elsewhere"
        (base / "home").mkdir()
        (base / "home" / ".gitconfig").write_text(
            "[user]\nname = Person\nemail = person@example.org\n[init]\ndefaultBranch = main\n"
        )
        self.elsewhere.mkdir()
        (self.elsewhere / "secret").write_text(SECRET)
        # What it is given is handed on: a filter that fails may be overlooked.
        self.evil.write_text(f'#!/bin/sh\necho "$0 $*" >> "{self.marks}"\ntest -t 0 || cat\n')
        self.evil.chmod(0o755)
        self.plant(FILES)
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-qm", "first")
        self.plant({"a.txt": "one\ntwo\n"})
        self.git("commit", "-qam", "second")

    @property
    def environment(self) -> dict[str, str]:
        mine = {"HOME": str(self.base / "home"), "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        return {**mine, "GIT_CONFIG_NOSYSTEM": "1"}

    def git(self, *words: str, cwd: Path | None = None, ok: bool = True) -> str:
        """The person's own git."""
        done = subprocess.run(
            ["git", *words],
            cwd=cwd or self.root,
            env=self.environment,
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
        assert not ok or done.returncode == 0, done.stderr
        return done.stdout.decode("utf-8", "replace")

    def shell(self, line: str) -> str:
        """A line as a careless program has it run, with names put into it."""
        environment = {**self.environment, "PATH": f".:{self.environment['PATH']}"}
        done = subprocess.run(
            ["sh", "-c", line],
            check=False,
            cwd=self.root,
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=20,
        )
        return done.stdout.decode("utf-8", "replace")

    def plant(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            place = self.root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.write_text(text)
            place.chmod(0o755 if text.startswith("#!") else 0o644)

    def settings(self, **pairs: str) -> None:
        for name, value in pairs.items():
            section, key = name.rsplit("__", 1)
            told = (f"{section.replace('__', '.')}.{key}", value)
            self.git("config", *(one.replace("EVIL", str(self.evil)) for one in told))

    def alarms(self) -> list[str]:
        """What was run, or left behind by what was run."""
        ran = self.marks.read_text().splitlines() if self.marks.exists() else []
        left = [str(one) for one in self.base.rglob("pwned*") if ".git" not in one.parts]
        return [f"ran on the host: {one}" for one in ran[:3]] + [f"left behind: {one}" for one in left]


Lay = Callable[[Hostile], object]


@dataclass(frozen=True)
class Trap:
    """What a repository holds, and the command of a careless program that goes off on it."""

    lay: Lay
    plain: str = "git status"
    top: str = "."
    """The folder that is opened, relative to the repository's."""
    look: Callable[[Hostile, str], list[str]] = lambda _hostile, _told: []
    """Alarms beside those of the mark: of all that was told."""
    merged: bool = False
    """Whether the ways to take a branch over are tried, too: they read the person's files, and merge."""


def product(hostile: Hostile, top: str, *, merged: bool) -> str:
    """All that the product asks git for, on one repository: what it told."""
    root, told = (hostile.root / top).resolve(), []
    repository = Repository(root, hostile.base / "state")
    taken = repository.snapshot("r1", {"new.txt": "unsaved\n"})
    repository.dependencies()
    told += [kept.in_workspace(root), repository.files(taken.commit)]
    tree = repository.clone("r1", "t", taken.commit)
    told += [repository.hidden(tree), repository.why_not_kept(tree, "a.txt"), repository.head(tree)]
    repository.for_commands("r1", tree, taken.head, taken.contents)
    write_batch(tree, [("a.txt", b"one\nthree\n", None), ("src/c.py", b"c = 1\n", None)])
    made = repository.commit(tree, f"--file={hostile.elsewhere}/secret", "r1/t", ["src/c.py"])
    told += [repository.diff(taken.commit, made.commit), repository.unshown(taken.commit, made.commit)]
    told += [repository.changeset(taken.commit, made.commit), repository.shown(made.commit)]
    told += [
        repository.log(taken.commit, made.commit),
        repository.recent(made.commit, 9),
        repository.history(made.commit),
    ]
    told += [repository.read(made.commit, "a.txt"), repository.merge(taken.commit, made.commit)]
    repository.restore(tree, taken.commit)
    with Lineage.over(repository.place, hostile.base / "state") as lineage:
        told += [
            lineage.origin(Text("a.txt", b"one\nthree\n"), line, made.commit, how=how)
            for line, how in ((1, ()), (2, LOOSE))
        ]
        told += [lineage.hunk(made.commit, "a.txt", 2)]
    if taken.head:
        told.append(repository.commits_named("HEAD"))
        repository.take_commits("r2", *repository.commits_named("HEAD"))
        branch = repository.deliver("goal", made.commit)
        if merged:
            told.append(takeover.way(repository.place, taken.commit, made.commit, branch or ""))
    repository.remove(tree)
    return "\n".join(map(str, told))


def cases(kind: str, *rows: tuple[Any, ...]) -> Iterator[Case]:
    for number, (what, expect, act, *more) in enumerate(rows, start=1):
        yield Case(f"{kind}.{number:02}", what, expect, act, **(more[0] if more else {}))


def config(plain: str, **pairs: str) -> Trap:
    return Trap(lambda hostile: hostile.settings(**pairs), plain)


def hook(name: str, plain: str, place: str = ".git/hooks") -> Trap:
    def lay(hostile: Hostile) -> None:
        hostile.plant({f"{place}/{name}": f'#!/bin/sh\nexec "{hostile.evil}" {name} < /dev/null\n'})
        if place != ".git/hooks":
            hostile.settings(core__hooksPath=str(hostile.root / place))

    return Trap(lay, plain, merged=True)


def attribute(line: str, plain: str, *, info: bool = False, **pairs: str) -> Trap:
    """A driver that the settings name, for files to which an attribute gives it."""

    def lay(hostile: Hostile) -> None:
        hostile.plant({".git/info/attributes" if info else ".gitattributes": f"{line}\n"})
        hostile.git("add", "-A")
        hostile.git("commit", "-qm", "attributes", ok=False)
        hostile.settings(**pairs)
        hostile.plant({"a.txt": "one\ntwo\nchanged\n"})

    return Trap(lay, plain, merged=True)


def remote(plain: str, url: str = "elsewhere:x", **pairs: str) -> Trap:
    def lay(hostile: Hostile) -> None:
        hostile.git("remote", "add", "origin", url.replace("EVIL", str(hostile.evil)))
        hostile.settings(**pairs)

    return Trap(lay, f"timeout 2 {plain}")  # a program that is no such end may wait for ever


EDIT = "echo more >> a.txt; "
AHEAD = "git checkout -qb side; echo x > c; git add c; git commit -qm c; git checkout -q main; "
SIDE = (
    "git checkout -qb side; echo x >> a.txt; git commit -qam side; "
    "git checkout -q main; echo y >> a.txt; git commit -qam main; "
)

G1 = cases(
    "G1",
    *(
        (f"a file monitor, at {word}", "hold", config(EDIT + f"git {word}", core__fsmonitor="EVIL"))
        for word in ("status", "diff", "add -A", "ls-files -m")
    ),
)
G2 = cases(
    "G2",
    (
        "hooks elsewhere, when the index changes",
        "hold",
        hook("post-index-change", EDIT + "touch -d @1 a.txt; git status", "hooks"),
    ),
    ("a hook before a commit", "hold", hook("pre-commit", EDIT + "git commit -qam x")),
    ("a hook for the words of a commit", "hold", hook("prepare-commit-msg", EDIT + "git commit -qam x")),
    ("a hook after a commit", "hold", hook("post-commit", EDIT + "git commit -qam x")),
    ("a hook after a checkout", "hold", hook("post-checkout", "git checkout -qb x")),
    ("a hook for refs", "hold", hook("reference-transaction", "git branch x")),
    ("a hook when a work tree is made", "hold", hook("post-checkout", "git worktree add -q ../pending -b x")),
    ("a hook after a merge", "hold", hook("post-merge", AHEAD + "git merge -q side")),
)
CLEAN, SMUDGE, PROCESS = (
    {"filter__e__clean": "EVIL"},
    {"filter__e__smudge": "EVIL"},
    {"filter__e__process": "EVIL"},
)
G3 = cases(
    "G3",
    ("a filter, at a difference", "hold", attribute("* filter=e", "git diff", **CLEAN)),
    ("a filter, when files are added", "hold", attribute("* filter=e", "git add -A", **CLEAN)),
    ("a filter, at a checkout", "hold", attribute("* filter=e", "rm a.txt; git checkout a.txt", **SMUDGE)),
    ("a filter, at a stash", "hold", attribute("* filter=e", "git stash", **CLEAN)),
    ("a filter that stays", "hold", attribute("* filter=e", "git add -A", **PROCESS)),
    (
        "a filter by attributes of the repository alone",
        "hold",
        attribute("* filter=e", "git add -A", info=True, **CLEAN),
    ),
)
TEXT = {"diff__e__textconv": "EVIL"}
G4 = cases(
    "G4",
    ("a program for differences", "hold", attribute("* -text", "git diff", diff__external="EVIL")),
    ("a driver for differences", "hold", attribute("* diff=e", "git diff", diff__e__command="EVIL")),
    (
        "such a driver, in the history",
        "hold",
        attribute("* diff=e", "git log -p --ext-diff", diff__e__command="EVIL"),
    ),
    ("what makes text, at a difference", "hold", attribute("* diff=e", "git diff", **TEXT)),
    ("what makes text, in the history", "hold", attribute("* diff=e", "git log -p", **TEXT)),
    ("what makes text, of a commit", "hold", attribute("* diff=e", "git show HEAD~1", **TEXT)),
    ("what makes text, where lines come from", "hold", attribute("* diff=e", "git blame a.txt", **TEXT)),
    ("what makes text, in a search", "hold", attribute("* diff=e", "git grep --textconv one", **TEXT)),
    (
        "what makes text, by attributes of the repository alone",
        "hold",
        attribute("* diff=e", "git diff", info=True, **TEXT),
    ),
)


def _lacks(hostile: Hostile) -> None:
    """A clone that leaves contents out, and names a program that fetches them when they are asked for."""
    hostile.git("remote", "add", "origin", str(hostile.base / "nowhere"))
    hostile.settings(
        core__repositoryformatversion="1", extensions__partialClone="origin",
        remote__origin__promisor="true", remote__origin__uploadpack="EVIL",
    )  # fmt: skip
    name = hostile.git("rev-parse", "HEAD~1:a.txt").strip()
    (hostile.root / ".git/objects" / name[:2] / name[2:]).unlink()


G5 = cases(
    "G5",
    ("a program for ssh", "hold", remote("git fetch", core__sshCommand="EVIL")),
    (
        "a transport that is a command",
        "hold",
        remote("git fetch", "ext::EVIL x", protocol__ext__allow="always"),
    ),
    ("a program for a proxy", "hold", remote("git fetch", "git://127.0.0.1/x", core__gitProxy="EVIL")),
    (
        "the program at the other end",
        "hold",
        remote("git fetch", "/nowhere", remote__origin__uploadpack="EVIL"),
    ),
    (
        "that program, for an object that is missing",
        "refuse",
        Trap(_lacks, "timeout 2 git cat-file -p HEAD~1:a.txt"),
    ),
    (
        "the program that takes a push",
        "hold",
        remote("git push", "/nowhere", remote__origin__receivepack="EVIL"),
        {"owed": "delivery"},
    ),
)
G6 = cases(
    "G6",
    (
        "a program that signs",
        "hold",
        config(EDIT + "git commit -qam x", commit__gpgSign="true", gpg__program="EVIL"),
    ),
    (
        "a program that signs with ssh",
        "hold",
        config(
            EDIT + "git commit -qam x",
            commit__gpgSign="true",
            gpg__format="ssh",
            gpg__ssh__program="EVIL",
            user__signingKey="key::x",
        ),
    ),
)
G7 = cases(
    "G7",
    ("an editor", "hold", config(EDIT + "git commit -qa", core__editor="EVIL")),
    (
        "a driver for merges",
        "hold",
        attribute(
            "* merge=e", "git commit -qam z; " + SIDE + "git merge -q side", merge__e__driver="EVIL %O %A %B"
        ),
    ),
    ("another name for a command", "hold", config("git st", alias__st="!EVIL")),
    (
        "settings in another file",
        "hold",
        Trap(
            lambda one: (
                one.plant({"more": f"[core]\nfsmonitor = {one.evil}\n"}),
                one.settings(include__path="../more"),
            )
        ),
    ),
    (
        "a program for trailers",
        "hold",
        config(EDIT + "git commit -qam x --trailer=by:me", trailer__by__command="EVIL"),
    ),
    ("an editor for a sequence", "hold", config("git rebase -i HEAD~1", sequence__editor="EVIL")),
)


def _bare(place: str) -> Lay:
    def lay(hostile: Hostile) -> None:
        inner = hostile.root / place
        shutil.copytree(hostile.root / ".git", inner)
        (inner / "config").write_text(
            f"[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\nfsmonitor = {hostile.evil}\n"
        )
        (inner / "a.txt").write_text("one\n")

    return lay


G8 = cases(
    "G8",
    (
        "a filter where only the time of a file differs",
        "hold",
        Trap(
            lambda one: (
                attribute("* filter=e", "", **CLEAN).lay(one),
                one.plant({"a.txt": "one\ntwo\n"}),
                os.utime(one.root / "a.txt", (1, 1)),
            ),
            merged=True,
        ),
    ),
    ("a folder that looks like a repository", "hold", Trap(_bare("bare"), "cd bare && git status", "bare")),
)


def _other(hostile: Hostile) -> Path:
    place = hostile.elsewhere / "other"
    place.mkdir()
    hostile.git("init", "-q", cwd=place)
    (place / "secret.txt").write_text(SECRET)
    hostile.git("add", "-A", cwd=place)
    hostile.git("commit", "-qm", SECRET, cwd=place)
    return place


def _pointed(hostile: Hostile) -> None:
    other = _other(hostile)
    shutil.rmtree(hostile.root / ".git")
    (hostile.root / ".git").write_text(f"gitdir: {other}/.git\n")


def _shared(hostile: Hostile) -> None:
    (hostile.root / ".git/commondir").write_text(f"{_other(hostile)}/.git\n")


def _told(hostile: Hostile, told: str) -> list[str]:
    theirs = hostile.elsewhere / "other"
    branches = hostile.git("branch", "--all", cwd=theirs) if theirs.exists() else ""
    return ["another folder's is told"] * (SECRET in told) + ["written to another repository"] * (
        "wainwright" in branches
    )


def _submodule(name: str) -> Lay:
    return lambda hostile: (
        hostile.plant({".gitmodules": f'[submodule "{name}"]\n\tpath = sub\n\turl = {hostile.elsewhere}\n'}),
        hostile.git("add", "-A"),
        hostile.git("commit", "-qm", "submodule"),
    )


def _hooks_by_link(hostile: Hostile) -> None:
    hook("pre-commit", "", "tracked").lay(hostile)
    hostile.git("config", "--unset", "core.hooksPath")
    shutil.rmtree(hostile.root / ".git/hooks")
    (hostile.root / ".git/hooks").symlink_to("../tracked")


def _alternates(hostile: Hostile) -> None:
    other = _other(hostile)
    (hostile.root / ".git/objects/info/alternates").write_text(f"{other}/.git/objects\n")


def _replaced(hostile: Hostile) -> None:
    tree = hostile.git("rev-parse", "HEAD~1^{tree}").strip()
    fake = hostile.git("commit-tree", tree, "-m", BASE).strip()
    hostile.git("replace", hostile.git("rev-parse", "HEAD").strip(), fake)


def _grafted(hostile: Hostile) -> None:
    tree = hostile.git("rev-parse", "HEAD~1^{tree}").strip()
    fake = hostile.git("commit-tree", tree, "-m", BASE).strip()
    (hostile.root / ".git/info/grafts").write_text(f"{hostile.git('rev-parse', 'HEAD').strip()} {fake}\n")


def _faked(_hostile: Hostile, told: str) -> list[str]:
    return ["history is told that is not there"] * (BASE in told)


def _dashes(hostile: Hostile) -> None:
    hostile.plant({"--output=pwned": "x\n", "-rf": "x\n", "src/--exec=pwned": "x\n"})
    hostile.git("add", "-A")
    hostile.git("commit", "-qm", "dashes")
    hostile.plant({"--output=pwned": "y\n", "-rf": "y\n"})
    for kind in ("heads", "tags"):
        hostile.git("update-ref", f"refs/{kind}/--output=pwned2", "HEAD", ok=False)


def _pointer(hostile: Hostile) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"
    hostile.plant({".gitattributes": "*.bin filter=lfs\n", "big.bin": pointer})
    hostile.git("add", "-A")
    hostile.git("commit", "-qm", "lfs")
    hostile.settings(filter__lfs__smudge="EVIL", filter__lfs__clean="git-lfs clean -- %f")


NOT_ALONE = {"strong": "it needs the clone of a submodule, which nobody asks for here"}
G9 = cases(
    "G9",
    (
        "a repository within such a folder",
        "hold",
        Trap(_bare("src/deep/nested.git"), "cd src/deep/nested.git && git status", "src/deep/nested.git"),
    ),
    ("a pointer to another repository", "refuse", Trap(_pointed, "git log", look=_told)),
    ("commits that are elsewhere", "refuse", Trap(_shared, "git log --all", look=_told)),
    ("a submodule that is named upwards", "ok", Trap(_submodule("../../evil")), NOT_ALONE),
    ("a submodule with a carriage return", "ok", Trap(_submodule("evil\\r")), NOT_ALONE),
    ("hooks that are a link to tracked files", "hold", Trap(_hooks_by_link, EDIT + "git commit -qam x")),
    ("objects of another repository", "ok", Trap(_alternates, look=_told)),
    ("a commit that is replaced", "hold", Trap(_replaced, "git log", look=_faked)),
    ("a commit with other parents", "hold", Trap(_grafted, "git log", look=_faked)),
    (
        "an address that stands for a command",
        "hold",
        remote(
            "git fetch",
            "https://example.org/x",
            **{"url__ext::EVIL x__insteadOf": "https://example.org/x", "protocol__ext__allow": "always"},
        ),
    ),
    (
        "a git in the folder",
        "hold",
        Trap(lambda one: one.plant({"git": f'#!/bin/sh\nexec "{one.evil}" < /dev/null\n'}), "git status"),
    ),
    (
        "names that begin like options",
        "hold",
        Trap(_dashes, "git diff HEAD -- 2>/dev/null; git diff HEAD $(git diff --name-only)"),
    ),
    (
        "a branch that a shell would run",
        "ok",
        Trap(lambda one: one.git("checkout", "-qb", "x$(touch${IFS}pwned)"), "git log x$(touch pwned)"),
    ),
    (
        "words of a commit that read as an option",
        "hold",
        Trap(lambda _: None, "git commit -q --allow-empty --file=../elsewhere/secret; git log", look=_told),
    ),
    (
        "an address of mail that a shell would run",
        "ok",
        config("git log", user__email="x$(touch pwned)@example.org"),
    ),
    (
        "a format for signing",
        "hold",
        config(
            EDIT + "git commit -qam x", commit__gpgSign="true", gpg__format="x509", gpg__x509__program="EVIL"
        ),
    ),
    ("a pointer of Git LFS", "ok", Trap(_pointer)),
)

GROUP = Group("G", "git", 60, [*G1, *G2, *G3, *G4, *G5, *G6, *G7, *G8, *G9])


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hostile:
    for name in [
        name for name in os.environ if name.startswith("GIT_") and not name.startswith("GIT_PYTHON_")
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return Hostile(tmp_path)


def look(hostile: Hostile, case: Case) -> Seen:
    """Lay a trap, and have the product do all it does with git."""
    trap: Any = case.act
    trap.lay(hostile)
    # What goes off while the trap is laid is the person's own git.
    hostile.marks.unlink(missing_ok=True)
    outcome, told = case.expect if case.expect != "refuse" else "ok", ""
    try:
        told = product(hostile, trap.top, merged=trap.merged)
    except (WainwrightError, OSError) as error:
        outcome, told = "refuse", f"{type(error).__name__}: {error}"
    return Seen(outcome, [*hostile.alarms(), *trap.look(hostile, told)], told)


@pytest.mark.parametrize("case", GROUP.run, ids=lambda case: case.id)
def test_nothing_of_a_repository_is_run(case: Case, hostile: Hostile) -> None:
    assert look(hostile, case).faults(case) == []


def test_it_would_be_run_by_a_plain_git(tmp_path: Path) -> None:
    found = {}
    for case in GROUP.attacks:
        place = tmp_path / case.id
        place.mkdir()
        one, trap = Hostile(place), case.act
        trap.lay(one)
        one.marks.unlink(missing_ok=True)
        told = one.shell(trap.plain)
        found[case.id] = Seen(case.expect, [*one.alarms(), *trap.look(one, told)], told)
        shutil.rmtree(place)
    assert GROUP.through(found) == []


@pytest.mark.parametrize("group", [GROUP], ids=["G"])
def test_the_list_is_whole(group: Group) -> None:
    assert group.flaws() == []
