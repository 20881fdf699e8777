"""The second front of the same engine: simulated people on a simulated clock.

A scenario (tables, read by scenario) says who comes; draws gives every citizen his luck; a world drives the engine with
citizens, clerks, desks, runners and offices; a day leaves a journal, its tally sums, and a study many of them.

Law: rules live in the engine; only people live here.
"""

__all__: list[str] = []
