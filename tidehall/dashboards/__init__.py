"""What planners hand on: a study's report, and the figures in it.

Law: a figure shows one of the measures, by its definition, and what is behind it.
"""

__all__: list[str] = []
