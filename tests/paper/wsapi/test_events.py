"""Reports of the engine as events, key for key as the documentation and recordings have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cryptox.paper.market import Listing
from cryptox.paper.trading.grid import Grid
from cryptox.paper.trading.orders import Fill, Order, OrderList, Peg, Prevented
from cryptox.paper.trading.reports import BalanceReport, Execution, ListReport, LockReport, PositionReport
from cryptox.paper.wsapi.events import Writer
from cryptox.venues.binance.words import (
    Contingency,
    ExecutionType,
    ExpiryReason,
    OrderStatus,
    OrderType,
    PegPriceType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

T = 1_767_225_600_123
US = T * 1_000 + 456
NOW = 1_767_225_600_200 * 1_000
GRID = Grid(Listing("BTCUSDT", "BTC", "USDT", 0))  # ticks of 0.01, steps of 0.00001
WRITER = Writer(lambda _symbol: GRID)

# ws-api.md section 5, from
# https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream (July 2026); values are made up there.
PRINTED = (
    '{"e":"executionReport","E":1767225600200,"s":"BTCUSDT","c":"x-1","S":"BUY","o":"LIMIT","f":"GTC",'
    '"q":"0.30000000","p":"90000.00000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"",'
    '"x":"NEW","X":"NEW","r":"NONE","i":28,"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0","N":null,'
    '"T":1767225600123,"t":-1,"I":62,"w":true,"m":false,"M":false,"O":1767225600123,"Z":"0.00000000",'
    '"Y":"0.00000000","Q":"0.00000000","W":1767225600123,"V":"EXPIRE_MAKER"}'
)
PRINTED_POSITION = (
    '{"e":"outboundAccountPosition","E":1767225600200,"u":1767225600123,"B":['
    '{"a":"BTC","f":"1.10000000","l":"0.00000000"},{"a":"USDT","f":"90550.00000000","l":"0.00000000"}]}'
)
PRINTED_LIST = (
    '{"e":"listStatus","E":1767225600200,"s":"BTCUSDT","g":2,"c":"OCO","l":"EXEC_STARTED","L":"EXECUTING","r":"NONE",'
    '"C":"listClientId","T":1767225600123,"O":[{"s":"BTCUSDT","i":17,"c":"a"},{"s":"BTCUSDT","i":18,"c":"b"}]}'
)
PRINTED_LOCK = '{"e":"externalLockUpdate","E":1767225600200,"a":"NEO","d":"10.00000000","T":1767225600123}'
PRINTED_BALANCE = '{"e":"balanceUpdate","E":1767225600200,"a":"BTC","d":"-0.50000000","T":1767225600123}'


def order(**changes: Any) -> Order:
    made = Order(
        28,
        "BTCUSDT",
        1,
        "x-1",
        Side.BUY,
        OrderType.LIMIT,
        TimeInForce.GTC,
        30_000,
        9_000_000,
        0,
        0,
        0,
        0,
        SelfTradePrevention.EXPIRE_MAKER,
        US,
        US,
        working_us=US,
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def text(report: Any, writer: Writer = WRITER, **options: bool) -> str:
    options.setdefault("microseconds", False)
    return msgspec.json.encode(writer.event(report, NOW, **options)).decode()


def new(**changes: Any) -> Execution:
    return Execution(1, order(**changes), ExecutionType.NEW, 62, US, on_book=True)


def test_a_new_order_as_printed() -> None:
    assert text(new()) == PRINTED


def test_times_in_microseconds() -> None:
    told = json.loads(text(new(), microseconds=True))
    assert (told["E"], told["T"], told["O"], told["W"]) == (NOW, US, US, US)


def test_an_event_is_never_sent_before_it_happened() -> None:
    late = Execution(1, order(), ExecutionType.NEW, 62, NOW + 5_000_000, on_book=True)
    told = json.loads(text(late))
    assert told["E"] == told["T"] == NOW // 1_000 + 5_000


def test_positions_balances_and_lists_as_printed() -> None:
    position = PositionReport(1, US, (("BTC", 110_000_000, 0), ("USDT", 9_055_000_000_000, 0)))
    assert text(position) == PRINTED_POSITION
    assert text(BalanceReport(1, "BTC", -50_000_000, US)) == PRINTED_BALANCE
    assert text(LockReport(1, "NEO", 1_000_000_000, US)) == PRINTED_LOCK
    orders = OrderList(2, "BTCUSDT", 1, "listClientId", Contingency.OCO, (17, 18))
    assert text(ListReport(1, orders, ((17, "a"), (18, "b")), US)) == PRINTED_LIST


# q, p, z, x, X, l, L, n, t, m, w of the recorded fills and cancels below, on a grid of 0.01 and 0.00001
def _recorded(shared: Path, name: str) -> dict[str, Any]:
    path = shared / "data" / "nautilus" / "ws_messages" / f"ws_spot_execution_report_{name}.json"
    data: dict[str, Any] = json.loads(path.read_text())["data"]
    return data


def _steps(amount: str) -> int:
    return round(float(amount) * 100_000)


def _ticks(price: str) -> int:
    return round(float(price) * 100)


def _atoms(amount: str) -> int:
    return round(float(amount) * 10**8)


@pytest.mark.parametrize("name", ["binance_us", "canceled", "new", "trade"])
def test_recorded_reports_are_written_again(name: str, shared: Path) -> None:
    """Key for key and in their order; ``W`` and ``V`` are missing in the older ones, ``M`` means nothing."""
    wanted = _recorded(shared, name)
    symbol, quantity = wanted["s"], _steps(wanted["q"])
    traded, cancelled = wanted["x"] == "TRADE", wanted["x"] == "CANCELED"
    made = order(
        id=wanted["i"],
        symbol=symbol,
        client_id="the-order" if cancelled else wanted["c"],
        side=Side(wanted["S"]),
        quantity=quantity,
        price=_ticks(wanted["p"]),
        status=OrderStatus(wanted["X"]),
        executed=_steps(wanted["z"]),
        quote=_atoms(wanted["Z"]),
        created_us=wanted["O"] * 1_000,
        working_us=wanted["O"] * 1_000,
    )
    fill = None
    if traded:
        quote, commission = _atoms(wanted["Y"]), _atoms(wanted["n"])
        fill = Fill(
            wanted["t"],
            symbol,
            1,
            made.id,
            -1,
            made.side,
            _ticks(wanted["L"]),
            _steps(wanted["l"]),
            quote,
            commission,
            wanted["N"],
            wanted["T"] * 1_000,
            wanted["m"],
        )
    report = Execution(
        1,
        made,
        ExecutionType(wanted["x"]),
        wanted["I"],
        wanted["T"] * 1_000,
        on_book=wanted["w"],
        fill=fill,
        client_id=wanted["c"] if cancelled else "",
    )
    event = WRITER.event(report, wanted["E"] * 1_000, microseconds=False)
    told = json.loads(msgspec.json.encode(event))
    if cancelled:
        assert told.pop("C") == "the-order"  # the recording has none: it is made by hand
        wanted.pop("C")
    told.pop("M")
    wanted.pop("M")
    extra = [key for key in told if key not in wanted]
    assert extra in ([], ["W", "V"])
    assert [key for key in told if key in wanted] == list(wanted)
    assert {key: told[key] for key in wanted} == wanted


def test_a_cancel_names_both_ids() -> None:
    report = Execution(1, order(status=OrderStatus.CANCELED), ExecutionType.CANCELED, 63, US, False, client_id="c-2")
    told = json.loads(text(report))
    assert (told["c"], told["C"], told["x"], told["X"]) == ("c-2", "x-1", "CANCELED", "CANCELED")


def test_a_fill_tells_price_quantity_and_commission() -> None:
    fill = Fill(77, "BTCUSDT", 1, 28, -1, Side.BUY, 8_999_999, 10_000, 899_999_900_000, 10_000, "BTC", US, True)
    filled = order(status=OrderStatus.PARTIALLY_FILLED, executed=10_000, quote=899_999_900_000)
    told = json.loads(text(Execution(1, filled, ExecutionType.TRADE, 63, US, True, fill=fill)))
    names = ("l", "L", "Y", "z", "Z", "n", "N", "t", "m", "M")
    assert [told[name] for name in names] == [
        "0.10000000",
        "89999.99000000",
        "8999.99900000",
        "0.10000000",
        "8999.99900000",
        "0.00010000",
        "BTC",
        77,
        True,
        True,
    ]


def test_conditional_fields_come_only_where_they_belong() -> None:
    plain = set(json.loads(text(new(working_us=-1))))
    assert plain == set(json.loads(PRINTED)) - {"W"}
    rich = new(
        trailing_delta=150,
        trailing_us=US,
        strategy_id=5,
        strategy_type=1_000_001,
        peg=Peg(PegPriceType.PRIMARY_PEG, 2),
        pegged_price=8_900_000,
        expiry_reason=ExpiryReason.OCO_TRIGGER,
    )
    told = json.loads(text(rich))
    assert {key: told[key] for key in told if key not in plain | {"W"}} == {
        "d": 150,
        "D": T,
        "j": 5,
        "J": 1_000_001,
        "gP": "PRIMARY_PEG",
        "gOT": "PRICE_LEVEL",
        "gOV": 2,
        "gp": "89000.00000000",
        "eR": "OCO_TRIGGER",
    }
    unpegged = json.loads(text(new(trailing_delta=150, peg=Peg(PegPriceType.MARKET_PEG))))
    assert set(unpegged) - plain == {"W", "d", "gP"}


def test_a_prevented_trade_has_no_fill() -> None:
    match = Prevented(3, "BTCUSDT", 1, 29, 28, SelfTradePrevention.DECREMENT, 9_000_000, 20_000, 20_000, US)
    maker = order(prevented=20_000, prevented_id=3)
    report = Execution(
        1,
        maker,
        ExecutionType.TRADE_PREVENTION,
        64,
        US,
        True,
        prevented=match,
        prevented_quantity=20_000,
        counter_order_id=29,
    )
    told = json.loads(text(report))
    assert (told["l"], told["L"], told["Y"], told["t"]) == ("0.00000000", "0.00000000", "0.00000000", -1)
    prevented = {key: told[key] for key in ("v", "A", "B", "U", "Cs", "pl", "pL", "pY")}
    assert prevented == {
        "v": 3,
        "A": "0.20000000",
        "B": "0.20000000",
        "U": 29,
        "Cs": "BTCUSDT",
        "pl": "0.20000000",
        "pL": "90000.00000000",
        "pY": "18000.00000000",
    }
    assert "u" not in told
    grouped = json.loads(text(report, Writer(lambda _symbol: GRID, lambda _account: 9)))
    assert grouped["u"] == 9
