"""A connection to a host brought up: name, TCP, the proxy's tunnel, TLS. Every failure is one of our errors."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from cryptox.errors import NotSent

from .proxies import is_loopback

__all__ = ["Target", "dial", "route", "unreachable", "unreached"]

MOST_HEAD = 2**16  # bytes of a proxy's answer
SECOND_TRY_S = 0.25  # a host with several addresses: until the next one is tried as well (RFC 8305)
PROXY_WANTS_PASSWORD = 407
UNREACHED: Final = "Check the connection of this machine, the proxy where one is set, and the address of the venue."
NOBODY_HERE: Final = "Nothing listens there: start the exchange on this machine again, or correct its address."

Factory = Callable[[], asyncio.Protocol]


class Target(NamedTuple):
    """Where a connection goes. Its text holds no path, no query and no password."""

    secure: bool
    host: str
    port: int

    def __str__(self) -> str:
        """As ``wss://host:port``."""
        return f"{'wss' if self.secure else 'ws'}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and port as HTTP writes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


async def dial(
    target: Target, factory: Factory, *, proxy: str | None, tls: ssl.SSLContext | None, close_s: float
) -> None:
    """Bring up a connection and give it to the protocol of ``factory``, whose ``connection_made`` is called.

    Parameters
    ----------
    target
        Where to.
    factory
        Makes the protocol; called once, when the connection is up (behind a proxy: when the tunnel is).
    proxy
        URL of an HTTP proxy, or None.
    tls
        For a secure target or proxy.
    close_s
        Seconds that TLS may take to say good-bye.

    Raises
    ------
    NotSent
        It did not come up. There is no time limit here: the caller sets it.
    """
    loop = asyncio.get_running_loop()
    if proxy is None:
        context = tls if target.secure else None
        try:
            await loop.create_connection(
                factory, target.host, target.port, **_over(loop, target.host, context, target.host, close_s)
            )
        except OSError as error:
            raise unreachable(target, _reason(error), error) from error
        return
    transport = await _tunnel(target, proxy, tls, close_s)
    try:
        protocol = factory()
        transport.set_protocol(protocol)
        inner: asyncio.Transport | None = transport
        if target.secure:
            assert tls is not None
            inner = await loop.start_tls(
                transport, protocol, tls, server_hostname=target.host, ssl_shutdown_timeout=close_s
            )
        if inner is None or inner.is_closing():
            raise ConnectionResetError(0, "the proxy closed the tunnel")
        protocol.connection_made(inner)
    except OSError as error:
        transport.abort()
        raise unreachable(target, _reason(error), error) from error
    except BaseException:
        transport.abort()
        raise


def unreachable(target: Target, reason: str, error: BaseException | None = None) -> NotSent:
    """The error for a connection that did not come up."""
    lasting = None
    if isinstance(error, ssl.SSLCertVerificationError):
        lasting = "Set SSL_CERT_FILE to the PEM file with your company's root certificate, or check the address."
    elif isinstance(error, _ProxyRefusedError) and error.status == PROXY_WANTS_PASSWORD:
        lasting = "Put name and password into the proxy's address: http://name:password@host:port."
    return NotSent(
        f"No connection to {target.host} could be made: {reason}.",
        technical_details=f"{type(error).__name__ if error else 'NotSent'} at {target}",
        context={"host": target.host, "sent": False},
        retryable=lasting is None,
        recovery_suggestions=[lasting] if lasting else unreached(target.host),
    )


def unreached(host: str) -> list[str]:
    """What to do about a host that no connection could be made to."""
    return [NOBODY_HERE if is_loopback(host) else UNREACHED, *NotSent.advice]


def route(peer: tuple[Any, ...]) -> str:
    """The address this machine would speak to a peer from, "" where there is no way; nothing is sent."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in peer[0] else socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.connect(peer)  # of a datagram socket: only looks the route up
            return str(asker.getsockname()[0])
    except OSError:
        return ""


class _ProxyRefusedError(OSError):
    def __init__(self, status: int) -> None:
        super().__init__(0, f"the proxy answered {status}")
        self.status = status


def _over(
    loop: asyncio.AbstractEventLoop, host: str, tls: ssl.SSLContext | None, name: str, close_s: float
) -> dict[str, Any]:
    """The further arguments of ``create_connection``."""
    more: dict[str, Any] = {}
    if tls is not None:
        more = {"ssl": tls, "server_hostname": name, "ssl_shutdown_timeout": close_s}
    if isinstance(loop, asyncio.BaseEventLoop) and not _is_address(host):  # uvloop does not know it
        more["happy_eyeballs_delay"] = SECOND_TRY_S
    return more


def _is_address(host: str) -> bool:
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return False


async def _tunnel(target: Target, proxy: str, tls: ssl.SSLContext | None, close_s: float) -> asyncio.Transport:
    """A connection through the proxy to the target, as yet without the target's own TLS."""
    loop = asyncio.get_running_loop()
    parts = urlsplit(proxy)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    try:
        transport, talk = await loop.create_connection(
            _Talk, host, port, **_over(loop, host, tls if secure else None, host, close_s)
        )
    except OSError as error:
        raise unreachable(target, f"the proxy cannot be reached ({_reason(error)})", error) from error
    try:
        lines = [f"CONNECT {target.authority} HTTP/1.1", f"Host: {target.authority}", "User-Agent: cryptox"]
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}")
        transport.write("\r\n".join([*lines, "", ""]).encode())
        status = await talk.status
        if not 200 <= status < 300:
            raise _ProxyRefusedError(status)
    except OSError as error:
        transport.abort()
        raise unreachable(target, _reason(error), error) from error
    except BaseException:
        transport.abort()
        raise
    return transport


class _Talk(asyncio.Protocol):
    """Waits for the proxy's answer to CONNECT."""

    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._head = bytearray()

    def data_received(self, data: bytes) -> None:
        self._head += data
        head, end, _ = self._head.partition(b"\r\n\r\n")
        if self.status.done() or (not end and len(head) < MOST_HEAD):
            return
        words = head.split(None, 2)
        if end and len(words) > 1 and words[0].startswith(b"HTTP/1.") and words[1].isdigit():
            self.status.set_result(int(words[1]))
        else:
            self.status.set_exception(OSError(0, "the proxy does not answer in HTTP"))

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.status.done():
            self.status.set_exception(OSError(0, "the proxy closed the connection"))
            self.status.exception()  # seen, even where nobody waits any more


def _reason(error: BaseException) -> str:
    """Why, in a few words and without any URL."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({(error.reason or 'see cause').replace('_', ' ').lower()})"
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    if isinstance(error, TimeoutError):
        return "no connection in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) if isinstance(error, OSError) and error.args else type(error).__name__
