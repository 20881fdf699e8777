"""One hall: its plan, its commands, its events and the engine that decides. Pure.

Law: time and chance come in through the door; decide reads and refuses, apply changes and cannot fail.
"""
