"""What windows, runners, officers and citizens may ask of the offices.

Law: as in hall/commands.py; free text, names and addresses have been sealed before they come here.
"""

from __future__ import annotations

from typing import Literal

from tidehall.hall.facts import Asked
from tidehall.hall.papers.objects import Delivery, MatterKind

__all__ = [
    "AcceptCase",
    "AcknowledgeAlert",
    "AnswerSupport",
    "ArriveHandOff",
    "AskSupport",
    "CallBackMatter",
    "ClaimCase",
    "ClaimSupport",
    "CloseCase",
    "CloseMatter",
    "ContactMatter",
    "CorrectPapers",
    "DecideCase",
    "DeliverResult",
    "EndStep",
    "ErasePerson",
    "EscalateSupport",
    "FilePapers",
    "GiveOpinion",
    "HandOverMatter",
    "KeepInUse",
    "MakeResult",
    "MoveCopy",
    "OfficeCommand",
    "OpenMatter",
    "PayFee",
    "PickUpHandOff",
    "RateTicket",
    "ReadyResult",
    "ReceiveCase",
    "RefuseHandOff",
    "ReopenMatter",
    "RequestCorrection",
    "RequestFee",
    "ReturnHandOffs",
    "SolveMatter",
    "StartStep",
    "VerifyHandOff",
    "WithdrawCase",
]


class ReceiveCase(Asked, frozen=True):
    """Take papers in at a window: with a ticket in front, or by courier without one (R42–R44).

    `present` are the material codes that lie there; `applicant` and `agent` are ids in persons; `helper`: who of the
    staff accompanies the case (帮办人, R115), else the ticket's; `origin`: the code of the region whose authority it is
    for (跨域通办, R60).
    """

    case: str
    window: str
    item: str
    present: tuple[str, ...]
    delivery: Delivery
    ticket: str | None = None
    source: Literal["window", "courier", "web", "app"] = "window"
    urgent: bool = False
    applicant: str | None = None
    agent: str | None = None
    bundle: str | None = None
    staff: str | None = None
    incomplete: bool = False
    helper: str | None = None
    origin: str | None = None


class AcceptCase(Asked, frozen=True):
    """The papers are complete: accept a received case."""

    case: str
    staff: str | None = None


class RequestCorrection(Asked, frozen=True):
    """One notice of everything that is missing (一次性告知, R45)."""

    case: str
    missing: tuple[str, ...]
    staff: str | None = None


class CorrectPapers(Asked, frozen=True):
    """The missing papers have come."""

    case: str
    present: tuple[str, ...] = ()


class WithdrawCase(Asked, frozen=True):
    """The applicant takes the case back; the papers go back to him."""

    case: str
    reason: str | None = None


class PickUpHandOff(Asked, frozen=True):
    """A runner takes the papers."""

    hand_off: str
    runner: str


class ArriveHandOff(Asked, frozen=True):
    """The papers lie before the receiver."""

    hand_off: str


class VerifyHandOff(Asked, frozen=True):
    """The receiver has checked the papers face to face, item by item (R25): exactly `papers`."""

    hand_off: str
    papers: tuple[str, ...]
    staff: str | None = None


class RefuseHandOff(Asked, frozen=True):
    """The receiver sends the papers back to the window; the clock goes on. `note`: more than the reason's code says."""

    hand_off: str
    reason: str
    note: str | None = None
    staff: str | None = None


class ReturnHandOffs(Asked, frozen=True):
    """A runner goes off duty and gives all tasks back."""

    runner: str


class ClaimCase(Asked, frozen=True):
    """An officer takes a verified case."""

    case: str
    staff: str


class GiveOpinion(Asked, frozen=True):
    """An opinion in the file; of a joint case's department it ends that part."""

    case: str
    opinion: str
    staff: str | None = None
    department: str | None = None


class StartStep(Asked, frozen=True):
    """A special step begins (技术审查、专家评审、现场核查, or the wait for an upper level)."""

    case: str
    step: Literal["technical_review", "expert_review", "site_visit", "upper_level"]


class EndStep(Asked, frozen=True):
    """The special step is over."""

    case: str


class RequestFee(Asked, frozen=True):
    """The applicant must pay `amount` fen; the case waits (R40). `reason`: why it is not the item's fee, sealed."""

    case: str
    amount: int
    reason: str | None = None


class PayFee(Asked, frozen=True):
    """Paid; the back office goes on (R41)."""

    case: str
    reference: str


class DecideCase(Asked, frozen=True):
    """Approve or refuse; never by the one who accepted, unless the window is authorised for an immediate item (R4)."""

    case: str
    outcome: Literal["approve", "refuse"]
    opinion: str
    staff: str | None = None


class MakeResult(Asked, frozen=True):
    """The certificate room has made the result."""

    case: str
    staff: str | None = None


class ReadyResult(Asked, frozen=True):
    """The result lies at the zone's issue post."""

    case: str


class DeliverResult(Asked, frozen=True):
    """Handed to the applicant; `signature` is sealed."""

    case: str
    method: Literal["window", "courier", "cabinet", "electronic"]
    signature: str | None = None


class CloseCase(Asked, frozen=True):
    """The file goes to the archive; the case ends."""

    case: str


class FilePapers(Asked, frozen=True):
    """File originals of a case at its unit (一天一归档, R27); without `papers` all that lie there."""

    case: str
    papers: tuple[str, ...] = ()


class KeepInUse(Asked, frozen=True):
    """Originals that stay out today, with a reason."""

    case: str
    papers: tuple[str, ...]
    reason: str


class MoveCopy(Asked, frozen=True):
    """A receipt copy changes hands."""

    case: str
    copy: int
    holder: str


class AskSupport(Asked, frozen=True):
    """A window asks the middle office."""

    support: str
    window: str
    item: str | None = None
    question: str | None = None


class ClaimSupport(Asked, frozen=True):
    """An officer of the middle office takes the question."""

    support: str
    staff: str


class AnswerSupport(Asked, frozen=True):
    """Answered on the spot, by phone or online; `answer`: its words, sealed."""

    support: str
    channel: Literal["spot", "phone", "online"] = "spot"
    staff: str | None = None
    answer: str | None = None


class EscalateSupport(Asked, frozen=True):
    """Beyond the middle office: to the department."""

    support: str


class RateTicket(Asked, frozen=True):
    """The citizen's rating, 5 (very satisfied) to 1; `active` False is a system default that counts nowhere."""

    ticket: str
    level: int
    reasons: tuple[str, ...] = ()
    note: str | None = None
    active: bool = True


class OpenMatter(Asked, frozen=True):
    """Register a complaint, an unresolved errand or an enquiry; the first person asked owns it (首问负责)."""

    matter: str
    what: MatterKind
    owner: str
    about: str | None = None
    channel: str | None = None
    holder: str | None = None
    note: str | None = None


class HandOverMatter(Asked, frozen=True):
    """A formal hand-over to another owner."""

    matter: str
    owner: str


class ContactMatter(Asked, frozen=True):
    """The citizen has been contacted."""

    matter: str


class SolveMatter(Asked, frozen=True):
    """What was done, sealed."""

    matter: str
    result: str


class CallBackMatter(Asked, frozen=True):
    """The citizen was called back about the result."""

    matter: str


class CloseMatter(Asked, frozen=True):
    """Done."""

    matter: str


class ReopenMatter(Asked, frozen=True):
    """The call-back shows that it is not solved."""

    matter: str


class AcknowledgeAlert(Asked, frozen=True):
    """Somebody has taken note of an alert and looks after it; `take_over`: in the place of whoever does already."""

    alert: str
    staff: str
    take_over: bool = False


class ErasePerson(Asked, frozen=True):
    """Forget a person (an id in persons); `forced`: though something open still names him."""

    person: str
    reason: str
    forced: bool = False


OfficeCommand = (
    ReceiveCase | AcceptCase | RequestCorrection | CorrectPapers | WithdrawCase
    | PickUpHandOff | ArriveHandOff | VerifyHandOff | RefuseHandOff | ReturnHandOffs
    | ClaimCase | GiveOpinion | StartStep | EndStep | RequestFee | PayFee | DecideCase | MakeResult | ReadyResult
    | DeliverResult | CloseCase | FilePapers | KeepInUse | MoveCopy
    | AskSupport | ClaimSupport | AnswerSupport | EscalateSupport
    | RateTicket | OpenMatter | HandOverMatter | ContactMatter | SolveMatter | CallBackMatter | CloseMatter
    | ReopenMatter | AcknowledgeAlert | ErasePerson
)  # fmt: skip
