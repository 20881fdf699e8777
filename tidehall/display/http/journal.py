"""The calls that read what was written: the journal, for auditors, and the sealed texts to which its events refer.

Law: what stands in the journal is given as it stands; a text is opened for staff and never listed.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from tidehall.display.http.api import good
from tidehall.display.http.calls import AFTER, Asked, Call, Edge, Query, whole_number
from tidehall.display.http.texts import open_one
from tidehall.hall.calendar import local_text

__all__ = ["JOURNAL_CALLS", "EventView", "JournalView", "TextView"]

#: Events in one answer of the journal.
MOST_EVENTS = 1000


class EventView(Struct, frozen=True):
    """A row of the journal; `due`: the moment at which time made it true; `digest` chains it to the row before."""

    seq: int
    at: str
    kind: str
    body: msgspec.Raw
    actor: str
    cause: str
    digest: str
    due: str | UnsetType = UNSET


class JournalView(Struct, frozen=True):
    """Events in order; `head` is the journal's last position."""

    events: list[EventView]
    head: int


class TextView(Struct, frozen=True):
    """A free text that was sealed."""

    text: str


async def get_journal(edge: Edge, asked: Asked) -> Response:
    """A page of the journal."""
    keeper = asked.keeper
    query = asked.request.query_params
    after = whole_number(query.get("after"), "after") or 0
    limit = min(whole_number(query.get("limit"), "limit", least=1) or 100, MOST_EVENTS)
    rows = await keeper.journal.read(keeper.id, after, limit)
    zone = keeper.committed.state.zone_name
    events = [
        EventView(
            row.seq, local_text(row.at, zone), row.kind, msgspec.Raw(row.body), row.actor, row.cause, row.digest.hex(),
            UNSET if row.due is None else local_text(row.due, zone),
        )
        for row in rows
    ]  # fmt: skip
    return good(JournalView(events, max(keeper.head.seq, rows[-1].seq if rows else 0)))


async def get_text(edge: Edge, asked: Asked) -> Response:
    """A sealed text, for staff."""
    return good(TextView(await open_one(asked.keeper, edge.house.persons, asked.path("text"))))


# ---- the table

_HALL = "/api/v1/halls/{hall}"
_JOURNAL = (
    Query("after", "Events after this position.", AFTER.schema),
    Query("limit", "At most so many events, 1…1000; more is cut, not refused.", {"type": "integer", "minimum": 1, "maximum": AFTER.schema["maximum"], "default": 100}),  # noqa: E501 - one row of a table
)  # fmt: skip

JOURNAL_CALLS: tuple[Call, ...] = (
    Call("GET", f"{_HALL}/journal", "get_journal", "The journal, for auditors.", get_journal, JournalView,
         rights=("audit",), query=_JOURNAL, problems=("journal_unavailable",)),
    Call("GET", f"{_HALL}/texts/{{text}}", "get_text", "A free text, by the reference that an event holds.", get_text,
         TextView, rights=("staff",), problems=("unknown_text", "journal_unavailable")),
)  # fmt: skip
