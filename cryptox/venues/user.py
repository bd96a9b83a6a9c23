"""What cryptox asks of an exchange that tells users what happens to them, beyond ``trading.TradingVenue``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from cryptox.model.updates import BalanceUpdate, OrderUpdate
from cryptox.transport.crypto import Signer
from cryptox.transport.rpc import Reply

from .port import LiveVenue
from .trading import TradingVenue

__all__ = ["Notice", "Step", "UserCodec", "UserTold", "UserVenue"]


class Notice(NamedTuple):
    """Something else that an exchange says on a user's connection.

    ``over``: this subscription tells nothing more. ``closing``: the connection will be ended soon. ``moved``: balances
    have changed, and it does not say to what. ``lost``: an event that cannot be read. ``other``: of no use to us.
    """

    kind: Literal["over", "closing", "moved", "lost", "other"]
    text: str = ""


UserTold = Reply | OrderUpdate | tuple[BalanceUpdate, ...] | Notice

Step = Callable[[int, int, int], bytes]
"""The text of a question, given its number, the time in ms and the window in ms; it may bear a signature."""


class UserCodec(Protocol):
    """Reads the messages of one connection."""

    def read(self, frame: bytes, received_ns: int) -> UserTold:
        """What it is. Never raises for what the exchange sent."""


class UserVenue(TradingVenue, LiveVenue, Protocol):
    """An exchange that tells what happens to an account."""

    def user_url(self) -> str:
        """Where to connect.

        Raises
        ------
        ConfigurationError
            It is not known.
        """

    def user_codec(self) -> UserCodec:
        """For a new connection."""

    def user_subscription(self, signer: Signer) -> tuple[Step, ...]:
        """Questions that are to be asked one after the other: when all are answered, the connection tells."""
