"""Which commands of a model are run, which only a person may say yes to, and which never: rules on words.

A rule is a program and the words that follow it, such as ``git push``: options between them count for nothing, ``*``
stands for any words. Of the rules of a person and a project that fit, the longest decides; of equally long ones the
strictest. What is in ``OUTSIDE`` asks in any case. What cannot be read for sure asks, too.

This is no wall. A script, a build tool or an interpreter can do whatever it likes, and is not looked into: the
sandbox is the boundary, and it has no network. The rules say what is not even tried.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from wainwright.domain.command_reach import REACHING, reaches
from wainwright.domain.shell_line import DEPTH_MAX, SETS, WRITES, Argv, Unclear, Word, commands

Verdict = Literal["allow", "ask", "deny"]
_ORDER: tuple[Verdict, ...] = ("allow", "ask", "deny")

COMMANDS_MAX = 50
"""Commands of one call that are looked at; of more nobody keeps an overview."""

OUTSIDE: tuple[str, ...] = (
    # pushing, and what leads to it
    "git push",
    "git send-pack",
    "git send-email",
    "git svn dcommit",
    "git lfs push",
    "git annex sync",
    "hg push",
    "svn commit",
    "jj git push",
    "gh",
    "glab",
    "hub",
    # publishing
    "npm publish",
    "npm unpublish",
    "npm deprecate",
    "npm dist-tag",
    "npm owner",
    "npm access",
    "npm login",
    "npm adduser",
    "npm token",
    "pnpm publish",
    "yarn publish",
    "yarn npm publish",
    "bun publish",
    "deno publish",
    "jsr publish",
    "lerna publish",
    "changeset publish",
    "semantic-release",
    "np",
    "vsce publish",
    "ovsx publish",
    "cargo publish",
    "cargo yank",
    "cargo owner",
    "cargo login",
    "cargo release",
    "twine",
    "poetry publish",
    "flit publish",
    "hatch publish",
    "pdm publish",
    "uv publish",
    "maturin publish",
    "maturin upload",
    "conda upload",
    "anaconda upload",
    "gem push",
    "gem yank",
    "rake release",
    "mvn * deploy",
    "mvn * release:perform",
    "mvnw * deploy",
    "gradle * publish",
    "gradlew * publish",
    "sbt * publish",
    "dotnet nuget push",
    "nuget push",
    "mix hex.publish",
    "dart pub publish",
    "flutter pub publish",
    "pod trunk push",
    "goreleaser",
    "hf upload",
    "huggingface-cli upload",
    # images
    "docker push",
    "docker image push",
    "docker compose push",
    "docker manifest push",
    "docker buildx build --push",
    "docker build --push",
    "docker login",
    "podman push",
    "buildah push",
    "nerdctl push",
    "skopeo copy",
    "crane push",
    "oras push",
    "helm push",
    # clouds and clusters
    "kubectl apply",
    "kubectl create",
    "kubectl delete",
    "kubectl replace",
    "kubectl patch",
    "kubectl edit",
    "kubectl scale",
    "kubectl rollout",
    "kubectl exec",
    "kubectl run",
    "kubectl set",
    "kubectl drain",
    "kubectl label",
    "kubectl annotate",
    "helm install",
    "helm upgrade",
    "helm uninstall",
    "helm rollback",
    "terraform apply",
    "terraform destroy",
    "terraform import",
    "terraform state push",
    "terraform state rm",
    "terraform state mv",
    "tofu apply",
    "tofu destroy",
    "pulumi up",
    "pulumi destroy",
    "cdk deploy",
    "cdk destroy",
    "sam deploy",
    "serverless deploy",
    "sls deploy",
    "ansible",
    "ansible-playbook",
    "aws",
    "gcloud",
    "gsutil",
    "bq",
    "az",
    "doctl",
    "heroku",
    "fly",
    "flyctl",
    "vercel",
    "netlify deploy",
    "railway up",
    "wrangler deploy",
    "wrangler publish",
    "firebase deploy",
    # other machines
    "ssh",
    "scp",
    "sftp",
    "mosh",
    "lftp",
    "ftp",
)
"""What has an effect outside of this machine: it always asks, whatever is allowed."""

_WRAPPERS: dict[str, int] = {
    **dict.fromkeys(
        (
            "env",
            "sudo",
            "doas",
            "nice",
            "ionice",
            "nohup",
            "setsid",
            "stdbuf",
            "unbuffer",
            "time",
            "command",
            "builtin",
            "exec",
            "xargs",
            "busybox",
            "toybox",
            "strace",
            "ltrace",
            "unshare",
            "nsenter",
            "setpriv",
            "npx",
            "bunx",
            "pnpx",
            "uvx",
            "proxychains",
            "torsocks",
            "firejail",
            "systemd-run",
        ),
        0,
    ),
    **dict.fromkeys(("timeout", "flock", "chroot", "taskset", "chrt", "su", "runuser", "script"), 1),
}
"""Programs that run the one that follows their options and this many words."""
_BEHIND: dict[str, tuple[str, ...]] = {
    "find": ("-exec", "-execdir", "-ok", "-okdir"),
    "fd": ("-x", "-X", "--exec", "--exec-batch"),
    "npm": ("exec", "x"),
    "pnpm": ("exec", "dlx"),
    "yarn": ("exec", "dlx"),
    "bun": ("x",),
    "bundle": ("exec",),
    "mise": ("exec", "x"),
    **dict.fromkeys(("pipx", "poetry", "pipenv", "uv", "hatch", "pdm", "rye", "conda", "mamba"), ("run",)),
}
"""Programs that run the one that follows one of these words."""
_AS_LINE = frozenset({"eval", "watch", "parallel"})
"""Programs that put their words together to a line of a shell."""
_LINE_FOLLOWS = frozenset({"-c", "--command", "-S", "--split-string"})
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "fish", "rbash"})
_GIVEN_LINE = re.compile(r"-[a-zA-Z]*c[a-zA-Z]*")
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
_HOST = re.compile(r"(?:[\w.-]+@)?[\w.-]+:|rsync://")
_PYTHON = re.compile(r"(python|pypy|py)[\d.]*")
_ABOUT = frozenset({"--version", "--help", "-h", "-V", "version", "help"})


@dataclass(frozen=True)
class Judged:
    """What is done with a line."""

    verdict: Verdict = "allow"
    why: str = ""
    """A part of a sentence, for whoever wrote the line."""

    @property
    def refusal(self) -> str:
        """What is said instead of running it; empty for what is run."""
        if self.verdict == "deny":
            return f"Not run, denied: {self.why}. Do without it."
        if self.verdict == "ask":
            return (
                f"Not run, a person would have to say yes: {self.why}. Nobody can from here. Do without it, or write "
                "it so that it can be told what it runs; what is left for the person to do belongs into your answer."
            )
        return ""


@dataclass(frozen=True)
class Rules:
    """The rules of a person, to which those of the project are added."""

    allow: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Names what lines are judged by; a yes that a person gave under other rules holds no more."""
        told = json.dumps([self.allow, self.ask, self.deny, OUTSIDE])
        return hashlib.sha256(told.encode()).hexdigest()

    def judge(self, lines: Sequence[str], at: str = "") -> Judged:
        """What is done with shell lines that are run together: the strictest that is said of a command in them.

        ``at`` is the folder of the workspace, in which they are run.
        """
        try:
            found = [argv for line in lines for argv in _all(commands(line), 0)]
        except Unclear as unclear:
            return Judged("ask", f"it cannot be told for sure what it runs: {unclear}")
        if sum(_program(argv) not in (WRITES, SETS) for argv in found) > COMMANDS_MAX:
            return Judged("ask", f"it is more than {COMMANDS_MAX} commands in one")
        judged = (self._one(argv, at) for argv in found)
        return max(judged, key=lambda one: _ORDER.index(one.verdict), default=Judged())

    def _one(self, argv: Argv, at: str) -> Judged:
        if not argv[0].plain:
            return Judged("ask", "it cannot be told for sure which program it runs")
        outside = next((rule for rule in OUTSIDE if _fits(rule, argv)), "")
        if not outside and _program(argv) == "rsync" and any(_HOST.match(word.text) for word in argv[1:]):
            outside = "rsync to another machine"
        said: tuple[tuple[Verdict, tuple[str, ...]], ...] = (
            ("allow", self.allow),
            ("ask", self.ask),
            ("deny", self.deny),
        )
        fitting = [(rule, verdict) for verdict, rules in said for rule in rules if _fits(rule, argv)]
        rule, verdict = max(fitting, key=_weight, default=("", "allow"))
        if not rule and not outside:
            reaching = next((one for one in REACHING if _fits(one, argv)), "")
            why = f"`{reaching}` does more than to read and build" if reaching else ""
            why = why or reaches(_program(argv), argv, at)
            return Judged("ask", why) if why else Judged()
        if verdict == "deny" or (verdict == "ask" and not outside):
            return Judged(verdict, f"the rule `{rule}` of the settings")
        if outside:
            return Judged("ask", f"`{outside}` has an effect outside of this machine")
        return Judged()


def _weight(told: tuple[str, Verdict]) -> tuple[int, int]:
    return len(told[0].split()), _ORDER.index(told[1])


def _all(found: Sequence[Argv], depth: int) -> Iterator[Argv]:
    """Commands, and those that they run in their turn as far as that stands in their words. Raises Unclear."""
    if depth > DEPTH_MAX:
        raise Unclear("too many programs run one another")
    for argv in found:
        yield argv
        program = _program(argv)
        if program != "git":
            yield from _all(_of_shell(argv) if program in _SHELLS else _run_by(program, argv), depth + 1)


def _of_shell(argv: Argv) -> Sequence[Argv]:
    """What a shell is told to run by ``-c``; a script is not looked into."""
    words = argv[1:]
    given = next((at for at, word in enumerate(words) if _GIVEN_LINE.fullmatch(word.text)), None)
    if given is not None:
        return _line(
            next((one for one in words[given + 1 :] if not one.text.startswith("-")), Word("", plain=False))
        )
    if any(not word.text.startswith(("-", "+")) or word.text in _ABOUT for word in words):
        return ()
    raise Unclear("a shell runs what it is sent")


def _run_by(program: str, argv: Argv) -> Sequence[Argv]:
    """What a program runs of its own words."""
    words = argv[1:]
    if program in _AS_LINE:
        return [found for at in sorted(_readings(words, {0})) for found in _put_together(words[at:])]
    if program == "trap":
        return _line(words[0]) if len(words) > 1 else ()
    if program == "alias":
        return [
            argv
            for word in words
            if "=" in word.text
            for argv in _line(Word(word.text.partition("=")[2], word.plain))
        ]
    if _PYTHON.fullmatch(program):
        return [words[at + 1 :] for at, word in enumerate(words[:-1]) if word.text == "-m"]
    if program in _BEHIND:
        behind = _BEHIND[program]
        return [
            found
            for at, word in enumerate(words)
            if word.text in behind
            for found in _begun(words[at + 1 :], 0)
        ]
    if program not in _WRAPPERS or (program == "command" and {"-v", "-V"} & {word.text for word in words}):
        return ()
    lines = [at + 1 for at, word in enumerate(words[:-1]) if word.text in _LINE_FOLLOWS]
    if lines and program not in ("nice", "ionice", "taskset", "xargs"):
        return [argv for at in lines for argv in _line(words[at])]
    return _begun(words, _WRAPPERS[program])


def _put_together(words: Argv) -> list[Argv]:
    told = [word.text for word in words]
    told = told[: told.index(":::")] if ":::" in told else told
    return _line(Word(" ".join(told), all(word.plain for word in words))) if told else []


def _begun(words: Argv, before: int) -> list[Argv]:
    """Commands that may begin behind options, whose values nobody can tell, assignments and some words."""
    at = _readings(words, {0})
    for _ in range(before):
        at = _readings(words, {one + 1 for one in at})
    begun = [words[one:] for one in sorted(at) if one < len(words)]
    if begun and not any(one[0].plain for one in begun):
        raise Unclear("it cannot be told which program is run")
    return [one for one in begun if one[0].plain]


def _readings(words: Argv, since: set[int]) -> set[int]:
    """Where the first word behind options and assignments may stand, each option with a value or without."""
    ends, left = set(), sorted(since)
    seen = set(left)
    while left:
        at = left.pop()
        text = words[at].text if at < len(words) else ""
        if _ASSIGNED.match(text):
            more = {at + 1}
        elif text.startswith(("-", "+")):
            more = {at + 1} if "=" in text else {at + 1, at + 2}
        else:
            ends.add(at)
            continue
        left += more - seen
        seen |= more
    return ends


def _line(word: Word) -> list[Argv]:
    if not word.plain:
        raise Unclear("a shell is given a line that is not known")
    return commands(word.text)


def _program(argv: Argv) -> str:
    return argv[0].text.rpartition("/")[2].removesuffix(".exe")


def _fits(rule: str, argv: Argv) -> bool:
    """Whether a command is one of a rule, or may be: a word that the shell expands may say anything."""
    program, *wanted = rule.split()
    if _program(argv) != program or (len(argv) > 1 and all(word.text in _ABOUT for word in argv[1:])):
        return False
    words, at = argv[1:], {0}
    for one in wanted:
        if one == "*":
            at = set(range(min(at), len(words)))
        elif one.startswith("-"):
            at = {n + 1 for n in range(min(at), len(words)) if _is(one, words[n])}
        else:
            at = {n + 1 for n in _readings(words, at) if n < len(words) and _is(one, words[n])}
        if not at:
            return False
    return True


def _is(wanted: str, word: Word) -> bool:
    with_value = wanted.startswith("--") and word.text.startswith(f"{wanted}=")
    return word.text == wanted or with_value or not word.plain
