"""After something went wrong: what was fetched stays right and stays there, and suggestions work as they are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

import cryptox as cx
from cryptox.errors import BadSymbol, ConfigurationError, CryptoxError, NetworkError, ValidationError


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as running:
        yield running


@pytest.fixture
def session(exchange: cx.PaperExchange) -> Iterator[cx.Session]:
    with cx.connect(exchange, timeout=1) as connected:
        yield connected


def test_writing_into_a_partial_frame_does_not_reach_the_next_call(
    exchange: cx.PaperExchange, session: cx.Session
) -> None:
    whole = session.klines_bulk("BTCUSDT", "1h", 2000)
    exchange.faults.add("status", code=502, path="klines", after=1)
    partial = session.klines_bulk("BTCUSDT", "1h", 2000, on_error="partial")
    exchange.faults.clear()
    assert len(partial) == 1000
    partial.loc[:, "close"] = 0.0  # in place, where a whole new column would leave the memory as it is
    assert session.klines_bulk("BTCUSDT", "1h", 2000).equals(whole)


def test_another_call_in_between_takes_nothing_away(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange, timeout=10, max_in_flight=1) as session:  # of two at once one may be given up in flight
        _keeps(exchange, session)


def _keeps(exchange: cx.PaperExchange, session: cx.Session) -> None:
    fault = exchange.faults.add("status", code=403, path="klines", after=2, when=_asks("BTCUSDT"))
    with pytest.raises(NetworkError):
        session.klines_bulk("BTCUSDT", "1h", 6000)
    kept = len(session.last_partial())
    assert kept == 2000
    assert len(session.klines_bulk("ETHUSDT", "1h", 3000)) == 3000
    exchange.faults.add("status", code=403, path="klines", when=_asks("BNBUSDT"))
    with pytest.raises(NetworkError):
        session.klines_bulk("BNBUSDT", "1h", 3000)
    exchange.faults.remove(fault)
    exchange.requests.clear()
    assert len(session.klines_bulk("BTCUSDT", "1h", 6000)) == 6000
    assert len(exchange.requests.of("klines")) == 6 - kept // 1000
    assert len(session.last_partial()) == 0  # that of BNBUSDT, of which nothing came


def _asks(symbol: str) -> Callable[[Any], bool]:
    return lambda seen: seen.params.get("symbol") == symbol


@pytest.mark.parametrize("fault", [{"kind": "status", "code": 503}, {"kind": "reset"}])
def test_an_outage_of_seconds_does_not_end_a_download(exchange: cx.PaperExchange, fault: dict[str, Any]) -> None:
    with cx.connect(exchange, timeout=4) as session:
        whole = session.klines_bulk("BTCUSDT", "1m", 40_000)
        exchange.faults.add(**fault, path="klines", seconds_long=1.5)
        assert session.klines_bulk("BTCUSDT", "1m", 40_000).equals(whole)


@pytest.mark.parametrize(
    ("call", "args", "kwargs"),
    [
        ("klines", ("BTCUSTD", "4h"), {"limit": 5}),
        ("klines", ("BTCUSDT", "1h", 5000), {}),
        ("klines_bulk", ("BTCUSTD", "1h", 1500), {}),
        ("klines_bulk", (["BTCUSDT", "ETH/USTD"], "1d", 3), {}),
        ("trades_bulk", ("BTCUSTD", 1200), {}),
        ("agg_trades", ("BTCUSDT",), {"start": "2024-05-31 00:00", "end": "2024-05-31 12:00"}),
        ("symbol", ("BTCUSTD",), {}),
        ("prices", (["BTCUSDT", "ETHUSTD"],), {}),
        ("prices", (["BTCUSDT", "btcusdt"],), {}),
        ("ticker", ("BTCUSDT", "25h"), {}),
    ],
)
def test_every_suggestion_works_as_it_is(
    session: cx.Session, call: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    with pytest.raises(CryptoxError) as caught:
        getattr(session, call)(*args, **kwargs)
    assert caught.value.context["operation"] == call
    suggested = dict(caught.value.suggested or {})
    assert suggested.pop("call") in (call, f"{call}_bulk", "trades_bulk")
    better = getattr(session, caught.value.suggested["call"])(**suggested)  # type: ignore[index]
    if call == "symbol":
        assert better.symbol == "BTCUSDT"
        return
    assert len(better) > 0
    if call == "klines_bulk" and isinstance(args[0], list):
        assert list(dict.fromkeys(better.index.get_level_values("symbol"))) == ["BTCUSDT", "ETHUSDT"]


def test_a_wrong_call_is_refused_whatever_on_error_says(exchange: cx.PaperExchange, session: cx.Session) -> None:
    with pytest.raises(ValidationError, match="more than 5,000,000"):
        session.klines_bulk("BTCUSDT", "1s", on_error="partial")
    with pytest.raises(BadSymbol):
        session.klines_bulk("NOSUCH", "1h", 5)
    assert len(session.klines_bulk("NOSUCH", "1h", 5, on_error="partial")) == 0


def test_an_error_before_the_first_page_knows_what_was_wanted(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("status", code=502)
    with cx.connect(exchange, timeout=0.5) as session, pytest.raises(NetworkError) as caught:
        session.klines_bulk("BTCUSDT", "1h", start="2024-05-01", end="2024-05-02")
    error = caught.value
    assert error.missing == [["BTCUSDT", "2024-05-01T00:00:00Z", "2024-05-02T00:00:00Z"]]
    assert error.partial.attrs["missing"] == error.missing
    assert error.partial.attrs["interval"] == "1h"
    assert len(error.partial) == 0
    assert error.context["operation"] == "klines_bulk"


def test_without_a_start_only_what_is_known_is_called_missing(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("status", code=502)
    hour = pd.Timestamp.now("UTC").floor("h")
    with cx.connect(exchange, timeout=0.2) as session:
        calls = [
            lambda: session.klines_bulk("BTCUSDT", "1h", 48),
            lambda: session.klines_bulk("BTCUSDT", "1h"),
            lambda: session.trades_bulk("BTCUSDT", 2000),
        ]
        told = []
        for call in calls:
            with pytest.raises(NetworkError) as caught:
                call()
            assert cx.attrs(caught.value.partial)["missing"] == caught.value.missing
            told += caught.value.missing
    starts, ends = ([row[at] for row in told] for at in (1, 2))
    # Exchange time is not known either: this machine's stands for it.
    assert [pd.Timestamp(end).floor("h") for end in ends] == pytest.approx([hour] * 3, abs=pd.Timedelta("1h"))
    assert pd.Timestamp(ends[0]) - pd.Timestamp(starts[0]) == pd.Timedelta("48h")
    assert starts[1:] == [None, None]


@pytest.mark.parametrize("known", [False, True], ids=["ids-unknown", "ids-known"])
def test_trades_by_number_have_no_time_before_they_are_there(
    known: bool, exchange: cx.PaperExchange, session: cx.Session
) -> None:
    exchange.faults.add("status", code=403, path="aggTrades", when=lambda seen: ("fromId" in seen.params) is known)
    with pytest.raises(NetworkError) as caught:
        session.trades_bulk("BTCUSDT", 2000)
    assert caught.value.missing == [["BTCUSDT", None, "2024-06-01T12:00:00Z"]]


def test_calls_without_a_symbol_learn_the_limits_too() -> None:
    with (
        cx.PaperExchange(clock="2024-06-01", limits={"REQUEST_WEIGHT": (120, "2s")}) as exchange,
        cx.connect(exchange, timeout=5) as session,
    ):
        for _ in range(60):
            session.prices()
        assert {request.status for request in exchange.requests} == {200}


def test_closing_a_session_under_a_download_says_so(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("latency", seconds=0.2)
    session = cx.connect(exchange, max_in_flight=1)
    raised: list[BaseException] = []

    def download() -> None:
        try:
            session.klines_bulk("BTCUSDT", "1h", 20_000)
        except CryptoxError as error:
            raised.append(error)

    thread = threading.Thread(target=download)
    thread.start()
    while not exchange.requests.of("klines"):
        thread.join(0.01)
    session.close()
    thread.join(10)
    assert [type(error) for error in raised] == [ConfigurationError]


def test_the_default_session_stays_where_it_is(exchange: cx.PaperExchange) -> None:
    cx.use(exchange, exact=False)
    try:
        moved = cx.use(frame="polars")
        assert moved.venue.hosts.rest == exchange.rest_url
        assert type(cx.prices("BTCUSDT")).__module__.startswith("polars")
        assert cx.use(exact=True).form == ("polars", True)
    finally:
        cx.use("paper", frame="pandas", exact=False)


def test_one_symbol_is_named_as_text(session: cx.Session) -> None:
    for call in (session.prices, session.book_ticker, session.ticker):
        assert cx.attrs(call("BTCUSDT"))["symbol"] == "BTCUSDT"
        assert cx.attrs(call(["BTCUSDT"]))["symbol"] == ["BTCUSDT"]


def test_a_proxys_password_is_not_shown(exchange: cx.PaperExchange) -> None:
    session = cx.connect(exchange, proxy="http://user:sentinel@127.0.0.1:1")
    assert "sentinel" not in repr(session.settings) + repr(session)
