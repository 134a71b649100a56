"""The real server with commands that poke at its protocol layer, for the tests beside this file."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from wainwright.lsp.server import create_server, serve


def build():  # noqa: C901
    from wainwright.domain.errors import InputError
    from wainwright.lsp.connection.commands import Call
    from wainwright.lsp.connection.progress import Progress
    from wainwright.lsp.messages import NoArguments, Wire

    class Seconds(Wire):
        seconds: float = 0.0
        max_count: int = 1

    class Method(Wire):
        method: str
        seconds: float = 5.0

    class Document(Wire):
        uri: str

    server = create_server()
    command = server.commands.command
    seen: dict[str, Any] = {"cancelled": 0, "finished": 0}

    @command("probe.print", "Print to standard output in several ways")
    async def pollute(call: Call, arguments: NoArguments):
        import os

        print("hello from print")
        os.write(1, b"hello from descriptor 1\n")
        subprocess.run([sys.executable, "-c", "print('hello from a child')"], check=True)
        taken = subprocess.run(
            [sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"], check=True
        )
        return {"returncode": taken.returncode}

    @command("probe.sleep", "Sleep")
    async def sleep(call: Call, arguments: Seconds):
        try:
            await asyncio.sleep(arguments.seconds)
        except asyncio.CancelledError:
            seen["cancelled"] += 1
            raise
        seen["finished"] += 1
        return {"maxCount": arguments.max_count, "token": call.token}

    @command("probe.block", "Block the loop")
    async def block(call: Call, arguments: Seconds):
        call.server.protocol.notify("probe/blocks")
        time.sleep(arguments.seconds)

    @command("probe.stuck", "Leave a thread and a task behind that do not end")
    async def stuck(call: Call, arguments: NoArguments):
        async def stubborn():
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    seen["cancelled"] += 1

        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def hang():
            loop.call_soon_threadsafe(begun.set)
            time.sleep(60)

        call.server.spawn(asyncio.to_thread(hang), "a stuck thread")
        call.server.spawn(stubborn(), "a stubborn task")
        await begun.wait()

    @command("probe.seen", "What happened so far")
    async def report(call: Call, arguments: NoArguments):
        protocol = call.server.protocol
        kept = {"futures": len(protocol._request_futures), "types": len(protocol._result_types)}
        return {**seen, **kept, "tokens": len(call.server._cancel_by_token)}

    @command("probe.crash", "Fail in a way that nobody expected")
    async def crash(call: Call, arguments: NoArguments):
        raise FileNotFoundError(2, "No such file", "/home/person/secret.txt")

    @command("probe.refuse", "Fail in a way that a person can act on")
    async def refuse(call: Call, arguments: NoArguments):
        raise InputError("The goal is empty.", "Write what you want to have done.")

    @command("probe.unwritable", "Give a result that is not JSON")
    async def unwritable(call: Call, arguments: NoArguments):
        return float("nan")

    @command("probe.background", "Fail in the background")
    async def background(call: Call, arguments: NoArguments):
        async def fail():
            raise ValueError("broken in the background")

        call.server.spawn(fail(), "a failing task")

    @command("probe.ask", "Ask the client something")
    async def ask(call: Call, arguments: Method):
        reply = await call.server.ask(arguments.method, {"a-b": {"jsonrpc": 1}}, seconds=arguments.seconds)
        return {"result": reply.result, "failure": reply.failure}

    @command("probe.text", "The mirror of a document")
    async def text(call: Call, arguments: Document):
        document = call.server.buffers.get_text_document(arguments.uri)
        # Answers are shown, and what is shown has no control characters: the text as it is, in another form.
        text = document.source.encode("utf-8", "surrogatepass").hex()
        return {"text": text, "version": document.version, "lines": len(document.lines)}

    @command("probe.progress", "Show progress, with many reports")
    async def progress(call: Call, arguments: Seconds):
        stop = asyncio.Event()
        bar = await Progress.begin(call.server, "Probe", message="go", cancel=stop.set, token=call.token)
        for step in range(arguments.max_count):
            bar.report(f"step {step}", 100 * step / arguments.max_count)
            try:
                await asyncio.wait_for(stop.wait(), arguments.seconds / arguments.max_count)
                break
            except TimeoutError:
                continue
        bar.end("over")
        bar.end()
        return {"cancelled": stop.is_set()}

    @server.feature("probe/echo")
    async def echo(params: Any):
        return params

    @server.feature("probe/fail")
    def fail(params: Any):
        raise ValueError("a notification that fails")

    add_editing(server)
    return server


def add_editing(server):
    """Commands that change files through the editor."""
    from wainwright.engine.editing import line_hunks, merged, taken_back
    from wainwright.lsp.connection.commands import Call
    from wainwright.lsp.edits import apply as waits
    from wainwright.lsp.edits.apply import Editor
    from wainwright.lsp.edits.edit import FileEdit, TextHash
    from wainwright.lsp.messages import Wire

    class Edit(Wire):
        path: Path
        before: str | None = None
        sha256: str | None = None
        after: str | None = None

    class Edits(Wire):
        edits: list[Edit]
        root: Path = Path("/")
        apart: bool = False
        back: bool = False

    class Nothing(Wire):
        pass

    async def write(changes):
        failures = {}
        for change in changes:
            if change.path.name == "unwritable":
                failures[change.path] = "The disk is full."
            elif change.after is None:
                change.path.unlink()
            else:
                change.path.parent.mkdir(parents=True, exist_ok=True)
                change.path.write_bytes(change.after.encode())
        return failures

    past = []
    roots = [Path("/")]
    editor = Editor(server, lambda: roots[-1], write, line_hunks, merged)

    def told(outcome):
        past.append(outcome)
        files = {
            f.path.name: {"applied": f.applied, "rebased": f.rebased, "reason": f.reason}
            for f in outcome.files
        }
        return {"status": outcome.status, "files": files}

    @server.commands.command("probe.apply", "Apply edits")
    async def apply(call: Call, arguments: Edits):
        edits = [
            FileEdit(edit.path, TextHash(edit.sha256) if edit.sha256 else edit.before, edit.after)
            for edit in arguments.edits
        ]
        roots.append(arguments.root)
        follow = taken_back if arguments.back else None
        return told(await editor.apply(edits, "Probe", apart=arguments.apart, merge=follow))

    @server.commands.command("probe.hurry", "Wait less long for editors from now on")
    async def hurry(call: Call, arguments: Nothing):
        for name, less in (("QUIET_SECONDS", 10), ("QUIET_WAIT_SECONDS", 10), ("REPORT_SECONDS", 4)):
            setattr(waits, name, getattr(waits, name) / less)

    @server.commands.command("probe.revert", "Take the last edits back")
    async def revert(call: Call, arguments: Nothing):
        return told(await editor.revert(past[-1], "Back"))


if __name__ == "__main__":
    raise SystemExit(serve(build))
