"""The second front of the same engine: simulated people on a simulated clock. Its modules come with the twin.

Law: rules live in the engine; only people live here.
"""

__all__: list[str] = []
