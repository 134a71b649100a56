# ruff: noqa: E501 - messages as they are printed
"""Why tests could not be judged, and what they reach for."""

import pytest
from tests.unit.receipts.test_command import Files

from wainwright.domain.evidence import Case
from wainwright.receipts import environment
from wainwright.sandbox.protocol import CommandOutcome

REACHING = [
    ("ConnectionRefusedError: [Errno 111] Connection refused", "a service of this machine"),
    ("with socket.create_connection(('127.0.0.1', 5432), 3) as s:\nE ConnectionRefusedError: [Errno 111]", "127.0.0.1:5432"),
    ("Error: connect ECONNREFUSED 127.0.0.1:6379", "127.0.0.1:6379"),
    ("dial tcp 127.0.0.1:5432: connect: connection refused", "127.0.0.1:5432"),
    ("dial tcp: lookup db.example on 1.1.1.1:53: no such host", "db.example"),
    ("Error: getaddrinfo EAI_AGAIN registry.example", "registry.example"),
    ("OSError: [Errno 101] Network is unreachable", "the network"),
    ("curl: (6) Could not resolve host: api.example", "api.example"),
    ('psycopg.OperationalError: connection to server at "localhost" (127.0.0.1), port 5432 failed', "localhost:5432"),
    ("redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.", "localhost:6379"),
    ("pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on 'db:3306' (111)\")", "db:3306"),
    ("HTTPConnectionPool(host='localhost', port=8080): Max retries exceeded", "localhost:8080"),
    ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "the network"),
]  # fmt: skip


def why(
    cases: list[Case],
    output: str = "",
    code: int = 1,
    files: dict[str, str] | None = None,
    hidden: tuple[str, ...] = (),
) -> str:
    outcome = CommandOutcome(exit=code, output=output, truncated=False, timed_out=False, seconds=1)
    return environment.reason([outcome], cases, output, 60, Files(files), hidden)


def red(name: str, message: str, *, unbuilt: bool = False) -> Case:
    return Case(name=name, outcome="error", message=message, unbuilt=unbuilt)


def test_a_package_that_cargo_does_not_have_is_named() -> None:
    said = why(
        [], "error: no matching package named `libfuzzer-sys` found\nlocation searched: crates.io index", 101
    )
    assert said == "a dependency is not downloaded (error: no matching package named `libfuzzer-sys`)"


GREEN = Case(name="a::ok", outcome="passed")


@pytest.mark.parametrize(("message", "wanted"), REACHING)
def test_what_all_tests_reach_for_is_named(message: str, wanted: str) -> None:
    all_red = [red("a::x", message), red("a::y", message), Case(name="a::s", outcome="skipped")]
    said = why(all_red)
    assert wanted in said
    assert "There is no network in the sandbox" in said
    assert "`[test] command`" in said
    assert environment.remarks(all_red) == []
    assert wanted in why([], message)


@pytest.mark.parametrize(("message", "wanted"), REACHING)
def test_what_some_tests_reach_for_is_remarked_on(message: str, wanted: str) -> None:
    some = [GREEN, red("a::x", message)]
    assert why(some) == ""
    (said,) = environment.remarks(some)
    assert said.startswith("a::x cannot be judged here: they need")
    assert wanted in said


def test_red_tests_that_reach_for_nothing_are_the_codes_own() -> None:
    assert why([red("a::x", "assert 1 == 2"), red("a::y", "dial tcp 1.1.1.1:1: connect: x")]) == ""
    assert environment.remarks([GREEN, red("a::x", "assert 'offline' == 2")]) == []
    assert why([GREEN], code=0) == ""


NO_MODULE = "E   ModuleNotFoundError: No module named '{}'"


@pytest.mark.parametrize(
    ("module", "files", "hidden", "said"),
    [
        ("calc._version", {}, ("calc/_version.py",), "calc._version (calc/_version.py is there in the workspace"),
        ("api_pb2", {}, ("gen/api_pb2.py",), "api_pb2 (gen/api_pb2.py is there"),
        ("requests", {"pyproject.toml": '[project]\ndependencies = ["requests>=2"]\n'}, (), "requests (the project declares"),
        ("yaml_tool.x", {"requirements.txt": "yaml-tool==1\n"}, (), "yaml_tool.x (the project declares"),
        ("todo", {"pyproject.toml": '[project]\nname = "todo"\n'}, (), ""),
        ("times", {"dates.gemspec": "  s.name = 'dates'\n  s.add_dependency 'times', '~> 1'\n"}, (), "times (the project declares"),
        ("dates", {"dates.gemspec": "  s.name = 'dates'\n"}, (), ""),
        ("todo", {}, (), ""),
    ],
)  # fmt: skip
def test_a_missing_module_counts_when_it_is_not_still_to_come(
    module: str, files: dict[str, str], hidden: tuple[str, ...], said: str
) -> None:
    message = NO_MODULE.format(module)
    for found in (
        why([red("t.py::collection", message, unbuilt=True)], files=files, hidden=hidden),
        why([], message, files=files, hidden=hidden),
    ):
        assert said in found
        assert bool(said) == bool(found)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("/usr/bin/python3: No module named pytest", "pytest is not installed"),
        ("/bin/sh: 1: jest: not found", "command not found (/bin/sh: 1: jest: not found)"),
        ("bash: line 1: x: command not found", "command not found"),
        ("npm ERR! code ENOTCACHED", "a package is not downloaded"),
        ("go: example.com/y@v1.0.0: module lookup disabled by GOPROXY=off", "a dependency is not downloaded"),
        ("error: no matching package named `serde` found", "a dependency is not downloaded"),
        ("[ERROR] Could not resolve dependencies for project x", "a dependency is not downloaded"),
        ("bundler: command not found: rspec", "a gem is missing"),
        ("", ""),
    ],
)
def test_what_keeps_a_command_from_starting(output: str, said: str) -> None:
    assert why([], output).startswith(said)
    assert bool(why([], output)) == bool(said)
