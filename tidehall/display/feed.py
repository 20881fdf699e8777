"""The feed: boards, phones and desks hear of every committed change over websockets.

Law: facts, not hints (law 9). No await lies between making a snapshot and joining its channel. Every close has a
code that says what to do: 1012 come again, 4401 sign in, 4404 there is no such thing, 4408 read faster.

Displays answer each frame and each beat with {"type": "shown", "seq", "call_id"?}.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Set

from starlette.requests import HTTPConnection
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tidehall.display.channels import Channel
from tidehall.display.hub import BoardAlarm, Display, Hub
from tidehall.display.listener import CLOSE
from tidehall.hall.errors import Refusal

__all__ = ["CLOSE", "BoardAlarm", "Display", "Feed", "Hub"]

log = logging.getLogger(__name__)

TICK_S = 1.0
#: A beat every so many ticks: at least every 5 s (contract.md).
BEAT_TICKS = 4
#: How long (s) a ticket just taken at another server may need to come here, and a position that it has told.
TICKET_WAIT_S = 1.0
POSITION_WAIT_S = 2.0
#: How long (s) a closing handshake may take when the other side does not read.
CLOSE_S = 5.0


class Feed:
    """The websocket endpoints over the hubs of all halls.

    `ticket_of` opens a ticket's token (None: not genuine); `may_watch` says whether a connection may see a hall's
    staff channel, or one desk of it when a window is given; `session_of` is the signed-in person's session, with which
    such a socket ends.
    """

    def __init__(
        self,
        hubs: Mapping[str, Hub],
        *,
        ticket_of: Callable[[str], str | None],
        may_watch: Callable[[HTTPConnection, str, str | None], bool],
        session_of: Callable[[HTTPConnection], bytes | None] = lambda connection: None,
    ) -> None:
        self.hubs = hubs
        self.session_of = session_of
        self.ticket_of = ticket_of
        self.may_watch = may_watch

    def routes(self) -> list[WebSocketRoute]:
        """The endpoints of contract.md."""
        return [
            WebSocketRoute("/api/v1/halls/{hall}/boards/{board}/live", self.board),
            WebSocketRoute("/api/v1/tickets/{token}/live", self.ticket),
            WebSocketRoute("/api/v1/halls/{hall}/live", self.staff),
        ]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Beats and watches over the displays until the server stops; then 1012 to all."""
        ticker = asyncio.create_task(self.tick(), name="feed")
        try:
            yield
        finally:
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)
            for hub in self.hubs.values():
                hub.close()

    async def tick(self) -> None:
        """Once a second; a mistake in one hall's beat is reported and does not silence the others."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        count = 0
        while True:
            for hub in list(self.hubs.values()):
                try:
                    await hub.beat(all_channels=count % BEAT_TICKS == 0)
                    hub.watch_displays()
                except Exception:
                    log.exception("hall %s: the feed's beat failed", hub.keeper.id)
            count += 1
            due = max(due + TICK_S, loop.time())
            await asyncio.sleep(due - loop.time())

    # ---- endpoints

    async def board(self, socket: WebSocket) -> None:
        """A board or a window's strip (`window:ID`); open to all, masked."""
        await socket.accept()
        hub = self.hubs.get(socket.path_params["hall"])
        board = socket.path_params["board"]
        await self.serve(socket, hub, lambda found: found.board(board))

    async def ticket(self, socket: WebSocket) -> None:
        """A citizen's phone; the token is the right."""
        await socket.accept()
        id = self.ticket_of(socket.path_params["token"])
        hub = None if id is None else await self.holding(id)
        await self.serve(socket, hub, lambda found: found.ticket(id or ""))

    async def staff(self, socket: WebSocket) -> None:
        """A hall's staff, or one desk with `?window=`."""
        await socket.accept()
        hall, window = socket.path_params["hall"], socket.query_params.get("window")
        if not self.may_watch(socket, hall, window):
            await bye(socket, CLOSE["not_signed_in"])
            return
        await self.serve(
            socket,
            self.hubs.get(hall),
            lambda found: found.desk(window) if window else found.staff(),
            session=self.session_of(socket),
        )

    def sessions(self) -> set[bytes]:
        """The sessions by which sockets are open."""
        clients = (client for hub in self.hubs.values() for client in hub.clients())
        return {client.session for client in clients if client.session is not None}

    def end_sessions(self, over: Set[bytes]) -> None:
        """Close the sockets of sessions that are over."""
        for hub in self.hubs.values():
            for client in hub.clients():
                if client.session in over:
                    client.end(CLOSE["not_signed_in"])

    async def holding(self, ticket: str) -> Hub | None:
        """The hub whose hall has this ticket; one that another server has just written may take a moment to come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TICKET_WAIT_S):
                while True:
                    for hub in self.hubs.values():
                        if ticket in hub.keeper.committed.state.tickets:
                            return hub
                    await asyncio.sleep(0.05)
        return None

    async def serve(
        self, socket: WebSocket, hub: Hub | None, find: Callable[[Hub], Channel], *, session: bytes | None = None
    ) -> None:
        """Feed one socket until either side ends it."""
        if hub is None or hub.plan is None:
            await bye(socket, CLOSE["unknown"])
            return
        epoch, after = socket.query_params.get("epoch"), position(socket.query_params.get("after"))
        if after is not None and epoch == hub.keeper.epoch:
            # another server was further; after this no await until joined
            await hub.keeper.reached(after, POSITION_WAIT_S)
        try:
            channel = find(hub)
        except Refusal:
            await bye(socket, CLOSE["unknown"])
            return
        if hub.full(channel):
            await bye(socket, CLOSE["full"])
            return
        client = hub.join(channel, epoch=epoch, after=after)
        client.session = session
        client.writer = asyncio.create_task(client.write(socket))
        reader = asyncio.create_task(client.read(socket))
        tasks = (client.writer, reader)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            hub.leave(client)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, WebSocketDisconnect):
                raise end
        if client.code is not None:
            await bye(socket, client.code)


def position(text: str | None) -> int | None:
    """A journal position from a query; None for what is none."""
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) <= 18 else None


async def bye(socket: WebSocket, code: int) -> None:
    """Close with a code; whoever does not read it in time loses the connection anyway."""
    with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code)
