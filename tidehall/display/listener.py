"""A listener: one websocket on a channel.

Law: each listener has a cursor of its own and one writer; who is slow gets the newest snapshot instead of a backlog
and never delays another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from starlette.websockets import WebSocket

from tidehall.display.channels import Channel

__all__ = ["CLOSE", "Client", "Shown"]

#: Close codes of contract.md, and those for garbage and for too much.
CLOSE = {
    "unreadable": 1003,
    "too_large": 1008,
    "restart": 1012,
    "full": 1013,
    "not_signed_in": 4401,
    "unknown": 4404,
    "too_slow": 4408,
}
#: One send may take this long (s); then the listener is let go.
SEND_S = 20.0
#: A send that took this long (s) with more frames than this behind it makes a listener slow.
SLOW_S = 0.1
SLOW_FRAMES = 32
MESSAGE_BYTES = 2048


class Shown(msgspec.Struct, tag="shown", tag_field="type"):
    """A display's report."""

    seq: int
    call_id: str | None = None


class Message(msgspec.Struct):
    """Anything a client may say; other types than `shown` are for later and ignored."""

    type: str


read_message = msgspec.json.Decoder(Message).decode
read_shown = msgspec.json.Decoder(Shown).decode


class Client:
    """One listener: a cursor into its channel's ring and a writer."""

    def __init__(self, channel: Channel, cursor: int | None, clock: Callable[[], float]) -> None:
        self.channel = channel
        self.clock = clock
        self.fresh = cursor is None  # a snapshot comes next
        self.cursor = channel.head if cursor is None else cursor
        self.replay_to = channel.head  # frames up to here were asked for, so they are no sign of slowness
        self.beats = channel.beats
        self.greeting = not self.fresh  # one who resumes hears the beat at once, after what is replayed
        self.took = 0.0  # seconds of the last send
        self.code: int | None = None
        self.session: bytes | None = None  # the signed-in person's, with which this listener ends
        self.wake = asyncio.Event()
        self.writer: asyncio.Task[None] | None = None
        self.shown_seq: int | None = None
        self.shown_at: float | None = None

    def poke(self) -> None:
        """See channels.Listener."""
        self.wake.set()

    def refresh(self) -> None:
        """See channels.Listener."""
        self.fresh = True
        self.wake.set()

    def end(self, code: int) -> None:
        """Close with `code`; a send under way is given up before it has written anything."""
        self.code = self.code or code
        if self.writer is not None:
            self.writer.cancel()

    def next(self) -> str | None:
        """What to send now: a snapshot, the next frame, a beat, or nothing."""
        channel = self.channel
        behind = channel.head - self.cursor
        slow = self.took > SLOW_S and behind > SLOW_FRAMES and self.cursor >= self.replay_to
        if self.fresh or slow or self.cursor < channel.first:
            self.fresh = False
            self.cursor = self.replay_to = channel.head
            return channel.snapshot()
        if behind:
            self.cursor += 1
            return channel.ring[self.cursor - 1 - channel.first].body
        if self.greeting:
            self.greeting = False
            return channel.pulse()
        if self.beats != channel.beats:
            self.beats = channel.beats
            return channel.beat
        return None

    async def write(self, socket: WebSocket) -> None:
        """Send what there is, for ever; ends with a code when one send takes too long."""
        sent = 0
        while True:
            body = self.next()
            if body is None:
                self.wake.clear()
                await self.wake.wait()
                continue
            begun = self.clock()
            try:
                async with asyncio.timeout(SEND_S):
                    await socket.send_text(body)
            except TimeoutError:
                self.code = CLOSE["too_slow"]
                return
            self.took = self.clock() - begun
            sent += 1
            if not sent % SLOW_FRAMES:  # a long replay lets the others have their turn
                await asyncio.sleep(0)

    async def read(self, socket: WebSocket) -> None:
        """Take the display's reports until it leaves; garbage ends it with a code."""
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                self.code = CLOSE["unreadable"]
                return
            if len(text) > MESSAGE_BYTES or len(text.encode()) > MESSAGE_BYTES:
                self.code = CLOSE["too_large"]
                return
            try:
                if read_message(text).type == "shown":
                    self.report(read_shown(text))
            except msgspec.DecodeError:
                self.code = CLOSE["unreadable"]
                return

    def report(self, shown: Shown) -> None:
        """The display shows `seq` now; what this channel has not sent cannot be shown."""
        if 0 <= shown.seq <= self.channel.seq:
            self.shown_seq = max(shown.seq, self.shown_seq or 0)
            self.shown_at = self.clock()
