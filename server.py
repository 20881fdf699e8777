"""The door: `python server.py` or `uvicorn server:app`; everything is in tidehall.server."""

import sys

from tidehall.server import app, main

__all__ = ["app"]

if __name__ == "__main__":
    sys.exit(main(["serve", *sys.argv[1:]]))
