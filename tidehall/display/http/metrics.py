"""What is counted at the door, for Prometheus.

Law: labels are paths of the table, statuses, codes, halls and projections; never the id of a ticket or a case, a number
or a person.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from tidehall.records import Follower

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one process, and how far the followers of its halls are behind."""

    def __init__(self, *followers: Mapping[str, Follower]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "tidehall_http_requests", "Answered requests.", ("method", "path", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "tidehall_http_request_seconds", "Time to the answer.", ("path",), registry=self.registry, buckets=_BUCKETS
        )
        self._refusals = Counter(
            "tidehall_refusals", "Requests refused, by problem code.", ("code",), registry=self.registry
        )

        self._sent = Counter(
            "tidehall_alert_messages", "Alerts sent out of the hall.", ("way", "result"), registry=self.registry
        )

        lag = Gauge(
            "tidehall_projection_lag",
            "Events that the journal has and the projection has not.",
            ("hall", "projection"),
            registry=self.registry,
        )
        for hall, follower in (pair for of_halls in followers for pair in of_halls.items()):
            lag.labels(hall, follower.projection.name).set_function(lambda kept=follower: float(kept.lag))  # type: ignore[misc] # bound now

    def sent(self, way: str, result: str) -> None:
        """Count one alert that went out: "taken", or "failed"."""
        self._sent.labels(way, result).inc()

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(method, path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def refused(self, code: str) -> None:
        """Count one refusal."""
        self._refusals.labels(code).inc()

    def text(self) -> bytes:
        """All of it in Prometheus's text form."""
        return generate_latest(self.registry)
