"""The calls for the middle office's help, ratings, matters, the archive's daily list and a citizen's progress.

Law: as in offices.py. A citizen rates by the ticket's token and asks by the receipt's number and four digits; what he
is told is masked, and how often anybody may ask is limited.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response

from tidehall.display import office_views as v
from tidehall.display.http import office_bodies as b
from tidehall.display.http.access import Principal
from tidehall.display.http.api import good
from tidehall.display.http.bodies import Empty
from tidehall.display.http.calls import AFTER, Asked, Call, Edge, Query
from tidehall.display.http.offices import (
    TEXT,
    Build,
    OfficeSeal,
    acting,
    asked_for,
    choice,
    listed,
    named,
    seal_person,
    shown_person,
    told,
    words_query,
)
from tidehall.display.http.problems import Fault, Problem
from tidehall.display.http.receipts import by_receipt, here, people
from tidehall.display.http.texts import Sealer, open_all
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.papers import commands as c
from tidehall.hall.papers.objects import Matter, MatterKind, MatterState, Support, SupportState
from tidehall.hall.state import HallState
from tidehall.store.persons import mask_name

__all__ = ["MATTER_CALLS", "RatingView"]

#: An owner that is a post, not a person.
_POST = re.compile(r"(manager|middle)\Z|(supervisor|office|window|issue|maker|runner):")
#: Who looks after complaints, errands that could not be done, and enquiries.
_CARING = ("guide", "supervise", "middle", "office", "window")


# ---- the middle office's help


async def list_support(edge: Edge, asked: Asked) -> Response:
    """Questions of the windows, the oldest limit first."""
    keeper = asked.keeper
    hall, now = keeper.committed, keeper.now()
    states = choice(asked, "state", [state.value for state in SupportState])
    window = asked_for(asked, "window")
    found = [
        x
        for x in hall.state.offices.supports.values()
        if (states is None or x.state.value in states) and (window is None or x.window == window)
    ]
    found.sort(key=lambda x: (x.due_at, x.id))
    return await listed(edge, asked, [v.support_view(hall, x, now) for x in found])


async def ask_support(edge: Edge, asked: Asked) -> Response:
    """A window asks."""
    body = asked.body
    asked.principal = edge.access.allow(asked.request, ("window",), asked.keeper.id, body.window)
    sealer = OfficeSeal(asked, edge.house.persons)
    command = c.AskSupport(f"q{secrets.token_hex(8)}", body.window, body.item, sealer.optional(body.question))

    def view(hall: Hall, now: int) -> v.SupportView:
        found = hall.state.offices.supports[command.support]
        return v.support_view(hall, found, now, seq=hall.state.seq)

    return await told(asked, command, view, sealer, status=201)


def at_support(build: Build) -> Callable[[Edge, Asked], Awaitable[Response]]:
    """A step of the middle office with a question."""

    async def run(edge: Edge, asked: Asked) -> Response:
        id = asked.path("support")
        found: Support = await here(
            asked.keeper, lambda s: s.offices.supports.get(id), Refusal("unknown_support", support=id)
        )
        sealer = OfficeSeal(asked, edge.house.persons)
        command = build(asked, id, asked.body, sealer)

        def view(hall: Hall, now: int) -> v.SupportView:
            return v.support_view(hall, hall.state.offices.supports[id], now, seq=hall.state.seq)

        def allowed(state: HallState) -> tuple[str, ...]:
            return v.support_actions(state.offices.supports.get(id, found))

        return await told(asked, command, view, sealer, allowed=allowed)

    return run


# ---- ratings


class RatingView(Struct, frozen=True):
    """The rating as it stands; `follow_up`: the one given after a bad rating was mended (追评)."""

    number: str | None
    level: int
    follow_up: bool
    seq: int


async def rate(edge: Edge, asked: Asked) -> Response:
    """The citizen's free word on a visit, some days long; the token is the right."""
    token, body = asked.path("token"), asked.body
    id = edge.house.persons.ticket_of(token)
    keeper = edge.house.halls.get(id.rpartition(".")[0]) if id is not None else None
    if id is None or keeper is None:
        raise Problem("unknown_ticket")
    await edge.rates.ticket(id)
    ticket = id

    def known(state: HallState) -> bool | None:
        return True if ticket in state.offices.claims or ticket in state.tickets else None

    await here(keeper, known, Refusal("unknown_ticket"))
    asked.hall, asked.principal = keeper, Principal(f"ticket:{id}", frozenset())
    sealer = Sealer(edge.house.persons, ())
    command = c.RateTicket(id, body.level, tuple(body.reasons), sealer.optional(body.text))

    def view(hall: Hall, now: int) -> RatingView:
        state = hall.state
        found = state.tickets.get(ticket)
        follow_up = state.offices.follow_ups.get(ticket)
        number = None if found is None else found.number
        return RatingView(number, follow_up or state.offices.ratings[ticket], follow_up is not None, state.seq)

    return await told(asked, command, view, sealer)


# ---- matters


def shows_matter(asked: Asked) -> bool:
    """Whether this reader may know whose matter it is: whoever calls back must."""
    return any(asked.who.covers(right) for right in (*_CARING, "audit"))


async def list_matters(edge: Edge, asked: Asked) -> Response:
    """Matters by their next limit, without persons."""
    keeper = asked.keeper
    hall, now = keeper.committed, keeper.now()
    states = choice(asked, "state", [state.value for state in MatterState])
    kinds = choice(asked, "kind", [kind.value for kind in MatterKind])
    owner, about = asked_for(asked, "owner"), asked_for(asked, "about")
    found = [
        m
        for m in hall.state.offices.matters.values()
        if (states is None or m.state.value in states)
        and (kinds is None or m.kind.value in kinds)
        and (owner is None or m.owner == owner)
        and (about is None or m.about == about)
    ]
    found.sort(key=lambda m: (m.due_at if m.contacted_at else m.contact_by, m.id))
    rows = [v.matter_view(hall, m, now) for m in found]
    return await listed(edge, asked, rows) if shows_matter(asked) else good(rows)


async def matter_here(asked: Asked) -> Matter:
    """The matter that the path names. Raises Refusal unknown_matter."""
    id = asked.path("matter")
    return await here(asked.keeper, lambda s: s.offices.matters.get(id), Refusal("unknown_matter", matter=id))


async def get_matter(edge: Edge, asked: Asked) -> Response:
    """One matter, with the person to contact."""
    matter, keeper = await matter_here(asked), asked.keeper
    view, persons = v.matter_view(keeper.committed, matter, keeper.now()), edge.house.persons
    if not shows_matter(asked):
        return good(view)
    who = await people(keeper, persons, matter.holder)
    view = replace(view, holder=shown_person(who.get(matter.holder or ""), plain=True))
    return good(await open_all(keeper, persons, view))


async def open_matter(edge: Edge, asked: Asked) -> Response:
    """Register a matter; the first person asked owns it (首问负责)."""
    body = asked.body
    owner = body.owner or asked.who.staff
    if owner is None:
        raise Problem("invalid", errors=[Fault("owner", "missing")])
    if body.holder is not None and (body.holder.name, body.holder.id_number, body.holder.phone) == (None, None, None):
        raise Problem("invalid", errors=[Fault("holder", "missing")])
    sealer = OfficeSeal(asked, edge.house.persons)
    command = c.OpenMatter(
        matter=f"m{secrets.token_hex(8)}",
        what=MatterKind(body.kind),
        owner=owner,
        about=body.about,
        channel=body.channel,
        holder=seal_person(edge.house.persons, sealer, body.holder),
        note=sealer.optional(body.note),
    )

    def view(hall: Hall, now: int) -> v.MatterView:
        return v.matter_view(hall, hall.state.offices.matters[command.matter], now, seq=hall.state.seq)

    return await told(asked, command, view, sealer, status=201)


async def hand_over(edge: Edge, asked: Asked) -> Response:
    """A formal hand-over: to a post, or to somebody who has an account, where there are accounts at all."""
    owner = asked.body.owner.removeprefix("staff:")
    accounts = edge.sessions.accounts
    if _POST.match(owner) is None and await accounts.account(owner) is None and await accounts.exist():
        raise Problem("invalid", errors=[Fault("owner", "no_such_account")])
    return await at_matter(lambda a, x, q, seal: c.HandOverMatter(x, owner))(edge, asked)


def at_matter(build: Build) -> Callable[[Edge, Asked], Awaitable[Response]]:
    """A step of a matter."""

    async def run(edge: Edge, asked: Asked) -> Response:
        matter = await matter_here(asked)
        sealer = OfficeSeal(asked, edge.house.persons)
        command = build(asked, matter.id, asked.body, sealer)

        def view(hall: Hall, now: int) -> v.MatterView:
            return v.matter_view(hall, hall.state.offices.matters[matter.id], now, seq=hall.state.seq)

        def allowed(state: HallState) -> tuple[str, ...]:
            return v.matter_actions(state.offices.matters.get(matter.id, matter))

        return await told(asked, command, view, sealer, allowed=allowed)

    return run


# ---- the archive


async def get_archive(edge: Edge, asked: Asked) -> Response:
    """Each unit's daily list."""
    return await listed(edge, asked, v.archive_view(asked.keeper.committed, asked_for(asked, "unit")))


# ---- a citizen's progress


async def get_progress(edge: Edge, asked: Asked) -> Response:
    """A case by its receipt's number and the last four digits of the applicant's id number or telephone; masked.

    A wrong number and wrong digits are the same answer, and count alike against whoever asks and against the receipt.
    """
    keeper = asked.keeper
    receipt, last4 = asked_for(asked, "receipt"), asked_for(asked, "last4")
    faults = [Fault(name, "missing") for name, text in (("receipt", receipt), ("last4", last4)) if not text]
    if receipt and not (receipt.isascii() and receipt.isalnum() and len(receipt) <= 40):
        faults.append(Fault("receipt", "characters"))
    if last4 and not (last4.isascii() and last4.isalnum() and len(last4) == 4):
        faults.append(Fault("last4", "characters"))
    if faults or receipt is None or last4 is None:
        raise Problem("invalid", errors=faults)
    case, who = await by_receipt(edge, asked, receipt, last4)
    applicant = who.get(case.applicant or "")
    name = applicant["name"] if applicant is not None else None
    hall = keeper.committed
    return good(v.progress_view(hall, case, None if name is None else mask_name(name)))


# ---- the table

_HALL = "/api/v1/halls/{hall}"
_SUPPORT = _HALL + "/support/{support}"
_MATTER = _HALL + "/matters/{matter}"


def _help(action: str, about: str, body: type[Any], build: Build) -> Call:
    return Call(
        "POST", f"{_SUPPORT}/{action}", f"support_{action}", about, at_support(build), v.SupportView, body=body,
        rights=("middle",), problems=("unknown_support", "support_state"), part="support",
    )  # fmt: skip


def _care(
    action: str, about: str, body: type[Any], run: Callable[[Edge, Asked], Awaitable[Response]]
) -> Call:  # fmt: skip
    return Call(
        "POST", f"{_MATTER}/{action}", f"matter_{action.replace('-', '_')}", about, run, v.MatterView,
        body=body, rights=_CARING, problems=("unknown_matter", "matter_state"), part="matters",
    )  # fmt: skip


#: Every call of this part.
MATTER_CALLS: tuple[Call, ...] = (
    Call("GET", f"{_HALL}/support", "list_support", "The windows' questions to the middle office.", list_support,
         list[v.SupportView], rights=("staff",), part="support",
         query=(words_query("state", "Only in these states, separated by commas.", [s.value for s in SupportState]),
                Query("window", "Only of this window.", TEXT), AFTER)),
    Call("POST", f"{_HALL}/support", "ask_support", "A window asks the middle office.", ask_support, v.SupportView,
         status=201, body=b.AskBody, rights=("window",), part="support",
         problems=("unknown_window", "unknown_item", "support_exists")),
    _help("claim", "An officer of the middle office takes the question.", b.StaffBody,
          lambda a, x, q, seal: c.ClaimSupport(x, named(a, q.staff))),
    _help("answer", "Answered on the spot, by telephone or online.", b.AnswerBody,
          lambda a, x, q, seal: c.AnswerSupport(x, q.channel, acting(a, q.staff), seal.optional(q.answer))),
    _help("escalate", "Beyond the middle office: to the department.", Empty,
          lambda a, x, q, seal: c.EscalateSupport(x)),
    Call("POST", "/api/v1/tickets/{token}/rating", "own_ticket_rating", "Rate the visit; once, and once more after a "
         "bad rating was mended.", rate, RatingView, body=b.RatingBody, part="own ticket",
         problems=("unknown_ticket", "too_many", "nothing_to_rate", "already_rated")),
    Call("GET", f"{_HALL}/matters", "list_matters", "Rectifications, complaints, unresolved errands, enquiries.",
         list_matters, list[v.MatterView], rights=("staff",), part="matters",
         query=(words_query("state", "Only in these states, separated by commas.", [s.value for s in MatterState]),
                words_query("kind", "Only of these kinds, separated by commas.", [k.value for k in MatterKind]),
                Query("owner", "Only this owner's.", TEXT), Query("about", "Only about this.", TEXT), AFTER)),
    Call("POST", f"{_HALL}/matters", "open_matter", "Register a complaint, an unresolved errand or an enquiry.",
         open_matter, v.MatterView, status=201, body=b.MatterBody, rights=_CARING, part="matters",
         problems=("matter_exists",)),
    Call("GET", _MATTER, "get_matter", "One matter, with the person for those who call back.", get_matter,
         v.MatterView, rights=("staff",), query=(AFTER,), part="matters",
         problems=("unknown_matter", "journal_unavailable")),
    _care("hand-over", "A formal hand-over to another owner: a post, or somebody with an account.", b.HandOverBody,
          hand_over),
    _care("contact", "The citizen was contacted.", Empty,
          at_matter(lambda a, x, q, seal: c.ContactMatter(x))),
    _care("solve", "What was done.", b.ResultBody,
          at_matter(lambda a, x, q, seal: c.SolveMatter(x, seal(q.result)))),
    _care("call-back", "The citizen was called back.", Empty,
          at_matter(lambda a, x, q, seal: c.CallBackMatter(x))),
    _care("close", "Done.", Empty, at_matter(lambda a, x, q, seal: c.CloseMatter(x))),
    _care("reopen", "Not solved after all.", Empty, at_matter(lambda a, x, q, seal: c.ReopenMatter(x))),
    Call("GET", f"{_HALL}/archive", "get_archive", "Each unit's daily list: every original filed, in use with a "
         "reason, or open.", get_archive, list[v.ArchiveUnit], rights=("staff",), part="archive",
         query=(Query("unit", "Only this place's list, such as office:DEPARTMENT.", TEXT), AFTER)),
    Call("GET", f"{_HALL}/progress", "get_progress", "A case by receipt number and last four digits; open to all, "
         "masked.", get_progress, v.ProgressView, part="cases",
         query=(Query("receipt", "The receipt's number.", {"type": "string", "pattern": "^[0-9A-Za-z]{1,40}$"}),
                Query("last4", "The last four of the applicant's id number or telephone.",
                      {"type": "string", "pattern": "^[0-9A-Za-z]{4}$"}), AFTER),
         problems=("unknown_receipt", "too_many", "journal_unavailable")),
)  # fmt: skip
