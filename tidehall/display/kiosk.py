"""What a kiosk shows on its way from the door to a number: steps, links, search, cards.

Law: every step is a plain link or form, so the kiosk works without scripts. One visit has one id; with what was chosen
it makes the idempotency key, so pressing twice, going back or reloading gives the same number.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from msgspec import to_builtins

from tidehall.display.views import line_view, phone_windows
from tidehall.hall.engine import Hall
from tidehall.hall.plan import Item, Plan
from tidehall.locales import say

__all__ = ["Visit", "choice", "finding_text", "items_of_zone", "search", "zones_with_lines"]

#: Items that a zone's page lists; the rest is found by its name.
MOST_ITEMS = 40
STEPS = ("booked", "collect", "progress")


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a visitor stands, as the address says."""

    hall: str
    lang: str
    large: bool
    id: str
    door: str
    zone: str
    line: str
    item: str
    q: str

    @classmethod
    def read(cls, hall: str, lang: str, asked: Mapping[str, str]) -> Visit:
        """From the query or the form; whatever is missing or odd is empty."""
        id = asked.get("visit", "")
        return cls(
            hall=hall,
            lang=lang,
            large=asked.get("large") == "1",
            id=id if len(id) == 16 and id.isalnum() else secrets.token_hex(8),
            door=asked.get("door", ""),
            zone=asked.get("zone", "")[:80],
            line=asked.get("line", "")[:80],
            item=asked.get("item", "")[:80],
            q=asked.get("q", "").strip()[:40],
        )

    @property
    def step(self) -> str:
        """start, desk, find, zone or confirm."""
        if self.item or self.line:
            return "confirm"
        if self.zone:
            return "zone"
        if self.door == "number":
            return "find"
        return "desk" if self.door in STEPS else "start"

    @property
    def key(self) -> str:
        """The idempotency key of taking this number in this visit."""
        return f"{self.id}.{self.item or self.line}"

    def keep(self) -> dict[str, str]:
        """What every form of the visit carries on."""
        kept = {"lang": self.lang, "visit": self.id}
        return kept | {"large": "1"} if self.large else kept

    def link(self, *, fresh: bool = False, **where: str) -> str:
        """A step's address; `fresh` begins a new visit in the same language and type size."""
        kept = self.keep()
        if fresh:
            del kept["visit"]
        return f"/kiosk/{self.hall}?{urlencode(kept | where)}"

    def here(self, *, lang: str | None = None, large: bool | None = None) -> str:
        """The same step in another language or type size."""
        where = {n: v for n in ("door", "zone", "line", "item", "q") if (v := getattr(self, n))}
        kept = self.keep() | {"lang": lang or self.lang}
        kept.pop("large", None)
        if self.large if large is None else large:
            kept["large"] = "1"
        return f"/kiosk/{self.hall}?{urlencode(kept | where)}"

    def back(self) -> str:
        """One step back."""
        if self.step in ("confirm", "zone"):
            return self.link(door="number")
        return self.link()


def zones_with_lines(hall: Hall) -> list[dict[str, Any]]:
    """The zones in which numbers are given, with how many wait."""
    state = hall.state
    found = []
    for zone in state.rules.zones:
        lines = [line for line in state.lines.values() if line.zone == zone.id]
        if lines:
            waiting, served = sum(len(line.waiting) for line in lines), any(state.open_windows(row.id) for row in lines)
            found.append({"id": zone.id, "name": zone.name, "waiting": waiting, "open": served})
    return found


def finding_text(item: Item) -> str:
    """What a search looks through: names, aliases, code; in one form of writing."""
    return folded(" ".join((*item.name.values(), *item.aliases, item.code)))


def folded(text: str) -> str:
    """Lower case and half width, as Chinese input methods often write letters and figures full width."""
    return unicodedata.normalize("NFKC", text).lower()


def search(plan: Plan, q: str) -> list[dict[str, Any]]:
    """Every item with whether it fits `q`: all words (or, in Chinese, the whole text) must stand in it."""
    parts = folded(q).split()
    zones = {zone.id: zone.name for zone in plan.zones}
    zone_of = {line.id: zones.get(line.zone, {}) for line in plan.lines}
    found = []
    for item in plan.items:
        text = finding_text(item)
        hit = bool(parts) and all(part in text for part in parts)
        found.append({"code": item.code, "name": item.name, "zone": zone_of[item.line], "find": text, "hit": hit})
    return found


def items_of_zone(plan: Plan, zone: str) -> list[dict[str, Any]]:
    """The first items of a zone, as the plan orders them."""
    lines = {line.id for line in plan.lines if line.zone == zone}
    return [{"code": i.code, "name": i.name} for i in plan.items if i.line in lines][:MOST_ITEMS]


def choice(hall: Hall, visit: Visit, now: int) -> dict[str, Any] | None:
    """What was chosen, where, how many wait, how long, what to bring; None when there is no such line or item."""
    state, plan = hall.state, hall.state.rules
    item = next((i for i in plan.items if i.code == visit.item), None) if visit.item else None
    line_id = item.line if item is not None else visit.line
    if (visit.item and item is None) or line_id not in state.lines:
        return None
    line = line_view(hall, line_id, now)
    zone = next(zone for zone in plan.zones if zone.id == state.lines[line_id].zone)
    windows = phone_windows(state, line_id)
    return {
        "item": item.code if item is not None else None,
        "line": line_id,
        "name": item.name if item is not None else line.name,
        "place": say("kiosk.where_text", visit.lang, zone=zone.name.get(visit.lang, ""), windows=windows[visit.lang]),
        "ahead": line.waiting,
        "open_windows": line.open_windows,
        "estimate": to_builtins(line.estimate),
        "materials": to_builtins(item.materials) if item is not None else [],
    }
