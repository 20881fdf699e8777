"""The register of cases: every case as the engine had it last, and which events name what.

Law: a case changes by events that name it, and by no others. Source: docs/decisions/007.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tidehall.hall.events import Event
from tidehall.hall.papers.objects import Case
from tidehall.hall.state import HallState
from tidehall.live import encode
from tidehall.store.projections import CASES, EVENTS, Projections, Table

__all__ = ["NAMES", "CaseRegister", "case_recorded"]

#: What an event names a thing by; alerts name it in `about`, or at the end of `alert`.
NAMES = ("case", "ticket", "hand_off", "support", "matter", "about")


def names_of(event: Event) -> Iterator[str]:
    """What an event names: a thing by its field, and what an alert is about at the end of its id."""
    for field in NAMES:
        name = getattr(event, field, None)
        if name:
            yield name
    alert = getattr(event, "alert", None)
    if alert is not None:
        yield alert.partition(":")[2]


class CaseRegister:
    """Every case as the engine had it last, and which events name it: it is found when it has left the state."""

    name = "cases"
    version = 1
    tables: tuple[Table, ...] = (CASES, EVENTS)

    async def begin(self, store: Projections, hall: str, state: HallState) -> int:
        """See Projection.begin: the engine's own state is all that it goes on from."""
        return state.seq

    def gathered(self) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        """See Projection.gathered."""
        return iter(())

    def feed(self, state: HallState, event: Event) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        """See Projection.feed. A case changes by events that name it, and by no others."""
        for name in names_of(event):
            yield EVENTS, (name, state.seq)
        case = state.offices.cases.get(getattr(event, "case", ""))
        if case is not None:
            yield CASES, (case.id, case.receipt, case.seq, encode(case))


_case = msgspec.json.Decoder(Case).decode


async def case_recorded(store: Projections, hall: str, id: str) -> tuple[int, Case | None]:
    """The case with this id or receipt number as the register has it, and the position at which that stood."""
    if not id.isprintable():  # no text for the database, so no case either
        return 0, None
    found = await store.case(hall, CaseRegister.name, id)
    return found.seq, None if found.row is None else _case(found.row.body)
