"""The reasons for sending papers or people back, asking for more, giving up (R70), and for keeping originals out (R27).

Law: nothing is refused for a reason outside the list; what is said beside a code is free, and sealed. A plan's own
`[[reasons]]` of a kind take the place of the house's. The list of a rejected intake, and of a correction, is longer by
the handbook's own: the materials of the item.
"""

from __future__ import annotations

from collections.abc import Mapping

from tidehall.hall.catalogue import ReasonKind
from tidehall.hall.plan import Plan
from tidehall.locales import has, say

__all__ = ["HOUSE", "known_reasons", "own_list", "reason_choices", "reason_words"]

#: The house's lists, for halls whose plan has none of its own.
HOUSE: Mapping[ReasonKind, tuple[str, ...]] = {
    # Why a window sends somebody home, beside materials of the item that are missing (行政许可法 32).
    "reject": (
        "paper_form", "paper_expired", "not_eligible", "other_place", "not_needed", "identity_unproven",
        "agent_unauthorised", "applicant_wish",
    ),
    # Why a receiver sends papers back to where they came from.
    "refuse_hand_off": (
        "paper_missing", "paper_unreadable", "paper_unsigned", "paper_form", "papers_mixed", "wrong_office",
    ),
    # Why an original stays out of the archive today.
    "keep_in_use": (
        "in_review", "needed_for_inspection", "waiting_for_fee", "result_pending", "upper_level", "applicant_wish",
    ),
    # Why an applicant takes a case back.
    "withdraw": ("applicant_wish", "papers_unobtainable", "wrong_item", "done_elsewhere", "filed_twice"),
    # What must be put right beside materials that are missing.
    "correction": ("paper_form", "paper_expired", "paper_unsigned", "paper_unreadable", "papers_contradict"),
}  # fmt: skip


def own_list(plan: Plan, kind: ReasonKind) -> tuple[str, ...]:
    """The plan's own codes of a kind; empty: the house's list holds."""
    return tuple(reason.code for reason in plan.reasons if reason.kind == kind)


def known_reasons(plan: Plan, *kinds: ReasonKind) -> frozenset[str]:
    """The codes that may be said as they are; without `kinds` those of all lists."""
    return frozenset(code for kind in kinds or HOUSE for code in own_list(plan, kind) or HOUSE[kind])


def reason_choices(plan: Plan, kind: ReasonKind, lang: str) -> list[tuple[str, str]]:
    """(code, words) of what a page offers."""
    found = [(r.code, r.name.get(lang) or r.name.get("zh") or r.code) for r in plan.reasons if r.kind == kind]
    return found or [(code, say(f"reason.{code}", lang)) for code in HOUSE[kind]]


def reason_words(reason: str | None, lang: str, plan: Plan) -> str:
    """A code in words, the plan's first; a stage's name; anything else, such as a reference to a sealed text, as it
    is."""
    for row in plan.reasons:
        if row.code == reason:
            return row.name.get(lang) or row.name.get("zh") or row.code
    for key in (f"reason.{reason}", f"office.stage.{reason}"):
        if has(key):
            return say(key, lang)
    return reason or ""
