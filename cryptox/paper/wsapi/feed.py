"""Hands what happens to accounts to the connections that listen to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from cryptox.paper.trading.accounts import Account
from cryptox.paper.trading.grid import Grid
from cryptox.paper.trading.reports import Report

from .connection import Connection
from .events import Writer

if TYPE_CHECKING:
    from cryptox.paper.desk import Desk

__all__ = ["Feed"]

Send = Callable[[Callable[[], None]], object]


class Feed:
    """A listener of the desk's.

    Parameters
    ----------
    desk
        Whose reports it hears.
    connections
        Those that may listen; may change.
    send
        Carries a push out, now or later, in the order of calls.
    """

    def __init__(self, desk: Desk, connections: Iterable[Connection], send: Send) -> None:
        self._desk, self._connections, self._send = desk, connections, send
        self._grids: dict[str, Grid] = {}
        self._writer = Writer(self._grid, self._group)

    def tell(self, reports: list[Report]) -> None:
        """Write and send the events of these reports; each is written once in each unit of time."""
        now_us = self._desk.clock.now_us()
        listening = [one for one in self._connections if one.session.subscriptions]
        for report in reports if listening else ():
            written: dict[bool, tuple[bytes, str]] = {}
            for connection in listening:
                number = connection.session.of_account(report.account)
                if number is None:
                    continue
                unit = connection.microseconds
                if unit not in written:
                    event = self._writer.event(report, now_us, microseconds=unit)
                    written[unit] = msgspec.json.encode(event), str(event.__struct_config__.tag)
                self._send(partial(connection.push, number, *written[unit]))

    def _grid(self, symbol: str) -> Grid:
        grid = self._grids.get(symbol)
        if grid is None:
            grid = self._grids[symbol] = Grid(self._desk.market.listings[symbol])
        return grid

    def _group(self, account: int) -> int:
        found: Account = self._desk.engine.accounts[account]
        return found.group
