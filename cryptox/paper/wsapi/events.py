"""From what the engine reports to the events of a user data stream. Pure.

Source: https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream (July 2026).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, Struct

from cryptox.paper.trading.grid import Grid, amount_text
from cryptox.paper.trading.orders import NONE, Order
from cryptox.paper.trading.reports import Execution, ListReport, LockReport, PositionReport, Report
from cryptox.venues.binance.wire.user import (
    AccountPosition,
    AssetPosition,
    BalanceUpdate,
    ExecutionReport,
    ExternalLockUpdate,
    ListOrder,
    ListStatus,
)
from cryptox.venues.binance.words import ExecutionType, PegOffsetType, RejectReason

__all__ = ["Writer"]

NO_COMMISSION = "0"  # sic: not padded


@dataclass(frozen=True, slots=True)
class Writer:
    """Makes events.

    Parameters
    ----------
    grid
        The grid of a symbol.
    group
        The trade group of an account, -1 for none.
    """

    grid: Callable[[str], Grid]
    group: Callable[[int], int] = lambda _account: NONE

    def event(self, report: Report, now_us: int, *, microseconds: bool) -> Struct:
        """The event of one report; ``now_us`` is when it is sent, and the times are in the unit asked for."""
        unit = 1 if microseconds else 1_000
        sent = max(now_us, report.time_us) // unit
        if isinstance(report, Execution):
            return self._execution(report, sent, unit)
        if isinstance(report, ListReport):
            return _list_status(report, sent, unit)
        if isinstance(report, PositionReport):
            return _position(report, sent, unit)
        kind = ExternalLockUpdate if isinstance(report, LockReport) else BalanceUpdate
        return kind(sent, report.asset, amount_text(report.delta), report.time_us // unit)

    def _execution(self, report: Execution, sent: int, unit: int) -> ExecutionReport[str]:
        order, fill = report.order, report.fill
        grid = self.grid(order.symbol)
        price, quantity = grid.price_text, grid.quantity_text
        cancelled = report.kind is ExecutionType.CANCELED
        return ExecutionReport(
            event_time=sent,
            symbol=order.symbol,
            client_id=report.client_id or order.client_id,
            side=order.side,
            type=order.type,
            time_in_force=order.time_in_force,
            quantity=quantity(order.quantity),
            price=price(order.price),
            stop_price=price(order.stop),
            iceberg_quantity=quantity(order.iceberg),
            list_id=order.list_id,
            original_client_id=order.client_id if cancelled else "",
            execution=report.kind,
            status=order.status,
            reject_reason=report.reject,
            order_id=order.id,
            last_quantity=quantity(fill.quantity if fill else 0),
            filled_quantity=quantity(order.executed),
            last_price=price(fill.price if fill else 0),
            commission=amount_text(fill.commission) if fill else NO_COMMISSION,
            commission_asset=fill.commission_asset if fill else None,
            time=report.time_us // unit,
            trade_id=fill.trade_id if fill else NONE,
            execution_id=report.id,
            is_on_book=report.on_book,
            is_maker=fill.is_maker if fill else False,
            ignore=fill is not None,
            created_time=order.created_us // unit,
            filled_quote=amount_text(order.quote),
            last_quote=amount_text(fill.quote if fill else 0),
            quote_quantity=amount_text(order.quote_quantity),
            prevention=order.prevention,
            **_conditional(order, unit, price),
            **self._prevented(report, quantity, grid),
        )

    def _prevented(self, report: Execution, quantity: Callable[[int], str], grid: Grid) -> dict[str, Any]:
        """The fields of a trade that self-trade prevention did not let happen."""
        match = report.prevented
        if match is None:
            return {}
        group = self.group(report.account)
        known = [steps for steps in (match.taker_quantity, match.maker_quantity) if steps is not None]
        steps = min(known, default=report.prevented_quantity)
        return {
            "prevented_id": match.id,
            "prevented_quantity": quantity(report.order.prevented),
            "last_prevented_quantity": quantity(report.prevented_quantity),
            "trade_group_id": UNSET if group == NONE else group,
            "counter_order_id": UNSET if report.counter_order_id == NONE else report.counter_order_id,
            "counter_symbol": match.symbol,
            "prevented_execution_quantity": quantity(steps),
            "prevented_execution_price": grid.price_text(match.price),
            "prevented_execution_quote": amount_text(grid.quote(match.price, steps)),
        }


def _conditional(order: Order, unit: int, price: Callable[[int], str]) -> dict[str, Any]:
    """The fields that only some orders have."""
    found: dict[str, Any] = {}
    if order.working_us != NONE:
        found["working_time"] = order.working_us // unit
    if order.trailing_delta:
        found["trailing_delta"] = order.trailing_delta
        if order.trailing_us != NONE:
            found["trailing_time"] = order.trailing_us // unit
    if order.strategy_id is not None:
        found["strategy_id"] = order.strategy_id
    if order.strategy_type is not None:
        found["strategy_type"] = order.strategy_type
    if order.peg is not None:
        found["peg_price_type"] = order.peg.price_type
        if order.peg.offset is not None:
            found["peg_offset_type"], found["peg_offset"] = PegOffsetType.PRICE_LEVEL, order.peg.offset
        if order.pegged_price:
            found["pegged_price"] = price(order.pegged_price)
    if order.expiry_reason is not None:
        found["expiry_reason"] = order.expiry_reason
    return found


def _list_status(report: ListReport, sent: int, unit: int) -> ListStatus:
    orders = report.list
    return ListStatus(
        event_time=sent,
        symbol=orders.symbol,
        list_id=orders.id,
        contingency=orders.contingency,
        status_type=orders.status_type,
        status=orders.status,
        reject_reason=RejectReason.NONE,
        client_id=orders.client_id,
        time=report.time_us // unit,
        orders=[ListOrder(orders.symbol, number, client_id) for number, client_id in report.orders],
    )


def _position(report: PositionReport, sent: int, unit: int) -> AccountPosition[str]:
    balances = [AssetPosition(asset, amount_text(free), amount_text(locked)) for asset, free, locked in report.balances]
    return AccountPosition(sent, report.time_us // unit, balances)
