"""Working days: China's holidays and make-up days by a kept library, overridden by the plan's own calendar.

Law: a promise is counted on working days; where the year's calendar is not published yet, weekdays stand in for it
and the result is marked provisional, never an exception.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from chinese_calendar import is_workday

from tidehall.hall.calendar import Schedule, service_day

__all__ = ["WorkDays"]


@lru_cache(4096)
def by_arrangement(day: date) -> tuple[bool, bool]:
    """Whether the State Council's arrangement makes it a working day, and whether that is certain: where the year's is
    not published, weekdays stand in for it. The library looks through all its holidays for each answer."""
    try:
        return bool(is_workday(day)), True
    except NotImplementedError:
        return day.weekday() < 5, False


class WorkDays:
    """The working days of one hall's plan."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.known: dict[tuple[date, int], tuple[int, bool]] = {}
        self.earlier: dict[tuple[int, int], int] = {}  # many cases are due at the same few moments
        self.today = (0, 0, date.min)  # from, to (µs) and name of the day that was asked about last

    def works(self, day: date) -> tuple[bool, bool]:
        """(is it a working day, is that certain)."""
        text = day.isoformat()
        if text in self.schedule.closed:
            return False, True
        if text in self.schedule.extra:
            return True, True
        return by_arrangement(day)

    def after(self, at: int, days: int) -> tuple[int, bool]:
        """The end of the `days`-th working day after the day of `at` (µs), and whether it is provisional.

        A day that is no working day counts as the next working day (domain.md 2). The end is the last session's.
        """
        start, end, day = self.today
        if not start <= at < end:
            day = service_day(at, self.schedule.zone_name)
            self.today = (self.schedule.local(day, 0), self.schedule.local(day, 1440), day)
        found = self.known.get((day, days))
        if found is None:
            if len(self.known) > 256:
                self.known.clear()
            found = self.known[day, days] = self.counted(day, days)
        return found

    def counted(self, day: date, days: int) -> tuple[int, bool]:
        """The same, counted day by day."""
        certain = True
        while True:
            works, sure = self.works(day)
            certain &= sure
            if works:
                break
            day += timedelta(days=1)
        left = days
        while left > 0:
            day += timedelta(days=1)
            works, sure = self.works(day)
            certain &= sure
            left -= works
        return self.schedule.local(day, self.schedule.sessions[-1][1]), not certain

    def before(self, at: int, days: int) -> int:
        """The end of the `days`-th working day before the day of `at` (µs)."""
        found = self.earlier.get((at, days))
        if found is None:
            if len(self.earlier) > 256:
                self.earlier.clear()
            day, left = service_day(at - 1, self.schedule.zone_name), days  # a session may end at midnight
            while left > 0:
                day -= timedelta(days=1)
                left -= self.works(day)[0]
            found = self.earlier[at, days] = self.schedule.local(day, self.schedule.sessions[-1][1])
        return found

    def between(self, start: int, end: int) -> tuple[int, bool]:
        """Working days from the day of `start` to the day of `end` (µs), the first not counted; is it provisional."""
        day, last = service_day(start, self.schedule.zone_name), service_day(end, self.schedule.zone_name)
        count, certain = 0, True
        while day < last:
            day += timedelta(days=1)
            works, sure = self.works(day)
            count += works
            certain &= sure
        return count, not certain

    def shifted(self, due_at: int, paused: int, now: int) -> tuple[int, bool]:
        """A due moment moved on by the working days of a pause from `paused` to `now`."""
        days, unsure = self.between(paused, now)
        if not days:
            return due_at, unsure
        due, provisional = self.after(due_at - 1, days)  # a session may end at midnight
        return due, provisional or unsure
