"""The forecast policy of the tide: what look-ahead is asked, and when a tidal window should move for what it answers.

Law: one rule, with its numbers here, for the running hall (dashboards/outlook.py) and for simulated days (`Foresight`).
The engine has the last word: settling time, least open time, session and window are checked when the advice comes.

| open | without it the 90th percentile of the wait exceeds the limit at some point of the next hour, and opening
        lifts the share called within the limit by GAIN at least, or takes CUT_S at least off that percentile of the
        whole hour (who has waited too long already counts here alone); the paired 95 % interval is beyond 0 |
| close | with it closed the 90th percentile stays below MARGIN of the limit all through the hour; the share falls by
        LOSS at most |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from msgspec import Struct

from tidehall.hall import commands as c
from tidehall.hall.errors import Refusal
from tidehall.hall.outlook import Basis, Prospect
from tidehall.hall.state import HallState
from tidehall.hall.tide import Action, Watch
from tidehall.simulation.questions import QUARTER_S, Answer, Choice, Outcome, Question, Step

if TYPE_CHECKING:  # the server asks and judges; only who answers needs SimPy
    from simpy.events import Event as Moment

    from tidehall.simulation.tables import Scenario
    from tidehall.simulation.world import Hours, World

__all__ = [
    "CUT_S", "GAIN", "LOSS", "MARGIN", "RUNS", "Foresight", "Moves", "Wish", "foresee", "moves", "prospect", "wish",
]  # fmt: skip

SECOND = 1_000_000
#: Of a simulated day's look-ahead: paired runs.
RUNS = 20
#: What opening must bring and closing may cost, as shares of the next hour's citizens; and how far below the limit the
#: 90th percentile must stay without the window.
GAIN, LOSS, MARGIN = 0.02, 0.01, 0.8
CUT_S = 300.0
#: The moment for which sentences give the 90th percentile, seconds from now.
IN_S = 1800.0


class Moves(NamedTuple):
    """Which tidal window of a zone would open next, and which close."""

    open: str | None
    close: str | None


class Wish(Struct, frozen=True):
    """What look-ahead wants."""

    window: str
    action: Action
    prospect: Prospect


def moves(state: HallState, watch: Watch, now: int) -> Moves:
    """What could be done at `now` (µs): one window to open, one that has been open for its least time to close."""
    to_open, to_close = watch.next_closed(state), watch.next_open(state, now)
    return Moves(to_open.id if to_open is not None else None, to_close.id if to_close is not None else None)


def foresee(
    zone: str, now: int, may: Moves, *, runs: int, seed: str, later: bool = False, horizon_s: float = 3600.0
) -> Question:
    """The question behind a decision, and (`later`) behind a sentence with three choices. `seed` is any text."""
    choices = [Choice("not")]
    commands: list[tuple[Action, c.OpenTidal | c.CloseTidal]] = []
    if may.open is not None:
        commands.append(("open", c.OpenTidal(may.open)))
    if may.close is not None:
        commands.append(("close", c.CloseTidal(may.close)))
    for action, command in commands:
        choices.append(Choice(action, (Step(command),)))
        if later:
            choices.append(Choice(f"{action}_later", (Step(command, QUARTER_S),)))
    # never the chance of the day itself, which has small seeds
    return Question(zone, now, tuple(choices), horizon_s, runs, seed=(1 << 40) + crc32(seed.encode()))


def prospect(answer: Answer, action: Action, basis: Basis) -> Prospect:
    """What the answer says of a step. Raises KeyError when it was not asked."""
    outcomes = {outcome.choice: outcome for outcome in answer.outcomes}
    mine, first, said = outcomes[action], outcomes["not"], answer.sentence(action, IN_S)
    later = answer.sentence(f"{action}_later", IN_S).p90_s if f"{action}_later" in outcomes else None
    gain = mine.against["within"]
    return Prospect(
        answer.now, basis, answer.runs, said.in_s, said.p90_s, said.instead_s, later, answer.limit_s,
        mine.within, first.within, gain.mean, gain.low, gain.high,
    )  # fmt: skip


def peak(outcome: Outcome) -> float:
    """The largest 90th percentile of the wait in the hour, seconds."""
    return max((point.wait_p90_s or 0.0 for point in outcome.curve), default=0.0)


def breaks(answer: Answer) -> bool:
    """Whether the limit breaks within the hour if nothing is done."""
    return peak(answer.outcomes[0]) > answer.limit_s


def wish(answer: Answer, may: Moves, basis: Basis) -> Wish | None:
    """The rule of this module; None: nothing should move."""
    outcomes = {outcome.choice: outcome for outcome in answer.outcomes}
    if may.open is not None and breaks(answer):
        gain, cut = (outcomes["open"].against[name] for name in ("within", "p90_s"))
        lifts = gain.mean is not None and gain.mean >= GAIN and (gain.low or 0.0) > 0
        cuts = cut.mean is not None and cut.mean <= -CUT_S and (cut.high or 0.0) < 0
        if lifts or cuts:
            return Wish(may.open, "open", prospect(answer, "open", basis))
        return None
    if may.close is not None and peak(outcomes["close"]) <= MARGIN * answer.limit_s:
        loss = outcomes["close"].against["within"]
        if loss.mean is None or loss.mean >= -LOSS:
            return Wish(may.close, "close", prospect(answer, "close", basis))
    return None


class Foresight:
    """Look-ahead in a simulated day: asks for every zone under the policy `forecast`, and tells the hall."""

    def __init__(self, world: World, scenario: Scenario, *, seed: int, day: int, runs: int = RUNS) -> None:
        self.world, self.scenario, self.runs = world, scenario, runs
        self.name = f"{seed}/{day}"

    def follow(self, hours: Hours) -> None:
        """Ask from each opening on, in every session, at each zone's own interval."""
        for watch in self.world.state.watches.values():
            if watch.forecast and watch.rule is not None:
                every = round(watch.rule.forecast_every_s * SECOND)
                for opens, closes in hours.sessions:
                    for at in range(opens, closes, every):
                        self.world.at(at, lambda _, zone=watch.zone: self.look(zone, _))  # type: ignore[misc] # bound now

    def look(self, zone: str, _: Moment) -> None:
        """One question, and what follows from it."""
        from tidehall.simulation.lookahead import look_ahead  # numpy, SimPy: not in the server's process

        world = self.world
        world.wake()
        now, state = world.now, world.state
        watch = state.watches[zone]
        may = moves(state, watch, now)
        if now < watch.settled() or not state.in_session or may == (None, None):
            return

        def answer(may: Moves) -> Answer:
            question = foresee(zone, now, may, runs=self.runs, seed=f"{self.name}/{zone}/{now}")
            return look_ahead(world.hall, self.scenario, question)

        found, left = answer(may._replace(open=None)), may._replace(open=None)
        if may.open is not None and breaks(found):  # mostly it does not, and nobody needs to know what opening brings
            found, left = answer(may), may
        wanted = wish(found, left, "scenario")
        try:
            if wanted is None:
                world.do(c.WithdrawAdvice(zone))
            else:
                world.do(c.AdviseTide(zone, wanted.window, wanted.action, wanted.prospect))
        except Refusal:  # the hall has moved on since: the next look will see it
            return
