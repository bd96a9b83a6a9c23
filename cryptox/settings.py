"""Settings of a session, and the names of the environment variables: one frozen record each.

The environment is read at ``connect``, never at import.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptox.errors import ConfigurationError

__all__ = [
    "API_KEY_VARIABLE",
    "BACKENDS",
    "ENCODINGS",
    "PASSWORD_VARIABLE",
    "PRIVATE_KEY_VARIABLE",
    "SECRET_KEY_VARIABLE",
    "VENUE_VARIABLE",
    "Settings",
]

VENUE_VARIABLE = "CRYPTOX_VENUE"
REST_VARIABLE = "BINANCE_API_URL"
STREAM_VARIABLE = "BINANCE_WS_URL"
WS_API_VARIABLE = "BINANCE_WS_API_URL"
API_KEY_VARIABLE = "BINANCE_API_KEY"
SECRET_KEY_VARIABLE = "BINANCE_SECRET_KEY"  # noqa: S105  # the name, not the key
PRIVATE_KEY_VARIABLE = "BINANCE_PRIVATE_KEY"
PASSWORD_VARIABLE = "BINANCE_PRIVATE_KEY_PASSWORD"  # noqa: S105  # the name, not the password

BACKENDS = ("pandas", "polars", "arrow")
ENCODINGS = ("auto", "json", "sbe")
MAX_RECV_WINDOW_MS = 60_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How a session behaves. Times in seconds, windows in milliseconds."""

    rest_url: str | None = None
    stream_url: str | None = None
    ws_api_url: str | None = None
    timeout: float = 10.0  # of one question to the exchange, with all its retries
    order_timeout: float = 5.0
    resolve_timeout: float = 30.0
    recv_window: int = 5_000
    order_recv_window: int = 2_000
    max_in_flight: int = 16
    weight_share: float = 1.0  # share of the exchange's weight limit that this process may use
    encoding: str = "auto"
    proxy: str | None = field(default=None, repr=False)  # may hold a password

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Settings from keyword arguments; unknown names and bad values are refused.

        Raises
        ------
        ConfigurationError
            With the nearest known name, or with what the value must be.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in given:
            if name not in known:
                from difflib import get_close_matches

                near = get_close_matches(name, known, n=1)
                raise ConfigurationError(
                    f"There is no setting {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""),
                    recovery_suggestions=[f"Settings are: {', '.join(known)}."],
                    suggested={near[0]: given[name]} if near else None,
                    context={"argument": name},
                )
        settings = cls(**{name: _plain(value) for name, value in given.items()})
        settings._check()
        return settings

    def _check(self) -> None:
        for name in ("timeout", "order_timeout", "resolve_timeout"):
            value = getattr(self, name)
            _require(
                _is_number(value) and 0 < value <= 86_400, name, value, "a number of seconds above 0 and up to 86400"
            )
        for name in ("recv_window", "order_recv_window"):
            value = getattr(self, name)
            _require(
                _is_number(value) and 0 < value <= MAX_RECV_WINDOW_MS, name, value, "milliseconds, from 1 to 60000"
            )
        in_flight = self.max_in_flight
        _require(
            isinstance(in_flight, int) and not isinstance(in_flight, bool) and 1 <= in_flight <= 256,
            "max_in_flight",
            in_flight,
            "a whole number from 1 to 256",
        )
        share = self.weight_share
        _require(_is_number(share) and 0 < share <= 1, "weight_share", share, "a share above 0 and up to 1")
        known = isinstance(self.encoding, str) and self.encoding in ENCODINGS
        _require(known, "encoding", self.encoding, f"one of {', '.join(ENCODINGS)}")
        for name in ("rest_url", "stream_url", "ws_api_url"):
            value = getattr(self, name)
            _require(value is None or _is_url(value), name, _Unshown(value), "a URL with its scheme")
        proxy = self.proxy
        _require(
            proxy is None or _is_url(proxy, ("http", "https")),
            "proxy",
            _Unshown(proxy),
            "the URL of an HTTP proxy such as http://host:8080",
        )


def _plain(value: Any) -> Any:
    """A numpy scalar as the number or text it stands for."""
    is_scalar = type(value).__module__ == "numpy" and getattr(value, "shape", None) == ()
    return value.item() if is_scalar else value


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, int) or math.isfinite(value)  # an int may be too large for a float


def _is_url(value: object, schemes: tuple[str, ...] = ()) -> bool:
    if not isinstance(value, str) or "://" not in value or any(letter.isspace() for letter in value.strip()):
        return False
    if not schemes:
        return True  # the venue has its own rules for addresses
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - refuses what is no port
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname)


@dataclass(frozen=True, slots=True)
class _Unshown:
    """For a message: never a URL itself, which may hold a password."""

    value: object

    def __repr__(self) -> str:
        return "what was given" if isinstance(self.value, str) and self.value else f"a {type(self.value).__name__}"


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise ConfigurationError(
            f"{name} must be {wanted}, not {value!r}.", recovery_suggestions=[f"Give {name} as {wanted}."]
        )
