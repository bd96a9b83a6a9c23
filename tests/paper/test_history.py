"""Real history is served number by number, and what is drawn inside it adds up to it."""

from __future__ import annotations

import builtins
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.errors import ConfigurationError, ValidationError
from cryptox.model.interval import INTERVALS
from cryptox.paper.history import HistoryMarket
from cryptox.paper.market import Candles

START = 1_704_067_200_000  # 2024-01-01
PRICES = ("open", "high", "low", "close")
SUMS = ("volume", "quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume")


def candles(market: HistoryMarket, interval: str, start: int = 0, end: int = 1 << 60, **more: Any) -> Candles:
    (symbol,) = market.listings
    assert market.end_ms is not None
    now = more.pop("now_ms", market.end_ms)
    return market.candles(
        symbol, INTERVALS[interval], start_ms=start, end_ms=end, limit=10**6, newest=True, now_ms=now, **more
    )


def texts(values: list[int], exponent: int) -> list[Decimal]:
    return [Decimal(value).scaleb(exponent) for value in values]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "symbol"), [("BTC_USDT-5m", "BTCUSDT"), ("ETH_USDT-1h", "ETHUSDT"), ("PEPE_USDT-1h", "PEPEUSDT")]
)
def test_real_files_are_served_exactly_at_every_interval_there_is_a_file_for(
    shared: Path, name: str, symbol: str
) -> None:
    folder = shared / "data" / "genetrader"
    market = HistoryMarket(folder / f"{name}.feather")
    listing = market.listings[symbol]
    compared = 0
    for path in sorted(folder.glob(f"{name.partition('-')[0]}-*.feather")):
        interval = path.stem.partition("-")[2].replace("1Mo", "1M")
        found = candles(market, interval)
        frame = pd.read_feather(path)
        times = frame["date"].astype("datetime64[ms, UTC]").astype("int64").to_numpy()
        assert market.end_ms is not None
        ours = found.close_time < market.end_ms  # whole buckets
        theirs = np.isin(times, found.open_time[ours])
        both = np.isin(found.open_time, times) & ours
        assert both.sum() == theirs.sum() > 0
        if interval in ("1d", "1w", "1M"):
            assert both.sum() >= ours.sum() - 1
        for column in ("open", "high", "low", "close", "volume"):
            exponent = listing.quantity_exponent if column == "volume" else listing.price_exponent
            expected = [Decimal(repr(value)) for value in frame[column].to_numpy()[theirs].tolist()]
            assert texts(getattr(found, column)[both].tolist(), exponent) == expected
        compared += int(both.sum())
    assert compared > 6000


def test_a_month_beyond_int64_is_still_right(shared: Path) -> None:
    market = HistoryMarket(shared / "data" / "genetrader" / "BTC_USDT-5m.feather")
    month, days = candles(market, "1M"), candles(market, "1d")
    assert month.quote_volume.max() > 2**63
    inside = (days.open_time >= month.open_time[2]) & (days.open_time <= month.close_time[2])
    assert int(month.quote_volume[2]) == sum(days.quote_volume[inside].tolist())


def frame_of(rows: list[dict[str, Any]], step_ms: int = 300_000, **columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    frame.insert(0, "open_time", [START + i * step_ms for i in range(len(rows))])
    return frame.assign(**columns)


@st.composite
def histories(draw: st.DrawFn) -> tuple[pd.DataFrame, str]:
    """Candles that a set of trades could have made, with all, some or none of the optional columns."""
    interval = draw(st.sampled_from(["1m", "3m", "5m", "1h", "4h", "1d", "3d", "1w"]))
    given_columns = draw(st.sampled_from(["none", "count", "quote", "all"]))
    rows = []
    for _ in range(draw(st.integers(1, 5))):
        trades = [
            (draw(st.integers(90, 400)), draw(st.integers(1, 10 ** draw(st.integers(1, 7)))), draw(st.booleans()))
            for _ in range(draw(st.integers(8, 14)))
        ]
        prices = [price for price, _, _ in trades]
        taken = [trade for trade in trades if trade[2]]
        row = {
            "Open": prices[0], "High": max(prices), "Low": min(prices), "Close": prices[-1],
            "Volume": sum(steps for _, steps, _ in trades),
        }  # fmt: skip
        if given_columns in ("count", "all"):
            row["count"] = len(trades) + draw(st.sampled_from([0, 0, 3000]))
        if given_columns in ("quote", "all"):
            row["quote_volume"] = sum(price * steps for price, steps, _ in trades)
        if given_columns == "all":
            row["taker_buy_volume"] = sum(steps for _, steps, _ in taken)
            row["taker_buy_quote_volume"] = sum(price * steps for price, steps, _ in taken)
        rows.append(row)
    start = INTERVALS[interval].ceil(START)
    frame = pd.DataFrame(rows)
    frame.insert(0, "timestamp", [INTERVALS[interval].shift(start, i) for i in range(len(rows))])
    return frame, interval


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(0, 2**32))
def test_what_is_drawn_inside_adds_up(history: tuple[pd.DataFrame, str], place: int) -> None:
    frame, interval = history
    market = HistoryMarket(frame, "XYUSDT", interval=interval)
    found = candles(market, interval)
    names = {
        "Open": "open", "High": "high", "Low": "low", "Close": "close", "Volume": "volume", "count": "trades",
        "quote_volume": "quote_volume", "taker_buy_volume": "taker_buy_volume",
        "taker_buy_quote_volume": "taker_buy_quote_volume",
    }  # fmt: skip
    for theirs, ours in names.items():
        if theirs in frame:
            assert getattr(found, ours).tolist() == frame[theirs].tolist()
    assert (found.quote_volume >= found.low * found.volume).all()
    assert (found.quote_volume <= found.high * found.volume).all()
    minutes = candles(market, "1m")
    for column in SUMS:
        assert getattr(minutes, column).sum() == getattr(found, column).sum()
    assert minutes.open[0] == found.open[0]
    assert minutes.close[-1] == found.close[-1]
    assert minutes.high.max() == found.high.max()
    assert minutes.low.min() == found.low.min()
    busy = np.flatnonzero(minutes.trades)
    at = int(busy[place % len(busy)])
    open_ms = int(minutes.open_time[at])
    (symbol,) = market.listings
    tape = market.tape(
        symbol, market.last_trade_id(symbol, open_ms - 1) + 1, market.last_trade_id(symbol, open_ms + 59_999), 1 << 50
    )
    assert (tape.price[0], tape.price[-1]) == (minutes.open[at], minutes.close[at])
    assert (tape.price.max(), tape.price.min()) == (minutes.high[at], minutes.low[at])
    assert len(tape.id) == minutes.trades[at]
    assert tape.quantity.sum() == minutes.volume[at]
    assert (tape.quantity * tape.price).sum() == minutes.quote_volume[at]
    taken = ~tape.buyer_is_maker
    assert tape.quantity[taken].sum() == minutes.taker_buy_volume[at]
    assert (tape.quantity * tape.price)[taken].sum() == minutes.taker_buy_quote_volume[at]
    seconds = candles(market, "1s", open_ms, open_ms + 60_000)
    for column in SUMS:
        assert getattr(seconds, column).sum() == getattr(minutes, column)[at]


ROW = {"open": 1.5, "high": 2.0, "low": 1.25, "close": 1.75, "volume": 100.0}


@pytest.mark.parametrize("suffix", ["csv", "feather", "parquet"])
def test_every_kind_of_file_gives_the_same(tmp_path: Path, suffix: str) -> None:
    frame = frame_of([ROW, {**ROW, "volume": 12.345}] * 20)
    path = tmp_path / f"ada-usdt-5m.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else getattr(frame, f"to_{suffix}")(path)
    market = HistoryMarket(str(path))
    assert list(market.listings) == ["ADAUSDT"]
    listing = market.listings["ADAUSDT"]
    assert (listing.price_exponent, listing.quantity_exponent) == (-2, -3)
    found = candles(market, "5m")
    assert found.volume.tolist() == [100_000, 12_345] * 20
    assert market.end_ms == START + 40 * 300_000
    plain = HistoryMarket({"ADA/USDT": frame})
    assert plain.fingerprint == market.fingerprint
    assert candles(plain, "1m").quote_volume.tolist() == candles(market, "1m").quote_volume.tolist()


def test_every_number_of_a_history_tells_it_from_others() -> None:
    rows = [ROW, {**ROW, "volume": 12.345}] * 20
    frame = frame_of(rows)
    frames = {
        "it": frame,
        "shorter": frame_of(rows[:-1]),
        "later": frame_of(rows).assign(open_time=frame["open_time"] + 300_000),
        "counted": frame.assign(trades=50),
        "counted otherwise": frame.assign(trades=[*[50] * 39, 51]),
        "valued": frame.assign(quote_volume=frame["volume"] * 1.75),
        **{name: frame.assign(**{name: [*frame[name][:-1], value]}) for name, value in (
            ("open", 1.51), ("high", 2.01), ("low", 1.24), ("close", 1.76), ("volume", 12.346),
        )},
    }  # fmt: skip
    prints = {name: HistoryMarket({"ADAUSDT": one}).fingerprint for name, one in frames.items()}
    prints["named otherwise"] = HistoryMarket({"ADABTC": frame}).fingerprint
    prints["two"] = HistoryMarket({"ADAUSDT": frame, "ADABTC": frame}).fingerprint
    assert len(set(prints.values())) == len(prints)
    assert HistoryMarket({"ADAUSDT": frame}, seed=9).fingerprint == prints["it"]  # what is drawn is the seed's
    assert HistoryMarket({"ADABTC": frame, "ADAUSDT": frame}).fingerprint == prints["two"]


def test_candles_longer_than_a_day_are_told_apart_too() -> None:
    weeks = frame_of([ROW] * 20).assign(open_time=[START + at * 7 * 86_400_000 for at in range(20)])
    other = weeks.assign(volume=[*[100.0] * 19, 101.0])
    prints = [HistoryMarket({"ADAUSDT": one}).fingerprint for one in (weeks, weeks.copy(), other)]
    assert prints[0] == prints[1] != prints[2]


def test_a_bare_archive_file_in_microseconds(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m-2025-01.csv"
    line = "{},93576.00,93610.93,93537.50,93610.93,8.21827,{},768978.31,8,2.1,196500.0,0\n"
    path.write_text("".join(line.format(START * 1000 + i * 60_000_000, 0) for i in range(3)))
    found = candles(HistoryMarket(path), "1m")
    assert found.open.tolist() == [9357600] * 3
    assert found.open_time.tolist() == [START, START + 60_000, START + 120_000]
    assert found.quote_volume.tolist() == [76_897_831 * 10**5] * 3


@pytest.mark.parametrize("form", ["s", "ms", "us", "naive", "aware", "text", "index"])
def test_times_in_every_form(form: str) -> None:
    frame = frame_of([ROW] * 3)
    stamps = pd.to_datetime(frame["open_time"], unit="ms")
    forms: dict[str, Any] = {
        "s": frame["open_time"] // 1000, "ms": frame["open_time"], "us": frame["open_time"] * 1000,
        "naive": stamps, "aware": stamps.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
        "text": stamps.dt.strftime("%Y-%m-%d %H:%M:%S"),
    }  # fmt: skip
    if form == "index":
        frame = frame.drop(columns="open_time").set_index(pd.DatetimeIndex(stamps))
    else:
        frame["open_time"] = forms[form]
    assert candles(HistoryMarket(frame, "XYUSDT"), "5m").open_time.tolist() == [START + i * 300_000 for i in range(3)]


def test_a_hole_is_an_outage() -> None:
    frame = frame_of([ROW] * 30).drop(index=range(10, 14))
    market = HistoryMarket(frame, "XYUSDT")
    assert market.listings["XYUSDT"].outages == ((START + 10 * 300_000, START + 14 * 300_000),)
    assert len(candles(market, "5m").open) == 26
    assert len(candles(market, "1m", START + 50 * 60_000, START + 70 * 60_000).open) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.iloc[::-1], "not sorted"),
        (lambda f: pd.concat([f, f.tail(1)]), "more than one row"),
        (lambda f: f.assign(open_time=f["open_time"] + 1000), "mixed grids"),
        (lambda f: f.assign(open_time=START + np.cumsum(np.where(np.arange(40) < 20, 1, 3)) * 300_000), "mixed grids"),
        (lambda f: f.assign(open_time=START + np.arange(40) * 7 * 60_000), "spacing"),
        (lambda f: f.assign(high=1.0), "is none"),
        (lambda f: f.assign(volume=0.1 + 0.2), "decimals"),
        (lambda f: f.assign(close=None), "missing values"),
        (lambda f: f.assign(trades=1), "fewer trades"),
        (lambda f: f.assign(quote_volume=1.0), "outside low to high"),
        (lambda f: f.assign(open_time=["2024-06-01", "no time"] * 20), "'no time' is not a time"),
        (lambda f: f.drop(columns="low"), "no column for low"),
        (lambda f: f.head(0), "no rows"),
    ],
)
def test_what_cannot_be_served_is_refused_with_advice(change: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        HistoryMarket(change(frame_of([ROW] * 40)), "XYUSDT")
    assert caught.value.recovery_suggestions


def test_files_that_are_not_there_or_unknown_or_unnamed(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="no such file"):
        HistoryMarket(tmp_path / "BTC_USDT-5m.feather")
    (tmp_path / "BTC_USDT-5m.xls").write_text("")
    with pytest.raises(ValidationError, match="known kind"):
        HistoryMarket(tmp_path / "BTC_USDT-5m.xls")
    with pytest.raises(ValidationError, match="no symbol"):
        HistoryMarket(frame_of([ROW] * 3))


def test_feather_without_pyarrow_names_the_install_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "BTC_USDT-5m.feather"
    frame_of([ROW] * 3).to_feather(path)
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name == "pyarrow":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError) as caught:
        HistoryMarket(path)
    assert caught.value.recovery_suggestions == ['pip install "cryptox[arrow]"']
