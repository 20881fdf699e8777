"""The published indicators, each against a day small enough to reckon by hand (domain.md 8; R31, R32, R107, R135)."""

from __future__ import annotations

import pytest

from tidehall.hall import kept as k
from tidehall.hall.indicators import INDICATORS, Facts, Unknown, facts_of, indicators
from tidehall.hall.targets import HandOffGoal, Targets, UtilisationGoal, WaitGoal

ZONE, DAY = "Asia/Shanghai", "2026-11-23"
SECOND = 1_000_000
#: Monday 23 November 2026, 09:00 in Shanghai, µs.
NINE = 1_795_395_600 * SECOND


#: Called within 100 s; the other two away from what is usual.
TARGETS = Targets(WaitGoal(0.8, 100), HandOffGoal(0.97), UtilisationGoal(0.4, 0.7))


def visit(id: str, outcome: str, wait: float | None = None, service: float = 0) -> k.Visit:
    """Taken at nine; called after `wait` s; served for `service` s."""
    called = 0 if wait is None else NINE + round(wait * SECOND)
    serving = [k.Interval(called, called + round(service * SECOND), "w1", "g", "1042", None)] if service else []
    return k.Visit(id, NINE, DAY, "g", since=NINE, first_call=called, serving=serving, outcome=outcome, ended=NINE + 1)


def a_day() -> k.Kept:
    """Six visits, four cases, three hand-offs, three ratings."""
    due, late = NINE + 100 * SECOND, NINE + 200 * SECOND
    kept = k.Kept()
    for record in (
        k.Day(DAY, NINE, DAY, opened=True, until=NINE, windows=4, general=3, statutory=20, promised=12),
        visit("v1", "finished", 60, 300), visit("v2", "finished", 180, 600), visit("v3", "cancelled"),
        visit("v4", "void", 30), visit("v5", "rejected", 0, 100), visit("v6", "expired"),
        k.Opening("w1@", NINE, DAY, "g", window="w1", end=NINE + 2000 * SECOND),
        k.Alarm("a1", NINE, DAY, "g", kind="long_wait"), k.Alarm("a2", NINE, DAY, "g", kind="long_wait"),
        k.Alarm("a3", NINE, DAY, "g", kind="long_service"),
        *(k.Intake(f"c{n}", NINE, DAY, overdue=n == 0) for n in range(4)),
        k.Decision("c0", late, DAY, kind="promised", due_at=due),
        k.Decision("c1", NINE, DAY, kind="immediate"),
        k.Decision("c2", NINE, DAY, kind="promised", due_at=due, early=True),
        k.Decision("c3", due, DAY, kind="promised", due_at=due, notices=1),
        k.Delivery("c1", NINE, DAY, visits=1), k.Delivery("c2", NINE, DAY, visits=2),
        k.Carriage("h1", NINE, DAY, due_at=due, verified_at=due),
        k.Carriage("h2", NINE, DAY, due_at=due, verified_at=late, breached=True),
        k.Carriage("h3", NINE, DAY, due_at=due, breached=True, onward=True),
        k.Rating("v1", NINE, DAY, level=5), k.Rating("v2", NINE, DAY, level=1),
        k.Rating("v5", NINE, DAY, level=5, active=False), k.Rating("v2:2", NINE, DAY, level=4, follow_up=True),
        k.Complaint("bad-v2", NINE, DAY, what="rectification", solved_at=late, called_back_at=late),
        k.Tallied("s1", NINE, DAY, kind="self_service", count=2),
        k.Tallied("s2", NINE, DAY, kind="online_guided", count=1),
        k.Tallied("s3", NINE, DAY, kind="print_copy", count=5),
    ):  # fmt: skip
        kept.put(record)
    return kept


WORTH = {
    "tickets": 6, "called": 4, "attended": 3, "finished": 2, "abandoned": 3, "wait_mean": 67.5, "wait_longest": 180,
    "wait_within": 0.75,
    "service_mean": 1000 / 3, "utilisation": 0.5, "waits_over": 2, "services_over": 1, "hand_offs_over": 1,
    "cases_over": 1, "hand_offs_on_time": 0.5, "received": 4, "decided": 4, "at_once": 0.25, "early": 1 / 3,
    "on_time": 2 / 3, "complete_at_first": 0.75, "at_most_one_visit": 0.5, "time_cut": 0.4, "good": 0.5, "bad": 1,
    "rectified": 1, "called_back": 1, "rated": 2 / 3, "rated_by_default": 1 / 3, "diverted": 1 / 3,
    "general_windows": 0.75,
}  # fmt: skip


@pytest.mark.parametrize("name", WORTH)
def test_an_indicator_is_its_definition(name: str) -> None:
    """Each published indicator has the value that its definition gives for a day reckoned by hand."""
    facts = facts_of(a_day(), ZONE, TARGETS)
    assert facts is not None
    found = next(i for i in INDICATORS if i.name == name).of(facts)
    assert found == pytest.approx(WORTH[name])


def test_every_indicator_is_tested_or_says_why_it_cannot_be() -> None:
    """What no record says, ages, is unknown with its reason; every other indicator stands in the table above."""
    facts = facts_of(a_day(), ZONE, TARGETS)
    assert facts is not None
    unknown = {i.name: i.of(facts) for i in INDICATORS if i.name not in WORTH}
    assert unknown == {"ages": Unknown("not_recorded")}


def test_a_day_on_which_nothing_happened_has_no_shares() -> None:
    """An open day without anybody: counts are 0, shares and times unknown, never 0 (design section 6)."""
    kept = k.Kept()
    assert facts_of(kept, ZONE, TARGETS) is None
    unknown = {i.name: i.found(None) for i in INDICATORS}
    assert unknown.pop("ages") == Unknown("not_recorded"), "as in every other period"
    assert set(unknown.values()) == {Unknown("nothing")}
    kept.put(k.Tallied("s", NINE, DAY, kind="print_copy", count=1))
    facts = facts_of(kept, ZONE, TARGETS)
    assert isinstance(facts, Facts)
    for indicator in INDICATORS:
        found = indicator.of(facts)
        assert found == 0 if indicator.kind == "count" else isinstance(found, Unknown), indicator.name


def test_the_plan_s_targets_stand_beside_their_indicators() -> None:
    """Waits, hand-offs and windows are judged by the plan; a target that the authority has set stays."""
    found = {i.name: (i.target, i.most) for i in indicators(TARGETS) if i.target is not None}
    assert found["wait_within"] == (0.8, None)
    assert found["hand_offs_on_time"] == (0.97, None)
    assert found["utilisation"] == (0.4, 0.7)
    assert found["on_time"] == (1.0, None)
