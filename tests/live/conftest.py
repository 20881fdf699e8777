"""Real servers, databases and sockets on two busy cores."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A process may miss a moment there: one more try, as for the pages, and the summary says that there was one."""
    for item in items:
        if item.path.parent == HERE and item.get_closest_marker("flaky") is None:
            item.add_marker(pytest.mark.flaky(reruns=1))
