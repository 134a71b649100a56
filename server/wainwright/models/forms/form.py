"""What a wire form can do."""

from typing import Any, Protocol


class Form(Protocol):
    """One answer on its way, in the pieces that a provider streams."""

    size: int
    """Characters that the model wrote so far: text, reasoning, arguments."""
    finished: bool
    """Whether the provider said that the answer is whole."""

    def take(self, piece: dict[str, Any]) -> str:
        """Add a piece, however odd it is; the text in it for people."""
        ...

    def whole(self) -> dict[str, Any]:
        """The answer in the shape that the provider gives it when it does not stream."""
        ...

    @staticmethod
    def ask(path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Path with query, and body, of the same request for a stream."""
        ...

    @staticmethod
    def mend(answer: dict[str, Any], most: int, *, cut: bool = False) -> tuple[dict[str, Any], bool]:
        """A whole answer in a form that LiteLLM can read, and whether it was cut: to ``most`` characters of text.

        With ``cut`` it was already. Of what is cut no call is left, since it may be half of one.

        Raises LookupError, TypeError or ValueError for what is no answer.
        """
        ...
