"""Model calls as spans of OpenTelemetry, for who has an OTLP endpoint: off without one, and never what was said.

The attributes are those of the GenAI conventions in one version, since they are still in development; what these have
no name for is called ``wainwright.…``. A span is made of an entry of the ledger, when its call has ended.
"""

import os
import threading
import time
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import structlog

from wainwright.models.ledger import Call
from wainwright.settings import Settings

log = structlog.get_logger()

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
CONVENTIONS = "https://opentelemetry.io/schemas/1.37.0"
"""The version of the conventions, as their own name for it."""
PATIENCE_S = 5
"""How long an endpoint may take."""


class Spans:
    """Sends spans to an endpoint, from a thread of its own. What cannot be sent is lost, and nothing waits for it."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._since = time.time()
        self._starting = threading.Lock()
        self._provider: Any = None
        self._tracer: Any = None

    @classmethod
    def open(cls, settings: Settings) -> "Spans | None":
        """What sends spans to the endpoint that is set; None where none is."""
        endpoint = settings.telemetry.otlp or os.environ.get(ENDPOINT, "").strip()
        return cls(endpoint) if endpoint else None

    def tell(self, run: str, calls: Sequence[Call]) -> None:
        """Send calls that have ended; those of before this process are known already."""
        new = [call for call in calls if call.at >= self._since]
        if not new or not self._started():
            return
        from opentelemetry.context import Context  # noqa: PLC0415 - see below
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415

        for call in new:
            span = self._tracer.start_span(
                f"chat {_name(call)}",
                Context(),
                SpanKind.CLIENT,
                attributes=_attributes(run, call),
                start_time=int(call.at * 1e9),
            )
            if call.outcome != "done":
                span.set_status(StatusCode.ERROR)
            span.end(int((call.at + call.seconds) * 1e9))

    def close(self) -> None:
        """Send what is left."""
        if self._provider is not None:
            self._provider.shutdown()

    def _started(self) -> bool:
        with self._starting:
            if self._tracer is None and self._endpoint:
                try:
                    self._start()
                except ImportError:
                    self._endpoint = ""
                    log.warning(
                        "spans.not_sent", reason="pip install 'wainwright[otel]' installs what sends them"
                    )
            return self._tracer is not None

    def _start(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra, and slow to import
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        exporter = OTLPSpanExporter(endpoint=f"{self._endpoint.rstrip('/')}/v1/traces", timeout=PATIENCE_S)
        resource = Resource.create({"service.name": "wainwright"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        version = metadata.version("wainwright")
        self._tracer = self._provider.get_tracer("wainwright", version, schema_url=CONVENTIONS)


def _name(call: Call) -> str:
    return call.model.partition("/")[2] or call.model


def _attributes(run: str, call: Call) -> dict[str, Any]:
    told: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": _name(call),
        "gen_ai.conversation.id": run,
        "gen_ai.agent.name": call.role,
        "wainwright.stage": call.stage,
        "wainwright.attempt": call.attempt,
        "wainwright.tokens.booked": call.tokens,
    }
    if call.task:
        told["wainwright.task"] = call.task
    if call.sure != "unknown":
        told["wainwright.cost_usd"] = call.cost_usd
    if call.outcome != "done":
        return told | {"error.type": call.outcome}
    told |= {"gen_ai.usage.input_tokens": call.input, "gen_ai.usage.output_tokens": call.output}
    told |= {"wainwright.tokens.cached": call.cached, "wainwright.tokens.reasoning": call.reasoning}
    return told | ({"wainwright.first_token_s": call.first_s} if call.first_s else {})
