"""Who stands on either side of a user's connection: the session whose key it uses, and who hears what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from cryptox.errors import CryptoxError
    from cryptox.settings import Settings
    from cryptox.transport.crypto import Signer
    from cryptox.venues.port import Request
    from cryptox.venues.user import UserTold

__all__ = ["Hears", "UserSession"]


class UserSession(Protocol):
    """A session, as far as its user's connection cares."""

    venue: Any
    settings: Settings
    user: str | None
    _about: dict[str, str]

    @property
    def signer(self) -> Signer | None:
        """Its key."""

    async def _ask_signed(self, request: Request[Any]) -> Any:
        """The answer to a signed question."""

    async def _as_of(self) -> int:
        """A time in ms that the exchange has surely reached."""

    async def _read_clock(self) -> Any:
        """Read the exchange's time anew."""


class Hears(Protocol):
    """Who hears what the connection says."""

    def told(self, told: UserTold) -> None:
        """Something has come that is of no concern to the connection itself."""

    def carried(self) -> None:
        """It is subscribed, for the first time or again."""

    def cut(self) -> None:
        """No connection tells anything any more."""

    def stumbled(self, event: str, error: CryptoxError) -> None:
        """Something is in the way, and is tried again."""

    def over(self, error: CryptoxError | None) -> None:
        """It will never tell anything more: why, or None where it was stopped."""
