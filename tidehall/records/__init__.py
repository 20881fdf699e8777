"""Read models of the journal: what is asked of it again and again, kept in tables of their own (projections).

Law: the journal is the truth and a projection is its fold, so it may be dropped at any moment and made again. Nothing
here stands in the way of a command: a follower reads what is committed, beside the keeper, and when it fails the hall
goes on. Source: design.md section 7; docs/decisions/007.
"""

from tidehall.records.cases import NAMES, CaseRegister, case_recorded
from tidehall.records.days import DayRecords, months_opened, recorded
from tidehall.records.follower import WAIT_S, Follower, Projection
from tidehall.records.judgements import Aspect, judged, qualities
from tidehall.records.waits import Quarter, Usual, quarters, usual_waits

__all__ = [
    "NAMES", "WAIT_S", "Aspect", "CaseRegister", "DayRecords", "Follower", "Projection", "Quarter", "Usual",
    "case_recorded", "judged", "months_opened", "qualities", "quarters", "recorded", "usual_waits",
]  # fmt: skip
