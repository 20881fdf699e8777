"""The calls for the tide: how it stands, what is advised, expected and was decided; a tidal window opened or closed,
the reserve (contract.md).

Law: as in api.py. Whoever supervises opens and closes, as advised or not, in his own zone; all of the staff see.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from msgspec import Meta, Struct
from starlette.responses import Response

from tidehall.display.http.api import answer_window, encode, good, of_outcome, submit
from tidehall.display.http.bodies import Body, Empty, Id
from tidehall.display.http.calls import AFTER, Asked, Call, Edge, Query
from tidehall.display.http.problems import Fault, Problem
from tidehall.display.outlook_views import OutlookView, outlook_view
from tidehall.display.tide_views import TideDay, TideView, tide_day, tide_view
from tidehall.hall import commands as c
from tidehall.hall.calendar import is_date, service_day
from tidehall.hall.engine import Hall
from tidehall.hall.events import Event
from tidehall.hall.tide_record import TideRecord
from tidehall.hall.wire import WindowAnswer
from tidehall.live import read_event

__all__ = ["TIDE_CALLS", "ReserveView"]


class DutyBody(Body, frozen=True):
    """Who takes the window; nobody named: the window opens and signing in follows."""

    staff: Id | None = None


class ReserveBody(Body, frozen=True):
    """Who may take a tidal window of the zone, the first who is free first; an empty list takes the reserve away."""

    zone: Id
    staff: Annotated[list[Id], Meta(max_length=50)]


class ReserveView(Struct, frozen=True):
    """The zone's reserve as it is now."""

    zone: str
    staff: tuple[str, ...]
    seq: int


async def get_tide(edge: Edge, asked: Asked) -> Response:
    """How the tide stands."""
    keeper = asked.keeper
    return good(tide_view(keeper.committed, keeper.now(), asked.lang))


async def get_outlook(edge: Edge, asked: Asked) -> Response:
    """What is expected of the next hour; asking keeps the pictures coming."""
    keeper, zone = asked.keeper, asked_zone(asked)
    state = keeper.committed.state
    found = [p for p in edge.house.outlook.of(keeper.id).values() if p.zone in state.zones and zone in (None, p.zone)]
    return good(outlook_view(found, state.zone_name, state.seq, asked.lang))


async def get_history(edge: Edge, asked: Asked) -> Response:
    """What was advised on a day, and what became of it: from the journal, where the state says that it stands."""
    keeper, zone = asked.keeper, asked_zone(asked)
    state = keeper.committed.state
    day = asked.request.query_params.get("day", state.day)
    if not is_date(day):
        raise Problem("invalid", errors=[Fault("day", "choice", {"choices": "YYYY-MM-DD"})])
    steps = [step for tide in state.tides.values() for step in tide.steps]
    record = TideRecord()
    for seq in sorted(seq for at, seq in steps if service_day(at, state.zone_name).isoformat() == day):
        for row in await keeper.journal.read(keeper.id, seq - 1, 1):
            record.apply(read_event(row), row.actor)
    return good(tide_day(record, state, day, zone))


def asked_zone(asked: Asked) -> str | None:
    """The zone that is asked for, None: all. Raises Problem unknown_zone."""
    zone = asked.request.query_params.get("zone")
    if zone is not None and zone not in asked.keeper.committed.state.zones:
        raise Problem("unknown_zone", details={"zone": zone})
    return zone


def at_tidal(build: Callable[[str, Any], c.Command]) -> Callable[[Edge, Asked], Awaitable[Response]]:
    """A step with a tidal window. Of a person only the posts of the window's zone were asked (Access.admits)."""

    async def run(edge: Edge, asked: Asked) -> Response:
        window = asked.path("window")
        return of_outcome(await submit(asked, build(window, asked.body), answer_window(asked, window)))

    return run


async def set_reserve(edge: Edge, asked: Asked) -> Response:
    """Name the zone's reserve."""
    body = asked.body
    if not asked.who.covers("supervise", zone=body.zone):
        raise Problem("not_allowed")

    def answer(hall: Hall, events: list[Event]) -> tuple[int, bytes]:
        state = hall.state
        return 200, encode(ReserveView(body.zone, state.reserves.get(body.zone, ()), state.seq))

    return of_outcome(await submit(asked, c.SetReserve(body.zone, tuple(body.staff)), answer))


# ---- the table

_TIDE = "/api/v1/halls/{hall}/tide"
_RIGHTS = ("supervise",)
ZONE = Query("zone", "Only this zone.", {"type": "string"})
DAY = Query(
    "day", "A service day; today's when none is named.", {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
)

TIDE_CALLS: tuple[Call, ...] = (
    Call("GET", _TIDE, "get_tide", "How each zone stands against its tide rule, and what is advised, with its reason.",
         get_tide, TideView, rights=("staff",), query=(AFTER,), part="tide"),
    Call("GET", f"{_TIDE}/history", "get_tide_history",
         "What was advised on a day, with its figures, and what became of it: followed (by whom), ignored, or a step "
         "of one's own. About the last week; older steps stand in the journal.",
         get_history, TideDay, rights=_RIGHTS, query=(AFTER, DAY, ZONE), problems=("unknown_zone", "invalid"),
         part="tide"),
    Call("GET", "/api/v1/halls/{hall}/outlook", "get_outlook",
         "The next hour of each zone, by look-ahead: waits and waiting counts every five minutes, and what a tidal "
         "window would change. Each server computes its own pictures, about one a minute while somebody looks.",
         get_outlook, OutlookView, rights=("staff",), query=(AFTER, ZONE), problems=("unknown_zone",), part="tide"),
    Call("POST", f"{_TIDE}/{{window}}/open", "tide_open",
         "Open a tidal window, as advised or not; unless `staff` is named, signing in follows.",
         at_tidal(lambda window, q: c.OpenTidal(window, q.staff)), WindowAnswer, body=DutyBody, rights=_RIGHTS,
         problems=("unknown_window", "not_tidal", "window_paused", "signed_in_elsewhere"), part="tide"),
    Call("POST", f"{_TIDE}/{{window}}/close", "tide_close",
         "Close a tidal window, as advised or not; it finishes its citizen first (`closing`).",
         at_tidal(lambda window, q: c.CloseTidal(window)), WindowAnswer, body=Empty, rights=_RIGHTS,
         problems=("unknown_window", "not_tidal"), part="tide"),
    Call("POST", f"{_TIDE}/reserve", "tide_reserve", "Name who may take the zone's tidal windows.", set_reserve,
         ReserveView, body=ReserveBody, rights=_RIGHTS, problems=("unknown_zone",), part="tide"),
)  # fmt: skip
