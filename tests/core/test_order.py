"""Who comes first: arrival minus head start; booked, postponed, restored."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.halls import SECOND, Driver, local, make_plan
from tidehall.hall import commands as c
from tidehall.queue.line import Line

MINUTE = 60


def test_head_start_is_the_bound() -> None:
    """A senior passes those who came less than 15 minutes before, and nobody who came earlier; ties go by taking."""
    driver = Driver()
    ids = {}
    for minute in (0, 1, 14, 15, 16):
        driver.now = local(f"2026-11-23 09:{minute:02d}")
        ids[minute] = driver.take(priority="senior" if minute in (15, 16) else "normal", confirmed=True)
    assert driver.waiting() == [ids[0], ids[15], ids[1], ids[16], ids[14]]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.sampled_from(["normal", "senior", "slight"])), min_size=2, max_size=25)
)
def test_nobody_waits_beyond_the_bound(arrivals: list[tuple[int, str]]) -> None:
    """Nobody is overtaken by a person who came more than that person's head start later."""
    starts = {"normal": 0, "senior": 900, "slight": 3}
    driver = Driver(make_plan(priority={"normal": 0, "senior": 15, "slight": 0.05}, limits={"waiting_per_line": 99}))
    for pause, priority in arrivals:
        driver.take(priority=priority, confirmed=True)
        driver.wait(pause)
    order = [driver.ticket(id) for id in driver.waiting()]
    assert len(order) == len(arrivals)
    for place, t in enumerate(order):
        for later in order[place + 1 :]:
            assert t.taken_at <= later.taken_at + starts[t.priority] * SECOND
            assert t.priority != later.priority or t.serial < later.serial


def test_one_key_over_several_lines() -> None:
    """A window that serves two lines takes the smaller key of both."""
    driver = Driver(windows=("w1",))
    order = []
    for line in "ABBAAB":
        order.append(driver.take(line))
        driver.wait(10)
    assert [driver.serve() for _ in range(6)] == order


def test_booked_comes_at_its_time() -> None:
    """S23: checked in at 9:40 for 10:00, a walk-in from 9:30 is called at 9:45, the booked one at 10:00."""
    driver = Driver(at="2026-11-23 09:30")
    ten = local("2026-11-23 10:00")
    walk_in = driver.take()
    driver.until("2026-11-23 09:40")
    booked = driver.take(booked_for=ten)
    driver.until("2026-11-23 09:41")
    later = driver.take()
    assert driver.waiting() == [walk_in, booked, later]
    driver.until("2026-11-23 09:45")
    assert driver.serve() == walk_in
    driver.until("2026-11-23 10:00")
    assert driver.serve() == booked
    assert driver.serve() == later


def test_booked_early_only_when_nobody_is_eligible() -> None:
    """Before its time a booked ticket is called only when nobody eligible waits."""
    driver = Driver(at="2026-11-23 09:00")
    booked = driver.take(booked_for=local("2026-11-23 11:00"))
    walk_in = driver.take("B")
    assert driver.serve() == walk_in
    assert driver.call() == booked


def test_booked_and_late() -> None:
    """Who checks in within the grace keeps the booking's key; later it is an ordinary walk-in."""
    driver = Driver(at="2026-11-23 10:15")
    ten = local("2026-11-23 10:00")
    in_time = driver.take(booked_for=ten)
    assert driver.ticket(in_time).rank[0] == ten - 30 * MINUTE * SECOND
    driver.wait(1)
    late = driver.take(booked_for=ten)
    assert (driver.ticket(late).priority, driver.ticket(late).booked_for) == ("normal", 0)
    assert driver.ticket(late).rank[0] == driver.now


def test_booked_keeps_its_key_on_transfer() -> None:
    """A transfer by arrival keeps the booked time; it is neither lost nor earned twice."""
    driver = Driver(at="2026-11-23 09:40")
    id = driver.take(booked_for=local("2026-11-23 10:00"))
    rank = driver.ticket(id).rank
    driver.call()
    driver.do(c.StartService("w1"))
    driver.do(c.TransferTicket("w1", line="B"))
    assert driver.ticket(id).rank == rank


def test_missed_goes_behind_the_third() -> None:
    """A missed ticket stands just behind the third now waiting, in front of the fourth, and of whoever comes."""
    driver = Driver()
    ids = [driver.take() for _ in range(5)]
    driver.call()
    driver.miss()
    assert driver.waiting() == [*ids[1:4], ids[0], ids[4]]
    assert driver.call() == ids[1]
    driver.miss()
    assert driver.waiting() == [ids[2], ids[3], ids[0], ids[1], ids[4]]
    late = driver.take()
    assert driver.waiting()[-1] == late


def test_alone_and_not_callable_for_a_minute() -> None:
    """A missed ticket that waits alone is not called for 60 s, then it is; its key stays its own."""
    driver = Driver()
    id = driver.take()
    driver.call()
    driver.miss()
    driver.wait(30)
    later = driver.take()
    assert driver.waiting() == [id, later]
    driver.wait(29.999)
    assert driver.serve() == later
    driver = Driver()
    id = driver.take()
    driver.call()
    driver.miss()
    driver.wait(59.999)
    assert driver.call() is None
    driver.wait(0.001)
    assert driver.call() == id


def test_nobody_gains_by_missing() -> None:
    """Called out of turn and missed, the seventh is still behind the six; it waits a minute beside."""
    driver = Driver()
    ids = [driver.take() for _ in range(8)]
    driver.do(c.CallTicket("w1", ids[6], "r"))
    driver.miss()
    assert driver.waiting() == ids


def test_postponing_lets_three_go_first() -> None:
    """Who postpones lets the next three pass, from wherever he stands; never does he come forward by it."""
    driver = Driver()
    ids = [driver.take() for _ in range(8)]
    driver.do(c.PostponeTicket(ids[0]))
    assert driver.waiting() == [*ids[1:4], ids[0], *ids[4:]]
    driver.do(c.PostponeTicket(ids[6]))
    assert driver.waiting() == [*ids[1:4], ids[0], *ids[4:6], ids[7], ids[6]]
    driver.do(c.PostponeTicket(ids[6]))
    assert driver.waiting()[-1] == ids[6]


def test_postponed_is_not_called_for_a_minute() -> None:
    """Who lets others go first is not called for 60 s, even when alone."""
    driver = Driver()
    id = driver.take()
    driver.do(c.PostponeTicket(id))
    driver.wait(59)
    assert driver.call() is None
    driver.wait(1)
    assert driver.call() == id


def test_postponed_on_a_booking() -> None:
    """A booked ticket that postpones before its time is still not called before it."""
    driver = Driver(at="2026-11-23 09:00")
    booked = driver.take(booked_for=local("2026-11-23 10:00"))
    driver.do(c.PostponeTicket(booked))
    driver.wait(120)
    walk_in = driver.take("B")
    assert driver.call() == walk_in


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=40))
def test_a_line_is_always_sorted(steps: list[tuple[int, bool]]) -> None:
    """Entering and leaving in any order keeps the line sorted and complete."""
    line = Line("A", "A", "g")
    inside: list[tuple[int, int, int]] = []
    for serial, (key, leave) in enumerate(steps):
        if leave and inside:
            line.leave(inside.pop(key % len(inside)))
        else:
            inside.append((key, serial, 0))
            line.enter(inside[-1], f"t{serial}")
        assert [entry[:3] for entry in line.waiting] == sorted(inside)
        assert [line.ahead(rank) for rank in sorted(inside)] == list(range(len(inside)))
    line.leave((-1, -1, -1))
    assert len(line.waiting) == len(inside)
