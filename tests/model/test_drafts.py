"""Calls to drafts: words, amounts, what belongs together, and the corrected call of what does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import BadSymbol, FilterFailure, MarketClosed, OrderRejected, ValidationError
from cryptox.model.account import Breach
from cryptox.model.demands import TYPES
from cryptox.model.drafts import draft_of, refusal_of
from cryptox.model.orders import Draft

D = Decimal
# Parts that each type needs, and may have besides (rest.md, section 4: mandatory by type; orders.md, section 3).
NEEDS = {
    "LIMIT": {"quantity", "price"},
    "MARKET": {"quantity"},
    "STOP_LOSS": {"quantity", "stop_price"},
    "STOP_LOSS_LIMIT": {"quantity", "price", "stop_price"},
    "TAKE_PROFIT": {"quantity", "stop_price"},
    "TAKE_PROFIT_LIMIT": {"quantity", "price", "stop_price"},
    "LIMIT_MAKER": {"quantity", "price"},
}
VALUES: dict[str, Any] = {
    "quantity": "0.01",
    "price": "60000",
    "quote_quantity": "100",
    "stop_price": "59000",
    "trailing_delta": 100,
    "iceberg_quantity": "0.001",
    "time_in_force": "GTC",
}


def whole(kind: str) -> dict[str, Any]:
    return {name: VALUES[name] for name in NEEDS[kind]}


def refused(*words: Any, **given: Any) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        draft_of(*words, **given)
    return caught.value


def call_again(error: ValidationError) -> Draft:
    """What the corrected call leads to."""
    assert error.suggested is not None
    given = {**error.suggested}
    call = given.pop("call")
    return draft_of(given.pop("symbol"), given.pop("side"), given.pop("type"), **given, call=call)


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_with_what_it_needs(kind: str) -> None:
    draft = draft_of("btc/usdt", "BUY", kind.lower(), **whole(kind))
    assert (draft.symbol, draft.side, draft.type) == ("BTCUSDT", "buy", kind)
    assert draft.time_in_force == ("GTC" if kind in ("LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT") else None)
    assert draft_of(draft.symbol, **{k: v for k, v in draft.arguments().items() if k != "symbol"}) == draft


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("missing", ["quantity", "price", "stop_price"])
def test_what_is_missing_is_named(kind: str, missing: str) -> None:
    if missing in NEEDS[kind]:
        given = {name: value for name, value in whole(kind).items() if name != missing}
        error = refused("BTCUSDT", "sell", kind, **given)
        assert missing in str(error)
        assert kind in str(error)


@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        (kind, extra)
        for kind in TYPES
        for extra in VALUES
        if extra not in NEEDS[kind]
        and not (extra == "time_in_force" and kind.endswith("LIMIT"))
        and not (extra == "iceberg_quantity" and "LIMIT" in kind)
        and not (extra == "trailing_delta" and kind.startswith(("STOP", "TAKE")))
    ],
)
def test_what_is_superfluous_is_named_and_left_out_or_meant(kind: str, extra: str) -> None:
    error = refused("BTCUSDT", "sell", kind, **whole(kind), **{extra: VALUES[extra]})
    assert extra in str(error)
    draft = call_again(error)
    assert (draft.symbol, draft.side, draft.quantity) == ("BTCUSDT", "sell", D("0.01"))
    kept = getattr(draft, extra) is not None
    assert kept is (extra in ("price", "stop_price", "trailing_delta"))  # then the type was not what was meant
    assert kept is (draft.type != kind)


@pytest.mark.parametrize(
    ("kind", "given", "meant"),
    [
        ("LIMIT", {"quote_quantity": 100}, {"type": "MARKET", "quote_quantity": D(100)}),
        ("LIMIT", {"quote_quantity": 9, "price": 5}, {"type": "MARKET", "price": None, "quote_quantity": D(9)}),
        ("MARKET", {"quantity": 1, "price": 5}, {"type": "LIMIT", "time_in_force": "GTC", "price": D(5)}),
        ("MARKET", {"quote_quantity": 9, "price": 5}, {"type": "MARKET", "price": None}),
        ("MARKET", {"quantity": 1, "quote_quantity": 5}, {"quantity": D(1), "quote_quantity": None}),
        ("LIMIT", {"quantity": 1, "price": 5, "stop_price": 6}, {"type": "STOP_LOSS_LIMIT", "time_in_force": "GTC"}),
        (
            "LIMIT",
            {"quantity": 1, "price": 5, "iceberg_quantity": "0.1", "time_in_force": "IOC"},
            {"time_in_force": "GTC", "iceberg_quantity": D("0.1")},
        ),
    ],
)
def test_what_is_meant(kind: str, given: dict[str, Any], meant: dict[str, Any]) -> None:
    draft = call_again(refused("BTCUSDT", "buy", kind, **given))
    assert {name: getattr(draft, name) for name in meant} == meant


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("LIMIT", {"price": 5}),
        ("LIMIT", {"quantity": 1}),  # a price was forgotten: a call without would trade at any
        ("LIMIT_MAKER", {"quantity": 1}),
        ("STOP_LOSS_LIMIT", {"quantity": 1, "stop_price": 5}),
        ("MARKET", {}),
        ("STOP_LOSS", {"quantity": 1}),
        ("TAKE_PROFIT_LIMIT", {"quantity": 1, "price": 5}),
        ("STOP_LOSS", {"quote_quantity": 1, "stop_price": 5}),
    ],
)
def test_where_nothing_is_plainly_meant_nothing_is_suggested(kind: str, given: dict[str, Any]) -> None:
    error = refused("BTCUSDT", "buy", kind, **given)
    assert error.suggested is None
    assert error.recovery_suggestions


@given(
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(list(VALUES)), st.just(None)),
    st.sampled_from(["GTC", "IOC", "FOK"]),
)
def test_corrected_calls_lead_to_an_order(kind: str, names: dict[str, None], times: str) -> None:
    given: dict[str, Any] = {"symbol": "A", "side": "buy", "type": kind} | {name: VALUES[name] for name in names}
    if "time_in_force" in names:
        given["time_in_force"] = times
    for _ in range(6):
        try:
            draft = draft_of(**given)
        except ValidationError as error:
            if error.suggested is None:
                return
            given = {name: value for name, value in error.suggested.items() if name != "call"}
        else:
            assert draft.side == "buy"
            return
    raise AssertionError(given)


@pytest.mark.parametrize(
    ("name", "word", "guess"),
    [
        ("side", "bye", "buy"),
        ("side", "LONG", "buy"),
        ("side", "s", "sell"),
        ("type", "LIMT", "LIMIT"),
        ("type", "stop limit", "STOP_LOSS_LIMIT"),
        ("type", "post-only", "LIMIT_MAKER"),
        ("type", "STOP", "STOP_LOSS"),
        ("time_in_force", "GTX", "GTC"),
        ("self_trade_prevention", "expire", "EXPIRE_BOTH"),
        ("side", "hold", None),
        ("side", 1, None),
        ("type", None, None),
    ],
)
def test_unknown_words(name: str, word: Any, guess: str | None) -> None:
    given: dict[str, Any] = {"side": "buy", "type": "LIMIT", "quantity": D("1.50"), "price": 5, name: word}
    error = refused("BTCUSDT", **given, call="preview_order")
    assert repr(word) in str(error)
    if guess is None:
        assert error.suggested is None
    else:
        assert error.suggested is not None
        assert error.suggested[name] == guess
        assert (error.suggested["call"], error.suggested["quantity"]) == ("preview_order", "1.5")
        assert guess in error.recovery_suggestions[0]
        if not guess.startswith("STOP"):  # which needs a stop_price that nobody can guess
            assert call_again(error).quantity == D("1.5")


def test_words_in_any_case() -> None:
    draft = draft_of(
        " btcusdt ",
        " Buy",
        "stop-loss limit",
        quantity=1,
        price=2,
        stop_price=3,
        time_in_force="ioc",
        self_trade_prevention="expire_taker",
    )
    assert (draft.type, draft.time_in_force, draft.self_trade_prevention) == ("STOP_LOSS_LIMIT", "IOC", "EXPIRE_TAKER")


@pytest.mark.parametrize(
    ("value", "delta"), [(100, 100), ("100", 100), (100.0, 100), (np.int64(7), 7), (D("1E+2"), 100)]
)
def test_trailing_deltas(value: Any, delta: int) -> None:
    draft = draft_of("A", "sell", "STOP_LOSS", quantity=1, trailing_delta=value)
    assert (draft.trailing_delta, type(draft.trailing_delta)) == (delta, int)


@pytest.mark.parametrize("value", [0.5, "1.5", 0, -1, True, 10**7])
def test_what_is_no_trailing_delta(value: Any) -> None:
    assert "trailing_delta" in str(refused("A", "sell", "STOP_LOSS", quantity=1, trailing_delta=value))


def test_client_order_ids() -> None:
    assert draft_of("A", "buy", "MARKET", quantity=1, client_order_id="a-B_9" * 7).client_order_id == "a-B_9" * 7
    error = refused("A", "buy", "MARKET", quantity=1, client_order_id="my order #1")
    assert error.suggested is not None
    assert error.suggested["client_order_id"] == "my-order-1"
    for wrong in ("", "x" * 37, 5, "ä"):
        assert "client_order_id" in str(refused("A", "buy", "MARKET", quantity=1, client_order_id=wrong))


def test_symbols_and_amounts() -> None:
    with pytest.raises(BadSymbol):
        draft_of("BTC USDT!", "buy", "MARKET", quantity=1)
    assert "quantity" in str(refused("A", "buy", "MARKET", quantity="much"))
    assert draft_of("A", "buy", "MARKET", quantity=0.1).quantity == D("0.1")


LOT = Breach(rule="LOT_SIZE", message="quantity 1.05 is not a multiple of 0.1.", nearest={"quantity": "1"})
DRAFT = Draft(symbol="A", side="buy", type="MARKET", quantity=D("1.05"), self_trade_prevention="NONE")


def test_the_error_of_a_broken_rule() -> None:
    nearest = DRAFT.changed(quantity=D(1), self_trade_prevention=None)
    error = refusal_of([LOT], DRAFT, nearest, context={"venue": "paper"})
    assert type(error) is FilterFailure
    assert str(error) == "A: quantity 1.05 is not a multiple of 0.1."
    assert error.suggested == {"call": "place_order", "symbol": "A", "side": "buy", "type": "MARKET", "quantity": "1"}
    assert error.recovery_suggestions == ["Use quantity='1', no self_trade_prevention."]
    assert error.context == {"venue": "paper", "symbol": "A", "rules": ["LOT_SIZE"]}
    assert error.technical_details == "LOT_SIZE: quantity 1.05 is not a multiple of 0.1."


def test_too_many_decimals_and_off_the_step_is_said_once() -> None:
    decimals = Breach(rule="PRECISION", message="quantity 1.05 is not a multiple of 0.01.", nearest=LOT.nearest)
    error = refusal_of([decimals, LOT], DRAFT, None)
    assert str(error) == "A: quantity 1.05 is not a multiple of 0.1."
    assert error.context["rules"] == ["PRECISION", "LOT_SIZE"]
    assert str(refusal_of([decimals], DRAFT, None)) == "A: quantity 1.05 is not a multiple of 0.01."


def test_what_no_number_would_change_comes_first() -> None:
    closed = Breach(rule="STATUS", message="A does not trade now.", error=MarketClosed)
    error = refusal_of([LOT, closed], DRAFT, None, call="test_order")
    assert type(error) is MarketClosed
    assert str(error) == "A: A does not trade now."
    assert error.suggested is None
    assert error.recovery_suggestions == list(MarketClosed.advice)
    assert error.context["rules"] == ["LOT_SIZE", "STATUS"]
    kind = Breach(rule="ORDER_TYPE", message="A takes no MARKET orders.", error=OrderRejected)
    assert type(refusal_of([kind], DRAFT, None)) is OrderRejected
