"""The trading side of the paper exchange: accounts, orders, matching. Pure: time is an argument, nothing does I/O.

Prices are ticks, quantities are steps of the symbol's grid, amounts of money are atoms of 1e-8: all of them integers.
"""
