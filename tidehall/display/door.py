"""The way in: one ASGI application from the HTTP door, the feed and the pages, and what runs beside them.

Law: nothing is decided here; it only brings the parts together and lets nothing be lost between them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection

from tidehall.display.feed import Feed
from tidehall.display.http.access import PERSON, Access, Grant, Links, Person
from tidehall.display.http.app import handlers, routes
from tidehall.display.http.limits import Rates, SecurityHeaders
from tidehall.display.http.metrics import Metrics
from tidehall.display.http.sessions import Recognition, Sessions
from tidehall.display.hub import BoardAlarm, Hub
from tidehall.display.messages import Gateway, Messenger
from tidehall.display.office_pages import pages
from tidehall.hall.commands import EndAlert, RaiseAlert
from tidehall.hall.errors import Refusal
from tidehall.live import Ask, HallKeeper, House, LiveError
from tidehall.locales import say
from tidehall.store.errors import StoreError

__all__ = ["Door"]

log = logging.getLogger(__name__)

#: Seconds between two looks at the clock.
CLOCK_LOOK_S = 1.0
#: Seconds between two looks at the sessions behind open sockets.
SESSION_LOOK_S = 0.5


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
    ) -> None:
        self.house = house
        self.base_url = base_url.rstrip("/")
        secret = house.persons.derive(b"tidehall access")
        self.access = Access(secret, admin_token=admin_token, zone_of=self.zone_of)
        rates, metrics = Rates(), Metrics()
        self.sessions = Sessions(house, rates=rates)
        self.links = Links(data / "links")
        self.gateway = gateway
        self.messages = data / "messages"
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
                *routes(house, links=self.links, demo=house.demo, **shared),
                *self.feed.routes(),
                *pages(house, base_url=self.base_url, **shared),
            ],
            middleware=[Middleware(SecurityHeaders), Middleware(Recognition, sessions=self.sessions)],
            exception_handlers=handlers(),
        )

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
        if self.gateway is not None:
            self.stack.push_async_callback(self.gateway.close)
            for keeper in self.house.halls.values():
                messenger = Messenger(
                    keeper, self.gateway, self.house.persons, self.messages, alarm=self.message_failed
                )
                self.spawn(messenger.run())

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

    def greeting(self) -> list[str]:
        """The addresses to open, for the terminal."""
        lines = ["", f"TideHall 潮汐大厅  {self.base_url}/", ""]
        for keeper in self.house.halls.values():
            plan = keeper.committed.state.rules
            lines.append(f"  {plan.hall.name.get('zh', keeper.id)}  {plan.hall.name.get('en', '')}")
            if self.house.demo:
                lines.append(f"  {say('demo.notice', 'zh')}  {say('demo.notice', 'en')}")
            zones = [zone.id for zone in plan.zones]
            serving = [w for w in plan.windows if w.lines and w.post == "acceptance"]
            window = min(serving, key=lambda w: zones.index(w.zone), default=None)
            places = [
                ("取号 kiosk", self.link(Grant("kiosk", keeper.id), f"/kiosk/{keeper.id}")),
                ("总服务台 guide desk", self.link(Grant("guide", keeper.id), f"/desk/{keeper.id}/guide")),
            ]
            if window is not None:
                page = f"/desk/{keeper.id}/window/{window.id}"
                places.append((f"{window.label} 号窗口 window", self.link(Grant("window", keeper.id), page)))
            if plan.boards:
                places.append(("叫号屏 board", f"{self.base_url}/board/{keeper.id}/{plan.boards[0].id}"))
            lines += [f"    {name:<22}{address}" for name, address in places]
            lines.append("")
        return lines
