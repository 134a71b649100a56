"""Which test commands a workspace has."""

import pytest

from wainwright.receipts.detect import detect


@pytest.mark.parametrize(
    ("files", "read", "dependencies", "command"),
    [
        (["a.py", "tests/test_a.py"], {}, [], "python3 -m pytest -q"),
        (["a_test.py"], {}, [".venv"], ".venv/bin/python -m pytest -q"),
        (["tests/conftest.py"], {}, ["venv", "node_modules"], "venv/bin/python -m pytest -q"),
        (["pyproject.toml"], {"pyproject.toml": "[tool.pytest.ini_options]\n"}, [], "python3 -m pytest -q"),
        (["setup.cfg"], {"setup.cfg": "[tool:pytest]\n"}, [], "python3 -m pytest -q"),
        (["pyproject.toml"], {"pyproject.toml": "[tool.ruff]\n"}, [], None),
        (["package.json"], {"package.json": '{"scripts": {"test": "jest"}}'}, [], "npm test --silent"),
        (["package.json"], {"package.json": '{"scripts": {"test": "echo no test specified"}}'}, [], None),
        (["package.json"], {"package.json": "{"}, [], None),
        (["package.json"], {"package.json": "[]"}, [], None),
        (["package.json"], {"package.json": '{"scripts": {"test": 1}}'}, [], None),
        (["package.json"], {"package.json": '{"scripts": null}'}, [], None),
        (["Cargo.toml"], {}, [], "cargo test --offline --quiet"),
        (["go.mod"], {}, [], "go test ./..."),
        (["pom.xml"], {}, [], "mvn -o -q test"),
        (["Makefile"], {"Makefile": "all:\n\ntest: all\n\t./t\n"}, [], "make test"),
        (["Makefile"], {"Makefile": "all:\n"}, [], None),
        (["attest_it.py", "README.md"], {}, [], None),
        ([], {}, [], None),
    ],
)  # fmt: skip
def test_which_command_runs_the_tests(
    files: list[str], read: dict[str, str], dependencies: list[str], command: str | None
) -> None:
    assert detect(files, read, dependencies) == command
