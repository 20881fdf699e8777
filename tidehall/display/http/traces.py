"""The call for a case's whole trace: who, when and why, from the ticket to the rating.

Law: the journal alone tells it; texts are opened for those who may read the case, all others see references.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from tidehall.audit import CaseTrace, Durations, Step, case_trace
from tidehall.display import office_views as v
from tidehall.display.http.api import good
from tidehall.display.http.calls import AFTER, Asked, Call, Edge
from tidehall.display.http.offices import reads
from tidehall.display.http.receipts import of_receipt
from tidehall.display.http.texts import open_all
from tidehall.hall.calendar import local_text
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.records import case_recorded

__all__ = ["TRACE_CALLS", "TraceView"]

#: Moments (µs) in the body of an event; they are answered as RFC 3339.
_MOMENTS = frozenset(
    {"due_at", "warn_at", "started_at", "contact_by", "callable_at", "booked_for", "eligible_at", "filed_at", "done_at"}
)
#: What an event's body says beside that: the row has it already, or it is the engine's own.
_INSIDE = frozenset({"kind", "at", "due", "rank", "shown"})
#: Where an event says why.
_WHY = ("reason", "missing", "question", "answer", "opinion", "note", "result", "reasons")


class TraceStep(Struct, frozen=True):
    """An event of the case's life: when (`due`: when time made it true), who, and why. `body`: what exactly."""

    seq: int
    at: str
    kind: str
    who: str
    why: tuple[str, ...]
    body: dict[str, Any]
    staff: str | UnsetType = UNSET
    due: str | UnsetType = UNSET


class TraceView(Struct, frozen=True):
    """A case's whole life, from ticket to rating."""

    case: str
    receipt: str
    item: str
    item_name: dict[str, str]
    ticket: str | None
    number: str | None
    durations: Durations
    steps: tuple[TraceStep, ...]


def spoken(value: Any, zone: str, name: str = "") -> Any:
    """An event's body with its moments as RFC 3339, without what only the engine needs."""
    if isinstance(value, dict):
        return {key: spoken(part, zone, key) for key, part in value.items() if key not in _INSIDE}
    if isinstance(value, list):
        return [spoken(part, zone) for part in value]
    return (local_text(value, zone) if value else None) if name in _MOMENTS and isinstance(value, int) else value


def trace_step(step: Step, zone: str) -> TraceStep:
    """One step with its times in words."""
    body = step.body
    why: list[str] = []
    for name in _WHY:
        said = body.get(name)
        why += [said] if isinstance(said, str) else said or []
    staff = body.get("staff") or body.get("runner")
    return TraceStep(
        step.seq, local_text(step.at, zone), step.kind, step.actor, tuple(why), spoken(body, zone),
        staff=UNSET if staff is None else staff,
        due=UNSET if step.due is None else local_text(step.due, zone),
    )  # fmt: skip


def trace_view(hall: Hall, trace: CaseTrace) -> TraceView:
    """A trace in the contract's words."""
    zone = hall.state.zone_name
    return TraceView(
        trace.case, trace.receipt, trace.item, v.item_name(hall.state, trace.item), trace.ticket, trace.number,
        trace.durations, tuple(trace_step(step, zone) for step in trace.steps),
    )  # fmt: skip


def seldom(asked: Asked) -> bool:
    """Whether this reader may read a case of which no zone or department is known here: whoever sees the whole hall."""
    return any(asked.who.covers(right) for right in ("supervise", "audit"))


async def get_trace(edge: Edge, asked: Asked) -> Response:
    """The whole trace of the case with this id or receipt number; one that has left the hall's state is registered."""
    keeper, id, store = asked.keeper, asked.path("case"), edge.house.projections
    state = keeper.committed.state
    case = state.offices.cases.get(id) or of_receipt(state, id) or (await case_recorded(store, keeper.id, id))[1]
    trace = await case_trace(keeper.journal, store, keeper.id, id)
    if trace is None:
        raise Refusal("unknown_case", case=id)
    view = trace_view(keeper.committed, trace)
    plain = reads(asked, case) if case is not None else seldom(asked)
    return good(await open_all(keeper, edge.house.persons, view) if plain else view)


TRACE_CALLS: tuple[Call, ...] = (
    Call("GET", "/api/v1/halls/{hall}/cases/{case}/trace", "get_trace",
         "The whole life of a case, by its id or its receipt's number, from ticket to rating: who, when, why.",
         get_trace, TraceView, rights=("staff", "audit"), query=(AFTER,), part="cases",
         problems=("unknown_case", "journal_unavailable")),
)  # fmt: skip
