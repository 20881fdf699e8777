"""Writes docs/proofs.md: the newest figures of every long proof, as the proofs themselves measured them.

`make proof` runs the proofs, which append to build/proofs.jsonl, and then this program.
Law: nobody types a figure by hand; a proof without a line is not listed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

__all__ = ["main", "page"]

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "build" / "proofs.jsonl"
PAGE = ROOT / "docs" / "proofs.md"
HEAD = """# Proofs

What the long proofs (`make proof`) measured when they last ran, written by `docs/proofs.py`. Names end in their unit.
Figures depend on the machine; what must hold on any machine is asserted by the proof itself.

"""


def page(lines: list[str]) -> str:
    """The page for these lines of JSON; the newest line of a proof counts."""
    newest = {row["proof"]: row for row in map(json.loads, lines)}
    if not newest:
        return HEAD + "Nothing has been measured yet.\n"
    rows = [
        f"| {name} | {', '.join(f'{k} {v}' for k, v in row['figures'].items())} | {row['day']} | {row['cores']} |"
        for name, row in sorted(newest.items())
    ]
    return HEAD + "\n".join(["| proof | figures | day | cores |", "|---|---|---|---|", *rows]) + "\n"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(FIGURES.read_text("utf-8").splitlines() if FIGURES.exists() else []), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
