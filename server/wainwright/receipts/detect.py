"""Which test commands a workspace has, found out from its manifests and from which tests there are."""

import json
import os
import re
import shutil
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Suite
from wainwright.receipts.project import within
from wainwright.receipts.protocol import Project

SUITES_MAX = 8
"""More than so many folders with a manifest of their own are a monorepo whose root knows how they are tested."""
_NOT_OURS = re.compile(
    r"(^|/)(node_modules|vendor|third_party|testdata|fixtures?|__fixtures__|examples?|templates?|\.[^/]+)/"
)
_SCRIPT_TESTS = re.compile(
    r"(^|/)(tests?|__tests__|specs?|e2e)/.*\.[cm]?[jt]sx?$|[._-](test|spec)\.[cm]?[jt]sx?$|(^|/)test\.[cm]?[jt]s$"
)
_CARGO_TARGET = re.compile(r"(src/(lib|main)|(src/bin|tests)/[^/]+(/main)?)\.rs")
"""What Cargo takes for something with tests without being told."""
_MANIFESTS = frozenset(
    (
        "pyproject.toml",
        "setup.py",
        "package.json",
        "go.mod",
        "Cargo.toml",
        "pom.xml",
        "Gemfile",
        "composer.json",
    )
)


@dataclass(frozen=True)
class Around:
    """What detection asks of the machine and of what is installed in the workspace."""

    there: Callable[[str], bool]
    """Whether a path beneath the workspace is there, also one that git ignores; the last part may be a pattern."""
    program: Callable[[str], bool]
    """Whether a program is on the search path of commands."""
    fetched: Callable[[str], bool] = lambda _name: True
    """Whether what a build's wrapper script runs has been fetched before, by the name of its archive."""


NOTHING_AROUND = Around(there=lambda _path: False, program=lambda _name: True)
"""Nothing is installed in the workspace, and every program is on the machine."""


def around(workspace: Path) -> Around:
    """What is on this machine, and in a workspace. Blocks when it is asked."""
    return Around(
        there=lambda path: os.path.lexists(workspace / path),
        program=lambda name: shutil.which(name) is not None,
        fetched=_fetched,
    )


def _fetched(archive: str) -> bool:
    """Whether a wrapper script of Maven or Gradle has fetched what it runs. Folders may lack the end of its name."""
    names = {archive, re.sub("-(bin|all)$", "", archive)}
    homes = (Path.home() / ".m2", Path(os.environ.get("GRADLE_USER_HOME") or Path.home() / ".gradle"))
    return any((home / "wrapper" / "dists" / name).is_dir() for home in homes for name in names)


def holds_tests(path: str) -> bool:
    """Whether a file of this name holds tests, by what the runners of its language look for."""
    return bool(
        re.search(r"(^|/)(test_[^/]*|[^/]*_test|tests)\.py$", path)
        or _SCRIPT_TESTS.search(path)
        or re.search(r"_test\.(go|exs|dart|rb|cc|cpp|c)$|_spec\.rb$|(^|/)test_[^/]*\.(rb|cc|cpp|c)$", path)
        or re.search(
            r"(^|/)tests/.*\.rs$|(Test|Tests|Spec|IT)\.(java|kt|scala|groovy|php|cs|fs|vb|swift)$", path
        )
        or path.endswith((".bats", ".t"))
    )


def detect(project: Project, around: Around = NOTHING_AROUND) -> tuple[Suite, ...]:
    """The suites of a workspace: those of its root, and of folders with a manifest of their own."""
    files = frozenset(path for path in project.files() if not _NOT_OURS.search(path))
    folders = _folders(files)
    root = _Folder(".", project, _without(files, folders), around)
    suites = [*_suites(root)]
    known = _Known(project, bool([one for one in suites if _is_python(one)]), [one.command for one in suites])
    for path in folders:
        start = f"{path}/"
        inner = [one for one in folders if one.startswith(start)]
        own = frozenset(one[len(start) :] for one in _without(files, inner) if one.startswith(start))
        suites += known.unknown(path, _suites(_Folder(path, within(project, path), own, around)), around)
    if not suites:
        suites = [*_make(root)]
    if len(suites) > SUITES_MAX:
        suites = [one for one in suites if one.folder == "."] or suites[:SUITES_MAX]
    return tuple(suites)


def _folders(files: Collection[str]) -> list[str]:
    """Folders near the root that have a manifest of their own."""
    found = {str(PurePosixPath(path).parent) for path in files if PurePosixPath(path).name in _MANIFESTS}
    return sorted((one for one in found - {"."} if one.count("/") < 2), key=lambda one: (one.count("/"), one))


def _without(files: Collection[str], folders: Collection[str]) -> frozenset[str]:
    starts = tuple(f"{one}/" for one in folders)
    return frozenset(path for path in files if not path.startswith(starts))


def _is_python(suite: Suite) -> bool:
    return " -m pytest" in suite.command or " -m unittest" in suite.command


class _Known:
    """What the suites of the root run already."""

    def __init__(self, project: Project, python: bool, commands: Collection[str]) -> None:
        self._python = python
        self._members: dict[str, tuple[str, ...]] = {
            "npm pnpm yarn bun": _packages(project),
            "cargo": _quoted(project.text("Cargo.toml") or "", r"members\s*=\s*\[(.*?)\]"),
            "mvn ./mvnw": tuple(re.findall(r"<module>([^<]+)</module>", project.text("pom.xml") or "")),
            "gradle ./gradlew": ("",),
            "go": _used(project.text("go.work") or ""),
        }
        self._commands = commands

    def unknown(self, folder: str, suites: Iterable[Suite], around: Around) -> Iterator[Suite]:
        """Those of a folder's suites that no suite of the root runs."""
        for suite in suites:
            if _is_python(suite):
                # What pytest of the root collects is not run twice, unless it has an environment of its own.
                known = self._python and not any(around.there(f"{folder}/{one}") for one in (".venv", "venv"))
            else:
                known = self._runs(folder, suite.command.split()[0])
            if not known:
                yield suite

    def _runs(self, folder: str, program: str) -> bool:
        for programs, members in self._members.items():
            if program in programs.split() and any(
                one.split()[0] in programs.split() for one in self._commands
            ):
                starts = [one.split("*")[0].removeprefix("./").rstrip("/") for one in members]
                return any(not one or folder == one or folder.startswith(f"{one}/") for one in starts)
        return False


def _packages(project: Project) -> tuple[str, ...]:
    """The patterns of the packages of an npm, pnpm or yarn workspace."""
    patterns = _package(project).get("workspaces", [])
    if isinstance(patterns, dict):
        patterns = patterns.get("packages", [])
    listed = re.findall(
        r"^\s*-\s*['\"]?([^'\"\s!]+)", project.text("pnpm-workspace.yaml") or "", re.MULTILINE
    )
    return tuple(str(one) for one in (*(patterns if isinstance(patterns, list) else ()), *listed))


def _quoted(text: str, pattern: str) -> tuple[str, ...]:
    found = re.search(pattern, text, re.DOTALL)
    return tuple(re.findall(r'"([^"]+)"', found.group(1))) if found else ()


def _used(text: str) -> tuple[str, ...]:
    """The folders that a workspace of Go uses."""
    block = re.search(r"use\s*\((.*?)\)", text, re.DOTALL)
    return tuple(block.group(1).split()) if block else tuple(re.findall(r"^use\s+(\S+)", text, re.MULTILINE))


def _suites(here: "_Folder") -> Iterator[Suite]:
    """The suites of one folder, each language once."""
    yield from _python(here)
    yield from _scripts(here)
    yield from _compiled(here)
    yield from _ruby_php_and_others(here)
    yield from _haskell(here)
    yield from _perl(here)
    yield from _r(here)
    yield from _lua(here)


@dataclass(frozen=True)
class _Folder:
    path: str
    project: Project
    files: frozenset[str]
    around: Around

    def suite(self, command: str, reason: str) -> Suite:
        return Suite(command=command, folder=self.path, reason=reason)

    def there(self, path: str) -> bool:
        return self.around.there(path if self.path == "." else f"{self.path}/{path}")

    def text(self, path: str) -> str:
        return (self.project.text(path) or "") if path in self.files else ""


# ---- Python


def _python(here: _Folder) -> Iterator[Suite]:
    tests = sorted(path for path in here.files if re.search(r"(^|/)(test_[^/]*|[^/]*_test)\.py$", path))
    told = _tells_pytest(here)
    marks = sorted(path for path in here.files if PurePosixPath(path).name == "conftest.py")
    texts = [here.text(path) for path in tests[:50]]
    real = [path for path, text in zip(tests, texts, strict=False) if _is_test(text)]
    if not (real or told or marks):
        return
    python = _interpreter(here)
    shown = (real or marks or ["its configuration"])[0]
    unittest = any(re.search(r"^\s*(import|from) unittest", text, re.MULTILINE) for text in texts)
    wants_pytest = bool(told or marks) or any(
        re.search(r"^\s*(import|from) pytest|^def test_", t, re.M) for t in texts
    )
    if unittest and not wants_pytest and not _has_pytest(here):
        start = (
            "discover"
            if "tests/__init__.py" in here.files or not real or "/" not in real[0]
            else _discover(real)
        )
        yield here.suite(
            f"{python} -m unittest {start}", f"{shown} uses unittest, and pytest is not installed"
        )
        return
    if python != "python3" and not _has_pytest(here) and (through := _through(here)):
        yield here.suite(*through)
        return
    why = f"{told} configures pytest" if told else f"{shown} is a test that pytest finds"
    yield here.suite(f"{python} -m pytest -q", why)


def _discover(tests: list[str]) -> str:
    return f"discover -s {PurePosixPath(tests[0]).parts[0]}"


def _is_test(text: str) -> bool:
    """Whether a file that is named like a test has one."""
    return bool(re.search(r"^\s*(async )?def test|^class \w*Test|TestCase\b", text, re.MULTILINE))


def _tells_pytest(here: _Folder) -> str:
    marks = {
        "pytest.ini": "[pytest]",
        "pyproject.toml": "[tool.pytest",
        "setup.cfg": "[tool:pytest]",
        "tox.ini": "[pytest]",
    }
    return next((name for name, mark in marks.items() if mark in here.text(name)), "")


def _interpreter(here: _Folder) -> str:
    for name in (".venv", "venv"):
        if here.there(f"{name}/bin/python"):
            return f"{name}/bin/python"
    for lock, run in (
        ("uv.lock", "uv"),
        ("poetry.lock", "poetry"),
        ("pdm.lock", "pdm"),
        ("Pipfile.lock", "pipenv"),
    ):
        if lock in here.files and here.around.program(run):
            return f"{run} run python"
    # The environment of the workspace around it serves its folders, too.
    for name in (".venv", "venv"):
        if here.path != "." and here.around.there(f"{name}/bin/python"):
            return f"{'../' * (here.path.count('/') + 1)}{name}/bin/python"
    return "python3"


def _has_pytest(here: _Folder) -> bool:
    found = any(here.there(f"{name}/bin/pytest") for name in (".venv", "venv"))
    return found or (not here.there(".venv/bin/python") and here.around.program("pytest"))


def _through(here: _Folder) -> tuple[str, str] | None:
    """The command that runs the tests in environments of its own, and why."""
    for name, configured in (
        ("nox", "noxfile.py" in here.files),
        ("tox", "tox.ini" in here.files or "[tool.tox" in here.text("pyproject.toml")),
    ):
        if configured:
            installed = (f"{folder}/bin/{name}" for folder in (".venv", "venv"))
            return next((one for one in installed if here.there(one)), name), f"{name} is configured"
    return None


# ---- JavaScript and TypeScript


def _package(project: Project) -> dict[str, object]:
    try:
        found = json.loads(project.text("package.json") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _scripts(here: _Folder) -> Iterator[Suite]:
    if "deno.json" in here.files or "deno.jsonc" in here.files:
        yield here.suite("deno test -A", "deno.json is there")
        return
    if "package.json" not in here.files:
        return
    package = _package(here.project)
    scripts = package.get("scripts")
    script = scripts.get("test", "") if isinstance(scripts, dict) else ""
    tests = sorted(path for path in here.files if _SCRIPT_TESTS.search(path))
    if isinstance(script, str) and script and "no test specified" not in script:
        manager, why = _manager(here, package)
        command = f"{manager} test" if manager != "npm" else "npm test --silent"
        command = "bun run test" if manager == "bun" else command
        if (
            manager in ("pnpm", "yarn")
            and not here.around.program(manager)
            and here.around.program("corepack")
        ):
            command = f"corepack {command}"
        yield here.suite(command, f"package.json has a script named test{why}")
    elif tests:
        yield from _without_script(here, package, tests[0])


def _without_script(here: _Folder, package: dict[str, object], shown: str) -> Iterator[Suite]:
    wanted: set[str] = set()
    for table in ("devDependencies", "dependencies"):
        listed = package.get(table)
        wanted |= set(listed) if isinstance(listed, dict) else set()
    for name, command in (
        ("vitest", "npx vitest run"),
        ("jest", "npx jest"),
        ("mocha", "npx mocha"),
        ("ava", "npx ava"),
    ):
        if name in wanted:
            yield here.suite(command, f"package.json depends on {name}")
            return
    if "bun.lock" in here.files or "bun.lockb" in here.files:
        yield here.suite("bun test", f"{shown} is a test, and bun.lock is there")
    elif any("node:test" in (here.text(path)) for path in here.files if _SCRIPT_TESTS.search(path)):
        yield here.suite("node --test", f"{shown} is a test of node's own runner")


def _manager(here: _Folder, package: dict[str, object]) -> tuple[str, str]:
    """The package manager that the project uses, by what it says or by its lock file."""
    said = package.get("packageManager")
    name = said.partition("@")[0] if isinstance(said, str) else ""
    if name in ("npm", "pnpm", "yarn", "bun"):
        return name, f", and asks for {name}"
    locks = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lock": "bun", "bun.lockb": "bun"}
    found = next((lock for lock in locks if lock in here.files), "")
    return (locks[found], f", and {found} is there") if found else ("npm", "")


# ---- compiled languages


def _compiled(here: _Folder) -> Iterator[Suite]:
    tested_by_go = any(path.endswith("_test.go") for path in here.files) or not _other_manifest(here)
    if {"go.mod", "go.work"} & here.files and tested_by_go:
        yield here.suite("go test ./...", "go.mod is there")
    text = here.text("Cargo.toml")
    if "Cargo.toml" in here.files and _tested_by_cargo(here, text):
        workspace = " --workspace" if "[workspace]" in text and "default-members" not in text else ""
        yield here.suite(f"cargo test{workspace}", "Cargo.toml is there")
    yield from _on_the_jvm(here)
    if "CMakeLists.txt" in here.files and re.search(
        r"enable_testing\s*\(|include\s*\(\s*CTest", here.text("CMakeLists.txt"), re.IGNORECASE
    ):
        build = "cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure"
        yield here.suite(build, "CMakeLists.txt enables testing")


def _tested_by_cargo(here: _Folder, text: str) -> bool:
    """Whether ``cargo test`` has anything to run: not in a crate of fuzz targets, nor of programs without tests."""
    try:
        manifest = tomllib.loads(text)
    except ValueError:
        return True
    package, bins = manifest.get("package"), manifest.get("bin")
    metadata = package.get("metadata") if isinstance(package, dict) else None
    if isinstance(metadata, dict) and metadata.get("cargo-fuzz") is True:
        return False
    if not isinstance(bins, list) or not bins or "members" in text:
        return True
    untested = [one for one in bins if isinstance(one, dict) and one.get("test") is False]
    others = {path for path in here.files if _CARGO_TARGET.fullmatch(path)}
    others -= {str(one.get("path", "")) for one in untested}
    return len(untested) < len(bins) or bool(others) or "lib" in manifest or "test" in manifest


def _on_the_jvm(here: _Folder) -> Iterator[Suite]:
    if "pom.xml" in here.files:
        program, why = _wrapped(here, "mvnw", "mvn", ".mvn/wrapper/maven-wrapper.properties")
        yield here.suite(f"{program} -o -q test", f"pom.xml is there{why}")
    elif {"build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"} & here.files:
        program, why = _wrapped(here, "gradlew", "gradle", "gradle/wrapper/gradle-wrapper.properties")
        yield here.suite(f"{program} --offline test", f"it is built by Gradle{why}")
    elif "build.sbt" in here.files:
        yield here.suite("sbt test", "build.sbt is there")


def _wrapped(here: _Folder, script: str, program: str, settings: str) -> tuple[str, str]:
    """The wrapper script of a build, or the program itself where the script would have to fetch one first."""
    if script not in here.files:
        return program, ""
    found = re.search(
        r"^distributionUrl\s*=.*/(.+?)\.(?:zip|tar\.gz)\s*$", here.project.text(settings) or "", re.MULTILINE
    )
    if found is None or here.around.fetched(found[1]):
        return f"./{script}", ""
    if here.around.program(program):
        return program, f"; {script} would have to fetch {found[1]} first"
    return (
        f"./{script}",
        f"; run ./{script} once yourself: it has to fetch {found[1]}, and commands have no network",
    )


def _other_manifest(here: _Folder) -> bool:
    return bool({"package.json", "pyproject.toml", "Cargo.toml"} & here.files)


# ---- and the rest


def _ruby_php_and_others(here: _Folder) -> Iterator[Suite]:
    files = here.files
    # Where Bundler is not installed the gems may be all the same, and Ruby finds them.
    bundle = "bundle exec " if "Gemfile" in files and here.around.program("bundle") else ""
    if ".rspec" in files or any(path.endswith("_spec.rb") for path in files):
        yield here.suite(f"{bundle}rspec", "there are specs of RSpec")
    elif any(re.search(r"(^|/)(test_[^/]*|[^/]*_test)\.rb$", path) for path in files):
        if "Rakefile" in files:
            yield here.suite(f"{bundle}rake test", "there are Ruby tests and a Rakefile")
        elif "bin/rails" in files:
            yield here.suite("bin/rails test", "there are Ruby tests of Rails")
    if "phpunit.xml" in files or "phpunit.xml.dist" in files:
        local = here.there("vendor/bin/phpunit") or not here.around.program("phpunit")
        yield here.suite("vendor/bin/phpunit" if local else "phpunit", "phpunit.xml is there")
    if "mix.exs" in files:
        yield here.suite("mix test", "mix.exs is there")
    if any(
        path.endswith((".sln", ".csproj", ".fsproj", ".slnx")) and "/" not in path for path in files
    ) or any(re.search(r"^[^/]+/[^/]*[Tt]ests?\.(cs|fs)proj$", path) for path in files):
        yield here.suite("dotnet test", "there is a project of .NET")
    if "Package.swift" in files:
        yield here.suite("swift test", "Package.swift is there")
    bats = sorted(path for path in files if path.endswith(".bats"))
    if bats:
        yield here.suite(f"bats -r {PurePosixPath(bats[0]).parts[0]}", f"{bats[0]} is a test of bats")


def _haskell(here: _Folder) -> Iterator[Suite]:
    package = next((path for path in here.files if path.endswith(".cabal") and "/" not in path), "")
    if re.search(r"(?im)^test-suite\s", here.text(package)):
        stack = "stack.yaml" in here.files and not here.around.program("cabal")
        yield here.suite("stack test" if stack else "cabal test", f"{package} has a test suite")


def _perl(here: _Folder) -> Iterator[Suite]:
    tests = [path for path in here.files if re.search(r"^t/.*\.t$", path)]
    if tests and any(path.endswith(".pm") for path in here.files):
        yield here.suite("prove -lr t", "there are tests of Perl in t/")


def _r(here: _Folder) -> Iterator[Suite]:
    package = re.search(r"^Package:", here.text("DESCRIPTION") or "", re.MULTILINE)
    tests = [path for path in here.files if re.search(r"^tests/testthat/test.*\.[rR]$", path)]
    if package and tests:
        yield here.suite("Rscript -e 'testthat::test_local()'", f"{tests[0]} is a test of an R package")


def _lua(here: _Folder) -> Iterator[Suite]:
    specs = [path for path in here.files if re.search(r"^specs?/.*_spec\.lua$", path)]
    if ".busted" in here.files:
        yield here.suite("busted", ".busted is there")
    elif specs:
        folder = PurePosixPath(specs[0]).parts[0]
        yield here.suite(
            "busted" if folder == "spec" else f"busted {folder}", f"{specs[0]} is a test of busted"
        )


def _make(here: _Folder) -> Iterator[Suite]:
    text = next((text for name in ("GNUmakefile", "makefile", "Makefile") if (text := here.text(name))), "")
    for target in ("test", "check", "tests"):
        if re.search(rf"^{target}\s*:(?!=)", text, re.MULTILINE):
            yield here.suite(f"make {target}", f"the Makefile has a target named {target}")
            return
    if through := _through(here):
        yield here.suite(*through)
