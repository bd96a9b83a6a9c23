"""Where the venues of Binance live. The one place where a host stands.

Source: https://developers.binance.com/docs/binance-spot-api-docs (July 2026); binance.us: docs.binance.us.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from cryptox.errors import ConfigurationError
from cryptox.venues.port import Hosts

__all__ = ["VENUES", "resolve"]

VENUES: dict[str, Hosts] = {
    "binance": Hosts(
        rest="https://api.binance.com",
        stream="wss://stream.binance.com:9443",
        ws_api="wss://ws-api.binance.com:443/ws-api/v3",
    ),
    "binance-testnet": Hosts(
        rest="https://testnet.binance.vision",
        stream="wss://stream.testnet.binance.vision",
        ws_api="wss://ws-api.testnet.binance.vision/ws-api/v3",
    ),
    "binance-demo": Hosts(
        rest="https://demo-api.binance.com",
        stream="wss://demo-stream.binance.com",
        ws_api="wss://demo-ws-api.binance.com/ws-api/v3",
    ),
    "binance-us": Hosts(
        rest="https://api.binance.us",
        stream="wss://stream.binance.us:9443",
        ws_api="wss://ws-api.binance.us:443/ws-api/v3",
    ),
}

REAL_MONEY = frozenset({"binance", "binance-us"})
WS_API_PATH = "/ws-api/v3"
REST_SUFFIXES = ("/api/v3", "/api")
STREAM_SUFFIXES = ("/ws", "/stream")


def resolve(
    venue: str, *, rest_url: str | None = None, stream_url: str | None = None, ws_api_url: str | None = None
) -> Hosts:
    """Hosts of a venue, with some addresses replaced.

    Addresses that are not given follow the known venue of those that are; where that is unknown they are None, so
    that nothing ever falls back to production.
    """
    own = VENUES[venue]
    rest = _strip(rest_url, "rest_url", ("http", "https"), REST_SUFFIXES)
    stream = _strip(stream_url, "stream_url", ("ws", "wss"), STREAM_SUFFIXES)
    ws_api = _strip(ws_api_url, "ws_api_url", ("ws", "wss"), (WS_API_PATH,))
    if ws_api is not None:
        ws_api += WS_API_PATH
    given = [url for url in (rest, stream, ws_api) if url is not None]
    if not given:
        return own
    followed = _venue_of(given)
    rest = rest or (followed.rest if followed else None)
    if rest is None:
        raise ConfigurationError(
            f"The REST address of {venue} is not known: only other addresses were given, of a host that is no "
            "known venue.",
            recovery_suggestions=["Give rest_url (or BINANCE_API_URL) as well."],
        )
    return Hosts(
        rest=rest,
        stream=stream or (followed.stream if followed else None),
        ws_api=ws_api or (followed.ws_api if followed else None),
    )


def _venue_of(urls: list[str]) -> Hosts | None:
    """The one known venue that all these addresses belong to."""
    found = {name for url in urls for name, hosts in VENUES.items() if _host(url) in _hosts(hosts)}
    unknown = [url for url in urls if not any(_host(url) in _hosts(hosts) for hosts in VENUES.values())]
    return VENUES[found.pop()] if len(found) == 1 and not unknown else None


def _hosts(hosts: Hosts) -> set[str]:
    return {_host(url) for url in (hosts.rest, hosts.stream, hosts.ws_api) if url is not None}


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _strip(url: str | None, name: str, schemes: tuple[str, ...], suffixes: tuple[str, ...]) -> str | None:
    """An address without the path that its users may or may not have written."""
    if url is None or not url.strip():
        return None
    bare = url.strip().rstrip("/")
    try:
        parts = urlsplit(bare)
        valid = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        valid = valid and not parts.query and not parts.fragment and parts.username is None
    except ValueError:
        valid = False
    if not valid:
        raise ConfigurationError(
            f"{name} must be an address such as {schemes[-1]}://host:port, without query, fragment or user name.",
            recovery_suggestions=[f"{name} takes the schemes {' and '.join(schemes)}."],
        )
    for suffix in suffixes:
        if bare.endswith(suffix):
            return bare.removesuffix(suffix)
    return bare


def from_environment(environment: Mapping[str, str], names: tuple[str, str, str]) -> dict[str, str]:
    """The addresses that the environment gives, by setting name."""
    settings = ("rest_url", "stream_url", "ws_api_url")
    return {setting: environment[name] for setting, name in zip(settings, names, strict=True) if environment.get(name)}
