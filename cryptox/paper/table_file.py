"""Candles read from a file or frame into exact integers."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cryptox.errors import ConfigurationError, ValidationError
from cryptox.model.interval import INTERVALS, MINUTE_MS, Interval

from .market import Ints

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CandleFile", "read_candles"]

DECIMALS = 8
MOST_DIGITS = 30  # before the point: no price or volume has so many
MANY = 12  # rows in a row at a longer spacing are another grid, not holes
EXACT = 10**15  # decimal numbers of so many units have one shortest text
NAMES: dict[str, tuple[str, ...]] = {
    "time": ("date", "open_time", "opentime", "time", "timestamp", "datetime"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume", "vol", "base_volume"),
    "quote": ("quote_volume", "quote_asset_volume", "quotevolume", "volume_quote"),
    "trades": ("trades", "count", "number_of_trades", "num_trades", "trade_count"),
    "taker": ("taker_buy_volume", "taker_buy_base_asset_volume", "taker_buy_base_volume", "taker_base_volume"),
    "taker_quote": ("taker_buy_quote_volume", "taker_buy_quote_asset_volume", "taker_quote_volume"),
}
_UNREADABLE = (
    *(ValueError, TypeError, LookupError, NotImplementedError, OSError, EOFError, MemoryError),
    *(zlib.error, zipfile.BadZipFile),
)
ARCHIVE = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CandleFile:
    """Columns of a file as integers; ``columns`` lacks what the file lacks."""

    label: str
    interval: Interval
    time_ms: Ints
    columns: dict[str, Ints]
    price_decimals: int
    quantity_decimals: int


def read_candles(source: Any, label: str, interval: str | None = None) -> CandleFile:
    """Candles of a path (parquet, feather, CSV) or a pandas frame.

    Raises
    ------
    ValidationError
        The candles are not sorted, not unique, not on one grid of 1m to 1M, or not numbers of up to 8 decimals.
    ConfigurationError
        Reading needs a package that is not installed.
    """
    frame = _load(source, label)
    found = _named(frame, label)
    time_ms = _times(found.pop("time"), label)
    decimals: dict[str, tuple[Any, int]] = {name: _exact(column, name, label) for name, column in found.items()}
    price = max(decimals[name][1] for name in ("open", "high", "low", "close"))
    quantity = max(decimals[name][1] for name in ("volume", "taker") if name in decimals)
    if "quote" in decimals or "taker_quote" in decimals:
        quote = max(decimals[name][1] for name in ("quote", "taker_quote") if name in decimals)
        quantity = max(quantity, quote - price)
    columns = {name: _scaled(*value, _places(name, price, quantity), name, label) for name, value in decimals.items()}
    _check_prices(columns, time_ms, label)
    return CandleFile(label, _grid(time_ms, label, interval), time_ms, columns, price, quantity)


def refuse(label: str, what: str, advice: str) -> ValidationError:
    """The error for a file that cannot be served."""
    return ValidationError(f"{label}: {what}", recovery_suggestions=[advice], context={"file": label})


def _load(source: Any, label: str) -> pd.DataFrame:
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return source
    path = Path(source)
    if not path.is_file():
        raise refuse(label, "there is no such file", "Check the path.")
    try:
        return _parsed(path, label)
    except _UNREADABLE as error:  # pandas', pyarrow's, zlib's and zipfile's words for the same
        what = " ".join(str(error).split())[:200]
        raise refuse(label, f"it cannot be read: {what}", "The file is damaged or of another kind.") from error


def _parsed(path: Path, label: str) -> pd.DataFrame:
    import pandas as pd

    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz", ".csv.zip")):
        head = pd.read_csv(path, header=None, nrows=1, dtype=str)
        bare = str(head.iat[0, 0]).strip().isdigit() and head.shape[1] == len(ARCHIVE)
        return pd.read_csv(path, header=None, names=list(ARCHIVE), dtype=str) if bare else pd.read_csv(path, dtype=str)
    if not name.endswith((".feather", ".arrow", ".parquet", ".pq")):
        raise refuse(label, f"{path.suffix or 'no suffix'} is not a known kind", "Use .parquet, .feather or .csv.")
    try:
        import pyarrow as pa  # noqa: F401  pandas would say it less clearly
    except ImportError as error:
        raise ConfigurationError(
            f"Reading {path.name} needs pyarrow, which is not installed",
            recovery_suggestions=['pip install "cryptox[arrow]"'],
        ) from error
    return pd.read_feather(path) if name.endswith((".feather", ".arrow")) else pd.read_parquet(path)


def _named(frame: pd.DataFrame, label: str) -> dict[str, Any]:
    spelled = {str(column).strip().lower().replace(" ", "_"): frame[column] for column in frame.columns}
    found: dict[str, Any] = {}
    for ours, theirs in NAMES.items():
        name = next((name for name in theirs if name in spelled), None)
        if name is not None:
            found[ours] = spelled[name]
    if "time" not in found and (frame.index.name is not None or frame.index.dtype.kind == "M"):
        found["time"] = frame.index.to_series()
    missing = [name for name in ("time", "open", "high", "low", "close", "volume") if name not in found]
    if missing:
        has = ", ".join(map(str, frame.columns))
        raise refuse(label, f"no column for {', '.join(missing)} (it has: {has})", "Rename the columns.")
    if not len(frame):
        raise refuse(label, "no rows", "Give a file with candles.")
    return found


def _times(column: Any, label: str) -> Ints:
    import pandas as pd

    if column.dtype.kind not in "iuM" and not isinstance(column.dtype, pd.DatetimeTZDtype):
        numbers = pd.to_numeric(column, errors="coerce")
        are_whole = (numbers.abs() < 2**62).all()  # not so of NaN and infinities
        column = numbers.astype("int64") if are_whole else _read_times(column, label)
    if column.isna().any():
        raise refuse(label, "an open time is missing", "Drop the rows without a time.")
    if column.dtype.kind in "iu":
        units = column.to_numpy(np.int64)
        if (units == np.iinfo(np.int64).min).any():
            raise refuse(label, "an open time is beyond 64 bits", "Write open times as milliseconds since 1970.")
        top = int(np.abs(units).max())
        factor = next(f for bound, f in ((10**17, 1_000_000), (10**14, 1000), (10**11, 1), (0, -1000)) if top >= bound)
        if factor > 0 and (units % factor).any():
            raise refuse(label, "open times finer than a millisecond", "Floor the times to the interval.")
        whole: Ints = units // factor if factor > 0 else units * -factor
        return whole
    stamps = pd.DatetimeIndex(column)
    stamps = stamps.tz_convert("UTC").tz_localize(None) if stamps.tz is not None else stamps
    result: Ints = stamps.to_numpy().astype("M8[ms]").view(np.int64)
    return result


def _read_times(column: Any, label: str) -> Any:
    """Times that were written as text."""
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that each time is read by itself, which is wanted
            return pd.to_datetime(column, utc=True)
    except (ValueError, TypeError, OverflowError) as error:
        strange = next((text for text in column if not _is_time(text)), "?")
        advice = "Write open times like 2024-06-01 12:00, all in one way, or as whole milliseconds since 1970."
        raise refuse(label, f"{strange!r} is not a time that can be read", advice) from error


def _is_time(text: Any) -> bool:
    """Whether a text is a time by itself."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return not pd.isna(pd.to_datetime(text, utc=True, errors="coerce"))


def _exact(column: Any, name: str, label: str) -> tuple[Any, int]:
    """A column's values as they were written, and the most decimals among them."""
    if column.isna().any():
        raise refuse(label, f"{name} has missing values", "Drop those rows: a hole is served as an outage.")
    if column.dtype.kind in "iu":
        return column.to_numpy(np.int64), 0
    if column.dtype.kind == "f":
        values = column.to_numpy(np.float64)
        for places in range(DECIMALS + 1):
            units = np.rint(values * 10.0**places)
            if (np.abs(units) < EXACT).all() and (units / 10.0**places == values).all():
                return values, places
        column = [Decimal(repr(value)) for value in values.tolist()]
    try:
        numbers = [Decimal(str(value).strip()) for value in column]
        places = max(-int(number.normalize().as_tuple().exponent) for number in numbers)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise refuse(label, f"{name} holds something that is not a number", "Clean the column.") from error
    if any(number.adjusted() > MOST_DIGITS for number in numbers):
        raise refuse(label, f"{name} holds a number beyond any", "Clean the column.")
    if places > DECIMALS:
        raise refuse(label, f"{name} has {places} decimals", f"Round it to at most {DECIMALS} decimals.")
    return numbers, max(0, places)


def _places(name: str, price: int, quantity: int) -> int:
    if name == "trades":
        return 0
    if name in ("quote", "taker_quote"):
        return price + quantity
    return quantity if name in ("volume", "taker") else price


def _scaled(values: Any, own: int, places: int, name: str, label: str) -> Ints:
    """Integers of ``10**-places``."""
    if own > places:
        raise refuse(label, f"{name} has decimals it cannot have", "Give whole numbers of trades.")
    if isinstance(values, np.ndarray):
        units = values if values.dtype.kind == "i" else np.rint(values * 10.0**own).astype(np.int64)
        numbers = [int(top) for top in (units.max(), -units.min())]
        factor = 10 ** (places - own)
        if max(numbers) * factor < 2**63:
            result: Ints = units * factor
            return result
    else:
        exact = [int(value.scaleb(places)) for value in values]
        if max(map(abs, exact)) < 2**63:
            return np.array(exact, np.int64)
    raise refuse(label, f"{name} is too large for its decimals", "Round prices and volumes to fewer decimals.")


def _check_prices(columns: dict[str, Ints], time_ms: Ints, label: str) -> None:
    opens, high, low, close = (columns[name] for name in ("open", "high", "low", "close"))
    bad = (low > np.minimum(opens, close)) | (high < np.maximum(opens, close)) | (low <= 0) | (columns["volume"] < 0)
    if bad.any():
        when = np.datetime64(int(time_ms[np.argmax(bad)]), "ms")
        raise refuse(label, f"the candle of {when} is none: low <= open, close <= high, 0 < low must hold", "Mend it.")


def _grid(time_ms: Ints, label: str, named: str | None) -> Interval:
    steps = np.diff(time_ms)
    if (steps <= 0).any():
        at = np.datetime64(int(time_ms[int(np.argmax(steps <= 0)) + 1]), "ms")
        if (steps < 0).any():
            raise refuse(label, f"rows are not sorted by time (at {at})", "Sort them: frame.sort_values('date').")
        raise refuse(label, f"more than one row at {at}", "Drop duplicates: frame.drop_duplicates('date').")
    interval = INTERVALS.get(named or "") if not len(steps) else _interval_of(time_ms, steps)
    if interval is None or interval.step_ms < MINUTE_MS:
        raise refuse(label, "its spacing is none of 1m to 1M", "Resample it to one interval of the exchange.")
    if interval.monthly:
        return interval
    off = (time_ms - interval.offset_ms) % interval.step_ms != 0
    if off.any():
        at = np.datetime64(int(time_ms[np.argmax(off)]), "ms")
        raise refuse(label, f"mixed grids: {at} is not on the {interval.name} grid", "Resample it to one interval.")
    begins = np.flatnonzero(np.diff(steps, prepend=0))
    coarse = (np.diff(begins, append=len(steps)) >= MANY) & (steps[begins] > interval.step_ms)
    if coarse.any():
        at = np.datetime64(int(time_ms[begins[np.argmax(coarse)]]), "ms")
        raise refuse(label, f"mixed grids: from {at} on the spacing is another", "Give one interval a file.")
    return interval


def _usual(steps: Ints) -> int:
    values, counts = np.unique(steps, return_counts=True)
    return int(values[np.argmax(counts)])


def _interval_of(time_ms: Ints, steps: Ints) -> Interval | None:
    month = INTERVALS["1M"]
    if int(steps.min()) >= month.step_ms and all(month.floor(time) == time for time in time_ms.tolist()):
        return month
    usual = _usual(steps)
    return next((interval for interval in INTERVALS.values() if interval.step_ms == usual), None)
