"""What balances are worth: by whichever market leads there, and never by a guess."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from cryptox.model.account import Balance
from cryptox.model.portfolio import rate, valued

D = Decimal
PRICES = {
    "BTCUSDT": D("60000"),
    "ETHBTC": D("0.05"),
    "ETHUSDT": D("3100"),
    "ABCBTC": D("0.00001"),
    "USDTTRY": D("40"),
    "DEADUSDT": D("0"),
    "XYZABC": D("2"),
}


def test_the_direct_market_goes_before_a_bridge() -> None:
    assert rate("ETH", "USDT", PRICES) == 3100
    assert rate("USDT", "ETH", PRICES) is not None
    assert rate("BTC", "BTC", {}) == 1


def test_a_market_the_other_way_round() -> None:
    assert rate("TRY", "USDT", PRICES) == D("0.025")
    assert rate("BTC", "ETH", PRICES) == 20


def test_a_bridge() -> None:
    assert rate("ABC", "USDT", PRICES) == D("0.6")
    assert rate("ABC", "TRY", PRICES) is None  # two bridges: no guess
    assert rate("BTC", "TRY", PRICES) == 2_400_000


def test_what_no_price_leads_to_is_named_and_not_counted() -> None:
    rows = [
        Balance(asset="XYZ", free=D(5), locked=D(0)),
        Balance(asset="DEAD", free=D(1), locked=D(0)),  # no trade yet: a price of zero is none
        Balance(asset="BTC", free=D("0.5"), locked=D("0.25")),
        Balance(asset="USDT", free=D("1.23456789"), locked=D(0)),
        Balance(asset="ETH", free=D(0), locked=D(0)),
    ]
    found = valued(rows, PRICES, "USDT")
    assert found.unpriced == ("DEAD", "XYZ")
    assert found.by_asset == {"BTC": D(45000), "USDT": D("1.23456789")}
    assert list(found.by_asset) == ["BTC", "USDT"]
    assert found.total == D("45001.23456789")
    assert "45001.23456789" in repr(found)
    assert valued([], PRICES, "USDT").total == 0


amounts = st.integers(0, 10**17).map(lambda atoms: D(atoms).scaleb(-8))
prices = st.integers(1, 10**14).map(lambda ticks: D(ticks).scaleb(-8))


@given(free=amounts, locked=amounts, price=prices, inverse=st.booleans())
def test_each_value_is_off_by_less_than_an_atom(free: Decimal, locked: Decimal, price: Decimal, inverse: bool) -> None:
    found = valued([Balance(asset="AAA", free=free, locked=locked)], {"BBBAAA" if inverse else "AAABBB": price}, "BBB")
    exact = Fraction(free + locked) / Fraction(price) if inverse else Fraction(free + locked) * Fraction(price)
    assert abs(Fraction(found.total) - exact) <= Fraction(1, 2 * 10**8)
    assert found.unpriced == ()
