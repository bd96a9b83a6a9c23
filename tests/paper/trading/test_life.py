"""Reports and records: what each change of an order leaves behind."""

from __future__ import annotations

from cryptox.paper.trading.life import copied
from cryptox.paper.trading.reports import Execution
from cryptox.venues.binance.words import ExecutionType, OrderStatus


def executions(scene):
    return [one for one in scene.reports() if isinstance(one, Execution)]


def test_a_report_keeps_the_order_as_it_was(scene):
    order = scene.order(1, "BUY", "LIMIT", 150, 10_002)
    first, second = executions(scene)
    scene.cancel(order)
    assert (first.order.status, first.order.executed, first.order.hold) == (OrderStatus.NEW, 0, 10_002 * 1500)
    assert (second.order.status, second.order.executed) == (OrderStatus.PARTIALLY_FILLED, 100)
    assert (order.status, second.order is order) == (OrderStatus.CANCELED, False)
    same = copied(order)
    assert (same == order, same is order) == (True, False)


def test_ids_count_up_by_symbol(scene):
    for symbol in ("BTCUSDT", "BNBUSDT", "BTCUSDT"):
        scene.place(1, "BUY", "LIMIT", 1, 9_000, symbol=symbol)
    assert [(one.order.symbol, one.order.id, one.id) for one in executions(scene)] == [
        ("BTCUSDT", 1, 1),
        ("BNBUSDT", 1, 1),
        ("BTCUSDT", 2, 2),
    ]


def test_changes_are_noted_for_a_store(scene):
    scene.order(1, "SELL", "LIMIT", 20, 10_001, client_id="maker")
    scene.records.take_changes()
    scene.order(2, "BUY", "LIMIT", 10, 10_001)
    changed = scene.records.take_changes()
    assert set(changed.orders) == {("BTCUSDT", 1), ("BTCUSDT", 2)}
    assert (changed.accounts, changed.symbols, len(changed.fills)) == ({1, 2}, {"BTCUSDT"}, 2)
    scene.market.then(10, 10_001, 3, sold=False)
    scene.at(10)
    changed = scene.records.take_changes()
    assert (set(changed.orders), changed.accounts) == ({("BTCUSDT", 1)}, {1})
    assert scene.records.take_changes().orders == {}


def test_times_are_those_of_the_trades(scene):
    order = scene.order(1, "BUY", "LIMIT", 10, 9_990)
    scene.reports()
    scene.market.then(1234, 9_989)
    scene.at(60_000)
    (report,) = executions(scene)
    assert report.kind is ExecutionType.TRADE
    assert report.time_us == order.updated_us == report.fill.time_us == (1_767_225_600_000 + 1234) * 1000
    assert order.created_us == 1_767_225_600_000_000


def test_aggregates_of_prints(scene):
    scene.place(1, "BUY", "LIMIT", 5, 9_999)
    scene.place(2, "BUY", "LIMIT", 5, 9_999)
    scene.place(3, "SELL", "LIMIT", 107, 9_999)
    prints = scene.engine.prints.of("BTCUSDT")
    assert [(one.price, one.quantity, one.opens) for one in prints] == [
        (10_000, 100, True),
        (9_999, 5, True),
        (9_999, 2, False),
    ]
    scene.place(3, "SELL", "LIMIT", 1, 9_999)
    assert scene.engine.prints.of("BTCUSDT")[-1].opens
    assert {(one.before, one.aggregates_before) for one in prints} == {(1, 1)}


def test_an_answer_does_not_grow_after_its_call(scene):
    placed = scene.place(1, "BUY", "LIMIT", 150, 10_002)
    assert len(placed.fills) == 1
    scene.place(2, "SELL", "LIMIT", 50, 10_002)
    assert (placed.order.executed, len(placed.fills)) == (150, 1)
