"""Signed calls, sessions and user data over real sockets; orders are the stand-in engine's deposits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from cryptox.paper.trading.reports import BalanceReport
from cryptox.paper.wsapi.connection import Outgoing, Sort

NOW_MS = 1_717_243_230_500
REJECTED = (401, -2015, "Invalid API-key, IP, or permissions for action.")
Over = Callable[..., None]


async def logged_on(served: Any, client: Any) -> Any:
    return await client.result("session.logon", served.signed(served.ed25519))


async def nothing_more(client: Any) -> None:
    """What was sent to the client before this is all read."""
    assert (await client.ask("ping"))["status"] == 200


def test_a_signed_call_of_each_kind_of_key(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            for key in (served.hmac, served.ed25519):
                answer = await client.ask("order.place", served.signed(key, recvWindow=5000))
                assert answer["status"] == 200
                assert answer["result"]["uid"] == served.account.uid
        assert [question.key for question in served.desk.engine.asked] == [served.hmac, served.ed25519]

    over(talk)


def test_order_counts_are_told_with_orders_only(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            placed = await client.ask("order.place", served.signed(served.hmac))
            counts = [(one["rateLimitType"], one["interval"], one["count"]) for one in placed["rateLimits"]]
            assert counts == [("ORDERS", "SECOND", 1), ("ORDERS", "DAY", 1), ("REQUEST_WEIGHT", "DAY", 2)]
            cancelled = await client.ask("order.cancel", served.signed(served.hmac))
            assert [one["rateLimitType"] for one in cancelled["rateLimits"]] == ["REQUEST_WEIGHT"]
            assert cancelled["rateLimits"][0]["count"] == 2  # free when it succeeds
            status = await client.ask("account.status", served.signed(served.hmac))
            assert status["rateLimits"][0]["count"] == 22
            refused = await client.ask("order.place", {**served.signed(served.hmac), "signature": "0" * 64})
            assert refused["rateLimits"][-1]["count"] == 23  # and not when it fails
            assert [one["count"] for one in refused["rateLimits"][:2]] == [1, 1]

    over(talk, limits={"REQUEST_WEIGHT": (6_000, "1d"), "ORDERS": [(5, "10s"), (20, "1d")]})


def test_too_many_orders(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            await client.result("order.place", served.signed(served.hmac))
            refused = await client.ask("order.place", served.signed(served.ed25519))
            error = refused["error"]
            assert (refused["status"], error["code"]) == (429, -1015)
            assert error["msg"] == "Too many new orders; current limit is 1 orders per 1 DAY."
            assert error["data"]["retryAfter"] > error["data"]["serverTime"]
            await client.result("order.place", served.signed(served.other_hmac))  # another account

    over(talk, limits={"ORDERS": (1, "1d")})


def test_what_is_wrong_with_a_signed_call(over: Over) -> None:
    async def talk(served: Any) -> None:
        good = served.signed(served.hmac)
        reading = served.accounts.add_key(served.account.uid, served.pem, can_trade=False)
        async with served.client() as client:
            for params, wanted in [
                ({}, (400, -1102, "Mandatory parameter 'apiKey' was not sent, was empty/null, or malformed.")),
                ({**good, "apiKey": "x"}, (401, -2014, "API-key format invalid.")),
                ({**good, "apiKey": "x" * 64}, REJECTED),
                ({**good, "timestamp": None}, (400, -1102, None)),
                ({**good, "signature": None}, (400, -1102, None)),
                ({**good, "signature": "zz"}, (400, -1100, None)),
                ({**good, "recvWindow": 70_000}, (400, -1022, "Signature for this request is not valid.")),
                (served.signed(served.hmac, recvWindow=70_000), (400, -1131, "recvWindow must be less than 60000.")),
                (served.signed(reading), REJECTED),
            ]:
                status, code, text = await client.error("order.place", params)
                assert (status, code) == wanted[:2], params
                assert wanted[2] in (None, text)
            assert (await client.error("order.place", {**good, "nonsense": 1}))[1] == -1022  # it was not signed
        assert served.desk.engine.asked == []

    over(talk)


def test_timestamps_are_judged_in_real_time(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            old = served.clock.now_ms() - 6_000
            assert (await client.error("order.place", served.signed(served.hmac, timestamp=old)))[1] == -1021
            await client.result("order.place", served.signed(served.hmac, timestamp=old, recvWindow=60_000))
            ahead = served.clock.now_ms() + 5_000
            status, code, text = await client.error("session.logon", served.signed(served.ed25519, timestamp=ahead))
            assert (status, code) == (400, -1021)
            assert "1000ms ahead" in text

    over(talk, clock=None)


def test_signatures_over_the_urlencoded_form_are_accepted(over: Over) -> None:
    async def talk(served: Any) -> None:
        import hashlib
        import hmac

        params = {"apiKey": served.hmac.api_key, "timestamp": NOW_MS, "symbols": "é [x]"}
        payload = urlencode(sorted(params.items())).encode()
        signature = hmac.new(served.hmac.secret.encode(), payload, hashlib.sha256).hexdigest()
        async with served.client() as client:
            # the parameter is one too many, but the signature is right
            assert (await client.error("order.place", {**params, "signature": signature}))[1] == -1104

    over(talk)


def test_a_session_stands_in_for_key_and_signature(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            fresh = await client.result("session.status")
            assert fresh == {
                "apiKey": None,
                "authorizedSince": None,
                "connectedSince": NOW_MS,
                "returnRateLimits": True,
                "serverTime": NOW_MS,
                "userDataStream": False,
            }
            assert (await client.error("order.place", served.stamped()))[1] == -1102
            told = await logged_on(served, client)
            assert told == {**fresh, "apiKey": served.ed25519.api_key, "authorizedSince": NOW_MS}
            assert (await client.result("order.place", served.stamped()))["uid"] == served.account.uid
            assert (await client.error("order.place"))[2].startswith("Mandatory parameter 'timestamp'")
            # one request may bring another key
            assert (await client.result("order.place", served.signed(served.other_hmac)))["uid"] == served.other.uid
            bad = {**served.signed(served.other_hmac), "signature": "0" * 64}
            assert (await client.error("order.place", bad))[1] == -1022
            assert await client.result("session.logout") == fresh
            assert (await client.error("order.place", served.stamped()))[1] == -1102

    over(talk)


def test_only_ed25519_keys_log_on(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            assert await client.error("session.logon", served.signed(served.hmac)) == REJECTED
            assert (await client.error("session.logon", served.stamped()))[1] == -1102
            assert (await client.result("session.status"))["apiKey"] is None

    over(talk)


def test_logging_on_again_takes_the_new_key(over: Over) -> None:
    async def talk(served: Any) -> None:
        second = served.accounts.add_key(served.other.uid, served.pem)
        async with served.client() as client:
            await logged_on(served, client)
            assert await client.result("userDataStream.subscribe") == {"subscriptionId": 0}
            assert (await client.result("session.logon", served.signed(second)))["apiKey"] == second.api_key
            ended = await client.next()  # the subscription of the former account
            assert ended == {"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": NOW_MS}}
            assert (await client.result("order.place", served.stamped()))["uid"] == served.other.uid

    over(talk)


def test_a_key_that_becomes_invalid_ends_the_session(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            await client.result("userDataStream.subscribe.signature", served.signed(served.other_hmac))
            await logged_on(served, client)
            await client.result("userDataStream.subscribe")
            served.accounts.remove_key(served.ed25519.api_key)
            await client.send({"id": 99, "method": "ping"})
            assert await client.next() == {"id": None, "status": 401, "error": {"code": -2015, "msg": REJECTED[2]}}
            assert (await client.next())["subscriptionId"] == 1
            assert (await client.result("session.status"))["apiKey"] is None
            assert await client.result("session.subscriptions") == [{"subscriptionId": 0}]

    over(talk)


def test_subscriptions_come_and_go(over: Over) -> None:
    async def talk(served: Any) -> None:
        ended = {"event": {"e": "eventStreamTerminated", "E": NOW_MS}}
        async with served.client() as client:
            assert (await client.error("userDataStream.subscribe"))[:2] == (401, -1002)
            assert (await client.error("userDataStream.unsubscribe", {"subscriptionId": 0}))[:2] == (400, -2036)
            signed = served.signed(served.other_hmac, recvWindow=10_000)
            assert await client.result("userDataStream.subscribe.signature", signed) == {"subscriptionId": 0}
            assert (await client.error("userDataStream.subscribe.signature", signed))[:2] == (400, -2035)
            await logged_on(served, client)
            assert await client.result("userDataStream.subscribe") == {"subscriptionId": 1}
            assert (await client.error("userDataStream.subscribe"))[1] == -2035
            mine = served.signed(served.hmac)
            assert (await client.error("userDataStream.subscribe.signature", mine))[1] == -2035  # the same account
            listed = [{"subscriptionId": 0}, {"subscriptionId": 1}]
            assert await client.result("session.subscriptions") == listed
            assert (await client.result("session.status"))["userDataStream"] is True
            await client.result("session.logout")
            assert await client.next() == {"subscriptionId": 1, **ended}
            assert await client.result("session.subscriptions") == [{"subscriptionId": 0}]
            assert await client.result("userDataStream.unsubscribe", {"subscriptionId": 0}) == {}
            assert await client.next() == {"subscriptionId": 0, **ended}
            for key in (served.hmac, served.other_hmac):
                await client.result("userDataStream.subscribe.signature", served.signed(key))
            assert await client.result("userDataStream.unsubscribe") == {}
            assert [await client.next(), await client.next()] == [
                {"subscriptionId": 2, **ended},
                {"subscriptionId": 3, **ended},
            ]
            assert await client.result("session.subscriptions") == []
            assert await client.result("userDataStream.unsubscribe") == {}
            await nothing_more(client)

    over(talk)


def test_events_follow_the_answer_that_caused_them(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client, served.client("/ws-api/v3?timeUnit=microsecond") as watcher:
            await client.result("userDataStream.subscribe.signature", served.signed(served.hmac))
            await watcher.result("userDataStream.subscribe.signature", served.signed(served.other_hmac))
            await watcher.result("userDataStream.subscribe.signature", served.signed(served.hmac))
            for count in range(1, 40):
                placed = await client.ask("order.place", served.signed(served.hmac))  # the answer comes first
                free = f"1.{count:08d}"
                for connection, number, unit in ((client, 0, 1), (watcher, 1, 1_000)):
                    first, second = await connection.next(), await connection.next()
                    time = NOW_MS * unit
                    assert first == {
                        "subscriptionId": number,
                        "event": {"e": "balanceUpdate", "E": time, "a": "BTC", "d": "0.00000001", "T": time},
                    }
                    assert second == {
                        "subscriptionId": number,
                        "event": {
                            "e": "outboundAccountPosition",
                            "E": time,
                            "u": time,
                            "B": [{"a": "BTC", "f": free, "l": "0.00000000"}],
                        },
                    }
                assert placed["result"]["n"] == count
            await nothing_more(client)
            await nothing_more(watcher)

    over(talk)


def test_pipelined_orders_keep_the_order_of_their_events(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            await client.result("userDataStream.subscribe.signature", served.signed(served.hmac))
            await logged_on(served, client)
            for number in range(200):
                await client.send({"id": number, "method": "order.place", "params": served.stamped()})
            answers, free, seen = 0, [], set()
            for _ in range(600):
                message = await client.next()
                if "event" not in message:
                    answers += 1
                    seen.add(message["id"])
                elif message["event"]["e"] == "outboundAccountPosition":
                    free.append(message["event"]["B"][0]["f"])
                    assert len(free) <= answers
            assert len(seen) == answers == 200
            assert free == sorted(free)

    over(talk, limits={"ORDERS": (1_000, "10s")})


def test_a_connection_that_is_gone_hears_nothing(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            async with served.client() as leaver:
                await leaver.result("userDataStream.subscribe.signature", served.signed(served.hmac))
            await served.until(lambda: len(served.api) == 1)
            await client.result("userDataStream.subscribe.signature", served.signed(served.hmac))
            await client.result("order.place", served.signed(served.hmac))
            assert (await client.next())["event"]["e"] == "balanceUpdate"

    over(talk)


def test_user_streams_can_be_ended_and_events_tampered_with(over: Over) -> None:
    async def talk(served: Any) -> None:
        def tamper(out: Outgoing) -> tuple[bytes, ...]:
            return () if (out.sort, out.name) == (Sort.EVENT, "balanceUpdate") else (out.payload,)

        async with served.client() as client:
            for key in (served.hmac, served.other_hmac):
                await client.result("userDataStream.subscribe.signature", served.signed(key))
            served.api.tamper = tamper
            await client.result("order.place", served.signed(served.hmac))
            assert (await client.next())["event"]["e"] == "outboundAccountPosition"
            assert served.api.end_user_streams(served.account.uid) == 1
            assert (await client.next())["event"]["e"] == "eventStreamTerminated"
            assert await client.result("session.subscriptions") == [{"subscriptionId": 1}]
            assert served.api.end_user_streams() == 1
            assert served.api.end_user_streams() == 0
            assert (await client.next())["subscriptionId"] == 1

    over(talk)


def test_with_a_latency_events_still_follow_the_answer(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            await client.result("userDataStream.subscribe.signature", served.signed(served.hmac))
            for count in range(1, 6):
                placed = await client.ask("order.place", served.signed(served.hmac))
                assert placed["result"]["n"] == count
                kinds = [(await client.next())["event"]["e"] for _ in range(2)]
                assert kinds == ["balanceUpdate", "outboundAccountPosition"]
            desk = served.desk
            await desk.run(
                lambda now_us: desk.engine.reports.append(BalanceReport(served.account.uid, "BTC", 1, now_us))
            )
            await served.until(lambda: served.api._under_way)
            assert served.api.end_user_streams() == 1  # what is under way is told before the end
            kinds = [(await client.next())["event"]["e"] for _ in range(2)]
            assert kinds == ["balanceUpdate", "eventStreamTerminated"]
            await nothing_more(client)

    over(talk, latency=0.1)
