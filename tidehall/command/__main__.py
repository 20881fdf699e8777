"""`python -m tidehall.command`: the command line without its script."""

import sys

from tidehall.command import main

__all__: list[str] = []

sys.exit(main())
