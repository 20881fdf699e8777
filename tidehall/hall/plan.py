"""The hall's plan: what `halls/*.toml` say, as facts the engine can work with.

Law: a plan is either whole and right, or it is refused with all its mistakes, each with its place.
The format is contract.md's; the TOML is read by the composition root, this room gets the plain tables.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from msgspec import UNSET, Struct, ValidationError, convert, field
from msgspec.structs import fields

from tidehall.hall.calendar import clock_minutes, is_date, is_zone
from tidehall.hall.errors import PlanInvalid

__all__ = [
    "Authorisation",
    "Board",
    "Bundle",
    "Calendar",
    "Department",
    "HallFacts",
    "Item",
    "ItemPart",
    "Limits",
    "LinePlan",
    "Material",
    "OfficeRules",
    "Plan",
    "Service",
    "TideRule",
    "WindowPlan",
    "Zone",
    "parse_plan",
]

#: {"zh": …, "en": …}
Words = dict[str, str]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Post = Literal[
    "acceptance", "precheck", "issue", "tidal", "runner", "supervisor", "consult", "guide", "service", "assist"
]
SECOND = 1_000_000


class HallFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """`[hall]`: who and when. `hours` are local ["HH:MM", "HH:MM"] sessions; "24:00" is the day's end."""

    id: str
    name: Words
    time_zone: str = "Asia/Shanghai"
    hours: tuple[tuple[str, str], ...] = (("08:30", "12:00"), ("14:00", "17:30"))
    open_days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")
    languages: tuple[str, ...] = ("zh", "en")


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """`[limits]`: seconds, counts and shares, as contract.md names them."""

    hand_off_urgent_s: float = 600.0
    hand_off_promised_s: float = 1800.0
    hand_off_warn_share: float = 0.7
    calls: int = 3
    recall_gap_s: float = 20.0
    no_show_after_s: float = 60.0
    misses: int = 3
    postpone_places: int = 3
    postpone_min_s: float = 60.0
    issue_before_open_s: float = 1800.0
    overtime_max_s: float = 5400.0
    waiting_per_line: int = 300
    open_tickets_per_holder: int = 1
    undo_s: float = 30.0
    booked_grace_s: float = 900.0


class Calendar(Struct, frozen=True, forbid_unknown_fields=True):
    """`[calendar]`: local dates (YYYY-MM-DD) that override `open_days`."""

    closed: tuple[str, ...] = ()
    open: tuple[str, ...] = ()


class Service(Struct, frozen=True, forbid_unknown_fields=True):
    """`[service]`: what is assumed of serving before anything is observed (seconds)."""

    default_s: float = 600.0


class OfficeRules(Struct, frozen=True, forbid_unknown_fields=True):
    """`[offices]`: what the sources leave open about cases (docs/decisions/006); seconds and working days."""

    pause_on: tuple[Literal["fee", "correction", "step"], ...] = ("fee", "correction", "step")
    hand_off_stops_at_break: bool = False
    escalate_after_s: float = 600.0
    acknowledge_within_s: float = 600.0
    support_within_s: float = 300.0
    correction_days: int = 5
    collect_within_days: int = 7
    bad_rating_contact_days: int = 1
    bad_rating_days: int = 15
    complaint_contact_days: int = 1
    complaint_days: int = 5
    unresolved_contact_days: int = 1
    unresolved_days: int = 5
    enquiry_days: int = 1
    rating_days: int = 7


class Zone(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[zones]]`: a part of the hall and its posts (R74–R93)."""

    id: str
    name: Words
    kind: Literal["general", "specialist", "service"] = "general"
    posts: dict[Post, int] = {}
    floor: int | None = None
    note: str | None = None


class LinePlan(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[lines]]`: a waiting line (排队业务)."""

    id: str
    letter: str
    zone: str
    name: Words
    service_s: float | None = None
    purpose: Literal["service", "pickup"] = "service"


class WindowPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[windows]]`."""

    id: str
    label: str
    zone: str
    post: Post = "acceptance"
    lines: tuple[str, ...] = ()


class WindowRange(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[window_ranges]]`: windows id_prefix + first … last, labelled label_first onwards."""

    id_prefix: str
    first: int
    last: int
    zone: str
    post: Post = "acceptance"
    lines: tuple[str, ...] = ()
    digits: int = 2
    label_first: int = 1
    label_prefix: str = ""

    def windows(self) -> list[WindowPlan]:
        """The windows it stands for."""
        return [
            WindowPlan(
                id=f"{self.id_prefix}{n:0{self.digits}d}",
                label=f"{self.label_prefix}{self.label_first + n - self.first}",
                zone=self.zone,
                post=self.post,
                lines=self.lines,
            )
            for n in range(self.first, self.last + 1)
        ]


class Department(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[departments]]`: resident ones have an office in the hall (R76, R77)."""

    id: str
    name: Words
    resident: bool = True
    zone: str | None = None


class Material(Struct, frozen=True, forbid_unknown_fields=True):
    """A paper that an item asks for."""

    code: str
    name: Words
    required: bool = True


class ItemPart(Struct, frozen=True, forbid_unknown_fields=True):
    """One department's part of a joint item (联办件); the parts run in parallel (R30, R57)."""

    department: str
    promised_days: int


class Authorisation(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[authorisations]]`: a letter (受理委托书, R72): who may take these items, from a date to a date.

    An item that no letter names may be taken by every window of its zones.
    """

    items: tuple[str, ...]
    windows: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    since: str = "0001-01-01"
    until: str = "9999-12-31"


class Item(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[items]]`: a service item (事项); `fee` in fen, days are working days (R54–R72)."""

    code: str
    name: Words
    department: str
    line: str
    kind: Literal["immediate", "promised", "reported", "joint"] = "immediate"
    promised_days: int = 0
    statutory_days: int = 0
    urgent_allowed: bool = False
    accept_on_receipt: bool = False
    restricted: bool = False
    bookable: bool = False
    materials: tuple[Material, ...] = ()
    fee: int = 0
    result: Words | None = None
    aliases: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    service_s: float | None = None
    parts: tuple[ItemPart, ...] = ()


class Bundle(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[bundles]]`: one matter, several items (一件事, R60)."""

    id: str
    name: Words
    items: tuple[str, ...]
    zone: str | None = None


class TideRule(Struct, frozen=True, forbid_unknown_fields=True):
    """`[tide.ZONE]`: when tidal windows open and close (R95; thresholds are ours, domain.md 3)."""

    open_waiting_per_window: float = 10.0
    open_wait_s: float = 1800.0
    open_for_s: float = 180.0
    close_waiting_per_window: float = 3.0
    close_wait_s: float = 600.0
    close_for_s: float = 900.0
    settle_s: float = 600.0
    min_open_s: float = 1800.0
    confirm: Literal["supervisor", "automatic"] = "supervisor"


class Board(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[boards]]`: a call display and the zones it shows."""

    id: str
    zones: tuple[str, ...]
    name: Words | None = None
    lines: tuple[str, ...] = ()


class Plan(Struct, frozen=True):
    """A whole hall plan."""

    hall: HallFacts
    limits: Limits = field(default_factory=Limits)
    calendar: Calendar = field(default_factory=Calendar)
    service: Service = field(default_factory=Service)
    offices: OfficeRules = field(default_factory=OfficeRules)
    priority: dict[str, float] = field(default_factory=lambda: {"normal": 0.0, "booked": 30.0})
    priority_names: dict[str, Words] = field(default_factory=dict)
    zones: tuple[Zone, ...] = ()
    lines: tuple[LinePlan, ...] = ()
    windows: tuple[WindowPlan, ...] = ()
    departments: tuple[Department, ...] = ()
    items: tuple[Item, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    authorisations: tuple[Authorisation, ...] = ()
    tide: dict[str, TideRule] = field(default_factory=dict)
    boards: tuple[Board, ...] = ()

    def head_start(self, priority: str) -> int:
        """The head start of a class, µs."""
        return round(self.priority.get(priority, 0.0) * 60 * SECOND)


ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
SINGLE = {"hall": HallFacts, "limits": Limits, "calendar": Calendar, "service": Service, "offices": OfficeRules}
MANY = {
    "zones": Zone,
    "lines": LinePlan,
    "windows": WindowPlan,
    "departments": Department,
    "items": Item,
    "bundles": Bundle,
    "boards": Board,
}

#: What names a row, where it is not `id`.
KEY = {"items": "code"}
#: No duration or count of a plan is longer than this (TOML knows inf and nan).
LONGEST = 1e8


class Reader:
    """Reads tables field by field, so that one mistake does not hide the next."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def say(self, place: str, what: str) -> None:
        self.problems.append(f"{place}: {what}")

    def rows(self, tables: dict[str, Any], name: str) -> list[Any]:
        """The array of tables `name`, empty when it is missing or no array."""
        rows = tables.get(name, [])
        if isinstance(rows, list):
            return rows
        self.say(name, "must be an array of tables ([[…]])")
        return []

    def table(self, kind: type[Any], table: object, place: str) -> Any:
        """`table` as a `kind`, or None; every wrong field is noted."""
        if not isinstance(table, dict):
            self.say(place, "must be a table")
            return None
        known = {f.encode_name: f for f in fields(kind)}
        for name in sorted(table.keys() - known.keys()):
            self.say(f"{place}.{name}", f"is not known here; known are {', '.join(sorted(known))}")
        values: dict[str, Any] = {}
        whole = True
        for name, f in known.items():
            if name in table:
                try:
                    values[f.name] = convert(table[name], f.type, strict=True)
                except ValidationError as err:
                    self.say(f"{place}.{name}", plain_words(str(err)))
                    whole &= not f.required  # an optional field falls back, so that what else is wrong shows too
            elif f.required:
                self.say(f"{place}.{name}", "is missing")
                whole = False
        return kind(**values) if whole else None


#: msgspec's names of types → a planner's words.
TYPES = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "array": "a list",
    "object": "a table",
}  # fmt: skip


def plain_words(error: str) -> str:
    """ "Expected `int`, got `str`" → "must be a whole number, not text"."""
    found = re.match(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`(?P<rest>.*)", error)
    if found is None:
        return error.replace(" - at `$", " at `")
    wanted, got = (" or ".join(TYPES.get(t.strip(), t.strip()) for t in found[n].split("|")) for n in ("wanted", "got"))
    return f"must be {wanted}, not {got}{found['rest'].replace(' - at `$', ' at `')}"


def parse_plan(tables: dict[str, Any]) -> Plan:
    """The plan that plain TOML tables describe.

    Raises PlanInvalid with *all* mistakes, each "place: what is wrong".
    """
    read = Reader()
    parts: dict[str, Any] = {}
    known = {*SINGLE, *MANY, "window_ranges", "authorisations", "priority", "priority_names", "tide"}
    for name in sorted(tables.keys() - known):
        read.say(name, f"is not a section of a plan; sections are {', '.join(sorted(known))}")
    if "hall" not in tables:
        read.say("hall", "is missing")
    for name, kind in SINGLE.items():
        if name in tables:
            parts[name] = read.table(kind, tables[name], name)
    places: dict[str, list[str]] = {}
    broken: dict[str, set[str]] = {}  # ids of rows with a mistake of their own: whoever names them is not wrong
    for name, kind in MANY.items():
        rows = read.rows(tables, name)
        got = [(read.table(kind, row, f"{name}[{i}]"), f"{name}[{i}]") for i, row in enumerate(rows)]
        parts[name] = [x for x, _ in got if x is not None]
        places[name] = [place for x, place in got if x is not None]
        broken[name] = {
            str(row.get(KEY.get(name, "id")))
            for row, (x, _) in zip(rows, got, strict=True)
            if x is None and isinstance(row, dict)
        }
    for i, row in enumerate(read.rows(tables, "window_ranges")):
        spread = read.table(WindowRange, row, f"window_ranges[{i}]")
        if spread is None:
            continue
        if not 0 <= spread.first <= spread.last or spread.last - spread.first > 500:
            read.say(f"window_ranges[{i}]", f"first {spread.first} and last {spread.last} make no range of windows")
            continue
        parts["windows"] += spread.windows()
        places["windows"] += [f"window_ranges[{i}]"] * (spread.last - spread.first + 1)
    letters = [(read.table(Authorisation, row, f"authorisations[{i}]"), f"authorisations[{i}]")
               for i, row in enumerate(read.rows(tables, "authorisations"))]  # fmt: skip
    parts["authorisations"] = tuple(x for x, _ in letters if x is not None)
    places["authorisations"] = [place for x, place in letters if x is not None]
    for name, form in (("priority", dict[str, float]), ("priority_names", dict[str, Words])):
        if name in tables:
            try:
                parts[name] = convert(tables[name], form)
            except ValidationError as err:
                read.say(name, str(err))
    tide = tables.get("tide", {})
    parts["tide"] = {}
    if not isinstance(tide, dict):
        read.say("tide", "must hold tables ([tide.ZONE])")
        tide = {}
    for zone, row in tide.items():
        rule = read.table(TideRule, row, f"tide.{zone}")
        if rule is not None:
            parts["tide"][zone] = rule
    check_references(parts, places, broken, read)
    if read.problems or parts.get("hall") is None:
        raise PlanInvalid(read.problems)
    if "priority" in parts:
        parts["priority"] = {"normal": 0.0, "booked": 30.0} | parts["priority"]
    for name in MANY:
        parts[name] = tuple(parts[name])
    return Plan(**{name: value for name, value in parts.items() if value is not None and value is not UNSET})


def check_references(
    parts: dict[str, Any], places: dict[str, list[str]], broken: dict[str, set[str]], read: Reader
) -> None:
    """Everything that one table says of another, and what no type can say."""
    ids: dict[str, set[str]] = {}
    for name in MANY:
        key = KEY.get(name, "id")
        seen = ids[name] = set()
        for x, place in zip(parts[name], places[name], strict=True):
            value = getattr(x, key)
            if not value or not set(value) <= ID_LETTERS:
                read.say(f"{place}.{key}", f"{value!r} must be letters, digits, '_', '-' or '.'")
            if value in seen:
                read.say(f"{place}.{key}", f"{value!r} stands twice")
            seen.add(value)
        seen |= broken[name]

    def known(kind: str, value: str | None, place: str) -> None:
        if value is not None and value not in ids[kind]:
            read.say(place, f"there is no {kind[:-1]} {value!r}")

    for zone, place in zip(parts["zones"], places["zones"], strict=True):
        for post, count in zone.posts.items():
            if count < 0:
                read.say(f"{place}.posts.{post}", "must be at least 0")
    letters: set[str] = set()
    zone_of_line = {line.id: line.zone for line in parts["lines"]}
    for line, place in zip(parts["lines"], places["lines"], strict=True):
        known("zones", line.zone, f"{place}.zone")
        if len(line.letter) != 1 or not "A" <= line.letter <= "Z" or line.letter in "IO":
            read.say(f"{place}.letter", f"{line.letter!r} must be one letter A…Z, not I or O")
        elif line.letter in letters:
            read.say(f"{place}.letter", f"{line.letter!r} stands twice")
        letters.add(line.letter)
        if line.service_s is not None and not 0 < line.service_s <= LONGEST:
            read.say(f"{place}.service_s", "must be above 0 and finite")
    labels: set[tuple[str, str]] = set()
    for window, place in zip(parts["windows"], places["windows"], strict=True):
        known("zones", window.zone, f"{place}.zone")
        for line in window.lines:
            known("lines", line, f"{place}.lines")
            if line in zone_of_line and zone_of_line[line] != window.zone:
                read.say(f"{place}.lines", f"line {line!r} belongs to another zone than window {window.id!r}")
        if (window.zone, window.label) in labels:
            read.say(f"{place}.label", f"{window.label!r} stands twice in zone {window.zone!r}")
        labels.add((window.zone, window.label))
    for item, place in zip(parts["items"], places["items"], strict=True):
        known("departments", item.department, f"{place}.department")
        known("lines", item.line, f"{place}.line")
        if item.kind != "immediate" and item.promised_days <= 0:
            read.say(f"{place}.promised_days", f"a {item.kind} item needs at least 1 working day")
        for zone_id in item.zones:
            known("zones", zone_id, f"{place}.zones")
        if item.service_s is not None and not 0 < item.service_s <= LONGEST:
            read.say(f"{place}.service_s", "must be above 0 and finite")
        if item.fee < 0:
            read.say(f"{place}.fee", "is fen and not below 0")
        codes = [m.code for m in item.materials]
        if len(set(codes)) != len(codes):
            read.say(f"{place}.materials", "a code stands twice")
    for item, place in zip(parts["items"], places["items"], strict=True):
        for part in item.parts:
            known("departments", part.department, f"{place}.parts")
            if part.promised_days <= 0:
                read.say(f"{place}.parts", f"the part of {part.department!r} needs at least 1 working day")
        if item.parts and item.kind != "joint":
            read.say(f"{place}.parts", f"belong to a joint item, this one is {item.kind}")
    for letter, place in zip(parts["authorisations"], places["authorisations"], strict=True):
        for code in letter.items:
            known("items", code, f"{place}.items")
        for window in letter.windows:
            known("windows", window, f"{place}.windows")
        for zone in letter.zones:
            known("zones", zone, f"{place}.zones")
        for name in ("since", "until"):
            if not is_date(getattr(letter, name)):
                read.say(f"{place}.{name}", f"{getattr(letter, name)!r} is not a date YYYY-MM-DD")
    for bundle, place in zip(parts["bundles"], places["bundles"], strict=True):
        known("zones", bundle.zone, f"{place}.zone")
        for code in bundle.items:
            known("items", code, f"{place}.items")
    for board, place in zip(parts["boards"], places["boards"], strict=True):
        for zone in board.zones:
            known("zones", zone, f"{place}.zones")
        for line in board.lines:
            known("lines", line, f"{place}.lines")
    for department, place in zip(parts["departments"], places["departments"], strict=True):
        known("zones", department.zone, f"{place}.zone")
    for zone_id, rule in parts["tide"].items():
        place = f"tide.{zone_id}"
        known("zones", zone_id, place)
        for f in fields(TideRule):
            value = getattr(rule, f.name)
            if isinstance(value, int | float) and not 0 <= value <= LONGEST:
                read.say(f"{place}.{f.name}", "must be at least 0 and finite")
        if rule.close_waiting_per_window > rule.open_waiting_per_window:
            read.say(f"{place}.close_waiting_per_window", "must not be above open_waiting_per_window")
        if rule.close_wait_s > rule.open_wait_s:
            read.say(f"{place}.close_wait_s", "must not be above open_wait_s")
    for name in ("zones", "lines", "windows"):
        if not parts[name] and not broken[name]:
            read.say(name, "needs at least one")
    check_times(parts, read)
    check_limits(parts, read)


def check_times(parts: dict[str, Any], read: Reader) -> None:
    """Hours in order, a time zone and dates that exist."""
    hall: HallFacts | None = parts.get("hall")
    if hall is not None:
        end = 0
        for i, (opens, closes) in enumerate(hall.hours):
            a, b = clock_minutes(opens), clock_minutes(closes)
            if a is None or b is None:
                read.say(f"hall.hours[{i}]", f"{opens!r}, {closes!r} must be times HH:MM up to 24:00")
            elif not end <= a < b:
                read.say(f"hall.hours[{i}]", f"{opens}–{closes} must lie in order and not overlap")
            else:
                end = b
        if not hall.hours:
            read.say("hall.hours", "needs at least one session")
        if not is_zone(hall.time_zone):
            read.say("hall.time_zone", f"{hall.time_zone!r} is not a time zone")
        if not hall.id or not set(hall.id) <= ID_LETTERS:
            read.say("hall.id", f"{hall.id!r} must be letters, digits, '_', '-' or '.'")
    calendar: Calendar | None = parts.get("calendar")
    if calendar is not None:
        for name in ("closed", "open"):
            for day in getattr(calendar, name):
                if not is_date(day):
                    read.say(f"calendar.{name}", f"{day!r} is not a date YYYY-MM-DD")
        for day in sorted(set(calendar.closed) & set(calendar.open)):
            read.say("calendar.open", f"{day!r} stands in closed too")


def check_limits(parts: dict[str, Any], read: Reader) -> None:
    """Limits that would make the rules impossible."""
    limits: Limits | None = parts.get("limits")
    if limits is not None:
        for f in fields(Limits):
            value = getattr(limits, f.name)
            least = 1 if f.name in ("calls", "misses", "waiting_per_line", "open_tickets_per_holder") else 0
            if not least <= value <= LONGEST:
                read.say(f"limits.{f.name}", f"must be at least {least} and finite")
        if limits.hand_off_warn_share > 1:
            read.say("limits.hand_off_warn_share", "is a share of at most 1")
    service: Service | None = parts.get("service")
    if service is not None and not 0 < service.default_s <= LONGEST:
        read.say("service.default_s", "must be above 0 and finite")
    for name, minutes in parts.get("priority", {}).items():
        if not 0 <= minutes <= LONGEST:
            read.say(f"priority.{name}", "a head start is finite and not below 0")
