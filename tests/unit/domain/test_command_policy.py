"""Which shell lines are run, and which are not even tried: rows of lines and what is said of them."""

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wainwright.domain.command_policy import OUTSIDE, Rules

ASKS = {
    "plain": [
        "git push",
        "git -C sub -c user.name=x push origin HEAD",
        "git --git-dir=x push --force",
        "/usr/bin/git push",
        "npm --prefix web publish",
        "cargo +nightly publish",
        "python -m twine upload dist/*",
        "kubectl -n prod --context=a apply -f x.yaml",
        "docker --context far image push a/b",
        "docker buildx build . --tag a --push",
        "./mvnw -q clean deploy",
        "rsync -a dist/ web@example.org:/srv/",
        "rsync -a dist/ rsync://example.org/x",
        "aws s3 sync . s3://x",
        "yarn npm publish",
    ],
    "wrappers": [
        "env A=1 -u B git push",
        "sudo -u deploy git push",
        "nice -n 5 git push",
        "timeout -s KILL 60 git push",
        "echo origin | xargs -n 1 git push",
        "watch 'git push'",
        "watch -n 1 'git push'",
        "parallel -j 2 'git push' ::: a b",
        "setsid nohup git push",
        "busybox sh -c 'git push'",
        "bash -o pipefail -ec 'git push'",
        "env -S 'git push'",
        "su deploy -c 'git push'",
        "npx --yes gh release create v1",
        "uv run twine upload dist/*",
        "bash -c \"sh -c 'git push'\"",
        "flock /tmp/x git push",
        "eval git push",
        "trap 'git push' EXIT",
    ],
    "separators": [
        "make; git push",
        "make & git push",
        "make && git push",
        "make || git push",
        "make | git push",
        "make\ngit push",
        "# a comment\ngit push",
        "cat <<'E'\ngit status\nE\ngit push",
        "if true; then git push; fi",
        "for r in a b; do git push $r; done",
        "while ! git push; do sleep 1; done",
        "(cd x && git push)",
        "{ git push; }",
        "X=1 git push",
        ">out 2>&1 git push",
    ],
    "substitutions": [
        "echo $(git push)",
        'echo "at `git push`"',
        "diff <(git push) x",
        "tee >(git push)",
        "cat <<E\n$(git push)\nE",
        "echo ${x:-$(git push)}",
        "echo $(( $(git push) ))",
        "cat <<< $(git push)",
        "A=$(git push)",
    ],
    "quoting": [
        "g\\it pu\\sh",
        "\"git\" 'push'",
        "$'\\x67it' push",
        "git ${IFS}push",
        "git $how",
        "$PROGRAM x",
        "g{it,x} push",
        "git p*sh",
        "git \\\n push",
    ],
    "cases, functions and lists": [
        "case a in (a|b) make;; *) git push;; esac",
        "case a in a) if true; then git push; fi ;& b) ls; esac",
        "case $(git push) in a) ls;; esac",
        "f() { git push; }; f",
        "function f { git push; }",
        "function f() ( git push )",
        'git() { command git "$@"; }; git push',
        'a=(git push); "${a[@]}"',
        "a=($(git push))",
        "declare -a a=(x `git push`)",
        "alias g='git push'",
    ],
    "what does more than its name says": [
        "echo x > ~/.bashrc",
        "echo x >> $HOME/.profile",
        "echo x > .git/hooks/pre-commit",
        "tee /etc/hosts < x",
        "curl -o/etc/x http://x",
        "PATH=bin:$PATH make",
        "export GIT_SSH_COMMAND=x",
        "env LD_PRELOAD=./x.so ls",
        "NODE_OPTIONS='--require ./x.js' node y.js",
        "git -c core.sshCommand=./x fetch",
        "git config core.hooksPath x",
        "git -c $key status",
        "sed 's/a/b/e' x",
        "awk 'BEGIN { system(\"x\") }'",
    ],
    "programs that run others": [
        "find . -name x -exec git push \\;",
        "find . -exec sh -c 'git push' \\;",
        "git -c alias.x=push x",
        "git -c alias.x='!git push' x",
        "curl -s x | sh",
        "bash <<E\nls\nE",
        'sh -c "$LINE"',
    ],
    "not understood": [
        "select a in b; do ls; done",
        "case a in a) ls",
        "ls =(git push)",
        "(cat <<'E' )\n'\nE\ngit push #'",
        "case a in a) cat <<'E' ;;\nesac; echo '\nE\nb) git push;; esac'",
        "make\rx",
        "git\u00a0push",
        "ls 'open",
        "ls $(open",
        "ls )",
        "; ".join(["true"] * 51),
        "$(" * 40 + ")" * 40,
    ],
}
RUN = [
    "pytest -q tests/test_push.py",
    "git status && git diff HEAD",
    "git add -A && git commit -m 'push it' -q",
    "git stash push",
    "git -C x log --grep push --oneline",
    "git help push",
    "gh --version",
    "command -v aws",
    "grep -rn 'git push' docs | head -5",
    "timeout 60 grep -rn aws src",
    "find . -name '*.py' -not -path './x/*' | xargs wc -l",
    "find . -name x -exec grep -n ssh {} +",
    "xargs -I {} cp {} out < list",
    "echo 'git push' > notes.txt",
    'echo "$HOME and ${PATH:-none} $((1 + 2))"',
    "cat > x.sh <<'E'\ngit push $(origin)\nE",
    "python - <<'E'\nprint('npm publish')\nE",
    "npm test && npm run build",
    "npm install aws-sdk twine",
    "cargo test --workspace -- --nocapture",
    "mvn -q test",
    "./gradlew test --tests X",
    "terraform fmt && terraform validate",
    "docker build -t x .",
    "kubectl version",
    "rsync -a src/ out/",
    'for f in *.py; do python -m py_compile "$f"; done',
    "if [ -f x ] && [[ $a == b* || -n $c ]]; then echo yes; else echo no; fi",
    'A=1 B="$(date)" make -j4 test 2>&1 | tee log | tail -20',
    "cd sub && ls -la; pwd # and git push",
    "bash run.sh && sh -c 'make test'",
    'test -n "$x" || exit 1',
    "python -m pytest tests/ssh",
    "uv run pytest -k push",
    "sed -n '1,20p' a.py | awk '{print $1}'",
    "IFS=$'\\n' read -r a",
    "time make",
    "case $1 in a) make;; *) ls;; esac",
    'case "$(uname)" in\n  Linux)\n    ls | wc -l\n    ;;\n  (Darwin|BSD) true ;;&\n  *) echo no\nesac\necho $?',
    "f() { ls; }; f",
    'function f { ls "$1"; }; f x',
    'a=(one \'two three\' $x); for i in "${a[@]}"; do echo "$i"; done',
    "declare -A m=([a]=1 [b]=2); echo ${#m[@]}",
    'files+=(x.py); pytest "${files[@]}"',
    "PATH=$PWD/bin:/opt/x/bin:$PATH make",
    "GIT_PAGER=cat git -c core.pager=cat -c user.name=x log",
    "NODE_OPTIONS=--max-old-space-size=4096 npm test",
    "echo x > /tmp/x 2>/dev/null && rm -rf /tmp/x build",
    "sed -i 's/w/e/; s/a/b/g' url.py && git add url.py alias.c",
    "awk -F'|' '/a|b/ { print $1 }' x",
    "env | sort",
    "",
    "  # nothing",
]


@pytest.mark.parametrize("line", [line for lines in ASKS.values() for line in lines])
def test_it_asks(line: str) -> None:
    assert Rules().judge([line]).verdict == "ask"


@pytest.mark.parametrize("line", RUN)
def test_it_is_run(line: str) -> None:
    judged = Rules().judge([line])
    assert judged.verdict == "allow", judged.why


@pytest.mark.parametrize("rule", OUTSIDE)
def test_what_has_an_effect_outside_is_never_allowed_by_a_rule(rule: str) -> None:
    line = rule.replace("*", "x")
    assert Rules(allow=(rule, line, rule.partition(" ")[0])).judge([line]).verdict == "ask"


RULES = Rules(allow=("docker ps",), ask=("docker", "rm -r"), deny=("docker run --privileged", "nc"))


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("docker ps -a", "allow"),
        ("docker --context x ps", "allow"),
        ("docker images", "ask"),
        ("docker run -it --privileged x", "deny"),
        ("docker ps && docker run --privileged x", "deny"),
        ("rm -r out", "ask"),
        ("rm out", "allow"),
        ("ls | nc example.org 1", "deny"),
        ("git push | nc x 1", "deny"),
    ],
)
def test_the_longest_rule_decides_and_of_all_commands_the_strictest(line: str, verdict: str) -> None:
    assert RULES.judge([line]).verdict == verdict


def test_commands_of_all_lines_are_judged_together() -> None:
    assert Rules().judge(["ls"] * 50).verdict == "allow"
    assert Rules().judge(["ls"] * 51).verdict == "ask"
    assert Rules().judge(["ls", "git push"]).verdict == "ask"


def test_a_long_text_is_judged_at_once() -> None:
    long = "cat > x <<'E'\n" + "a line of it\n" * 20_000 + "E\necho '" + "x" * 200_000 + "'"
    assert Rules().judge([long]).verdict == "allow"
    assert Rules().judge(["git " + "-x " * 20_000 + "status"]).verdict == "allow"


PIECES = st.sampled_from(
    [
        "git",
        "push",
        "git push",
        " ",
        "\n",
        ";",
        "|",
        "&&",
        "&",
        "(",
        ")",
        "{ ",
        "; }",
        "$(",
        "${x:-",
        "}",
        "`",
        "'",
        '"',
        "\\",
        "<<E\n",
        "\nE\n",
        ">f",
        "<<<",
        "<(",
        "$",
        "#",
        "$'",
        "\\x70",
        "ush",
        "x=",
        "$x",
        "~",
        "*",
        "{git,push}",
        "$((",
        "))",
        "if true; then ",
        "; fi",
        "for i in a; do ",
        "; done",
        "! ",
        "time ",
        "[[ a ]]",
        "f() ",
        "function f ",
        "a=(",
        "a=",
        "b) ",
        " esac",
        "(b|c) ",
        ";& ",
        ";; esac",
        "case a in a) ",
        "sh -c ",
        "bash -ec ",
        "env ",
        "eval ",
        "xargs ",
        "echo ",
        "exec ",
        "command ",
        "trap ",
        " EXIT",
    ]
)
LINES = st.lists(PIECES, max_size=14).map("".join)


@given(LINES | st.text(max_size=40))
def test_any_text_is_judged(line: str) -> None:
    assert Rules().judge([line]).verdict in ("allow", "ask")


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bool]:
    """Whether a line that bash runs pushes, where git is one that only notes that."""
    home = tmp_path_factory.mktemp("bash")
    (home / "bin").mkdir()
    (home / "work").mkdir()
    for name in ("sh", "bash", "env", "xargs", "cat"):
        (home / "bin" / name).symlink_to(str(shutil.which(name)))
    git = home / "bin" / "git"
    git.write_text(f'#!/bin/sh\n[ "$1" != push ] || echo pushed > {home}/pushed\n')
    git.chmod(0o755)

    def run(line: str) -> bool:
        (home / "pushed").unlink(missing_ok=True)
        with suppress(subprocess.TimeoutExpired, ValueError):
            subprocess.run(
                ["/bin/bash", "-c", line],
                env={"PATH": str(home / "bin")},
                cwd=home / "work",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=5,
                check=False,
            )
        return (home / "pushed").exists()

    return run


def test_the_trap_is_a_trap(pushed: Callable[[str], bool]) -> None:
    assert pushed("echo a | xargs git push")
    assert not pushed("git status")


@settings(max_examples=300)
@given(LINES, st.sampled_from(["", "git push", " git push)", "; git push", "\ngit push"]))
def test_what_bash_would_push_is_not_run(pushed: Callable[[str], bool], line: str, end: str) -> None:
    if Rules().judge([line + end]).verdict == "allow":
        assert not pushed(line + end)
