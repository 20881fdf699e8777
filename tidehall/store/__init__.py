"""What is remembered and told: journal, persons, bus, clock (design.md sections 2, 3 and 7).

The room's one law: it stores and tells what it is given, byte for byte, and knows nothing of the engine's types.
"""

__all__: list[str] = []
