"""The papers' own life: every original and every receipt copy has one place, and is missed when it has none."""

from __future__ import annotations

from tests.core.halls import make_plan
from tests.core.offices import Office, kinds, of, office_tables
from tidehall.hall.offices.archive import unfiled
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import Delivery


def papers(office: Office, case: str) -> tuple[str, ...]:
    """The originals' ids."""
    return tuple(p.id for p in office.case(case).papers if not p.copy and p.code != "result")


def test_three_copies_of_the_receipt() -> None:
    """One number, three copies: the applicant's, the one with the papers, the window's; each where it should be."""
    office = Office()
    id = office.intake(ticket=office.begin())
    other = office.intake()
    assert [office.case(x).receipt for x in (id, other)] == ["2026112300001", "2026112300002"]
    assert [office.paper(id, "receipt", n).holder for n in (1, 2, 3)] == ["applicant", "window:w1", "window:w1"]
    assert office.paper(other, "receipt", 1).holder == "window:w1", "by courier: still to be sent"
    office.do(q.MoveCopy(other, 1, "applicant"))
    assert office.paper(other, "receipt", 1).holder == "applicant"
    assert office.refusal(q.MoveCopy(id, 2, "applicant")).code == "wrong_stage", "it travels with the papers"
    office.carry(id)
    assert [office.paper(id, "receipt", n).holder for n in (1, 2, 3)] == ["applicant", "office:d", "window:w1"]
    assert office.refusal(q.MoveCopy(id, 4, "applicant")).code == "invalid"
    assert office.refusal(q.MoveCopy(id, 1, "")).code == "invalid"


def test_receipt_numbers_begin_anew_each_day() -> None:
    """The day stands in the number, and the count begins with it."""
    office = Office()
    office.intake()
    office.until("2026-11-24 09:00")
    assert office.case(office.intake()).receipt == "2026112400001"


def test_originals_wander_with_the_case() -> None:
    """Window, runner, office, archive; the result comes from the maker over the issue post to the applicant."""
    office = Office()
    id = office.intake()
    h = office.open_hand_off(id)

    def holders() -> set[str]:
        return {p.holder for p in office.case(id).papers if p.id in papers(office, id)}

    assert holders() == {"window:w1"}
    office.do(q.PickUpHandOff(h.id, "r1"))
    assert holders() == {"runner:r1"}
    assert office.refusal(q.FilePapers(id)).code == "wrong_stage", "not while they are on their way"
    office.carry(id)
    assert holders() == {"office:d"}
    office.do(q.ClaimCase(id, "o"))
    office.do(q.DecideCase(id, "approve", "ok"))
    office.do(q.MakeResult(id))
    assert office.paper(id, "result").holder == "maker:d"
    office.do(q.ReadyResult(id))
    assert (office.paper(id, "result").holder, office.case(id).holder) == ("issue:g", "issue:g")
    office.do(q.DeliverResult(id, "window", "sealed:3:x"))
    assert office.paper(id, "result").holder == "applicant"
    assert office.case(id).holder == "office:d"
    assert kinds(office.do(q.CloseCase(id))) == ["papers_filed", "case_closed"]
    assert holders() == {"archive:d"}
    assert [office.paper(id, "receipt", n).holder for n in (2, 3)] == ["archive:d", "archive:d"]
    office.until("2026-11-24 00:00")
    assert id not in office.hall.state.offices.cases


def test_nothing_is_filed_at_intake() -> None:
    """Papers that are still to go to their office are neither filed nor is the copy that goes with them given away."""
    office = Office()
    id = office.intake(present=("id",), incomplete=True)
    assert office.refusal(q.FilePapers(id)).code == "wrong_stage"
    assert office.refusal(q.MoveCopy(id, 2, "applicant")).code == "wrong_stage"
    office.do(q.MoveCopy(id, 1, "applicant"))


def test_filed_while_the_case_goes_on() -> None:
    """Originals may be filed each evening whatever the case's stage; then nothing is left to file at its end."""
    office = Office()
    id = office.review()
    one, two = papers(office, id)
    office.do(q.FilePapers(id, (one,)))
    assert office.paper(id, "id").filed_at == office.now
    assert office.refusal(q.FilePapers(id, (one,))).details["strange"] == [one]
    assert [ev.papers for ev in of(office.do(q.FilePapers(id)), o.PapersFiled)] == [(two,)]
    assert office.do(q.FilePapers(id)) == []
    office.do(q.DecideCase(id, "approve", "ok"))
    office.until("2026-11-23 17:30")
    assert office.hall.state.alerts == {}


def test_day_end_alert() -> None:
    """At the end of the last session: decided cases' originals without a place are an alert of where they lie."""
    office = Office()
    office.decided()
    office.intake("IMM")
    office.review()  # under way: in use by its stage
    office.until("2026-11-23 17:29")
    assert office.hall.state.alerts == {}
    office.until("2026-11-23 17:30")
    assert {a.id for a in office.hall.state.alerts.values()} == {
        "papers_unfiled:office:d", "papers_unfiled:window:w1",
    }  # fmt: skip
    found = office.alert("papers_unfiled:window:w1")
    assert found is not None
    assert found.owner == "window:w1"


def test_the_alert_ends_with_the_last_paper() -> None:
    """Filing one of two leaves it; filing the second, of another case even, ends it."""
    office = Office()
    one, two = office.decided(), office.decided()
    office.until("2026-11-23 17:30")
    alert = "papers_unfiled:office:d"
    assert kinds(office.do(q.FilePapers(one))) == ["papers_filed"]
    assert kinds(office.do(q.KeepInUse(two, papers(office, two)[:1], "appeal"))) == ["papers_kept"]
    assert office.alert(alert) is not None
    assert kinds(office.do(q.FilePapers(two, papers(office, two)[1:]))) == ["papers_filed", "alert_ended"]
    assert office.alert(alert) is None


def test_kept_in_use_holds_for_its_day() -> None:
    """In use with a reason is a place for today; tomorrow it needs a new reason or the archive."""
    office = Office()
    id = office.decided()
    assert office.refusal(q.KeepInUse(id, papers(office, id), "")).code == "invalid"
    assert office.refusal(q.KeepInUse(id, (), "appeal")).code == "papers_differ"
    assert office.refusal(q.KeepInUse(id, ("c9-id",), "appeal")).code == "papers_differ"
    office.do(q.KeepInUse(id, papers(office, id), "appeal"))
    office.until("2026-11-23 18:00")
    assert office.alert("papers_unfiled:office:d") is None
    assert unfiled(office.hall.state) == {}
    office.until("2026-11-24 17:30")
    assert office.alert("papers_unfiled:office:d") is not None
    assert kinds(office.do(q.FilePapers(id))) == ["papers_filed", "alert_ended"]


def test_a_hall_that_never_closes() -> None:
    """Round the clock the day's end is midnight: the list is made there, and a reason of the day still holds."""
    tables = {name: value for name, value in office_tables().items() if name != "hall"}
    office = Office(make_plan(round_the_clock=True, **tables))
    kept, lost = office.decided(), office.decided()
    office.do(q.KeepInUse(kept, papers(office, kept), "appeal"))
    office.until("2026-11-23 23:59")
    assert office.hall.state.alerts == {}
    office.until("2026-11-24 00:00")
    assert office.alert("papers_unfiled:office:d") is not None
    office.do(q.FilePapers(lost))
    assert office.case(lost).papers[0].filed_at == office.now


def test_withdrawn_papers_come_home() -> None:
    """Also those that were filed: they are the applicant's again, and the archive no longer claims them."""
    office = Office()
    id = office.review()
    office.do(q.FilePapers(id, papers(office, id)[:1]))
    office.do(q.WithdrawCase(id))
    assert {(p.holder, p.filed_at) for p in office.case(id).papers if not p.copy} == {("applicant", 0)}
    assert office.refusal(q.FilePapers(id, papers(office, id))).code == "papers_differ"
    assert office.do(q.FilePapers(id)) == []
    office.until("2026-11-23 18:00")
    assert office.hall.state.alerts == {}


def test_immediate_items_are_collected_for_the_archive() -> None:
    """R10: finished at the window, its papers lie there until they are filed at the department."""
    office = Office()
    id = office.intake("IMM", ticket=office.begin(), delivery=Delivery("electronic"))
    assert {p.holder for p in office.case(id).papers if not p.copy} == {"window:w1"}
    office.do(q.CloseCase(id))
    assert {p.holder for p in office.case(id).papers if not p.copy} == {"archive:d"}
