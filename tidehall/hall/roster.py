"""How fast a zone works by the clock: breaks between sessions, and windows that the roster opens and closes.

Law: a pace follows from the plan and the moment alone, never from what stands open; so whoever waits longer than
another by the state of the hall waits longer by the clock too.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date

from tidehall.hall.calendar import Schedule, clock_minutes
from tidehall.hall.plan import Zone
from tidehall.queue.tickets import Estimate

__all__ = ["FOR_EVER", "LATE", "Pace"]

#: A window that has not opened within this time (µs) after it should have does not count on.
LATE = 300_000_000
FOR_EVER = 1 << 62


class Pace:
    """One zone on one day: from each moment (µs) on, how many windows should stand open. Without a roster: all of them
    in a session, none in a break. After the last step the zone works on until nobody waits.

    Of the step that was looked at last: `since` … `until` (µs) it holds, `count` windows should stand open, `share` of
    all of them, and if they were to open with it, some may still come until `late`.
    """

    def __init__(self, zone: Zone, windows: int, schedule: Schedule, day: str) -> None:
        """`windows`: how many acceptance windows the zone has."""
        self.day = day
        self.windows = max(1, windows)
        when = date.fromisoformat(day)
        steps: dict[int, int] = {}
        if zone.roster:
            steps = {schedule.local(when, clock_minutes(at) or 0): count for at, count in zone.roster}
        elif schedule.open_on(when):
            for opens, closes in schedule.sessions:
                steps |= {schedule.local(when, opens): self.windows, schedule.local(when, closes): 0}
        self.at = sorted(steps)
        self.counts = [steps[at] for at in self.at]
        while self.counts and not self.counts[-1]:  # the end of the day is no break: who waits is served
            self.at.pop()
            self.counts.pop()
        self.next = self.since = self.until = self.late = self.count = 0
        self.share = 0.0

    def turn(self, now: int) -> None:
        """Look at the step of `now`."""
        i = self.next = bisect_right(self.at, now)
        self.since = self.at[i - 1] if i else 0
        self.until = self.at[i] if i < len(self.at) else FOR_EVER
        before, count = (self.counts[i - 2] if i > 1 else 0), (self.counts[i - 1] if i else 0)
        self.count = count
        self.share = count / self.windows
        self.late = self.since + LATE if count > before else 0

    def stretch(self, now: int, found: Estimate) -> Estimate:
        """Waits (µs) at the pace of `now`, the step last looked at, as the clock will show them."""
        if now + found[2] <= self.until:
            return found
        left, by_clock = self.until - now, self.by_clock
        low, middle, high = found
        return (
            low if low <= left else by_clock(now, low),
            middle if middle <= left else by_clock(now, middle),
            by_clock(now, high),
        )

    def by_clock(self, now: int, work: int) -> int:
        """The same for one wait."""
        first = self.next
        base = (self.counts[first - 1] if first else 0) or next((count for count in self.counts[first:] if count), 1)
        at, speed, left = now, 1.0, float(work)
        for i in range(first, len(self.at)):
            done = (self.at[i] - at) * speed
            if left <= done:
                break
            left -= done
            at, speed = self.at[i], self.counts[i] / base
        return at - now + int(left / speed)
