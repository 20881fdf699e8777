"""Tables as files: CSV for whoever counts on, XLSX for whoever looks.

Law: a cell is a number or a text, never a formula, whatever a name begins with; no data is an empty cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import NamedTuple

import xlsxwriter

__all__ = ["CSV", "XLSX", "Cell", "Sheet", "csv_bytes", "xlsx_bytes"]

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Characters with which a spreadsheet would read a text as a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
#: Characters that a worksheet's name may not have, and how long it may be.
FORBIDDEN, LONGEST = str.maketrans(dict.fromkeys("[]:*?/\\", " ")), 31

Cell = str | float | None


class Sheet(NamedTuple):
    """A table with its name."""

    name: str
    heads: tuple[str, ...]
    rows: list[tuple[Cell, ...]]


def csv_bytes(sheet: Sheet) -> bytes:
    """UTF-8 with its mark, so that spreadsheets read Chinese."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for row in (sheet.heads, *sheet.rows):
        writer.writerow(["" if cell is None else plain(cell) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def plain(cell: str | float) -> str | float:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell


def xlsx_bytes(sheets: Iterable[Sheet]) -> bytes:
    """A workbook, a worksheet for each table, the heads in sight."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        strong = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        used: set[str] = set()
        for n, sheet in enumerate(sheets, 1):
            name = sheet.name.translate(FORBIDDEN).strip("' ")[:LONGEST] or str(n)
            if name.lower() in used:
                name = f"{name[: LONGEST - 3]} {n}"
            used.add(name.lower())
            page = book.add_worksheet(name)
            page.write_row(0, 0, sheet.heads, strong)
            for row, cells in enumerate(sheet.rows, 1):
                for column, cell in enumerate(cells):
                    if cell is not None:
                        page.write(row, column, cell)
            page.freeze_panes(1, 1)
            page.set_column(0, 0, 28)
            page.set_column(1, max(1, len(sheet.heads) - 1), 14)
    return file.getvalue()
