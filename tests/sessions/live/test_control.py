"""Which control messages are sent over a connection, and when."""

from __future__ import annotations

import math

from cryptox.sessions.live.control import ANSWER_S, Control, Say
from cryptox.transport.life import Allowance


def control(amount: int = 4, batch: int = 200) -> Control:
    return Control(Allowance(amount, 1.0), batch)


def test_all_that_is_wanted_goes_in_one_message() -> None:
    said = control()
    assert said.step(["a", "b"], 0.0) == Say(1, True, ("a", "b"))
    assert said.step(["a", "b"], 0.0) == ANSWER_S
    assert not said.carries(["a"])
    assert said.answered(1) == ("a", "b")
    assert said.carries(["a", "b"])
    assert said.step(["a", "b"], 0.0) == math.inf


def test_more_than_a_batch_goes_in_several() -> None:
    said = control(batch=2)
    names = ["a", "b", "c"]
    assert said.step(names, 0.0) == Say(1, True, ("a", "b"))
    assert said.step(names, 0.0) == Say(2, True, ("c",))


def test_too_many_messages_wait_their_turn() -> None:
    said = control(amount=2)
    wanted: list[str] = []
    for number, name in enumerate("ab", 1):
        wanted.append(name)
        assert said.step(wanted, 0.0) == Say(number, True, (name,))
    assert said.step([*wanted, "c", "d"], 0.25) == 1.0
    assert said.step([*wanted, "c", "d"], 1.0) == Say(3, True, ("c", "d"))


def test_what_is_not_wanted_any_more_ends() -> None:
    said = control()
    said.step(["a", "b"], 0.0)
    said.answered(1)
    assert said.step(["b"], 0.0) == Say(2, False, ("a",))
    assert said.carries(["b"])
    assert said.answered(2) == ()
    assert said.confirmed == {"b"}


def test_what_is_wanted_again_while_it_ends_begins_afterwards() -> None:
    said = control()
    said.step(["a"], 0.0)
    said.answered(1)
    assert said.step([], 0.0) == Say(2, False, ("a",))
    assert said.step(["a"], 0.0) == ANSWER_S
    said.answered(2)
    assert said.step(["a"], 0.0) == Say(3, True, ("a",))


def test_what_ends_while_it_begins_ends_afterwards() -> None:
    said = control()
    said.step(["a"], 0.0)
    assert said.step([], 0.0) == ANSWER_S
    said.answered(1)
    assert said.step([], 0.0) == Say(2, False, ("a",))


def test_an_answer_that_does_not_come_is_noticed() -> None:
    said = control()
    said.step(["a"], 5.0)
    assert not said.is_late(5.0 + ANSWER_S - 0.1)
    assert said.is_late(5.0 + ANSWER_S)


def test_answers_to_nothing_change_nothing() -> None:
    said = control()
    assert said.answered(7) == ()
    assert said.confirmed == set()
