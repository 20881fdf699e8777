"""What the world sees of a hall: the objects of contract.md, made from its state.

Law: nothing here decides; names and times are the contract's (RFC 3339 with the hall's offset, durations in s).
These structs are the OpenAPI schema and the types of the pages.
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

__all__ = [
    "AdviceFacts",
    "AdviceFigures",
    "AlertView",
    "BoardRef",
    "EstimateView",
    "HallRef",
    "HallView",
    "ItemView",
    "LineRef",
    "LineView",
    "ProspectView",
    "TicketCase",
    "TicketView",
    "WindowAnswer",
    "WindowView",
    "ZoneView",
]

Words = dict[str, str]


class EstimateView(Struct, frozen=True):
    """A wait, seconds."""

    p10_s: float
    p50_s: float
    p90_s: float


class TicketCase(Struct, frozen=True):
    """A case whose result this visit collects, in short."""

    id: str
    receipt: str
    item: str
    stage: str


class TicketView(Struct, frozen=True):
    """The contract's Ticket. The fields after `seq` are for staff only and unset on public surfaces."""

    id: str
    number: str
    hall: str
    line: str
    item: str | None
    state: str
    priority: str
    taken_at: str
    ahead: int | None
    estimate: EstimateView | None
    window: str | None
    calls: int
    seq: int
    token: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    items: tuple[str, ...] | UnsetType = UNSET
    current: str | UnsetType | None = UNSET
    claimed: str | UnsetType | None = UNSET
    called_at: str | UnsetType | None = UNSET
    started_at: str | UnsetType | None = UNSET
    parked: str | UnsetType | None = UNSET
    misses: int | UnsetType = UNSET
    waited_s: float | UnsetType | None = UNSET
    note: str | UnsetType | None = UNSET
    missing: tuple[str, ...] | UnsetType = UNSET
    cases: tuple[TicketCase, ...] | UnsetType = UNSET
    helper: str | UnsetType | None = UNSET


class WindowView(Struct, frozen=True):
    """The contract's window; `staff`, `ticket` and what follows only for staff.

    `closing`: a tidal window that closes when its citizen has gone.
    """

    id: str
    label: str
    zone: str
    post: str
    lines: tuple[str, ...]
    state: str
    staff: str | UnsetType | None = UNSET
    ticket: TicketView | UnsetType | None = UNSET
    reason: str | UnsetType | None = UNSET
    allowed: tuple[str, ...] | UnsetType = UNSET
    waiting: int | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    closing: bool | UnsetType = UNSET


class WindowAnswer(Struct, frozen=True):
    """The answer to a window's command."""

    window: WindowView
    ticket: TicketView | None
    seq: int


class ZoneView(Struct, frozen=True):
    id: str
    kind: str
    name: Words


class LineRef(Struct, frozen=True):
    id: str
    letter: str
    zone: str
    name: Words
    purpose: str


class ItemView(Struct, frozen=True):
    code: str
    name: Words
    department: str
    line: str
    kind: str


class BoardRef(Struct, frozen=True):
    id: str


class HallRef(Struct, frozen=True):
    id: str
    name: Words
    open: bool


class HallView(Struct, frozen=True):
    """The contract's hall."""

    id: str
    name: Words
    open: bool
    seq: int
    zones: tuple[ZoneView, ...]
    lines: tuple[LineRef, ...]
    windows: tuple[WindowView, ...]
    items: tuple[ItemView, ...]
    boards: tuple[BoardRef, ...]


class LineView(Struct, frozen=True):
    """How a line stands now."""

    id: str
    letter: str
    name: Words
    waiting: int
    longest_wait_s: float
    open_windows: int
    estimate: EstimateView | None


class AlertView(Struct, frozen=True):
    """An alert: of whom and where, since when, and the rule's figure: `limit` in `unit` (s · days · share), null where
    the matter has none."""

    id: str
    kind: str
    about: str
    owner: str | None
    since: str
    acknowledged: bool
    ended: str | None
    zone: str | None
    limit: float | None
    unit: str | None
    escalated: bool
    acknowledged_by: str | None


class AdviceFigures(Struct, frozen=True):
    """How the lines of a zone's tidal windows stood when the advice was given; `per_window`: null with nobody open."""

    waiting: int
    open_windows: int
    per_window: float | None
    longest_wait_s: float


class ProspectView(Struct, frozen=True):
    """What look-ahead foresaw of a step at `at`: `in_s` later, 90 % of those called will have waited `p90_s` at most if
    it is taken now, `later_p90_s` if a quarter of an hour later, `instead_s` if not (null: nobody waits or is called).
    `within`, `instead_within`: shares of the next hour's citizens called within `limit_s`; `gain`: their difference,
    with its 95 % interval, from `runs` paired runs. `basis`: scenario, calibrated, or recent (the last half hour)."""

    at: str
    basis: str
    runs: int
    in_s: float
    p90_s: float | None
    instead_s: float | None
    later_p90_s: float | None
    limit_s: float
    within: float | None
    instead_within: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None


class AdviceFacts(Struct, frozen=True):
    """What the tide advises for a zone; `staff`: who is free to take the window now, or sits there; `prospect`: null
    until look-ahead has computed it."""

    zone: str
    window: str
    label: str
    action: str
    figures: AdviceFigures
    since: str
    advised_at: str
    staff: str | None
    prospect: ProspectView | None = None
