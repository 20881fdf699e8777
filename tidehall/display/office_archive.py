"""A unit's list of the day (一天一归档, R27): its originals, receipt copies and results, and how each of them stands.

Law: as in office_lists.py; an original is open as hall/offices/archive.py has it, a copy goes with its case, and a
result waits for its applicant.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from tidehall.display.office_lists import Desk, Row, department_name, place_words, unfiled_slots
from tidehall.display.office_views import item_name, paper_name
from tidehall.display.reasons import reason_words
from tidehall.display.views import time_text
from tidehall.hall.engine import Hall
from tidehall.hall.offices.archive import lies_here, to_travel
from tidehall.hall.papers.objects import CASE_LIFE, Case, Paper
from tidehall.hall.state import HallState
from tidehall.locales import say

__all__ = ["archive_desk", "siblings", "unit_page"]


class Sheet(NamedTuple):
    """One paper on the list: open, in_use with a reason, or filed."""

    paper: Paper
    state: str
    reason: str | None


def unit_page(state: HallState, unit: str) -> str | None:
    """The desk of a unit below /desk/{hall}; None when there is no such unit."""
    kind, _, id = unit.partition(":")
    plan = state.rules
    if kind in ("office", "maker") and any(d.id == id for d in plan.departments):
        return f"office/{id}"
    if kind == "window" and id in state.windows:
        return f"window/{id}"
    if kind == "issue" and id in state.zones:
        return f"issue?zone={id}"
    return "middle" if unit == "middle" else None


def siblings(state: HallState, unit: str, lang: str) -> list[tuple[str, str]]:
    """(unit, name) of the lists that belong together: a department's office and its certificate room."""
    kind, _, id = unit.partition(":")
    units = [f"office:{id}", f"maker:{id}"] if kind in ("office", "maker") else [unit]
    return [(name, place_words(state, name, lang)) for name in units]


def day_began(state: HallState) -> int:
    """The first moment of the service day, µs."""
    assert state.schedule is not None
    return state.schedule.local(date.fromisoformat(state.day), 0)


def at_unit(case: Case, paper: Paper, unit: str, since: int) -> bool:
    """Whether a paper lies at a unit, or was filed there since `since` (µs).

    What a window filed of its immediate items is on the window's list and on that of the department's archive.
    """
    if not paper.holder.startswith("archive:"):
        return paper.holder == unit
    if max(paper.filed_at, case.ended_at if paper.copy else 0) < since:
        return False
    own = case.kind == "immediate" and unit == f"window:{case.window}"
    return own or unit == paper.holder.replace("archive:", "office:", 1)


def standing(state: HallState, case: Case, paper: Paper) -> Sheet:
    """How a paper stands tonight."""
    if paper.holder.startswith("archive:"):
        return Sheet(paper, "filed", None)
    if paper.in_use is not None and paper.in_use_day == state.day:
        return Sheet(paper, "in_use", paper.in_use)
    if lies_here(paper) and case.decided_at:
        return Sheet(paper, "open", None)
    return Sheet(paper, "in_use", case.stage.value)


def archive_desk(hall: Hall, now: int, lang: str, unit: str) -> Desk:
    """A unit's papers by receipt: what is open, what is in use, what was filed today; a case in each list it has to."""
    state = hall.state
    since = day_began(state)
    lists: dict[str, list[Row]] = {"open": [], "in_use": [], "filed": []}
    counts = dict.fromkeys(lists, 0)
    for case in sorted(state.offices.cases.values(), key=lambda c: c.receipt):
        sheets = [standing(state, case, p) for p in case.papers if at_unit(case, p, unit, since)]
        if not sheets:
            continue
        kept = any(s.paper.in_use for s in sheets)  # the reason holds for its day: it may lapse without an event
        for name, rows in lists.items():
            here = [s for s in sheets if s.state == name]
            counts[name] += len(here)

            def make(case: Case = case, here: list[Sheet] = here) -> Mapping[str, Any]:
                return filing_facts(state, case, here, unit, lang)

            if here:
                rows.append(Row(case.id, None if kept else case.seq, "filing", make))
    slots = {f"{name}-papers": str(count) for name, count in counts.items()} | {"day": day_words(state.day, lang)}
    return Desk(lists, slots | unfiled_slots(state, unit))


def day_words(day: str, lang: str) -> str:
    """The service day with its year, as it stands on the printed list."""
    on = date.fromisoformat(day)
    return f"{on.year}年{on.month}月{on.day}日" if lang == "zh" else f"{on.day} {on:%B %Y}"


def filing_facts(state: HallState, case: Case, sheets: list[Sheet], unit: str, lang: str) -> dict[str, Any]:
    """Papers of a case on the list; `can`: a sheet may be filed or kept here now; `rest`: how many originals must still
    be filed for the case to end, None where it cannot end here and now.
    """
    here = not to_travel(state, case)
    rows = [
        {
            "id": s.paper.id,
            "name": in_words(paper_name(state, case.item, s.paper.code, s.paper.copy), lang),
            "state": s.state,
            "reason": reason_words(s.reason, lang, state.rules),
            "filed_at": time_text(state, s.paper.filed_at or case.ended_at) if s.state == "filed" else None,
            "can": here and lies_here(s.paper),
        }
        for s in sheets
    ]
    left = [p for p in case.papers if lies_here(p)]
    ends = "case_closed" in CASE_LIFE[case.stage] and all(p.holder == unit for p in left)
    rest = len(left) if ends else None
    return {
        "id": case.id,
        "receipt": case.receipt,
        "item_name": item_name(state, case.item),
        "stage": case.stage.value,
        "archive": department_name(state.rules, case.department, lang),
        "sheets": rows,
        "rest": rest,
        "can": any(row["can"] for row in rows) or rest == 0,
    }


def in_words(name: Mapping[str, str], lang: str) -> str:
    """A paper's name in the reader's language."""
    return name.get(lang) or name.get("zh") or say("office.papers", lang)
