"""What the paper exchange says of itself: time, limits, symbols and their trading rules."""

from __future__ import annotations

from typing import Any

import msgspec

from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.wire.general import ExchangeInfo, ServerTime, SymbolInfo

from .market import Listing
from .question import BREAK, Question, Told, status_of
from .refusals import Refused
from .text import decimal
from .trading.accounts import MOST_ATOMS
from .trading.grid import PLACES

__all__ = ["exchange_info", "execution_rules", "no_reference_price", "ping", "server_time"]

ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
SELF_TRADE_PREVENTION = ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"]
PERMISSION_SETS = [["SPOT"]]
USUAL_PERMISSIONS = frozenset({"SPOT", "MARGIN", "LEVERAGED"})

MOST_TICKS = 10**8  # highest price of an order
MOST_STEPS = 9 * 10**8  # largest quantity of an order, unless that is worth little
MOST_MARKET_STEPS = 12 * 10**6
MARKET_WORTH = {"USDT": 500_000, "BTC": 10}  # of the quote asset: what the largest market order must reach at least
LIMIT_WORTH = 20  # times as much for any other order
LEAST_NOTIONAL = {"USDT": ("5.00000000", "9000000.00000000"), "BTC": ("0.00010000", "100.00000000")}


def ping(_question: Question) -> Told:
    """Nothing."""
    return Told({}, ep.PING.sbe)


def server_time(question: Question) -> Told:
    """Market time."""
    return Told(ServerTime(question.moment(question.now_us)), ep.TIME.sbe)


def exchange_info(question: Question) -> Told:
    """Limits of the address and rules of symbols."""
    params = question.params
    named = params["symbol"] is not None or params["symbols"] is not None
    if (named and (params["permissions"] is not None or params["symbolStatus"] is not None)) or (
        params["symbol"] is not None and params["symbols"] is not None
    ):
        raise Refused(Code.OPTIONAL_PARAMS_BAD_COMBO)
    listings = [question.listing()] if params["symbol"] is not None else question.listings()
    if not named:
        wanted = params["permissions"] or USUAL_PERMISSIONS
        listings = [one for one in listings if all(wanted.intersection(inner) for inner in PERMISSION_SETS)]
    sets = PERMISSION_SETS if params["showPermissionSets"] else []
    answer = ExchangeInfo(
        timezone="UTC",
        server_time=question.moment(question.now_us),
        rate_limits=list(question.limits),
        symbols=[_symbol(one, question.now_ms, sets) for one in listings],
    )
    return Told(answer, ep.EXCHANGE_INFO.sbe)


def _symbol(listing: Listing, now_ms: int, permission_sets: list[list[str]]) -> SymbolInfo:
    status = status_of(listing, now_ms) or BREAK
    return SymbolInfo(
        symbol=listing.symbol,
        status=status,
        base=listing.base,
        base_precision=8,
        quote=listing.quote,
        quote_precision_old=8,
        order_types=ORDER_TYPES,
        iceberg_allowed=True,
        oco_allowed=True,
        oto_allowed=True,
        opo_allowed=True,
        quote_quantity_market_allowed=True,
        trailing_stop_allowed=True,
        cancel_replace_allowed=True,
        amend_allowed=True,
        peg_allowed=True,
        is_spot_trading_allowed=True,
        is_margin_trading_allowed=False,
        filters=filters_of(listing),
        permission_sets=permission_sets,
        default_self_trade_prevention="EXPIRE_MAKER",
        allowed_self_trade_prevention=SELF_TRADE_PREVENTION,
    )


def filters_of(listing: Listing) -> list[dict[str, Any]]:
    """Trading rules of a symbol: its grid, and amounts like those of the real exchange."""
    tick, step = listing.price_exponent, listing.quantity_exponent
    most_steps, most_market_steps = _most_steps(listing)
    least, most = LEAST_NOTIONAL.get(listing.quote, LEAST_NOTIONAL["USDT"])
    bounds = {"minTrailingAboveDelta": 10, "maxTrailingAboveDelta": 2000}
    sides = {"bidMultiplierUp": "5", "bidMultiplierDown": "0.2", "askMultiplierUp": "5", "askMultiplierDown": "0.2"}
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": decimal(1, tick),
            "maxPrice": decimal(MOST_TICKS, tick),
            "tickSize": decimal(1, tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": decimal(1, step),
            "maxQty": decimal(most_steps, step),
            "stepSize": decimal(1, step),
        },
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": decimal(0, step),
            "maxQty": decimal(most_market_steps, step),
            "stepSize": decimal(0, step),
        },
        {"filterType": "TRAILING_DELTA", **bounds, "minTrailingBelowDelta": 10, "maxTrailingBelowDelta": 2000},
        {"filterType": "PERCENT_PRICE_BY_SIDE", **sides, "avgPriceMins": 5},
        {
            "filterType": "NOTIONAL",
            "minNotional": least,
            "applyMinToMarket": True,
            "maxNotional": most,
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
    ]


def _most_steps(listing: Listing) -> tuple[int, int]:
    """Largest quantities of an order and of a market order: by worth, and no more than can be counted in atoms."""
    countable: int = MOST_ATOMS // 10 ** (PLACES + listing.quantity_exponent)
    if not listing.usual_ticks:
        return min(MOST_STEPS, countable), min(MOST_MARKET_STEPS, countable)
    worth = MARKET_WORTH.get(listing.quote, MARKET_WORTH["USDT"])
    power = -listing.price_exponent - listing.quantity_exponent
    steps = _round_up(worth * 10**power, listing.usual_ticks)
    return min(max(MOST_STEPS, LIMIT_WORTH * steps), countable), min(max(MOST_MARKET_STEPS, steps), countable)


def _round_up(numerator: int, denominator: int) -> int:
    """The quotient rounded up to two digits and zeros: 4321 becomes 4400."""
    whole = -(-numerator // denominator)
    power: int = 10 ** max(len(str(whole)) - 2, 0)
    return -(-whole // power) * power


def execution_rules(question: Question) -> Told:
    """Price range rules by symbol: this exchange has none, which the documentation allows."""
    params = question.params
    if sum(params[name] is not None for name in ("symbol", "symbols", "symbolStatus")) > 1:
        raise Refused(Code.OPTIONAL_PARAMS_BAD_COMBO)
    listings = [question.listing()] if params["symbol"] is not None else question.listings()
    rules = [{"symbol": one.symbol, "rules": []} for one in listings]
    return Told({"symbolRules": rules}, ep.EXECUTION_RULES.sbe)


def no_reference_price(question: Question) -> Told:
    """No symbol of this exchange has a reference price."""
    question.listing()
    raise Refused(Code.NO_REFERENCE_PRICE)


def plain(answer: Any) -> Any:
    """An answer as mappings and lists in the exchange's names, as the binary encoder wants it."""
    return msgspec.to_builtins(answer)
