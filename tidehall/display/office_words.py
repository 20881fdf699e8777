"""How the offices' pages say times, money, a case's way and its trace.

Law: pure; a figure reads the same here and in static/js/words.js, and a duration is the API's, never computed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from tidehall.display.reasons import reason_words
from tidehall.hall.plan import Plan
from tidehall.locales import has, say

__all__ = [
    "date_text", "day_text", "progress_way", "span_text", "trace_durations", "trace_stages", "trace_steps", "yuan",
]  # fmt: skip

#: A stage of a case → the event that brings it, where the case itself does not say when that was.
_STAGE_EVENTS = {
    "handed_off": "hand_off_started", "verified": "hand_off_verified", "in_review": "case_claimed",
    "made": "result_made", "closed": "case_closed",
}  # fmt: skip


def span_text(seconds: float) -> str:
    """Seconds as m:ss, or h:mm:ss; the same rule as `span` in static/js/words.js."""
    s = max(0, int(seconds))
    tail = f"{s // 60 % 60:02}:{s % 60:02}"
    return f"{s // 3600}:{tail}" if s >= 3600 else tail.removeprefix("0")


def day_text(lang: str) -> Callable[[str], str]:
    """A moment (RFC 3339) as day and time."""
    form = "{0.month}月{0.day}日 {1}" if lang == "zh" else "{0:%b} {0.day}, {1}"

    def text(at: str) -> str:
        moment = datetime.fromisoformat(at)
        if (moment.hour, moment.minute, moment.second) == (0, 0, 0):  # a day's end belongs to that day
            return form.format(moment - timedelta(days=1), "24:00")
        return form.format(moment, f"{moment:%H:%M}")

    return text


def date_text(lang: str) -> Callable[[str], str]:
    """A moment (RFC 3339) as the date that stands on a legal paper, with its year; a day's end belongs to that day."""
    form = "{0.year}年{0.month}月{0.day}日" if lang == "zh" else "{0.day} {0:%B} {0.year}"

    def text(at: str) -> str:
        moment = datetime.fromisoformat(at)
        ends = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
        return form.format(moment - timedelta(days=1) if ends else moment)

    return text


def yuan(fen: int) -> str:
    """Money, for reading and for a number field."""
    return f"{fen / 100:.2f}"


def progress_way(found: Mapping[str, Any]) -> list[tuple[str, str, str | None]]:
    """The five steps that an applicant follows: (name, done · now · next, when)."""
    stages = (
        ("received", ("received", "correcting"), found["received_at"]),
        ("accepted", ("accepted", "handed_off", "verified"), found["accepted_at"]),
        ("in_review", ("in_review", "awaiting_fee"), None),
        ("decided", ("decided", "made"), found["decided_at"]),
        ("ready", ("ready",), found["ready_at"]),
        ("delivered", ("delivered", "closed"), found["delivered_at"]),
    )
    stage = found["stage"]
    at = next((i for i, (_, names, _) in enumerate(stages) if stage in names), -1)
    if stage == "withdrawn":
        return [("received", "done", found["received_at"]), ("withdrawn", "now", None)]
    if stage in ("delivered", "closed"):
        at = len(stages)
    return [
        (name, "done" if i < at else "now" if i == at else "next", when if i <= at else None)
        for i, (name, _, when) in enumerate(stages)
    ]


def trace_stages(found: Mapping[str, Any]) -> dict[str, str]:
    """When each stage began that only the trace knows; the last time, where it came twice."""
    last = {step["kind"]: step["at"] for step in found["steps"]}
    return {stage: last[kind] for stage, kind in _STAGE_EVENTS.items() if kind in last}


def particulars(step: Mapping[str, Any], lang: str) -> list[str]:
    """What a step says beside its reason: the money, a special step's kind, the decision, how it was handed out."""
    body = step["body"]
    found = []
    if step["kind"] == "fee_requested":
        found.append(say("trace.fee", lang, yuan=yuan(body["amount"])))
    for name in ("step", "outcome", "method"):
        if has(key := f"office.{name}.{body.get(name)}"):
            found.append(say(key, lang))
    if step["kind"] == "support_answered":
        found.append(say(f"office.channel.{body['channel']}", lang))
    if step["kind"] == "fee_paid":
        found.append(body["reference"])
    if step["kind"] == "ticket_rated":
        found.append(say(f"rating.level.{body['level']}", lang))
    return found


def trace_steps(
    found: Mapping[str, Any], lang: str, plan: Plan, who: Callable[[str], str] = str
) -> list[dict[str, Any]]:
    """The trace as a line of steps: time, what in words, who, why, and how long since the step before."""
    item = next((i for i in plan.items if i.code == found["item"]), None)
    papers = {m.code: m.name.get(lang) or m.code for m in item.materials} if item is not None else {}

    def words(said: str) -> str:
        if has(f"rating.reason.{said}"):
            return say(f"rating.reason.{said}", lang)
        return papers.get(said) or reason_words(said, lang, plan)

    steps: list[dict[str, Any]] = []
    before: datetime | None = None
    for step in found["steps"]:
        at = datetime.fromisoformat(step["at"])
        key = f"trace.{step['kind']}"
        steps.append(
            step
            | {
                "what": say(key, lang) if has(key) else step["kind"].replace("_", " "),
                "why": particulars(step, lang) + [words(w) for w in step["why"] if w],
                "receiver": step["body"].get("signature"),
                "due": step.get("due"),
                "who": who(step.get("staff") or step["who"]),
                "helper": step["body"].get("helper"),
                "origin": step["body"].get("origin") if step["kind"] == "case_received" else None,
                "since_s": (at - before).total_seconds() if before is not None else None,
            }
        )
        before = at
    return steps


def trace_durations(found: Mapping[str, Any], lang: str) -> list[tuple[str, float | None, bool]]:
    """(name, seconds or None while it runs, late) of every duration that has begun; the definitions' order."""
    durations = found["durations"]
    rows: list[tuple[str, float | None, bool]] = []
    served = durations["visit_s"] is not None
    for name in ("wait", "service", "visit"):
        if (seconds := durations[f"{name}_s"]) is not None:
            rows.append((say(f"trace.took.{name}", lang), None if name == "service" and not served else seconds, False))
    over = {step["kind"] for step in found["steps"]} & {"case_withdrawn", "hand_off_ended"}
    for leg in durations["hand_offs"]:
        if leg["hand_off_s"] is not None or not over:
            key = "trace.took.hand_off_urgent" if leg["urgent"] and leg["leg"] == 1 else "trace.took.hand_off"
            rows.append((say(key, lang), leg["hand_off_s"], leg["breached"]))
    for name in ("support", "review", "paused", "make", "delivery", "whole"):
        if seconds := durations[f"{name}_s"]:
            rows.append((say(f"trace.took.{name}", lang), seconds, False))
    return rows
