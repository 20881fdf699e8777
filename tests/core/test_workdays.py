"""Working days: the State Council's calendar, the plan above it, weekends, pauses, and years not yet published."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.core.halls import SECOND, local, make_plan
from tests.core.offices import Office, of, office_plan
from tidehall.hall.calendar import Schedule, local_text, service_day
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.workdays import WorkDays


def days(**changes: Any) -> WorkDays:
    return WorkDays(Schedule(make_plan(**changes)))


def text(at: int) -> str:
    return local_text(at, "Asia/Shanghai")[:16].replace("T", " ")


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-01-01", False),  # 元旦, a Thursday
        ("2026-01-02", False),  # a Friday in lieu
        ("2026-01-04", True),  # a Sunday made up
        ("2026-02-14", True),  # a Saturday made up
        ("2026-02-15", False),
        ("2026-02-17", False),  # 春节
        ("2026-02-23", False),
        ("2026-02-24", True),
        ("2026-02-28", True),  # a Saturday made up
        ("2026-04-06", False),  # 清明节, a Monday
        ("2026-05-05", False),  # 劳动节
        ("2026-05-09", True),  # a Saturday made up
        ("2026-06-19", False),  # 端午节
        ("2026-09-20", True),  # a Sunday made up
        ("2026-09-25", False),  # 中秋节
        ("2026-10-07", False),  # 国庆节
        ("2026-10-08", True),
        ("2026-10-10", True),  # a Saturday made up
        ("2026-11-22", False),  # an ordinary Sunday
        ("2026-11-23", True),
    ],
)
def test_holidays_and_make_up_days_of_2026(day: str, works: bool) -> None:
    """The State Council's arrangement for 2026, and certain."""
    assert days().works(date.fromisoformat(day)) == (works, True)


def test_the_plan_overrides_the_calendar() -> None:
    """What the plan closes is no working day, and what it opens is one, whatever the country does."""
    found = days(calendar={"closed": ["2026-11-24"], "open": ["2026-11-28", "2028-01-01"]})
    assert found.works(date(2026, 11, 24)) == (False, True)
    assert found.works(date(2026, 11, 28)) == (True, True)
    assert found.works(date(2028, 1, 1)) == (True, True)


def test_a_year_not_yet_published() -> None:
    """Weekdays stand in for it, and the answer says that it is provisional."""
    found = days()
    assert found.works(date(2035, 10, 1)) == (True, False)  # a Monday
    assert found.works(date(2035, 10, 6)) == (False, False)
    assert found.after(local("2035-11-05 09:00"), 5) == (local("2035-11-12 17:30"), True)


@pytest.mark.parametrize(
    ("at", "count", "due"),
    [
        ("2026-11-23 09:00", 1, "2026-11-24 17:30"),
        ("2026-11-23 23:59", 1, "2026-11-24 17:30"),
        ("2026-11-23 09:00", 5, "2026-11-30 17:30"),
        ("2026-11-21 09:00", 1, "2026-11-24 17:30"),  # Saturday's papers count from Monday
        ("2026-11-22 09:00", 5, "2026-11-30 17:30"),
        ("2026-11-23 09:00", 0, "2026-11-23 17:30"),
        ("2026-11-22 09:00", 0, "2026-11-23 17:30"),
        ("2026-09-30 09:00", 1, "2026-10-08 17:30"),
        ("2026-09-30 09:00", 3, "2026-10-10 17:30"),  # a Saturday made up
        ("2026-10-03 09:00", 1, "2026-10-09 17:30"),  # taken in on a holiday: counts from the 8th
        ("2026-02-13 09:00", 2, "2026-02-24 17:30"),
    ],
)
def test_after(at: str, count: int, due: str) -> None:
    """The end of the last session of the n-th working day after the day of intake."""
    assert days().after(local(at), count) == (local(due), False)


def test_remembered_answers_are_the_same() -> None:
    """A second question, also after many others, gets the first answer."""
    found = days()
    first = [found.after(local("2026-01-01 09:00") + n * 3600 * SECOND * 12, n % 7) for n in range(600)]
    fresh = days()
    start = local("2026-01-01 09:00")
    again = [service_day(start + n * 3600 * SECOND * 12, "Asia/Shanghai") for n in range(600)]
    assert first == [fresh.counted(day, n % 7) for n, day in enumerate(again)]
    assert found.after(local("2026-01-01 09:00"), 0) == first[0]


def test_round_the_clock() -> None:
    """A day without closing time ends at midnight, and a pause shifts by whole days from there."""
    found = days(round_the_clock=True)
    due = found.after(local("2026-11-23 09:00"), 1)[0]
    assert due == local("2026-11-25 00:00")
    shifted = found.shifted(due, local("2026-11-24 09:00"), local("2026-11-25 09:00"))
    assert shifted == (local("2026-11-26 00:00"), False)


@pytest.mark.parametrize(
    ("paused", "now", "due"),
    [
        ("2026-11-24 09:00", "2026-11-24 16:00", "2026-11-30 17:30"),
        ("2026-11-24 09:00", "2026-11-25 08:00", "2026-12-01 17:30"),
        ("2026-11-27 09:00", "2026-11-29 09:00", "2026-11-30 17:30"),  # over a weekend
        ("2026-11-24 09:00", "2026-11-30 09:00", "2026-12-04 17:30"),
    ],
)
def test_a_pause_moves_the_due_moment_by_its_working_days(paused: str, now: str, due: str) -> None:
    """The promise of 30 November, after a pause of so many working days."""
    assert days().shifted(local("2026-11-30 17:30"), local(paused), local(now)) == (local(due), False)


def test_a_pause_into_an_unpublished_year_is_provisional() -> None:
    """Once uncertain days count, the answer says so."""
    assert days().shifted(local("2026-12-30 17:30"), local("2026-12-28 09:00"), local("2035-01-03 09:00"))[1]


def test_the_promise_of_a_case() -> None:
    """Taken in on a Saturday with five days promised: Monday counts as the day of acceptance."""
    office = Office(at="2026-11-21 10:00", windows=())
    id = office.intake()
    assert (office.case(id).due_at, office.case(id).provisional) == (local("2026-11-30 17:30"), False)


def test_a_provisional_promise() -> None:
    """A promise in an unpublished year is marked; where nothing is promised nothing is uncertain."""
    far = Office(at="2034-12-27 10:00", windows=())
    assert far.case(far.intake()).provisional
    assert far.case(far.intake("JOI")).provisional
    assert not far.case(far.intake("IMM")).provisional


@pytest.mark.parametrize("what", ["fee", "step", "correction"])
def test_pauses_shift_the_due_day(what: str) -> None:
    """Waiting for a fee, a special step or a correction stands outside the promised days, as the plan says."""
    for pauses in (True, False):
        office = Office(office_plan(offices={"pause_on": [what] if pauses else []}))
        id = office.review()
        assert office.case(id).due_at == local("2026-11-30 17:30")
        start: dict[str, Any] = {
            "fee": q.RequestFee(id, 100, "sealed:9:x"), "step": q.StartStep(id, "site_visit"),
            "correction": q.RequestCorrection(id, ("photo",)),
        }  # fmt: skip
        end: dict[str, Any] = {"fee": q.PayFee(id, "p"), "step": q.EndStep(id), "correction": q.CorrectPapers(id)}
        office.until("2026-11-24 09:00")
        office.do(start[what])
        assert bool(office.case(id).paused_since) == pauses
        office.until("2026-11-26 09:00")
        office.do(end[what])
        due = "2026-12-02 17:30" if pauses else "2026-11-30 17:30"
        assert (text(office.case(id).due_at), office.case(id).paused_since) == (due, 0)
        office.until("2026-12-05 09:00")
        assert [text(ev.due) for ev in of(office.events, o.CaseOverdue)] == [due]


@pytest.mark.parametrize("what", ["fee", "step", "correction"])
def test_pauses_shift_the_parts_of_a_joint_case(what: str) -> None:
    """A part's own due day moves with the case's; a part that was done before keeps its day (R57)."""
    office = Office()
    id = office.review("JOI")
    assert [text(p.due_at) for p in office.case(id).parts] == ["2026-11-25 17:30", "2026-12-01 17:30"]
    office.do(q.GiveOpinion(id, "ok", "d1", "d"))
    start: dict[str, Any] = {
        "fee": q.RequestFee(id, 100, "sealed:9:x"), "step": q.StartStep(id, "site_visit"),
        "correction": q.RequestCorrection(id, ("photo",)),
    }  # fmt: skip
    end: dict[str, Any] = {"fee": q.PayFee(id, "p"), "step": q.EndStep(id), "correction": q.CorrectPapers(id)}
    office.do(start[what])
    office.until("2026-11-26 09:00")
    office.do(end[what])
    case = office.case(id)
    assert [text(p.due_at) for p in case.parts] == ["2026-11-25 17:30", "2026-12-04 17:30"]
    assert text(case.due_at) == "2026-12-04 17:30"


def test_old_journals_move_no_part_and_pause_as_their_plan_said() -> None:
    """Events that say nothing of parts and pauses, as they once were, are applied as they once were."""
    office = Office()
    id = office.review("JOI")
    before = office.case(id)
    at = office.now
    office.hall.apply(o.CorrectionRequested(at, id, ("photo",), 1))
    assert office.case(id).paused_since == at
    office.hall.apply(o.PapersCorrected(at, id, (), before.due_at))
    assert (office.case(id).parts, office.case(id).paused_since) == (before.parts, 0)


def test_a_paused_case_is_not_overdue() -> None:
    """While the promised clock stands still it does not speak, however long."""
    office = Office()
    id = office.review()
    office.do(q.RequestFee(id, 100, "sealed:9:x"))
    office.until("2026-12-20 09:00")
    assert not of(office.events, o.CaseOverdue)
    office.do(q.PayFee(id, "p"))
    assert text(office.case(id).due_at) == "2026-12-25 17:30"


def test_one_pause_at_a_time() -> None:
    """A step while a correction is asked, or the other way round, is refused: no pause swallows another."""
    office = Office()
    id = office.review()
    office.do(q.StartStep(id, "expert_review"))
    assert office.refusal(q.RequestCorrection(id, ("photo",))).code == "step_open"
    assert office.refusal(q.RequestFee(id, 100, "sealed:9:x")).code == "step_open"
    assert office.refusal(q.StartStep(id, "site_visit")).code == "step_open"
    office.do(q.EndStep(id))
    assert office.refusal(q.EndStep(id)).code == "no_step"
    office.do(q.RequestCorrection(id, ("photo",)))
    assert office.refusal(q.StartStep(id, "site_visit")).code == "already_correcting"
    assert office.refusal(q.DecideCase(id, "approve", "ok")).code == "already_correcting"
