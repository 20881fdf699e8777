"""The offices' pages: runner, middle office, departments, issue post, hand-offs, trace, receipt, progress, and what
stands beside the line's own pages (intake at the window, matters at the guide desk, rating on the phone).

Law: as in pages.py. A desk opens to its own post and to whoever supervises (desks.py); what may be done stands in the
views' `allowed`, and whether this person may do it is asked of the API alone.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tidehall.display.assets import Assets
from tidehall.display.entrance import Entrance, who
from tidehall.display.guide_book import GuideBook
from tidehall.display.http.access import Access
from tidehall.display.http.app import ALL_CALLS
from tidehall.display.http.calls import Call, Edge
from tidehall.display.http.limits import Rates
from tidehall.display.http.metrics import Metrics
from tidehall.display.http.problems import Problem
from tidehall.display.http.receipts import find_case
from tidehall.display.http.sessions import Sessions
from tidehall.display.issue_lists import results_desk
from tidehall.display.kiosk_pages import KioskPages
from tidehall.display.long_lists import begun, drawn, whole
from tidehall.display.office_archive import archive_desk, siblings, unit_page
from tidehall.display.office_lists import (
    Desk,
    board_of_hand_offs,
    case_facts,
    guide_desk,
    issue_desk,
    item_facts,
    middle_desk,
    office_desk,
    place_words,
    runner_desk,
    unfiled_slots,
    window_desk,
)
from tidehall.display.office_words import (
    date_text,
    day_text,
    progress_way,
    span_text,
    trace_durations,
    trace_stages,
    trace_steps,
    yuan,
)
from tidehall.display.pages import Said, Ways, form_of, no_ways
from tidehall.display.reasons import reason_choices, reason_words
from tidehall.display.rendering import qr, visitor_language
from tidehall.display.statistics_page import StatisticsPage
from tidehall.hall.calendar import local_text
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.handbook import consultation
from tidehall.hall.state import HallState
from tidehall.live import HallKeeper, House
from tidehall.locales import has, say
from tidehall.queue.tickets import Ticket
from tidehall.store.errors import StoreError

__all__ = ["RATING_REASONS", "OfficePages", "pages"]

#: What a low level may be about (docs/reference.md); the list is versioned with the page.
RATING_REASONS = ("wait", "unclear", "papers_again", "attitude", "slow", "not_solved", "other")

Build = Callable[[Hall, int, str], Desk]


class OfficePages(KioskPages):
    """All pages of a house with those of its offices."""

    calls: Mapping[str, Call] = {call.name: call for call in ALL_CALLS}

    def routes(self) -> list[Route]:
        """The line's pages, the offices', and the static files."""
        desks: tuple[tuple[str, Any], ...] = (
            ("/desk/{hall}/runner", self.runner),
            ("/desk/{hall}/middle", self.middle),
            ("/desk/{hall}/office/{department}", self.department),
            ("/desk/{hall}/issue", self.issue),
            ("/desk/{hall}/handoffs", self.hand_offs),
            ("/desk/{hall}/archive/{unit}", self.archive),
        )
        found = [Route(path, page) for path, page in desks]
        found += [Route(f"{path}/state", page) for path, page in desks]
        found += [
            Route("/desk/{hall}/window/{window}/offices", self.window_state),
            Route("/desk/{hall}/guide/offices", self.guide_offices),
            Route("/case/{hall}/{case}", self.trace),
            Route("/receipt/{hall}/{case}", self.receipt),
            Route("/progress/{hall}", self.progress),
            Route("/status/{hall}", self.progress),
            Route("/t/{token}/rating", self.rate, methods=["POST"]),
        ]
        return found + super().routes()

    # ---- what they share

    def me(self, request: Request) -> str:
        """The staff id of who has signed in."""
        try:
            person = Access.person(request)
        except Problem:
            return ""
        return person.staff if person is not None else ""

    async def names(self) -> dict[str, str]:
        """Staff id → name of everybody who has an account; without them, when the accounts are away."""
        try:
            found = await self.edge.sessions.accounts.accounts()
        except StoreError:
            return {}
        return {account.staff: name for account in found if (name := self.edge.sessions.name(account))}

    def actor(self, state: HallState, who: str, lang: str, names: Mapping[str, str]) -> str:
        """Who did a step: a person by name, a place as people say it."""
        staff, kind = who.removeprefix("staff:"), who.partition(":")[0]
        if staff in names:
            return names[staff] + say("receipt.brackets", lang, text=staff)
        kind = "citizen" if kind == "ticket" else kind
        return say(f"trace.who.{kind}", lang) if has(f"trace.who.{kind}") else place_words(state, who, lang)

    def saying(self, hall: str, lang: str) -> dict[str, Any]:
        """What the rows' macros need beside `t` and `words`."""
        plan = self.edge.house.halls[hall].committed.state.rules
        return {
            "hall": hall, "span": span_text, "day": day_text(lang), "date": date_text(lang), "yuan": yuan,
            "rejections": reason_choices(plan, "reject", lang),
            "refusals": reason_choices(plan, "refuse_hand_off", lang),
            "keeping": reason_choices(plan, "keep_in_use", lang),
            "withdrawals": reason_choices(plan, "withdraw", lang),
            "corrections": reason_choices(plan, "correction", lang),
            "why": lambda reason: reason_words(reason, lang, plan), "regions": plan.hall.regions,
            "region": lambda code: plan.hall.regions.get(code, {}).get(lang, code),
        }  # fmt: skip

    def parts(self, request: Request, keeper: HallKeeper, lang: str, desk: Desk, panes: Mapping[str, str]) -> Response:
        """What moved on a desk since the position `?since=…`, as the rows that a page puts in."""
        rows = self.render.macros("office_rows.html", lang, **self.saying(keeper.id, lang))
        since = request.query_params.get("since", "")
        after = int(since) if since.isdecimal() and len(since) < 16 else -1
        lists = {
            name: {
                "order": [row.id for row in found],
                "rows": {row.id: drawn(rows, row) for row in found if row.seq is None or row.seq > after},
            }
            for name, found in desk.lists.items()
        }
        body = {"seq": keeper.committed.state.seq, "lists": lists, "slots": desk.slots, "panes": panes}
        text = json.dumps(body, ensure_ascii=False)
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

    async def desk_page(
        self,
        request: Request,
        place: str,
        title: str,
        build: Build,
        *,
        needs_me: str = "",
        panes: Mapping[str, str] | None = None,
        asked: Mapping[str, str] | None = None,
        department: str | None = None,
        window: str | None = None,
        desk_of: str = "",
        unit: str = "",
        **values: Any,
    ) -> Response:
        """A desk: whole, or (its `/state`) what moved since.

        `desk_of`: whose desk it is, where the place does not say it; `unit`: whose originals are counted on it.
        """
        lang = visitor_language(request)
        keeper = self.keeper(request)
        desk_of = desk_of or ("office" if department is not None else place)
        if out := self.kept_out(request, lang, desk_of, window, department=department):
            return out
        if keeper is None:
            return self.unknown(lang)
        hall, now = keeper.committed, keeper.now()
        desk = build(hall, now, lang)
        if unit:
            desk.slots |= unfiled_slots(hall.state, unit)
        if request.url.path.endswith("/state"):
            return self.parts(request, keeper, lang, desk, panes or {})
        kept = {n: v for n, v in (asked or {}).items() if v}
        source = f"{request.url.path}/state" + (f"?{urlencode(kept)}" if kept else "")
        given = self.island(
            keeper, lang, "office.", "archive.", "desk.not_in", "desk.lost", stale_since=self.stale(keeper),
            office={"source": source, "seq": hall.state.seq}, chosen=request.query_params.get("case", ""),
        )  # fmt: skip
        page = self.render.page(
            f"{place}.html",
            lang,
            place=place,
            title=title,
            hall_name=hall.state.rules.hall.name,
            demo_on=self.edge.demo,
            stale_since=self.stale(keeper),
            now=local_text(now, hall.state.zone_name),
            lists=begun(desk),
            slots=desk.slots,
            panes={name: Markup(html) for name, html in (panes or {}).items()},  # our own macros' output
            needs_me=needs_me,
            me=self.me(request),
            who=who(self.edge, request),
            given=given,
            unit=unit,
            **self.saying(keeper.id, lang),
            **values,
        )
        return whole(page, desk, self.render.macros("office_rows.html", lang, **self.saying(keeper.id, lang)))

    def zones(self, request: Request, *, runners: bool = False) -> tuple[str, list[dict[str, Any]]]:
        """(the zone asked for, "" for all, and the zones to choose from)."""
        keeper = self.keeper(request)
        plan = keeper.committed.state.rules if keeper is not None else None
        found = [{"id": z.id, "name": z.name} for z in plan.zones if z.posts.get("acceptance", 0)] if plan else []
        if runners and plan is not None:
            found = [{"id": z.id, "name": z.name} for z in plan.zones if z.posts.get("runner", 0)]
            found.append({"id": "pool", "name": {lang: say("office.pool", lang) for lang in ("zh", "en")}})
        asked = request.query_params.get("zone", "")
        return (asked if any(z["id"] == asked for z in found) else ""), found

    # ---- desks

    async def runner(self, request: Request) -> Response:
        """`/desk/{hall}/runner?zone=…`: of one zone, of the `pool`, of `all`; else of those that this runner serves."""
        zone, zones = self.zones(request, runners=True)
        own = self.runs_in(request)
        zone = "all" if (not own and not zone) or request.query_params.get("zone") == "all" else zone
        shown = () if zone == "all" else (zone,) if zone else own
        return await self.desk_page(
            request, "runner", say("office.title.runner", visitor_language(request)),
            lambda hall, now, lang: runner_desk(hall, now, lang, shown, self.me(request)),
            needs_me="runner", asked={"zone": zone}, zone=zone, zones=zones,
            own=[z["name"] for z in zones if z["id"] in own],
        )  # fmt: skip

    def runs_in(self, request: Request) -> tuple[str, ...]:
        """The zones whose papers this person carries, and the pool, which is everybody's; () for the whole hall."""
        with contextlib.suppress(Problem):
            person = Access.person(request)
            posts = person.principal(str(request.path_params["hall"])).having("runner") if person is not None else ()
            if posts and all(post.zone for post in posts):
                return (*(post.zone for post in posts if post.zone), "pool")
        return ()

    async def middle(self, request: Request) -> Response:
        """`/desk/{hall}/middle`."""
        title = say("office.title.middle", visitor_language(request))
        return await self.desk_page(request, "middle", title, middle_desk, needs_me="staff", unit="middle")

    async def department(self, request: Request) -> Response:
        """`/desk/{hall}/office/{department}`."""
        lang, id = visitor_language(request), str(request.path_params["department"])
        keeper = self.keeper(request)
        if keeper is None or not any(d.id == id for d in keeper.committed.state.rules.departments):
            return self.unknown(lang)
        if out := self.kept_out(request, lang, "office", department=id):
            return out
        pane = await self.case_pane(request, keeper, lang, id)
        return await self.desk_page(
            request, "department", place_words(keeper.committed.state, f"office:{id}", lang),
            lambda hall, now, lang: office_desk(hall, now, lang, id),
            needs_me="staff", panes={"case": pane}, department=id, unit=f"office:{id}",
        )  # fmt: skip

    async def archive(self, request: Request) -> Response:
        """`/desk/{hall}/archive/{unit}`: a unit's list of the day (一天一归档, R27)."""
        lang, unit = visitor_language(request), str(request.path_params["unit"])
        keeper = self.keeper(request)
        back = unit_page(keeper.committed.state, unit) if keeper is not None else None
        if keeper is None or back is None:
            return self.unknown(lang)
        state = keeper.committed.state
        kind, _, id = unit.partition(":")
        office = kind in ("office", "maker")
        return await self.desk_page(
            request, "archive", place_words(state, unit, lang),
            lambda hall, now, lang: archive_desk(hall, now, lang, unit),
            desk_of="office" if office else kind, department=id if office else None,
            window=id if kind == "window" else None, unit=unit, back=back, siblings=siblings(state, unit, lang),
        )  # fmt: skip

    async def case_pane(self, request: Request, keeper: HallKeeper, lang: str, department: str) -> str:
        """The case beside the list, with its applicant as far as this reader may know."""
        macros = self.render.macros("office_case.html", lang, **self.saying(keeper.id, lang))
        case = keeper.committed.state.offices.cases.get(request.query_params.get("case", ""))
        if case is None or department not in (case.department, *(part.department for part in case.parts)):
            return str(macros.nothing()).strip()
        path = {"hall": keeper.id, "case": case.id}
        said = await self.ask(request, "get_case", path, {})
        persons = {name: said.body.get(name) if said.ok else None for name in ("applicant", "agent")}
        view = case_facts(keeper.committed, case, keeper.now(), lang) | persons
        item = item_facts(keeper.committed.state.rules, case.item)
        return str(macros.detail(view, department, to_builtins(item) if item is not None else None)).strip()

    async def issue(self, request: Request) -> Response:
        """`/desk/{hall}/issue`."""
        zone, zones = self.zones(request)
        tail = tail_of(request)
        return await self.desk_page(
            request, "issue", say("office.title.issue", visitor_language(request)),
            lambda hall, now, lang: issue_desk(hall, now, lang, zone, tail),
            asked={"zone": zone, "tail": tail}, zone=zone, zones=zones, tail=tail, unit=f"issue:{zone}" if zone else "",
        )  # fmt: skip

    async def hand_offs(self, request: Request) -> Response:
        """`/desk/{hall}/handoffs`: the zone supervisor's board."""
        zone, zones = self.zones(request)
        keeper = self.keeper(request)
        limits = keeper.committed.state.rules.limits if keeper is not None else None
        return await self.desk_page(
            request, "handoffs", say("office.title.handoffs", visitor_language(request)),
            lambda hall, now, lang: board_of_hand_offs(hall, now, lang, zone),
            needs_me="staff", asked={"zone": zone}, zone=zone, zones=zones,
            urgent_min=round(limits.hand_off_urgent_s / 60) if limits else 0,
            promised_min=round(limits.hand_off_promised_s / 60) if limits else 0,
        )  # fmt: skip

    # ---- beside the line's pages

    def beside(self, place: str, keeper: HallKeeper, lang: str, about: str) -> dict[str, Any]:
        """What the terminal of window `about`, the guide desk, or the phone of ticket `about` shows of the offices."""
        hall, now = keeper.committed, keeper.now()
        state = hall.state
        if place == "door":
            return {"departments": state.rules.departments}
        if place == "phone":
            return self.phone_beside(hall, state.tickets[about], now, lang)
        desk = self.at_window(hall, now, lang, about) if place == "window" else guide_desk(hall, now, lang)
        lists = {n: [{"macro": row.macro, "view": row.make()} for row in rows] for n, rows in desk.lists.items()}
        where = f"/desk/{keeper.id}/window/{about}/offices" if place == "window" else f"/desk/{keeper.id}/guide/offices"
        beside = {"source": where, "seq": state.seq}
        unit = f"window:{about}" if place == "window" else ""
        return {"office": beside, "lists": lists, "slots": desk.slots, "unit": unit} | self.saying(keeper.id, lang)

    def at_window(self, hall: Hall, now: int, lang: str, window: str, tail: str = "") -> Desk:
        """What the offices show at a window: papers taken in, or at an issue window results to hand out."""
        if hall.state.windows[window].post == "issue":
            return results_desk(hall, now, lang, window, tail)
        return window_desk(hall, now, lang, window)

    def phone_beside(self, hall: Hall, ticket: Ticket, now: int, lang: str) -> dict[str, Any]:
        """The ticket's cases in plain words, and whether it may be rated."""
        offices = hall.state.offices
        cases = [case_facts(hall, c, now, lang) for c in offices.cases.values() if c.ticket == ticket.id]
        return {
            "cases": cases,
            "rated": offices.ratings.get(ticket.id),
            "may_rate": ticket.id in offices.claims and ticket.id not in offices.ratings,
            "reasons": RATING_REASONS,
        } | self.saying(hall.state.id, lang)

    async def window_state(self, request: Request) -> Response:
        """What moved for a window; with `item` its intake form, with `missing` the notice of what is missing.

        At an issue window `tail` looks for results by the end of a receipt's number.
        """
        lang = visitor_language(request)
        keeper, window = self.keeper(request), str(request.path_params["window"])
        if out := self.kept_out(request, lang, "window", window):
            return out
        if keeper is None or window not in keeper.committed.state.windows:
            return self.unknown(lang)
        state, asked = keeper.committed.state, request.query_params
        macros = self.render.macros("office_case.html", lang, **self.saying(keeper.id, lang))
        panes: dict[str, str] = {}
        item = item_facts(state.rules, asked.get("item", ""))
        if "missing" in asked and item is not None:
            names = {m.code: m.name for m in item.materials}
            missing = [
                names[code].get(lang) or names[code].get("zh") or code if code in names else code
                for code in asked["missing"].split(",")
            ]
            day = date_text(lang)(local_text(keeper.now(), state.zone_name))
            panes["notice"] = macros.notice(
                to_builtins(item), missing, place_words(state, f"window:{window}", lang), state.rules.hall.name, day,
                phone=consultation(state.rules, item) or "",
            )  # fmt: skip
        elif "item" in asked:
            bundles = [b for b in state.rules.bundles if item is not None and item.code in b.items]
            ticket = state.windows[window].ticket
            panes["intake"] = macros.intake(
                to_builtins(item) if item is not None else None, window, ticket, bundles=to_builtins(bundles),
                urgent_min=round(state.rules.limits.hand_off_urgent_s / 60),
            )  # fmt: skip
        if panes:
            return self.parts(request, keeper, lang, Desk({}), {n: str(html).strip() for n, html in panes.items()})
        desk = self.at_window(keeper.committed, keeper.now(), lang, window, tail_of(request))
        return self.parts(request, keeper, lang, desk, {})

    async def guide_offices(self, request: Request) -> Response:
        """What moved among the matters."""
        lang = visitor_language(request)
        keeper = self.keeper(request)
        if out := self.kept_out(request, lang, "guide"):
            return out
        if keeper is None:
            return self.unknown(lang)
        return self.parts(request, keeper, lang, guide_desk(keeper.committed, keeper.now(), lang), {})

    async def rate(self, request: Request) -> Response:
        """The phone page's rating: five faces, voluntary; the API decides."""
        lang = visitor_language(request)
        form = await form_of(request)
        token = str(request.path_params["token"])
        level = form.get("level", "")
        body: dict[str, Any] = {"level": int(level) if level in "12345" and level else 0}
        reasons = [reason for reason in RATING_REASONS if form.get(f"reason.{reason}")]
        body |= {"reasons": reasons} if reasons and body["level"] <= 3 else {}
        body |= {"text": form["text"].strip()} if form.get("text", "").strip() else {}
        key = f"page.rating.{form.get('key', '')[:60]}"
        said = await self.send(request, "own_ticket_rating", {"token": token}, body, lang=lang, key=key)
        if said.ok:
            return RedirectResponse(f"/t/{token}?lang={lang}#rating", 303)
        return await self.phone_page(request, lang, said=said.sentence, status=409)

    # ---- reading one case

    async def trace(self, request: Request) -> Response:
        """`/case/{hall}/{case}`: the whole life of a case, who, when, why."""
        return await self.case_page(request, "trace.html", "get_trace")

    async def receipt(self, request: Request) -> Response:
        """`/receipt/{hall}/{case}`: the three copies, A5 each."""
        return await self.case_page(request, "receipt.html", "get_receipt")

    async def case_page(self, request: Request, template: str, name: str) -> Response:
        """A page made from one of the API's answers about a case, and the case as it stands."""
        lang = visitor_language(request)
        keeper = self.keeper(request)
        if out := self.kept_out(request, lang, "staff"):
            return out
        if keeper is None:
            return self.unknown(lang)
        path = {part: str(request.path_params[part]) for part in ("hall", "case")}
        said = await self.ask(request, name, path, {})
        if not said.ok:
            return self.unknown(lang)
        state, now = keeper.committed.state, keeper.now()
        values: dict[str, Any] = {"found": said.body, "case": None}
        with contextlib.suppress(Refusal, Problem, StoreError):  # the answer stands without it
            case = await find_case(
                self.edge, keeper, path["case"], Refusal("unknown_case"), begun=time.monotonic()
            )  # fmt: skip
            values["case"] = case_facts(keeper.committed, case, now, lang)
        if template == "receipt.html":
            url = f"{self.address(request)}/progress/{keeper.id}?receipt={said.body['number']}"
            values["qr"] = qr(url)
            item = item_facts(state.rules, said.body["item"])
            values["fee"] = item.fee if item is not None else 0
            values["standards"] = {m.code: m.standard for m in item.materials} if item is not None else {}
            values["handler"] = (await self.names()).get(said.body["handler"] or "", said.body["handler"])
        else:
            names = await self.names()
            values["steps"] = trace_steps(
                said.body, lang, state.rules, lambda who: self.actor(state, who, lang, names)
            )  # fmt: skip
            if values["case"] is not None:
                values["case"]["times"] |= trace_stages(said.body)
            values["durations"] = trace_durations(said.body, lang)
        return self.render.page(
            template, lang, hall_name=state.rules.hall.name, demo_on=self.edge.demo,
            now=local_text(now, state.zone_name), who=who(self.edge, request), seconds=lambda at: at[11:19],
            given=self.island(keeper, lang, "office.sealed", office={}), **values, **self.saying(keeper.id, lang),
        )  # fmt: skip

    async def progress(self, request: Request) -> Response:
        """`/progress/{hall}`: a case for its applicant, by the receipt's number and four digits; open to all."""
        lang = visitor_language(request)
        keeper = self.keeper(request)
        if keeper is None:
            return self.unknown(lang)
        receipt = "".join(request.query_params.get("receipt", "").split())[:40]
        last4 = "".join(request.query_params.get("last4", "").split())[:4]
        said = Said(True, {}, "")
        if receipt and last4:
            query = {"receipt": receipt, "last4": last4}
            said = await self.ask(request, "get_progress", {"hall": keeper.id}, query)
        return self.render.page(
            "progress.html",
            lang,
            status=200 if said.ok else said.body.get("status", 404),
            hall_name=keeper.committed.state.rules.hall.name,
            demo_on=self.edge.demo,
            receipt=receipt,
            last4=last4,
            found=said.body if said.ok else {},
            said=said.sentence,
            way=progress_way(said.body) if said.ok and said.body else [],
            **self.saying(keeper.id, lang),
        )


def tail_of(request: Request) -> str:
    """The end of a receipt's number that is looked for."""
    return "".join(c for c in request.query_params.get("tail", "") if c.isdecimal())[:13]


def no_more(made: OfficePages) -> Sequence[BaseRoute]:
    """No other room."""
    return ()


def pages(
    house: House, *, access: Access, sessions: Sessions, rates: Rates, metrics: Metrics, base_url: str = "",
    ways: Ways = no_ways, more: Callable[[OfficePages], Sequence[BaseRoute]] = no_more,
) -> list[BaseRoute]:  # fmt: skip
    """All pages' routes, for the composition root, with what they share with the HTTP door; `more`: those of other
    rooms that stand on the same ground."""
    edge = Edge(house, access, rates, metrics, sessions, house.demo)
    made = OfficePages(edge, Assets(), base_url=base_url, ways=ways)
    own = [*made.routes(), *GuideBook(made).routes(), *StatisticsPage(made).routes()]
    own += [*Entrance(made.edge, made.render).routes()]
    return [*own, *more(made)]
