"""What is right in a plan and yet looks like a slip of the pen: `tidehall plan check` tells it as a warning.

Law: a doubt stops nothing. Plans that rule already say such things, and some mean them; a mistake that can't work is
refused by plan.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidehall.hall.plan import Plan, Post

__all__ = ["doubts"]

#: Posts that are windows with a label: their number stands in the plan twice.
AT_WINDOWS: tuple[Post, ...] = ("acceptance", "issue", "tidal")


def doubts(plan: Plan, tables: dict[str, Any]) -> list[str]:
    """Every doubt as "place: what looks wrong"; `tables` are those that the plan was read from."""
    kinds = (unsaid, unserved, miscounted, unpromised, unnamed)
    return [f"{place}: {what}" for kind in kinds for place, what in kind(plan, tables)]


def unsaid(plan: Plan, tables: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Hours that nobody chose."""
    if "hours" not in tables.get("hall", {}):
        hours = ", ".join(f"{opens}–{closes}" for opens, closes in plan.hall.hours)
        yield "hall.hours", f"are not said; {hours} are taken"


def unserved(plan: Plan, tables: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Lines without a window, and tides without a tidal window."""
    served = {line for window in plan.windows for line in window.lines}
    for i, line in enumerate(plan.lines):
        if line.id not in served:
            items = sum(item.line == line.id for item in plan.items)
            yield f"lines[{i}]", f"no window serves line {line.id!r}" + (f"; items on it: {items}" if items else "")
    tidal = {window.zone for window in plan.windows if window.post == "tidal"}
    for zone in plan.tide:
        if zone not in tidal:
            yield f"tide.{zone}", f"zone {zone!r} has no tidal window: nothing can open or close"


def miscounted(plan: Plan, tables: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Posts of a zone that are not as many as its windows."""
    for i, zone in enumerate(plan.zones):
        for post in AT_WINDOWS:
            there = sum(window.zone == zone.id and window.post == post for window in plan.windows)
            if zone.posts.get(post, there) != there:
                what = f"{zone.posts[post]}, but zone {zone.id!r} has {there} such windows; the windows count"
                yield f"zones[{i}].posts.{post}", what


def unpromised(plan: Plan, tables: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Promised days beyond the law's, or of what is decided at once."""
    for i, item in enumerate(plan.items):
        place = f"items[{i}].promised_days"
        if item.statutory_days and item.promised_days > item.statutory_days:
            yield place, f"{item.promised_days} are more than the {item.statutory_days} statutory days"
        if item.kind == "immediate" and item.promised_days:
            yield (
                place,
                f"an immediate item is decided on the day, yet {item.promised_days} days are its term; is it promised?",
            )


def unnamed(plan: Plan, tables: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Names that a language of the hall has not."""
    named: list[tuple[str, Any]] = [("hall.name", plan.hall)]
    for table in ("zones", "lines", "departments", "items", "bundles", "boards"):
        named += [(f"{table}[{i}].name", row) for i, row in enumerate(getattr(plan, table))]
    for place, one in named:
        for language in plan.hall.languages if one.name is not None else ():
            if not one.name.get(language, "").strip():
                yield place, f"has no words in {language!r}, a language of the hall"
