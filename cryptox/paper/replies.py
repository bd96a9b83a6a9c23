"""Answers on their way out: bytes, type and headers."""

from __future__ import annotations

from dataclasses import dataclass, field

from .encodings import JSON_TYPE, SBE_TYPE, ZIP_FROM, Wanted, refusal_body, zipped
from .refusals import Refused

__all__ = ["Done", "Reply", "refusal_reply", "squeezed"]


@dataclass(slots=True)
class Reply:
    """One answer, ready to be sent."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """What a signed request has led to, in JSON."""

    body: bytes = field(repr=False)
    headers: dict[str, str]  # order counts, where it placed something
    costs: int  # request weight


def refusal_reply(refused: Refused, wanted: Wanted) -> Reply:
    """A refusal, in the form that was asked for."""
    body = refusal_body(refused, sbe=wanted.sbe)
    reply = Reply(refused.status, body, SBE_TYPE if wanted.sbe else JSON_TYPE)
    if refused.retry_after is not None:
        reply.headers["Retry-After"] = str(refused.retry_after)
    return squeezed(reply, wanted)


def squeezed(reply: Reply, wanted: Wanted) -> Reply:
    """The reply, in gzip where that was asked for and pays."""
    if wanted.gzip and len(reply.body) > ZIP_FROM:
        reply.body = zipped(reply.body)
        reply.headers["Content-Encoding"] = "gzip"
    return reply
