"""Why tests could not be judged, recognised from how they failed: what is missing, and what they reach for.

There is no network in the sandbox and no service of the machine. Where every test needs one the code cannot be
judged, which is nobody's fault and is said as such; where only some do, they are red on the base as well, and it is
remarked on. A module that is missing counts only where the project declares it, or where it lies ignored in the
workspace: any other may be code that is still to come.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from wainwright.domain.evidence import Case
from wainwright.receipts.protocol import Project
from wainwright.sandbox.protocol import CommandOutcome

_MISSING: tuple[tuple[str, str], ...] = (
    (r"No module named '?(pytest)'?$", "pytest is not installed for the interpreter that runs the tests"),
    (r"(?:bash: line \d+: |sh: \d+: |/bin/sh: \d+: )(\S+): (?:command )?not found", "command not found"),
    (r"make: (\S+): No such file or directory", "command not found"),
    (r"exec: \"([^\"]+)\": executable file not found", "a program is not found"),
    (r"env: '?([^'\n]+?)'?: No such file or directory", "a program is not found"),
    (
        r"error: no matching package named `[^`]*`|failed to (?:download|get) `[^`]*`",
        "a dependency is not downloaded",
    ),
    (r"module lookup disabled by GOPROXY[^\n]*", "a dependency is not downloaded"),
    (r"npm (?:ERR!|error) (?:code )?(?:ENOTCACHED|ENOTFOUND|network)[^\n]*", "a package is not downloaded"),
    (
        r"Could not (?:resolve dependencies|transfer artifact)[^\n]*|Cannot access \S+ \(\S+\) in offline mode[^\n]*"
        r"|No cached version of [^\n]*|Could not GET '[^']*'",
        "a dependency is not downloaded",
    ),
    (
        r"Could not find (?:gem )?'?[\w-]+[^\n]* in (?:locally installed gems|any of the sources)",
        "a gem is missing",
    ),
    (r"bundler: command not found: \S+", "a gem is missing"),
)
_MODULE = re.compile(
    r"No module named '?([\w.]+)'?|Cannot find (?:module|package) '([^./'][^']*)'|can't find crate for `([^`]+)`"
    r"|cannot load such file -- ([^\s(]+)"
)
_MANIFESTS = (
    "pyproject.toml", "setup.cfg", "setup.py", "requirements.txt", "requirements-dev.txt", "dev-requirements.txt",
    "requirements/dev.txt", "requirements/test.txt", "tox.ini", "package.json", "Cargo.toml", "Gemfile",
)  # fmt: skip
_NAMED_BY_THE_PROJECT = ".gemspec"
"""How manifests end that are called after what they describe."""

_WATCHES = re.compile(
    r"(?i)waiting for (?:file )?changes|watching for (?:file )?changes|press \S+ to (?:quit|show)|watch usage"
)
_HOST = r"(?P<host>[\w.-]+|\[[0-9a-f:]+\])"
_PORT = r"(?P<port>\d{2,5})"
_REACHING: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"dial tcp:? {_HOST}:{_PORT}: connect:",
        rf"dial tcp: lookup {_HOST}\b",
        rf"ECONNREFUSED:? {_HOST}:{_PORT}",
        r"(?:EAI_AGAIN|ENOTFOUND) (?P<host>[\w.-]+)",
        rf"connection to server at \"{_HOST}\"[^\n]*port {_PORT}",
        rf"Can't connect to MySQL server on '{_HOST}(?::{_PORT})?'",
        rf"Error (?:111|99|-2|-3)[^\n]* connect(?:ing|ion)? to {_HOST}:{_PORT}",
        rf"HTTPS?ConnectionPool\(host='(?P<host>[^']+)', port={_PORT}\)",
        rf"(?:Connection|connect) to {_HOST}:{_PORT} (?:failed|refused)",
        rf"{_HOST}:{_PORT}:? (?:\[Errno 111\] )?(?:Connection refused|connection refused)",
        r"Could not resolve host:? (?P<host>[\w.-]+)",
        rf"(?:create_connection|connect(?:_ex)?)\(\(\s*['\"](?P<host>[^'\"]+)['\"],\s*{_PORT}\s*\)",
        r"getaddrinfo[^\n]*(?P<host>)",
        r"ConnectionRefusedError|Connection refused|ECONNREFUSED|Network is unreachable|ENETUNREACH(?P<host>)",
        r"Temporary failure in name resolution|Name or service not known|EAI_AGAIN(?P<host>)",
        r"MongoServerSelectionError|ServerSelectionTimeoutError|NoBrokersAvailable(?P<host>)",
    )
)
_NO_NETWORK = "There is no network in the sandbox, and no service of this machine can be reached from it"
WHAT_TO_DO = (
    "give a test command that runs without it (`[test] command`, for example without the tests that need it), "
    "or start it within the test command"
)


def reason(
    outcomes: Sequence[CommandOutcome],
    cases: Sequence[Case],
    output: str,
    timeout_s: float,
    project: Project,
    hidden: Collection[str] = (),
) -> str:
    """Why the commands could not judge the code at all; empty when they could.

    ``hidden`` are files of the person's workspace that the tree does not have: a module that is missing may be one.
    """
    if any(one.timed_out for one in outcomes) and not cases:
        watches = " It waits for changes: give a command that ends." if _WATCHES.search(output) else ""
        return f"The test command did not end within {timeout_s:.0f} s.{watches}"
    if any(case.outcome == "passed" for case in cases) or all(one.exit in (0, None) for one in outcomes):
        return ""
    red = [case for case in cases if case.outcome in ("failed", "error")]
    if red:
        reached = [_reached(case.message) for case in red]
        if all(reached):
            return _reaching("Every test that was run needs", reached)
        missing = [_missing_module(case.message, project, hidden) if case.unbuilt else "" for case in red]
        names = ", ".join(dict.fromkeys(missing))
        return f"No test can be collected: there is no module named {names}." if all(missing) else ""
    for pattern, why in _MISSING:
        found = re.search(pattern, output, re.MULTILINE)
        if found:
            return f"{why} ({found.group(0).strip()})"
    missing_module = _missing_module(output, project, hidden)
    if missing_module:
        return f"The tests cannot be started: there is no module named {missing_module}."
    reached_at_start = _reached(output)
    if reached_at_start:
        return _reaching("The tests cannot be started without", [reached_at_start])
    return "the test command cannot be run" if any(one.exit in (126, 127) for one in outcomes) else ""


def _missing_module(message: str, project: Project, hidden: Collection[str]) -> str:
    """The module that a failure says is missing, when it is none that is still to be written; with where it lies."""
    for found in _MODULE.finditer(message):
        name = next(part for part in found.groups() if part)
        lies = _lies(name, hidden)
        if lies:
            return f"{name} ({lies} is there in the workspace, and ignored by git)"
        if _declared(name, project):
            return f"{name} (the project declares it, and it is not installed)"
    return ""


def _declared(name: str, project: Project) -> bool:
    """Whether a manifest of the project names what a module belongs to."""
    first = re.escape(name if name.startswith("@") else re.split(r"[./]", name)[0]).replace("_", "[-_.]")
    pattern = re.compile(rf"(^|[\s\"'\[,]){first}([\s\"'\[<>=~!;,.]|$)", re.IGNORECASE | re.MULTILINE)
    own = re.compile(rf"^\s*(?:\w+\.)?\"?name\"?\s*[=:]\s*[\"']{first}[\"']", re.IGNORECASE | re.MULTILINE)
    called = sorted(
        path for path in project.files() if path.endswith(_NAMED_BY_THE_PROJECT) and "/" not in path
    )
    texts = [text for manifest in (*_MANIFESTS, *called) if (text := project.text(manifest))]
    return any(pattern.search(text) for text in texts) and not any(own.search(text) for text in texts)


def _lies(name: str, hidden: Collection[str]) -> str:
    """Where a missing thing lies in the person's workspace; empty when it does not."""
    wanted = re.sub(r"\.(?=\w+($|\.))", "/", name) if "/" not in name else name
    for path in sorted(hidden):
        stem = re.sub(r"\.\w+(\.so)?$", "", path.rstrip("/"))
        if stem == wanted or stem.endswith(f"/{wanted}"):
            return path
    return ""


def remarks(cases: Sequence[Case]) -> list[str]:
    """What a person should know of tests that reach for something outside, while others are green."""
    red = [case for case in cases if case.outcome in ("failed", "error")]
    outside = [(case.name, reached) for case in red if (reached := _reached(case.message))]
    if not outside or len(outside) == len([case for case in cases if case.outcome != "skipped"]):
        return []
    names = [name for name, _ in outside]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    wanted = ", ".join(dict.fromkeys(reached for _, reached in outside))
    return [f"{', '.join(names[:3])}{more} cannot be judged here: they need {wanted}. {_NO_NETWORK}."]


def _reaching(what: str, reached: Sequence[str]) -> str:
    wanted = ", ".join(dict.fromkeys(reached))
    return f"{what} {wanted}. {_NO_NETWORK}: {WHAT_TO_DO}."


def _reached(message: str) -> str:
    """What a failure says it could not reach, as ``host:port``; empty when it says nothing of the kind."""
    if not any(pattern.search(message) for pattern in _REACHING[-4:]) and not next(_places(message), ""):
        return ""
    return next(_places(message), "") or "the network or a service of this machine"


def _places(message: str) -> Iterator[str]:
    for pattern in _REACHING:
        for found in pattern.finditer(message):
            host, port = found.groupdict().get("host") or "", found.groupdict().get("port") or ""
            if host:
                yield f"{host}:{port}" if port else host
