"""The measures of design section 6, each against a day small enough to reckon by hand (S30, S1, S6)."""

from __future__ import annotations

import pytest

from tests.core.halls import SECOND, Driver, local, make_plan
from tidehall.hall import commands as c
from tidehall.hall.measures import Figures, Measures
from tidehall.queue.tickets import Parked


def measured(driver: Driver) -> Measures:
    """The driver's events, folded."""
    measures = Measures(driver.plan.hall.time_zone)
    for event in driver.events:
        measures.apply(event)
    return measures


def day(driver: Driver) -> Figures:
    """The whole day's figures."""
    return measured(driver).figures()[""]


def take(driver: Driver, id: str, line: str = "A") -> None:
    driver.do(c.TakeTicket(id, line))


def serve(driver: Driver, seconds: float, window: str = "w1", walk: float = 0) -> None:
    driver.do(c.CallTicket(window))
    driver.wait(walk)
    driver.do(c.StartService(window))
    driver.wait(seconds)
    driver.do(c.FinishTicket(window))


def test_s30_mean_wait_of_the_served_only() -> None:
    """S30: waits of 20 s and 75 min, one no-show, one left, one still waiting: the mean is exact, in seconds."""
    driver = Driver(make_plan(limits={"misses": 1, "no_show_after_s": 60}))
    take(driver, "short")
    driver.wait(20)
    serve(driver, 100)
    take(driver, "long")
    take(driver, "left")
    driver.wait(10)
    driver.do(c.CancelTicket("left"))
    driver.wait(75 * 60 - 10)
    serve(driver, 200)
    take(driver, "gone")
    driver.do(c.CallTicket("w1"))
    driver.wait(61)
    driver.do(c.MissTicket("w1"))
    take(driver, "waits")
    found = day(driver)
    assert (found.tickets, found.called, found.served) == (5, 3, 2)
    assert (found.no_show, found.left, found.waiting, found.expired) == (1, 1, 1, 0)
    assert found.wait is not None
    assert found.wait.mean == pytest.approx((20 + 4500 + 0) / 3)
    assert found.wait.max == 4500
    assert found.service is not None
    assert found.service.mean == 150


def test_s30_an_empty_set_has_no_data() -> None:
    """S30: of nobody there is no mean: None, never 0 or NaN."""
    driver = Driver()
    take(driver, "t")
    found = day(driver)
    assert (found.tickets, found.waiting) == (1, 1)
    assert [found.wait, found.service, found.visit, found.walk, found.estimate_covered] == [None] * 5
    assert Measures().figures() == {}


def test_s30_hours_and_lines_add_up_to_the_day() -> None:
    """S30: the sum by hour, line and staff is the day's total."""
    driver = Driver(windows=("w1", "w2"))
    for i in range(30):
        take(driver, f"t{i}", "AB"[i % 2])
        driver.wait(500)
        if i % 3:
            serve(driver, 60, ("w1", "w2")[i % 2])
    whole = day(driver)
    for by in ("hour", "line", "staff", "item", "window"):
        parts = measured(driver).figures(by).values()
        for name in ("tickets", "called", "served", "left", "waiting", "expired"):
            assert sum(getattr(part, name) for part in parts) == getattr(whole, name), (by, name)
    assert len(measured(driver).figures("hour")) > 3


def test_recall_does_not_move_the_wait() -> None:
    """The wait ends at the first call; walking is call → start (eappointment PR 2311)."""
    driver = Driver()
    take(driver, "t")
    driver.wait(30)
    driver.do(c.CallTicket("w1"))
    driver.wait(25)
    driver.do(c.RecallTicket("w1"))
    driver.wait(5)
    driver.do(c.StartService("w1"))
    driver.wait(60)
    driver.do(c.FinishTicket("w1"))
    found = day(driver)
    assert found.wait is not None
    assert found.walk is not None
    assert found.visit is not None
    assert (found.wait.mean, found.walk.mean, found.visit.mean) == (30, 30, 120)


def test_s6_parked_time_is_neither_wait_nor_service() -> None:
    """S6: 2 min served, parked while another is served, 30 s served: service 150 s, parked apart, wait fixed."""
    driver = Driver()
    take(driver, "one")
    take(driver, "two")
    driver.wait(40)
    driver.do(c.CallTicket("w1"))
    driver.do(c.StartService("w1"))
    driver.wait(120)
    driver.do(c.SuspendTicket("w1", Parked.HOLD))
    serve(driver, 60)
    driver.do(c.UnsuspendTicket("w1", "one"))
    driver.wait(30)
    driver.do(c.FinishTicket("w1"))
    measures = measured(driver)
    assert measures.visits["one"].service() == 150 * SECOND
    assert measures.visits["one"].parked == 60 * SECOND
    found = day(driver)
    assert found.wait is not None
    assert found.wait.mean == (40 + 160) / 2
    assert found.utilisation == pytest.approx(210 / 250)


def test_s1_service_time_is_split_by_item() -> None:
    """S1: two items on one visit, the first taken up again: the parts add up and no interval stays open."""
    driver = Driver()
    driver.do(c.TakeTicket("t", item="A-1"))
    driver.do(c.CallTicket("w1"))
    driver.do(c.StartService("w1"))
    driver.wait(60)
    driver.do(c.SetItems("w1", ("A-1", "A-2"), "A-2"))
    driver.wait(100)
    driver.do(c.SetItems("w1", ("A-1", "A-2"), "A-1"))
    driver.wait(20)
    driver.do(c.FinishTicket("w1"))
    measures = measured(driver)
    by_item = measures.figures("item")
    assert by_item["A-1"].service is not None
    assert by_item["A-1"].service.mean == 80
    assert sum(i.end - i.start for i in measures.visits["t"].serving if i.item == "A-2") == 100 * SECOND
    assert all(i.end for i in measures.visits["t"].serving)


def test_undo_takes_the_figures_back() -> None:
    """An undone finish is no finish: the service goes on and ends once."""
    driver = Driver()
    take(driver, "t")
    serve(driver, 60)
    driver.wait(5)
    driver.do(c.Undo("w1"))
    driver.wait(55)
    assert day(driver).served == 0
    driver.do(c.FinishTicket("w1"))
    found = day(driver)
    assert found.service is not None
    assert (found.served, found.service.mean) == (1, 120)


def test_pause_is_not_open_and_overtime_is() -> None:
    """Utilisation counts serving ÷ open time: a pause is not open, work after closing is."""
    driver = Driver(at="2026-11-23 17:00")
    take(driver, "t")
    serve(driver, 600)
    driver.do(c.PauseWindow("w1", "break"))
    driver.wait(600)
    driver.do(c.ResumeWindow("w1"))
    take(driver, "u")
    driver.until("2026-11-23 17:40")
    serve(driver, 1200)
    driver.do(c.CloseWindow("w1"))
    found = measured(driver).figures("window")["w1"]
    assert found.utilisation == pytest.approx(1800 / 3000)


def test_a_wait_over_the_break_is_counted_and_marked() -> None:
    """Lunch is no closing: the wait goes on, and is marked."""
    driver = Driver(at="2026-11-23 11:50")
    take(driver, "t")
    driver.until("2026-11-23 14:00")
    serve(driver, 60)
    found = day(driver)
    assert found.wait is not None
    assert (found.wait.mean, found.wait_over_break) == (130 * 60, 1)


def test_estimates_are_judged_by_what_came_true() -> None:
    """Shown p50 − actual, and the share called inside the shown range."""
    driver = Driver()
    take(driver, "t")
    shown = driver.hall.state.tickets["t"].shown
    assert shown is not None
    driver.wait(shown[1] / SECOND)
    serve(driver, 60)
    take(driver, "u")
    driver.wait(7200)
    serve(driver, 60)
    found = day(driver)
    assert found.estimate_covered == 0.5
    assert found.estimate_error is not None
    assert found.estimate_error.max == pytest.approx(0, abs=1e-5)
    assert found.estimate_error.mean < -1800


def test_later_waits_stand_apart() -> None:
    """A transfer's second wait is a measure of its own and leaves the first alone."""
    driver = Driver(windows=("w1", "w4"))
    take(driver, "t")
    driver.wait(10)
    driver.do(c.CallTicket("w1"))
    driver.do(c.StartService("w1"))
    driver.wait(60)
    driver.do(c.TransferTicket("w1", line="B"))
    driver.wait(300)
    serve(driver, 60, "w4")
    found = day(driver)
    assert found.wait is not None
    assert found.later_wait is not None
    assert (found.wait.mean, found.later_wait.mean) == (10, 300)
    assert found.wait.n == 1


def test_expired_is_counted_and_dated_by_its_due() -> None:
    """What waits at the latest end of the day expires at that second, however late the wake comes."""
    driver = Driver(at="2026-11-23 17:20")
    take(driver, "t")
    driver.until("2026-11-24 02:00")
    visit = measured(driver).visits["t"]
    assert visit.outcome == "expired"
    assert visit.ended == local("2026-11-23 19:00")
    assert day(driver).expired == 1


def test_services_are_figures_of_the_hall_and_of_the_hour() -> None:
    """What is no case is counted for the whole and by hour, with what was taken back left out."""
    d = Driver()
    m = Measures()
    d.do(c.CountService("g", "print_copy", 2))
    d.do(c.CountService("g", "print_copy", -1))
    d.do(c.CountService("p", "self_service"))
    for event in d.events:
        m.apply(event)
    assert m.figures()[""].services == {"print_copy": 1, "self_service": 1}
    assert {key: f.services for key, f in m.figures("hour").items()} == {
        "2026-11-23T09": {"print_copy": 1, "self_service": 1}
    }
