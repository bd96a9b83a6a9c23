"""Orders and order lists as the exchange's answers tell them, in the time unit that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from cryptox.paper.trading.accounts import Account, Rates
from cryptox.paper.trading.grid import Grid, amount_text
from cryptox.paper.trading.orders import NONE, Amendment, Fill, Order, OrderList, Placed, Prevented
from cryptox.paper.trading.records import Records
from cryptox.venues.binance.wire.fills import AmendmentRow, FillRow, MyTrade, PreventedPart, PreventedRow
from cryptox.venues.binance.wire.order_lists import ListAnswer, ListedOrder, ListState
from cryptox.venues.binance.wire.orders import (
    AmendAnswer,
    AmendedOrder,
    CancelAnswer,
    CommissionPart,
    Discount,
    OrderAck,
    OrderAnswer,
    OrderRow,
    TestAnswer,
)
from cryptox.venues.binance.words import ListOrderStatus, ListStatusType, OrderStatus, PegOffsetType, ResponseType, Side

__all__ = [
    "Moment",
    "OrderAnswers",
    "commission_answer",
    "list_answer",
    "orders_of_list",
]

T = TypeVar("T")
Moment = Callable[[int], int]
Placement = OrderAck | OrderAnswer[str]


class OrderAnswers:
    """Writes the orders of one symbol.

    Parameters
    ----------
    grid
        Of the symbol.
    moment
        A time in microseconds to the unit of the answer.
    group
        Trade group of the account, -1 for none.
    """

    def __init__(self, grid: Grid, moment: Moment, group: int = NONE) -> None:
        self._grid, self._moment, self._group = grid, moment, group

    def placed(self, placed: Placed, response: ResponseType) -> Placement:
        """The answer to a placement."""
        order = placed.order
        if response is ResponseType.ACK:
            return OrderAck(order.symbol, order.id, order.list_id, order.client_id, self._moment(order.created_us))
        fills = [self._fill(fill) for fill in placed.fills]
        matches = [self._prevented(match) for match in placed.prevented]
        waits_for_purchase = order.quantity == 0 and order.status is OrderStatus.PENDING_NEW
        common = self._common(order)
        if waits_for_purchase:
            common["quantity"] = UNSET
        return OrderAnswer(
            **common,
            **self._extras(order),
            client_id=order.client_id,
            transact_time=self._moment(order.created_us),
            stop_price=self._stop(order),
            iceberg_quantity=self._iceberg(order),
            working_time=self._time(order.working_us),
            fills=fills if response is ResponseType.FULL else UNSET,
            prevented_matches=matches or UNSET,
            expiry_reason=order.expiry_reason or UNSET,
        )

    def cancelled(self, order: Order, client_id: str) -> CancelAnswer[str]:
        """The answer to a cancel, whose own id is ``client_id``."""
        return CancelAnswer(
            **self._common(order),
            **self._extras(order),
            original_client_id=order.client_id,
            client_id=client_id,
            transact_time=self._moment(order.updated_us),
            stop_price=self._stop(order),
            iceberg_quantity=self._iceberg(order),
        )

    def row(self, order: Order) -> OrderRow[str]:
        """An order as queries tell it."""
        return OrderRow(
            **self._common(order),
            **self._extras(order),
            client_id=order.client_id,
            stop_price=self._grid.price_text(order.stop),
            iceberg_quantity=self._grid.quantity_text(order.iceberg),
            time=self._moment(order.created_us),
            update_time=self._moment(order.updated_us),
            is_working=order.is_working,
            working_time=self._time(order.working_us),
            expiry_reason=order.expiry_reason or UNSET,
        )

    def my_trade(self, fill: Fill) -> MyTrade[str]:
        """A fill as queries tell it."""
        grid = self._grid
        return MyTrade(
            fill.symbol,
            fill.trade_id,
            fill.order_id,
            fill.list_id,
            grid.price_text(fill.price),
            grid.quantity_text(fill.quantity),
            amount_text(fill.quote),
            amount_text(fill.commission),
            fill.commission_asset,
            self._moment(fill.time_us),
            is_buyer=fill.side is Side.BUY,
            is_maker=fill.is_maker,
            is_best_match=True,
        )

    def prevented_row(self, match: Prevented) -> PreventedRow[str]:
        """A prevented match as queries tell it."""
        grid = self._grid
        return PreventedRow(
            symbol=match.symbol,
            prevented_match_id=match.id,
            taker_order_id=match.taker_order_id,
            maker_symbol=match.symbol,
            maker_order_id=match.maker_order_id,
            trade_group_id=self._group,
            self_trade_prevention=match.mode,
            price=grid.price_text(match.price),
            taker_quantity=_maybe(match.taker_quantity, grid),
            maker_quantity=_maybe(match.maker_quantity, grid),
            transact_time=self._moment(match.time_us),
        )

    def amendment_row(self, amendment: Amendment) -> AmendmentRow[str]:
        """An amend as queries tell it."""
        text = self._grid.quantity_text
        return AmendmentRow(
            amendment.symbol,
            amendment.order_id,
            amendment.execution_id,
            amendment.old_client_id,
            amendment.new_client_id,
            text(amendment.old_quantity),
            text(amendment.new_quantity),
            self._moment(amendment.time_us),
        )

    def list_placed(
        self, order_list: OrderList, placed: Iterable[Placed], response: ResponseType
    ) -> ListAnswer[Placement]:
        """The answer to the placement of a list."""
        found = list(placed)
        reports = [self.placed(one, response) for one in found]
        begun = (ListStatusType.EXEC_STARTED, ListOrderStatus.EXECUTING)
        return self._list(order_list, [one.order for one in found], reports, begun, order_list.created_us)

    def list_cancelled(
        self, order_list: OrderList, orders: Iterable[Order], cancelled: Iterable[Order], client_id: str
    ) -> ListAnswer[CancelAnswer[str]]:
        """The answer to the cancel of a list (or of one of its orders)."""
        reports = [self.cancelled(order, client_id) for order in cancelled]
        done = (ListStatusType.ALL_DONE, ListOrderStatus.ALL_DONE)
        return self._list(order_list, orders, reports, done, order_list.updated_us)

    def amended(
        self, order: Order, amendment: Amendment, order_list: OrderList | None, orders: Iterable[Order]
    ) -> AmendAnswer[str]:
        """The answer to an amend; ``orders`` are those of the list."""
        common = self._common(order)
        extras = self._extras(order)
        for name in ("prevented_match_id", "prevented_quantity", "trade_group_id"):
            extras.pop(name, None)
        told: AmendedOrder[str] = AmendedOrder(
            **common,
            **extras,
            original_client_id=amendment.old_client_id,
            client_id=amendment.new_client_id,
            prevented_quantity=self._grid.quantity_text(order.prevented),
            stop_price=self._stop(order),
            iceberg_quantity=self._iceberg(order),
            working_time=self._time(order.working_us),
            expiry_reason=order.expiry_reason or UNSET,
        )
        state: ListState | UnsetType = UNSET
        if order_list is not None:
            state = ListState(
                order_list.id,
                order_list.contingency,
                order_list.status,
                order_list.client_id,
                order_list.symbol,
                [_listed(one) for one in orders],
            )
        return AmendAnswer(self._moment(amendment.time_us), amendment.execution_id, told, state)

    def _list(
        self,
        order_list: OrderList,
        orders: Iterable[Order],
        reports: list[T],
        state: tuple[ListStatusType, ListOrderStatus],
        time_us: int,
    ) -> ListAnswer[T]:
        return ListAnswer(
            list_id=order_list.id,
            contingency=order_list.contingency,
            status_type=state[0],
            status=state[1],
            client_id=order_list.client_id,
            transaction_time=self._moment(time_us),
            symbol=order_list.symbol,
            orders=[_listed(order) for order in orders],
            reports=reports,
        )

    def _common(self, order: Order) -> dict[str, Any]:
        """What every answer has."""
        grid = self._grid
        return {
            "symbol": order.symbol,
            "order_id": order.id,
            "list_id": order.list_id,
            "price": grid.price_text(order.price),
            "quantity": grid.quantity_text(order.quantity),
            "executed": grid.quantity_text(order.executed),
            "quote_quantity": amount_text(order.quote_quantity),
            "executed_quote": amount_text(order.quote),
            "status": order.status,
            "time_in_force": order.time_in_force,
            "type": order.type,
            "side": order.side,
            "self_trade_prevention": order.prevention,
        }

    def _extras(self, order: Order) -> dict[str, Any]:
        """What only some orders have."""
        found: dict[str, Any] = {}
        if order.trailing_delta:
            found["trailing_delta"] = order.trailing_delta
            found["trailing_time"] = self._time(order.trailing_us)
        if order.strategy_id is not None:
            found["strategy_id"] = order.strategy_id
        if order.strategy_type is not None:
            found["strategy_type"] = order.strategy_type
        if order.prevented_id != NONE:
            found["prevented_match_id"] = order.prevented_id
            found["prevented_quantity"] = self._grid.quantity_text(order.prevented)
            found["trade_group_id"] = self._group
        if order.peg is not None:
            found["peg_price_type"] = order.peg.price_type
            if order.peg.offset is not None:
                found["peg_offset_type"] = PegOffsetType.PRICE_LEVEL
                found["peg_offset"] = order.peg.offset
            found["pegged_price"] = self._grid.price_text(order.pegged_price)
        return found

    def _stop(self, order: Order) -> str | UnsetType:
        return self._grid.price_text(order.stop) if order.type.is_contingent else UNSET

    def _iceberg(self, order: Order) -> str | UnsetType:
        return self._grid.quantity_text(order.iceberg) if order.iceberg else UNSET

    def _time(self, time_us: int) -> int:
        return NONE if time_us == NONE else self._moment(time_us)

    def _fill(self, fill: Fill) -> FillRow[str]:
        return FillRow(
            self._grid.price_text(fill.price),
            self._grid.quantity_text(fill.quantity),
            amount_text(fill.commission),
            fill.commission_asset,
            fill.trade_id,
        )

    def _prevented(self, match: Prevented) -> PreventedPart[str]:
        return PreventedPart(
            match.id,
            match.symbol,
            match.maker_order_id,
            self._grid.price_text(match.price),
            _maybe(match.taker_quantity, self._grid),
            _maybe(match.maker_quantity, self._grid),
        )


def commission_answer(account: Account, side: Side) -> TestAnswer[str]:
    """Commission rates that an order of this side would pay, the side's own part added in."""

    def part(rates: Rates) -> CommissionPart[str]:
        own = rates.buyer if side is Side.BUY else rates.seller
        return CommissionPart(amount_text(rates.maker + own), amount_text(rates.taker + own))

    discount = Discount(account.takes_discount, True, account.discount_asset, amount_text(account.discount))
    return TestAnswer(part(account.standard), part(account.special), part(account.tax), discount)


def list_answer(order_list: OrderList, records: Records, moment: Moment) -> ListAnswer[Any]:
    """An order list as queries tell it."""
    return ListAnswer(
        list_id=order_list.id,
        contingency=order_list.contingency,
        status_type=order_list.status_type,
        status=order_list.status,
        client_id=order_list.client_id,
        transaction_time=moment(order_list.created_us),
        symbol=order_list.symbol,
        orders=[_listed(order) for order in orders_of_list(order_list, records)],
    )


def orders_of_list(order_list: OrderList, records: Records) -> list[Order]:
    """The orders of a list, in its own order."""
    found = (records.order(order_list.symbol, number) for number in order_list.order_ids)
    return [order for order in found if order is not None]


def _maybe(steps: int | None, grid: Grid) -> str | UnsetType:
    return UNSET if steps is None else grid.quantity_text(steps)


def _listed(order: Order) -> ListedOrder:
    return ListedOrder(order.symbol, order.id, order.client_id)
