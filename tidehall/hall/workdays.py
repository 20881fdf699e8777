"""Working days: China's holidays and make-up days by a kept library, overridden by the plan's own calendar.

Law: a promise is counted on working days; where the year's calendar is not published yet, weekdays stand in for it
and the result is marked provisional, never an exception.
"""

from __future__ import annotations

from datetime import date, timedelta

from chinese_calendar import is_workday

from tidehall.hall.calendar import Schedule, service_day

__all__ = ["WorkDays"]


class WorkDays:
    """The working days of one hall's plan."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def works(self, day: date) -> tuple[bool, bool]:
        """(is it a working day, is that certain)."""
        text = day.isoformat()
        if text in self.schedule.closed:
            return False, True
        if text in self.schedule.extra:
            return True, True
        try:
            return bool(is_workday(day)), True
        except NotImplementedError:  # the State Council has not published that year's arrangement
            return day.weekday() < 5, False

    def after(self, at: int, days: int) -> tuple[int, bool]:
        """The end of the `days`-th working day after the day of `at` (µs), and whether it is provisional.

        A day that is no working day counts as the next working day (domain.md 2). The end is the last session's.
        """
        day = service_day(at, self.schedule.zone_name)
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

    def between(self, start: int, end: int) -> int:
        """Working days from the day of `start` to the day of `end` (µs), the first not counted."""
        day, last = service_day(start, self.schedule.zone_name), service_day(end, self.schedule.zone_name)
        count = 0
        while day < last:
            day += timedelta(days=1)
            count += self.works(day)[0]
        return count

    def shifted(self, due_at: int, paused: int, now: int) -> tuple[int, bool]:
        """A due moment moved on by the working days of a pause from `paused` to `now`."""
        days = self.between(paused, now)
        return self.after(due_at, days) if days else (due_at, False)
