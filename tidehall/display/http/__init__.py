"""The HTTP door of the hall: contract.md's calls, their problems, their OpenAPI, and who may come in.

The room's one law: the door decides nothing about the hall. It says who asks, what exactly was asked, and gives the
engine's answer in the words of contract.md; what it refuses itself is only what no hall could understand.
"""

__all__: list[str] = []
