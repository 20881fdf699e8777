"""How a case, and the persons behind it, are found: by its id at the journal's head, or by its receipt.

Law: whoever has a receipt's number and the last four of the applicant's or agent's id number or telephone may know of
that one case. A wrong number and wrong digits are the same answer, and count alike against whoever asks and against the
receipt.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import TypeVar

from tidehall.display.http.calls import Asked, Edge
from tidehall.display.http.problems import Fault, Problem
from tidehall.hall.errors import Refusal
from tidehall.hall.papers.objects import Case
from tidehall.hall.state import HallState
from tidehall.live import HallKeeper
from tidehall.records import WAIT_S, case_recorded
from tidehall.store.errors import StoreRefused
from tidehall.store.persons import Person, Persons

__all__ = ["by_receipt", "collecting", "ends_with", "find_case", "here", "of_receipt", "people"]

Thing = TypeVar("Thing")


async def here(keeper: HallKeeper, find: Callable[[HallState], Thing | None], no: Refusal) -> Thing:
    """What `find` finds. A "no" is said at the journal's head only (law 5). Raises `no`, StoreError."""
    found = find(keeper.committed.state)
    if found is None:
        head = await keeper.journal.head(keeper.id)
        if head is not None:
            await keeper.reached(head.seq)
        found = find(keeper.committed.state)
    if found is None:
        raise no
    return found


async def find_case(edge: Edge, keeper: HallKeeper, id: str, no: Refusal, *, begun: float) -> Case:
    """The case with this id or receipt number, also one that has left the hall's state (docs/decisions/007).

    The register is believed from the position on at which the hall did not have the case; whoever came at `begun`
    (monotonic seconds) waits for that 5 s in all. Raises `no`, Problem behind, StoreError.
    """
    try:
        return await here(keeper, lambda s: s.offices.cases.get(id) or of_receipt(s, id), no)
    except Refusal:
        follower = edge.house.records.get(keeper.id)
        if follower is None:
            raise
    seq = keeper.committed.state.seq
    at, found = await case_recorded(edge.house.projections, keeper.id, id)
    if at < seq:
        if not await follower.reached(seq, begun + WAIT_S - time.monotonic()):
            raise Problem("behind", retry_after_s=1, seq=at)
        _, found = await case_recorded(edge.house.projections, keeper.id, id)
    if found is None:
        raise no
    return found


async def people(keeper: HallKeeper, persons: Persons, *ids: str | None) -> dict[str, Person]:
    """The persons behind these ids; the erased ones are not among them. Raises StoreError."""
    wanted = [id for id in ids if id]
    found: dict[str, Person] = {}
    if wanted:
        for id, row in (await keeper.journal.sealed(keeper.id, wanted)).items():
            try:
                found[id] = persons.open_holder(row)
            except StoreRefused:  # sealed with a key that is not here
                continue
    return found


def ends_with(person: Person, last4: str) -> bool:
    """Whether the four digits are the last of this person's id number or telephone."""
    given = last4.upper().encode()
    same = False
    for number in (person["id_number"], person["phone"]):
        plain = "".join(ch for ch in (number or "").upper() if ch.isalnum())
        same |= len(plain) >= 4 and hmac.compare_digest(plain[-4:].encode(), given)
    return same


def of_receipt(state: HallState, receipt: str) -> Case | None:
    """The case of a receipt's number."""
    return next((case for case in state.offices.cases.values() if case.receipt == receipt), None)


async def by_receipt(edge: Edge, asked: Asked, receipt: str, last4: str) -> tuple[Case, dict[str, Person]]:
    """The case, and who stands in it. Raises Problem too_many and behind, Refusal unknown_receipt, StoreError."""
    keeper = asked.keeper
    await edge.rates.progress(asked.request, f"{keeper.id}:{receipt}")
    case = await find_case(edge, keeper, receipt, Refusal("unknown_receipt"), begun=asked.begun)
    if case.receipt != receipt:  # a case's id opens nothing
        raise Refusal("unknown_receipt")
    who = await people(keeper, edge.house.persons, case.applicant, case.agent)
    if not any(ends_with(person, last4) for person in who.values()):
        raise Refusal("unknown_receipt")
    return case, who


async def collecting(edge: Edge, asked: Asked) -> tuple[str, ...]:
    """The cases whose results a number is wanted for: by receipt, or for staff by their ids.

    Raises Problem invalid, not_allowed, too_many and behind, Refusal unknown_receipt and result_not_ready, StoreError.
    """
    body = asked.body
    if body.receipt is not None and body.cases is not None:
        raise Problem("invalid", errors=[Fault("cases", "receipt_or_cases")])
    if body.cases is not None:
        if "staff" not in asked.who.rights:
            raise Problem("not_allowed")
        return tuple(body.cases)
    if body.receipt is None:
        return ()
    case, _ = await by_receipt(edge, asked, body.receipt.number, body.receipt.last_four)
    if case.id not in asked.keeper.committed.state.offices.cases:  # closed on a former day
        raise Refusal("result_not_ready", receipt=case.receipt, stage=case.stage.value)
    return (case.id,)
