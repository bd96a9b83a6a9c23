"""Order lists in answers; what tells of their orders one by one is up to the request.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (July 2026).
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType

from cryptox.venues.binance.words import Contingency, ListOrderStatus, ListStatusType

__all__ = ["ListAnswer", "ListState", "ListedOrder"]

Report = TypeVar("Report")


class ListedOrder(Struct, frozen=True, rename={"order_id": "orderId", "client_id": "clientOrderId"}):
    """One order of a list, by its ids."""

    symbol: str
    order_id: int
    client_id: str


class ListAnswer(
    Struct,
    Generic[Report],
    frozen=True,
    rename={
        "list_id": "orderListId",
        "contingency": "contingencyType",
        "status_type": "listStatusType",
        "status": "listOrderStatus",
        "client_id": "listClientOrderId",
        "transaction_time": "transactionTime",
        "reports": "orderReports",
    },
):
    """An order list; queries leave ``reports`` out."""

    list_id: int
    contingency: Contingency
    status_type: ListStatusType
    status: ListOrderStatus
    client_id: str
    transaction_time: int
    symbol: str
    orders: list[ListedOrder]
    reports: list[Report] | UnsetType = UNSET


class ListState(
    Struct,
    frozen=True,
    rename={
        "list_id": "orderListId",
        "contingency": "contingencyType",
        "status": "listOrderStatus",
        "client_id": "listClientOrderId",
    },
):
    """The list of an amended order."""

    list_id: int
    contingency: Contingency
    status: ListOrderStatus
    client_id: str
    symbol: str
    orders: list[ListedOrder]
