"""The official SDK's sockets: WebSocket API by signature and by an Ed25519 session, the user's events, streams.

PEER_PYTHON tests/clients/official_sdk_sockets.py < addresses.json
"""

from __future__ import annotations

import ast
import asyncio
import time
from decimal import Decimal
from typing import Any

from checks import ATOM, ZERO, Book, exact, until
from official_sdk import (
    FUNDS,
    HOUR_MS,
    SYMBOL,
    TOLD,
    ConfigurationWebSocketAPI,
    Spot,
    best_bid,
    checks,
    client,
    complaints,
    held,
    plain,
    rest,
    ws_api_url,
)


async def answer_of(call: Any) -> Any:
    """The result of a WebSocket API call as plain data."""
    model = (await call).data()
    if isinstance(model, dict):
        return model
    return plain(model.result)


async def refused(what: str, call: Any, code: int, text: str) -> None:
    """The SDK turns a refusal on the WebSocket API into an answer that has only ``error``."""
    error = (await answer_of(call)).get("error")
    error = ast.literal_eval(error) if isinstance(error, str) else error
    checks.equal(what, error, {"code": code, "msg": text})


def session_client() -> Any:
    """The WebSocket API with an Ed25519 key, the only kind that may log on."""
    keys = TOLD["ed25519"]
    config = ConfigurationWebSocketAPI(
        api_key=keys["api_key"], private_key=keys["private_key"], stream_url=ws_api_url, return_rate_limits=False
    )
    return Spot(config_ws_api=config).websocket_api


async def websocket_api() -> None:
    """Every request signed with the HMAC key."""
    events: list[dict[str, Any]] = []
    api = client.websocket_api
    await api.create_connection()
    try:
        stream = (await api.user_data_stream_subscribe_signature()).stream
        stream.on("message", lambda event: events.append(plain(event)))
        await orders_over_websocket(api, events)
        klines = (await api.klines(symbol=SYMBOL, interval="1h", limit=3)).data().result
        checks.equal("WebSocket API, klines", {row[6] - row[0] for row in klines}, {HOUR_MS - 1})
        await refused("WebSocket API, wrong symbol", api.depth(symbol="NOPEUSDT"), -1121, "Invalid symbol.")
        placing = api.order_place(symbol=SYMBOL, side="SELL", type="MARKET", quantity="50")
        await refused("WebSocket API, insufficient funds", placing, -2010, FUNDS)
        cancelling = api.order_cancel(symbol=SYMBOL, order_id=999_999_999)
        await refused("WebSocket API, cancel of no order", cancelling, -2011, "Unknown order sent.")
    finally:
        await api.close_connection()


async def session() -> None:
    """Logged on once; what follows carries no signature."""
    events: list[dict[str, Any]] = []
    api = session_client()
    await api.create_connection()
    try:
        logged = await answer_of(api.session_logon())
        checks.equal("session logon with Ed25519", logged["apiKey"], TOLD["ed25519"]["api_key"])
        status = await answer_of(api.session_status())
        checks.equal("session status", status["authorizedSince"], logged["authorizedSince"])
        stream = (await api.user_data_stream_subscribe()).stream
        stream.on("message", lambda event: events.append(plain(event)))
        await orders_over_websocket(api, events)
        out = await answer_of(api.session_logout())
        checks.equal("session logout", out.get("apiKey"), None)
        ended = await until(lambda: [one for one in events if set(one) == {"E"}], 5)  # the model drops the name
        checks.equal("session logout ends the user's events", len(ended), 1)
    finally:
        await api.close_connection()


async def orders_over_websocket(api: Any, events: list[dict[str, Any]]) -> None:
    before, bid = held(), best_bid()
    price = f"{bid * Decimal('0.8'):.2f}"
    limit = {"type": "LIMIT", "time_in_force": "GTC", "quantity": "0.03", "price": price}
    placed = await answer_of(api.order_place(symbol=SYMBOL, side="BUY", **limit))
    number = placed["orderId"]
    checks.equal("WebSocket API, place", (placed["status"], placed["origQty"]), ("NEW", "0.03000000"))
    query = await answer_of(api.order_status(symbol=SYMBOL, order_id=number))
    checks.equal("WebSocket API, query", (query["status"], query["price"]), ("NEW", f"{price}000000"))
    await told_by(events, "WebSocket API, event", number, ["NEW"])
    cost = exact(price) * Decimal("0.03")
    rows = (await answer_of(api.account_status(omit_zero_balances=True)))["balances"]
    usdt = next((exact(row["free"]), exact(row["locked"])) for row in rows if row["asset"] == "USDT")
    checks.equal("WebSocket API, account", usdt, (before["USDT"][0] - cost, cost))
    cancel = await answer_of(api.order_cancel(symbol=SYMBOL, order_id=number))
    checks.equal("WebSocket API, cancel", cancel["status"], "CANCELED")
    await told_by(events, "WebSocket API, cancel event", number, ["NEW", "CANCELED"])
    checks.equal("WebSocket API, funds back", held(), before)
    sold = await answer_of(api.order_place(symbol=SYMBOL, side="SELL", type="MARKET", quantity="0.3"))
    got = sum((exact(one["price"]) * exact(one["qty"])).quantize(ATOM) for one in sold["fills"])
    fee = sum(exact(one["commission"]) for one in sold["fills"])
    checks.equal("WebSocket API, market order", (sold["status"], exact(sold["cummulativeQuoteQty"])), ("FILLED", got))
    after = {**before, "BTC": (before["BTC"][0] - Decimal("0.3"), ZERO)}
    after["USDT"] = (before["USDT"][0] + got - fee, ZERO)
    checks.equal("WebSocket API, balances", held(), after)
    states = ["NEW", *["PARTIALLY_FILLED"] * (len(sold["fills"]) - 1), "FILLED"]
    reports = await told_by(events, "WebSocket API, fill events", sold["orderId"], states)
    checks.equal(
        "WebSocket API, fills in events",
        [(one["t"], one["L"], one["l"]) for one in reports[1:]],
        [(one["tradeId"], one["price"], one["qty"]) for one in sold["fills"]],
    )
    positions = [event for event in events if "B" in event and "u" in event]
    last = {row["a"]: (exact(row["f"]), exact(row["l"])) for row in positions[-1]["B"]}
    checks.equal(
        "WebSocket API, balances in events",
        {asset: last.get(asset) for asset in ("BTC", "USDT")},
        {asset: after[asset] for asset in ("BTC", "USDT")},
    )


async def told_by(events: list[dict[str, Any]], what: str, order: int, states: list[str]) -> list[dict[str, Any]]:
    """The states of an order as its events told them, with one position after them."""

    def reports() -> list[dict[str, Any]]:
        return [event for event in events if event.get("i") == order]

    await until(lambda: len(reports()) >= len(states) and "B" in events[-1])
    checks.equal(what, [event["X"] for event in reports()], states)
    return reports()


async def streams() -> None:
    socket = client.websocket_streams
    await socket.create_connection()
    seen: dict[str, list[dict[str, Any]]] = {}
    try:
        for name, opening in (
            ("trade", socket.trade(symbol="btcusdt")),
            ("depth", socket.diff_book_depth(symbol="btcusdt", update_speed="100ms")),
            ("kline", socket.kline(symbol="btcusdt", interval="1m")),
            ("bookTicker", socket.book_ticker(symbol="btcusdt")),
            ("ticker", socket.ticker(symbol="btcusdt")),
            ("partial", socket.partial_book_depth(symbol="btcusdt", levels=5)),
        ):
            handle = await opening
            handle.on("message", lambda event, name=name: seen.setdefault(name, []).append(plain(event)))
            await asyncio.sleep(0.25)  # five messages a second are allowed
        began_ms = time.time() * 1000
        bought = rest.new_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.2").data()
        mine = {one.trade_id for one in bought.fills}
        await until(lambda: len(seen) == 6 and mine <= {event["t"] for event in seen["trade"]}, 25)
        await asyncio.sleep(1.5)
        ended_ms = time.time() * 1000 - 1000  # a trade is told within a second
        rows = [plain(row) for row in rest.get_trades(symbol=SYMBOL, limit=500).data()]
        checks.equal("streams", sorted(seen), ["bookTicker", "depth", "kline", "partial", "ticker", "trade"])
        there = [row["id"] for row in rows if began_ms <= row["time"] <= ended_ms]
        ids = [event["t"] for event in seen.get("trade", []) if began_ms <= event["T"] <= ended_ms]
        checks.equal("trade stream, none missing", ids, there)
        checks.true("trade stream, with one's own", mine <= set(ids), mine)
        bar = seen["kline"][0]["k"]
        rows = rest.klines(symbol=SYMBOL, interval="1m", start_time=bar["t"], limit=1).data()
        checks.equal("kline stream, open as REST", (bar["i"], bar["o"]), ("1m", rows[0][1]))
        top = seen["bookTicker"][-1]
        checks.true("best prices", exact(top["b"]) < exact(top["a"]), top)
        checks.equal("partial depth", (len(seen["partial"][0]["bids"]), len(seen["partial"][0]["asks"])), (5, 5))
        change = exact(seen["ticker"][0]["c"]) - exact(seen["ticker"][0]["o"])
        checks.equal("ticker stream, change", exact(seen["ticker"][0]["p"]), change)
        await reconcile(seen["depth"])
    finally:
        await socket.close_connection()


async def reconcile(events: list[dict[str, Any]]) -> None:
    book, taken, wanted = Book(), 0, 5
    book.start(plain(rest.depth(symbol=SYMBOL, limit=5000).data()))
    verdicts: list[bool] = []
    end = time.monotonic() + 10
    while len(verdicts) < wanted and time.monotonic() < end:
        snapshot = plain(rest.depth(symbol=SYMBOL, limit=20).data())
        await until(lambda: events[-1]["u"] >= snapshot["lastUpdateId"], 2)  # noqa: B023 - awaited here
        while taken < len(events):
            book.take(events[taken])
            taken += 1
        verdict = book.agrees(snapshot)
        verdicts += [] if verdict is None else [verdict]
        await asyncio.sleep(0.05)
    checks.equal("depth stream reconciles with snapshots", verdicts, [True] * wanted)
    checks.equal("depth stream has no hole", book.holes, [])


def main() -> None:
    asyncio.run(checks.async_part("WebSocket API", websocket_api))
    told = len([text for text in complaints.told if "'code': -" in text])
    checks.equal("the SDK logs each refusal of a request twice", told, 2 * 3)
    asyncio.run(checks.async_part("session", session))
    asyncio.run(checks.async_part("streams", streams))
    checks.equal("the SDK had nothing else to complain of", complaints.told[told:], [])
    checks.end()


if __name__ == "__main__":
    main()
