"""Which test commands a workspace has, found out from its files, with the reason."""

import json
import re
from collections.abc import Collection


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
