"""The papers' own life: filed at their unit, kept in use with a reason, missed at the end of the day (一天一归档).

Law: an original whose case is decided is filed or in use for a reason of that very day; whatever is neither is an
alert of the place where it lies, until it has its place (R27).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.offices.cases import at_stage, known_case, under_way
from tidehall.hall.offices.clocks import alert, alert_over
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import AT_INTAKE, Case, Paper, Stage
from tidehall.hall.state import HallState

__all__ = [
    "close", "closes_at", "day_end", "file_papers", "keep_in_use", "lies_here", "move_copy", "originals", "to_travel",
    "unfiled", "unit_of", "without_place",
]  # fmt: skip


def unit_of(case: Case) -> str:
    """The unit in whose archive a case's originals go: the approving department (R27)."""
    return case.department


def originals(case: Case) -> tuple[str, ...]:
    """The originals in the hall that are not filed yet."""
    return tuple([p.id for p in case.papers if lies_here(p)])


def lies_here(p: Paper) -> bool:
    """Whether a paper is an original in the hall that is not filed yet."""
    return not p.copy and not p.filed_at and p.holder != "applicant" and p.code != "result"


def unfiled(s: HallState) -> dict[str, list[tuple[Case, str]]]:
    """Originals that are neither filed nor in use for a reason, by the place where they lie.

    Papers of a case under way are in use by its stage; a decided case's originals must be filed or kept with a
    reason, which holds for its day only.
    """
    found: dict[str, list[tuple[Case, str]]] = {}
    for case, paper in without_place(s):
        found.setdefault(paper.holder, []).append((case, paper.id))
    return found


def without_place(s: HallState) -> Iterator[tuple[Case, Paper]]:
    """Those originals, one by one."""
    for case in s.offices.cases.values():
        if case.decided_at and case.stage != Stage.CLOSED:
            for paper in case.papers:
                if lies_here(paper) and (paper.in_use is None or paper.in_use_day != s.day):
                    yield case, paper


def closes_at(s: HallState) -> int:
    """When the day's list is due, µs: the last session's end, or midnight round the clock; 0 on a day without one."""
    assert s.schedule is not None
    day = date.fromisoformat(s.day)
    ends = [at for at, steps in s.schedule.moments(day) if "last_end" in steps]
    return ends[0] if ends else s.schedule.local(day, 1440) if s.schedule.open_on(day) else 0


def day_end(s: HallState, now: int, due: int) -> list[Event]:
    """At the end of the service day: originals without a place are an alert of their unit."""
    found: list[Event] = []
    for unit in unfiled(s):
        found += alert(s, now, "papers_unfiled", unit, unit, due)
    return found


def settled(s: HallState, now: int, case: Case, papers: tuple[str, ...]) -> list[Event]:
    """The alerts that end because `papers` have their place now."""
    units = dict.fromkeys(p.holder for p in case.papers if p.id in papers)
    ids = [f"papers_unfiled:{unit}" for unit in units]
    if not any(id in s.alerts and s.alerts[id].ended is None for id in ids):
        return []
    others = {unit for unit in units if any(p.holder == unit and p.id not in papers for _, p in without_place(s))}
    return alert_over(s, now, *(f"papers_unfiled:{unit}" for unit in units if unit not in others))


def close(s: HallState, c: q.CloseCase, now: int) -> list[Event]:
    """File what is left and end the case."""
    case = known_case(s, c.case)
    at_stage(case, "case_closed")
    left = originals(case)
    found: list[Event] = [o.PapersFiled(now, case.id, left, unit_of(case))] if left else []
    return [*found, o.CaseClosed(now, case.id), *settled(s, now, case, left)]


def file_papers(s: HallState, c: q.FilePapers, now: int) -> list[Event]:
    """File originals, all of the case or some (一天一归档); not before they have come to their office."""
    case = known_case(s, c.case)
    if to_travel(s, case):
        raise Refusal("wrong_stage", case=case.id, stage=case.stage.value)
    left = originals(case)
    papers = c.papers or left
    strange = [p for p in papers if p not in left]
    if strange:
        raise Refusal("papers_differ", case=case.id, strange=strange)
    return [o.PapersFiled(now, case.id, papers, unit_of(case)), *settled(s, now, case, papers)] if papers else []


def keep_in_use(s: HallState, c: q.KeepInUse, now: int) -> list[Event]:
    """Originals that stay out today, with a reason."""
    case = known_case(s, c.case)
    left = originals(case)
    strange = [p for p in c.papers if p not in left]
    if strange or not c.papers:
        raise Refusal("papers_differ", case=case.id, strange=strange)
    if not c.reason:
        raise Refusal("invalid", fields={"reason": "is needed"})
    return [o.PapersKept(now, case.id, c.papers, c.reason, s.day), *settled(s, now, case, c.papers)]


def to_travel(s: HallState, case: Case) -> bool:
    """Whether the originals and the receipt's second copy still have to go to their office, or are on their way."""
    return case.stage in AT_INTAKE or under_way(s, case) is not None


def move_copy(s: HallState, c: q.MoveCopy, now: int) -> list[Event]:
    """A receipt copy changes hands (R36)."""
    case = known_case(s, c.case)
    if c.copy not in (1, 2, 3):
        raise Refusal("invalid", fields={"copy": "is 1, 2 or 3"})
    if not c.holder:
        raise Refusal("invalid", fields={"holder": "is needed"})
    if c.copy == 2 and to_travel(s, case):
        raise Refusal("wrong_stage", case=case.id, stage=case.stage.value)
    return [o.CopyMoved(now, case.id, c.copy, c.holder)]
