"""``df.cx``: what a frame of market data can tell, on the frames of pandas and polars themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptox.table.measures import Book

__all__ = ["Accessor"]


class Accessor:
    """What ``df.cx`` gives. Nothing is worked out before it is asked for, and the frame is never changed.

    Results are of the frame's own kind, pandas or polars, and carry its attributes (``cx.attrs``). A frame that is not
    of the kind that a call needs is a ``ValidationError`` that says which columns are not there.
    """

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __repr__(self) -> str:
        """How many rows it speaks of, and what it can be asked."""
        names = ", ".join(name for name in vars(Accessor) if not name.startswith("_"))
        return f"<cx of {len(self._frame)} rows: {names}>"

    def plot(
        self,
        *,
        overlay: Any = None,
        log: bool = False,
        volume: bool | None = None,
        symbol: str | None = None,
        height: int | None = None,
        theme: str = "auto",
    ) -> Any:
        """The frame as a plotly figure: candles, trades, the curve of a book, tickers or best quotes.

        Klines are candles with their volume; more than 5,000 are merged to candles of a longer interval, whole and on
        the exchange's grid, and the figure says so. Trades are a line of the price with each trade's side and size,
        of many the largest. Depth is the running quantity of both sides. Tickers are bars of the change. Klines and
        trades of several symbols are the changes of all since their first row. In Jupyter the figure displays itself;
        it is a ``plotly.graph_objects.Figure`` like any other.

        Parameters
        ----------
        overlay
            Of klines: a column's name, a list of them, or a dict of values by name, which need not be columns. What
            lies at prices is drawn over the candles, anything else in a panel of its own.
        log
            A logarithmic axis: of prices, in a book of quantities.
        volume
            Of klines: whether their volume stands below them; by default where the frame has it.
        symbol
            The one to draw, of several; in a frame that tells none, its name.
        height
            In pixels.
        theme
            ``"auto"`` is readable on light and on dark pages, ``"light"`` and ``"dark"`` have the stronger text for
            one of them. The background is the page's own.

        Raises
        ------
        ValidationError
            A frame of another kind, a column that is not there or holds no numbers, an option that does not fit.
        BadSymbol
            The frame has no such symbol.

        Examples
        --------
        >>> hours = cx.klines("BTCUSDT", "1h", 240)
        >>> figure = hours.assign(mean=hours["close"].rolling(24).mean()).cx.plot(overlay="mean", log=True)
        >>> [trace.type for trace in figure.data]
        ['candlestick', 'scatter', 'bar']
        """
        from cryptox.show.figures.choose import of_frame

        return of_frame(self._frame, overlay=overlay, log=log, volume=volume, symbol=symbol, height=height, theme=theme)

    def resample(self, interval: str, *, partial: bool = False) -> Any:
        """Candles of a longer interval, on the exchange's own grid: as the exchange itself would give them.

        Weeks begin on Monday, ``3d`` counts from 1970, ``1M`` is the calendar's month, all in UTC. The first open, the
        highest high, the lowest low, the last close; volumes and trades are summed, in decimals without loss, in floats
        to the float nearest to the sum of the numbers that the exchange wrote. Each symbol stays by itself; columns
        that are not the exchange's are left out.

        Parameters
        ----------
        interval
            1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M; the frame's own candles must fit into it.
        partial
            Keep the buckets that are not wholly covered, and say so in a column ``complete``. Otherwise they are left
            out: those at the ends, those with a candle that is missing or still forming. A hole that the exchange
            itself has (``attrs["gaps"]``) leaves a bucket complete: nothing was traded there.

        Returns
        -------
        Frame
            Columns: klines

        Raises
        ------
        BadInterval
            Not one of the intervals above.
        ValidationError
            Not klines, candles that do not fit into the interval, candles off the grid or twice.

        Examples
        --------
        >>> cx.klines("BTCUSDT", "1h", 72).cx.resample("1d").index.strftime("%d %b").tolist()
        ['30 May', '31 May']
        """
        from cryptox.table.resample import resample

        return resample(self._frame, interval, partial=partial)

    def gaps(self) -> Any:
        """Where candles are not, one row a hole: those between the rows, and those that ``attrs`` tell of.

        ``kind`` is ``"exchange"`` where the exchange itself has none (confirmed by asking it again), ``"missing"``
        what a call did not get, ``"unknown"`` where rows are not there and nothing says why.

        Returns
        -------
        Frame
            Columns: gaps

        Raises
        ------
        ValidationError
            Not klines, candles off the grid or twice.

        Examples
        --------
        >>> df = cx.klines_bulk("BTCUSDT", "1h", start="2018-02-07", end="2018-02-11")
        >>> df.cx.gaps()[["rows", "kind"]].values.tolist()
        [[32, 'exchange']]
        """
        from cryptox.table.holes import holes

        return holes(self._frame)

    def returns(self, *, log: bool = False) -> Any:
        """The change of each close against the close of the row before, as a Series of floats; 0.01 is one percent.

        Each symbol stays by itself; its first row has none (NaN, null). Over a hole it is the change over the hole.

        Parameters
        ----------
        log
            The logarithm of the ratio instead, which can be summed over time.

        Raises
        ------
        ValidationError
            Not klines.

        Examples
        --------
        >>> df = cx.klines("BTCUSDT", "1d", 3)
        >>> bool(df.cx.returns().iloc[2] == df["close"].iloc[2] / df["close"].iloc[1] - 1)
        True
        """
        from cryptox.table.measures import returns

        return returns(self._frame, log=log)

    def bt(self) -> Any:
        """The candles as backtesting.py, vectorbt and mplfinance take them.

        Always a pandas DataFrame of floats: ``Open``, ``High``, ``Low``, ``Close``, ``Volume``, oldest first, by
        opening time in UTC without a zone. One symbol. A forming candle, where the frame was asked to have it, stays.

        Raises
        ------
        ValidationError
            Not klines, or several symbols.
        ConfigurationError
            pandas is not installed.

        Examples
        --------
        >>> cx.klines("BTCUSDT", "1h", 24).cx.bt().columns.tolist()
        ['Open', 'High', 'Low', 'Close', 'Volume']
        """
        from cryptox.table.measures import handover

        return handover(self._frame)

    @property
    def change(self) -> Any:
        """Close minus open of each candle, as a Series."""
        return self._shape("change")

    @property
    def change_percent(self) -> Any:
        """Close minus open in percent of open, as a Series of floats."""
        return self._shape("change_percent")

    @property
    def bullish(self) -> Any:
        """Whether each candle closed above its open, as a Series."""
        return self._shape("bullish")

    @property
    def bearish(self) -> Any:
        """Whether each candle closed below its open, as a Series."""
        return self._shape("bearish")

    @property
    def body(self) -> Any:
        """The distance of open and close of each candle, as a Series."""
        return self._shape("body")

    @property
    def upper_shadow(self) -> Any:
        """From the higher of open and close up to the high of each candle, as a Series."""
        return self._shape("upper_shadow")

    @property
    def lower_shadow(self) -> Any:
        """From the low of each candle up to the lower of open and close, as a Series."""
        return self._shape("lower_shadow")

    @property
    def best_bid(self) -> Any:
        """The highest price that somebody bids in a depth frame; None without bids."""
        return self._book("best_bid").best_bid

    @property
    def best_ask(self) -> Any:
        """The lowest price that somebody asks in a depth frame; None without asks."""
        return self._book("best_ask").best_ask

    @property
    def spread(self) -> Any:
        """Best ask minus best bid of a depth frame; None where a side is empty."""
        return self._book("spread").spread

    @property
    def mid(self) -> Any:
        """Half way between best bid and best ask of a depth frame; None where a side is empty."""
        return self._book("mid").mid

    @property
    def imbalance(self) -> float | None:
        """Bids minus asks in parts of both, by the quantities of all levels of a depth frame: 1 is bids only."""
        return self._book("imbalance").imbalance

    @property
    def value(self) -> Any:
        """What each trade was worth in the quote asset, as a Series: the exchange's figure, else price times quantity.

        In exact frames of aggregate trades the product is cut after the eighth decimal, as the exchange does.
        """
        from cryptox.table.measures import value

        return value(self._frame)

    def large(self, min_value: Any) -> Any:
        """The trades worth ``min_value`` of the quote asset or more, as a frame of the same columns.

        Parameters
        ----------
        min_value
            In the quote asset: int, float, text or Decimal, zero or above.

        Raises
        ------
        ValidationError
            Not trades, or no such amount.

        Examples
        --------
        >>> trades = cx.trades("BTCUSDT", 500)
        >>> bool((trades.cx.large(10_000).cx.value >= 10_000).all())
        True
        """
        from cryptox.table.measures import large

        return large(self._frame, min_value)

    def _shape(self, name: str) -> Any:
        from cryptox.table.measures import shape

        return shape(self._frame, name)

    def _book(self, name: str) -> Book:
        from cryptox.table.measures import Book

        return Book.of(self._frame, name)
