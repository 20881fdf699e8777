"""What may be sent to the offices: intake, the back office's steps, hand-offs, support, ratings and matters.

Law: as in bodies.py; whoever a body names as a person, and every free text in it, is sealed before the hall sees it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from tidehall.display.http.bodies import NO_CONTROL, Body, HolderBody, Id, Ids, Text

__all__ = [
    "AcknowledgeBody",
    "AnswerBody",
    "ApplicantBody",
    "AskBody",
    "CaseBody",
    "CopyBody",
    "CorrectionBody",
    "DecideBody",
    "DeliverBody",
    "DeliveryBody",
    "FeeBody",
    "FileBody",
    "HandOverBody",
    "KeepBody",
    "MaterialBody",
    "MatterBody",
    "OpineBody",
    "PaidBody",
    "PickUpBody",
    "PickUpManyBody",
    "PresentBody",
    "RatingBody",
    "RefuseBody",
    "ResultBody",
    "StaffBody",
    "StepBody",
    "VerifyBody",
    "WithdrawBody",
]

Method = Literal["window", "courier", "cabinet", "electronic"]
PaperIds = Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(max_length=100)]
SomePapers = Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(min_length=1, max_length=100)]
#: A material's code, or the reference under which something else was asked for.
PaperCode = Annotated[str, Meta(min_length=1, max_length=160, pattern=r"^[A-Za-z0-9._:@\-]+(?![\s\S])")]
Missing = Annotated[list[Text], Meta(min_length=1, max_length=50)]
#: What somebody writes at length, in several lines: a question, its answer, an opinion, what was done (sealed).
_LINES = NO_CONTROL.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f")
Words = Annotated[str, Meta(min_length=1, max_length=500, pattern=_LINES)]


class ApplicantBody(Body, frozen=True):
    """A person or an organisation; with an id number the same one is known again."""

    name: Text
    id_number: Annotated[str, Meta(min_length=4, max_length=40, pattern=r"^[0-9A-Za-z() \-]+(?![\s\S])")] | None = None
    phone: Annotated[str, Meta(min_length=3, max_length=32, pattern=r"^[0-9+() \-]+(?![\s\S])")] | None = None


class MaterialBody(Body, frozen=True):
    """A material of the item and whether it lies there."""

    code: Id
    present: bool = True


class DeliveryBody(Body, frozen=True):
    """How the result shall come: the applicant's choice, said at intake (R38); the address is sealed."""

    method: Method
    address: Text | None = None


class CaseBody(Body, frozen=True):
    """Papers taken in. `ticket` null only when they came by courier or online; `incomplete` takes them in though
    something is missing, so that it can be asked for; `bundle`: one matter, several items (一件事); `helper`: the staff
    id of whoever accompanies the case (帮办人), else the ticket's; `origin`: the code of the region whose authority
    it is for (跨域通办)."""

    item: Id
    applicant: ApplicantBody
    delivery: DeliveryBody
    ticket: Id | None = None
    urgent: bool = False
    agent: ApplicantBody | None = None
    materials: Annotated[list[MaterialBody], Meta(max_length=50)] = field(default_factory=list)
    source: Literal["window", "courier", "web", "app"] = "window"
    bundle: Id | None = None
    incomplete: bool = False
    staff: Id | None = None
    helper: Id | None = None
    origin: Id | None = None


class AcknowledgeBody(Body, frozen=True):
    """Who looks after an alert, where the request does not say it; `take_over`: in the place of whoever does now."""

    staff: Id | None = None
    take_over: bool = False


class StaffBody(Body, frozen=True):
    """Who does it, where the principal is no person."""

    staff: Id | None = None


class CorrectionBody(Body, frozen=True):
    """Everything that is missing, at once: codes of materials or texts (sealed)."""

    missing: Missing
    staff: Id | None = None


class PresentBody(Body, frozen=True):
    """The materials that have come; absent: all that were missing."""

    present: Annotated[list[PaperCode], Meta(max_length=50)] = field(default_factory=list)


class OpineBody(Body, frozen=True):
    """An opinion (sealed); `department` ends that department's part of a joint case."""

    opinion: Words
    staff: Id | None = None
    department: Id | None = None


class StepBody(Body, frozen=True):
    """`step` begins a special step, `done` ends the one that is open; one of the two."""

    step: Literal["technical_review", "expert_review", "site_visit", "upper_level"] | None = None
    done: bool = False


class FeeBody(Body, frozen=True):
    """Fen that the applicant must pay; `reason` (sealed) where it is not the item's fee."""

    amount: Annotated[int, Meta(ge=1, le=10**12)]
    reason: Text | None = None


class PaidBody(Body, frozen=True):
    """The payment's number."""

    reference: Id


class DecideBody(Body, frozen=True):
    """The decision and its opinion (sealed)."""

    outcome: Literal["approve", "refuse"]
    opinion: Words
    staff: Id | None = None


class DeliverBody(Body, frozen=True):
    """How the result was handed over, and the signature (sealed); at the window it is needed (R39)."""

    method: Method
    signature: Annotated[str, Meta(min_length=1, max_length=40_000)] | None = None


class WithdrawBody(Body, frozen=True):
    """Why, a known code or a text (sealed)."""

    reason: Text | None = None


class FileBody(Body, frozen=True):
    """Which originals were filed; absent: all that are left."""

    papers: PaperIds = field(default_factory=list)


class KeepBody(Body, frozen=True):
    """Originals that stay out today, and why: a known code or a text (sealed)."""

    papers: SomePapers
    reason: Text


class CopyBody(Body, frozen=True):
    """A receipt copy's new holder, a place such as window:ID or office:DEPARTMENT."""

    copy: Annotated[int, Meta(ge=1, le=3)]
    holder: Annotated[
        str,
        Meta(
            max_length=80,
            pattern=r"^(applicant|middle|(window|runner|office|maker|issue|archive):[A-Za-z0-9._@\-]+)(?![\s\S])",
        ),
    ]


class PickUpBody(Body, frozen=True):
    """Who carries; a signed-in runner carries himself."""

    runner: Id | None = None


class PickUpManyBody(Body, frozen=True):
    """Several hand-offs at once."""

    ids: Ids
    runner: Id | None = None


class VerifyBody(Body, frozen=True):
    """Exactly the papers that lie there, item by item."""

    papers: PaperIds
    staff: Id | None = None


class RefuseBody(Body, frozen=True):
    """Why the papers go back: a code of the list or a text (sealed); `note`: more beside the code (sealed)."""

    reason: Text
    note: Text | None = None
    staff: Id | None = None


class AskBody(Body, frozen=True):
    """A window's question to the middle office (sealed)."""

    window: Id
    item: Id | None = None
    question: Words | None = None


class AnswerBody(Body, frozen=True):
    """How it was answered, and in which words (sealed)."""

    channel: Literal["spot", "phone", "online"] = "spot"
    staff: Id | None = None
    answer: Words | None = None


class RatingBody(Body, frozen=True):
    """5 very satisfied … 1 very dissatisfied; `reasons` are codes, `text` is sealed."""

    level: Annotated[int, Meta(ge=1, le=5)]
    reasons: Annotated[list[Id], Meta(max_length=10)] = field(default_factory=list)
    text: Words | None = None


class MatterBody(Body, frozen=True):
    """A complaint, an errand that could not be done (办不成事), or an enquiry; the first person asked owns it."""

    kind: Literal["complaint", "unresolved", "enquiry"]
    owner: Id | None = None
    about: Id | None = None
    channel: Id | None = None
    holder: HolderBody | None = None
    note: Words | None = None


class HandOverBody(Body, frozen=True):
    """The matter's new owner."""

    owner: Id


class ResultBody(Body, frozen=True):
    """What was done (sealed)."""

    result: Words
