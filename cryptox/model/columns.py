"""The tables of cryptox: names, kinds and order of columns, stated once.

A table's columns and dtypes depend on the table, never on its values. ``Kind`` decides the dtype in every backend;
``table/`` holds that mapping.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "AGG_TRADES",
    "AVG_PRICE",
    "BALANCES",
    "BOOK_TICKER",
    "DEPTH",
    "FILLS",
    "GAPS",
    "HEALTH",
    "KLINES",
    "LIMITS",
    "ORDERS",
    "PRICES",
    "SYMBOLS",
    "TABLES",
    "TICKER",
    "TRADES",
    "UNRESOLVED",
    "Column",
    "Kind",
    "Table",
]


class Kind(StrEnum):
    """What a column holds. In brackets: plain dtype; with ``exact=True``."""

    TIME = "time"  # UTC, milliseconds [int64 ms since the epoch in a Batch]
    PRICE = "price"  # [float64; decimal(18, 8)]
    QUANTITY = "quantity"  # one trade's or one level's [float64; decimal(19, 8)]
    VOLUME = "volume"  # sums, and products with a price [float64; decimal(38, 8)]
    PERCENT = "percent"  # [float64; decimal(18, 8)]
    MEASURE = "measure"  # any other number, such as milliseconds or MB [float64; decimal(18, 8)]
    INTEGER = "integer"  # ids, counts, levels [int64]
    FLAG = "flag"  # [bool]
    SIDE = "side"  # buy, sell [categorical; int8 codes 0, 1 in a Batch]
    BOOK_SIDE = "book_side"  # bid, ask [categorical; int8 codes 0, 1 in a Batch]
    WORD = "word"  # any other text [the backend's string; object array of str or None in a Batch]


CATEGORIES: dict[Kind, tuple[str, ...]] = {Kind.SIDE: ("buy", "sell"), Kind.BOOK_SIDE: ("bid", "ask")}
DECIMAL_PRECISION: dict[Kind, int] = {
    Kind.PRICE: 18,
    Kind.PERCENT: 18,
    Kind.MEASURE: 18,
    Kind.QUANTITY: 19,
    Kind.VOLUME: 38,
}
DECIMAL_SCALE = 8


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what it holds, and its meaning in a line."""

    name: str
    kind: Kind
    about: str


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of table. ``index`` is the pandas index (and first column elsewhere); None for a plain range."""

    name: str
    index: str | None
    columns: tuple[Column, ...]  # the index column first, where there is one

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order, the index column included."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        """The column of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _table(name: str, index: str | None, *columns: tuple[str, Kind, str]) -> Table:
    return Table(name, index, tuple(Column(*column) for column in columns))


KLINES = _table(
    "klines",
    "open_time",
    ("open_time", Kind.TIME, "start of the candle"),
    ("open", Kind.PRICE, "first price"),
    ("high", Kind.PRICE, "highest price"),
    ("low", Kind.PRICE, "lowest price"),
    ("close", Kind.PRICE, "last price"),
    ("volume", Kind.VOLUME, "traded quantity, in base asset"),
    ("close_time", Kind.TIME, "last millisecond of the candle"),
    ("quote_volume", Kind.VOLUME, "traded value, in quote asset"),
    ("trades", Kind.INTEGER, "number of trades"),
    ("taker_buy_volume", Kind.VOLUME, "quantity bought by takers, in base asset"),
    ("taker_buy_quote_volume", Kind.VOLUME, "value bought by takers, in quote asset"),
)

TRADES = _table(
    "trades",
    "time",
    ("time", Kind.TIME, "time of the trade"),
    ("id", Kind.INTEGER, "trade id, contiguous within a symbol"),
    ("price", Kind.PRICE, "price"),
    ("quantity", Kind.QUANTITY, "quantity, in base asset"),
    ("quote_quantity", Kind.VOLUME, "price times quantity, in quote asset"),
    ("side", Kind.SIDE, "the taker's side"),
    ("is_best_match", Kind.FLAG, "executed at the best price"),
)

AGG_TRADES = _table(
    "agg_trades",
    "time",
    ("time", Kind.TIME, "time of the trades"),
    ("id", Kind.INTEGER, "aggregate trade id, contiguous within a symbol"),
    ("price", Kind.PRICE, "price"),
    ("quantity", Kind.QUANTITY, "quantity, in base asset"),
    ("first_id", Kind.INTEGER, "first trade id of the aggregate"),
    ("last_id", Kind.INTEGER, "last trade id of the aggregate"),
    ("side", Kind.SIDE, "the taker's side"),
    ("is_best_match", Kind.FLAG, "executed at the best price"),
)

DEPTH = _table(
    "depth",
    None,
    ("side", Kind.BOOK_SIDE, "bid or ask"),
    ("level", Kind.INTEGER, "0 is the best price of its side"),
    ("price", Kind.PRICE, "price of the level"),
    ("quantity", Kind.QUANTITY, "quantity resting at the level, in base asset"),
    ("total", Kind.VOLUME, "running quantity from the best price to this level"),
)

TICKER = _table(
    "ticker",
    "symbol",
    ("symbol", Kind.WORD, "symbol"),
    ("price_change", Kind.PRICE, "last minus open"),
    ("price_change_percent", Kind.PERCENT, "change in percent of open"),
    ("weighted_avg_price", Kind.PRICE, "quote volume divided by volume"),
    ("prev_close", Kind.PRICE, "last price before the window"),
    ("last", Kind.PRICE, "last price"),
    ("last_quantity", Kind.QUANTITY, "quantity of the last trade"),
    ("bid", Kind.PRICE, "best bid"),
    ("bid_quantity", Kind.QUANTITY, "quantity at the best bid"),
    ("ask", Kind.PRICE, "best ask"),
    ("ask_quantity", Kind.QUANTITY, "quantity at the best ask"),
    ("open", Kind.PRICE, "first price of the window"),
    ("high", Kind.PRICE, "highest price of the window"),
    ("low", Kind.PRICE, "lowest price of the window"),
    ("volume", Kind.VOLUME, "traded quantity, in base asset"),
    ("quote_volume", Kind.VOLUME, "traded value, in quote asset"),
    ("open_time", Kind.TIME, "start of the window"),
    ("close_time", Kind.TIME, "end of the window"),
    ("first_id", Kind.INTEGER, "first trade id of the window, -1 for none"),
    ("last_id", Kind.INTEGER, "last trade id of the window, -1 for none"),
    ("trades", Kind.INTEGER, "number of trades"),
)

PRICES = _table(
    "prices",
    "symbol",
    ("symbol", Kind.WORD, "symbol"),
    ("price", Kind.PRICE, "last price"),
)

BOOK_TICKER = _table(
    "book_ticker",
    "symbol",
    ("symbol", Kind.WORD, "symbol"),
    ("bid", Kind.PRICE, "best bid"),
    ("bid_quantity", Kind.QUANTITY, "quantity at the best bid"),
    ("ask", Kind.PRICE, "best ask"),
    ("ask_quantity", Kind.QUANTITY, "quantity at the best ask"),
)

AVG_PRICE = _table(
    "avg_price",
    "symbol",
    ("symbol", Kind.WORD, "symbol"),
    ("price", Kind.PRICE, "average price over the last minutes"),
    ("minutes", Kind.INTEGER, "how many minutes the average covers"),
    ("close_time", Kind.TIME, "time of the last trade"),
)

SYMBOLS = _table(
    "symbols",
    "symbol",
    ("symbol", Kind.WORD, "symbol"),
    ("base", Kind.WORD, "base asset"),
    ("quote", Kind.WORD, "quote asset"),
    ("status", Kind.WORD, "TRADING, HALT, BREAK, ..."),
    ("tick_size", Kind.PRICE, "prices are multiples of it"),
    ("step_size", Kind.QUANTITY, "quantities are multiples of it"),
    ("min_quantity", Kind.QUANTITY, "smallest quantity of an order"),
    ("max_quantity", Kind.QUANTITY, "largest quantity of an order"),
    ("min_notional", Kind.VOLUME, "smallest price times quantity of an order, in quote asset"),
    ("order_types", Kind.WORD, "order types taken, separated by spaces"),
    ("min_price", Kind.PRICE, "lowest price of an order"),
    ("max_price", Kind.PRICE, "highest price of an order"),
    ("max_notional", Kind.VOLUME, "largest price times quantity of an order, in quote asset"),
    ("base_precision", Kind.INTEGER, "decimals of the base asset"),
    ("quote_precision", Kind.INTEGER, "decimals of the quote asset"),
    ("is_spot_trading_allowed", Kind.FLAG, "open for spot trading"),
    ("is_margin_trading_allowed", Kind.FLAG, "open for margin trading"),
)

ORDERS = _table(
    "orders",
    "order_id",
    ("order_id", Kind.INTEGER, "unique within its symbol"),
    ("symbol", Kind.WORD, "symbol"),
    ("client_order_id", Kind.WORD, "the id that the order was placed with"),
    ("side", Kind.SIDE, "buy or sell"),
    ("type", Kind.WORD, "LIMIT, MARKET, STOP_LOSS, ..."),
    ("status", Kind.WORD, "new, partially_filled, filled, canceled, ..."),
    ("price", Kind.PRICE, "limit price; null for an order without one"),
    ("quantity", Kind.QUANTITY, "quantity ordered, in base asset"),
    ("filled", Kind.QUANTITY, "quantity executed, in base asset"),
    ("quote_filled", Kind.VOLUME, "value executed, in quote asset"),
    ("average_price", Kind.PRICE, "quote_filled divided by filled; null where nothing is filled"),
    ("time_in_force", Kind.WORD, "GTC, IOC or FOK"),
    ("stop_price", Kind.PRICE, "price that triggers it; null for an order without one"),
    ("time", Kind.TIME, "when it was placed"),
    ("updated", Kind.TIME, "when it changed last"),
    ("order_list_id", Kind.INTEGER, "its order list, -1 for none"),
    ("quote_quantity", Kind.VOLUME, "value ordered, in quote asset; null where a quantity was"),
    ("iceberg_quantity", Kind.QUANTITY, "part that the book shows; null where it shows all"),
    ("trailing_delta", Kind.INTEGER, "distance of a trailing stop in hundredths of a percent, 0 for none"),
    ("self_trade_prevention", Kind.WORD, "what happens when the account would trade with itself"),
    ("expiry_reason", Kind.WORD, "why it expired; null where it did not"),
)

BALANCES = _table(
    "balances",
    "asset",
    ("asset", Kind.WORD, "asset"),
    ("free", Kind.VOLUME, "what orders may use"),
    ("locked", Kind.VOLUME, "held by open orders"),
    ("total", Kind.VOLUME, "free and locked"),
)

FILLS = _table(
    "fills",
    "time",
    ("time", Kind.TIME, "time of the trade"),
    ("symbol", Kind.WORD, "symbol"),
    ("id", Kind.INTEGER, "trade id, unique within its symbol"),
    ("order_id", Kind.INTEGER, "the order that was executed"),
    ("side", Kind.SIDE, "of the order"),
    ("price", Kind.PRICE, "price"),
    ("quantity", Kind.QUANTITY, "quantity, in base asset"),
    ("quote_quantity", Kind.VOLUME, "price times quantity, in quote asset"),
    ("fee", Kind.QUANTITY, "commission, in fee_asset"),
    ("fee_asset", Kind.WORD, "asset that the commission was taken in"),
    ("maker", Kind.FLAG, "the order rested in the book"),
)

LIMITS = _table(
    "limits",
    None,
    ("kind", Kind.WORD, "weight (of the address) or orders (of the account)"),
    ("window", Kind.WORD, "length of the window: 10s, 1m, 1d"),
    ("limit", Kind.INTEGER, "most in a window"),
    ("used", Kind.INTEGER, "used in the current one, as far as is known"),
)

GAPS = _table(
    "gaps",
    None,
    ("symbol", Kind.WORD, "symbol; null where the frame does not say"),
    ("start", Kind.TIME, "first moment of the hole; null where nobody knows how far back it goes"),
    ("end", Kind.TIME, "first moment after it"),
    ("rows", Kind.INTEGER, "candles that are not there; -1 where that is not known"),
    ("kind", Kind.WORD, "exchange (it has none), missing (not fetched) or unknown"),
)

UNRESOLVED = _table(
    "unresolved",
    "client_order_id",
    ("client_order_id", Kind.WORD, "the id that it was sent with"),
    ("operation", Kind.WORD, "place_order, cancel_order, ..."),
    ("symbol", Kind.WORD, "symbol"),
    ("sent", Kind.TIME, "when it was sent, in exchange time"),
    ("state", Kind.WORD, "asking, done, not_done"),
    ("order_id", Kind.INTEGER, "the order that was found, -1 for none"),
    ("detail", Kind.WORD, "what is known"),
)

HEALTH = _table(
    "health",
    "time",
    ("time", Kind.TIME, "when it was looked at, by this machine's clock"),
    ("component", Kind.WORD, "application, exchange_api, websocket_connections, trading_system, user_connections"),
    ("status", Kind.WORD, "healthy, degraded, unhealthy, unknown"),
    ("in_use", Kind.FLAG, "whether there is anything of it"),
    ("latency_ms", Kind.MEASURE, "of exchange_api: of the request; of trading_system: of the last order"),
    ("error_percent", Kind.PERCENT, "of exchange_api: requests of the last five minutes that failed"),
    ("weight_used", Kind.MEASURE, "of exchange_api: weight used in the current window"),
    ("memory_mb", Kind.MEASURE, "of application: resident memory"),
    ("tasks", Kind.MEASURE, "of application: tasks on the loop"),
    ("up", Kind.MEASURE, "connections that carry their streams; users logged on"),
    ("of", Kind.MEASURE, "of so many"),
    ("reconnects", Kind.MEASURE, "of websocket_connections and user_connections"),
    ("lag_s", Kind.MEASURE, "of websocket_connections: the longest lag"),
    ("unresolved", Kind.MEASURE, "of trading_system: outcomes that are not known"),
    ("reasons", Kind.WORD, "what was found"),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        *(KLINES, TRADES, AGG_TRADES, DEPTH, TICKER, PRICES, BOOK_TICKER, AVG_PRICE, SYMBOLS),
        *(ORDERS, BALANCES, FILLS, LIMITS, UNRESOLVED, GAPS, HEALTH),
    )
}
