"""Which proxy a request goes through: an argument, else the environment; never for this machine itself."""

from __future__ import annotations

import functools
import ipaddress
from urllib.parse import urlsplit

from cryptox.errors import ConfigurationError

__all__ = ["Proxies", "is_loopback"]


@functools.lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself, judged by its text alone."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Proxies:
    """The proxy of each host. The environment is read once, when this is made.

    Parameters
    ----------
    explicit
        A proxy for every host but loopback, or None: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY of the
        environment (on Windows and macOS else the system's settings).
    """

    def __init__(self, explicit: str | None = None) -> None:
        self._explicit = _checked(explicit) if explicit else None
        self._found: dict[str, str] = {}
        if not explicit:
            from urllib.request import getproxies

            self._found = getproxies()

    def choose(self, scheme: str, host: str, port: int | None) -> str | None:
        """The proxy's URL for this request, or None for a direct connection.

        Raises
        ------
        ConfigurationError
            The proxy is not an HTTP proxy.
        """
        if is_loopback(host):
            return None
        if self._explicit is not None:
            return self._explicit
        found = self._found.get(scheme) or self._found.get("all")
        if not found or self._bypassed(host, port):
            return None
        return _checked(found)

    def _bypassed(self, host: str, port: int | None) -> bool:
        from urllib.request import getproxies_environment, proxy_bypass

        if "no" in self._found or getproxies_environment():
            return any(_covers(entry.strip(), host, port) for entry in self._found.get("no", "").split(","))
        return bool(proxy_bypass(host))  # the system's own list, on Windows and macOS


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Whether one entry of NO_PROXY means this host: a name, a suffix, address or network, with or without a port."""
    if not entry:
        return False
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, colon, wanted = entry.rpartition(":")
    if colon and wanted.isdigit():
        if port is not None and int(wanted) != port:
            return False
        entry = name
    suffix = entry.removeprefix("*").lstrip(".").lower()
    name = host.rstrip(".").lower()
    return name == suffix or name.endswith("." + suffix)


def _checked(proxy: str) -> str:
    url = proxy if "://" in proxy else f"http://{proxy}"
    # Never the URL itself is told: it may hold a password.
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        is_http, found = parts.scheme in ("http", "https") and bool(host), f"{parts.scheme}://{host or ''}"
    except ValueError:
        is_http, found = False, "no address: see its host and port"
    if not is_http:
        raise ConfigurationError(
            f"The proxy must be an HTTP proxy such as http://host:8080; this one is {found}.",
            recovery_suggestions=["Set HTTPS_PROXY or the setting proxy= to an http:// address, or unset ALL_PROXY."],
        )
    return url
