"""The calls by which a supervisor runs the hall: what boards say, and where runners carry (R106).

Law: as in api.py. Of a signed-in person the posts must reach every zone that an order touches. What boards say is
sealed like every free text (law 11), and opened again for those who may read it: everybody, here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.responses import Response

from tidehall.display.board_notices import shown_on
from tidehall.display.http.api import encode, good, of_outcome, submit
from tidehall.display.http.bodies import NO_CONTROL, Body, Empty, Id
from tidehall.display.http.calls import AFTER, Asked, Call, Edge
from tidehall.display.http.problems import Fault, Problem
from tidehall.display.http.texts import Sealer, open_texts
from tidehall.display.views import optional_time, time_text
from tidehall.hall import commands as c
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.notices import POOL, Notice, zones_of
from tidehall.hall.offices.clocks import still_open
from tidehall.hall.state import HallState
from tidehall.store.posts import Post

__all__ = ["SUPERVISION_CALLS", "NoticeAnswer", "NoticeView", "RunnerView"]

#: RFC 3339 with an offset.
Moment = Annotated[
    str,
    Meta(
        max_length=40,
        pattern=r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+\-]\d\d:\d\d)(?![\s\S])",
        extra_json_schema={"format": "date-time"},
    ),
]


class NoticeBody(Body, frozen=True):
    """What boards say: those of `zone`, the one `board`, or with neither all of them; until `until`, at most to the end
    of the service day. Boards in a language that is missing show the Chinese."""

    zh: Annotated[str, Meta(min_length=1, max_length=80, pattern=NO_CONTROL)]
    en: Annotated[str, Meta(min_length=1, max_length=160, pattern=NO_CONTROL)] | None = None
    zone: Id | None = None
    board: Id | None = None
    until: Moment | None = None


class MoveBody(Body, frozen=True):
    """Where the runner carries today; null: for the hall's pool."""

    zone: Id | None = None


class NoticeView(Struct, frozen=True):
    """A notice that stands on `boards`; `until` null: to the end of the service day."""

    id: str
    zh: str
    en: str | None
    zone: str | None
    board: str | None
    boards: tuple[str, ...]
    since: str
    until: str | None


class NoticeAnswer(Struct, frozen=True):
    """The notice that was put up or taken down."""

    id: str
    seq: int


class RunnerView(Struct, frozen=True):
    """Who carries, and where: `zone` today (`pool`: the whole hall's), by a supervisor's order since `moved_at`, else
    by the post (`zones`). `carrying`: hand-offs in the runner's hands."""

    runner: str
    name: str | None
    zone: str
    zones: tuple[str, ...]
    moved_at: str | None
    carrying: int


class MovedView(Struct, frozen=True):
    """Where the runner carries now."""

    runner: str
    zone: str
    seq: int


# ---- notices


def must_reach(asked: Asked, zones: Iterable[str]) -> None:
    """Refuse whoever supervises only a part of these zones. Raises Problem not_allowed."""
    if not all(asked.who.covers("supervise", zone=zone) for zone in zones):
        raise Problem("not_allowed")


def moment(text: str | None, field: str) -> int | None:
    """A time of a body as µs. Raises Problem invalid."""
    if text is None:
        return None
    try:
        return round(datetime.fromisoformat(text.upper()).timestamp() * 1_000_000)
    except (ValueError, OverflowError) as error:
        raise Problem("invalid", errors=[Fault(field, "wrong")]) from error


async def list_notices(edge: Edge, asked: Asked) -> Response:
    """What boards say now, the newest first, with its words."""
    keeper = asked.keeper
    state = keeper.committed.state
    found = sorted(state.notices.values(), key=lambda n: -n.seq)
    words = await open_texts(keeper, edge.house.persons, [text for n in found for text in (n.zh, n.en) if text])
    return good([notice_view(state, n, words) for n in found])


def notice_view(state: HallState, n: Notice, words: dict[str, str]) -> NoticeView:
    """A notice for staff; words that cannot be opened stay a reference."""
    return NoticeView(
        n.id, words.get(n.zh, n.zh), words.get(n.en, n.en) if n.en is not None else None, n.zone, n.board,
        shown_on(state, n), time_text(state, n.since), optional_time(state, n.until),
    )  # fmt: skip


async def post_notice(edge: Edge, asked: Asked) -> Response:
    """Say something on boards."""
    state, body = asked.keeper.committed.state, asked.body
    must_reach(asked, zones_of(state, body.zone, body.board))
    sealer = Sealer(edge.house.persons, ())
    command = c.PostNotice(
        f"n{secrets.token_hex(6)}", sealer(body.zh), sealer.optional(body.en), body.zone, body.board,
        moment(body.until, "until"),
    )  # fmt: skip

    def answer(hall: Hall, events: list[Event]) -> tuple[int, bytes]:
        return 201, encode(NoticeAnswer(command.notice, hall.state.seq))

    return of_outcome(await submit(asked, command, answer, sealer.rows))


async def end_notice(edge: Edge, asked: Asked) -> Response:
    """Take a notice down."""
    state, id = asked.keeper.committed.state, asked.path("notice")
    found = state.notices.get(id)
    if found is not None:
        must_reach(asked, zones_of(state, found.zone, found.board))

    def answer(hall: Hall, events: list[Event]) -> tuple[int, bytes]:
        return 200, encode(NoticeAnswer(id, hall.state.seq))

    return of_outcome(await submit(asked, c.EndNotice(id), answer))


# ---- runners


async def list_runners(edge: Edge, asked: Asked) -> Response:
    """Who has a runner's post, was sent somewhere today, or carries something."""
    keeper = asked.keeper
    state = keeper.committed.state
    names: dict[str, str | None] = {}
    posts: dict[str, tuple[Post, ...]] = {}
    for account in await edge.house.accounts.accounts():
        own = tuple(p for p in account.posts if p.hall == keeper.id and p.post == "runner")
        if account.active and own:
            posts[account.staff] = own
        names[account.staff] = edge.sessions.name(account)
    open_ones = [h for h in state.offices.hand_offs.values() if still_open(h) and h.runner]
    known = sorted({*posts, *state.runners, *(h.runner for h in open_ones if h.runner)})
    return good([
        runner_view(state, id, names.get(id), posts.get(id, ()), sum(h.runner == id for h in open_ones))
        for id in known
    ])  # fmt: skip


def runner_view(state: HallState, id: str, name: str | None, posts: tuple[Post, ...], carrying: int) -> RunnerView:
    """One runner: where he was sent to goes before his post."""
    zones = tuple(p.zone for p in posts if p.zone) if all(p.zone for p in posts) else ()
    duty = state.runners.get(id)
    usual = zones[0] if zones else POOL
    moved = time_text(state, duty.since) if duty is not None else None
    return RunnerView(id, name, duty.zone if duty is not None else usual, zones, moved, carrying)


def runner_named(asked: Asked) -> str:
    """The runner in the path, who need not be known: like a body's ids, no person's name fits in. Raises Problem
    invalid."""
    try:
        return msgspec.convert(asked.path("runner"), Id)
    except msgspec.ValidationError:
        raise Problem("invalid", errors=[Fault("runner", "characters")]) from None


async def move_runner(edge: Edge, asked: Asked) -> Response:
    """Send a runner to a zone, which its supervisor may, or to the pool, which every supervisor may."""
    id, zone = runner_named(asked), asked.body.zone
    if zone is not None:
        if zone not in asked.keeper.committed.state.zones:
            raise Refusal("unknown_zone", zone=zone)
        must_reach(asked, (zone,))

    def answer(hall: Hall, events: list[Event]) -> tuple[int, bytes]:
        found = hall.state.runners.get(id)
        return 200, encode(MovedView(id, found.zone if found is not None else POOL, hall.state.seq))

    return of_outcome(await submit(asked, c.MoveRunner(id, zone), answer))


# ---- the table

_HALL = "/api/v1/halls/{hall}"
_RIGHTS = ("supervise",)

SUPERVISION_CALLS: tuple[Call, ...] = (
    Call("GET", f"{_HALL}/notices", "list_notices", "What boards say now.", list_notices, list[NoticeView],
         rights=("staff",), query=(AFTER,), part="supervision", problems=("journal_unavailable",)),
    Call("POST", f"{_HALL}/notices", "post_notice", "Say something on boards, at most to the end of the service day.",
         post_notice, NoticeAnswer, status=201, body=NoticeBody, rights=_RIGHTS, part="supervision",
         problems=("unknown_zone", "unknown_board")),
    Call("POST", f"{_HALL}/notices/{{notice}}/end", "end_notice", "Take a notice down.", end_notice, NoticeAnswer,
         body=Empty, rights=_RIGHTS, part="supervision", problems=("unknown_notice",)),
    Call("GET", f"{_HALL}/runners", "list_runners", "Who carries papers, and where.", list_runners, list[RunnerView],
         rights=("staff",), query=(AFTER,), part="supervision"),
    Call("POST", f"{_HALL}/runners/{{runner}}/zone", "move_runner",
         "Send a runner to a zone, or to the hall's pool, to the end of the service day.", move_runner, MovedView,
         body=MoveBody, rights=_RIGHTS, part="supervision", problems=("unknown_zone",)),
)  # fmt: skip
