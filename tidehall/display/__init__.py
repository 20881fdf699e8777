"""What people at the hall touch and see: HTTP door, feed, boards, phones, desks.

Law: displays are told facts of the committed state, never hints; no rule of the hall is decided here.
"""

__all__: list[str] = []
