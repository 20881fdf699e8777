"""The kiosk's pages: every step up to a number for a matter or for a result to fetch, and a case's progress.

Law: as in pages.py, and nothing is asked of a visitor but what is on his receipt. Whether receipt and digits belong
together, whether a result is ready and where it is handed out is said by the API's answers, never decided here.
"""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tidehall.display import kiosk, views
from tidehall.display.board_pages import BoardPages
from tidehall.display.kiosk import Visit
from tidehall.display.office_words import day_text, progress_way, yuan
from tidehall.display.pages import Said, form_of, script_data
from tidehall.display.rendering import minutes_range, qr
from tidehall.hall.calendar import local_text
from tidehall.live import HallKeeper
from tidehall.locales import say

__all__ = ["KioskPages"]

#: Seconds without a touch after which a kiosk begins anew.
IDLE_S = 30
#: Steps on which somebody reads longer, and seconds for them.
READING = {"progress": 60, "collect": 60}


class KioskPages(BoardPages):
    """All pages of the line and the boards with the kiosk's."""

    def routes(self) -> list[Route]:
        """The kiosk's address, and the others."""
        found = [
            Route("/kiosk/{hall}", self.kiosk, methods=["GET"]),
            Route("/kiosk/{hall}", self.kiosk_take, methods=["POST"]),
        ]
        return found + super().routes()

    async def kiosk(self, request: Request) -> Response:
        """`/kiosk/{hall}`: every step up to the number, and the number."""
        lang = "en" if request.query_params.get("lang") == "en" else "zh"
        keeper = self.keeper(request)
        if keeper is None:
            return self.unknown(lang)
        if request.method == "HEAD":  # the script only asks whether the house is there
            return Response(headers={"Cache-Control": "no-store"})
        visit = Visit.read(keeper.id, lang, request.query_params)
        token = request.query_params.get("ticket")
        if token is not None:
            return await self.kiosk_done(request, keeper, visit, token)
        if visit.step in READING:
            return await self.by_receipt(request, keeper, visit)
        return self.kiosk_step(request, keeper, visit)

    # ---- one step

    def kiosk_step(
        self, request: Request, keeper: HallKeeper, visit: Visit, *, said: str = "", status: int = 200
    ) -> Response:
        """The page of one step, with what the hall said if it said no."""
        hall, lang = keeper.committed, visit.lang
        plan = hall.state.rules
        step = visit.step
        values: dict[str, Any] = {}
        if step == "find":
            found = [row | {"place": row["zone"].get(lang, "")} for row in kiosk.search(plan, visit.q)]
            values = {
                "found": found,
                "any_found": any(row["hit"] for row in found),
                "zones": kiosk.zones_with_lines(hall),
            }
        elif step == "zone":
            zone = next((z for z in kiosk.zones_with_lines(hall) if z["id"] == visit.zone), None)
            if zone is None:
                return self.unknown(lang, start=visit.link(fresh=True))
            own = [row.id for row in plan.lines if row.zone == visit.zone and row.purpose != "pickup"]
            lines = [views.line_view(hall, id, keeper.now()) for id in own]
            values = {"zone": zone, "lines": lines, "items": kiosk.items_of_zone(plan, visit.zone)}
        elif step == "confirm":
            what = kiosk.choice(hall, visit, keeper.now())
            if what is None:
                return self.unknown(lang, start=visit.link(fresh=True))
            classes = self.priorities(plan, lang)
            page = f"{self.address(request)}/guide/{keeper.id}/{what['item']}?lang={lang}"
            guide = qr(page) if what["item"] else None
            values = {"what": what, "priorities": [p for p in classes if p["id"] != "normal"], "guide": guide}
        elif step == "slipless":
            values = {"zones": kiosk.pickup_zones(hall)}
        return self.kiosk_page(keeper, visit, step, said=said, status=status, **values)

    def kiosk_page(
        self, keeper: HallKeeper, visit: Visit, step: str, *, said: str = "", status: int = 200, **values: Any
    ) -> Response:
        """What all kiosk pages share."""
        hall, lang = keeper.committed, visit.lang
        state = hall.state
        if keeper.stale_since is not None:
            said = said or say("common.database_away", lang) + say("kiosk.to_desk_now", lang)
        closed = ""
        if not state.issuing:
            opens = state.schedule.opens_next(keeper.now()) if state.schedule is not None else None
            when = local_text(opens, state.zone_name)[5:16].replace("T", " ") if opens else ""
            closed = say("kiosk.closed_now", lang, next=say("kiosk.opens_at", lang, time=when) if when else "")
        return self.render.page(
            "kiosk.html",
            lang,
            status=status,
            hall=keeper.id,
            hall_name=state.rules.hall.name,
            demo_on=self.edge.demo,
            large=visit.large,
            step=step,
            door=visit.door,
            q=visit.q,
            receipt=visit.receipt,
            last4=visit.last4,
            keypad=kiosk.KEYPAD,
            keep=visit.keep(),
            link=visit.link,
            here=visit.here,
            back=visit.back(),
            said=said,
            closed=closed,
            day=day_text(lang),
            yuan=yuan,
            now=local_text(keeper.now(), state.zone_name),
            given=self.island(keeper, lang, "kiosk.", idle_s=READING.get(step, IDLE_S)),
            **values,
        )

    # ---- by receipt

    async def by_receipt(
        self, request: Request, keeper: HallKeeper, visit: Visit, *, said: str = "", status: int = 200
    ) -> Response:
        """A case by its receipt and four figures: its progress, or the card of what is there to fetch."""
        query = {"receipt": visit.receipt, "last4": visit.last4}
        answer = await self.ask(request, "get_progress", {"hall": keeper.id}, query)
        if not answer.ok:
            return self.kiosk_page(
                keeper, visit, "receipt", said=self.not_found(answer, visit.lang), status=answer.body["status"]
            )
        found = answer.body
        values: dict[str, Any] = {"found": found, "way": progress_way(found)}
        if visit.door == "collect":
            values["what"] = self.to_fetch(keeper, visit, found)
        return self.kiosk_page(keeper, visit, visit.door, said=said, status=status, **values)

    def not_found(self, answer: Said, lang: str) -> str:
        """Why no case is shown: at a kiosk a field that cannot be right is a number that is not known."""
        return say("kiosk.receipt_unknown", lang) if answer.body["status"] in (404, 422) else answer.sentence

    def to_fetch(self, keeper: HallKeeper, visit: Visit, found: dict[str, Any]) -> dict[str, Any] | None:
        """Where the result is handed out and who waits there; None while a number would be of no use."""
        hall = keeper.committed
        case = next((c for c in hall.state.offices.cases.values() if c.receipt == found["receipt"]), None)
        line = hall.state.pickup_lines.get(case.zone) if case is not None else None
        if line is None or found["stage"] != "ready" or found["delivery"] != "window":
            return None
        return kiosk.choice(hall, visit, keeper.now(), line)

    # ---- the number

    async def kiosk_take(self, request: Request) -> Response:
        """The form of a confirm card: take the number and show it."""
        form = await form_of(request)
        keeper = self.keeper(request)
        visit = Visit.read(str(request.path_params["hall"]), "en" if form.get("lang") == "en" else "zh", form)
        if keeper is None:
            return self.unknown(visit.lang)
        own = self.edge.access.admits(request, ("take",), keeper.id) is not None
        body: dict[str, Any] = {"channel": "kiosk" if own else "phone", "priority": form.get("priority") or "normal"}
        if visit.step == "collect":
            body["receipt"] = {"number": visit.receipt, "last_four": visit.last4}
        else:
            body |= {"item": visit.item} if visit.item else {"line": visit.line}
        said = await self.send(request, "take_ticket", {"hall": keeper.id}, body, lang=visit.lang, key=visit.key)
        if not said.ok and visit.step == "collect":
            return await self.by_receipt(request, keeper, visit, said=said.sentence, status=409)
        if not said.ok:
            return self.kiosk_step(request, keeper, visit, said=said.sentence, status=409)
        where = visit.link(ticket=said.body["token"])
        return RedirectResponse(where, 303, {"Cache-Control": "no-store"})

    async def kiosk_done(self, request: Request, keeper: HallKeeper, visit: Visit, token: str) -> Response:
        """The number, huge, with the way to follow it on a phone."""
        found = await self.own(token)
        if found is None or found[0].id != keeper.id:
            return self.kiosk_step(request, keeper, visit)
        ticket, lang = found[1], visit.lang
        view = script_data(to_builtins(views.phone_view(keeper.committed, ticket, keeper.now())))
        pair = minutes_range(view["shown"])
        about = say("common.range", lang, low=pair[0], high=pair[1]) if pair else say("common.no_estimate", lang)
        ahead = say("kiosk.ahead", lang, n=view["ahead"]) if view["ahead"] else say("kiosk.nobody_ahead", lang)
        return self.kiosk_page(
            keeper,
            visit,
            "done",
            ticket=view,
            sentence=[part for part in (ahead, about, view["zone_name"][lang], view["windows_text"][lang]) if part],
            qr=qr(f"{self.address(request)}/t/{token}"),
            token=token,
            fetching=ticket.line in keeper.committed.state.pickup_lines.values(),
            results=len(ticket.cases),
            what={"materials": self.materials(keeper, ticket)},
        )
