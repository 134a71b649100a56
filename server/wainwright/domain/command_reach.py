"""What a command would do beside what its name says, as far as its words tell: write outside, run or steer another.

Programs that read can run what stands in their options; those that write can be told to write elsewhere; variables
have a later program run something. None of that is let through unasked because the program's name is a harmless one.
"""

import posixpath
import re
from collections.abc import Iterator

from wainwright.domain.shell_line import SETS, WRITES, Argv, Word

REACHING: tuple[str, ...] = (
    # what readers run or write
    "find * -delete",
    "find * -fprint",
    "find * -fprint0",
    "find * -fprintf",
    "find * -fls",
    "rg * --pre",
    "tar * --to-command",
    "tar * --checkpoint-action",
    "tar * --use-compress-program",
    "tar * -I",
    "man * -P",
    "man * --pager",
    "git bisect run",
    "git submodule foreach",
    "git rebase * --exec",
    "git rebase * -x",
    "git * --upload-pack",
    "git * --receive-pack",
    "git * --open-files-in-pager",
    "git difftool",
    # what is not there afterwards, or not as it was
    "git clean",
    "git filter-branch",
    "mkfs",
    "mkfs.ext4",
    "mkfs.xfs",
    "mkfs.btrfs",
    "mkfs.vfat",
    "mkswap",
    "wipefs",
    "fdisk",
    "parted",
    "date -s",
    "date --set",
    "hwclock",
    "shutdown",
    "reboot",
    "poweroff",
    "mount",
    "umount",
    "modprobe",
    "insmod",
    "sysctl -w",
    "systemctl",
    "crontab",
    # containers that reach the machine
    "docker * --privileged",
    "podman * --privileged",
)
"""Rules, as those of a person: what fits asks, unless a rule of theirs allows it."""

_POSITIONAL = frozenset(
    {
        "tee",
        "rm",
        "rmdir",
        "unlink",
        "shred",
        "truncate",
        "touch",
        "mkdir",
        "mkfifo",
        "chmod",
        "chown",
        "chgrp",
    }
)
"""Programs that write to, or remove, whatever they name."""
_LAST = frozenset({"cp", "mv", "ln", "install", "rsync"})
"""Programs that write to what they name last, or behind these options."""
_LAST_OPTIONS = ("-t", "--target-directory")
_OPTIONS: dict[str, tuple[str, ...]] = {
    "curl": ("-o", "--output", "--output-dir"),
    "wget": ("-O", "--output-document", "-P", "--directory-prefix"),
    "openssl": ("-out",),
    "sort": ("-o", "--output"),
    "dd": ("of",),
}
"""Programs that write to what stands behind, or is set for, one of these."""
_OURS = ("/tmp", "/var/tmp", "/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/fd", "/dev/shm")  # noqa: S108
_EVERYWHERE = re.compile(r"(?:^|=|-v)/:")
_CONTAINERS = frozenset({"docker", "podman", "nerdctl"})

_DONE_WITH = frozenset({"export", "declare", "typeset", "local", "readonly", "env", SETS})
"""What sets variables."""
_STEERS = re.compile(
    r"(LD_PRELOAD|LD_AUDIT|DYLD_INSERT_LIBRARIES|PYTHONSTARTUP|PYTHONBREAKPOINT|PROMPT_COMMAND|PS4|BASH_ENV|ENV|PERL5DB"
    r"|GIT_SSH(_COMMAND)?|GIT_EXTERNAL_DIFF|GIT_PROXY_COMMAND|GIT_CONFIG_\w+|(GIT|SSH|SUDO)_ASKPASS"
    r"|(GIT_(SEQUENCE_)?)?EDITOR|VISUAL|(GIT_|MAN)?PAGER|LESSOPEN|LESSCLOSE|BROWSER)=(.*)",
    re.DOTALL,
)
_HARMLESS = frozenset({"", "cat", "less", "true", ":", "/bin/true", "/bin/cat", "/dev/null", "1", "0"})
_FLAGS: dict[str, re.Pattern[str]] = {
    "NODE_OPTIONS": re.compile(r"(^|\s)(-r|--(require|import|loader|experimental-loader|env-file|inspect))"),
    "PERL5OPT": re.compile(r"-[dIM]"),
    "RUBYOPT": re.compile(r"-[rI]"),
    "JAVA_TOOL_OPTIONS": re.compile("agent"),
}
"""Variables with flags, and which of those load something."""
_GIT_KEYS = re.compile(
    r"(alias\.|core\.(sshcommand|pager|editor|fsmonitor|hookspath|askpass|gitproxy)|diff\.external"
    r"|diff\..*\.(command|textconv)|filter\.|gpg\.|merge\..*\.driver|sequence\.editor|credential\.|pager\."
    r"|remote\..*\.(uploadpack|receivepack|vcs)|include\.|includeif\.|url\.|protocol\.)[^=]*(=(?P<value>.*))?",
    re.IGNORECASE | re.DOTALL,
)
"""Settings of git by which it runs other programs, or takes one place for another."""

_IN_SCRIPTS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (
        re.compile("g?sed"),
        re.compile(
            r"(?:^|[;{}\n\d$/!])\s*(?:e(?:\s|$|;)|[wW]\s+\S)"
            r"|(?:^|[;{}\n\d$/,!])\s*s([^\w\s\\])(?:\\.|(?!\1).)*\1(?:\\.|(?!\1).)*\1[gpiImM0-9]*[ew]"
        ),
    ),
    (
        re.compile("[gmn]?awk"),
        re.compile(r'\bsystem\s*\(|\|&?\s*(?:"|getline)|"\s*\|&?\s*getline|print[^\n]*>\s*"'),
    ),
    (re.compile("n?vim?|view|ex|ed|emacs"), re.compile(r"!|system|\bterm")),
    (re.compile("less|more|most"), re.compile(r"^\+.*!")),
)
"""Programs whose words can be scripts, and what in such a script runs or writes something."""


def reaches(program: str, argv: Argv, at: str) -> str:
    """What a command would do beside running its program, as a part of a sentence; empty: nothing that is told.

    ``at`` is the folder of the workspace; what it, ``/tmp`` and their like hold may be written.
    """
    for word in _written(program, argv):
        if _outside(word, at):
            return f"it would write to {word.text}, which is outside of the workspace or protected"
    steered = map(_steered, argv[1:]) if program in _DONE_WITH else ()
    if steering := next(filter(None, steered), ""):
        return f"`{steering}` decides what other programs run"
    if program == "git" and any(map(_tells_git, _git_settings(argv))):
        return "git is told what to run, or what a command means"
    if program in _CONTAINERS and any(_EVERYWHERE.search(word.text) for word in argv[1:]):
        return "the container is given all files of the machine"
    for named, script in _IN_SCRIPTS:
        if named.fullmatch(program) and any(script.search(word.text) for word in argv[1:]):
            return f"`{program}` is told to run or to write something"
    return ""


def _written(program: str, argv: Argv) -> Iterator[Word]:
    """What a command names to write to."""
    words = argv[1:]
    if program == WRITES or program in _POSITIONAL:
        yield from (word for word in words if not word.text.startswith("-"))
        return
    options = _LAST_OPTIONS if program in _LAST else _OPTIONS.get(program, ())
    for at, word in enumerate(words):
        for option in options:
            if word.text == option and at + 1 < len(words):
                yield words[at + 1]
            elif word.text.startswith(f"{option}="):
                yield Word(word.text[len(option) + 1 :], word.plain)
            elif len(option) == 2 and option[0] == "-" and word.text.startswith(option):
                yield Word(word.text[2:], word.plain)
    if program in _LAST and len(words) > 1:
        yield words[-1]


def _git_settings(argv: Argv) -> Iterator[Word]:
    words = argv[1:]
    if any(word.text == "config" for word in words):
        yield from (word for word in words if word.plain)
    for before, word in zip(argv, words, strict=False):
        if before.text in ("-c", "--config", "--config-env"):
            yield word
        elif word.text.startswith(("--config=", "--config-env=")):
            yield Word(word.text.partition("=")[2], word.plain)


def _tells_git(word: Word) -> bool:
    key = _GIT_KEYS.match(word.text)
    if key is None:
        return not word.plain and "=" not in word.text
    return not word.plain or key["value"] not in _HARMLESS


def _outside(word: Word, at: str) -> bool:
    text = word.text
    if text.startswith("~"):
        return True
    if ".git" in text.split("/"):
        return True
    if not word.plain or not text.startswith("/"):
        return False
    place = posixpath.normpath(text)
    return not any(place == one or place.startswith(f"{one}/") for one in (*_OURS, *([at] if at else [])))


def _steered(word: Word) -> str:
    """The variable by which a word decides what other programs run."""
    name, _, value = word.text.partition("=")
    if name == "PATH":
        near = any(entry and not entry.startswith(("/", "~")) for entry in value.split(":"))
        return name if near else ""
    if flags := _FLAGS.get(name):
        return name if not word.plain or flags.search(value) else ""
    found = _STEERS.fullmatch(word.text)
    return name if found and not (word.plain and value in _HARMLESS) else ""
