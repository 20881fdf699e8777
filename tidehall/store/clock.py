"""One clock for all servers of a hall: PostgreSQL's, carried on by the own monotonic clock (law 8).

One law: `now` never goes backwards, and a clock that may be wrong by more than two seconds says so.
All figures are `int` microseconds.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from tidehall.store.errors import StoreUnavailable

__all__ = ["HallClock", "TimeSource"]

_LIMIT = 2_000_000
_TOO_OLD = 30_000_000
_EVERY_S = 5.0


class TimeSource(Protocol):
    """Whatever knows the time of the hall: a journal."""

    async def clock(self) -> int:
        """Return the time in µs since the Unix epoch; may raise StoreUnavailable."""
        ...


class HallClock:
    """The hall's time in this process. For a demonstration, hall time = origin + (real − origin) · speed."""

    def __init__(
        self,
        *,
        speed: float = 1.0,
        origin: int = 0,
        monotonic: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        """`origin` is in µs since the Unix epoch and matters only with a `speed`; `monotonic` gives µs."""
        self._speed = speed
        self._origin = origin
        self._monotonic = monotonic
        self._offset: int | None = None
        self._sampled = 0
        self._jumped = False
        self._latest = 0

    def sample(self, server: int, before: int, after: int) -> None:
        """Take in what the server's clock said between two readings of the own monotonic clock.

        The error is at most half the round trip. A round trip so long that the sample could be wrong by more than the
        limit tells nothing and is dropped. A jump against the sample before makes the clock unsure until a further
        sample agrees with the new time.
        """
        if after - before > 2 * _LIMIT:
            return
        offset = server - (before + after) // 2
        self._jumped = self._offset is not None and abs(offset - self._offset) > _LIMIT
        self._offset, self._sampled = offset, after

    def now(self) -> int:
        """Return the hall's time; before the first sample that is 0, and `unsure` is true."""
        if self._offset is not None:
            self._latest = max(self._latest, self._hall_time(self._monotonic() + self._offset))
        return self._latest

    def real(self) -> int:
        """Return the real time, whatever the hall's speed: by it sessions end. 0 before the first sample."""
        return 0 if self._offset is None else self._monotonic() + self._offset

    def unsure(self) -> bool:
        """Say whether the time could be wrong by more than two seconds; commands are refused then (clock_unsure)."""
        if self._offset is None or self._jumped:
            return True
        reading = self._monotonic()
        # After a step backwards `now` stands still until the real time has caught up.
        held = self._latest - self._hall_time(reading + self._offset)
        return reading - self._sampled > _TOO_OLD or held > _LIMIT * max(self._speed, 1.0)

    def seconds_until(self, at: int) -> float:
        """Return how long to sleep in real seconds until it is `at` in the hall; 0 if that is past."""
        return max(0.0, (at - self.now()) / self._speed / 1e6)

    async def measure(self, source: TimeSource) -> bool:
        """Take one sample; False when the source could not be reached."""
        before = self._monotonic()
        try:
            server = await source.clock()
        except StoreUnavailable:
            return False
        self.sample(server, before, self._monotonic())
        return True

    async def follow(self, source: TimeSource, *, every_s: float = _EVERY_S) -> None:
        """Keep sampling until cancelled; while unsure or cut off, ten times as often."""
        while True:
            reached = await self.measure(source)
            await asyncio.sleep(every_s if reached and not self.unsure() else every_s / 10)

    def _hall_time(self, real: int) -> int:
        if self._speed == 1.0:
            return real
        return self._origin + int((real - self._origin) * self._speed)
