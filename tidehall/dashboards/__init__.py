"""The supervisors' live dashboard and the planners' studio. Its modules come with the dashboard.

Law: a figure shows one of the measures, by its definition, and what is behind it.
"""

__all__: list[str] = []
