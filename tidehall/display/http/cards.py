"""What a resident identity card says of its holder, as far as the hall needs it: the age (GB 11643).

Law: the number comes in and an age goes out; nothing is kept.
"""

from __future__ import annotations

from datetime import date

__all__ = ["age_on"]

#: GB 11643: the weights of the first 17 digits and the check characters by the sum modulo 11.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"


def age_on(id_number: str, day: str) -> int | None:
    """The age on `day` (YYYY-MM-DD) by an 18-digit resident identity number; None when it is none."""
    number = id_number.strip().upper()
    if len(number) != 18 or not (number.isascii() and number[:17].isdigit()):
        return None
    if _CHECK[sum(int(d) * w for d, w in zip(number, _WEIGHTS, strict=False)) % 11] != number[17]:
        return None
    try:
        born, today = date(int(number[6:10]), int(number[10:12]), int(number[12:14])), date.fromisoformat(day)
    except ValueError:
        return None
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
