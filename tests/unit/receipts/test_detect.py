"""Which test commands a workspace has, and why."""

import pytest
from tests.unit.receipts.test_command import Files

from wainwright.receipts.detect import Around, detect, holds_tests

TEST = "def test_a():\n    pass\n"
UNIT = "import unittest\n\nclass TestA(unittest.TestCase):\n    def test_a(self):\n        pass\n"
FUZZ = (
    "[package]\nname = 'a-fuzz'\n[package.metadata]\ncargo-fuzz = true\n[dependencies]\nlibfuzzer-sys = '0.4'\n"
    "[[bin]]\nname = 'b'\npath = 'fuzz_targets/b.rs'\ntest = false\n[workspace]\nmembers = ['.']\n"
)
PROGRAM = "[package]\nname = 'a'\n[[bin]]\nname = 'a'\npath = 'src/bin/a.rs'\ntest = false\n"
NODE = '{"scripts": {"test": "node --test"}}'


@pytest.mark.parametrize(
    ("files", "there", "found"),
    [
        ({"a.py": "", "tests/test_a.py": TEST}, "", ["python3 -m pytest -q"]),
        ({"a_test.py": TEST}, ".venv/bin/python", [".venv/bin/python -m pytest -q"]),
        ({"tests/conftest.py": ""}, "venv/bin/python", ["venv/bin/python -m pytest -q"]),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "", ["python3 -m pytest -q"]),
        ({"setup.cfg": "[tool:pytest]\n"}, "", ["python3 -m pytest -q"]),
        ({"pyproject.toml": "[tool.ruff]\n"}, "", []),
        ({"tests/test_a.py": UNIT}, "", ["python3 -m unittest discover -s tests"]),
        ({"tests/test_a.py": UNIT, "tests/__init__.py": ""}, "", ["python3 -m unittest discover"]),
        ({"tests/test_a.py": UNIT, "tests/test_b.py": TEST}, "", ["python3 -m pytest -q"]),
        ({"tests/test_a.py": UNIT}, ".venv/bin/python .venv/bin/pytest", [".venv/bin/python -m pytest -q"]),
        ({"tests/test_a.py": TEST, "tox.ini": "[testenv]\n", "noxfile.py": "", "Makefile": "test:\n\ttox\n"}, "",
         ["python3 -m pytest -q"]),
        ({"tox.ini": "[testenv]\n"}, "", ["tox"]),
        ({"tests/test_a.py": TEST, "tox.ini": "[testenv]\n"}, ".venv/bin/python .venv/bin/tox", [".venv/bin/tox"]),
        ({"tests/test_a.py": TEST, "tox.ini": "[testenv]\n"}, ".venv/bin/python .venv/bin/tox .venv/bin/pytest",
         [".venv/bin/python -m pytest -q"]),
        ({"package.json": '{"scripts": {"test": "jest"}}'}, "", ["npm test --silent"]),
        ({"package.json": '{"scripts": {"test": "jest"}}', "pnpm-lock.yaml": ""}, "", ["pnpm test"]),
        ({"package.json": '{"scripts": {"test": "jest"}}', "yarn.lock": ""}, "", ["yarn test"]),
        ({"package.json": '{"scripts": {"test": "jest"}}', "bun.lock": ""}, "", ["bun run test"]),
        ({"package.json": '{"packageManager": "yarn@4.1.0", "scripts": {"test": "jest"}}'}, "", ["yarn test"]),
        ({"package.json": '{"scripts": {"test": "echo no test specified"}}'}, "", []),
        ({"package.json": '{"devDependencies": {"vitest": "1"}}', "a.test.ts": ""}, "", ["npx vitest run"]),
        ({"package.json": "{}", "test/a.js": "require('node:test')"}, "", ["node --test"]),
        ({"package.json": "{"}, "", []),
        ({"package.json": "[]"}, "", []),
        ({"package.json": '{"scripts": {"test": 1}}'}, "", []),
        ({"package.json": '{"scripts": null}'}, "", []),
        # A Python file with the name of a test makes no Python project.
        ({"package.json": NODE, "test/a.test.js": "", "scripts/load_test.py": "print('load')\n"}, "",
         ["npm test --silent"]),
        ({"package.json": NODE, "pyproject.toml": "", "tests/test_a.py": TEST}, "",
         ["python3 -m pytest -q", "npm test --silent"]),
        ({"web/package.json": NODE, "backend/pyproject.toml": "", "backend/tests/test_a.py": TEST}, "",
         ["backend: python3 -m pytest -q", "web: npm test --silent"]),
        ({"web/package.json": NODE, "tests/test_a.py": TEST}, "",
         ["python3 -m pytest -q", "web: npm test --silent"]),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n", "lib/pyproject.toml": "", "lib/test_a.py": TEST}, "",
         ["python3 -m pytest -q"]),
        ({"lib/pyproject.toml": "", "lib/test_a.py": TEST}, ".venv/bin/python",
         ["lib: ../.venv/bin/python -m pytest -q"]),
        ({"package.json": '{"workspaces": ["packages/*"], "scripts": {"test": "npm test -ws"}}',
          "packages/a/package.json": NODE}, "", ["npm test --silent"]),
        ({"package.json": '{"workspaces": ["packages/*"]}', "packages/a/package.json": NODE}, "",
         ["packages/a: npm test --silent"]),
        ({"Cargo.toml": "[package]\n"}, "", ["cargo test"]),
        ({"Cargo.toml": '[workspace]\nmembers = ["a"]\n', "a/Cargo.toml": ""}, "", ["cargo test --workspace"]),
        # Fuzz targets are programs without an end, and their crate wants what only cargo-fuzz brings.
        ({"Cargo.toml": "[package]\n", "fuzz/Cargo.toml": FUZZ}, "", ["cargo test"]),
        ({"fuzz/Cargo.toml": FUZZ, "fuzz/src/lib.rs": ""}, "", []),
        ({"Cargo.toml": PROGRAM, "src/bin/a.rs": ""}, "", []),
        ({"Cargo.toml": PROGRAM, "src/bin/a.rs": "", "tests/b.rs": ""}, "", ["cargo test"]),
        ({"Cargo.toml": PROGRAM, "src/bin/a.rs": "", "src/lib.rs": ""}, "", ["cargo test"]),
        ({"Cargo.toml": f"{PROGRAM}[[bin]]\nname = 'b'\n", "src/bin/a.rs": ""}, "", ["cargo test"]),
        ({"Cargo.toml": f"{PROGRAM}[workspace]\nmembers = ['c']\n", "src/bin/a.rs": ""}, "",
         ["cargo test --workspace"]),
        ({"Cargo.toml": "["}, "", ["cargo test"]),
        ({"go.mod": "", "a_test.go": ""}, "", ["go test ./..."]),
        ({"go.mod": "", "a_test.go": "", "tools/go.mod": "", "tools/a_test.go": ""}, "",
         ["go test ./...", "tools: go test ./..."]),
        ({"go.mod": "", "a_test.go": "", "tests/test_a.py": TEST}, "", ["python3 -m pytest -q", "go test ./..."]),
        ({"pom.xml": "<module>a</module>", "a/pom.xml": ""}, "", ["mvn -o -q test"]),
        ({"pom.xml": "", "mvnw": ""}, "", ["./mvnw -o -q test"]),
        ({"build.gradle.kts": "", "gradlew": ""}, "", ["./gradlew --offline test"]),
        ({"build.sbt": ""}, "", ["sbt test"]),
        ({"CMakeLists.txt": "project(x)\nenable_testing()\n"}, "",
         ["cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure"]),
        ({"CMakeLists.txt": "project(x)\n"}, "", []),
        ({"Gemfile": "", "spec/a_spec.rb": ""}, "", ["bundle exec rspec"]),
        ({".rspec": ""}, "", ["rspec"]),
        ({"phpunit.xml": ""}, "vendor/bin/phpunit", ["vendor/bin/phpunit"]),
        ({"t/a.t": "", "lib/A.pm": ""}, "", ["prove -lr t"]),
        ({"DESCRIPTION": "Package: shop\n", "tests/testthat/test-a.R": ""}, "",
         ["Rscript -e 'testthat::test_local()'"]),
        ({"DESCRIPTION": "About.\n", "tests/testthat/test-a.R": ""}, "", []),
        ({"spec/a_spec.lua": "", "init.lua": ""}, "", ["busted"]),
        ({"specs/a_spec.lua": ""}, "", ["busted specs"]),
        ({".busted": "", "test/a.lua": ""}, "", ["busted"]),
        ({"mix.exs": ""}, "", ["mix test"]),
        ({"split.cabal": "Library\nTest-suite split-tests\n", "stack.yaml": ""}, "", ["cabal test"]),
        ({"split.cabal": "library\n  -- test-suite\n"}, "", []),
        ({"app.sln": ""}, "", ["dotnet test"]),
        ({"deno.json": "", "package.json": NODE}, "", ["deno test -A"]),
        ({"Makefile": "all:\n\ntest: all\n\t./t\n"}, "", ["make test"]),
        ({"Makefile": "check:\n\t./t\n"}, "", ["make check"]),
        ({"Makefile": "all:\n"}, "", []),
        ({"attest_it.py": "", "node_modules/x/package.json": NODE, "examples/test_a.py": TEST}, "", []),
        ({}, "", []),
    ],
)  # fmt: skip
def test_which_commands_run_the_tests(files: dict[str, str], there: str, found: list[str]) -> None:
    around = Around(
        there=lambda path: path in there.split(), program=lambda name: name not in ("pytest", "phpunit")
    )
    suites = detect(Files(files), around)
    assert [f"{one.folder}: {one.command}".removeprefix(".: ") for one in suites] == found
    assert all(one.reason for one in suites)


def test_who_has_stack_and_no_cabal_runs_stack() -> None:
    around = Around(there=lambda _path: False, program=lambda name: name == "stack")
    files = {"split.cabal": "test-suite t\n", "stack.yaml": ""}
    assert [one.command for one in detect(Files(files), around)] == ["stack test"]


@pytest.mark.parametrize(
    ("script", "settings", "fetched", "installed", "command", "said"),
    [
        (
            "mvnw",
            ".mvn/wrapper/maven-wrapper.properties",
            "apache-maven-3.9.6-bin",
            "",
            "./mvnw -o -q test",
            "there",
        ),
        (
            "mvnw",
            ".mvn/wrapper/maven-wrapper.properties",
            "",
            "mvn",
            "mvn -o -q test",
            "; mvnw would have to fetch",
        ),
        (
            "mvnw",
            ".mvn/wrapper/maven-wrapper.properties",
            "",
            "",
            "./mvnw -o -q test",
            "run ./mvnw once yourself",
        ),
        ("mvnw", "elsewhere", "", "mvn", "./mvnw -o -q test", "there"),
        (
            "gradlew",
            "gradle/wrapper/gradle-wrapper.properties",
            "",
            "gradle",
            "gradle --offline test",
            "; gradlew w",
        ),
    ],
)
def test_a_wrapper_that_would_have_to_fetch_what_it_runs_gives_way(
    script: str, settings: str, fetched: str, installed: str, command: str, said: str
) -> None:
    url = "distributionUrl=https\\://example.org/maven/3.9.6/apache-maven-3.9.6-bin.zip\n"
    files = {"pom.xml" if script == "mvnw" else "build.gradle": "", script: "", settings: f"# x\n{url}"}
    around = Around(
        there=lambda _path: False,
        program=lambda name: name == installed,
        fetched=lambda name: name == fetched,
    )
    (suite,) = detect(Files(files), around)
    assert suite.command == command
    assert said in suite.reason


@pytest.mark.parametrize(
    ("installed", "command"), [(("bundle",), "bundle exec rake test"), ((), "rake test")]
)
def test_without_bundler_ruby_finds_the_gems(installed: tuple[str, ...], command: str) -> None:
    around = Around(there=lambda _path: False, program=lambda name: name in installed)
    files = {"Gemfile": "", "Rakefile": "", "test/test_a.rb": ""}
    assert [one.command for one in detect(Files(files), around)] == [command]


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("tests/test_a.py", True),
        ("a_test.go", True),
        ("src/a.test.tsx", True),
        ("src/__tests__/a.js", True),
        ("tests/it.rs", True),
        ("src/test/java/ATest.java", True),
        ("spec/a_spec.rb", True),
        ("src/lib.rs", False),
        ("latest.js", False),
        ("attest.py", False),
        ("contest/a.py", False),
    ],
)
def test_which_files_hold_tests(path: str, yes: bool) -> None:
    assert holds_tests(path) is yes


def test_corepack_brings_the_package_manager_that_is_not_on_the_path() -> None:
    files = Files({"package.json": '{"packageManager": "yarn@4.1.0", "scripts": {"test": "jest"}}'})
    around = Around(there=lambda _path: False, program=lambda name: name == "corepack")
    assert [one.command for one in detect(files, around)] == ["corepack yarn test"]
