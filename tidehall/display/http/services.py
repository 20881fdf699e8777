"""The calls for services that are no case: copies made, terminals used, people led to the online office (contract.md).

Law: as in api.py; figures alone. Whoever guides counts everything, a kiosk only that it was used itself.
"""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from tidehall.display.http.api import encode, good, of_outcome, submit
from tidehall.display.http.bodies import Body, Id
from tidehall.display.http.calls import AFTER, Asked, Call, Edge, Query
from tidehall.display.http.problems import Fault, Problem
from tidehall.hall import commands as c
from tidehall.hall.engine import Hall
from tidehall.hall.events import Event
from tidehall.hall.services import KEPT_DAYS, MOST_AT_ONCE, Service
from tidehall.hall.state import HallState

__all__ = ["SERVICE_CALLS", "ServicesView", "services_view"]


class ServiceBody(Body, frozen=True):
    """What was done in a zone; `count` below 0 takes back what was counted within the undo time."""

    kind: Service
    zone: Id
    count: Annotated[int, Meta(ge=-MOST_AT_ONCE, le=MOST_AT_ONCE)] = 1


class ServiceRow(Struct, frozen=True):
    """One kind in one zone; `outside`: how many of them out of opening hours."""

    kind: str
    zone: str
    count: int
    outside: int


class ServicesView(Struct, frozen=True):
    """The services of a day, and how many of each kind in all."""

    day: str
    services: tuple[ServiceRow, ...]
    totals: dict[str, int]
    seq: int


def services_view(state: HallState, day: str | None = None) -> ServicesView:
    """The services of a service day (YYYY-MM-DD), today's when none is named; a day that nothing is known of is
    empty."""
    day = day or state.day
    rows: list[ServiceRow] = []
    totals: dict[str, int] = {}
    for key, found in sorted(state.services.get(day, {}).items()):
        zone, _, kind = key.rpartition(":")
        rows.append(ServiceRow(kind, zone, found.count, found.outside))
        totals[kind] = totals.get(kind, 0) + found.count
    return ServicesView(day, tuple(rows), totals, state.seq)


async def get_services(edge: Edge, asked: Asked) -> Response:
    """What was counted on a day."""
    day = asked.request.query_params.get("day")
    if day is not None and re.fullmatch(r"\d{4}-\d\d-\d\d", day, re.ASCII) is None:
        raise Problem("invalid", errors=[Fault("day", "choice", {"choices": "YYYY-MM-DD"})])
    return good(services_view(asked.keeper.committed.state, day))


async def count_service(edge: Edge, asked: Asked) -> Response:
    """Count one, or take it back."""
    body = asked.body
    if "guide" not in asked.who.rights and (body.kind != "self_service" or body.count < 0):
        raise Problem("not_allowed")

    def answer(hall: Hall, events: list[Event]) -> tuple[int, bytes]:
        return 200, encode(services_view(hall.state))

    return of_outcome(await submit(asked, c.CountService(body.zone, body.kind, body.count), answer))


_SERVICES = "/api/v1/halls/{hall}/services"

SERVICE_CALLS: tuple[Call, ...] = (
    Call("GET", _SERVICES, "get_services", f"Services that are no case, by day (the last {KEPT_DAYS}) and zone.",
         get_services, ServicesView, rights=("staff",), part="services",
         query=(Query("day", "The service day; today's when left out.",
                      {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}), AFTER)),
    Call("POST", _SERVICES, "count_service", "Count a service that is no case, or take back what was counted last.",
         count_service, ServicesView, body=ServiceBody, rights=("guide", "take"), part="services",
         problems=("unknown_zone", "nothing_counted")),
)  # fmt: skip
