"""Orders as answers tell them: the printed samples of the documentation, letter by letter, and who has which field."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cryptox.paper.market import Listing
from cryptox.paper.orders.answers import (
    OrderAnswers,
    commission_answer,
    list_answer,
)
from cryptox.paper.trading.accounts import Account, Rates
from cryptox.paper.trading.grid import Grid
from cryptox.paper.trading.orders import NONE, Amendment, Fill, Order, OrderList, Peg, Placed, Prevented
from cryptox.paper.trading.records import Records
from cryptox.venues.binance.wire.fills import AmendmentRow, MyTrade, PreventedRow
from cryptox.venues.binance.wire.order_lists import ListAnswer
from cryptox.venues.binance.wire.orders import (
    AmendAnswer,
    CancelAnswer,
    OrderAck,
    OrderAnswer,
    OrderRow,
    TestAnswer,
)
from cryptox.venues.binance.words import (
    Contingency,
    ExpiryReason,
    OrderStatus,
    OrderType,
    PegPriceType,
    ResponseType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

LISTING = Listing("BTCUSDT", "BTC", "USDT", 0)
PLACED_US, LATER_US = 1_767_225_600_123_456, 1_767_225_600_223_999


def milliseconds(time_us: int) -> int:
    return time_us // 1_000


ANSWERS = OrderAnswers(Grid(LISTING), milliseconds)


@pytest.fixture(scope="module")
def printed(shared: Path) -> str:
    return (shared / "binance" / "rest.md").read_text(encoding="utf-8")


def sample(printed: str, heading: str, start: str) -> Any:
    """The first JSON after a heading that starts like this."""
    text = printed[printed.index(heading) :]
    return json.JSONDecoder().raw_decode(text[text.index(start) :])[0]


def same_letters(told: Any, wanted: Any) -> None:
    """Same keys in the same order, same values."""
    assert msgspec.json.encode(told).decode() == json.dumps(wanted, separators=(",", ":"))


def order(**changes: Any) -> Order:
    usual: dict[str, Any] = {
        "id": 28,
        "symbol": "BTCUSDT",
        "account": 1,
        "client_id": "x-1",
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC,
        "quantity": 30_000,
        "price": 9_000_000,
        "quote_quantity": 0,
        "stop": 0,
        "trailing_delta": 0,
        "iceberg": 0,
        "prevention": SelfTradePrevention.EXPIRE_MAKER,
        "created_us": PLACED_US,
        "updated_us": PLACED_US,
        "working_us": PLACED_US,
    }
    return Order(**usual | changes)


def fill(number: int, ticks: int, steps: int, quote: int) -> Fill:
    return Fill(
        number, "BTCUSDT", 1, 28, NONE, Side.BUY, ticks, steps, quote, steps, "BTC", PLACED_US, is_maker=False
    )  # fmt: skip


BOUGHT = order(
    type=OrderType.MARKET, price=0, executed=30_000, quote=2_835_000_200_000, status=OrderStatus.FILLED
)  # fmt: skip
FILLS = [fill(56, 9_450_000, 10_000, 945_000_000_000), fill(57, 9_450_001, 20_000, 1_890_000_200_000)]


def keys(told: Any) -> list[str]:
    return list(msgspec.to_builtins(told))


def test_placements_as_printed(printed: str) -> None:
    placed = Placed(BOUGHT, FILLS)
    wanted = sample(printed, "FULL (RESULT = the same without `fills`)", '{"symbol"')
    told = ANSWERS.placed(placed, ResponseType.FULL)
    same_letters(told, wanted)
    del wanted["fills"]
    same_letters(ANSWERS.placed(placed, ResponseType.RESULT), wanted)
    same_letters(ANSWERS.placed(placed, ResponseType.ACK), sample(printed, "\nACK: ", '{"symbol"'))


def test_a_cancel_as_printed(printed: str) -> None:
    cancelled = order(status=OrderStatus.CANCELED, updated_us=LATER_US)
    told = ANSWERS.cancelled(cancelled, "cancel-1")
    same_letters(told, sample(printed, "**DELETE order**", '{"symbol"'))
    assert "workingTime" not in keys(told)


def test_a_query_as_printed(printed: str) -> None:
    same_letters(ANSWERS.row(order()), sample(printed, "**GET openOrders**", '{"symbol"'))


def test_an_amend_as_printed(printed: str) -> None:
    amended = order(
        id=33,
        client_id="b",
        quantity=20_000,
        side=Side.SELL,
        prevention=SelfTradePrevention.NONE,
        working_us=1_767_225_600_100_000,
    )
    amendment = Amendment("BTCUSDT", 1, 33, 75, "a", "b", 30_000, 20_000, LATER_US)
    same_letters(ANSWERS.amended(amended, amendment, None, []), sample(printed, "**PUT order/amend", '{"transactTime"'))
    wanted = sample(printed, "**GET order/amendments**", '[{"symbol"')[0]
    same_letters(ANSWERS.amendment_row(amendment), wanted)


def test_rows_of_fills_and_prevented_matches_as_printed(printed: str) -> None:
    row = ANSWERS.my_trade(FILLS[0])
    same_letters(row, sample(printed, "**GET myTrades**", '[{"symbol"')[0])
    match = Prevented(1, "BTCUSDT", 1, 5, 3, SelfTradePrevention.EXPIRE_MAKER, 9_450_000, None, 130_000, PLACED_US)
    same_letters(ANSWERS.prevented_row(match), sample(printed, "**GET myPreventedMatches**", '[{"symbol"')[0])
    both = ANSWERS.prevented_row(replace(match, taker_quantity=1))
    assert both.taker_quantity == "0.00001000"


def test_the_commission_of_a_test_order_as_printed(printed: str) -> None:
    account = Account(1, takes_discount=True)
    same_letters(
        commission_answer(account, Side.BUY), sample(printed, "**POST order/test**", '{"standardCommissionForOrder"')
    )


def test_the_side_adds_its_own_part_of_the_commission() -> None:
    account = Account(1, standard=Rates(100, 200, 10, 40), tax=Rates(1, 2, 3, 4))
    bought, sold = commission_answer(account, Side.BUY), commission_answer(account, Side.SELL)
    assert (bought.standard.maker, bought.standard.taker) == ("0.00000110", "0.00000210")
    assert (sold.standard.maker, sold.tax.taker) == ("0.00000140", "0.00000006")
    assert not sold.discount.enabled_for_account


def test_lists_as_printed(printed: str) -> None:
    legs = [
        order(id=10, client_id="p", list_id=1, type=OrderType.STOP_LOSS, stop=1, working_us=NONE),
        order(id=11, client_id="q", list_id=1, type=OrderType.LIMIT_MAKER),
    ]
    found = OrderList(1, "BTCUSDT", 1, "L1", Contingency.OCO, (10, 11), created_us=PLACED_US, updated_us=LATER_US)
    text = printed[printed.index("List answer (placement)") :]
    block = text[text.index('{"orderListId"') : text.index("```\nOTO")]
    wanted = json.loads(block.replace("{…order in the requested newOrderRespType…}", "{}").replace("{…}", "{}"))
    told = ANSWERS.list_placed(found, [Placed(leg) for leg in legs], ResponseType.RESULT)
    reports = msgspec.to_builtins(told)["orderReports"]
    wanted["orderReports"] = reports
    same_letters(told, wanted)
    assert [report["orderId"] for report in reports] == [10, 11]
    assert (reports[0]["workingTime"], reports[0]["stopPrice"]) == (-1, "0.01000000")
    records = Records()
    for leg in legs:
        records.add(leg)
    del wanted["orderReports"]
    same_letters(list_answer(found, records, milliseconds), wanted)


def test_a_cancelled_list_is_done() -> None:
    legs = [order(id=number, list_id=1, status=OrderStatus.CANCELED, updated_us=LATER_US) for number in (10, 11)]
    found = OrderList(1, "BTCUSDT", 1, "L1", Contingency.OTO, (9, 10, 11), created_us=PLACED_US, updated_us=LATER_US)
    told = msgspec.to_builtins(ANSWERS.list_cancelled(found, [order(id=9), *legs], legs, "c"))
    assert (told["listStatusType"], told["listOrderStatus"], told["contingencyType"]) == ("ALL_DONE", "ALL_DONE", "OTO")
    assert told["transactionTime"] == 1_767_225_600_223
    assert [one["orderId"] for one in told["orders"]] == [9, 10, 11]
    assert [(one["orderId"], one["clientOrderId"]) for one in told["orderReports"]] == [(10, "c"), (11, "c")]
    assert {one["transactTime"] for one in told["orderReports"]} == {1_767_225_600_223}


PLAIN = [
    "symbol orderId orderListId clientOrderId transactTime price origQty executedQty origQuoteOrderQty",
    "cummulativeQuoteQty status timeInForce type side workingTime fills selfTradePreventionMode",
]


@pytest.mark.parametrize(
    ("changes", "extra"),
    [
        ({}, set()),
        ({"iceberg": 100}, {"icebergQty"}),
        *[({"type": kind, "stop": 1}, {"stopPrice"}) for kind in OrderType if kind.is_contingent],
        ({"type": OrderType.STOP_LOSS, "trailing_delta": 5}, {"stopPrice", "trailingDelta", "trailingTime"}),
        ({"strategy_id": 0, "strategy_type": 1_000_000}, {"strategyId", "strategyType"}),
        ({"prevented_id": 0, "prevented": 7}, {"preventedMatchId", "preventedQuantity", "tradeGroupId"}),
        ({"peg": Peg(PegPriceType.MARKET_PEG)}, {"pegPriceType", "peggedPrice"}),
        (
            {"peg": Peg(PegPriceType.PRIMARY_PEG, 3)},
            {"pegPriceType", "peggedPrice", "pegOffsetType", "pegOffsetValue"},
        ),
        ({"expiry_reason": ExpiryReason.OCO_TRIGGER}, {"expiryReason"}),
    ],
)
def test_some_fields_are_only_there_for_some_orders(changes: dict[str, Any], extra: set[str]) -> None:
    sent = order(**changes)
    plain = " ".join(PLAIN).split()
    full = keys(ANSWERS.placed(Placed(sent), ResponseType.FULL))
    assert [key for key in full if key not in extra] == plain
    assert set(full) - set(plain) == extra
    assert keys(ANSWERS.placed(Placed(sent), ResponseType.ACK)) == plain[:5]
    result = keys(ANSWERS.placed(Placed(sent), ResponseType.RESULT))
    assert result == [key for key in full if key != "fills"]
    row = set(keys(ANSWERS.row(sent)))
    assert row >= extra | {"stopPrice", "icebergQty", "isWorking", "time", "updateTime", "workingTime"}
    cancelled = set(keys(ANSWERS.cancelled(sent, "c")))
    assert cancelled & extra == extra - {"expiryReason"}


def test_an_order_that_waits() -> None:
    stop = order(type=OrderType.STOP_LOSS_LIMIT, stop=9_500_000, trailing_delta=25, working_us=NONE)
    told = msgspec.to_builtins(ANSWERS.placed(Placed(stop), ResponseType.RESULT))
    assert (told["workingTime"], told["trailingTime"], told["stopPrice"]) == (-1, -1, "95000.00000000")
    row = ANSWERS.row(stop)
    assert (row.is_working, row.working_time) == (False, -1)
    assert ANSWERS.row(order()).is_working


def test_an_order_that_waits_for_what_is_bought_has_no_quantity() -> None:
    pending = order(status=OrderStatus.PENDING_NEW, quantity=0, working_us=NONE)
    assert "origQty" not in keys(ANSWERS.placed(Placed(pending), ResponseType.FULL))
    assert "origQty" in keys(ANSWERS.placed(Placed(replace(pending, quantity=1)), ResponseType.FULL))


def test_prevented_matches_tell_only_what_was_taken_away() -> None:
    match = Prevented(0, "BTCUSDT", 1, 28, 2, SelfTradePrevention.DECREMENT, 100, 300_000, 100_000, PLACED_US)
    sent = order(prevented_id=0, prevented=400_000)
    told = msgspec.to_builtins(
        OrderAnswers(Grid(LISTING), milliseconds, group=9).placed(
            Placed(sent, [], [match, replace(match, taker_quantity=None)]), ResponseType.RESULT
        )
    )
    assert told["preventedMatches"][0] == {
        "preventedMatchId": 0,
        "makerSymbol": "BTCUSDT",
        "makerOrderId": 2,
        "price": "1.00000000",
        "takerPreventedQuantity": "3.00000000",
        "makerPreventedQuantity": "1.00000000",
    }
    assert "takerPreventedQuantity" not in told["preventedMatches"][1]
    assert (told["preventedQuantity"], told["tradeGroupId"]) == ("4.00000000", 9)


def test_times_are_in_the_unit_asked_for() -> None:
    told = OrderAnswers(Grid(LISTING), lambda time_us: time_us).placed(Placed(order()), ResponseType.RESULT)
    assert msgspec.to_builtins(told)["transactTime"] == PLACED_US
    assert OrderAnswers(Grid(LISTING), lambda time_us: time_us).row(order()).working_time == PLACED_US


@pytest.mark.parametrize(
    ("heading", "start", "kind"),
    [
        ("\nACK: ", '{"symbol"', OrderAck),
        ("FULL (RESULT = the same without `fills`)", '{"symbol"', OrderAnswer[Decimal]),
        ("**DELETE order**", '{"symbol"', CancelAnswer[Decimal]),
        ("**PUT order/amend", '{"transactTime"', AmendAnswer[Decimal]),
        ("**GET openOrders**", '{"symbol"', OrderRow[Decimal]),
        ("**GET myTrades**", '[{"symbol"', list[MyTrade[Decimal]]),
        ("**GET myPreventedMatches**", '[{"symbol"', list[PreventedRow[Decimal]]),
        ("**GET order/amendments**", '[{"symbol"', list[AmendmentRow[Decimal]]),
        ("**POST order/test**", '{"standardCommissionForOrder"', TestAnswer[Decimal]),
    ],
)
def test_the_structs_read_what_is_printed(printed: str, heading: str, start: str, kind: Any) -> None:
    wanted = sample(printed, heading, start)
    told = msgspec.convert(wanted, kind)
    back = json.dumps(msgspec.to_builtins(told, builtin_types=(Decimal,)), default=lambda number: f"{number:f}")
    assert json.loads(back) == wanted


def test_a_list_reads_its_reports_exactly() -> None:
    found = OrderList(1, "BTCUSDT", 1, "L1", Contingency.OCO, (28,), created_us=PLACED_US)
    told = ANSWERS.list_placed(found, [Placed(order())], ResponseType.RESULT)
    back = msgspec.json.decode(msgspec.json.encode(told), type=ListAnswer[OrderAnswer[Decimal]])
    assert isinstance(back.reports, list)
    assert back.reports[0].price == Decimal(90_000)
