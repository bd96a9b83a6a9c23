"""Where keys and signatures may go: encrypted, or not beyond this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

from cryptox.errors import ConfigurationError

from .proxies import is_loopback

__all__ = ["is_private", "require_private"]

ENCRYPTED = frozenset({"https", "wss"})


def is_private(url: str) -> bool:
    """Whether nobody on the way can read what is sent to an address, as far as its text tells."""
    parts = urlsplit(url)
    return parts.scheme.lower() in ENCRYPTED or is_loopback(parts.hostname or "")


def require_private(url: str) -> None:
    """Refuse an address to which a key or a signature would go in the open.

    Raises
    ------
    ConfigurationError
        Neither https or wss, nor this machine itself. Query and user name of the address are not in the message.
    """
    if is_private(url):
        return
    parts = urlsplit(url)
    raise ConfigurationError(
        f"Signed requests go over https or wss only, not to {parts.scheme}://{parts.netloc.rpartition('@')[2]}; "
        "nothing was sent.",
        recovery_suggestions=["Give an address that begins with https (wss); without it only loopback is allowed."],
        context={"host": parts.hostname, "sent": False},
    )
