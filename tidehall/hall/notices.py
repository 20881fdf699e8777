"""What a supervisor says on the boards, and where he sends runners (R106).

Law: both are orders of the day: they end by hand, at their own time, or with the service day, and nobody has to clear
up after them. A notice's words are under seal here (law 11); the server opens them for the boards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event

if TYPE_CHECKING:
    from tidehall.hall.state import HallState

__all__ = ["POOL", "Duty", "Notice", "boards_of", "end", "move_runner", "post", "zones_of"]

#: Where a runner carries for the whole hall.
POOL = "pool"


class Notice(Struct, frozen=True, gc=False):
    """A notice on boards: those of `zone`, the one `board`, or (neither) all. `zh`, `en`: sealed; `until`: µs, 0: the
    end of the service day."""

    id: str
    zh: str
    en: str | None
    zone: str | None
    board: str | None
    since: int
    until: int
    seq: int


class Duty(Struct, frozen=True, gc=False):
    """Where a runner carries today, by a supervisor's order: a zone, or the pool; since when (µs)."""

    zone: str
    since: int


def boards_of(s: HallState, zone: str | None, board: str | None) -> tuple[str, ...]:
    """The boards on which such a notice stands, in the plan's order."""
    return tuple(
        b.id
        for b in s.rules.boards
        if (board is None or b.id == board) and (zone is None or zone in b.zones)
    )  # fmt: skip


def zones_of(s: HallState, zone: str | None, board: str | None) -> tuple[str, ...]:
    """The zones whose boards change with such a notice."""
    if zone is not None:
        return (zone,)
    boards = boards_of(s, zone, board)
    found = dict.fromkeys(z for b in s.rules.boards if b.id in boards for z in b.zones)
    return tuple(found) if board is not None else tuple(s.zone_seq)


def post(s: HallState, q: c.PostNotice, now: int) -> list[Event]:
    """Put a notice up. Refusals: unknown_zone, unknown_board, invalid (both named, or a time that is over)."""
    if q.zone is not None and q.board is not None:
        raise Refusal("invalid", fields={"board": "give a zone or a board, one of the two"})
    if q.zone is not None and q.zone not in s.zones:
        raise Refusal("unknown_zone", zone=q.zone)
    if q.board is not None and not boards_of(s, None, q.board):
        raise Refusal("unknown_board", board=q.board)
    if q.until is not None and q.until <= now:
        raise Refusal("invalid", fields={"until": "is over already"})
    return [e.NoticePosted(now, q.notice, q.zh, q.en, q.zone, q.board, q.until)]


def end(s: HallState, q: c.EndNotice, now: int) -> list[Event]:
    """Take a notice down. Refusal: unknown_notice."""
    if q.notice not in s.notices:
        raise Refusal("unknown_notice", notice=q.notice)
    return [e.NoticeEnded(now, q.notice)]


def move_runner(s: HallState, q: c.MoveRunner, now: int) -> list[Event]:
    """Send a runner to a zone, or (None) to the pool, for today. Refusal: unknown_zone."""
    if q.zone is not None and q.zone not in s.zones:
        raise Refusal("unknown_zone", zone=q.zone)
    found = s.runners.get(q.runner)
    if found is not None and found.zone == (q.zone or POOL):
        return []
    return [e.RunnerMoved(now, q.runner, q.zone)]
