"""The circuit breaker as a state machine."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cryptox.transport.breaker import Breaker, OwnBreaker


def opened(threshold: int = 3) -> Breaker:
    breaker = Breaker(threshold=threshold, cool_s=1.0, cap_s=4.0)
    for _ in range(threshold):
        assert breaker.admit(0.0) == 0.0
        breaker.failure(0.0)
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(threshold=3)
    for _ in range(5):
        breaker.failure(0.0)
        breaker.failure(0.0)
        breaker.success()
    assert breaker.state(0.0) == "closed"
    assert opened().state(0.0) == "open"


def test_open_lets_none_through_and_half_open_one() -> None:
    breaker = opened()
    assert breaker.admit(0.25) == 0.75
    assert breaker.state(1.0) == "half_open"
    assert breaker.admit(1.0) == 0.0
    assert breaker.admit(1.0) > 0
    breaker.success()
    assert breaker.state(1.0) == "closed"
    assert breaker.admit(1.0) == breaker.admit(1.0) == 0.0


def test_its_rest_can_be_asked_without_taking_the_try() -> None:
    breaker = opened()
    assert Breaker().rest_s(5.0) == 0.0
    assert breaker.rest_s(0.25) == 0.75
    assert breaker.rest_s(1.0) == breaker.rest_s(9.0) == 0.0
    assert breaker.admit(1.0) == 0.0


def test_a_users_failures_are_his_own() -> None:
    shared = Breaker(threshold=3)
    mine, yours = (OwnBreaker(shared, threshold=3) for _ in range(2))
    for _ in range(9):
        mine.failure(0.0)
    assert mine.state(0.0) == "open"
    assert mine.admit(0.25) == 0.75
    assert shared.state(0.0) == yours.state(0.0) == "closed"
    assert shared.admit(0.0) == yours.admit(0.0) == 0.0


def test_an_address_that_rests_rests_for_all_its_users_until_one_is_answered() -> None:
    shared = opened()
    mine = OwnBreaker(shared)
    assert mine.admit(0.25) == 0.75
    assert mine.state(0.25) == "closed"
    assert mine.admit(1.0) == 0.0
    assert shared.admit(1.0) == 0.0  # its own try is still there
    mine.success()
    assert shared.state(1.0) == "closed"


def test_a_failed_try_doubles_the_pause_up_to_the_cap() -> None:
    breaker = opened()
    now, pauses = 1.0, []
    for _ in range(4):
        assert breaker.admit(now) == 0.0
        breaker.failure(now)
        pauses.append(breaker.admit(now))
        now += pauses[-1]
    assert pauses == [2.0, 4.0, 4.0, 4.0]


def test_late_failures_of_requests_from_before_do_not_prolong_it() -> None:
    breaker = opened()
    for _ in range(9):
        breaker.failure(0.9)
    assert breaker.admit(1.0) == 0.0


def test_an_abandoned_try_frees_the_place() -> None:
    breaker = opened()
    assert breaker.admit(1.0) == 0.0
    breaker.abandon()
    assert breaker.admit(1.0) == 0.0


def test_only_the_try_itself_can_give_its_place_back() -> None:
    breaker = opened()
    assert breaker.admit(1.5) == 0.0
    breaker.abandon(0.0)  # admitted before it opened, cancelled now
    assert breaker.admit(1.6) > 0
    breaker.abandon(1.5)
    assert breaker.admit(1.7) == 0.0


def test_a_late_failure_from_before_does_not_end_the_try() -> None:
    breaker = opened()
    assert breaker.admit(1.5) == 0.0
    breaker.failure(1.6, admitted_at=0.0)
    assert breaker.state(1.6) == "half_open"
    breaker.failure(1.7, admitted_at=1.5)
    assert breaker.admit(1.7) == 2.0


def test_while_nothing_can_be_sent_from_here_the_pause_stays_the_shortest() -> None:
    breaker = opened()
    now = 1.0
    for _ in range(6):
        assert breaker.admit(now) == 0.0
        breaker.failure(now, sent=False)
        assert breaker.admit(now) == 1.0
        now += 1.0
    assert breaker.admit(now) == 0.0
    breaker.failure(now)
    assert breaker.admit(now) == 2.0


class Machine(RuleBasedStateMachine):
    """Whatever happens in whatever order, it can be used again, and a half-open one lets at most one through."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(threshold=2, cool_s=1.0, cap_s=8.0)
        self.now = 0.0
        self.trying = 0

    @rule(seconds=st.floats(0, 5))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def ask(self) -> None:
        state = self.breaker.state(self.now)
        wait = self.breaker.admit(self.now)
        assert 0 <= wait <= 8.0
        if state == "closed":
            assert wait == 0.0
        elif state == "open":
            assert wait > 0
        elif wait == 0.0:
            self.trying += 1
            assert self.trying == 1

    @rule()
    def succeed(self) -> None:
        self.breaker.success()
        self.trying = 0
        assert self.breaker.state(self.now) == "closed"

    @precondition(lambda self: self.trying)
    @rule()
    def fail_the_try(self) -> None:
        self.breaker.failure(self.now)
        self.trying = 0
        assert self.breaker.state(self.now) == "open"

    @precondition(lambda self: self.trying)
    @rule()
    def abandon_the_try(self) -> None:
        self.breaker.abandon()
        self.trying = 0

    @invariant()
    def it_never_stays_open_for_longer_than_the_cap(self) -> None:
        assert self.breaker.state(self.now + 8.0) != "open"


TestMachine = Machine.TestCase


def test_one_who_waits_hurries_the_next_try() -> None:
    breaker = Breaker(threshold=1, cool_s=1.0)
    for at in (0.0, 1.0, 3.0, 7.0):
        assert breaker.admit(at) == 0.0
        breaker.failure(at, admitted_at=at)
    assert breaker.admit(8.0) == 7.0
    breaker.hurry(8.0, 1.0)
    assert breaker.admit(8.5) == 0.5
    breaker.hurry(8.5, 1.0)  # later than what is due already
    assert breaker.admit(9.0) == 0.0
    breaker.hurry(9.5, 1.0)
    assert breaker.admit(9.5) > 0  # the try is under way
    breaker.hurry(10.0, 1.0)
    assert breaker.admit(10.0) == 0.0  # it hangs: another one goes
    breaker.failure(10.5, admitted_at=9.0)
    assert breaker.admit(10.5) > 0
    breaker.success()
    breaker.hurry(11.0, 1.0)
    assert breaker.state(11.0) == "closed"


def test_that_of_a_user_hurries_the_one_of_the_address() -> None:
    shared = Breaker(threshold=1, cool_s=8.0)
    own = OwnBreaker(shared)
    shared.failure(0.0)
    own.hurry(1.0, 1.0)
    assert own.admit(1.5) == 0.5
    assert own.admit(2.0) == 0.0


def test_what_changes_it_says_so() -> None:
    breaker = Breaker(threshold=2, cool_s=1.0)
    assert [breaker.failure(10.0), breaker.failure(10.0), breaker.failure(10.0)] == [False, True, False]
    assert breaker.admit(11.0) == 0.0
    assert breaker.failure(11.5)  # the try failed: open again
    assert [breaker.success(), breaker.success()] == [True, False]


def test_one_of_a_user_says_whether_either_was_open() -> None:
    shared = Breaker(threshold=1)
    own = OwnBreaker(shared, threshold=1)
    assert not own.success()
    shared.failure(1.0)
    assert own.success()
    own.failure(1.0)
    assert own.success()
    assert not own.success()
