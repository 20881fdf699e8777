"""The line: tickets, numbers, order and estimates. Pure, and it knows no windows and no clock.

Law: an order is one sort key, decided once and kept; nothing here reads a clock or refuses anybody.
"""
