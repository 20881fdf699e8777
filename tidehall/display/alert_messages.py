"""Alerts on their way out of the hall: to their owner's duty telephone, and to another system's address.

Law: as in messages.py, at most once for each step of an alert, and only while it is open; what must have stood for a
while before anybody is called (`after_s` of its rule) waits apart. What goes out names posts, places and figures, never
a person; the duty telephones stand in a file of the server, not in the plan. Nothing waits for it, and what was not
taken is said once, and counted.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import tomllib
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from tidehall.display.messages import Address, Gateway, GatewayError, Teller
from tidehall.display.office_lists import alert_facts
from tidehall.display.views import alert_view
from tidehall.hall.alert_rules import AlertRules, NobodyRule
from tidehall.hall.events import AlertRaised, Event
from tidehall.hall.papers.events import AlertEscalated
from tidehall.hall.state import Alert
from tidehall.live import HallKeeper
from tidehall.locales import FIRST, say
from tidehall.settings import SettingsError

__all__ = ["SIGNATURE", "AlertMessenger", "Duty", "PatientMessenger", "Webhook"]

log = logging.getLogger(__name__)

SECOND = 1_000_000
#: The header that proves to the receiver who sends: sha256=HMAC of the body's bytes, in hexadecimal.
SIGNATURE = "X-TideHall-Signature"

Count = Callable[[str, str], None]


class Webhook(Address):
    """POSTs alerts as JSON to an address (`TIDEHALL_WEBHOOK`), signed with `TIDEHALL_WEBHOOK_SECRET`."""

    def __init__(self, url: str, secret: str | None, **pauses: float) -> None:
        """Raises SettingsError. `pauses`: see Address."""
        if not url.startswith(("http://", "https://")):
            raise SettingsError("TIDEHALL_WEBHOOK must begin with http:// or https://")
        if not secret:
            raise SettingsError("TIDEHALL_WEBHOOK needs TIDEHALL_WEBHOOK_SECRET, by which the receiver knows us")
        super().__init__(url, **pauses)
        self._secret = secret.encode()

    async def send(self, body: bytes, name: str) -> None:
        """Send; `name` names the step. Raises GatewayError."""
        signed = "sha256=" + hmac.new(self._secret, body, sha256).hexdigest()
        await self.post(body, name, **{SIGNATURE: signed})


class Duty:
    """The duty telephones (`TIDEHALL_DUTY`): a TOML file, owner = "telephone" or a list of them, read when needed."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def phones(self, owner: str) -> list[str]:
        """The telephones of an owner such as supervisor:social. Raises GatewayError."""
        if self.path is None:
            return []
        try:
            found = tomllib.loads(self.path.read_text("utf-8-sig")).get(owner, [])
        except (OSError, ValueError) as error:
            raise GatewayError(f"the duty telephones cannot be read ({type(error).__name__})") from None
        return [str(phone) for phone in (found if isinstance(found, list) else [found])]


class AlertMessenger(Teller):
    """Tells an alert's owner, by the ways that the plan names for its kind."""

    what = "alerts"
    told: tuple[type[Any], ...] = (AlertRaised, AlertEscalated)
    #: Whether it tells of what must have stood for a while.
    patient = False

    def __init__(
        self, keeper: HallKeeper, *, gateway: Gateway | None, webhook: Webhook | None, duty: Duty, count: Count
    ) -> None:
        """`count` hears each message's way, and whether it was taken or failed."""
        super().__init__(keeper)
        self._gateway, self._webhook, self._duty, self._count = gateway, webhook, duty, count
        self._failing: set[str] = set()

    async def tell(self, seq: int, event: Event) -> None:
        """See Teller."""
        assert isinstance(event, AlertRaised | AlertEscalated)
        found = self._open(event)
        rules = self.keeper.committed.state.rules.alerts
        if found is None or rules is None or patient(event) != self.patient:
            return
        name, escalated = f"{self.keeper.id}-{seq}", isinstance(event, AlertEscalated)
        ways = rules.rule(found.kind).send
        sending = []
        if "webhook" in ways and self._webhook is not None:
            body = self._body(seq, found, escalated=escalated)
            sending.append(self._by("webhook", self._webhook.send(body, name)))
        if "sms" in ways and self._gateway is not None:
            owner = event.owner or "manager"
            sending.append(self._by("sms", self._call_up(self._gateway, found, owner, name, escalated=escalated)))
        await asyncio.gather(*sending)  # an address that is away does not hold up the telephone

    def _open(self, event: AlertRaised | AlertEscalated) -> Alert | None:
        """The alert, unless it is over; raised anew it is another."""
        found = self.keeper.committed.state.alerts.get(event.alert)
        if found is None or found.ended is not None:
            return None
        raised = isinstance(event, AlertRaised)
        return None if raised and found.since != (event.due or event.at) else found

    async def _call_up(self, gateway: Gateway, found: Alert, owner: str, name: str, *, escalated: bool) -> None:
        for n, phone in enumerate(self._duty.phones(owner)):
            await gateway.send(phone, self._text(found, escalated=escalated), f"{name}-{n}")

    async def _by(self, way: str, sending: Any) -> None:
        try:
            await sending
        except (GatewayError, OSError) as error:
            self._count(way, "failed")
            if way not in self._failing:  # said once, until one is taken again
                self._failing.add(way)
                log.warning("hall %s: alerts are not taken by %s: %s", self.keeper.id, way, error)
            return
        self._count(way, "taken")
        self._failing.discard(way)

    def _body(self, seq: int, found: Alert, *, escalated: bool) -> bytes:
        step = "escalated" if escalated else "raised"
        view = replace(alert_view(self.keeper.committed, found), acknowledged_by=None)
        return msgspec.json.encode({"hall": self.keeper.id, "seq": seq, "step": step, "alert": view})

    def _text(self, found: Alert, *, escalated: bool) -> str:
        hall = self.keeper.committed
        facts = hall.state.rules.hall
        lang = facts.languages[0] if facts.languages else FIRST
        alert = alert_facts(hall, found, lang)
        since = str(alert["since"])[11:16]
        return say(
            "message.alert_escalated" if escalated else "message.alert", lang, hall=facts.name.get(lang) or facts.id,
            what=alert["kind_words"], about=alert["about"], since=since, owner=alert["owner"],
        )  # fmt: skip


class PatientMessenger(AlertMessenger):
    """Tells of what must have stood for a while, when it has; one after the other, as all stand equally long."""

    what = "patient alerts"
    told = (AlertRaised,)
    patient = True

    def __init__(self, keeper: HallKeeper, **to: Any) -> None:
        """`to`: as AlertMessenger."""
        super().__init__(keeper, **to)
        self._news = asyncio.Event()

    def flush(self) -> None:
        """Something has happened: what is waited for may be over."""
        self._news.set()

    async def _once(self, seq: int, event: Event) -> None:
        assert isinstance(event, AlertRaised)
        while self._open(event) is not None and (left := self._left(event)) > 0:
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left / SECOND)
        await super()._once(seq, event)

    def _left(self, event: AlertRaised) -> int:
        """For how long (µs) the alert must still stand."""
        rules = self.keeper.committed.state.rules.alerts
        rule = rules.rule(event.alert_kind) if rules is not None else None
        after = round(rule.after_s * SECOND) if isinstance(rule, NobodyRule) else 0
        return (event.due or event.at) + after - self.keeper.now()


def patient(event: Event) -> bool:
    """Whether this is told only when it has stood for a while: by its kind, whatever the rule says now."""
    return isinstance(event, AlertRaised) and isinstance(AlertRules().rule(event.alert_kind), NobodyRule)
