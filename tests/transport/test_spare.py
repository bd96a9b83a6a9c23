"""What long downloads leave to single calls and orders."""

from __future__ import annotations

import pytest

from cryptox.transport.messages import Limit
from cryptox.transport.spare import Spare

MINUTE = Limit("REQUEST_WEIGHT", 6000, 60_000)


def test_nothing_where_nobody_may_trade() -> None:
    spare = Spare()
    spare.take(500, MINUTE, 10.0)
    assert spare.part(MINUTE, 10.0) == 0.0


@pytest.mark.parametrize(
    ("taken", "part"), [([], 0.02), ([1], 0.1), ([300, 300], 0.15), ([1000], 0.25), ([2500], 0.5), ([9000], 0.5)]
)
def test_enough_for_as_many_as_there_were(taken: list[int], part: float) -> None:
    spare = Spare(wanted=True)
    for weight in taken:
        spare.take(weight, MINUTE, 61.0)
    assert spare.part(MINUTE, 62.0) == pytest.approx(part)
    assert spare.part(MINUTE, 179.9) == pytest.approx(part)  # the window after
    assert spare.part(MINUTE, 180.0) == 0.02  # and then it is over


def test_the_busier_of_two_windows_counts() -> None:
    spare = Spare(wanted=True)
    spare.take(1000, MINUTE, 59.0)
    spare.take(10, MINUTE, 60.0)
    assert spare.part(MINUTE, 61.0) == pytest.approx(0.25)
    spare.take(2000 - 10, MINUTE, 62.0)
    assert spare.part(MINUTE, 63.0) == pytest.approx(0.5)
    assert spare.part(MINUTE, 121.0) == pytest.approx(0.5)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.05, 0.01])
def test_who_may_use_little_downloads_with_half_of_it_at_least(share: float) -> None:
    spare = Spare(wanted=True)
    assert spare.part(MINUTE, 61.0, share) == pytest.approx(min(0.02, share / 2))
    spare.take(3000, MINUTE, 61.0)
    assert spare.part(MINUTE, 61.0, share) == pytest.approx(share / 2)
