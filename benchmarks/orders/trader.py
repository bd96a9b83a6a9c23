"""One task that calls, and calls again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import cryptox as cx
from cryptox.errors import NetworkError

from .campaign import Call
from .watched import calling
from .world import SYMBOL, World

__all__ = ["Trader"]

MIX = {"limit": 34, "market": 14, "stop": 4, "given": 6, "cancel": 12, "replace": 8, "amend": 6}
MIX |= {"oco": 3, "oto": 2, "otoco": 2, "cancel_list": 4, "cancel_all": 3}


class Trader:
    """One task that calls."""

    def __init__(self, world: World, at: int) -> None:
        self.world, self.at, self.dice = world, at, world.dice
        self.orders: list[Any] = []
        self.lists: list[Any] = []

    async def work(self, until: Callable[[], bool]) -> None:
        kinds, often = zip(*MIX.items(), strict=True)
        while not until():
            kind = self.dice.choices(kinds, often)[0]
            if (kind in ("cancel", "replace", "amend") and not self.orders) or (
                kind == "cancel_list" and not self.lists
            ):
                kind = "limit"
            await self.once(kind)

    async def once(self, kind: str) -> None:
        """One call to its end, or to that of its process."""
        world, session = self.world, self.world.sessions[self.at]
        call = Call(kind, session, world.keys[self.at].api_key, time.monotonic())
        if kind == "cancel_all":
            call.stood = world.standing(call.key)
        world.all.append(call)
        world.campaign.calls[kind] += 1
        token = calling.set(call)
        task = asyncio.ensure_future(self.do(kind, session))
        calling.reset(token)
        world.running[self.at][task] = call
        await asyncio.wait({task})
        world.running[self.at].pop(task, None)
        if call.died:
            return
        call.ended = time.monotonic()
        if kind == "cancel_all":
            call.stand = world.standing(world.keys[self.at].api_key)
        try:
            call.said = task.result()
        except Exception as error:  # noqa: BLE001 - judged with the rest
            call.said = error
            if isinstance(error, NetworkError):  # nobody calls again and again while there is no connection
                await asyncio.sleep(self.world.pause_s)
            return
        if kind in ("oco", "oto", "otoco"):
            self.lists.append(call.said)
        elif kind in ("limit", "stop", "amend"):
            self.orders.append(call.said)
        elif kind == "replace" and call.said.order is not None:
            self.orders.append(call.said.order)
        del self.orders[:-20], self.lists[:-3]

    async def do(self, kind: str, session: Any) -> Any:
        dice, buy = self.dice, self.dice.random() < 0.5
        side, far = ("buy", dice.randrange(15_000, 30_000)) if buy else ("sell", dice.randrange(150_000, 200_000))
        size = f"0.0{dice.randrange(10, 99)}"
        if kind == "market":
            return await session.place_order(SYMBOL, side, "MARKET", quantity=size)
        if kind in ("limit", "given"):
            id_ = f"mine-{self.at}-{dice.randrange(40)}" if kind == "given" else None
            if kind == "given" and dice.random() < 0.7:
                return await session.place_order(SYMBOL, side, "MARKET", quantity=size, client_order_id=id_)
            return await session.place_order(SYMBOL, side, quantity=size, price=far, client_order_id=id_)
        if kind == "stop":
            stop = 150_000 if buy else 20_000
            limits = {"price": stop, "time_in_force": "GTC"}
            return await session.place_order(SYMBOL, side, "STOP_LOSS_LIMIT", quantity=size, stop_price=stop, **limits)
        if kind == "oco":
            return await session.place_oco(SYMBOL, "sell", size, price=160_000, stop_price=20_000)
        entry, exit_ = cx.leg("buy", "LIMIT", size, price=20_000), cx.leg("sell", "LIMIT_MAKER", size, price=160_000)
        if kind == "oto":
            return await session.place_oto(SYMBOL, entry, exit_)
        if kind == "otoco":
            return await session.place_otoco(SYMBOL, entry, exit_, cx.leg("sell", "STOP_LOSS", size, stop_price=15_000))
        if kind == "cancel_all":
            return await session.cancel_all(SYMBOL, exact=True)
        if kind == "cancel_list":
            return await session.cancel_order_list(SYMBOL, self.lists.pop())
        order = self.orders.pop(dice.randrange(len(self.orders)))
        if kind == "cancel":
            named = order if dice.random() < 0.5 else order.client_order_id
            return await session.cancel_order(SYMBOL, named)
        if kind == "amend":
            return await session.amend_order(SYMBOL, order, f"{float(order.quantity) / 2:.5f}")
        mode = dice.choice(["stop", "place"])
        return await session.replace_order(SYMBOL, order, side, quantity=size, price=far, if_cancel_fails=mode)
