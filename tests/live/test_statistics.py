"""Statistics and reports at the door: the figures of the journal, for those who may see them, as JSON and as files."""

from __future__ import annotations

import asyncio
import csv
import io
import random
import re
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any, get_args

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from benchmarks.day import Day
from tests.live.door import ADMIN, HALL, problem
from tests.live.leaks import betrayed
from tests.live.offices import SECRETS, Offices, offices
from tests.live.people import add, enter
from tests.live.test_records import write
from tidehall.command.reporting import wanted_period
from tidehall.dashboards.monthly import month_page
from tidehall.display.figure_tables import indicator_sheet, of_parts
from tidehall.display.http.access import POSTS
from tidehall.display.sheets import Sheet, csv_bytes, xlsx_bytes
from tidehall.hall.accuracy import Accuracy, Judged, quality
from tidehall.hall.alert_rules import AlertRules, TimeRule
from tidehall.hall.engine import Hall
from tidehall.hall.events import Event
from tidehall.hall.figures import By, figures, per_day
from tidehall.hall.kept import Alarm, Kept
from tidehall.hall.measures import Measures
from tidehall.live import read_event
from tidehall.locales import say
from tidehall.records import DayRecords, Follower, judged, quarters, recorded, usual_waits
from tidehall.records.periods import Reported, period
from tidehall.records.pieces import pieces, slices
from tidehall.server import StartError
from tidehall.store.memory import MemoryJournal
from tidehall.store.memory_projections import MemoryProjections
from tidehall.store.projections import WAITS, Checkpoint

TODAY = "2026-11-23"


@asynccontextmanager
async def counted(folder: Path) -> AsyncIterator[Offices]:
    """The small hall with its days kept behind it, as the composition root has them."""
    async with offices(folder) as s:
        house = s.door.house
        follower = house.days["t"] = Follower("t", DayRecords(), journal=s.journal, store=house.projections)
        following = asyncio.create_task(follower.run(house.bus, s.keeper.epoch))
        try:
            yield s
        finally:
            following.cancel()
            await asyncio.wait([following])


async def a_morning(s: Offices) -> None:
    """A case with everything: intake, hand-off, decision, result, a bad rating, a question, copies made."""
    taken = await s.intake("URG", urgent=True)
    await s.ok("support", {"window": "w1", "item": "URG"}, 201)
    await s.later(300)
    await s.finish()
    await s.ok(f"/api/v1/tickets/{s.ticket['token']}/rating", {"level": 1}, token=None)
    await s.later(400)
    await s.carry(taken["hand_off"])
    await s.ok("services", {"kind": "print_copy", "zone": "g", "count": 3})
    await s.take()


async def events_of(s: Offices) -> list[Event]:
    """The journal."""
    return [read_event(row) for row in await s.journal.read("t", 0, 10_000)]


def folded(events: list[Event]) -> Measures:
    """What the journal gives."""
    measures = Measures()
    for event in events:
        measures.apply(event)
    return measures


async def test_statistics_are_the_journals_by_every_aspect(tmp_path: Path) -> None:
    """Today's figures, read behind ?after=, are those of the journal folded anew, by each aspect."""
    async with counted(tmp_path) as s:
        await a_morning(s)
        measures = folded(await events_of(s))
        for by in get_args(By):
            found = await s.see(f"statistics?by={by}&after={s.seq}")
            assert (found["from"], found["to"], found["days"], found["seq"]) == (TODAY, TODAY, 1, s.seq)
            assert {row["key"]: row["figures"] for row in found["rows"]} == msgspec.to_builtins(measures.figures(by)), (
                by
            )
        (row,) = (await s.see("statistics"))["rows"]
        now = row["figures"]
        assert (now["tickets"], now["served"], now["waiting"], now["services"]) == (2, 1, 1, {"print_copy": 3})
        assert (now["cases_received"], now["cases_urgent"], now["ratings_bad"], now["questions"]) == (1, 1, 1, 1)
        assert now["hand_off"]["mean_s"] == 700
        assert now["hand_off_on_time"] == 0.0, "the first leg had ten minutes"


async def test_only_supervisors_ask_and_see_the_people_of_their_zone(tmp_path: Path) -> None:
    """Whoever does not supervise is refused; a zone's supervisor sees no other zone's people, the manager all."""
    async with counted(tmp_path) as s:
        await a_morning(s)
        path = f"statistics?by=staff&after={s.seq}"
        problem(await s.get(path, token=None), 401, "not_signed_in")
        for post in POSTS:
            who = {"hall": "t", "post": post} | ({"department": "hrss"} if "office" in POSTS[post] else {})
            await add(s, f"by-{post}", who)
            cookie = {"token": None, **await enter(s, f"by-{post}")}
            answer = await s.get(path, **cookie)
            assert answer.status_code == (200 if "supervise" in POSTS[post] else 403), post
        for zone, people in (("g", {"", "clerk-1"}), ("p", set[str]())):
            await add(s, f"of-{zone}", {"hall": "t", "zone": zone, "post": "supervisor"})
            cookie = {"token": None, **await enter(s, f"of-{zone}")}
            found = {row["key"] for row in (await s.see(path, **cookie))["rows"]}
            assert found == people, zone
            assert (await s.see("statistics?by=zone", **cookie))["rows"], "a zone's figures are everybody's"
            book = await s.get("reports/2026-11?format=xlsx", **cookie)
            assert b"clerk-1" not in b"".join(unpacked(book.content).values())


async def test_what_is_asked_wrongly_is_told(tmp_path: Path) -> None:
    """Days that are none, backwards or too many, aspects, forms and periods that are none: each with its place."""
    async with counted(tmp_path) as s:
        for query, field in (
            ("from=2026-02-30", "from"), ("to=yesterday", "to"), ("from=2026-11-24&to=2026-11-23", "to"),
            ("from=2020-01-01", "to"), ("by=moon", "by"), ("format=pdf", "format"), ("counts=all", "counts"),
        ):  # fmt: skip
            (fault,) = problem(await s.get(f"statistics?{query}"), 422, "invalid")["errors"]
            assert fault["field"] == field
        for wrong in ("2026-13", "2026-Q5", "26-11", "2026-11-31", "2026-00", "2026-11-00", "november", "0001"):
            problem(await s.get(f"reports/{wrong}"), 404, "unknown_period")
        for odd in (
            "reports/0002-01?format=csv",
            "statistics?from=9999-12-31&to=9999-12-31",
        ):
            assert (await s.get(odd)).status_code == 200, odd
        problem(await s.get("reports/2026-11"), 404, "no_charts")
        problem(await s.get("reports/2026-11?format=csv&lang=fr"), 422, "invalid")
        problem(await s.get(f"statistics?after={s.seq + 10_000_000}"), 503, "behind")


async def test_days_that_are_being_made_anew_are_no_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the days are behind the hall it is 503, whatever is asked, and never the figures of a part of them."""
    monkeypatch.setattr("tidehall.display.http.statistics.WAIT_S", 0.2)
    async with offices(tmp_path) as s:
        await s.take()
        house = s.door.house
        follower = house.days["t"] = Follower("t", DayRecords(), journal=s.journal, store=house.projections)
        for path in ("statistics", "estimates", "reports/2026-11?format=csv", "statistics?after=1"):
            problem(await s.get(path), 503, "behind")
        await follower.catch_up()
        assert (await s.see("statistics"))["rows"][0]["figures"]["tickets"] == 1


async def test_estimates_given_and_shown_later_are_told_apart(tmp_path: Path) -> None:
    """Who was shown a wait with the number, and another one six minutes later, is one of each."""
    async with counted(tmp_path) as s:
        await s.intake("URG")
        await s.take()
        await s.later(360)
        await s.ok("services", {"kind": "print_copy", "zone": "g", "count": 1})  # whatever happens after five minutes
        await s.finish()
        await s.ok("windows/w1/call")
        (row,) = (await s.see(f"estimates?after={s.seq}"))["rows"]
        assert (row["quality"]["n"], row["later"]["n"]) == (2, 1)
        assert row["quality"]["at_once"] == 1


def unpacked(book: bytes) -> dict[str, bytes]:
    """The files in a workbook."""
    with zipfile.ZipFile(io.BytesIO(book)) as file:
        return {name: file.read(name) for name in file.namelist()}


async def test_files_hold_the_same_figures(tmp_path: Path) -> None:
    """CSV is the table of the figures, readable by spreadsheets; XLSX is a workbook; both come as attachments."""
    async with counted(tmp_path) as s:
        await a_morning(s)
        answer = await s.get(f"statistics?by=line&format=csv&after={s.seq}")
        assert answer.headers["content-type"].startswith("text/csv")
        assert 'filename="t-2026-11-23-2026-11-23-line.csv"' in answer.headers["content-disposition"]
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        wanted = of_parts(folded(await events_of(s)).kept, "line", s.keeper.committed.state.rules, "zh")
        assert rows[0] == list(wanted.heads)
        assert rows[1] == ["" if cell is None else str(cell) for cell in wanted.rows[0]]
        answer = await s.get("reports/2026-11?format=xlsx", accept_language="en")
        files = unpacked(answer.content)
        assert b"Published indicators" in files["xl/workbook.xml"]
        assert sum(name.startswith("xl/worksheets/") for name in files) == 9
        assert not betrayed("the workbook", b"".join(files.values()), SECRETS)


def test_no_cell_is_a_formula() -> None:
    """A name that begins like a formula stays a text in both forms; no data is an empty cell."""
    sheet = Sheet("=1+1", ("a", "b"), [("=cmd|' /C calc'!A0", None), ("-2", -2.5)])
    assert csv_bytes(sheet).decode("utf-8-sig") == "a,b\r\n'=cmd|' /C calc'!A0,\r\n'-2,-2.5\r\n"
    assert b"<f>" not in b"".join(unpacked(xlsx_bytes([sheet, sheet])).values())


async def test_a_report_is_a_page_that_proves_itself(tmp_path: Path) -> None:
    """In both languages: the indicators, a table behind each chart, the journal's digest, nothing from elsewhere."""
    async with counted(tmp_path) as s:
        await a_morning(s)
        door = type(s.door)(
            s.door.house, data=tmp_path, base_url="http://hall.test", admin_token=ADMIN, report=month_page
        )
        head = await s.journal.head("t")
        assert head is not None
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door.app), base_url="http://hall.test") as client:
            for lang, word in (("zh", "公布指标"), ("en", "Numbers taken")):
                answer = await client.get(
                    f"{HALL}/reports/2026-11?lang={lang}&after={s.seq}", headers={"authorization": f"Bearer {ADMIN}"}
                )
                assert answer.status_code == 200
                assert "sandbox" in answer.headers["content-security-policy"]
                page = answer.text
                assert word in page or lang == "zh"
                assert head.digest.hex() in page
                assert page.count("<figure>") == page.count("<figure>\n<figcaption>") >= 3
                body = page[page.index("<body>") :]
                assert body.count("<details>") == body.count("<figure>") + 8
                assert not re.search(r'(src|href)="(?!#|data:)', body), "nothing is fetched"
                assert not betrayed("the report", page.encode(), SECRETS)


@pytest.mark.parametrize(("lang", "told"), [("zh", "不属于任何区域、未列入上表的：告警 3，告警升级 1"),
                                            ("en", "belongs to no zone: Alerts 3, Alerts escalated 1")])  # fmt: skip
def test_a_nearly_empty_row_is_told_in_a_sentence(lang: str, told: str) -> None:
    """Alerts of no zone stand under the table of zones, where no row is empty; visits of no item keep their row."""
    day = Day(tickets=30, cases=5)
    kept = folded(day.events).kept
    kept.of[Alarm].clear()
    for n, zone in enumerate([None, "social", None, None]):
        kept.put(Alarm(f"x{n}", day.events[-1].at, TODAY, zone, kind="papers_unfiled", escalated=not n))
    page = month_page(Reported(period("2026-11"), kept, Kept(), 1, None, over=False), day.plan, lang, True)
    tables = {name: page[page.index(f"<summary>{name}</summary>") :].partition("</details>")[0] for name in (
        say("statistics.by.zone", lang), say("statistics.by.item", lang))}  # fmt: skip
    zones, items = tables.values()
    nowhere = f"<td></td><td>{say('statistics.nowhere', lang)}</td>"
    assert told in zones
    assert nowhere not in zones
    assert nowhere in items
    assert "<p>" not in items
    assert "<td>—</td>" in items, "an item says nothing of alerts"


@pytest.mark.parametrize(("lang", "words", "cells"), [
    ("zh", ("窗口办理量", "窗口办结量", "一次性告知退办"), ("等候超时（20 分钟）", "达到 20 分钟")),
    ("en", ("Attended at windows", "Finished at windows", "Ended with a notice"), ("Waits over 20 min", "20 minutes")),
])  # fmt: skip
def test_what_is_counted_has_one_name_and_says_its_limit(
    lang: str, words: tuple[str, str, str], cells: tuple[str, str]
) -> None:
    """Visits finished are the same number under the same name as indicator and in every table; with those that ended
    with a notice they have another name. What is too long says from when on."""
    day = Day(tickets=60, cases=20)
    kept = folded(day.events).kept
    rule = replace(day.plan.alerts or AlertRules(), long_wait=TimeRule(limit_s=1200))
    plan = replace(day.plan, alerts=rule)
    published = {row[0]: row for row in indicator_sheet(kept, Kept(), plan, lang).rows}
    table = of_parts(kept, "zone", plan, lang)
    finished, notices = (
        sum(float(str(row[table.heads.index(word)] or 0)) for row in table.rows) for word in words[1:]
    )  # fmt: skip
    assert published[words[1]][1] == finished > 0
    assert published[words[0]][1] == finished + notices > finished
    assert cells[1] in str(published[cells[0]][-1])
    page = month_page(Reported(period("2026-11"), kept, Kept(), 1, None, over=False), plan, lang, True)
    assert all(word in page for word in (*words, *cells))


async def test_a_period_that_has_not_begun_has_no_figures(tmp_path: Path) -> None:
    """Its page says so and nothing more; there are no files of it."""
    async with counted(tmp_path) as s:
        for form in ("csv", "xlsx"):
            problem(await s.get(f"reports/2026-12?format={form}"), 404, "period_not_begun")
        problem(await s.get("reports/9999?format=csv"), 404, "period_not_begun")
        door = type(s.door)(
            s.door.house, data=tmp_path, base_url="http://hall.test", admin_token=ADMIN, report=month_page
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door.app), base_url="http://hall.test") as client:
            for name, told in (("2026-12", True), ("2026-11", False), ("2026", False)):
                page = await client.get(f"{HALL}/reports/{name}?lang=zh", headers={"authorization": f"Bearer {ADMIN}"})
                assert page.status_code == 200
                assert (say("monthly.not_begun", "zh") in page.text) == told
                assert ("<table>" in page.text) != told
                assert told == (say("monthly.not_over", "zh", seq=s.seq) not in page.text)


# ---- the page


async def test_the_statistics_have_a_page(tmp_path: Path) -> None:
    """The table is what GET /statistics answers, with its files and the reports of months that have records; whoever
    does not supervise is kept out, and what was asked wrongly is said by its name."""
    html: dict[str, Any] = {"accept": "text/html", "accept_language": "en"}
    async with offices(tmp_path / "nothing kept") as s:
        assert say("statistics.no_reports", "en") in (await s.get("/statistics/t", **html)).text
    async with counted(tmp_path / "kept") as s:
        await a_morning(s)
        await s.see(f"statistics?after={s.seq}")
        page = (await s.get("/statistics/t?by=item&from=&to=", **html)).text
        (row,) = [row for row in (await s.see("statistics?by=item"))["rows"] if row["key"] == "URG"]
        head, _, body = page.partition("<tbody>")
        assert f'<th scope="row">{row["name"]}</th>' in body
        nowhere = say("statistics.nowhere", "en")
        assert nowhere in body
        assert nowhere in (await s.get("/statistics/t?by=item&lang=en", accept="text/html", accept_language="zh")).text
        assert say("statistics.alerts", "en") not in head.partition("<thead>")[2], "nothing stands there"
        days = "from=2026-11-23&amp;to=2026-11-23"
        assert f"/api/v1/halls/t/statistics?by=item&amp;counts=sum&amp;{days}&amp;lang=en&amp;format=csv" in page
        assert "/reports/2026-11?lang=en" in page
        assert "/reports/2026-10" not in page
        wrong = await s.get("/statistics/t?from=2026-11-24&to=2026-11-23", **html)
        assert wrong.status_code == 422
        assert say("common.field.to", "en") + ": " in wrong.text
        assert (await s.get("/statistics/nowhere", **html)).status_code == 404
        assert (await s.get("/statistics/t", token=None, **html)).status_code == 401
        await add(s, "of-p", {"hall": "t", "zone": "p", "post": "supervisor"})
        of_p = {"token": None, **html, **await enter(s, "of-p")}
        assert "clerk-1" not in (await s.get("/statistics/t?by=staff", **of_p)).text
        assert "clerk-1" in (await s.get("/statistics/t?by=staff", **html)).text


# ---- what is kept


async def kept_days(store: MemoryProjections, hall: str, by: By) -> dict[str, Any]:
    """The figures of everything that was kept."""
    _, kept = await recorded(store, hall, "2026-11-01", "2026-12-31")
    return figures(kept, by, "Asia/Shanghai")


async def test_days_kept_in_pieces_are_the_journals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two days, written and followed in pieces by followers that begin again: figures, waits and judged estimates are
    those of the journal folded at once."""
    monkeypatch.setattr("tidehall.records.follower.CHUNK", 97)
    monkeypatch.setattr("tidehall.records.pieces.BYTES", 1_000)
    events = Day(tickets=90, cases=60, seed=3, until=6_000).events
    journal, store, chance = MemoryJournal(), MemoryProjections(), random.Random(5)
    follower = Follower("yangxin", DayRecords(), journal=journal, store=store)
    done = 0
    while done < len(events):
        piece = chance.randrange(1, 700)
        await write(journal, events[done : done + piece])
        done += piece
        if chance.random() < 0.5:  # another process goes on from the checkpoint
            follower = Follower("yangxin", DayRecords(), journal=journal, store=store)
        await follower.catch_up()
    measures, accuracy, engine = Measures(), Accuracy(), Hall("yangxin")
    wanted: list[Judged] = []
    for event in events:
        measures.apply(event)
        engine.apply(event)
        wanted += accuracy.feed(engine.state, event)
    for by in get_args(By):
        assert await kept_days(store, "yangxin", by) == measures.figures(by), by
    rows = store._rows["yangxin", WAITS].values()
    assert {row[:3]: row[3:] for row in rows} == {k: (w.n, w.sum, w.longest) for k, w in measures.waits.items()}
    _, told = await judged(store, "yangxin", DayRecords.name, "2026-11-01", "2026-12-31")
    assert len(told) == len(wanted) > 90
    assert quality(told) == quality(wanted)


async def test_two_that_keep_the_same_days_do_no_harm() -> None:
    """Two followers of the same days, each ahead in turn, leave what one leaves."""
    events = Day(tickets=60, cases=40).events
    journal, both, alone = MemoryJournal(), MemoryProjections(), MemoryProjections()
    followers = [Follower("yangxin", DayRecords(), journal=journal, store=both) for _ in range(2)]
    for n, first in enumerate(range(0, len(events), 40)):
        await write(journal, events[first : first + 40])
        await followers[n // 3 % 2].catch_up()
    for follower in followers:
        await follower.catch_up()
    await Follower("yangxin", DayRecords(), journal=journal, store=alone).catch_up()
    assert both._rows == alone._rows


async def test_the_usual_day_is_of_comparable_days() -> None:
    """The same weekday first, then the latest others; the median and the tenths of the daily means."""
    store = MemoryProjections()
    days = {"2026-11-09": 600, "2026-11-16": 1200, "2026-11-19": 60, "2026-11-20": 300, "2026-11-23": 9000}
    rows = {(day, "g", 36): (day, "g", 36, 2, 2 * wait * 1_000_000, wait * 1_000_000) for day, wait in days.items()}
    other = ("2026-11-20", "p", 36)
    start = Checkpoint("epoch", 1, 0)
    await store.restart("t", DayRecords.name, None, start)
    await store.advance("t", DayRecords.name, start, 1, {WAITS: {**rows, other: (*other, 1, 5_000_000, 5_000_000)}})
    (usual,) = await usual_waits(store, "t", "g", TODAY)
    assert (usual.quarter, usual.days, usual.median_s, usual.p10_s, usual.p90_s) == (36, 4, 300, 60, 1200)
    (usual,) = await usual_waits(store, "t", "g", TODAY, days=2)
    assert (usual.days, usual.median_s) == (2, 600), "the Mondays"
    assert [(q.zone, q.n, q.mean_s) for q in await quarters(store, "t", "2026-11-20")] == [("g", 2, 300), ("p", 1, 5)]
    assert await usual_waits(store, "t", "nowhere", TODAY) == []


def test_many_days_are_read_a_week_at_a_time() -> None:
    """Each day once, in order, to the last day that there is; lines are cut between two, none lost, none twice."""
    assert list(pieces("2026-12-25", "2027-01-08")) == [
        ("2026-12-25", "2026-12-31"), ("2027-01-01", "2027-01-07"), ("2027-01-08", "2027-01-08"),
    ]  # fmt: skip
    assert list(pieces("9999-12-31", "9999-12-31")) == [("9999-12-31", "9999-12-31")]
    lines = b"\n".join(b"%d" % n * (n % 9_000) for n in range(1, 20_000, 17))
    found = list(slices(lines))
    assert b"\n".join(found) == lines
    assert len(found) > 10
    assert list(slices(b"")) == []


def test_periods_and_those_before_them() -> None:
    """A month, a quarter, a year and a day, each with the one of its kind before."""
    for name, first, last, before in (
        ("2026-03", date(2026, 3, 1), date(2026, 3, 31), "2026-02"),
        ("2026-01", date(2026, 1, 1), date(2026, 1, 31), "2025-12"),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31), "2025-Q4"),
        ("2026", date(2026, 1, 1), date(2026, 12, 31), "2025"),
        ("2026-03-01", date(2026, 3, 1), date(2026, 3, 1), "2026-02-28"),
    ):  # fmt: skip
        found = period(name)
        assert (found.first, found.last, found.before.name) == (first, last, before)
    assert wanted_period(None, date(2026, 1, 15)).name == "2025-12", "the last whole month"
    with pytest.raises(StartError, match=r"^--month 2026-13: is no period; .*$"):
        wanted_period("2026-13", date(2026, 1, 15))
    with pytest.raises(StartError, match=r"^--month 2026-Q2: has not begun; .*$"):
        wanted_period("2026-Q2", date(2026, 1, 15))


def test_means_are_shown_and_sums_when_asked() -> None:
    """A table of two open days has means per day, or sums."""
    measures = folded(Day(tickets=20, cases=5, until=5_000).events)
    plan = Day(tickets=1, cases=0).plan
    whole = figures(measures.kept, "hall", "Asia/Shanghai")[""]
    assert whole.days > 1
    tables = [of_parts(measures.kept, "hall", plan, "en", mean=mean) for mean in (False, True)]
    column = tables[0].heads.index("Numbers taken")
    assert [table.rows[0][column] for table in tables] == [whole.tickets, round(per_day(whole).tickets or 0, 2)]
    assert of_parts(Kept(), "hall", plan, "en").rows == []
