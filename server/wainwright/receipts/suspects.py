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

SETTINGS: tuple[tuple[str, str], ...] = (
    (r"(^|/)conftest\.py$", "is code of pytest's own run, and is not as on the base"),
    (r"(^|/)(pytest\.ini|\.pytest\.ini|\.coveragerc|noxfile\.py|pytest\.toml|\.pytest\.toml)$", "configures the tests, and is not as on the base"),
    (r"(^|/)(vitest|vite|jest|karma|ava|playwright|cypress|babel|wtr|web-test-runner)\.config\.[\w.]+$", "configures the tests, and is not as on the base"),
    (r"(^|/)(vitest\.workspace\.[\w.]+|\.mocharc[\w.]*|\.babelrc|\.npmrc|\.yarnrc(\.yml)?|bunfig\.toml|deno\.jsonc?)$", "configures the tests, and is not as on the base"),
    (r"(^|/)((jest|vitest|test|tests)[.-]?setup|setup[.-]?tests?|global[.-]?setup)\.[cm]?[jt]sx?$", "is run before the tests, and is not as on the base"),
    (r"(^|/)node_modules/|(^|/)(\.venv|venv)/", "is part of what is installed, and is not as on the base"),
    (r"(^|/)__mocks__/", "takes the place of a module in tests, and is not as on the base"),
    (r"(^|/)(\.rspec|(\w+_)?helper\.rb|test_helper\.exs|Rakefile)$", "configures the tests, and is not as on the base"),
    (r"(^|/)(junit-platform\.properties|testng(-[\w.-]+)?\.xml|\.simplecov|test/bootstrap\.php|tests/(bootstrap|Pest)\.php)$|(^|/)META-INF/services/(org\.junit|org\.testng)", "configures the tests, and is not as on the base"),
    (r"(^|/)(phpunit\.xml(\.dist)?|phpunit\.dist\.xml)$", "configures the tests, and is not as on the base"),
    (r"(^|/)(\.cargo/config(\.toml)?|build\.rs|\.config/nextest\.toml|rust-toolchain(\.toml)?)$", "decides how tests are built or run, and is not as on the base"),
    (r"(^|/)([\w.-]+\.gradle(\.kts)?|gradle\.properties|gradlew|mvnw|build\.sbt)$|(^|/)(gradle/|\.mvn/|buildSrc/|project/[^/]*\.sbt$)", "decides how tests are built or run, and is not as on the base"),
    (r"(^|/)([\w.-]+\.runsettings|Directory\.Build\.(props|targets)|xunit\.runner\.json|CTestConfig\.cmake|CTestCustom\.cmake)$", "configures the tests, and is not as on the base"),
    (r"(^|/)(go\.work|mix\.exs|\.tool-versions|\.python-version|\.nvmrc|mise\.toml|\.mise\.toml|\.envrc|\.env)$", "decides what runs the tests, and is not as on the base"),
)  # fmt: skip
"""Files, by their path, that decide how tests are found, run and told."""

TRICKS: tuple[tuple[str, str], ...] = (
    (r"\bos\._exit\b|\bos\.abort\(|ctypes\b.*\b_?exit\b", "ends the process itself, past the test runner"),
    (r"\bos\.(kill|killpg)\(|signal\.SIGKILL|\bprocess\.kill\(", "sends signals to processes"),
    (r"pytest_(runtest|report|sessionfinish|unconfigure|collection|terminal|pyfunc_call|configure|cmdline)\w*", "hooks into pytest's own run"),
    (r"junit_?xml|xmlpath|--junit|_pytest\b|TestReport\b|terminalreporter|exitstatus", "reaches into the test runner's report"),
    (r"PYTEST_ADDOPTS|PYTEST_PLUGINS|PYTHONSTARTUP|PYTHONPATH|NODE_OPTIONS|GOFLAGS|RUSTC_WRAPPER|CARGO_\w*RUNNER|LD_PRELOAD", "names variables that change how tests are run"),
    (r"/proc/(self|\d+|\$\$|thread-self)?/?(cmdline|environ|fd|mem|maps|exe)|/proc/|wainwright-[*?\[0-9a-f]|os\.getppid\(\)", "looks at the process that runs the tests"),
    (r"\bgc\.get_objects\(|sys\._getframe|sys\.(settrace|setprofile|monitoring)|sys\.meta_path|sys\.modules\[|importlib\.reload|builtins\.__import__", "changes what other code of the process is"),
    (r"TestCase\.(run|__call__|assert\w+)\s*=|unittest\.\w+\.\w+\s*=|(assert|expect)\w*\.\w+\s*=\s*(\(|function|lambda|async)", "replaces how tests assert"),
    (r"collect_ignore|pytestmark\s*=|pytest\.skip\(.*allow_module_level|allow_module_level", "keeps tests from being collected or run"),
    (r"\bprocess\.(exit|reallyExit|abort|exitCode)\b", "ends the process itself, past the test runner"),
    (r"std::process::(exit|abort)|libc::_?exit", "ends the process itself, past the test runner"),
    (r"\bos\.Exit\(|syscall\.Exit\(|runtime\.Goexit\(", "ends the process itself, past the test runner"),
    (r"System\.exit\(|Runtime\.getRuntime\(\)\.halt|exit!|\bat_exit\b|register_shutdown_function|\batexit\b", "ends the process, or runs at its end"),
    (r"Module\._(load|resolveFilename|extensions|compile)|require\.cache|node:test['\"]\)\s*\.\w+\s*=|process\.stdout\.write\s*=", "changes what other code of the process is"),
    (r"@Disabled\b|@Ignore\b|#\[ignore\b|\b(x|f)(it|describe|test)\(|\.(only|skip)\(|@(unittest|pytest\.mark)\.(skip|xfail)\w*|\bpytest\.(skip|xfail)\(|\.skipTest\(|\bt\.Skip(f|Now)?\(|\bmarkTest(Skipped|Incomplete)\(|@tag :skip\b|\[(Fact|Theory)\(Skip\b", "skips tests, or all but some"),
    (r"PYTEST_(CURRENT_TEST|VERSION)|['\"](pytest|unittest)['\"] (not )?in sys\.modules|JEST_WORKER_ID|VITEST(_WORKER_ID|_POOL_ID)?\b|NODE_ENV\W+test\b|\btesting\.Testing\(\)", "behaves otherwise while it is tested"),
)  # fmt: skip
"""Words of code that runs with the tests. They are named when a change has more of them than the base."""
