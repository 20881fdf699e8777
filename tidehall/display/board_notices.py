"""What supervisors say on boards: the words behind a notice, opened for the boards and for nobody else.

Law: the journal holds a reference and the feed shows words, so somebody has to open them in between; a board never
waits for it. A notice whose words are not open yet rides on the next beat.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from tidehall.display.screens import BoardNotice
from tidehall.hall.events import Event, NoticePosted
from tidehall.hall.notices import Notice, boards_of
from tidehall.hall.state import HallState
from tidehall.store.errors import StoreError

__all__ = ["NoticeReader", "board_notices", "references", "shown_on"]

log = logging.getLogger(__name__)

#: Seconds until the words are looked for again when the database did not give them.
AGAIN_S = 2.0

Open = Callable[[Iterable[str]], Awaitable[dict[str, str]]]


def shown_on(state: HallState, notice: Notice) -> tuple[str, ...]:
    """The boards on which a notice stands."""
    return boards_of(state, notice.zone, notice.board)


def board_notices(state: HallState, board: str, words: Mapping[str, str]) -> tuple[BoardNotice, ...]:
    """What a board says, the newest first; a notice whose words are not open yet is left out."""
    return tuple(
        BoardNotice(n.id, {"zh": words[n.zh], "en": words.get(n.en or "", words[n.zh])})
        for n in reversed(state.notices.values())
        if n.zh in words and board in shown_on(state, n)
    )


def references(state: HallState) -> set[str]:
    """The sealed words of all notices that stand."""
    return {text for n in state.notices.values() for text in (n.zh, n.en) if text is not None}


class NoticeReader:
    """A watcher of one hall's committed events (live.Watcher) that opens what notices say, for all its boards."""

    def __init__(
        self, words: dict[str, str], state: Callable[[], HallState], open: Open, told: Callable[[], None]
    ) -> None:
        """`words`: reference → words, which the boards read; `told` hears that there are more."""
        self._words = words
        self._state = state
        self._open = open
        self._told = told
        self._wanted = asyncio.Event()

    # ---- what the keeper tells

    def before(self, state: HallState) -> None:
        """Nothing to prepare; a hall loaded anew may hold notices that were never seen here."""
        self._wanted.set()

    def event(self, seq: int, event: Event, state: HallState) -> None:
        """A notice has words to open."""
        if isinstance(event, NoticePosted):
            self._wanted.set()

    def flush(self) -> None:
        """Nothing to send."""

    def stale(self, since: int | None) -> None:
        """What is not committed is not opened."""

    # ---- opening

    async def run(self) -> None:
        """Open what is asked for, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if not await self.look():
                await asyncio.sleep(AGAIN_S)
                self._wanted.set()

    async def look(self) -> bool:
        """Open what boards lack and forget what no notice says any more; False when the database did not answer."""
        standing = references(self._state())
        for old in self._words.keys() - standing:
            del self._words[old]
        lacking = standing - self._words.keys()
        if not lacking:
            return True
        try:
            found = await self._open(lacking)
        except StoreError as error:
            log.warning("the words of a notice could not be opened: %s", error)
            return False
        self._words.update(found)
        if found:
            self._told()
        return True
