"""The shapes of cases, hand-offs, questions, matters, receipts and archive lists; screens.py has those of the halls.

Law: no person stands in a shape but as a PersonView, which the HTTP edge adds last. OpenAPI is made from these.
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType, field

from tidehall.hall.catalogue import Guide, Standard
from tidehall.hall.wire import AlertView

__all__ = [
    "AlertAnswer",
    "ArchivePaper",
    "ArchiveUnit",
    "CaseAnswer",
    "CaseView",
    "CopyView",
    "DeliveryView",
    "ElementsView",
    "HandOffView",
    "HandOffsAnswer",
    "ItemDetail",
    "ItemPartView",
    "MaterialView",
    "MatterView",
    "PaperView",
    "PartView",
    "PersonView",
    "ProgressView",
    "ReceiptNumber",
    "ReceiptView",
    "SupportView",
]

Words = dict[str, str]


class PersonView(Struct, frozen=True):
    """Who it is, as far as this reader may know; numbers are masked."""

    name: str | None
    id_number: str | None
    phone: str | None


class MaterialView(Struct, frozen=True):
    """A paper that an item asks for; `standard`: what the handbook says of it."""

    code: str
    name: Words
    required: bool
    standard: Standard | None


class ItemPartView(Struct, frozen=True):
    """One department's part of a joint item."""

    department: str
    promised_days: int


class ElementsView(Struct, frozen=True):
    """How many of a guide's 22 elements (R64) are there, and which lack."""

    filled: int
    of: int
    lacking: tuple[str, ...]


class ItemDetail(Struct, frozen=True, kw_only=True):
    """An item's handbook; days are working days, `fee` is fen, `bundles` the ids of those that hold it (一件事).

    `body`, `place`, `hours` and the telephones are the item's own, else the department's, the zone's, the hall's.
    """

    code: str
    name: Words
    department: str
    line: str
    kind: str
    promised_days: int
    statutory_days: int
    urgent_allowed: bool
    fee: int
    materials: tuple[MaterialView, ...]
    parts: tuple[ItemPartView, ...]
    bundles: tuple[str, ...]
    result: Words | None
    bookable: bool
    cross_region: bool
    body: Words
    place: Words
    hours: Words
    consultation: str | None
    supervision: str | None
    guide: Guide | None
    elements: ElementsView


class PaperView(Struct, frozen=True):
    """One original, result or receipt copy; `filed`: when it was filed, `in_use`: why not today."""

    id: str
    code: str
    name: Words
    copy: int
    holder: str
    filed: str | None
    in_use: str | None


class PartView(Struct, frozen=True):
    """One department's part of a joint case."""

    department: str
    due_at: str
    staff: str | None
    done_at: str | None


class DeliveryView(Struct, frozen=True):
    """How the result shall come."""

    method: str
    address: str | None


class CaseView(Struct, frozen=True, kw_only=True):
    """A case for staff. `applicant` and `agent` stand only in the answer about one case."""

    id: str
    receipt: str
    item: str
    item_name: Words
    kind: str
    department: str
    zone: str
    urgent: bool
    source: str
    bundle: str | None
    stage: str
    holder: str
    ticket: str | None
    window: str | None
    officer: str | None
    helper: str | None
    accepted_by: str | None
    received_at: str
    accepted_at: str | None
    due_at: str | None
    provisional: bool
    overdue: bool
    remaining_s: float | None
    paused: str | None
    step: str | None
    correcting: bool
    correct_by: str | None
    deemed: bool
    fee: int
    fee_paid: bool
    outcome: str | None
    decided_at: str | None
    notices: int
    notice_breach: bool
    missing: tuple[str, ...]
    parts: tuple[PartView, ...]
    papers: tuple[PaperView, ...]
    delivery: DeliveryView
    hand_off: str | None
    origin: str | None
    seq: int
    allowed: tuple[str, ...]
    applicant: PersonView | UnsetType | None = UNSET
    agent: PersonView | UnsetType | None = UNSET


class HandOffView(Struct, frozen=True, kw_only=True):
    """Papers on their way. `remaining_s` is negative after the limit; of a closed one it is what was left."""

    id: str
    case: str
    receipt: str
    item: str
    item_name: Words
    papers: tuple[str, ...]
    paper_names: tuple[Words, ...]
    from_: str = field(name="from")
    to: str
    zone: str
    runners: str
    urgent: bool
    leg: int
    started_at: str
    due_at: str
    remaining_s: float
    state: str
    runner: str | None
    refusals: int
    reason: str | None
    note: str | None
    warned: bool
    breached: bool
    escalated: bool
    onward: str | None
    seq: int
    allowed: tuple[str, ...]


class HandOffsAnswer(Struct, frozen=True):
    """Several hand-offs after one command."""

    hand_offs: tuple[HandOffView, ...]
    seq: int


class CopyView(Struct, frozen=True):
    """One of the three copies (一式三联) and where it is."""

    copy: int
    holder: str
    name: Words


class ReceiptNumber(Struct, frozen=True):
    """The receipt as intake answers it."""

    number: str
    copies: tuple[CopyView, ...]


class CaseAnswer(Struct, frozen=True):
    """The answer to papers taken in; `hand_off` is null when nothing is carried."""

    case: CaseView
    receipt: ReceiptNumber
    hand_off: HandOffView | None
    seq: int


class ReceiptView(Struct, frozen=True, kw_only=True):
    """All that is printed on the three copies; `handler`: who accepted, `consultation`: the telephone for questions."""

    number: str
    case: str
    stage: str
    accepted_at: str | None
    handler: str | None
    consultation: str | None
    promised_days: int
    hall_name: Words
    zone_name: Words
    item: str
    item_name: Words
    department_name: Words
    kind: str
    urgent: bool
    ticket_number: str | None
    window_label: str | None
    applicant: PersonView | None
    agent: PersonView | None
    received_at: str
    due_at: str | None
    provisional: bool
    materials: tuple[PaperView, ...]
    missing: tuple[str, ...]
    fee: int
    delivery: DeliveryView
    copies: tuple[CopyView, ...]
    progress_url: str
    origin: str | None
    origin_name: Words | None


class SupportView(Struct, frozen=True, kw_only=True):
    """A window's question; `response_s`: asked → answered, or until now."""

    id: str
    window: str
    ticket: str | None
    number: str | None
    item: str | None
    item_name: Words | None
    question: str | None
    asked_at: str
    due_at: str
    remaining_s: float
    state: str
    staff: str | None
    claimed_at: str | None
    answered_at: str | None
    channel: str | None
    answer: str | None
    response_s: float
    overdue: bool
    seq: int
    allowed: tuple[str, ...]


class MatterView(Struct, frozen=True, kw_only=True):
    """A matter; `remaining_s` to its next limit, None once solved; `holder` only in the answer about one matter.

    Of a bad rating: its `level` and `reasons`, and the visit's `number` and `window`.
    """

    id: str
    kind: str
    owner: str
    about: str | None
    channel: str | None
    note: str | None
    state: str
    opened_at: str
    contact_by: str
    due_at: str
    contacted_at: str | None
    solved_at: str | None
    ended_at: str | None
    result: str | None
    remaining_s: float | None
    overdue: bool
    level: int | None
    reasons: tuple[str, ...]
    number: str | None
    window: str | None
    seq: int
    allowed: tuple[str, ...]
    holder: PersonView | UnsetType | None = UNSET


class AlertAnswer(AlertView, frozen=True, kw_only=True):
    """The alert after a command."""

    seq: int


class ArchivePaper(Struct, frozen=True, kw_only=True):
    """An original on a unit's daily list: filed, in_use with a reason, or open (it must be filed today)."""

    id: str
    case: str
    receipt: str
    item: str
    code: str
    name: Words
    stage: str
    state: str
    reason: str | None
    filed_at: str | None


class ArchiveUnit(Struct, frozen=True):
    """A unit's daily list (一天一归档)."""

    unit: str
    filed: int
    in_use: int
    open: int
    papers: tuple[ArchivePaper, ...]


class ProgressView(Struct, frozen=True, kw_only=True):
    """What a citizen sees of a case with its receipt's number and four digits; masked."""

    receipt: str
    item_name: Words
    hall_name: Words
    zone_name: Words
    applicant: str | None
    urgent: bool
    stage: str
    received_at: str
    accepted_at: str | None
    decided_at: str | None
    ready_at: str | None
    delivered_at: str | None
    due_at: str | None
    provisional: bool
    paused: bool
    missing: tuple[Words, ...]
    fee: int
    fee_paid: bool
    delivery: str
    seq: int
