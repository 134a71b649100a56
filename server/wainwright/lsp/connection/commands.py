"""The one typed list of commands: what ``workspace/executeCommand`` accepts, and what the documents say about it."""

import typing
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError
from pydantic_core import to_jsonable_python
from pygls.exceptions import JsonRpcInvalidParams

from wainwright.domain.text import clean_within
from wainwright.lsp.connection.peer import Peer, ProgressToken
from wainwright.lsp.messages import Wire

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


@dataclass(frozen=True)
class Call:
    """The circumstances of one call: who serves it, and the client's progress token if it sent one."""

    server: Peer
    token: ProgressToken | None = None


A = TypeVar("A", bound=Wire)
Handler = Callable[[Call, A], Awaitable[Any]]


@dataclass(frozen=True)
class Command:
    """One entry of the list."""

    name: str
    title: str
    arguments: type[Wire]
    result: Any
    """The annotation of what the handler returns."""
    handler: Callable[[Call, Any], Awaitable[Any]]


class Commands:
    """Commands by name, in the order of registration."""

    def __init__(self) -> None:
        self._by_name: dict[str, Command] = {}

    def command(self, name: str, title: str) -> Callable[[Handler[A]], Handler[A]]:
        """Register ``async def handler(call, arguments: SomeWireModel) -> JSON or a model``.

        The model is read from the annotation of the second parameter. Raises TypeError when there is none, and
        ValueError for a name that is taken.
        """

        def register(handler: Handler[A]) -> Handler[A]:
            if name in self._by_name:
                raise ValueError(f"two commands are called {name}")
            arguments, result = _models(handler)
            self._by_name[name] = Command(name, title, arguments, result, handler)
            return handler

        return register

    def names(self) -> list[str]:
        """All names."""
        return list(self._by_name)

    def entries(self) -> list[Command]:
        """The whole list."""
        return list(self._by_name.values())

    async def run(
        self,
        server: Peer,
        name: str,
        arguments: Sequence[Any] | None,
        token: ProgressToken | None = None,
    ) -> Any:
        """Check the arguments, run the command, and give its result as JSON.

        Raises JsonRpcInvalidParams with a sentence for a person when the name or the arguments are wrong.
        """
        entry = self._by_name.get(name)
        if entry is None:
            raise JsonRpcInvalidParams(f"There is no command {name!r}.")
        result = await entry.handler(Call(server, token), _parse(entry, arguments))
        return to_jsonable_python(result, by_alias=True)


def _models(handler: Callable[..., Any]) -> tuple[type[Wire], Any]:
    """The argument model and the result that a handler is annotated with."""
    hints = typing.get_type_hints(handler)
    parameters = [hint for name, hint in hints.items() if name != "return"]
    model = parameters[1] if len(parameters) > 1 else None
    if not (isinstance(model, type) and issubclass(model, Wire)):
        raise TypeError("A command takes a Call and a Wire model, both annotated.")
    return model, hints.get("return")


def _parse(entry: Command, arguments: Sequence[Any] | None) -> Wire:
    given = list(arguments or ())
    if len(given) > 1:
        raise JsonRpcInvalidParams(f"{entry.name} takes one argument object, not {len(given)} arguments.")
    raw = clean_within(given[0]) if given and given[0] is not None else {}
    if not isinstance(raw, dict):
        raise JsonRpcInvalidParams(f"{entry.name} takes an argument object, not {_kind(raw)}.")
    try:
        return entry.arguments.model_validate(raw, by_alias=True, by_name=False)
    except ValidationError as wrong:
        problems = wrong.errors(include_url=False, include_context=False, include_input=False)
        raise JsonRpcInvalidParams(_sentence(entry, problems)) from None


def _kind(value: Any) -> str:
    names = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), type(value).__name__)


def _sentence(entry: Command, problems: "Sequence[ErrorDetails]") -> str:
    """All problems in one readable line; what the client sent is not repeated."""
    said = []
    for problem in problems:
        where = ".".join(map(str, problem["loc"]))
        if problem["type"] == "missing":
            said.append(f"'{where}' is missing")
        elif problem["type"] == "extra_forbidden":
            said.append(f"'{where}' is not a known field")
        else:
            reason = problem["msg"][:1].lower() + problem["msg"][1:]
            said.append(f"'{where}': {reason}" if where else reason)
    return f"The argument of {entry.name} is not right: {'; '.join(said)}."
