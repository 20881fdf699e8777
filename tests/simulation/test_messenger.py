"""The messenger: papers that go on from receiving desks to departments outside the hall, and when they come there."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.laboratory import MINUTE
from tidehall.hall.papers import events as o
from tidehall.hall.plan import parse_plan
from tidehall.simulation.day import Stage
from tidehall.simulation.scenario import ScenarioInvalid, read_scenario
from tidehall.simulation.tables import Scenario
from tidehall.simulation.tally import tally

ROOT = Path(__file__).parent.parent.parent
ROUNDS: dict[str, Any] = {"at": ["11:30", "16:30"], "distribution": "deterministic", "mean_s": 1800.0}


def with_messenger(table: dict[str, Any] | None) -> Scenario:
    """Social affairs in the reference hall, some of whose papers go on to departments outside, and property."""
    tables = tomllib.loads((ROOT / "scenarios" / "yangxin.toml").read_text("utf-8"))
    plan = parse_plan(tomllib.loads((ROOT / "halls" / "yangxin.toml").read_text("utf-8")))
    if table is not None:
        tables["offices"]["messenger"] = table
    tables["demand"]["lines"] = {line: tables["demand"]["lines"][line] for line in "AD"}
    return read_scenario(tables, plan)


def test_the_messenger_takes_what_lies_at_the_receiving_desk() -> None:
    """He leaves at his times and no other, takes all that lies there, and every paper is checked half an hour later;
    what comes after his last round is judged by the next working day's first one, and is in time."""
    scenario = with_messenger(ROUNDS)
    played = Stage(scenario).play(1, 0)
    out = {ev.hand_off: ev for ev in played.events if isinstance(ev, o.HandOffStarted) and ev.hand_off in played.onward}
    assert len(out) > 5
    assert {ev.leg for ev in out.values()} == {2}
    left = {ev.hand_off: ev.at for ev in played.events if isinstance(ev, o.HandOffPickedUp) and ev.hand_off in out}
    rounds = {played.hours.at(m * MINUTE) for m in (11 * 60 + 30, 16 * 60 + 30)}
    assert set(left.values()) <= rounds
    checked = {ev.hand_off: ev.at for ev in played.events if isinstance(ev, o.HandOffVerified) and ev.hand_off in out}
    assert checked == {id: at + 30 * MINUTE for id, at in left.items()}
    later = out.keys() - left.keys()
    assert later
    assert {played.onward[id] for id in later} == {played.hours.end + 12 * 60 * MINUTE}
    whole = tally(scenario, played)
    assert whole[""]["onward"] == (len(out), 1)
    assert whole[""]["onward_on_time"] == (len(out), len(out))
    assert sum(group["onward"][0] for key, group in whole.items() if key.startswith("zone:")) == len(out)


def test_a_slow_messenger_is_late() -> None:
    """Who needs three days for the way is in time with nothing, and the papers' way within the hall is judged as
    before."""
    slow = with_messenger(ROUNDS | {"mean_s": 3 * 86_400.0})
    found, usual = (tally(s, Stage(s).play(1, 0))[""] for s in (slow, with_messenger(None)))
    assert found["onward_on_time"][0] == 0 < found["onward_on_time"][1]
    assert found["hand_off_on_time"] == usual["hand_off_on_time"]
    assert "onward" not in usual


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"mean_s": 600.0}, "offices.messenger.at"),
        ({"at": ["noon"], "mean_s": 600.0}, "offices.messenger.at"),
        ({"at": ["16:00", "11:00"], "mean_s": 600.0}, "offices.messenger.at"),
        ({"at": ["24:00"], "mean_s": 600.0}, "offices.messenger.at"),
        ({"at": ["11:00"]}, "offices.messenger.mean_s"),
    ],
)
def test_a_wrong_messenger_is_told_by_its_place(table: dict[str, Any], place: str) -> None:
    """Times of the day in order, and a time for the way."""
    with pytest.raises(ScenarioInvalid) as wrong:
        with_messenger(table)
    assert {problem.split(":")[0] for problem in wrong.value.problems} == {place}
