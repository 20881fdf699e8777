"""The calls for statistics and reports: any range of service days by the definitions, as JSON or as a table.

Law: figures are made by hall/figures.py from what was kept, today's as last month's; how people work one by one is told
to whoever supervises their zone and to nobody else. Reckoning is done beside the event loop, one question at a time.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any, get_args

from msgspec import Struct, field
from msgspec.structs import replace
from starlette.responses import Response

from tidehall.display.figure_tables import indicator_sheet, named, of_parts, report_sheets
from tidehall.display.http.api import good
from tidehall.display.http.calls import AFTER, Asked, Call, Edge, Query
from tidehall.display.http.problems import Fault, Problem
from tidehall.display.sheets import CSV, XLSX, Sheet, csv_bytes, xlsx_bytes
from tidehall.hall.accuracy import Judged, Quality, quality
from tidehall.hall.calendar import is_date, service_day
from tidehall.hall.figures import By, Figures, figures, per_day
from tidehall.hall.kept import Kept, Visit
from tidehall.locales import LANGUAGES
from tidehall.records import WAIT_S, Aspect, DayRecords, judged, qualities, recorded
from tidehall.records.periods import Period, Reported, period, reported

__all__ = ["STATISTICS_CALLS", "StatisticsView"]

#: Days in one question at most.
MOST_DAYS = 400


class StatisticsRow(Struct, frozen=True):
    """One part: its key, what it is called, its figures."""

    key: str
    name: str
    figures: Figures


class StatisticsView(Struct, frozen=True):
    """The figures of the service days `from` … `to` by one aspect, up to `seq` of the journal.

    `counts`: whether counts are means per open day or sums over the `days` open days of each part.
    """

    hall: str
    first: str = field(name="from")
    last: str = field(name="to")
    by: By
    counts: str
    days: int
    rows: tuple[StatisticsRow, ...]
    seq: int


def chosen(asked: Asked, name: str, choices: tuple[str, ...]) -> str:
    """One of several words of the query, the first when left out. Raises Problem invalid."""
    given = asked.request.query_params.get(name, choices[0])
    if given not in choices:
        raise Problem("invalid", errors=[Fault(name, "choice", {"choices": ", ".join(choices)})])
    return given


def days_asked(asked: Asked) -> tuple[str, str]:
    """The first and the last service day; today when left out. Raises Problem invalid."""
    today = asked.keeper.committed.state.day
    given = asked.request.query_params
    for name in ("from", "to"):
        if not is_date(given.get(name, today)):
            raise Problem("invalid", errors=[Fault(name, "day", {"most": MOST_DAYS})])
    first = given.get("from", given.get("to", today))
    last = given.get("to", max(first, today))
    if not 0 <= (date.fromisoformat(last) - date.fromisoformat(first)).days < MOST_DAYS:
        raise Problem("invalid", errors=[Fault("to", "day", {"most": MOST_DAYS})])
    return first, last


def language_asked(asked: Asked) -> str:
    """The language of names and words. Raises Problem invalid."""
    lang = asked.request.query_params.get("lang", asked.lang)
    if lang not in LANGUAGES:
        raise Problem("invalid", errors=[Fault("lang", "choice", {"choices": ", ".join(LANGUAGES)})])
    return lang


async def caught_up(edge: Edge, asked: Asked) -> None:
    """Wait until the days have come to where the hall stands now, and so to ?after=SEQ: while they are made anew, half
    of them would be taken for all. Raises Problem behind."""
    follower = edge.house.days.get(asked.keeper.id)
    if follower is None:
        return
    if not await follower.reached(asked.keeper.committed.state.seq, asked.begun + WAIT_S - time.monotonic()):
        raise Problem("behind", retry_after_s=1, seq=follower.at.seq)


def zones_seen(asked: Asked) -> frozenset[str] | None:
    """The zones whose people this principal supervises; None: all of the hall."""
    if asked.who.covers("supervise", zone=""):
        return None
    zones = (zone.id for zone in asked.keeper.committed.state.rules.zones)
    return frozenset(zone for zone in zones if asked.who.covers("supervise", zone=zone))


def within(kept: Kept, zones: frozenset[str] | None) -> Kept:
    """What belongs to some zones; days belong to all."""
    if zones is None:
        return kept
    found = Kept()
    for records in kept.of.values():
        for record in records.values():
            if isinstance(record, Visit):
                record = replace(record, serving=[i for i in record.serving if i.zone in zones])
            if record.zone in zones or record.id == record.day:
                found.put(record)
    return found


@asynccontextmanager
async def reckoning(edge: Edge) -> AsyncIterator[None]:
    """One question about many days at a time. Meanwhile the collector of cycles rests: there are none in records, and
    each of its looks through a month of them would hold the boards up for a third of a second."""
    async with edge.reckoning:
        gc.disable()
        try:
            yield
        finally:
            gc.enable()


async def get_statistics(edge: Edge, asked: Asked) -> Response:
    """The figures."""
    by: Any = chosen(asked, "by", get_args(By))
    form, counts = chosen(asked, "format", ("json", "csv", "xlsx")), chosen(asked, "counts", ("mean", "sum"))
    first, last = days_asked(asked)
    await caught_up(edge, asked)
    keeper, plan, lang = asked.keeper, asked.keeper.committed.state.rules, language_asked(asked)
    zones = zones_seen(asked) if by == "staff" else None

    def view(kept: Kept) -> Response:
        made = {
            key: per_day(found) if counts == "mean" else found
            for key, found in figures(kept, by, plan.hall.time_zone).items()
        }
        rows = tuple(StatisticsRow(key, named(plan, by, key, lang), found) for key, found in made.items())
        opened = sum(day.opened for day in kept.days.values())
        return good(StatisticsView(keeper.id, first, last, by, counts, opened, rows, seq))

    def answer(found: Kept) -> Response:
        kept = within(found, zones)
        if form == "json":
            made = view(kept)
        else:
            sheet = of_parts(kept, by, plan, lang, mean=counts == "mean")
            made = as_file([sheet], form, f"{keeper.id}-{first}-{last}-{by}")
        kept.let_go()
        found.let_go()
        return made

    async with reckoning(edge):
        seq, kept = await recorded(edge.house.projections, keeper.id, first, last)
        return await asyncio.to_thread(answer, kept)


class QualityRow(Struct, frozen=True):
    """How true the estimates of one part were: those given with the numbers, and those `later` ones that were shown
    while people waited, every five minutes."""

    key: str
    name: str
    quality: Quality
    later: Quality


class EstimatesView(Struct, frozen=True):
    """How true the estimates were that were shown on the service days `from` … `to`, and those of the baselines."""

    hall: str
    first: str = field(name="from")
    last: str = field(name="to")
    by: Aspect
    rows: tuple[QualityRow, ...]
    seq: int


async def get_estimates(edge: Edge, asked: Asked) -> Response:
    """What was shown against what came."""
    by: Any = chosen(asked, "by", get_args(Aspect))
    first, last = days_asked(asked)
    await caught_up(edge, asked)
    keeper, plan = asked.keeper, asked.keeper.committed.state.rules

    def answer(found: list[Judged]) -> tuple[dict[str, Quality], dict[str, Quality]]:
        taken = qualities((one for one in found if not one.later), by, plan.hall.time_zone)
        later = qualities((one for one in found if one.later), by, plan.hall.time_zone)
        while found:
            found.pop()  # as Kept.let_go
        return taken, later

    async with reckoning(edge):
        seq, found = await judged(edge.house.projections, keeper.id, DayRecords.name, first, last)
        taken, later = await asyncio.to_thread(answer, found)
    none = quality(())
    rows = tuple(
        QualityRow(key, named(plan, by, key, asked.lang), taken.get(key, none), later.get(key, none))
        for key in sorted(taken.keys() | later.keys())
    )
    return good(EstimatesView(keeper.id, first, last, by, rows, seq))


def as_file(sheets: list[Sheet], form: str, name: str) -> Response:
    """Tables as a file to be kept: a workbook, or as CSV the first of them."""
    return Response(
        csv_bytes(sheets[0]) if form == "csv" else xlsx_bytes(sheets), media_type=CSV if form == "csv" else XLSX,
        headers={"Content-Disposition": f'attachment; filename="{name}.{form}"'},
    )  # fmt: skip


async def get_report(edge: Edge, asked: Asked) -> Response:
    """The report of a period."""
    form = chosen(asked, "format", ("html", "csv", "xlsx"))
    lang = language_asked(asked)
    wanted = period_asked(asked)
    await caught_up(edge, asked)
    keeper, plan = asked.keeper, asked.keeper.committed.state.rules
    today = service_day(keeper.now(), plan.hall.time_zone)
    if form != "html" and not wanted.begun(today):
        raise Problem("period_not_begun", details={"period": wanted.name})
    all_staff, page = zones_seen(asked) is None, edge.report
    if form == "html" and page is None:
        raise Problem("no_charts")

    def answer(found: Reported) -> Response:
        if form == "html" and page is not None:
            policy = {"Content-Security-Policy": REPORT_POLICY}
            made = Response(page(found, plan, lang, all_staff), media_type="text/html", headers=policy)
        else:
            sheets = [indicator_sheet(found.kept, found.before, plan, lang)]
            if form == "xlsx":
                sheets = report_sheets(found.kept, found.before, plan, lang, staff=all_staff)
            made = as_file(sheets, form, f"{keeper.id}-{wanted.name}")
        found.kept.let_go()
        found.before.let_go()
        return made

    async with reckoning(edge):
        found = await reported(edge.house.projections, keeper.journal, keeper.id, wanted, plan.hall.time_zone, today)
        return await asyncio.to_thread(answer, found)


def period_asked(asked: Asked) -> Period:
    """The period in the path. Raises Problem unknown_period."""
    try:
        return period(asked.path("period"))
    except ValueError:
        raise Problem("unknown_period", details={"period": asked.path("period")}) from None


#: A report brings its own scripts and styles with it and asks for nothing else.
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; sandbox allow-scripts"
    " allow-downloads"
)

_DAY = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_HALL = "/api/v1/halls/{hall}"
_LANG = Query(
    "lang", "The language; that of Accept-Language when left out.", {"type": "string", "enum": list(LANGUAGES)}
)

STATISTICS_CALLS: tuple[Call, ...] = (
    Call("GET", f"{_HALL}/statistics", "get_statistics",
         "Figures of any service days by the definitions, today's included; by person only of supervised zones.",
         get_statistics, StatisticsView, rights=("supervise",), part="statistics", files=(CSV, XLSX),
         query=(Query("from", "The first service day; `to`, or today, when left out.", _DAY),
                Query("to", f"The last service day; today when left out. At most {MOST_DAYS} days.", _DAY),
                Query("by", "The aspect; the hall as a whole when left out.",
                      {"type": "string", "enum": list(get_args(By))}),
                Query("counts", "Counts as means per open day (default), or as sums.",
                      {"type": "string", "enum": ["mean", "sum"]}),
                Query("format", "JSON (default), or a file.", {"type": "string", "enum": ["json", "csv", "xlsx"]}),
                _LANG, AFTER)),
    Call("GET", f"{_HALL}/estimates", "get_estimates",
         "How true the shown estimates were, beside two baselines, of the hall, by line or by day.",
         get_estimates, EstimatesView, rights=("supervise",), part="statistics",
         query=(Query("from", "The first service day; `to`, or today, when left out.", _DAY),
                Query("to", f"The last service day; today when left out. At most {MOST_DAYS} days.", _DAY),
                Query("by", "The aspect; the hall as a whole when left out.",
                      {"type": "string", "enum": list(get_args(Aspect))}), AFTER)),
    Call("GET", f"{_HALL}/reports/{{period}}", "get_report",
         "The report of a month, quarter, year or day: a page that needs nothing else, or its tables.",
         get_report, media="text/html", rights=("supervise",), part="statistics", files=(CSV, XLSX),
         query=(Query("format", "A page (default); `csv`: the indicators; `xlsx`: all tables.",
                      {"type": "string", "enum": ["html", "csv", "xlsx"]}),
                _LANG, AFTER),
         problems=("unknown_period", "period_not_begun", "no_charts")),
)  # fmt: skip
