"""What has happened in a hall: the facts of the journal.

Law: an event is complete and past. `at` is when it was written; `due`, on what time alone brings, the exact
moment at which it became true (law 1). Both µs since the epoch, UTC. Measures use `due` where it stands.
A kind is never renamed; a changed meaning gets a new version and an upcaster.
"""

from __future__ import annotations

from tidehall.hall.facts import Fact
from tidehall.hall.outlook import Prospect
from tidehall.hall.papers.events import OfficeEvent
from tidehall.hall.plan import Plan
from tidehall.hall.services import Service
from tidehall.hall.tide import Action
from tidehall.queue.order import Rank
from tidehall.queue.tickets import Estimate, Parked

__all__ = [
    "VERSION",
    "ActionUndone",
    "AlertEnded",
    "AlertRaised",
    "DayTurned",
    "Event",
    "IssuingEnded",
    "IssuingStarted",
    "ItemsSet",
    "NoticeEnded",
    "NoticePosted",
    "OvertimeEnded",
    "PlanAdopted",
    "PriorityConfirmed",
    "ReserveSet",
    "RunnerMoved",
    "ServiceCounted",
    "ServiceResumed",
    "ServiceStarted",
    "SessionEnded",
    "SessionStarted",
    "StaffSignedIn",
    "StaffSignedOut",
    "TicketCalled",
    "TicketCancelled",
    "TicketExpired",
    "TicketFinished",
    "TicketMissed",
    "TicketPostponed",
    "TicketRecalled",
    "TicketRejected",
    "TicketRestored",
    "TicketReturned",
    "TicketSuspended",
    "TicketTaken",
    "TicketTransferred",
    "TicketVoided",
    "TideAdvised",
    "TideConfirmed",
    "TideForeseen",
    "TideLapsed",
    "WindowClosed",
    "WindowLinesSet",
    "WindowOpened",
    "WindowPaused",
    "WindowResumed",
]

#: The version that every kind of event has now.
VERSION = 1


class PlanAdopted(Fact, frozen=True):
    """`plan` rules from now on, or from the next service day when `next_day`."""

    plan: Plan
    next_day: bool = False


class DayTurned(Fact, frozen=True):
    """A new service day `day` (YYYY-MM-DD) began at `due`."""

    day: str
    due: int


class IssuingStarted(Fact, frozen=True):
    """Numbers are given from `due` on."""

    due: int


class IssuingEnded(Fact, frozen=True):
    """No more numbers from `due` on; who waits is still served."""

    due: int


class SessionStarted(Fact, frozen=True):
    """Opening hours began at `due`."""

    due: int


class SessionEnded(Fact, frozen=True):
    """Opening hours ended at `due`; `last`: the day's last session."""

    due: int
    last: bool = False


class OvertimeEnded(Fact, frozen=True):
    """The latest end of the day at `due`: what still waits expires with it."""

    due: int


class TicketTaken(Fact, frozen=True):
    """A number was given. `rank`: its place in the order; `shown`: the estimate the citizen saw; `cases`: whose
    results are to be collected; `helper`: who of the staff goes along (帮办)."""

    ticket: str
    number: str
    line: str
    channel: str
    priority: str
    rank: Rank
    items: tuple[str, ...] = ()
    claimed: str | None = None
    holder: str | None = None
    booked_for: int = 0
    eligible_at: int = 0
    shown: Estimate | None = None
    cases: tuple[str, ...] = ()
    helper: str | None = None


class TicketCalled(Fact, frozen=True):
    """`call` is the call's id, `attempt` 1; `chosen` out of turn with a reason."""

    ticket: str
    window: str
    call: str
    staff: str | None = None
    attempt: int = 1
    chosen: bool = False
    reason: str | None = None


class TicketRecalled(Fact, frozen=True):
    """The same call once more: `attempt` 2, 3 …"""

    ticket: str
    window: str
    call: str
    attempt: int


class TicketMissed(Fact, frozen=True):
    """A no-show: the ticket waits again at `rank`, not callable before `callable_at`."""

    ticket: str
    window: str
    call: str
    misses: int
    rank: Rank
    callable_at: int


class TicketVoided(Fact, frozen=True):
    """The last no-show allowed: the ticket is void."""

    ticket: str
    window: str
    call: str
    misses: int


class ServiceStarted(Fact, frozen=True):
    """The citizen stands at the window."""

    ticket: str
    window: str
    call: str


class ItemsSet(Fact, frozen=True):
    """What the visit is about, and which item is in work."""

    ticket: str
    window: str
    items: tuple[str, ...]
    current: str | None = None


class TicketSuspended(Fact, frozen=True):
    """Parked (挂起)."""

    ticket: str
    window: str
    parked: Parked


class TicketReturned(Fact, frozen=True):
    """A parked citizen is back and waits with the old key."""

    ticket: str


class ServiceResumed(Fact, frozen=True):
    """A parked citizen is served on, at `window`."""

    ticket: str
    window: str


class TicketTransferred(Fact, frozen=True):
    """Sent to `line` at `rank`, or to one window `to`; the number stays."""

    ticket: str
    window: str
    line: str
    rank: Rank
    place: str
    to: str | None = None
    reason: str | None = None
    note: str | None = None


class TicketRejected(Fact, frozen=True):
    """One notice that lists everything missing."""

    ticket: str
    window: str
    missing: tuple[str, ...]


class TicketFinished(Fact, frozen=True):
    """The visit is done."""

    ticket: str
    window: str


class TicketCancelled(Fact, frozen=True):
    """Given back by the citizen."""

    ticket: str
    window: str | None = None


class TicketPostponed(Fact, frozen=True):
    """The citizen let others go first."""

    ticket: str
    rank: Rank
    callable_at: int


class TicketRestored(Fact, frozen=True):
    """A void ticket waits again."""

    ticket: str
    rank: Rank
    callable_at: int
    reason: str


class TicketExpired(Fact, frozen=True):
    """Nobody can serve it any more today; it is counted, never dropped."""

    ticket: str
    due: int


class PriorityConfirmed(Fact, frozen=True):
    """The class that counts from now on, and the place it gives."""

    ticket: str
    priority: str
    rank: Rank


class ActionUndone(Fact, frozen=True):
    """The window's last step (`undone`, an event kind) is taken back."""

    ticket: str
    window: str
    undone: str


class StaffSignedIn(Fact, frozen=True):
    """`staff` sits at the window; `displaced` sat there before (take-over)."""

    window: str
    staff: str
    displaced: str | None = None


class StaffSignedOut(Fact, frozen=True):
    """`staff` has left the window."""

    window: str
    staff: str


class WindowOpened(Fact, frozen=True):
    """The window serves."""

    window: str
    staff: str | None = None


class WindowClosed(Fact, frozen=True):
    """The window does not serve any more."""

    window: str


class WindowPaused(Fact, frozen=True):
    """The window rests."""

    window: str
    reason: str


class WindowResumed(Fact, frozen=True):
    """The window serves again."""

    window: str


class WindowLinesSet(Fact, frozen=True):
    """What the window serves; until the day's end unless `keep`."""

    window: str
    lines: tuple[str, ...]
    keep: bool = False


class AlertRaised(Fact, frozen=True):
    """Something needs a person: `owner`, of `zone`. `limit`: the rule's figure, in the unit of its kind (docs)."""

    alert: str
    alert_kind: str
    about: str
    owner: str | None = None
    due: int | None = None
    zone: str | None = None
    limit: float | None = None


class AlertEnded(Fact, frozen=True):
    """It is over; `due` where it was over by time alone."""

    alert: str
    due: int | None = None


class TideAdvised(Fact, frozen=True):
    """A tidal window should `action`: the rule has held from `since` long enough at `due` (µs), with `waiting` people,
    `open_windows` open and `longest` (µs) the longest wait; `staff` is free to take it, None: nobody is. `prospect`:
    advised by look-ahead, and what it foresees."""

    zone: str
    window: str
    action: Action
    since: int
    waiting: int
    open_windows: int
    longest: int
    due: int
    staff: str | None = None
    prospect: Prospect | None = None


class TideForeseen(Fact, frozen=True):
    """What look-ahead says, or now says, of the advice that stands in the zone."""

    zone: str
    window: str
    action: Action
    prospect: Prospect


class TideLapsed(Fact, frozen=True):
    """The advice was not followed, and its condition holds no longer from `due` on."""

    zone: str
    window: str
    action: Action
    due: int


class TideConfirmed(Fact, frozen=True):
    """Somebody, or the plan, lets the window open or close; `advised` or of his own."""

    zone: str
    window: str
    action: Action
    advised: bool = False
    staff: str | None = None


class ReserveSet(Fact, frozen=True):
    """Who may take a tidal window of the zone."""

    zone: str
    staff: tuple[str, ...]


class ServiceCounted(Fact, frozen=True):
    """Services that are no case, in a zone; below 0 they are taken back. `outside`: out of opening hours."""

    zone: str
    service: Service
    count: int
    outside: bool = False


class NoticePosted(Fact, frozen=True):
    """A notice stands on the boards of `zone`, on `board`, or on all; `zh`, `en`: sealed. It ends at `until` (µs), or
    with the service day."""

    notice: str
    zh: str
    en: str | None = None
    zone: str | None = None
    board: str | None = None
    until: int | None = None


class NoticeEnded(Fact, frozen=True):
    """It was taken down, or (`due`) its time was over."""

    notice: str
    due: int | None = None


class RunnerMoved(Fact, frozen=True):
    """The runner carries for `zone`, or (None) for the pool, until the service day ends."""

    runner: str
    zone: str | None = None


Event = (
    PlanAdopted | DayTurned | IssuingStarted | IssuingEnded | SessionStarted | SessionEnded | OvertimeEnded
    | TicketTaken | TicketCalled | TicketRecalled | TicketMissed | TicketVoided | ServiceStarted | ItemsSet
    | TicketSuspended | TicketReturned | ServiceResumed | TicketTransferred | TicketRejected | TicketFinished
    | TicketCancelled | TicketPostponed | TicketRestored | TicketExpired | PriorityConfirmed | ActionUndone
    | StaffSignedIn | StaffSignedOut | WindowOpened | WindowClosed | WindowPaused | WindowResumed | WindowLinesSet
    | AlertRaised | AlertEnded | TideAdvised | TideForeseen | TideLapsed | TideConfirmed | ReserveSet
    | ServiceCounted | NoticePosted | NoticeEnded | RunnerMoved
    | OfficeEvent
)  # fmt: skip
