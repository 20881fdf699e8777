"""The door of the command line: `tidehall` and `python -m tidehall`.

Law: loading the rooms takes a moment, and whoever presses Ctrl-C in it gets a sentence and 130, as at any later time.
"""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["main"]


def main() -> int:
    """Load the command line and run it; its exit code."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if usual:  # an exception would be thrown into the imports, and some libraries make another one of it
        signal.signal(signal.SIGINT, lambda number, frame: stopped())
    from tidehall.command import main as run

    if usual:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return run()


def stopped() -> None:
    """Nothing is open yet: say so and go."""
    os.write(2, b"tidehall: stopped before the end\n")
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
