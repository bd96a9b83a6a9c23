"""What a card tells to try is run as it is printed, on a real exchange, and is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import cryptox as cx
from cryptox.errors import CryptoxError, FilterFailure, OrderRejected, ValidationError
from cryptox.model.orders import Order, OrderList, Replaced
from cryptox.show.errors import corrected_call, text_lines

D = Decimal
BUY = cx.leg("buy", "LIMIT", "0.001", price="15000")
SELL = cx.leg("sell", "MARKET", "0.001")


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:  # BTCUSDT at 18899.03
        yield exchange


@pytest.fixture
def session(exchange: cx.PaperExchange) -> Iterator[cx.Session]:
    keys = exchange.create_account()
    with cx.connect(exchange, user="ann", api_key=keys.api_key, secret_key=keys.secret_key) as session:
        yield session


def refused(call: Callable[[], Any]) -> CryptoxError:
    with pytest.raises(CryptoxError) as caught:
        call()
    return caught.value


def tried(error: CryptoxError, session: cx.Session) -> Any:
    line = corrected_call(error)
    assert line is not None
    assert f"  {line}" in text_lines(error)
    return eval(line, {"cx": cx, "session": session})


@pytest.mark.parametrize(
    "amounts", [(D("0.0010"), D("15000")), (np.float64(0.001), np.float32(15000)), ("0.001", 15000)]
)
def test_a_corrected_symbol_keeps_the_price_in_whatever_form_it_came(amounts: Any, session: cx.Session) -> None:
    """Without it, the purchase would be one at the market."""
    order = tried(refused(lambda: session.buy("BTCUSD", *amounts)), session)
    assert (order.type, order.price, order.quantity) == ("LIMIT", D(15000), D("0.001"))


@pytest.mark.parametrize("form", [lambda order: order, lambda order: np.int64(order.order_id), lambda o: o.order_id])
def test_an_order_is_named_again_by_its_id(form: Callable[[Order], Any], session: cx.Session) -> None:
    order = session.buy("BTCUSDT", "0.002", "15000")
    error = refused(lambda: session.replace_order("BTCUSDT", form(order), "buy", quantity="0.001", price="15000.001"))
    assert error.suggested is not None
    assert error.suggested["order"] == order.order_id
    done = tried(error, session)
    assert isinstance(done, Replaced)
    assert (done.canceled.order_id, done.order.price) == (order.order_id, D(15000))  # type: ignore[union-attr]
    error = refused(lambda: session.cancel_order("ETHUSDT", done.order))
    assert tried(error, session).status == "canceled"


@pytest.mark.parametrize(
    "given",
    [
        {"quantity": "0.0100001", "price": "20000.001", "stop_price": "17000.0001", "stop_limit_price": "16900.001"},
        {"quantity": "0.0001", "price": "20000", "stop_price": "17000"},
        {"quantity": "0.01", "price": "20000", "stop_price": "17000", "trailing_delta": 5},
        {"quantity": "0.01", "price": "17000", "stop_price": "20000"},
        {"quantity": "0.01", "price": "20000", "stop_price": "17000", "client_order_id": "a b"},
        {"quantity": "0.01", "price": "20000", "stop_price": "17000", "side": "sel"},
    ],
)
def test_a_pair(given: dict[str, Any], session: cx.Session) -> None:
    error = refused(lambda: session.place_oco(**{"symbol": "BTCUSDT", "side": "sell", **given}))
    pair = tried(error, session)
    assert isinstance(pair, OrderList)
    assert [order.status for order in pair.orders] == ["new", "new"]


def test_a_pair_is_told_what_changes_by_the_names_of_its_arguments(session: cx.Session) -> None:
    prices = {"price": "20000", "stop_price": "17000.001", "stop_limit_price": "16900.001"}
    error = refused(lambda: session.place_oco("BTCUSDT", "sell", "0.01", **prices))
    assert error.recovery_suggestions == ["Use stop_price='17000.01', stop_limit_price='16900.01'."]


def test_legs_stand_in_the_call_as_they_are_made(session: cx.Session) -> None:
    rough = cx.leg("buy", "LIMIT", "0.0010001", price="15000.001")
    assert repr(rough) == "cx.leg('buy', 'LIMIT', quantity='0.0010001', price='15000.001', time_in_force='GTC')"
    assert eval(repr(rough), {"cx": cx}) == rough
    pair = tried(refused(lambda: session.place_oto("BTCUSDT", rough, SELL)), session)
    assert [order.status for order in pair.orders] == ["new", "pending_new"]
    pair = tried(refused(lambda: session.place_oto("BTCUSD", BUY, SELL)), session)
    assert [order.status for order in pair.orders] == ["new", "pending_new"]


def test_three_legs_whose_pair_has_one_quantity(session: cx.Session) -> None:
    above = cx.leg("sell", "LIMIT_MAKER", "0.0003", price="20000")
    below = cx.leg("sell", "STOP_LOSS_LIMIT", "0.0003", price="12000", stop_price="13000")
    error = refused(lambda: session.place_otoco("BTCUSDT", BUY, above, below))
    placed = tried(error, session)
    assert [order.quantity for order in placed.orders] == [D("0.001"), D("0.00042"), D("0.00042")]


def test_a_leg_alone() -> None:
    error = refused(lambda: cx.leg("long", "LIMIT", "0.001", price="1"))
    assert eval(str(corrected_call(error)), {"cx": cx}) == cx.leg("buy", "LIMIT", "0.001", price="1")


def test_the_working_order_of_a_list_is_one_that_rests(session: cx.Session, exchange: cx.PaperExchange) -> None:
    exchange.requests.clear()
    for call in (
        lambda: session.place_oto("BTCUSDT", SELL, SELL),
        lambda: session.place_otoco("BTCUSDT", SELL, SELL, SELL),
    ):
        error = refused(call)
        assert type(error) is ValidationError
        assert "LIMIT or LIMIT_MAKER" in str(error)
    assert exchange.requests.total == 0


@pytest.mark.parametrize(("quantity", "nearest"), [("0.0011111", "0.00111"), ("0.00001", "0.00034")])
def test_an_amount_that_an_order_may_be_lowered_to(quantity: str, nearest: str, session: cx.Session) -> None:
    order = session.buy("BTCUSDT", "0.002", "15000")
    error = refused(lambda: session.amend_order("BTCUSDT", order.client_order_id, quantity))
    assert isinstance(error, FilterFailure)
    assert error.recovery_suggestions == [f"Use quantity='{nearest}'."]
    assert tried(error, session).quantity == D(nearest)


def test_a_list_is_named_by_the_number_in_a_frame(session: cx.Session) -> None:
    pair = session.place_oco("BTCUSDT", "sell", "0.01", price="20000", stop_price="17000")
    number = session.open_orders("BTCUSDT").order_list_id.iloc[0]
    assert isinstance(number, np.integer)
    assert session.order_list(number).client_order_id == pair.client_order_id
    assert session.cancel_order_list("BTCUSDT", number).status == "all_done"


def test_every_error_of_a_call_says_whose_it_was(session: cx.Session) -> None:
    order = session.buy("BTCUSDT", "0.002", "15000")
    for call in (
        lambda: session.buy("btc/usdt", "0.001", "15000.001"),
        lambda: session.order("BTCUSDT", None),  # type: ignore[arg-type]
        lambda: session.amend_order("BTCUSDT", order, "0.003"),
        lambda: session.replace_order("BTCUSDT", 99999, "buy", quantity="0.001", price="15000"),
    ):
        context = refused(call).context
        assert (context["venue"], context["user"], context["symbol"]) == ("paper", "ann", "BTCUSDT")
        assert context["operation"] in ("buy", "order", "amend_order", "replace_order")


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (lambda s: s.cancel_order("BTCUSDT", s.buy("BTCUSDT", "0.001")), "filled"),
        (lambda s: s.place_order("BTCUSDT", "buy", "LIMIT_MAKER", quantity="0.001", price="19500"), "LIMIT"),
        (lambda s: s.place_order("BTCUSDT", "sell", "STOP_LOSS", quantity="0.001", stop_price="25000"), "TAKE_PROFIT"),
        (lambda s: s.place_oco("BTCUSDT", "sell", "0.01", price="25000", stop_price="20000"), "market"),
        (lambda s: s.amend_order("BTCUSDT", s.buy("BTCUSDT", "0.001", "15000").order_id, "0.002"), "replace_order"),
    ],
)
def test_a_refusal_says_what_to_do(call: Callable[[cx.Session], Any], advice: str, session: cx.Session) -> None:
    error = refused(lambda: call(session))
    assert error.code in (-2010, -2011, -2038)
    assert any(advice in line for line in error.recovery_suggestions), error.recovery_suggestions


def test_an_id_that_is_in_use_is_named(session: cx.Session) -> None:
    def place() -> Order:
        return session.place_order("BTCUSDT", "buy", quantity="0.001", price="15000", client_order_id="mine")

    place()
    error = refused(place)
    assert isinstance(error, OrderRejected)
    assert "client_order_id" in " ".join(error.recovery_suggestions)


@pytest.mark.parametrize("call", [cx.Session.klines_bulk, lambda session, *passed: session.live.klines(*passed)])
@pytest.mark.parametrize("wrong", ["BTC USDT", "BTCUSDTX"])
def test_a_wrong_symbol_of_several_is_mended_in_its_place(session: cx.Session, call: Any, wrong: str) -> None:
    error = refused(lambda: call(session, ["ETHUSDT", wrong], "1h"))
    assert error.suggested is not None
    assert (error.suggested["symbol"], error.suggested["interval"]) == (["ETHUSDT", "BTCUSDT"], "1h")
