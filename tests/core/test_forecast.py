"""The tide by look-ahead: what the engine takes from it, what it refuses, how long it stands, and the day's record."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from msgspec.structs import replace

from tests.core.halls import SECOND, Driver
from tests.core.test_tide import brought, done, hall, kinds, take
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.engine import Hall
from tidehall.hall.errors import PlanInvalid
from tidehall.hall.outlook import Prospect
from tidehall.hall.tide_record import TideRecord

EVERY = 600


def forecast(**rule: Any) -> Driver:
    """The hall of test_tide under the policy `forecast`; a round is ten minutes."""
    return hall(policy="forecast", forecast_every_s=EVERY, **rule)


def seen(d: Driver) -> Prospect:
    """What look-ahead says now."""
    return Prospect(d.now, "recent", 20, 1800.0, 840.0, 1860.0, 1200.0, 900.0, 0.9, 0.6, 0.3, 0.2, 0.4)


def advise(d: Driver, window: str = "t1", action: Literal["open", "close"] = "open", zone: str = "g") -> list[Any]:
    """Look-ahead wants it now."""
    return list(d.do(c.AdviseTide(zone, window, action, seen(d))))


def why(d: Driver, window: str = "t1", action: Literal["open", "close"] = "open") -> object:
    """Why it may not."""
    refused = d.refusal(c.AdviseTide("g", window, action, seen(d)))
    assert refused.code == "tide_rests"
    return refused.details["why"]


def test_thresholds_rest_and_look_ahead_speaks() -> None:
    """However many wait however long, the watch says nothing; look-ahead's advice stands with its numbers."""
    d = forecast()
    take(d, 20)
    assert brought(d, 1500) == []
    (advised,) = advise(d)
    assert isinstance(advised, e.TideAdvised)
    assert (advised.since, advised.due, advised.waiting, advised.open_windows) == (d.now, d.now, 20, 1)
    assert (advised.longest, advised.prospect) == (1500 * SECOND, seen(d))
    advice = d.hall.state.tides["g"].advice
    assert advice is not None
    assert advice.prospect == seen(d)


def test_nobody_open_is_still_an_alert() -> None:
    """People wait and no window is open: the alert comes at once, forecast or not."""
    d = forecast(windows=())
    take(d, 1)
    (alert,) = brought(d)
    assert alert.alert == "no_window_open:g"


def test_advice_stands_for_two_rounds_unless_renewed() -> None:
    """Renewed by the next look, it gets new figures and two rounds more; then it lapses, to the second."""
    d = forecast()
    advise(d)
    assert brought(d, EVERY) == []
    renewed = seen(d)
    (foreseen,) = advise(d)
    assert (foreseen.prospect, d.do(c.AdviseTide("g", "t1", "open", renewed))) == (renewed, [])
    assert brought(d, 2 * EVERY - 0.000001) == []
    (lapsed,) = brought(d, 0.000001)
    assert (lapsed.window, lapsed.due) == ("t1", renewed.at + 2 * EVERY * SECOND)


def test_withdrawn_or_replaced() -> None:
    """What the next look does not want lapses; what it wants instead takes its place."""
    d = forecast()
    advise(d)
    assert kinds(d.do(c.WithdrawAdvice("g"))) == ["TideLapsed"]
    assert d.do(c.WithdrawAdvice("g")) == []
    advise(d, "t1")
    assert kinds(advise(d, "t2")) == ["TideLapsed", "TideAdvised"]
    assert d.refusal(c.WithdrawAdvice("x")).code == "unknown_zone"


def test_what_the_engine_refuses() -> None:
    """A window that stands so already, the settling time, the least open time, the hours, a window that is no tidal one
    of the zone: the engine has the last word."""
    d = forecast(settle_s=60, min_open_s=300)
    assert why(d, "t1", "close") == "window"
    d.do(c.OpenTidal("t1", "li"))
    assert why(d, "t2") == "settling"
    brought(d, 60)
    assert why(d, "t1") == "window"
    assert why(d, "t1", "close") == "min_open"
    brought(d, 240)
    assert kinds(advise(d, "t1", "close")) == ["TideAdvised"]
    assert d.refusal(c.AdviseTide("g", "w1", "open", seen(d))).code == "not_tidal"
    assert d.refusal(c.AdviseTide("p", "t1", "open", seen(d))).code == "not_tidal"
    assert d.refusal(c.AdviseTide("x", "t1", "open", seen(d))).code == "unknown_zone"
    assert why(hall(), "t1") == "policy"


def test_advice_ends_with_the_session() -> None:
    """At the break it lapses, and nothing is advised until the next session."""
    d = forecast()
    d.now = d.hall.state.next_moment - SECOND
    advise(d)
    assert "TideLapsed" in kinds(brought(d, 1))
    assert why(d) == "session"


def test_followed_by_a_person_or_by_the_plan() -> None:
    """A supervisor confirms it as advised; with `automatic` the window moves in the same moment."""
    d = forecast()
    advise(d)
    confirmed, opened = done(d, c.OpenTidal("t1"))
    assert (confirmed.advised, opened.window, d.hall.state.tides["g"].advice) == (True, "t1", None)
    assert kinds(advise(forecast(confirm="automatic"))) == ["TideAdvised", "TideConfirmed", "WindowOpened"]


def test_figures_for_the_thresholds_advice() -> None:
    """Under the thresholds look-ahead adds its figures to the advice that stands, and to no other; they change nothing
    about when it lapses."""
    d = hall(open_wait_s=7200)
    take(d, 4)
    brought(d, 60)
    assert kinds(advise(d)) == ["TideForeseen"]
    assert why(d, "t2") == "policy"
    assert d.do(c.WithdrawAdvice("g")) == []
    assert brought(d, 2 * EVERY + 60) == []
    d.do(c.CancelTicket("k1"))
    assert kinds(brought(d)) == ["TideLapsed"]


def test_a_snapshot_keeps_it() -> None:
    """Advice, figures and the places of the steps survive a restart; what is due is due at the same moment."""
    d = forecast()
    take(d, 4)
    advise(d)
    again = Hall.restore(d.hall.snapshot())
    assert again.facts() == d.hall.facts()
    assert again.wakes_at() == d.hall.wakes_at() == d.now + 2 * EVERY * SECOND
    assert d.hall.state.tides["g"].steps == ((d.now, d.hall.state.seq),)


def test_the_day_on_record() -> None:
    """Followed, ignored, standing, of one's own; advice of before the first event seen counts when it is followed."""
    d, record = hall(settle_s=0, min_open_s=0), TideRecord()
    took = [*d.do(c.OpenTidal("t2", "wang"))]
    take(d, 7)
    took += brought(d, 60)
    took += advise(d)
    took += d.do(c.CancelTicket("k7"))
    took += brought(d, 0)
    take(d, 3)
    took += brought(d, 60)
    for event in took:
        record.apply(event, "li")
    assert [(x.window, x.outcome) for x in record.entries] == [("t2", "own"), ("t1", "ignored"), ("t1", "standing")]
    assert record.entries[1].prospect is not None
    confirmed, _ = done(d, c.OpenTidal("t1"))
    record.apply(confirmed, "li")
    counts = record.counts("g")
    assert (counts.advised, counts.followed, counts.ignored, counts.standing, counts.own) == (2, 1, 1, 0, 1)
    assert record.entries[2].actor == "li"
    late = TideRecord()
    late.apply(replace(confirmed, staff="li"), "wang")
    assert (late.counts().followed, late.counts("p").followed, late.entries[0].staff) == (1, 0, "li")


def test_a_round_lasts_a_minute_at_least() -> None:
    """A plan whose look-ahead would never rest is refused with the place."""
    with pytest.raises(PlanInvalid) as wrong:
        hall(forecast_every_s=5)
    assert wrong.value.problems == ["tide.g.forecast_every_s: must be at least 60"]
