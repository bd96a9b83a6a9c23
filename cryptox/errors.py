"""Every error that cryptox raises, as one tree. Knows no exchange and no code numbers.

::

    CryptoxError
    ├── NetworkError                 the network or the exchange's front failed; reading may be repeated
    │   └── NotSent                  proof that nothing left, or that nothing happened
    ├── OutcomeUnknown               it may have happened: ask before doing it again
    ├── RateLimited                  wait ``retry_after`` seconds
    │   └── Banned                   the exchange has banned this address for a while
    ├── AuthenticationError          the key, its signature or its rights
    │   └── ClockSkew                the request's time was not accepted
    ├── ValidationError              the call itself is wrong; nothing was or will be done
    │   ├── BadSymbol
    │   ├── BadInterval
    │   └── FilterFailure            a trading rule of the symbol
    ├── OrderRejected                the exchange refused the order
    │   ├── InsufficientFunds
    │   └── MarketClosed
    ├── OrderNotFound
    ├── TradingNotEnabled            this session only reads
    ├── ConfigurationError           settings, extras, environment
    ├── ExchangeError                the exchange answered something it should not
    └── DataGap                      rows are missing that the exchange should have
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from cryptox._display import Displayed

if TYPE_CHECKING:
    from cryptox._owner import Owner

__all__ = [
    "AuthenticationError",
    "BadInterval",
    "BadSymbol",
    "Banned",
    "ClockSkew",
    "ConfigurationError",
    "CryptoxError",
    "DataGap",
    "ExchangeError",
    "FilterFailure",
    "InsufficientFunds",
    "MarketClosed",
    "NetworkError",
    "NotSent",
    "OrderNotFound",
    "OrderRejected",
    "OutcomeUnknown",
    "RateLimited",
    "TradingNotEnabled",
    "ValidationError",
]


class CryptoxError(Displayed, Exception):
    """Base of every error of cryptox.

    Parameters
    ----------
    message
        What happened, in one sentence for the person at the prompt.
    technical_details
        What a developer wants to know: status, body excerpt, the exchange's own words.
    recovery_suggestions
        What to do now, most useful first; replaces the class's own advice.
    context
        Where it happened: venue, user, symbol, operation, endpoint, ... Never a secret.
    code
        The exchange's error code, or None.
    retry_after
        Seconds to wait before the same call can succeed, or None.
    retryable
        Overrides the class: may the same call simply be made again?
    suggested
        A corrected call: ``{"call": "klines_bulk", "symbol": "BTCUSDT", ...}``, or None.
    partial, missing
        For interrupted bulk calls: the frame so far, and what it lacks as ``[symbol, start, end]`` lists;
        a start of None is not known.
    """

    category: ClassVar[str] = "system"
    severity: ClassVar[str] = "error"
    advice: ClassVar[tuple[str, ...]] = ()
    default_retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        technical_details: str | None = None,
        recovery_suggestions: Sequence[str] | None = None,
        context: Mapping[str, Any] | None = None,
        code: int | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
        suggested: Mapping[str, Any] | None = None,
        partial: Any = None,
        missing: Sequence[Sequence[str | None]] | None = None,
    ) -> None:
        super().__init__(message)
        self.user_message = message
        self.technical_details = technical_details if technical_details is not None else message
        self.recovery_suggestions = list(self.advice if recovery_suggestions is None else recovery_suggestions)
        self.context = dict(context or {})
        self.code = code
        self.retry_after = retry_after
        self.retryable = self.default_retryable if retryable is None else retryable
        self.suggested = dict(suggested) if suggested is not None else None
        self.partial = partial
        self.missing = [list(hole) for hole in missing] if missing is not None else []
        self._owner: Owner | None = None  # what the suggested call is to be made on

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by attributes, without the partial frame's backend having to be importable here."""
        return (_rebuild, (type(self), self.user_message, dict(self.__dict__)))

    def __str__(self) -> str:
        """The message, and the exchange's code where there is one."""
        return self.user_message if self.code is None else f"{self.user_message} (code {self.code})"


def _rebuild(kind: type[CryptoxError], message: str, state: dict[str, Any]) -> CryptoxError:
    error = kind(message)
    error.__dict__.update(state)
    return error


class NetworkError(CryptoxError):
    """The network or the exchange's front failed. Reading may be repeated."""

    category = "network"
    severity = "warning"
    default_retryable = True
    advice = ("Check the connection, then run the call again.",)


class NotSent(NetworkError):
    """Nothing left this machine, or it is proved that nothing happened: repeating is safe."""

    advice = ("Nothing was sent, so the same call can safely be made again.",)


class OutcomeUnknown(CryptoxError):
    """The exchange may or may not have acted. Ask by client order id before doing it again."""

    category = "network"
    severity = "critical"
    advice = ("Do not repeat the call. Ask for the order by its client order id first.",)


class RateLimited(CryptoxError):
    """A limit of the exchange is reached. Wait ``retry_after`` seconds."""

    category = "rate_limiting"
    severity = "warning"
    default_retryable = True
    advice = ("Then run the call again; until then others of this address wait as well.",)


class Banned(RateLimited):
    """The exchange has banned this address for ``retry_after`` seconds."""

    severity = "critical"
    default_retryable = False
    advice = (
        "Stop every program on this address that talks to the exchange until the ban ends; going on lengthens it.",
    )


class AuthenticationError(CryptoxError):
    """The key, its signature or its rights were not accepted."""

    category = "authentication"
    advice = ("Check the key, its permissions and its list of addresses at the exchange.",)


class ClockSkew(AuthenticationError):
    """The exchange did not accept the request's time."""

    severity = "warning"
    default_retryable = True
    advice = ("The exchange's time is read again; run the call once more.",)


class ValidationError(CryptoxError):
    """The call is wrong; nothing was or will be done."""

    category = "validation"


class BadSymbol(ValidationError):
    """Nothing trades under that name here."""


class BadInterval(ValidationError):
    """Not one of the candle intervals of this venue."""


class FilterFailure(ValidationError):
    """The order breaks a trading rule of its symbol."""


class OrderRejected(CryptoxError):
    """The exchange refused the order; nothing was placed."""

    category = "validation"


class InsufficientFunds(OrderRejected):
    """The account does not hold enough for the order."""

    category = "insufficient_funds"
    advice = (
        "Lower the quantity: preview_order(...) says what the order needs and what is free, balances() what is held.",
    )


class MarketClosed(OrderRejected):
    """The symbol does not trade at the moment."""

    category = "market_status"
    severity = "warning"
    advice = ("Look at symbol(name).status, and try again when it is TRADING.",)


class OrderNotFound(CryptoxError):
    """The exchange knows no such order."""

    category = "validation"
    advice = ("Order ids are unique within one symbol only: check the symbol as well.",)


class TradingNotEnabled(CryptoxError):
    """This session only reads."""

    category = "validation"
    advice = ("Connect with trading=True to place and cancel orders on this venue.",)


class ConfigurationError(CryptoxError):
    """A setting, an optional package or the environment is not as it must be."""

    category = "validation"


class ExchangeError(CryptoxError):
    """The exchange answered something that it should not have."""

    advice = (
        "What only reads can be run again. If it stays so, a newer cryptox may know the answer; print(cx.last_error()) "
        "has all that is known, for a report.",
    )


class DataGap(CryptoxError):
    """Rows are missing that the exchange should have."""

    default_retryable = True
    advice = ("Run the call again; what was fetched is kept and only the rest is asked for.",)
