"""The supervisors' live dashboard, `/dashboard/{hall}`: its page, what is behind its numbers, and its socket.

Law: the page is whole as the server sends it, and everything that is done on it is a call of the HTTP API, which
alone decides whether this person may. Looking needs the right to supervise; a zone's supervisor begins with his zone.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, NamedTuple

import plotly
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from tidehall.audit import ticket_trace
from tidehall.dashboards.behind import BEHIND, ORDERS, Behind, May, of_line, of_ticket, of_window
from tidehall.dashboards.channel import DashboardChannel, Drawn
from tidehall.dashboards.floor import WORDS
from tidehall.dashboards.panels import desk
from tidehall.dashboards.room import Room
from tidehall.display.entrance import who
from tidehall.display.feed import CLOSE, Feed
from tidehall.display.feed import bye as close_with
from tidehall.display.http.access import Access
from tidehall.display.http.problems import Problem
from tidehall.display.hub import Hub
from tidehall.display.long_lists import drawn
from tidehall.display.office_lists import Row
from tidehall.display.office_pages import OfficePages
from tidehall.display.rendering import visitor_language
from tidehall.hall.calendar import local_text
from tidehall.live import HallKeeper
from tidehall.locales import LANGUAGES
from tidehall.records import months_opened
from tidehall.store.errors import StoreError

__all__ = ["Dashboards", "dashboards"]

log = logging.getLogger(__name__)

#: Months whose reports the page links to; the others stand on the page of statistics.
REPORTED_MONTHS = 2
#: The pane in which the details of a number are drawn.
ROWS = "dashboard_rows.html"
STYLE_ID = re.compile(rb'getElementById\("([0-9a-f]{64})"\)')
PLOTLY = f"/static/plotly-{plotly.__version__}.js"


class Plotly(NamedTuple):
    """plotly's script as it is, and packed; `styles`: the ids of style sheets that it would write into a page unless
    an element of that name is there already, which our pages forbid (strict CSP)."""

    plain: bytes
    packed: bytes
    styles: tuple[str, ...]

    @classmethod
    def read(cls) -> Plotly:
        """From its package."""
        body = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
        styles = dict.fromkeys(found.decode() for found in STYLE_ID.findall(body))
        return cls(body, gzip.compress(body, 6, mtime=0), tuple(styles))


class Dashboards:
    """The dashboards of all halls of a house, on the pages' ground."""

    def __init__(self, pages: OfficePages, hubs: Mapping[str, Hub], feed: Feed) -> None:
        self.pages = pages
        self.hubs = hubs
        self.feed = feed
        self.rooms: dict[str, Room] = {}
        self.plotly: Plotly | None = None

    def routes(self) -> list[BaseRoute]:
        """The page, its panels, its socket, and the script that draws figures."""
        return [
            Route("/dashboard/{hall}", self.page),
            Route("/dashboard/{hall}/behind/{what}", self.behind),
            Route(PLOTLY, self.script),
            WebSocketRoute("/api/v1/halls/{hall}/dashboard/live", self.live),
        ]

    # ---- what they share

    def room(self, keeper: HallKeeper) -> Room:
        """What all dashboards of a hall share."""
        found = self.rooms.get(keeper.id)
        if found is None:
            house = self.pages.edge.house
            found = self.rooms[keeper.id] = Room(keeper, self.hubs[keeper.id], house.projections, house.outlook)
        return found

    def drawer(self, hall: str) -> Callable[[str], Drawn]:
        """Who draws the hall's rows in a language."""

        def in_language(lang: str) -> Drawn:
            macros = self.pages.render.macros(ROWS, lang, **self.pages.saying(hall, lang))

            def draw(row: Row) -> str:
                return drawn(macros, row)

            return draw

        return in_language

    def zone(self, request: Request, room: Room) -> str:
        """The part of the hall that is asked for; a zone's supervisor begins with his own zone. "": all of it."""
        zones, asked = room.zones(), request.query_params.get("zone")
        if asked is not None:
            return asked if asked in zones else ""
        try:
            person = Access.person(request)
        except Problem:
            return ""
        posts = person.principal(room.keeper.id).having("supervise") if person is not None else ()
        own = {post.zone for post in posts}
        return next((zone for zone in zones if zone in own), "") if None not in own else ""

    def owned(self, request: Request, room: Room) -> list[str]:
        """The owners of alerts that this person is: of his zones, or of the whole hall."""
        try:
            person = Access.person(request)
        except Problem:
            return []
        posts = person.principal(room.keeper.id).having("supervise") if person is not None else ()
        supervised = {
            zone for post in posts if post.post == "supervisor" for zone in ([post.zone] if post.zone else room.zones())
        }
        return [
            *(f"supervisor:{zone}" for zone in sorted(supervised)),
            *("manager" for p in posts[:1] if p.post == "manager"),
        ]

    def may(self, request: Request, room: Room) -> May:
        """Whether this person, or place, supervises a zone; "": the whole hall. The API asks the same of its posts."""
        principal = self.pages.edge.access.admits(request, ("supervise",), room.keeper.id)
        return lambda zone: principal is not None and principal.covers("supervise", zone=zone)

    async def enter(self, request: Request, lang: str) -> tuple[Room, None] | tuple[None, Response]:
        """The hall's room, for who may look; else the page that says why not."""
        keeper = self.pages.keeper(request)
        if out := self.pages.kept_out(request, lang, "supervise"):
            return None, out
        if keeper is None:
            return None, self.pages.unknown(lang)
        room = self.room(keeper)
        try:
            await room.ready()
        except StoreError:
            return None, self.pages.message(lang, 503, "common.database_away")
        return room, None

    # ---- the page

    async def page(self, request: Request) -> Response:
        """`/dashboard/{hall}?zone=…`: everything as it stands."""
        lang, pages = visitor_language(request), self.pages
        room, out = await self.enter(request, lang)
        if room is None:
            assert out is not None  # one of the two
            return out
        keeper, zone = room.keeper, self.zone(request, room)
        hall, now = keeper.committed, keeper.now()
        plan = hall.state.rules
        found = desk(room.seen(lang, zone), room.zones(), room.curved(zone))
        draw = self.drawer(keeper.id)(lang)
        await room.prepare(lang)
        charts = room.charts(lang, zone)
        curved = room.curved(zone)
        may = self.may(request, room)
        # a reader's choice; else the zone that the first figure names, which the page's script goes on following
        picked = request.query_params.get("curve") in curved
        chosen = request.query_params["curve"] if picked else room.seen(lang, zone).standings[zone].worst
        chosen = chosen if chosen in curved else next(iter(curved), "")
        given = pages.island(
            keeper, lang, "dashboard.", "office.", "desk.not_in", "desk.lost", stale_since=pages.stale(keeper),
            socket=f"/api/v1/halls/{keeper.id}/dashboard/live?lang={lang}&zone={zone}", charts=charts, curve=chosen,
            picked=picked, part=zone, mine=self.owned(request, room),
            runs=[z for z in ("", *hall.state.zones) if may(z)],
        )  # fmt: skip
        return pages.render.page(
            "dashboard.html", lang, hall_name=plan.hall.name, demo_on=pages.edge.demo, stale_since=pages.stale(keeper),
            now=local_text(now, hall.state.zone_name), me=pages.me(request), who=who(pages.edge, request), zone=zone,
            zones=[z for z in plan.zones if z.id in set(room.zones())], curved=curved, chosen=chosen, plotly=PLOTLY,
            lists={name: [Markup(draw(row)) for row in rows] for name, rows in found.lists.items()},
            slots=found.slots, given=given, kinds=WORDS, **pages.saying(keeper.id, lang),
            limits=plan.limits, share=f"{100 * plan.targets.wait.share:g}",
            months=await self.months(keeper), styles=(await self.drawing()).styles,
        )  # fmt: skip

    async def months(self, keeper: HallKeeper) -> list[str]:
        """The last two months that have something to report; none while the database is away."""
        try:
            found = await months_opened(self.pages.edge.house.projections, keeper.id, keeper.committed.state.day)
        except StoreError:
            return []
        return found[:REPORTED_MONTHS]

    async def behind(self, request: Request) -> Response:
        """`/dashboard/{hall}/behind/{what}`: what is behind a number; with `part` only the panel's inside."""
        lang, pages = visitor_language(request), self.pages
        room, out = await self.enter(request, lang)
        if room is None:
            assert out is not None  # one of the two
            return out
        found = await self.found(request, room, lang)
        if found is None:
            return pages.unknown(lang)
        if "part" not in request.query_params:
            return pages.render.page(
                "dashboard_behind.html", lang, found=found, hall=room.keeper.id, zone=self.zone(request, room),
                hall_name=room.keeper.committed.state.rules.hall.name,
                given=pages.island(room.keeper, lang, "office."),
            )  # fmt: skip
        macros = pages.render.macros(ROWS, lang, **pages.saying(room.keeper.id, lang))
        text = json.dumps({"title": found.title, "html": str(macros.panel(found))}, ensure_ascii=False)
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

    async def found(self, request: Request, room: Room, lang: str) -> Behind | None:
        """The panel that is asked for; None when there is no such thing."""
        what, id = str(request.path_params["what"]), request.query_params.get("id", "")
        seen, state = room.seen(lang, self.zone(request, room)), room.keeper.committed.state
        may = self.may(request, room)
        if what in BEHIND:
            return BEHIND[what](seen)
        if what in ORDERS:
            name, make = ORDERS[what]
            said = await self.pages.ask(request, name, {"hall": room.keeper.id}, {})
            listed: list[dict[str, Any]] = said.body if isinstance(said.body, list) else []
            return make(seen, await self.sent(room, listed, lang) if what == "runners" else listed, may)
        if what == "line" and id in state.lines:
            return of_line(seen, id)
        if what == "window" and id in state.windows:
            return of_window(seen, state.windows[id], state.allowed(id, seen.now), may)
        if what == "ticket" and id.isprintable() and id:
            pages, house = self.pages, self.pages.edge.house
            steps = await ticket_trace(room.keeper.journal, house.projections, room.keeper.id, id)
            names = await pages.names()
            if steps:
                return of_ticket(
                    seen, state.tickets.get(id), steps, lambda who: pages.actor(state, who, lang, names), may
                )  # fmt: skip
        return None

    async def sent(self, room: Room, runners: list[dict[str, Any]], lang: str) -> list[dict[str, Any]]:
        """Runners with who sent them where they are (`by`), as the journal has it; "" where nobody did today."""
        keeper, names = room.keeper, await self.pages.names()
        for runner in runners:
            seq = room.today.sent.get(runner["runner"]) if runner["moved_at"] else None
            rows = await keeper.journal.read(keeper.id, seq - 1, 1) if seq is not None else []
            runner["by"] = self.pages.actor(keeper.committed.state, rows[0].actor, lang, names) if rows else ""
        return runners

    async def drawing(self) -> Plotly:
        """plotly's script, read and packed once."""
        if self.plotly is None:
            self.plotly = await asyncio.to_thread(Plotly.read)
        return self.plotly

    async def script(self, request: Request) -> Response:
        """plotly's script from its own package; only pages with figures ask for it."""
        found = await self.drawing()
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        body = found.plain
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"], body = "gzip", found.packed
        return Response(body, headers=headers, media_type="text/javascript")

    # ---- the socket

    async def live(self, socket: WebSocket) -> None:
        """One dashboard's socket: `?lang=&zone=`."""
        await socket.accept()
        hall = str(socket.path_params["hall"])
        if self.pages.edge.access.admits(socket, ("supervise",), hall) is None:
            await close_with(socket, CLOSE["not_signed_in"])
            return
        hub = self.hubs.get(hall)
        if hub is None or hub.plan is None:
            await close_with(socket, CLOSE["unknown"])
            return
        keeper = self.pages.edge.house.halls[hall]
        room = self.room(keeper)
        try:
            await room.ready()
        except StoreError:
            await close_with(socket, CLOSE["restart"])
            return
        lang, zone = socket.query_params.get("lang", ""), socket.query_params.get("zone", "")
        lang = lang if lang in LANGUAGES else LANGUAGES[0]
        await room.prepare(lang)
        part = f"{lang}:{zone if zone in room.zones() else ''}"
        await self.feed.serve(
            socket, hub, lambda hub: self.channel(hub, room, part), session=self.feed.session_of(socket)
        )

    def channel(self, hub: Hub, room: Room, part: str) -> DashboardChannel:
        """The channel of a part of the hall."""
        found = hub.private.get((DashboardChannel.private, part))
        if isinstance(found, DashboardChannel):
            return found
        return DashboardChannel(hub.scene, part, room, self.drawer(room.keeper.id), time.monotonic)


def dashboards(pages: OfficePages, hubs: Mapping[str, Hub], feed: Feed) -> list[BaseRoute]:
    """The dashboards' routes, for the composition root."""
    return Dashboards(pages, hubs, feed).routes()
