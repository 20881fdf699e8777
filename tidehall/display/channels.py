"""Channels: what one kind of listener sees of a hall, as numbered frames.

Law: a frame takes a listener from `prev` to `seq` of its channel, in absolute values, with at most one call, which
ends it. Positions are journal seqs read from the committed state, so they are the same on every server and after a
restart. A frame is built and encoded once, whoever listens. No clock and no event loop here.

What changed since the channel's last frame is found by the seq that every line, window and ticket carries. Estimates
that only others' moves change ride on the line's next frame or on the next beat.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar, cast

import msgspec

from tidehall.display.board_notices import board_notices
from tidehall.display.tide_views import advice_facts
from tidehall.display.views import (
    STRIP,
    StripLine,
    alerts_view,
    board_calls,
    board_line,
    board_missed,
    board_plan,
    board_position,
    board_ready,
    board_recent,
    board_view,
    board_window,
    call_view,
    desk_parked,
    desk_view,
    desk_waiting,
    doing,
    line_beat,
    line_name,
    line_view,
    parked_for,
    phone_beat,
    phone_view,
    session,
    staff_view,
    strip_position,
    strip_view,
    ticket_view,
    time_text,
    window_view,
)
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.state import Alert, Call, HallState
from tidehall.hall.wire import LineView, TicketView, WindowView
from tidehall.queue.tickets import Ticket

__all__ = ["BoardChannel", "Channel", "DeskChannel", "Frame", "Keeper", "PhoneChannel", "Scene", "StaffChannel",
           "StripChannel", "channel_for"]  # fmt: skip

#: Frames that a channel keeps for replay at most, and the age (s) up to which they are kept at least.
KEPT = 2_000
KEPT_S = 600.0

encode = msgspec.json.Encoder().encode

T = TypeVar("T")


class Keeper(Protocol):
    """What the feed needs of a hall's keeper (live.HallKeeper)."""

    id: str
    epoch: str
    committed: Hall
    stale_since: int | None

    def now(self) -> int:
        """The hall's time, µs."""

    async def reached(self, seq: int, timeout_s: float = 5.0) -> bool:
        """Wait until the committed state has come to `seq`."""


class Scene:
    """What all channels of a hall look at; lists that many desks share are made once per journal position."""

    def __init__(self, keeper: Keeper, *, demo: bool) -> None:
        self.keeper = keeper
        self.demo = demo
        self.words: dict[str, str] = {}  # what notices say, as far as it has been opened
        self.made_at = -1
        self.made: dict[tuple[str, object], Any] = {}

    @property
    def hall(self) -> Hall:
        """The committed hall; never kept, the keeper may put another object in its place."""
        return self.keeper.committed

    def once(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once per journal position for all channels that show it."""
        seq = self.keeper.committed.state.seq
        if self.made_at != seq:
            self.made_at = seq
            self.made.clear()
        found = self.made.get((kind, key))
        if found is None:
            found = self.made[kind, key] = make()
        return cast(T, found)

    def suspended(self) -> list[Ticket]:
        """All parked tickets."""
        tickets = self.hall.state.tickets
        return self.once("suspended", "", lambda: [t for t in tickets.values() if t.state == "suspended"])

    def alerts(self) -> tuple[int, list[Alert]]:
        """The journal seq of the last event about an alert of this day, and the alerts that are open."""
        alerts = self.hall.state.alerts.values()
        return self.once(
            "alerts", "", lambda: (max((x.seq for x in alerts), default=0), [x for x in alerts if x.ended is None])
        )

    def waiting(self, lines: tuple[str, ...], now: int) -> tuple[TicketView, ...]:
        """The waiting list of some lines."""
        return self.once("waiting", lines, lambda: desk_waiting(self.hall, lines, now))

    def window(self, id: str, now: int) -> WindowView:
        """A window for staff."""
        return self.once("window", id, lambda: window_view(self.hall, id, now, staff=True))

    def line(self, id: str, now: int) -> LineView:
        """A line."""
        return self.once("line", id, lambda: line_view(self.hall, id, now))


class Frame(NamedTuple):
    """An encoded update; `built` is when, in the feed's monotonic seconds."""

    prev: int
    seq: int
    built: float
    body: str


class Listener(Protocol):
    """Who hangs on a channel."""

    def poke(self) -> None:
        """There is something new."""

    def refresh(self) -> None:
        """What the listener has is no ground for updates any more: a snapshot, please."""

    def end(self, code: int) -> None:
        """The channel is gone: close with this code."""


class Channel(ABC):
    """One numbered stream of frames with its replay ring."""

    #: the key of the whole object in a snapshot
    name = "board"
    #: what a channel that only lives with its listeners is kept under, beside its id; "" for boards and strips
    private = ""

    def __init__(self, scene: Scene, id: str) -> None:
        self.scene = scene
        self.id = id
        self.listeners: set[Listener] = set()
        self.ring: deque[Frame] = deque()
        self.first = 0  # running index of ring[0]
        self.beat = ""
        self.beats = 0
        self.seq = 0
        self.kept: tuple[tuple[int, int, int | None, int], str] | None = None
        self.restart()

    # ---- what each kind says

    @abstractmethod
    def position(self, state: HallState) -> int:
        """The journal seq of the last event that changed this channel."""

    @abstractmethod
    def exists(self, state: HallState) -> bool:
        """Whether there is such a board, window or ticket."""

    @abstractmethod
    def view(self, hall: Hall, now: int) -> msgspec.Struct:
        """The whole object."""

    @abstractmethod
    def changes(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """What differs from the last frame, in absolute values; remembers it as told."""

    @abstractmethod
    def ageing(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """What time alone has changed."""

    def impatient(self, hall: Hall, now: int) -> bool:
        """Whether a beat should not wait its turn."""
        return False

    def settle(self, hall: Hall, now: int) -> None:
        """Remember the present as told (a restart: everybody gets a snapshot)."""
        self.kept = None

    # ---- frames

    @property
    def head(self) -> int:
        """The running index after the newest frame."""
        return self.first + len(self.ring)

    def restart(self) -> None:
        """Begin anew from the committed state: no replay from before, every listener gets a snapshot."""
        hall = self.scene.hall
        self.first = self.head
        self.ring.clear()
        self.settle(hall, self.scene.keeper.now())
        self.seq = self.position(hall.state)
        for listener in self.listeners:
            listener.refresh()

    def advance(self, clock: float, call: Call | None = None) -> None:
        """Add the frame that leads to the committed state, if anything changed; it tells of `call` if one is given."""
        hall = self.scene.keeper.committed
        state = hall.state
        seq = self.position(state)
        if seq <= self.seq:
            return
        frame = {"type": "update", "prev": self.seq, "seq": seq, "at": time_text(state, state.last_at)}
        frame |= self.changes(hall, self.scene.keeper.now())
        if call is not None:
            frame["call"] = call_view(hall, call)
        self.ring.append(Frame(self.seq, seq, clock, encode(frame).decode()))
        self.seq = seq
        while len(self.ring) > KEPT or (self.ring[0].seq <= state.seq - KEPT and self.ring[0].built < clock - KEPT_S):
            self.ring.popleft()
            self.first += 1
        for listener in self.listeners:
            listener.poke()

    def snapshot(self) -> str:
        """The whole object as it stands; made once for all who come in the same second."""
        keeper = self.scene.keeper
        now = keeper.now()
        key = (self.seq, now // 1_000_000, keeper.stale_since, len(self.scene.words))
        if self.kept is None or self.kept[0] != key:
            hall = self.scene.hall
            body = {
                "type": "snapshot",
                "epoch": keeper.epoch,
                "seq": self.seq,
                "at": time_text(hall.state, now),
                self.name: self.view(hall, now),
            }
            self.kept = key, encode(body).decode()
        return self.kept[1]

    def pulse(self) -> str:
        """A beat: the last seq, so that a lost last frame shows, and what time alone changes."""
        hall, keeper = self.scene.hall, self.scene.keeper
        now = keeper.now()
        stale = keeper.stale_since
        body = {
            "type": "beat",
            "seq": self.seq,
            "at": time_text(hall.state, now),
            "stale_since": None if stale is None else time_text(hall.state, stale),
            **self.ageing(hall, now),
        }
        return encode(body).decode()

    def sound(self) -> None:
        """The next beat, for all."""
        self.beat = self.pulse()
        self.beats += 1
        for listener in self.listeners:
            listener.poke()

    def cursor_after(self, after: int) -> int | None:
        """The running index of the first frame that one who has `after` lacks; None when replay can't lead on."""
        if after > self.seq:
            return None
        for back, frame in enumerate(reversed(self.ring)):
            if frame.seq <= after:
                return self.head - back
            if frame.prev <= after:
                return self.head - back - 1
        return self.head if after == self.seq else None

    def lag(self, seq: int, clock: float) -> float:
        """For how many seconds one who has shown `seq` lacks something."""
        since = clock
        for frame in reversed(self.ring):
            if frame.seq <= seq:
                break
            since = frame.built
        return clock - since


class BoardChannel(Channel):
    """A zone or hall board."""

    def settle(self, hall: Hall, now: int) -> None:
        """Take the zones and lines from the plan."""
        super().settle(hall, now)
        plan = hall.state.rules
        board = board_plan(hall, self.id)
        self.zones: tuple[str, ...] = board.zones
        shown = [line for line in plan.lines if line.zone in board.zones]
        self.lines = [line.id for line in shown if not board.lines or line.id in board.lines]
        self.windows = [window.id for window in plan.windows if window.zone in board.zones]
        self.board = board
        self.ready = board_ready(hall.state, self.zones) if board.kind == "issue" else ()
        self.offices = hall.state.offices.seq
        self.told = self.standing(hall.state, now)

    def position(self, state: HallState) -> int:
        """The newest of its zones' positions; of an issue board also the offices'."""
        return board_position(state, self.board)

    def exists(self, state: HallState) -> bool:
        """Whether the plan has this board."""
        return any(board.id == self.id for board in state.rules.boards)

    def view(self, hall: Hall, now: int) -> msgspec.Struct:
        """The whole board."""
        scene = self.scene
        return board_view(
            hall, self.id, now, stale_since=scene.keeper.stale_since, demo=scene.demo, words=scene.words
        )  # fmt: skip

    def standing(self, state: HallState, now: int) -> dict[str, Any]:
        """The small lists and flags, which are told whole when they differ."""
        return {
            "calls": board_calls(state, self.zones),
            "recent": board_recent(state, self.zones),
            "missed": board_missed(state, self.zones),
            "session": session(state, now),
            "issuing": state.issuing,
            "notices": board_notices(state, self.id, self.scene.words),
        }

    def changes(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """Lines and windows that moved, and each list that differs."""
        state = hall.state
        found: dict[str, Any] = {}
        if lines := [board_line(hall, id, now) for id in self.lines if state.lines[id].seq > self.seq]:
            found["lines"] = lines
        if windows := [state.windows[id] for id in self.windows if state.windows[id].seq > self.seq]:
            found["windows"] = [board_window(state, window) for window in windows]
        standing = self.standing(state, now)
        for name, value in standing.items():
            if value != self.told[name]:
                calls = name in ("calls", "recent")
                found[name] = [call_view(hall, call) for call in value] if calls else value
        self.told = standing
        if self.board.kind == "issue" and state.offices.seq > self.offices:
            self.offices = state.offices.seq
            ready = board_ready(state, self.zones)
            if ready != self.ready:
                found["ready"] = self.ready = ready
        return found

    def ageing(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """Waits and estimates, and notices, whose words may have been opened since."""
        notices = board_notices(hall.state, self.id, self.scene.words)
        return {"lines": [line_beat(hall, id, now) for id in self.lines], "notices": notices}


class StripChannel(Channel):
    """The strip above one window; its id is that of the window."""

    def position(self, state: HallState) -> int:
        """The window's, and the plan's, which gives it its names."""
        return strip_position(state, self.id)

    def exists(self, state: HallState) -> bool:
        """Whether the plan has this window."""
        return self.id in state.windows

    def view(self, hall: Hall, now: int) -> msgspec.Struct:
        """The whole strip."""
        return strip_view(hall, self.id, now, stale_since=self.scene.keeper.stale_since, demo=self.scene.demo)

    def changes(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """All that a window's event may change; it is small."""
        state = hall.state
        window = state.windows[self.id]
        number, what = doing(state, window)
        return {
            "state": window.state,
            "number": number,
            "doing": what,
            "lines": [StripLine(state.lines[id].letter, line_name(state.rules, id)) for id in window.lines],
            "calls": [call_view(hall, call) for call in state.calls.values() if call.window == self.id],
        }

    def ageing(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """The opening hours."""
        return {"session": session(hall.state, now)}


class PhoneChannel(Channel):
    """A citizen's own ticket."""

    name = "ticket"
    private = "ticket"

    def position(self, state: HallState) -> int:
        """The ticket's and the plan's; while it waits, its line's too, since the people ahead change with it."""
        ticket = state.ticket(self.id)
        line = state.lines[ticket.line].seq if ticket.state == "waiting" else 0
        return max(ticket.seq, line, state.plan_seq)

    def exists(self, state: HallState) -> bool:
        """Whether the hall still knows the ticket (ended ones go at the day turn)."""
        return self.id in state.tickets

    def view(self, hall: Hall, now: int) -> msgspec.Struct:
        """The whole ticket."""
        ticket = hall.state.ticket(self.id)
        return phone_view(hall, ticket, now, stale_since=self.scene.keeper.stale_since, demo=self.scene.demo)

    def changes(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """The whole ticket; it is small."""
        return {"ticket": self.view(hall, now)}

    def ageing(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """The estimate."""
        return {"ticket": phone_beat(hall, hall.state.ticket(self.id))}


class StaffChannel(Channel):
    """A hall for its staff."""

    name = "hall"
    private = "staff"

    def settle(self, hall: Hall, now: int) -> None:
        """Take the windows and lines from the state."""
        super().settle(hall, now)
        self.windows = self.shown_windows(hall.state)
        zones = {hall.state.windows[id].zone for id in self.windows}
        self.lines = [line.id for line in hall.state.lines.values() if line.zone in zones]
        self.told = self.standing(hall.state, now)

    def shown_windows(self, state: HallState) -> list[str]:
        """Which windows it shows."""
        return list(state.windows)

    def position(self, state: HallState) -> int:
        """Every event shows here."""
        return state.seq

    def exists(self, state: HallState) -> bool:
        """Always."""
        return True

    def view(self, hall: Hall, now: int) -> msgspec.Struct:
        """The whole hall."""
        return staff_view(hall, now, stale_since=self.scene.keeper.stale_since, demo=self.scene.demo)

    def standing(self, state: HallState, now: int) -> dict[str, Any]:
        """What is told whole when it differs."""
        return {
            "alerts": self.scene.alerts()[1],
            "offices": state.offices.seq,
            "session": session(state, now),
            "issuing": state.issuing,
            "advice": advice_facts(state),
        }

    def changes(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """Windows, lines and tickets that moved."""
        state = hall.state
        found = self.moved(hall, now)
        if tickets := [t for t in state.tickets.values() if t.seq > self.seq]:
            found["tickets"] = [ticket_view(hall, ticket, now, staff=True) for ticket in tickets]
        return found

    def moved(self, hall: Hall, now: int) -> dict[str, Any]:
        """Windows and lines that moved, and each list or flag that differs."""
        state = hall.state
        found: dict[str, Any] = {}
        windows = []
        for id in self.windows:
            window = state.windows[id]
            ticket = state.tickets.get(window.ticket) if window.ticket else None
            if max(window.seq, ticket.seq if ticket is not None else 0) > self.seq:
                windows.append(self.scene.window(id, now))
        if windows:
            found["windows"] = windows
        if lines := [self.scene.line(id, now) for id in self.lines if state.lines[id].seq > self.seq]:
            found["lines"] = lines
        standing = self.standing(state, now)
        for name, value in standing.items():
            if value != self.told[name]:
                found[name] = alerts_view(hall) if name == "alerts" else value
        self.told = standing
        return found

    def ageing(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """Waits and estimates."""
        return {"lines": [line_view(hall, id, now) for id in self.lines]}


class DeskChannel(StaffChannel):
    """One window's desk: its zone's windows and lines, the waiting list and what is parked."""

    private = "desk"

    def settle(self, hall: Hall, now: int) -> None:
        """See StaffChannel; and what was allowed and parked."""
        super().settle(hall, now)
        self.allowed = hall.state.allowed(self.id, now)
        self.parked = self.standing_parked(hall.state)

    def standing_parked(self, state: HallState) -> list[tuple[str, int]]:
        """Who is parked for this window, and since which event."""
        return [(t.id, t.seq) for t in parked_for(state.window(self.id), self.scene.suspended())]

    def shown_windows(self, state: HallState) -> list[str]:
        """Those of its zone."""
        zone = state.window(self.id).zone
        return [window.id for window in state.windows.values() if window.zone == zone]

    def standing(self, state: HallState, now: int) -> dict[str, Any]:
        """The same without what supervisors are advised."""
        found = super().standing(state, now)
        del found["advice"]
        return found

    def position(self, state: HallState) -> int:
        """Its zone's, its own, the offices', and that of the alerts, which belong to no zone."""
        window = state.window(self.id)
        return max(window.seq, state.zone_seq.get(window.zone, 0), state.offices.seq, self.scene.alerts()[0])

    def exists(self, state: HallState) -> bool:
        """Whether the plan has this window."""
        return self.id in state.windows

    def view(self, hall: Hall, now: int) -> msgspec.Struct:
        """The whole desk."""
        return desk_view(hall, self.id, now, stale_since=self.scene.keeper.stale_since, demo=self.scene.demo)

    def changes(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """The window always (what is allowed may differ); the lists when they moved."""
        state = hall.state
        found = self.moved(hall, now)
        window = state.windows[self.id]
        found["window"] = self.scene.window(self.id, now)
        self.allowed = state.allowed(self.id, now)
        if window.seq > self.seq or any(state.lines[line].seq > self.seq for line in window.lines):
            found["waiting"] = self.scene.waiting(window.lines, now)
        parked = self.standing_parked(state)
        if parked != self.parked:
            found["parked"] = desk_parked(hall, self.id, now)
            self.parked = parked
        return found

    def impatient(self, hall: Hall, now: int) -> bool:
        """Time has allowed something (recall, no-show) or forbidden it (undo): the keys follow within a second."""
        return hall.state.allowed(self.id, now) != self.allowed

    def ageing(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """The keys, waits and estimates."""
        self.allowed = hall.state.allowed(self.id, now)
        return {"window": window_view(hall, self.id, now, staff=True), **super().ageing(hall, now)}


def channel_for(scene: Scene, board: str) -> Channel:
    """The board or strip of this id. Raises Refusal unknown_board."""
    if not board.startswith(STRIP):
        return BoardChannel(scene, board)
    window = board.removeprefix(STRIP)
    if window not in scene.hall.state.windows:
        raise Refusal("unknown_board", board=board)
    return StripChannel(scene, window)
