# ruff: noqa: E501 - whole files in one line each
"""What a change touches of how it is tested: which files and words are named, and which are not."""

import pytest
from tests.unit.receipts.test_command import Files

from wainwright.domain.evidence import Case, Suite
from wainwright.receipts.integrity import Before, agreement, changes, written

PYTEST = "python3 -m pytest -q"
JAPICMP = "<plugin>\n<artifactId>japicmp-maven-plugin</artifactId>\n<excludes>\n"
SUREFIRE = "<plugin>\n<artifactId>maven-surefire-plugin</artifactId>\n"
ENDS = "\n</plugin>\n"


@pytest.mark.parametrize(
    ("path", "old", "new", "command", "said"),
    [
        ("pyproject.toml", "[tool.pytest.ini_options]\n", "[tool.pytest.ini_options]\naddopts = 'a'\n", PYTEST, "than on the base (tool.pytest)."),
        ("pyproject.toml", "[project]\nversion = '1'\n", "[project]\nversion = '2'\n", PYTEST, ""),
        ("pyproject.toml", "", "[project.entry-points.pytest11]\na = 'b'\n", PYTEST, "other settings"),
        ("setup.cfg", "[metadata]\nname = a\n", "[metadata]\nname = b\n", PYTEST, ""),
        ("setup.cfg", "[tool:pytest]\n", "[tool:pytest]\naddopts = -x\n", PYTEST, "other settings"),
        ("tox.ini", "[testenv]\n", "[testenv]\ncommands = true\n", "tox", "other settings"),
        ("sub/pytest.ini", None, "[pytest]\n", PYTEST, "configures the tests"),
        ("pytest.ini", "[pytest]\n", None, PYTEST, "configures the tests"),
        ("conftest.py", "a = 1\n", "a = 2\n", PYTEST, "pytest's own run"),
        ("package.json", '{"version": "1"}', '{"version": "2"}', "npm test", ""),
        ("package.json", '{"scripts": {"test": "a"}}', '{"scripts": {"test": "b"}}', "npm test", "than on the base (scripts)."),
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
        ("pom.xml", "", "<skipTests>true</skipTests>", "mvn test", "than on the base (<skipTests>true</skipTests>)."),
        ("pom.xml", f"{JAPICMP}</excludes>{ENDS}{SUREFIRE}{ENDS}", f"{JAPICMP}<exclude>A</exclude></excludes>{ENDS}{SUREFIRE}{ENDS}", "mvn test", ""),
        ("pom.xml", f"{JAPICMP}</excludes>{ENDS}{SUREFIRE}{ENDS}", f"{JAPICMP}</excludes>{ENDS}{SUREFIRE}<exclude>A</exclude>{ENDS}", "mvn test", "other settings"),
        ("pom.xml", f"{JAPICMP}{SUREFIRE}{ENDS}", f"{JAPICMP}{SUREFIRE}<exclude>A</exclude>{ENDS}", "mvn test", "other settings"),
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
        ("setup.cfg", "[tool:pytest]\nmarkers = a[b]\n", "[tool:pytest]\nmarkers = a[b]\naddopts = -p helper\n", PYTEST, "other settings"),
        ("tox.ini", "[pytest]\n", "[pytest]\naddopts = --confcutdir=tests\n", PYTEST, "other settings"),
        ("tox.toml", None, "a = 1\n", PYTEST, "decides how tests are built"),
        (".env", None, "PLUGINS=helper\n", PYTEST, "decides what runs the tests"),
        (".env.test", None, "a=1\n", PYTEST, "decides what runs the tests"),
        (".env.example", None, "a=1\n", PYTEST, ""),
        ("tests/__pycache__/test_a.cpython-311-pytest-8.pyc", None, "\0", PYTEST, "compiled code"),
        ("tests/decimal.py", None, "a = 1\n", PYTEST, ""),
        ("a/b/conftest.py", None, "a = 1\n", PYTEST, "pytest's own run"),
        ("plugin.py", None, "def pytest_collection_modifyitems(items):\n    items.clear()\n", PYTEST, "hooks into pytest's own run"),
        ("plugin.py", None, "def pytest_runtest_makereport(item):\n    pass\n", PYTEST, "hooks into pytest's own run"),
        ("karma.conf.js", "a", "b", "npm test", "configures the tests"),
        ("jest.config.cjs", None, "module.exports = { testPathIgnorePatterns: ['calc'] }", "npm test", "configures the tests"),
        (".mocharc.cjs", None, "module.exports = { require: './first.js' }", "npm test", "configures the tests"),
        ("nx.json", None, "{}", "npm test", "configures the tests"),
        (".pnp.cjs", None, "a", "yarn test", "configures the tests"),
        ("tsconfig.json", "{}", '{"compilerOptions": {\n"paths": {"vitest": ["./mine"]}}}', "npm test", "other settings"),
        ("vendor/github.com/stretchr/testify/assert/assertions.go", "a", "b", "go test ./...", "part of what is installed"),
        ("go.env", None, "FLAGS=-run=^$\n", "go test ./...", "decides how tests are built"),
        ("tests/a.c", "", "#define assert(x)\n", "ctest", "replaces how tests assert"),
        ("CMakeLists.txt", "", "add_compile_definitions(NDEBUG)\n", "ctest", "other settings"),
        (".cargo/config.toml", None, "[target.x]\nrunner = 'true'\n", "cargo test", "decides how tests are built"),
        ("Cargo.toml", "", "[[test]]\nname = 'a'\nharness = false\n", "cargo test", "other settings"),
        ("pom.xml", "", "<testFailureIgnore>true</testFailureIgnore>", "mvn test", "other settings"),
        ("pom.xml", "", "<parent>\n<relativePath>other.xml</relativePath>\n</parent>", "mvn test", "other settings"),
        (".mvn/maven.config", None, "-DskipTests\n", "mvn test", "decides how tests are built"),
        ("sub/build.gradle.kts", "", "tasks.test { ignoreFailures = true }", "gradle test", "decides how tests are built"),
        ("Makefile.local", None, "SHELL = /bin/true\n", "make test", "other settings"),
        ("rules.make", None, "a\n", PYTEST, ""),
        (".justfile", None, "test:\n", "just test", "other settings"),
        ("tests/test_a.py", "", "@pytest.mark.flaky(reruns=9)\n", PYTEST, "skips tests"),
        ("tests/a.test.js", "", "expect.extend({ toBe() { return { pass: true } } })", "npm test", "replaces how tests assert"),
        ("tests/test_a.py", "def test_a():\n    assert a() == 1\n", "def test_a():\n    assert  a() == 1\n", PYTEST, ""),
        ("tests/test_a.py", "def test_a():\n    assert a() == 1\n", None, PYTEST, ""),
        ("server.py", "import settings\n", "import settings\n\nvalue = settings.value\nself.settings = 1\n", PYTEST, ""),
        ("server.py", "import settings\n", "import settings\n\nsettings.value = 1\n", PYTEST, "puts something else in the place"),
        ("web.js", "", "const found = /a/.exec(text);\n", "npm test", ""),
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
        ("pytest.pyc", "", True),
        ("sitecustomize.pyc", "", True),
        ("x.egg-info/entry_points.txt", "", True),
        ("x.egg-info/SOURCES.txt", "", False),
        ("src/test/java/org/junit/jupiter/api/Assertions.java", "", True),
        ("src/test/java/com/example/junit/Assertions.java", "", False),
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


@pytest.mark.parametrize(
    ("command", "path", "files"),
    [
        ("npm test", "scripts/test.js", {"package.json": '{"scripts": {"test": "node scripts/test.js"}}'}),
        ("make test", "ci/check", {"Makefile": "test:\n\t@./ci/check all\n"}),
        ("make test", "ci/more.sh", {"Makefile": "test:\n\t./ci/check\n", "ci/check": ". $HERE/more.sh\n"}),
        ("./run.sh", "lib/common.sh", {"run.sh": 'source "lib/common.sh"\n'}),
    ],
)
def test_what_a_script_of_the_tests_runs_is_named(command: str, path: str, files: dict[str, str]) -> None:
    base, now = Files({**files, path: "a\n"}), Files({**files, path: "b\n"})
    found = changes(Before(base, (path,)), now, (Suite(command=command),))
    assert found.doubts == (f"{path}, which `{command}` runs, was changed.",)
    other = Files({**files, path: "a\n", "src/other.js": "a\n"})
    assert changes(Before(base, ("src/other.js",)), other, (Suite(command=command),)).doubts == ()


def test_what_a_command_does_to_tests_while_it_runs_is_named() -> None:
    wrote = (
        "tests/test_a.py",
        "out.txt",
        "tests/conftest.py",
        "tests/__pycache__/a.pyc",
        "__snapshots__/a.snap",
    )
    assert written(wrote, "pytest") == [
        "tests/test_a.py was changed by `pytest` while it ran.",
        "tests/conftest.py was changed by `pytest` while it ran.",
    ]
