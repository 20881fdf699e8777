"""The 10- and 30-minute clocks to the second, and the papers' way from the window to the office."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.halls import SECOND, local, make_plan
from tests.core.offices import MINUTE, Office, kinds, of, office_plan, office_tables
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o

START = local("2026-11-23 09:00")


def plan(**offices: Any) -> Any:
    return office_plan(offices=offices)


def test_urgent_clock_to_the_second() -> None:
    """Urgent: 6:59 no warning, 7:00 warning, 9:59 none, 10:00 breach, 20:00 escalation; each once with its due."""
    office = Office()
    id = office.intake(urgent=True)
    h = office.open_hand_off(id)
    assert (h.to, h.started_at, h.due_at) == ("middle", START, START + 10 * MINUTE)
    assert office.wait(6 * 60 + 59) == []
    assert kinds(office.wait(1)) == ["hand_off_warned", "alert_raised"]
    assert office.alert(f"hand_off_due:{h.id}") is not None
    assert office.wait(2 * 60 + 59) == []
    assert kinds(office.wait(1)) == ["hand_off_breached", "alert_ended", "alert_raised"]
    found = office.alert(f"hand_off_breached:{h.id}")
    assert found is not None
    assert (found.owner, found.since) == ("supervisor:g", START + 10 * MINUTE)
    assert office.wait(9 * 60 + 59) == []
    assert kinds(office.wait(1)) == ["alert_escalated", "hand_off_escalated"]
    found = office.alert(f"hand_off_breached:{h.id}")
    assert found is not None
    assert (found.owner, found.escalated) == ("manager", True)
    assert kinds(office.wait(3 * 3600)) == ["session_ended"]
    assert [ev.due - START for ev in of(office.events, o.HandOffWarned)] == [7 * MINUTE]
    assert [ev.due - START for ev in of(office.events, o.HandOffBreached)] == [10 * MINUTE]
    assert [ev.due - START for ev in of(office.events, o.HandOffEscalated)] == [20 * MINUTE]


@pytest.mark.parametrize("item", ["PRO", "REP", "JOI"])
def test_promised_clock_to_the_second(item: str) -> None:
    """Promised, reported and joint papers go straight to the back office: 21:00 warning, 30:00 breach."""
    office = Office()
    h = office.open_hand_off(office.intake(item))
    assert h.to == "office:d"
    assert office.wait(21 * 60 - 1) == []
    assert of(office.wait(1), o.HandOffWarned)[0].due == START + 21 * MINUTE
    assert office.wait(9 * 60 - 1) == []
    assert of(office.wait(1), o.HandOffBreached)[0].due == START + 30 * MINUTE


def test_verified_in_time_is_silent() -> None:
    """Checked face to face one second before the limit: no breach ever, and the warning's alert is over."""
    office = Office()
    id = office.intake(urgent=False)
    office.wait(30 * 60 - 1)
    office.carry(id)
    assert office.case(id).stage == "verified"
    assert office.case(id).holder == "office:d"
    office.until("2026-11-23 11:59")
    assert not of(office.events, o.HandOffBreached)
    assert office.ends(f"hand_off_due:{office.open_hand_off(id).id}") == 1


def test_verified_at_the_limit_is_late() -> None:
    """At the limit to the second the breach comes first: the keeper wakes the hall before the command."""
    office = Office()
    id = office.intake()
    h = office.open_hand_off(id)
    office.do(q.PickUpHandOff(h.id, "r1"))
    office.now += 30 * MINUTE
    office.do(q.VerifyHandOff(h.id, h.papers))
    assert [ev.due for ev in of(office.events, o.HandOffBreached)] == [START + 30 * MINUTE]
    assert office.alert(f"hand_off_breached:{h.id}") is None
    office.wait(3600)
    assert not of(office.events, o.HandOffEscalated)


def test_woken_late() -> None:
    """The server was down over the limit: warning and breach are written once, with the seconds when they were due."""
    office = Office()
    office.intake(urgent=True)
    office.now += 45 * MINUTE
    found = office.wake()
    assert [ev.due - START for ev in of(found, o.HandOffWarned)] == [7 * MINUTE]
    assert [ev.due - START for ev in of(found, o.HandOffBreached)] == [10 * MINUTE]
    assert [ev.due - START for ev in of(found, o.HandOffEscalated)] == [20 * MINUTE]
    assert {ev.at for ev in found} == {office.now}
    assert office.wake() == []


def test_late_and_punctual_halls_agree() -> None:
    """A hall woken every second and one woken at noon write the same facts but for the moment of writing."""
    punctual, late = Office(), Office()
    for office in (punctual, late):
        office.intake(urgent=True)
        office.intake("OUT")
    for _ in range(45 * 60):
        punctual.wait(1)
    late.wait(45 * 60)
    assert [(kind, getattr(ev, "due", None)) for kind, ev in zip(kinds(late.events), late.events, strict=True)] == [
        (kind, getattr(ev, "due", None)) for kind, ev in zip(kinds(punctual.events), punctual.events, strict=True)
    ]


def test_urgent_second_leg() -> None:
    """What the middle office has checked goes on to the back office, due 30 minutes from the original intake."""
    office = Office()
    id = office.intake(urgent=True)
    office.wait(8 * 60)
    office.carry(id)
    first, second = office.hall.state.offices.hand_offs["h1"], office.open_hand_off(id)
    assert first.state == "verified"
    assert (second.leg, second.origin, second.to) == (2, "middle", "office:d")
    assert (second.started_at, second.warn_at, second.due_at) == (START, START + 21 * MINUTE, START + 30 * MINUTE)
    assert (office.case(id).stage, office.case(id).holder) == ("handed_off", "middle")
    assert office.wait(13 * 60 - 1) == []
    assert of(office.wait(1), o.HandOffWarned)[0].hand_off == second.id
    office.carry(id)
    assert (office.case(id).stage, office.case(id).holder) == ("verified", "office:d")


def test_second_leg_of_a_first_leg_that_took_too_long() -> None:
    """Checked by the middle office after 40 minutes: the second leg is late at once, with its true due."""
    office = Office()
    id = office.intake(urgent=True)
    office.wait(40 * 60)
    office.carry(id)
    found = office.wake()
    assert [(ev.hand_off, ev.due - START) for ev in of(found, o.HandOffBreached)] == [("h2", 30 * MINUTE)]


def test_refusal_keeps_the_clock() -> None:
    """A refusal is no end: the same object and clock, back at its window with a reason, then on again."""
    office = Office()
    id = office.intake()
    h = office.open_hand_off(id)
    office.do(q.PickUpHandOff(h.id, "r1"))
    assert office.case(id).holder == "runner:r1"
    office.do(q.ArriveHandOff(h.id))
    assert office.refusal(q.RefuseHandOff(h.id, "")).code == "invalid"
    office.wait(600)
    office.do(q.RefuseHandOff(h.id, "a page is missing"))
    again = office.open_hand_off(id)
    assert (again.id, again.state, again.runner) == (h.id, "waiting", None)
    assert (again.refusals, again.reason, again.due_at) == (1, "a page is missing", h.due_at)
    assert office.case(id).holder == "window:w1"
    assert {p.holder for p in office.case(id).papers if p.id in h.papers} == {"window:w1"}
    office.wait(1200)
    assert [ev.due for ev in of(office.events, o.HandOffBreached)] == [START + 30 * MINUTE]
    office.carry(id, runner="r2")
    assert office.case(id).stage == "verified"


def test_who_carried_does_not_check() -> None:
    """R25: face to face takes two; whoever is known to have carried the papers neither accepts nor refuses them."""
    office = Office()
    id = office.intake()
    h = office.open_hand_off(id)
    office.do(q.PickUpHandOff(h.id, "r1"))
    office.do(q.ArriveHandOff(h.id))
    for alone in (q.VerifyHandOff(h.id, h.papers, "r1"), q.RefuseHandOff(h.id, "r", staff="r1")):
        refused = office.refusal(alone)
        assert (refused.code, refused.details["staff"]) == ("carrier_verifies", "r1")
    office.do(q.RefuseHandOff(h.id, "r", staff="o1"))
    office.do(q.ArriveHandOff(h.id))
    office.do(q.VerifyHandOff(h.id, h.papers, "r1"))
    assert office.case(id).stage == "verified"


def test_exactly_the_papers() -> None:
    """Not the same papers, too few or too many: refused with both lists, and nothing changes."""
    office = Office()
    h = office.open_hand_off(office.intake())
    office.do(q.PickUpHandOff(h.id, "r1"))
    few = office.refusal(q.VerifyHandOff(h.id, h.papers[:-1]))
    assert (few.code, few.details["missing"]) == ("papers_differ", [h.papers[-1]])
    many = office.refusal(q.VerifyHandOff(h.id, (*h.papers, "c1-copy3")))
    assert (many.code, many.details["strange"]) == ("papers_differ", ["c1-copy3"])


def test_a_closed_hand_off_stays_closed() -> None:
    """Nothing moves a verified hand-off again; what does not fit its state is refused with what does."""
    office = Office()
    id = office.intake()
    h = office.open_hand_off(id)
    state = office.refusal(q.VerifyHandOff(h.id, h.papers))
    assert (state.code, state.allowed) == (
        "hand_off_state",
        ("hand_off_arrived", "hand_off_ended", "hand_off_picked_up"),
    )
    office.carry(id)
    for command in (
        q.PickUpHandOff(h.id, "r1"), q.ArriveHandOff(h.id), q.VerifyHandOff(h.id, h.papers), q.RefuseHandOff(h.id, "r"),
    ):  # fmt: skip
        assert office.refusal(command).code == "hand_off_closed"
    assert office.refusal(q.ArriveHandOff("h9")).code == "unknown_hand_off"


def test_picked_up_twice() -> None:
    """The same runner again changes nothing; another one is refused."""
    office = Office()
    h = office.open_hand_off(office.intake())
    office.do(q.PickUpHandOff(h.id, "r1"))
    assert office.do(q.PickUpHandOff(h.id, "r1")) == []
    assert office.refusal(q.PickUpHandOff(h.id, "r2")).code == "hand_off_state"


def test_runner_off_duty() -> None:
    """A runner gives back what he carries, and only that; the clocks run on."""
    office = Office()
    one, two, three = office.intake(), office.intake(), office.intake()
    ids = [office.open_hand_off(id).id for id in (one, two, three)]
    office.do(q.PickUpHandOff(ids[0], "r1"))
    office.do(q.PickUpHandOff(ids[1], "r2"))
    office.do(q.PickUpHandOff(ids[2], "r1"))
    office.do(q.ArriveHandOff(ids[2]))
    assert [ev.hand_off for ev in of(office.do(q.ReturnHandOffs("r1")), o.HandOffReturned)] == [ids[0]]
    assert (office.open_hand_off(one).state, office.case(one).holder) == ("waiting", "window:w1")
    assert office.open_hand_off(two).runner == "r2"
    assert office.open_hand_off(three).state == "arrived"
    assert office.do(q.ReturnHandOffs("r1")) == []
    assert len(of(office.wait(1800), o.HandOffBreached)) == 3


def test_department_outside_the_hall() -> None:
    """Its receiving desk ends the clock; the way there is a step of its own, due the next working day."""
    office = Office(at="2026-11-27 09:00")  # a Friday
    id = office.intake("OUT")
    h = office.open_hand_off(id)
    assert (h.to, h.onward, h.due_at) == ("middle", "x", office.now + 30 * MINUTE)
    office.wait(300)
    assert "hand_off_started" in kinds(office.carry(id))
    onward = office.open_hand_off(id)
    assert (onward.leg, onward.origin, onward.to, onward.onward) == (2, "middle", "office:x", None)
    assert onward.due_at == local("2026-11-30 17:30")
    assert office.case(id).holder == "middle"
    office.until("2026-11-30 10:00")
    assert not of(office.events, o.HandOffBreached)
    office.carry(id)
    assert (office.case(id).stage, office.case(id).holder) == ("verified", "office:x")
    office.until("2026-12-01 18:00")
    assert not of(office.events, o.HandOffBreached)


def test_urgent_papers_for_a_department_outside() -> None:
    """Urgent: ten minutes to the desk, then the same onward step; no second leg to an office that is not there."""
    office = Office()
    id = office.intake("OUT", urgent=True)
    assert office.open_hand_off(id).due_at == START + 10 * MINUTE
    office.carry(id)
    second = office.open_hand_off(id)
    assert (second.to, second.due_at, second.urgent) == ("office:x", local("2026-11-24 17:30"), False)
    office.carry(id)
    assert office.case(id).stage == "verified"


def test_zone_without_runner_or_supervisor() -> None:
    """The hall's pool carries for it and the hall manager answers for it (requirements K3)."""
    office = Office(windows=("w5",))
    h = office.open_hand_off(office.intake("SPE", window="w5"))
    assert h.zone == "pool"
    office.wait(1800)
    found = office.alert(f"hand_off_breached:{h.id}")
    assert found is not None
    assert found.owner == "manager"
    office.wait(1200)
    assert not of(office.events, o.AlertEscalated)
    assert len(of(office.events, o.HandOffEscalated)) == 1


def test_lunch_does_not_stop_the_clock() -> None:
    """Papers of 11:50 are late at 12:20, in the middle of lunch; those of 17:20 at 17:50, after closing."""
    office = Office(at="2026-11-23 11:50")
    office.intake()
    assert of(office.wait(1800), o.HandOffBreached)[0].due == local("2026-11-23 12:20")
    office.until("2026-11-23 17:20")
    office.intake()
    assert of(office.wait(1800), o.HandOffBreached)[0].due == local("2026-11-23 17:50")


@pytest.mark.parametrize(
    ("taken", "warned", "breached"),
    [
        ("2026-11-23 11:50", "2026-11-23 14:11", "2026-11-23 14:20"),
        ("2026-11-23 11:30", "2026-11-23 11:51", "2026-11-23 12:00"),
        ("2026-11-23 12:30", "2026-11-23 14:21", "2026-11-23 14:30"),
        ("2026-11-23 17:20", "2026-11-24 08:41", "2026-11-24 08:50"),
        ("2026-11-27 17:20", "2026-11-30 08:41", "2026-11-30 08:50"),
    ],
)
def test_hand_off_stops_at_break(taken: str, warned: str, breached: str) -> None:
    """By the plan's wish only the hall's open hours count: over lunch, the night, the weekend."""
    office = Office(plan(hand_off_stops_at_break=True), at=taken)
    office.intake()
    office.until(breached)
    assert [ev.due for ev in of(office.events, o.HandOffWarned)] == [local(warned)]
    assert [ev.due for ev in of(office.events, o.HandOffBreached)] == [local(breached)]


def test_stops_at_break_in_a_hall_that_opens_no_more() -> None:
    """A calendar without another opening does not hold the clock for ever."""
    tables: dict[str, Any] = {"hall": {"open_days": []}, "offices": {"hand_off_stops_at_break": True}}
    base = {name: value for name, value in office_tables().items() if name not in tables}
    office = Office(make_plan(**base, **tables))
    assert office.open_hand_off(office.intake()).due_at == START + 30 * MINUTE


def test_withdrawn_on_the_way() -> None:
    """The clock ends with the case; the originals go home, the alert is over, and nothing speaks again."""
    office = Office()
    id = office.intake()
    h = office.open_hand_off(id)
    office.do(q.PickUpHandOff(h.id, "r1"))
    office.wait(1800)
    assert office.alert(f"hand_off_breached:{h.id}") is not None
    found = office.do(q.WithdrawCase(id, "changed his mind"))
    assert kinds(found) == ["hand_off_ended", "alert_ended", "case_withdrawn"]
    assert office.open_hand_off(id).state == "ended"
    assert {p.holder for p in office.case(id).papers if not p.copy} == {"applicant"}
    assert office.paper(id, "receipt", 2).holder == "archive:d"
    assert not [name for name in office.hall.state.offices.armed if name.startswith("hand_off")]
    assert office.refusal(q.VerifyHandOff(h.id, h.papers)).code == "hand_off_closed"


def test_withdrawn_days_later() -> None:
    """The hand-off of a former day has left the state; the case can still be withdrawn."""
    office = Office()
    id = office.review()
    office.until("2026-11-25 09:00")
    assert office.case(id).hand_off not in office.hall.state.offices.hand_offs
    assert kinds(office.do(q.WithdrawCase(id))) == ["case_withdrawn"]


def test_open_over_the_night() -> None:
    """A hand-off that is open at closing is still there in the morning, and its case with it."""
    office = Office(at="2026-11-23 17:25")
    id = office.intake()
    office.until("2026-11-24 08:30")
    assert office.open_hand_off(id).state == "waiting"
    assert office.case(id).stage == "handed_off"
    office.carry(id)
    office.until("2026-11-25 08:30")
    assert office.hall.state.offices.hand_offs == {}


def test_support_apart_from_service() -> None:
    """The middle office answers while the citizen is served on; its time stands apart, late after five minutes."""
    office = Office()
    ticket = office.begin()
    office.do(q.AskSupport("s1", "w1", "PRO", "sealed:1:x"))
    assert office.refusal(q.AskSupport("s1", "w1")).code == "support_exists"
    assert office.wait(299) == []
    assert kinds(office.wait(1)) == ["support_overdue", "alert_raised"]
    office.do(q.ClaimSupport("s1", "m1"))
    office.wait(60)
    assert kinds(office.do(q.AnswerSupport("s1", "phone", None, "sealed:2:x"))) == [
        "support_answered", "alert_ended",
    ]  # fmt: skip
    found = office.hall.state.offices.supports["s1"]
    assert (found.channel, found.answer) == ("phone", "sealed:2:x")
    assert (found.ticket, found.staff, found.channel, found.overdue) == (ticket, "m1", "phone", True)
    assert found.answered_at - found.asked_at == 360 * SECOND
    office.do(c.FinishTicket("w1"))
    assert office.ticket(ticket).served == 360 * SECOND
    assert office.refusal(q.ClaimSupport("s1", "m1")).code == "support_state"
    assert of(office.events, e.TicketFinished)


def test_support_escalated() -> None:
    """What the middle office cannot answer goes to the department, and is answered from there."""
    office = Office()
    office.do(q.AskSupport("s1", "w1"))
    office.do(q.EscalateSupport("s1"))
    assert office.refusal(q.ClaimSupport("s1", "m1")).code == "support_state"
    office.do(q.AnswerSupport("s1", "online", "d1"))
    assert office.hall.state.offices.supports["s1"].state == "answered"
    office.until("2026-11-24 09:00")
    assert not of(office.events, o.SupportOverdue)
    assert office.hall.state.offices.supports == {}
