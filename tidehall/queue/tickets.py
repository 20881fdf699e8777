"""A ticket and its life.

Law: every change of a ticket's state is a row of `TICKET_LIFE`; a missing row *is* the refusal.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from tidehall.queue.order import Rank

__all__ = ["ENDED", "TICKET_LIFE", "UNDO_LIFE", "Channel", "Estimate", "Parked", "Ticket", "TicketState"]


class TicketState(StrEnum):
    """The states of contract.md."""

    __hash__ = str.__hash__  # the one of the text that it equals; Enum hashes the name, in Python

    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    SUSPENDED = "suspended"
    FINISHED = "finished"
    REJECTED = "rejected"
    VOID = "void"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Channel(StrEnum):
    """Where the number was taken (R123, R124)."""

    KIOSK = "kiosk"
    PHONE = "phone"
    GUIDE = "guide"
    WEB = "web"
    APP = "app"
    APPOINTMENT = "appointment"


class Parked(StrEnum):
    """The three kinds of suspending (挂起, domain.md 4)."""

    AWAY = "away"  # 不持件: the citizen fetches papers; any window of the line goes on
    HOLD = "hold"  # 持件: the papers stay; the same window goes on
    STEP = "step"  # 等待: another step must happen first; the same window goes on


W, C, S, P = TicketState.WAITING, TicketState.CALLED, TicketState.SERVING, TicketState.SUSPENDED

#: state → {event kind → next state}. docs/reference.md is drawn from this table.
TICKET_LIFE: dict[str, dict[str, TicketState]] = {
    W: {
        "ticket_called": C,
        "ticket_postponed": W,
        "priority_confirmed": W,
        "ticket_cancelled": TicketState.CANCELLED,
        "ticket_expired": TicketState.EXPIRED,
    },
    C: {
        "ticket_recalled": C,
        "service_started": S,
        "ticket_missed": W,
        "ticket_voided": TicketState.VOID,
        "ticket_cancelled": TicketState.CANCELLED,
        "ticket_expired": TicketState.EXPIRED,  # only when a new plan has no place for it
        "priority_confirmed": C,
    },
    S: {
        "items_set": S,
        "priority_confirmed": S,
        "ticket_suspended": P,
        "ticket_transferred": W,
        "ticket_rejected": TicketState.REJECTED,
        "ticket_finished": TicketState.FINISHED,
        "ticket_expired": TicketState.EXPIRED,  # only when a new plan has no place for it
    },
    P: {
        "ticket_returned": W,
        "service_resumed": S,
        "ticket_cancelled": TicketState.CANCELLED,
        "ticket_expired": TicketState.EXPIRED,
    },
    TicketState.VOID: {"ticket_restored": W},
    TicketState.FINISHED: {},
    TicketState.REJECTED: {},
    TicketState.CANCELLED: {},
    TicketState.EXPIRED: {},
}

#: what `action_undone` takes back → the state it leads back to (within 30 s, while nobody has acted on it since).
UNDO_LIFE: dict[str, TicketState] = {
    "ticket_missed": C,
    "ticket_voided": C,
    "ticket_finished": S,
    "ticket_rejected": S,
    "ticket_transferred": S,
}

#: States that no ordinary step leaves.
ENDED = frozenset(
    {
        TicketState.FINISHED,
        TicketState.REJECTED,
        TicketState.VOID,
        TicketState.CANCELLED,
        TicketState.EXPIRED,
    }
)

#: p10, p50 and p90 of a wait, µs.
Estimate = tuple[int, int, int]


class Ticket(Struct, gc=False):
    """One citizen's number, as the hall's state holds it. Times and durations are µs.

    Its inner values are immutable, so a shallow copy is a full copy (undo and drafts rest on that).
    """

    id: str
    number: str
    serial: int  # order of taking within the hall's journal
    line: str
    channel: str
    priority: str  # the class that counts now
    taken_at: int
    rank: Rank
    state: TicketState = W
    waiting_since: int = 0
    seq: int = 0
    items: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()  # whose results this visit collects
    claimed: str | None = None  # a priority class said but not yet confirmed
    holder: str | None = None  # id in the sealed persons table
    helper: str | None = None  # who of the staff goes along (帮办)
    shown: Estimate | None = None
    booked_for: int = 0
    guarded: bool = False  # one of the next three must be looked at before a call
    callable_at: int = 0  # postponed: not before
    eligible_at: int = 0  # booked: before that only when nobody eligible waits
    only_window: str | None = None  # transferred to one window
    first_called_at: int = 0
    called_at: int = 0
    call_id: str | None = None
    attempt: int = 0
    misses: int = 0
    window: str | None = None
    started_at: int = 0  # of the current visit to a window
    serving_since: int = 0
    served: int = 0
    parked: Parked | None = None
    parked_since: int = 0
    parked_total: int = 0
    current: str | None = None  # the item in work, for the split of serving time (S1)
    ended_at: int = 0
    missing: tuple[str, ...] = ()
    notices: int = 0
    note: str | None = None

    if TYPE_CHECKING:  # msgspec gives every struct a shallow copy

        def __copy__(self) -> Ticket: ...
