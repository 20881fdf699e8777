"""What the measures keep of a hall: one record for each visit, opening, case part, hand-off, question, rating, alert.

Law: a record belongs to one service day for ever, that of its beginning `at`, and is absolute: its last form alone
counts. So days can be kept anywhere, laid together in any order, and give the figures that the journal gives. No
persons, no free texts (law 11). Times and durations are µs; 0 is "not yet". Source: design section 6.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from tidehall.queue.tickets import Estimate

__all__ = [
    "QUARTER", "SORTS", "Alarm", "Carriage", "Complaint", "Day", "Decision", "Delivery", "Intake", "Interval", "Kept",
    "Opening", "Place", "QuarterWaits", "Question", "Rating", "Record", "Tallied", "Visit",
]  # fmt: skip

#: A quarter of an hour, µs.
QUARTER = 900_000_000


class Record(Struct, array_like=True, gc=False):
    """The root: what it is, when it began, where it belongs. None: it belongs to none."""

    id: str
    at: int
    day: str
    zone: str | None = None
    line: str | None = None
    item: str | None = None
    window: str | None = None
    staff: str | None = None
    department: str | None = None

    @property
    def going_on(self) -> bool:
        """Whether it may change on a later day."""
        return False


class Interval(Struct, array_like=True, gc=False):
    """Serving at a window; `end` 0 while it goes on."""

    start: int
    end: int
    window: str
    zone: str | None
    staff: str | None
    item: str | None


class Visit(Record, gc=False):
    """A ticket. `window` and `staff` are those of the first call, `item` the first one.

    `since`: from when waiting counts (booked: the later of check-in and booked time).
    """

    since: int = 0
    items: tuple[str, ...] = ()
    shown: Estimate | None = None
    first_call: int = 0
    called: int = 0
    waiting_since: int = 0
    over_break: bool = False
    later: list[int] = []
    walks: list[int] = []
    serving: list[Interval] = []
    parked_since: int = 0
    parked: int = 0
    outcome: str | None = None
    ended: int = 0
    chosen: int = 0
    collects: tuple[str, ...] = ()

    @property
    def taken(self) -> int:
        """When the number was taken."""
        return self.at

    @property
    def going_on(self) -> bool:
        """See Record."""
        return self.outcome is None

    def service(self) -> int:
        """Sum of the closed serving intervals."""
        return sum([i.end - i.start for i in self.serving if i.end])


class Opening(Record, gc=False):
    """A window stood open without a break, under one member of staff, within one day."""

    end: int = 0

    @property
    def going_on(self) -> bool:
        """See Record."""
        return not self.end


class Intake(Record, gc=False):
    """Papers were taken in (办件). `visits`: how often the applicant stood at a window for it; 0: never, by courier."""

    kind: str = ""
    urgent: bool = False
    source: str = ""
    visits: int = 0
    accepted_at: int = 0
    due_at: int = 0
    notices: int = 0
    overdue: bool = False
    ready_at: int = 0
    uncollected: bool = False
    ended: int = 0

    @property
    def going_on(self) -> bool:
        """See Record."""
        return not self.ended


class Decision(Record, gc=False):
    """A case was decided. `early`: on a service day before the promised one; `notices`: corrections asked for."""

    kind: str = ""
    urgent: bool = False
    outcome: str = ""
    accepted_at: int = 0
    due_at: int = 0
    early: bool = False
    notices: int = 0


class Delivery(Record, gc=False):
    """The applicant has the result; `ready_at` 0: it never lay at an issue post."""

    method: str = ""
    ready_at: int = 0
    visits: int = 0


class Carriage(Record, gc=False):
    """A hand-off, from the moment the papers were taken in; `onward`: on to a department outside the hall."""

    case: str = ""
    urgent: bool = False
    onward: bool = False
    due_at: int = 0
    verified_at: int = 0
    breached: bool = False
    refusals: int = 0
    ended: int = 0

    @property
    def going_on(self) -> bool:
        """See Record."""
        return not self.ended


class Question(Record, gc=False):
    """A window asked the middle office."""

    answered_at: int = 0
    overdue: bool = False
    escalated: bool = False

    @property
    def going_on(self) -> bool:
        """See Record."""
        return not self.answered_at


class Rating(Record, gc=False):
    """A rating, on the day on which it was given; not `active`: put in by a system."""

    level: int = 0
    active: bool = True
    follow_up: bool = False


class Complaint(Record, gc=False):
    """A matter with an owner; `what` of papers/objects.MatterKind."""

    what: str = ""
    contacted_at: int = 0
    solved_at: int = 0
    called_back_at: int = 0
    overdue: bool = False
    ended: int = 0

    @property
    def going_on(self) -> bool:
        """See Record."""
        return not self.ended


class Alarm(Record, gc=False):
    """An alert, each time that it was raised."""

    kind: str = ""
    acknowledged_at: int = 0
    escalated: bool = False
    ended: int = 0

    @property
    def going_on(self) -> bool:
        """See Record."""
        return not self.ended


class Tallied(Record, gc=False):
    """Services that are no case, by hour, zone and kind; `outside` opening hours."""

    kind: str = ""
    count: int = 0
    outside: int = 0


class Day(Record, gc=False):
    """A service day. `opened`: the hall was in session on it; `until`: the last event known of it.

    Of the plan that ruled last on it: windows where lines are served and those in general zones (R135), statutory and
    promised working days of the items that have both (R31).
    """

    opened: bool = False
    until: int = 0
    windows: int = 0
    general: int = 0
    statutory: int = 0
    promised: int = 0


class QuarterWaits(Struct, array_like=True, gc=False):
    """First calls in one quarter of an hour (0: the first after midnight) of a zone: how long they had waited, µs."""

    day: str
    zone: str
    quarter: int
    n: int = 0
    sum: int = 0
    longest: int = 0


class Place(Struct, array_like=True, frozen=True, gc=False):
    """Where a visit of a former day belongs: all that a late rating needs of it."""

    day: str
    zone: str | None
    line: str | None
    item: str | None
    window: str | None
    staff: str | None
    department: str | None


#: What a record is called where it is kept.
SORTS: dict[str, type[Record]] = {
    "day": Day, "visit": Visit, "opening": Opening, "intake": Intake, "decision": Decision, "delivery": Delivery,
    "carriage": Carriage, "question": Question, "rating": Rating, "complaint": Complaint, "alarm": Alarm,
    "tallied": Tallied,
}  # fmt: skip


class Kept:
    """Records by their ids, each sort apart."""

    def __init__(self) -> None:
        self.days: dict[str, Day] = {}
        self.visits: dict[str, Visit] = {}
        self.openings: dict[str, Opening] = {}
        self.intakes: dict[str, Intake] = {}
        self.decisions: dict[str, Decision] = {}
        self.deliveries: dict[str, Delivery] = {}
        self.carriages: dict[str, Carriage] = {}
        self.questions: dict[str, Question] = {}
        self.ratings: dict[str, Rating] = {}
        self.complaints: dict[str, Complaint] = {}
        self.alarms: dict[str, Alarm] = {}
        self.tallied: dict[str, Tallied] = {}
        #: by sort, the same
        self.of: dict[type[Record], dict[str, Any]] = {
            Day: self.days, Visit: self.visits, Opening: self.openings, Intake: self.intakes,
            Decision: self.decisions, Delivery: self.deliveries, Carriage: self.carriages,
            Question: self.questions, Rating: self.ratings, Complaint: self.complaints, Alarm: self.alarms,
            Tallied: self.tallied,
        }  # fmt: skip

    def put(self, record: Record) -> None:
        """Keep a record in the place of its former self."""
        self.of[type(record)][record.id] = record

    def let_go(self) -> None:
        """Forget everything, one record after the other: a month's at one stroke would hold every thread up."""
        for records in self.of.values():
            while records:
                records.popitem()
