"""Which kinds of views there are: who paints them, what draws them, how often."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple, Protocol

from cryptox.table.batch import Batch

__all__ = ["ANEW", "KINDS", "SHOWN_AS", "Change", "Kind", "Painter", "Picture", "Sight"]

Picture = dict[str, Any]
"""All that a view shows: numbers, text, lists and dictionaries that JSON knows; no NaN, times in ms."""

Change = dict[str, Any]
"""What leads from one picture to the next."""

ANEW: Final[Change] = {}
"""No change leads there: the picture is sent whole and painted anew."""


class Sight(NamedTuple):
    """What there is to see of a feed at a moment.

    Attributes
    ----------
    kind
        Of the feed: ``"agg_trades"``.
    interval
        Of its candles; None for other kinds.
    batches
        The newest rows by symbol, as ``Snapshot.batches``.
    """

    kind: str
    interval: str | None
    batches: Mapping[str, Batch]


class Painter(Protocol):
    """A module that says what a view shows. Pure: no clock, no state, nothing of widgets."""

    def picture(self, sight: Sight) -> Picture:
        """All that is shown."""

    def change(self, before: Picture, after: Picture) -> Change | None:
        """What the page is told to make ``after`` of ``before``; None for nothing, ``ANEW`` to send it whole."""


class Kind(NamedTuple):
    """A kind of view.

    Attributes
    ----------
    name
        Its script defines ``paint_<name>``.
    painter
        Module of this package with ``picture`` and ``change``; empty where its source has several.
    scripts
        Files in ``js``; the frame's come besides.
    rate
        Pictures a second, at most.
    rows
        Rows that are shown of each symbol (levels a side, of books; orders besides the open ones).
    needs_plotly
        Whether the page is to have plotly.js.
    checkpoint_s
        So often the whole picture is sent besides, for what reads the model: a second view of it, a saved page.
    """

    name: str
    painter: str
    scripts: tuple[str, ...]
    rate: float
    rows: int
    needs_plotly: bool = False
    checkpoint_s: float = 10.0

    def paints_with(self) -> Painter:
        """The painter, imported."""
        painter: Any = import_module(f"{__package__}.{self.painter}")
        return painter  # type: ignore[no-any-return]  # a module is found by name


DASHBOARD: Final = ("dom.js", "ticker.js", "klines.js", "book.js", "trades.js", "dashboard.js")

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("klines", "klines", ("klines.js",), rate=4, rows=300, needs_plotly=True, checkpoint_s=30),
        Kind("book", "book", ("dom.js", "book.js"), rate=5, rows=50),
        Kind("trades", "trades", ("dom.js", "trades.js"), rate=5, rows=30),
        Kind("ticker", "tickers", ("dom.js", "ticker.js"), rate=4, rows=1),
        Kind("orders", "own", ("dom.js", "orders.js"), rate=4, rows=20),
        Kind("account", "own", ("dom.js", "account.js"), rate=4, rows=1_000),
        Kind("health", "", ("dom.js", "health.js"), rate=2, rows=0, checkpoint_s=3_600),
        Kind("dashboard", "", DASHBOARD, rate=4, rows=0, needs_plotly=True, checkpoint_s=30),
    )
}

SHOWN_AS: Final[Mapping[str, str]] = {
    "klines": "klines",
    "book": "book",
    "depth": "book",
    "trades": "trades",
    "agg_trades": "trades",
    "ticker": "ticker",
    "book_ticker": "ticker",
    "orders": "orders",
    "account": "account",
}
"""Kinds of feeds, and the kind of view that shows them."""
