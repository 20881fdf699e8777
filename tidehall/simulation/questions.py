"""What is asked of look-ahead, and what it answers: plain facts that travel between processes.

Law: nothing here computes; moments are µs since the epoch, durations seconds. The first choice is what the others are
compared with.
"""

from __future__ import annotations

from msgspec import Struct

from tidehall.hall import commands as c

__all__ = [
    "Answer", "Choice", "Difference", "Outcome", "Point", "Question", "Sentence", "Step", "Waits", "tidal_choices",
]  # fmt: skip

QUARTER_S = 900.0
#: What a choice may do: whatever moves a window.
Move = (
    c.OpenTidal | c.CloseTidal | c.SignIn | c.SignOut | c.OpenWindow | c.CloseWindow | c.PauseWindow | c.ResumeWindow
    | c.SetLines
)  # fmt: skip


class Step(Struct, frozen=True):
    """One command, `after_s` from now."""

    command: Move
    after_s: float = 0.0


class Choice(Struct, frozen=True):
    """What could be done; no steps: nothing is done."""

    name: str
    steps: tuple[Step, ...] = ()


class Question(Struct, frozen=True):
    """What would the next `horizon_s` be like in `zone` (but never beyond the service day) under each choice?

    `now`: not before the hall's last event; `every_s`: how far the points of the curves lie apart.
    """

    zone: str
    now: int
    choices: tuple[Choice, ...]
    horizon_s: float = 3600.0
    runs: int = 100
    seed: int = 1
    every_s: float = 300.0


class Waits(Struct, frozen=True):
    """A set of waits, seconds, over all runs; quantiles are order statistics. None: nobody."""

    n: int
    mean_s: float | None
    p10_s: float | None
    p50_s: float | None
    p90_s: float | None


class Point(Struct, frozen=True):
    """At a moment: how many wait (over the runs), and how long those had waited who were called since the point
    before; where nobody was called in any run, how long those have waited who wait."""

    at: int
    waiting: float
    waiting_p10: float
    waiting_p90: float
    wait_p10_s: float | None
    wait_p50_s: float | None
    wait_p90_s: float | None


class Difference(Struct, frozen=True):
    """This choice − the first one, run by run on the same people, with the 95 % interval of its mean.

    None: no run has data, or (for the interval) fewer than two.
    """

    mean: float | None
    low: float | None
    high: float | None


class Outcome(Struct, frozen=True):
    """What a choice leads to. First waits only: taking (booked: not before the booked time) → first call.

    `called`: those that end by a call within the horizon; `waiting`: of those who still wait at its end, so far;
    `all`: both. `within`: share called within the target's limit, of all whose wait has ended or is longer already.
    `at_end`: how many wait at the end, mean over the runs. `refused`: what the hall said no to → in how many runs.
    `against`: mean_s, p90_s (of `all`), within, at_end → difference to the first choice.
    """

    choice: str
    called: Waits
    waiting: Waits
    all: Waits
    within: float | None
    at_end: float
    turned_away: float
    curve: tuple[Point, ...]
    refused: dict[str, int]
    against: dict[str, Difference]


class Sentence(Struct, frozen=True):
    """The numbers of "opening T1 now: p90 in 30 min 14 min instead of 31". Seconds; None: nobody waits or is called."""

    choice: str
    in_s: float
    p90_s: float | None
    instead_s: float | None


class Answer(Struct, frozen=True):
    """One outcome for each choice, in the order of the question."""

    zone: str
    now: int
    until: int
    runs: int
    limit_s: float
    outcomes: tuple[Outcome, ...]

    def sentence(self, choice: str, in_s: float = 1800.0) -> Sentence:
        """This choice beside the first, at the point that lies nearest to `in_s` from now. Raises KeyError."""
        found = {outcome.choice: outcome for outcome in self.outcomes}

        def p90(outcome: Outcome) -> Point:
            return min(outcome.curve, key=lambda point: abs(point.at - self.now - in_s * 1e6))

        mine, first = p90(found[choice]), p90(self.outcomes[0])
        return Sentence(choice, (mine.at - self.now) / 1e6, mine.wait_p90_s, first.wait_p90_s)


def tidal_choices(window: str, *, opening: bool = True, later_s: float = QUARTER_S) -> tuple[Choice, ...]:
    """Nothing, now, or later: the three choices about a tidal window."""
    command = c.OpenTidal(window) if opening else c.CloseTidal(window)
    return Choice("not"), Choice("now", (Step(command),)), Choice("later", (Step(command, later_s),))
