"""Shown waits and what came of them: hall/accuracy.py, event by event."""

from __future__ import annotations

from itertools import pairwise

import msgspec

from tests.core.halls import SECOND, Driver
from tidehall.hall import commands as c
from tidehall.hall.accuracy import EVERY, RECENT_WAITS, Accuracy, Judged, quality
from tidehall.hall.engine import Hall

MINUTE = 60 * SECOND


def judged(driver: Driver, accuracy: Accuracy | None = None) -> list[Judged]:
    """What a fold of the driver's journal finds."""
    hall, accuracy = Hall(driver.plan.hall.id), accuracy or Accuracy()
    found: list[Judged] = []
    for event in driver.events:
        hall.apply(event)
        found += accuracy.feed(hall.state, event)
    return found


def one(wait: int, estimate: tuple[int, int, int] | None, **more: int | None) -> Judged:
    """A record; minutes in, µs out."""
    scaled = None if estimate is None else (estimate[0] * MINUTE, estimate[1] * MINUTE, estimate[2] * MINUTE)
    minutes = None if estimate is None else (estimate[0], estimate[2])
    plan, recent = more.get("plan"), more.get("recent")
    return Judged(
        "t", "A", 0, False, wait * MINUTE, scaled, minutes,
        None if plan is None else plan * MINUTE, None if recent is None else recent * MINUTE,
    )  # fmt: skip


def test_what_was_shown_at_taking_is_judged_at_the_first_call() -> None:
    """The event's estimate, the plan's baseline, and the wait until the first call, which no miss moves."""
    driver = Driver()
    driver.begin()
    driver.take()
    driver.take()
    driver.wait(120)
    driver.do(c.FinishTicket("w1"))
    driver.call()
    driver.miss()
    driver.call()
    found = [j for j in judged(driver) if not j.later]
    assert [(j.ticket, j.wait) for j in found] == [("t1", 0), ("t2", 120 * SECOND), ("t3", 180 * SECOND)]
    assert found[1].estimate == driver.ticket("t2").shown
    assert [j.by_plan for j in found] == [0, 0, 600 * SECOND]
    assert found[1].minutes is not None
    assert found[1].minutes[0] >= 1


def test_who_waits_is_looked_at_every_five_minutes() -> None:
    """At the first event after each five minutes the state's estimate is judged by the rest of the wait."""
    driver = Driver()
    driver.begin()
    waits = driver.take()
    taken = driver.now
    expected = []
    for seconds in (200, 150, 100, 260):
        driver.wait(seconds)
        driver.take("C")
        expected.append((driver.now - taken, driver.hall.state.estimate_of(driver.ticket(waits))))
    driver.do(c.FinishTicket("w1"))
    driver.call()
    called = driver.now
    later = [j for j in judged(driver) if j.later]
    assert [j.ticket for j in later] == [waits, waits]
    assert [(j.at - taken, j.estimate) for j in later] == [expected[1], expected[3]]
    assert all(j.wait == called - j.at for j in later)
    assert all(b.at - a.at >= EVERY for a, b in pairwise(later))


def test_nothing_shown_is_unknown() -> None:
    """A number taken while no window was open is counted as unknown, and judged by nothing."""
    driver = Driver(windows=())
    driver.take()
    driver.do(c.SignIn("w1", "clerk"))
    driver.do(c.OpenWindow("w1"))
    driver.call()
    found = judged(driver)
    assert [(j.estimate, j.minutes, j.by_plan) for j in found] == [(None, None, None)]
    assert (quality(found).n, quality(found).unknown, quality(found).error) == (0, 1, None)


def test_who_leaves_is_forgotten() -> None:
    """Whoever is never called is judged by nothing and takes no memory."""
    driver = Driver()
    driver.begin()
    for _ in range(5):
        driver.do(c.CancelTicket(driver.take()))
    driver.wait(EVERY // SECOND)
    driver.take("C")
    accuracy = Accuracy()
    assert [j.ticket for j in judged(driver, accuracy)] == ["t1"]
    assert list(accuracy.waiting) == ["t7"]
    assert [ticket for _, ticket in accuracy.due] == ["t7"]


def test_a_booked_wait_begins_at_the_booked_time() -> None:
    """Design section 6: from the later of check-in and booked time; nothing is looked at before."""
    driver = Driver()
    driver.begin()
    driver.take(booked_for=driver.now + 1800 * SECOND)
    driver.wait(1900)
    driver.do(c.FinishTicket("w1"))
    driver.call()
    found = judged(driver)
    assert [(j.ticket, j.wait) for j in found if not j.later] == [("t1", 0), ("t2", 100 * SECOND)]
    assert [j.at for j in found if j.later] == [driver.now]


def test_the_last_half_hour_is_the_lines_own() -> None:
    """The second baseline: the mean wait of the line's first calls of the last half hour, none after it."""
    driver = Driver()
    waits = []
    for seconds in (60, 120):
        driver.take()
        driver.wait(seconds)
        driver.serve(seconds=1)
        waits.append(seconds * SECOND)
    asked = [driver.take(), driver.take("B")]
    driver.wait(RECENT_WAITS // SECOND)
    asked.append(driver.take())
    for id in asked:
        driver.do(c.CallTicket("w1", id, "test"))
        driver.do(c.StartService("w1"))
        driver.do(c.FinishTicket("w1"))
    found = {j.ticket: j.by_recent for j in judged(driver) if not j.later}
    assert [found[id] for id in asked] == [sum(waits) // 2, None, None]


def test_a_kept_fold_goes_on_where_it_was() -> None:
    """The fold is plain data: kept in the middle of a journal and taken up again it finds the same."""
    driver = Driver()
    driver.begin()
    for _ in range(4):
        driver.take()
        driver.wait(200)
    for _ in range(3):
        driver.do(c.FinishTicket("w1"))
        driver.call()
        driver.do(c.StartService("w1"))
    whole = judged(driver)
    found: list[Judged] = []
    hall, accuracy = Hall(driver.plan.hall.id), Accuracy()
    for event in driver.events:
        hall.apply(event)
        found += accuracy.feed(hall.state, event)
        accuracy = msgspec.json.decode(msgspec.json.encode(accuracy), type=Accuracy)
    assert found == whole
    assert len(whole) > 4


def test_quality() -> None:
    """Bias and error in seconds, shares of those who had to wait, baselines on the numbers where they say something."""
    found = quality(
        [
            one(10, (5, 12, 20), plan=10, recent=4),
            one(30, (5, 12, 20), plan=40),
            one(4, (5, 8, 20), plan=0, recent=4),
            Judged("t", "A", 0, False, 0, (SECOND, SECOND, MINUTE), (1, 2), 0, None),
            one(5, None),
        ]
    )
    assert (found.n, found.unknown, found.at_once, found.at_once_true) == (4, 1, 1, 1.0)
    assert (found.bias, found.error) == ((120 - 1080 + 240 + 1) / 4, (120 + 1080 + 240 + 1) / 4)
    assert (found.inside, found.inside_shown) == (1 / 3, 1 / 3)
    assert found.by_plan is not None
    assert found.by_recent is not None
    assert (found.by_plan.n, found.by_plan.error, found.by_plan.ours) == (4, (600 + 240) / 4, found.error)
    assert (found.by_recent.n, found.by_recent.error, found.by_recent.ours) == (2, 180.0, 180.0)
    empty = quality([])
    assert (empty.n, empty.bias, empty.inside, empty.by_plan) == (0, None, None, None)


def test_the_least_range_begins_at_once() -> None:
    """Who reads "1–2 minutes" and is called after ten seconds was told the truth; "5–20" begins at five."""
    soon = Judged("t", "A", 0, False, 10 * SECOND, (30 * SECOND, MINUTE, 90 * SECOND), (1, 2), None, None)
    assert soon.inside_shown
    assert not soon.inside
    assert one(5, (5, 8, 20)).inside_shown
    assert not one(4, (5, 8, 20)).inside_shown
    assert not one(21, (5, 8, 20)).inside_shown
