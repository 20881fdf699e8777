"""The line's pages: front door, phone ticket, window terminals, guide desk; and what all pages of a house share.

Law: every page is right as the server sends it, from the committed state; scripts only keep it so. What a page does
goes through the very calls of the HTTP API, forms too.
"""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_args
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tidehall.display import views
from tidehall.display.assets import Assets
from tidehall.display.desks import OPENS, opens
from tidehall.display.entrance import way_in, who
from tidehall.display.http.api import CALLS, ticket_by_token
from tidehall.display.http.app import answer
from tidehall.display.http.calls import Call, Edge
from tidehall.display.http.limits import body_of
from tidehall.display.http.problems import Problem, of_field
from tidehall.display.http.services import services_view
from tidehall.display.kiosk import finding_text
from tidehall.display.rendering import Renderer, visitor_language
from tidehall.hall.calendar import local_text
from tidehall.hall.plan import Plan
from tidehall.hall.services import Service
from tidehall.live import HallKeeper
from tidehall.locales import has, say
from tidehall.queue.tickets import TICKET_LIFE, Ticket, TicketState
from tidehall.store.errors import StoreError

__all__ = ["KEYS", "Pages", "Said", "Ways", "form_of", "no_ways", "problem_sentence"]

BY_NAME: Mapping[str, Call] = {call.name: call for call in CALLS}
#: The row of keys of a terminal.
KEYS = (
    ("F1", "call"), ("F2", "recall"), ("F3", "no-show"), ("F4", "start"), ("F5", "suspend"),
    ("F6", "transfer"), ("F7", "reject"), ("F8", "finish"), ("F9", "pause"),
)  # fmt: skip
#: What people may do with a ticket → the event that its life must then allow.
CITIZEN = {"back": "ticket_returned", "postpone": "ticket_postponed", "cancel": "ticket_cancelled"}
GUIDE = {
    "restore": "ticket_restored", "cancel": "ticket_cancelled", "back": "ticket_returned",
    "confirm": "priority_confirmed", "refuse": "priority_confirmed",
}  # fmt: skip
#: Tickets in one list of the guide desk.
MOST_TICKETS = 20


#: A hall → its pages, each with the link by which the front door of a demonstration lets everybody in.
Ways = Callable[[HallKeeper], Mapping[str, str]]


async def form_of(request: Request) -> dict[str, str]:
    """A page's form; what is no form of ours, or too large, has no fields."""
    try:
        raw = await body_of(request)
        return dict(parse_qsl(raw.decode("utf-8", "replace"), max_num_fields=50))
    except (Problem, ValueError):
        return {}


class Said(NamedTuple):
    """The API's answer to a form."""

    ok: bool
    body: dict[str, Any]
    sentence: str


def life(acts: Mapping[str, str]) -> dict[str, list[str]]:
    """state → which of `acts` the ticket's life has there."""
    return {state.value: [act for act, kind in acts.items() if kind in TICKET_LIFE[state]] for state in TicketState}


def script_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values for a page's data island."""
    found: dict[str, Any] = to_builtins(data)
    return found


def problem_sentence(problem: Mapping[str, Any], lang: str) -> str:
    """What a problem says: each wrong field by its name with what is wrong in it, else the problem's own sentence."""
    lines = [of_field(error["field"], error["detail"], lang) for error in problem.get("errors", ())]
    return "\n".join(lines) or str(problem.get("detail", ""))


def waiting_sentence(ticket: Mapping[str, Any], lang: str) -> str:
    """The one sentence of a phone page; the same choice as `sentence` in static/js/ticket_state.js."""
    key = f"phone.{ticket['state']}"
    if ticket["state"] == "waiting" and ticket["calls"] > 0:
        key = "phone.waiting_again"
    if ticket["state"] == "suspended" and has(f"phone.suspended_{ticket.get('parked')}"):
        key = f"phone.suspended_{ticket['parked']}"
    return say(key, lang, label=ticket["window_label"] or "")


def no_ways(keeper: HallKeeper) -> Mapping[str, str]:
    """A real hall's front door lets nobody in."""
    return {}


class Pages:
    """All pages of a house; `calls`: what their forms may ask of the API; `ways`: links that let a browser in."""

    calls = BY_NAME

    def __init__(self, edge: Edge, assets: Assets, *, base_url: str = "", ways: Ways = no_ways) -> None:
        self.edge = edge
        self.base_url = base_url
        self.ways = ways
        self.assets = assets
        self.render = Renderer(assets)

    def routes(self) -> list[Route]:
        """The pages' addresses (contract.md "Pages"), and the static files'."""
        rows: tuple[tuple[str, Callable[[Request], Awaitable[Response]], list[str]], ...] = (
            ("/", self.door, ["GET"]),
            ("/t/{token}", self.phone, ["GET"]),
            ("/t/{token}", self.phone_act, ["POST"]),
            ("/desk/{hall}/window/{window}", self.desk, ["GET"]),
            ("/desk/{hall}/guide", self.guide, ["GET"]),
            ("/desk/{hall}/guide/state", self.guide_state, ["GET"]),
        )
        return [Route(path, endpoint, methods=methods) for path, endpoint, methods in rows] + [self.assets.route()]

    # ---- what all pages need

    def keeper(self, request: Request) -> HallKeeper | None:
        """The hall that the address names; None when there is none with a plan."""
        keeper = self.edge.house.halls.get(str(request.path_params["hall"]))
        return keeper if keeper is not None and keeper.committed.state.plan is not None else None

    def island(self, keeper: HallKeeper, lang: str, *prefixes: str, **more: Any) -> dict[str, Any]:
        """What every page's script is given."""
        state = keeper.committed.state
        common = {
            "hall": keeper.id,
            "lang": lang,
            "now": local_text(keeper.now(), state.zone_name),
            "zone": state.rules.hall.time_zone,
            "words": self.render.sentences(lang, *prefixes),
        }
        return script_data(common | more)

    def stale(self, keeper: HallKeeper) -> str | None:
        """Since when the database is away, for people."""
        return None if keeper.stale_since is None else local_text(keeper.stale_since, keeper.committed.state.zone_name)

    def message(
        self, lang: str, status: int, heading: str, *lines: str, start: str = "",
        desks: Sequence[Mapping[str, Any]] = (),
    ) -> Response:  # fmt: skip
        """A page that only says something, in our words or as given; `start`: the page goes back there by itself.

        `desks`: where its reader may go instead.
        """
        values = {"heading": say(heading, lang), "lines": [say(line, lang) if has(line) else line for line in lines]}
        link, text = (start, "kiosk.to_start") if start else ("/", "common.home")
        return self.render.page(
            "say.html", lang, status=status, link=link, link_text=say(text, lang), start=start, desks=desks, **values
        )

    def unknown(self, lang: str, *, start: str = "") -> Response:
        """404 in words; a kiosk goes back to its `start`, as nobody there can type an address."""
        return self.message(lang, 404, "common.unknown_page", "common.unknown_page_why", start=start)

    def address(self, request: Request) -> str:
        """How people's phones reach this house: the setting, or, where that is only this machine, as this page was."""
        own = urlsplit(self.base_url).hostname in (None, "localhost", "127.0.0.1", "::1", "0.0.0.0")  # compared
        return str(request.base_url).rstrip("/") if own else self.base_url

    def kept_out(
        self, request: Request, lang: str, right: str, window: str | None = None, *, department: str | None = None
    ) -> Response | None:
        """A page that says how to get in, or where else to go, or None for who is in.

        `right`: one that is needed, or a desk of desks.OPENS; `department`: whose office it is.
        """
        try:
            principal = self.edge.access.allow(
                request, OPENS.get(right, (right,)), str(request.path_params["hall"]), window
            )
            if right in OPENS and not opens(principal, right, department):
                raise Problem("not_allowed")
        except Problem as no:
            if way := way_in(self.edge, request, no):
                return way
            if (person := who(self.edge, request)) is not None:
                return self.message(
                    lang, no.status, "sign_in.not_your_post", "sign_in.not_your_post_why", desks=person["desks"]
                )
            place = say("common.place.window" if window else "common.place.post", lang)
            how = say("common.not_in_how", lang, place=place)
            return self.message(lang, no.status, "common.not_in", "common.not_in_demo" if self.edge.demo else how)
        return None

    async def send(
        self, request: Request, name: str, path: Mapping[str, str], body: object, *, lang: str, key: str
    ) -> Said:
        """Make the API call `name` for a form, with the visitor's own cookie and address."""
        call = self.calls[name]
        kept = {b"cookie", b"host", b"origin", b"authorization"}
        headers = [(n, v) for n, v in request.scope["headers"] if n in kept]
        headers += [(b"accept-language", lang.encode()), (b"idempotency-key", key.encode("ascii", "replace"))]
        raw = json.dumps(body).encode()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": raw, "more_body": False}

        where = call.path.format(**path)
        scope = {**request.scope, "method": "POST", "path": where, "raw_path": where.encode(), "query_string": b"",
                 "path_params": dict(path), "headers": headers}  # fmt: skip
        response = await answer(self.edge, call, Request(scope, receive))
        found = json.loads(bytes(response.body))
        return Said(response.status_code < 400, found, problem_sentence(found, lang))

    async def ask(self, request: Request, name: str, path: Mapping[str, str], query: Mapping[str, str]) -> Said:
        """Make the API's GET `name` for a page, with the visitor's own cookie and address."""
        call = self.calls[name]
        where = call.path.format(**path)
        scope = {**request.scope, "method": "GET", "path": where, "raw_path": where.encode(),
                 "query_string": urlencode(query).encode(), "path_params": dict(path)}  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        response = await answer(self.edge, call, Request(scope, receive))
        found = json.loads(bytes(response.body))
        return Said(response.status_code < 400, found, "" if response.status_code < 400 else found.get("detail", ""))

    def beside(self, place: str, keeper: HallKeeper, lang: str, about: str) -> dict[str, Any]:
        """What the offices show on a page of the line (office_pages.py): nothing, without offices."""
        return {}

    # ---- front door

    async def door(self, request: Request) -> Response:
        """`/`: which screens there are."""
        lang = visitor_language(request)
        halls = []
        for keeper in self.edge.house.halls.values():
            state = keeper.committed.state
            if state.plan is None:
                continue
            plan, windows = state.plan, state.windows.values()
            halls.append(
                {
                    "id": keeper.id,
                    "name": plan.hall.name,
                    "open": state.in_session,
                    "demo": self.edge.demo,
                    "stale_since": self.stale(keeper),
                    "boards": [
                        {"id": b.id, "title": self.board_title(plan, b.id, lang)} for b in plan.boards
                    ],
                    "zones": [
                        {"name": z.name, "windows": sorted((w for w in windows if w.zone == z.id), key=by_label)}
                        for z in plan.zones
                    ],
                    "ways": self.ways(keeper),
                    **self.beside("door", keeper, lang, ""),
                }
            )  # fmt: skip
        return self.render.page("door.html", lang, halls=halls)

    def board_title(self, plan: Plan, board_id: str, lang: str) -> str:
        """A board's name: its own, its only zone's, or the hall's."""
        board = next(b for b in plan.boards if b.id == board_id)
        zones = [z.name for z in plan.zones if z.id in board.zones]
        name = board.name or (zones[0] if len(zones) == 1 else plan.hall.name)
        return name.get(lang) or name.get("zh") or board.id

    # ---- phone

    async def own(self, token: str) -> tuple[HallKeeper, Ticket] | None:
        """The citizen's ticket, or None."""
        try:
            return await ticket_by_token(self.edge, token)
        except (Problem, StoreError):
            return None

    def materials(self, keeper: HallKeeper, ticket: Ticket) -> list[dict[str, Any]]:
        """What the ticket's items ask for, each paper once."""
        found: dict[str, dict[str, Any]] = {}
        for item in keeper.committed.state.rules.items:
            if item.code in ticket.items:
                found |= {m.code: {"name": m.name, "required": m.required} for m in item.materials}
        return list(found.values())

    async def phone(self, request: Request) -> Response:
        """`/t/{token}`."""
        return await self.phone_page(request, visitor_language(request))

    async def phone_page(self, request: Request, lang: str, *, said: str = "", status: int = 200) -> Response:
        """The ticket, with what the hall said if it said no."""
        token = str(request.path_params["token"])
        found = await self.own(token)
        if found is None:
            return self.message(lang, 404, "phone.unknown", "phone.unknown_why")
        keeper, ticket = found
        view = views.phone_view(
            keeper.committed, ticket, keeper.now(), stale_since=keeper.stale_since, demo=self.edge.demo
        )
        plain = script_data(to_builtins(view)) | {"parked": ticket.parked.value if ticket.parked else None}
        possible = life(CITIZEN)
        can = {act: act in possible[ticket.state.value] for act in CITIZEN}
        can["back"] = can["back"] and ticket.parked == "away"
        beside = self.beside("phone", keeper, lang, ticket.id)
        given = self.island(
            keeper, lang, "phone.", ticket=plain, token=token, can=possible, stale_since=self.stale(keeper),
            rate_when=[] if beside.get("rated") else ["finished"],
        )  # fmt: skip
        return self.render.page(
            "phone.html",
            lang,
            status=status,
            ticket=plain,
            hall_name=plain["hall_name"],
            demo_on=self.edge.demo,
            sentence=waiting_sentence(plain, lang),
            can=can,
            key=secrets.token_urlsafe(12),
            token=token,
            **beside,
            bring=self.materials(keeper, ticket) if ticket.state in ("waiting", "called", "suspended") else [],
            stale_since=self.stale(keeper),
            said=said,
            given=given,
        )

    async def phone_act(self, request: Request) -> Response:
        """The phone page's form, without scripts: cancel, postpone, back."""
        lang = visitor_language(request)
        form = await form_of(request)
        token, act = str(request.path_params["token"]), form.get("do", "")
        if act not in CITIZEN:
            return self.unknown(lang)
        found = await self.own(token)
        before = found[0].committed.state.ahead(found[1]) if found is not None else None
        key = (form.get("key") or secrets.token_urlsafe(12))[:80]
        said = await self.send(request, f"own_ticket_{act}", {"token": token}, {}, lang=lang, key=f"page.{act}.{key}")
        if not said.ok:
            return await self.phone_page(request, lang, said=said.sentence, status=409)
        if act == "postpone" and said.body["ahead"] == before:
            same = "phone.nobody_behind_wait" if before else "phone.nobody_behind"
            return await self.phone_page(request, lang, said=say(same, lang))
        return RedirectResponse(f"/t/{quote(token)}?lang={lang}", 303)

    # ---- desks

    def priorities(self, plan: Plan, lang: str) -> list[dict[str, str]]:
        """The priority classes that people can claim; booked ones come from a booking."""
        names = plan.priority_names
        return [{"id": p, "name": names.get(p, {}).get(lang, p)} for p in plan.priority if p != "booked"]

    def desk_words(self, plan: Plan, lang: str) -> dict[str, Any]:
        """The names that a desk's script looks up."""
        return {
            "items": {
                i.code: {"name": i.name, "materials": [{"code": m.code, "name": m.name} for m in i.materials]}
                for i in plan.items
            },
            "lines": {row.id: row.name.get(lang, row.id) for row in plan.lines},
            "windows": {w.id: w.label for w in plan.windows},
            "priorities": {p: plan.priority_names.get(p, {}).get(lang, p) for p in plan.priority},
        }

    async def desk(self, request: Request) -> Response:
        """`/desk/{hall}/window/{window}`."""
        lang = visitor_language(request)
        keeper, window = self.keeper(request), str(request.path_params["window"])
        if out := self.kept_out(request, lang, "window", window):
            return out
        if keeper is None or window not in keeper.committed.state.windows:
            return self.unknown(lang)
        hall, plan = keeper.committed, keeper.committed.state.rules
        view = views.desk_view(hall, window, keeper.now(), stale_since=keeper.stale_since, demo=self.edge.demo)
        desk = script_data(to_builtins(view))
        served = [line.name.get(lang, line.id) for line in plan.lines if line.id in view.window.lines]
        zones = [
            {
                "name": zone.name,
                "lines": [line for line in plan.lines if line.zone == zone.id],
                "windows": [w for w in plan.windows if w.zone == zone.id and w.lines],
            }
            for zone in sorted(plan.zones, key=lambda zone: zone.id != view.window.zone)  # its own first
        ]
        words_given = self.desk_words(plan, lang)
        return self.render.page(
            "desk.html",
            lang,
            window=desk["window"],
            who=who(self.edge, request),
            zone_name=" · ".join(served) or say("strip.no_lines", lang),
            zones=[zone for zone in zones if zone["lines"]],
            **self.beside("window", keeper, lang, window),
            keys=KEYS,
            demo_on=self.edge.demo,
            now=local_text(keeper.now(), hall.state.zone_name),
            given=self.island(
                keeper,
                lang,
                "desk.",
                "strip.",
                "office.",
                desk=desk,
                window=window,
                codes={i.code: finding_text(i) for i in plan.items},
                **words_given,
            ),
        )

    async def guide(self, request: Request) -> Response:
        """`/desk/{hall}/guide`."""
        lang = visitor_language(request)
        keeper = self.keeper(request)
        if out := self.kept_out(request, lang, "guide"):
            return out
        if keeper is None:
            return self.unknown(lang)
        hall, plan = keeper.committed, keeper.committed.state.rules
        view = views.staff_view(hall, keeper.now(), stale_since=keeper.stale_since, demo=self.edge.demo)
        staff = script_data(to_builtins(view))
        letters = {line.letter: line.id for line in plan.lines}
        return self.render.page(
            "guide.html",
            lang,
            who=who(self.edge, request),
            hall_name=plan.hall.name,
            demo_on=self.edge.demo,
            lines=staff["lines"],
            items=plan.items,
            priorities=self.priorities(plan, lang),
            service_zones=[z for z in plan.zones if z.kind == "service"] or list(plan.zones),
            services=get_args(Service),
            counted=services_view(hall.state).totals,
            **self.beside("guide", keeper, lang, ""),
            now=local_text(keeper.now(), hall.state.zone_name),
            given=self.island(
                keeper, lang, "board.", "guide.", "desk.", "office.", staff=staff, letters=letters, can=life(GUIDE),
                codes={i.code: finding_text(i) for i in plan.items}, undo_s=plan.limits.undo_s,
                **self.desk_words(plan, lang),
            ),
        )  # fmt: skip

    async def guide_state(self, request: Request) -> Response:
        """What the guide desk lists: the missed and void ones, or those of one `number`."""
        lang = visitor_language(request)
        keeper = self.keeper(request)
        if out := self.kept_out(request, lang, "guide"):
            return out
        if keeper is None:
            return self.unknown(lang)
        hall, now = keeper.committed, keeper.now()
        tickets = sorted(hall.state.tickets.values(), key=lambda t: -t.seq)
        number = request.query_params.get("number")
        if number is not None:
            asked = plain_number(number)
            name, chosen = "found", [t for t in tickets if plain_number(t.number) == asked]
        else:
            missed = [t for t in tickets if t.state == TicketState.WAITING and t.misses]
            name, chosen = "missed", missed + [t for t in tickets if t.state == TicketState.VOID]
        rows = [views.ticket_view(hall, t, now, staff=True) for t in chosen[:MOST_TICKETS]]
        body = json.dumps(to_builtins({name: rows}), ensure_ascii=False)
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def plain_number(number: str) -> str:
    """A ticket's number as people say it: "m2", "Ｍ００２" and "M002" are the same."""
    text = "".join(unicodedata.normalize("NFKC", number).upper().split())
    return re.sub(r"(?<=\D)0+(?=\d)", "", text)


def by_label(window: Any) -> tuple[int, str]:
    """Windows in the order of their numbers."""
    return (int(window.label) if window.label.isdecimal() else 10_000, window.label)
