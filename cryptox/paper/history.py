"""A market that replays real history from files: their numbers exactly, and what they lack drawn inside them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cryptox.model.interval import DAY_MS, INTERVALS, MINUTE_MS

from .lots import total_up
from .market import Ints, Listing
from .spine import UNMERGED, Day, Lot, Row, generator, key_of, merges, shares
from .spined import SpineMarket
from .splitting import fit_lots, split
from .table_file import CandleFile, read_candles, refuse

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HistoryMarket", "HistorySpine"]

QUOTES = ("USDT", "FDUSD", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "USD")
TRADES_A_MINUTE = 24  # drawn where a file has no counts
MONTH_MS = 31 * DAY_MS
_FILE_NAME = r"([^\W_]+?)[_-]?([^\W_]*?)(?:[-_](?:\d+[smhdwM]|1[Mm]on?)\b.*)?\."  # BTC_USDT-5m.feather and the like
_OPTIONAL = {"quote": Row.QUOTE, "trades": Row.TRADES, "taker": Row.TAKER, "taker_quote": Row.TAKER_QUOTE}


class HistoryMarket(SpineMarket):
    """A market of real candles.

    Parameters
    ----------
    source
        Path of a parquet, feather or CSV file of candles, a pandas frame of them, or a mapping of symbols to either.
        Columns: open time (``date``, ``open_time``, ``time``, ``timestamp`` or the index; UTC; timestamps or epoch
        numbers), open, high, low, close, volume; quote volume, number of trades and taker volumes where it has them.
    symbol
        The symbol of a single source; without it a file's name tells (``BTC_USDT-5m.feather``).
    seed
        Decides what is drawn: columns the file lacks, finer candles, trades and the book.
    interval
        The candles' interval where a single row cannot tell it.

    Raises
    ------
    ValidationError
        A source is not sorted, unique and on one grid of 1m to 1M, or its numbers cannot be served exactly.
    ConfigurationError
        Reading feather or parquet needs pyarrow.
    """

    def __init__(
        self,
        source: str | Path | pd.DataFrame | Mapping[str, Any],
        symbol: str | None = None,
        *,
        seed: int = 7,
        interval: str | None = None,
    ) -> None:
        sources: Mapping[str, Any] = source if isinstance(source, Mapping) else {symbol or _name_of(source): source}
        spines = {}
        for name, one in sources.items():
            label = Path(one).name if isinstance(one, str | Path) else f"frame of {name}"
            candles = read_candles(one, label, interval or _interval_in(one))
            spines[_plain(name)] = HistorySpine(candles, _plain(name), seed)
        if not spines:
            raise refuse("history", "no source is given", "Give a file, a frame, or a mapping of symbols to them.")
        super().__init__(spines, seed, max(spine.end_ms for spine in spines.values()))
        self._spines = spines

    @property
    def fingerprint(self) -> str:
        """What tells this history from every other: a digest of its symbols and of all numbers that were given."""
        return hashlib.sha256(b"".join(self._spines[symbol].digest() for symbol in sorted(self._spines))).hexdigest()


class HistorySpine:
    """The minutes inside one file's candles."""

    def __init__(self, file: CandleFile, symbol: str, seed: int) -> None:
        self._key = key_of(seed, symbol, "history")
        self._level, parents = _parents(file, generator(self._key, 0))
        interval = file.interval
        drawn = [line for name, line in _OPTIONAL.items() if name not in file.columns]
        self._given = interval.name, parents, [line for line in Row if line not in drawn]
        opens = parents[Row.TIME].tolist()
        ends = parents[Row.TIME] + interval.step_ms if not interval.monthly else None
        closes = [interval.close(time) + 1 for time in opens] if ends is None else ends.tolist()
        self.end_ms = int(closes[-1])
        base, quote = _split_symbol(symbol)
        self.listing = Listing(
            symbol=symbol,
            base=base,
            quote=quote,
            listed_ms=opens[0],
            price_exponent=-file.price_decimals,
            quantity_exponent=-file.quantity_decimals,
            usual_ticks=int(np.median(parents[Row.CLOSE])),
            outages=tuple((end, begin) for end, begin in zip(closes[:-1], opens[1:], strict=True) if begin > end),
        )
        if interval.step_ms > DAY_MS:
            parents = self._in_days(parents, np.array(closes))
        self._step = min(interval.step_ms, DAY_MS)
        self._parents = parents
        days = parents[Row.TIME] // DAY_MS
        self.first_day = int(days[0])
        count = int(days[-1]) - self.first_day + 1
        trades = np.zeros(count, np.int64)
        np.add.at(trades, days - self.first_day, parents[Row.TRADES])
        minutes = np.bincount(days - self.first_day, minlength=count) * (self._step // MINUTE_MS)
        self._trades = np.concatenate(([0], np.cumsum(trades)))
        self._merged = np.concatenate(([0], np.cumsum(merges(trades, minutes))))

    def digest(self) -> bytes:
        """A digest of what was given."""
        interval, rows, lines = self._given
        listing = self.listing
        named = (listing.symbol, interval, listing.price_exponent, listing.quantity_exponent, list(map(int, lines)))
        digest = hashlib.sha256(repr(named).encode())
        for line in lines:
            digest.update(rows[line].astype("<i8", copy=False))
        return digest.digest()

    def _in_days(self, parents: Ints, closes: Ints) -> Ints:
        """Candles longer than a day as days."""
        made = []
        for at, end in enumerate(closes.tolist()):
            one = parents[:, at : at + 1]
            days = (end - int(one[Row.TIME, 0])) // DAY_MS
            made.append(split(generator(self._key, -1 - at & 0xFFFFFFFF), one, days, DAY_MS, self._level))
        return np.concatenate(made, axis=1)

    def counts(self, last_day: int) -> tuple[Ints, Ints]:
        """Trades and merged trades before each day, cumulated; no more after the file's end."""
        del last_day
        return self._trades, self._merged

    def stretches(self, first_day: int, end_day: int) -> Iterator[Ints]:
        """The minutes of the days in [first_day, end_day), a day at a time."""
        for day in range(first_day, end_day):
            yield self.day(day).rows

    def day(self, day: int) -> Day:
        """The minutes of that day."""
        first, last = np.searchsorted(self._parents[Row.TIME], (day * DAY_MS, (day + 1) * DAY_MS)).tolist()
        if first == last:
            return Day(np.empty((len(Row), 0), np.int64), np.empty((len(Lot), 0), np.int64))
        rng = generator(self._key, day)
        rows = split(rng, self._parents[:, first:last], self._step // MINUTE_MS, MINUTE_MS, self._level)
        trades = rows[Row.TRADES]
        count = int(merges(np.array(trades.sum()), np.array(len(trades))))
        orders = trades - shares(count, np.maximum(0, trades - UNMERGED))
        lots = fit_lots(rng, rows, orders, self._level)
        given = rows.copy()
        total_up(rows, lots)
        rows[Row.VOLUME] = given[Row.VOLUME]
        if self._level >= 1:
            rows[Row.QUOTE] = given[Row.QUOTE]
        if self._level >= 2:
            rows[Row.TAKER :] = given[Row.TAKER :]
        return Day(rows, lots)


def _parents(file: CandleFile, rng: np.random.Generator) -> tuple[int, Ints]:
    """The file's candles as rows, with what it lacks as far as minutes cannot bring it; and the level of the given."""
    columns = file.columns
    rows = np.zeros((len(Row), len(file.time_ms)), np.int64)
    rows[Row.TIME] = file.time_ms
    for name, line in (
        ("open", Row.OPEN), ("high", Row.HIGH), ("low", Row.LOW), ("close", Row.CLOSE), ("volume", Row.VOLUME),
    ):  # fmt: skip
        rows[line] = columns[name]
    for name, line in _OPTIONAL.items():
        if name in columns:
            rows[line] = columns[name]
    if "trades" not in columns:
        rows[Row.TRADES] = _counts(rng, rows, file.interval.step_ms // MINUTE_MS)
    level = 2 if "taker" in columns else 1 if "quote" in columns else 0
    if level and "quote" not in columns:
        rows[Row.QUOTE] = rows[Row.OPEN : Row.CLOSE + 1].sum(axis=0) // 4 * rows[Row.VOLUME]
    if level == 2 and "taker_quote" not in columns:
        quote, volume = rows[Row.QUOTE].astype(object), np.maximum(1, rows[Row.VOLUME]).astype(object)
        rows[Row.TAKER_QUOTE] = (quote * rows[Row.TAKER].astype(object) // volume).astype(np.int64)
    _check(file, rows, level)
    return level, rows


def _counts(rng: np.random.Generator, rows: Ints, minutes: int) -> Ints:
    """Numbers of trades that fit volume and prices."""
    volume = rows[Row.VOLUME]
    flat = rows[Row.HIGH] == rows[Row.LOW]
    drawn = (minutes * TRADES_A_MINUTE * (0.6 + 0.8 * rng.random(len(volume)))).astype(np.int64)
    fit: Ints = np.maximum(np.minimum(drawn, volume // 8), np.where(flat, np.minimum(volume, 1), 4))
    return fit


def _check(file: CandleFile, rows: Ints, level: int) -> None:
    """Refuse columns that no set of trades could have."""

    def bad(mask: Any, what: str, column: str) -> None:
        if mask.any():
            when = np.datetime64(int(rows[Row.TIME][np.argmax(mask)]), "ms")
            raise refuse(file.label, f"{what} (at {when})", f"Drop the column {column}; it is then drawn.")

    opens, high, low, close = rows[Row.OPEN : Row.CLOSE + 1]
    trades, volume, quote = rows[Row.TRADES], rows[Row.VOLUME], rows[Row.QUOTE]
    worth_most = high.astype(np.float64) * volume
    running = np.concatenate(([0.0], np.cumsum(worth_most)))
    month = running[np.searchsorted(rows[Row.TIME], rows[Row.TIME] + MONTH_MS)] - running[:-1]
    if month.max() >= 2.0**64 or worth_most.max() >= 2.0**63:
        what = "a month's quote volume is too large for its decimals"
        raise refuse(file.label, what, "Round volume to fewer decimals.")
    touched = 1 + (opens != close) + (high > np.maximum(opens, close)) + (low < np.minimum(opens, close))
    needed = np.where((touched == 1) & (volume == 0), 0, touched)
    bad((trades < needed) | ((trades == 0) & (volume > 0)), "fewer trades than prices and volume need", "of trades")
    if level >= 1:
        bad((quote < low * volume) | (quote > high * volume), "quote volume outside low to high", "of quote volume")
    if level == 2:
        buy, worth = rows[Row.TAKER], rows[Row.TAKER_QUOTE]
        bad((buy < 0) | (buy > volume), "taker volume outside 0 to volume", "of taker volume")
        bad((worth < low * buy) | (worth > high * buy), "taker quote volume outside low to high", "of taker volume")
        sold, rest = volume - buy, quote - worth
        bad((rest < low * sold) | (rest > high * sold), "maker quote volume outside low to high", "of taker volume")


def _name_of(source: Any) -> str:
    if isinstance(source, str | Path):
        found = re.match(_FILE_NAME, Path(source).name)
        if found and _plain(found[1] + found[2]):
            return found[1] + found[2]
    raise refuse(
        str(source) if isinstance(source, str | Path) else "frame",
        "no symbol is given, and no file name tells one",
        'Say which: history={"BTCUSDT": source}.',
    )


def _interval_in(source: Any) -> str | None:
    if not isinstance(source, str | Path):
        return None
    found = re.search(r"[-_](\d+[smhdwM])(?:o|on)?[-_.]", Path(source).name)
    return found[1] if found and found[1] in INTERVALS else None


def _plain(symbol: str) -> str:
    return re.sub(r"[\W_]", "", symbol).upper()


def _split_symbol(symbol: str) -> tuple[str, str]:
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol[: -len(quote)], quote
    return symbol, "USDT"
