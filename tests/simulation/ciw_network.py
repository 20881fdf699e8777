"""A network of waiting lines played by Ciw, an independent simulator, for test_network.py; run as a program of its own.

Law: nothing of ours is imported here, and what is compared is measured here from Ciw's own records. Ciw brings a
top-level package `tests` that would hide ours: it lies aside (the Makefile puts it there) and its folder, the second
argument, comes last on the path of this process alone. The first argument is the network as JSON; the answer too.
"""

from __future__ import annotations

import json
import sys
from math import log, sqrt
from typing import Any


def played_day(ciw: Any, network: Any, asked: dict[str, Any], seed: int) -> list[dict[str, float]]:
    """For each node of one day: Σ wait and calls of those who came to it in time, seconds of waiting in the period."""
    begin, end = asked["warm_up_s"], 86_400.0
    ciw.seed(seed)
    day = ciw.Simulation(network)
    day.simulate_until_max_time(end + 7200)  # a record is written when a service ends
    found = [{"wait": 0.0, "calls": 0.0, "waiting": 0.0} for _ in asked["windows"]]
    for record in day.get_all_records():
        if record.record_type != "service":
            continue
        node = found[record.node - 1]
        came, called = record.arrival_date, record.service_start_date
        node["waiting"] += max(0.0, min(called, end) - max(came, begin))
        if came >= begin and called <= end:
            node["wait"] += called - came
            node["calls"] += 1
    return found


def main() -> None:
    """Play the days and print their figures."""
    asked = json.loads(sys.argv[1])
    sys.path.append(sys.argv[2])
    import ciw  # type: ignore[import-not-found] # it lies aside, see above

    def service(mean: float, cv: float | None) -> Any:
        if cv is None:
            return ciw.dists.Exponential(1 / mean)
        spread = log(1 + cv * cv)
        return ciw.dists.Lognormal(log(mean) - spread / 2, sqrt(spread))

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate / 3600) if rate else None for rate in asked["per_hour"]],
        service_distributions=[service(mean, asked["cv"]) for mean in asked["mean_s"]],
        number_of_servers=asked["windows"],
        routing=asked["routing"],
    )
    days = [played_day(ciw, network, asked, seed) for seed in range(asked["days"])]
    print(json.dumps({"version": ciw.__version__, "days": days}))


if __name__ == "__main__":
    main()
