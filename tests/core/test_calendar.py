"""Opening hours, service days and what time alone brings, in several time zones."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from tests.core.halls import SECOND, Driver, local, make_plan
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.calendar import Schedule, local_text, service_day

HOUR = 3600 * SECOND


def wall(at: int, zone: str = "Asia/Shanghai") -> str:
    return local_text(at, zone)[5:16].replace("T", " ")


def walk(schedule: Schedule, start: int, end: int) -> list[tuple[int, tuple[str, ...]]]:
    """All moments in (start, end]."""
    found: list[tuple[int, tuple[str, ...]]] = []
    at = start
    while True:
        at, what = schedule.next_after(at)
        if at > end:
            return found
        found.append((at, what))


def test_a_day_with_lunch() -> None:
    """The day's moments come in order: issuing half an hour before, two sessions, the last end, the overtime's end."""
    schedule = Schedule(make_plan())
    found = walk(schedule, local("2026-11-23 00:00") - 1, local("2026-11-23 23:59"))
    assert [(wall(at)[6:], what) for at, what in found] == [
        ("00:00", ("day",)),
        ("08:00", ("issuing",)),
        ("08:30", ("session",)),
        ("12:00", ("session_end",)),
        ("14:00", ("session",)),
        ("17:30", ("last_end",)),
        ("19:00", ("expire",)),
    ]


@pytest.mark.parametrize(
    ("clock", "standing"),
    [
        ("07:59", (False, False, False)),
        ("08:00", (True, False, False)),
        ("08:30", (True, True, False)),
        ("12:00", (True, False, False)),
        ("14:00", (True, True, False)),
        ("17:29", (True, True, False)),
        ("17:30", (False, False, True)),
        ("23:59", (False, False, True)),
    ],
)
def test_standing(clock: str, standing: tuple[bool, bool, bool]) -> None:
    """A hall that begins at any time of the day stands as if it had run since midnight; lunch keeps issuing."""
    assert Schedule(make_plan()).standing(local(f"2026-11-23 {clock}")) == standing
    driver = Driver(at=f"2026-11-23 {clock}", windows=())
    state = driver.hall.state
    assert (state.issuing, state.in_session, state.last_session_over) == standing


def test_closed_days() -> None:
    """Weekends, holidays and days in lieu: only midnight comes on a closed day."""
    plan = make_plan(calendar={"closed": ["2026-11-24"], "open": ["2026-11-28"]})
    schedule = Schedule(plan)
    opens = [
        wall(at)[:5]
        for at, what in walk(schedule, local("2026-11-22 00:00"), local("2026-11-30 12:00"))
        if "issuing" in what
    ]
    assert opens == ["11-23", "11-25", "11-26", "11-27", "11-28", "11-30"]


def test_closed_for_long() -> None:
    """A hall without a day ahead says so instead of searching for ever."""
    schedule = Schedule(make_plan(hall={"open_days": []}))
    assert schedule.opens_next(local("2026-11-23 09:00")) is None
    assert Schedule(make_plan()).opens_next(local("2026-11-27 18:00")) == local("2026-11-30 08:00")


def test_round_the_clock() -> None:
    """A hall that never closes has days, and nothing else in between."""
    schedule = Schedule(make_plan(round_the_clock=True))
    found = walk(schedule, local("2026-11-22 12:00"), local("2026-11-26 12:00"))
    assert [what for _, what in found] == [("day",)] * 4
    assert schedule.standing(local("2026-11-23 00:00")) == (True, True, False)


def test_round_the_clock_but_for_sunday() -> None:
    """Where the next day is closed the session ends a moment before midnight, and begins at midnight after it."""
    plan = make_plan(hall={"hours": [["00:00", "24:00"]], "open_days": ["mon", "tue", "wed", "thu", "fri", "sat"]})
    schedule = Schedule(plan)
    found = walk(schedule, local("2026-11-28 12:00"), local("2026-11-30 12:00"))
    assert [what for _, what in found] == [("last_end", "expire"), ("day",), ("day", "issuing", "session")]
    assert found[0][0] == local("2026-11-29 00:00") - 1
    assert schedule.standing(local("2026-11-29 12:00")) == (False, False, False)


def test_night_session_ends_at_midnight() -> None:
    """Overtime never runs into the next service day."""
    schedule = Schedule(make_plan(hall={"hours": [["20:00", "24:00"]]}))
    found = walk(schedule, local("2026-11-23 20:00"), local("2026-11-24 00:00"))
    assert [what for _, what in found] == [("last_end", "expire"), ("day",)]


def test_service_day_is_the_halls() -> None:
    """S29: the service day is the hall's, whatever the server's zone."""
    at = int(datetime(2026, 11, 23, 16, 1, tzinfo=UTC).timestamp()) * SECOND
    assert service_day(at, "Asia/Shanghai").isoformat() == "2026-11-24"
    assert service_day(at, "America/New_York").isoformat() == "2026-11-23"


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("Europe/Berlin", "2027-03-28", 23),
        ("Europe/Berlin", "2027-10-31", 25),
        ("America/New_York", "2026-11-01", 25),
        ("America/New_York", "2027-03-14", 23),
        ("Africa/Cairo", "2026-04-24", 23),  # there is no midnight on this day
        ("America/Havana", "2026-11-01", 25),  # midnight comes twice
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
    ],
)
def test_change_of_clocks(zone: str, day: str, length: float) -> None:
    """S29: on a day of 23 or 25 hours the day turns once, and the hall opens by the wall clock."""
    plan = make_plan(hall={"time_zone": zone, "open_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]})
    schedule = Schedule(plan)
    noon = local(f"{day} 12:00", zone)
    found = walk(schedule, noon - 24 * HOUR, noon + 24 * HOUR)
    days = [at for at, what in found if "day" in what]
    assert len(days) == 2
    assert days[1] - days[0] == length * HOUR
    assert [service_day(at, zone).isoformat() == day for at in days] == [True, False]
    assert service_day(days[0] - 1, zone) < service_day(days[0], zone)
    at_open = [wall(at, zone)[6:] for at, what in found if "session" in what]
    assert set(at_open) == {"08:30", "14:00"}


def test_opening_in_the_hour_that_is_missing() -> None:
    """A session that opens in the skipped hour opens before it ends."""
    plan = make_plan(hall={"time_zone": "Europe/Berlin", "hours": [["02:30", "03:15"]], "open_days": ["sun"]})
    schedule = Schedule(plan)
    start = local("2027-03-28 00:00", "Europe/Berlin")
    steps = [step for _, what in walk(schedule, start, start + 12 * HOUR) for step in what]
    assert steps.index("session") < steps.index("last_end")
    assert schedule.standing(local("2027-03-28 08:00", "Europe/Berlin")) == (False, False, True)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/Havana"])
def test_four_hundred_days(zone: str) -> None:
    """Over 400 days the moments rise strictly, every day turns once, and a step-by-step walk agrees with `standing`."""
    plan = make_plan(hall={"time_zone": zone})
    schedule = Schedule(plan)
    start = local("2026-11-23 00:00", zone)
    found = walk(schedule, start - 1, start + 400 * 24 * HOUR)
    assert all(a < b for (a, _), (b, _) in pairwise(found))
    days = [service_day(at, zone) for at, what in found if "day" in what]
    assert len(days) >= 400
    assert all((b - a).days == 1 for a, b in pairwise(days))
    issuing = in_session = False
    for at, what in found:
        for step in what:
            issuing = step == "issuing" or (issuing and step != "last_end")
            in_session = step == "session" or (in_session and step not in ("session_end", "last_end"))
        assert schedule.standing(at)[:2] == (issuing, in_session), wall(at, zone)


def test_late_timer_changes_nothing() -> None:
    """Woken late, the hall says when things became true: `due` is exact, `at` is now, and nothing is left out."""
    prompt = Driver(at="2026-11-23 07:00", windows=())
    late = Driver(at="2026-11-23 07:00", windows=())
    for hour in range(8, 24):
        prompt.until(f"2026-11-23 {hour:02d}:00")
    late.until("2026-11-23 23:00")
    assert [(type(ev), getattr(ev, "due", 0)) for ev in late.events] == [
        (type(ev), getattr(ev, "due", 0)) for ev in prompt.events
    ]
    assert {ev.at for ev in late.events[1:]} == {local("2026-11-23 23:00")}


def test_wakes_at_the_next_moment() -> None:
    """The hall says when it wants to be woken, and is silent before."""
    driver = Driver(at="2026-11-23 07:00", windows=())
    assert driver.hall.wakes_at() == local("2026-11-23 08:00")
    assert driver.hall.wake(local("2026-11-23 08:00") - 1) == []
    assert [type(ev) for ev in driver.hall.wake(local("2026-11-23 08:00"))] == [e.IssuingStarted]


def test_lunch_is_no_closing() -> None:
    """Numbers wait over lunch and are given then; they expire neither at noon nor at two."""
    driver = Driver(at="2026-11-23 11:59")
    first = driver.take()
    driver.until("2026-11-23 13:00")
    second = driver.take()
    driver.until("2026-11-23 14:00")
    assert driver.waiting() == [first, second]
    assert driver.refusal(c.FinishTicket("w1")).code == "ticket_not_serving"
