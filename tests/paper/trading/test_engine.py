"""The life of single orders: limit, market, post-only; the book and the queue; cancels and money."""

from __future__ import annotations

from typing import Any

import pytest

from cryptox.paper.refusals import Refused
from cryptox.paper.trading.reports import BalanceReport, Execution, LockReport, PositionReport
from cryptox.venues.binance.words import ExpiryReason, OrderStatus

FUNDS = "Account has insufficient balance for requested action."


def refusal(call: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        call()
    return int(caught.value.code), caught.value.text


class TestLimit:
    def test_rests_locks_and_shows(self, scene):
        order = scene.order(1, "BUY", "LIMIT", 30, 9_999)
        assert (order.id, order.status, order.is_working, order.hold) == (1, OrderStatus.NEW, True, 9_999 * 30 * 10)
        assert scene.balance(1, "USDT") == (10**13 - 2_999_700, 2_999_700)
        assert scene.levels(3)[0] == [(10_000, 100), (9_999, 30), (9_998, 100)]
        assert scene.story() == ["1 NEW NEW", "position USDT"]
        sold = scene.order(1, "SELL", "LIMIT", 30, 10_004)
        assert scene.balance(1, "BTC") == (10**13 - 30_000, 30_000)
        assert scene.levels(2)[1] == [(10_002, 100), (10_004, 130)]
        assert (order.ahead, sold.ahead) == (0, 100)
        scene.check()

    def test_takes_at_better_prices_and_rests_with_the_rest(self, scene):
        placed = scene.place(1, "BUY", "LIMIT", 350, 10_006)
        order = placed.order
        assert [(fill.price, fill.quantity, fill.is_maker) for fill in placed.fills] == [
            (10_002, 100, False),
            (10_004, 100, False),
            (10_006, 100, False),
        ]
        assert (order.status, order.executed, order.open_quantity) == (OrderStatus.PARTIALLY_FILLED, 300, 50)
        assert order.quote == 10_004 * 300 * 10
        # The difference to the better price came back at once: only the open rest is locked.
        assert scene.balance(1, "USDT") == (10**13 - 30_012_000 - 5_003_000, 5_003_000)
        assert scene.balance(1, "BTC") == (10**13 + 300_000, 0)
        assert scene.levels(2) == ([(10_006, 50), (10_000, 100)], [(10_008, 100), (10_010, 100)])
        assert scene.story() == ["1 NEW NEW"] + ["1 TRADE PARTIALLY_FILLED"] * 3 + ["position USDT BTC"]
        assert scene.engine.last_price("BTCUSDT", scene.now_us) == 10_006
        scene.check()

    def test_two_accounts_trade_with_each_other_at_the_makers_price(self, scene):
        maker = scene.order(1, "SELL", "LIMIT", 20, 10_001)
        scene.reports()
        taker = scene.place(2, "BUY", "LIMIT", 20, 10_003)
        assert (maker.status, taker.order.status) == (OrderStatus.FILLED, OrderStatus.FILLED)
        assert [(fill.price, fill.quantity, fill.trade_id) for fill in taker.fills] == [(10_001, 20, 1)]
        assert scene.balance(1, "USDT") == (10**13 + 2_000_200, 0)
        assert scene.balance(2, "USDT") == (10**13 - 2_000_200, 0)
        mine, theirs = scene.records.fills_of(1, "BTCUSDT"), scene.records.fills_of(2, "BTCUSDT")
        assert (mine[0].trade_id, mine[0].is_maker, theirs[0].is_maker) == (1, True, False)
        (printed,) = scene.engine.prints.of("BTCUSDT")
        assert (printed.before, printed.price, printed.quantity, printed.buyer_is_maker) == (1, 10_001, 20, False)
        reports = scene.reports()
        assert [type(one).__name__ for one in reports] == ["Execution"] * 3 + ["PositionReport"] * 2
        assert [one.account for one in reports] == [2, 2, 1, 2, 1]

    def test_users_before_each_other_in_time_and_market_quantity_between_them(self, scene):
        first = scene.order(1, "SELL", "LIMIT", 10, 10_001)
        second = scene.order(2, "SELL", "LIMIT", 10, 10_001)
        at_level = scene.order(1, "SELL", "LIMIT", 10, 10_002)  # behind 100 of the market's own
        taker = scene.place(3, "BUY", "LIMIT", 15, 10_002)
        assert [(fill.price, fill.quantity) for fill in taker.fills] == [(10_001, 10), (10_001, 5)]
        assert (first.executed, second.executed) == (10, 5)
        scene.place(3, "BUY", "LIMIT", 65, 10_002)
        assert (second.executed, at_level.executed, at_level.ahead) == (10, 0, 40)
        scene.place(3, "BUY", "LIMIT", 45, 10_002)
        assert (at_level.executed, at_level.status) == (5, OrderStatus.PARTIALLY_FILLED)
        assert scene.levels(2)[1] == [(10_002, 5), (10_004, 100)]
        scene.check()

    def test_what_was_taken_stays_taken_until_the_market_moves_there(self, scene):
        scene.market.book(200, [(10_000, 100)], [(10_002, 100), (10_004, 100)])
        scene.market.book(300, [(10_000, 100)], [(10_002, 77), (10_004, 100)])
        shift = scene.engine.levels("BTCUSDT", scene.now_us, 5).last_update_id
        scene.place(1, "BUY", "LIMIT", 130, 10_004, time_in_force="IOC")
        assert scene.levels(2)[1] == [(10_004, 70), (10_006, 100)]
        assert scene.order(2, "SELL", "LIMIT", 1, 10_002).ahead == 0
        behind = scene.order(2, "SELL", "LIMIT", 1, 10_004)
        assert behind.ahead == 70
        for order in scene.records.open_orders(2):
            scene.cancel(order)
        assert scene.engine.levels("BTCUSDT", scene.now_us, 5).last_update_id == shift + 6
        scene.at(200)
        assert scene.levels(2)[1] == [(10_004, 70)]
        scene.at(300)
        assert scene.levels(2)[1] == [(10_002, 77), (10_004, 70)]

    @pytest.mark.parametrize(
        ("tif", "price", "filled", "reason"),
        [
            ("IOC", 10_002, 100, ExpiryReason.UNFILLED_IOC_QUANTITY_EXPIRED),
            ("IOC", 10_001, 0, ExpiryReason.UNFILLED_IOC_QUANTITY_EXPIRED),
            ("FOK", 10_002, 0, ExpiryReason.UNFILLED_FOK_ORDER_EXPIRED),
        ],
    )
    def test_that_may_not_rest_expires(self, scene, tif, price, filled, reason):
        order = scene.order(1, "BUY", "LIMIT", 150, price, time_in_force=tif)
        assert (order.status, order.executed, order.expiry_reason) == (OrderStatus.EXPIRED, filled, reason)
        assert scene.balance(1, "USDT")[1] == 0
        assert scene.story()[-2] == "1 EXPIRED EXPIRED"
        scene.check()

    def test_fill_or_kill_fills_whole(self, scene):
        order = scene.order(1, "BUY", "LIMIT", 150, 10_004, time_in_force="FOK")
        assert (order.status, order.executed) == (OrderStatus.FILLED, 150)

    def test_maker_only_refuses_to_take(self, scene):
        assert refusal(lambda: scene.place(1, "BUY", "LIMIT_MAKER", 1, 10_002)) == (
            -2010,
            "Order would immediately match and take.",
        )
        assert scene.records.counters.get("BTCUSDT") is None or scene.records.counters["BTCUSDT"].order == 0
        assert scene.order(1, "BUY", "LIMIT_MAKER", 1, 10_001).is_working

    def test_funds_and_ids(self, scene):
        assert refusal(lambda: scene.place(1, "BUY", "LIMIT", 10**9, 10_000)) == (-2010, FUNDS)
        scene.place(1, "BUY", "LIMIT", 1, 10_000, client_id="same")
        duplicate = (-2010, "Duplicate order sent.")
        assert refusal(lambda: scene.place(1, "BUY", "LIMIT", 1, 10_000, client_id="same")) == duplicate
        again = scene.ticket("BUY", "LIMIT", 1, 26_000, client_id="same", symbol="BNBUSDT")
        assert refusal(lambda: scene.engine.test(scene.accounts[1], again, scene.now_us)) == duplicate
        assert scene.order(2, "BUY", "LIMIT", 1, 10_000, client_id="same").is_open  # another account's
        scene.cancel(scene.records.open_orders(1)[0])
        assert scene.order(1, "BUY", "LIMIT", 1, 10_000, client_id="same").id == 3
        scene.check()


class TestMarket:
    def test_walks_the_book(self, scene):
        placed = scene.place(1, "BUY", "MARKET", 150)
        assert [(fill.price, fill.quantity) for fill in placed.fills] == [(10_002, 100), (10_004, 50)]
        assert placed.order.status is OrderStatus.FILLED
        reports = scene.reports()
        assert [one.on_book for one in reports if isinstance(one, Execution)] == [True, False, False]
        assert scene.balance(1, "USDT") == (10**13 - 10_002_000 - 5_002_000, 0)

    def test_rest_expires(self, scene):
        order = scene.order(1, "SELL", "MARKET", 5_100)
        assert (order.status, order.executed) == (OrderStatus.EXPIRED, 5_000)
        assert order.expiry_reason is ExpiryReason.INSUFFICIENT_LIQUIDITY
        assert scene.levels(1)[0] == []
        nothing = scene.order(1, "SELL", "MARKET", 1)
        assert (nothing.status, nothing.executed) == (OrderStatus.EXPIRED, 0)
        assert refusal(lambda: scene.place(1, "SELL", "MARKET", quote_quantity=10**8)) == (
            -2010,
            "Order book liquidity is less than symbol minimum quantity.",
        )
        scene.check()

    def test_by_quote_quantity_buys_the_most_that_it_pays_for(self, scene):
        budget = 10_002 * 100 * 10 + 10_004 * 7 * 10 + 99_999
        placed = scene.place(1, "BUY", "MARKET", quote_quantity=budget)
        order = placed.order
        assert (order.status, order.quantity, order.executed) == (OrderStatus.FILLED, 107, 107)
        assert order.quote == budget - 99_999
        assert scene.balance(1, "USDT") == (10**13 - order.quote, 0)
        sold = scene.order(1, "SELL", "MARKET", quote_quantity=10_000 * 10 * 5 - 1)  # nearer to 5 steps than to 4
        assert (sold.quantity, sold.status) == (5, OrderStatus.FILLED)

        sold = scene.order(1, "SELL", "MARKET", quote_quantity=10_000 * 10 * 4 + 49_999)
        assert (sold.quantity, sold.status) == (4, OrderStatus.FILLED)

    def test_by_quote_quantity_on_a_thin_book_expires(self, scene):
        order = scene.order(1, "BUY", "MARKET", quote_quantity=10**12)
        assert (order.status, order.executed, order.quantity) == (OrderStatus.EXPIRED, 5_000, 5_000)
        assert order.expiry_reason is ExpiryReason.INSUFFICIENT_LIQUIDITY

    def test_needs_the_money_for_all_of_it(self, scene):
        scene.accounts[1].balance("USDT").free = 10_002 * 100 * 10
        assert refusal(lambda: scene.place(1, "BUY", "MARKET", 101)) == (-2010, FUNDS)
        assert scene.order(1, "BUY", "MARKET", 100).status is OrderStatus.FILLED
        assert scene.balance(1, "USDT") == (0, 0)
        scene.accounts[1].balance("BTC").free = 999
        assert refusal(lambda: scene.place(1, "SELL", "MARKET", 1)) == (-2010, FUNDS)


class TestMovingMarket:
    def test_trades_at_the_price_eat_the_queue_first(self, scene):
        order = scene.order(1, "BUY", "LIMIT", 30, 10_000)
        assert order.ahead == 100
        for number, quantity in enumerate((60, 30, 25, 40)):
            scene.market.then(50 + number, 10_000, quantity)
        scene.at(51)
        assert (order.ahead, order.executed) == (10, 0)
        scene.at(52)
        assert (order.ahead, order.executed, order.status) == (0, 15, OrderStatus.PARTIALLY_FILLED)
        scene.at(53)
        assert (order.executed, order.status) == (30, OrderStatus.FILLED)
        first, second = scene.records.fills_of(1, "BTCUSDT")
        # Own trades 0, then 1 and 2; the print stands before own trade 3, which caused it.
        assert (first.trade_id, first.price, first.is_maker) == (3, 10_000, True)
        assert first.time_us == (1_767_225_600_000 + 52) * 1000
        assert second.trade_id == 5
        assert scene.engine.last_price("BTCUSDT", scene.now_us) == 10_000
        scene.check()

    def test_a_taker_of_the_same_side_meets_it_without_queue(self, scene):
        order = scene.order(1, "BUY", "LIMIT", 30, 10_000)
        scene.market.then(50, 10_000, 12, sold=False)
        scene.at(50)
        assert (order.executed, order.ahead) == (12, 100)

    def test_a_trade_beyond_fills_all_at_its_own_price(self, scene):
        near, far = scene.order(1, "BUY", "LIMIT", 500, 9_999), scene.order(2, "BUY", "LIMIT", 500, 9_990)
        scene.market.then(40, 9_995, 1)
        scene.at(60)
        assert (near.status, near.quote, far.executed) == (OrderStatus.FILLED, 9_999 * 500 * 10, 0)
        assert scene.engine.last_price("BTCUSDT", scene.now_us) == 9_995
        (printed,) = scene.engine.prints.of("BTCUSDT")
        assert (printed.before, printed.aggregates_before, printed.buyer_is_maker) == (1, 1, True)
        scene.check()

    def test_the_market_comes_across(self, scene):
        bid, higher = scene.order(1, "BUY", "LIMIT", 120, 9_990), scene.order(2, "BUY", "LIMIT", 10, 9_991)
        scene.market.book(500, [(9_970, 5)], [(9_985, 50), (9_990, 40), (9_992, 7)])
        scene.at(499)
        assert bid.executed == 0
        scene.at(500)
        assert (higher.executed, bid.executed, bid.quote) == (10, 80, 9_990 * 80 * 10)
        assert scene.levels(2) == ([(9_990, 40), (9_970, 5)], [(9_992, 7)])
        assert all(fill.is_maker for fill in scene.records.fills_of(1, "BTCUSDT"))
        scene.check()

    def test_restored_from_its_records(self, scene):
        first, second = scene.order(1, "BUY", "LIMIT", 30, 10_000), scene.order(2, "BUY", "LIMIT", 30, 10_000)
        stop = scene.order(2, "SELL", "STOP_LOSS", 5, stop=9_990, client_id="stop")
        scene.market.then(50, 10_000, 110)
        scene.market.then(80, 9_990, 1)
        scene.restart()
        assert refusal(lambda: scene.place(2, "BUY", "LIMIT", 1, 9_000, client_id="stop"))[0] == -2010
        scene.at(60)
        assert (first.executed, second.executed, stop.status) == (10, 0, OrderStatus.NEW)
        scene.at(90)
        assert (first.executed, second.executed, stop.status) == (30, 30, OrderStatus.FILLED)
        scene.check()


class TestIceberg:
    def test_shows_a_slice_and_queues_again_behind_everything(self, scene):
        iceberg = scene.order(1, "SELL", "LIMIT", 30, 10_001, iceberg=10)
        other = scene.order(2, "SELL", "LIMIT", 10, 10_001)
        assert scene.levels(1)[1] == [(10_001, 20)]
        taker = scene.place(3, "BUY", "LIMIT", 25, 10_001)
        assert [fill.quantity for fill in taker.fills] == [10, 10, 5]
        assert (iceberg.executed, other.executed, iceberg.visible) == (15, 10, 5)
        assert scene.levels(1)[1] == [(10_001, 5)]
        behind = scene.order(2, "SELL", "LIMIT", 10, 10_001)
        scene.place(3, "BUY", "LIMIT", 7, 10_001)
        assert (iceberg.executed, behind.executed) == (20, 2)
        scene.check()

    def test_the_next_slice_stands_behind_the_markets_own(self, scene):
        iceberg = scene.order(1, "SELL", "LIMIT", 30, 10_002, iceberg=10)
        scene.place(3, "BUY", "LIMIT", 105, 10_002)
        assert (iceberg.executed, iceberg.visible, iceberg.ahead) == (5, 5, 0)
        scene.market.book(100, [(10_000, 100)], [(10_002, 40)])
        scene.at(100)
        scene.place(3, "BUY", "LIMIT", 5, 10_002)
        assert (iceberg.executed, iceberg.visible, iceberg.ahead) == (10, 10, 40)
        scene.market.then(150, 10_002, 45, sold=False)
        scene.at(150)
        assert (iceberg.executed, iceberg.ahead) == (15, 0)
        scene.check()

    def test_the_plan_and_what_happens_agree(self, scene):
        scene.order(1, "SELL", "LIMIT", 35, 10_002, iceberg=10)
        placed = scene.place(2, "BUY", "LIMIT", 200, 10_002, time_in_force="FOK")
        assert placed.order.status is OrderStatus.EXPIRED
        placed = scene.place(2, "BUY", "LIMIT", 135, 10_002, time_in_force="FOK")
        assert [fill.quantity for fill in placed.fills] == [100, 10, 10, 10, 5]
        assert placed.order.status is OrderStatus.FILLED


class TestCancel:
    def test_gives_everything_back(self, scene):
        order = scene.order(1, "BUY", "LIMIT", 150, 10_002)
        scene.reports()
        assert scene.cancel(order) == [order]
        assert (order.status, order.executed, order.client_id) == (OrderStatus.CANCELED, 100, "id1")
        assert scene.balance(1, "USDT")[1] == 0
        (execution, position) = scene.reports()
        assert (execution.client_id, execution.order.client_id, execution.on_book) == ("cancelled", "id1", False)
        assert position.balances == (("USDT", 10**13 - 10_002_000, 0),)
        assert scene.levels(1) == ([(10_000, 100)], [(10_004, 100)])
        assert refusal(lambda: scene.cancel(order)) == (-2011, "Unknown order sent.")

    def test_comes_too_late(self, scene):
        order = scene.order(1, "BUY", "LIMIT", 150, 9_999)
        scene.market.then(40, 9_998, 1)
        scene.now_us += 50_000
        assert refusal(lambda: scene.cancel(order)) == (-2011, "Unknown order sent.")
        assert order.status is OrderStatus.FILLED


class TestMoney:
    def test_deposits_and_withdrawals(self, scene):
        account = scene.accounts[1]
        scene.engine.transfer(account, "DOGE", 500, scene.now_us)
        assert scene.reports() == [
            BalanceReport(1, "DOGE", 500, scene.now_us),
            PositionReport(1, scene.now_us, (("DOGE", 500, 0),)),
        ]
        assert refusal(lambda: scene.engine.transfer(account, "DOGE", -501, scene.now_us)) == (-2010, FUNDS)
        scene.engine.transfer(account, "DOGE", -500, scene.now_us)
        assert scene.story() == ["balance DOGE -500", "position DOGE"]
        assert scene.balance(1, "DOGE") == (0, 0)
        assert scene.records.take_changes().accounts == {1}

    def test_what_is_locked_from_outside_is_there_and_no_order_can_use_it(self, scene):
        account = scene.accounts[1]
        account.balance("USDT").free = 300_000
        order = scene.order(1, "BUY", "LIMIT", 100, 90)
        assert scene.balance(1, "USDT") == (210_000, 90_000)
        scene.reports()
        scene.engine.lock(account, "USDT", 160_000, scene.now_us)
        assert scene.reports() == [
            LockReport(1, "USDT", 160_000, scene.now_us),
            PositionReport(1, scene.now_us, (("USDT", 50_000, 250_000),)),
        ]
        assert scene.records.take_changes().accounts == {1}
        assert refusal(lambda: scene.order(1, "BUY", "LIMIT", 100, 90)) == (-2010, FUNDS)
        # More than is free, more than was locked like that, and what is not there at all.
        for asset, atoms in (("USDT", 50_001), ("USDT", -160_001), ("DOGE", 1)):
            with pytest.raises(Refused, match=FUNDS):
                scene.engine.lock(account, asset, atoms, scene.now_us)
        scene.check()
        scene.cancel(order)
        assert scene.balance(1, "USDT") == (140_000, 160_000)
        scene.reports()
        scene.engine.lock(account, "USDT", -160_000, scene.now_us)
        assert scene.story() == ["lock USDT -160000", "position USDT"]
        assert scene.balance(1, "USDT") == (300_000, 0)
        assert account.external == {}

    def test_a_stop_that_finds_its_money_locked_expires(self, scene):
        scene.accounts[1].balance("USDT").free = 10_020 * 10 * 100
        order = scene.order(1, "BUY", "STOP_LOSS", 100, stop=10_010)
        free, _ = scene.balance(1, "USDT")
        scene.engine.lock(scene.accounts[1], "USDT", free, scene.now_us)
        scene.market.then(10, 10_010)
        scene.market.book(0, [(10_000, 500)], [(10_015, 500)])
        scene.at(200)
        assert (order.status, order.expiry_reason) == (OrderStatus.EXPIRED, ExpiryReason.REJECTED)
        scene.check()

    def test_testing_does_nothing(self, scene):
        scene.engine.test(scene.accounts[1], scene.ticket("BUY", "MARKET", 5), scene.now_us)
        assert scene.reports() == []
        assert list(scene.records.all_orders()) == []
        asked = scene.ticket("BUY", "LIMIT_MAKER", 5, 10_005)
        assert refusal(lambda: scene.engine.test(scene.accounts[1], asked, scene.now_us))[0] == -2010
