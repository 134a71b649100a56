"""Which runners a shell line runs, behind whatever wrappers, and the line that has them leave reports."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from wainwright.domain.errors import WainwrightError
from wainwright.receipts.names import below
from wainwright.receipts.project import within
from wainwright.receipts.protocol import ADDED_TO, Ask, CannotNarrow, How, Project, Runner
from wainwright.receipts.shell import Simple, put_together, simple_commands

DEEPEST = 4
"""Scripts that call scripts."""
_RUN = {"uv", "poetry", "hatch", "pipenv", "pdm", "rye", "pixi", "conda", "mamba", "mise", "direnv", "asdf"}
_PACKAGE_MANAGERS = {"npm", "pnpm", "yarn", "bun"}
_PLAIN_WRAPPERS = frozenset(
    (
        "exec",
        "command",
        "nohup",
        "time",
        "setsid",
        "stdbuf",
        "ionice",
        "chronic",
        "env",
        "timeout",
        "gtimeout",
    )
) | {"nice", "xvfb-run", "c8", "nyc", "npx", "bunx", "pnpx", "dotenv", "cross-env"}
_VALUED = {
    "uv": frozenset(
        [
            "--with",
            "--with-requirements",
            "--with-editable",
            "--python",
            "-p",
            "--extra",
            "--group",
            "--only-group",
            "--package",
            "--env-file",
            "--project",
            "--directory",
            "--index",
            "--no-group",
            "--no-extra",
        ]
    ),
    "timeout": frozenset(("-k", "--kill-after", "-s", "--signal")),
    "nice": frozenset(("-n", "--adjustment")),
    "xvfb-run": frozenset(("-s", "--server-args", "-n", "--server-num", "-e", "--error-file")),
    "env": frozenset(("-u", "--unset", "-C", "--chdir")),
    "npx": frozenset(("-p", "--package")),
    "c8": frozenset(
        ("-r", "--reporter", "-n", "--include", "-x", "--exclude", "-o", "--reports-dir", "--src")
    ),
    "nyc": frozenset(
        ("-r", "--reporter", "-n", "--include", "-x", "--exclude", "--report-dir", "--require", "-i")
    ),
    "conda": frozenset(("-n", "--name", "-p", "--prefix")),
    "poetry": frozenset(("-C", "--directory", "-P", "--project")),
    "pdm": frozenset(("-p", "--project")),
    "hatch": frozenset(("-e", "--env")),
}
"""Options of wrappers that are followed by their value."""


@dataclass(frozen=True)
class Found:
    """A runner in a line, and how it is reached."""

    simple: Simple
    """The command of the line that runs it."""
    runner: Runner
    words: tuple[str, ...]
    """The words that are the runner's own, wrappers taken off."""
    how: How
    folder: str
    """Where the runner runs, relative to where the line does."""
    before: tuple[str, ...] = ()
    """The words of wrappers in front; for ``append`` the whole command."""
    joint: tuple[str, ...] = ()
    """What stands between the command and words that are appended."""
    tox: tuple[str, ...] = ()
    """Sections of tox, which lets only those variables through that it is told of."""


@dataclass(frozen=True)
class Asked:
    """A runner that was asked for a report."""

    found: Found
    ask: Ask
    report: str
    """The name of the report."""


@dataclass(frozen=True)
class Line:
    """A line that leaves reports."""

    text: str
    asked: tuple[Asked, ...]
    unasked: tuple[Found, ...] = ()
    """Runners that were recognised and cannot be asked."""


def find(line: str, project: Project, runners: Sequence[Runner]) -> tuple[Found, ...]:
    """The runners that a shell line runs, in order."""
    found = []
    for simple in simple_commands(line):
        here = within(project, simple.folder) if not simple.folder.startswith("..") else project
        one = _unfold(_Place(simple, simple.folder), simple.texts, here, runners, DEEPEST)
        if one is not None:
            found.append(one)
    return tuple(found)


def ask_for_reports(
    line: str, project: Project, runners: Sequence[Runner], reports: PurePosixPath, only: Sequence[str] = ()
) -> Line:
    """The line that leaves a report of each runner below ``reports``; ``only`` narrows it to these tests.

    Raises CannotNarrow when single tests are asked for and not every part of the line can be narrowed.
    """
    asked, unasked, replaced = [], [], []
    for number, found in enumerate(find(line, project, runners)):
        report = f"{number}-{found.runner.name}"
        ask = _ask(found, reports / report, below(only, found.folder))
        if ask is None or (ask.capture and found.simple.printed_elsewhere):
            unasked.append(found)
            continue
        words = (*found.before, *ask.words) if found.how == "direct" else ask.words
        to = str(reports / report) if ask.capture else ""
        env = {
            name: f"${{{name}:+${name} }}{value}" if name in ADDED_TO else value
            for name, value in ask.env.items()
        }
        replaced.append((found.simple, found.simple.with_words(words, env, to, errors_too=ask.errors_too)))
        asked.append(Asked(found, ask, report))
    reached = len(below(only, asked[0].found.folder)) if asked else 0
    if only and (unasked or len(asked) != 1 or reached != len(only)):
        raise CannotNarrow(
            f"`{line}` cannot be narrowed to single tests here, so nothing was run.",
            "Run all tests, or run the test program itself in the shell.",
        )
    return Line(put_together(line, replaced), tuple(asked), tuple(unasked))


def may_watch(line: str) -> bool:
    """Whether a line runs scripts of package.json: many of those start a program that waits for changes for ever."""
    return any(one.texts and one.texts[0] in _PACKAGE_MANAGERS for one in simple_commands(line))


def _ask(found: Found, report: PurePosixPath, only: Sequence[str]) -> Ask | None:
    try:
        ask = found.runner.ask(found.words, report, only, found.how)
    except WainwrightError:
        return None
    if ask is None or found.how == "direct":
        return ask
    if found.how == "environment":
        told = ";".join(f"{section}.pass_env+={name}" for section in found.tox for name in ask.env)
        env = {**ask.env, "TOX_OVERRIDE": told} if told else ask.env
        return ask.model_copy(update={"words": found.before, "env": env})
    if ask.words[: len(found.words)] != found.words:
        return None
    more = ask.words[len(found.words) :]
    return ask.model_copy(update={"words": (*found.before, *(found.joint if more else ()), *more)})


@dataclass(frozen=True)
class _Place:
    """Where a runner was found."""

    simple: Simple
    folder: str
    how: How = "direct"
    joint: tuple[str, ...] = ()
    tox: tuple[str, ...] = ()

    def narrower(self, how: How, joint: tuple[str, ...] = (), tox: tuple[str, ...] = ()) -> "_Place":
        """The same place behind a wrapper that lets less through."""
        order: tuple[How, ...] = ("direct", "append", "environment")
        worst = max(self.how, how, key=order.index)
        # What is appended passes through all the wrappers.
        return _Place(self.simple, self.folder, worst, (*self.joint, *joint), (*self.tox, *tox))


def _unfold(
    place: _Place, words: tuple[str, ...], project: Project, runners: Sequence[Runner], depth: int
) -> Found | None:
    """The runner that these words run, with wrappers taken off and scripts looked into."""
    for at in _starts(words):
        rest = words[at:]
        for runner in runners:
            if rest and runner.recognises(rest, project):
                whole = place.simple.texts
                before = words[:at] if place.how == "direct" else whole
                return Found(
                    place.simple, runner, rest, place.how, place.folder, before, place.joint, place.tox
                )
        inner = next((found for look in _SCRIPTS if (found := look(rest, project))), None) if depth else None
        if inner is not None:
            return _look_into(place, inner, rest, project, runners, depth)
    return None


@dataclass(frozen=True)
class _Script:
    """A shell text that a command runs."""

    text: str
    how: How
    joint: tuple[str, ...] = ()
    """What stands between the command and words for the end of the script."""
    tox: tuple[str, ...] = ()
    apart: bool = False
    """Each line is run by a shell of its own."""


def _look_into(
    place: _Place,
    script: _Script,
    words: tuple[str, ...],
    project: Project,
    runners: Sequence[Runner],
    depth: int,
) -> Found | None:
    lines = script.text.splitlines() if script.apart else [script.text]
    commands = [one for line in lines for one in simple_commands(line)]
    unread = [line for line in lines if not simple_commands(line)]
    if any(one.folder.startswith("..") for one in commands):
        return None
    found: list[tuple[Found, int]] = []
    for at, one in enumerate(commands):
        last = at == len(commands) - 1 and not one.printed_elsewhere
        within_script = place.narrower(script.how if last else "environment", script.joint, script.tox)
        inside = _unfold(within_script, one.texts, within(project, one.folder), runners, depth - 1)
        if inside is not None:
            folder = (PurePosixPath(inside.folder) / one.folder).as_posix()
            found.append((Found(**{**vars(inside), "folder": folder}), at))
    if not found:
        return None
    if len(found) > 1 or any(commands[at].printed_elsewhere for _, at in found):
        # Several that would write to the same report, or one that prints into another program.
        return None
    runner, at = found[0]
    program = PurePosixPath(runner.words[0]).name
    others: list[object] = [
        c for n, c in enumerate(commands) if n != at and c.texts and c.texts[0] == program
    ]
    others += [line for line in unread if re.search(rf"\b{re.escape(program)}\b", line)]
    # Variables would reach the others, too, and change what they do.
    return None if runner.how == "environment" and others else runner


def _starts(words: tuple[str, ...]) -> Iterator[int]:
    """Where a command may begin, behind each wrapper in front of it."""
    at = 0
    while at < len(words):
        yield at
        step = _wrapper(words[at:])
        if not step:
            return
        at += step


def _wrapper(words: tuple[str, ...]) -> int:
    """How many words in front only say how the rest is run."""
    name = PurePosixPath(words[0]).name
    if name in _PLAIN_WRAPPERS:
        at = _after_options(words, 1, name)
        while name in ("env", "cross-env") and at < len(words) and re.match(r"[A-Za-z_]\w*=", words[at]):
            at += 1
        return min(at + (name in ("timeout", "gtimeout")), len(words))
    second = words[1] if len(words) > 1 else ""
    if name in _RUN and _verb(words, name) in ("run", "exec"):
        return _after_options(words, words.index(_verb(words, name), 1) + 1, name)
    if name == "bundle" and second == "exec":
        return 2
    if name in _PACKAGE_MANAGERS and second in ("exec", "x", "dlx"):
        return _after_options(words, 2, name)
    by_name = bool(second) and not second.startswith("-") and second not in ("run", "test", "workspace")
    return int(name == "yarn" and by_name)


def _verb(words: tuple[str, ...], name: str) -> str:
    at = _after_options(words, 1, name)
    return words[at] if at < len(words) else ""


def _after_options(words: tuple[str, ...], at: int, name: str) -> int:
    valued = _VALUED.get(name, frozenset())
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "--":
            return at + 1
        # ``python -m`` in front of a module is not an option of the wrapper.
        at += 2 if words[at] in valued else 1
    return at


# ---- scripts


def _package_script(words: tuple[str, ...], project: Project) -> _Script | None:
    """``npm test``, ``pnpm run x``, ``yarn x``, ``bun run x``: what package.json says."""
    name = PurePosixPath(words[0]).name
    if name not in _PACKAGE_MANAGERS:
        return None
    rest = [word for word in words[1:] if word not in ("--silent", "-s", "--quiet", "--if-present")]
    if rest and rest[0] in ("run", "run-script"):
        rest = rest[1:]
    elif rest and rest[0] in ("t", "tst"):
        rest[0] = "test"
    elif rest and name == "bun":
        return None
    if not rest or rest[0].startswith("-") or (name == "npm" and rest[0] != "test" and "run" not in words[1]):
        return None
    script = _scripts(project, "package.json").get(rest[0])
    if script is None:
        return None
    further = tuple(words[words.index("--") + 1 :]) if "--" in words else ()
    text = " ".join((script, *map(_quoted, further if name in ("npm", "pnpm") else tuple(rest[1:]))))
    joint = ("--",) if name == "npm" and "--" not in words else ()
    return _Script(text, "append", joint)


def _composer_script(words: tuple[str, ...], project: Project) -> _Script | None:
    if PurePosixPath(words[0]).name not in ("composer", "composer.phar") or len(words) < 2:
        return None
    name = words[2] if words[1] in ("run", "run-script") and len(words) > 2 else words[1]
    script = _scripts(project, "composer.json").get(name)
    return None if script is None else _Script(script, "append", () if "--" in words else ("--",))


def _scripts(project: Project, manifest: str) -> dict[str, str]:
    try:
        scripts = json.loads(project.text(manifest) or "{}").get("scripts", {})
        found = {name: _joined(value) for name, value in scripts.items()}
    except (ValueError, AttributeError):
        return {}
    return {name: value.replace("@php ", "php ") for name, value in found.items() if value}


def _joined(value: object) -> str:
    if isinstance(value, list):
        return " && ".join(one for one in value if isinstance(one, str))
    return value if isinstance(value, str) else ""


def _python_script(words: tuple[str, ...], project: Project) -> _Script | None:
    """A name that pyproject.toml gives to a command; found behind ``hatch run``, ``pdm run`` and the like."""
    name = words[0].rpartition(":")[2]
    try:
        tools = tomllib.loads(project.text("pyproject.toml") or "").get("tool", {})
        tables = [
            tools.get("pdm", {}).get("scripts", {}),
            tools.get("rye", {}).get("scripts", {}),
            tools.get("pixi", {}).get("tasks", {}),
            *(env.get("scripts", {}) for env in tools.get("hatch", {}).get("envs", {}).values()),
            *(t.get("tasks", {}) for t in (tools.get("poe", {}), tools.get("taskipy", {}))),
        ]
        found = next((table[name] for table in tables if name in table), None)
    except (tomllib.TOMLDecodeError, AttributeError, TypeError):
        return None
    if isinstance(found, dict):
        found = found.get("cmd") or found.get("shell")
    text = _joined(found)
    text = re.sub(r"\{args[^}]*\}", "", text)
    return _Script(text, "environment") if text else None


def _tox(words: tuple[str, ...], project: Project) -> _Script | None:
    if PurePosixPath(words[0]).name == "tox" or words[1:3] == ("-m", "tox"):
        texts = [project.text(name) or "" for name in ("tox.ini", "setup.cfg", "pyproject.toml")]
        found = re.search(r"^\s*commands\s*=\s*(.*(?:\n[ \t]+.*)*)", "\n".join(texts), re.MULTILINE)
        if found is None:
            return None
        text = re.sub(r"\{posargs(?::([^}]*))?\}", r"\1", found.group(1))
        text = re.sub(r"\{(?:env|envpython|envbindir|toxinidir)[^}]*\}", "python", text)
        lines = [line.strip().lstrip("-").strip() for line in text.replace("\\\n", " ").splitlines()]
        return _Script("\n".join(line for line in lines if line), "environment", tox=_tox_sections(texts))
    return None


def _tox_sections(texts: Sequence[str]) -> tuple[str, ...]:
    """The common section, and those of environments where it does not count."""
    found = re.findall(r"^\[(testenv[^\]]*)\]([^\[]*)", "\n".join(texts), re.MULTILINE)
    common = any(name == "testenv" for name, _ in found)
    own = [name for name, text in found if not common or re.search(r"^pass_?env\b", text, re.MULTILINE)]
    return tuple(dict.fromkeys(["testenv", *own]))


def _nox(words: tuple[str, ...], project: Project) -> _Script | None:
    if PurePosixPath(words[0]).name != "nox" and words[1:3] != ("-m", "nox"):
        return None
    text = project.text("noxfile.py") or ""
    runs = re.findall(r"session\.run\(\s*((?:[\"'][^\"']*[\"'],?\s*)+)", text)
    lines = [" ".join(re.findall(r"[\"']([^\"']*)[\"']", one)) for one in runs]
    return _Script("\n".join(lines), "environment") if lines else None


def _hatch_test(words: tuple[str, ...], _project: Project) -> _Script | None:
    return _Script("pytest", "environment") if words[:2] == ("hatch", "test") else None


def _make(words: tuple[str, ...], project: Project) -> _Script | None:
    """The recipe of a target, without those it needs."""
    if PurePosixPath(words[0]).name not in ("make", "gmake") or "-f" in words or "-C" in words:
        return None
    targets = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    text = next(
        (found for name in ("GNUmakefile", "makefile", "Makefile") if (found := project.text(name))), ""
    )
    lines = [line for target in targets or ["all"] for line in recipe(text, target)]
    return _Script("\n".join(lines), "environment", apart=True) if lines else None


def recipe(text: str, target: str) -> list[str]:
    """The lines that make runs for a target, with variables of the file put in, and those of targets it needs."""
    variables = dict(re.findall(r"^([A-Za-z_]\w*)\s*[:?+]?=\s*(.*?)\s*$", text, re.MULTILINE))
    text = text.replace("\\\n", " ")
    seen: list[str] = []

    def lines_of(one: str, depth: int) -> list[str]:
        found = re.search(
            rf"^{re.escape(one)}\s*::?(?!=)([^\n;#]*)(?:#[^\n]*)?((?:\n\t[^\n]*|\n[ \t]*(?=\n\t))*)",
            text,
            re.M,
        )
        if found is None or one in seen or depth == 0:
            return []
        seen.append(one)
        needs = [line for need in found.group(1).split() for line in lines_of(need, depth - 1)]
        own = [line.strip().lstrip("@-+").strip() for line in found.group(2).splitlines() if line.strip()]
        return [*needs, *own]

    def put_in(line: str) -> str:
        for _ in range(DEEPEST):
            line = re.sub(r"\$[({](\w+)[)}]", lambda m: variables.get(m.group(1), ""), line)
        return line.replace("$$", "$")

    return [done for line in lines_of(target, DEEPEST) if (done := put_in(line).strip())]


def _shell_script(words: tuple[str, ...], project: Project) -> _Script | None:
    """``./run_tests.sh``, ``bash scripts/test``, ``sh -c '...'``."""
    name = PurePosixPath(words[0]).name
    if name in ("sh", "bash", "dash", "zsh"):
        if len(words) > 2 and re.fullmatch(r"-[a-z]*c", words[1]):
            return _Script(words[2], "environment")
        rest = [word for word in words[1:] if not word.startswith("-")]
        path = rest[0] if rest else ""
    else:
        path = words[0] if "/" in words[0] else ""
    text = project.text(path.removeprefix("./")) if path and not path.startswith("/") else None
    if text is None or (path == words[0] and not re.match(r"#!.*\b(ba|da|z)?sh\b", text)):
        return None
    lines = [line for line in text.splitlines() if not re.match(r"\s*(#|set\s|$)", line)]
    return _Script("\n".join(lines), "environment")


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w./:=@%+,-]+", word) else "'" + word.replace("'", "'\\''") + "'"


_SCRIPTS: tuple[Callable[[tuple[str, ...], Project], _Script | None], ...] = (
    _package_script,
    _composer_script,
    _make,
    _tox,
    _nox,
    _hatch_test,
    _shell_script,
    _python_script,
)
