"""Cards of records: of any dataclass and event its fields, of orders and accounts a form of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from cryptox.model.account import Account, Breach, Fees, Preview
from cryptox.model.book import Book
from cryptox.model.doctor import Finding, Report, Verdict
from cryptox.model.events import Event, moment
from cryptox.model.health import Component, Health
from cryptox.model.lines import amount, arguments_line, changed_arguments, count, order_size, percent, shortened
from cryptox.model.orders import Draft, Fill, Leg, Order, OrderList, Replaced
from cryptox.model.portfolio import Portfolio
from cryptox.show import cards
from cryptox.show.calls import call_line
from cryptox.show.cards import BAD, GOOD, Html
from cryptox.show.health import component_html, health_html

__all__ = ["html"]

LEVELS: Final = 5  # of a book, a side
MOST: Final = 10  # assets, fills and orders of one card
TIMES: Final = {"_ms": 1, "_us": 1_000, "_ns": 1_000_000}  # units in a millisecond, by the end of a field's name


def html(thing: object) -> str | None:
    """The card of a record; None for anything else."""
    if isinstance(thing, type):
        return None
    for kind, draw in CARDS.items():
        if isinstance(thing, kind):
            return draw(thing)
    if isinstance(thing, Event):
        return cards.card(type(thing).__name__, cards.rows(_fields(thing)), about=thing.symbol)
    if dataclasses.is_dataclass(thing):
        return cards.card(type(thing).__name__, cards.rows(_fields(thing)))
    return None


def _fields(thing: Any) -> Iterable[tuple[str, object]]:
    """Fields by name, times as times; private ones, and those that a ``repr`` leaves out, are left out."""
    names = thing.__struct_fields__ if isinstance(thing, Event) else [one.name for one in _shown(thing)]
    for name in names:
        value, end = getattr(thing, name), name[-3:]
        if name.startswith("_"):
            continue
        if end in TIMES:
            yield name[:-3], None if value is None else moment(value // TIMES[end])
        else:
            yield name, value


def _shown(thing: Any) -> list[Any]:
    return [one for one in dataclasses.fields(thing) if one.repr]


def _known(facts: Iterable[tuple[str, object]]) -> list[tuple[str, object]]:
    return [(name, value) for name, value in facts if value is not None]


def _head(record: Any, *, symbol: str | None = None) -> Html:
    """What an order is, in a few words: symbol, side with its sign, type."""
    words = [cards.html_of(symbol)] if symbol is not None else []
    return Html(" ".join([*words, cards.side(record.side), cards.html_of(record.type)]))


def _terms(record: Any) -> list[tuple[str, object]]:
    """What an order was told beyond price and quantity."""
    names = ("stop_price", "trailing_delta", "iceberg_quantity", "time_in_force", "self_trade_prevention")
    return _known((name.replace("_", " "), getattr(record, name, None)) for name in names)


def _draft(draft: Draft) -> str:
    amounts = [("quantity", draft.quantity), ("for", draft.quote_quantity), ("price", draft.price)]
    facts = [*_known(amounts), *_terms(draft), *_known([("client order id", draft.client_order_id)])]
    return cards.card("Draft", cards.rows(facts), about=_head(draft, symbol=draft.symbol))


def _leg(leg: Leg) -> str:
    facts = _known([("quantity", leg.quantity), ("price", leg.price)])
    facts += [*_terms(leg), *_known([("client order id", leg.client_order_id)])]
    return cards.card("Leg", cards.rows(facts), about=_head(leg))


def _fill(fill: Fill) -> str:
    facts = [
        ("time", fill.time),
        ("quantity", fill.quantity),
        ("price", fill.price),
        ("worth", fill.quote_quantity),
        ("fee", amount(fill.fee, fill.fee_asset)),
        ("as", "maker" if fill.maker else "taker"),
        ("id", fill.id),
        ("order", fill.order_id),
    ]
    return cards.card("Fill", cards.rows(facts), about=Html(f"{cards.html_of(fill.symbol)} {cards.side(fill.side)}"))


def _order(order: Order) -> str:
    filled = amount(order.filled) if order.quantity is None else f"{amount(order.filled)} of {amount(order.quantity)}"
    if order.average_price is not None:
        filled += f" @ {amount(order.average_price)}"
    facts = _known(
        [
            ("status", order.status),
            ("price", order.price),
            ("quantity", order.quantity),
            ("for", order.quote_quantity),
            ("filled", filled),
            *_terms(order),
            ("expired for", order.expiry_reason),
            ("placed", order.time),
            ("updated", order.updated if order.updated_ms else None),
            ("id", order.order_id),
            ("client order id", order.client_order_id),
            ("list", order.order_list_id),
        ]
    )
    return cards.card("Order", cards.rows(facts) + _fills(order.fills), about=_head(order, symbol=order.symbol))


def _fills(fills: tuple[Fill, ...]) -> Html:
    if not fills:
        return Html()
    lines = [
        (one.time, one.quantity, one.price, amount(one.fee, one.fee_asset), "maker" if one.maker else "taker")
        for one in fills[:MOST]
    ]
    more = f", the first {MOST} of them" if len(fills) > MOST else ""
    return cards.folded(
        count(len(fills), "fill") + more, cards.table(("time", "quantity", "price", "fee", "as"), lines)
    )


def _size(order: Order) -> str:
    return order_size(order.quantity, order.price, order.quote_quantity)


def _order_list(found: OrderList) -> str:
    facts = [
        ("status", found.status),
        ("time", found.time),
        ("id", found.order_list_id),
        ("client order id", found.client_order_id),
    ]
    if not found.orders:
        return cards.card(
            "OrderList",
            cards.rows([*facts, ("orders", found.order_ids)]),
            about=_words(found.symbol, found.contingency),
        )
    lines = [(cards.side(one.side), one.type, _size(one), one.status, one.order_id) for one in found.orders]
    body = cards.rows(facts) + cards.table(("side", "type", "size", "status", "id"), lines)
    return cards.card("OrderList", body, about=_words(found.symbol, found.contingency))


def _words(*words: object) -> Html:
    return Html(" ".join(map(cards.html_of, words)))


def _replaced(done: Replaced) -> str:
    halves = (("canceled", done.canceled, done.cancel_error), ("new order", done.order, done.order_error))
    facts = []
    for name, order, error in halves:
        if order is not None:
            state = f"{_size(order)}, {order.status}, id {order.order_id}"
            told: object = Html(f"{_head(order, symbol=order.symbol)} {cards.html_of(state)}")
        else:
            told = "not tried" if error is None else cards.marked("✘", BAD, f"{type(error).__name__}: {error}")
        facts.append((name, told))
    accent = GOOD if done.cancel_error is None and done.order_error is None else BAD
    return cards.card("Replaced", cards.rows(facts), accent=accent)


def _fees(fees: Fees) -> str:
    facts: list[tuple[str, object]] = [("maker", percent(fees.maker)), ("taker", percent(fees.taker))]
    facts += [
        (f"{name}, beyond that", percent(part))
        for name, part in (("buyer", fees.buyer), ("seller", fees.seller))
        if part
    ]
    if fees.discounted and fees.discount is not None:
        facts.append(("discount", f"standard part times {amount(fees.discount)}, paid in {fees.discount_asset}"))
    return cards.card("Fees", cards.rows(facts), about=fees.symbol)


def _account(account: Account) -> str:
    rights = {"trade": account.can_trade, "withdraw": account.can_withdraw, "deposit": account.can_deposit}
    facts = _known(
        [
            ("uid", account.uid),
            *((f"may {name}", given) for name, given in rights.items()),
            ("fees", f"maker {percent(account.maker)}, taker {percent(account.taker)}"),
            ("permissions", account.permissions),
            ("updated", account.updated),
        ]
    )
    held = [one for one in account.balances.values() if one.total]
    body = cards.rows(facts)
    if held:
        lines = [(one.asset, one.free, one.locked) for one in held[:MOST]]
        more = f", the first {MOST} of them" if len(held) > MOST else ""
        assets = cards.table(("asset", "free", "locked"), lines)
        body = Html(body + cards.folded(count(len(held), "asset") + more, assets))
    return cards.card("Account", body, about=account.account_type)


def _portfolio(portfolio: Portfolio) -> str:
    shown = list(portfolio.by_asset.items())
    lines: list[tuple[object, ...]] = [(asset, value, _share(value, portfolio.total)) for asset, value in shown[:MOST]]
    if len(shown) > MOST:
        rest = sum((value for _, value in shown[MOST:]), Decimal(0))
        lines.append((f"{len(shown) - MOST} more", rest, _share(rest, portfolio.total)))
    body = cards.table(("asset", portfolio.quote, "share"), lines)
    if portfolio.unpriced:
        body = Html(body + cards.rows([("no price for", portfolio.unpriced)]))
    return cards.card("Portfolio", body, about=amount(portfolio.total, portfolio.quote))


def _share(value: Decimal, total: Decimal) -> str:
    return f"{100 * value / total:.1f} %" if total else "–"


def _breach(breach: Breach) -> str:
    return cards.card("Breach", cards.rows(_breach_facts(breach)), accent=BAD, about=breach.rule)


def _breach_facts(breach: Breach) -> list[tuple[str, object]]:
    nearest = [("nearest", arguments_line(breach.nearest))] if breach.nearest else []
    return [("what", breach.message), *nearest]


def _preview(preview: Preview) -> str:
    draft = preview.order
    verdict = cards.marked("✔", GOOD, "accepted") if preview.accepted else cards.marked("✘", BAD, "not accepted")
    size = order_size(draft.quantity, draft.price, draft.quote_quantity)
    facts = [("verdict", verdict), ("order", size), *_terms(draft), *_meaning(preview)]
    parts = [cards.rows(facts), cards.listed(f"{one.rule}: {one.message}" for one in preview.breaches)]
    if preview.nearest is not None:
        changes = changed_arguments(draft.arguments(), preview.nearest)
        call = cards.copied(call_line("preview_order", preview.nearest))
        parts += [cards.rows([("nearest", arguments_line(changes)), ("try", call)])]
    accent = GOOD if preview.accepted else BAD
    return cards.card("Preview", "".join(parts), accent=accent, about=_head(draft, symbol=draft.symbol))


def _meaning(preview: Preview) -> list[tuple[str, object]]:
    """What the order would cost, of what is known."""
    buys = preview.order.side == "buy"
    facts = (
        ("price", preview.price, None),
        ("costs" if buys else "gives", preview.cost, preview.quote),
        ("fee", preview.fee, preview.fee_asset),
        ("free now", preview.free, preview.spends),
        ("free then", preview.free_after, preview.spends),
    )
    return [(name, amount(value, unit)) for name, value, unit in facts if value is not None]


def _book(book: Book) -> str:
    facts: list[tuple[str, object]] = [("event time", book.event_time), ("levels", _levels(book))]
    if getattr(book, "synced", True) is False:
        facts.append(("synced", False))
    pairs = [
        (*(bid[::-1] if bid else ("", "")), *(ask or ("", "")))
        for bid, ask in ((_at(book.bid_texts, place), _at(book.ask_texts, place)) for place in range(LEVELS))
        if bid or ask
    ]
    body = cards.rows(facts) + cards.table(("quantity", "bid", "ask", "quantity"), pairs)
    return cards.card(type(book).__name__, body, about=book.symbol)


def _levels(book: Book) -> str:
    return f"{len(book.bid_texts)} + {len(book.ask_texts)}"


def _at(levels: Any, place: int) -> tuple[str, str] | None:
    return (shortened(levels[place][0]), shortened(levels[place][1])) if place < len(levels) else None


def _finding(finding: Finding) -> str:
    body = cards.rows([("verdict", _verdict(finding)), ("found", finding.found)]) + cards.listed(finding.advice)
    return cards.card("Finding", body, about=finding.what)


def _verdict(finding: Finding) -> Html:
    colours = {Verdict.OK: GOOD, Verdict.PROBLEM: BAD}
    return cards.unbroken(cards.marked(finding.mark, colours.get(finding.verdict, "inherit"), finding.verdict))


def _report(report: Report) -> str:
    lines = [
        (_verdict(one), one.what, Html(cards.html_of(one.found) + cards.listed(one.advice))) for one in report.findings
    ]
    body = cards.table(("verdict", "what", "found, and what to do"), lines)
    return cards.card("Report", body, accent=BAD if report.problems else GOOD, about=report.summary)


CARDS: Final[dict[type, Callable[[Any], str]]] = {
    Account: _account,
    Book: _book,
    Breach: _breach,
    Component: component_html,
    Draft: _draft,
    Fees: _fees,
    Fill: _fill,
    Finding: _finding,
    Health: health_html,
    Leg: _leg,
    Order: _order,
    OrderList: _order_list,
    Portfolio: _portfolio,
    Preview: _preview,
    Replaced: _replaced,
    Report: _report,
}
