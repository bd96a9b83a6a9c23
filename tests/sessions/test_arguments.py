"""Nonsense in every argument: refused by an error of ours, before a single request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cryptox as cx
from cryptox.errors import ConfigurationError, CryptoxError, ValidationError
from cryptox.sessions.session import open_session

FLAGS: tuple[Any, ...] = ("no", 1, [], pd.NA, pd.DataFrame({"a": [1]}), np.array([1, 2]))


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        yield exchange


@pytest.fixture
def session(exchange: cx.PaperExchange) -> Iterator[Any]:
    with cx.connect(exchange) as session:
        exchange.requests.clear()
        yield session


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        *(("klines", {"include_unfinished": flag}) for flag in (*FLAGS, None)),
        *(("klines_bulk", {"include_unfinished": flag}) for flag in FLAGS),
        *(("depth", {"exact": flag}) for flag in FLAGS),
        *(("klines_bulk", {"progress": one}) for one in (1, 0, "yes", [], object())),
        *(("trades_bulk", {"progress": one}) for one in (1, "yes")),
        *((call, {"from_id": one}) for call in ("agg_trades", "trades_bulk") for one in (-1, "5", 5.0, True, 2**63)),
        *(("ticker", {"frame": one}) for one in (1, pd.DataFrame(), np.array(["pandas"]), pd.NA)),
        ("klines_bulk", {"on_error": pd.NA}),
        ("ticker", {"window": pd.NA}),
        ("klines_bulk", {"symbol": np.array("BTCUSDT")}),
        ("prices", {"symbol": pd.DataFrame({"symbol": ["BTCUSDT"]})}),
    ],
)
def test_is_refused_before_a_request(
    exchange: cx.PaperExchange, session: Any, call: str, arguments: dict[str, Any]
) -> None:
    given = {"symbol": "BTCUSDT", **arguments}
    symbol = given.pop("symbol")
    with pytest.raises(CryptoxError) as caught:
        getattr(session, call)(symbol, **given)
    assert isinstance(caught.value, (ValidationError, ConfigurationError))
    assert caught.value.recovery_suggestions
    assert exchange.requests.total == 0


@pytest.mark.parametrize("kind", [pd.Series, pd.Index, np.array, tuple, iter, set])
def test_a_column_of_symbols_is_a_list(session: Any, kind: Any) -> None:
    names = ["ETHUSDT", "ADAUSDT", "BTCUSDT"]
    order = sorted(names) if kind is set else names
    assert session.prices(kind(names)).index.tolist() == order
    bulk = session.klines_bulk(kind(names), "1d", 2)
    assert list(dict.fromkeys(bulk.index.get_level_values("symbol"))) == order
    assert len(bulk) == 6


def test_the_class_of_an_exchange_is_no_venue() -> None:
    with pytest.raises(ConfigurationError, match="not the class PaperExchange") as caught:
        open_session(cx.PaperExchange)
    assert "cx.connect(cx.PaperExchange())" in caught.value.recovery_suggestions[0]


@pytest.mark.parametrize("url", ["http://[::1", "http://a b"])
def test_an_address_that_cannot_be_read_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="rest_url must be"):
        open_session("binance", rest_url=url, environment={})


def test_a_broken_address_of_the_environment_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must be an address such as"):
        open_session("binance", environment={"BINANCE_API_URL": "http://[::1"})


@pytest.mark.parametrize("arguments", [{"trading": "no"}, {"exact": "no"}, {"frame": pd.DataFrame()}])
def test_connecting_with_nonsense_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(CryptoxError, match=next(iter(arguments))[:4]):
        open_session("binance", environment={}, **arguments)


@pytest.mark.parametrize("arguments", [{"exact": "no"}, {"exact": pd.NA}, {"frame": {}}, {"frame": pd.DataFrame()}])
def test_a_default_session_of_nonsense_is_refused(exchange: cx.PaperExchange, arguments: dict[str, Any]) -> None:
    with pytest.raises(CryptoxError, match=next(iter(arguments))):
        cx.use(exchange, **arguments)
