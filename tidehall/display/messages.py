"""Short messages to citizens: who must pay a fee is told, through the town's own gateway or into a file (R40).

Law: a message is sent at most once for each event, across restarts and servers: its place is noted as told beside the
journal before it is sent. The telephone is opened from its sealed row at that moment, and
neither it nor the text is ever logged.
"""

from __future__ import annotations

import asyncio
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import httpx
import msgspec
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)

from tidehall.hall.events import Event
from tidehall.hall.papers.events import FeeRequested
from tidehall.hall.papers.objects import Case
from tidehall.hall.state import HallState
from tidehall.live import HallKeeper, read_event
from tidehall.locales import FIRST, say
from tidehall.settings import SettingsError
from tidehall.store.errors import StoreError, StoreRefused
from tidehall.store.persons import Persons

__all__ = [
    "Address",
    "FileGateway",
    "Gateway",
    "GatewayError",
    "HttpGateway",
    "Messenger",
    "Teller",
    "open_gateway",
]

log = logging.getLogger(__name__)

#: Tries of one message, and the seconds between them at most.
TRIES = 4
LONGEST_PAUSE_S = 8.0
TIMEOUT_S = 10.0
PAGE = 1_000


class GatewayError(Exception):
    """The gateway did not take a message; the text says why, without the message."""


class Gateway(Protocol):
    """Takes a short message."""

    async def send(self, phone: str, text: str, name: str) -> None:
        """Send `text`; `name` names the message, so that a gateway can know a repeat. Raises GatewayError."""

    async def close(self) -> None:
        """Let go."""


class FileGateway:
    """Appends each message as a JSON line to a file that only its owner reads: for tests, and for a pick-up job."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def send(self, phone: str, text: str, name: str) -> None:
        """See Gateway."""
        line = msgspec.json.encode({"name": name, "phone": phone, "text": text}) + b"\n"
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(handle, line)
            finally:
                os.close(handle)
        except OSError as error:
            raise GatewayError(f"the file cannot be written: {error.strerror}") from None

    async def close(self) -> None:
        """Nothing is held."""


class Address:
    """An http(s) address to which JSON is POSTed, again when it is busy."""

    def __init__(self, url: str, *, longest_pause_s: float = LONGEST_PAUSE_S) -> None:
        wait = wait_exponential(multiplier=min(0.5, longest_pause_s), max=longest_pause_s)
        retry = retry_if_exception_type(GatewayError)
        self._tries = AsyncRetrying(stop=stop_after_attempt(TRIES), wait=wait, retry=retry, reraise=True)
        self._url = url
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)

    async def post(self, body: bytes, name: str, **headers: str) -> None:
        """Send; `name` names the message, so that a receiver can know a repeat. Raises GatewayError."""
        known = {"Content-Type": "application/json", "Idempotency-Key": name} | headers
        await self._tries.copy()(self._once, body, known)

    async def _once(self, body: bytes, headers: dict[str, str]) -> None:
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise GatewayError(f"no answer ({type(error).__name__})") from None
        if not answer.is_success:
            raise GatewayError(f"answered {answer.status_code}")

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


class HttpGateway(Address):
    """POSTs {"name", "phone", "text"} to an address with the name as Idempotency-Key."""

    async def send(self, phone: str, text: str, name: str) -> None:
        """See Gateway."""
        await self.post(msgspec.json.encode({"name": name, "phone": phone, "text": text}), name)


def open_gateway(setting: str) -> Gateway:
    """The gateway of `TIDEHALL_SMS`. Raises SettingsError."""
    if setting.startswith("file:") and len(setting) > len("file:"):
        return FileGateway(Path(setting.removeprefix("file:")))
    if setting.startswith(("http://", "https://")):
        return HttpGateway(setting)
    raise SettingsError("TIDEHALL_SMS must be file:PATH or begin with http:// or https://")


Alarm = Callable[[HallKeeper, str], Awaitable[None]]


class Teller(ABC):
    """A watcher of one hall's committed events that tells people of some kinds of them, in the journal's order."""

    #: What is told, as the journal's store knows it.
    what: str
    #: Of which events.
    told: tuple[type[Any], ...]

    def __init__(self, keeper: HallKeeper) -> None:
        self.keeper = keeper
        self._waiting: asyncio.Queue[tuple[int, Event]] = asyncio.Queue()
        self._tries = AsyncRetrying(
            wait=wait_exponential(multiplier=0.5, max=LONGEST_PAUSE_S), retry=retry_if_exception_type(StoreError),
            before_sleep=self._waits,
        )  # fmt: skip

    # ---- what the keeper tells (live.Watcher)

    def before(self, state: HallState) -> None:  # noqa: B027 # a watcher has it, and here is nothing to do
        """Nothing to prepare."""

    def event(self, seq: int, event: Event, state: HallState) -> None:
        """Somebody is to be told of some events."""
        if isinstance(event, self.told):
            self._waiting.put_nowait((seq, event))

    def flush(self) -> None:  # noqa: B027 # a watcher has it, and here is nothing to do
        """Each message stands for itself."""

    def stale(self, since: int | None) -> None:  # noqa: B027 # a watcher has it, and here is nothing to do
        """What is not committed is not told."""

    # ---- sending

    async def run(self) -> None:
        """Send what was asked for while nobody listened, then whatever comes, until cancelled."""
        # From here on events are queued; what the journal holds beyond what was told comes first, in order.
        self.keeper.watch(self)
        missed: list[tuple[int, Event]] = await self._tries.copy()(self._missed)
        for seq, event in missed:
            await self._once(seq, event)
        while True:
            seq, event = await self._waiting.get()
            await self._once(seq, event)

    def _waits(self, tried: RetryCallState) -> None:
        if tried.attempt_number == 1:
            log.warning("hall %s: the database does not say what was told; messages wait for it", self.keeper.id)

    async def _once(self, seq: int, event: Event) -> None:
        if await self._tries.copy()(self.keeper.journal.note_told, self.keeper.id, self.what, seq):
            try:
                await self.tell(seq, event)
            except Exception as error:  # a fault of ours costs one message, not all that come; no text is logged
                log.error("hall %s: nobody was told of event %d (%s)", self.keeper.id, seq, type(error).__name__)

    @abstractmethod
    async def tell(self, seq: int, event: Event) -> None:
        """Send what the event at `seq` asks for; whatever goes wrong is said, not raised."""

    async def _missed(self) -> list[tuple[int, Event]]:
        upto = self.keeper.committed.state.seq
        after: int | None = await self.keeper.journal.told(self.keeper.id, self.what)
        if after is None:  # a first start tells nothing of the past
            await self.keeper.journal.note_told(self.keeper.id, self.what, upto)
            return []
        kinds = {str(kind.__struct_config__.tag) for kind in self.told}
        found = []
        while after < upto and (rows := await self.keeper.journal.read(self.keeper.id, after, PAGE, upto)):
            for row in rows:
                if row.kind in kinds:
                    found.append((row.seq, read_event(row)))
            after = rows[-1].seq
        return found


class Messenger(Teller):
    """Tells applicants what they must pay."""

    what = "fees"
    told = (FeeRequested,)

    def __init__(self, keeper: HallKeeper, gateway: Gateway, persons: Persons, *, alarm: Alarm | None = None) -> None:
        """`alarm` is told the case whose message was not taken."""
        super().__init__(keeper)
        self._gateway = gateway
        self._persons = persons
        self._alarm = alarm

    async def tell(self, seq: int, event: Event) -> None:
        """See Teller."""
        assert isinstance(event, FeeRequested)
        case = self.keeper.committed.state.offices.cases.get(event.case)
        try:
            if case is None:
                return
            phone = await self._phone(case)
            if phone is None:
                log.info("hall %s: case %s has no telephone for a message", self.keeper.id, event.case)
                return
            await self._gateway.send(phone, self._text(case, event), f"{self.keeper.id}-{seq}")
        except (GatewayError, StoreError, OSError) as error:
            log.warning("hall %s: no message about case %s: %s", self.keeper.id, event.case, error)
            if self._alarm is not None:
                await self._alarm(self.keeper, event.case)

    async def _phone(self, case: Case) -> str | None:
        """The applicant's telephone, or the agent's. Raises StoreError."""
        wanted = [id for id in (case.applicant, case.agent) if id]
        rows = await self.keeper.journal.sealed(self.keeper.id, wanted) if wanted else {}
        for id in wanted:
            try:
                if id in rows and (phone := self._persons.open_holder(rows[id])["phone"]):
                    return phone
            except StoreRefused:  # sealed with a key that is not here
                continue
        return None

    def _text(self, case: Case, event: FeeRequested) -> str:
        state = self.keeper.committed.state
        plan = state.rules
        lang = plan.hall.languages[0] if plan.hall.languages else FIRST
        item = state.items.get(case.item)
        name = case.item if item is None else item.name.get(lang) or case.item
        hall = plan.hall.name.get(lang) or plan.hall.id
        yuan = f"{event.amount // 100}.{event.amount % 100:02d}"
        return say("message.fee", lang, hall=hall, item=name, receipt=case.receipt, yuan=yuan)
