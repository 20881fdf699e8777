"""The hub: all channels of one hall in this process.

Law: it tells only what is committed, in order, each call in one frame of its own (law 9). Displays report what they
show; that stays in memory, never in the journal, and a board that reported before and then is silent or far behind
while the hall is open is an alert.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from tidehall.display.channels import (
    BoardChannel,
    Channel,
    DeskChannel,
    Keeper,
    PhoneChannel,
    Scene,
    StaffChannel,
    channel_for,
)
from tidehall.display.listener import CLOSE, Client
from tidehall.display.views import STRIP
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event, TicketCalled, TicketRecalled
from tidehall.hall.plan import Plan
from tidehall.hall.state import Call, HallState

__all__ = ["BoardAlarm", "Display", "Hub"]

SECOND = 1_000_000
SOCKETS_PER_TICKET = 8
SOCKETS_PER_HALL = 4_000
MOST_KIOSKS = 200
#: A board that has reported before is silent after this (s); displays answer every beat.
SILENT_S = 15.0
#: A kiosk that has reported before is silent after this (s); its page reports every five.
KIOSK_SILENT_S = 30.0
#: A board lags when something newer than what it shows is older than this (s).
LAG_S = 10.0
#: An alert's command is not sent again before this (s), should the first have failed.
ALARM_AGAIN_S = 10.0

Silent = Literal["board_silent", "kiosk_silent"]


class BoardAlarm(msgspec.Struct, frozen=True):
    """What the hall should know: raise or end the alert `kind` about a board or a kiosk."""

    kind: Silent
    about: str
    on: bool


class Display(msgspec.Struct, frozen=True):
    """What one listening board or strip last said it shows. `lag_s`: for how long something newer lies unshown."""

    hall: str
    board: str
    shown_seq: int | None
    seq: int
    silent_s: float | None
    lag_s: float | None


class Hub:
    """All channels of one hall in this process; a watcher of its keeper (live.Watcher)."""

    def __init__(
        self,
        keeper: Keeper,
        *,
        demo: bool = False,
        alarm: Callable[[BoardAlarm], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`alarm` is told when an alert should be raised or ended, and hands a command to the keeper; `clock`: s."""
        self.keeper = keeper
        self.alarm = alarm
        self.scene = Scene(keeper, demo=demo)
        self.clock = clock
        self.boards: dict[str, Channel] = {}
        self.private: dict[tuple[str, str], Channel] = {}  # (Channel.private, id), while somebody listens
        self.sockets = 0
        self.heard: dict[str, float] = {}  # board → when any of its displays last reported
        self.kiosks: dict[str, float] = {}  # kiosk → when its page last reported
        self.asked: dict[tuple[str, str], tuple[bool, float]] = {}
        self.plan: Plan | None = None
        self.closed = False
        self.before(keeper.committed.state)

    # ---- what the keeper tells

    def before(self, state: HallState) -> None:
        """Events are about to be applied; a hall just loaded gets its channels here."""
        if state.plan is not self.plan:
            self.rebuild(state)

    def event(self, seq: int, event: Event, state: HallState) -> None:
        """An event was applied: a call ends the frame of every channel that tells of it."""
        if state.plan is not self.plan:
            self.rebuild(state)
        elif isinstance(event, TicketCalled | TicketRecalled):
            call = state.calls[event.call]
            clock = self.clock()
            for channel in self.hearing(call):
                channel.advance(clock, call)

    def flush(self) -> None:
        """The commit is whole: everything else that changed goes out, one frame per channel."""
        state = self.keeper.committed.state
        clock = self.clock()
        for channel in self.boards.values():
            channel.advance(clock)
        for channel in list(self.private.values()):
            if channel.exists(state):
                channel.advance(clock)
            else:  # a ticket after the day turn
                self.dismiss(channel, CLOSE["unknown"])

    def stale(self, since: int | None) -> None:
        """The database is lost or back: say so at once."""
        for channel in self.channels():
            if channel.listeners:
                channel.sound()

    def hearing(self, call: Call) -> Iterable[Channel]:
        """The channels that tell of a call."""
        for channel in self.boards.values():
            if isinstance(channel, BoardChannel) and call.zone in channel.zones:
                yield channel
        private = (("ticket", call.ticket), ("staff", ""), ("desk", call.window))
        for found in (self.boards.get(STRIP + call.window), *(self.private.get(key) for key in private)):
            if found is not None:
                yield found

    def rebuild(self, state: HallState) -> None:
        """A new plan: boards and strips as it says, and everybody starts from a snapshot."""
        self.plan = state.plan
        if state.plan is None:
            return
        names = [board.id for board in state.plan.boards] + [STRIP + id for id in state.windows]
        gone = [channel for id, channel in self.boards.items() if id not in set(names)]
        gone += [channel for channel in self.private.values() if not channel.exists(state)]
        for channel in gone:
            self.dismiss(channel, CLOSE["unknown"])
        for channel in self.channels():
            channel.restart()
        self.boards = {id: self.boards.get(id) or channel_for(self.scene, id) for id in names}

    def channels(self) -> list[Channel]:
        """All of them."""
        return [*self.boards.values(), *self.private.values()]

    def dismiss(self, channel: Channel, code: int) -> None:
        """The channel is over."""
        self.boards = {id: c for id, c in self.boards.items() if c is not channel}
        self.private = {key: c for key, c in self.private.items() if c is not channel}
        for listener in list(channel.listeners):
            listener.end(code)

    def notices_opened(self) -> None:
        """What supervisors say can be read now: the boards hear it at once."""
        for channel in self.boards.values():
            if isinstance(channel, BoardChannel):
                channel.sound()

    # ---- joining and leaving

    def board(self, id: str) -> Channel:
        """A board or strip. Raises Refusal unknown_board."""
        found = self.boards.get(id)
        if found is None:
            raise Refusal("unknown_board", board=id)
        return found

    def ticket(self, id: str) -> Channel:
        """A citizen's ticket. Raises Refusal unknown_ticket."""
        self.keeper.committed.state.ticket(id)
        return self.private.get(("ticket", id)) or PhoneChannel(self.scene, id)

    def staff(self) -> Channel:
        """The hall for its staff."""
        return self.private.get(("staff", "")) or StaffChannel(self.scene, "")

    def desk(self, window: str) -> Channel:
        """One desk. Raises Refusal unknown_window."""
        self.keeper.committed.state.window(window)
        return self.private.get(("desk", window)) or DeskChannel(self.scene, window)

    def join(self, channel: Channel, *, epoch: str | None = None, after: int | None = None) -> Client:
        """Hang a new client on the channel, with what it needs first already decided; nothing is awaited here."""
        resumes = epoch == self.keeper.epoch and after is not None
        client = Client(channel, channel.cursor_after(after) if resumes and after is not None else None, self.clock)
        channel.listeners.add(client)
        if key := private_key(channel):
            self.private[key] = channel
        self.sockets += 1
        return client

    def leave(self, client: Client) -> None:
        """The client is gone; a private channel ends with its last listener."""
        channel = client.channel
        channel.listeners.discard(client)
        self.sockets -= 1
        key = private_key(channel)
        if key and not channel.listeners and self.private.get(key) is channel:
            del self.private[key]

    def full(self, channel: Channel) -> bool:
        """Whether one more socket would be too many."""
        crowded = isinstance(channel, PhoneChannel) and len(channel.listeners) >= SOCKETS_PER_TICKET
        return crowded or self.closed or self.sockets >= SOCKETS_PER_HALL

    def clients(self) -> list[Client]:
        """Everybody who listens."""
        return [x for channel in self.channels() for x in channel.listeners if isinstance(x, Client)]

    def close(self) -> None:
        """The server stops: everybody is told to come again (1012)."""
        self.closed = True
        for client in self.clients():
            client.end(CLOSE["restart"])

    # ---- time

    async def beat(self, *, all_channels: bool) -> None:
        """Sound the beat where somebody listens; between beats only where time has changed what is allowed."""
        hall = self.keeper.committed
        for i, channel in enumerate(self.channels()):
            if channel.listeners and channel.exists(hall.state):
                if all_channels or channel.impatient(hall, self.keeper.now()):
                    channel.sound()
                if not i % 100:  # a thousand phones do not hold up a call
                    await asyncio.sleep(0)
                    hall = self.keeper.committed

    def displays(self) -> list[Display]:
        """What every listening board and strip last reported."""
        clock = self.clock()
        return [
            Display(
                self.keeper.id,
                id,
                client.shown_seq,
                channel.seq,
                None if client.shown_at is None else clock - client.shown_at,
                None if client.shown_seq is None else channel.lag(client.shown_seq, clock),
            )
            for id, channel in self.boards.items()
            for client in channel.listeners
            if isinstance(client, Client)
        ]

    def hear_kiosk(self, kiosk: str) -> None:
        """A kiosk's page is there."""
        if kiosk in self.kiosks or len(self.kiosks) < MOST_KIOSKS:
            self.kiosks[kiosk] = self.clock()

    def watch_displays(self) -> None:
        """Raise an alert for a board that reported before and is silent or far behind, and for a kiosk that is silent;
        end it when it is well. One that another server hears now is forgotten here."""
        clock = self.clock()
        for id, channel in self.boards.items():
            clients = [x for x in channel.listeners if isinstance(x, Client) and x.shown_at is not None]
            heard = max((x.shown_at or 0.0 for x in clients), default=0.0)
            if heard:
                self.heard[id] = max(heard, self.heard.get(id, 0.0))
            if id in self.heard:
                silent = clock - self.heard[id] > SILENT_S
                if silent and self.elsewhere("board_silent", id, clock - self.heard[id]):
                    del self.heard[id]
                    continue
                behind = any(channel.lag(x.shown_seq or 0, clock) > LAG_S for x in clients)
                self.judge("board_silent", id, clock, well=not silent and not behind)
        state = self.keeper.committed.state
        for id, at in list(self.kiosks.items()):
            silent = clock - at > KIOSK_SILENT_S
            if silent and self.elsewhere("kiosk_silent", id, clock - at):
                del self.kiosks[id]
                continue
            self.judge("kiosk_silent", id, clock, well=not silent or not state.in_session)
            found = state.alerts.get(f"kiosk_silent:{id}")
            if silent and not state.in_session and (found is None or found.ended is not None):
                del self.kiosks[id]  # switched off for the night, perhaps for ever

    def elsewhere(self, kind: Silent, about: str, silent_s: float) -> bool:
        """Whether another server has ended an alert since the display was last heard here: only who hears it does."""
        found = self.keeper.committed.state.alerts.get(f"{kind}:{about}")
        if found is None or found.ended is None or not self.asked.get((kind, about), (True, 0.0))[0]:
            return False
        return found.ended > self.keeper.now() - round(silent_s * SECOND)

    def judge(self, kind: Silent, about: str, clock: float, *, well: bool) -> None:
        """Hand an alert on when the hall's state says otherwise; once in a while until it does not."""
        state = self.keeper.committed.state
        found = state.alerts.get(f"{kind}:{about}")
        open_now = found is not None and found.ended is None
        if open_now != well or (not well and not state.in_session):
            return
        last, at = self.asked.get((kind, about), (well, 0.0))
        if self.alarm is not None and (last == well or clock - at > ALARM_AGAIN_S):
            self.asked[kind, about] = (not well, clock)
            self.alarm(BoardAlarm(kind, about, not well))


def private_key(channel: Channel) -> tuple[str, str] | None:
    """Under which key a channel that only lives with its listeners is kept; None for boards and strips."""
    return (channel.private, channel.id) if channel.private else None
