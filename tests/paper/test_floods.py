"""Who floods the streams again and again is banned; for how long is told by whoever bans."""

from __future__ import annotations

import pytest

from cryptox.paper.floods import MOST_FLOODS, WITHIN_S, Floods
from cryptox.paper.refusals import Refused

NOW = 1_800_000_000.0


def made() -> tuple[Floods, list[tuple[str, float]]]:
    asked: list[tuple[str, float]] = []

    def ban(address: str, now: float) -> float:
        asked.append((address, now))
        return now + 90.5

    return Floods(ban), asked


def test_the_fifth_within_a_minute_brings_a_ban() -> None:
    floods, asked = made()
    times = [NOW + at for at in (0, 15, 30, 45, 60)]
    assert [floods.note("a", at) for at in times] == [False] * (MOST_FLOODS - 1) + [True]
    assert asked == [("a", NOW + 60)]
    with pytest.raises(Refused) as caught:
        floods.check("a", NOW + 61)
    assert (caught.value.status, int(caught.value.code), caught.value.retry_after) == (418, -1003, 90)
    assert f"IP banned until {int((NOW + 150.5) * 1_000)}." in caught.value.text
    floods.check("b", NOW + 61)
    floods.check("a", NOW + 150.5)  # it is over
    assert [floods.note("a", NOW + 151 + at) for at in range(MOST_FLOODS)] == [False] * (MOST_FLOODS - 1) + [True]
    assert len(asked) == 2


def test_few_or_far_between_they_are_forgiven() -> None:
    floods, asked = made()
    spread = (WITHIN_S + 0.1) / (MOST_FLOODS - 1)
    assert not any(floods.note("a", NOW + at * spread) for at in range(50))
    for address in ("b", "c", "d"):
        assert not any(floods.note(address, NOW) for _ in range(MOST_FLOODS - 1))
    assert asked == []


def test_a_ban_can_be_lifted() -> None:
    floods, _ = made()
    for pardoned in ("a", None):
        for address in ("a", "b"):
            for _ in range(MOST_FLOODS):
                floods.note(address, NOW)
        floods.pardon(pardoned)
        floods.check("a", NOW)
        if pardoned == "a":
            with pytest.raises(Refused):
                floods.check("b", NOW)
        else:
            floods.check("b", NOW)
