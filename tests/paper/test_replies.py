"""Answers on their way out."""

from __future__ import annotations

import gzip
import json

from cryptox.paper.encodings import Wanted
from cryptox.paper.refusals import Refused
from cryptox.paper.replies import Done, Reply, refusal_reply, squeezed
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.sbe.codec import decode


def test_a_refusal_says_code_text_and_what_more_there_is() -> None:
    reply = refusal_reply(Refused(Code.REJECTED_MBX_KEY, status=401), Wanted())
    assert (reply.status, reply.headers) == (401, {})
    text = "Invalid API-key, IP, or permissions for action."
    assert json.loads(reply.body) == {"code": -2015, "msg": text}
    reply = refusal_reply(Refused(Code.TOO_MANY_ORDERS, 50, "10 SECOND", status=429, retry_after=7), Wanted())
    assert (reply.status, reply.headers) == (429, {"Retry-After": "7"})
    reply = refusal_reply(Refused(Code.CANCEL_REPLACE_FAILED, data={"cancelResult": "FAILURE"}), Wanted())
    assert json.loads(reply.body)["data"] == {"cancelResult": "FAILURE"}
    binary = refusal_reply(Refused(Code.BAD_SYMBOL), Wanted(sbe=True))
    assert (binary.content_type, decode(binary.body)["code"]) == ("application/sbe", -1121)


def test_long_bodies_are_zipped_where_that_was_asked_for() -> None:
    for size, wanted, packed in ((1_025, True, True), (1_024, True, False), (5_000, False, False)):
        reply = squeezed(Reply(200, b"x" * size), Wanted(gzip=wanted))
        assert ("Content-Encoding" in reply.headers) is packed
        assert (gzip.decompress(reply.body) if packed else reply.body) == b"x" * size
    long = refusal_reply(Refused(Code.BAD_SYMBOL, text="y" * 2_000), Wanted(gzip=True))
    assert json.loads(gzip.decompress(long.body))["msg"] == "y" * 2_000


def test_what_was_done_is_not_shown() -> None:
    assert "free" not in repr(Done(b'{"free":"1"}', {}, 20))
