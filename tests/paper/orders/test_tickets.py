"""Parameters to tickets: the tables of the documentation, type by type, and codes and texts of what is refused."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from cryptox.paper.market import Listing
from cryptox.paper.orders import parameters as p
from cryptox.paper.orders.list_tickets import read_oco, read_old_oco, read_oto, read_otoco
from cryptox.paper.orders.tickets import ClientIds, generated_id, read_ticket
from cryptox.paper.parameters import read_parameters
from cryptox.paper.refusals import Refused
from cryptox.paper.trading.grid import Grid
from cryptox.paper.trading.orders import Peg
from cryptox.venues.binance.words import OrderType, PegPriceType, ResponseType, SelfTradePrevention, Side, TimeInForce

GRID = Grid(Listing("BTCUSDT", "BTC", "USDT", 0))
MISSING = "Mandatory parameter '%s' was not sent, was empty/null, or malformed."
NOT_REQUIRED = "Parameter '%s' sent when not required."
EITHER = "Param '%s' or '%s' must be sent, but both were empty/null!"
DECIMALS = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
ILLEGAL = "Illegal characters found in parameter '%s'; legal range is '%s'."
COMBINATION = "Combination of optional parameters invalid."
TYPES = ["LIMIT", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "LIMIT_MAKER"]

READS = {
    "order": (p.ORDER, read_ticket),
    "oco": (p.OCO, read_oco),
    "old": (p.OLD_OCO, read_old_oco),
    "oto": (p.OTO, read_oto),
    "otoco": (p.OTOCO, read_otoco),
    "opo": (p.OPO, read_oto),
    "opoco": (p.OPOCO, read_otoco),
}

LIMIT = {"type": "LIMIT", "timeInForce": "GTC", "quantity": "0.3", "price": "94500"}
MARKET = {"type": "MARKET", "quantity": "0.3"}
STOP = {"type": "STOP_LOSS", "quantity": "0.3", "stopPrice": "90000"}
STOP_LIMIT = {**LIMIT, "type": "STOP_LOSS_LIMIT", "stopPrice": "94600"}
MAKER = {"type": "LIMIT_MAKER", "quantity": "0.3", "price": "94500"}


def read(kind: str, **sent: str) -> Any:
    parameters, reader = READS[kind]
    pairs = list({"symbol": "BTCUSDT", **({"side": "BUY"} if kind in ("order", "oco", "old") else {}), **sent}.items())
    return reader(read_parameters(parameters, pairs), GRID, ClientIds(1))


def refusal(kind: str, **sent: str) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        read(kind, **sent)
    return int(caught.value.code), caught.value.text


def without(sent: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in sent.items() if name not in names}


def test_a_limit_order_in_full() -> None:
    draft = read(
        "order",
        **LIMIT | {"side": "SELL", "timeInForce": "GTC", "icebergQty": "0.00100", "newClientOrderId": "x-1"},
        strategyId=str(2**63 - 1),
        strategyType=str(2**31 - 1),
        selfTradePreventionMode="NONE",
        newOrderRespType="RESULT",
    )
    ticket = draft.ticket
    assert (draft.off_tick, draft.off_step) == (False, False)
    assert (ticket.symbol, ticket.side, ticket.type, ticket.client_id) == ("BTCUSDT", Side.SELL, OrderType.LIMIT, "x-1")
    assert (ticket.quantity, ticket.price, ticket.iceberg, ticket.stop) == (30_000, 9_450_000, 100, 0)
    assert (ticket.strategy_id, ticket.strategy_type) == (2**63 - 1, 2**31 - 1)
    assert (ticket.time_in_force, ticket.prevention) == (TimeInForce.GTC, SelfTradePrevention.NONE)
    assert (ticket.response, ticket.peg, ticket.trailing_delta) == (ResponseType.RESULT, None, 0)


# The table "Mandatory by type": each type with just what it needs.
NEEDS: dict[str, list[set[str]]] = {
    "LIMIT": [{"timeInForce", "quantity", "price"}],
    "MARKET": [{"quantity"}, {"quoteOrderQty"}],
    "LIMIT_MAKER": [{"quantity", "price"}],
}
for _stop in ("STOP_LOSS", "TAKE_PROFIT"):
    _triggers: list[set[str]] = [{"stopPrice"}, {"trailingDelta"}, {"stopPrice", "trailingDelta"}]
    NEEDS[_stop] = [{"quantity"} | one for one in _triggers]
    NEEDS[_stop + "_LIMIT"] = [{"timeInForce", "quantity", "price"} | one for one in _triggers]
SAMPLE = {
    "timeInForce": "GTC",
    "quantity": "0.5",
    "quoteOrderQty": "100",
    "price": "94500.5",
    "stopPrice": "95000",
    "trailingDelta": "100",
}


@pytest.mark.parametrize("kind", TYPES)
def test_every_choice_of_parameters_is_taken_or_refused_as_the_table_says(kind: str) -> None:
    for size in range(len(SAMPLE) + 1):
        for chosen in itertools.combinations(SAMPLE, size):
            sent = {"type": kind, **{name: SAMPLE[name] for name in chosen}}
            if set(chosen) in NEEDS[kind]:
                assert read("order", **sent).ticket.type == kind
            else:
                assert refusal("order", **sent)[0] in (-1102, -1106, -1128), sent


@pytest.mark.parametrize(
    ("sent", "code", "text"),
    [
        (without(LIMIT, "timeInForce", "quantity"), -1102, MISSING % "timeInForce"),
        (without(LIMIT, "quantity", "price"), -1102, MISSING % "quantity"),
        (without(LIMIT, "price"), -1102, MISSING % "price"),
        (without(LIMIT, "type"), -1102, MISSING % "type"),
        ({**LIMIT, "side": ""}, -1102, MISSING % "side"),
        (without(STOP, "stopPrice"), -1102, EITHER % ("stopPrice", "trailingDelta")),
        (without(MARKET, "quantity"), -1102, EITHER % ("quantity", "quoteOrderQty")),
        ({**MARKET, "quoteOrderQty": "100"}, -1128, COMBINATION),
        ({**LIMIT, "quoteOrderQty": "100"}, -1106, NOT_REQUIRED % "quoteOrderQty"),
        ({**MARKET, "timeInForce": "GTC"}, -1106, NOT_REQUIRED % "timeInForce"),
        ({**MAKER, "timeInForce": "GTC"}, -1106, NOT_REQUIRED % "timeInForce"),
        ({**MARKET, "price": "1"}, -1106, NOT_REQUIRED % "price"),
        ({**MARKET, "icebergQty": "0.1"}, -1106, NOT_REQUIRED % "icebergQty"),
        ({**LIMIT, "stopPrice": "1"}, -1106, NOT_REQUIRED % "stopPrice"),
        ({**LIMIT, "trailingDelta": "10"}, -1106, NOT_REQUIRED % "trailingDelta"),
        (
            {**LIMIT, "colour": "red"},
            -1104,
            "Not all sent parameters were read; read '6' parameter(s) but was sent '7'.",
        ),
        ({**LIMIT, "side": "buy"}, -1117, "Invalid side."),
        ({**LIMIT, "type": "limit"}, -1116, "Invalid orderType."),
        ({**LIMIT, "timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
        ({**LIMIT, "newOrderRespType": "SHORT"}, -1136, "Invalid newOrderRespType."),
        ({**LIMIT, "strategyType": "999999"}, -1134, "strategyType was less than 1000000."),
        ({**LIMIT, "strategyType": str(2**31)}, -1108, "Parameter 'strategyType' overflowed."),
        ({**LIMIT, "strategyId": str(2**63)}, -1108, "Parameter 'strategyId' overflowed."),
        ({**STOP, "trailingDelta": "9" * 20}, -1108, "Parameter 'trailingDelta' overflowed."),
        (
            {**LIMIT, "selfTradePreventionMode": "EXPIRE"},
            -1013,
            "This symbol does not allow the specified self-trade prevention mode.",
        ),
        ({**LIMIT, "quantity": "-1"}, -1100, ILLEGAL % ("quantity", DECIMALS)),
        ({**LIMIT, "quantity": "1E-3"}, -1100, ILLEGAL % ("quantity", DECIMALS)),
        ({**LIMIT, "price": "1."}, -1100, ILLEGAL % ("price", DECIMALS)),
        ({**LIMIT, "price": "٣"}, -1100, ILLEGAL % ("price", DECIMALS)),
        ({**LIMIT, "newClientOrderId": "a b"}, -1100, ILLEGAL % ("newClientOrderId", "^[a-zA-Z0-9-_]{1,36}$")),
        ({**LIMIT, "newClientOrderId": "a" * 37}, -1100, ILLEGAL % ("newClientOrderId", "^[a-zA-Z0-9-_]{1,36}$")),
        ({**LIMIT, "newClientOrderId": ""}, -1105, "Parameter 'newClientOrderId' was empty."),
        ({**LIMIT, "quantity": "0.000000001"}, -1111, "Parameter 'quantity' has too much precision."),
        ({**LIMIT, "price": "94500.123456789"}, -1111, "Parameter 'price' has too much precision."),
        ({**MARKET, "quantity": "0"}, -1013, "Invalid quantity."),
        ({**LIMIT, "price": "0.00"}, -1013, "Invalid price."),
        ({"type": "MARKET", "quoteOrderQty": "0"}, -1013, "Invalid quoteOrderQty."),
        ({**STOP, "stopPrice": "0"}, -1013, "Invalid stopPrice."),
        ({**LIMIT, "icebergQty": "0.3"}, -2010, "IcebergQty exceeds QTY."),
        ({**LIMIT, "icebergQty": "0.1", "timeInForce": "IOC"}, -1014, "Unsupported order combination."),
        ({**LIMIT, "pegPriceType": "PRIMARY"}, -1210, "Invalid pegPriceType."),
        (
            {**LIMIT, "pegPriceType": "PRIMARY_PEG", "pegOffsetType": "BPS", "pegOffsetValue": "1"},
            -1211,
            "Invalid pegOffsetType.",
        ),
        (
            {**LIMIT, "pegPriceType": "PRIMARY_PEG", "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": "101"},
            -1211,
            "Invalid pegOffsetType.",
        ),
        (
            {**LIMIT, "pegPriceType": "PRIMARY_PEG", "pegOffsetValue": "1"},
            -1128,
            f"{COMBINATION} Fields [pegOffsetType, pegOffsetValue] must be sent together or omitted entirely.",
        ),
        (
            {**LIMIT, "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": "1"},
            -1128,
            f"{COMBINATION} Recommendation: 'pegPriceType' should also be sent.",
        ),
        ({**MARKET, "pegPriceType": "MARKET_PEG"}, -2010, "This order type may not use pegged price."),
        ({**MAKER, "pegPriceType": "MARKET_PEG"}, -2010, "This price peg cannot be used with this order type."),
        (
            {**LIMIT, "timeInForce": "IOC", "pegPriceType": "PRIMARY_PEG"},
            -2010,
            "This price peg cannot be used with this order type.",
        ),
    ],
)
def test_refusals_have_their_code_and_text(sent: dict[str, str], code: int, text: str) -> None:
    assert refusal("order", **sent) == (code, text)


def test_a_peg_stands_in_for_the_price() -> None:
    sent = without(LIMIT, "price") | {"pegPriceType": "PRIMARY_PEG"}
    assert read("order", **sent).ticket.peg == Peg(PegPriceType.PRIMARY_PEG)
    deeper = {**sent, "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": "100"}
    assert read("order", **deeper).ticket.peg == Peg(PegPriceType.PRIMARY_PEG, 100)
    assert read("order", **without(MAKER, "price"), pegPriceType="PRIMARY_PEG").ticket.price == 0


@pytest.mark.parametrize("kind", TYPES)
def test_what_the_answer_tells_unless_asked(kind: str) -> None:
    sent = {"type": kind, **{name: SAMPLE[name] for name in NEEDS[kind][0]}}
    usual = ResponseType.FULL if kind in ("MARKET", "LIMIT") else ResponseType.ACK
    assert read("order", **sent).ticket.response is usual
    assert read("order", **sent, newOrderRespType="ACK").ticket.response is ResponseType.ACK


def test_numbers_between_two_points_of_the_grid_are_marked() -> None:
    def marks(**sent: str) -> tuple[bool, bool]:
        draft = read("order", **STOP_LIMIT | sent)
        return draft.off_tick, draft.off_step

    assert marks() == (False, False)
    assert marks(price="94500.005") == (True, False)
    assert marks(stopPrice="94500.005") == (True, False)
    assert marks(quantity="0.300001") == (False, True)
    assert marks(icebergQty="0.000011") == (False, True)
    assert read("order", **LIMIT | {"quantity": "0.300009"}).ticket.quantity == 30_000
    assert marks(quantity="0.300000000000") == (False, False)  # zeros are no precision


def test_generated_ids_follow_from_seed_and_counter() -> None:
    ids = ClientIds(5)
    found = [ids() for _ in range(1_000)]
    assert len(set(found)) == 1_000
    assert all(len(one) == 22 and one.isalnum() and one.isascii() for one in found)
    assert found[2] == generated_id(5, 3) == ClientIds(5, 2)()
    assert generated_id(6, 3) != found[2]
    assert read("order", **MARKET).ticket.client_id == generated_id(1, 1)


# Order lists

OCO = {
    "side": "SELL",
    "quantity": "1",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "95000",
    "belowType": "STOP_LOSS_LIMIT",
    "belowPrice": "89000",
    "belowStopPrice": "90000",
    "belowTimeInForce": "GTC",
}
WORKING = {
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "94000",
    "workingQuantity": "0.5",
    "workingTimeInForce": "GTC",
}
OTO = {**WORKING, "pendingType": "STOP_LOSS", "pendingSide": "SELL", "pendingStopPrice": "90000"}
PAIR = {
    **WORKING,
    "pendingSide": "SELL",
    "pendingAboveType": "TAKE_PROFIT",
    "pendingAboveStopPrice": "99000",
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowTrailingDelta": "100",
}
OLD = {"side": "SELL", "quantity": "1", "price": "95000", "stopPrice": "90000"}


def legs(draft: Any) -> list[tuple[str, str, int, int, int]]:
    return [(one.type, one.side, one.quantity, one.price, one.stop) for one in (d.ticket for d in draft.drafts)]


def test_an_oco_has_its_legs_above_and_below() -> None:
    draft = read("oco", **OCO, aboveClientOrderId="up", listClientOrderId="L")
    assert legs(draft) == [
        ("LIMIT_MAKER", "SELL", 100_000, 9_500_000, 0),
        ("STOP_LOSS_LIMIT", "SELL", 100_000, 8_900_000, 9_000_000),
    ]
    assert (draft.ticket.client_id, draft.ticket.working, draft.ticket.takes_bought) == ("L", None, False)
    assert [leg.client_id for leg in draft.ticket.legs] == ["up", generated_id(1, 1)]
    assert draft.ticket.response is ResponseType.RESULT


def test_the_old_form_of_oco_puts_its_legs_where_they_belong() -> None:
    assert [leg[0] for leg in legs(read("old", **OLD))] == ["LIMIT_MAKER", "STOP_LOSS"]
    bought = read("old", **OLD | {"side": "BUY"}, stopLimitPrice="96000", stopLimitTimeInForce="GTC")
    assert legs(bought) == [
        ("STOP_LOSS_LIMIT", "BUY", 100_000, 9_600_000, 9_000_000),
        ("LIMIT_MAKER", "BUY", 100_000, 9_500_000, 0),
    ]
    recommended = f"{COMBINATION} Recommendation: 'stopLimitTimeInForce' should also be sent."
    assert refusal("old", **OLD, stopLimitPrice="89000") == (-1128, recommended)
    assert refusal("old", **without(OLD, "price")) == (-1102, MISSING % "price")


def test_working_and_pending_orders() -> None:
    draft = read("oto", **OTO, pendingQuantity="0.4", selfTradePreventionMode="NONE")
    assert legs(draft) == [("LIMIT", "BUY", 50_000, 9_400_000, 0), ("STOP_LOSS", "SELL", 40_000, 0, 9_000_000)]
    assert draft.ticket.working is draft.drafts[0].ticket
    assert not draft.ticket.takes_bought
    assert {one.ticket.prevention for one in draft.drafts} == {SelfTradePrevention.NONE}
    pair = read("otoco", **PAIR, pendingQuantity="0.4")
    assert legs(pair)[1:] == [("TAKE_PROFIT", "SELL", 40_000, 0, 9_900_000), ("STOP_LOSS", "SELL", 40_000, 0, 0)]
    assert pair.ticket.legs[1].trailing_delta == 100


@pytest.mark.parametrize(("kind", "sent"), [("opo", OTO), ("opoco", PAIR)])
def test_what_sells_a_purchase_has_no_quantity_of_its_own(kind: str, sent: dict[str, str]) -> None:
    draft = read(kind, **sent)
    assert draft.ticket.takes_bought
    assert [leg.quantity for leg in draft.ticket.legs] == [0] * len(draft.ticket.legs)
    assert refusal(kind, **sent, pendingQuantity="1")[0] == -1104
    assert refusal(kind, **sent | {"workingSide": "SELL"}) == (-1222, "Working order in an OPO list must be a bid.")
    assert refusal(kind, **sent | {"pendingSide": "BUY"}) == (-1223, "Pending orders in an OPO list must be asks.")


@pytest.mark.parametrize(
    ("kind", "sent", "name"),
    [
        ("opo", OTO | {"pendingType": "STOP_LOSS_LIMIT", "pendingPrice": "89000"}, "pending"),
        ("opoco", PAIR | {"pendingBelowType": "STOP_LOSS_LIMIT", "pendingBelowPrice": "89000"}, "pendingBelow"),
    ],
)
def test_an_iceberg_that_sells_a_purchase_shows_less_than_can_be_bought(
    kind: str, sent: dict[str, str], name: str
) -> None:
    sent = sent | {f"{name}TimeInForce": "GTC"}
    assert sent["workingQuantity"] == "0.5"
    assert read(kind, **sent, **{f"{name}IcebergQty": "0.49999"}).ticket.legs[-1].iceberg == 49_999
    for shown in ("0.5", "0.6"):
        assert refusal(kind, **sent, **{f"{name}IcebergQty": shown}) == (-2010, "IcebergQty exceeds QTY.")
    own = {**sent, "pendingQuantity": "0.8", f"{name}IcebergQty": "0.6"}  # one with a quantity of its own goes by that
    assert read("oto" if kind == "opo" else "otoco", **own).ticket.legs[-1].iceberg == 60_000


GAIN, STOPS = {"LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"}, {"STOP_LOSS", "STOP_LOSS_LIMIT"}
LEG_SAMPLE = {"Price": "94000", "StopPrice": "94100", "TimeInForce": "GTC"}


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize(("above", "below"), list(itertools.product(TYPES, TYPES)))
def test_every_pair_of_types_is_taken_or_refused_as_documented(side: str, above: str, below: str) -> None:
    sent = {"side": side, "quantity": "1"}
    for prefix, kind in (("above", above), ("below", below)):
        needs = {"Price"} if "LIMIT" in kind else set()
        needs |= {"StopPrice"} if "_LO" in kind or "_PR" in kind else set()
        needs |= {"TimeInForce"} if kind.endswith("_LIMIT") else set()
        sent |= {prefix + "Type": kind, **{prefix + one: LEG_SAMPLE[one] for one in needs}}
    good = (above in GAIN and below in STOPS) if side == "SELL" else (above in STOPS and below in GAIN)
    if good:
        assert [leg[0] for leg in legs(read("oco", **sent))] == [above, below]
        return
    code, text = refusal("oco", **sent)
    if {above, below} & {"LIMIT", "MARKET"}:
        assert (code, text) == (-1158, "Order type not supported in OCO.")
    elif above == below == "LIMIT_MAKER":
        assert (code, text) == (-1168, "At least one OCO order must be contingent.")
    else:
        assert (code, text) in {
            "BUY": {
                (-1165, "A limit order in a buy OCO must be below."),
                (-1196, "A stop loss order in a buy OCO must be above."),
                (-1198, "A take profit order in a buy OCO must be below."),
            },
            "SELL": {
                (-1166, "A limit order in a sell OCO must be above."),
                (-1197, "A stop loss order in a sell OCO must be below."),
                (-1199, "A take profit order in a sell OCO must be above."),
            },
        }[side]
        wrong = {-1165: above, -1166: below, -1198: above, -1199: below, -1196: below, -1197: above}[code]
        assert wrong in (STOPS if code in (-1196, -1197) else GAIN)


@pytest.mark.parametrize(
    ("kind", "sent", "code", "text"),
    [
        ("oco", without(OCO, "aboveType"), -1102, MISSING % "aboveType"),
        ("oco", without(OCO, "abovePrice"), -1102, MISSING % "abovePrice"),
        ("oco", without(OCO, "belowTimeInForce"), -1102, MISSING % "belowTimeInForce"),
        ("oco", without(OCO, "belowStopPrice"), -1102, EITHER % ("belowStopPrice", "belowTrailingDelta")),
        ("oco", {**OCO, "aboveStopPrice": "96000"}, -1106, NOT_REQUIRED % "aboveStopPrice"),
        ("oco", {**OCO, "quantity": "0"}, -1013, "Invalid quantity."),
        (
            "oco",
            {**OCO, "belowIcebergQty": "0.1", "belowTimeInForce": "FOK"},
            -1160,
            "Parameter 'belowIcebergQty' is not supported if aboveTimeInForce/belowTimeInForce is not GTC.",
        ),
        ("oco", {**OCO, "aboveClientOrderId": "a", "belowClientOrderId": "a"}, -2010, "Duplicate order sent."),
        ("oto", {**OTO, "pendingQuantity": "1", "workingType": "STOP_LOSS"}, -1116, "Invalid orderType."),
        ("oto", OTO, -1102, MISSING % "pendingQuantity"),
        ("oto", {**without(OTO, "workingTimeInForce"), "pendingQuantity": "1"}, -1102, MISSING % "workingTimeInForce"),
        ("oto", {**OTO, "pendingQuantity": "0"}, -1013, "Invalid pendingQuantity."),
        ("oto", {**OTO, "pendingQuantity": "1", "workingQuantity": "0"}, -1013, "Invalid workingQuantity."),
        ("otoco", {**without(PAIR, "pendingBelowType"), "pendingQuantity": "1"}, -1102, MISSING % "pendingBelowType"),
        (
            "otoco",
            {**PAIR, "pendingQuantity": "1", "pendingSide": "BUY"},
            -1198,
            "A take profit order in a buy OCO must be below.",
        ),
    ],
)
def test_list_refusals_have_their_code_and_text(kind: str, sent: dict[str, str], code: int, text: str) -> None:
    assert refusal(kind, **sent) == (code, text)


def test_an_iceberg_that_makes_needs_no_time_in_force() -> None:
    assert read("oco", **OCO, aboveIcebergQty="0.1").ticket.legs[0].iceberg == 10_000
