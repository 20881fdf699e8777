"""The reasons for sending papers or people back (R70), and for keeping originals out of the archive (R27).

Law: nothing is refused for a reason outside the list; what is said beside a code is free, and sealed. The list of a
rejected intake is longer by the handbook's own: the materials of the item.
"""

from __future__ import annotations

from tidehall.locales import has, say

__all__ = ["KEEPING", "REFUSALS", "REJECTIONS", "reason_words"]

#: Why a window sends somebody home, beside materials of the item that are missing (行政许可法 32).
REJECTIONS = (
    "paper_form", "paper_expired", "not_eligible", "other_place", "not_needed", "identity_unproven",
    "agent_unauthorised", "applicant_wish",
)  # fmt: skip
#: Why a receiver sends papers back to where they came from.
REFUSALS = ("paper_missing", "paper_unreadable", "paper_unsigned", "paper_form", "papers_mixed", "wrong_office")
#: Why an original stays out of the archive today.
KEEPING = ("in_review", "needed_for_inspection", "waiting_for_fee", "result_pending", "upper_level", "applicant_wish")


def reason_words(reason: str | None, lang: str) -> str:
    """A code in words; a stage's name; anything else, such as a reference to a sealed text, as it is."""
    for key in (f"reason.{reason}", f"office.stage.{reason}"):
        if has(key):
            return say(key, lang)
    return reason or ""
