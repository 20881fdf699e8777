"""What a hall does for people: items with their handbooks, materials, bundles, letters of authorisation, reasons.

Law: one code, one item, one handbook (六统一, R66); what a planner leaves out stays unsaid, nothing is made up for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from tidehall.hall.calendar import is_date
from tidehall.hall.reading import LONGEST, MOST_DAYS, Reader, Words

__all__ = [
    "Authorisation",
    "Bundle",
    "Form",
    "Guide",
    "Item",
    "ItemPart",
    "Material",
    "Reason",
    "ReasonKind",
    "Standard",
    "check_catalogue",
]

ReasonKind = Literal["reject", "refuse_hand_off", "keep_in_use", "withdraw", "correction"]


class Form(Struct, frozen=True, forbid_unknown_fields=True):
    """A blank form, an example of one filled in, a picture of a result; `address`: https://… or /… of this house."""

    name: Words
    address: str | None = None


class Standard(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the handbook says of a paper (《受理材料标准化手册》, R63); everything may be left out."""

    basis: Words | None = None
    format: Literal["original", "copy", "original_and_copy", "electronic"] | None = None
    copies: int | None = None
    signed: Literal["signature", "seal", "signature_and_seal", "signature_or_seal", "none"] | None = None
    form: Form | None = None
    filling: Words | None = None
    sample: Form | None = None
    notes: Words | None = None


class Guide(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`[items.guide]`: what the 22 elements of a guide (办事指南, R64) ask for beside the item's own facts.

    `body`, `place`, `hours` and the telephones stand here where they differ from the department's, the zone's, the
    hall's. Everything may be left out.
    """

    basis: tuple[Words, ...] = ()
    body: Words | None = None
    result_sample: Form | None = None
    fee_standard: Words | None = None
    fee_basis: Words | None = None
    process: tuple[Words, ...] = ()
    forms: tuple[Literal["window", "online", "mobile", "self_service", "courier"], ...] = ()
    review: tuple[Words, ...] = ()
    scope: Words | None = None
    online_payment: bool | None = None
    courier: bool | None = None
    place: Words | None = None
    hours: Words | None = None
    consultation: str | None = None
    supervision: str | None = None
    notes: tuple[Words, ...] = ()


class Material(Struct, frozen=True, forbid_unknown_fields=True):
    """A paper that an item asks for; `standard`: what the handbook says of it."""

    code: str
    name: Words
    required: bool = True
    standard: Standard | None = None


class ItemPart(Struct, frozen=True, forbid_unknown_fields=True):
    """One department's part of a joint item (联办件); the parts run in parallel (R30, R57)."""

    department: str
    promised_days: int


class Authorisation(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[authorisations]]`: a letter (受理委托书, R72): who may take these items, from a date to a date.

    An item that no letter names may be taken by every window of its zones.
    """

    items: tuple[str, ...]
    windows: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    since: str = "0001-01-01"
    until: str = "9999-12-31"


class Item(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[items]]`: a service item (事项); `fee` in fen, days are working days (R54–R72).

    `cross_region`: papers for another region's authority are taken in here too (跨域通办, R60).
    """

    code: str
    name: Words
    department: str
    line: str
    kind: Literal["immediate", "promised", "reported", "joint"] = "immediate"
    promised_days: int = 0
    statutory_days: int = 0
    urgent_allowed: bool = False
    accept_on_receipt: bool = False
    restricted: bool = False
    bookable: bool = False
    materials: tuple[Material, ...] = ()
    fee: int = 0
    result: Words | None = None
    aliases: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    service_s: float | None = None
    parts: tuple[ItemPart, ...] = ()
    cross_region: bool = False
    guide: Guide | None = None


class Bundle(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[bundles]]`: one matter, several items (一件事, R60)."""

    id: str
    name: Words
    items: tuple[str, ...]
    zone: str | None = None


class Reason(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[reasons]]`: why papers or people are sent back, kept, withdrawn (R70).

    The reasons of one kind are that kind's whole list in this hall; without any the house's own list is used.
    """

    kind: ReasonKind
    code: str
    name: Words


def check_catalogue(
    parts: dict[str, Any],
    places: dict[str, list[str]],
    known: Callable[[str, str | None, str], None],
    read: Reader,
) -> None:
    """What items, letters, bundles and reasons say of other tables, and what no type can say of them."""
    pickup = {line.id for line in parts["lines"] if line.purpose == "pickup"}
    for item, place in zip(parts["items"], places["items"], strict=True):
        known("departments", item.department, f"{place}.department")
        known("lines", item.line, f"{place}.line")
        if item.line in pickup:
            read.say(f"{place}.line", f"{item.line!r} is a pickup line, no item stands on it")
        least = 0 if item.kind == "immediate" else 1
        if not least <= item.promised_days <= MOST_DAYS:
            read.say(f"{place}.promised_days", f"a {item.kind} item needs {least} to {MOST_DAYS} working days")
        for zone_id in item.zones:
            known("zones", zone_id, f"{place}.zones")
        if item.service_s is not None and not 0 < item.service_s <= LONGEST:
            read.say(f"{place}.service_s", "must be above 0 and finite")
        if item.fee < 0:
            read.say(f"{place}.fee", "is fen and not below 0")
        codes = [m.code for m in item.materials]
        if len(set(codes)) != len(codes):
            read.say(f"{place}.materials", "a code stands twice")
        for part in item.parts:
            known("departments", part.department, f"{place}.parts")
            if not 0 < part.promised_days <= MOST_DAYS:
                read.say(f"{place}.parts", f"the part of {part.department!r} needs 1 to {MOST_DAYS} working days")
        if item.parts and item.kind != "joint":
            read.say(f"{place}.parts", f"belong to a joint item, this one is {item.kind}")
        check_handbook(item, place, read)
    for letter, place in zip(parts["authorisations"], places["authorisations"], strict=True):
        for code in letter.items:
            known("items", code, f"{place}.items")
        for window in letter.windows:
            known("windows", window, f"{place}.windows")
        for zone in letter.zones:
            known("zones", zone, f"{place}.zones")
        for name in ("since", "until"):
            if not is_date(getattr(letter, name)):
                read.say(f"{place}.{name}", f"{getattr(letter, name)!r} is not a date YYYY-MM-DD")
    for bundle, place in zip(parts["bundles"], places["bundles"], strict=True):
        known("zones", bundle.zone, f"{place}.zone")
        for code in bundle.items:
            known("items", code, f"{place}.items")
    told: set[tuple[str, str]] = set()
    for reason, place in zip(parts["reasons"], places["reasons"], strict=True):
        if not reason.code or not set(reason.code) <= CODE_LETTERS:
            read.say(f"{place}.code", f"{reason.code!r} must be small letters, digits or '_'")
        if (reason.kind, reason.code) in told:
            read.say(f"{place}.code", f"{reason.code!r} stands twice among the reasons of {reason.kind}")
        told.add((reason.kind, reason.code))


#: What a reason's code is written with.
CODE_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


def check_handbook(item: Item, place: str, read: Reader) -> None:
    """Addresses that a page may link to, and counts of copies."""
    sample = item.guide.result_sample if item.guide is not None else None
    forms = [(sample, f"{place}.guide.result_sample")]
    for i, material in enumerate(item.materials):
        if (standard := material.standard) is None:
            continue
        where = f"{place}.materials[{i}].standard"
        forms += [(standard.form, f"{where}.form"), (standard.sample, f"{where}.sample")]
        if standard.copies is not None and not 0 <= standard.copies <= MOST_COPIES:
            read.say(f"{where}.copies", f"must be 0 to {MOST_COPIES}")
    for form, where in forms:
        address = form.address if form is not None else None
        if address is not None and (not address.startswith(("https://", "/")) or address.startswith("//")):
            read.say(f"{where}.address", f"{address!r} must begin with https:// or /")


#: Copies of one paper that an item may ask for.
MOST_COPIES = 20
