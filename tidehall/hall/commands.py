"""What people and devices may ask of a hall.

Law: a command names no person and carries every id it needs; the engine invents nothing. Free text has been
sealed before it comes here: `reason`, `note` and `missing` are codes or references "sealed:ID:DIGEST".
"""

from __future__ import annotations

from typing import Literal

from tidehall.hall.facts import Asked
from tidehall.hall.outlook import Prospect
from tidehall.hall.papers.commands import OfficeCommand
from tidehall.hall.plan import Plan
from tidehall.hall.services import Service
from tidehall.hall.tide import Action
from tidehall.queue.tickets import Channel, Parked

__all__ = [
    "AdoptPlan",
    "AdviseTide",
    "BringBack",
    "CallTicket",
    "CancelTicket",
    "CloseTidal",
    "CloseWindow",
    "Command",
    "ConfirmPriority",
    "CountService",
    "EndAlert",
    "EndNotice",
    "FinishTicket",
    "MissTicket",
    "MoveRunner",
    "NextTicket",
    "OpenTidal",
    "OpenWindow",
    "PauseWindow",
    "PostNotice",
    "PostponeTicket",
    "RaiseAlert",
    "RecallTicket",
    "RejectTicket",
    "RestoreTicket",
    "ResumeWindow",
    "SetItems",
    "SetLines",
    "SetReserve",
    "SignIn",
    "SignOut",
    "StartService",
    "SuspendTicket",
    "TakeTicket",
    "TransferTicket",
    "Undo",
    "UnsuspendTicket",
    "WithdrawAdvice",
]


class AdoptPlan(Asked, frozen=True):
    """Adopt `plan`: at once for a hall that has none or with `now`, else from the next service day (law 12)."""

    plan: Plan
    now: bool = False


class TakeTicket(Asked, frozen=True):
    """Give a number for a line, or for an item's line. `ticket` is the new id; `holder` an id in persons.

    `confirmed`: a card, the guide or the window has confirmed the claimed priority.
    `booked_for` (µs): the booked time of a booking that checks in now.
    `cases`: whose results are to be collected (取件, R15); the line is then the pickup line of their zone.
    `helper`: who of the staff goes along with the citizen (帮办, R115); the guide names him.
    """

    ticket: str
    line: str | None = None
    item: str | None = None
    channel: Channel = Channel.KIOSK
    priority: str = "normal"
    confirmed: bool = False
    holder: str | None = None
    booked_for: int | None = None
    cases: tuple[str, ...] = ()
    helper: str | None = None


class CancelTicket(Asked, frozen=True):
    """The citizen gives the number back (or the guide for him)."""

    ticket: str


class PostponeTicket(Asked, frozen=True):
    """The citizen lets others go first."""

    ticket: str


class BringBack(Asked, frozen=True):
    """ "I am back": a ticket suspended as `away` becomes callable again with its old key."""

    ticket: str


class RestoreTicket(Asked, frozen=True):
    """The guide desk restores a void ticket of the same day."""

    ticket: str
    reason: str


class ConfirmPriority(Asked, frozen=True):
    """The guide or a window has seen the proof; `priority` "normal" refuses the claim."""

    ticket: str
    priority: str


class SignIn(Asked, frozen=True):
    """A person takes a window; `take_over` displaces whoever sits there, and is logged (S19)."""

    window: str
    staff: str
    take_over: bool = False


class SignOut(Asked, frozen=True):
    """The person leaves the window; an open window closes with it."""

    window: str


class OpenWindow(Asked, frozen=True):
    """The window begins to serve."""

    window: str


class CloseWindow(Asked, frozen=True):
    """The window stops serving."""

    window: str


class PauseWindow(Asked, frozen=True):
    """The window rests; `reason` is a code or sealed."""

    window: str
    reason: str


class ResumeWindow(Asked, frozen=True):
    """The window serves again."""

    window: str


class CallTicket(Asked, frozen=True):
    """Call the next ticket, or a chosen one with a reason (特呼)."""

    window: str
    ticket: str | None = None
    reason: str | None = None


class RecallTicket(Asked, frozen=True):
    """Call the same ticket again (重呼)."""

    window: str


class MissTicket(Asked, frozen=True):
    """The called citizen did not appear (过号)."""

    window: str


class StartService(Asked, frozen=True):
    """The called citizen stands at the window."""

    window: str


class SuspendTicket(Asked, frozen=True):
    """Park the citizen in front (挂起)."""

    window: str
    kind: Parked


class UnsuspendTicket(Asked, frozen=True):
    """Take a parked citizen up again."""

    window: str
    ticket: str


class TransferTicket(Asked, frozen=True):
    """Send the citizen to another line or to one window; the number stays (转号)."""

    window: str
    line: str | None = None
    to: str | None = None
    place: Literal["arrival", "front", "end"] = "arrival"
    reason: str | None = None
    note: str | None = None


class RejectTicket(Asked, frozen=True):
    """Send the citizen home with one notice of everything that is missing (退办, 一次性告知)."""

    window: str
    missing: tuple[str, ...]


class FinishTicket(Asked, frozen=True):
    """The visit is done (办结)."""

    window: str


class NextTicket(Asked, frozen=True):
    """Finish and call in one decision."""

    window: str


class Undo(Asked, frozen=True):
    """Take back the window's last finish, no-show, reject or transfer."""

    window: str


class SetItems(Asked, frozen=True):
    """What this visit is about; `current` is the item in work."""

    window: str
    items: tuple[str, ...]
    current: str | None = None


class SetLines(Asked, frozen=True):
    """What the window serves; lapses at the day's end unless `keep` (law 12)."""

    window: str
    lines: tuple[str, ...]
    keep: bool = False


class RaiseAlert(Asked, frozen=True):
    """Something needs a person: `kind` (a code) about `about` (an id). One open alert per pair."""

    kind: str
    about: str


class EndAlert(Asked, frozen=True):
    """The matter of an alert is over."""

    kind: str
    about: str


class OpenTidal(Asked, frozen=True):
    """A supervisor opens a tidal window, as advised or not; `staff` takes it, else signing in follows."""

    window: str
    staff: str | None = None


class CloseTidal(Asked, frozen=True):
    """A supervisor closes a tidal window; it finishes its citizen first."""

    window: str


class AdviseTide(Asked, frozen=True):
    """Look-ahead wants a tidal window of the zone to move, and foresees `prospect`; where the same is advised already,
    these are its figures."""

    zone: str
    window: str
    action: Action
    prospect: Prospect


class WithdrawAdvice(Asked, frozen=True):
    """Look-ahead wants nothing of the zone's tidal windows any more."""

    zone: str


class SetReserve(Asked, frozen=True):
    """Who may take a tidal window of the zone when the tide comes; the first that is free is named."""

    zone: str
    staff: tuple[str, ...]


class CountService(Asked, frozen=True):
    """A service that is no case was given in a zone (R53, R88, R89, R91); `count` below 0 takes back what was counted
    within the undo time."""

    zone: str
    service: Service
    count: int = 1


class PostNotice(Asked, frozen=True):
    """A supervisor says something on the boards of `zone`, on one `board`, or (neither) on all. `zh`, `en`: sealed;
    `until`: µs, else the end of the service day. `notice` is the new id."""

    notice: str
    zh: str
    en: str | None = None
    zone: str | None = None
    board: str | None = None
    until: int | None = None


class EndNotice(Asked, frozen=True):
    """The notice is taken down."""

    notice: str


class MoveRunner(Asked, frozen=True):
    """A supervisor sends a runner to a zone, or (None) to the hall's pool, until the end of the service day."""

    runner: str
    zone: str | None = None


Command = (
    AdoptPlan | TakeTicket | CancelTicket | PostponeTicket | BringBack | RestoreTicket | ConfirmPriority
    | SignIn | SignOut | OpenWindow | CloseWindow | PauseWindow | ResumeWindow
    | CallTicket | RecallTicket | MissTicket | StartService | SuspendTicket | UnsuspendTicket
    | TransferTicket | RejectTicket | FinishTicket | NextTicket | Undo | SetItems | SetLines
    | RaiseAlert | EndAlert | OpenTidal | CloseTidal | AdviseTide | WithdrawAdvice | SetReserve | CountService
    | PostNotice | EndNotice | MoveRunner
    | OfficeCommand
)  # fmt: skip
