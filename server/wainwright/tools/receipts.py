"""Take receipts: run the test command on a tree inside the sandbox and record how it ended."""

import asyncio
import json
import re
import shlex
import shutil
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from wainwright.domain.errors import WorkspaceError
from wainwright.domain.evidence import Case, Receipt, Verdict
from wainwright.sandbox.protocol import Command, CommandOutcome, Sandbox, SandboxView
from wainwright.secrets import Redactor
from wainwright.tools.toolbox import cut
from wainwright.workspace import native

REPORT = ".wainwright-junit.xml"
"""Where pytest leaves its report, inside the tree; removed before the tree is looked at again."""
PYTEST_FLAGS = f"--junit-xml={REPORT} -o cache_dir=/tmp/pytest-cache --continue-on-collection-errors"
"""One file that cannot be imported, such as a test of code to come, must not hide what the others say. What an
earlier run left in the cache must not narrow this one (``--lf``): /tmp is a fresh one for every command."""
REPORT_MAX = 64 * 1024 * 1024
OUTPUT_KEPT = 6_000
CASES_LISTED = 30
CASES_DETAILED = 6
TRACE_MAX = 1_200
"""Characters of one failure."""

_MISSING = (
    (
        re.compile(r"No module named '?(pytest)'?"),
        "pytest is not installed for the interpreter that runs the tests",
    ),
    (
        re.compile(r"(?:bash: line \d+: |sh: \d+: |/bin/sh: \d+: )(\S+): (?:command )?not found"),
        "command not found",
    ),
    (
        re.compile(r"error: no matching package named|failed to (?:download|get) `"),
        "a dependency is not downloaded",
    ),
)


async def take(
    sandbox: Sandbox,
    view: SandboxView,
    command: str,
    *,
    tree: str,
    timeout_s: float,
    redactor: Redactor,
    only: str = "",
) -> Receipt:
    """Run ``command`` (a shell line) on a tree and say how it ended.

    ``tree`` is the git hash of what the view shows; ``only`` is put behind the command to narrow it. A pytest command
    gives parsed cases; any other is judged by its exit code.
    """
    line = f"{command} {only}".strip()
    pytest = is_pytest(command)
    run = f"{line} {PYTEST_FLAGS}" if pytest else line
    await asyncio.to_thread(_clear, view.tree)
    started = time.time()
    outcome = await sandbox.run(
        Command(argv=("/bin/sh", "-c", run), timeout_s=timeout_s, output_bytes_max=200_000), view
    )
    cases = await asyncio.to_thread(_cases, view.tree) if pytest else ()
    await asyncio.to_thread(_clear, view.tree)
    return Receipt(
        command=line,
        tree=tree,
        exit=outcome.exit,
        started=started,
        seconds=round(outcome.seconds, 3),
        cases=tuple(c.model_copy(update={"message": redactor.redact(c.message)}) for c in cases),
        output=cut(redactor.redact(outcome.output), OUTPUT_KEPT),
        environment=_environment(outcome, cases, timeout_s),
    )


def is_pytest(command: str) -> bool:
    """Whether a shell line runs pytest, so that its report can be asked for."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return False
    runs = any(Path(word).name in ("pytest", "py.test") for word in words)
    return runs and not {"&&", "||", ";", "|", "&"} & set(words)


def judge(receipt: Receipt, base: Receipt | None, acceptance: Collection[str]) -> Verdict:
    """What a receipt means: acceptance green, and nothing red that was green on the base.

    ``acceptance`` names files, or single tests as ``file::name``. Without parsed cases only the exit code speaks.
    """
    if not receipt.cases:
        passed = receipt.exit == 0
        reason = (
            "" if passed else f"`{receipt.command}` ended with {_exit(receipt.exit)} and no parsed report"
        )
        return Verdict(passed=passed, reason=reason)
    turned_red = sorted((base.passing if base else frozenset()) - receipt.passing)
    wanted = {a: [c for c in receipt.cases if _belongs(c.name, a)] for a in acceptance}
    red = [c.name for found in wanted.values() for c in found if c.outcome != "passed"]
    red += [a for a, found in wanted.items() if not found]
    known_red = set(base.failing) if base else set()
    new_red = [name for name in receipt.failing if name not in known_red and name not in red]
    passed = not turned_red and not red and not new_red
    reason = "" if passed else f"{len(receipt.failing)} of {len(receipt.cases)} tests are red"
    return Verdict(
        passed=passed,
        turned_red=tuple(dict.fromkeys([*turned_red, *new_red])),
        acceptance_red=tuple(dict.fromkeys(red)),
        reason=reason,
    )


def red(receipt: Receipt, names: Collection[str]) -> tuple[str, ...]:
    """Which of the named tests, or of the tests in the named files, are in the receipt and red."""
    found = (name for name in receipt.failing if any(_belongs(name, wanted) for wanted in names))
    return tuple(dict.fromkeys(found))


def report_text(receipt: Receipt, *, own: Collection[str] | None = None) -> str:
    """A receipt as a model or a person reads it: first which tests are red, a line each, then why.

    ``own`` names the tests that the reader answers for: those come first and alone get details. None: all do.
    """
    head = f"`{receipt.command}` ended with {_exit(receipt.exit)} after {receipt.seconds:.1f} s."
    if receipt.environment:
        return f"{head} {receipt.environment}\n{cut(receipt.output, 3000)}"
    if not receipt.cases:
        return f"{head}\n{receipt.output}"
    failing = [c for c in receipt.cases if c.outcome in ("failed", "error")]
    lines = [f"{head} {len(receipt.passing)} passed, {len(failing)} failed."]
    mine = [c for c in failing if own is None or any(_belongs(c.name, name) for name in own)]
    others = [c for c in failing if c not in mine]
    if own is not None and failing:
        lines.append(
            f"Of this task's requirements {len(mine)} failed:" if mine else "None of this task's failed."
        )
    lines += [f"- {c.name}: {_why(c)}" for c in mine[:CASES_LISTED]]
    lines += [_more(mine, CASES_LISTED)] if len(mine) > CASES_LISTED else []
    if others:
        files = Counter(c.name.partition("::")[0] for c in others)
        lines.append(
            "Of other tasks' requirements: "
            + ", ".join(f"{count} in {name}" for name, count in files.items())
            + "."
        )
    lines += [f"\n{c.name}\n{_trace(c.message)}" for c in mine[:CASES_DETAILED]]
    return "\n".join(lines)


def _more(cases: Sequence[Case], shown: int) -> str:
    files = Counter(c.name.partition("::")[0] for c in cases[shown:])
    return "- and " + ", ".join(f"{count} more in {name}" for name, count in files.items())


def _why(case: Case) -> str:
    """The line of a failure that says most: pytest marks it with an E."""
    marked = [line[2:].strip() for line in case.message.splitlines() if line.startswith("E ")]
    lines = marked or [line.strip() for line in case.message.splitlines() if line.strip()]
    return lines[0][:200] if lines else case.outcome


def _trace(message: str) -> str:
    """A failure without the frames of the interpreter and the rulers between frames."""
    kept = [
        line
        for line in message.splitlines()
        if line.strip() and not re.match(r"^[_ ]{5,}$|^(/usr|/root|/home|/opt)\S*/lib/python", line)
    ]
    return cut("\n".join(kept), TRACE_MAX)


def holds_tests(path: str) -> bool:
    """Whether pytest looks for tests in a file of this name, if nothing else is set."""
    return re.search(r"(^|/)(test_[^/]*|[^/]*_test)\.py$", path) is not None


def detect(files: Collection[str], read: dict[str, str], dependencies: Collection[str]) -> str | None:
    """The test command that a workspace's files suggest, or None.

    ``read`` holds the text of those of ``MANIFESTS`` that exist; ``dependencies`` the dependency directories.
    """
    tests = any(holds_tests(f) for f in files)
    marks = ("pytest.ini", "conftest.py", "tests/conftest.py")
    told = "[tool.pytest" in read.get("pyproject.toml", "") or "[tool:pytest]" in read.get("setup.cfg", "")
    if tests or told or any(m in files for m in marks):
        return f"{_python(dependencies)} -m pytest -q"
    if "package.json" in read and _has_test_script(read["package.json"]):
        return "npm test --silent"
    for manifest, command in (
        ("Cargo.toml", "cargo test --offline --quiet"),
        ("go.mod", "go test ./..."),
        ("pom.xml", "mvn -o -q test"),
    ):
        if manifest in files:
            return command
    if re.search(r"^test:", read.get("Makefile", ""), re.MULTILINE):
        return "make test"
    return None


MANIFESTS = ("pyproject.toml", "setup.cfg", "package.json", "Makefile")
"""Files whose text ``detect`` reads."""


def _python(dependencies: Collection[str]) -> str:
    for name in (".venv", "venv"):
        if name in dependencies:
            return f"{name}/bin/python"
    return "python3"


def _has_test_script(text: str) -> bool:
    try:
        script = json.loads(text).get("scripts", {}).get("test", "")
    except (ValueError, AttributeError):
        return False
    return isinstance(script, str) and bool(script) and "no test specified" not in script


def _belongs(name: str, wanted: str) -> bool:
    return name == wanted or name.startswith((f"{wanted}::", f"{wanted}["))


def _exit(code: int | None) -> str:
    return "no exit code: it was stopped at its time limit" if code is None else f"exit code {code}"


def _environment(outcome: CommandOutcome, cases: tuple[Case, ...], timeout_s: float) -> str:
    """Why the command could not judge the code at all; empty when it could."""
    if outcome.timed_out and not cases:
        return f"The test command did not end within {timeout_s:.0f} s."
    if outcome.exit in (0, None) or cases:
        return ""
    for pattern, why in _MISSING:
        found = pattern.search(outcome.output)
        if found:
            return f"{why} ({found.group(0).strip()})"
    return "the test command cannot be run" if outcome.exit in (126, 127) else ""


def _clear(tree: Path) -> None:
    """Take the report away; a command may have put anything in its place."""
    report = tree / REPORT
    if report.is_dir() and not report.is_symlink():
        shutil.rmtree(report, ignore_errors=True)
    else:
        report.unlink(missing_ok=True)


def _cases(tree: Path) -> tuple[Case, ...]:
    """The cases of a JUnit report; none when it is missing, too large, broken or no file at all."""
    try:
        text = native.read_beneath(tree, REPORT, REPORT_MAX)
        root = ET.fromstring(text)  # noqa: S314 - expat expands no external entities
    except (OSError, WorkspaceError, ET.ParseError):
        return ()
    return tuple(_case(node, tree) for node in root.iter("testcase"))


def _case(node: ET.Element, tree: Path) -> Case:
    name, classname, where = node.get("name", ""), node.get("classname", ""), node.get("file", "")
    bad = next((child for child in node if child.tag in ("failure", "error", "skipped")), None)
    if classname:
        where = _place(classname, tree)
    elif bad is not None and bad.tag == "error":
        # A file that could not be collected: pytest gives its module as the name.
        where, name = where or _place(name, tree), "collection"
    outcome = (
        {"failure": "failed", "error": "error", "skipped": "skipped"}[bad.tag]
        if bad is not None
        else "passed"
    )
    message = "" if bad is None else (bad.text or bad.get("message", ""))
    return Case.model_validate(
        {"name": f"{where}::{name}" if where else name, "outcome": outcome, "message": message}
    )


def _place(classname: str, tree: Path) -> str:
    """Pytest's ``tests.test_a.TestB`` as ``tests/test_a.py::TestB``: the file is the one that is there."""
    parts = classname.split(".")

    def spelled(at: int) -> str:
        return "::".join(["/".join(parts[:at]) + ".py", *parts[at:]])

    ends = range(len(parts), 0, -1)
    there = (at for at in ends if (tree / ("/".join(parts[:at]) + ".py")).is_file())
    named = (at for at in ends if parts[at - 1].startswith("test_") or parts[at - 1].endswith("_test"))
    return spelled(next(there, 0) or next(named, len(parts)))
