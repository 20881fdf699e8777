"""The handbook's 22 elements, cross-region cases, assisted tickets, services that are no case: in the rules."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.halls import Driver, make_plan, problems, tables
from tests.core.offices import WORDS, Office, item, of, office_plan
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.engine import Hall
from tidehall.hall.handbook import ELEMENTS, completeness, lacking
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import Delivery
from tidehall.hall.plan import Plan
from tidehall.queue.tickets import Channel

FORM = {"name": WORDS, "address": "/forms/a.pdf"}
GUIDE: dict[str, Any] = {
    "basis": [WORDS], "result_sample": FORM, "fee_basis": WORDS, "process": [WORDS], "forms": ["window"],
    "review": [WORDS], "scope": WORDS, "online_payment": False, "courier": True,
}  # fmt: skip


def plan_with(**more: Any) -> Plan:
    """The small hall with one item that has everything beside `more`."""
    whole: dict[str, Any] = {"statutory_days": 9, "result": WORDS, "fee": 100, "guide": GUIDE} | more
    hall = {"consultation": "12345", "supervision": "12345"}
    return make_plan(hall=hall, items=[item("X", "promised", "id", promised_days=5, **whole)])


def test_twenty_two_elements() -> None:
    """The list is the official one's length, and an item with a whole guide lacks none of it."""
    plan = plan_with()
    assert len(ELEMENTS) == len(set(ELEMENTS)) == 22
    assert lacking(plan, plan.items[0]) == ()
    assert completeness(plan).share == 1.0


@pytest.mark.parametrize(("name", "element"), [
    ("basis", "basis"), ("result_sample", "result_sample"), ("fee_basis", "fee_basis"), ("process", "process"),
    ("forms", "forms"), ("review", "review"), ("scope", "scope"), ("online_payment", "online_payment"),
    ("courier", "courier"),
])  # fmt: skip
def test_what_a_guide_leaves_out_lacks(name: str, element: str) -> None:
    """Each part that is left out is one element less, and that one."""
    plan = plan_with(guide={key: value for key, value in GUIDE.items() if key != name})
    assert lacking(plan, plan.items[0]) == (element,)


def test_what_needs_no_saying() -> None:
    """Where nothing is charged there is no basis and no way of paying to tell; an item done at once has no term."""
    plan = make_plan(items=[item("X", "immediate", "id", result=WORDS)])
    lacks = lacking(plan, plan.items[0])
    assert not {"fee_basis", "online_payment", "statutory_days", "place", "hours", "body"} & set(lacks)
    assert lacks[-2:] == ("consultation", "supervision")


def test_telephones_come_from_the_nearest() -> None:
    """The item's own telephone stands before its department's, and that before the hall's."""
    plan = make_plan(departments=[{"id": "d", "name": WORDS, "consultation": "1"}], items=[item("X", "immediate")])
    assert "consultation" not in lacking(plan, plan.items[0])
    assert "supervision" in lacking(plan, plan.items[0])


def test_the_worst_come_first() -> None:
    """The figure over a plan names the items with the fewest elements first."""
    full: dict[str, Any] = {"statutory_days": 9, "result": WORDS, "fee": 100, "guide": GUIDE, "promised_days": 5}
    found = completeness(make_plan(items=[item("FULL", "promised", "id", **full), item("BARE", "immediate")]))
    assert [code for code, _ in found.worst] == ["BARE", "FULL"]
    assert (found.items, found.of) == (2, 44)
    assert 0 < found.share < 1


@pytest.mark.parametrize(("changes", "place"), [
    ({"items": [item("X", "immediate", guide={"colour": "red"})]}, "items[0].guide.colour"),
    ({"items": [item("X", "immediate", guide={"forms": ["by_pigeon"]})]}, "items[0].guide.forms[0]"),
    ({"items": [item("X", "immediate", guide={"result_sample": {"name": WORDS, "address": "javascript:x"}})]},
     "items[0].guide.result_sample.address"),
    ({"items": [item("X", "immediate", materials=[
        {"code": "a", "name": WORDS, "standard": {"form": {"name": WORDS, "address": "//elsewhere"}}}])]},
     "items[0].materials[0].standard.form.address"),
    ({"items": [item("X", "immediate", materials=[{"code": "a", "name": WORDS, "standard": {"copies": -1}}])]},
     "items[0].materials[0].standard.copies"),
    ({"hall": {"regions": {"a b": WORDS}}}, "hall.regions"),
    ({"reasons": [{"kind": "reject", "code": "No!", "name": WORDS}]}, "reasons[0].code"),
    ({"reasons": [{"kind": "pause", "code": "x", "name": WORDS}]}, "reasons[0].kind"),
    ({"reasons": [{"kind": "reject", "code": "x", "name": WORDS}] * 2}, "reasons[1].code"),
])  # fmt: skip
def test_mistake_has_its_place(changes: dict[str, Any], place: str) -> None:
    """A wrong handbook, region or reason is named where it stands."""
    assert [problem.partition(":")[0] for problem in problems(tables(**changes))] == [place]


# ---- regions


def cross_plan() -> Plan:
    """An office hall whose PRO is taken in for other regions."""
    return office_plan(items=[item("PRO", "promised", "id", promised_days=5, cross_region=True),
                              item("OWN", "immediate", "id")], bundles=[], authorisations=[])  # fmt: skip


def received(code: str, origin: str | None) -> q.ReceiveCase:
    """Papers by courier."""
    return q.ReceiveCase("far", "w1", code, ("id",), Delivery("window"), source="courier", origin=origin)


def test_a_case_keeps_its_region() -> None:
    """The region stands in the event and in the case, and none is a case of our own."""
    d = Office(cross_plan())
    assert of(d.do(received("PRO", "420281")), o.CaseReceived)[0].origin == "420281"
    assert d.hall.state.offices.cases["far"].origin == "420281"
    assert Hall.restore(d.hall.snapshot()).state.offices.cases["far"].origin == "420281"
    assert d.hall.state.offices.cases[d.intake("OWN")].origin is None


def test_only_items_that_are_for_other_regions() -> None:
    """An item that is not handled across regions is refused with the field's name."""
    assert "origin" in Office(cross_plan()).refusal(received("OWN", "420281")).details["fields"]


# ---- assisted


def test_a_helper_goes_with_the_ticket_into_the_case() -> None:
    """The guide names a helper: the ticket carries him, and so does the case that is taken in with it."""
    d = Office()
    d.do(c.TakeTicket("t1", item="PRO", channel=Channel.GUIDE, helper="3001"))
    assert d.hall.state.tickets["t1"].helper == "3001"
    d.do(c.CallTicket("w1"))
    d.do(c.StartService("w1"))
    assert d.hall.state.offices.cases[d.intake(ticket="t1")].helper == "3001"
    assert d.hall.state.offices.cases[d.intake(ticket="t1", helper="3002")].helper == "3002"


# ---- services


def figures(d: Driver) -> dict[str, tuple[int, int]]:
    """Today's: zone:kind → (count, outside)."""
    state = d.hall.state
    return {key: (found.count, found.outside) for key, found in state.services.get(state.day, {}).items()}


def test_services_are_counted_by_day_and_zone() -> None:
    """Each kind in each zone has its own figure, and the next day begins at nothing."""
    d = Driver()
    d.do(c.CountService("g", "print_copy"))
    d.do(c.CountService("g", "print_copy", 2))
    d.do(c.CountService("p", "online_guided"))
    assert figures(d) == {"g:print_copy": (3, 0), "p:online_guided": (1, 0)}
    kept = Hall.restore(d.hall.snapshot())
    assert kept.facts() == d.hall.facts()
    d.now += 15 * 3_600_000_000
    d.do(c.CountService("g", "self_service"))
    assert figures(d) == {"g:self_service": (1, 1)}, "at midnight the day has turned and the hall is closed"
    assert len(d.hall.state.services) == 2


def test_a_count_is_taken_back_within_the_undo_time() -> None:
    """One press too many is undone for 30 seconds, once, and never below what was counted."""
    d = Driver()
    assert d.refusal(c.CountService("g", "print_copy", -1)).code == "nothing_counted"
    d.do(c.CountService("g", "print_copy"))
    assert of(d.do(c.CountService("g", "print_copy", -1)), e.ServiceCounted)[0].count == -1
    assert d.refusal(c.CountService("g", "print_copy", -1)).code == "nothing_counted"
    d.do(c.CountService("g", "print_copy"))
    d.now += 30_000_001
    assert d.refusal(c.CountService("g", "print_copy", -1)).code == "nothing_counted"
    assert figures(d) == {"g:print_copy": (1, 0)}


@pytest.mark.parametrize(("command", "code"), [
    (c.CountService("nowhere", "print_copy"), "unknown_zone"),
    (c.CountService("g", "print_copy", 0), "invalid"),
    (c.CountService("g", "print_copy", 101), "invalid"),
])  # fmt: skip
def test_what_is_no_count(command: c.CountService, code: str) -> None:
    """A zone that is not there and a count of nothing, or of too much, are refused."""
    assert Driver().refusal(command).code == code
