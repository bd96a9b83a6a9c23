"""The real 5-minute history of 2024, served by the paper exchange: the client gives exactly the files' numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import cryptox as cx

pytestmark = pytest.mark.slow

FILES = {"5m": "5m", "15m": "15m", "1h": "1h", "4h": "4h", "1d": "1d", "1w": "1w", "1M": "1Mo"}
COLUMNS = ["open", "high", "low", "close"]


@pytest.fixture(scope="module")
def history(shared: Path) -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(history=shared / "data/genetrader/BTC_USDT-5m.feather") as exchange:
        yield exchange


@pytest.mark.parametrize("interval", FILES)
@pytest.mark.parametrize("encoding", ["json", "sbe"])
def test_bulk_gives_the_files_numbers(interval: str, encoding: str, history: cx.PaperExchange, shared: Path) -> None:
    source = pd.read_feather(shared / f"data/genetrader/BTC_USDT-{FILES[interval]}.feather").set_index("date")
    source.index = source.index.as_unit("ms")
    with cx.connect(history, encoding=encoding) as session:
        frame = session.klines_bulk("BTCUSDT", interval)
    five = pd.read_feather(shared / "data/genetrader/BTC_USDT-5m.feather")["date"]
    begin, end = five.iloc[0], five.iloc[-1] + pd.Timedelta("5min")
    # Buckets that the 5-minute file covers as a whole.
    whole = source[(source.index >= begin)]
    closes = [*whole.index[1:], None]
    whole = whole[[close is not None and close <= end for close in closes]]
    part = frame.loc[whole.index[0] : whole.index[-1]]
    assert len(whole) >= 7
    assert part.index.equals(whole.index.rename("open_time"))
    for name in COLUMNS:
        assert part[name].tolist() == whole[name].tolist(), name
    if interval == "5m":
        assert part["volume"].tolist() == whole["volume"].tolist()
    else:  # the file was summed as floats by its maker; ours are sums of exact numbers
        assert part["volume"].to_numpy() == pytest.approx(whole["volume"].to_numpy(), rel=1e-12)
