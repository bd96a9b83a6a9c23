"""What an account has, may do and pays, asked of a real exchange on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

import cryptox as cx
from cryptox.errors import (
    BadSymbol,
    ConfigurationError,
    CryptoxError,
    InsufficientFunds,
    NetworkError,
    ValidationError,
)
from cryptox.model.orders import Draft
from cryptox.sessions.session import open_session

D = Decimal
BALANCES = {"USDT": "50000", "BTC": "0.5", "PEPE": "1000000.5"}


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        yield exchange


@pytest.fixture
def session(exchange: cx.PaperExchange) -> Iterator[Any]:
    keys = exchange.create_account(BALANCES)
    with cx.connect(exchange, api_key=keys.api_key, secret_key=keys.secret_key) as session:
        yield session


def sent(exchange: cx.PaperExchange, path: str) -> int:
    return sum(path in str(one) for one in exchange.requests)


def test_balances_are_those_that_are_not_zero(session: Any) -> None:
    frame = session.balances()
    assert frame.index.name == "asset"
    assert frame.columns.tolist() == ["free", "locked", "total"]
    assert frame.free.to_dict() == {"BTC": 0.5, "USDT": 50000.0, "PEPE": 1000000.5}
    assert (frame.total == frame.free + frame.locked).all()
    assert frame.attrs["venue"] == "paper"
    assert pd.Timestamp(frame.attrs["as_of"]) == pd.Timestamp("2024-06-01 12:00", tz="UTC")


def test_balances_of_every_asset(session: Any) -> None:
    frame = session.balances(include_zero=True)
    assert frame.loc["ETH"].tolist() == [0.0, 0.0, 0.0]
    assert set(session.balances().index) < set(frame.index)
    with pytest.raises(ValidationError, match="include_zero"):
        session.balances("no")


def test_balances_in_other_frames(session: Any) -> None:
    polars = session.balances(frame="polars")
    assert polars.columns == ["asset", "free", "locked", "total"]
    exact = session.balances(exact=True)
    assert exact.total["PEPE"] == D("1000000.50000000")


def test_no_balances_are_an_empty_frame_of_the_same_kind(exchange: cx.PaperExchange, session: Any) -> None:
    keys = exchange.create_account({})
    with cx.connect(exchange, api_key=keys.api_key, secret_key=keys.secret_key) as poor:
        empty = poor.balances()
        assert len(empty) == 0
        assert empty.dtypes.equals(session.balances().dtypes)
        assert poor.portfolio_value().total == 0


def test_rights_and_commission(session: Any) -> None:
    account = session.account()
    assert (account.can_trade, account.can_withdraw, account.can_deposit) == (True, True, True)
    assert (account.maker, account.taker) == (D("0.001"), D("0.001"))
    assert account.balances["USDT"].free == 50000
    assert "balances" not in repr(account)
    fees = session.fees("btc/usdt")
    assert (fees.symbol, fees.maker, fees.taker, fees.discounted) == ("BTCUSDT", D("0.001"), D("0.001"), False)
    with pytest.raises(BadSymbol):
        session.fees("NOPEUSDT")


def test_the_value_is_balances_times_last_prices(session: Any) -> None:
    prices = session.prices(exact=True).price
    found = session.portfolio_value()
    btc = D("0.5") * prices["BTCUSDT"]
    pepe = D("1000000.5") * prices["PEPEUSDT"]
    assert found.by_asset["BTC"] == btc.quantize(D("1E-8"))
    assert found.by_asset["USDT"] == 50000
    assert abs(found.by_asset["PEPE"] - pepe) <= D("1E-8")
    assert found.total == sum(found.by_asset.values())
    assert found.unpriced == ()
    in_btc = session.portfolio_value(" btc ")
    assert in_btc.by_asset["BTC"] == D("0.5")
    assert abs(in_btc.total * prices["BTCUSDT"] - found.total) < D("0.01")


@pytest.mark.parametrize("quote", ["NOSUCH", "", None, 5])
def test_a_value_in_nothing(session: Any, quote: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        session.portfolio_value(quote)
    assert caught.value.suggested == {"call": "portfolio_value", "quote": "USDT"}


@pytest.mark.parametrize(
    ("side", "quantity", "price", "enough"),
    [
        ("buy", "0.5", "100000", True),
        ("buy", "0.50001", "100000", False),
        ("BUY", 1, 50000, True),
        ("buy", 1, "50000.01", False),
        ("sell", "0.5", None, True),
        ("sell", "0.50000001", None, False),
        ("Sell", "0.5", "1", True),
        ("sell", 0.5, 10**6, True),
    ],
)
def test_what_is_free_is_compared_exactly(session: Any, side: str, quantity: Any, price: Any, enough: bool) -> None:
    assert session.can_afford("BTCUSDT", side, quantity, price) is enough


def worth(book: Any, money: Decimal) -> Decimal:
    """What an amount of money buys of a book that has more."""
    bought = D(0)
    for _, level in book[book.side == "ask"].iterrows():
        taken = min(level.quantity, money / level.price)
        money, bought = money - taken * level.price, bought + taken
        if taken < level.quantity:
            return bought
    raise AssertionError("the book is too thin")


def test_a_purchase_without_a_price_costs_what_the_book_asks(session: Any) -> None:
    bought = worth(session.depth("BTCUSDT", 5000, exact=True), D(50000))
    assert session.can_afford("BTCUSDT", "buy", round(bought * D("0.9999"), 8))
    assert not session.can_afford("BTCUSDT", "buy", round(bought * D("1.0001"), 8))
    assert not session.can_afford("BTCUSDT", "buy", 10**6)  # more than the book has


STEP = D("0.00001")


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("priced", [True, False])
def test_the_exchange_agrees_to_the_last_step(exchange: cx.PaperExchange, side: str, priced: bool) -> None:
    async def placed(session: Any, quantity: Decimal, price: Decimal | None) -> bool:
        draft = Draft(symbol="BTCUSDT", side=side, type="MARKET", quantity=quantity)
        if price is not None:
            draft = replace(draft, type="LIMIT", price=price, time_in_force="GTC")
        try:
            await session._ask_signed(session.venue.place(draft))
        except InsufficientFunds:
            return False
        return True

    async def verdicts(quantity: Decimal, price: Decimal | None) -> tuple[bool, bool]:
        keys = exchange.create_account(BALANCES)
        async with open_session(exchange, api_key=keys.api_key, secret_key=keys.secret_key) as session:
            ours = await session.can_afford("BTCUSDT", side, quantity, price)
            return ours, await placed(session, quantity, price)

    async def main() -> None:
        async with open_session(exchange) as session:
            last = (await session.prices("BTCUSDT", exact=True)).price.iloc[0]
            away = round(last * (D("0.9") if side == "buy" else D("1.1")), 2)
            book = await session.depth("BTCUSDT", 5000, exact=True)
        most = D("0.5")
        if side == "buy":
            most = (D(50000) / away if priced else worth(book, D(50000))) // STEP * STEP
        found = []
        for steps in (-2000, -1, 0, 1, 2000):
            ours, theirs = await verdicts(most + steps * STEP, away if priced else None)
            assert ours == theirs, (most, steps)
            found.append(ours)
        # Each purchase takes from the book of a clock that stands still, so the next one costs more.
        edge = [True, True, False] if priced or side == "sell" else found[1:4]
        assert found == [True, *edge, False]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("BTCUSDT", "hold", 1), ValidationError),
        (("BTCUSDT", None, 1), ValidationError),
        (("BTCUSDT", "buy", 0), ValidationError),
        (("BTCUSDT", "buy", "x"), ValidationError),
        (("BTCUSDT", "buy", 1, -1), ValidationError),
        (("NOPEUSDT", "buy", 1, 1), BadSymbol),
    ],
)
def test_nonsense_is_refused(session: Any, arguments: tuple[Any, ...], kind: type[CryptoxError]) -> None:
    with pytest.raises(kind):
        session.can_afford(*arguments)


def test_limits_and_what_is_used_of_them(session: Any) -> None:
    frame = session.limits()
    assert frame.columns.tolist() == ["kind", "window", "limit", "used"]
    rows = {(row.kind, row.window): (row.limit, row.used) for row in frame.itertuples()}
    assert rows["weight", "1m"][0] == 6000
    assert rows["weight", "1m"][1] >= 40  # the question's own weight
    assert rows["orders", "10s"] == (100, 0)
    assert rows["orders", "1d"] == (200_000, 0)
    assert rows["requests", "5m"][0] == 300_000


def test_without_a_key_there_are_the_limits_of_the_address(exchange: cx.PaperExchange) -> None:
    with cx.connect("binance", rest_url=exchange.rest_url) as session:
        assert set(session.limits().kind) == {"weight", "requests"}
        for call in (session.balances, session.account, session.portfolio_value):
            with pytest.raises(ConfigurationError, match="key"):
                call()
        for call in (session.fees, lambda name: session.can_afford(name, "buy", 1, 1)):
            with pytest.raises(ConfigurationError, match="key"):
                call("BTCUSDT")


def test_with_a_key_a_session_that_does_not_trade_reads_its_account(exchange: cx.PaperExchange) -> None:
    keys = exchange.create_account(BALANCES)
    with cx.connect("binance", rest_url=exchange.rest_url, api_key=keys.api_key, secret_key=keys.secret_key) as session:
        assert "reads only" in repr(session)
        assert session.balances().free["BTC"] == 0.5


def test_ten_users_at_once_each_see_their_own(exchange: cx.PaperExchange) -> None:
    async def main() -> None:
        sessions = []
        for number in range(12):
            keys = exchange.create_account({"USDT": 1000 + number})
            sessions.append(open_session(exchange, user=f"user{number}", api_key=keys.api_key, secret_key=keys[1]))
        broken = open_session(exchange, user="mallory", api_key=keys.api_key, secret_key="wrong")
        try:
            answers = await asyncio.gather(
                *(session.balances() for session in [*sessions, broken] * 3), return_exceptions=True
            )
        finally:
            for session in [*sessions, broken]:
                await session.close()
        for number, answer in enumerate(answers):
            who = number % 13
            if who == 12:
                assert isinstance(answer, cx.errors.AuthenticationError)
                assert answer.context["user"] == "mallory"
            else:
                assert answer.free.to_dict() == {"USDT": 1000.0 + who}

    asyncio.run(main())


def test_one_users_end_is_nobody_elses(exchange: cx.PaperExchange) -> None:
    sessions = [cx.connect(exchange, user=name) for name in ("ann", "bob")]
    try:
        before = [session.balances().free["USDT"] for session in sessions]
        assert before == [100_000.0, 100_000.0]
        cx.disconnect("ann")
        assert cx.users() == ["bob"]
        with pytest.raises(ConfigurationError, match="'ann' was disconnected"):
            sessions[0].balances()
        assert cx.session("bob").balances().free["USDT"] == 100_000
    finally:
        for session in sessions:
            session.close()


def test_one_users_failures_hold_up_nobody_else(exchange: cx.PaperExchange) -> None:
    async def main() -> None:
        broken, sound = (
            open_session(exchange, user=name, timeout=0.3 if name == "ann" else 60) for name in ("ann", "bob")
        )
        assert broken.signer is not None
        key = broken.signer.name()
        exchange.faults.add("drop", path="/api/v3/account", when=lambda seen: key in seen.headers.values())
        try:
            calls = (broken.account() for _ in range(20))  # enough to open a breaker
            answers = await asyncio.gather(*calls, return_exceptions=True)
            assert [answer for answer in answers if not isinstance(answer, NetworkError)] == []
            assert any("nothing is sent for another" in str(answer) for answer in answers)
            assert sound._address.breaker.failures == 0
            assert (await sound.account()).can_trade
        finally:
            exchange.faults.clear()
            await broken.close()
            await sound.close()

    asyncio.run(main())


def test_one_users_slow_call_delays_nobody_else(exchange: cx.PaperExchange) -> None:
    async def main() -> None:
        slow, quick = (open_session(exchange, user=name, timeout=100) for name in ("slow", "quick"))
        assert slow.signer is not None
        key = slow.signer.name()
        exchange.faults.add(
            "latency", path="/api/v3/account", seconds=60, when=lambda seen: key in seen.headers.values()
        )
        waiting = asyncio.create_task(slow.account())
        try:
            for _ in range(5):
                await quick.account()
            assert not waiting.done()
        finally:
            waiting.cancel()
            exchange.faults.clear()
            await asyncio.gather(waiting, return_exceptions=True)
            await slow.close()
            await quick.close()

    asyncio.run(main())
