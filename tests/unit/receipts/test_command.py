"""Shell lines: which runners are found in them, how they are reached, and what the line becomes."""

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

import pytest

from wainwright.receipts.command import ask_for_reports, find
from wainwright.receipts.protocol import CannotNarrow
from wainwright.receipts.runners import RUNNERS

REPORTS = PurePosixPath("/r")
PYTEST = "--junit-xml=/r/0-pytest -o cache_dir=/tmp/pytest-cache --continue-on-collection-errors"


class Files:
    """A project that is a dictionary."""

    def __init__(self, files: Mapping[str, str] | None = None) -> None:
        self._files = files or {}

    def text(self, path: str) -> str | None:
        return self._files.get(path)

    def files(self) -> Collection[str]:
        return self._files


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("pytest", f"pytest {PYTEST}"),
        ("python3 -m pytest -q", f"python3 -m pytest -q {PYTEST}"),
        (".venv/bin/py.test", f".venv/bin/py.test {PYTEST}"),
        ("FOO=1 poetry run pytest -k 'a b' *.py", f"FOO=1 poetry run pytest -k 'a b' *.py {PYTEST}"),
        ("cd backend && pytest", f"cd backend && pytest {PYTEST}"),
        ("cd backend; pytest >log 2>&1", f"cd backend; pytest {PYTEST} >log 2>&1"),
        ("pytest -q | tail", f"pytest -q {PYTEST} | tail"),
        ("pytest; true", f"pytest {PYTEST}; true"),
        ("pytest&", f"pytest {PYTEST}&"),
        ("uv run --extra dev -- pytest", f"uv run --extra dev -- pytest {PYTEST}"),
        ("coverage run --source a -m pytest", f"coverage run --source a -m pytest {PYTEST}"),
        ("timeout 60 env A=b pytest", f"timeout 60 env A=b pytest {PYTEST}"),
        ("go test ./...", "go test -json -count=1 ./... >/r/0-go"),
        ("go vet ./... && go test -count=2", "go vet ./... && go test -json -count=2 >/r/0-go"),
        ("go test ./... | tee log", "go test ./... | tee log"),
        ("(cd x && pytest)", "(cd x && pytest)"),
        ("for a in b; do pytest; done", "for a in b; do pytest; done"),
        ("pytest 'unclosed", "pytest 'unclosed"),
        ("pytest $(cat list)", "pytest $(cat list)"),
        ("echo pytest", "echo pytest"),
    ],
)
def test_what_a_line_becomes(line: str, becomes: str) -> None:
    assert ask_for_reports(line, Files(), RUNNERS, REPORTS).text == becomes


@pytest.mark.parametrize(
    ("line", "files", "runner", "how"),
    [
        ("make test", {"Makefile": "PY ?= python3\ntest: lint\n\t@$(PY) -m pytest -q\n"}, "pytest", "environment"),
        ("make", {"Makefile": "all: test\ntest:\n\tgo test ./...\n"}, "go", "environment"),
        ("make test", {"Makefile": "test:\n\tgo vet ./...\n\tgo test ./...\n"}, "", ""),
        ("make test", {"Makefile": "lint:\n\tpytest\n"}, "", ""),
        ("make test", {"Makefile": "test:\n\tif x; then y; fi\n\tpytest\n"}, "pytest", "environment"),
        ("make test", {"Makefile": "test:\n\tif x; then go vet; fi\n\tgo test\n"}, "", ""),
        ("tox", {"tox.ini": "[testenv]\ncommands =\n    pytest {posargs:tests}\n"}, "pytest", "environment"),
        ("nox", {"noxfile.py": "def t(session):\n    session.run('pytest', '-q')\n"}, "pytest", "environment"),
        ("./run.sh", {"run.sh": "#!/bin/sh\nset -e\npytest -q\n"}, "pytest", "environment"),
        ("bash ci/t.sh", {"ci/t.sh": "cd x\npytest -q\n"}, "pytest", "environment"),
        ("npm test", {"package.json": '{"scripts": {"test": "pytest -q"}}'}, "pytest", "append"),
        ("yarn run t", {"package.json": '{"scripts": {"t": "a && pytest"}}'}, "pytest", "append"),
        ("pnpm t", {"package.json": '{"scripts": {"test": "pytest && a"}}'}, "pytest", "environment"),
        ("hatch run t", {"pyproject.toml": '[tool.hatch.envs.default.scripts]\nt = "pytest {args}"\n'},
         "pytest", "environment"),
        ("python manage.py test", {}, "", ""),
    ],
)  # fmt: skip
def test_what_is_behind_a_wrapper(line: str, files: dict[str, str], runner: str, how: str) -> None:
    found = find(line, Files(files), RUNNERS)
    assert [(one.runner.name, one.how) for one in found] == ([(runner, how)] if runner else [])


ADDED = 'PYTEST_ADDOPTS="${PYTEST_ADDOPTS:+$PYTEST_ADDOPTS }"'


def passed(section: str) -> str:
    return f"{section}.pass_env+=PYTEST_ADDOPTS"


@pytest.mark.parametrize(
    ("line", "files", "becomes"),
    [
        ("npm test --silent", {"package.json": '{"scripts": {"test": "pytest"}}'},
         f"npm test --silent -- {PYTEST}"),
        ("npm test -- -q", {"package.json": '{"scripts": {"test": "pytest"}}'}, f"npm test -- -q {PYTEST}"),
        ("pnpm test", {"package.json": '{"scripts": {"test": "pytest"}}'}, f"pnpm test {PYTEST}"),
        ("tox -q", {"tox.ini": "[testenv]\ncommands = pytest\n[testenv:a]\npass_env = B\n[testenv:c]\n"},
         f"{ADDED}'{PYTEST}' TOX_OVERRIDE='{passed('testenv')};{passed('testenv:a')}' tox -q"),
        ("tox", {"tox.ini": "[testenv:a]\ncommands = pytest\n"},
         f"{ADDED}'{PYTEST}' TOX_OVERRIDE='{passed('testenv')};{passed('testenv:a')}' tox"),
        ("make test", {"Makefile": "test:\n\tgo test ./...\n"},
         'GOFLAGS="${GOFLAGS:+$GOFLAGS }"\'-json -count=1\' make test >/r/0-go'),
    ],
)  # fmt: skip
def test_how_a_wrapped_runner_is_asked(line: str, files: dict[str, str], becomes: str) -> None:
    assert ask_for_reports(line, Files(files), RUNNERS, REPORTS).text == becomes


@pytest.mark.parametrize(
    ("line", "only", "becomes"),
    [
        ("pytest -q tests -k x", ("a.py::t b",), f"pytest -q -k x {PYTEST} 'a.py::t b'"),
        ("cd web && pytest", ("web/a.py",), f"cd web && pytest {PYTEST} a.py"),
        ("go test -run=X -v ./...", ("a/b_test.go::TestC/d",),
         "go test -json -count=1 -v '-run=^TestC$/^d$' ./a >/r/0-go"),
        ("go test ./...", ("a_test.go",), "go test -json -count=1 . >/r/0-go"),
        ("make check", ("a",), None),
        ("pytest", ("-k",), None),
        ("pytest && go test ./...", ("a.py",), None),
    ],
)  # fmt: skip
def test_single_tests(line: str, only: tuple[str, ...], becomes: str | None) -> None:
    if becomes is None:
        with pytest.raises(CannotNarrow, match="cannot be narrowed"):
            ask_for_reports(line, Files(), RUNNERS, REPORTS, only)
    else:
        assert ask_for_reports(line, Files(), RUNNERS, REPORTS, only).text == becomes


def test_each_line_of_a_recipe_begins_in_the_same_folder() -> None:
    (found,) = find("make t", Files({"Makefile": "t:\n\tcd web && npm ci\n\tpytest -q\n"}), RUNNERS)
    assert found.folder == "."
    (found,) = find("make t", Files({"Makefile": "t:\n\tcd web && pytest -q\n"}), RUNNERS)
    assert found.folder == "web"
