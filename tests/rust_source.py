"""What a Rust file says, as far as the house rules ask: its items, its paths, how long its functions are.

No compiler: comments and the insides of literals are blanked, then brackets are counted. What stands under
`#[cfg(test)]` is test code, and is left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

QUIET = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | \bb?r(?P<fence>\#*)".*?"(?P=fence) | b?"(?:\\.|[^"\\])*"
    | b?'(?:\\(?:u\{[0-9a-fA-F_]+\}|x[0-9a-fA-F]{2}|.)|[^\\'\n])'""",
    re.DOTALL | re.VERBOSE,
)
TEST_ONLY = re.compile(r"#\[cfg\((?:all\(\s*)?test\b[^\n]*\]\s*")
ATTRIBUTE = re.compile(r"\s*#!?\[")
VISIBLE = r"(?P<pub>pub(?:\([^)]*\))?\s+)?"
HEAD = re.compile(
    VISIBLE + r"(?:(?:default|unsafe|async|extern(?=\s+fn)|const(?=\s+(?:unsafe|async|extern|fn)\b))\s+)*"
    r"(?P<kind>(?:use|mod|fn|struct|enum|union|trait|type|const|static|impl|extern)\b|macro_rules!)"
    r"\s*(?:mut\s+)?(?P<name>\w+)?"
)
FUNCTION = re.compile(r"\bfn\s+(\w+)")
REASON = re.compile(r"\s*// Long: \S")
ROOTS = {"lib.rs", "main.rs", "mod.rs"}
"""Files whose modules lie beside them."""
OPEN, CLOSE = "([{", ")]}"


def code_of(text: str) -> str:
    """The text of the same shape without comments and literals: every line stays where it is."""
    return QUIET.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def end_of_item(code: str, start: int) -> int:
    """Where the item that starts there ends: after its `;`, or after the body that closes it."""
    ends_with_body = not re.match(
        r"(?:pub(?:\([^)]*\))?\s+)?(?:use\b|static\b|type\b|const\s+(?!fn\b|unsafe\b|async\b|extern\b))",
        code[start : start + 80],
    )
    depth = 0
    for at in range(start, len(code)):
        sign = code[at]
        if sign in OPEN:
            depth += 1
        elif sign in CLOSE:
            depth -= 1
            if depth == 0 and sign == "}" and ends_with_body:
                return at + 1
        elif sign == ";" and depth == 0:
            return at + 1
    return len(code)


def after_bracket(code: str, start: int) -> int:
    """Past the bracket that closes the first one from there on."""
    depth = 0
    for at in range(start, len(code)):
        depth += (code[at] in OPEN) - (code[at] in CLOSE)
        if depth == 0 and code[at] in CLOSE:
            return at + 1
    return len(code)


def without_tests(code: str) -> tuple[str, set[str]]:
    """The code with its test items blanked, and the names of modules that are test code in a file of their own."""
    elsewhere = set()
    while found := TEST_ONLY.search(code):
        start = found.end()
        while attribute := ATTRIBUTE.match(code, start):
            start = after_bracket(code, attribute.end() - 1)
        start += len(code[start:]) - len(code[start:].lstrip())
        end = end_of_item(code, start)
        if module := re.fullmatch(r"(?:pub\S*\s+)?mod\s+(\w+)\s*;", code[start:end]):
            elsewhere.add(module[1])
        code = code[: found.start()] + re.sub(r"[^\n]", " ", code[found.start() : end]) + code[end:]
    return code, elsewhere


@dataclass(frozen=True)
class Function:
    """One function that is no test."""

    name: str
    line: int
    lines: int
    reason: bool
    """Whether the line above it says why it is long: `// Long: ...`."""


def functions(text: str) -> Iterator[Function]:
    """All functions with a body, from the line of `fn` to the bracket that closes them."""
    code, _ = without_tests(code_of(text))
    rows = text.split("\n")
    for found in FUNCTION.finditer(code):
        depth = 0
        for at in range(found.end(), len(code)):
            if depth == 0 and code[at] in ";{":
                break
            depth += (code[at] in OPEN) - (code[at] in CLOSE)
        else:
            continue
        if code[at] == "{":
            line = code.count("\n", 0, found.start())
            lines = code.count("\n", found.start(), after_bracket(code, at)) + 1
            yield Function(found[1], line + 1, lines, line > 0 and bool(REASON.match(rows[line - 1])))


@dataclass(eq=False)
class Module:
    """A module of a crate: what it defines, what it lets others see under another path, and what it says."""

    path: tuple[str, ...]
    file: Path
    parent: "Module | None"
    children: dict[str, "Module"] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)
    macros: set[str] = field(default_factory=set)
    bound: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names that `use` brings in, and the path each stands for."""
    private: set[str] = field(default_factory=set)
    """Those of them that nobody else can name: what is brought in is used here."""
    globs: list[tuple[str, ...]] = field(default_factory=list)
    body: str = ""
    """The code without `use` and without the modules inside."""


def use_leaves(tree: str, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The paths of a `use`, each with the name it gets; `*` for all names of a module."""
    tree = tree.strip()
    if not tree:
        return
    if "{" in tree:
        head, _, rest = tree.partition("{")
        path = before + tuple(part.strip() for part in head.split("::") if part.strip())
        depth, start, inside = 0, 0, rest[: rest.rindex("}")]
        for at, sign in enumerate(inside + ","):
            depth += (sign == "{") - (sign == "}")
            if sign == "," and depth == 0:
                yield from use_leaves(inside[start:at], path)
                start = at + 1
        return
    spelled, _, name = re.sub(r"\s+as\s+", "\0", tree).partition("\0")
    path = before + tuple(part.strip() for part in spelled.split("::") if part.strip())
    if path[-1] == "self" and len(path) > 1:
        path = path[:-1]
    yield path, name.strip() or path[-1]


def read_module(code: str, module: Module, tests: set[str]) -> None:
    """Fill in the module from its code, and read the files of its children."""
    at, body = 0, []
    while at < len(code):
        at += len(code[at:]) - len(code[at:].lstrip())
        if attribute := ATTRIBUTE.match(code, at):
            at = after_bracket(code, attribute.end() - 1)
            continue
        end = end_of_item(code, at)
        item, at = code[at:end], max(end, at + 1)
        head = HEAD.match(item)
        kind, name = (head["kind"], head["name"] or "") if head else ("", "")
        if kind == "use":
            take_use(item, module, private=not head["pub"])
        elif kind == "mod" and name not in tests:
            take_child(item, name, module)
        elif kind != "mod":
            body.append(item)
            (module.macros if kind == "macro_rules!" else module.defined).add(name)
    module.defined -= {"impl", ""}
    text = "\n".join(body)
    for inner in re.finditer(r"\buse\s[^;]+;", text):
        take_use(inner.group(), module, private=True)
    module.body = re.sub(r"\buse\s[^;]+;", "", text)


def take_use(item: str, module: Module, *, private: bool) -> None:
    tree = re.sub(r"^.*?\buse\s", "", item, count=1, flags=re.DOTALL).rstrip(";").strip()
    for path, name in use_leaves(tree):
        if path[-1] == "*":
            module.globs.append(path[:-1])
        else:
            module.bound[name] = path
            if private:
                module.private.add(name)


def take_child(item: str, name: str, module: Module) -> None:
    path = (*module.path, name)
    if not item.endswith(";"):
        child = Module(path, module.file, module)
        module.children[name] = child
        read_module(item[item.index("{") + 1 : -1], child, set())
        return
    file = module.file
    home = file.parent if file.name in ROOTS else file.with_suffix("")
    beside, below = home / f"{name}.rs", home / name / "mod.rs"
    module.children[name] = read_file(beside if beside.exists() else below, path, module)


def read_file(file: Path, path: tuple[str, ...] = (), parent: Module | None = None) -> Module:
    """The module that the file holds, and all those below it."""
    module = Module(path, file, parent)
    code, tests = without_tests(code_of(file.read_text(encoding="utf-8")))
    read_module(code, module, tests)
    return module


def files_of_tests(file: Path) -> set[Path]:
    """The files that a file names as test code."""
    _, tests = without_tests(code_of(file.read_text(encoding="utf-8")))
    home = file.parent if file.name in ROOTS else file.with_suffix("")
    return {path for name in tests for path in (home / f"{name}.rs", home / name / "mod.rs") if path.exists()}
