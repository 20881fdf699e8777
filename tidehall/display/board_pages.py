"""The boards' pages: calls of a zone or of the hall, results that lie ready, and the strip above a window.

Law: as in pages.py; a board is open to all, so nothing stands on it but numbers and the ends of receipts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tidehall.display import views
from tidehall.display.board_notices import references
from tidehall.display.http.texts import opened_if_possible
from tidehall.display.pages import Pages, script_data
from tidehall.display.rendering import today
from tidehall.hall.calendar import local_text
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.state import HallState
from tidehall.live import HallKeeper
from tidehall.locales import say

__all__ = ["BoardPages"]

#: Zones that stand side by side on a board; a board of more zones shows all their calls in one place.
MOST_COLUMNS = 4
#: Last calls in the column of a zone.
COLUMN_CALLS = 3


class BoardPages(Pages):
    """All pages of the line with the boards."""

    def routes(self) -> list[Route]:
        """The boards' addresses, and the line's."""
        found = [
            Route("/board/{hall}/window/{window}", self.strip, methods=["GET"]),
            Route("/board/{hall}/{board}", self.board, methods=["GET"]),
        ]
        return found + super().routes()

    async def board(self, request: Request) -> Response:
        """`/board/{hall}/{board}`."""
        lang = request.query_params.get("lang", "zh")
        lang = lang if lang == "en" else "zh"
        keeper = self.keeper(request)
        if keeper is None:
            return self.unknown(lang)
        words = await opened_if_possible(keeper, self.edge.house.persons, references(keeper.committed.state))
        hall, now = keeper.committed, keeper.now()
        try:
            view = views.board_view(
                hall, str(request.path_params["board"]), now, stale_since=keeper.stale_since, demo=self.edge.demo,
                words=words,
            )  # fmt: skip
        except Refusal:
            return self.unknown(lang)
        board = script_data(to_builtins(view))
        if "ready" in board:
            return self.issue_board(keeper, board, lang)
        open_ids = {call["call_id"] for call in board["calls"]}
        newest = board["calls"][-1] if board["calls"] else None
        zone_names = {zone["id"]: zone["name"].get(lang, "") for zone in board["zones"]}
        many = len(board["zones"]) > 1
        columns: list[dict[str, Any]] = []
        if 1 < len(board["zones"]) <= MOST_COLUMNS:
            columns = [zone | self.column(hall, board, zone["id"]) for zone in board["zones"]]
        return self.render.page(
            "hall_board.html" if columns else "board.html",
            lang,
            board=board,
            columns=columns,
            title=self.board_title(hall.state.rules, view.id, lang),
            hero=None if newest is None else {**newest, "open": newest["call_id"] in open_ids},
            open_ids=open_ids,
            many_zones=many,
            zone_names=zone_names,
            now=local_text(now, hall.state.zone_name),
            today=today(now, hall.state.rules.hall.time_zone, lang),
            given=self.island(
                keeper, lang, "board.", board=board, zones=zone_names if many else None,
                recent={zone["id"]: zone["recent"] for zone in columns},
            ),
        )  # fmt: skip

    def column(self, hall: Hall, board: Mapping[str, Any], zone: str) -> dict[str, Any]:
        """A zone's own part of a board: its newest open call, its last calls, its lines."""
        calls = views.board_recent(hall.state, [zone])[:COLUMN_CALLS]
        own = {row.id for row in hall.state.rules.lines if row.zone == zone}
        return {
            "hero": next((call for call in reversed(board["calls"]) if call["zone"] == zone), None),
            "recent": [to_builtins(views.call_view(hall, call)) for call in calls],
            "lines": [line for line in board["lines"] if line["id"] in own],
        }

    def issue_board(self, keeper: HallKeeper, board: Mapping[str, Any], lang: str) -> Response:
        """A board of results that lie ready: a column for each of its zones, by the ends of receipts."""
        state = keeper.committed.state
        columns = [
            zone
            | {
                "windows": issue_windows(state, zone["id"], lang),
                "ready": [group for group in board["ready"] if group["zone"] == zone["id"]],
            }
            for zone in board["zones"]
        ]
        return self.render.page(
            "issue_board.html",
            lang,
            board=board,
            columns=columns,
            title=self.board_title(state.rules, board["id"], lang),
            day=day_words(lang),
            now=local_text(keeper.now(), state.zone_name),
            today=today(keeper.now(), state.rules.hall.time_zone, lang),
            given=self.island(keeper, lang, "board.", board=board),
        )

    async def strip(self, request: Request) -> Response:
        """`/board/{hall}/window/{window}`."""
        lang = "en" if request.query_params.get("lang") == "en" else "zh"
        keeper = self.keeper(request)
        if keeper is None:
            return self.unknown(lang)
        window = str(request.path_params["window"])
        try:
            view = views.strip_view(
                keeper.committed, window, keeper.now(), stale_since=keeper.stale_since, demo=self.edge.demo
            )
        except Refusal:
            return self.unknown(lang)
        strip = script_data(to_builtins(view))
        return self.render.page("strip.html", lang, strip=strip, given=self.island(keeper, lang, "strip.", strip=strip))


def issue_windows(state: HallState, zone: str, lang: str) -> str:
    """Where a zone hands results out: all windows of its pickup line, open or not, as the page stands for days."""
    line = state.pickup_lines.get(zone)
    labels = [window.label for window in state.windows.values() if line in window.lines]
    return say("call.windows", lang, windows=views.spans(labels)) if labels else ""


def day_words(lang: str) -> Callable[[str], str]:
    """A receipt's day, 20261122, as people say it; the same rule as `dayWords` in static/js/ready_state.js."""

    def text(day: str) -> str:
        if len(day) != 8 or not day.isdecimal():
            return day
        return say("board.receipts_of", lang, month=int(day[4:6]), day=int(day[6:]))

    return text
