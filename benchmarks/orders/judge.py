"""What each call of the orders' campaign said, against the exchange's own record of what it did for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cryptox.errors import CryptoxError, OutcomeUnknown
from cryptox.model.orders import Order, OrderList, Replaced

from .streamed import judge_streams

__all__ = ["judge"]

ONE = ("market", "limit", "stop", "given")
LISTS = ("oco", "oto", "otoco")
ATOMS = 10**8
INSIDE_S = 10.0  # for which a request may be under way at the exchange
CLOCK_S = 1.0  # for which a clock may be off, beyond what it was set back
ANSWERABLE_S = 5.0  # an exchange that can be asked for so long, when an answer proves something, was asked


async def judge(world: Any) -> None:
    """Write what is wrong into the campaign."""
    campaign, records = world.campaign, world.exchange._state.desk.records
    placed = 0
    for call in world.all:
        done = [body for name in call.sent for body in world.truth.get(name, ()) if body is not None]
        campaign.requests += len(call.sent)
        campaign.resent += max(0, len(call.sent) - 1)
        campaign.settled += bool(call.died and call.later)
        unknown = isinstance(call.said, OutcomeUnknown)
        said = "died" if call.died else "OutcomeUnknown" if unknown else type(call.said).__name__
        campaign.outcomes[said] += 1
        placed += sum(_placed(call.kind, body) for body in done)
        why = _wrong(records, call, done) or _untrue(world, call)
        if unknown and call.revoked:
            campaign.unknown["key revoked"] += 1
        elif unknown:
            reach_s, asked_s = _in_reach_s(world, call), _answerable_s(world, call)
            campaign.unknown["partly in reach" if reach_s > 0 else "out of reach all the time"] += 1
            if reach_s > 0:
                campaign.reach.append((reach_s, max(0.0, asked_s)))
            if asked_s >= ANSWERABLE_S:
                needless = f"the outcome stayed unknown though the exchange could be asked for {asked_s:.1f} s"
                why = f"{why}; {needless}" if why else needless
        if why is not None:
            campaign.wrong.append(f"{call.kind} {call.ids} at {call.began:.1f}: {why}; it said {said} {call.later}")
    orders = list(records.all_orders())
    campaign.orders = len(orders)
    if len(orders) != placed:
        campaign.wrong.append(f"{len(orders)} orders are at the exchange, {placed} were asked for")
    for at, session in enumerate(world.sessions):
        campaign.wrong += await _balances(world, world.keys[at], session)
    await judge_streams(world)


def _placed(kind: str, body: Any) -> int:
    if kind in LISTS:
        return len(body["orderReports"])
    if kind == "replace":
        return int(body["newOrderResult"] == "SUCCESS")
    return int(kind in ONE)


def _wrong(records: Any, call: Any, done: list[Any]) -> str | None:
    """Why what was said of a call is not so; None where it is."""
    if call.kind == "replace":
        done = [body for body in done if "SUCCESS" in (body["newOrderResult"], body["cancelResult"])]
    if len(done) > 1:
        return f"done {len(done)} times"
    if len(call.sent) > 2:
        return f"sent {len(call.sent)} times"
    if call.died or isinstance(call.said, OutcomeUnknown):
        return _later(call, done)
    if isinstance(call.said, CryptoxError):
        return "said not to be done, and it was" if done else None
    if isinstance(call.said, BaseException):
        return f"ended in {call.said!r}"
    return _value(records, call, done)


def _untrue(world: Any, call: Any) -> str | None:
    """Why a frame of canceled orders says more than is so: nothing that was open is, and these were canceled since."""
    if call.kind != "cancel_all" or call.died or isinstance(call.said, BaseException):
        return None
    if call.stood & call.stand:
        return f"said that nothing is open of what was, and {sorted(call.stood & call.stand)} are"
    slack_s = CLOCK_S + sum(by_s for at, by_s in world.set_back if call.began - by_s - CLOCK_S <= at <= call.ended)
    for number in call.said.index:
        at, name = world.canceled.get(number, (call.began, ""))
        if at >= call.began:
            continue
        by = next((one for one in world.all if name in one.sent), None)
        knew = by is not None and by.session is call.session and by.ended <= call.began and not _failed(by)
        if knew or at < call.began - slack_s:
            return f"{number} had been canceled {call.began - at:.3f} s before by {by and by.kind}, known: {knew}"
    return None


def _failed(call: Any) -> bool:
    return call.died or isinstance(call.said, BaseException)


def _later(call: Any, done: list[Any]) -> str | None:
    """Of a call that could say nothing: what sessions told afterwards."""
    if not call.ids:
        return "done without a line in the journal" if done else None
    if not call.later:
        if call.revoked:  # nobody can ask with that key any more
            return None
        return None if call.died and not call.sent and not done else "nobody told what became of it"
    if "not_done" in call.later and done:
        return "told later that it was not done, and it was"
    if "done" in call.later and not done and call.kind in (*ONE, *LISTS, "amend"):
        return "told later that it was done, and it was not"
    return None


def _value(records: Any, call: Any, done: list[Any]) -> str | None:
    said, symbol = call.said, "BTCUSDT"
    if call.kind in (*ONE, "amend"):
        assert isinstance(said, Order)
        if not done:
            return "said to be done, and it was not"
        true = done[0].get("amendedOrder", done[0])
        return None if said.order_id == true["orderId"] else f"order {said.order_id} is not its own"
    if call.kind in LISTS:
        assert isinstance(said, OrderList)
        if not done:
            return "said to be done, and it was not"
        ids = sorted(one["orderId"] for one in done[0]["orderReports"])
        return None if sorted(said.order_ids) == ids else f"orders {said.order_ids} are not its own, {ids}"
    if call.kind == "replace":
        assert isinstance(said, Replaced)
        placed = [body["newOrderResponse"]["orderId"] for body in done if body["newOrderResult"] == "SUCCESS"]
        if [said.order.order_id] * bool(said.order) != placed if said.order else placed:
            return f"said to have placed {said.order!r}, and it placed {placed}"
        if said.canceled is None:
            gone = [body for body in done if body["cancelResult"] == "SUCCESS"]
            return "canceled one and did not say so" if gone else None
        return _is_canceled(records, symbol, said.canceled.order_id)
    if call.kind == "cancel":
        return _is_canceled(records, symbol, said.order_id)
    if call.kind == "cancel_list":
        return None if said.is_final else "the list stands"
    gone = {one["orderId"] for body in done for row in body for one in row.get("orderReports", [row])}
    missing = gone - set(said.index)
    if missing:
        return f"canceled {sorted(missing)} and did not say so"
    return next((why for number in said.index if (why := _is_canceled(records, symbol, int(number)))), None)


def _is_canceled(records: Any, symbol: str, number: int) -> str | None:
    status = records.order(symbol, number).status.value
    return None if status == "CANCELED" else f"said to be canceled, and order {number} is {status}"


def _in_reach_s(world: Any, call: Any) -> float:
    """For how long the exchange could be asked while a call waited to know what became of its act."""
    return _reached_s(world, call.ended - call.session.settings.resolve_timeout, call.ended)


def _answerable_s(world: Any, call: Any) -> float:
    """As ``_in_reach_s``, from when on absence could be proved."""
    settings = call.session.settings
    proof = call.ended - settings.resolve_timeout + INSIDE_S + settings.order_recv_window / 1000
    proof += sum(by_s for at, by_s in world.set_back if call.began <= at <= call.ended)
    return _reached_s(world, proof, call.ended)


def _reached_s(world: Any, start: float, end: float) -> float:
    """How much of a time is in no outage and no ban; these may overlap."""
    reached_s, at = 0.0, start
    for left_at, back_at in sorted(world.outages):
        reached_s += max(0.0, min(left_at, end) - at)
        at = max(at, back_at)
    return reached_s + max(0.0, end - at)


async def _balances(world: Any, keys: Any, session: Any) -> list[str]:
    """What an account has: by its session, by the exchange's books, and by its fills."""
    state = world.exchange._state
    account = state.accounts.accounts[state.accounts.by_api_key(keys.api_key).account]
    told = await session.balances(exact=True)
    fills = await session.fills("BTCUSDT", None, exact=True)
    sums = {asset: Decimal(amount) for asset, amount in {"USDT": 10**9, "BTC": 10**5}.items()}
    for row in fills.itertuples():
        sign = 1 if row.side == "buy" else -1
        sums["BTC"] += sign * row.quantity
        sums["USDT"] -= sign * row.quote_quantity
        sums[row.fee_asset] -= row.fee
    wrong = []
    for asset, sum_ in sums.items():
        kept = account.balances[asset]
        books = (Decimal(kept.free) / ATOMS, Decimal(kept.locked) / ATOMS)
        if (told.free[asset], told.locked[asset]) != books:
            wrong.append(f"balance of {asset}: told {told.loc[asset].to_dict()}, the books have {books}")
        if sum_ != sum(books):
            wrong.append(f"balance of {asset}: {sum(books)} by the books, {sum_} by the fills")
    return wrong
