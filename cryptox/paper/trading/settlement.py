"""The money of orders: what they hold, what a fill moves, and the commission that is kept of it."""

from __future__ import annotations

from collections.abc import Mapping

from cryptox.paper.market import Market
from cryptox.venues.binance.words import Side

from .accounts import Account
from .board import Board
from .commission import in_discount_asset, in_received_asset
from .grid import Grid
from .ledger import Ledger
from .matching import Step
from .orders import NONE, Order, Ticket
from .records import Records
from .resting import limit_of

__all__ = ["Settlement", "held_price", "need_of"]


def need_of(order: Order | Ticket, grid: Grid, quantity: int, price: int) -> int:
    """Atoms to hold for so many steps of an order, of the base asset for a sell, of the quote asset for a buy.

    A buy at any price that waits for its stop holds what it would cost at ``price``, the stop price.
    """
    return grid.base(quantity) if order.side is Side.SELL else grid.quote(price, quantity)


def held_price(order: Order) -> int:
    """The price that an order's hold was made with; 0 for an estimate."""
    return limit_of(order) or order.price or (0 if order.is_working else order.stop)


class Settlement:
    """All money of orders moves through here."""

    def __init__(self, market: Market, accounts: Mapping[int, Account], records: Records, ledger: Ledger) -> None:
        self.market, self.accounts, self.records, self.ledger = market, accounts, records, ledger

    def asset_of(self, order: Order | Ticket, board: Board) -> str:
        """The asset an order spends."""
        return board.listing.base if order.side is Side.SELL else board.listing.quote

    def hold(self, order: Order, board: Board, atoms: int) -> bool:
        """Let an order hold so much from now on; False, and nothing done, where the account has less."""
        asset = self.asset_of(order, board)
        if atoms > order.hold:
            if not self.ledger.lock(order.account, asset, atoms - order.hold):
                return False
        elif atoms < order.hold:
            self.ledger.release(order.account, asset, order.hold - atoms)
        order.hold = atoms
        return True

    def rehold(self, order: Order, board: Board, partner: Order | None = None) -> None:
        """Give back what an order, and the other leg of its OCO, no longer need after a change of its open quantity."""
        if order.side is Side.SELL or limit_of(order):
            need = need_of(order, board.grid, order.open_quantity, limit_of(order))
            if partner is not None:
                if order.side is Side.BUY and not held_price(partner):
                    return  # an estimate says nothing about how much
                need = max(need, need_of(partner, board.grid, partner.open_quantity, held_price(partner)))
            self.hold(order, board, min(order.hold, need))

    def settle(self, board: Board, order: Order, steps: int, quote: int, *, is_maker: bool) -> tuple[int, str]:
        """Move the money of one fill; returns the commission and its asset."""
        listing, base = board.listing, board.grid.base(steps)
        buys = order.side is Side.BUY
        spent, received = (quote, base) if buys else (base, quote)
        order.hold -= spent
        self.ledger.pay(order.account, self.asset_of(order, board), spent)
        self.rehold(order, board)
        asset = listing.base if buys else listing.quote
        return self._receive(board, order, asset, received, quote, is_maker)

    def _receive(
        self, board: Board, order: Order, asset: str, received: int, quote: int, is_maker: bool
    ) -> tuple[int, str]:
        account, uid = self.accounts[order.account], order.account
        heir = self._heir(order)

        def worth(asset: str, other: str) -> tuple[int, int] | None:
            now_ms = board.now_us // 1000
            direct = self._worth(asset, other, now_ms)
            if direct is not None:
                return direct
            if asset != board.listing.base:
                return self._by_way(asset, other, now_ms)
            # No pair of the two: by what was just paid for it, and the price of that.
            paid = board.listing.quote
            through = self._worth(paid, other, now_ms) or self._by_way(paid, other, now_ms)
            return None if through is None else (through[0] * quote, through[1] * received)

        # What arrives may pay the commission only where it is taken from it.
        fee = in_discount_asset(account, asset, received, order.side, is_maker=is_maker, worth=worth)
        paid = account.discount_asset
        if fee is None or (paid != asset and not self.ledger.charge(uid, paid, fee)):
            fee, paid = in_received_asset(account, received, order.side, is_maker=is_maker), asset
            if heir is not None and asset != account.discount_asset and self.ledger.charge(uid, asset, fee):
                self._arrive(heir, asset, received)
                return fee, asset
        if paid == asset:
            fee = min(fee, received)
            received -= fee
        if heir is not None:
            self._arrive(heir, asset, received)
        else:
            self.ledger.credit(uid, asset, received)
        return fee, paid

    def _arrive(self, heir: Order, asset: str, received: int) -> None:
        heir.hold += received
        self.ledger.credit(heir.account, asset, received, lock=True)
        self.records.touch(heir)

    def _heir(self, order: Order) -> Order | None:
        """The pending order for which what this one buys stays locked."""
        order_list = self.records.order_list(order.list_id) if order.list_id != NONE else None
        if order_list is None or not order_list.takes_bought or order_list.working_id != order.id:
            return None
        return self.records.order(order.symbol, order_list.order_ids[1])

    def _by_way(self, asset: str, other: str, now_ms: int) -> tuple[int, int] | None:
        """The same over any quote asset that has a price in both; the first that is listed counts."""
        for middle in dict.fromkeys(listing.quote for listing in self.market.listings.values()):
            first = self._worth(asset, middle, now_ms) if middle not in (asset, other) else None
            second = None if first is None else self._worth(middle, other, now_ms)
            if first is not None and second is not None:
                return first[0] * second[0], first[1] * second[1]
        return None

    def _worth(self, asset: str, other: str, now_ms: int) -> tuple[int, int] | None:
        """How many atoms of another asset one atom is worth, by the market's own last price of the pair."""
        for listing in self.market.listings.values():
            if {listing.base, listing.quote} != {asset, other}:
                continue
            last = self.market.last_trade_id(listing.symbol, now_ms)
            if last < 0:
                return None
            ticks = int(self.market.tape(listing.symbol, last, last, now_ms).price[0])
            price = (ticks, 10**-listing.price_exponent)
            return price if listing.base == asset else (price[1], price[0])
        return None

    def transfer(self, board: Board, taker: Order, maker: Order, step: Step) -> None:
        """Money changes hands in a match that self-trade prevention makes a transfer: nothing is paid for it."""
        base, quote = board.grid.base(step.steps), board.grid.quote(step.price, step.steps)
        for order in (taker, maker):
            buys = order.side is Side.BUY
            spent, received = (quote, base) if buys else (base, quote)
            order.hold -= spent
            self.ledger.pay(order.account, self.asset_of(order, board), spent)
            self.ledger.credit(order.account, board.listing.base if buys else board.listing.quote, received)
