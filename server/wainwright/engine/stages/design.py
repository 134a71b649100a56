"""DESIGN: the designer writes documents, which are checked."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice

import yaml

from wainwright.agents import roles
from wainwright.agents.answers import DesignAnswer
from wainwright.agents.loop import Work
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.structured_answer import ask

OPENAPI_NODES_MAX = 50_000
"""Values in an OpenAPI document, repeated ones counted."""


async def make_design(parts: EngineParts, run: LiveRun, effect: ef.MakeDesign) -> Sequence[ev.Event]:
    """Let the designer write the design and its documents."""
    state = run.state
    done = await ask(
        parts,
        run,
        roles.DESIGN,
        DesignAnswer,
        f"/DESIGN/{effect.revision}.{effect.number}",
        lambda shown: briefs.join(
            briefs.instructions(state),
            briefs.before(effect.digest),
            briefs.former(state),
            shown,
        ),
        check=_check_documents,
        about=effect.digest,
    )
    return (ev.DesignProposed(summary=done.answer.summary, documents=done.documents),)


async def _check_documents(done: Work[DesignAnswer]) -> str:
    """An openapi.yaml has to be valid; other documents have to be among those a designer writes."""
    for document in done.documents:
        if document.name == "openapi.yaml":
            wrong = await asyncio.to_thread(_openapi_problem, document.text)
            if wrong:
                return f"openapi.yaml {wrong}"
        elif document.name != "design.md" and not document.name.startswith("adr/"):
            return f"{document.name} is not one of design.md, adr/*.md, openapi.yaml."
    return ""


def _openapi_problem(text: str) -> str:
    """What is wrong with an OpenAPI document; empty when it is valid."""
    from openapi_spec_validator import validate  # noqa: PLC0415 - takes long, and few designs have such a document

    try:
        document = yaml.safe_load(text)
        nodes = list(islice(_nodes(document), OPENAPI_NODES_MAX))
        outside = [ref for ref in (n.get("$ref") for n in nodes if isinstance(n, dict)) if _leads_out(ref)]
        if outside:
            # The validator would fetch it, from wherever it is.
            return f"refers to {outside[0]}: references have to stay in the document (#/...)."
        if len(nodes) == OPENAPI_NODES_MAX:
            return "is too large."
        validate(document)
    except Exception as error:  # noqa: BLE001 - the validator lets anything through
        return f"is not a valid OpenAPI document: {type(error).__name__} {str(error)[:600]}"
    return ""


def _nodes(value: object) -> Iterator[object]:
    """All values in a document; YAML may repeat one many times, or make a circle."""
    waiting = [value]
    while waiting:
        yield (one := waiting.pop())
        if isinstance(one, dict | list):
            waiting.extend(one.values() if isinstance(one, dict) else one)


def _leads_out(reference: object) -> bool:
    return isinstance(reference, str) and not reference.startswith("#")
