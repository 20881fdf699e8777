"""The hall's clock on the wall: service days, sessions, and what time alone brings.

Law: a service day is a day of the hall's time zone, whatever the server's. Moments are computed from the plan
and the moment before, never from "now", so that it does not matter how punctual a timer was.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:  # a plan is checked with this module's help
    from tidehall.hall.plan import Plan

__all__ = ["Moment", "Schedule", "bounds", "clock_minutes", "is_date", "is_zone", "local_text", "service_day"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

#: (µs, what becomes true then, in this order: "day", "issuing", "session", "session_end", "last_end", "expire")
Moment = tuple[int, tuple[str, ...]]


def clock_minutes(text: str) -> int | None:
    """ "08:30" → 510; "24:00" → 1440; None for what is no time of day."""
    hours, colon, minutes = text.partition(":")
    if len(hours) != 2 or not colon or len(minutes) != 2 or not (hours + minutes).isdigit():
        return None
    total = int(hours) * 60 + int(minutes)
    return total if int(minutes) < 60 and total <= 1440 else None


def is_date(text: str) -> bool:
    """Whether `text` is a date YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_zone(name: str) -> bool:
    """Whether `name` is a time zone we know."""
    try:
        zone(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone, read once."""
    return ZoneInfo(name)


def moment(local: datetime) -> int:
    """A local time as µs since the epoch."""
    return (local - EPOCH) // MICROSECOND


def service_day(at: int, zone_name: str) -> date:
    """The day of the hall's time zone in which `at` (µs) lies."""
    return (EPOCH + at * MICROSECOND).astimezone(zone(zone_name)).date()


def bounds(at: int, zone_name: str) -> tuple[str, int, int]:
    """The service day (YYYY-MM-DD) in which `at` (µs) lies, its first moment and the first after it, µs."""
    day = service_day(at, zone_name)
    first, after = (moment(datetime.combine(d, time(), tzinfo=zone(zone_name))) for d in (day, day + timedelta(days=1)))
    return day.isoformat(), first, after


def local_text(at: int, zone_name: str) -> str:
    """RFC 3339 with the hall's offset."""
    return (EPOCH + at * MICROSECOND).astimezone(zone(zone_name)).isoformat(timespec="milliseconds")


class Schedule:
    """All moments that a plan's opening hours bring, and the hall's standing at any time."""

    def __init__(self, plan: Plan) -> None:
        self.zone_name = plan.hall.time_zone
        self.zone = zone(plan.hall.time_zone)
        self.sessions = tuple(
            (clock_minutes(opens) or 0, clock_minutes(closes) or 0) for opens, closes in plan.hall.hours
        )
        self.open_days = frozenset(DAYS.index(d) for d in plan.hall.open_days)
        self.closed = frozenset(plan.calendar.closed)
        self.extra = frozenset(plan.calendar.open)
        self.before = round(plan.limits.issue_before_open_s * SECOND)
        self.overtime = round(plan.limits.overtime_max_s * SECOND)
        self.days: dict[date, tuple[Moment, ...]] = {}

    def open_on(self, day: date) -> bool:
        """Whether the hall opens on this day."""
        text = day.isoformat()
        if text in self.closed:
            return False
        return text in self.extra or day.weekday() in self.open_days

    def local(self, day: date, minutes: int) -> int:
        """A wall-clock time of a day, µs; 1440 is the next midnight."""
        if minutes >= 1440:
            day, minutes = day + timedelta(days=1), minutes - 1440
        return moment(datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=self.zone))

    def joins(self, day: date) -> bool:
        """Whether this day's last session runs on into the next day without a break (round the clock)."""
        return (
            self.sessions[-1][1] == 1440
            and self.sessions[0][0] == 0
            and self.open_on(day)
            and self.open_on(day + timedelta(days=1))
        )

    def moments(self, day: date) -> tuple[Moment, ...]:
        """What the day brings, in order."""
        found = self.days.get(day)
        if found is not None:
            return found
        at: dict[int, list[str]] = {self.local(day, 0): ["day"]}

        def add(when: int, what: str) -> None:
            at.setdefault(when, []).append(what)

        if self.open_on(day):
            if not self.joins(day - timedelta(days=1)):
                add(max(self.local(day, 0), self.local(day, self.sessions[0][0]) - self.before), "issuing")
            for i, (opens, closes) in enumerate(self.sessions):
                last = i == len(self.sessions) - 1
                if not (i == 0 and self.joins(day - timedelta(days=1))):
                    # never after its end, also where the clocks jump over the opening time
                    add(min(self.local(day, opens), self.local(day, closes)), "session")
                if not (last and self.joins(day)):
                    # a session that ends at midnight ends a moment before the day turns
                    end = min(self.local(day, closes), self.local(day, 1440) - 1)
                    add(end, "last_end" if last else "session_end")
                    if last:
                        add(min(end + self.overtime, self.local(day, 1440) - 1), "expire")
        found = tuple((when, tuple(what)) for when, what in sorted(at.items()))
        if len(self.days) > 8:
            self.days.clear()
        self.days[day] = found
        return found

    def next_after(self, at: int) -> Moment:
        """The first moment after `at` (µs)."""
        day = service_day(at, self.zone_name)
        while True:
            for found in self.moments(day):
                if found[0] > at:
                    return found
            day += timedelta(days=1)

    def steps_at(self, at: int) -> tuple[str, ...]:
        """What becomes true exactly at `at` (µs)."""
        for when, what in self.moments(service_day(at, self.zone_name)):
            if when == at:
                return what
        return ()

    def standing(self, at: int) -> tuple[bool, bool, bool]:
        """(numbers are given, in session, the day's last session is over) at `at`."""
        issuing = in_session = over = False
        day = service_day(at, self.zone_name)
        if self.open_on(day) and self.joins(day - timedelta(days=1)):
            issuing = in_session = True
        for when, what in self.moments(day):
            if when > at:
                break
            for step in what:
                if step == "issuing":
                    issuing = True
                elif step == "session":
                    in_session = True
                elif step == "session_end":
                    in_session = False
                elif step == "last_end":
                    issuing = in_session = False
                    over = True
        return issuing, in_session, over

    def opens_next(self, at: int) -> int | None:
        """When numbers are given again, µs; None when nothing opens within about a year."""
        for _ in range(400):
            at, what = self.next_after(at)
            if "issuing" in what:
                return at
        return None
