"""Forgetting a person for good: his sealed row, and what was written about him or by him as a person (law 11).

One law: only sealed rows go; the journal keeps ids and salted digests, so its chain stays whole. Opinions, notices and
other official acts stay: they are the file of the case. Backups forget when they are replaced.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from tidehall.store.journal import Journal

__all__ = ["erase_person", "persons_of"]

PAGE = 5_000
#: Events whose sealed texts speak of the citizen himself: an address, a signature, why he was let go first, his rating.
PERSONAL = frozenset(
    {
        "case_received", "result_delivered", "matter_opened", "ticket_called", "ticket_rated", "ticket_restored",
        "ticket_taken", "ticket_transferred",
    }
)  # fmt: skip
#: Where an event names a person.
NAMED = ("holder", "applicant", "agent")
#: What an event names a person's business by.
THINGS = ("ticket", "case", "matter")


async def erase_person(journal: Journal, hall: str, person: str) -> int:
    """Delete a person's sealed row and the personal texts of his tickets, cases and matters; how many rows went.

    It may be repeated: the person's own row goes last. Raises StoreError.
    """
    gone = 0
    own: set[str] = set()
    needles = {person.encode()}
    async for kind, body in _events(journal, hall, needles):
        if any(body.get(name) == person for name in NAMED):
            names = {body[name] for name in THINGS if isinstance(body.get(name), str)}
            own |= names
            needles |= {name.encode() for name in names}
        others = kind == "case_received" and body.get("applicant") != person  # the agent's case: not his address
        if kind in PERSONAL and not others and any(body.get(name) in own for name in THINGS):
            for text in _sealed(body):
                gone += await journal.erase(hall, text.split(":")[1])
    return gone + await journal.erase(hall, person)


async def persons_of(journal: Journal, hall: str, thing: str) -> dict[str, str]:
    """The persons that a ticket or case names: holder, applicant, agent → id."""
    found: dict[str, str] = {}
    async for _, body in _events(journal, hall, {thing.encode()}):
        if thing in (body.get("ticket"), body.get("case")):
            found |= {name: body[name] for name in NAMED if isinstance(body.get(name), str) and ":" not in body[name]}
    return found


async def _events(journal: Journal, hall: str, needles: set[bytes]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Kind and body of every event in which one of the `needles` stands; they may become more on the way."""
    after = 0
    while rows := await journal.read(hall, after, PAGE):
        for row in rows:
            if any(needle in row.body for needle in needles):
                yield row.kind, json.loads(row.body)
        after = rows[-1].seq


def _sealed(value: Any) -> Iterator[str]:
    """Every reference to a sealed text in a body."""
    if isinstance(value, str):
        if value.startswith("sealed:") and value.count(":") == 2:
            yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _sealed(part)
    elif isinstance(value, list):
        for part in value:
            yield from _sealed(part)
