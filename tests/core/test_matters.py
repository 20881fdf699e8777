"""Ratings and what follows a bad one, complaints, what could not be done, and the first person asked."""

from __future__ import annotations

import pytest

from tests.core.halls import local
from tests.core.offices import Office, kinds, of
from tidehall.hall import commands as c
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import MatterKind


def bad(office: Office, level: int = 1) -> str:
    """A served ticket with a bad rating; the matter's id."""
    ticket = office.served()
    office.do(q.RateTicket(ticket, level))
    return f"bad-{ticket}"


def test_rating_needs_a_served_ticket() -> None:
    """No rating without service, none before it ended, none of a number nobody has."""
    office = Office()
    id = office.begin()
    assert office.refusal(q.RateTicket(id, 5)).code == "nothing_to_rate"
    assert office.refusal(q.RateTicket("nobody", 5)).code == "nothing_to_rate"
    office.do(c.FinishTicket("w1"))
    for level in (0, 6, -1):
        assert office.refusal(q.RateTicket(id, level)).code == "invalid"
    assert kinds(office.do(q.RateTicket(id, 5))) == ["ticket_rated"]
    assert office.refusal(q.RateTicket(id, 1)).code == "already_rated"


@pytest.mark.parametrize(("level", "opens"), [(5, False), (4, False), (3, False), (2, True), (1, True)])
def test_the_last_two_of_five_are_bad(level: int, opens: bool) -> None:
    """A bad rating opens a rectification of the zone's supervisor: contact in 1 working day, mended in 15."""
    office = Office(at="2026-11-20 09:00")  # a Friday
    id = office.served()
    found = of(office.do(q.RateTicket(id, level)), o.MatterOpened)
    assert len(found) == opens
    if opens:
        assert (found[0].what, found[0].owner, found[0].about) == ("rectification", "supervisor:g", id)
        assert (found[0].contact_by, found[0].due_at) == (local("2026-11-23 17:30"), local("2026-12-11 17:30"))


def test_a_bad_rating_where_no_supervisor_sits() -> None:
    """The hall manager owns it."""
    office = Office(windows=("w5",))
    ticket = office.begin("C", "w5")
    office.do(c.FinishTicket("w5"))
    assert of(office.do(q.RateTicket(ticket, 2)), o.MatterOpened)[0].owner == "manager"


def test_a_bad_rating_of_another_day_is_the_same_zones() -> None:
    """The ticket has left the state at the day turn; its zone's supervisor owns the matter all the same."""
    office = Office()
    served = office.served()
    office.until("2026-11-25 09:00")
    assert served not in office.hall.state.tickets
    assert of(office.do(q.RateTicket(served, 1)), o.MatterOpened)[0].owner == "supervisor:g"
    office.until("2026-12-31 09:00")
    assert office.hall.state.offices.claim_zones.keys() == office.hall.state.offices.claims.keys()


def test_a_default_is_no_rating() -> None:
    """The system's default counts nowhere: it opens nothing, and the citizen's own word may still come."""
    office = Office()
    ticket = office.served()
    assert kinds(office.do(q.RateTicket(ticket, 1, active=False))) == ["ticket_rated"]
    assert office.refusal(q.RateTicket(ticket, 5, active=False)).code == "already_rated"
    assert kinds(office.do(q.RateTicket(ticket, 2))) == ["ticket_rated", "matter_opened", "alert_raised"]
    assert office.refusal(q.RateTicket(ticket, 2, active=False)).code == "already_rated"


def test_an_undone_finish_takes_the_claim_back() -> None:
    """Who is being served again cannot rate yet; after the real finish once."""
    office = Office()
    ticket = office.served()
    office.do(c.Undo("w1"))
    assert office.refusal(q.RateTicket(ticket, 5)).code == "nothing_to_rate"
    office.do(c.FinishTicket("w1"))
    office.do(q.RateTicket(ticket, 5))


def test_a_finish_taken_back_over_night_keeps_its_rating() -> None:
    """Who rated before the finish was taken back does not open a second matter when he is done on another day."""
    office = Office()
    matter = bad(office)
    office.do(c.Undo("w1"))
    office.until("2026-11-24 09:00")
    office.do(c.FinishTicket("w1"))
    assert office.refusal(q.RateTicket(matter.removeprefix("bad-"), 1)).code == "already_rated"
    office.until("2026-12-31 09:00")
    assert office.matter(matter).state == "open"


def test_a_claim_ends() -> None:
    """A ticket can be rated for as many days as the plan says, also when it has left the state; then no more."""
    office = Office()
    early, late = office.served(), office.served()
    office.until("2026-11-30 08:00")
    assert early not in office.hall.state.tickets
    office.do(q.RateTicket(early, 4))
    office.until("2026-12-02 08:00")
    assert office.refusal(q.RateTicket(late, 4)).code == "nothing_to_rate"
    assert (office.hall.state.offices.claims, office.hall.state.offices.ratings) == ({}, {})


def test_follow_up_rating() -> None:
    """After a bad rating was mended the citizen may rate once more (追评), and only once."""
    office = Office()
    matter = bad(office)
    ticket = matter.removeprefix("bad-")
    assert office.refusal(q.RateTicket(ticket, 5)).code == "already_rated"
    office.do(q.SolveMatter(matter, "sealed:1:x"))
    found = of(office.do(q.RateTicket(ticket, 4)), o.TicketRated)
    assert [ev.follow_up for ev in found] == [True]
    assert office.refusal(q.RateTicket(ticket, 5)).code == "already_rated"


def test_follow_up_after_the_matter_is_closed() -> None:
    """Closed on Monday, rated on Thursday: the claim stays as long as an ordinary one, then both are gone."""
    office = Office()
    one, two = bad(office), bad(office)
    for matter in (one, two):
        office.do(q.SolveMatter(matter, "sealed:1:x"))
        office.do(q.CallBackMatter(matter))
        office.do(q.CloseMatter(matter))
    office.until("2026-11-26 09:00")
    assert of(office.do(q.RateTicket(one.removeprefix("bad-"), 1)), o.TicketRated)[0].follow_up
    assert office.matter(one).state == "closed"
    office.until("2026-12-05 09:00")
    assert office.hall.state.offices.matters == {}
    assert office.refusal(q.RateTicket(two.removeprefix("bad-"), 5)).code == "nothing_to_rate"
    assert office.hall.state.offices.follow_ups == {}


def test_a_bad_follow_up_opens_the_matter_again() -> None:
    """Still bad after it was said to be mended: somebody's matter again."""
    office = Office()
    matter = bad(office)
    office.do(q.SolveMatter(matter, "sealed:1:x"))
    again = office.do(q.RateTicket(matter.removeprefix("bad-"), 2))
    assert kinds(again) == ["ticket_rated", "matter_reopened", "alert_raised"]
    assert office.matter(matter).state == "open"


def test_both_limits_speak_once() -> None:
    """Nobody contacted and nothing mended: overdue once for each, at its second, however late anybody looks."""
    office = Office()
    matter = bad(office)
    office.until("2026-11-24 17:29")
    assert not of(office.events, o.MatterOverdue)
    office.until("2027-01-10 09:00")
    found = of(office.events, o.MatterOverdue)
    assert [(ev.what, ev.due) for ev in found] == [
        ("contact", local("2026-11-24 17:30")), ("due", local("2026-12-14 17:30")),
    ]  # fmt: skip
    alert = office.alert(f"matter_late:{matter}")
    assert alert is not None
    assert alert.owner == "manager"
    assert office.matter(matter).overdue
    office.do(q.SolveMatter(matter, "sealed:1:x"))
    assert office.alert(f"matter_late:{matter}") is None


def test_contact_ends_its_alert() -> None:
    """Contacted too late but before the other limit: what the alert was about is over."""
    office = Office()
    matter = bad(office)
    office.until("2026-11-25 09:00")
    assert kinds(office.do(q.ContactMatter(matter))) == ["matter_contacted", "alert_ended"]
    assert office.do(q.ContactMatter(matter)) == []
    office.until("2026-12-15 09:00")
    assert [ev.what for ev in of(office.events, o.MatterOverdue)] == ["contact", "due"]
    assert office.alert(f"matter_late:{matter}") is not None


@pytest.mark.parametrize(
    ("what", "contact", "due"),
    [
        (MatterKind.COMPLAINT, "2026-11-24 17:30", "2026-11-30 17:30"),
        (MatterKind.UNRESOLVED, "2026-11-24 17:30", "2026-11-30 17:30"),
        (MatterKind.ENQUIRY, "2026-11-24 17:30", "2026-11-24 17:30"),
    ],
)
def test_a_registered_matter(what: MatterKind, contact: str, due: str) -> None:
    """Complaints, what could not be done and enquiries have an owner, a channel and their limits in working days."""
    office = Office()
    office.do(q.OpenMatter("m1", what, "anna", about="A001", channel="12345", holder="p1", note="sealed:1:x"))
    found = office.matter("m1")
    assert (found.owner, found.channel, found.holder, found.note) == ("anna", "12345", "p1", "sealed:1:x")
    assert (found.contact_by, found.due_at) == (local(contact), local(due))
    assert office.refusal(q.OpenMatter("m1", what, "anna")).code == "matter_exists"


def test_rectifications_come_from_ratings_alone() -> None:
    """Nobody opens one by hand."""
    assert Office().refusal(q.OpenMatter("m1", MatterKind.RECTIFICATION, "anna")).code == "invalid"


def test_first_person_asked_owns_it() -> None:
    """首问负责: the first owner stays until the matter is closed or formally handed over."""
    office = Office()
    office.do(q.OpenMatter("m1", MatterKind.ENQUIRY, "anna"))
    office.do(q.ContactMatter("m1"))
    assert office.matter("m1").owner == "anna"
    assert office.do(q.HandOverMatter("m1", "anna")) == []
    office.do(q.HandOverMatter("m1", "bo"))
    office.do(q.SolveMatter("m1", "sealed:2:x"))
    assert (office.matter("m1").owner, office.matter("m1").solved_at) == ("bo", office.now)
    assert office.refusal(q.HandOverMatter("m1", "cy")).code == "matter_state"


def test_the_whole_way_with_a_second_round() -> None:
    """Solved, called back, not solved after all, solved again, called back, closed; then gone at the day turn."""
    office = Office()
    office.do(q.OpenMatter("m1", MatterKind.UNRESOLVED, "anna"))
    assert office.refusal(q.CallBackMatter("m1")).code == "matter_state"
    assert office.refusal(q.CloseMatter("m1")).code == "matter_state"
    for _ in range(2):
        office.do(q.SolveMatter("m1", "sealed:2:x"))
        assert office.refusal(q.SolveMatter("m1", "again")).code == "matter_state"
        office.do(q.CallBackMatter("m1"))
        if _ == 0:
            office.do(q.ReopenMatter("m1"))
            assert office.matter("m1").state == "open"
    office.do(q.CloseMatter("m1"))
    assert office.refusal(q.ReopenMatter("m1")).allowed == ()
    assert office.refusal(q.ContactMatter("m2")).code == "unknown_matter"
    office.until("2026-11-24 00:00")
    assert office.hall.state.offices.matters == {}


def test_reopened_before_and_after_the_limit() -> None:
    """Reopened in time its clock runs on; reopened after the limit it is late at once, and said so once."""
    office = Office()
    for id in ("early", "late"):
        office.do(q.OpenMatter(id, MatterKind.COMPLAINT, "anna"))
        office.do(q.SolveMatter(id, "sealed:2:x"))
    office.do(q.ReopenMatter("early"))
    office.until("2026-12-01 09:00")
    assert [(ev.matter, ev.due) for ev in of(office.events, o.MatterOverdue)] == [("early", local("2026-11-30 17:30"))]
    office.do(q.ReopenMatter("late"))
    found = of(office.wake(), o.MatterOverdue)
    assert [(ev.matter, ev.due) for ev in found] == [("late", local("2026-11-30 17:30"))]
    office.do(q.SolveMatter("late", "sealed:2:x"))
    office.wait(1)
    assert kinds(office.do(q.ReopenMatter("late"))) == ["matter_reopened", "alert_raised"]
    assert office.wake() == []
    assert office.alert("matter_late:late") is not None
