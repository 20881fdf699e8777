"""The call by which a citizen is forgotten: for the hall's manager and the administrator alone (law 11).

Law: the journal says who had whom erased and when, by id, never what it was; only then are the sealed rows deleted.
"""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from tidehall.display.http.api import encode, of_outcome, submit
from tidehall.display.http.bodies import Body, Text
from tidehall.display.http.calls import Asked, Call, Edge
from tidehall.display.http.problems import Problem
from tidehall.display.http.texts import Sealer
from tidehall.hall.engine import Hall
from tidehall.hall.events import Event
from tidehall.hall.papers.commands import ErasePerson
from tidehall.store.erasure import erase_person

__all__ = ["ERASE_REASONS", "PERSON_CALLS"]

#: Reasons that stand in the journal as they are: the person asked for it, the time for keeping is over, a mistake.
ERASE_REASONS = frozenset({"own_request", "retention_over", "mistake"})


class EraseBody(Body, frozen=True):
    """Why: `own_request`, `retention_over`, `mistake`, or a text, which is sealed. `force`: though business is open."""

    reason: Text = "own_request"
    force: bool = False


class ErasedView(Struct, frozen=True):
    """Who was erased; `forced`: business was still open."""

    person: str
    forced: bool
    seq: int


async def erase(edge: Edge, asked: Asked) -> Response:
    """Forget a person: name, numbers, address, signature, personal notes."""
    keeper, person = asked.keeper, asked.path("person")
    row = (await keeper.journal.sealed(keeper.id, [person])).get(person)
    if row is None or row.kind != "holder":
        key = (asked.who.name, asked.key)
        if key not in await keeper.journal.answers(keeper.id, [key]):  # a repeat has its first answer
            raise Problem("unknown_person")
    sealer = Sealer(edge.house.persons, ERASE_REASONS)
    command = ErasePerson(person, sealer(asked.body.reason), asked.body.force)

    def answer(hall: Hall, events: list[Event]) -> tuple[int, bytes]:
        forced = any(getattr(event, "forced", False) for event in events)
        return 200, encode(ErasedView(person, forced, hall.state.seq))

    outcome = await submit(asked, command, answer, sealer.rows)
    await erase_person(keeper.journal, keeper.id, person)
    return of_outcome(outcome)


PERSON_CALLS: tuple[Call, ...] = (
    Call("POST", "/api/v1/halls/{hall}/persons/{person}/erase", "erase_person",
         "Forget a citizen for ever: name, numbers, address, signature, personal notes. The journal stays whole.",
         erase, ErasedView, body=EraseBody, rights=("erase", "admin"), part="persons",
         problems=("unknown_person", "person_needed")),
)  # fmt: skip
