"""Figures over several days, and what the offices add to them (design section 6)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.core.halls import Driver
from tests.core.offices import office_plan
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall import kept as k
from tidehall.hall.figures import COUNTS, figures, per_day
from tidehall.hall.measures import Measures

ZONE = "Asia/Shanghai"
SECOND = 1_000_000
#: Monday 23 November 2026, 09:00 in Shanghai, µs, and a day.
NINE, A_DAY = 1_795_395_600 * SECOND, 86_400 * SECOND


def days(*waits: list[float], closed: int = 0) -> k.Kept:
    """Open days, one after the other, with visits that waited so long (s); then `closed` days without opening."""
    kept = k.Kept()
    for n in range(len(waits) + closed):
        at, day = NINE + n * A_DAY, f"2026-11-{23 + n}"
        kept.put(k.Day(day, at, day, opened=n < len(waits), until=at))
        for i, wait in enumerate(waits[n] if n < len(waits) else []):
            kept.put(k.Visit(f"{n}-{i}", at, day, "g", "A", since=at, first_call=at + round(wait * SECOND)))
    return kept


def test_counts_are_means_per_open_day_and_quantiles_of_all_citizens() -> None:
    """Two open days and a closed one: 4 people and 1: 2.5 a day; the mean wait is of all five, not of two means."""
    kept = days([10, 20, 30, 40], [100], closed=1)
    found = figures(kept, "hall", ZONE)[""]
    assert (found.days, found.tickets) == (2, 5)
    assert found.wait is not None
    assert (found.wait.n, found.wait.mean, found.wait.p50, found.wait.p90, found.wait.max) == (5, 40, 30, 100, 100)
    daily = per_day(found)
    assert (daily.tickets, daily.called, daily.waiting) == (2.5, 2.5, 2.5)
    assert daily.wait == found.wait


def test_parts_of_a_month_have_their_own_days() -> None:
    """By day each part is one day, by month its open days, by line all open days, by hour of day all that hour's."""
    kept = days([10, 20], [30])
    assert {key: (f.days, f.tickets) for key, f in figures(kept, "day", ZONE).items()} == {
        "2026-11-23": (1, 2), "2026-11-24": (1, 1),
    }  # fmt: skip
    for by, key in (("month", "2026-11"), ("line", "A"), ("zone", "g"), ("hour_of_day", "09")):
        found = figures(kept, by, ZONE)  # type: ignore[arg-type] # one of By
        assert {name: (f.days, f.tickets) for name, f in found.items()} == {key: (2, 3)}, by
    assert figures(kept, "hour", ZONE).keys() == {"2026-11-23T09", "2026-11-24T09"}


def test_an_alert_counts_to_its_zone_whoever_owns_it() -> None:
    """What happened in a zone counts there, also when the manager owns it; a department's papers count to no zone."""
    measures = Measures()
    for about, owner, zone in (("A", "manager", "g"), ("B", "supervisor:p", None), ("hrss", "office:hrss", None)):
        measures.apply(e.AlertRaised(NINE, f"x:{about}", "x", about, owner, zone=zone))
    found = figures(measures.kept, "zone", ZONE)
    assert {key: part.alerts for key, part in found.items()} == {"": 1, "g": 1, "p": 1}


def test_what_cannot_be_said_of_a_part_is_not_nought() -> None:
    """A number that named no item belongs to none: the item's and the department's cases are counted, numbers, ratings
    and alerts are unknown there; of the hall, a zone and a line all that they have is said."""
    kept = days([10, 20])
    kept.put(k.Intake("c", NINE, "2026-11-23", "g", "A", "A-1", department="d"))
    kept.put(k.Alarm("x", NINE, "2026-11-23", "g", kind="x"))
    for by, key in (("item", "A-1"), ("department", "d")):
        parts = figures(kept, by, ZONE)  # type: ignore[arg-type] # one of By
        found = parts[key]
        assert (found.cases_received, found.hand_offs) == (1, 0)
        unsaid = (found.tickets, found.served, found.waiting, found.ratings, found.matters, found.alerts)
        assert {*unsaid, found.alerts_by_kind, found.services, found.window_hours} == {None}, by
        assert per_day(found) == found
        assert (parts[""].tickets, parts[""].alerts) == (2, None)
    hall, zone, line = (
        figures(kept, "hall", ZONE)[""],
        figures(kept, "zone", ZONE)["g"],
        figures(kept, "line", ZONE)["A"],
    )
    assert all(getattr(hall, name) is not None for name in COUNTS)
    assert (zone.alerts, zone.ratings, line.ratings, line.alerts, line.window_hours) == (1, 0, 0, None, None)
    kept.put(k.Visit("v", NINE, "2026-11-23", "g", "A", "A-1", since=NINE, department="d"))
    named = figures(kept, "item", ZONE)["A-1"]
    assert (named.tickets, named.served, named.ratings, named.alerts) == (1, 0, 0, None)


def test_the_order_of_records_does_not_matter() -> None:
    """Records laid together in another order give the same figures."""
    kept, turned = days([10, 20, 70], [30, 5]), k.Kept()
    for records in kept.of.values():
        for record in reversed(list(records.values())):
            turned.put(record)
    for by in ("hall", "day", "hour", "line"):
        assert figures(kept, by, ZONE) == figures(turned, by, ZONE)


def test_a_window_open_over_midnight_is_open_on_both_days() -> None:
    """Its opening is cut at the turn of the day, so each day has its own hours."""
    d = Driver(at="2026-11-23 17:00")
    d.until("2026-11-24 09:00")
    d.do(c.CloseWindow("w1"))
    m = Measures()
    for event in d.events:
        m.apply(event)
    found = figures(m.kept, "day", ZONE)
    assert found["2026-11-23"].window_hours == pytest.approx(7)
    assert found["2026-11-24"].window_hours == pytest.approx(9)
    assert m.figures()[""].window_hours == pytest.approx(16)


def test_another_clerk_at_an_open_window_has_the_rest_of_it() -> None:
    """Utilisation by person: who takes over an open window is open from that moment on."""
    d = Driver()
    d.wait(600)
    d.do(c.SignIn("w1", "other", take_over=True))
    d.wait(300)
    d.do(c.CloseWindow("w1"))
    m = Measures()
    for event in d.events:
        m.apply(event)
    hours = {key: (f.window_hours or 0) * 3600 for key, f in m.figures("staff").items()}
    assert hours.pop("other") == pytest.approx(300)
    assert sum(hours.values()) == pytest.approx(600)


def test_a_record_says_what_goes_on() -> None:
    """What may change on a later day says so: an open visit does, the same finished does not."""
    visit = k.Visit("t", NINE, "2026-11-23")
    assert visit.going_on
    assert not replace(visit, outcome="finished").going_on
    assert k.Intake("c", NINE, "2026-11-23").going_on
    assert not k.Rating("t", NINE, "2026-11-23").going_on


def test_a_fold_taken_up_again_goes_on_as_if_nothing_had_happened() -> None:
    """At every event of a day with mishaps: the records so far, and the hall's state, are all that a fold needs."""
    d = Driver(windows=("w1", "w2"))
    whole = Measures()
    again = Measures()
    done = 0
    for n in range(12):
        d.do(c.TakeTicket(f"t{n}", "AB"[n % 2]))
        d.wait(40)
        if n % 3:
            d.do(c.CallTicket(f"w{1 + n % 2}"))
            d.wait(20)
            if n % 3 == 2:
                d.do(c.StartService(f"w{1 + n % 2}"))
                d.wait(200)
                d.do(c.FinishTicket(f"w{1 + n % 2}"))
            else:
                d.wait(60)
                d.do(c.MissTicket(f"w{1 + n % 2}"))
        for event in d.events[done:]:
            whole.apply(event)
            again.apply(event)
        done = len(d.events)
        taken_up = Measures()
        taken_up.resume(d.hall.state, [record for records in again.kept.of.values() for record in records.values()])
        assert taken_up.waits == whole.waits
        again = taken_up
    for by in ("hall", "line", "window", "staff", "day"):
        assert again.figures(by) == whole.figures(by)


def test_cases_and_hand_offs_are_figures_of_their_zone() -> None:
    """What the measures keep of an office's plan: lines, windows and items know their zones (R135's windows too)."""
    m = Measures()
    m.learn(office_plan())
    m.turn(NINE)
    assert m.window_zone
    assert set(m.line_zone.values()) <= {zone.id for zone in office_plan().zones}
    assert m.today.windows >= m.today.general > 0
