"""Every name of ``df.cx`` on frames of the paper exchange, and what other packages make of ``bt()``."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cryptox as cx
from cryptox.errors import ValidationError
from cryptox.show.accessor import Accessor

BACKENDS = ["pandas", "polars"]
NAMES = [name for name in vars(Accessor) if not name.startswith("_") and name != "plot"]  # plot takes all kinds
ARGUMENTS: dict[str, tuple[Any, ...]] = {"resample": ("1d",), "gaps": (), "returns": (), "bt": (), "large": (5000,)}
OF_CANDLES = NAMES[: NAMES.index("best_bid")]
OF_BOOKS = NAMES[NAMES.index("best_bid") : NAMES.index("value")]
OF_TRADES = NAMES[NAMES.index("value") :]


@pytest.fixture(scope="module")
def session() -> Iterator[cx.Session]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.connect(exchange) as connected:
        yield connected


@pytest.fixture(scope="module")
def hours(session: cx.Session) -> pd.DataFrame:
    frame = session.klines("BTCUSDT", "1h", 200)
    assert isinstance(frame, pd.DataFrame)
    return frame


def ask(frame: Any, name: str) -> Any:
    found = getattr(frame.cx, name)
    return found(*ARGUMENTS[name]) if name in ARGUMENTS else found


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exact", [False, True])
def test_every_name_on_the_frame_it_is_for(session: cx.Session, backend: str, exact: bool) -> None:
    form: dict[str, Any] = {"frame": backend, "exact": exact}
    frames = {
        "klines": (OF_CANDLES, session.klines("BTCUSDT", "1h", 60, **form)),
        "depth": (OF_BOOKS, session.depth("BTCUSDT", 10, **form)),
        "trades": (OF_TRADES, session.trades("BTCUSDT", 100, **form)),
        "agg_trades": (OF_TRADES, session.agg_trades("BTCUSDT", 100, **form)),
    }
    for kind, (own, frame) in frames.items():
        before = pickle.dumps(frame)
        for name in NAMES:
            if name not in own:
                with pytest.raises(ValidationError, match=rf"df\.cx\.{name}(\(\))? needs a frame of"):
                    ask(frame, name)
                continue
            found = ask(frame, name)
            if kind != "depth":
                told = cx.attrs(found)
                assert told["symbol"] == "BTCUSDT"
                assert told["venue"] == "paper"
                assert len(found) == (0 if name == "gaps" else 2 if name == "resample" else len(found))
        assert pickle.dumps(frame) == before
    book = frames["depth"][1]
    assert book.cx.best_bid < book.cx.mid < book.cx.best_ask
    assert book.cx.spread == book.cx.best_ask - book.cx.best_bid
    assert -1 <= book.cx.imbalance <= 1


def test_both_backends_agree(session: cx.Session) -> None:
    ours = [session.klines("BTCUSDT", "1h", 60, frame=backend) for backend in BACKENDS]
    for name in OF_CANDLES[4:]:
        left, right = (ask(frame, name).to_list() for frame in ours)
        assert left == right


def test_it_says_what_it_can_be_asked(hours: pd.DataFrame) -> None:
    assert repr(hours.cx).startswith("<cx of 200 rows: plot, resample, gaps, returns, bt, change")


def test_bt_is_what_the_contract_of_the_packages_asks(hours: pd.DataFrame) -> None:
    found = hours.cx.bt()
    assert found.columns.tolist() == ["Open", "High", "Low", "Close", "Volume"]
    assert type(found.index) is pd.DatetimeIndex
    assert found.index.tz is None
    assert found.index.is_monotonic_increasing
    assert found.index.is_unique
    assert not found.isna().any(axis=None)
    assert (found.to_numpy() == hours[["open", "high", "low", "close", "volume"]].to_numpy()).all()
    assert (found.index == hours.index.tz_localize(None)).all()


def test_backtesting_takes_bt_as_it_is(hours: pd.DataFrame) -> None:
    backtesting = pytest.importorskip("backtesting", reason="backtesting.py is not installed")

    class Holder(backtesting.Strategy):  # type: ignore[misc, name-defined, unused-ignore]  # a class found at run time
        def init(self) -> None: ...

        def next(self) -> None:
            if not self.position:
                self.buy(size=1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own, about pandas
        test = backtesting.Backtest(hours.cx.bt(), Holder, cash=1_000_000, finalize_trades=True)
        stats = test.run()
    (trade,) = stats["_trades"].to_dict("records")
    assert trade["EntryTime"] == hours.index[2].tz_localize(None)
    assert trade["EntryPrice"] == hours["open"].iloc[2]
    assert stats["Start"] == hours.index[0].tz_localize(None)


def test_mplfinance_takes_bt_as_it_is(hours: pd.DataFrame, tmp_path: Path) -> None:
    mplfinance = pytest.importorskip("mplfinance", reason="mplfinance is not installed")
    import matplotlib as mpl  # type: ignore[import-not-found, import-untyped, unused-ignore]  # comes with it

    mpl.use("Agg")
    mplfinance.plot(hours.cx.bt(), type="candle", volume=True, savefig=str(tmp_path / "candles.png"))
    assert (tmp_path / "candles.png").read_bytes().startswith(b"\x89PNG")


def test_vectorbt_takes_bt_as_it_is(hours: pd.DataFrame) -> None:
    vectorbt = pytest.importorskip("vectorbt", reason="vectorbt is not installed")
    frame = hours.cx.bt()
    held = vectorbt.Portfolio.from_holding(frame["Close"], init_cash=100.0, freq="1h")
    assert held.total_return() == pytest.approx(hours["close"].iloc[-1] / hours["close"].iloc[0] - 1)
    assert frame.vbt.ohlcv.close.equals(frame["Close"])
