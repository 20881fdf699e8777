"""Scenarios from other systems, their bugs and their users, as far as the engine decides them.

S26, S27 (the feed) and S30 (the measures) are tested where those live; S25 stands in test_estimates.py at length.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from tests.core.halls import SECOND, Driver, local, make_plan
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.measures import Measures
from tidehall.hall.state import RECENT
from tidehall.queue.tickets import Parked


def measured(driver: Driver) -> Measures:
    """The day's measures, from its events."""
    found = Measures(driver.hall.state.zone_name)
    for event in driver.events:
        found.apply(event)
    return found


def test_s1_two_items_on_one_visit() -> None:
    """S1: A begun, B added, A again, finished: both end once, the service time is split, nothing stays open."""
    driver = Driver()
    driver.do(c.TakeTicket("x", item="A-1"))
    driver.call()
    driver.do(c.StartService("w1"))
    driver.wait(100)
    driver.do(c.SetItems("w1", ("A-1", "B-1"), "B-1"))
    driver.wait(30)
    driver.do(c.SetItems("w1", ("A-1", "B-1"), "A-1"))
    driver.wait(50)
    driver.do(c.FinishTicket("w1"))
    visit = measured(driver).visits["x"]
    split: dict[str | None, int] = {}
    for part in visit.serving:
        assert part.end
        split[part.item] = split.get(part.item, 0) + part.end - part.start
    assert split == {"A-1": 150 * SECOND, "B-1": 30 * SECOND}
    assert visit.service() == driver.ticket("x").served == 180 * SECOND
    assert sum(isinstance(ev, e.TicketFinished) for ev in driver.events) == 1


def test_s1_items_are_checked() -> None:
    """S1: an unknown item, none at all, or a current one that is not among them is refused."""
    driver = Driver()
    driver.begin()
    assert driver.refusal(c.SetItems("w1", ("Q",))).code == "unknown_item"
    assert driver.refusal(c.SetItems("w1", ())).code == "invalid"
    assert driver.refusal(c.SetItems("w1", ("A-1",), "A-2")).code == "invalid"


@pytest.mark.parametrize("kind", list(Parked))
def test_s2_hold(kind: Parked) -> None:
    """S2: on hold and taken up again: the hold is neither wait nor service, and "next" never takes the person."""
    driver = Driver()
    id = driver.begin()
    driver.wait(60)
    driver.do(c.SuspendTicket("w1", kind))
    driver.wait(500)
    assert driver.call() is None
    assert driver.hall.state.ahead(driver.ticket(id)) is None
    driver.do(c.UnsuspendTicket("w1", id))
    driver.wait(40)
    driver.do(c.FinishTicket("w1"))
    visit = measured(driver).visits[id]
    assert (visit.service(), visit.parked, visit.later) == (100 * SECOND, 500 * SECOND, [])
    assert (driver.ticket(id).served, driver.ticket(id).parked_total) == (100 * SECOND, 500 * SECOND)


@pytest.mark.parametrize("waits", [0, 900])
def test_s3_leaves(waits: int) -> None:
    """S3: who leaves just made or waiting ends as left, the line is empty, and no wait of his is counted."""
    driver = Driver()
    id = driver.take()
    driver.wait(waits)
    driver.do(c.CancelTicket(id))
    assert driver.ticket(id).state == "cancelled"
    assert driver.waiting() == []
    assert driver.call() is None
    figures = measured(driver).figures()[""]
    assert (figures.left, figures.called, figures.wait) == (1, 0, None)


def test_s3_leaves_after_the_call() -> None:
    """S3: who leaves when called frees the window and ends the call."""
    driver = Driver()
    id = driver.take()
    driver.call()
    driver.do(c.CancelTicket(id))
    assert driver.window("w1").ticket is None
    assert not driver.hall.state.calls


def test_s6_parked_between() -> None:
    """S6: two minutes, parked, another for one minute, 30 s more: 2 min 30 s of service, the wait ends at call one."""
    driver = Driver()
    first, second = driver.take(), driver.take()
    driver.wait(30)
    assert driver.call() == first
    driver.do(c.StartService("w1"))
    driver.wait(120)
    driver.do(c.SuspendTicket("w1", Parked.HOLD))
    assert driver.serve(seconds=60) == second
    driver.do(c.UnsuspendTicket("w1", first))
    driver.wait(30)
    driver.do(c.FinishTicket("w1"))
    visits = measured(driver).visits
    assert visits[first].service() == 150 * SECOND
    assert visits[first].parked == 60 * SECOND
    assert visits[first].first_call - visits[first].since == 30 * SECOND
    assert visits[second].first_call - visits[second].since == 150 * SECOND
    assert driver.ticket(first).first_called_at - driver.ticket(first).taken_at == 30 * SECOND


def test_s8_no_show_ladder() -> None:
    """S8: missed, missed, void; with one miss allowed void at once; a missed one cools down visibly."""
    driver = Driver()
    id = driver.take()
    states = []
    for _ in range(3):
        driver.do(c.CallTicket("w1", id, "r"))
        driver.miss()
        states.append((str(driver.ticket(id).state), driver.ticket(id).misses))
    assert states == [("waiting", 1), ("waiting", 2), ("void", 3)]
    strict = Driver(make_plan(limits={"misses": 1}))
    id = strict.take()
    strict.call()
    strict.miss()
    assert strict.ticket(id).state == "void"
    assert strict.waiting() == []


def test_s8_the_missed_list() -> None:
    """S8: a missed ticket stands on its zone's list until it is called again."""
    driver = Driver()
    id = driver.take()
    driver.call()
    driver.miss()
    assert driver.hall.state.missed["g"] == [id]
    driver.wait(60)
    driver.call()
    assert driver.hall.state.missed["g"] == []


def test_s9_next_is_another() -> None:
    """S9: called and not appeared, "next" offers another; when all cool down, nobody, as a clear empty answer."""
    driver = Driver(windows=("w1", "w2"))
    first, second = driver.take(), driver.take()
    assert (driver.call("w1"), driver.call("w2")) == (first, second)
    driver.wait(60)
    driver.do(c.MissTicket("w1"))
    driver.do(c.MissTicket("w2"))
    assert driver.do(c.CallTicket("w1")) == []
    driver.wait(60)
    assert driver.call() == first


def test_s11_wrong_steps_are_refused() -> None:
    """S11: no-show only of a called one; transfer only of a served one; nothing of one that has ended."""
    driver = Driver()
    assert driver.refusal(c.MissTicket("w1")).code == "ticket_not_called"
    id = driver.take()
    driver.call()
    driver.wait(60)
    for command in (c.TransferTicket("w1", line="B"), c.FinishTicket("w1"), c.RejectTicket("w1", ("x",))):
        assert driver.refusal(command).code == "ticket_not_serving"
    driver.do(c.StartService("w1"))
    assert driver.refusal(c.MissTicket("w1")).code == "ticket_not_called"
    assert driver.refusal(c.CancelTicket(id)).code == "ticket_not_waiting"
    driver.do(c.FinishTicket("w1"))
    for command in (c.TransferTicket("w1", line="B"), c.FinishTicket("w1")):
        assert driver.refusal(command).code == "ticket_not_serving"
    assert driver.refusal(c.CancelTicket(id)).code == "ticket_ended"


def test_s12_ended_stays_ended() -> None:
    """S12: no step leads out of an ended ticket."""
    driver = Driver()
    id = driver.begin()
    driver.do(c.FinishTicket("w1"))
    for command in (
        c.CancelTicket(id), c.PostponeTicket(id), c.BringBack(id), c.ConfirmPriority(id, "senior"),
        c.UnsuspendTicket("w1", id), c.CallTicket("w1", id, "r"),
    ):  # fmt: skip
        assert driver.refusal(command).code == "ticket_ended"
    assert driver.refusal(c.RestoreTicket(id, "r")).code == "ticket_not_void"


def test_s12_the_source_stays_open() -> None:
    """S12: a transfer to where the same person queues already is refused, and he is still being served here."""
    driver = Driver()
    id = driver.begin(holder="h")
    driver.take("B", holder="h")
    assert driver.refusal(c.TransferTicket("w1", line="B")).code == "already_queueing"
    assert (driver.ticket(id).state, driver.window("w1").ticket) == ("serving", id)


def test_s13_within_one_moment() -> None:
    """S13: everything within one microsecond: intervals follow one another, none is negative."""
    driver = Driver(windows=("w1", "w4"))
    id = driver.begin()
    driver.do(c.SuspendTicket("w1", Parked.STEP))
    driver.do(c.UnsuspendTicket("w1", id))
    driver.do(c.TransferTicket("w1", line="B"))
    driver.do(c.CallTicket("w4"))
    driver.do(c.StartService("w4"))
    driver.do(c.FinishTicket("w4"))
    t = driver.ticket(id)
    assert (t.state, t.served, t.parked_total, t.ended_at) == ("finished", 0, 0, driver.now)
    visit = measured(driver).visits[id]
    assert all(part.start <= part.end for part in visit.serving)
    assert all(a.end <= b.start for a, b in pairwise(visit.serving))
    assert driver.hall.state.seq == len(driver.events)


def test_s15_already_queueing() -> None:
    """S15: a holder who waits for a line gets no second number there and is told the first; for another line yes."""
    driver = Driver()
    id = driver.take(holder="h")
    refused = driver.refusal(c.TakeTicket("x", line="A", holder="h"))
    assert (refused.code, refused.status) == ("already_queueing", 409)
    assert refused.details == {"line": "A", "number": "A001"}
    assert driver.ticket(driver.take("B", holder="h")).number == "B001"
    driver.do(c.CallTicket("w1", id, "r"))
    assert driver.refusal(c.TakeTicket("x", line="A", holder="h")).code == "already_queueing"
    driver.do(c.CancelTicket(id))
    assert driver.ticket(driver.take(holder="h")).number == "A002"


def test_s16_one_winner() -> None:
    """S16: N windows call for one ticket: one call, the others an empty answer; a click on it: already called."""
    driver = Driver(windows=("w1", "w2", "w3"))
    id = driver.take()
    found = [ev for window in ("w1", "w2", "w3") for ev in driver.do(c.CallTicket(window))]
    assert [(ev.ticket, ev.window) for ev in found if isinstance(ev, e.TicketCalled)] == [(id, "w1")]
    assert len(found) == 1
    assert driver.refusal(c.CallTicket("w2", id, "clicked")).code == "ticket_not_waiting"


def test_s17_an_open_ticket_first() -> None:
    """S17: with a ticket open, a call is refused with that ticket; its timers do not move."""
    driver = Driver()
    driver.take()
    id = driver.begin()
    before = driver.ticket(id).__copy__()
    driver.wait(60)
    refused = driver.refusal(c.CallTicket("w1"))
    assert (refused.code, refused.details["ticket"]) == ("window_busy", id)
    assert "finish" in refused.allowed
    assert driver.refusal(c.CallTicket("w1", "t1", "misclick")).code == "window_busy"
    assert driver.ticket(id) == before


def test_s18_fifty_numbers() -> None:
    """S18: 50 requests spread over five kiosks: 50 distinct numbers without a hole; the same id gives no second."""
    driver = Driver()
    for n in range(50):
        driver.do(c.TakeTicket(f"k{n % 5}-{n}", line="A"))
    assert sorted(t.number for t in driver.hall.state.tickets.values()) == [f"A{n:03d}" for n in range(1, 51)]
    assert driver.refusal(c.TakeTicket("k3-3", line="A")).code == "ticket_exists"
    assert driver.ticket(driver.take()).number == "A051"


def test_s19_take_over_is_explicit() -> None:
    """S19: a taken window is refused to another person, or taken over on purpose, which is logged."""
    driver = Driver()
    id = driver.begin()
    refused = driver.refusal(c.SignIn("w1", "b"))
    assert (refused.code, refused.details["staff"]) == ("window_taken", "staff-w1")
    assert driver.do(c.SignIn("w1", "b", take_over=True)) == [e.StaffSignedIn(driver.now, "w1", "b", "staff-w1")]
    assert (driver.window("w1").staff, driver.window("w1").ticket) == ("b", id)


def test_s20_the_others_stay_as_they_are() -> None:
    """S20: of ten tickets one is changed; the other nine are byte for byte the same."""
    driver = Driver()
    ids = [driver.take(priority="senior") for _ in range(10)]
    before = {id: msgspec.json.encode(driver.ticket(id)) for id in ids}
    driver.do(c.ConfirmPriority(ids[4], "senior"))
    driver.do(c.PostponeTicket(ids[4]))
    changed = [id for id in ids if msgspec.json.encode(driver.ticket(id)) != before[id]]
    assert changed == [ids[4]]


def test_s21_first_come_first_called() -> None:
    """S21: 9:00, 9:05, 9:10 of one class are called in that order."""
    driver = Driver()
    ids = []
    for minute in (0, 5, 10):
        driver.until(f"2026-11-23 09:{minute:02d}")
        ids.append(driver.take())
    assert [driver.serve() for _ in range(3)] == ids


def test_s22_priority_has_a_bound() -> None:
    """S22: with a senior every minute, a normal one is called before any senior who came over 15 minutes later."""
    driver = Driver()
    normal = driver.take()
    seniors = []
    for _ in range(30):
        driver.wait(60)
        seniors.append(driver.take(priority="senior", confirmed=True))
    late_normal = driver.take()
    order = [driver.serve(seconds=1) for _ in range(32)]
    assert order == [*seniors[:14], normal, *seniors[14:], late_normal]


def test_s25_estimate_in_short() -> None:
    """S25: one window closing lengthens the estimate, one person leaving shortens it, no window: unknown."""
    driver = Driver(windows=("w1", "w2"))
    ids = [driver.take() for _ in range(6)]
    last = driver.ticket(ids[-1])
    two = driver.hall.state.estimate_of(last)
    driver.do(c.CloseWindow("w2"))
    one = driver.hall.state.estimate_of(last)
    driver.do(c.CancelTicket(ids[0]))
    less = driver.hall.state.estimate_of(last)
    driver.do(c.CloseWindow("w1"))
    assert two is not None
    assert one is not None
    assert less is not None
    assert all(a < b for a, b in zip(two, one, strict=True))
    assert all(a < b for a, b in zip(less, one, strict=True))
    assert driver.hall.state.estimate_of(last) is None


def test_s28_history_of_calls() -> None:
    """S28: a recall moves to the top once with its first call's id; a board keeps the last eight."""
    driver = Driver(windows=("w1", "w2"))
    first = driver.take()
    driver.call("w1")
    for _ in range(3):
        driver.take()
        driver.serve("w2", seconds=20)
    driver.do(c.RecallTicket("w1"))
    recent = driver.hall.state.recent["g"]
    assert [call.ticket for call in recent].count(first) == 1
    assert (recent[0].ticket, recent[0].attempt, recent[0].id) == (first, 2, "c1")
    assert driver.ticket(first).first_called_at < driver.ticket(first).called_at
    for _ in range(9):
        driver.take()
        driver.serve("w2", seconds=1)
    assert len(driver.hall.state.recent["g"]) == RECENT == 8
    assert [call.id for call in driver.hall.state.calls.values()] == ["c1"]


@pytest.mark.parametrize(
    ("zone", "day", "after"),
    [
        ("Asia/Shanghai", "2026-11-23", "2026-11-24"),
        ("Europe/Berlin", "2027-03-28", "2027-03-29"),
        ("Europe/Berlin", "2027-10-31", "2027-11-01"),
        ("America/New_York", "2026-11-01", "2026-11-02"),
    ],
)
def test_s29_numbers_restart_at_local_midnight(zone: str, day: str, after: str) -> None:
    """S29: 16:59, 17:01, 23:59 and 00:01 local: the numbers restart only at the hall's own midnight."""
    driver = Driver(make_plan(round_the_clock=True, hall={"time_zone": zone}), at=f"{day} 16:59")
    numbers = []
    for moment in (f"{day} 16:59", f"{day} 17:01", f"{day} 23:59", f"{after} 00:01"):
        driver.until(moment)
        id = driver.take()
        numbers.append(driver.ticket(id).number)
        driver.do(c.CancelTicket(id))
    assert numbers == ["A001", "A002", "A003", "A001"]
    assert driver.hall.state.day == after


def test_s29_the_hour_that_comes_twice() -> None:
    """S29: both passes through 02:30 on the day of 25 hours belong to one service day, in order."""
    zone = "Europe/Berlin"
    driver = Driver(make_plan(round_the_clock=True, hall={"time_zone": zone}), at="2027-10-31 01:59")
    ids = []
    for fold in (0, 1):
        driver.now = local("2027-10-31 02:30", zone, fold=fold)
        ids.append(driver.take())
    assert driver.ticket(ids[1]).taken_at - driver.ticket(ids[0]).taken_at == 3600 * SECOND
    assert [driver.ticket(id).number for id in ids] == ["A001", "A002"]
    assert driver.waiting() == ids
