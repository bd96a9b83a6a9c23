"""The way of one call, against a scripted exchange and a clock that only sleeping moves."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cryptox.errors import Banned, ConfigurationError, ExchangeError, NetworkError, NotSent, RateLimited
from cryptox.transport.breaker import Breaker
from cryptox.transport.caller import Caller, Verdict
from cryptox.transport.clock import ExchangeClock
from cryptox.transport.gate import Gate
from cryptox.transport.limiter import Limiter
from cryptox.transport.messages import Answer, Limit, Outgoing, Usage
from cryptox.transport.stops import Stops

ASK = Outgoing("GET", "https://exchange.invalid/x")


class Script:
    """Answers in turn: a status, or an error to raise; the last one for ever."""

    def __init__(self, *turns: int | BaseException, takes_s: float = 0.05) -> None:
        self.turns = list(turns)
        self.takes_s = takes_s
        self.sent = 0
        self.deadlines: list[float] = []
        self.now = 1000.0

    async def send(self, outgoing: Outgoing, *, deadline_s: float) -> Answer:
        self.sent += 1
        self.deadlines.append(deadline_s)
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        began, self.now = self.now, self.now + self.takes_s
        if isinstance(turn, BaseException):
            raise turn
        return Answer(turn, {"used": str(2 * self.sent)}, b"", began, self.now)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Reader:
    """The reading of statuses that the paper of Binance asks for, in short."""

    def usage(self, answer: Answer) -> tuple[Usage, ...]:
        return (Usage("REQUEST_WEIGHT", 60_000, int(answer.headers["used"])),)

    def verdict(self, answer: Answer) -> Verdict:
        if answer.status in (429, 418):
            return Verdict("stop", 30.0, banned=answer.status == 418)
        return Verdict("busy" if answer.status >= 500 else "ok" if answer.status < 400 else "refused")


def make(script: Script, folder: Path, breaker: Breaker | None = None) -> Caller:
    limiter = Limiter([Limit("REQUEST_WEIGHT", 6000, 60_000)])
    gate = Gate(limiter, ExchangeClock(), monotonic=lambda: script.now, wall=lambda: script.now + 1e9)
    stops = Stops(
        "https://exchange.invalid", folder=folder, wall=lambda: script.now + 1e9, monotonic=lambda: script.now
    )
    return Caller(
        script, gate, breaker or Breaker(), stops, Reader(),
        monotonic=lambda: script.now, draw=lambda: 0.5, sleep=script.sleep,
    )  # fmt: skip


def call(
    caller: Caller, *, repeatable: bool = True, deadline_s: float = 10.0, patience_s: float = 5.0, **more: object
) -> Answer:
    return asyncio.run(
        caller.send(ASK, weight=2, repeatable=repeatable, deadline_s=deadline_s, patience_s=patience_s, **more)
    )


def in_flight(caller: Caller) -> int:
    gate = caller._gate
    return gate.limiter.states(gate.moment())[0].in_flight


@pytest.mark.parametrize("status", [200, 304, 400, 404])
def test_success_and_refusal_come_back_as_they_are_and_are_booked(tmp_path, status) -> None:
    script = Script(status)
    caller = make(script, tmp_path)
    assert call(caller).status == status
    assert script.sent == 1
    assert in_flight(caller) == 0
    assert caller._gate.limiter.states(caller._gate.moment())[0].used == 2


@pytest.mark.parametrize(("status", "is_well"), [(200, True), (400, True), (404, True), (403, False), (451, False)])
def test_who_is_turned_away_was_not_answered_well(tmp_path, status, is_well) -> None:
    script = Script(status)
    caller = make(script, tmp_path)
    call(caller)
    figures = caller._tally.figures(script.now)
    assert (figures.requests, figures.errors, figures.last_success_at is not None) == (1, 0 if is_well else 1, is_well)


@pytest.mark.parametrize("failure", [503, NetworkError("lost", context={"sent": True}), NotSent("refused")])
def test_failures_of_a_look_open_no_breaker_and_its_success_closes_one(tmp_path, failure) -> None:
    script, breaker = Script(failure), Breaker(threshold=2)
    caller = make(script, tmp_path, breaker)
    for _ in range(5):
        with suppress(NetworkError):
            call(caller, repeatable=False, counts=False)
    assert (breaker.failures, breaker.state(script.now)) == (0, "closed")
    with suppress(NetworkError):
        call(caller)
    assert breaker.state(script.now) == "open"
    script.now += 60
    for _ in range(5):  # each is the one that tries, and none makes the rest longer
        with suppress(NetworkError):
            call(caller, repeatable=False, counts=False)
        assert breaker.state(script.now) == "half_open"
    script.turns = [200]
    call(caller, counts=False)
    assert breaker.state(script.now) == "closed"


def test_reading_is_repeated_with_growing_pauses_within_the_deadline(tmp_path) -> None:
    script = Script(503, NetworkError("lost", context={"sent": True}), NotSent("refused"), 200)
    caller = make(script, tmp_path)
    began = script.now
    assert call(caller).status == 200
    assert script.now - began == pytest.approx(4 * 0.05 + 0.125 + 0.25 + 0.5)
    assert script.deadlines == pytest.approx([10, 9.825, 9.525, 8.975])
    assert in_flight(caller) == 0


def test_the_last_answer_of_exhausted_tries_comes_back(tmp_path) -> None:
    script = Script(500, 502, 503, 504)
    assert call(make(script, tmp_path)).status == 504
    assert script.sent == 4


def test_the_last_error_of_exhausted_tries_is_raised(tmp_path) -> None:
    script = Script(NetworkError("lost", context={"sent": True}))
    with pytest.raises(NetworkError) as caught:
        call(make(script, tmp_path))
    assert script.sent == 4
    assert caught.value.context == {"sent": True, "attempts": 4}


def test_a_body_that_cannot_be_read_is_asked_for_again(tmp_path) -> None:
    script = Script(200, 503, 200, 200)
    read: list[Answer] = []

    def legible(answer: Answer) -> bool:
        read.append(answer)
        return len(read) == 3

    assert call(make(script, tmp_path), legible=legible) is read[2]
    assert script.sent == 4  # the 503 is none of the reader's business


@pytest.mark.parametrize("persistent", [False, True])
def test_one_that_never_can_is_given_back_after_four_tries(tmp_path, persistent) -> None:
    script = Script(200)
    assert call(make(script, tmp_path), deadline_s=600, persistent=persistent, legible=lambda _: False).status == 200
    assert script.sent == 4


@pytest.mark.parametrize(("turns", "sent"), [([], 4), ([200], 7)])
def test_where_nothing_was_ever_reached_one_gives_up_early(tmp_path, turns, sent) -> None:
    caller = make(script := Script(*turns, *[NotSent("no such host", retryable=True)] * 5, 503, 200), tmp_path)
    for _ in turns:
        call(caller)
    if turns:
        assert call(caller, deadline_s=60, persistent=True).status == 200
    else:
        with pytest.raises(NotSent):
            call(caller, deadline_s=60, persistent=True)
    assert script.sent == sent + len(turns)


def test_an_exchange_that_answered_badly_was_reached(tmp_path) -> None:
    caller = make(script := Script(502, *[NotSent("refused", retryable=True)] * 5, 200), tmp_path)
    assert call(caller, deadline_s=60, persistent=True).status == 200
    assert script.sent == 7


def test_waiting_for_weight_leaves_the_time_to_ask_again(tmp_path, monkeypatch) -> None:
    script = Script(200)
    caller = make(script, tmp_path)
    enter = caller._gate.enter

    async def slow(weight: int, *, patience_s: float, urgent: bool) -> object:
        script.now += 60.0
        return await enter(weight, patience_s=patience_s, urgent=urgent)

    monkeypatch.setattr(caller._gate, "enter", slow)
    read: list[Answer] = []
    assert call(caller, legible=lambda answer: read.append(answer) is None and len(read) == 2) is read[-1]
    assert len(read) == 2


def test_what_may_not_be_repeated_is_not_asked_for_again_to_be_read(tmp_path) -> None:
    script = Script(200)
    assert call(make(script, tmp_path), repeatable=False, legible=lambda _: False).status == 200
    assert script.sent == 1


def test_a_long_outage_uses_up_no_tries_of_another_kind(tmp_path) -> None:
    script = Script(*[503] * 6, 200, 200)
    read: list[Answer] = []
    answer = call(
        make(script, tmp_path),
        deadline_s=60,
        persistent=True,
        legible=lambda answer: read.append(answer) is None and len(read) == 2,
    )
    assert (answer, script.sent) == (read[1], 8)


def test_where_the_breaker_ends_a_call_its_own_failure_is_told(tmp_path) -> None:
    lost = NotSent("no such host")
    caller = make(Script(lost), tmp_path, Breaker(threshold=2, cool_s=20.0))
    with pytest.raises(NotSent) as caught:
        call(caller)
    assert caught.value is lost
    assert caught.value.context["attempts"] == 2
    with pytest.raises(NotSent, match="many times in a row"):
        call(caller)


def test_no_try_begins_without_time(tmp_path) -> None:
    script = Script(503, takes_s=0.4)
    assert call(make(script, tmp_path), deadline_s=0.5).status == 503
    assert script.sent == 1


@pytest.mark.parametrize("turn", [503, NetworkError("lost", context={"sent": True}), NotSent("refused"), 429])
def test_what_is_not_repeatable_is_sent_once(tmp_path, turn) -> None:
    script = Script(turn)
    caller = make(script, tmp_path)
    if isinstance(turn, int):
        assert call(caller, repeatable=False, patience_s=99).status == turn
    else:
        with pytest.raises(NetworkError) as caught:
            call(caller, repeatable=False, patience_s=99)
        assert caught.value is turn
    assert script.sent == 1


def test_a_stop_written_while_waiting_for_weight_is_heeded(tmp_path, monkeypatch) -> None:
    script = Script(200)
    caller, other_process = make(script, tmp_path), make(script, tmp_path)
    enter = caller._gate.enter

    async def slow(weight: int, *, patience_s: float, urgent: bool) -> object:
        ticket = await enter(weight, patience_s=patience_s, urgent=urgent)
        script.now += 0.2
        other_process._stops.forbid(40.0, banned=False)
        return ticket

    monkeypatch.setattr(caller._gate, "enter", slow)
    with pytest.raises(RateLimited):
        call(caller)
    assert script.sent == 0
    assert in_flight(caller) == 0


def test_after_a_429_nobody_sends_until_the_time_given(tmp_path) -> None:
    script = Script(429, 200)
    caller = make(script, tmp_path)
    assert call(caller).status == 429  # 30 s is more than the patience
    other_process = make(script, tmp_path)
    for stopped in (caller, other_process):
        with pytest.raises(RateLimited) as caught:
            call(stopped)
        assert not isinstance(caught.value, Banned)
        assert caught.value.retry_after == pytest.approx(30, abs=0.1)
    assert script.sent == 1
    script.now += 30.1
    assert call(caller).status == call(other_process).status == 200


def test_a_429_is_waited_out_and_repeated_where_patience_allows(tmp_path) -> None:
    script = Script(429, 200)
    caller = make(script, tmp_path)

    async def main() -> Answer:
        task = asyncio.ensure_future(caller.send(ASK, weight=2, repeatable=True, deadline_s=10, patience_s=60))
        for _ in range(5):
            await asyncio.sleep(0)
        assert script.sent == 1
        script.now += 31
        return await asyncio.wait_for(task, 30)

    assert asyncio.run(main()).status == 200
    assert script.sent == 2


def test_a_ban_is_never_repeated_and_known_to_all(tmp_path) -> None:
    script = Script(418, 200)
    caller = make(script, tmp_path)
    assert call(caller, patience_s=3600).status == 418
    for stopped in (caller, make(script, tmp_path)):
        with pytest.raises(Banned):
            call(stopped)
    assert script.sent == 1


def test_an_open_breaker_sends_nothing_and_one_try_closes_it(tmp_path) -> None:
    script = Script(503, 503, 503, 503, 200)
    breaker = Breaker(threshold=4, cool_s=20.0)
    caller = make(script, tmp_path, breaker)
    assert call(caller).status == 503
    with pytest.raises(NotSent) as caught:
        call(caller)
    assert caught.value.retry_after == pytest.approx(20, abs=0.1)
    assert script.sent == 4
    assert in_flight(caller) == 0
    script.now += 20
    assert call(caller).status == 200
    assert breaker.state(script.now) == "closed"


def test_reading_waits_for_a_short_pause_of_the_breaker(tmp_path) -> None:
    script = Script(503, 503, 200)
    caller = make(script, tmp_path, Breaker(threshold=2, cool_s=1.0))
    assert call(caller).status == 200
    assert script.sent == 3


@pytest.mark.parametrize("error", [ExchangeError("too large", context={"sent": True}), ConfigurationError("no such")])
def test_other_errors_pass_and_give_the_ticket_back(tmp_path, error) -> None:
    caller = make(Script(error), tmp_path)
    with pytest.raises(type(error)):
        call(caller)
    assert in_flight(caller) == 0


def test_a_cancelled_call_stays_counted_but_not_in_flight(tmp_path) -> None:
    caller = make(Script(asyncio.CancelledError()), tmp_path)

    async def main() -> None:
        with pytest.raises(asyncio.CancelledError):
            await caller.send(ASK, weight=7, repeatable=True, deadline_s=1, patience_s=1)

    asyncio.run(main())
    state = caller._gate.limiter.states(caller._gate.moment())[0]
    assert (state.in_flight, state.used) == (0, 7)


@pytest.mark.parametrize(("status", "limit"), [(200, 36), (400, 36), (503, 36), (429, 20), (418, 20)])
def test_a_count_above_an_assumed_limit_tells_of_a_higher_one_unless_the_exchange_stops_us(
    tmp_path, status, limit
) -> None:
    script = Script(status)
    script.sent = 11  # the count that it tells is 24
    caller = make(script, tmp_path)
    caller._gate.limiter = Limiter([Limit("REQUEST_WEIGHT", 20, 60_000)], assumed=True)
    with suppress(RateLimited, Banned):
        call(caller, repeatable=False)
    assert [one.amount for one in caller._gate.limiter.limits] == [limit]


@pytest.mark.parametrize(
    ("turns", "counted"),
    [
        ([200], (1, 0)),
        ([400], (1, 0)),
        ([502, 200], (2, 1)),
        ([429], (1, 1)),
        ([NotSent("gone"), NetworkError("cut"), 200], (3, 2)),
    ],
)
def test_each_try_is_counted_by_how_it_went(tmp_path: Path, turns: list[int | BaseException], counted: Any) -> None:
    script = Script(*turns)
    caller = make(script, tmp_path)

    async def send() -> None:
        await caller.send(ASK, weight=1, repeatable=True, deadline_s=100.0, patience_s=1.0)

    asyncio.run(send())
    figures = caller._tally.figures(script.now)
    assert (figures.requests, figures.errors) == counted
    assert (figures.last_success_at is None) == (turns == [429])
