# ruff: noqa: E501 - tables are read best with one row a line
"""What an honest report depends on: the files and words that `integrity` looks for. A row is a pattern and what is said."""

MODULES = frozenset(
    (
        "pytest",
        "_pytest",
        "py",
        "pluggy",
        "iniconfig",
        "coverage",
        "xdist",
        "pytest_cov",
        "pytest_asyncio",
        "unittest",
    )
)
"""Modules of runners: a file of this name beside the tests would be imported in their place."""

STANDS_IN: tuple[tuple[str, str], ...] = (
    (r"(^|/)(sitecustomize|usercustomize)(\.\w+|/__init__\.\w+)$|\.pth$", "is run by every interpreter at its start, before any test"),
    (r"(^|/)(\.venv|venv|env)/(bin|Scripts)/|(^|/)node_modules/\.bin/|(^|/)vendor/bin/|\.dist-info/", "stands in the place of installed programs"),
    (r"\.egg-info/entry_points\.txt$", "makes plugins of what lies in the tree, as if they were installed"),
    (r"(^|/)(org/(junit|testng|assertj|hamcrest|mockito)|junit/framework|kotlin/test|io/kotest)/|(^|/)(Test/(More|Simple|Builder)|Test2|TAP)(/[\w/]+)?\.pm$", "would be loaded in the place of the library of this name that the tests need"),
)  # fmt: skip
"""Files, by their path, that are taken for a part of the runner: no honest change adds one."""

SETTINGS: tuple[tuple[str, str], ...] = (
    (r"(^|/)conftest\.py$", "is code of pytest's own run, and is not as on the base"),
    (r"(^|/)(pytest\.ini|\.pytest\.ini|\.coveragerc|noxfile\.py|pytest\.toml|\.pytest\.toml)$", "configures the tests, and is not as on the base"),
    (r"(^|/)(vitest|vite|jest|karma|ava|playwright|cypress|babel|wdio|protractor|tap|wtr|web-test-runner|node)\.conf(ig)?\.[\w.]+$", "configures the tests, and is not as on the base"),
    (r"(^|/)(vitest\.workspace\.[\w.]+|\.(mocha|jest|tap|swc)rc[\w.]*|jasmine\.json|mocha\.opts|\.babelrc|\.npmrc|\.yarnrc(\.yml)?|\.pnp\.\w+|\.?pnpmfile\.\w+|pnpm-workspace\.yaml|(nx|turbo|lerna|cypress)\.json|bunfig\.toml|deno\.jsonc?)$|(^|/)\.yarn/(releases|plugins|patches)/", "configures the tests, and is not as on the base"),
    (r"(^|/)((jest|vitest|test|tests)[.-]?setup|setup[.-]?tests?|global[.-]?setup)\.[cm]?[jt]sx?$", "is run before the tests, and is not as on the base"),
    (r"(^|/)node_modules/|(^|/)(\.venv|venv)/|(^|/)vendor/.*(test|assert|mock|spec|check|ginkgo|gomega)", "is part of what is installed, and is not as on the base"),
    (r"(^|/)__pycache__/|\.py[co]$", "is compiled code that is run in the place of what can be read, and is not as on the base"),
    (r"(^|/)__mocks__/", "takes the place of a module in tests, and is not as on the base"),
    (r"(^|/)(\.rspec|\.proverc|\.busted|(\w+_)?helper\.rb|test_helper\.exs|Rakefile|\.Rprofile|\.Renviron)$|(^|/)testthat/(setup|helper|teardown)[^/]*\.[rR]$", "configures the tests, and is not as on the base"),
    (r"(^|/)(junit-platform\.properties|testng(-[\w.-]+)?\.xml|\.simplecov|test/bootstrap\.php|tests/(bootstrap|Pest)\.php)$|(^|/)META-INF/services/(org\.junit|org\.testng)", "configures the tests, and is not as on the base"),
    (r"(^|/)(phpunit\.xml(\.dist)?|phpunit\.dist\.xml)$", "configures the tests, and is not as on the base"),
    (r"(^|/)(tox\.toml|dodo\.py|tasks\.py|magefile\.go|meson\.build|SConstruct|gulpfile\.\w+|Gruntfile\.\w+|Jakefile(\.js)?|go\.env|\.cargo/config(\.toml)?|build\.rs|\.config/nextest\.toml|rust-toolchain(\.toml)?)$", "decides how tests are built or run, and is not as on the base"),
    (r"(^|/)([\w.-]+\.gradle(\.kts)?|gradle\.properties|gradlew|mvnw|build\.sbt)$|(^|/)(gradle/|\.mvn/|buildSrc/|project/[^/]*\.sbt$)", "decides how tests are built or run, and is not as on the base"),
    (r"(^|/)([\w.-]+\.runsettings|Directory\.Build\.(props|targets)|xunit\.runner\.json|CTestConfig\.cmake|CTestCustom\.cmake)$", "configures the tests, and is not as on the base"),
    (r"(^|/)(go\.work|mix\.exs|\.tool-versions|\.python-version|\.nvmrc|mise\.toml|\.mise\.toml|\.envrc|\.flaskenv|\.env(\.(?!example|sample|template|dist)\w+)*)$", "decides what runs the tests, and is not as on the base"),
)  # fmt: skip
"""Files, by their path, that decide how tests are found, run and told."""

TRICKS: tuple[tuple[str, str], ...] = (
    (r"\bos\._exit\b|\bos\.abort\(|ctypes\b.*\b_?exit\b", "ends the process itself, past the test runner"),
    (r"\bos\.(kill|killpg)\(|signal\.SIGKILL|\bprocess\.kill\(", "sends signals to processes"),
    (r"pytest_(runtest|report|session|unconfigure|collect|ignore_collect|itemcollected|generate_tests|pycollect|make_parametrize|terminal|pyfunc_call|configure|cmdline|load|plugin|addoption|assert|fixture|exception|internalerror|warning)\w*|hookimpl|hookwrapper", "hooks into pytest's own run"),
    (r"junit_?xml|xmlpath|--junit|_pytest\b|record_xml_attribute|record_testsuite_property|TestReport\b|terminalreporter|exitstatus", "reaches into the test runner's report"),
    (r"PYTEST_ADDOPTS|PYTEST_PLUGINS|PYTHONSTARTUP|PYTHONPATH|PYTHONOPTIMIZE|PYTHONHOME|JAVA_TOOL_OPTIONS|MAVEN_(OPTS|ARGS)|RUSTFLAGS|RUBYOPT|NODE_OPTIONS|GOFLAGS|RUSTC_WRAPPER|CARGO_\w*RUNNER|LD_PRELOAD", "names variables that change how tests are run"),
    (r"/proc/(self|\d+|\$\$|thread-self)?/?(cmdline|environ|fd|mem|maps|exe)|/proc/|wainwright-[*?\[0-9a-f]|os\.getppid\(\)", "looks at the process that runs the tests"),
    (r"\bgc\.get_objects\(|sys\._getframe|sys\.(settrace|setprofile|monitoring)|sys\.meta_path|sys\.modules\[|importlib\.reload|builtins\.__import__|\.__code__\s*=|vars\([\w.]+\)\[.*\]\s*=|__dict__\[.*\]\s*=|\bunsafe\.Pointer|go:linkname", "changes what other code of the process is"),
    (r"TestCase\.(run|__call__|assert\w+)\s*=|unittest\.\w+\.\w+\s*=|(assert|expect)\w*\.\w+\s*=\s*(\(|function|lambda|async)", "replaces how tests assert"),
    (r"setattr\(\s*[\w.]*(pytest|unittest|TestCase|TestResult|TextTestResult|Runner|Item|Function|builtins)\b|\.(addFailure|addError|addSubTest|wasSuccessful|runtest)\s*=[^=]|macro_rules!\s*(assert\w*|panic|test)\b|#\s*define\s+(assert|NDEBUG|\w*(ASSERT|EXPECT|CHECK|REQUIRE)\w*)\b|Object\.(assign|definePropert(y|ies))\(\s*(require\(['\"](node:)?(assert|test)\b|assert|expect|test|globalThis)|expect\.extend\(|builtins\.\w+\s*=[^=]", "replaces how tests assert"),
    (r"(?<![\w.])(exec|eval)\(|\bmarshal\.loads|\bnew Function\(|\bFunctionType\(|\bcodecs\.decode\(.*rot", "runs code that it makes itself"),
    (r"getattr\([^,()]+,\s*([^)\n]*(\+|\.join|\[::|chr\(|%|\.format|decode)|f?['\"]\w*['\"]\s*f?['\"])|\bglobalThis\[|(?<![\w.])process\[|__import__\(\s*[^)'\"]|__import__\([^)]*\+|import_module\([^)]*\+", "calls by a name that is put together"),
    (r"inspect\.(stack|currentframe|getouterframes)|traceback\.(extract_stack|walk_stack|format_stack)|runtime\.Caller|new Error\(\)\.stack|Thread\.currentThread\(\)\.getStackTrace", "looks at who calls it"),
    (r"\\x16|--- (PASS|FAIL): |=== RUN |##teamcity|test result: ok|\btest [\w:]+ \.\.\. ok|['\"`]TAP version|['\"`]ok \d", "prints what a test runner says"),
    (r"\bload_tests\b", "says itself which tests there are"),
    (r"__test__\s*=|collect_ignore|pytestmark\s*=|pytest\.skip\(.*allow_module_level|allow_module_level", "keeps tests from being collected or run"),
    (r"\bprocess\.(exit|reallyExit|abort|exitCode)\b", "ends the process itself, past the test runner"),
    (r"std::process::(exit|abort)|libc::_?exit", "ends the process itself, past the test runner"),
    (r"\bos\.Exit\(|syscall\.Exit\(|runtime\.Goexit\(", "ends the process itself, past the test runner"),
    (r"System\.exit\(|Runtime\.getRuntime\(\)\.halt|exit!|\bat_exit\b|register_shutdown_function|\batexit\b|weakref\.finalize|threading\._\w+|process\.(on|once)\(['\"](before)?[eE]xit", "ends the process, or runs at its end"),
    (r"Module\._(load|resolveFilename|extensions|compile)|require\.cache|node:test['\"]\)\s*\.\w+\s*=|process\.stdout\.write\s*=", "changes what other code of the process is"),
    (r"@Disabled\b|@Ignore\b|#\[ignore\b|\b(x|f)(it|describe|test)\(|\.(only|skip)\(|@(unittest|pytest\.mark)\.(skip|xfail)\w*|\bpytest\.(skip|xfail)\(|\.skipTest\(|\bt\.Skip(f|Now)?\(|\bmarkTest(Skipped|Incomplete)\(|mark\.flaky\b|@tag :skip\b|\[(Fact|Theory)\(Skip\b", "skips tests, or all but some"),
    (r"PYTEST_(CURRENT_TEST|VERSION)|['\"](pytest|unittest)['\"] (not )?in sys\.modules|JEST_WORKER_ID|VITEST(_WORKER_ID|_POOL_ID)?\b|NODE_ENV\W+test\b|\btesting\.Testing\(\)|cfg!?\(not\(test\)\)|\bcfg!\(test\)|NODE_TEST_CONTEXT|['\"]PYTEST|sys\.argv.*\b(py)?(unit)?test|(py|unit)test\W.*sys\.argv", "behaves otherwise while it is tested"),
)  # fmt: skip
"""Words of code that runs with the tests. They are named when a change has more of them than the base."""
