"""The guide to the hall's items (办事指南): found by name or zone, read on a phone, printed on A4; open to all.

Law: a page shows what the plan says and leaves out what it does not; no script is needed, nothing asks who is reading.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tidehall.display import kiosk
from tidehall.display.office_views import item_view
from tidehall.display.office_words import yuan
from tidehall.display.pages import Pages
from tidehall.display.rendering import visitor_language
from tidehall.hall.catalogue import Item
from tidehall.hall.plan import Plan
from tidehall.live import HallKeeper

__all__ = ["GuideBook", "shelves"]

#: Characters of a search.
MOST_SOUGHT = 40


def shelves(plan: Plan, zone: str, q: str) -> list[dict[str, Any]]:
    """The items that were asked for, by department in the plan's order; all of a zone, or what fits `q`."""
    zone_of = {line.id: line.zone for line in plan.lines}
    fits = {row["code"] for row in kiosk.search(plan, q) if row["hit"]} if q else None
    found: dict[str, list[Item]] = {}
    for item in plan.items:
        here = not zone or zone in (zone_of[item.line], *item.zones)
        if here and (fits is None or item.code in fits):
            found.setdefault(item.department, []).append(item)
    names = {d.id: d.name for d in plan.departments}
    return [{"name": names.get(id, {"zh": id}), "items": items} for id, items in found.items()]


class GuideBook:
    """The pages /guide/{hall} and /guide/{hall}/{item}."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [Route("/guide/{hall}", self.list), Route("/guide/{hall}/{item}", self.item)]

    def head(self, keeper: HallKeeper) -> dict[str, Any]:
        """What stands at the head of both."""
        return {
            "hall": keeper.id,
            "hall_name": keeper.committed.state.rules.hall.name,
            "demo_on": self.pages.edge.demo,
        }

    async def list(self, request: Request) -> Response:
        """`/guide/{hall}?zone=…&q=…`: the zones, or the items of one, or those that a search finds."""
        lang, keeper = visitor_language(request), self.pages.keeper(request)
        if keeper is None:
            return self.pages.unknown(lang)
        plan = keeper.committed.state.rules
        q = request.query_params.get("q", "").strip()[:MOST_SOUGHT]
        zone = request.query_params.get("zone", "")
        zones = [
            {"id": z.id, "name": z.name, "items": sum(len(s["items"]) for s in shelves(plan, z.id, ""))}
            for z in plan.zones
        ]
        zones = [z for z in zones if z["items"]]
        zone = zone if any(z["id"] == zone for z in zones) else ""
        rows = shelves(plan, zone, q) if zone or q else []
        kept = {name: text for name, text in (("zone", zone), ("q", q)) if text}
        return self.pages.render.page(
            "guide_list.html",
            lang,
            **self.head(keeper),
            zones=zones,
            zone=zone,
            q=q,
            shelves=rows,
            found=sum(len(row["items"]) for row in rows),
            other="?" + urlencode(kept | {"lang": "en" if lang == "zh" else "zh"}),
        )

    async def item(self, request: Request) -> Response:
        """`/guide/{hall}/{item}`: everything that the plan says of one item."""
        lang, keeper = visitor_language(request), self.pages.keeper(request)
        code = str(request.path_params["item"])
        if keeper is None or code not in keeper.committed.state.items:
            return self.pages.unknown(lang)
        plan = keeper.committed.state.rules
        item = item_view(keeper.committed, code)
        departments = {d.id: d.name for d in plan.departments}
        return self.pages.render.page(
            "guide_item.html",
            lang,
            **self.head(keeper),
            item=item,
            yuan=yuan,
            parts=[(departments.get(p.department, {"zh": p.department}), p.promised_days) for p in item.parts],
            bundles=[
                (b.name, [(i.code, i.name) for i in plan.items if i.code in b.items and i.code != code])
                for b in plan.bundles
                if b.id in item.bundles
            ],
        )
