"""Waits, services and estimates that go too far: an alert to the microsecond, until the matter is over."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.halls import SECOND, Driver, local, make_plan, problems, tables
from tests.core.offices import Office, kinds, of, office_plan
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.engine import Hall
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.state import Alert
from tidehall.queue.tickets import Parked

MINUTE = 60 * SECOND


def hall(at: str = "2026-11-23 09:00", **alerts: Any) -> Driver:
    """A hall whose waits may last 10 minutes, in line B 20, and services 5."""
    rules = {"long_wait": {"limit_s": 600, "lines": {"B": 1200}}, "long_service": {"limit_s": 300}} | alerts
    return Driver(make_plan(alerts=rules), at)


def raised(events: list[Any]) -> list[tuple[str, int | None]]:
    """The alerts among these events, and when they were due."""
    return [(ev.alert, ev.due) for ev in events if isinstance(ev, e.AlertRaised)]


def told(driver: Driver) -> list[str]:
    """The alerts that are open."""
    return [a.id for a in driver.hall.state.alerts.values() if a.ended is None]


def test_a_long_wait_is_told_to_the_second_however_late() -> None:
    """Ten minutes for line A, twenty for B; an hour later the alert still knows its moment, rule and owner."""
    driver = hall()
    begun = driver.now
    driver.take("A")
    driver.take("B")
    assert driver.hall.wakes_at() == begun + 10 * MINUTE
    assert raised(driver.wait(3600)) == [("long_wait:A", begun + 10 * MINUTE), ("long_wait:B", begun + 20 * MINUTE)]
    found = driver.hall.state.alerts["long_wait:B"]
    assert (found.since, found.owner, found.zone, found.limit) == (begun + 20 * MINUTE, "manager", "g", 1200.0)


def test_without_a_calm_a_long_wait_is_over_at_once() -> None:
    """The first is called, the second has waited almost as long: over at once, and told anew in his own time."""
    driver = hall(long_wait={"limit_s": 600, "calm_s": 0})
    driver.take()
    driver.wait(60)
    second = driver.now
    driver.take()
    driver.wait(545)
    assert told(driver) == ["long_wait:A"]
    driver.call()
    assert kinds(driver.wake()) == ["alert_ended"]
    assert raised(driver.wait(600)) == [("long_wait:A", second + 10 * MINUTE)]


def test_a_line_that_is_late_again_and_again_is_one_alert() -> None:
    """Somebody is above the limit, called, and a minute later the next is: one alert, which ends when nobody was so for
    five minutes, to the second, however late anybody looks."""
    driver = hall()
    begun = driver.now
    for _ in range(3):
        driver.take()
        driver.wait(60)
    driver.wait(425)
    for _ in range(2):
        assert driver.serve(seconds=1) is not None
        driver.wait(60)
    assert driver.serve(seconds=1) is not None
    calm = driver.now - SECOND
    assert raised(driver.events) == [("long_wait:A", begun + 10 * MINUTE)]
    assert told(driver) == ["long_wait:A"]
    assert driver.hall.wakes_at() == calm + 5 * MINUTE
    assert kinds(driver.wait(3600)) == ["alert_ended"]
    assert driver.hall.state.alerts["long_wait:A"].ended == calm + 5 * MINUTE


def test_whoever_waits_too_long_breaks_the_calm() -> None:
    """Four minutes after the first was called the second is above the limit: the alert stands until five minutes after
    his call; the third, who leaves earlier and has not waited so long, changes nothing."""
    driver = hall()
    driver.take()
    driver.wait(240)
    driver.take()
    third = driver.take()
    driver.wait(365)
    assert driver.call() is not None
    driver.wait(60)
    driver.do(c.CancelTicket(third))
    driver.wait(300)
    assert told(driver) == ["long_wait:A"]
    driver.do(c.StartService("w1"))
    driver.do(c.FinishTicket("w1"))
    assert driver.call() is not None
    called = driver.now
    driver.hall = Hall.restore(driver.hall.snapshot())
    assert driver.hall.wakes_at() == called + 5 * MINUTE
    driver.wait(299)
    assert told(driver) == ["long_wait:A"]
    driver.wait(1)
    assert told(driver) == []


def test_with_another_limit_the_calm_begins_anew() -> None:
    """Under the new plan nobody waits too long: five minutes from then on; without a rule it is over at once."""
    driver = hall()
    driver.take()
    driver.wait(601)
    rules = {"long_wait": {"limit_s": 3000}, "long_service": {"limit_s": 300}}
    driver.do(c.AdoptPlan(make_plan(alerts=rules), now=True))
    adopted = driver.now
    assert told(driver) == ["long_wait:A"]
    assert driver.hall.wakes_at() == adopted + 5 * MINUTE
    driver.do(c.AdoptPlan(make_plan(alerts={"long_wait": {"on": False}}), now=True))
    assert kinds(driver.wake()) == ["alert_ended"]


def test_who_has_waited_longest_counts_not_who_is_next() -> None:
    """A senior who came later is called first; the line's longest wait is still the first comer's."""
    driver = hall()
    begun = driver.now
    driver.take()
    driver.wait(300)
    driver.take(priority="senior", confirmed=True)
    driver.call()
    assert raised(driver.wait(301)) == [("long_wait:A", begun + 10 * MINUTE)]


def test_breaks_do_not_raise_but_overtime_does() -> None:
    """At lunch nobody is told; the session's beginning is the moment for whoever waits too long by then."""
    driver = hall("2026-11-23 11:55")
    driver.take()
    driver.until("2026-11-23 13:00")
    assert told(driver) == []
    assert raised(driver.until("2026-11-23 14:01")) == [("long_wait:A", local("2026-11-23 14:00"))]
    evening = hall("2026-11-23 17:25")
    evening.take()
    assert raised(evening.until("2026-11-23 18:00")) == [("long_wait:A", local("2026-11-23 17:35"))]


def test_a_long_service_leaves_pauses_out() -> None:
    """Served 4 minutes, parked, served on: the fifth minute is the limit; the alert ends when the citizen goes."""
    driver = hall()
    id = driver.begin()
    driver.wait(240)
    driver.do(c.SuspendTicket("w1", Parked.HOLD))
    driver.wait(900)
    driver.do(c.UnsuspendTicket("w1", id))
    again = driver.now
    assert raised(driver.wait(120)) == [("long_service:w1", again + MINUTE)]
    assert driver.hall.state.alerts["long_service:w1"].limit == 300.0
    driver.do(c.FinishTicket("w1"))
    assert kinds(driver.wake()) == ["alert_ended"]
    driver.do(c.Undo("w1"))
    assert raised(driver.wake()) == [("long_service:w1", driver.now)]


def test_estimates_that_miss_are_told_and_forgiven() -> None:
    """Seventeen of the last forty calls outside what was shown are more than the rule's share; right ones end it."""
    driver = hall(long_wait={"on": False}, long_service={"on": False}, estimate_off={"share": 0.4})

    def one(*, well: bool) -> list[Any]:
        """Somebody is called as he was told, or long after."""
        shown = driver.ticket(driver.take()).shown
        assert shown is not None
        driver.now += (shown[0] + shown[2]) // 2 if well else shown[2] + 5 * MINUTE
        assert driver.serve(seconds=1) is not None
        return raised(driver.wake())

    for _ in range(24):
        one(well=True)
    found = [id for _ in range(16) for id, _ in one(well=False)]
    assert found == []
    one(well=False)
    assert told(driver) == ["estimate_off:A"]
    assert driver.hall.state.alerts["estimate_off:A"].limit == 0.4
    for _ in range(40):
        one(well=True)
    assert told(driver) == []


def test_nobody_tells_by_hand_what_time_tells() -> None:
    """A long wait is neither raised nor ended by a command; both answer with nothing."""
    driver = Driver(make_plan(alerts={"long_wait": {"limit_s": 60}}))
    driver.take()
    assert driver.do(c.RaiseAlert("long_wait", "A")) == []
    driver.wait(60)
    assert told(driver) == ["long_wait:A"]
    assert driver.do(c.EndAlert("long_wait", "A")) == []
    assert driver.wait(60) == []


def test_a_rule_has_its_owner_and_escalation() -> None:
    """The plan names the post, the time and to whom; a kind that is off is not raised."""
    office = Office(office_plan(alerts={
        "long_wait": {"limit_s": 60, "owner": "middle", "escalate_after_s": 30, "escalate_to": "supervisor"},
        "hand_off_due": {"on": False},
    }))  # fmt: skip
    office.take()
    office.wait(60)
    assert office.hall.state.alerts["long_wait:A"].owner == "middle"
    assert [(ev.owner, ev.due) for ev in of(office.wait(30), o.AlertEscalated)] == [("supervisor:g", office.now)]
    office.intake()
    office.wait(1700)
    assert not [ev for ev in of(office.events, e.AlertRaised) if ev.alert_kind == "hand_off_due"]


def test_a_case_says_that_it_is_nearly_due() -> None:
    """A working day before its promise, once; over when it is overdue or decided; a pause moves it along."""
    office = Office()
    id = office.review()
    office.until("2026-11-27 17:29")
    assert office.alert(f"case_due:{id}") is None
    office.until("2026-11-28 09:00")
    found = office.alert(f"case_due:{id}")
    assert found is not None
    assert (found.since, found.limit, found.escalated) == (local("2026-11-27 17:30"), 1.0, True)
    assert [ev.owner for ev in of(office.events, e.AlertRaised) if ev.alert_kind == "case_due"] == ["office:d"]
    assert kinds(office.do(q.DecideCase(id, "refuse", "no"))) == ["case_decided", "alert_ended"]


def test_a_case_that_waits_for_others_is_not_nearly_due() -> None:
    """With the pause the alert ends; when the clock runs again it comes back at once, or a working day before the new
    promise; a pause over the moment itself hides nothing."""
    office = Office()
    told, missed = office.review(), office.review()
    office.until("2026-11-27 17:29")
    assert kinds(office.do(q.StartStep(missed, "site_visit"))) == ["step_started"]
    office.until("2026-11-28 09:00")
    assert office.alert(f"case_due:{missed}") is None
    assert kinds(office.do(q.RequestFee(told, 500, "r"))) == ["fee_requested", "alert_ended"]
    office.wait(3600)
    assert office.alert(f"case_due:{told}") is None
    for id, command in ((told, q.PayFee(told, "r")), (missed, q.EndStep(missed))):
        office.do(command)
        assert kinds(office.wake()) == ["case_due_soon", "alert_raised"]
        found = office.alert(f"case_due:{id}")
        assert found is not None
        assert found.since == office.now
    office.do(q.RequestCorrection(told, ("form",)))
    office.until("2026-11-30 12:00")
    office.do(q.CorrectPapers(told))
    assert office.wake() == []  # promised for Tuesday now
    office.until("2026-11-30 17:30")
    again = office.alert(f"case_due:{told}")
    assert again is not None
    assert again.since == office.now
    assert office.alert(f"case_due:{missed}") is None  # overdue


def test_a_bad_rating_is_an_alert_until_it_is_mended() -> None:
    """The zone's supervisor hears of it at once."""
    office = Office()
    ticket = office.served()
    assert kinds(office.do(q.RateTicket(ticket, 1))) == ["ticket_rated", "matter_opened", "alert_raised"]
    found = office.alert(f"bad_rating:bad-{ticket}")
    assert isinstance(found, Alert)
    assert (found.owner, found.zone) == ("supervisor:g", "g")
    assert kinds(office.do(q.SolveMatter(f"bad-{ticket}", "sealed:1:x"))) == ["matter_solved", "alert_ended"]


def test_every_mistake_in_the_rules_has_its_place() -> None:
    """A kind that is none, limits out of range, lines that are not there: all at once."""
    wrong = tables(alerts={
        "long_weight": {}, "long_wait": {"limit_s": 0, "lines": {"Z": 5}, "calm_s": -1}, "case_due": {"days": 0},
        "estimate_off": {"share": 2}, "board_silent": {"owner": "nobody", "escalate_after_s": -1, "limit_s": 3},
        "no_window_open": {"after_s": float("inf")}, "long_service": {"calm_s": 60},
    })  # fmt: skip
    found = " ".join(problems(wrong))
    for place in (
        "alerts.long_weight:", "alerts.long_wait.limit_s:", "alerts.long_wait.lines:", "alerts.case_due.days:",
        "alerts.estimate_off.share:", "alerts.board_silent.owner:", "alerts.board_silent.escalate_after_s:",
        "alerts.board_silent.limit_s:", "alerts.long_wait.calm_s:", "alerts.no_window_open.after_s:",
        "alerts.long_service.calm_s:",
    ):  # fmt: skip
        assert place in found, place


# ---- against a naive hall


STEP = st.tuples(st.sampled_from(["take", "call", "start", "end", "hold", "back", "cancel", ""]), st.integers(1, 200))


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=40), st.integers(1, 7), st.sampled_from([0, 60, 150]))
def test_however_often_anybody_looks(steps: list[tuple[str, int]], every: int, calm: int) -> None:
    """Looked at in every second, now and then, or restored from a snapshot each time: the same alerts at the same
    moments, and exactly those that a look at the whole hall finds."""
    rules = {"long_wait": {"limit_s": 120, "calm_s": calm}, "long_service": {"limit_s": 90}}
    plan = make_plan(round_the_clock=True, alerts=rules)
    often, seldom = Driver(plan), Driver(plan)
    late: dict[str, int] = {}
    for n, (what, seconds) in enumerate(steps):
        for _ in range(seconds):
            often.wait(1)
            check(often, late, calm)
        seldom.now += seconds * SECOND
        for driver in (often, seldom):
            act(driver, what, n)
            driver.wake()
        check(often, late, calm)
        if not n % every:
            seldom.hall = Hall.restore(seldom.hall.snapshot())
    seldom.wake()
    often.wake()
    assert raised(often.events) == raised(seldom.events)
    assert ended(often.events) == ended(seldom.events)
    assert told(often) == told(seldom)


def ended(events: list[Any]) -> list[tuple[str, int]]:
    """The alerts that are over, and since when."""
    return [(ev.alert, ev.due or ev.at) for ev in events if isinstance(ev, e.AlertEnded)]


def check(driver: Driver, late: dict[str, int], calm: int) -> None:
    """What is told is what stands so, seen by looking at everybody; `late`: when a line with an alert last was so."""
    s, now = driver.hall.state, driver.now
    waits = {t.line for t in s.tickets.values() if t.state == "waiting" and now - t.waiting_since >= 120 * SECOND}
    served = {
        t.window for t in s.tickets.values()
        if t.state == "serving" and t.served + now - t.serving_since >= 90 * SECOND
    }  # fmt: skip
    for id in waits:
        late[id] = now
    for id in [id for id, last in late.items() if id not in waits and now - last >= calm * SECOND]:
        del late[id]
    assert set(told(driver)) == {f"long_wait:{id}" for id in late} | {f"long_service:{id}" for id in served}


def act(driver: Driver, what: str, n: int) -> None:
    """One step, if it is possible now."""
    s = driver.hall.state
    window = s.windows["w1"]
    ticket = s.tickets[window.ticket] if window.ticket else None
    waiting = driver.waiting()
    parked = [t for t in s.tickets.values() if t.state == "suspended"]
    if what == "take":
        driver.take()
    elif what == "call" and ticket is None:
        driver.call()
    elif what == "start" and ticket is not None and ticket.state == "called":
        driver.do(c.StartService("w1"))
    elif what == "end" and ticket is not None and ticket.state == "serving":
        driver.do(c.FinishTicket("w1"))
    elif what == "hold" and ticket is not None and ticket.state == "serving":
        driver.do(c.SuspendTicket("w1", Parked.HOLD))
    elif what == "back" and ticket is None and parked:
        driver.do(c.UnsuspendTicket("w1", parked[n % len(parked)].id))
    elif what == "cancel" and waiting:
        driver.do(c.CancelTicket(waiting[n % len(waiting)]))
