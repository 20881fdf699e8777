"""A supervisor's orders of the day: what boards say, and where runners carry."""

from __future__ import annotations

import pytest

from tests.core.halls import SECOND, Driver, make_plan, tables
from tests.core.offices import Office, kinds
from tidehall.hall import commands as c
from tidehall.hall.commands import Command
from tidehall.hall.engine import Hall


def test_a_notice_ends_at_its_own_time_with_the_day_or_by_hand() -> None:
    """The second at which it ends is told; the day's end needs no event; what was taken down is gone."""
    driver = Driver()
    driver.do(c.PostNotice("n1", "sealed:1:x", until=driver.now + 600 * SECOND))
    driver.do(c.PostNotice("n2", "sealed:2:x", zone="g"))
    driver.do(c.PostNotice("n3", "sealed:3:x", board="main"))
    assert driver.hall.wakes_at() == driver.now + 600 * SECOND
    due = driver.now + 600 * SECOND
    assert [(ev.__class__.__name__, getattr(ev, "due", None)) for ev in driver.wait(900)] == [("NoticeEnded", due)]
    driver.do(c.EndNotice("n3"))
    assert list(driver.hall.state.notices) == ["n2"]
    assert driver.refusal(c.EndNotice("n3")).code == "unknown_notice"
    restored = Hall.restore(driver.hall.snapshot())
    assert restored.facts() == driver.hall.facts() == driver.replayed().facts()
    driver.until("2026-11-24 00:00")
    assert not driver.hall.state.notices


def test_a_notice_changes_its_boards_alone() -> None:
    """The positions of the zones whose boards show it move; that of another zone stays."""
    boards = [{"id": "main", "zones": ["g"]}, {"id": "other", "zones": ["p"]}]
    driver = Driver(make_plan(boards=boards))
    seq = driver.hall.state.zone_seq.copy()
    driver.do(c.PostNotice("n1", "sealed:1:x", board="main"))
    moved = driver.hall.state.zone_seq
    assert (moved["g"] > seq["g"], moved["p"]) == (True, seq["p"])
    driver.do(c.PostNotice("n2", "sealed:2:x"))
    assert moved["p"] > seq["p"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (c.PostNotice("n", "x", zone="nowhere"), "unknown_zone"),
        (c.PostNotice("n", "x", board="nowhere"), "unknown_board"),
        (c.PostNotice("n", "x", zone="g", board="main"), "invalid"),
        (c.PostNotice("n", "x", until=1), "invalid"),
        (c.MoveRunner("r", "nowhere"), "unknown_zone"),
    ],
)
def test_orders_that_make_no_sense_are_refused(command: Command, code: str) -> None:
    """Places that are not there, two places at once, a time that is over."""
    assert Driver().refusal(command).code == code


def test_a_runner_is_sent_for_the_day() -> None:
    """To a zone, to the pool, the same again changes nothing; the next day he is where his post is."""
    office = Office()
    assert kinds(office.do(c.MoveRunner("r1", "p"))) == ["runner_moved"]
    assert office.do(c.MoveRunner("r1", "p")) == []
    assert office.hall.state.runners["r1"].zone == "p"
    office.do(c.MoveRunner("r1"))
    assert office.hall.state.runners["r1"].zone == "pool"
    assert Hall.restore(office.hall.snapshot()).facts() == office.hall.facts()
    office.until("2026-11-24 00:00")
    assert not office.hall.state.runners


def test_an_order_of_a_plan_without_boards_is_kept() -> None:
    """A hall may have no board at all: the notice stands, nobody shows it."""
    driver = Driver(make_plan(**{name: value for name, value in tables(boards=[]).items() if name != "hall"}))
    driver.do(c.PostNotice("n", "sealed:1:x"))
    assert list(driver.hall.state.notices) == ["n"]
