"""Long lists on a page: their first rows stand in it at once, the rest follows in slices.

Law: nobody waits for somebody else's list; between two slices the server does what else there is to do, and the
browser draws meanwhile. A page with short lists goes out in one piece.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from tidehall.display.office_lists import Desk, Row
from tidehall.hall.errors import Refusal

__all__ = ["begun", "drawn", "whole"]

#: Rows of a list that stand in the page at once: about two screens.
FIRST = 40
#: Rows of a slice: a few milliseconds.
SLICE = 40
#: What the macro `more` of office_rows.html leaves in the page.
MORE = re.compile("<!--more ([a-z_]+)-->")


def begun(desk: Desk) -> dict[str, list[dict[str, Any]]]:
    """A desk's lists for its template: each list's first rows, and the place of the rest."""
    lists: dict[str, list[dict[str, Any]]] = {}
    for name, found in desk.lists.items():
        lists[name] = [{"macro": row.macro, "view": row.make()} for row in found[:FIRST]]
        if len(found) > FIRST:
            lists[name].append({"macro": "more", "view": name})
    return lists


def whole(page: Response, desk: Desk, macros: Any) -> Response:
    """The page made from `begun`, with the rest of its lists; `macros` of office_rows.html draw the rows."""
    if all(len(found) <= FIRST for found in desk.lists.values()):
        return page
    headers = {name: value for name, value in page.headers.items() if name != "content-length"}
    return StreamingResponse(pieces(bytes(page.body).decode(), desk, macros), headers=headers)


async def pieces(page: str, desk: Desk, macros: Any) -> AsyncIterator[str]:
    """The page from top to bottom."""
    for i, piece in enumerate(MORE.split(page)):
        if i % 2 == 0:
            yield piece
            continue
        rest = desk.lists[piece][FIRST:]
        for n in range(0, len(rest), SLICE):
            yield "".join(slice_of(macros, rest[n : n + SLICE]))
            await asyncio.sleep(0)


def slice_of(macros: Any, rows: list[Row]) -> Iterator[str]:
    """Some rows' HTML; without those whose case has left the hall since the page began, as its script will hear."""
    for row in rows:
        with contextlib.suppress(Refusal):
            yield drawn(macros, row)


def drawn(macros: Any, row: Row) -> str:
    """A row's HTML."""
    return str(getattr(macros, row.macro)(row.make())).strip()
