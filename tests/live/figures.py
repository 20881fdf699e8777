"""What the long proofs measured, kept for docs/proofs.md.

Law: a figure is written down by the test that measured it, together with the day; nobody types one by hand.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["FIGURES", "keep", "show"]

#: One JSON object a line: `proof`, `figures`, `day`, `cores`. The newest line of a proof counts.
FIGURES = Path(__file__).parents[2] / "build" / "proofs.jsonl"


def show(proof: str, **figures: float | int | str) -> dict[str, float | int | str]:
    """Print the figures of a short form; the same, rounded."""
    found = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
    print(f"{proof}: " + ", ".join(f"{name} {value}" for name, value in found.items()))
    return found


def keep(proof: str, **figures: float | int | str) -> None:
    """Print the figures of a proof and append them to FIGURES. Names end in their unit (`ready_worst_s`)."""
    row = {
        "proof": proof,
        "figures": show(proof, **figures),
        "day": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
    }
    FIGURES.parent.mkdir(exist_ok=True)
    with FIGURES.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
