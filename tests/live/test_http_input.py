"""Wrong input of every kind through the HTTP door: bodies, fields, addresses, tokens."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.live.door import problem, stage
from tidehall.display.http.bodies import TakeBody, faults
from tidehall.display.http.limits import MOST_BYTES

WRONG: list[tuple[bytes, int, str]] = [
    (b"{", 400, "bad_json"),
    (b"[]", 400, "bad_json"),
    (b"null", 400, "bad_json"),
    (b"5", 400, "bad_json"),
    (b"\xff\xfe", 400, "bad_json"),
    (b'{"line": "\xff"}', 400, "bad_json"),
    (b'{"line": "\\ud800"}', 400, "bad_json"),
    (b"[" * 60_000, 400, "bad_json"),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400, "bad_json"),
    (b'{"line": NaN}', 400, "bad_json"),
    (b"", 422, "invalid"),
    (b"{}", 422, "invalid"),
    (b'{"line": "A"}', 422, "invalid"),
    (b'{"channel": "kiosk"}', 422, "invalid"),
    (b'{"line": 5, "channel": "kiosk"}', 422, "invalid"),
    (b'{"line": "A", "channel": "pigeon"}', 422, "invalid"),
    (b'{"line": "A", "channel": "kiosk", "extra": 1}', 422, "invalid"),
    (b'{"line": "A\\u0000", "channel": "kiosk"}', 422, "invalid"),
    (b'{"line": "A\\n", "channel": "kiosk"}', 422, "invalid"),
    (b'{"line": "' + b"A" * 300 + b'", "channel": "kiosk"}', 422, "invalid"),
    (b'{"line": "A", "channel": "kiosk", "holder": 7}', 422, "invalid"),
    (b'{"line": "A", "channel": "kiosk", "holder": {}}', 422, "invalid"),
    (b'{"line": "A", "channel": "kiosk", "holder": {"name": "a\\u202eb"}}', 422, "invalid"),
    (b'{"line": "A", "channel": "kiosk", "holder": {"name": "' + b"x" * 201 + b'"}}', 422, "invalid"),
    (b'{"line": "A", "item": "I-1", "channel": "kiosk"}', 422, "invalid"),
    (b'{"line": "A", "channel": "kiosk", "priority": "emperor"}', 422, "unknown_priority"),
    (b'{"line": "Z", "channel": "kiosk"}', 404, "unknown_line"),
    (b'{"item": "I-9", "channel": "kiosk"}', 404, "unknown_item"),
]


@pytest.mark.parametrize(("raw", "status", "code"), WRONG, ids=lambda value: repr(value)[:40])
async def test_a_wrong_body_is_a_problem_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, raw: bytes, status: int, code: str
) -> None:
    """Whatever is sent as a body gets a 4xx with a sentence; the journal stays and nothing is logged."""
    async with stage(tmp_path) as s:
        before = s.seq
        with caplog.at_level(logging.WARNING):
            found = problem(await s.post("tickets", raw=raw), status, code)
        assert s.seq == before
        assert "Traceback" not in str(found)
        assert not caplog.records


async def test_every_wrong_field_is_listed() -> None:
    """One answer names all wrong fields by their place, those inside objects too."""
    body = {"line": 5, "channel": "x", "foo": 1, "holder": {"phone": "call me", "name": "a\nb", "zodiac": "ox"}}
    assert [(fault.field, fault.word) for fault in faults(body, TakeBody, "")] == [
        ("channel", "choice"),
        ("line", "type"),
        ("holder.name", "characters"),
        ("holder.phone", "characters"),
        ("holder.zodiac", "unknown"),
        ("foo", "unknown"),
    ]


async def test_a_list_names_the_wrong_entries(tmp_path: Path) -> None:
    """A wrong entry of a list is named by its place."""
    async with stage(tmp_path) as s:
        await s.serve()
        answer = await s.post("windows/w1/reject", {"missing": ["id-card", 7, ""]})
        assert [e["field"] for e in problem(answer, 422, "invalid")["errors"]] == ["missing[1]", "missing[2]"]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_long_is_not_kept(tmp_path: Path, *, declared: bool) -> None:
    """64 KiB is the limit, whether the length is declared or not."""
    async with stage(tmp_path) as s:
        before = s.seq
        raw = b'{"line": "A", "channel": "kiosk"}' + b" " * MOST_BYTES

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(raw), 10_000):
                yield raw[start : start + 10_000]

        answer = await s.send("POST", "tickets", headers={}, content=raw if declared else pieces())
        problem(answer, 413, "too_large")
        assert answer.headers["connection"] == "close"
        assert s.seq == before


async def test_unknown_things_are_named(tmp_path: Path) -> None:
    """Unknown halls, windows, tickets, boards, texts and addresses are problems of their own, wrong methods too."""
    async with stage(tmp_path) as s:
        problem(await s.get("/api/v1/halls/nowhere"), 404, "unknown_hall")
        problem(await s.get("/api/v1/halls/%00%0a"), 404, "unknown_hall")
        problem(await s.post("windows/w9/call"), 404, "unknown_window")
        problem(await s.get("windows/w9"), 404, "unknown_window")
        problem(await s.post("tickets/nobody/restore", {"reason": "other"}), 404, "unknown_ticket")
        problem(await s.get("tickets/nobody"), 404, "unknown_ticket")
        problem(await s.get("boards/nothing"), 404, "unknown_board")
        problem(await s.get("boards/window:w9"), 404, "unknown_board")
        problem(await s.get("texts/sealed:x:y"), 404, "unknown_text")
        problem(await s.post("windows/w1/dance"), 404, "not_found")
        problem(await s.get("/api/v2"), 404, "not_found")
        for method in ("DELETE", "PUT", "OPTIONS"):
            answer = await s.send(method, "tickets", headers={})
            problem(answer, 405, "method_not_allowed")
            assert set(answer.headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "POST"}
        for query in ("lines?after=x", "lines?after=-1", "lines?after=1_0", "journal?limit=0", "tickets?state=lost"):
            problem(await s.get(query), 422, "invalid")
        for key in ("", "ä", " ", "k" * 201, "a\tb"):
            answer = await s.send(
                "POST", "tickets", headers={"idempotency-key": key},
                content=b'{"line": "A", "channel": "kiosk"}',
            )  # fmt: skip
            problem(answer, 422, "invalid")


async def test_wrong_tokens_open_nothing(tmp_path: Path) -> None:
    """A citizen's page needs the whole genuine token; the ticket's id or a changed token is unknown."""
    async with stage(tmp_path) as s:
        ticket = await s.take()
        token = ticket["token"]
        for wrong in (ticket["id"], token[:-1], token + "A", f"{ticket['id']}.", "x", "t.%00.y", "t..", "%E6%BD%AE"):
            problem(await s.get(f"/api/v1/tickets/{wrong}", token=None), 404, "unknown_ticket")
            problem(await s.post(f"/api/v1/tickets/{wrong}/cancel", token=None), 404, "unknown_ticket")
        assert (await s.get(f"/api/v1/tickets/{token}", token=None)).json()["number"] == ticket["number"]
