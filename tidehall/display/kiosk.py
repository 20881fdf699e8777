"""What a kiosk shows on its way from the door to a number or to a case's progress: steps, links, search, cards, keypad.

Law: every step is a plain link or form, so the kiosk works without scripts. One visit has one id; with what was chosen
it makes the idempotency key, so pressing twice, going back or reloading gives the same number.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from msgspec import to_builtins

from tidehall.display.views import line_view, phone_windows
from tidehall.hall.catalogue import Item
from tidehall.hall.engine import Hall
from tidehall.hall.plan import Plan
from tidehall.locales import say

__all__ = [
    "KEYPAD", "Visit", "choice", "finding_text", "items_of_zone", "pickup_zones", "search",
    "zones_with_lines",
]  # fmt: skip

#: Items that a zone's page lists; the rest is found by its name.
MOST_ITEMS = 40
#: The keys on the screen; an identity number may end in X.
KEYPAD = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "X", "0", "erase")
#: Doors behind which a receipt is asked for.
BY_RECEIPT = ("collect", "progress")


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
    receipt: str
    last4: str
    typing: str

    @classmethod
    def read(cls, hall: str, lang: str, asked: Mapping[str, str]) -> Visit:
        """From the query or the form; whatever is missing or odd is empty.

        `press` is a key of the keypad, for the field that the form ends with, which is then being typed.
        """
        id = asked.get("visit", "")
        typing = "" if "press" not in asked else "last4" if "last4" in asked else "receipt"
        fields = {"receipt": receipt_number(asked.get("receipt", "")), "last4": signs(asked.get("last4", ""))}
        if typing:
            fields[typing] = pressed(fields[typing], asked["press"])
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
            receipt=fields["receipt"][:40],
            last4=fields["last4"][:4],
            typing=typing,
        )

    @property
    def step(self) -> str:
        """start, desk, find, zone, confirm; by receipt: receipt, last4, then collect or progress; slipless."""
        if self.item or self.line:
            return "confirm"
        if self.zone:
            return "zone"
        if self.door in BY_RECEIPT:
            if not self.receipt or self.typing == "receipt":
                return "receipt"
            return "last4" if len(self.last4) < 4 or self.typing else self.door
        return {"number": "find", "booked": "desk", "slipless": "slipless"}.get(self.door, "start")

    @property
    def key(self) -> str:
        """The idempotency key of taking this number in this visit."""
        return f"{self.id}.{self.item or self.line or self.receipt}"

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
        names = ("door", "zone", "line", "item", "q", "receipt", "last4")
        where = {n: v for n in names if (v := getattr(self, n))} | ({"press": "none"} if self.typing else {})
        kept = self.keep() | {"lang": lang or self.lang}
        kept.pop("large", None)
        if self.large if large is None else large:
            kept["large"] = "1"
        return f"/kiosk/{self.hall}?{urlencode(kept | where)}"

    def back(self) -> str:
        """One step back."""
        if self.step in ("confirm", "zone"):
            return self.link(door=self.door or "number")
        if self.step == "last4":
            return self.link(door=self.door, receipt=self.receipt, press="none")
        return self.link(door="collect") if self.step == "slipless" else self.link()


def signs(text: str) -> str:
    """Letters and figures alone, in one form of writing: people and scanners add blanks and dashes."""
    plain = unicodedata.normalize("NFKC", text).upper()
    return "".join(c for c in plain if c.isascii() and c.isalnum())


def receipt_number(text: str) -> str:
    """A receipt's number as typed, or as a scanner reads it from the receipt's QR code, which holds an address."""
    scanned = re.search(r"[?&]receipt=(\w+)", text)
    return signs(scanned[1] if scanned else text)


def pressed(text: str, key: str) -> str:
    """What stands in a field after a key of the keypad; any other key changes nothing."""
    if key == "erase":
        return text[:-1]
    return text + key if key in KEYPAD else text


def pickup_zones(hall: Hall) -> list[dict[str, Any]]:
    """The zones that hand out results, with their line and how many wait."""
    state = hall.state
    return [
        {
            "name": zone.name,
            "line": line,
            "waiting": len(state.lines[line].waiting),
            "open": state.open_windows(line),
        }
        for zone in state.rules.zones
        if (line := state.pickup_lines.get(zone.id)) is not None
    ]


def zones_with_lines(hall: Hall) -> list[dict[str, Any]]:
    """The zones in which numbers are given for a matter, with how many wait; results are fetched by another door."""
    state = hall.state
    fetching = set(state.pickup_lines.values())
    found = []
    for zone in state.rules.zones:
        lines = [line for line in state.lines.values() if line.zone == zone.id and line.id not in fetching]
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


def choice(hall: Hall, visit: Visit, now: int, line: str = "") -> dict[str, Any] | None:
    """What was chosen, where, how many wait, how long, what to bring; None when there is no such line or item.

    `line`: instead of the one that the visitor names.
    """
    state, plan = hall.state, hall.state.rules
    item = next((i for i in plan.items if i.code == visit.item), None) if visit.item else None
    line_id = item.line if item is not None else line or visit.line
    if (visit.item and item is None) or line_id not in state.lines:
        return None
    view = line_view(hall, line_id, now)
    zone = next(zone for zone in plan.zones if zone.id == state.lines[line_id].zone)
    windows = phone_windows(state, line_id)
    return {
        "item": item.code if item is not None else None,
        "line": line_id,
        "name": item.name if item is not None else view.name,
        "place": say("kiosk.where_text", visit.lang, zone=zone.name.get(visit.lang, ""), windows=windows[visit.lang]),
        "ahead": view.waiting,
        "open_windows": view.open_windows,
        "estimate": to_builtins(view.estimate),
        "materials": item.materials if item is not None else (),
    }
