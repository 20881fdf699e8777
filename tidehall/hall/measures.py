"""What a day was like: the fold of a hall's events into what the definitions of design section 6 ask for.

Law: measures are a fold of events and nothing else. What is kept are records (kept.py), changed by one step for each
kind of event (visits.py, dossiers.py); figures are functions of the records alone (figures.py), the same for the live
day, a simulated one, and any range of days that was kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from tidehall.hall.calendar import bounds
from tidehall.hall.dossiers import OFFICE_STEPS
from tidehall.hall.events import Event
from tidehall.hall.figures import By, Figures, Summary, figures, summary
from tidehall.hall.kept import QUARTER, Alarm, Day, Kept, Opening, Place, QuarterWaits, Record, Visit
from tidehall.hall.plan import Plan
from tidehall.hall.state import HallState
from tidehall.hall.visits import HALL_STEPS, VISIT_STEPS, Changed

__all__ = ["By", "Figures", "Measures", "Summary", "Visit", "summary"]

#: One step for each kind of event that names no ticket, or opens something with one.
STEPS = {**HALL_STEPS, **OFFICE_STEPS}
#: Kinds that say when they were due, beside when they were written.
DUE = frozenset(kind for kind in get_args(Event) if "due" in kind.__struct_fields__)


class Measures:
    """Folds a hall's events into records, from any first event on (what began before it is not counted).

    `place_days`: for how many days a late rating still finds its visit.
    """

    def __init__(self, zone_name: str = "Asia/Shanghai") -> None:
        self.zone_name = zone_name
        self.kept = Kept()
        self.visits = self.kept.visits
        self.waits: dict[tuple[str, str, int], QuarterWaits] = {}
        self.quarters: set[tuple[str, str, int]] = set()  # of these, those that changed since somebody cleared this
        self.places: dict[str, Place] = {}
        self.today = Day("", 0, "")
        self.begins = self.ends = 0  # of today, µs
        # what later events need to know
        self.seats: dict[str, str] = {}
        self.standing: dict[str, Opening] = {}
        self.ringing: dict[str, Alarm] = {}
        self.in_session = False
        self.next_plan: Plan | None = None
        self.place_days = 7
        self.line_zone: dict[str, str] = {}
        self.window_zone: dict[str, str] = {}
        self.item_line: dict[str, str] = {}
        self.item_department: dict[str, str] = {}
        self.counts = (0, 0, 0, 0)  # windows, general, statutory, promised: see Day

    # ---- the fold

    def apply(self, event: Event) -> Changed:
        """Take one event in; answers the records that it changed, beside `today`."""
        kind = type(event)
        at: int = event.at if kind not in DUE else event.due or event.at  # type: ignore[union-attr] # only those
        if not self.begins <= at < self.ends:
            self.turn(at)
        if at > self.today.until:
            self.today.until = at
        step = VISIT_STEPS.get(kind)
        if step is not None:
            visit = self.visits.get(event.ticket)  # type: ignore[union-attr,arg-type] # only kinds with a ticket are there
            return () if visit is None else step(self, visit, event)
        other = STEPS.get(kind)
        return () if other is None else other(self, event)

    def turn(self, at: int) -> None:
        """`at` (µs) lies on another day than the event before."""
        id, self.begins, self.ends = bounds(at, self.zone_name)
        found = self.kept.days.get(id)
        if found is None:
            found = self.kept.days[id] = Day(id, self.begins, id)
            found.windows, found.general, found.statutory, found.promised = self.counts
        self.today = found

    def day_of(self, at: int) -> str:
        """The service day of a moment, µs."""
        return self.today.id if self.begins <= at < self.ends else bounds(at, self.zone_name)[0]

    def waited(self, visit: Visit) -> None:
        """A first call: its wait belongs to the quarter of an hour in which it came."""
        if not self.begins <= visit.first_call < self.ends:
            self.turn(visit.first_call)
        key = (self.today.id, visit.zone or "", (visit.first_call - self.begins) // QUARTER)
        found = self.waits.get(key)
        if found is None:
            found = self.waits[key] = QuarterWaits(*key)
        wait = max(0, visit.first_call - visit.since)
        found.n += 1
        found.sum += wait
        if wait > found.longest:
            found.longest = wait
        self.quarters.add(key)

    def learn(self, plan: Plan) -> None:
        """This plan rules now."""
        if plan.hall.time_zone != self.zone_name:
            self.zone_name = plan.hall.time_zone
            if self.today.id:
                self.turn(self.today.until or self.begins)
        self.place_days = plan.offices.rating_days + 1
        self.line_zone = {line.id: line.zone for line in plan.lines}
        self.window_zone = {window.id: window.zone for window in plan.windows}
        self.item_line = {item.code: item.line for item in plan.items}
        self.item_department = {item.code: item.department for item in plan.items}
        kinds = {zone.id: zone.kind for zone in plan.zones}
        service = {line.id for line in plan.lines if line.purpose == "service"}
        serving = [kinds[w.zone] for w in plan.windows if not service.isdisjoint(w.lines)]
        cut = [item for item in plan.items if item.statutory_days and item.promised_days]
        self.counts = (
            sum(kind in ("general", "specialist") for kind in serving), serving.count("general"),
            sum(item.statutory_days for item in cut), sum(item.promised_days for item in cut),
        )  # fmt: skip
        day = self.today
        day.windows, day.general, day.statutory, day.promised = self.counts

    def place(self, ticket: str) -> Place | None:
        """Where a visit belongs, also one of a former day."""
        visit = self.visits.get(ticket)
        return self.places.get(ticket) if visit is None else place_of(visit)

    # ---- going on from what was kept

    def resume(self, state: HallState, records: Iterable[Record]) -> None:
        """Stand where a fold stood that had kept these records, when the hall was as `state` is."""
        for record in records:
            self.kept.put(record)
            if isinstance(record, Opening) and record.going_on and record.window is not None:
                self.standing[record.window] = record
            elif isinstance(record, Alarm) and record.going_on:
                self.ringing[record.id.rpartition("@")[0]] = record
        if state.plan is not None:
            self.zone_name = state.zone_name
        for visit in self.visits.values():
            if visit.first_call:
                self.waited(visit)
        self.quarters.clear()
        if state.plan is not None:
            self.turn(max((day.until for day in self.kept.days.values()), default=state.last_at))
            self.learn(state.plan)
        self.next_plan = state.next_plan
        self.seats = {window.id: window.staff for window in state.windows.values() if window.staff is not None}
        self.in_session = state.in_session

    def forget(self, before: str) -> None:
        """Drop what ended and began before a day (YYYY-MM-DD); where its visits belong is known a while longer."""
        for found in self.kept.of.values():
            for id in [id for id, record in found.items() if record.day < before and not record.going_on]:
                gone = found.pop(id)
                if isinstance(gone, Visit):
                    self.places[id] = place_of(gone)
        for id in [id for id, place in self.places.items() if place.day < self.oldest_place()]:
            del self.places[id]
        for key in [key for key in self.waits if key[0] < before]:
            del self.waits[key]

    def oldest_place(self) -> str:
        """The first day (YYYY-MM-DD) whose visits may still be rated."""
        return bounds(self.begins - self.place_days * 86_400_000_000, self.zone_name)[0]

    # ---- the figures

    def figures(self, by: By = "hall") -> dict[str, Figures]:
        """The figures up to the last event, by key; "hall" has the one key ""."""
        return figures(self.kept, by, self.zone_name)


def place_of(visit: Visit) -> Place:
    """Where it belongs."""
    return Place(visit.day, visit.zone, visit.line, visit.item, visit.window, visit.staff, visit.department)
