"""The way in: one ASGI application from the HTTP door, the feed and the pages, and what runs beside them.

Law: nothing is decided here; it only brings the parts together and lets nothing be lost between them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from tidehall.display.alert_messages import AlertMessenger, Duty, PatientMessenger, Webhook
from tidehall.display.board_notices import NoticeReader
from tidehall.display.feed import Feed
from tidehall.display.http.access import LINK_WAITS_S, PERSON, Access, Grant, Links, Person
from tidehall.display.http.app import handlers, routes
from tidehall.display.http.limits import Rates, SecurityHeaders
from tidehall.display.http.metrics import Metrics
from tidehall.display.http.sessions import Recognition, Sessions
from tidehall.display.http.texts import open_texts
from tidehall.display.hub import BoardAlarm, Hub
from tidehall.display.kiosk_watch import KioskWatch
from tidehall.display.messages import Gateway, Messenger
from tidehall.display.office_pages import OfficePages, pages
from tidehall.hall.commands import EndAlert, RaiseAlert
from tidehall.hall.errors import Refusal
from tidehall.hall.plan import Department, Plan, WindowPlan
from tidehall.live import Ask, HallKeeper, House, LiveError
from tidehall.locales import say
from tidehall.records.periods import Reported
from tidehall.store.errors import StoreError

__all__ = ["Door", "More"]

log = logging.getLogger(__name__)

#: Seconds between two looks at the clock.
CLOCK_LOOK_S = 1.0
#: Seconds between two looks at the sessions behind open sockets.
SESSION_LOOK_S = 0.5
#: Routes of a room above this one, from the pages, hubs and feed of a house.
More = Callable[[OfficePages, Mapping[str, Hub], Feed], Sequence[BaseRoute]]
#: The desks of the papers' way that a whole hall shares → the kind of place whose link opens them.
OFFICES = {"runner": "runner", "middle": "middle", "issue": "issue", "handoffs": "supervise"}
#: The same for the terminal.
OFFICE_TITLES = {
    "runner": "流转 runner", "middle": "中台 middle office", "issue": "出件 issue post",
    "handoffs": "流转看板 hand-offs",
}  # fmt: skip


class Door:
    """The application of one house, its links and its watchers."""

    def __init__(
        self,
        house: House,
        *,
        data: Path,
        base_url: str,
        admin_token: str | None = None,
        gateway: Gateway | None = None,
        webhook: Webhook | None = None,
        duty: Path | None = None,
        more: More | None = None,
        report: Callable[[Reported, Plan, str, bool], str] | None = None,
    ) -> None:
        """`more`: routes of rooms above this one, on the ground of its pages, hubs and feed; `report`: makes a report's
        page (http/calls.py)."""
        self.house = house
        self.base_url = base_url.rstrip("/")
        secret = house.persons.derive(b"tidehall access")
        self.access = Access(secret, admin_token=admin_token, zone_of=self.zone_of)
        rates, metrics = Rates(), Metrics(house.records, house.days)
        self.sessions = Sessions(house, rates=rates)
        self.links = Links(data / "links")
        self.open_ways: dict[str, tuple[float, dict[str, str]]] = {}
        self.gateway = gateway
        self.more = more
        self.webhook, self.duty, self.metrics = webhook, Duty(duty), metrics
        self.tasks: set[asyncio.Task[None]] = set()
        self.stack = contextlib.AsyncExitStack()
        self.hubs: dict[str, Hub] = {}
        for keeper in house.halls.values():
            hub = Hub(keeper, demo=house.demo, alarm=lambda alarm, k=keeper: self.alarm(k, alarm))  # type: ignore[misc] # bound now
            keeper.watch(hub)
            self.hubs[keeper.id] = hub
        self.feed = Feed(
            self.hubs, ticket_of=house.persons.ticket_of, may_watch=self.may_watch, session_of=self.session_of
        )
        shared: Any = {"access": self.access, "rates": rates, "metrics": metrics, "sessions": self.sessions}
        self.app = Starlette(
            routes=[
                *routes(house, links=self.links, demo=house.demo, report=report, **shared),
                *self.feed.routes(),
                *KioskWatch(self.hubs, self.access).routes(),
                *pages(house, base_url=self.base_url, ways=self.ways, more=self.rooms_above, **shared),
            ],
            middleware=[Middleware(SecurityHeaders), Middleware(Recognition, sessions=self.sessions)],
            exception_handlers=handlers(),
        )

    def rooms_above(self, made: OfficePages) -> Sequence[BaseRoute]:
        """Their routes on this house's pages."""
        return () if self.more is None else self.more(made, self.hubs, self.feed)

    def may_watch(self, connection: HTTPConnection, hall: str, window: str | None) -> bool:
        """Whether a connection may follow a hall's staff channel, or one desk."""
        return self.access.admits(connection, ("staff",), hall, window) is not None

    def session_of(self, connection: HTTPConnection) -> bytes | None:
        """The session of a signed-in person's connection."""
        person = connection.scope.get(PERSON)
        return person.session.digest if isinstance(person, Person) else None

    def zone_of(self, hall: str, window: str) -> str | None:
        """The zone of a window, None when there is no such thing."""
        keeper = self.house.halls.get(hall)
        found = keeper.committed.state.windows.get(window) if keeper is not None else None
        return None if found is None else found.zone

    # ---- beside the requests

    async def begin(self) -> None:
        """Beats, displays and the clock are looked after from now on."""
        await self.stack.enter_async_context(self.feed.running())
        self.spawn(self.look_at_clock())
        self.spawn(self.look_at_sessions())
        for keeper in self.house.halls.values():
            self.spawn(self.notices(keeper).run())
        if self.gateway is not None:
            self.stack.push_async_callback(self.gateway.close)
            for keeper in self.house.halls.values():
                self.spawn(Messenger(keeper, self.gateway, self.house.persons, alarm=self.message_failed).run())
        if self.webhook is not None:
            self.stack.push_async_callback(self.webhook.close)
        if self.gateway is not None or self.webhook is not None:
            for keeper in self.house.halls.values():
                for kind in (AlertMessenger, PatientMessenger):
                    self.spawn(self.alert_messenger(kind, keeper).run())

    def alert_messenger(self, kind: type[AlertMessenger], keeper: HallKeeper) -> AlertMessenger:
        """Who sends a hall's alerts out."""
        return kind(keeper, gateway=self.gateway, webhook=self.webhook, duty=self.duty, count=self.metrics.sent)

    def notices(self, keeper: HallKeeper) -> NoticeReader:
        """Who opens what is said on a hall's boards, from now on."""
        hub = self.hubs[keeper.id]
        reader = NoticeReader(
            hub.scene.words,
            lambda: keeper.committed.state,
            lambda wanted: open_texts(keeper, self.house.persons, wanted),
            hub.notices_opened,
        )
        keeper.watch(reader)
        reader.before(keeper.committed.state)
        return reader

    async def end(self) -> None:
        """Tell everybody to come again, and stop."""
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.stack.aclose()

    def spawn(self, work: object) -> None:
        """Run something beside the requests; a failure is logged."""
        task: asyncio.Task[None] = asyncio.ensure_future(work)  # type: ignore[call-overload] # a coroutine of this class
        self.tasks.add(task)
        task.add_done_callback(self.spawned_ended)

    def spawned_ended(self, task: asyncio.Task[None]) -> None:
        """Nothing is swallowed."""
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task beside the requests failed", exc_info=task.exception())

    def alarm(self, keeper: HallKeeper, alarm: BoardAlarm) -> None:
        """A board is silent or well again: an alert in the hall."""
        self.spawn(self.alert(keeper, alarm.kind, alarm.about, on=alarm.on))

    async def alert(self, keeper: HallKeeper, kind: str, about: str, *, on: bool) -> None:
        """Raise or end an alert; what can't be written now is tried again by whoever asks next."""
        command = RaiseAlert(kind, about) if on else EndAlert(kind, about)
        ask = Ask(command, "system", secrets.token_urlsafe(12), b"", lambda hall, events: (200, b"{}"))
        try:
            await keeper.submit(ask)
        except (LiveError, Refusal) as error:
            log.warning("hall %s: alert %s about %s could not be written: %r", keeper.id, kind, about, error)

    async def message_failed(self, keeper: HallKeeper, case: str) -> None:
        """A citizen was not told: somebody must."""
        await self.alert(keeper, "message_failed", case, on=True)

    async def look_at_clock(self) -> None:
        """An unsure clock is an alert of its own (law 8)."""
        was = False
        while True:
            unsure = self.house.clock.unsure()
            if unsure != was:
                was = unsure
                log.log(logging.WARNING, "the clock is %s", "unsure: commands are refused" if unsure else "sure again")
                for keeper in self.house.halls.values():
                    await self.alert(keeper, "clock_unsure", keeper.id, on=unsure)
            await asyncio.sleep(CLOCK_LOOK_S)

    async def look_at_sessions(self) -> None:
        """Close the sockets of whoever has signed out or been shut out; while the database is away they stay."""
        while True:
            with contextlib.suppress(StoreError):
                await self.sessions.look()
                if open_now := self.feed.sessions():
                    holding = await self.sessions.accounts.holding(open_now, self.sessions.now())
                    self.feed.end_sessions(open_now - holding)
            await asyncio.sleep(SESSION_LOOK_S)

    # ---- letting people in

    def link(self, grant: Grant, page: str) -> str:
        """A link that lets a browser in; a demonstration's may be used again."""
        return f"{self.base_url}/enter/{self.links.make(grant, page, again=self.house.demo)}"

    def demonstration_token(self) -> str:
        """A bearer token for the simulated crowd."""
        return self.access.sign([Grant("demo")])

    def ways(self, keeper: HallKeeper) -> dict[str, str]:
        """In a demonstration: page → link that lets any browser in there; they are made anew before they are too old.

        A real hall has none: its desks open to whoever has signed in, or to a link that the administrator made.
        """
        if not self.house.demo:
            return {}
        made_at, found = self.open_ways.get(keeper.id, (0.0, {}))
        if time.monotonic() - made_at > LINK_WAITS_S / 2 or not found:
            plan, hall = keeper.committed.state.rules, keeper.id
            grants = {f"/kiosk/{hall}": Grant("kiosk", hall)}
            for place, kind in (("guide", "guide"), *OFFICES.items()):
                grants[f"/desk/{hall}/{place}"] = Grant(kind, hall)
            if self.more is not None:
                grants[f"/dashboard/{hall}"] = Grant("supervise", hall)
            grants[f"/statistics/{hall}"] = Grant("supervise", hall)
            grants |= {f"/desk/{hall}/office/{d.id}": Grant("office", hall) for d in plan.departments}
            grants |= {f"/desk/{hall}/window/{w.id}": Grant("window", hall, w.id) for w in plan.windows}
            self.links.sweep()
            found = {page: f"/enter/{self.links.make(grant, page, again=True)}" for page, grant in grants.items()}
            self.open_ways[hall] = (time.monotonic(), found)
        return found

    def greeting(self) -> list[str]:
        """The addresses to open, for the terminal: a demonstration's let everybody in everywhere, a real hall's only
        where people take numbers and are served."""
        self.links.sweep()
        lines = ["", f"TideHall 潮汐大厅  {self.base_url}/", ""]
        for keeper in self.house.halls.values():
            plan = keeper.committed.state.rules
            lines.append(f"  {plan.hall.name.get('zh', keeper.id)}  {plan.hall.name.get('en', '')}")
            if self.house.demo:
                lines.append(f"  {say('demo.notice', 'zh')}  {say('demo.notice', 'en')}")
            window = first_window(plan)
            places = [
                ("取号 kiosk", self.link(Grant("kiosk", keeper.id), f"/kiosk/{keeper.id}")),
                ("总服务台 guide desk", self.link(Grant("guide", keeper.id), f"/desk/{keeper.id}/guide")),
            ]
            if window is not None:
                page = f"/desk/{keeper.id}/window/{window.id}"
                places.append((f"{window.label} 号窗口 window", self.link(Grant("window", keeper.id), page)))
            if self.house.demo:
                ways = self.ways(keeper)
                if (way := ways.get(f"/dashboard/{keeper.id}")) is not None:
                    places.append(("实时看板 dashboard", self.base_url + way))
                for place, title in OFFICE_TITLES.items():
                    places.append((title, self.base_url + ways[f"/desk/{keeper.id}/{place}"]))
                if (department := first_department(plan)) is not None:
                    title = f"{department.name.get('zh', department.id)} back office"
                    places.append((title, self.base_url + ways[f"/desk/{keeper.id}/office/{department.id}"]))
            if plan.boards:
                places.append(("叫号屏 board", f"{self.base_url}/board/{keeper.id}/{plan.boards[0].id}"))
            widest = max(columns(name) for name, _ in places)
            lines += [f"    {name}{' ' * (widest - columns(name))}  {address}" for name, address in places]
            if not self.house.demo:
                lines += [f"    {say('greeting.offices', lang, url=self.base_url)}" for lang in ("zh", "en")]
            lines.append("")
        return lines


def columns(text: str) -> int:
    """How wide a text stands in a terminal: Chinese characters take two columns."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def first_window(plan: Plan) -> WindowPlan | None:
    """The acceptance window of the first zone that has one."""
    zones = [zone.id for zone in plan.zones]
    serving = [w for w in plan.windows if w.lines and w.post == "acceptance"]
    return min(serving, key=lambda w: zones.index(w.zone), default=None)


def first_department(plan: Plan) -> Department | None:
    """A department in the hall to whose office papers are carried."""
    carried = {item.department for item in plan.items if item.kind != "immediate"}
    seated = [d for d in plan.departments if d.resident]
    return next((d for d in seated if d.id in carried), next(iter(seated), None))
