"""What has happened in the offices.

Law: as in hall/events.py; `due` is the exact second at which time made it true, `at` when it was written.
"""

from __future__ import annotations

from tidehall.hall.facts import Fact
from tidehall.hall.papers.objects import Delivery, MatterKind, Paper, Part

__all__ = [
    "AlertAcknowledged",
    "AlertEscalated",
    "CaseAccepted",
    "CaseClaimed",
    "CaseClosed",
    "CaseDecided",
    "CaseDueSoon",
    "CaseOverdue",
    "CaseReceived",
    "CaseWithdrawn",
    "CopyMoved",
    "CorrectionRequested",
    "FeePaid",
    "FeeRequested",
    "HandOffArrived",
    "HandOffBreached",
    "HandOffEnded",
    "HandOffEscalated",
    "HandOffPickedUp",
    "HandOffRefused",
    "HandOffReturned",
    "HandOffStarted",
    "HandOffVerified",
    "HandOffWarned",
    "MatterCalledBack",
    "MatterClosed",
    "MatterContacted",
    "MatterHandedOver",
    "MatterOpened",
    "MatterOverdue",
    "MatterReopened",
    "MatterSolved",
    "OfficeEvent",
    "OpinionGiven",
    "PapersCorrected",
    "PapersFiled",
    "PapersKept",
    "PersonErased",
    "ResultDelivered",
    "ResultMade",
    "ResultReady",
    "ResultUncollected",
    "StepEnded",
    "StepStarted",
    "SupportAnswered",
    "SupportAsked",
    "SupportClaimed",
    "SupportEscalated",
    "SupportOverdue",
    "TicketRated",
]


class CaseReceived(Fact, frozen=True):
    """Papers were taken in; the receipt's number and three copies exist from now on (R36).

    `helper`: the member of staff who accompanies the case (帮办人, R115); `origin`: the region whose authority it is
    for, none: our own (跨域通办, R60).
    """

    case: str
    receipt: str
    item: str
    item_version: int
    item_kind: str
    department: str
    zone: str
    urgent: bool
    source: str
    holder: str
    papers: tuple[Paper, ...]
    delivery: Delivery
    ticket: str | None = None
    window: str | None = None
    applicant: str | None = None
    agent: str | None = None
    bundle: str | None = None
    staff: str | None = None
    helper: str | None = None
    origin: str | None = None


class CaseAccepted(Fact, frozen=True):
    """Accepted; the promised clock runs to `due_at`. `deemed`: nobody told what was missing in time."""

    case: str
    due_at: int
    staff: str | None = None
    provisional: bool = False
    deemed: bool = False
    parts: tuple[Part, ...] = ()
    due: int | None = None


class CorrectionRequested(Fact, frozen=True):
    """One notice of everything missing; a second one on the same case is a breach.

    `pauses`: the promised clock stands still by the plan's rule; None in journals from before it was said here.
    """

    case: str
    missing: tuple[str, ...]
    notice: int
    breach: bool = False
    staff: str | None = None
    pauses: bool | None = None


class PapersCorrected(Fact, frozen=True):
    """The missing papers have come; the promised clock goes on to `due_at`, that of a joint case's parts to theirs."""

    case: str
    papers: tuple[Paper, ...]
    due_at: int = 0
    provisional: bool = False
    parts_due: tuple[int, ...] = ()


class CaseWithdrawn(Fact, frozen=True):
    """Taken back by the applicant."""

    case: str
    reason: str | None = None


class HandOffStarted(Fact, frozen=True):
    """Papers wait for a runner; the clock runs from `started_at`, the moment they were taken in."""

    hand_off: str
    case: str
    papers: tuple[str, ...]
    origin: str
    to: str
    zone: str
    urgent: bool
    leg: int
    started_at: int
    due_at: int
    warn_at: int
    onward: str | None = None


class HandOffPickedUp(Fact, frozen=True):
    """A runner carries the papers."""

    hand_off: str
    case: str
    runner: str


class HandOffArrived(Fact, frozen=True):
    """The papers lie before the receiver."""

    hand_off: str
    case: str


class HandOffVerified(Fact, frozen=True):
    """Checked face to face: the clock has ended, and the papers are the receiver's."""

    hand_off: str
    case: str
    staff: str | None = None


class HandOffRefused(Fact, frozen=True):
    """Back to the window with a reason, and a sealed note beside it; the same hand-off, the same clock."""

    hand_off: str
    case: str
    reason: str
    note: str | None = None


class HandOffReturned(Fact, frozen=True):
    """The runner gave the task back."""

    hand_off: str
    case: str
    runner: str


class HandOffEnded(Fact, frozen=True):
    """Ended because the case was withdrawn."""

    hand_off: str
    case: str


class HandOffWarned(Fact, frozen=True):
    """The warning share of the time has passed."""

    hand_off: str
    case: str
    due: int


class HandOffBreached(Fact, frozen=True):
    """The limit has passed; recorded once."""

    hand_off: str
    case: str
    due: int


class HandOffEscalated(Fact, frozen=True):
    """Still not verified some time after the breach: the hall manager knows."""

    hand_off: str
    case: str
    due: int


class CaseClaimed(Fact, frozen=True):
    """An officer has the case."""

    case: str
    staff: str


class OpinionGiven(Fact, frozen=True):
    """An opinion in the file; `department` ends a part of a joint case."""

    case: str
    opinion: str
    staff: str | None = None
    department: str | None = None


class StepStarted(Fact, frozen=True):
    """A special step; `pauses`: the promised clock stands still by the plan's rule."""

    case: str
    step: str
    pauses: bool


class StepEnded(Fact, frozen=True):
    """The special step is over; the promised clock goes on to `due_at`, that of a joint case's parts to theirs."""

    case: str
    step: str
    due_at: int
    provisional: bool = False
    parts_due: tuple[int, ...] = ()


class FeeRequested(Fact, frozen=True):
    """`amount` fen are due; the applicant is told. `reason`: why it is not the item's fee."""

    case: str
    amount: int
    pauses: bool
    reason: str | None = None


class FeePaid(Fact, frozen=True):
    """Paid; the promised clock goes on to `due_at`, that of a joint case's parts to theirs."""

    case: str
    reference: str
    due_at: int
    provisional: bool = False
    parts_due: tuple[int, ...] = ()


class CaseDecided(Fact, frozen=True):
    """Approved or refused."""

    case: str
    outcome: str
    opinion: str
    staff: str | None = None


class CaseOverdue(Fact, frozen=True):
    """The promised moment has passed undecided; recorded once."""

    case: str
    due: int


class CaseDueSoon(Fact, frozen=True):
    """Undecided and promised within the working days of the plan's rule; recorded once for each promise."""

    case: str
    due: int


class ResultMade(Fact, frozen=True):
    """Made in the certificate room; it is a paper of its own from now on."""

    case: str
    paper: str
    staff: str | None = None


class ResultReady(Fact, frozen=True):
    """It lies at the issue post of `zone`."""

    case: str
    zone: str


class ResultUncollected(Fact, frozen=True):
    """Ready for as many days as the plan allows and not collected."""

    case: str
    due: int


class ResultDelivered(Fact, frozen=True):
    """The applicant has it."""

    case: str
    method: str
    signature: str | None = None


class CaseClosed(Fact, frozen=True):
    """The file is in the archive."""

    case: str


class PapersFiled(Fact, frozen=True):
    """Originals were filed at `unit`."""

    case: str
    papers: tuple[str, ...]
    unit: str


class PapersKept(Fact, frozen=True):
    """Originals stay in use on service day `day`, with a reason."""

    case: str
    papers: tuple[str, ...]
    reason: str
    day: str


class CopyMoved(Fact, frozen=True):
    """A receipt copy has a new holder."""

    case: str
    copy: int
    holder: str


class SupportAsked(Fact, frozen=True):
    """A window asks; an answer is wanted by `due_at`."""

    support: str
    window: str
    due_at: int
    ticket: str | None = None
    item: str | None = None
    question: str | None = None


class SupportClaimed(Fact, frozen=True):
    """Somebody looks at it."""

    support: str
    staff: str


class SupportAnswered(Fact, frozen=True):
    """Answered through `channel`; `answer`: in these words."""

    support: str
    channel: str
    staff: str | None = None
    answer: str | None = None


class SupportEscalated(Fact, frozen=True):
    """Passed on to the department."""

    support: str


class SupportOverdue(Fact, frozen=True):
    """No answer in time; recorded once."""

    support: str
    due: int


class TicketRated(Fact, frozen=True):
    """A rating of a served ticket; `follow_up`: the one after a bad rating was mended (追评)."""

    ticket: str
    level: int
    reasons: tuple[str, ...] = ()
    note: str | None = None
    active: bool = True
    follow_up: bool = False


class MatterOpened(Fact, frozen=True):
    """Somebody owns it; the citizen is contacted by `contact_by`, it is solved by `due_at`.

    Of a bad rating: its `level` and `reasons`, and the visit's `number` and `window`.
    """

    matter: str
    what: MatterKind
    owner: str
    contact_by: int
    due_at: int
    about: str | None = None
    channel: str | None = None
    holder: str | None = None
    note: str | None = None
    level: int = 0
    reasons: tuple[str, ...] = ()
    number: str | None = None
    window: str | None = None


class MatterHandedOver(Fact, frozen=True):
    """Formally handed to another owner."""

    matter: str
    owner: str


class MatterContacted(Fact, frozen=True):
    """The citizen was contacted."""

    matter: str


class MatterSolved(Fact, frozen=True):
    """What was done."""

    matter: str
    result: str


class MatterCalledBack(Fact, frozen=True):
    """The citizen was called back."""

    matter: str


class MatterClosed(Fact, frozen=True):
    """Done."""

    matter: str


class MatterReopened(Fact, frozen=True):
    """Not solved after all."""

    matter: str


class MatterOverdue(Fact, frozen=True):
    """A limit of the matter has passed (`what`: contact or solution); recorded once each."""

    matter: str
    what: str
    due: int


class AlertAcknowledged(Fact, frozen=True):
    """Somebody looks after it."""

    alert: str
    staff: str


class AlertEscalated(Fact, frozen=True):
    """Nobody acknowledged it in time: it is `owner`'s now."""

    alert: str
    owner: str
    due: int


class PersonErased(Fact, frozen=True):
    """What was known of a person is deleted; the id stays. `forced`: something open still named him."""

    person: str
    reason: str
    forced: bool = False


OfficeEvent = (
    CaseReceived | CaseAccepted | CorrectionRequested | PapersCorrected | CaseWithdrawn
    | HandOffStarted | HandOffPickedUp | HandOffArrived | HandOffVerified | HandOffRefused | HandOffReturned
    | HandOffEnded | HandOffWarned | HandOffBreached | HandOffEscalated
    | CaseClaimed | OpinionGiven | StepStarted | StepEnded | FeeRequested | FeePaid | CaseDecided | CaseOverdue
    | CaseDueSoon | ResultMade | ResultReady | ResultUncollected | ResultDelivered | CaseClosed
    | PapersFiled | PapersKept | CopyMoved
    | SupportAsked | SupportClaimed | SupportAnswered | SupportEscalated | SupportOverdue
    | TicketRated | MatterOpened | MatterHandedOver | MatterContacted | MatterSolved | MatterCalledBack
    | MatterClosed | MatterReopened | MatterOverdue | AlertAcknowledged | AlertEscalated | PersonErased
)  # fmt: skip
