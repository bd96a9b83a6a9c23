"""What one connection is held to, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from .frames import LEAST_MOST_BYTES

__all__ = ["Ended", "Reason", "Terms"]

Reason = Literal["closed", "peer", "lost", "silence", "protocol", "too_large", "backlog", "handler"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What one connection is held to. Times in seconds.

    Parameters
    ----------
    connect_s
        From the name to the end of the handshake, proxy and TLS included.
    silence_s
        Without a byte until a ping is sent.
    pong_s
        From that ping until the connection is given up.
    close_s
        For the other side to answer our close.
    most_bytes
        Size of the largest message taken, in bytes.
    """

    connect_s: float = 10.0
    silence_s: float = 10.0
    pong_s: float = 5.0
    close_s: float = 1.0
    most_bytes: int = 16 * 2**20

    def __post_init__(self) -> None:
        if min(self.connect_s, self.silence_s, self.pong_s, self.close_s) <= 0 or self.most_bytes < LEAST_MOST_BYTES:
            raise ValueError(f"times must be above 0, most_bytes at least {LEAST_MOST_BYTES}")


class Ended(NamedTuple):
    """Why and when a connection ended.

    ``closed`` by us, by the ``peer`` (with its ``code``), ``lost`` without a word, given up after ``silence``, for a
    breach of ``protocol`` or a message ``too_large``, because what we send is not taken (``backlog``), or because our
    own ``handler`` raised ``error``.
    """

    reason: Reason
    code: int | None
    text: str
    at: float  # monotonic seconds
    error: BaseException | None = None
