"""What an issue window shows: the results of the ticket in front, what a search finds, what was handed out last.

Law: as in office_lists.py: nothing is decided here. These rows are few and change with the ticket in front as well as
with the cases, so they are always sent; a page puts in only what looks different.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tidehall.display.office_lists import Desk, Row, case_facts
from tidehall.hall.engine import Hall
from tidehall.hall.papers.objects import Case, Stage

__all__ = ["LEAST_TAIL", "results_desk"]

#: Signs of a receipt's end from which a search begins, and rows that it shows.
LEAST_TAIL = 3
MOST_FOUND = 6
#: Rows of what was handed out last.
MOST_GIVEN = 5
#: In which order results are shown: what can be handed out, what is on its way, what is over.
RANK = {Stage.READY: 0, Stage.MADE: 1, Stage.DELIVERED: 3, Stage.CLOSED: 3, Stage.WITHDRAWN: 4}


def results_desk(hall: Hall, now: int, lang: str, window: str, tail: str = "") -> Desk:
    """The results at issue window `window`; with the end of a receipt's number also those of its zone that fit."""
    state = hall.state
    cases, at = state.offices.cases, state.windows[window]
    front = state.tickets.get(at.ticket or "")
    brought = [cases[id] for id in front.cases if id in cases] if front is not None else []
    brought.sort(key=lambda c: (RANK.get(c.stage, 2), c.receipt))
    here = [c for c in cases.values() if c.zone == at.zone]
    fits = [c for c in here if len(tail) >= LEAST_TAIL and c.receipt.endswith(tail) and c not in brought]
    fits.sort(key=lambda c: (RANK.get(c.stage, 2), -c.received_at))
    given = sorted((c for c in here if c.delivered_at and c.kind != "immediate"), key=lambda c: -c.delivered_at)
    return Desk(
        {
            "results": result_rows(hall, brought, now, lang),
            "found": result_rows(hall, fits[:MOST_FOUND], now, lang),
            "given": result_rows(hall, given[:MOST_GIVEN], now, lang, "given"),
        },
        {
            "to-give": str(sum(c.stage == Stage.READY for c in brought)),
            "ready-here": str(sum(c.stage == Stage.READY for c in here)),
        },
    ).counted()


def result_rows(hall: Hall, found: Iterable[Case], now: int, lang: str, macro: str = "result") -> list[Row]:
    """In the order given; always sent."""

    def facts(case: Case) -> dict[str, Any]:
        return case_facts(hall, case, now, lang)

    return [Row(c.id, None, macro, lambda c=c: facts(c)) for c in found]  # type: ignore[misc] # bound now
