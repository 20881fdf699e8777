"""Old journals are replayed (design section 7): today's engine finds in them what the engine of their day knew.

Every release keeps one, before it is tagged: `python -m tests.core.golden_journal VERSION` plays a morning with the
program as it stands and writes golden/VERSION.jsonl.gz, to be committed; none is ever changed or taken out. Where a
journal from before cannot give what it gave, an event's meaning has changed: it needs a new version and an upcaster.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from msgspec import json

from tests.core.golden_journal import FOLDER, known
from tidehall.hall.engine import Hall
from tidehall.hall.events import Event

KEPT = sorted(FOLDER.glob("*.jsonl.gz"))
event_of = json.Decoder(Event).decode


def changes(then: Any, now: Any, place: str) -> list[str]:
    """Where what was known `then` is not what is known `now`; fields that are new do not count."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [
            line
            for name, value in then.items()
            for line in (changes(value, now[name], f"{place}.{name}") if name in now else [f"{place}.{name} is gone"])
        ]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = enumerate(zip(then, now, strict=True))
        return [line for i, (a, b) in pairs for line in changes(a, b, f"{place}[{i}]")]
    return [] if then == now else [f"{place}: {then!r} then, {now!r} now"]


@pytest.mark.parametrize("path", KEPT, ids=[path.name.removesuffix(".jsonl.gz") for path in KEPT])
def test_an_old_journal_gives_what_it_gave(path: Path) -> None:
    """Tickets, windows, cases, papers, clocks, alerts and tide stand as they stood then; hall and copy agree."""
    hall = Hall("yangxin")
    seen = 0
    for line in gzip.decompress(path.read_bytes()).split(b"\n"):
        if line.startswith(b'{"facts"'):
            assert changes(json.decode(line)["facts"], known(hall), "") == []
            seen += 1
        else:
            hall.apply(event_of(line))
    assert seen == 2
    assert Hall.restore(hall.snapshot()).facts() == hall.facts()
    assert hall.wakes_at() is not None


def test_there_is_one() -> None:
    """Without a kept journal nothing would be shown."""
    assert KEPT
