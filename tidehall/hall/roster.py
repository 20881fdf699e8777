"""How fast a zone works by the clock: breaks between sessions, and windows that the roster opens and closes.

Law: a pace follows from the plan and the moment alone, never from what stands open; so whoever waits longer than
another by the state of the hall waits longer by the clock too.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
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
    all of them, and if they were to open with it, some may still come until `late`; `next` is the place of the one
    after it. Of each later step, seen from it: what is done between `until` and its beginning (`done`, µs at this
    step's pace), and how fast it is (`speeds`).
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
        self.done: list[float] = []
        self.speeds: list[float] = []

    def turn(self, now: int) -> None:
        """Look at the step of `now`."""
        i = self.next = bisect_right(self.at, now)
        self.since = self.at[i - 1] if i else 0
        self.until = self.at[i] if i < len(self.at) else FOR_EVER
        before, count = (self.counts[i - 2] if i > 1 else 0), (self.counts[i - 1] if i else 0)
        self.count = count
        self.share = count / self.windows
        self.late = self.since + LATE if count > before else 0
        later = self.counts[i:]
        base = count or next((count for count in later if count), 1)
        self.speeds = [count / base for count in later]
        self.done = [0.0]
        for n, speed in enumerate(self.speeds[:-1], i):
            self.done.append(self.done[-1] + speed * (self.at[n + 1] - self.at[n]))

    def stretch(self, now: int, found: Estimate) -> Estimate:
        """Waits (µs) at the pace of `now`, the step last looked at, as the clock will show them."""
        if now + found[2] <= self.until:
            return found
        left = self.until - now
        low, middle, high = found
        return (
            low if low <= left else left + self.later(low - left),
            middle if middle <= left else left + self.later(middle - left),
            left + self.later(high - left),
        )

    def later(self, work: int) -> int:
        """How long (µs) it takes from `until` on to do what is left then."""
        i = bisect_left(self.done, work) - 1  # what ends with a step does not wait through the break after it
        return self.at[self.next + i] - self.until + int((work - self.done[i]) / self.speeds[i])
