"""The dashboards' channel: rows that moved, at most one frame a second, and on every beat what time has changed.

Law: a frame is made once for everybody who looks at the same part of the hall in the same language; what it tells is
absolute, so whoever was slow or away needs nothing but the newest snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tidehall.dashboards.panels import desk, lists_in_time
from tidehall.dashboards.room import Room
from tidehall.display.channels import Channel, Scene
from tidehall.display.office_lists import Desk, Row
from tidehall.hall.engine import Hall
from tidehall.hall.state import Call, HallState

__all__ = ["DashboardChannel", "Drawn", "Shown"]

#: Frames kept for one who comes back; older ones get a snapshot.
KEPT = 60
#: A beat every so many seconds.
BEAT_TICKS = 4

#: Draws a row as HTML.
Drawn = Callable[[Row], str]


class Shown(Struct, frozen=True):
    """All that a dashboard shows: lists with their rows' order and HTML, small texts by slot, figures by zone."""

    lists: dict[str, dict[str, Any]]
    slots: dict[str, str]
    charts: dict[str, dict[str, Any]]


class DashboardChannel(Channel):
    """One part of the hall ("" for all of it) in one language; its id is "LANG:ZONE"."""

    name = "dashboard"
    private = "dashboard"

    def __init__(
        self, scene: Scene, id: str, room: Room, drawn: Callable[[str], Drawn], clock: Callable[[], float]
    ) -> None:
        """`drawn`: the rows' drawer of a language, made anew for every new plan; `clock`: seconds."""
        self.lang, _, self.zone = id.partition(":")
        self.room = room
        self.clock = clock
        self.drawer = drawn
        self.ticks = 0
        super().__init__(scene, id)

    def settle(self, hall: Hall, now: int) -> None:
        """Everybody gets a snapshot; nothing counts as told."""
        super().settle(hall, now)
        self.drawn = self.drawer(self.lang)
        self.orders: dict[str, list[str]] = {}
        self.facts: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.slots: dict[str, str] = {}

    def position(self, state: HallState) -> int:
        """Every event may show here."""
        return state.seq

    def exists(self, state: HallState) -> bool:
        """Whether the plan has this part of the hall."""
        return not self.zone or self.zone in state.zones

    # ---- once a second

    def advance(self, clock: float, call: Call | None = None) -> None:
        """A commit alone makes no frame; the next second does."""

    def impatient(self, hall: Hall, now: int) -> bool:
        """Every second is looked at."""
        return True

    def sound(self) -> None:
        """One frame where something has happened, and every few seconds a beat."""
        super().advance(self.clock())
        while len(self.ring) > KEPT:
            self.ring.popleft()
            self.first += 1
        self.ticks += 1
        if self.ticks % BEAT_TICKS == 0:
            super().sound()

    # ---- what is told

    def desk(self) -> Desk:
        """Everything, as of now."""
        return desk(self.room.seen(self.lang, self.zone), self.room.zones(), self.room.curved(self.zone))

    def whole(self, found: Mapping[str, list[Row]]) -> dict[str, dict[str, Any]]:
        """Lists with all their rows."""
        return {
            name: {"order": [row.id for row in rows], "rows": {row.id: self.drawn(row) for row in rows}}
            for name, rows in found.items()
        }

    def view(self, hall: Hall, now: int) -> Shown:
        """The whole dashboard."""
        found = self.desk()
        return Shown(self.whole(found.lists), found.slots, self.room.charts(self.lang, self.zone))

    def changes(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """Rows that moved, orders and slots that differ."""
        found = self.desk()
        lists: dict[str, dict[str, Any]] = {}
        for name, rows in found.lists.items():
            order = [row.id for row in rows]
            before = self.orders.get(name)
            moved = {row.id: self.drawn(row) for row in rows if self.differs(name, row, before)}
            if moved or order != before:
                lists[name] = {"order": order, "rows": moved}
            self.orders[name] = order
        slots = {name: text for name, text in found.slots.items() if self.slots.get(name) != text}
        self.slots = found.slots
        return {"lists": lists, "slots": slots}

    def differs(self, name: str, row: Row, before: list[str] | None) -> bool:
        """Whether a row looks other than it was told; of those without a position the facts are compared."""
        if row.seq is not None:
            return row.seq > self.seq or before is None or row.id not in before
        facts = row.make()
        if self.facts.get((name, row.id)) == facts:
            return False
        self.facts[name, row.id] = facts
        return True

    def ageing(self, hall: Hall, now: int) -> Mapping[str, Any]:
        """What time alone changes, whole: figures, zones, displays, curves."""
        found = lists_in_time(self.room.seen(self.lang, self.zone), self.room.zones())
        return {"lists": self.whole(found), "charts": self.room.charts(self.lang, self.zone)}
