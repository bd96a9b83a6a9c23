"""The fact sheet's filters.md read once more, in plain decimals and the exchange's own words: what tests expect.

Nothing of cryptox is in here. Orders are parameters as they would be sent, symbols are exchange information as it
came, and every comparison stands as its row of the table has it.
"""

from __future__ import annotations

import decimal
import random
from decimal import Decimal
from typing import Any

decimal.getcontext().prec = 28  # stated, because sums below rely on more than that
EXACT = decimal.Context(prec=120)

Order = dict[str, str]
PRICED = ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")


def times(*factors: Decimal) -> Decimal:
    product = Decimal(1)
    for factor in factors:
        product = EXACT.multiply(product, factor)
    return product


def places(number: Decimal) -> int:
    """Decimals that are not zeros at the end."""
    return len(f"{number:f}".partition(".")[2].rstrip("0"))


def even(number: Decimal, step: Decimal) -> bool:
    return step == 0 or EXACT.remainder(number, step) == 0


def failures(order: Order, symbol: dict[str, Any], reference: Decimal | None) -> set[str]:
    """Names of the filters that an order fails, and PRECISION, ICEBERG_QUANTITY, ZERO_NOTIONAL for what precedes them.

    With no reference price, those that need one are passed over.
    """
    rules = {rule["filterType"]: rule for rule in symbol["filters"]}
    given = {name: Decimal(order[name]) for name in order if name not in ("side", "type", "timeInForce", "symbol")}
    price, stop = given.get("price"), given.get("stopPrice")
    quantity, iceberg, worth = given.get("quantity"), given.get("icebergQty"), given.get("quoteOrderQty")
    market = order["type"] == "MARKET"
    found = set()

    for number in (quantity, iceberg):
        if number is not None and places(number) > symbol["baseAssetPrecision"]:
            found.add("PRECISION")
    for number in (price, stop, worth):
        if number is not None and places(number) > symbol["quoteAssetPrecision"]:
            found.add("PRECISION")
    if iceberg is not None and quantity is not None and iceberg >= quantity:
        found.add("ICEBERG_QUANTITY")

    if (rule := rules.get("PRICE_FILTER")) is not None:
        low, high, tick = Decimal(rule["minPrice"]), Decimal(rule["maxPrice"]), Decimal(rule["tickSize"])
        for number in (price, stop):
            if number is not None and (
                (low != 0 and number < low) or (high != 0 and number > high) or not even(number, tick)
            ):
                found.add("PRICE_FILTER")

    if price is not None and reference is not None:
        if (rule := rules.get("PERCENT_PRICE")) is not None and not (
            times(reference, Decimal(rule["multiplierDown"]))
            <= price
            <= times(reference, Decimal(rule["multiplierUp"]))
        ):
            found.add("PERCENT_PRICE")
        if (rule := rules.get("PERCENT_PRICE_BY_SIDE")) is not None:
            way = "bid" if order["side"] == "BUY" else "ask"
            down, up = Decimal(rule[way + "MultiplierDown"]), Decimal(rule[way + "MultiplierUp"])
            if not times(reference, down) <= price <= times(reference, up):
                found.add("PERCENT_PRICE_BY_SIDE")

    for name, numbers in (("LOT_SIZE", (quantity, iceberg)), ("MARKET_LOT_SIZE", (quantity,) if market else ())):
        if (rule := rules.get(name)) is not None:
            for number in numbers:
                if number is not None and not (
                    Decimal(rule["minQty"]) <= number <= Decimal(rule["maxQty"])
                    and even(number, Decimal(rule["stepSize"]))
                ):
                    found.add(name)

    value = worth
    if value is None and quantity is not None and (price is not None or reference is not None):
        value = times(price if price is not None else reference or Decimal(0), quantity)
    priced = order["type"] in PRICED
    if priced and value is not None and value < Decimal("0.00000001"):
        found.add("ZERO_NOTIONAL")
    if value is not None:
        if (
            (rule := rules.get("MIN_NOTIONAL")) is not None
            and (priced or rule["applyToMarket"])
            and value < Decimal(rule["minNotional"])
        ):
            found.add("MIN_NOTIONAL")
        if (rule := rules.get("NOTIONAL")) is not None and (
            ((priced or rule["applyMinToMarket"]) and value < Decimal(rule["minNotional"]))
            or ((priced or rule["applyMaxToMarket"]) and value > Decimal(rule["maxNotional"]))
        ):
            found.add("NOTIONAL")

    if iceberg is not None and quantity is not None and (rule := rules.get("ICEBERG_PARTS")) is not None:
        parts, rest = divmod(int(quantity.scaleb(30, EXACT)), int(iceberg.scaleb(30, EXACT)))
        if parts + (rest > 0) > rule["limit"]:
            found.add("ICEBERG_PARTS")

    if (delta := given.get("trailingDelta")) is not None and (rule := rules.get("TRAILING_DELTA")) is not None:
        stop_loss, buys = order["type"].startswith("STOP_LOSS"), order["side"] == "BUY"
        way = "Above" if (stop_loss and buys) or (not stop_loss and not buys) else "Below"
        if not rule[f"minTrailing{way}Delta"] <= delta <= rule[f"maxTrailing{way}Delta"]:
            found.add("TRAILING_DELTA")
    return found


def draw(chance: random.Random, symbol: dict[str, Any], reference: Decimal) -> Order:
    """An order whose parts belong together, its numbers mostly near where some filter draws a line."""
    rules = {rule["filterType"]: rule for rule in symbol["filters"]}
    tick = Decimal(rules["PRICE_FILTER"]["tickSize"]) or Decimal("0.00000001")
    lot = rules["LOT_SIZE"]
    step = Decimal(lot["stepSize"]) or Decimal("0.00000001")
    percent = rules.get("PERCENT_PRICE_BY_SIDE") or rules.get("PERCENT_PRICE") or {}
    kind = chance.choice(["LIMIT", *symbol["orderTypes"]])
    order = {"side": chance.choice(["BUY", "SELL"]), "type": kind}

    def near(middle: Decimal, unit: Decimal) -> Decimal:
        """A number near another one: on the grid, beside it, or where nobody looks."""
        on_grid = EXACT.multiply(EXACT.divide(middle, unit).to_integral_value(decimal.ROUND_FLOOR), unit)
        way = chance.random()
        if way < 0.7:
            found = on_grid + unit * chance.randint(-1, 2)
        elif way < 0.9:
            found = on_grid + unit * Decimal(chance.randint(1, 99)) / 100
        else:
            found = middle.quantize(Decimal("1E-12"), context=EXACT) + Decimal(chance.randint(1, 10**6)).scaleb(
                -chance.choice([6, 8, 10])
            )
        return found if found > 0 else unit

    def some_price() -> Decimal:
        lines = [Decimal(value) for name, value in percent.items() if "ultiplier" in name]
        middle = chance.choice(
            [
                *(times(reference, line) for line in lines),
                *(times(reference, Decimal(chance.randint(30, 400)) / 100) for _ in range(6)),
                Decimal(rules["PRICE_FILTER"]["minPrice"]),
                min(Decimal(rules["PRICE_FILTER"]["maxPrice"]), times(reference, Decimal(50))),
            ]
        )
        return near(middle, tick)

    if kind in PRICED:
        order["price"] = text(some_price())
    if kind in ("LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"):
        order["timeInForce"] = "GTC" if chance.random() < 0.7 else chance.choice(["IOC", "FOK"])
    if kind.startswith(("STOP", "TAKE")):
        if chance.random() < 0.8:
            order["stopPrice"] = text(some_price())
        if "stopPrice" not in order or chance.random() < 0.3:
            order["trailingDelta"] = str(chance.choice([1, 9, 10, 11, 100, 1999, 2000, 2001, 5000]))
    notional = rules.get("NOTIONAL") or rules.get("MIN_NOTIONAL") or {"minNotional": "1"}
    lines = [Decimal(notional[name]) for name in ("minNotional", "maxNotional") if name in notional]
    values = [*lines, *lines, *(lines[0] * chance.randint(1, 1000) for _ in range(4))]
    if kind == "MARKET" and chance.random() < 0.25:
        order["quoteOrderQty"] = text(near(lines[0] * chance.choice([1, 1, 3, 20]), Decimal("0.00000001")))
        return order
    price = Decimal(order.get("price", reference))
    largest = [Decimal(rules[name]["maxQty"]) for name in ("LOT_SIZE", "MARKET_LOT_SIZE") if name in rules]
    amounts = [EXACT.divide(value, price) for value in values] + [Decimal(lot["minQty"]), *largest]
    order["quantity"] = text(near(chance.choice(amounts), step))
    if kind in PRICED and order.get("timeInForce", "GTC") == "GTC" and chance.random() < 0.3:
        shown = EXACT.divide(Decimal(order["quantity"]), Decimal(chance.choice([1, 2, 9, 10, 11, 99, 100, 101, 300])))
        order["icebergQty"] = text(near(shown, step))
    return order


def text(number: Decimal) -> str:
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
