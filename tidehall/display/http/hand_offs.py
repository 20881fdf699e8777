"""The calls for papers on their way: lists by remaining time, pick up, arrive, check, refuse, give back (contract.md).

Law: as in offices.py; runners carry, receivers check, and the clock ends with the check alone (R23–R26).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from tidehall.display import office_views as v
from tidehall.display.http import office_bodies as b
from tidehall.display.http.api import encode, good
from tidehall.display.http.bodies import Empty
from tidehall.display.http.calls import AFTER, Asked, Call, Edge, Query
from tidehall.display.http.offices import (
    TEXT,
    Build,
    OfficeSeal,
    acting,
    asked_for,
    choice,
    here,
    listed,
    named,
    reach,
    told,
    words_query,
)
from tidehall.display.http.problems import Problem
from tidehall.display.http.texts import Sealer, on_the_list
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.papers import commands as c
from tidehall.hall.papers.objects import OPEN_HAND_OFF, HandOff, HandOffState
from tidehall.hall.state import HallState
from tidehall.live import Ask

__all__ = ["HAND_OFF_CALLS"]


async def list_hand_offs(edge: Edge, asked: Asked) -> Response:
    """Hand-offs by remaining time."""
    keeper = asked.keeper
    hall, now = keeper.committed, keeper.now()
    states = choice(asked, "state", ["open", *(state.value for state in HandOffState)]) or frozenset({"open"})
    zone, runner, to, case = (asked_for(asked, name) for name in ("zone", "runner", "to", "case"))
    cases = hall.state.offices.cases
    found = [
        h
        for h in hall.state.offices.hand_offs.values()
        if (h.state.value in states or ("open" in states and h.state in OPEN_HAND_OFF))
        and (zone is None or zone in (h.zone, cases[h.case].zone))
        and (runner is None or h.runner == runner)
        and (to is None or h.to == to)
        and (case is None or h.case == case)
    ]
    found.sort(key=lambda h: (h.due_at, h.id))
    return await listed(edge, asked, [v.hand_off_view(hall, h, now) for h in found])


async def hand_off_here(asked: Asked, id: str) -> HandOff:
    """The hand-off. Raises Refusal unknown_hand_off."""
    return await here(asked.keeper, lambda s: s.offices.hand_offs.get(id), Refusal("unknown_hand_off", hand_off=id))


def reach_hand_off(asked: Asked, rights: Sequence[str], h: HandOff) -> None:
    """Runners carry in their zone, or for the pool; whoever checks belongs to where the papers go."""
    case = asked.keeper.committed.state.offices.cases[h.case]
    place, _, department = h.to.partition(":")
    receiving = [right for right in rights if right not in ("middle", "office") or right == place]
    duty = asked.keeper.committed.state.runners.get(asked.who.staff or "")
    if duty is not None and "runner" in rights and "runner" in asked.who.rights and duty.zone == case.zone:
        return  # sent there today
    reach(
        asked,
        receiving,
        zone=case.zone if h.zone != "pool" or "runner" not in rights else None,
        departments=(department or None,),
    )


def at_hand_off(build: Build, rights: tuple[str, ...]) -> Callable[[Edge, Asked], Awaitable[Response]]:
    """A hand-off's action."""

    async def run(edge: Edge, asked: Asked) -> Response:
        h = await hand_off_here(asked, asked.path("hand_off"))
        reach_hand_off(asked, rights, h)
        sealer = OfficeSeal(asked, edge.house.persons)
        command = build(asked, h.id, asked.body, sealer)

        def view(hall: Hall, now: int) -> v.HandOffView:
            return v.hand_off_view(hall, hall.state.offices.hand_offs[h.id], now, seq=hall.state.seq)

        def allowed(state: HallState) -> tuple[str, ...]:
            return v.hand_off_actions(state.offices.hand_offs.get(h.id, h))

        return await told(asked, command, view, sealer, allowed=allowed)

    return run


class RefusedView(Struct, frozen=True):
    """One of several that could not be done."""

    id: str
    code: str


class PickedUpView(Struct, frozen=True):
    """What the runner has now, and what somebody else had first."""

    hand_offs: tuple[v.HandOffView, ...]
    refused: tuple[RefusedView, ...]
    seq: int


async def pick_up_many(edge: Edge, asked: Asked) -> Response:
    """Several at once; each stands for itself, and a repeat repeats each."""
    keeper = asked.keeper
    runner = named(asked, asked.body.runner, "runner")
    ids = list(dict.fromkeys(asked.body.ids))
    for id in ids:
        if (h := keeper.committed.state.offices.hand_offs.get(id)) is not None:
            reach_hand_off(asked, ("runner", "supervise"), h)

    def ask(id: str) -> Ask:
        key = sha256(f"{asked.key}\n{id}".encode()).hexdigest()

        def answer(hall: Hall, events: list[Event]) -> tuple[int, bytes]:
            now = max(keeper.now(), hall.state.last_at)
            h = hall.state.offices.hand_offs[id]
            return 200, encode(v.hand_off_view(hall, h, now, seq=hall.state.seq))

        return Ask(c.PickUpHandOff(id, runner), asked.who.name, key, asked.fingerprint, answer)

    ends = await asyncio.gather(*(keeper.submit(ask(id)) for id in ids), return_exceptions=True)
    taken, refused = [], []
    for id, end in zip(ids, ends, strict=True):
        if isinstance(end, Refusal):
            refused.append(RefusedView(id, end.code))
        elif isinstance(end, BaseException):
            raise end
        else:
            taken.append(msgspec.Raw(end.body))
    return good({"hand_offs": taken, "refused": refused, "seq": keeper.committed.state.seq})


async def off_duty(edge: Edge, asked: Asked) -> Response:
    """A runner goes home: what he carries waits for another."""
    runner = asked.path("runner")
    if asked.who.staff not in (None, runner) and "supervise" not in asked.who.rights:
        raise Problem("not_allowed")
    carried = {h.id for h in asked.keeper.committed.state.offices.hand_offs.values() if h.runner == runner}

    def view(hall: Hall, now: int) -> v.HandOffsAnswer:
        state = hall.state
        back = [h for h in state.offices.hand_offs.values() if h.id in carried and h.state == HandOffState.WAITING]
        return v.HandOffsAnswer(tuple(v.hand_off_view(hall, h, now) for h in back), state.seq)

    return await told(asked, c.ReturnHandOffs(runner), view)


# ---- the table

_HALL = "/api/v1/halls/{hall}"
_HAND_OFF = _HALL + "/hand-offs/{hand_off}"
_RUN, _CHECK = ("runner", "supervise"), ("middle", "office")


def refusing(asked: Asked, id: str, body: b.RefuseBody, seal: Sealer) -> c.OfficeCommand:
    """The papers go back for a reason of the list."""
    on_the_list(asked.keeper.committed.state.rules, "refuse_hand_off", [body.reason], "reason")
    return c.RefuseHandOff(id, seal(body.reason), seal.optional(body.note), acting(asked, body.staff))


def _carry(
    action: str, about: str, body: type[Any], build: Build, *problems: str, rights: tuple[str, ...]
) -> Call:  # fmt: skip
    return Call(
        "POST", f"{_HAND_OFF}/{action}", f"hand_off_{action.replace('-', '_')}", about, at_hand_off(build, rights),
        v.HandOffView, body=body, rights=rights, part="hand-offs",
        problems=("unknown_hand_off", "hand_off_closed", "hand_off_state", *problems),
    )  # fmt: skip


HAND_OFF_CALLS: tuple[Call, ...] = (
    Call("GET", f"{_HALL}/hand-offs", "list_hand_offs", "Hand-offs by remaining time.", list_hand_offs,
         list[v.HandOffView], rights=("staff",), part="hand-offs",
         query=(words_query("state", "open (default), or these states, separated by commas.",
                       ["open", *(state.value for state in HandOffState)]),
                Query("zone", "Only from this zone, or carried by its runners (`pool`).", TEXT),
                Query("runner", "Only what this runner carries.", TEXT),
                Query("to", "Only to this place.", TEXT), Query("case", "Only of this case.", TEXT), AFTER)),
    Call("POST", f"{_HALL}/hand-offs/pick-up", "pick_up_many", "A runner takes several; each stands for itself.",
         pick_up_many, PickedUpView, body=b.PickUpManyBody, rights=_RUN, part="hand-offs"),
    _carry("pick-up", "A runner takes the papers.", b.PickUpBody,
           lambda a, x, q, seal: c.PickUpHandOff(x, named(a, q.runner, "runner")), rights=_RUN),
    _carry("arrive", "The papers lie before the receiver.", Empty, lambda a, x, q, seal: c.ArriveHandOff(x),
           rights=("runner", *_CHECK)),
    _carry("verify", "Checked face to face, item by item: the clock ends.", b.VerifyBody,
           lambda a, x, q, seal: c.VerifyHandOff(x, tuple(q.papers), acting(a, q.staff)), "papers_differ",
           "carrier_verifies", rights=_CHECK),
    _carry("refuse", "Back to the window with a reason; the clock goes on.", b.RefuseBody,
           refusing, "carrier_verifies", rights=_CHECK),
    Call("POST", f"{_HALL}/runners/{{runner}}/off-duty", "runner_off_duty", "A runner gives all tasks back.",
         off_duty, v.HandOffsAnswer, body=Empty, rights=_RUN, part="hand-offs"),
)  # fmt: skip
