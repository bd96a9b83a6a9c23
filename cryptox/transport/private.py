"""Where keys and signatures may go, encrypted or not beyond this machine; and that no answer brings them back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from urllib.parse import unquote_plus, urlsplit

from cryptox._secrets import HIDDEN, is_secret
from cryptox.errors import ConfigurationError

from .messages import Answer, Outgoing
from .proxies import is_loopback

__all__ = ["is_private", "put_on", "require_private", "without"]

ENCRYPTED = frozenset({"https", "wss"})
SHORTEST = 8  # a text that is shorter is no secret, and may stand anywhere


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


def put_on(unsigned: Outgoing, signed: Outgoing) -> list[str]:
    """The secrets that signing has put on a request: values of its new headers, and of parameters with such a name."""
    found = [value for name, value in signed.headers.items() if unsigned.headers.get(name) != value]
    texts = [signed.url.partition("?")[2], signed.body.decode("latin-1") if signed.body != unsigned.body else ""]
    for name, _, value in (part.partition("=") for text in texts for part in text.split("&")):
        if is_secret(name):
            found += [value, unquote_plus(value)] if "%" in value or "+" in value else [value]
    return [text for text in dict.fromkeys(found) if len(text) >= SHORTEST]


def without(answer: Answer, secrets: Sequence[str]) -> Answer:
    """The answer with these texts hidden: pages of errors and redirects send back what they were asked."""
    body, headers = answer.body, answer.headers
    told = "\n".join(headers.values())
    if not any(secret in told or secret.encode() in body for secret in secrets):
        return answer
    for secret in secrets:
        body = body.replace(secret.encode(), HIDDEN.encode())
        headers = {name: value.replace(secret, HIDDEN) for name, value in headers.items()}
    return dataclasses.replace(answer, body=body, headers=headers)
