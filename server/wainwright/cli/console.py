"""What all commands share: the two streams, the options that come again, and an engine for a moment."""

import asyncio
import shlex
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.prompt import Confirm
from rich.segment import Segment
from rich.text import Text as RichText

from wainwright.app import open_engine
from wainwright.domain.errors import WainwrightError
from wainwright.domain.goal import SIZES, WAY, Size, Stage
from wainwright.domain.ports import NoEditor
from wainwright.domain.shown import terminal

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine


class Text(RichText):
    """Text of which nothing is dropped: rich takes some controls out of what it is given, and says nothing of it."""

    def __init__(self, text: str = "", style: str = "") -> None:
        super().__init__(terminal(text), style)


class Terminal(Console):
    """Where all goes that a command prints: no text of it is obeyed by the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is shown; only what rich itself does to the terminal is more than text."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(terminal(text), style)


out = Terminal(highlight=False, markup=False, soft_wrap=True)
err = Terminal(stderr=True, highlight=False, markup=False, soft_wrap=True)

Workspace = Annotated[Path, typer.Option("--workspace", "-w", help="The folder of the project.")]
Json = Annotated[bool, typer.Option("--json", help="The last line is one JSON object.")]
Model = Annotated[list[str] | None, typer.Option("--model", help="provider/model; again for a fall-back.")]
ApiBase = Annotated[str | None, typer.Option("--api-base", help="Address of an OpenAI-compatible server.")]
KeyName = Annotated[
    str | None, typer.Option("--api-key-env", help="Name of the variable that holds the key.")
]
Usd = Annotated[float | None, typer.Option("--budget-usd", help="The most a run may cost, in US dollars.")]
Tokens = Annotated[int | None, typer.Option("--budget-tokens", help="The most tokens a run may take.")]
Cassette = Annotated[
    Path | None, typer.Option("--cassette", help="Play recorded replies instead of a model.")
]
Record = Annotated[Path | None, typer.Option("--record", help="Record the model's replies to this file.")]
Tests = Annotated[str | None, typer.Option("--test-command", help="How to run all tests.")]
Deploys = Annotated[
    bool,
    typer.Option("--deploy", help="Let it start the service that it built, although nobody is asked."),
]
Run = Annotated[str | None, typer.Argument(help="The run, or how its name begins; the newest without it.")]


FOR_THIS_COMMAND = (
    "This folder is trusted for this command, since you typed it here. In editors too: `wainwright trust`."
)
T = TypeVar("T")
_CHOICES = frozenset({"default", "cassette"})
"""Of the settings of models, those that say who answers."""


DEPLOYS = {"deploy": {"unattended": True}}
"""What says that a service is started although nobody is asked."""


def overrides(
    model: list[str] | None,
    api_base: str | None,
    key_name: str | None,
    usd: float | None,
    tokens: int | None,
    cassette: Path | None,
    record: Path | None,
    tests: str | None,
    *,
    deploys: bool = False,
) -> dict[str, Any]:
    """What was typed, in the shape of the settings."""
    found: dict[str, Any] = {}
    if model:
        extra = {k: v for k, v in (("api_base", api_base), ("api_key_env", key_name)) if v}
        found["models"] = {"default": [{"model": name, **extra} for name in model], "roles": {}}
    elif api_base or key_name:
        raise typer.BadParameter("--api-base and --api-key-env go with --model, such as --model openai/any")
    for name, path in (("cassette", cassette), ("record", record)):
        if path is not None:
            found.setdefault("models", {})[name] = str(path.resolve())
    budget = {k: v for k, v in (("usd", usd), ("tokens", tokens)) if v is not None}
    if budget:
        found["budget"] = budget
    if tests:
        found["test"] = {"command": tests, "commands": []}
    return {**found, **(DEPLOYS if deploys else {})}


def kept(typed: Mapping[str, Any]) -> dict[str, Any]:
    """What of it is remembered with a run: models or a cassette, the test command, and that it may deploy."""
    chosen = {*_CHOICES, "roles"}
    models = {name: value for name, value in typed.get("models", {}).items() if name in chosen and value}
    found = {"models": models, "test": typed.get("test"), "deploy": typed.get("deploy")}
    return {name: value for name, value in found.items() if value}


def as_before(remembered: Mapping[str, Any], typed: Mapping[str, Any]) -> dict[str, Any]:
    """What of the remembered holds again, because nothing was typed in its place now."""
    anew = {"models"} if _CHOICES & typed.get("models", {}).keys() else set()
    anew |= {"test"} & typed.keys()
    return {name: value for name, value in remembered.items() if name not in anew}


def as_typed(options: Mapping[str, Any]) -> str:
    """Remembered options as a person types them."""
    models, test = options.get("models", {}), options.get("test")
    words = [f"--model {one['model']}" for one in models.get("default", ())]
    words += [f"--cassette {shlex.quote(models['cassette'])}"] if "cassette" in models else []
    words += [f"--test-command {shlex.quote(test['command'])}"] if test else []
    words += ["--deploy"] if "deploy" in options else []
    return " ".join(words)


class Person(NoEditor):
    """Nothing is edited from here, but somebody may be there to be asked."""

    async def agrees(self, question: str) -> bool:
        """Ask, if somebody can answer."""
        if not (sys.stdin.isatty() and err.is_terminal):
            return False
        return await asyncio.to_thread(Confirm.ask, Text(question), console=err, default=False)

    def tell(self, text: str) -> None:
        """Say it beside what the command prints."""
        err.print(Text(text))


def with_engine(
    workspace: Path,
    overrides: dict[str, Any],
    act: Callable[["Engine"], Coroutine[Any, Any, T]],
    *,
    asking: bool = False,
) -> T:
    """Open the engine, act, close it; what goes wrong is told in a sentence and ends with 2.

    What a person types in a terminal is their word that it may be done in the folder.

    ``asking``: the act will ask a model.
    """

    async def work() -> T:
        person = Person()
        engine = await open_engine(workspace, overrides=overrides, editor=person, asking=asking, word=True)
        try:
            if asking and not await engine.trusting.remembered():
                person.tell(FOR_THIS_COMMAND)
            return await act(engine)
        finally:
            await engine.close()

    try:
        return asyncio.run(work())
    except WainwrightError as error:
        err.print(Text(error.message, style="red"))
        if error.hint:
            err.print(Text(error.hint))
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        err.print("Stopped. The run stays as it is: `wainwright resume` goes on.")
        raise SystemExit(130) from None


@contextmanager
def complaining() -> Iterator[None]:
    """Tell what cannot be used in a sentence, and end the program with 2."""
    try:
        yield
    except (OSError, ValueError, WainwrightError) as error:
        err.print(Text(str(error), style="red"))
        raise SystemExit(2) from None


def size_or_stages(text: str | None) -> tuple[Size | None, tuple[Stage, ...] | None]:
    """What ``--route`` says: how large the goal is, or which stages it passes; BadParameter for anything else."""
    words = [word.strip() for word in (text or "").split(",")]
    size = next((size for size in SIZES if [size] == [word.lower() for word in words]), None)
    if text is None or size is not None:
        return size, None
    try:
        return None, tuple(Stage(word.upper()) for word in words)
    except ValueError as error:
        known = f"sizes: {', '.join(SIZES)}; stages: {', '.join(WAY[1:-1])}"
        raise typer.BadParameter(f"{error}; {known}") from None
