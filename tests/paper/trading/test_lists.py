"""OCO, OTO, OTOCO and the lists that sell what was bought."""

from __future__ import annotations

import pytest

from cryptox.paper.refusals import Refused
from cryptox.paper.trading.accounts import Rates
from cryptox.paper.trading.orders import ListTicket
from cryptox.paper.trading.reports import ListReport
from cryptox.venues.binance.words import Contingency, ExpiryReason, ListOrderStatus, OrderStatus

BAD = "The relationship of the prices for the orders is not correct"
DONE = ListOrderStatus.ALL_DONE


def sell_pair(scene, above=10_020, below=9_990, price=9_985, quantity=10):
    return (
        scene.ticket("SELL", "LIMIT_MAKER", quantity, above),
        scene.ticket("SELL", "STOP_LOSS_LIMIT", quantity, price, stop=below),
    )


def buy_pair(scene, quantity=10):
    return (
        scene.ticket("BUY", "STOP_LOSS_LIMIT", quantity, 10_030, stop=10_020),
        scene.ticket("BUY", "LIMIT_MAKER", quantity, 9_990),
    )


class TestOco:
    def test_placed_and_locked_once(self, scene):
        made, (above, below) = scene.place_list(1, *sell_pair(scene))
        assert (made.id, made.contingency, made.order_ids, made.working_id) == (1, Contingency.OCO, (1, 2), -1)
        assert (above.list_id, above.is_working, below.is_working) == (1, True, False)
        assert scene.balance(1, "BTC") == (10**13 - 10_000, 10_000)
        assert scene.story() == ["1 NEW NEW", "2 NEW NEW", "list EXEC_STARTED", "position BTC"]
        _, (stop, _) = scene.place_list(2, *buy_pair(scene))
        assert scene.balance(2, "USDT")[1] == 10_030 * 10 * 10 == stop.hold
        limit_needs_more = scene.ticket("BUY", "STOP_LOSS_LIMIT", 10, 9_980, stop=10_020)
        _, (stop, limit) = scene.place_list(2, limit_needs_more, scene.ticket("BUY", "LIMIT_MAKER", 10, 9_990))
        assert (stop.hold, limit.hold) == (0, 9_990 * 10 * 10)
        scene.check()

    def test_a_fill_of_the_limit_ends_the_stop(self, scene):
        made, (above, below) = scene.place_list(1, *sell_pair(scene))
        scene.reports()
        scene.market.then(10, 10_020, 104, sold=False)
        scene.at(10)
        assert (above.executed, above.status) == (4, OrderStatus.PARTIALLY_FILLED)
        assert (below.status, below.expiry_reason) == (OrderStatus.EXPIRED, ExpiryReason.OCO_TRIGGER)
        assert scene.story() == ["2 EXPIRED EXPIRED", "1 TRADE PARTIALLY_FILLED", "position BTC USDT"]
        assert (made.status, scene.balance(1, "BTC")[1]) == (ListOrderStatus.EXECUTING, 6_000)
        scene.market.then(20, 10_021, 1, sold=False)
        scene.at(20)
        assert scene.story() == ["1 TRADE FILLED", "list ALL_DONE", "position BTC USDT"]
        assert made.status is DONE
        scene.check()

    def test_a_trigger_of_the_stop_ends_the_limit(self, scene):
        made, (above, below) = scene.place_list(1, *sell_pair(scene))
        scene.reports()
        scene.market.then(10, 9_990)
        scene.at(10)
        assert (above.status, above.expiry_reason) == (OrderStatus.EXPIRED, ExpiryReason.OCO_TRIGGER)
        assert (below.status, below.executed) == (OrderStatus.FILLED, 10)
        assert scene.story() == [
            "1 EXPIRED EXPIRED",
            "2 NEW NEW",
            "2 TRADE FILLED",
            "list ALL_DONE",
            "position BTC USDT",
        ]
        assert made.status is DONE
        scene.check()

    def test_the_buy_leg_that_needs_less_gives_the_rest_back(self, scene):
        _, (stop, limit) = scene.place_list(1, *buy_pair(scene))
        scene.place(2, "SELL", "LIMIT", 605, 9_990)
        assert (limit.executed, stop.status) == (5, OrderStatus.EXPIRED)
        assert scene.balance(1, "USDT")[1] == limit.hold == 9_990 * 5 * 10
        scene.check()

    def test_cancel_of_one_cancels_both(self, scene):
        made, orders = scene.place_list(1, *sell_pair(scene))
        scene.reports()
        assert scene.cancel(orders[1]) == orders
        assert scene.story() == ["1 CANCELED CANCELED", "2 CANCELED CANCELED", "list ALL_DONE", "position BTC"]
        assert scene.balance(1, "BTC") == (10**13, 0)
        with pytest.raises(Refused, match="Unknown order sent"):
            scene.engine.cancel_list(made, "x", scene.now_us)
        made, orders = scene.place_list(1, *sell_pair(scene))
        assert scene.engine.cancel_list(made, "x", scene.now_us) == orders

    @pytest.mark.parametrize(("above", "below"), [(10_000, 9_990), (10_020, 10_000), (10_020, 10_019)])
    def test_prices_stand_on_their_sides(self, scene, above, below):
        with pytest.raises(Refused, match=BAD):
            scene.place_list(1, *sell_pair(scene, above, below))
        assert list(scene.records.all_orders()) == []
        assert scene.balance(1, "BTC") == (10**13, 0)

    def test_other_refusals(self, scene):
        with pytest.raises(Refused, match="insufficient balance"):
            scene.place_list(1, *sell_pair(scene, quantity=10**11))
        twice = (
            scene.ticket("SELL", "LIMIT_MAKER", 10, 10_020, client_id="a"),
            scene.ticket("SELL", "STOP_LOSS", 10, stop=9_990, client_id="a"),
        )
        with pytest.raises(Refused, match="Duplicate order sent"):
            scene.place_list(1, *twice)
        asked = ListTicket("BTCUSDT", "list", None, sell_pair(scene))
        scene.engine.place_list(scene.accounts[1], asked, scene.now_us)
        again = ListTicket("BTCUSDT", "list", None, sell_pair(scene))
        with pytest.raises(Refused, match="Duplicate order sent"):
            scene.engine.place_list(scene.accounts[1], again, scene.now_us)
        scene.cancel(scene.records.open_orders(1)[0])
        made, _ = scene.engine.place_list(scene.accounts[1], again, scene.now_us)
        assert made.id == 2

    def test_prevention_of_one_ends_the_other(self, scene):
        made, (above, below) = scene.place_list(1, *sell_pair(scene, above=10_001))
        scene.place(1, "BUY", "LIMIT", 5, 10_001, prevention="EXPIRE_MAKER")
        assert (above.status, below.status) == (OrderStatus.EXPIRED_IN_MATCH, OrderStatus.EXPIRED)
        assert made.status is DONE
        scene.check()

    def test_amended_together(self, scene):
        _, (stop, limit) = scene.place_list(1, *buy_pair(scene))
        scene.reports()
        scene.engine.amend(limit, 4, "new", scene.now_us)
        assert (stop.quantity, limit.quantity, limit.client_id) == (4, 4, "new")
        assert scene.balance(1, "USDT")[1] == 10_030 * 4 * 10
        assert scene.story() == ["2 REPLACED NEW", "1 REPLACED NEW", "list UPDATED", "position USDT"]
        scene.check()


class TestOto:
    def make(self, scene, *legs, price=9_999, quantity=10, **more):
        working = scene.ticket("BUY", "LIMIT", quantity, price, **more)
        return scene.place_list(1, *legs, working=working)

    def test_the_pending_order_starts_when_the_working_one_is_filled(self, scene):
        made, (working, pending) = self.make(scene, scene.ticket("SELL", "LIMIT", 10, 10_010))
        assert (made.contingency, made.working_id, pending.status) == (Contingency.OTO, 1, OrderStatus.PENDING_NEW)
        assert scene.balance(1, "BTC")[1] == 0
        assert scene.levels(50)[1][4] == (10_010, 100)
        assert scene.story() == ["1 NEW NEW", "2 NEW PENDING_NEW", "list EXEC_STARTED", "position USDT"]
        scene.place(2, "SELL", "LIMIT", 104, 9_999)
        assert (working.executed, pending.status) == (4, OrderStatus.PENDING_NEW)
        scene.place(2, "SELL", "LIMIT", 6, 9_999)
        assert (working.status, pending.status, pending.is_working) == (OrderStatus.FILLED, OrderStatus.NEW, True)
        assert scene.balance(1, "BTC") == (10**13, 10_000)
        assert scene.story(1)[-3:] == ["2 NEW NEW", "list EXEC_STARTED", "position USDT BTC"]
        scene.market.then(10, 10_011, 1, sold=False)
        scene.at(10)
        assert (pending.status, made.status) == (OrderStatus.FILLED, DONE)
        scene.check()

    def test_filled_at_once_but_shown_as_pending(self, scene):
        asked = ListTicket(
            "BTCUSDT",
            "l",
            scene.ticket("BUY", "LIMIT", 10, 10_002),
            (scene.ticket("SELL", "MARKET", 10),),
        )
        made, (working, pending) = scene.engine.place_list(scene.accounts[1], asked, scene.now_us)
        assert (working.order.status, len(working.fills)) == (OrderStatus.FILLED, 1)
        assert (pending.order.status, pending.fills) == (OrderStatus.PENDING_NEW, [])
        assert scene.records.order("BTCUSDT", 2).status is OrderStatus.FILLED
        assert made.status is DONE

    def test_the_working_order_ends_before_it_is_filled(self, scene):
        made, (working, pending) = self.make(
            scene, scene.ticket("SELL", "LIMIT", 10, 10_010), price=10_002, quantity=150, time_in_force="IOC"
        )
        assert (working.status, working.executed) == (OrderStatus.EXPIRED, 100)
        assert (pending.status, pending.expiry_reason) == (
            OrderStatus.EXPIRED,
            ExpiryReason.OTO_PHASE_ONE_EXPIRED,
        )
        assert made.status is DONE
        assert scene.story()[-4:-1] == ["1 EXPIRED EXPIRED", "2 EXPIRED EXPIRED", "list ALL_DONE"]

    def test_money_for_the_pending_order_is_needed_only_then(self, scene):
        scene.accounts[1].balance("BTC").free = 0
        made, (_, pending) = self.make(scene, scene.ticket("SELL", "LIMIT", 11, 10_010), price=10_002)
        assert (pending.status, pending.expiry_reason) == (OrderStatus.EXPIRED, ExpiryReason.REJECTED)
        assert made.status is DONE
        _, (_, pending) = self.make(scene, scene.ticket("SELL", "LIMIT", 20, 10_010), price=10_002)
        assert pending.status is OrderStatus.NEW
        scene.check()

    def test_a_pair_follows(self, scene):
        made, (_, above, below) = self.make(scene, *sell_pair(scene))
        assert (made.order_ids, above.status) == ((1, 2, 3), OrderStatus.PENDING_NEW)
        scene.market.then(10, 9_998)
        scene.at(10)
        assert (above.status, below.status, above.is_working) == (OrderStatus.NEW, OrderStatus.NEW, True)
        assert scene.balance(1, "BTC")[1] == 10_000
        scene.market.then(20, 10_021, sold=False)
        scene.at(20)
        assert (above.status, below.status, made.status) == (OrderStatus.FILLED, OrderStatus.EXPIRED, DONE)
        scene.check()

    def test_a_pair_whose_prices_no_longer_fit_is_rejected(self, scene):
        made, (_, above, below) = self.make(scene, *sell_pair(scene))
        scene.market.then(10, 9_980)
        scene.at(10)
        reasons = [(one.status, one.expiry_reason) for one in (above, below)]
        assert reasons == [(OrderStatus.EXPIRED, ExpiryReason.REJECTED)] * 2
        assert made.status is DONE
        scene.check()

    def test_cancel_ends_all(self, scene):
        made, orders = self.make(scene, *sell_pair(scene))
        assert scene.cancel(orders[2]) == orders
        assert made.status is DONE
        assert scene.balance(1, "USDT") == (10**13, 0)


class TestBought:
    def make(self, scene, *legs, price=10_002, quantity=10):
        working = scene.ticket("BUY", "LIMIT", quantity, price)
        return scene.place_list(1, *legs, working=working, takes_bought=True)

    def test_what_was_bought_is_sold(self, scene):
        _, (_, pending) = self.make(scene, scene.ticket("SELL", "LIMIT", 0, 10_010))
        assert (pending.quantity, pending.status) == (10, OrderStatus.NEW)
        assert scene.balance(1, "BTC") == (10**13, 10_000)
        scene.check()

    def test_stays_locked_meanwhile_and_comes_free_if_it_ends(self, scene):
        made, (working, pending) = self.make(scene, scene.ticket("SELL", "LIMIT", 0, 10_010), quantity=150)
        assert (working.executed, pending.hold) == (100, 100_000)
        assert scene.balance(1, "BTC") == (10**13, 100_000)
        with pytest.raises(Refused, match="Order amend \\(pending OPO order\\) is not supported"):
            scene.engine.amend(pending, 5, "", scene.now_us)
        scene.check()
        scene.cancel(working)
        assert scene.balance(1, "BTC") == (10**13 + 100_000, 0)
        assert made.status is DONE

    @pytest.mark.parametrize(("free", "quantity", "left"), [(10**9, 1000, 10**9 - 2_000), (0, 998, 0)])
    def test_commission_from_free_funds_if_there_are_any(self, scenes, free, quantity, left):
        scene = scenes(rates=Rates(200_000, 200_000))
        scene.accounts[1].balance("BTC").free = free
        scene.market.book(0, [(9_000, 1)], [(10_002, 5000)])
        _, (_, pending) = self.make(scene, scene.ticket("SELL", "LIMIT", 0, 10_010), quantity=1000)
        assert pending.quantity == quantity
        assert scene.balance(1, "BTC") == (left, quantity * 1000)
        scene.check()

    @pytest.mark.parametrize(("iceberg", "started"), [(9, True), (10, False), (11, False)])
    def test_an_iceberg_must_show_less_than_was_bought(self, scene, iceberg, started):
        asked = scene.ticket("SELL", "LIMIT", 0, 10_010, iceberg=iceberg)
        made, (working, pending) = self.make(scene, asked)
        assert (working.status, pending.quantity) == (OrderStatus.FILLED, 10)
        if started:
            assert (pending.status, pending.visible) == (OrderStatus.NEW, 9)
            assert scene.balance(1, "BTC") == (10**13, 10_000)
        else:
            assert (pending.status, pending.expiry_reason) == (OrderStatus.EXPIRED, ExpiryReason.REJECTED)
            assert scene.balance(1, "BTC") == (10**13 + 10_000, 0)
            assert made.status is DONE
        scene.check()

    def test_commission_may_leave_too_little_for_an_iceberg(self, scenes):
        scene = scenes(rates=Rates(200_000, 200_000))
        scene.accounts[1].balance("BTC").free = 0
        scene.market.book(0, [(9_000, 1)], [(10_002, 5000)])
        for iceberg, status in ((997, OrderStatus.NEW), (998, OrderStatus.EXPIRED)):
            asked = scene.ticket("SELL", "LIMIT", 0, 10_010, iceberg=iceberg)
            _, (_, pending) = self.make(scene, asked, quantity=1000)
            assert (pending.quantity, pending.status) == (998, status)
            scene.check()

    def test_a_pair_sells_it(self, scene):
        made, (_, above, below) = self.make(scene, *sell_pair(scene, quantity=0))
        assert (above.quantity, below.quantity) == (10, 10)
        assert scene.balance(1, "BTC") == (10**13, 10_000)
        scene.market.then(20, 9_989)
        scene.at(20)
        assert (above.status, below.status, made.status) == (OrderStatus.EXPIRED, OrderStatus.FILLED, DONE)
        assert scene.balance(1, "BTC") == (10**13, 0)
        scene.check()


@pytest.mark.parametrize(
    ("pending", "filled"),
    [
        (("SELL", "MARKET", 10), [9_988]),
        (("SELL", "LIMIT", 10, 9_987), [9_988]),
        (("SELL", "LIMIT", 10, 9_996), []),
        (("SELL", "LIMIT_MAKER", 10, 9_996), []),
    ],
)
def test_what_the_tape_has_gone_through_is_not_there_for_a_pending_order(scene, pending, filled):
    """The book of the tick still shows bids at 10 000; the trade at 9 989 in it says that they are gone."""
    working = scene.ticket("BUY", "LIMIT", 10, 9_990)
    _, (_, leg) = scene.place_list(1, scene.ticket(*pending), working=working)
    scene.market.then(20, 9_989)
    scene.market.book(100, [(9_988 - 2 * n, 100) for n in range(9)], [(9_998 + 2 * n, 100) for n in range(9)])
    scene.at(130)
    assert [fill.price for fill in scene.fills(leg)] == filled
    assert leg.status is (OrderStatus.FILLED if filled else OrderStatus.NEW)
    scene.check()


def test_a_pending_pair_is_not_refused_for_a_book_that_the_tape_has_left_behind(scene):
    legs = scene.ticket("SELL", "LIMIT_MAKER", 10, 9_996), scene.ticket("SELL", "STOP_LOSS", 10, stop=9_980)
    _, orders = scene.place_list(1, *legs, working=scene.ticket("BUY", "LIMIT", 10, 9_990))
    scene.market.then(20, 9_989)
    scene.market.book(100, [(9_988, 100)], [(9_998, 100)])
    scene.at(130)
    assert [order.status for order in orders] == [OrderStatus.FILLED, OrderStatus.NEW, OrderStatus.NEW]
    scene.check()


def test_what_prevention_takes_from_one_leg_stays_held_for_the_other(scene):
    scene.accounts[1].balance("BTC").free = 10_000
    limit, stop = scene.ticket("SELL", "LIMIT_MAKER", 10, 10_001), scene.ticket("SELL", "STOP_LOSS", 10, stop=9_990)
    _, (above, below) = scene.place_list(1, limit, stop)
    scene.order(1, "BUY", "LIMIT", 4, 10_001, prevention="DECREMENT")
    assert (above.prevented, above.hold, below.hold) == (4, 10_000, 0)
    assert scene.balance(1, "BTC") == (0, 10_000)
    scene.market.then(20, 9_990)
    scene.at(30)
    assert (below.status, below.executed) == (OrderStatus.FILLED, 10)
    scene.check()


def test_what_prevention_takes_from_a_buy_stays_held_as_far_as_the_other_leg_needs_it(scene):
    stop = scene.ticket("BUY", "STOP_LOSS_LIMIT", 10, 9_000, stop=10_020, time_in_force="GTC")
    _, (above, below) = scene.place_list(1, stop, scene.ticket("BUY", "LIMIT_MAKER", 10, 9_990))
    assert (above.hold, below.hold) == (0, 9_990 * 10 * 10)
    scene.order(1, "SELL", "LIMIT", 604, 9_990, prevention="DECREMENT")
    assert (below.prevented, below.hold, above.hold) == (4, 9_000 * 10 * 10, 0)
    assert scene.balance(1, "USDT")[1] == 9_000 * 10 * 10
    scene.check()


def test_a_list_that_ends_is_told_with_its_time(scene):
    scene.at(30)
    limit, stop = scene.ticket("SELL", "LIMIT_MAKER", 10, 10_020), scene.ticket("SELL", "STOP_LOSS", 10, stop=9_990)
    made, _ = scene.place_list(1, limit, stop)
    assert made.updated_us == scene.now_us
    scene.reports()
    scene.market.then(60, 9_990)
    scene.at(70)
    (told,) = [one for one in scene.reports() if isinstance(one, ListReport)]
    assert told.time_us == made.updated_us == scene.now_us - 10_000
