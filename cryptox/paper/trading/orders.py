"""Orders: what is asked for (a ticket), and what lives at the exchange (an order, an order list)."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptox.venues.binance.words import (
    Contingency,
    ExpiryReason,
    ListOrderStatus,
    ListStatusType,
    OrderStatus,
    OrderType,
    PegPriceType,
    ResponseType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

__all__ = ["NONE", "Amendment", "Fill", "ListTicket", "Order", "OrderList", "Peg", "Placed", "Prevented", "Ticket"]

NONE = -1  # the exchange's "there is none" for ids and times


@dataclass(frozen=True, slots=True)
class Peg:
    """Take a best price, or one so many levels deeper, when the order enters the book."""

    price_type: PegPriceType
    offset: int | None = None  # levels


@dataclass(frozen=True, slots=True)
class Ticket:
    """One order as asked for: syntax and mandatory parameters checked, numbers on the symbol's grid."""

    symbol: str
    side: Side
    type: OrderType
    client_id: str
    time_in_force: TimeInForce = TimeInForce.GTC
    quantity: int = 0  # steps; 0 for a MARKET order by quote quantity, and for pending orders that take what was bought
    quote_quantity: int = 0  # atoms of the quote asset
    price: int = 0  # ticks
    stop: int = 0  # ticks
    trailing_delta: int = 0  # basis points
    iceberg: int = 0  # steps
    prevention: SelfTradePrevention = SelfTradePrevention.EXPIRE_MAKER
    strategy_id: int | None = None
    strategy_type: int | None = None
    peg: Peg | None = None
    response: ResponseType = ResponseType.ACK


@dataclass(frozen=True, slots=True)
class ListTicket:
    """An order list as asked for.

    OCO: ``legs`` are (above, below). OTO: ``working`` and one leg. OTOCO: ``working`` and the legs (above, below).
    """

    symbol: str
    client_id: str
    working: Ticket | None
    legs: tuple[Ticket, ...]
    takes_bought: bool = False  # OPO, OPOCO: the legs sell what the working order bought
    response: ResponseType = ResponseType.ACK


@dataclass(slots=True)
class Order:
    """An order that the exchange has accepted. Only the engine changes it."""

    id: int  # by symbol
    symbol: str
    account: int  # uid
    client_id: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: int  # steps
    price: int  # ticks; 0 for none
    quote_quantity: int  # atoms
    stop: int  # ticks
    trailing_delta: int
    iceberg: int  # steps
    prevention: SelfTradePrevention
    created_us: int
    updated_us: int
    strategy_id: int | None = None
    strategy_type: int | None = None
    peg: Peg | None = None
    pegged_price: int = 0  # ticks, once taken
    list_id: int = NONE
    status: OrderStatus = OrderStatus.NEW
    executed: int = 0  # steps
    quote: int = 0  # atoms of the quote asset, all fills together
    prevented: int = 0  # steps taken away by self-trade prevention
    working_us: int = NONE  # since when it has been in matching
    trailing_us: int = NONE  # since when it has tracked the price
    extreme: int = 0  # ticks: best price since tracking began
    visible: int = 0  # steps of an iceberg that show
    ahead: int = 0  # steps of the market's own quantity that stand before it at its price
    queued: int = 0  # when it joined its price's queue: a number that only grows
    hold: int = 0  # atoms still locked for it, of the quote asset (buy) or the base asset (sell)
    amends: int = 0
    named: int = 0  # execution id that was the symbol's newest when it got its client id
    expiry_reason: ExpiryReason | None = None
    prevented_id: int = NONE  # newest prevented match

    @property
    def open_quantity(self) -> int:
        """Steps still to be filled."""
        return self.quantity - self.executed - self.prevented

    @property
    def is_open(self) -> bool:
        """Whether more may happen to it."""
        return self.status.is_open

    @property
    def is_working(self) -> bool:
        """Whether it has entered matching; a stop that waits has not."""
        return self.working_us != NONE


@dataclass(slots=True)
class OrderList:
    """Orders that depend on each other. Only the engine changes it."""

    id: int
    symbol: str
    account: int
    client_id: str
    contingency: Contingency
    order_ids: tuple[int, ...]  # in the order of the answer: working first, then above and below
    working_id: int = NONE  # order whose fill activates the others; NONE for an OCO
    status_type: ListStatusType = ListStatusType.EXEC_STARTED
    status: ListOrderStatus = ListOrderStatus.EXECUTING
    takes_bought: bool = False
    created_us: int = 0
    updated_us: int = 0


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill of one account's order: a row of ``myTrades``."""

    trade_id: int
    symbol: str
    account: int
    order_id: int
    list_id: int
    side: Side
    price: int  # ticks
    quantity: int  # steps
    quote: int  # atoms
    commission: int  # atoms of the commission asset
    commission_asset: str
    time_us: int
    is_maker: bool


@dataclass(frozen=True, slots=True)
class Prevented:
    """One trade that self-trade prevention did not let happen."""

    id: int  # by symbol
    symbol: str
    account: int
    taker_order_id: int
    maker_order_id: int
    mode: SelfTradePrevention
    price: int  # ticks
    taker_quantity: int | None  # steps taken from the taker; None where it kept its quantity
    maker_quantity: int | None
    time_us: int


@dataclass(frozen=True, slots=True)
class Amendment:
    """One reduction of an order's quantity."""

    symbol: str
    account: int
    order_id: int
    execution_id: int
    old_client_id: str
    new_client_id: str
    old_quantity: int
    new_quantity: int
    time_us: int


@dataclass(slots=True)
class Placed:
    """What a placement has led to, for its answer."""

    order: Order
    fills: list[Fill] = field(default_factory=list)
    prevented: list[Prevented] = field(default_factory=list)
