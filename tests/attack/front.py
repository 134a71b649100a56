"""Group L: what an editor, or whatever has its place, may send, and the ways in which it may leave.

Each case is tried on a real server process. A refusal is an error that names the request, or a line in the editor's
log; a popup is an alarm, and so is a server that does not serve the next request.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.attack.cases import Case, Group, Seen

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from client import Client, Refused, frame
from tests.fixtures.leftovers import gone, processes_of
from workplace import GOAL, Workplace

GROWTH = 64 * 2**20
"""Bytes of memory that the server may have gained over all cases."""
PATIENCE = 8.0
"""Seconds that a server gets for an answer."""
SESSIONS = int(os.environ.get("SESSIONS", "3"))
"""Conversations that are opened and closed one after the other; `make nightly` has 200."""
IDLE_S = float(os.environ.get("IDLE_S", "2"))
"""Seconds in which nobody says anything; `make nightly` has ten minutes."""
MIB = 2**20


class Front:
    """A server process and a conversation with it, which most cases share; others start their own."""

    def __init__(self, base: Path, *argv: str) -> None:
        self.base = base
        self.argv = argv
        self._shared: Client | None = None
        self._began = 0
        self._all: list[Client] = []
        self._number = 0

    async def start(self, *argv: str, **options: Any) -> Client:
        """A process with these arguments to Python, which does not outlive the cases."""
        self._all.append(await Client.start(*argv, **options))
        return self._all[-1]

    @property
    def product(self) -> tuple[str, ...]:
        """The arguments to Python of the program itself."""
        return self.argv or ("-m", "wainwright")

    async def fresh(self, *, initialize: bool = True, **params: Any) -> Client:
        client = await self.start(*self.argv)
        if initialize:
            await client.initialize(**params)
        return client

    async def shared(self) -> Client:
        if self._shared is None or self._shared.process.returncode is not None:
            self._shared = await self.fresh()
            self._began = memory(self._shared.process.pid)
        return self._shared

    def alarms(self) -> list[str]:
        """What the server has become by now."""
        if self._shared is None or self._shared.process.returncode is not None:
            return []
        grown = memory(self._shared.process.pid) - self._began
        return [f"the server has grown by {grown >> 20} MiB"] if grown > GROWTH else []

    def number(self) -> int:
        self._number += 1
        return 1_000_000 + self._number

    async def drop(self) -> None:
        """Forget the conversation that is shared: a case has broken it."""
        if self._shared is not None:
            await self._shared.kill()
            self._shared = None

    async def close(self) -> None:
        for client in self._all:
            await client.kill()


def memory(pid: int) -> int:
    """Bytes that a process has in memory."""
    found = [
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")
    ]
    return int(found[0].split()[1]) * 1024 if found else 0


def command(number: Any, name: str = "probe.sleep", **argument: Any) -> dict[str, Any]:
    """A request that leaves a trace when it is done: `finished` goes up."""
    params = {"command": name, "arguments": [argument]}
    return {"jsonrpc": "2.0", "id": number, "method": "workspace/executeCommand", "params": params}


def body(number: Any) -> bytes:
    return json.dumps(command(number)).encode()


async def finished(client: Client) -> int:
    return int(
        (await client.request("workspace/executeCommand", {"command": "probe.seen"}, PATIENCE))["finished"]
    )


async def lives(client: Client) -> bool:
    """Whether the server serves what comes next; what was lost in between may cost a request or two."""
    for patience in (PATIENCE / 4, PATIENCE / 4, PATIENCE):
        with suppress(AssertionError, Refused):
            return bool(await client.request("probe/echo", {"still": "here"}, patience))
    return False


async def judged(front: Front, client: Client, before: int, number: Any) -> Seen:
    """What came of something that was sent to a server which ought to go on."""
    if not await lives(client):
        await front.drop()
        return Seen("hold", ["the server is deaf or gone"], client.stderr[-500:].decode(errors="replace"))
    alarms = [f"a popup: {one}" for one in client.notifications.pop("window/showMessage", [])]
    alarms += [f"the client says: {one}" for one in client.problems]
    client.problems.clear()
    done = await finished(client) > before
    answers = [client.answers.pop(one, None) for one in (number, None)]
    said = [str(one["error"]) for one in answers if one and "error" in one]
    said += [one["message"] for one in client.notifications.pop("window/logMessage", [])]
    answered = any(one and "result" in one for one in answers)
    for one in [one for one in client.answers if isinstance(one, int) and one < 1_000_000]:
        client.answers.pop(one)  # those to signs of life that came late
    outcome = "ok" if done or answered else "refuse" if said else "hold"
    return Seen(outcome, alarms + front.alarms(), "; ".join(said)[:300])


Act = Callable[[Front], Awaitable[Seen]]


def sent(make: Callable[[int], bytes]) -> Act:
    """Bytes on the wire of a conversation that has begun, which hold a command with a number."""

    async def act(front: Front) -> Seen:
        client, number = await front.shared(), front.number()
        before = await finished(client)
        client.send_bytes(make(number))
        return await judged(front, client, before, number)

    return act


def headed(*lines: bytes, cut: int = 0) -> Act:
    """A command behind headers in which ``{}`` is its length."""

    def make(number: int) -> bytes:
        told = body(number)
        size = b"%d" % (len(told) - cut)
        return b"".join(line.replace(b"{}", size) for line in lines) + told

    return sent(make)


def said(text: str | bytes) -> Act:
    """A body, rightly framed, in which ``$`` is the number and ``~`` the parameters of a command."""

    def make(number: int) -> bytes:
        raw = text.encode() if isinstance(text, str) else text
        params = b'{"command":"probe.sleep","arguments":[{}]}'
        return frame(raw.replace(b"$", b"%d" % number).replace(b"~", params))

    return sent(make)


# ---- L1: framing


async def longer_than_its_body_then_the_end(front: Front) -> Seen:
    client = await front.fresh()
    told = body(front.number())
    client.send_bytes(b"Content-Length: %d\r\n\r\n%s" % (len(told) + 100, told))
    client.process.stdin.close()
    return await ended(client, {1}, "refuse")


async def in_single_bytes(front: Front) -> Seen:
    client, number = await front.shared(), front.number()
    before = await finished(client)
    for at in frame(body(number)):
        client.send_bytes(bytes([at]))
        await client.process.stdin.drain()
    return await judged(front, client, before, number)


async def a_thousand_at_once(front: Front) -> Seen:
    client = await front.shared()
    numbers = [front.number() for _ in range(1000)]
    before = await finished(client)
    client.send_bytes(b"".join(frame(body(number)) for number in numbers))
    for number in numbers:
        await client.answer(number, PATIENCE * 2)
    done = await finished(client) - before
    return Seen("ok" if done == 1000 else "refuse", front.alarms(), f"{done} done")


async def ended(client: Client, codes: set[int], outcome: Any = "hold", within: float = 0.0) -> Seen:
    """The server ends by itself, with a code that it chose, and says nothing that nobody asked for."""
    within = within or PATIENCE
    began = time.monotonic()
    try:
        code = await client.exit_code(within)
    except TimeoutError:
        return Seen("hold", [f"it lives on after {within:g} s"])
    alarms = [] if code in codes else [f"exit code {code}"]
    alarms += [f"on standard error: {client.stderr[-500:]!r}"] if b"Traceback" in client.stderr else []
    return Seen(outcome, alarms, f"{time.monotonic() - began:.1f} s")


FRAMING = [
    ("no length", "refuse", headed(b"X-Other: 1\r\n\r\n")),
    ("a length of nothing", "refuse", sent(lambda _: b"Content-Length: 0\r\n\r\n")),
    ("a negative length", "refuse", headed(b"Content-Length: -{}\r\n\r\n")),
    ("a length with a sign", "refuse", headed(b"Content-Length: +{}\r\n\r\n")),
    ("a length in hex", "refuse", headed(b"Content-Length: 0x70\r\n\r\n")),
    ("a length with an exponent", "refuse", headed(b"Content-Length: 1e2\r\n\r\n")),
    ("a length of 20 digits", "refuse", headed(b"Content-Length: " + b"9" * 20 + b"\r\n\r\n")),
    ("a length of 5,000 digits", "refuse", headed(b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n")),
    ("a length of 10^12", "refuse", headed(b"Content-Length: 1000000000000\r\n\r\n")),
    ("a length that is too short", "refuse", headed(b"Content-Length: {}\r\n\r\n", cut=20)),
    ("a length that is too long, then the end", "refuse", longer_than_its_body_then_the_end),
    ("the same length twice", "ok", headed(b"Content-Length: {}\r\nContent-Length: {}\r\n\r\n")),
    ("two lengths", "refuse", headed(b"Content-Length: 5\r\nContent-Length: {}\r\n\r\n")),
    ("a header name in capitals", "ok", headed(b"CONTENT-length: {}\r\n\r\n")),
    ("no space behind the colon", "ok", headed(b"Content-Length:{}\r\n\r\n")),
    ("lines that end in LF alone", "ok", headed(b"Content-Length: {}\n\n")),
    ("a folded header", "refuse", headed(b"X-Other: 1\r\n Content-Length: {}\r\n\r\n")),
    ("a header of 1 MiB", "refuse", headed(b"X-Other: " + b"x" * MIB + b"\r\nContent-Length: {}\r\n\r\n")),
    ("an unknown header", "ok", headed(b"X-Other: 1\r\nContent-Length: {}\r\n\r\n")),
    (
        "UTF-16, and said so",
        "refuse",
        sent(
            lambda n: (
                b"Content-Type: application/vscode-jsonrpc; charset=utf-16\r\n"
                + frame(body(n).decode().encode("utf-16"))
            )
        ),
    ),
    ("a byte order mark", "refuse", sent(lambda n: frame(b"\xef\xbb\xbf" + body(n)))),
    ("a body in single bytes", "ok", in_single_bytes),
    ("1,000 messages in one write", "ok", a_thousand_at_once),
    ("NULs between messages", "ok", headed(b"\0\0\0\0Content-Length: {}\r\n\r\n")),
]


# ---- L2: JSON


async def ids_of_other_kinds(front: Front) -> Seen:
    client = await front.shared()
    before = await finished(client)
    for number in ({"a": 1}, 1.5, True, [1], None):
        client.send(command(number))
        await client.until(lambda: None in client.answers, "an answer", PATIENCE)
        if "error" not in client.answers.pop(None):
            return Seen("ok", said=f"{number!r} was taken")
    client.send(command(2**64, "probe.seen"))
    exact = await client.answer(2**64, PATIENCE)
    seen = await judged(front, client, before, None)
    return Seen("refuse" if exact and seen.outcome == "hold" else seen.outcome, seen.alarms, seen.said)


async def an_error_without_a_code(front: Front) -> Seen:
    client = await front.shared()
    before = await finished(client)
    asked = await a_question(client)
    client.send({"jsonrpc": "2.0", "id": asked["id"], "error": {"message": "no"}})
    told = await client.answer(asked["of"], PATIENCE)
    seen = await judged(front, client, before, None)
    return Seen(
        seen.outcome, [*seen.alarms, *([] if told["failure"] else ["the error was taken for an answer"])]
    )


async def a_question(client: Client, seconds: float = 30.0) -> dict[str, Any]:
    """Have the server ask something, which nobody answers yet: the id of the question, and of the command."""

    async def silent(_: Any) -> None:
        await asyncio.Event().wait()

    client.on("probe/question", silent)
    known = len(client.requests)
    params = {"command": "probe.ask", "arguments": [{"method": "probe/question", "seconds": seconds}]}
    of = client.begin("workspace/executeCommand", params)
    await client.until(lambda: len(client.requests) > known, "a question", PATIENCE)
    return {"id": client.requests[-1]["id"], "of": of}


def answer_to(question: dict[str, Any], **result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": question["id"], "result": result}


JSONS = [
    ("no JSON", "refuse", said('{"jsonrpc" "2.0", "id": $}')),
    (
        "JSON that is cut",
        "refuse",
        said('{"jsonrpc":"2.0","id":$,"method":"workspace/executeCommand","params":{"com'),
    ),
    ("a list", "refuse", said('[{"jsonrpc":"2.0","id":$,"method":"workspace/executeCommand","params":~}]')),
    ("null", "refuse", said("null")),
    ("a number", "refuse", said("7")),
    ("100,000 lists in each other", "refuse", said("[" * 100_000 + "]" * 100_000)),
    (
        "a name twice",
        "refuse",
        said('{"jsonrpc":"2.0","id":$,"method":"probe/echo","method":"workspace/executeCommand","params":~}'),
    ),
    (
        "NaN and Infinity",
        "refuse",
        said(
            '{"jsonrpc":"2.0","id":$,"method":"workspace/executeCommand",'
            '"params":{"command":"probe.sleep","arguments":[{"seconds":-Infinity}]}}'
        ),
    ),
    (
        "a number of 5,000 digits",
        "refuse",
        said('{"jsonrpc":"2.0","id":$,"method":"probe/echo","params":' + "1" * 5000 + "}"),
    ),
    (
        "half a surrogate pair",
        "ok",
        said('{"jsonrpc":"2.0","id":$,"method":"probe/echo","params":"a\\ud800b"}'),
    ),
    (
        "bytes that are not UTF-8",
        "refuse",
        said(b'{"jsonrpc":"2.0","id":$,"method":"probe/echo","params":"\xff\xfe"}'),
    ),
    (
        "a text of 64 MiB",
        "refuse",
        said(b'{"jsonrpc":"2.0","id":$,"method":"probe/echo","params":"' + b"x" * (64 * MIB) + b'"}'),
    ),
    (
        "another version of JSON-RPC",
        "refuse",
        said('{"jsonrpc":"1.0","id":$,"method":"workspace/executeCommand","params":~}'),
    ),
    ("no method", "refuse", said('{"jsonrpc":"2.0","id":$,"params":~}')),
    (
        "parameters of another form",
        "refuse",
        said('{"jsonrpc":"2.0","id":$,"method":"workspace/executeCommand","params":"x"}'),
    ),
    ("ids that are none", "refuse", ids_of_other_kinds),
    ("an answer to nothing", "hold", said('{"jsonrpc":"2.0","id":"wainwright:7","result":{}}')),
    ("an error without a code", "hold", an_error_without_a_code),
]


# ---- L3: order


async def a_command_before_initialize(front: Front) -> Seen:
    client = await front.fresh(initialize=False)
    client.send(command(1))
    client.send(command("two"))
    client.next_id = 10
    try:
        await client.until(lambda: 1 in client.answers and "two" in client.answers, "answers", PATIENCE)
    except AssertionError as silent:
        return Seen("hold", [str(silent)])
    codes = {client.answers.pop(one).get("error", {}).get("code") for one in (1, "two")}
    await client.initialize()
    done = await finished(client)
    return Seen("ok" if done else "refuse", [] if codes == {-32002} else [f"codes {codes}"])


async def initialize_twice(front: Front) -> Seen:
    client, number = await front.shared(), front.number()
    before = await finished(client)
    params = {"capabilities": {}, "processId": None, "rootUri": "file:///"}
    client.send({"jsonrpc": "2.0", "id": number, "method": "initialize", "params": params})
    return await judged(front, client, before, number)


async def a_command_after_shutdown(front: Front) -> Seen:
    client = await front.fresh()
    await client.request("shutdown", patience=PATIENCE)
    client.send(command(99))
    try:
        await client.answer(99, PATIENCE)
    except Refused:
        client.notify("exit")
        return await ended(client, {0}, "refuse")
    return Seen("ok")


async def exit_first(front: Front) -> Seen:
    client = await front.fresh(initialize=False)
    client.send(command(1, "probe.block", seconds=3.0))
    client.notify("exit")
    client.send(command(2))
    seen = await ended(client, {1})
    return Seen("ok" if 2 in client.answers and "result" in client.answers[2] else seen.outcome, seen.alarms)


async def cancel_of_what_is_not_there(front: Front) -> Seen:
    client = await front.shared()
    before = await finished(client)
    question = await a_question(client)
    for number in (987_654, client.next_id - 1, question["id"], None, {"a": 1}):
        client.notify("$/cancelRequest", {"id": number})
    client.notifications.pop("window/logMessage", None)
    await client.request("probe/echo", 1, PATIENCE)
    client.send(answer_to(question, title="Yes"))
    try:
        told = await client.answer(question["of"], PATIENCE)
    except Refused as refused:
        return Seen("refuse", [f"the question is lost: {refused}"])
    client.notifications.pop("window/logMessage", None)
    seen = await judged(front, client, before, None)
    return Seen(seen.outcome, [*seen.alarms, *([] if told["result"] else ["the answer was not taken"])])


async def the_same_id_twice(front: Front) -> Seen:
    client, number = await front.shared(), front.number()
    before = await finished(client)
    client.send(command(number, seconds=0.4))
    client.send(command(number))
    await asyncio.sleep(0.2)
    early = client.answers.pop(number, None)
    with suppress(AssertionError):
        await client.until(lambda: number in client.answers, "the answer", PATIENCE)
    client.answers.pop(number, None)
    alarms = ["the second was answered as the first"] if early else []
    done = await finished(client) - before
    seen = await judged(front, client, before + done, number)
    return Seen("ok" if done > 1 else seen.outcome, alarms + seen.alarms, seen.said)


def document(uri: str, version: int, text: str) -> dict[str, Any]:
    return {"uri": uri, "languageId": "plaintext", "version": version, "text": text}


def changed(uri: str, version: int, text: str, *at: int) -> dict[str, Any]:
    change: dict[str, Any] = {"text": text}
    if at:
        line, character, end_line, end = at
        start, stop = {"line": line, "character": character}, {"line": end_line, "character": end}
        change["range"] = {"start": start, "end": stop}
    return {"textDocument": {"uri": uri, "version": version}, "contentChanges": [change]}


async def mirrored(client: Client, uri: str) -> tuple[str, int | None]:
    told = await client.command("probe.text", uri=uri)
    return bytes.fromhex(told["text"]).decode(), told["version"]


def written(name: str, *steps: tuple[str, Any], reads: str | None = None, version: int | None = None) -> Act:
    """Notifications about one document; at the end the mirror has this text, where it is told."""
    uri = f"file:///tmp/{name}.txt"

    async def act(front: Front) -> Seen:
        client = await front.shared()
        before = await finished(client)
        for method, make in steps:
            client.notify(f"textDocument/{method}", make(uri))
        seen = await judged(front, client, before, None)
        if reads is not None and seen.outcome != "refuse" and not seen.alarms:
            found = await mirrored(client, uri)
            seen.alarms += [] if found == (reads, version) else [f"the mirror reads {found}"]
        return seen

    return act


async def ten_thousand_changes(front: Front) -> Seen:
    client, uri = await front.shared(), "file:///tmp/many.txt"
    client.notify("textDocument/didOpen", {"textDocument": document(uri, 0, "")})
    grown = memory(client.process.pid)
    data = [
        frame(
            {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": changed(uri, n, "a", 0, 0, 0, 0)}
        )
        for n in range(1, 10_001)
    ]
    client.send_bytes(b"".join(data))
    text, version = await mirrored(client, uri)
    grown = (memory(client.process.pid) - grown) >> 20
    alarms = front.alarms() + ([f"it has grown by {grown} MiB"] if grown > 16 else [])
    good = (text, version) == ("a" * 10_000, 10_000)
    return Seen("ok" if good else "refuse", alarms, f"{len(text)} characters, version {version}")


async def a_token_twice(front: Front) -> Seen:
    client = await front.shared()
    client.allowed.add("$/progress")
    before = await finished(client)

    def begun(seconds: float) -> int:
        argument = {"seconds": seconds, "maxCount": 1}
        params = {"command": "probe.progress", "arguments": [argument], "workDoneToken": "mine"}
        return client.begin("workspace/executeCommand", params)

    one, two, short = begun(20), begun(20), begun(0.05)
    await client.answer(short, PATIENCE)
    client.notify("window/workDoneProgress/cancel", {"token": "mine"})
    alarms = []
    for number in (one, two):
        try:
            told = await client.answer(number, 3.0)
            alarms += [] if told["cancelled"] else ["not cancelled"]
        except AssertionError:
            alarms.append("cancel reached one of the two alone")
    client.notifications.pop("$/progress", None)
    seen = await judged(front, client, before, None)
    return Seen(seen.outcome, alarms + seen.alarms)


async def the_editor_s_process_dies(front: Front) -> Seen:
    editor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE
    )
    client = await front.fresh(processId=editor.pid)
    editor.kill()
    await editor.wait()
    return await ended(client, {1}, "hold", within=5.0)


async def a_silent_editor(front: Front) -> Seen:
    client = await front.shared()
    before = await finished(client)
    question = await a_question(client, seconds=0.3)
    try:
        told = await client.answer(question["of"], 3.0)
    except AssertionError as late:
        return Seen("hold", [str(late)[:80]])
    taken = client.notifications.pop("$/cancelRequest", [])
    client.send(answer_to(question, title="Yes, late"))
    seen = await judged(front, client, before, None)
    alarms = [] if "did not answer" in told["failure"] and taken else ["the question was not taken back"]
    return Seen(seen.outcome, alarms + seen.alarms)


async def an_answer_twice(front: Front) -> Seen:
    client = await front.shared()
    before = await finished(client)
    question = await a_question(client)
    client.send(answer_to(question, title="No"))
    client.send(answer_to(question, title="Yes"))
    told = await client.answer(question["of"], PATIENCE)
    seen = await judged(front, client, before, None)
    alarms = [] if told["result"] == {"title": "No"} else [f"taken: {told['result']}"]
    return Seen(seen.outcome, alarms + seen.alarms)


async def an_answer_of_another_window(front: Front) -> Seen:
    mine, other = await front.fresh(), await front.fresh()
    asked, elsewhere = await a_question(mine), await a_question(other)
    other.send(answer_to(asked, title="Yes"))
    await lives(other)
    alarms = ["the answer of another window was taken"] if elsewhere["of"] in other.answers else []
    return Seen("hold", alarms)


async def refused(client: Client, name: str, **argument: Any) -> str:
    """The words with which a command of the product was refused; empty when it was not."""
    try:
        await client.request("workspace/executeCommand", {"command": name, "arguments": [argument]}, 20)
    except Refused as no:
        return str(no)
    return ""


async def folders_that_hold_too_much(front: Front) -> Seen:
    """The root, a home, and what a home lies in."""
    home = front.base / "people" / "person"
    home.mkdir(parents=True, exist_ok=True)
    env = {"HOME": str(home), "XDG_STATE_HOME": str(front.base / "none"), "XDG_CONFIG_HOME": str(home)}
    said = []
    for folder in (Path("/"), home, home.parent):
        client = await front.start(*front.product, "serve", "--stdio", "--no-host", "--trust", env=env)
        await client.initialize(workspaceFolders=[{"uri": folder.as_uri(), "name": "all"}])
        said.append(await refused(client, "wainwright.start", goal=GOAL))
        await client.kill()
    alarms = ["state was made"] if (front.base / "none").exists() else []
    return Seen("refuse" if all("is not a project" in one for one in said) else "ok", alarms, f"{said}")


async def no_folder(front: Front) -> Seen:
    client = await front.start(*front.product, "serve", "--stdio", "--no-host", "--trust")
    await client.initialize(rootUri=None)
    said = await refused(client, "wainwright.start", goal=GOAL)
    await client.kill()
    return Seen("refuse" if "No folder is open" in said else "ok", [], said)


OPENED = ("didOpen", lambda uri: {"textDocument": document(uri, 5, "one\ntwo\n")})
CLOSED = ("didClose", lambda uri: {"textDocument": {"uri": uri}})


def change(version: int, text: str, *at: int) -> tuple[str, Any]:
    return ("didChange", lambda uri: changed(uri, version, text, *at))


ORDER = [
    ("a command before initialize", "refuse", a_command_before_initialize),
    ("initialize twice", "refuse", initialize_twice),
    ("a command after shutdown", "refuse", a_command_after_shutdown),
    ("exit first", "hold", exit_first),
    ("cancel of what is unknown, over, and a question of the server's", "hold", cancel_of_what_is_not_there),
    ("an id twice", "refuse", the_same_id_twice),
    ("a change of what is not open", "hold", written("closed", change(1, "x", 0, 0, 0, 1))),
    (
        "a version that goes back",
        "hold",
        written("back", OPENED, change(2, "X", 0, 0, 0, 1), reads="Xne\ntwo\n", version=2),
    ),
    (
        "a change outside of the text",
        "hold",
        written("far", OPENED, change(6, "!", 900, 900, 2**31 - 1, 7), reads="one\ntwo\n!", version=6),
    ),
    ("closed twice", "hold", written("twice", OPENED, CLOSED, CLOSED)),
    ("10,000 changes at once", "ok", ten_thousand_changes),
    ("a token for progress twice", "hold", a_token_twice),
    ("the root of the machine as workspace", "refuse", folders_that_hold_too_much),
    ("no folder at all", "refuse", no_folder),
    ("the process of the editor dies", "hold", the_editor_s_process_dies),
    ("nobody answers a question", "hold", a_silent_editor),
    ("a question is answered twice", "hold", an_answer_twice),
    ("an answer that is another window's", "hold", an_answer_of_another_window),
]


# ---- L4: life

EDITOR = """
import json, subprocess, sys, time
server = subprocess.Popen([sys.executable, *sys.argv[2:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def send(message):
    body = json.dumps(message).encode()
    server.stdin.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
    server.stdin.flush()
def heard(**wanted):
    while True:
        length = int(server.stdout.readline().split(b":")[1])
        server.stdout.readline()
        message = json.loads(server.stdout.read(length))
        if wanted.items() <= message.items():
            return
send({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}, "processId": None}})
heard(id=1)
send({"jsonrpc": "2.0", "method": "initialized", "params": {}})
for name, seconds in json.loads(sys.argv[1]):
    send({"jsonrpc": "2.0", "id": name, "method": "workspace/executeCommand",
          "params": {"command": name, "arguments": [{"seconds": seconds}] if seconds else []}})
    heard(**{"method": "probe/blocks"} if seconds else {"id": name})
print(server.pid, flush=True)
time.sleep(100)
"""


def killed_editor(within: float, *commands: tuple[str, float]) -> Act:
    async def act(front: Front) -> Seen:
        argv = front.argv or (str(Path(__file__).parents[1] / "e2e" / "probe_server.py"),)
        editor = await asyncio.create_subprocess_exec(
            sys.executable, "-c", EDITOR, json.dumps(commands), *argv,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "server")},
        )  # fmt: skip
        pid = int(await editor.stdout.readline())
        editor.kill()
        await editor.wait()
        began = time.monotonic()
        while Path(f"/proc/{pid}").exists() and time.monotonic() - began < within:
            await asyncio.sleep(0.02)
        took = time.monotonic() - began
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGKILL)
            return Seen("hold", [f"it lives on after {within:g} s"])
        return Seen("hold", [], f"{took:.1f} s")

    return act


async def stdin_closed(front: Front) -> Seen:
    client = await front.fresh()
    await client.command("probe.stuck")
    client.process.stdin.close()
    return await ended(client, {1}, within=5.0)


async def stdout_closed(front: Front) -> Seen:
    client = await front.fresh()
    client.process.stdout._transport.close()
    client.begin("probe/echo", "x")
    client.begin("probe/echo", "x")
    try:
        async with asyncio.timeout(5):
            code = await client.process.wait()
    except TimeoutError:
        return Seen("hold", ["it lives on"])
    return Seen("hold", [] if code == 1 else [f"exit code {code}"])


async def stdout_blocked(front: Front) -> Seen:
    """Nobody reads, and answers of 200 MiB are asked for: what is waited for grows in the pipe, not in the server."""
    client = await front.fresh()
    before = memory(client.process.pid)
    client.reading.clear()
    numbers = range(5000, 5400)
    text = "y" * 500_000
    for number in numbers:
        client.send({"jsonrpc": "2.0", "id": number, "method": "probe/echo", "params": text})
    most, until = 0, time.monotonic() + 2
    while time.monotonic() < until:
        most = max(most, memory(client.process.pid) - before)
        await asyncio.sleep(0.05)
    alarms = [f"it has grown by {most >> 20} MiB"] if most > GROWTH else []
    if not alarms:
        client.reading.set()
        for number in numbers:
            await client.answer(number)
        alarms += [] if await lives(client) else ["it did not go on"]
    await client.kill()
    return Seen("hold", alarms, f"{most >> 20} MiB")


def signalled(number: signal.Signals) -> Act:
    async def act(front: Front) -> Seen:
        client = await front.fresh()
        client.begin("workspace/executeCommand", {"command": "probe.sleep", "arguments": [{"seconds": 60}]})
        await client.request("probe/echo", 1)
        client.process.send_signal(number)
        return await ended(client, {1}, within=5.0)

    return act


async def signalled_while_blocked(front: Front) -> Seen:
    client = await front.fresh()
    client.begin("workspace/executeCommand", {"command": "probe.block", "arguments": [{"seconds": 60}]})
    await client.expect("probe/blocks", PATIENCE)
    client.process.send_signal(signal.SIGTERM)
    return await ended(client, {1}, within=5.0)


async def suspended(front: Front) -> Seen:
    client = await front.shared()
    client.process.send_signal(signal.SIGSTOP)
    number = client.begin("probe/echo", {"a": 1})
    await asyncio.sleep(0.3)
    early = number in client.answers
    client.process.send_signal(signal.SIGCONT)
    told = await client.answer(number, PATIENCE)
    return Seen("ok" if told == {"a": 1} and not early else "refuse")


async def two_windows(front: Front) -> Seen:
    """The second sees the run and may answer its question; it cannot drive it, and says who does."""
    workplace = Workplace(front.base / "windows", front.start)
    with workplace.model:
        first = await workplace.sit_down(run=front.product)
        second = await workplace.sit_down(run=front.product)
        run = (await first.command("plan", goal=GOAL))["run"]
        await first.is_asked("Is the plan")
        (seen,) = await second.runs()
        said = [await refused(second.client, f"wainwright.{name}", run=run) for name in ("resume", "design")]
        await second.vanish()
        await first.vanish()
    refuses = "is at work in process" in said[0] and "nother process is at work" in said[1]
    return Seen("refuse" if refuses and seen["atWork"] == "elsewhere" else "ok", [], f"{said}")


async def restarted(front: Front) -> Seen:
    """The next server asks again; and a command of a run, here the tests of the base, ends with its server."""
    workplace = Workplace(front.base / "restart", front.start)
    with workplace.model:
        person = await workplace.sit_down(run=front.product)
        await person.command("plan", goal=GOAL)
        await person.is_asked("Is the plan")
        await person.vanish()
        person = await workplace.sit_down(run=front.product)
        await person.is_asked("Is the plan")
        await person.vanish()
        person = await workplace.sit_down(
            type(person.editor), "--test-command", f"sleep 300 {workplace.base}", run=front.product
        )
        await person.command("cancel")
        await person.command("plan", goal=GOAL)
        async with asyncio.timeout(20):
            while not [line for line in processes_of(workplace.base) if "sleep" in line]:
                await asyncio.sleep(0.05)
        person.client.process.stdin.close()
        left = await asyncio.to_thread(gone, workplace.base, seconds=5)
    return Seen("ok", left)


async def conversations(front: Front) -> Seen:
    """None leaves a process, a lock or a file behind; what the folder has by then is what it had after the first."""
    workplace = Workplace(front.base / "sessions", front.start)
    sizes = []
    with workplace.model:
        for _ in range(SESSIONS):
            person = await workplace.sit_down(run=front.product)
            await person.runs()
            if await person.client.leave() != 0:
                return Seen("refuse")
            used = [p.stat().st_size for p in workplace.base.rglob("*") if p.is_file() and not p.is_symlink()]
            sizes.append(sum(used))
    left = await asyncio.to_thread(gone, workplace.base, seconds=5)
    grown = sizes[-1] - sizes[0]
    return Seen("ok", left + ([f"{grown} bytes more"] if grown > 16 * MIB else []), f"{sizes}")


async def idle(front: Front) -> Seen:
    """Nothing that goes on by itself grows, or works: a day costs as much memory as a moment."""
    client = await front.shared()
    await client.request("probe/echo", 1)

    def spent() -> float:
        told = Path(f"/proc/{client.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    worked, had = spent(), memory(client.process.pid)
    await asyncio.sleep(IDLE_S)
    worked, had = spent() - worked, memory(client.process.pid) - had
    alarms = [f"{worked:.2f} s of work"] if worked > 0.03 + IDLE_S / 100 else []
    alarms += [f"{had} bytes more"] if had > MIB else []
    return Seen("ok" if await lives(client) else "refuse", alarms)


LIFE = [
    ("the editor is killed while nothing goes on", "hold", killed_editor(2.0)),
    ("the editor is killed while a handler blocks, and another has a thread that does not end", "hold",
     killed_editor(5.0, ("probe.stuck", 0), ("probe.block", 60))),
    ("standard input is closed, and a thread does not end", "hold", stdin_closed),
    ("standard output is closed", "hold", stdout_closed),
    ("standard output is not read", "hold", stdout_blocked),
    ("SIGTERM", "hold", signalled(signal.SIGTERM)),
    ("SIGINT", "hold", signalled(signal.SIGINT)),
    ("SIGHUP", "hold", signalled(signal.SIGHUP)),
    ("suspended and resumed", "ok", suspended),
    ("two windows on one workspace", "refuse", two_windows),
    ("a restart while a question is open, and a command runs when the editor is killed", "ok", restarted),
    ("nothing for a day", "ok", idle),
    ("200 conversations", "ok", conversations),
    ("SIGTERM while a handler blocks", "hold", signalled_while_blocked),
]  # fmt: skip

KINDS = {1: FRAMING, 2: JSONS, 3: ORDER, 4: LIFE}

STRONG = {
    "L3.08": "the mirror of the documents takes what comes in the order in which it comes",
    "L3.09": "the mirror of the documents keeps a change within the text",
    "L3.14": "there is nothing that could be worked in",
    "L3.17": "what waits for an answer takes one",
    "L4.10": "the journal knows which process has a run",
}

GROUP = Group(
    "L",
    "the editor's side of the wire",
    74,
    [
        Case(f"L{kind}.{n:02}", what, expect, act, strong=STRONG.get(f"L{kind}.{n:02}", ""))
        for kind, rows in KINDS.items()
        for n, (what, expect, act) in enumerate(rows, 1)
    ],
)
