"""The indicators that halls publish (domain.md 8, requirements R31, R32, R107, R135), each one function of the facts.

Law: an indicator is computed from figures of section 6 and from nothing else; what the facts cannot say is Unknown with
its reason, never 0. Counts are sums of the whole period, shares lie between 0 and 1, times are seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from tidehall.hall.figures import Figures, figures
from tidehall.hall.kept import Day, Kept
from tidehall.hall.targets import Targets

__all__ = ["INDICATORS", "Facts", "Indicator", "Kind", "Unknown", "Value", "facts_of", "indicators"]

Kind = Literal["count", "share", "seconds"]
SECOND = 1_000_000
#: Alerts that tell of a time that ran out, by what ran out (超时件).
WAITED, SERVED = ("long_wait",), ("long_service",)


class Facts(Struct, frozen=True):
    """What a period was like: its figures, its last open day (None: the hall was never open), and the share of those
    called whose wait was within the plan's target (None: nobody was called)."""

    figures: Figures
    day: Day | None
    within: float | None


class Unknown(Struct, frozen=True):
    """The facts do not say it. `reason`: "nothing" happened that could be counted, or it is "not_recorded"."""

    reason: Literal["nothing", "not_recorded"]


Value = float | Unknown
NOTHING, NOT_RECORDED = Unknown("nothing"), Unknown("not_recorded")


def facts_of(kept: Kept, zone_name: str, targets: Targets) -> Facts | None:
    """The facts of some days; None where nothing was kept."""
    found = figures(kept, "hall", zone_name).get("")
    opened = [day for day in kept.days.values() if day.opened]
    waits = [v.first_call - v.since for v in kept.visits.values() if v.first_call]
    within = sum(wait <= targets.wait.within_s * SECOND for wait in waits) / len(waits) if waits else None
    return None if found is None else Facts(found, max(opened, key=lambda day: day.id, default=None), within)


def known(value: float | None) -> Value:
    """A figure, or that nothing happened."""
    return NOTHING if value is None else value


def total(*counts: float | None) -> float:
    """Counts together; of a hall as a whole every one is said."""
    return sum(count or 0 for count in counts)


def share(part: float, whole: float) -> Value:
    """A ratio; of nothing there is none."""
    return part / whole if whole else NOTHING


# ---- the line


def tickets(f: Facts) -> Value:
    """取号量: numbers taken."""
    return known(f.figures.tickets)


def called(f: Facts) -> Value:
    """叫号量: of these, how many were called at least once."""
    return known(f.figures.called)


def attended(f: Facts) -> Value:
    """办理量(窗口): visits that were finished or ended with a one-time notice."""
    return total(f.figures.served, f.figures.rejected)


def finished(f: Facts) -> Value:
    """办结量(窗口): visits that were finished; one that ended with a one-time notice is not 办结."""
    return known(f.figures.served)


def abandoned(f: Facts) -> Value:
    """弃号/空号量: numbers given back, void after the last miss, or expired."""
    return total(f.figures.left, f.figures.no_show, f.figures.expired)


def wait_mean(f: Facts) -> Value:
    """平均等候: mean waiting time of who was called."""
    return NOTHING if f.figures.wait is None else f.figures.wait.mean


def wait_longest(f: Facts) -> Value:
    """最长等候: the longest waiting time of who was called."""
    return NOTHING if f.figures.wait is None else f.figures.wait.max


def wait_within(f: Facts) -> Value:
    """时限内叫号率: tickets whose waiting time was within the plan's target ÷ tickets that were called."""
    return known(f.within)


def service_mean(f: Facts) -> Value:
    """平均办理: mean service time, parked time not counted."""
    return NOTHING if f.figures.service is None else f.figures.service.mean


def utilisation(f: Facts) -> Value:
    """窗口忙闲率: serving time ÷ open time of all windows."""
    return known(f.figures.utilisation)


# ---- what took too long (超时件)


def alerts(f: Facts, kinds: tuple[str, ...]) -> Value:
    """Alerts of some kinds."""
    return sum((f.figures.alerts_by_kind or {}).get(kind, 0) for kind in kinds)


def waits_over(f: Facts) -> Value:
    """等候超时: alerts that a line's longest wait reached the plan's limit."""
    return alerts(f, WAITED)


def services_over(f: Facts) -> Value:
    """办理超时: alerts that a service reached the plan's limit."""
    return alerts(f, SERVED)


def hand_offs_over(f: Facts) -> Value:
    """流转超时: hand-offs not verified within their limit (R23, R24)."""
    return f.figures.hand_offs_late


def cases_over(f: Facts) -> Value:
    """审批超时: cases taken in in the period whose promised moment passed undecided (R28)."""
    return f.figures.cases_overdue


def hand_offs_on_time(f: Facts) -> Value:
    """流转准时率: hand-offs verified within their limit ÷ those judged."""
    return known(f.figures.hand_off_on_time)


# ---- cases


def received(f: Facts) -> Value:
    """收件量: cases taken in."""
    return f.figures.cases_received


def decided(f: Facts) -> Value:
    """办结量(办件): cases decided."""
    return f.figures.cases_decided


def at_once(f: Facts) -> Value:
    """即办率: immediate cases ÷ decided cases."""
    return known(f.figures.cases_at_once)


def early(f: Facts) -> Value:
    """承诺件提前办结率: decided on a service day before the promised one ÷ decided cases with a promise."""
    return known(f.figures.cases_early)


def on_time(f: Facts) -> Value:
    """按时办结率: decided not after the promised moment ÷ decided cases with a promise."""
    return known(f.figures.cases_on_time)


def complete_at_first(f: Facts) -> Value:
    """一次办成率: decided cases that never needed a correction notice ÷ decided cases."""
    return known(f.figures.cases_complete)


def at_most_one_visit(f: Facts) -> Value:
    """最多跑一次 (R32): delivered cases for which the applicant stood at a window at most once ÷ delivered cases.

    A visit is one of its intake or one that collects its result; who only brings missing papers leaves no such record.
    """
    return known(f.figures.one_visit)


def time_cut(f: Facts) -> Value:
    """承诺时限压缩 (R31): (statutory − promised) ÷ statutory working days, over the items that have both."""
    if f.day is None or not f.day.statutory:
        return NOT_RECORDED
    return (f.day.statutory - f.day.promised) / f.day.statutory


# ---- ratings


def good(f: Facts) -> Value:
    """好评率: levels 3 to 5 ÷ ratings that citizens gave; defaults are none (domain.md 1)."""
    return known(f.figures.rating_good)


def bad(f: Facts) -> Value:
    """差评: ratings of levels 1 and 2."""
    return known(f.figures.ratings_bad)


def rectified(f: Facts) -> Value:
    """整改率: bad ratings of the period whose matter is solved ÷ those that opened one (R97)."""
    return known(f.figures.rectified)


def called_back(f: Facts) -> Value:
    """回访率: matters of the period whose citizen was called back ÷ all matters (R33)."""
    return known(f.figures.called_back)


def rated(f: Facts) -> Value:
    """参评率(主动): ratings that citizens gave ÷ visits finished or ended with a notice."""
    return share(total(f.figures.ratings), total(f.figures.served, f.figures.rejected))


def rated_by_default(f: Facts) -> Value:
    """参评率(默认): ratings that a system put in ÷ the same visits; never part of the others."""
    return share(total(f.figures.ratings_default), total(f.figures.served, f.figures.rejected))


# ---- ways and windows


def diverted(f: Facts) -> Value:
    """自助/网办分流率: self-service and guided online filings ÷ these and the numbers taken (R88, R89)."""
    services = f.figures.services or {}
    elsewhere = sum(services.get(kind, 0) for kind in ("self_service", "online_guided"))
    return share(elsewhere, total(elsewhere, f.figures.tickets))


def general_windows(f: Facts) -> Value:
    """综合窗口占比 (R135): windows of general zones ÷ all that serve lines, by the plan of the last open day."""
    return NOT_RECORDED if f.day is None else share(f.day.general, f.day.windows)


def ages(f: Facts) -> Value:
    """年龄分布: not known. Nothing of a person stands in the journal (design law 11)."""
    return NOT_RECORDED


class Indicator(Struct, frozen=True):
    """One published indicator; `target`: what it should reach at least (`at_most`: at most), None: nobody says;
    `most`: what it should not exceed beside that; `recorded`: whether the records can ever say it."""

    name: str
    kind: Kind
    of: Callable[[Facts], Value]
    target: float | None = None
    at_most: bool = False
    most: float | None = None
    recorded: bool = True

    def found(self, facts: Facts | None) -> Value:
        """Its value; without facts nothing happened."""
        if not self.recorded:
            return NOT_RECORDED
        return NOTHING if facts is None else self.of(facts)


#: All of them, in the order in which a report shows them; some targets are the plan's (`indicators`).
INDICATORS: tuple[Indicator, ...] = (
    Indicator("tickets", "count", tickets),
    Indicator("called", "count", called),
    Indicator("attended", "count", attended),
    Indicator("finished", "count", finished),
    Indicator("abandoned", "count", abandoned),
    Indicator("wait_mean", "seconds", wait_mean),
    Indicator("wait_longest", "seconds", wait_longest),
    Indicator("wait_within", "share", wait_within),
    Indicator("service_mean", "seconds", service_mean),
    Indicator("utilisation", "share", utilisation),
    Indicator("waits_over", "count", waits_over),
    Indicator("services_over", "count", services_over),
    Indicator("hand_offs_over", "count", hand_offs_over, 0, at_most=True),
    Indicator("cases_over", "count", cases_over, 0, at_most=True),
    Indicator("hand_offs_on_time", "share", hand_offs_on_time),
    Indicator("received", "count", received),
    Indicator("decided", "count", decided),
    Indicator("at_once", "share", at_once),
    Indicator("early", "share", early),
    Indicator("on_time", "share", on_time, 1.0),
    Indicator("complete_at_first", "share", complete_at_first),
    Indicator("at_most_one_visit", "share", at_most_one_visit, 1.0),
    Indicator("time_cut", "share", time_cut, 0.2),
    Indicator("good", "share", good),
    Indicator("bad", "count", bad),
    Indicator("rectified", "share", rectified, 1.0),
    Indicator("called_back", "share", called_back, 1.0),
    Indicator("rated", "share", rated),
    Indicator("rated_by_default", "share", rated_by_default),
    Indicator("diverted", "share", diverted),
    Indicator("general_windows", "share", general_windows, 0.7),
    Indicator("ages", "share", ages, recorded=False),
)


def indicators(targets: Targets) -> list[Indicator]:
    """All of them, with the plan's own targets in their places."""
    own: dict[str, dict[str, Any]] = {
        "wait_within": {"target": targets.wait.share},
        "utilisation": {"target": targets.utilisation.low, "most": targets.utilisation.high},
        "hand_offs_on_time": {"target": targets.hand_off.share},
    }
    return [replace(i, **own.get(i.name, {})) for i in INDICATORS]
