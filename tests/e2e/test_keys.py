"""Keys from each source reach their provider, and nothing else: not the disk, not a prompt, not a command."""

import base64
import json
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures import team
from tests.fixtures.file_keyring import PLACE
from tests.fixtures.openai_server import Answer, OpenAIServer, call, fail
from tests.fixtures.program import SERVER, Program, program
from tests.fixtures.vault_server import VaultServer

from wainwright.secrets import SIGNING_KEY

pytest.importorskip("hvac", reason="hvac, the library for Vault, is not installed")
pytest.importorskip("opentelemetry.proto", reason="the extra otel is not installed")
Collector = pytest.importorskip("tests.fixtures.otlp_collector").Collector

KEYS = {
    "environment": "Kx7environment-sW2q9",
    "file": "Kx7file-pT5m3",
    "keyring": "Kx7keyring-bN8d1",
    "vault": "Kx7vault-zR4j6",
}
TOKEN = "Kx7token-hV6c0"
SIGNING = "Kx7signing0rZ5w1cB9mYt3LpQvXjHn6sDfGkUaEoI8="
"""The key to sign with, which Vault has."""
MARK = "Kx7"
"""In each of them, and nowhere else."""
GOAL = f"{team.GOAL} Mind the watchword hedgehog."
SOURCE_OF = {
    "planner": "environment",
    "designer": "environment",
    "tester": "file",
    "implementer": "keyring",
    "reviewer": "vault",
    "critic": "vault",
    "deployer": "vault",
    "monitor": "vault",
}
NOSY = "env; cat /proc/*/environ ~/.vault-token ~/.config/*/* | tr '\\0' '\\n'; echo looked"


@pytest.fixture
def wainwright() -> Iterator[Program]:
    with program(alone=True) as made:
        made.extra |= {
            "PYTHONPATH": f"{SERVER}:{SERVER.parent}",
            "PYTHON_KEYRING_BACKEND": "tests.fixtures.file_keyring.FileKeyring",
            PLACE: str(made.root / "keyring.json"),
        }
        (made.root / "home").mkdir()
        (made.root / "config" / "wainwright").mkdir(parents=True)
        yield made


def keys(wainwright: Program, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of ``wainwright keys``."""
    return subprocess.run(
        [sys.executable, "-m", "wainwright", "keys", *words],
        input=typed,
        capture_output=True,
        text=True,
        cwd=wainwright.workspace,
        env=wainwright.environment,
        check=False,
    )


def listed(wainwright: Program) -> dict[str, Any]:
    found = json.loads(keys(wainwright, "list", "--json").stdout)["keys"]
    return {one["name"]: one["source"] for one in found}


def test_a_key_is_set_listed_and_removed_and_never_shown(wainwright: Program) -> None:
    value = KEYS["keyring"]
    said = keys(wainwright, "set", "MY_KEY", typed=f"{value}\n")
    assert (said.returncode, said.stdout) == (0, "MY_KEY is in the keyring.\n")
    assert listed(wainwright) == {"MY_KEY": "keyring"}
    shown = keys(wainwright, "list")
    assert "MY_KEY" in shown.stdout
    assert value not in shown.stdout + shown.stderr
    assert value[-4:] not in shown.stdout

    wainwright.extra["MY_KEY"] = KEYS["environment"]
    again = keys(wainwright, "set", "MY_KEY", typed=f"{value}\n")
    assert "It is not used as long as MY_KEY is in the environment" in again.stdout
    del wainwright.extra["MY_KEY"]

    assert keys(wainwright, "set", "MY_KEY", typed="\n").returncode == 2
    assert keys(wainwright, "remove", "MY_KEY").returncode == 0
    gone = keys(wainwright, "remove", "MY_KEY")
    assert (gone.returncode, "is not in the keyring" in gone.stderr) == (2, True)
    assert listed(wainwright) == {}
    wrong = keys(wainwright, "set", value + "=", typed="x\n")
    assert (wrong.returncode, value in wrong.stderr) == (2, False)


def test_without_a_keyring_it_says_what_to_do_and_writes_nothing(wainwright: Program) -> None:
    del wainwright.extra["PYTHON_KEYRING_BACKEND"]
    before = set(wainwright.root.rglob("*"))
    said = keys(wainwright, "set", "MY_KEY", typed=f"{KEYS['keyring']}\n")
    assert said.returncode == 2
    assert "There is no keyring that can be used: no desktop session is open" in said.stderr
    assert "credentials.toml" in said.stderr
    assert set(wainwright.root.rglob("*")) == before
    assert "no desktop session" in keys(wainwright, "list").stdout


def test_a_key_to_sign_with_is_made_once_and_its_public_half_is_told(wainwright: Program) -> None:
    made = keys(wainwright, "signing")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith(f"{SIGNING_KEY} is in the keyring.")
    again = keys(wainwright, "signing")
    assert again.stdout.splitlines()[-1] == made.stdout.splitlines()[-1]
    assert listed(wainwright) == {SIGNING_KEY: "keyring"}
    assert f"the public key is {again.stdout.splitlines()[-1]}" in wainwright.do("doctor").out
    wainwright.extra[SIGNING_KEY] = f"{MARK} is no key"
    for said in (keys(wainwright, "signing"), keys(wainwright, "list")):
        assert MARK not in said.stdout + said.stderr
    told = wainwright.do("doctor")
    assert "no signing key" in told.out
    assert MARK not in told.out


def test_without_a_keyring_it_says_how_a_key_to_sign_with_is_made(wainwright: Program) -> None:
    del wainwright.extra["PYTHON_KEYRING_BACKEND"]
    said = keys(wainwright, "signing")
    assert said.returncode == 2
    assert f"Set {SIGNING_KEY} to what `openssl rand -base64 32` prints" in said.stderr


def _configure(wainwright: Program, servers: dict[str, OpenAIServer], vault: VaultServer) -> None:
    folder = wainwright.root / "config" / "wainwright"
    roles = [
        f'[[models.roles.{role}]]\nmodel = "openai/any"\napi_base = "{servers[source].base}"\n'
        f'api_key_env = "CANARY_{source.upper()}"'
        for role, source in SOURCE_OF.items()
    ]
    (folder / "config.toml").write_text("\n".join((*roles, f'[vault]\nurl = "{vault.url}"\n')))
    stored = folder / "credentials.toml"
    stored.write_text(f'CANARY_FILE = "{KEYS["file"]}"\n')
    stored.chmod(0o600)
    wainwright.extra |= {"CANARY_ENVIRONMENT": KEYS["environment"], "VAULT_TOKEN": TOKEN}
    assert keys(wainwright, "set", "CANARY_KEYRING", typed=KEYS["keyring"] + "\n").returncode == 0


def test_no_key_of_any_source_is_anywhere_but_at_its_provider(wainwright: Program) -> None:
    failures = iter([fail(500, f"cannot look up {KEYS['environment']}")])

    def play(body: dict[str, Any]) -> Answer:
        if team.part(body) == "Planner" and (failed := next(failures, None)):
            return failed
        nosy = team.part(body) == "Implementer" and team.turns(body) == 0
        return call("shell", command=NOSY) if nosy else team.play(body)

    with ExitStack() as stack:
        servers = {
            source: stack.enter_context(OpenAIServer(play, api_key=key)) for source, key in KEYS.items()
        }
        fields = {"CANARY_VAULT": KEYS["vault"], SIGNING_KEY: SIGNING}
        collector = Collector()
        stack.callback(collector.close)
        wainwright.extra["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
        _configure(wainwright, servers, stack.enter_context(VaultServer(TOKEN, fields)))
        told = keys(wainwright, "list")
        assert [told.stdout.count(f"CANARY_{source.upper()}") for source in KEYS] == [1] * 4
        ended = wainwright.do(
            "--verbose", "run", GOAL, "--json", "--deploy", "--record", str(wainwright.root / "story.jsonl")
        )
        assert ended.last["stage"] == "DONE", ended.out + ended.err
        assert min(server.completed for server in servers.values()) > 0, "each key was accepted"
        prompts = json.dumps([body for server in servers.values() for body in server.requests])
        costs = wainwright.do("cost", "--calls").out
        stated = wainwright.do("--verbose", "audit", "statement", ended.last["run"])
        public = keys(wainwright, "signing")

    assert "looked" in prompts, "the nosy command ran"
    assert "PATH=/" in prompts, "and saw an environment"
    by = public.stdout.splitlines()[-1]
    told_by = wainwright.git(
        "log", "-1", "--format=%(trailers:key=Wainwright-Signature)", ended.last["branch"]
    )
    assert f"ed25519 {by} " in told_by
    assert json.loads(stated.out)["signatures"][0]["keyid"] == by
    service = Path(f"/proc/{_service(wainwright)}/environ").read_bytes()
    found = {
        "prompts": [prompts.encode()],
        "output and log": [one.encode() for one in (ended.out, ended.err, told.stdout, costs, public.stdout)],
        "the statement": [stated.err.encode(), base64.b64decode(json.loads(stated.out)["payload"])],
        "the service's environment": [service],
        "spans": [str(collector.got).encode()],
        "the recording": [(wainwright.root / "story.jsonl").read_bytes()],
        "the state directory": list(_contents(wainwright.root / "state")),
        "the workspace": list(_contents(wainwright.workspace)),
    }
    marks = (MARK.encode(), base64.b64decode(SIGNING), base64.b64decode(SIGNING).hex().encode())
    leaks = [name for name, texts in found.items() if any(mark in text for text in texts for mark in marks)]
    assert leaks == []
    holding = [place for place, texts in found.items() if any(b"hedgehog" in text for text in texts)]
    told_to = ["prompts", "the statement", "the recording", "the state directory", "the workspace"]
    assert holding == told_to, "what is looked through can be read"
    calls = json.loads(ended.out.splitlines()[-1])["model_calls"]
    assert sum(not span["failed"] for span in collector.spans()) == calls, "each call was told of, once"
    assert sum(span["failed"] for span in collector.spans()) == 1
    assert b"CANARY_ENVIRONMENT" not in service


def _service(wainwright: Program) -> int:
    records = map(
        json.loads, (path.read_text() for path in wainwright.root.glob("state/**/deployments/**/*.json"))
    )
    return next(int(record["pid"]) for record in records if record.get("pid"))


def _contents(folder: Path) -> Iterator[bytes]:
    """What lies below a folder: files, rows of databases, and objects of git repositories, unpacked."""
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        yield path.read_bytes()
        if path.suffix == ".db":
            yield from _rows(path)
        if path.name == "HEAD" and (path.parent / "objects").is_dir():
            batch = ["git", "--git-dir", path.parent, "cat-file", "--batch-all-objects", "--batch"]
            yield subprocess.run(batch, capture_output=True, check=True).stdout


def _rows(path: Path) -> Iterator[bytes]:
    db = sqlite3.connect(path)
    try:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in db.execute(f"SELECT * FROM {table}"):
                for value in row:
                    raw = value if isinstance(value, bytes) else str(value).encode()
                    try:
                        yield zlib.decompress(raw)
                    except zlib.error:
                        yield raw
    finally:
        db.close()
