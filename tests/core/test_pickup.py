"""Collecting results by number: which line, which cases, who may not, and what replays."""

from __future__ import annotations

from typing import Any

from msgspec import json

from tests.core.halls import Driver, make_plan
from tests.core.offices import WORDS, Office, office_plan, office_tables
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.engine import Hall
from tidehall.hall.measures import Measures
from tidehall.hall.papers import commands as q
from tidehall.hall.papers.objects import Delivery
from tidehall.hall.plan import Plan

LI, WANG = "person-li", "person-wang"


def plan(**changes: Any) -> Plan:
    """The offices' hall with an issue window and a pickup line in both zones."""
    base = office_tables()
    return office_plan(
        lines=[
            *base["lines"],
            {"id": "R", "letter": "R", "zone": "g", "name": WORDS, "purpose": "pickup"},
            {"id": "S", "letter": "S", "zone": "p", "name": WORDS, "purpose": "pickup"},
        ],
        windows=[
            *base["windows"],
            {"id": "i1", "label": "8", "zone": "g", "post": "issue", "lines": ["R"]},
            {"id": "i2", "label": "9", "zone": "p", "post": "issue", "lines": ["S"]},
        ],
        **changes,
    )


class Post(Office):
    """An office whose issue window is open."""

    def __init__(self, hall: Plan | None = None, at: str = "2026-11-23 09:00") -> None:
        super().__init__(hall or plan(), at, windows=("w1", "i1"))

    def result(self, applicant: str | None = LI, **more: Any) -> str:
        """A case whose result lies ready."""
        id = self.decided(applicant=applicant, **more)
        self.do(q.MakeResult(id))
        self.do(q.ReadyResult(id))
        return id

    def collect(self, *cases: str, id: str = "p1", **more: Any) -> e.TicketTaken:
        """The number taken for these cases."""
        (taken,) = self.do(c.TakeTicket(id, cases=cases, **more))
        assert isinstance(taken, e.TicketTaken)
        return taken


def test_a_receipt_brings_a_number_of_the_pickup_line() -> None:
    """One number of the zone's pickup line holds everything that lies ready there for the applicant, nothing else."""
    post = Post()
    first, second = post.result(), post.result()
    others = post.result(WANG)
    under_way = post.review(applicant=LI)
    by_courier = post.result(delivery=Delivery("courier", "sealed"))
    elsewhere = post.result(item="SPE", window="w5")
    taken = post.collect(first)
    assert (taken.line, taken.number, taken.items, taken.cases) == ("R", "R001", (), (first, second))
    assert not {others, under_way, by_courier, elsewhere} & set(post.ticket("p1").cases)
    assert post.call("w1") is None, "the windows of other lines do not call it"
    assert post.call("i1") == "p1"


def test_a_case_without_a_known_applicant_is_collected_alone() -> None:
    """Nobody's results are put together."""
    post = Post()
    first, _ = post.result(None), post.result(None)
    assert post.collect(first).cases == (first,)


def test_the_visit_ends_only_by_its_finish() -> None:
    """Handing out changes the case, not the ticket; the window finishes the visit (F8)."""
    post = Post()
    case = post.result()
    post.collect(case)
    post.call("i1")
    post.do(c.StartService("i1"))
    post.do(q.DeliverResult(case, "window", "sealed"))
    assert post.case(case).stage == "delivered"
    assert (post.ticket("p1").state, post.window("i1").ticket) == ("serving", "p1")
    post.do(c.FinishTicket("i1"))
    assert (post.ticket("p1").state, post.ticket("p1").cases) == ("finished", (case,))


def test_what_cannot_be_collected_is_told() -> None:
    """Not ready (with the promised moment while it counts), not at the window, in another zone, unknown."""
    post = Post()
    under_way = post.review()
    no = post.refusal(c.TakeTicket("p1", cases=(under_way,)))
    assert (no.code, no.details["case"], no.details["stage"]) == ("result_not_ready", under_way, "in_review")
    assert no.details["due_at"] == post.case(under_way).due_at
    post.do(q.StartStep(under_way, "site_visit"))
    assert post.refusal(c.TakeTicket("p1", cases=(under_way,))).details["due_at"] is None, "its clock stands still"
    by_courier = post.result(delivery=Delivery("courier", "sealed"))
    no = post.refusal(c.TakeTicket("p1", cases=(by_courier,)))
    assert (no.code, no.details["method"]) == ("not_collected_here", "courier")
    here, there = post.result(), post.result(item="SPE", window="w5")
    no = post.refusal(c.TakeTicket("p1", cases=(here, there)))
    assert (no.code, no.details["case"], no.details["zone"]) == ("other_zone", there, "p")
    no = post.refusal(c.TakeTicket("p1", cases=("nothing",)))
    assert (no.code, no.status) == ("unknown_case", 404)
    for wrong in (c.TakeTicket("p1", line="A", cases=(here,)), c.TakeTicket("p1", item="PRO", cases=(here,))):
        assert post.refusal(wrong).code == "invalid"
    assert post.collect(here, line="R").line == "R"


def test_a_zone_without_pickup_line_says_so() -> None:
    """The refusal names the zone."""
    post = Office()
    case = post.decided(applicant=LI)
    post.do(q.MakeResult(case))
    post.do(q.ReadyResult(case))
    no = post.refusal(c.TakeTicket("p1", cases=(case,)))
    assert (no.code, no.details) == ("no_pickup_line", {"zone": "g"})


def test_a_case_is_collected_by_one_open_number() -> None:
    """A second number for the same case is refused with the first; what another number holds is not added."""
    post = Post()
    first = post.result()
    post.collect(first)
    second = post.result()
    no = post.refusal(c.TakeTicket("p2", cases=(second, first)))
    assert (no.code, no.details["number"], no.details["case"]) == ("already_queueing", "R001", first)
    assert post.collect(second, id="p2").cases == (second,)
    post.do(c.CancelTicket("p1"))
    assert post.collect(first, id="p3").cases == (first,)


def test_an_ended_number_does_not_take_its_case_back() -> None:
    """Undo and restore are refused while another number collects the same case."""
    post = Post()
    case = post.result()
    post.collect(case)
    post.call("i1")
    post.do(c.StartService("i1"))
    post.do(c.FinishTicket("i1"))
    post.collect(case, id="p2")
    assert post.refusal(c.Undo("i1")).details["number"] == "R002"
    for _ in range(post.plan.limits.misses):
        post.wait(post.plan.limits.postpone_min_s)
        assert post.call("i1") == "p2"
        post.miss("i1")
    assert post.ticket("p2").state == "void"
    post.collect(case, id="p3")
    no = post.refusal(c.RestoreTicket("p2", "guide"))
    assert (no.code, no.details["number"]) == ("already_queueing", "R003")


def test_the_wait_is_measured_like_any_other() -> None:
    """Taking to first call, under the pickup line."""
    post = Post()
    post.collect(post.result())
    post.wait(90)
    post.serve("i1", 45)
    measures = Measures()
    for event in post.events:
        measures.apply(event)
    figures = measures.figures("line")["R"]
    assert figures.wait is not None
    assert figures.service is not None
    assert (figures.served, figures.wait.max, figures.service.max) == (1, 90.0, 45.0)


def test_replay_and_snapshot_keep_the_cases() -> None:
    """The journal alone, and a snapshot, make the same hall again."""
    post = Post()
    case = post.result()
    post.collect(case)
    assert post.replayed().facts() == post.hall.facts()
    assert Hall.restore(post.hall.snapshot()).state.tickets["p1"].cases == (case,)


def test_a_journal_from_before_is_read() -> None:
    """Plans and numbers without the new fields mean what they meant; nothing new is written for ordinary numbers."""
    driver = Driver(make_plan())
    driver.take()
    taken = json.encode(driver.events[-1])
    assert b"cases" not in taken
    assert json.decode(taken, type=e.TicketTaken).cases == ()
    tables = json.decode(json.encode(driver.plan))
    for line in tables["lines"]:
        del line["purpose"]
    assert json.decode(json.encode(tables), type=Plan) == driver.plan


def test_a_plain_number_of_the_pickup_line_is_given() -> None:
    """Whoever has no slip may wait there too and is searched for at the window."""
    post = Post()
    assert post.ticket(post.take("R")).cases == ()
