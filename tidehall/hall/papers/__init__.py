"""The offices' nouns: cases, papers, hand-offs and matters as facts; what may be asked of them and what has happened.

Law: nothing here decides or changes anything. The decisions are in hall/offices/, which the state must not know.
"""

__all__: list[str] = []
