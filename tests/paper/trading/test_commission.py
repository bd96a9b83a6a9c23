"""What the exchange keeps: the documentation's example, the discount, and who cannot pay it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.paper.trading.accounts import Account, Rates
from cryptox.paper.trading.commission import in_discount_asset, in_received_asset
from cryptox.venues.binance.words import Side

# https://developers.binance.com/docs/binance-spot-api-docs/faqs/commission_faq (July 2026), in 1e-8
STANDARD, TAX, SPECIAL = (
    Rates(10, 20, 30, 40),
    Rates(112, 114, 118, 116),
    Rates(1_000_000, 2_000_000, 3_000_000, 4_000_000),
)
NOTIONAL = 17_491_25000000  # 0.49975 at 35 000


def faq(**more):
    return Account(1, standard=STANDARD, special=SPECIAL, tax=TAX, **more)


def test_documented_example_of_a_sell():
    # 0.01049475 standard + 0.040229875 tax + 1049.475 special
    assert in_received_asset(faq(), NOTIONAL, Side.SELL, is_maker=False) == 1049_52572462


def test_documented_example_in_the_discount_asset():
    account = faq(takes_discount=True, discount=25_000_000)

    def worth(asset, other):
        assert (asset, other) == ("USDT", "BNB")
        return 1, 260

    fee = in_discount_asset(account, "USDT", NOTIONAL, Side.SELL, is_maker=False, worth=worth)
    exact = (0.01049475 * 0.25 + 0.040229875 + 1049.475) / 260
    assert fee == int(exact * 10**8)


def test_a_maker_who_buys_pays_other_parts():
    rate = (10 + 30) + (112 + 118) + (1_000_000 + 3_000_000)
    assert in_received_asset(faq(), 10**10, Side.BUY, is_maker=True) == 10**10 * rate // 10**8


def test_no_discount_without_wish_or_price():
    assert in_discount_asset(faq(), "USDT", 10**8, Side.SELL, is_maker=True, worth=lambda *_: (1, 1)) is None
    wishes = faq(takes_discount=True)
    assert in_discount_asset(wishes, "USDT", 10**8, Side.SELL, is_maker=True, worth=lambda *_: None) is None
    assert in_discount_asset(wishes, "BNB", 10**8, Side.BUY, is_maker=True, worth=lambda *_: None) is not None


@given(st.integers(0, 10**18), st.integers(0, 10**6))
def test_cut_never_rounded_up(received, rate):
    account = Account(1, standard=Rates(rate, rate))
    fee = in_received_asset(account, received, Side.BUY, is_maker=True)
    assert fee <= received * rate / 10**8 * (1 + 1e-12)
    assert (fee + 1) * 10**8 > received * rate


@pytest.fixture
def charged(scenes):
    return scenes(rates=Rates(50_000, 100_000))


def test_buyers_pay_in_base_and_sellers_in_quote(charged):
    charged.order(2, "SELL", "LIMIT", 100, 10_001)
    (fill,) = charged.place(1, "BUY", "LIMIT", 100, 10_001).fills
    assert (fill.commission, fill.commission_asset) == (100, "BTC")
    (sold,) = charged.records.fills_of(2, "BTCUSDT")
    assert (sold.commission, sold.commission_asset) == (10_001_000 // 2000, "USDT")
    assert charged.balance(1, "BTC") == (10**13 + 100_000 - 100, 0)
    assert charged.balance(2, "USDT") == (10**13 + 10_001_000 - 5_000, 0)
    charged.check()


def test_the_discount_asset_pays_if_there_is_enough(charged):
    account = charged.accounts[1]
    account.takes_discount = True
    (fill,) = charged.place(1, "SELL", "LIMIT", 100, 10_000).fills
    # 10 000 000 atoms of USDT * 0.001 * 0.75 at 260 USDT
    assert (fill.commission, fill.commission_asset) == (7_500 // 260, "BNB")
    assert charged.balance(1, "BNB") == (10**13 - 28, 0)
    assert charged.balance(1, "USDT") == (10**13 + 10_000_000, 0)
    account.balance("BNB").free = 27
    (fill,) = charged.place(1, "SELL", "LIMIT", 100, 9_998).fills
    assert (fill.commission, fill.commission_asset) == (9_998, "USDT")
    (bought,) = charged.place(1, "BUY", "LIMIT", 100, 26_001, symbol="BNBUSDT").fills
    assert (bought.commission, bought.commission_asset) == (100 * 10**5 * 75 // 10**5, "BNB")
    charged.check()


def test_the_pair_may_stand_the_other_way_round(charged):
    charged.accounts[1].takes_discount = True
    charged.accounts[1].discount_asset = "USDT"
    (fill,) = charged.place(1, "BUY", "LIMIT", 100, 10_002).fills
    # 100 000 atoms of BTC * 0.001 * 0.75 at 100 USDT, the market's own last price
    assert (fill.commission, fill.commission_asset) == (7_500, "USDT")
    charged.check()


def test_what_was_bought_is_worth_what_was_paid_for_it(charged):
    """There is no BNBBTC here, so the fee on BTC goes by its price in USDT and that of BNB."""
    charged.accounts[1].takes_discount = True
    (fill,) = charged.place(1, "BUY", "LIMIT", 100, 10_002).fills
    # 10 002 000 atoms of USDT * 0.001 * 0.75 at 260 USDT
    assert (fill.commission, fill.commission_asset) == (28, "BNB")
    assert charged.balance(1, "BTC") == (10**13 + 100_000, 0)
    charged.check()


def test_no_price_no_discount(charged):
    charged.accounts[1].takes_discount = True
    charged.accounts[1].discount_asset = "ETH"
    charged.accounts[1].balance("ETH").free = 10**13
    (fill,) = charged.place(1, "BUY", "LIMIT", 100, 10_002).fills
    assert (fill.commission, fill.commission_asset) == (100, "BTC")
