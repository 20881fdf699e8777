"""The `[sizing]` table of a scenario: what sizing may choose, and how sure it has to be.

Law: it is read with the rest of the file, by every command, so that no mistake waits until somebody sizes. Where it
says nothing, bounds are the plan's (as many windows as the zone has) or twice the scenario's people; an empty table
works.

    [sizing]
    confidence = 0.95            # of the certificate, in each target
    indifference = 0.01          # shares closer than this count as equal; default: a fifth of 1 − share
    max_days = 240               # of one test; a zone's certificate may have twice as many
    bands = 2                    # of a session at most; every break is one band of its own
    tidal_share = 0.5            # what a tidal post costs of a window that is open all day: its person does other work
    [sizing.windows]             # fewest and most at a time, by zone
    social = [4, 24]
    [sizing.tidal]               # tidal posts, by zone
    social = [0, 2]
    [sizing.runners]             # by zone, or the hall's pool
    social = [1, 6]
    [sizing.offices]             # middle, officers (of a department that is not named), or a department's id
    middle = [1, 6]
"""

from __future__ import annotations

from math import isfinite

from msgspec import Struct

from tidehall.hall.plan import Plan
from tidehall.hall.reading import Reader

__all__ = ["Bounds", "Sizing", "on_the_pool", "posts", "read_choices"]

#: Fewest and most.
Bounds = tuple[int, int]


class Sizing(Struct, frozen=True, forbid_unknown_fields=True):
    """`[sizing]`: `confidence` of the certificate in each target; shares closer than `indifference` count as equal (a
    fifth of 1 − share unless it is said); `max_days` of one test; `bands` of a session; `tidal_share`: what a tidal
    post costs of a window that is open all day. Fewest and most: `windows` and `tidal` posts by zone, `runners` by zone
    or of the `pool`, `offices`: `middle`, `officers`, or a department."""

    confidence: float = 0.95
    indifference: float | None = None
    max_days: int = 240
    bands: int = 2
    tidal_share: float = 0.5
    windows: dict[str, Bounds] = {}
    tidal: dict[str, Bounds] = {}
    runners: dict[str, Bounds] = {}
    offices: dict[str, Bounds] = {}

    def zone_of_indifference(self, share: float) -> float:
        """Shares closer than this to a target count as the target."""
        return (1 - share) / 5 if self.indifference is None else self.indifference


def read_choices(read: Reader, table: object, plan: Plan) -> Sizing:
    """The table on a plan; every mistake is noted with its place."""
    found: Sizing = read.table(Sizing, table, "sizing") or Sizing()
    if not 0.5 <= found.confidence < 1:
        read.say("sizing.confidence", "must be at least 0.5 and below 1 (95 % is 0.95)")
    if found.indifference is not None and not 0 < found.indifference < 1:
        read.say("sizing.indifference", "must lie between 0 and 1")
    if not 30 <= found.max_days <= 100_000:
        read.say("sizing.max_days", "must be between 30 and 100000")
    if not 1 <= found.bands <= 6:
        read.say("sizing.bands", "must be between 1 and 6")
    if not (isfinite(found.tidal_share) and 0 <= found.tidal_share <= 1):
        read.say("sizing.tidal_share", "must lie between 0 and 1")
    zones = {zone.id for zone in plan.zones}
    departments = {department.id for department in plan.departments}
    known = {
        "windows": zones, "tidal": zones, "runners": zones | {"pool"}, "offices": departments | {"middle", "officers"}
    }  # fmt: skip
    for part, names in known.items():
        for name, (least, most) in getattr(found, part).items():
            place = f"sizing.{part}.{name}"
            if name not in names:
                read.say(place, f"is not in the plan; known are {', '.join(sorted(names))}")
            elif not 0 <= least <= most:
                read.say(place, f"[{least}, {most}] must be the fewest and the most, in order, not below 0")
            elif part in ("windows", "tidal") and most > (there := len(posts(plan, name, part))):
                read.say(place, f"zone {name!r} has only {there} such windows")
    return found


def posts(plan: Plan, zone: str, part: str) -> list[str]:
    """Ids of a zone's windows for `part` of the table, in the order in which they open."""
    post = "tidal" if part == "tidal" else "acceptance"
    return [w.id for w in plan.windows if w.zone == zone and w.post == post and w.lines]


def on_the_pool(plan: Plan) -> list[str]:
    """Zones with a line but no runners of their own: the hall's pool carries their papers."""
    used = {line.zone for line in plan.lines}
    return [zone.id for zone in plan.zones if zone.id in used and not zone.posts.get("runner", 0)]
