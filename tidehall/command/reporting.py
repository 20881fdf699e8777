"""The command `tidehall report`: a period's report as a page, as tables, or on the terminal.

Law: it reads what a server has kept and keeps nothing itself; what is not kept yet is folded first, as a server would.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from tidehall.command.files import must_be_writable, write_whole
from tidehall.command.terminal import progress
from tidehall.display.figure_tables import indicator_sheet, report_sheets
from tidehall.display.sheets import csv_bytes, xlsx_bytes
from tidehall.hall.calendar import service_day
from tidehall.hall.plan import Plan
from tidehall.records import DayRecords, Follower
from tidehall.records.periods import Period, Reported, period, reported
from tidehall.server import StartError
from tidehall.store.journal import PostgresJournal
from tidehall.store.projections import PostgresProjections

__all__ = ["add_report_command", "make_report"]


def add_report_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`tidehall report`."""
    what = "a period's report: indicators against target and the period before, charts, tables"
    sub = commands.add_parser("report", help=what, description=what)
    sub.add_argument("--hall", required=True)
    sub.add_argument(
        "--month", metavar="PERIOD", help="YYYY-MM, YYYY-Q1, YYYY or a day (default: the last whole month)"
    )
    sub.add_argument("--html", type=Path, metavar="FILE", help="one page that needs nothing else")
    sub.add_argument("--csv", type=Path, metavar="DIR", help="a CSV file for each table")
    sub.add_argument("--xlsx", type=Path, metavar="FILE", help="a workbook of all tables")
    sub.add_argument("--lang", choices=("zh", "en"), default="zh", help="the report's language")
    sub.add_argument("--data", type=Path, default=None, metavar="DIR", help="the data folder (default: data)")


def wanted_period(text: str | None, today: date) -> Period:
    """The period asked for, else the last whole month. Raises StartError, also for one that has not begun."""
    if text is None:
        return period(today.isoformat()[:7]).before
    try:
        wanted = period(text)
    except ValueError:
        raise StartError(
            f"--month {text}: is no period; give YYYY-MM, a quarter YYYY-Q1, a year YYYY or a day YYYY-MM-DD"
        ) from None
    if not wanted.begun(today):
        raise StartError(f"--month {text}: has not begun; choose a period that has")
    return wanted


async def make_report(arguments: argparse.Namespace, journal: PostgresJournal, plan: Plan) -> int:
    """Write what was asked for; the indicators on the terminal when nothing was. Raises StartError, StoreError."""
    hall, zone_name, lang = arguments.hall, plan.hall.time_zone, arguments.lang
    today = service_day(await journal.clock(), zone_name)
    wanted = wanted_period(arguments.month, today)
    must_be_writable(arguments.html)
    must_be_writable(arguments.xlsx)
    store = PostgresProjections(journal)
    follower = Follower(hall, DayRecords(), journal=journal, store=store)
    with progress(f"hall {hall}: days"):
        await follower.catch_up()
    found = await reported(store, journal, hall, wanted, zone_name, today)
    try:
        for path in write(arguments, found, plan):
            print(f"hall {hall}: report {wanted.name} written to {path}")
    except OSError as error:
        raise StartError(f"{error.filename}: {error.strerror}; name a place that can be written") from error
    if arguments.html is None and arguments.csv is None and arguments.xlsx is None:
        sheet = indicator_sheet(found.kept, found.before, plan, lang)
        for row in (sheet.heads, *sheet.rows):
            print("\t".join("" if cell is None else str(cell) for cell in row))
    return 0


def write(arguments: argparse.Namespace, found: Reported, plan: Plan) -> list[Path]:
    """Write the files; which ones."""
    made = []
    if arguments.html is not None:
        from tidehall.dashboards.monthly import month_page  # the charts take half a second to load

        write_whole(arguments.html, month_page(found, plan, arguments.lang, True))
        made.append(arguments.html)
    sheets = report_sheets(found.kept, found.before, plan, arguments.lang)
    if arguments.xlsx is not None:
        write_whole(arguments.xlsx, xlsx_bytes(sheets))
        made.append(arguments.xlsx)
    if arguments.csv is not None:
        arguments.csv.mkdir(parents=True, exist_ok=True)
        for n, sheet in enumerate(sheets):
            path = arguments.csv / f"{found.period.name}-{n}-{sheet.name}.csv"
            write_whole(path, csv_bytes(sheet))
            made.append(path)
    return made
