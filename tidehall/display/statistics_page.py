"""The statistics as a page, `/statistics/{hall}`: any days by one aspect as a table, the files, and the reports.

Law: it shows what GET /statistics answers to this very person, and nothing else; what cannot be said is a dash. Months
without a record are not offered.
"""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tidehall.display.entrance import who
from tidehall.display.figure_tables import figures_sheet, shown
from tidehall.display.pages import Pages, problem_sentence
from tidehall.display.rendering import visitor_language
from tidehall.display.sheets import Sheet
from tidehall.hall.calendar import service_day
from tidehall.hall.figures import By, Figures
from tidehall.live import HallKeeper
from tidehall.records import months_opened
from tidehall.store.errors import StoreError

__all__ = ["StatisticsPage"]

#: What the form asks for, with what it says when nothing was chosen: sums, as reports have them.
ASKED = {"by": "zone", "counts": "sum"}


class StatisticsPage:
    """The page of every hall."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def routes(self) -> list[Route]:
        """Its address."""
        return [Route("/statistics/{hall}", self.page)]

    async def page(self, request: Request) -> Response:
        """`/statistics/{hall}?by=…&from=…&to=…&counts=…`; today by zone when nothing is said."""
        lang, pages = visitor_language(request), self.pages
        keeper = pages.keeper(request)
        if out := pages.kept_out(request, lang, "supervise"):
            return out
        if keeper is None:
            return pages.unknown(lang)
        plan = keeper.committed.state.rules
        today = service_day(keeper.now(), plan.hall.time_zone).isoformat()
        given = request.query_params
        query = {name: given.get(name) or usual for name, usual in ASKED.items()}
        query |= {name: given.get(name) or today for name in ("from", "to")} | {"lang": lang}
        said = await pages.ask(request, "get_statistics", {"hall": keeper.id}, query)
        table = table_of(said.body["rows"], query["by"], lang) if said.ok else None
        return pages.render.page(
            "statistics.html", lang, status=200 if said.ok else 422, hall=keeper.id, hall_name=plan.hall.name,
            demo_on=pages.edge.demo, who=who(pages.edge, request), query=query, aspects=get_args(By), today=today,
            table=table, opened=said.body.get("days"), cell_of=shown,
            said="" if said.ok else problem_sentence(said.body, lang),
            files={form: urlencode(query | {"format": form}) for form in ("csv", "xlsx")},
            months=await self.months(keeper, today),
        )  # fmt: skip

    async def months(self, keeper: HallKeeper, today: str) -> list[str]:
        """The months that have something to report; none while the database is away."""
        try:
            return await months_opened(self.pages.edge.house.projections, keeper.id, today)
        except StoreError:
            return []


def table_of(rows: list[dict[str, Any]], by: Any, lang: str) -> Sheet:
    """The answer's rows as a table of names and figures, without the columns in which nothing stands."""
    whole = figures_sheet(
        ((row["key"], row["name"], msgspec.convert(row["figures"], Figures)) for row in rows), by, lang
    )
    keys = [place for place in range(1, len(whole.heads)) if any(row[place] is not None for row in whole.rows)]
    return Sheet(whole.name, tuple(whole.heads[n] for n in keys), [tuple(row[n] for n in keys) for row in whole.rows])
