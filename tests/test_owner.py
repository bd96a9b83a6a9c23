"""A corrected call goes to the session, feed or replay that the wrong one was made on, and to no other."""

from __future__ import annotations

import asyncio
import gc
import pickle
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox import _boundary
from cryptox._owner import Owner
from cryptox.errors import CryptoxError, ValidationError
from cryptox.show.calls import call_line
from cryptox.show.errors import corrected_call, html
from cryptox.sync import door

KEYS = {"api_key": "k" * 64, "secret_key": "s" * 64}
NOBODY = "http://127.0.0.1:9"  # nothing is sent there: what is wrong here is found before
WRONG = ("BTCUSDT", "60m")
RIGHT = '("BTCUSDT", "1h")'
ELSEWHERE = "  # the session on binance"


@pytest.fixture(autouse=True, name="default")
def _default(monkeypatch: pytest.MonkeyPatch) -> Iterator[cx.Session]:
    """The default session, which no test here means."""
    for name in ("BINANCE_API_KEY", "BINANCE_SECRET_KEY", "BINANCE_PRIVATE_KEY", "CRYPTOX_VENUE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(door._default, "_session", None)
    with cx.use("binance-us", rest_url=NOBODY) as session:
        yield session


@pytest.fixture(name="another")
def _another() -> Iterator[cx.Session]:
    """Not the default one, and of another venue."""
    with cx.connect("binance", rest_url=NOBODY, trading=True, **KEYS) as session:
        yield session


def told(work: Callable[[], Any]) -> str | None:
    """The call that the error of ``work`` tells to try."""
    with pytest.raises(CryptoxError) as caught:
        work()
    return corrected_call(caught.value)


def test_a_session_is_named_as_its_caller_names_it(another: cx.Session) -> None:
    assert told(lambda: another.klines(*WRONG)) == f"another.klines{RIGHT}"
    assert told(lambda: another.live.klines(*WRONG)) == f"another.live.klines{RIGHT}"
    assert told(lambda: another.dashboard(*WRONG)) == f"another.dashboard{RIGHT}"
    assert told(lambda: another.unsubscribe("BTC USDT")) == 'another.unsubscribe("BTCUSDT")'
    assert told(lambda: another.replay(__file__, speed=-1)) == f"another.replay(path={__file__!r}, speed=1)".replace(
        "'", '"'
    )
    order = {"quantity": "1", "price": "2"}
    assert str(told(lambda: another.place_order("BTCUSDT", "long", **order))).startswith("another.place_order(")
    assert told(lambda: another.health("aplication")) == 'another.health(component="application")'


def test_as_a_cell_does(another: cx.Session) -> None:
    """Where names are of the module; IPython keeps what a cell ends with under names of its own."""
    cell = {"binance": another, "_": another, "_5": another, "number": 5}
    assert told(lambda: exec("binance.klines('BTCUSDT', '60m')", cell)) == f"binance.klines{RIGHT}"
    assert told(lambda: exec("[binance.klines(one, '60m') for one in ['BTCUSDT']]", cell)) == f"binance.klines{RIGHT}"
    inside = "def work(of):\n    return of.klines('BTCUSDT', '60m')\n"
    assert told(lambda: exec(f"{inside}work(binance)", cell)) == f"binance.klines{RIGHT}"  # a name for both places
    assert told(lambda: exec(f"{inside}work(box[0])", {"box": [another]})) == f"of.klines{RIGHT}"


def test_no_name_and_no_stand_in_is_that_of_another(
    default: cx.Session, another: cx.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is told may be copied to the prompt, where ``session`` may well be the default one."""
    inside = "def work(session):\n    return session.{}\n\nwork(box[0])"
    cell = {"box": [another], "session": default}
    wrong = "klines('BTCUSDT', '60m')"
    that = 'that_session.klines("BTCUSDT", "1h")  # the session on binance'
    assert told(lambda: exec(f"box[0].{wrong}", cell)) == that
    assert told(lambda: exec(inside.format(wrong), cell)) == that
    del cell["session"]
    assert told(lambda: exec(inside.format(wrong), cell)) == f"session.klines{RIGHT}"
    monkeypatch.setattr("__main__.session", default, raising=False)  # of a module, to the prompt
    assert told(lambda: exec(inside.format(wrong), cell)) == that
    order = told(lambda: exec("box[0].place_order('BTCUSDT', 'long', quantity='1', price='2')", {"box": [default]}))
    assert str(order).startswith("session.place_order(")
    monkeypatch.setattr("__main__.session", another, raising=False)
    order = told(lambda: exec("box[0].place_order('BTCUSDT', 'long', quantity='1', price='2')", {"box": [default]}))
    assert str(order).startswith("that_session.place_order(")
    assert str(order).endswith(")  # the default session on binance-us")


def test_only_the_default_session_is_the_package(default: cx.Session, another: cx.Session) -> None:
    assert told(lambda: default.klines(*WRONG)) == f"cx.klines{RIGHT}"
    assert told(lambda: cx.klines(*WRONG)) == f"cx.klines{RIGHT}"
    assert told(lambda: cx.live.klines(*WRONG)) == f"cx.live.klines{RIGHT}"
    assert told(lambda: cx.health("aplication")) == 'cx.health(component="application")'
    cx.use("binance-us", rest_url=NOBODY)
    assert told(lambda: default.klines(*WRONG)) == f"default.klines{RIGHT}"


def test_what_is_no_call_of_a_session_is_the_packages(another: cx.Session) -> None:
    assert another
    assert told(lambda: cx.connect("binanse")) == 'cx.connect(venue="binance")'
    owner = Owner("session", "another", None, "session", "on binance", is_awaited=False)
    assert call_line("connect", {"venue": "paper"}, owner) == 'cx.connect(venue="paper")'


def test_of_several_names_it_is_the_one_in_the_line(another: cx.Session) -> None:
    twin = another
    cell = {"first": another, "second": another}
    assert told(lambda: exec("second.klines('BTCUSDT', '60m')", cell)) == f"second.klines{RIGHT}"
    assert told(lambda: (twin.klines(*WRONG), another)) == f"session.klines{RIGHT}{ELSEWHERE}"


def test_a_session_without_a_name_says_which_it_is(another: cx.Session) -> None:
    box = {"of": another}
    del another
    assert told(lambda: box["of"].klines(*WRONG)) == f"session.klines{RIGHT}{ELSEWHERE}"
    assert told(lambda: box["of"].live.klines(*WRONG)) == f"session.live.klines{RIGHT}{ELSEWHERE}"


def test_a_user_is_found_by_name() -> None:
    with cx.connect("binance", user="ann", rest_url=NOBODY, **KEYS):
        assert told(lambda: cx.session("ann").klines(*WRONG)) == f'cx.session("ann").klines{RIGHT}'
        with cx.connect("binance-us", user="ann", rest_url=NOBODY, **KEYS):
            line = told(lambda: cx.session("ann", "binance").klines(*WRONG))
            assert line == f'cx.session("ann", "binance").klines{RIGHT}'
        former = [cx.session("ann")]
        with cx.connect("binance", user="ann", rest_url=NOBODY, **KEYS):
            line = told(lambda: former[0].klines(*WRONG))
            assert line == f"session.klines{RIGHT}  # the session of 'ann' on binance"


def test_what_is_awaited_is_awaited_again() -> None:
    async def work() -> None:
        async with cx.aio.connect("binance", rest_url=NOBODY) as mine:
            with pytest.raises(CryptoxError) as caught:
                await mine.klines(*WRONG)
            assert corrected_call(caught.value) == f"await mine.klines{RIGHT}"
            with pytest.raises(CryptoxError) as caught:
                mine.live.klines(*WRONG)
            assert corrected_call(caught.value) == f"mine.live.klines{RIGHT}"
            with pytest.raises(CryptoxError) as caught:
                await mine.unsubscribe("BTC USDT")
            assert corrected_call(caught.value) == 'await mine.unsubscribe("BTCUSDT")'
            with pytest.raises(CryptoxError) as caught:
                await asyncio.gather(mine.klines(*WRONG))
            assert corrected_call(caught.value) == f"await session.klines{RIGHT}{ELSEWHERE}"

    asyncio.run(work())
    with pytest.raises(CryptoxError) as caught:
        cx.run(work_of_a_user())
    assert corrected_call(caught.value) == f"await theirs.klines{RIGHT}"


async def work_of_a_user() -> None:
    async with cx.aio.connect("binance", rest_url=NOBODY) as theirs:
        await theirs.klines(*WRONG)


def test_a_replay_and_a_feed_are_named_too(another: cx.Session, tmp_path: Path) -> None:
    (tmp_path / "tape").write_text("")
    tape = another.replay(tmp_path / "tape")
    assert told(lambda: tape.live.klines(*WRONG)) == f"tape.live.klines{RIGHT}"
    mine = tape.live.trades(["BTCUSDT", "ETHUSDT"])
    assert told(lambda: mine.unsubscribe("BTC USDT")) == 'mine.unsubscribe(symbol="BTCUSDT")'
    assert told(lambda: mine.frame(rows="5")) == "mine.frame(rows=5)"
    some: list[Any] = [tape, mine]
    assert told(lambda: some[1].frame(rows="5")) == "feed.frame(rows=5)"
    assert told(lambda: some[0].live.klines(*WRONG)) == f"replay.live.klines{RIGHT}"


def test_an_error_holds_no_session_and_nothing_of_its_caller(another: cx.Session) -> None:
    class Big:
        """Something of the caller's."""

    def work() -> None:
        big, mine = Big(), cx.connect("binance", rest_url=NOBODY)
        held = weakref.ref(big), weakref.ref(mine)
        kept = None
        try:
            mine.klines(*WRONG)
        except CryptoxError as error:
            kept = error.with_traceback(None)
        del big, mine
        gc.collect()
        assert [one() for one in held] == [None, None]  # while this function still runs
        assert kept is not None
        assert corrected_call(kept) == f"mine.klines{RIGHT}"
        assert corrected_call(pickle.loads(pickle.dumps(kept))) == f"mine.klines{RIGHT}"

    work()


def test_variables_that_the_caller_looks_at_stay(another: cx.Session) -> None:
    seen = locals()
    with pytest.raises(CryptoxError):
        another.klines(*WRONG)
    assert seen["another"] is another


def test_what_goes_well_asks_nothing(another: cx.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(_boundary, "owner_of", never)
    another.live.klines  # noqa: B018  # through a boundary
    assert another.unsubscribe("BTCUSDT") == 0
    with pytest.raises(ValidationError):  # and one without a call to try
        another.klines("BTCUSDT", "7m")
    with pytest.raises(AssertionError, match="asked"):
        another.klines(*WRONG)


def test_hostile_names_stay_text() -> None:
    hostile = "ann<img src=x onerror=alert(1)>\nimport os"
    with cx.connect("binance", user=hostile, rest_url=NOBODY, **KEYS) as _:
        with pytest.raises(CryptoxError) as caught:
            cx.session(hostile).klines(*WRONG)
        line = str(corrected_call(caught.value))
        assert eval(line.partition(".klines")[0], {"cx": cx}) is cx.session(hostile)
        assert "\n" not in line
        assert "<img" not in html(caught.value)


class Odd:
    """What some use in the place of variables: it can be asked for names, and not looked through."""

    def __getitem__(self, name: str) -> object:
        raise KeyError(name)


def test_whatever_stands_in_for_variables_the_users_error_is_told(another: cx.Session) -> None:
    code = "mine.klines('BTCUSDT', '60m')"
    assert told(lambda: exec(code, {"mine": another, "__name__": None, 5: 6})) == f"mine.klines{RIGHT}"
    assert told(lambda: exec(code, {"mine": another}, Odd())) == f"that_session.klines{RIGHT}{ELSEWHERE}"  # type: ignore[arg-type]
