"""The contract of the hall's clock (law 8)."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from tidehall.store.clock import HallClock
from tidehall.store.errors import StoreUnavailable
from tidehall.store.journal import Journal

SECOND = 1_000_000
NOON = 1_760_000_000 * SECOND

Eventually = Callable[[Callable[[], object | Awaitable[object]]], Awaitable[None]]


class Ticks:
    """A monotonic clock that is moved by hand, in µs."""

    def __init__(self) -> None:
        self.at = 5 * SECOND

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def ticks() -> Ticks:
    """The machine's own clock."""
    return Ticks()


def sampled(ticks: Ticks, server: int = NOON, *, round_trip: int = 0, **options: float) -> HallClock:
    """A clock with one sample that was taken just now."""
    clock = HallClock(monotonic=ticks, speed=options.get("speed", 1.0), origin=int(options.get("origin", 0)))
    clock.sample(server, ticks.at - round_trip, ticks.at)
    return clock


def test_a_clock_without_a_sample_is_unsure(ticks: Ticks) -> None:
    """Before the first sample there is no time."""
    clock = HallClock(monotonic=ticks)
    assert clock.unsure()
    assert clock.now() == 0
    clock.sample(NOON, ticks.at, ticks.at)
    assert not clock.unsure()


def test_now_is_the_servers_time_carried_on(ticks: Ticks) -> None:
    """Between samples the own clock carries on; the server read its clock in the middle of the round trip."""
    clock = sampled(ticks, round_trip=SECOND)
    assert clock.now() == NOON + SECOND // 2
    ticks.at += 7
    assert clock.now() == NOON + SECOND // 2 + 7


def test_now_never_goes_backwards(ticks: Ticks) -> None:
    """A sample that is a little behind holds the time still until it has caught up, and the clock stays sure."""
    clock = sampled(ticks)
    before = clock.now()
    clock.sample(NOON - SECOND, ticks.at, ticks.at)
    assert clock.now() == before
    assert not clock.unsure()
    ticks.at += SECOND // 2
    assert clock.now() == before
    ticks.at += SECOND
    assert clock.now() == before + SECOND // 2


def test_a_round_trip_that_is_too_long_tells_nothing(ticks: Ticks) -> None:
    """A sample that may be wrong by more than two seconds neither makes a clock sure nor moves it."""
    assert sampled(ticks, round_trip=4 * SECOND + 2).unsure()
    assert not sampled(ticks, round_trip=4 * SECOND).unsure()
    clock = sampled(ticks)
    clock.sample(NOON + 60 * SECOND, ticks.at - 5 * SECOND, ticks.at)
    assert (clock.now(), clock.unsure()) == (NOON, False)


def test_a_jump_forwards_is_unsure_until_it_is_confirmed(ticks: Ticks) -> None:
    """Two samples that differ by more than two seconds contradict each other; a third one settles it."""
    clock = sampled(ticks)
    clock.sample(NOON + 3 * SECOND, ticks.at, ticks.at)
    assert clock.unsure()
    clock.sample(NOON + 3 * SECOND + 5, ticks.at, ticks.at)
    assert not clock.unsure()
    assert clock.now() == NOON + 3 * SECOND + 5


def test_a_jump_backwards_is_unsure_until_time_has_caught_up(ticks: Ticks) -> None:
    """While `now` has to stand still by more than two seconds the clock is unsure, also when the jump is confirmed."""
    clock = sampled(ticks)
    assert clock.now() == NOON
    for _ in range(2):
        clock.sample(NOON - 10 * SECOND, ticks.at, ticks.at)
    assert (clock.now(), clock.unsure()) == (NOON, True)
    ticks.at += 8 * SECOND
    assert (clock.now(), clock.unsure()) == (NOON, False)
    ticks.at += 3 * SECOND
    assert clock.now() == NOON + SECOND


def test_an_old_sample_makes_unsure(ticks: Ticks) -> None:
    """Cut off from the server for half a minute, a clock no longer trusts itself; a new sample helps at once."""
    clock = sampled(ticks)
    ticks.at += 30 * SECOND
    assert not clock.unsure()
    ticks.at += 1
    assert clock.unsure()
    clock.sample(NOON + 30 * SECOND, ticks.at, ticks.at)
    assert not clock.unsure()


def test_a_demonstration_runs_faster_from_its_origin(ticks: Ticks) -> None:
    """Hall time = origin + (real − origin) · speed, the same in every process; sleeps are in real seconds."""
    clock = sampled(ticks, NOON + 10 * SECOND, speed=60.0, origin=NOON)
    assert clock.now() == NOON + 600 * SECOND
    ticks.at += SECOND
    assert clock.now() == NOON + 660 * SECOND
    assert clock.seconds_until(NOON + 780 * SECOND) == pytest.approx(2.0)
    assert clock.seconds_until(NOON) == 0.0
    clock.sample(NOON + 10 * SECOND, ticks.at, ticks.at)  # one real second back
    assert not clock.unsure()


async def test_sampling_goes_on_through_an_outage(ticks: Ticks, eventually: Eventually) -> None:
    """A source that cannot be reached is asked again until it answers."""

    class Source:
        """A database that fails three times."""

        asked = 0

        async def clock(self) -> int:
            """Return noon, from the fourth time on."""
            self.asked += 1
            if self.asked <= 3:
                raise StoreUnavailable("gone")
            return NOON

    clock, source = HallClock(monotonic=ticks), Source()
    assert await clock.measure(source) is False
    following = asyncio.create_task(clock.follow(source, every_s=0.01))
    await eventually(lambda: not clock.unsure())
    assert (source.asked >= 4, clock.now()) == (True, NOON)
    following.cancel()
    await asyncio.wait([following])


async def test_a_journal_is_a_source(journal: Journal) -> None:
    """The time of both journals becomes the hall's time."""
    clock = HallClock()
    assert await clock.measure(journal) is True
    assert not clock.unsure()
    assert abs(clock.now() - time.time_ns() // 1000) < 5 * SECOND
