"""Messages of commits: what is learned from histories of real projects, and what is written in their way."""

import pytest

from wainwright.workspace.commit_words import SUBJECT_MAX, Convention, learn, message

HISTORIES = {
    "golang/sync": """
        errgroup: fix a typo in the documentation
        all: modernize interface{} -> any
        all: upgrade go directive to at least 1.25.0 [generated]
        errgroup: use consistent read for SetLimit panic
        errgroup: revert propagation of panics
        errgroup: remove duplicated comment
        singleflight: fix typo in singleflight_test.go
        sync/errgroup: improve documentation for semaphore limit behavior
        semaphore: cancel acquisition with a done context
        go.mod: upgrade to go 1.17""",
    "unjs/defu": """
        chore(release): v6.1.7
        fix(defu.d.cts): export Defu types (#157)
        build: correct the `types` export entry (#160)
        fix: ignore inherited enumerable properties
        fix: prevent prototype pollution via `__proto__` in defaults (#156)
        chore(deps): update actions/checkout action to v6 (#151)
        chore: fix typecheck
        test: add more tests for plain objects
        refactor: make `isPlainObject` logic more readable
        docs: fix typo (#116)""",
    "colinhacks/zod": """
        chore: require comments to be lowercase fragments
        docs(v4): cut the compile comments down to what they explain (#6449)
        fix(v4): stop catch resurrecting issues an optional already resolved (#6440)
        perf(v4): prefix issue paths in place in the object JIT failure path (#6445)
        fix(resolution): keep pnpm's own warnings out of the attw snapshot (#6446)
        Preserve callsites in parse stack traces (#5910)
        feat(v4): add z.getDiscriminatedOption (#5947)
        feat(core): allow passing extra args to apply() (#6337)""",
    "BurntSushi/bstr": """
        doc: add AI Policy (#232)
        1.13.0
        api: add `to_bstring()`, `as_bstring()`, and `as_bstring_mut()` methods to `ByteVec`
        doc: fix typo "Use `&BStr` is useful because ..."
        1.12.3
        msrv: decrease to 1.65
        doc: add alias to `fields` and `Fields`
        lint: add `set -u` to regex generation scripts
        perf: implement `Iterator::count` for `Chars`""",
    "carloscuesta/gitmoji-cli": """
        ⬆️ Bump actions/setup-node from 6 to 7 (#1558)
        ✨ Add support for conventional commits
        🐛 Fix the hook for worktrees (#1200)
        ⬆️ Bump prettier from 3.8.1 to 3.8.3 (#1533)
        ♻️ Use the native fetch
        📝 Update the readme""",
    "google/gson": """
        Fix typos and grammar issues (#3092)
        Delete Maven binary (#3084)
        Bump the github-actions group across 1 directory with 6 updates (#3079)
        refactor: improve code quality by enforcing final on utility classes (#3049)
        Only deserialize `InetAddress` from numeric IP addresses. (#3075)
        Include location in NumberFormatException thrown by JsonTreeReader (#3062)
        Reject non-ASCII digits in JsonTreeReader.nextInt/nextLong (#3063)""",
    "pallets/flask": """
        fix typo
        remove werkzeug host tests
        reduce venv size
        document that headers must be set before streaming
        all teardown callbacks are called despite errors
        Abort if the instance folder cannot be created
        release version 3.1.3""",
    "brackets": """
        [parser] Handle empty input
        [cli] Print the version
        [parser] Refuse tabs
        Update the changelog""",
    "tickets": """
        PROJ-812: Added the export of invoices.
        PROJ-790: Fixed rounding of totals.
        [PROJ-788] Removed the old importer.
        PROJ-777: Changed how dates are shown.""",
    "nothing": "",
}


def history(name: str) -> Convention:
    return learn(line.strip() for line in HISTORIES[name].strip().splitlines())


@pytest.mark.parametrize(
    ("project", "title", "paths", "subject"),
    [
        ("golang/sync", "Fix a race in Go", ["errgroup/errgroup.go"], "errgroup: fix a race in Go"),
        ("golang/sync", "Add a barrier", ["barrier/barrier.go"], "barrier: add a barrier"),
        ("golang/sync", "Use any", ["errgroup/go.go", "semaphore/s.go"], "errgroup: use any"),
        ("unjs/defu", "Fix merging of dates", ["src/defu.ts"], "fix: fix merging of dates"),
        ("unjs/defu", "Add a deep option", ["src/defu.ts", "test/defu.test.ts"], "feat: add a deep option"),
        ("unjs/defu", "Describe the options", ["README.md"], "docs: describe the options"),
        ("unjs/defu", "More cases", ["test/defu.test.ts"], "test: more cases"),
        ("unjs/defu", "feat(core): Add it", ["src/defu.ts"], "feat: add it"),
        ("colinhacks/zod", "Add z.any", ["packages/zod/src/v4/any.ts"], "feat(v4): add z.any"),
        ("colinhacks/zod", "Add z.any", ["packages/zod/src/v9/any.ts"], "feat: add z.any"),
        ("BurntSushi/bstr", "Add `ByteVec::first`", ["src/ext_vec.rs"], "api: add `ByteVec::first`"),
        ("carloscuesta/gitmoji-cli", "fix the prompt", ["src/cli.js"], "🐛 Fix the prompt"),
        ("carloscuesta/gitmoji-cli", "More cases", ["test/a.spec.js"], "More cases"),
        ("google/gson", "reject NaN.", ["gson/src/main/java/Gson.java"], "Reject NaN"),
        ("google/gson", "JsonReader refuses NaN", ["Gson.java"], "JsonReader refuses NaN"),
        ("google/gson", "parse_int takes signs", ["Gson.java"], "parse_int takes signs"),
        ("pallets/flask", "Remove the alias", ["src/flask/app.py"], "remove the alias"),
        ("brackets", "Fix tabs", ["src/parser/lex.c"], "[parser] Fix tabs"),
        ("tickets", "Add the export of bills", ["src/a.py"], "Added the export of bills."),
        ("nothing", "Adds calc.sub (R1, R2)", ["calc/sub.py"], "Add calc.sub"),
        ("nothing", "T1: add calc.sub", ["calc/sub.py"], "Add calc.sub"),
        ("nothing", "two\nlines", [], "Two lines"),
    ],
)
def test_a_subject_is_written_in_the_way_of_the_history(
    project: str, title: str, paths: list[str], subject: str
) -> None:
    assert message(history(project), title, "", paths) == f"{subject}\n"


@pytest.mark.parametrize("project", HISTORIES)
def test_a_long_title_is_cut_at_its_clauses_and_told_whole_below(project: str) -> None:
    title = "Add a helper that says how long ago a time was, in words with plural forms, and with time zones"
    text = message(history(project), title, "People ask for it. All 84 tests pass.", ["src/times.py"])
    subject, empty, *body = text.splitlines()
    assert len(subject) <= SUBJECT_MAX
    assert subject.rstrip(".").endswith("a time was")
    assert empty == ""
    told = " ".join(body)
    assert "in words with plural forms, and with time zones." in told
    assert told.endswith("People ask for it.")
    assert all(len(line) <= 72 for line in body)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("Zones were ignored. All tests pass.", "Zones were ignored.\n"),
        ("84 passed.", ""),
        ("I ran the whole suite. The new tests are all green. Checks pass.", ""),
        (
            "It is boxed, so that init checks run; one of its own wins.",
            "It is boxed, so that init checks run; one of its own wins.\n",
        ),
        ("The tests of a module run in its folder.", "The tests of a module run in its folder.\n"),
        ("The reviewer asked for it. Zones were ignored (R3).", "Zones were ignored.\n"),
        ("Read zones.", ""),
        ("First `a.b` is read.\n\nThen it is kept.", "First `a.b` is read.\n\nThen it is kept.\n"),
    ],
)
def test_a_body_says_what_and_why_and_nothing_of_the_work(body: str, kept: str) -> None:
    text = message(Convention(), "Read zones", body, ["a.py"])
    assert text == ("Read zones\n" if not kept else f"Read zones\n\n{kept}")


def test_a_convention_that_changed_is_the_newer_one() -> None:
    old, new = ["Add it"] * 40, ["feat: add it"] * 15
    assert learn([*new, *old]).form == "typed"
    assert learn([*new[:3], *old]).form == "plain"


def test_a_word_without_a_clause_is_cut_between_words() -> None:
    (subject, *_) = message(Convention(), "Word " * 40, "", []).splitlines()
    assert 60 < len(subject) <= SUBJECT_MAX
    assert subject.endswith("Word")
