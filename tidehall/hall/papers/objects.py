"""Cases, papers, hand-offs, requests for support and matters, with their lives as tables.

Law: these objects are immutable; a change puts a new one in the place of the old, so a draft costs a dictionary.
Times are µs, money is fen. `holder` strings name a place: window:ID, runner:ID, middle, office:DEPARTMENT,
maker:DEPARTMENT, issue:ZONE, applicant, archive:UNIT.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from tidehall.hall.catalogue import Item

__all__ = [
    "AT_INTAKE",
    "CASE_LIFE",
    "HAND_OFF_LIFE",
    "MATTER_LIFE",
    "OPEN_HAND_OFF",
    "SUPPORT_LIFE",
    "UNDECIDED",
    "Case",
    "Delivery",
    "HandOff",
    "HandOffState",
    "Matter",
    "MatterKind",
    "MatterState",
    "Offices",
    "Paper",
    "Part",
    "Stage",
    "Support",
    "SupportState",
]


class Stage(StrEnum):
    """The stages of contract.md."""

    __hash__ = str.__hash__  # the one of the text that it equals; Enum hashes the name, in Python

    RECEIVED = "received"
    CORRECTING = "correcting"
    ACCEPTED = "accepted"
    HANDED_OFF = "handed_off"
    VERIFIED = "verified"
    IN_REVIEW = "in_review"
    AWAITING_FEE = "awaiting_fee"
    DECIDED = "decided"
    MADE = "made"
    READY = "ready"
    DELIVERED = "delivered"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


#: stage → {event kind → next stage}. docs/reference.md draws its diagram from this table.
CASE_LIFE: dict[str, dict[str, Stage]] = {
    Stage.RECEIVED: {
        "case_accepted": Stage.ACCEPTED,
        "correction_requested": Stage.CORRECTING,
        "case_withdrawn": Stage.WITHDRAWN,
    },
    Stage.CORRECTING: {
        "papers_corrected": Stage.RECEIVED,
        "case_accepted": Stage.ACCEPTED,
        "case_withdrawn": Stage.WITHDRAWN,
    },
    Stage.ACCEPTED: {
        "hand_off_started": Stage.HANDED_OFF,
        "case_decided": Stage.DECIDED,
        "case_withdrawn": Stage.WITHDRAWN,
    },
    Stage.HANDED_OFF: {"hand_off_verified": Stage.VERIFIED, "case_withdrawn": Stage.WITHDRAWN},
    Stage.VERIFIED: {
        "hand_off_started": Stage.HANDED_OFF,
        "case_claimed": Stage.IN_REVIEW,
        "case_withdrawn": Stage.WITHDRAWN,
    },
    Stage.IN_REVIEW: {
        "case_claimed": Stage.IN_REVIEW,
        "opinion_given": Stage.IN_REVIEW,
        "step_started": Stage.IN_REVIEW,
        "step_ended": Stage.IN_REVIEW,
        "correction_requested": Stage.IN_REVIEW,
        "papers_corrected": Stage.IN_REVIEW,
        "fee_requested": Stage.AWAITING_FEE,
        "case_decided": Stage.DECIDED,
        "case_withdrawn": Stage.WITHDRAWN,
    },
    Stage.AWAITING_FEE: {"fee_paid": Stage.IN_REVIEW, "case_withdrawn": Stage.WITHDRAWN},
    Stage.DECIDED: {"result_made": Stage.MADE, "result_delivered": Stage.DELIVERED},
    Stage.MADE: {"result_ready": Stage.READY},
    Stage.READY: {"result_delivered": Stage.DELIVERED},
    Stage.DELIVERED: {"case_closed": Stage.CLOSED},
    Stage.CLOSED: {},
    Stage.WITHDRAWN: {},
}


#: Stages at which the papers are still being taken in, and the item says what happens to them.
AT_INTAKE = frozenset({Stage.RECEIVED, Stage.CORRECTING})
#: Stages from which on the item is asked again: at intake what is missing, in review the fee.
UNDECIDED = AT_INTAKE | {Stage.ACCEPTED, Stage.HANDED_OFF, Stage.VERIFIED, Stage.IN_REVIEW, Stage.AWAITING_FEE}


class HandOffState(StrEnum):
    """Where the papers are on their way."""

    __hash__ = str.__hash__  # the one of the text that it equals; Enum hashes the name, in Python

    WAITING = "waiting"
    CARRIED = "carried"
    ARRIVED = "arrived"
    VERIFIED = "verified"
    ENDED = "ended"  # the case was withdrawn on the way


#: state → {event kind → next state}.
HAND_OFF_LIFE: dict[str, dict[str, HandOffState]] = {
    HandOffState.WAITING: {
        "hand_off_picked_up": HandOffState.CARRIED,
        "hand_off_arrived": HandOffState.ARRIVED,
        "hand_off_ended": HandOffState.ENDED,
    },
    HandOffState.CARRIED: {
        "hand_off_arrived": HandOffState.ARRIVED,
        "hand_off_returned": HandOffState.WAITING,
        "hand_off_verified": HandOffState.VERIFIED,
        "hand_off_refused": HandOffState.WAITING,
        "hand_off_ended": HandOffState.ENDED,
    },
    HandOffState.ARRIVED: {
        "hand_off_verified": HandOffState.VERIFIED,
        "hand_off_refused": HandOffState.WAITING,
        "hand_off_ended": HandOffState.ENDED,
    },
    HandOffState.VERIFIED: {},
    HandOffState.ENDED: {},
}

#: A hand-off whose clock runs.
OPEN_HAND_OFF = frozenset({HandOffState.WAITING, HandOffState.CARRIED, HandOffState.ARRIVED})


class SupportState(StrEnum):
    """A window's question to the middle office."""

    __hash__ = str.__hash__  # the one of the text that it equals; Enum hashes the name, in Python

    ASKED = "asked"
    CLAIMED = "claimed"
    ANSWERED = "answered"
    ESCALATED = "escalated"


SUPPORT_LIFE: dict[str, dict[str, SupportState]] = {
    SupportState.ASKED: {
        "support_claimed": SupportState.CLAIMED,
        "support_answered": SupportState.ANSWERED,
        "support_escalated": SupportState.ESCALATED,
    },
    SupportState.CLAIMED: {
        "support_answered": SupportState.ANSWERED,
        "support_escalated": SupportState.ESCALATED,
    },
    SupportState.ESCALATED: {"support_answered": SupportState.ANSWERED},
    SupportState.ANSWERED: {},
}


class MatterKind(StrEnum):
    """What is looked after until somebody has been called back."""

    RECTIFICATION = "rectification"  # 差评整改
    COMPLAINT = "complaint"  # 投诉
    UNRESOLVED = "unresolved"  # 办不成事
    ENQUIRY = "enquiry"  # 首问负责


class MatterState(StrEnum):
    """A matter's life."""

    __hash__ = str.__hash__  # the one of the text that it equals; Enum hashes the name, in Python

    OPEN = "open"
    SOLVED = "solved"
    CALLED_BACK = "called_back"
    CLOSED = "closed"


MATTER_LIFE: dict[str, dict[str, MatterState]] = {
    MatterState.OPEN: {
        "matter_handed_over": MatterState.OPEN,
        "matter_contacted": MatterState.OPEN,
        "matter_solved": MatterState.SOLVED,
    },
    MatterState.SOLVED: {"matter_called_back": MatterState.CALLED_BACK, "matter_reopened": MatterState.OPEN},
    MatterState.CALLED_BACK: {"matter_closed": MatterState.CLOSED, "matter_reopened": MatterState.OPEN},
    MatterState.CLOSED: {},
}


class Paper(Struct, frozen=True, gc=False):
    """One original, or one of the receipt's three copies (`copy` 1–3); it always has one holder.

    `filed_at`: filed in the archive (一天一归档); `in_use`: why it is not, as of `in_use_day` (YYYY-MM-DD).
    """

    id: str
    code: str
    holder: str
    copy: int = 0
    filed_at: int = 0
    in_use: str | None = None
    in_use_day: str = ""


class Delivery(Struct, frozen=True, gc=False, omit_defaults=True):
    """How the applicant wants the result; `address` is sealed."""

    method: Literal["window", "courier", "cabinet", "electronic"]
    address: str | None = None


class Part(Struct, frozen=True, gc=False):
    """One department's part of a joint case."""

    department: str
    due_at: int
    staff: str | None = None
    opinion: str | None = None
    done_at: int = 0


class Case(Struct, frozen=True, gc=False):
    """One matter of one applicant, from the papers taken in to the result handed out (办件).

    `holder` is who has it now; `due_at` the promised moment, `provisional` when the calendar of that year is not
    published; `paused_since` while the promised clock stands still; `correct_by` until when the applicant must be
    told what is missing; `papers_at` when the last papers came in; `helper` who accompanies it; `origin` the region
    whose authority it is for (跨域通办), None: our own.
    """

    id: str
    receipt: str
    item: str
    item_version: int
    kind: str
    department: str
    zone: str
    urgent: bool
    source: str
    stage: Stage
    holder: str
    papers: tuple[Paper, ...]
    delivery: Delivery
    received_at: int
    ticket: str | None = None
    window: str | None = None
    applicant: str | None = None
    agent: str | None = None
    bundle: str | None = None
    accepted_by: str | None = None
    accepted_at: int = 0
    due_at: int = 0
    provisional: bool = False
    overdue: bool = False
    officer: str | None = None
    parts: tuple[Part, ...] = ()
    opinions: int = 0
    step: str | None = None
    correcting: bool = False
    missing: tuple[str, ...] = ()
    notices: int = 0
    notice_breach: bool = False
    correct_by: int = 0
    deemed: bool = False
    fee: int = 0
    fee_paid: bool = False
    paused_since: int = 0
    outcome: str | None = None
    decided_by: str | None = None
    decided_at: int = 0
    ready_at: int = 0
    delivered_at: int = 0
    ended_at: int = 0
    hand_off: str | None = None
    seq: int = 0
    papers_at: int = 0
    helper: str | None = None
    origin: str | None = None


class HandOff(Struct, frozen=True, gc=False):
    """Papers on their way from a window to an office; its clock ends when the receiver has checked them (R23–R26).

    `onward`: a department that does not sit in the hall gets them from its receiving desk by the next working day.
    """

    id: str
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
    state: HandOffState = HandOffState.WAITING
    runner: str | None = None
    refusals: int = 0
    reason: str | None = None
    warned: bool = False
    breached: bool = False
    escalated: bool = False
    ended_at: int = 0
    onward: str | None = None
    seq: int = 0
    note: str | None = None


class Support(Struct, frozen=True, gc=False):
    """A window asks the middle office (前呼后应, R5, R7); its time stands apart from service time."""

    id: str
    window: str
    ticket: str | None
    item: str | None
    question: str | None
    asked_at: int
    due_at: int
    state: SupportState = SupportState.ASKED
    staff: str | None = None
    claimed_at: int = 0
    answered_at: int = 0
    channel: str | None = None
    overdue: bool = False
    seq: int = 0
    answer: str | None = None


class Matter(Struct, frozen=True, gc=False):
    """A bad rating, a complaint, what could not be done, or an enquiry with its first person asked (R97, R102–R105)."""

    id: str
    kind: MatterKind
    owner: str
    opened_at: int
    contact_by: int
    due_at: int
    about: str | None = None
    channel: str | None = None
    holder: str | None = None
    note: str | None = None
    state: MatterState = MatterState.OPEN
    contacted_at: int = 0
    solved_at: int = 0
    ended_at: int = 0
    result: str | None = None
    overdue: bool = False
    seq: int = 0
    level: int = 0
    reasons: tuple[str, ...] = ()
    number: str | None = None
    window: str | None = None


class Offices(Struct):
    """All that is open in the offices.

    `armed`: the clocks, "what:id" → µs; `claims`: tickets that may be rated, and since when; `ratings`: their levels,
    0 for a system default; `follow_ups`: the level after a bad rating was mended; `versions`: items of former plans
    that cases at intake still need, "plan seq:code" → item; `claim_zones`: where the claims' tickets of former days
    were served.
    """

    cases: dict[str, Case] = {}
    hand_offs: dict[str, HandOff] = {}
    supports: dict[str, Support] = {}
    matters: dict[str, Matter] = {}
    armed: dict[str, int] = {}
    claims: dict[str, int] = {}
    ratings: dict[str, int] = {}
    follow_ups: dict[str, int] = {}
    versions: dict[str, Item] = {}
    receipt_day: str = ""
    receipts: int = 0
    count: int = 0
    seq: int = 0
    claim_zones: dict[str, str] = {}

    def duplicate(self) -> Offices:
        """An independent copy; the objects are immutable and shared."""
        return Offices(
            self.cases.copy(), self.hand_offs.copy(), self.supports.copy(), self.matters.copy(), self.armed.copy(),
            self.claims.copy(), self.ratings.copy(), self.follow_ups.copy(), self.versions.copy(), self.receipt_day,
            self.receipts, self.count, self.seq, self.claim_zones.copy(),
        )  # fmt: skip
