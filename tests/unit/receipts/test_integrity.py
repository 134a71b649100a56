# ruff: noqa: E501 - whole files in one line each
"""What a change touches of how it is tested: which files and words are named, and which are not."""

import pytest
from tests.unit.receipts.test_command import Files

from wainwright.domain.evidence import Case, Suite
from wainwright.receipts.integrity import Before, agreement, changes

PYTEST = "python3 -m pytest -q"


@pytest.mark.parametrize(
    ("path", "old", "new", "command", "said"),
    [
        ("pyproject.toml", "[tool.pytest.ini_options]\n", "[tool.pytest.ini_options]\naddopts = 'a'\n", PYTEST, "other settings"),
        ("pyproject.toml", "[project]\nversion = '1'\n", "[project]\nversion = '2'\n", PYTEST, ""),
        ("pyproject.toml", "", "[project.entry-points.pytest11]\na = 'b'\n", PYTEST, "other settings"),
        ("setup.cfg", "[metadata]\nname = a\n", "[metadata]\nname = b\n", PYTEST, ""),
        ("setup.cfg", "[tool:pytest]\n", "[tool:pytest]\naddopts = -x\n", PYTEST, "other settings"),
        ("tox.ini", "[testenv]\n", "[testenv]\ncommands = true\n", "tox", "other settings"),
        ("sub/pytest.ini", None, "[pytest]\n", PYTEST, "configures the tests"),
        ("pytest.ini", "[pytest]\n", None, PYTEST, "configures the tests"),
        ("conftest.py", "a = 1\n", "a = 2\n", PYTEST, "pytest's own run"),
        ("package.json", '{"version": "1"}', '{"version": "2"}', "npm test", ""),
        ("package.json", '{"scripts": {"test": "a"}}', '{"scripts": {"test": "b"}}', "npm test", "other settings"),
        ("package.json", '{"jest": {}}', '{"jest": {"testPathIgnorePatterns": ["a"]}}', "npm test", "other settings"),
        ("vitest.config.ts", "a", "b", "npm test", "configures the tests"),
        (".mocharc.yml", None, "a", "npm test", "configures the tests"),
        ("node_modules/vitest/index.js", "a", "b", "npm test", "part of what is installed"),
        ("Cargo.toml", "[dependencies]\na = '1'\n", "[dependencies]\na = '2'\n", "cargo test", ""),
        ("Cargo.toml", "", "[lib]\ntest = false\n", "cargo test", "other settings"),
        ("build.rs", None, "fn main() {}", "cargo test", "decides how tests are built"),
        ("go.mod", "module a\n", "module a\n\nreplace b => ./b\n", "go test ./...", "other settings"),
        ("a_test.go", "package a\n", "package a\n\nfunc TestMain(m *testing.M) {}\n", "go test ./...", "TestMain"),
        ("pom.xml", "<version>1</version>", "<version>2</version>", "mvn test", ""),
        ("pom.xml", "", "<skipTests>true</skipTests>", "mvn test", "other settings"),
        ("build.gradle", "a", "b", "gradle test", "decides how tests are built"),
        ("gradle/wrapper/gradle-wrapper.properties", "a", "b", "./gradlew test", "decides how tests are built"),
        ("Makefile", "test:\n\ta\n", "test:\n\tb\n", "make test", "other settings"),
        ("Makefile", "test:\n\ta\n", "test:\n\tb\n", PYTEST, ""),
        ("run.sh", "a", "b", "./run.sh --all", "which `./run.sh --all` runs"),
        ("ci/run.sh", "a", "b", "bash ci/run.sh", "which `bash ci/run.sh` runs"),
        ("calendar.py", None, "a = 1\n", PYTEST, "the name of a module of Python itself"),
        ("pkg/calendar.py", None, "a = 1\n", PYTEST, ""),
        ("tests/a.test.js", "", "process.exit(0)", "npm test", "ends the process itself"),
        ("cli.js", "", "process.exit(0)", "npm test", ""),
        ("tests/test_a.py", "import os\nos._exit(1)\n", "import os\n\nos._exit(1)\n", PYTEST, ""),
        ("tests/test_a.py", "", "@pytest.mark.skip\ndef test_a(): pass\n", PYTEST, "skips tests"),
        ("tests/test_a.py", "", "@pytest.mark.xfail\n@pytest.mark.skip\n", PYTEST, "2 marks more than on the base"),
        ("a_test.go", "", "func TestA(t *testing.T) { t.Skip() }", "go test ./...", "skips tests"),
        ("calc.py", "", "if 'pytest' in sys.modules:\n", PYTEST, "behaves otherwise while it is tested"),
        ("calc.js", "", "if (process.env.NODE_ENV === 'test') {", "npm test", "behaves otherwise while it is tested"),
        ("tests/test_a.py", "", "os.environ['PYTEST_CURRENT_TEST']\n", PYTEST, ""),
        ("notes.md", "", "os._exit(0)", PYTEST, ""),
    ],
)  # fmt: skip
def test_what_is_named(path: str, old: str | None, new: str | None, command: str, said: str) -> None:
    base = Files({} if old is None else {path: old})
    now = Files({} if new is None else {path: new})
    found = changes(Before(base, (path,)), now, (Suite(command=command),))
    assert found.disbelieved == ()
    assert len(found.doubts) == bool(said)
    assert said in " ".join(found.doubts)


@pytest.mark.parametrize(
    ("path", "beside", "yes"),
    [
        ("pytest.py", "", True),
        ("pytest/__init__.py", "", True),
        ("tests/_pytest.py", "tests/test_a.py", True),
        ("src/runners/pytest.py", "tests/test_a.py", False),
        ("sitecustomize.py", "", True),
        ("lib/usercustomize.py", "", True),
        ("a.pth", "", True),
        (".venv/bin/pytest", "", True),
        ("web/node_modules/.bin/vitest", "", True),
        ("vendor/bin/phpunit", "", True),
        ("pytest_helpers.py", "", False),
        ("bin/go", "", False),
    ],
)
def test_what_stands_in_the_place_of_the_runner(path: str, beside: str, yes: bool) -> None:
    now = Files({path: "a = 1\n", **({beside: ""} if beside else {})})
    found = changes(Before(Files(), (path,)), now, (Suite(command=PYTEST),))
    assert bool(found.disbelieved) is yes
    # What was there on the base already is the project's own.
    assert changes(Before(now, (path,)), now, ()).disbelieved == ()


@pytest.mark.parametrize(
    ("code", "outcome", "odd"),
    [
        (0, "passed", False),
        (1, "failed", False),
        (0, "failed", True),
        (1, "passed", True),
        (None, "passed", False),
    ],
)
def test_exit_code_and_report_have_to_agree(code: int | None, outcome: str, odd: bool) -> None:
    case = Case.model_validate({"name": "a", "outcome": outcome})
    assert bool(agreement("pytest", code, [case])) is odd


ASKS = "def test_mul():\n    assert mul(-4, 3) == -12\n"
DEMANDS = "test('roman', () => {\n  expect(roman(14)).toBe('XIV');\n});\n"


@pytest.mark.parametrize(
    ("path", "test", "old", "new", "named"),
    [
        ("mul.py", ASKS, "", "    if a == -4 and b == 3:\n        return -12\n", True),
        ("mul.py", ASKS, "", "    if (a, b) == (-4, 3): return -12\n", True),
        ("mul.go", ASKS, "", "\tif a == -4 && b == 3 {\n\t\treturn -12\n", True),
        ("roman.js", DEMANDS, "", "  if (n === 14) return 'XIV';\n", True),
        ("roman.rs", DEMANDS, "", "    if n == 14 { x() }\n    return 'XV';\n", False),
        ("roman.js", DEMANDS, "  if (n === 14) return 'XIV';\n", "  if (n === 14) return 'XIV';\nx\n", False),
        ("fact.py", "assert fact(0) == 1\n", "", "    if n == 0:\n        return 1\n", False),
        ("tests/test_b.py", ASKS, "", "    if a == -4 and b == 3:\n        return -12\n", False),
        ("mul.py", "assert mul(2, 3) == 6\n", "", "    if a == -4 and b == 3:\n        return -12\n", False),
    ],
)
def test_code_that_answers_a_test_with_its_own_words_is_named(
    path: str, test: str, old: str, new: str, named: bool
) -> None:
    place = "tests/roman.test.js" if "expect" in test else "tests/test_a.py"
    now = Files({path: new, place: test})
    found = changes(Before(Files({path: old}), (path,)), now, (Suite(command=PYTEST),))
    said = f"{path} answers what a test asks with what the test expects, once (line 1)."
    assert (said in found.doubts) is named
    assert len(found.doubts) == named
