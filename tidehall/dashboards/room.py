"""What all dashboards of one hall share: the day, the standings, the curves; made once for everybody who looks.

Law: whatever costs something is made at most once per journal position and second, however many look on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from tidehall.dashboards.ahead import Ahead, looked_ahead
from tidehall.dashboards.curves import Course, Curve, day_of
from tidehall.dashboards.panels import Seen
from tidehall.dashboards.picture import Standing, shown_zones, standings
from tidehall.dashboards.today import Today
from tidehall.dashboards.usual import Usual, usual_day
from tidehall.display.hub import Hub
from tidehall.hall.outlook import Outlooks
from tidehall.live import HallKeeper
from tidehall.store.errors import StoreError
from tidehall.store.projections import Projections

__all__ = ["Room"]

log = logging.getLogger(__name__)

SECOND = 1_000_000
#: The usual day of a zone is asked for again after so many seconds of the hall's time.
USUAL_S = 900


class Room:
    """One hall's share. `outlook`: who looks ahead."""

    def __init__(self, keeper: HallKeeper, hub: Hub, store: Projections, outlook: Outlooks) -> None:
        self.keeper = keeper
        self.hub = hub
        self.store = store
        self.outlook = outlook
        self.today = Today(keeper)
        self.made: tuple[tuple[int, int], dict[str, Standing], Mapping[str, Ahead], dict[str, int]] | None = None
        self.curves: dict[tuple[str, str], Curve] = {}
        self.usual: dict[str, tuple[Usual, ...]] = {}
        self.usual_at = 0
        self.asking: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """The day is known from the journal, and the usual day as far as there is one. Raises StoreError."""
        await self.today.begin()
        if not self.usual_at:
            await self.ask_usual()

    def zones(self) -> list[str]:
        """The zones with windows."""
        return shown_zones(self.keeper.committed.state)

    def curved(self, zone: str) -> list[str]:
        """The zones whose curves a part of the hall has: where people wait for a call."""
        state = self.keeper.committed.state
        lined = {line.zone for line in state.lines.values()}
        return [id for id in self.zones() if id in lined and zone in ("", id)]

    def seen(self, lang: str, zone: str) -> Seen:
        """What a part of the hall is shown from, as of now."""
        hall, now = self.keeper.committed, self.keeper.now()
        key = (hall.state.seq, now // SECOND)
        if self.made is None or self.made[0] != key:
            ahead = looked_ahead(self.outlook, self.keeper.id)
            self.made = key, standings(hall, self.today, ahead, now), ahead, self.today.freed()
        _, found, ahead, freed = self.made
        kiosks = {id: self.hub.clock() - at for id, at in self.hub.kiosks.items()}
        return Seen(hall, self.today, found, ahead, self.hub.displays(), kiosks, freed, self.usual, now, lang, zone)

    # ---- curves

    async def prepare(self, lang: str) -> None:
        """Make the empty figures of a language beside the loop: the first ones take a moment."""
        lacking = [id for id in self.curved("") if (id, lang) not in self.curves]
        if lacking:
            made = await asyncio.to_thread(lambda: {(id, lang): Curve(id, lang) for id in lacking})
            self.curves |= made

    def charts(self, lang: str, zone: str) -> dict[str, dict[str, Any]]:
        """The figures of a part of the hall, by zone, as plotly's plain data."""
        self.renew_usual()
        state, now = self.keeper.committed.state, self.keeper.now()
        midnight, hours = day_of(state, now)
        ahead = self.seen(lang, zone).ahead
        found = {}
        for id in self.curved(zone):
            curve = self.curves.get((id, lang))
            if curve is None:
                curve = self.curves[id, lang] = Curve(id, lang)
            course = Course(
                id, self.today.quarters(id), self.usual.get(id, ()), ahead.get(id), now, midnight, hours,
                state.rules.targets.wait.within_s * SECOND,
            )  # fmt: skip
            found[id] = curve.filled(course, state.zone_name)
        return found

    def renew_usual(self) -> None:
        """Ask for the usual day again, beside whatever else there is to do; an outage leaves the last one."""
        due = self.keeper.now() - self.usual_at > USUAL_S * SECOND
        if due and (self.asking is None or self.asking.done()):
            self.asking = asyncio.create_task(self.ask_usual(), name=f"usual-{self.keeper.id}")

    async def ask_usual(self) -> None:
        """The usual day of every zone."""
        self.usual_at = self.keeper.now()
        try:
            self.usual = {zone: await usual_day(self.keeper, self.store, zone) for zone in self.curved("")}
        except StoreError as error:
            log.warning("hall %s: the usual day is not known: %s", self.keeper.id, error)
