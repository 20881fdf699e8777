"""Look-ahead beside a running hall: figures for advice, pictures for whoever looks, the forecast policy."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.live.clients import until
from tests.live.door import problem
from tests.live.offices import Offices, offices
from tests.live.test_tide import advice, journal, open_window, plan
from tests.simulation.laboratory import SCENARIO, laboratory
from tidehall.dashboards.outlook import Known, Outlook
from tidehall.live import HallKeeper
from tidehall.server import StartError, beside, known_scenarios
from tidehall.settings import Settings
from tidehall.store.bus import LocalBus


@asynccontextmanager
async def looking(*keepers: HallKeeper, known: dict[str, Known] | None = None) -> AsyncIterator[list[Outlook]]:
    """An outlook for each keeper, as each server has its own."""
    outlooks = [Outlook(known) for _ in keepers]
    tasks = [asyncio.create_task(o.follow(k)) for o, k in zip(outlooks, keepers, strict=True)]
    try:
        yield outlooks
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)


@asynccontextmanager
async def watched(folder: Path, known: dict[str, Known] | None = None, **rule: Any) -> AsyncIterator[Offices]:
    """A hall with window 1 open and an outlook; `rule` as in test_tide."""
    async with offices(folder, hall=plan(**rule)) as s, looking(s.keeper, known=known) as (outlook,):
        s.door.house.outlook = outlook
        await open_window(s)
        yield s


async def crowd(s: Offices, n: int, every_s: float = 20.0) -> None:
    """`n` people take numbers, one after the other."""
    for _ in range(n):
        await s.take()
        await s.later(every_s)


def figured(s: Offices) -> Callable[[], object]:
    """Whether the advice of zone g has its figures."""

    def found() -> object:
        told = s.keeper.committed.state.tides["g"].advice
        return told is not None and told.prospect

    return found


async def test_advice_gets_its_figures_within_ten_seconds(tmp_path: Path) -> None:
    """The rule becomes true; within 10 s the advice says what opening would bring, in Chinese and in English, on the
    hand-off board too; who followed it is on record, with the figures that he saw."""
    async with watched(tmp_path, open_for_s=300, settle_s=600) as s:
        s.door.house.outlook.of("t")  # somebody looks, so a worker is there
        looking_on = s.door.house.outlook
        assert isinstance(looking_on, Outlook)
        await until(lambda: looking_on.halls["t"].ahead.pid, "a worker", seconds=60)
        staff = s.door.hubs["t"].staff()
        s.door.hubs["t"].join(staff)
        await s.ok("tide/reserve", {"zone": "g", "staff": ["li"]})
        await crowd(s, 12)
        await s.later(120)
        begun = monotonic()
        (found,) = await advice(s)
        await until(figured(s), "figures", seconds=30)
        assert monotonic() - begun < 10
        (found,) = await advice(s)
        ahead = found["prospect"]
        assert ahead["basis"] == "recent"
        assert ahead["p90_s"] < ahead["instead_s"]
        assert ahead["gain"] > 0
        assert json.loads(staff.ring[-1].body)["advice"][0]["prospect"] == ahead
        minutes = [-(-ahead[key] // 60) for key in ("p90_s", "instead_s")]
        now, without = (f"{n:g} 分钟" for n in minutes)
        assert (
            f"。现在开放 T5 号窗口，30 分钟后 90% 的人等候 {now}以内，不开放则 {without}（按最近半小时"
            in found["reason"]
        )
        assert found["reason"].endswith("可由 li 到岗。")
        english = (await advice(s, accept_language="en"))[0]["reason"]
        assert f"Opening window T5 now: in 30 min 9 of 10 wait {minutes[0]:g} min at most" in english
        assert f"不开放则 {without}" in (await s.get("/desk/t/handoffs?zone=g")).text
        await s.ok("tide/t5/open", {"staff": "li"})
        day = await s.see("tide/history?zone=g")
        (step,) = day["steps"]
        assert (step["outcome"], step["actor"], step["staff"], step["policy"]) == (
            "followed", "admin", "li", "threshold",
        )  # fmt: skip
        assert (step["prospect"], step["figures"]["waiting"]) == (ahead, 12)
        assert day["counts"] == {"advised": 1, "followed": 1, "ignored": 0, "standing": 0, "own": 0}


async def test_ignored_advice_and_steps_of_ones_own_are_in_the_day(tmp_path: Path) -> None:
    """What lapses unheeded is ignored, what was never advised is a step of one's own; other days are empty, wrong
    days and zones are refused."""
    async with offices(tmp_path, hall=plan()) as s:
        await open_window(s)
        tickets = [await s.take() for _ in range(4)]
        await s.later(180)
        assert len(await advice(s)) == 1
        await s.ok(f"tickets/{tickets[0]['id']}/cancel")
        assert await advice(s) == []
        await s.ok("tide/t6/open", {"staff": "wang"})
        day = await s.see("tide/history")
        assert [(x["window"], x["outcome"], x["actor"]) for x in day["steps"]] == [
            ("t5", "ignored", None), ("t6", "own", "admin"),
        ]  # fmt: skip
        assert (day["counts"]["ignored"], day["counts"]["own"]) == (1, 1)
        assert (await s.see("tide/history?zone=p"))["steps"] == []
        for day in ("2026-11-20", "0001-01-01", "9999-12-31"):
            assert (await s.see(f"tide/history?day={day}"))["steps"] == []
        problem(await s.get("tide/history?day=20261123"), 422, "invalid")
        problem(await s.get("tide/history?zone=zz"), 404, "unknown_zone")


async def test_whoever_looks_gets_pictures(tmp_path: Path) -> None:
    """Nobody is asked while nobody looks; a look brings a picture of every zone: five-minute points with ordered
    quantiles, and for the tide the three choices."""
    async with watched(tmp_path) as s:
        outlook = s.door.house.outlook
        assert isinstance(outlook, Outlook)
        await crowd(s, 8)
        assert outlook.halls["t"].ahead.pid is None
        assert (await s.see("outlook"))["zones"] == []

        async def both() -> object:
            return len((await s.see("outlook"))["zones"]) == 2

        await until(both, "pictures", seconds=30)
        zones = {zone["zone"]: zone for zone in (await s.see("outlook", accept_language="en"))["zones"]}
        g, p = zones["g"], zones["p"]
        assert (len(g["points"]), g["basis"], p["tidal"]) == (12, "recent", None)
        assert g["basis_words"] == "if people come as in the last half hour"
        for point in g["points"]:
            assert point["wait_p10_s"] <= point["wait_p50_s"] <= point["wait_p90_s"]
            assert point["waiting_p10"] <= point["waiting_p90"]
        assert [c["choice"] for c in g["tidal"]["choices"]] == ["not", "now", "later"]
        stay, now, later = g["tidal"]["choices"]
        assert (g["tidal"]["window"], g["tidal"]["action"], stay["gain"]) == ("t5", "open", None)
        assert now["p90_s"] < stay["p90_s"] == g["p90_30_s"]
        assert now["waiting_end"] <= later["waiting_end"] <= stay["waiting_end"]
        assert [z["zone"] for z in (await s.see("outlook?zone=p"))["zones"]] == ["p"]
        problem(await s.get("outlook?zone=zz"), 404, "unknown_zone")
        assert outlook.of("elsewhere") == {}


async def test_a_dead_look_ahead_harms_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Killed in the middle of its work: the hall goes on, the advice stands without figures and can be followed; the
    next question finds a new worker."""
    async with watched(tmp_path, open_for_s=0) as s:
        outlook = s.door.house.outlook
        assert isinstance(outlook, Outlook)
        look = outlook.halls["t"]
        outlook.of("t")
        await until(lambda: look.ahead.pid, "a worker", seconds=30)
        assert look.ahead.pid is not None
        os.kill(look.ahead.pid, signal.SIGSTOP)  # it hangs over whatever it is asked
        await crowd(s, 4)
        (found,) = await advice(s)
        assert found["prospect"] is None
        await until(look.ahead.turn.locked, "a question under way", seconds=30)
        os.kill(look.ahead.pid, signal.SIGKILL)
        await s.ok("tide/t5/open", {"staff": "li"})
        await s.ok("windows/t5/call")
        await until(lambda: look.failed, "the end of the worker is noticed", seconds=30)
        look.failed.clear()  # ten seconds later

        async def pictures() -> object:
            return len((await s.see("outlook"))["zones"]) == 2

        await until(pictures, "pictures by a new worker", seconds=30)
    assert [r.levelname for r in caplog.records if r.name == "tidehall.dashboards.outlook"] in ([], ["WARNING"])


async def test_figures_that_are_not_taken_are_not_asked_again_at_once(tmp_path: Path) -> None:
    """The hall refuses (its clock is unsure): the zone rests a while instead of being asked without end."""
    async with offices(tmp_path, hall=plan(open_for_s=0)) as s:
        await open_window(s)
        await crowd(s, 4)
        assert [a["prospect"] for a in await advice(s)] == [None]
        s.time[0] += 600_000_000  # nobody has measured the clock for ten minutes
        assert s.clock.unsure()
        async with looking(s.keeper) as (outlook,):
            await until(lambda: "t" in outlook.halls and "g" in outlook.halls["t"].failed, "a rest", seconds=30)
            assert "g" in outlook.halls["t"].pictures, "it was answered"


async def test_a_scenario_of_another_hall_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A scenario that does not know a line of the hall: a warning, and the last half hour's people do instead."""
    strange = laboratory(1, 20.0, {"mean_s": 600.0}, lines=1)
    async with watched(tmp_path, {"t": Known(strange, "scenario")}) as s:

        async def pictures() -> object:
            return {zone["zone"]: zone["basis"] for zone in (await s.see("outlook"))["zones"]}.get("p")

        await until(pictures, "a picture of the zone with the unknown line", seconds=30)
    assert "knows no line C" in caplog.text


async def test_the_forecast_policy_advises_once_for_two_servers(tmp_path: Path) -> None:
    """Two servers look ahead: by the system, one advice with its figures long before the thresholds speak; no second
    one in the round, renewed in the next, gone when nobody comes any more."""
    rule = {"policy": "forecast", "forecast_every_s": 600.0, "open_waiting_per_window": 100}
    async with offices(tmp_path, hall=plan(**rule)) as s:
        await open_window(s)
        await crowd(s, 9, 60.0)
        other = HallKeeper("t", journal=s.journal, bus=LocalBus(), clock=s.keeper.clock)
        await other.start()
        try:
            async with looking(s.keeper, other) as outlooks:
                await until(figured(s), "advice", seconds=30)
                await until(
                    lambda: all("g" in o.halls["t"].rounds for o in outlooks), "both servers' rounds", seconds=30
                )
                (found,) = await advice(s)
                assert (found["window"], found["action"], found["prospect"]["basis"]) == ("t5", "open", "recent")
                assert found["reason"].startswith("每个开放窗口 9 人在等，最长 9 分钟。现在开放 T5 号窗口")
                assert [e["actor"] for e in await journal(s, "tide_advised", "tide_foreseen")] == ["system"]
                await s.later(600)

                async def renewed() -> object:
                    return len(await journal(s, "tide_foreseen"))

                await until(renewed, "the next round", seconds=30)
                for ticket in list(s.keeper.committed.state.tickets):
                    await s.ok(f"tickets/{ticket}/cancel")
                await until(lambda: other.committed.state.seq == s.keeper.committed.state.seq, "both know", seconds=30)
                await s.later(1860)  # and nobody has come for half an hour
                await until(lambda: not figured(s)(), "a lapse", seconds=30)
        finally:
            await other.stop()
        steps = await journal(s, "tide_advised", "tide_foreseen", "tide_lapsed")
        assert [e["kind"] for e in steps] == ["tide_advised", "tide_foreseen", "tide_lapsed"]
        assert (await s.see("tide/history"))["counts"]["ignored"] == 1


async def test_what_runs_beside_the_halls_does_not_end_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    """A task that fails is in the log, with its name and its error; closing the house is no failure."""

    async def breaks() -> None:
        raise RuntimeError("a mistake")

    async with AsyncExitStack() as stack:
        beside(stack, breaks(), "outlook-t")
        beside(stack, asyncio.Event().wait(), "days-t")  # type: ignore[arg-type] # whatever it would answer
        await until(lambda: caplog.records, "a word")
    assert [(r.message, str(r.exc_info[1])) for r in caplog.records if r.exc_info] == [
        ("outlook-t failed", "a mistake")
    ]


def test_which_scenario_a_hall_looks_ahead_by(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The one named at the start, else the one calibrated into the data folder; not in a demonstration; a broken one is
    put aside with a warning. A scenario of no hall here, and two of one hall, are refused."""
    named, data = tmp_path / "named.toml", tmp_path / "data"
    named.write_text(SCENARIO, "utf-8")
    (data / "scenarios").mkdir(parents=True)
    kept = data / "scenarios" / "lab.toml"
    kept.write_text(SCENARIO, "utf-8")
    both = Settings(data, scenarios=(named,))
    assert {hall: known.basis for hall, known in known_scenarios(both, ["lab", "other"]).items()} == {"lab": "scenario"}
    assert known_scenarios(Settings(data), ["lab"])["lab"].basis == "calibrated"
    assert known_scenarios(Settings(data, demo=1.0), ["lab"]) == {}
    assert known_scenarios(Settings(data), ["other"]) == {}
    with pytest.raises(StartError, match="is for hall 'lab', which is not here; the halls are other"):
        known_scenarios(both, ["other"])
    with pytest.raises(StartError, match="two scenario files"):
        known_scenarios(Settings(data, scenarios=(named, kept)), ["lab"])
    kept.write_text("[day]\nopen = 3\n", "utf-8")
    assert known_scenarios(Settings(data), ["lab"]) == {}
    assert "calibrated scenario is put aside" in caplog.text
    environment = {"TIDEHALL_SCENARIOS": os.pathsep.join(map(str, (named, kept)))}
    assert Settings.read(environment).scenarios == (named, kept)
