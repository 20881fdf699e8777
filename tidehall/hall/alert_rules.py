"""`[alerts]` of the plan: for each kind of alert its limit, its owner, its escalation, and whether it is sent out.

Law: one name for one thing: a rule is named like the kind that stands in the event. A limit that another part of the
plan has already ([limits], [offices]) stays there and is not said twice.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from tidehall.hall.reading import LONGEST, MOST_DAYS, Reader

__all__ = [
    "CALLS_JUDGED", "AlertRule", "AlertRules", "DueRule", "EstimateRule", "NobodyRule", "TimeRule", "WaitRule",
    "read_alerts",
]  # fmt: skip

#: The first calls of a line by which its estimates are judged.
CALLS_JUDGED = 40

Owner = Literal["supervisor", "manager", "middle", "issue", "runner", "guide"]


class AlertRule(Struct, frozen=True, forbid_unknown_fields=True):
    """`[alerts.KIND]`. `on`: whether it is raised at all; `owner`: a post, of the zone in which it is, none: the one to
    whom such things usually belong; `escalate_after_s`: unacknowledged for so long, it goes to `escalate_to`, none:
    `acknowledge_within_s` of [offices]; `send`: the ways by which the owner is told besides the pages."""

    on: bool = True
    owner: Owner | None = None
    escalate_after_s: float | None = None
    escalate_to: Literal["manager", "supervisor"] = "manager"
    send: tuple[Literal["sms", "webhook"], ...] = ()


class TimeRule(AlertRule, frozen=True):
    """Somebody waits, or is served, for longer than `limit_s`; `lines`: other limits for some lines, seconds.

    A wait is an alert from 30 minutes on (domain.md 7); so is a service, which usual ones of ten minutes seldom reach.
    """

    limit_s: float = 1800.0
    lines: dict[str, float] = {}


class WaitRule(TimeRule, frozen=True):
    """Somebody waits for longer than `limit_s`; `lines`: other limits for some lines, seconds. It ends when
    nobody has waited so long for `calm_s`, 0: at once: in a busy line the longest wait falls below the limit with each
    call and is above it a minute later."""

    calm_s: float = 300.0


class NobodyRule(AlertRule, frozen=True):
    """People wait and no window is open: an alert at once, but whoever is told besides the pages (`send`) is told only
    when it has stood for `after_s`, 0: at once."""

    after_s: float = 60.0


class DueRule(AlertRule, frozen=True):
    """A case is promised within `days` working days and not decided; it says so once, before it is overdue."""

    days: int = 1


class EstimateRule(AlertRule, frozen=True):
    """Of the last 40 first calls of a line, more than `share` came outside the range shown with the number; a good
    estimate misses one in five."""

    share: float = 0.4


class AlertRules(Struct, frozen=True, forbid_unknown_fields=True):
    """`[alerts]`: a rule for each kind."""

    long_wait: WaitRule = WaitRule()
    long_service: TimeRule = TimeRule()
    no_window_open: NobodyRule = NobodyRule()
    estimate_off: EstimateRule = EstimateRule()
    numbers_running_out: AlertRule = AlertRule()
    hand_off_due: AlertRule = AlertRule()
    hand_off_breached: AlertRule = AlertRule()
    case_due: DueRule = DueRule()
    case_overdue: AlertRule = AlertRule()
    deemed_accepted: AlertRule = AlertRule()
    result_uncollected: AlertRule = AlertRule()
    papers_unfiled: AlertRule = AlertRule()
    support_late: AlertRule = AlertRule()
    bad_rating: AlertRule = AlertRule()
    matter_late: AlertRule = AlertRule()
    message_failed: AlertRule = AlertRule()
    board_silent: AlertRule = AlertRule()
    kiosk_silent: AlertRule = AlertRule()
    clock_unsure: AlertRule = AlertRule()

    def rule(self, kind: str) -> AlertRule:
        """The rule of a kind; that of all others for a kind without one."""
        found = getattr(self, kind, None)
        return found if isinstance(found, AlertRule) else AlertRule()


def read_alerts(read: Reader, table: object) -> AlertRules:
    """The rules that the plan's section says, the usual ones for the rest; every mistake is noted with its place."""
    return read.sections(AlertRules, table, "alerts", check_rule)


def check_rule(read: Reader, rule: AlertRule, place: str) -> None:
    """Limits that would make no sense."""
    pauses = {"escalate_after_s": rule.escalate_after_s}
    if isinstance(rule, WaitRule):
        pauses["calm_s"] = rule.calm_s
    if isinstance(rule, NobodyRule):
        pauses["after_s"] = rule.after_s
    for name, pause in pauses.items():
        if pause is not None and not 0 <= pause <= LONGEST:
            read.say(f"{place}.{name}", "must be at least 0 and finite")
    if isinstance(rule, TimeRule):
        for name, limit in (("limit_s", rule.limit_s), *((f"lines.{id}", s) for id, s in rule.lines.items())):
            if not 0 < limit <= LONGEST:
                read.say(f"{place}.{name}", "must be above 0 and finite")
    if isinstance(rule, DueRule) and not 1 <= rule.days <= MOST_DAYS:
        read.say(f"{place}.days", f"must be 1 to {MOST_DAYS} days")
    if isinstance(rule, EstimateRule) and not 0 < rule.share <= 1:
        read.say(f"{place}.share", "is a share above 0 and of at most 1")
