"""Which wire form a request has."""

from wainwright.models.forms.anthropic import Reply
from wainwright.models.forms.form import Form
from wainwright.models.forms.gemini import Content
from wainwright.models.forms.openai import Completion

_BY_ENDING: tuple[tuple[str, type[Form]], ...] = (
    ("/chat/completions", Completion),
    ("/messages", Reply),
    (":generateContent", Content),
)


def form_of(path: str) -> type[Form] | None:
    """The form of a request to ``path``; None for one that is sent and read as it is."""
    return next((form for ending, form in _BY_ENDING if path.endswith(ending)), None)
