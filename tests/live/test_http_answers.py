"""What the HTTP door answers: repeats, language, positions, refusals with what helps, persons nowhere."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.live.door import HALL, OLD, WHO, YOUNG, problem, stage
from tidehall.display.http.access import Grant
from tidehall.display.http.cards import age_on
from tidehall.locales import language, words

# ---- repeats, language, where the hall stands


async def test_a_repeat_gets_the_first_answer(tmp_path: Path) -> None:
    """The same key and body: the same ticket with its token; another body or address: key_reused; nothing twice."""
    async with stage(tmp_path) as s:
        body = {"line": "A", "channel": "kiosk"}
        await s.post("windows/w1/sign-in", {"staff": "clerk-1"})
        await s.post("windows/w1/open")  # nobody open would be an alert
        first = await s.post("tickets", body, idempotency_key="k 1")
        seq = s.seq
        again = await asyncio.gather(*(s.post("tickets", body, idempotency_key="k 1") for _ in range(5)))
        assert {(a.status_code, a.text) for a in again} == {(201, first.text)}
        assert first.json()["url"] == f"/t/{first.json()['token']}"
        problem(await s.post("tickets", body | {"line": "B"}, idempotency_key="k 1"), 422, "key_reused")
        problem(await s.post("windows/w1/open", idempotency_key="k 1"), 422, "key_reused")
        assert s.seq == seq
        kiosk = s.door.access.sign([Grant("kiosk", "t")])
        other = await s.post("tickets", body, token=kiosk, idempotency_key="k 1")
        assert other.json()["number"] != first.json()["number"], "keys belong to who asks"


async def test_a_refusal_is_decided_again(tmp_path: Path) -> None:
    """A refused key may succeed later; an answer with nobody waiting is no error."""
    async with stage(tmp_path) as s:
        problem(await s.post("windows/w1/call", idempotency_key="k"), 409, "window_closed")
        await s.post("windows/w1/sign-in", {"staff": "clerk-w1"})
        await s.post("windows/w1/open")
        empty = await s.post("windows/w1/call", idempotency_key="k")
        assert (empty.status_code, empty.json()["ticket"]) == (200, None)
        await s.take()
        assert (await s.post("windows/w1/call", idempotency_key="k")).json()["ticket"]["number"] == "A001"


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        (None, "zh"), ("", "zh"), ("en", "en"), ("en-GB,zh;q=0.5", "en"), ("zh-TW, en;q=0.9", "zh"),
        ("fr, en;q=0.1", "en"), ("fr", "zh"), ("en;q=x", "zh"), ("en;q=0", "zh"), (",;=,", "zh"),
    ],
)  # fmt: skip
async def test_the_language_is_the_readers(tmp_path: Path, asked: str | None, spoken: str) -> None:
    """Sentences follow Accept-Language; zh is spoken when nothing else fits."""
    assert language(asked) == spoken
    async with stage(tmp_path) as s:
        answer = await s.get("/api/v1/halls/nowhere", **({} if asked is None else {"accept_language": asked}))
        assert problem(answer, 404, "unknown_hall")["title"] == words(spoken)["problem.unknown_hall.title"]
        assert answer.headers["content-language"] == spoken


async def test_after_waits_or_says_that_it_is_behind(tmp_path: Path) -> None:
    """GET ?after waits for what is about to come, and says 503 with Retry-After for what does not."""
    async with stage(tmp_path) as s:
        waiting = asyncio.create_task(s.get(f"lines?after={s.seq + 1}"))
        await asyncio.wait([waiting], timeout=0.05)
        assert not waiting.done()
        await s.take()
        assert (await waiting).json()[0]["waiting"] == 1
        answer = await s.get(f"lines?after={2**52}")
        assert problem(answer, 503, "behind")["seq"] == s.seq
        assert answer.headers["retry-after"] == "1"


async def test_a_hall_that_cannot_write_says_so(tmp_path: Path) -> None:
    """Without its keeper a hall answers commands with 503 and Retry-After, and still shows its board."""
    async with stage(tmp_path) as s:
        await s.take()
        await s.keeper.stop()
        answer = await s.post("tickets", {"line": "A", "channel": "kiosk"})
        problem(answer, 503, "journal_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert (await s.get("boards/main", token=None)).json()["board"]["lines"][0]["waiting"] == 1


# ---- the answers


async def test_a_busy_window_shows_what_is_open_and_allowed(tmp_path: Path) -> None:
    """409 window_busy carries the ticket object, what can be done now, and the hall's position."""
    async with stage(tmp_path) as s:
        ticket = await s.serve()
        found = problem(await s.post("windows/w1/call"), 409, "window_busy")
        assert (found["ticket"]["id"], found["ticket"]["state"]) == (ticket["id"], "serving")
        assert "finish" in found["allowed"]
        assert found["seq"] == s.seq
        early = problem(await s.post("windows/w1/recall", accept_language="en"), 409, "ticket_not_called")
        assert ticket["number"] in early["detail"]


async def test_a_wait_that_is_too_short_says_until_when(tmp_path: Path) -> None:
    """409 too_early gives the moment as RFC 3339 with offset and the seconds in its sentence."""
    async with stage(tmp_path) as s:
        await s.post("windows/w1/sign-in", {"staff": "clerk-w1"})
        await s.post("windows/w1/open")
        await s.take()
        await s.post("windows/w1/call")
        found = problem(await s.post("windows/w1/recall", accept_language="en"), 409, "too_early")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+08:00", found["allowed_at"])
        assert re.search(r"in (5\d|60) s", found["detail"])


async def test_the_public_sees_no_ids_and_staff_do(tmp_path: Path) -> None:
    """GET of a hall or window without a principal hides clerk and ticket; nobody gets a token but who took it."""
    async with stage(tmp_path) as s:
        ticket = await s.serve()
        for path in (HALL, f"{HALL}/windows/w1", f"{HALL}/boards/main", f"{HALL}/boards/window:w1", f"{HALL}/lines"):
            text = (await s.get(path, token=None)).text
            assert not [word for word in (ticket["id"], "clerk-1", ticket["token"]) if word in text], path
        window = (await s.get("windows/w1")).json()
        assert (window["staff"], window["ticket"]["id"]) == ("clerk-1", ticket["id"])
        assert "token" not in (await s.get("tickets")).text


async def test_a_person_is_known_again_but_nowhere_written(tmp_path: Path) -> None:
    """Name, number, phone and free texts stand in no row, command, snapshot or answer; staff read texts opened."""
    async with stage(tmp_path) as s:
        ticket = await s.serve(holder=WHO)
        note = "李四的补充材料在左边抽屉"
        await s.post("windows/w1/transfer", {"line": "B", "note": note})
        await s.post("windows/w1/pause", {"reason": "给王五送水"})
        await s.take("A", holder={"name": "欧阳测试"})
        listed = (await s.get("tickets?state=waiting")).json()
        assert note in [row["note"] for row in listed]
        assert (await s.get("windows/w1")).json()["reason"] == "给王五送水"
        state = s.keeper.committed.state
        reference = state.tickets[ticket["id"]].note
        assert (await s.get(f"texts/{reference}")).json() == {"text": note}
        public = (await s.get(f"/api/v1/tickets/{ticket['token']}", token=None)).text
        everywhere = s.written() + public + (await s.get("/metrics")).text + (await s.get("journal?limit=1000")).text
        for secret in (*WHO.values(), note, "王五", "欧阳"):
            assert secret not in everywhere
            assert secret.encode("unicode_escape").decode() not in everywhere


async def test_known_codes_are_not_sealed(tmp_path: Path) -> None:
    """A reason that pages offer and a material of the plan stay readable codes; anything else is sealed."""
    async with stage(tmp_path) as s:
        await s.post("windows/w2/sign-in", {"staff": "clerk-w2"})
        await s.post("windows/w2/open")
        await s.post("windows/w2/pause", {"reason": "break"})
        assert s.keeper.committed.state.windows["w2"].reason == "break"
        ticket = await s.serve()
        await s.post("windows/w1/reject", {"missing": ["id-card", "户口本原件"]})
        missing = s.keeper.committed.state.tickets[ticket["id"]].missing
        assert missing[0] == "id-card"
        assert missing[1].startswith("sealed:")
        assert (await s.get(f"tickets/{ticket['id']}")).json()["missing"] == ["id-card", "户口本原件"]


async def test_already_queueing_names_the_number_only_to_a_card(tmp_path: Path) -> None:
    """A read card is told its number; the phone channel learns the line alone, and never a token (S15)."""
    async with stage(tmp_path) as s:
        first = await s.take(holder=WHO)
        card = problem(
            await s.post("tickets", {"line": "A", "channel": "kiosk", "holder": {"id_number": YOUNG}}),
            409, "already_queueing",
        )  # fmt: skip
        assert (card["line"], card["number"]) == ("A", first["number"])
        phone = await s.post("tickets", {"line": "A", "channel": "phone", "holder": WHO}, token=None)
        found = problem(phone, 409, "already_queueing")
        assert found["line"] == "A"
        assert first["number"] not in phone.text
        assert first["token"] not in phone.text + json.dumps(card)
        assert (await s.take("B", holder=WHO))["number"] == "B001"


@pytest.mark.parametrize(
    ("channel", "number", "counts"),
    [
        ("kiosk", None, False),
        ("kiosk", YOUNG, False),
        ("kiosk", OLD, True),
        ("phone", OLD, False),
        ("guide", None, True),
    ],
)
async def test_a_claimed_priority_counts_when_confirmed(
    tmp_path: Path, channel: str, number: str | None, *, counts: bool
) -> None:
    """At the kiosk a card with an age of 60 confirms `senior`; the guide channel confirms; a claim alone waits."""
    async with stage(tmp_path) as s:
        holder: dict[str, Any] = {} if number is None else {"holder": {"id_number": number}}
        ticket = await s.take(channel=channel, priority="senior", **holder)
        assert ticket["priority"] == ("senior" if counts else "normal")
        claimed = (await s.get(f"tickets/{ticket['id']}")).json()["claimed"]
        assert claimed == (None if counts else "senior")
        confirmed = await s.post(f"tickets/{ticket['id']}/priority", {"priority": "senior"})
        assert confirmed.json()["priority"] == "senior"


@pytest.mark.parametrize(
    ("number", "day", "age"),
    [
        (OLD, "2026-11-23", 77), ("420222196611221019", "2026-11-22", 60), ("420222196611231014", "2026-11-22", 59),
        ("420222196611231015", "2026-11-22", None), ("11010119490229747X", "2026-11-22", None),
        ("E12345678", "2026-11-22", None),
        ("１１０１０１１９４９０３０７７４７８", "2026-11-22", None),
    ],
)  # fmt: skip
def test_the_age_on_a_card(number: str, day: str, age: int | None) -> None:
    """Age by the birthday in a valid resident identity number, by the hall's day; anything else tells no age."""
    assert age_on(number, day) == age


async def test_the_guide_desk_helps_with_a_ticket(tmp_path: Path) -> None:
    """Cancel, back and restore work by the ticket's id at the guide desk."""
    async with stage(tmp_path) as s:
        ticket = await s.serve()
        await s.post("windows/w1/suspend", {"kind": "away"})
        guide = s.door.access.sign([Grant("guide", "t")])
        back = await s.post(f"tickets/{ticket['id']}/back", token=guide)
        assert (back.status_code, back.json()["state"]) == (200, "waiting")
        assert (await s.post(f"tickets/{ticket['id']}/cancel", token=guide)).json()["state"] == "cancelled"
        ended = problem(
            await s.post(f"tickets/{ticket['id']}/restore", {"reason": "other"}, token=guide), 409, "ticket_not_void"
        )
        assert ended["number"] == ticket["number"]


async def test_the_journal_reads_in_pages(tmp_path: Path) -> None:
    """Rows follow without a gap, with times that have an offset and distinct digests; a large limit is cut."""
    async with stage(tmp_path) as s:
        for _ in range(3):
            await s.take()
        page = (await s.get("journal?after=1&limit=2")).json()
        assert [event["seq"] for event in page["events"]] == [2, 3]
        assert page["head"] == s.seq
        whole = (await s.get("journal?limit=99999")).json()["events"]
        assert [event["seq"] for event in whole] == list(range(1, s.seq + 1))
        assert whole[1]["kind"] == whole[1]["body"]["kind"] == "ticket_taken"
        assert len({event["digest"] for event in whole}) == len(whole)
        assert (await s.get("journal?after=999")).json()["events"] == []


async def test_what_every_answer_tells_the_browser(tmp_path: Path) -> None:
    """All answers carry the strict policy; API answers are not kept by caches."""
    async with stage(tmp_path) as s:
        for path in (HALL, "/api/docs", "/nowhere", "/healthz"):
            headers = (await s.get(path)).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
        assert (await s.get(HALL)).headers["cache-control"] == "no-store"
        assert (await s.get("/readyz")).json() == {"status": "ready", "halls": ["t"]}
        assert "tidehall_http_requests_total" in (await s.get("/metrics")).text
