"""Runs as the wire has them."""

from typing import TYPE_CHECKING

from wainwright.domain.changes import protected
from wainwright.domain.goal import ENDS
from wainwright.domain.text import headline
from wainwright.engine.views.pictures import mark
from wainwright.lsp.documents.positions import uri_from_path
from wainwright.lsp.messages import GateInfo, NoteInfo, RunInfo
from wainwright.lsp.page_messages import (
    CaseInfo,
    DocumentInfo,
    PageInfo,
    ReceiptInfo,
    RemarkInfo,
    ServiceInfo,
    SpentInfo,
    StageInfo,
    TaskInfo,
    WayInfo,
)
from wainwright.lsp.runs.available import AvailableCommand, about, available
from wainwright.lsp.runs.task_commands import moves_of, shown_of
from wainwright.lsp.runs.told import money, word

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wainwright.engine.pages import RunPage
    from wainwright.engine.views.run_view import Remark, RunView

_DRAWN = ("id", "title", "status", "attempt", "needs", "summary")
_SPENT = ("role", "model", "calls", "tokens", "cost_usd")


def run_info(view: "RunView") -> RunInfo:
    """How far a run is."""
    made = {"gates", "notes", "title", "status", "ended", "cost"}
    return RunInfo(
        **view.model_dump(include=set(RunInfo.model_fields) - made),
        title=headline(view.goal),
        status=word(view),
        ended=view.stage in ENDS,
        cost=money(view),
        gates=tuple(GateInfo(**gate.model_dump()) for gate in view.gates),
        notes=tuple(NoteInfo(**note.model_dump()) for note in view.notes),
    )


def page_info(page: "RunPage", workspace: "Path") -> PageInfo:
    """A run as a page shows it."""
    view, run = page.view, run_info(page.view)
    folder = f"/runs/{view.run}/"
    service = view.deployment if view.deployment and view.deployment.serves else None
    return PageInfo(
        run=run,
        size=view.size,
        stages=tuple(StageInfo(**one.model_dump()) for one in page.stages),
        tasks=tuple(
            TaskInfo(
                **one.model_dump(include=set(_DRAWN)),
                mark=mark(one.status),
                writes=one.write_set,
                ways=_ways([*moves_of(view, one), *shown_of(view, one)]),
            )
            for one in view.tasks
        ),
        receipts=tuple(
            ReceiptInfo(command=one.cmd, **one.model_dump(exclude={"cmd"})) for one in view.receipts
        ),
        cases=tuple(CaseInfo(**one.model_dump()) for one in page.cases),
        remarks=tuple(_remark(one, workspace) for one in (*view.failing, *view.findings)),
        spent=tuple(SpentInfo(**one.model_dump(include=set(_SPENT)), cost=one.cost) for one in page.spent),
        lines=page.lines,
        documents=tuple(
            DocumentInfo(name=path.partition(folder)[2], uri=uri_from_path(workspace / path))
            for path in view.artifacts
        ),
        service=ServiceInfo(url=service.url or service.id, fence=service.fence) if service else None,
        ending=tuple(filter(None, (*view.ending, view.take_over))),
        ways=_ways([*available(view), *about(view)]),
    )


def _ways(found: "Sequence[AvailableCommand]") -> tuple[WayInfo, ...]:
    return tuple(
        WayInfo(
            title=one.title,
            short=one.short or one.title,
            command=one.command,
            argument=one.argument,
            urgent=one.urgent,
        )
        for one in found
    )


def _remark(one: "Remark", workspace: "Path") -> RemarkInfo:
    path, line = one.place
    told = bool(path) and not protected(path)
    return RemarkInfo(
        code=one.code,
        severity=one.severity,
        uri=uri_from_path(workspace / path) if told else "",
        line=line - 1,
        text=f"{one.trigger}\n{one.consequence}",
    )
