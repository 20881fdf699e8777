"""The hall's plan: what `halls/*.toml` say, as facts the engine can work with.

Law: a plan is either whole and right, or it is refused with all its mistakes, each with its place.
The format is contract.md's; the TOML is read by the composition root, this room gets the plain tables.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, ValidationError, convert, field

from tidehall.hall.alert_rules import AlertRules, read_alerts
from tidehall.hall.calendar import clock_minutes, is_date, is_zone
from tidehall.hall.catalogue import Authorisation, Bundle, Item, Reason, check_catalogue
from tidehall.hall.errors import PlanInvalid
from tidehall.hall.reading import ID_LETTERS, LONGEST, MOST_DAYS, Reader, Words, fields_of
from tidehall.hall.targets import Targets, read_targets

__all__ = [
    "Board",
    "Calendar",
    "Department",
    "HallFacts",
    "Limits",
    "LinePlan",
    "OfficeRules",
    "Plan",
    "Service",
    "TideRule",
    "WindowPlan",
    "Zone",
    "parse_plan",
]

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Post = Literal[
    "acceptance", "precheck", "issue", "tidal", "runner", "supervisor", "consult", "guide", "service", "assist"
]
SECOND = 1_000_000


class HallFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """`[hall]`: who and when. `hours` are local ["HH:MM", "HH:MM"] sessions; "24:00" is the day's end.

    `regions`: code → name of the regions for whose authorities papers are taken in (跨域通办, R60); none: any code.
    `consultation`, `supervision`: telephones for whatever has none of its own.
    """

    id: str
    name: Words
    time_zone: str = "Asia/Shanghai"
    hours: tuple[tuple[str, str], ...] = (("08:30", "12:00"), ("14:00", "17:30"))
    open_days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")
    languages: tuple[str, ...] = ("zh", "en")
    regions: dict[str, Words] = {}
    consultation: str | None = None
    supervision: str | None = None


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """`[limits]`: seconds, counts, shares. A hand-off of urgent or promised papers ends within `hand_off_…_s`, and is
    warned of after `hand_off_warn_share` of that. `calls`: a call and its recalls at most, `recall_gap_s` apart; who is
    not there `no_show_after_s` after the last is missed, and void at the miss number `misses`. A ticket may be
    postponed by `postpone_places`, for at least `postpone_min_s`. Numbers are given from `issue_before_open_s` before
    the opening on, at most `waiting_per_line` at a time and `open_tickets_per_holder`; windows go on for at most
    `overtime_max_s` after the close. `undo_s`: within which a step is taken back; `booked_grace_s`: how late who has
    booked may come."""

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
    """`[service]`: what is assumed of serving before anything is observed (seconds). A window rests for `break_s` once
    it has stood open for `break_every_s` (None: no habit); estimates foresee it."""

    default_s: float = 600.0
    break_every_s: float | None = None
    break_s: float = 600.0


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
    agent_open_cases: int = 20


class Zone(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[zones]]`: a part of the hall and its posts (R74–R93). `roster`: how many acceptance windows usually stand open
    from a time of day on ([["08:30", 12], …]); estimates foresee it. Empty: all in a session, none in a break."""

    id: str
    name: Words
    kind: Literal["general", "specialist", "service"] = "general"
    posts: dict[Post, int] = {}
    floor: int | None = None
    note: str | None = None
    roster: tuple[tuple[str, int], ...] = ()


class LinePlan(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[lines]]`: a waiting line (排队业务); `pickup`: its zone's one line for collecting results (取件, R15)."""

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
    consultation: str | None = None
    supervision: str | None = None


class TideRule(Struct, frozen=True, forbid_unknown_fields=True):
    """`[tide.ZONE]`: when tidal windows open and close (R95; thresholds are ours, domain.md 3). `policy`: by these
    thresholds, or by what look-ahead foresees every `forecast_every_s`."""

    open_waiting_per_window: float = 10.0
    open_wait_s: float = 1800.0
    open_for_s: float = 180.0
    close_waiting_per_window: float = 3.0
    close_wait_s: float = 600.0
    close_for_s: float = 900.0
    settle_s: float = 600.0
    min_open_s: float = 1800.0
    confirm: Literal["supervisor", "automatic"] = "supervisor"
    policy: Literal["threshold", "forecast"] = "threshold"
    forecast_every_s: float = 600.0


class Board(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[boards]]`: a display and the zones it shows: their calls, or the results that lie ready there (issue)."""

    id: str
    zones: tuple[str, ...]
    name: Words | None = None
    lines: tuple[str, ...] = ()
    kind: Literal["calls", "issue"] = "calls"


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
    reasons: tuple[Reason, ...] = ()
    alerts: AlertRules | None = None  # None: adopted before plans had rules for alerts
    targets: Targets = Targets()

    def head_start(self, priority: str) -> int:
        """The head start of a class, µs."""
        return round(self.priority.get(priority, 0.0) * 60 * SECOND)


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

#: Rows that have no id of their own.
NAMELESS = {"authorisations": Authorisation, "reasons": Reason}
#: What names a row, where it is not `id`.
KEY = {"items": "code"}


def parse_plan(tables: dict[str, Any]) -> Plan:
    """The plan that plain TOML tables describe.

    Raises PlanInvalid with *all* mistakes, each "place: what is wrong".
    """
    read = Reader()
    parts: dict[str, Any] = {}
    known = {*SINGLE, *MANY, *NAMELESS, "window_ranges", "priority", "priority_names", "tide", "alerts", "targets"}
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
    for name, kind in NAMELESS.items():
        got = [(read.table(kind, row, f"{name}[{i}]"), f"{name}[{i}]") for i, row in enumerate(read.rows(tables, name))]
        parts[name] = tuple(x for x, _ in got if x is not None)
        places[name] = [place for x, place in got if x is not None]
    for name, form in (("priority", dict[str, float]), ("priority_names", dict[str, Words])):
        if name in tables:
            try:
                parts[name] = convert(tables[name], form)
            except ValidationError as err:
                read.explain(form, tables[name], name, str(err))
    tide = tables.get("tide", {})
    parts["tide"] = {}
    if not isinstance(tide, dict):
        read.say("tide", "must hold tables ([tide.ZONE])")
        tide = {}
    for zone, row in tide.items():
        rule = read.table(TideRule, row, f"tide.{zone}")
        if rule is not None:
            parts["tide"][zone] = rule
    alerts = tables.get("alerts", {})
    parts["alerts"] = read_alerts(read, alerts) if alerts is not None else None  # null: a plan without rules, as JSON
    parts["targets"] = read_targets(read, tables.get("targets", {}))
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
        stands: dict[str, str] = {}
        for x, place in zip(parts[name], places[name], strict=True):
            value = getattr(x, key)
            if not value or not set(value) <= ID_LETTERS:
                read.say(f"{place}.{key}", f"{value!r} must be letters, digits, '_', '-' or '.'")
            if value in seen:
                twice(read, key, repr(value), stands[value], place)
            seen.add(value)
            stands.setdefault(value, place)
        seen |= broken[name]

    def known(kind: str, value: str | None, place: str) -> None:
        if value is not None and value not in ids[kind]:
            read.say(place, f"there is no {kind[:-1]} {value!r}")

    for zone, place in zip(parts["zones"], places["zones"], strict=True):
        for post, count in zone.posts.items():
            if count < 0:
                read.say(f"{place}.posts.{post}", "must be at least 0")
        before = -1
        for i, (at, count) in enumerate(zone.roster):
            minutes = clock_minutes(at)
            if minutes is None or minutes <= before or count < 0:
                read.say(f"{place}.roster[{i}]", "must be a time HH:MM after the one before, and a count of at least 0")
            before = minutes if minutes is not None else before
    letters: dict[str, str] = {}
    zone_of_line = {line.id: line.zone for line in parts["lines"]}
    pickup = {line.id for line in parts["lines"] if line.purpose == "pickup"}
    pickup_of: dict[str, str] = {}
    for line, place in zip(parts["lines"], places["lines"], strict=True):
        known("zones", line.zone, f"{place}.zone")
        if len(line.letter) != 1 or not "A" <= line.letter <= "Z" or line.letter in "IO":
            read.say(f"{place}.letter", f"{line.letter!r} must be one letter A…Z, not I or O")
        elif line.letter in letters:
            twice(read, "letter", repr(line.letter), letters[line.letter], place)
        letters.setdefault(line.letter, place)
        if line.id in pickup and pickup_of.setdefault(line.zone, line.id) != line.id:
            read.say(f"{place}.purpose", f"zone {line.zone!r} has the pickup line {pickup_of[line.zone]!r} already")
        if line.service_s is not None and not 0 < line.service_s <= LONGEST:
            read.say(f"{place}.service_s", "must be above 0 and finite")
    labels: dict[tuple[str, str], str] = {}
    for window, place in zip(parts["windows"], places["windows"], strict=True):
        known("zones", window.zone, f"{place}.zone")
        for line in window.lines:
            known("lines", line, f"{place}.lines")
            if line in zone_of_line and zone_of_line[line] != window.zone:
                read.say(f"{place}.lines", f"line {line!r} belongs to another zone than window {window.id!r}")
            if line in pickup and window.post != "issue":
                read.say(f"{place}.lines", f"pickup line {line!r} is served by issue windows, {window.id!r} is none")
        if (window.zone, window.label) in labels:
            named = f"{window.label!r} of zone {window.zone!r}"
            twice(read, "label", named, labels[window.zone, window.label], place)
        labels.setdefault((window.zone, window.label), place)
    check_catalogue(parts, places, known, read)
    for board, place in zip(parts["boards"], places["boards"], strict=True):
        for zone in board.zones:
            known("zones", zone, f"{place}.zones")
        for line in board.lines:
            known("lines", line, f"{place}.lines")
    for department, place in zip(parts["departments"], places["departments"], strict=True):
        known("zones", department.zone, f"{place}.zone")
    for kind in ("long_wait", "long_service") if parts["alerts"] is not None else ():
        for line in getattr(parts["alerts"], kind).lines:
            known("lines", line, f"alerts.{kind}.lines")
    for zone_id, rule in parts["tide"].items():
        place = f"tide.{zone_id}"
        known("zones", zone_id, place)
        for f in fields_of(TideRule).values():
            value = getattr(rule, f.name)
            if isinstance(value, int | float) and not 0 <= value <= LONGEST:
                read.say(f"{place}.{f.name}", "must be at least 0 and finite")
        if rule.forecast_every_s < 60:
            read.say(f"{place}.forecast_every_s", "must be at least 60")
        if rule.close_waiting_per_window > rule.open_waiting_per_window:
            read.say(f"{place}.close_waiting_per_window", "must not be above open_waiting_per_window")
        if rule.close_wait_s > rule.open_wait_s:
            read.say(f"{place}.close_wait_s", "must not be above open_wait_s")
    for name in ("zones", "lines", "windows"):
        if not parts[name] and not broken[name]:
            read.say(name, "needs at least one")
    check_times(parts, read)
    check_limits(parts, read)


def twice(read: Reader, key: str, named: str, one: str, other: str) -> None:
    """Two entries have the same: the later is wrong, but a window of its own rather than one of a range."""
    wrong, right = (one, other) if one.startswith("windows[") and other.startswith("window_r") else (other, one)
    read.say(f"{wrong}.{key}", f"{named} stands twice, in {right} too")


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
        for code in hall.regions:
            if not code or not set(code) <= ID_LETTERS:
                read.say("hall.regions", f"{code!r} must be letters, digits, '_', '-' or '.'")
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
    ones = ("calls", "misses", "waiting_per_line", "open_tickets_per_holder")
    for name in ("limits", "offices"):
        rules: Limits | OfficeRules | None = parts.get(name)
        for f in fields_of(type(rules)).values() if rules is not None else ():
            value, days = getattr(rules, f.name), f.name.endswith("_days")
            least, most = (1 if days or f.name in ones else 0), (MOST_DAYS if days else LONGEST)
            if isinstance(value, int | float) and not least <= value <= most:
                said = f"{least} to {most} days" if days else f"at least {least} and finite"
                read.say(f"{name}.{f.name}", f"must be {said}")
    limits: Limits | None = parts.get("limits")
    if limits is not None and limits.hand_off_warn_share > 1:
        read.say("limits.hand_off_warn_share", "is a share of at most 1")
    service: Service | None = parts.get("service")
    if service is not None and not 0 < service.default_s <= LONGEST:
        read.say("service.default_s", "must be above 0 and finite")
    if service is not None and service.break_every_s is not None and not 0 < service.break_every_s <= LONGEST:
        read.say("service.break_every_s", "must be above 0 and finite")
    if service is not None and not 0 <= service.break_s <= LONGEST:
        read.say("service.break_s", "must be at least 0 and finite")
    for name, minutes in parts.get("priority", {}).items():
        if not 0 <= minutes <= LONGEST:
            read.say(f"priority.{name}", "a head start is finite and not below 0")
