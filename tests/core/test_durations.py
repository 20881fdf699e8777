"""What a case's trace says about its time, from the events alone."""

from __future__ import annotations

import pytest

from tests.core.offices import Office, office_plan
from tidehall.audit import durations
from tidehall.hall.papers import commands as q


def paused_s(pause_on: list[str]) -> float:
    """A case that waits for papers 10 minutes, for a site visit 20 and for its fee 30."""
    office = Office(office_plan(offices={"pause_on": pause_on}))
    id = office.review()
    for begin, minutes, end in (
        (q.RequestCorrection(id, ("photo",)), 10, q.CorrectPapers(id)),
        (q.StartStep(id, "site_visit"), 20, q.EndStep(id)),
        (q.RequestFee(id, 100, "sealed:9:x"), 30, q.PayFee(id, "p")),
    ):
        office.do(begin)
        office.wait(minutes * 60)
        office.do(end)
    return durations(office.events).paused_s


@pytest.mark.parametrize(
    ("pause_on", "minutes"),
    [(["fee", "correction", "step"], 60), (["fee", "step"], 50), (["correction"], 10), ([], 0)],
)
def test_paused_is_what_the_plan_lets_stand_still(pause_on: list[str], minutes: int) -> None:
    """Fees, special steps and corrections count as paused where the promised clock stood still, and nowhere else."""
    assert paused_s(pause_on) == minutes * 60


def test_a_correction_before_acceptance_pauses_nothing() -> None:
    """The promise begins with acceptance; papers that come later than the rest do not pause it."""
    office = Office()
    id = office.intake(present=("id",), incomplete=True)
    office.do(q.RequestCorrection(id, ("form",)))
    office.wait(600)
    office.do(q.CorrectPapers(id))
    assert durations(office.events).paused_s == 0
