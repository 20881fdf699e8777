"""The offices of a hall: cases, papers, hand-offs, the middle and the back office, and what follows them. Pure.

Law: every open case has exactly one stage and one holder, every paper and every receipt copy one holder, and every
clock of theirs an end.
"""
