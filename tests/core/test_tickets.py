"""A ticket's life: numbers, taking, misses, parking, undo, priorities, expiry, and its table of states."""

from __future__ import annotations

import pytest

from tests.core.halls import SECOND, Driver, make_plan
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.queue.numbering import Numbering
from tidehall.queue.tickets import ENDED, TICKET_LIFE, UNDO_LIFE, Channel, Parked, TicketState


def full(to: int) -> Driver:
    """A round-the-clock hall in which line A has given `to` numbers; all but the last two are cancelled."""
    driver = Driver(make_plan(round_the_clock=True, limits={"waiting_per_line": 5000}))
    for n in range(to):
        id = driver.take()
        if n < to - 2:
            driver.keep([e.TicketCancelled(driver.now, id)])
    return driver


# ---- numbers


def test_numbers_run_to_999() -> None:
    """A001 … A999 without a gap, an alert at 900, then numbers_exhausted; other lines and the next day go on."""
    driver = full(899)
    assert not driver.hall.state.alerts
    driver.take()
    assert driver.hall.state.alerts["numbers_running_out:A"].ended is None
    for _ in range(99):
        driver.take()
    taken = [ev.number for ev in driver.events if isinstance(ev, e.TicketTaken)]
    assert taken == [f"A{n:03d}" for n in range(1, 1000)]
    assert sum(isinstance(ev, e.AlertRaised) for ev in driver.events) == 1
    assert driver.refusal(c.TakeTicket("x", line="A")).code == "numbers_exhausted"
    assert driver.ticket(driver.take("B")).number == "B001"
    driver.until("2026-11-24 00:00")
    assert "numbers_running_out:A" not in driver.hall.state.alerts
    assert driver.ticket(driver.take()).number == "A001"


def test_carried_numbers_are_skipped() -> None:
    """Round the clock an open ticket keeps its number over midnight, and the new day's numbers pass it by."""
    driver = Driver(make_plan(round_the_clock=True), at="2026-11-23 23:50")
    ids = [driver.take() for _ in range(4)]
    driver.do(c.CancelTicket(ids[0]))
    driver.do(c.CancelTicket(ids[2]))
    driver.until("2026-11-24 00:10")
    assert list(driver.hall.state.tickets) == [ids[1], ids[3]]
    assert [driver.ticket(driver.take()).number for _ in range(3)] == ["A001", "A003", "A005"]
    assert driver.waiting()[:2] == [ids[1], ids[3]]
    driver.do(c.CancelTicket(ids[1]))
    assert driver.ticket(driver.take()).number == "A006"


def test_exhausted_with_carried_numbers() -> None:
    """The last number of the day is the last that is free."""
    numbering = Numbering("A")
    numbering.turn(frozenset({998, 999}))
    numbering.give("A996")
    assert numbering.next() == 997
    numbering.give("A997")
    assert numbering.next() is None


def test_carried_number_of_a_transferred_ticket() -> None:
    """A number belongs to its letter's line also when the ticket waits in another."""
    driver = Driver(make_plan(round_the_clock=True), at="2026-11-23 23:50")
    id = driver.begin()
    driver.do(c.TransferTicket("w1", line="B"))
    driver.until("2026-11-24 00:10")
    assert driver.ticket(id).number == "A001"
    assert driver.ticket(driver.take("B")).number == "B001"
    assert driver.ticket(driver.take("A")).number == "A002"


# ---- taking


def test_taking_is_refused_with_a_reason() -> None:
    """Unknown things, closed issuing and a full line each have their code."""
    driver = Driver(make_plan(limits={"waiting_per_line": 2}))
    assert driver.refusal(c.TakeTicket("x")).code == "unknown_line"
    assert driver.refusal(c.TakeTicket("x", line="Q")).code == "unknown_line"
    assert driver.refusal(c.TakeTicket("x", item="Q")).code == "unknown_item"
    assert driver.refusal(c.TakeTicket("x", line="B", item="A-1")).code == "invalid"
    assert driver.refusal(c.TakeTicket("x", line="A", priority="royal")).code == "unknown_priority"
    driver.take()
    assert driver.refusal(c.TakeTicket("t1", line="A")).code == "ticket_exists"
    driver.take()
    assert driver.refusal(c.TakeTicket("x", line="A")).code == "line_full"
    driver.until("2026-11-23 17:30")
    refused = driver.refusal(c.TakeTicket("x", line="B"))
    assert refused.code == "issuing_ended"
    assert refused.details["opens_at"] > driver.now


def test_item_leads_to_its_line() -> None:
    """Who names an item gets a number of the item's line."""
    driver = Driver()
    driver.do(c.TakeTicket("x", item="B-1"))
    assert (driver.ticket("x").line, driver.ticket("x").items) == ("B", ("B-1",))


def test_a_claim_is_not_a_priority() -> None:
    """A claimed class counts when a card, the guide or the window confirms it, and then from the arrival."""
    driver = Driver()
    first, claims = driver.take(), driver.take(priority="senior")
    assert (driver.ticket(claims).priority, driver.ticket(claims).claimed) == ("normal", "senior")
    assert driver.waiting() == [first, claims]
    driver.wait(300)
    driver.do(c.ConfirmPriority(claims, "senior"))
    assert driver.waiting() == [claims, first]
    assert driver.ticket(claims).claimed is None
    card = driver.take(priority="senior", confirmed=True)
    guide = driver.take(priority="senior", channel=Channel.GUIDE)
    assert driver.waiting() == [claims, card, guide, first]
    driver.do(c.ConfirmPriority(claims, "normal"))
    assert driver.waiting() == [card, guide, first, claims]


def test_confirming_gives_no_place_back() -> None:
    """Who missed, postponed or was restored keeps the place behind the others when a class is confirmed later."""
    driver = Driver()
    ids = [driver.take() for _ in range(5)]
    driver.do(c.PostponeTicket(ids[0]))
    assert driver.waiting() == [ids[1], ids[2], ids[3], ids[0], ids[4]]
    driver.do(c.ConfirmPriority(ids[0], "senior"))
    assert driver.waiting() == [ids[1], ids[2], ids[3], ids[0], ids[4]]
    assert driver.ticket(ids[0]).priority == "senior"


# ---- misses


def test_counts_anew_after_a_miss() -> None:
    """Each call of a missed ticket is a new call with attempts of its own."""
    driver = Driver()
    id = driver.take()
    driver.call()
    first = driver.ticket(id).call_id
    driver.wait(20)
    driver.do(c.RecallTicket("w1"))
    driver.miss()
    driver.wait(60)
    assert driver.call() == id
    assert driver.ticket(id).call_id != first
    assert driver.ticket(id).attempt == 1


def test_restored_like_postponed() -> None:
    """A void ticket waits again the same day behind the third, with a reason, and not on the next day."""
    driver = Driver(make_plan(round_the_clock=True))
    id = driver.take()
    for _ in range(3):
        driver.do(c.CallTicket("w1", id, "r"))
        driver.miss()
    assert driver.ticket(id).state == TicketState.VOID
    others = [driver.take() for _ in range(4)]
    assert driver.refusal(c.RestoreTicket(id, "")).code == "invalid"
    assert driver.refusal(c.RestoreTicket(others[0], "r")).code == "ticket_not_void"
    driver.do(c.RestoreTicket(id, "was at the toilet"))
    assert driver.waiting() == [*others[:3], id, others[3]]
    assert driver.ticket(id).misses == 0
    for _ in range(3):
        driver.do(c.CallTicket("w1", id, "r"))
        driver.miss()
    driver.until("2026-11-24 00:00")
    assert driver.refusal(c.RestoreTicket(id, "late")).code == "unknown_ticket"


# ---- parking


def test_away_comes_back_with_the_old_key() -> None:
    """Who fetched papers waits again in front of all who came later, and any window of the line may go on."""
    driver = Driver(windows=("w1", "w2", "w4"))
    id = driver.begin()
    later = driver.take()
    driver.do(c.SuspendTicket("w1", Parked.AWAY))
    driver.wait(600)
    driver.do(c.BringBack(id))
    assert driver.waiting() == [id, later]
    assert driver.call("w2") == id
    assert driver.ticket(id).parked_total == 600 * SECOND


def test_away_taken_up_directly() -> None:
    """A window of the line may take a citizen who is away up directly; one of another line may not."""
    driver = Driver(windows=("w1", "w2", "w4"))
    id = driver.begin()
    driver.do(c.SuspendTicket("w1", Parked.AWAY))
    assert driver.refusal(c.UnsuspendTicket("w4", id)).code == "line_not_served"
    driver.do(c.UnsuspendTicket("w2", id))
    assert (driver.ticket(id).state, driver.ticket(id).window) == ("serving", "w2")


@pytest.mark.parametrize("kind", [Parked.HOLD, Parked.STEP])
def test_hold_stays_at_its_window(kind: Parked) -> None:
    """Where the papers stay, only the same window goes on, and the citizen cannot bring himself back."""
    driver = Driver(windows=("w1", "w2"))
    id = driver.begin()
    driver.do(c.SuspendTicket("w1", kind))
    assert driver.refusal(c.UnsuspendTicket("w2", id)).code == "window_keeps_ticket"
    assert driver.refusal(c.BringBack(id)).code == "window_keeps_ticket"
    driver.do(c.UnsuspendTicket("w1", id))
    assert driver.ticket(id).state == "serving"


def test_parked_time_ends_with_the_ticket() -> None:
    """A ticket that is given back or expires while parked leaves no open interval."""
    driver = Driver()
    cancelled = driver.begin()
    driver.do(c.SuspendTicket("w1", Parked.AWAY))
    driver.wait(100)
    driver.do(c.CancelTicket(cancelled))
    expired = driver.begin()
    driver.do(c.SuspendTicket("w1", Parked.HOLD))
    driver.until("2026-11-23 19:00")
    for id, state in ((cancelled, "cancelled"), (expired, "expired")):
        t = driver.ticket(id)
        assert (t.state, t.parked, t.parked_since) == (state, None, 0)
    assert driver.ticket(cancelled).parked_total == 100 * SECOND


# ---- undo


@pytest.mark.parametrize(
    ("command", "undone", "back_to"),
    [
        (c.FinishTicket("w1"), "ticket_finished", "serving"),
        (c.RejectTicket("w1", ("photo",)), "ticket_rejected", "serving"),
        (c.TransferTicket("w1", line="B"), "ticket_transferred", "serving"),
        (c.TransferTicket("w1", to="w4"), "ticket_transferred", "serving"),
        (c.MissTicket("w1"), "ticket_missed", "called"),
    ],
)
def test_undo(command: c.Command, undone: str, back_to: str) -> None:
    """Finish, reject, transfer and no-show can be taken back: the ticket is as it was, and the window has it again."""
    driver = Driver()
    id = driver.take()
    driver.call()
    if back_to == "serving":
        driver.do(c.StartService("w1"))
    driver.wait(60)
    before = driver.ticket(id).__copy__()
    others = [driver.take("A"), driver.take("B")]
    observed = driver.hall.state.lines["A"].service_count, driver.hall.state.lines["A"].service_sum
    calls = dict(driver.hall.state.calls)
    driver.do(command)
    driver.wait(30)
    assert "undo" in driver.hall.state.allowed("w1", driver.now)
    events = driver.do(c.Undo("w1"))
    assert events == [e.ActionUndone(driver.now, id, "w1", undone)]
    after = driver.ticket(id)
    assert after.state == back_to
    before.seq = after.seq
    assert after == before
    assert driver.window("w1").ticket == id
    assert driver.hall.state.calls == calls
    assert driver.waiting("A") + driver.waiting("B") == others
    assert (driver.hall.state.lines["A"].service_count, driver.hall.state.lines["A"].service_sum) == observed
    assert not driver.hall.state.missed["g"]


def test_undo_of_the_last_miss() -> None:
    """A void that was a slip leads back to the call."""
    driver = Driver()
    id = driver.take()
    for _ in range(3):
        driver.do(c.CallTicket("w1", id, "r"))
        driver.miss()
    driver.do(c.Undo("w1"))
    assert (driver.ticket(id).state, driver.ticket(id).misses) == ("called", 2)


def test_undo_has_an_end() -> None:
    """After the undo time, a second time, at a closed window or with somebody in front it is refused."""
    driver = Driver()
    assert driver.refusal(c.Undo("w1")).code == "nothing_to_undo"
    driver.serve()
    driver.take()
    driver.serve()
    driver.wait(30.000001)
    assert driver.refusal(c.Undo("w1")).code == "too_late"
    driver.take()
    driver.serve()
    driver.do(c.Undo("w1"))
    assert driver.refusal(c.Undo("w1")).code == "window_busy"
    driver.do(c.SuspendTicket("w1", Parked.STEP))
    assert driver.refusal(c.Undo("w1")).code == "nothing_to_undo"
    driver.take()
    driver.serve()
    driver.do(c.CloseWindow("w1"))
    assert driver.refusal(c.Undo("w1")).code == "window_closed"
    assert "undo" not in driver.hall.state.allowed("w1", driver.now)


def test_undo_only_while_nobody_acted() -> None:
    """Once another window has called the ticket, or the citizen has given it back, the step stands."""
    driver = Driver(windows=("w1", "w2"))
    driver.begin()
    driver.do(c.TransferTicket("w1", line="B"))
    driver.call("w2")
    assert driver.refusal(c.Undo("w1")).code == "too_late"
    other = driver.begin()
    driver.do(c.TransferTicket("w1", line="B"))
    driver.do(c.CancelTicket(other))
    assert driver.refusal(c.Undo("w1")).code == "too_late"


@pytest.mark.parametrize("end", [c.FinishTicket("w1"), c.TransferTicket("w1", line="B")])
def test_undo_makes_nobody_queue_twice(end: c.Command) -> None:
    """Who has taken a new number in the line since cannot get the old one back beside it."""
    driver = Driver()
    driver.begin(holder="h")
    driver.do(end)
    driver.take(holder="h")
    assert driver.refusal(c.Undo("w1")).code == "already_queueing"


# ---- the end of the day


def test_expiry_at_the_last_window() -> None:
    """After the end, what is left expires when the last window that could serve it closes; a paused one counts."""
    driver = Driver(windows=("w1", "w2", "w4"))
    a, b = driver.take("A"), driver.take("B")
    parked = driver.begin()
    driver.do(c.SuspendTicket("w1", Parked.AWAY))
    driver.do(c.PauseWindow("w2", "r"))
    driver.until("2026-11-23 17:40")
    driver.do(c.CloseWindow("w1"))
    assert {driver.ticket(id).state for id in (a, b, parked)} == {"waiting", "suspended"}
    events = driver.do(c.SignOut("w2"))
    assert {ev.ticket for ev in events if isinstance(ev, e.TicketExpired)} == {a, parked}
    assert driver.ticket(b).state == "waiting"
    driver.do(c.CloseWindow("w4"))
    assert driver.ticket(b).state == "expired"


def test_no_expiry_before_the_end() -> None:
    """A window that closes during the day takes nobody's number away."""
    driver = Driver()
    id = driver.take()
    driver.do(c.CloseWindow("w1"))
    assert driver.ticket(id).state == "waiting"


def test_expiry_at_the_overtimes_end() -> None:
    """At the latest 90 minutes after the end what waits expires, said with the exact second; who is served stays."""
    driver = Driver(windows=("w1", "w2"))
    waits = driver.take()
    served = driver.begin(window="w2")
    driver.until("2026-11-23 18:59")
    assert driver.ticket(waits).state == "waiting"
    driver.now += 3600 * SECOND
    expired = [ev for ev in driver.wake() if isinstance(ev, e.TicketExpired)]
    assert [(ev.ticket, ev.due) for ev in expired] == [(waits, driver.now - 3540 * SECOND)]
    assert driver.ticket(served).state == "serving"


def test_nothing_waits_through_the_night() -> None:
    """Missed or sent on after the overtime's end, a ticket expires with the day at last, not tomorrow's first call."""
    driver = Driver(windows=("w1", "w2"))
    missed, sent = driver.take(), driver.begin(window="w2")
    driver.call("w1")
    driver.until("2026-11-23 19:30")
    driver.do(c.MissTicket("w1"))
    driver.do(c.TransferTicket("w2", line="B"))
    driver.until("2026-11-24 08:00")
    assert {ev.ticket for ev in driver.events if isinstance(ev, e.TicketExpired)} == {missed, sent}
    assert not driver.hall.state.tickets


def test_day_turn_keeps_open_work_only() -> None:
    """Closed tickets, ended alerts and yesterday's calls leave the state; who is being served stays."""
    driver = Driver(make_plan(round_the_clock=True), at="2026-11-23 23:00", windows=("w1", "w2"))
    driver.take()
    driver.serve()
    driver.do(c.RaiseAlert("k", "x"))
    driver.do(c.EndAlert("k", "x"))
    id = driver.begin(window="w2")
    driver.until("2026-11-24 00:00")
    state = driver.hall.state
    assert list(state.tickets) == [id]
    assert list(state.alerts) == ["long_service:w2"]
    assert [call.ticket for call in state.recent["g"]] == [id]
    driver.do(c.FinishTicket("w2"))


# ---- the table


def test_every_ended_state_is_an_end() -> None:
    """From an ended state only a restored void leads out; every state is in the table and reachable from waiting."""
    assert TICKET_LIFE.keys() == set(TicketState)
    assert {s for s in ENDED if TICKET_LIFE[s]} == {TicketState.VOID}
    reached, todo = {TicketState.WAITING}, [TicketState.WAITING]
    while todo:
        for after in TICKET_LIFE[todo.pop()].values():
            if after not in reached:
                reached.add(after)
                todo.append(after)
    assert reached == set(TicketState)
    assert set(UNDO_LIFE.values()) <= {TicketState.CALLED, TicketState.SERVING}
