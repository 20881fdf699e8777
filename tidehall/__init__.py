"""TideHall (潮汐大厅): one hall engine for the live hall and for its simulator."""

__all__ = ["__version__"]

__version__ = "0.1.0"
