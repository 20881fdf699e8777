"""What boards, phones, desks and the API see of a hall; pure, on a hall driven by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tidehall.display import views
from tidehall.display.screens import BoardView
from tidehall.hall import commands as c
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.plan import parse_plan
from tidehall.hall.wire import TicketView
from tidehall.queue.tickets import Parked

SECOND = 1_000_000
#: Monday 2026-11-23 09:00 in Shanghai
NINE = 1_795_395_600 * SECOND


def words(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


PLAN = parse_plan(
    {
        "hall": {"id": "t", "name": words("hall"), "hours": [["08:30", "12:00"], ["14:00", "17:30"]]},
        "limits": {"recall_gap_s": 1, "no_show_after_s": 2},
        "zones": [{"id": "g", "name": words("general")}, {"id": "p", "name": words("special")}],
        "lines": [
            {"id": "A", "letter": "A", "zone": "g", "name": words("a")},
            {"id": "B", "letter": "B", "zone": "g", "name": words("b")},
            {"id": "C", "letter": "C", "zone": "p", "name": words("c")},
        ],
        "window_ranges": [{"id_prefix": "w", "digits": 1, "first": 1, "last": 3, "zone": "g", "lines": ["A", "B"]}],
        "windows": [{"id": "p1", "label": "9", "zone": "p", "lines": ["C"]}],
        "departments": [{"id": "d", "name": words("d")}],
        "items": [{"code": "I1", "name": words("i"), "department": "d", "line": "A"}],
        "boards": [{"id": "main", "zones": ["g"]}, {"id": "all", "zones": ["g", "p"], "name": words("all")}],
    }
)


class Day:
    """A hall and the time of day; each step decides, applies and lets a second pass."""

    def __init__(self) -> None:
        self.hall = Hall("t")
        self.now = NINE
        self.do(c.AdoptPlan(PLAN))

    def do(self, command: Any) -> None:
        for event in self.hall.decide(command, self.now):
            self.hall.apply(event)
        self.now += SECOND

    def take(self, *ids: str, line: str = "A") -> None:
        for id in ids:
            self.do(c.TakeTicket(id, line=line, holder=f"person-of-{id}"))

    def open(self, *windows: str) -> None:
        for window in windows:
            self.do(c.SignIn(window, f"clerk-{window}"))
            self.do(c.OpenWindow(window))

    def board(self, id: str = "main") -> BoardView:
        return views.board_view(self.hall, id, self.now)


@pytest.fixture
def day() -> Day:
    return Day()


def text(view: Any) -> str:
    return msgspec.json.encode(view).decode()


def test_times_carry_the_halls_offset(day: Day) -> None:
    """RFC 3339 with the hall's own offset, whatever the server's zone."""
    assert views.time_text(day.hall.state, NINE) == "2026-11-23T09:00:00.000+08:00"


def test_ticket_of_the_public_has_the_contracts_fields_and_no_more(day: Day) -> None:
    """Staff see the clerk's fields; the public sees exactly the contract's Ticket."""
    day.open("w1")
    day.do(c.TakeTicket("t1", item="I1"))
    ticket = day.hall.state.ticket("t1")
    public = msgspec.to_builtins(views.ticket_view(day.hall, ticket, day.now, staff=False))
    assert set(public) == {
        "id",
        "number",
        "hall",
        "line",
        "item",
        "state",
        "priority",
        "taken_at",
        "ahead",
        "estimate",
        "window",
        "calls",
        "seq",
    }
    assert (public["number"], public["item"], public["state"], public["ahead"]) == ("A001", "I1", "waiting", 0)
    assert public["estimate"]["p10_s"] > 0
    staff = views.ticket_view(day.hall, ticket, day.now, staff=True)
    assert (staff.items, staff.waited_s) == (("I1",), 1.0)


def test_waiting_time_stops_at_the_first_call(day: Day) -> None:
    """waited_s is taking → first call and does not move with recalls."""
    day.open("w1")
    day.take("t1")
    day.do(c.CallTicket("w1"))
    day.do(c.RecallTicket("w1"))
    view = views.ticket_view(day.hall, day.hall.state.ticket("t1"), day.now + 60 * SECOND, staff=True)
    assert (view.waited_s, view.calls) == (1.0, 2)


def test_one_who_left_uncalled_has_no_waiting_time(day: Day) -> None:
    """Who gave the number back is not in the served averages."""
    day.take("t1")
    day.do(c.CancelTicket("t1"))
    assert views.ticket_view(day.hall, day.hall.state.ticket("t1"), day.now, staff=True).waited_s is None


def test_clerks_and_tickets_of_a_window_are_for_staff(day: Day) -> None:
    """A public window names neither clerk nor ticket; a staff one also what is allowed now."""
    day.open("w1")
    day.take("t1", "t2")
    day.do(c.CallTicket("w1"))
    assert set(msgspec.to_builtins(views.window_view(day.hall, "w1", day.now, staff=False))) == {
        "id",
        "label",
        "zone",
        "post",
        "lines",
        "state",
    }
    staff = views.window_view(day.hall, "w1", day.now, staff=True)
    assert isinstance(staff.ticket, TicketView)
    assert (staff.staff, staff.ticket.number, staff.waiting) == ("clerk-w1", "A001", 1)
    assert staff.allowed is not msgspec.UNSET
    assert "start" in staff.allowed


def test_public_screens_name_no_person_no_clerk_and_no_ticket_id(day: Day) -> None:
    """Boards, strips, halls and lines of the public hold numbers only (law 11)."""
    day.open("w1", "w2")
    day.take("secret-1", "secret-2", "secret-3")
    day.do(c.CallTicket("w1"))
    day.now += 5 * SECOND
    day.do(c.MissTicket("w1"))
    day.do(c.CallTicket("w2"))
    shown = [
        day.board(),
        views.strip_view(day.hall, "w2", day.now),
        views.hall_view(day.hall, day.now, staff=False),
        views.line_view(day.hall, "A", day.now),
        views.phone_view(day.hall, day.hall.state.ticket("secret-3"), day.now),
    ]
    everything = text(shown).replace('"id":"secret-3"', "")  # the citizen's own
    assert "A001" in everything
    for word in ("secret-", "clerk", "person-of"):
        assert word not in everything


def test_recalled_ticket_moves_to_the_top_of_history_once_and_eight_stay(day: Day) -> None:
    """S28: the same ticket called again stands on top once; history keeps the last eight."""
    day.open("w1", "w2")
    day.take(*(f"t{i}" for i in range(10)))
    day.do(c.CallTicket("w1"))
    day.do(c.CallTicket("w2"))
    assert [x.number for x in day.board().recent] == ["A002", "A001"]
    day.do(c.RecallTicket("w1"))
    recent = day.board().recent
    assert [(x.number, x.attempt) for x in recent] == [("A001", 2), ("A002", 1)]
    for _ in range(8):
        day.do(c.StartService("w2"))
        day.do(c.NextTicket("w2"))
    assert [x.number for x in day.board().recent] == [f"A{i:03d}" for i in range(10, 2, -1)]


def test_board_lists_open_calls_until_service_starts(day: Day) -> None:
    """A snapshot's calls are the open ones, oldest first, with the sentence to speak."""
    day.open("w1", "w2")
    day.take("t1", "t2")
    day.do(c.CallTicket("w1"))
    day.do(c.CallTicket("w2"))
    calls = day.board().calls
    assert [(x.number, x.window, x.label, x.attempt) for x in calls] == [("A001", "w1", "1", 1), ("A002", "w2", "2", 1)]
    assert "A001" in calls[0].say["zh"]
    assert "window 1" in calls[0].say["en"]
    day.do(c.StartService("w1"))
    assert [x.number for x in day.board().calls] == ["A002"]
    assert {w.id: w.doing for w in day.board().windows} == {"w1": "serving", "w2": "called", "w3": None}


def test_missed_numbers_show_until_they_are_called_again(day: Day) -> None:
    """A number that missed its call stands on the board while it may still come."""
    day.open("w1")
    day.take("t1")
    day.do(c.CallTicket("w1"))
    day.now += 3 * SECOND
    day.do(c.MissTicket("w1"))
    assert day.board().missed == ("A001",)
    day.now += 61 * SECOND
    day.do(c.CallTicket("w1"))
    assert day.board().missed == ()


def test_board_shows_its_own_zones_only(day: Day) -> None:
    """A zone board knows nothing of the zone next door; the hall board knows both."""
    day.open("p1")
    day.take("t1", line="C")
    day.do(c.CallTicket("p1"))
    assert not day.board().calls
    assert [line.id for line in day.board().lines] == ["A", "B"]
    assert [x.number for x in day.board("all").calls] == ["C001"]
    assert day.board().name == words("general")
    assert day.board("all").name == words("all")


def test_unknown_screens_are_refused_by_name(day: Day) -> None:
    """unknown_board, unknown_window and unknown_line, never an exception of another kind."""
    for code, look in (
        ("unknown_board", lambda: day.board("nowhere")),
        ("unknown_window", lambda: views.strip_view(day.hall, "w9", day.now)),
        ("unknown_line", lambda: views.line_view(day.hall, "Z", day.now)),
    ):
        with pytest.raises(Refusal) as no:
            look()
        assert no.value.code == code


def test_estimate_is_unknown_without_an_open_window_and_ranges_round_outward(day: Day) -> None:
    """Nobody open: null, never 0; else minutes with p10 rounded down and p90 up, at least 1."""
    day.take("t1", "t2")
    phone = views.phone_view(day.hall, day.hall.state.ticket("t2"), day.now)
    assert (phone.ahead, phone.estimate, phone.range_min) == (1, None, None)
    day.open("w1")
    phone = views.phone_view(day.hall, day.hall.state.ticket("t2"), day.now)
    assert phone.estimate is not None
    assert phone.range_min is not None
    low, high = phone.range_min
    assert 1 <= low <= max(1.0, phone.estimate.p10_s / 60)
    assert high >= phone.estimate.p90_s / 60
    assert views.range_of((1, 2, 3)) == (1, 2)


def test_session_is_open_break_or_closed(day: Day) -> None:
    """Lunch is a break, not a closing; before opening and after the last session the hall is closed."""
    assert day.board().session == "open"

    def at(hours: float) -> str:
        day.now = NINE + round((hours - 9) * 3600) * SECOND
        while events := day.hall.wake(day.now):
            for event in events:
                day.hall.apply(event)
        return views.session(day.hall.state, day.now)

    assert [at(11.9), at(13.0), at(14.5), at(18.0), at(24 + 8.1), at(24 + 8.6)] == [
        "open", "break", "open", "closed", "closed", "open",
    ]  # fmt: skip


def test_desk_sees_its_waiting_list_and_what_is_parked_for_it(day: Day) -> None:
    """The list is in calling order, at most 30; papers-away tickets show at every window of the line."""
    day.open("w1", "w2")
    day.take(*(f"t{i}" for i in range(40)))
    day.do(c.CallTicket("w1"))
    day.do(c.StartService("w1"))
    day.do(c.SuspendTicket("w1", Parked.AWAY))
    day.do(c.CallTicket("w1"))
    day.do(c.StartService("w1"))
    day.do(c.SuspendTicket("w1", Parked.HOLD))
    one, two = (views.desk_view(day.hall, w, day.now) for w in ("w1", "w2"))
    assert [t.number for t in one.waiting] == [f"A{i:03d}" for i in range(3, 33)]
    assert [(t.number, t.parked) for t in one.parked] == [("A001", "away"), ("A002", "hold")]
    assert [t.number for t in two.parked] == ["A001"]
    assert [w.id for w in one.windows] == ["w1", "w2", "w3"]


def test_windows_text_joins_runs_of_labels(day: Day) -> None:
    """1, 2, 3, 7 and one with a name: "1–3, 7, VIP"."""
    assert views.spans(["1", "3", "2", "7", "VIP"]) == "1–3, 7, VIP"
    assert views.spans([]) == ""
    assert "1–3" in views.phone_windows(day.hall.state, "A")["zh"]


def test_hall_view_is_the_contracts_hall(day: Day) -> None:
    """Zones, lines, windows, items and boards with the contract's fields; alerts in their least form."""
    view = msgspec.json.decode(text(views.hall_view(day.hall, day.now, staff=False)))
    assert (view["id"], view["open"], view["seq"]) == ("t", True, day.hall.state.seq)
    assert view["items"] == [{"code": "I1", "name": words("i"), "department": "d", "line": "A", "kind": "immediate"}]
    assert view["boards"] == [{"id": "main"}, {"id": "all"}]
    day.do(c.RaiseAlert("board_silent", "main"))
    day.do(c.RaiseAlert("clock_unsure", "t"))
    day.do(c.EndAlert("clock_unsure", "t"))
    assert [(a.kind, a.about, a.ended) for a in views.alerts_view(day.hall)] == [("board_silent", "main", None)]
    ended = views.alert_view(day.hall, day.hall.state.alerts["clock_unsure:t"])
    assert ended.ended is not None
    assert ended.ended > ended.since
