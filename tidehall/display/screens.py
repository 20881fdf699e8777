"""The shapes of boards, strips, phones and desks; wire.py of the hall's room holds the contract's own.

Law: what the public sees holds numbers, never a person, a clerk or another's ticket id. The pages' types and the
OpenAPI schema are made from these.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from tidehall.hall.wire import AdviceFacts, AlertView, EstimateView, LineView, TicketView, WindowView

__all__ = [
    "BoardLine",
    "BoardNotice",
    "BoardView",
    "BoardWindow",
    "BoardZone",
    "CallView",
    "DeskView",
    "Doing",
    "LineBeat",
    "PhoneBeat",
    "PhoneView",
    "ReadyGroup",
    "Session",
    "StaffView",
    "StripLine",
    "StripView",
]

Words = dict[str, str]
Doing = Literal["called", "serving"]
Session = Literal["open", "break", "closed"]


class CallView(Struct, frozen=True):
    """A call as boards show and speak it; a recall is the same `call_id` with the next `attempt`."""

    call_id: str
    attempt: int
    number: str
    window: str
    label: str
    zone: str
    at: str
    say: Words


class BoardZone(Struct, frozen=True):
    id: str
    name: Words


class BoardLine(LineView, frozen=True):
    """A line as a board shows it; `range_min`: p10 and p90 in minutes, rounded outward, None when unknown."""

    zone: str
    range_min: tuple[int, int] | None


class BoardWindow(Struct, frozen=True):
    """A window as the public sees it."""

    id: str
    label: str
    zone: str
    state: str
    number: str | None
    doing: Doing | None


class ReadyGroup(Struct, frozen=True):
    """Results that lie ready in a zone, of the receipts of one day: the last five figures begin anew every day."""

    zone: str
    day: str
    tails: tuple[str, ...]


class BoardNotice(Struct, frozen=True):
    """What a supervisor says on the board."""

    id: str
    text: Words


class BoardView(Struct, frozen=True):
    """A whole board. `calls`: open ones, oldest first; `recent`: newest first, each ticket once (S28).

    `notices`: the newest first. `ready`: on issue boards alone, the newest day first.
    """

    id: str
    hall: str
    name: Words
    hall_name: Words
    zones: tuple[BoardZone, ...]
    lines: tuple[BoardLine, ...]
    windows: tuple[BoardWindow, ...]
    calls: tuple[CallView, ...]
    recent: tuple[CallView, ...]
    missed: tuple[str, ...]
    session: Session
    issuing: bool
    stale_since: str | None
    demo: bool
    notices: tuple[BoardNotice, ...]
    ready: tuple[ReadyGroup, ...] | UnsetType = UNSET


class StripLine(Struct, frozen=True):
    letter: str
    name: Words


class StripView(Struct, frozen=True):
    """The strip above one window."""

    id: str
    hall: str
    hall_name: Words
    label: str
    zone: str
    zone_name: Words
    state: str
    number: str | None
    doing: Doing | None
    lines: tuple[StripLine, ...]
    calls: tuple[CallView, ...]
    session: Session
    stale_since: str | None
    demo: bool


class PhoneView(TicketView, frozen=True, kw_only=True):
    """The citizen's own ticket with the words its page needs; `shown`: the estimate given with the number."""

    hall_name: Words
    line_name: Words
    zone_name: Words
    window_label: str | None
    windows_text: Words
    shown: EstimateView | None
    range_min: tuple[int, int] | None
    stale_since: str | None
    demo: bool


class StaffView(Struct, frozen=True):
    """A hall for its staff. `offices`: the journal seq of the last event in the offices; lists are fetched anew.

    `advice`: what the tide advises in every zone; desks are not told.
    """

    id: str
    windows: tuple[WindowView, ...]
    lines: tuple[LineView, ...]
    alerts: tuple[AlertView, ...]
    offices: int
    session: Session
    issuing: bool
    stale_since: str | None
    demo: bool
    advice: tuple[AdviceFacts, ...] | UnsetType = UNSET


class DeskView(StaffView, frozen=True, kw_only=True):
    """The same seen from one window: its next 30 tickets and those parked that it may take up."""

    window: WindowView
    waiting: tuple[TicketView, ...]
    parked: tuple[TicketView, ...]


class LineBeat(Struct, frozen=True):
    """What time alone changes of a line."""

    id: str
    longest_wait_s: float
    estimate: EstimateView | None
    range_min: tuple[int, int] | None


class PhoneBeat(Struct, frozen=True):
    """What time alone changes of a citizen's ticket."""

    ahead: int | None
    estimate: EstimateView | None
    range_min: tuple[int, int] | None
