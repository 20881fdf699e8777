"""Figures with their baseline in the same run (`make bench`). No test depends on them."""

__all__: list[str] = []
