"""The door's boundary: what an error shows, what it keeps, and what nobody must find in it."""

from __future__ import annotations

import asyncio
import gc
import io
import traceback
import weakref
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from cryptox import portal
from cryptox.errors import BadSymbol, ExchangeError, ValidationError
from cryptox.sync import door

SENTINEL = "s3nt1nel" + "k3y"


async def inner(symbol: str) -> None:
    secret = SENTINEL
    headers = {"X-MBX-APIKEY": secret}
    try:
        raise OSError(f"GET /api/v3/klines?symbol={symbol}&signature={secret}&n={len(headers)}")
    except OSError as error:
        raise ExchangeError("the exchange answered nonsense") from error


async def core(symbol: str) -> None:
    secret = SENTINEL
    try:
        await inner(symbol)
    except ExchangeError as error:
        raise BadSymbol(
            f"nothing trades as {symbol}", code=-1121, suggested={"symbol": "BTCUSDT"}, context={"size": len(secret)}
        ) from error


class Face:
    """What the generator writes."""

    def klines(
        self, symbol: str, interval: str = "1h", start: object = None, exact: bool = False, api_key: str = SENTINEL
    ) -> None:
        assert interval or start or exact or api_key
        with door.boundary():
            door.call(core(symbol))

    def broken(self, kind: type[Exception]) -> None:
        async def fails() -> None:
            secret = SENTINEL
            raise kind("told" + secret[:0])

        with door.boundary():
            door.call(fails())


class Quick:
    """A module-level function goes through two boundaries."""

    def klines(self, symbol: str) -> None:
        with door.boundary():
            Face().klines(symbol)


def caught(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("face", [Face(), Quick()], ids=["face", "quick"])
def test_an_error_shows_the_users_frame_and_one_of_ours(face: Face | Quick) -> None:
    error = caught(lambda: face.klines("BTCUSD"))
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names == ["caught", "<lambda>", "klines"]
    assert error.__cause__ is None
    assert error.__context__ is None
    assert isinstance(error, BadSymbol)
    assert "because of ExchangeError: the exchange answered nonsense" in error.technical_details
    assert "because of OSError: GET /api/v3/klines?symbol=BTCUSD&signature=***" in error.technical_details


def test_last_error_has_the_whole_chain_and_no_secret() -> None:
    assert caught(lambda: Face().klines("BTCUSD"))
    text = door.last_error()
    heads = [line for line in text.splitlines() if not line.startswith(" ")]
    assert heads == [
        "BadSymbol: nothing trades as BTCUSD (code -1121)",
        "because of",
        "ExchangeError: the exchange answered nonsense",
        "because of",
        "OSError: GET /api/v3/klines?symbol=BTCUSD&signature=***&n=1",
    ]
    assert f"at {__file__}:" in text
    assert "in inner" in text
    assert "self.result = await self.coroutine" in text
    assert SENTINEL not in text
    # lines of code that are not ours may hold a key
    assert "secret = SENTINEL" not in text
    assert "await inner(symbol)" not in text


def test_no_tool_that_prints_locals_finds_the_secret() -> None:
    from rich.console import Console
    from rich.traceback import Traceback

    try:
        Face().klines("BTCUSD", api_key="given")
    except BadSymbol as error:
        plain = "".join(traceback.format_exception(error))
        verbose = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        page = io.StringIO()
        Console(file=page, width=200).print(
            Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True, locals_max_string=500)
        )
    assert "ExchangeError" not in plain
    for text in (plain, verbose, page.getvalue()):
        assert "nothing trades as BTCUSD" in text
        assert SENTINEL not in text
    assert len(plain.splitlines()) < 12


def test_the_sentinel_would_be_found_without_the_boundary() -> None:
    error = caught(lambda: portal.run(core("BTCUSD")))
    found = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert SENTINEL in found


def test_nothing_keeps_inner_frames_alive() -> None:
    class Big:
        pass

    held: list[weakref.ref[Big]] = []

    async def fails() -> None:
        big = Big()
        held.append(weakref.ref(big))
        raise ExchangeError("no")

    def public() -> None:
        with door.boundary():
            door.call(fails())

    error = caught(public)
    gc.collect()
    assert held[0]() is None
    assert error.__traceback__ is not None


def test_what_the_caller_was_handling_stays_the_context() -> None:
    def call() -> None:
        try:
            raise KeyError("the caller's")
        except KeyError:
            Face().klines("BTCUSD")

    error = caught(call)
    assert isinstance(error.__context__, KeyError)
    assert "because of OSError" in str(getattr(error, "technical_details", ""))


def test_a_suggestion_becomes_the_whole_call() -> None:
    error = caught(lambda: Face().klines("BTCUSD", "4h", date(2024, 2, 1)))
    assert isinstance(error, BadSymbol)
    assert error.suggested == {"call": "klines", "symbol": "BTCUSDT", "interval": "4h", "start": "2024-02-01"}


@pytest.mark.parametrize(
    ("suggested", "whole"),
    [
        ({"call": "klines_bulk"}, {"call": "klines_bulk", "symbol": "A", "limit": 3000}),
        ({"call": "symbols", "status": "TRADING"}, {"call": "symbols", "status": "TRADING"}),
        (None, None),
    ],
    ids=["bulk-twin", "another-call", "none"],
)
def test_what_is_carried_over_into_a_suggestion(
    suggested: dict[str, object] | None, whole: dict[str, object] | None
) -> None:
    def klines(symbol: str, limit: int, secret_key: str, exact: bool = False, other: object = object) -> None:
        assert symbol or limit or secret_key or exact or other
        with door.boundary():
            raise ValidationError("no", suggested=suggested)

    error = caught(lambda: klines("A", 3000, "hidden"))
    assert isinstance(error, ValidationError)
    assert error.suggested == whole


def test_a_defect_of_ours_is_cut_too_and_says_where_the_rest_is() -> None:
    error = caught(lambda: Face().broken(ZeroDivisionError))
    assert isinstance(error, ZeroDivisionError)
    assert [frame.name for frame in traceback.extract_tb(error.__traceback__)] == ["caught", "<lambda>", "broken"]
    assert "last_error()" in error.__notes__[0]
    assert door.last_error().startswith("ZeroDivisionError: told\n")


def test_a_script_s_traceback_ends_with_what_to_do() -> None:
    def public() -> None:
        with door.boundary():
            raise ValidationError("no", recovery_suggestions=["Do this.", "Or that."])

    error = caught(public)
    told = "".join(traceback.format_exception(error))
    assert told.endswith("ValidationError: no\nWhat to do: Do this.\n            Or that.\n")
    assert len(error.__notes__) == 1


def test_a_file_that_the_user_named_is_no_defect_of_ours(tmp_path: Path) -> None:
    def public() -> None:
        with door.boundary():
            (tmp_path / "tape").read_text()

    error = caught(public)
    assert isinstance(error, FileNotFoundError)
    assert not hasattr(error, "__notes__")
    assert door.last_error().startswith("FileNotFoundError: ")


def test_control_flow_is_not_an_error() -> None:
    caught(lambda: Face().klines("BTCUSD"))
    before = door.last_error()

    def stop() -> None:
        with door.boundary():
            raise StopIteration

    assert isinstance(caught(stop), StopIteration)
    assert door.last_error() == before


def test_groups_of_errors_lose_their_frames_too() -> None:
    async def several() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(inner("A"))
            group.create_task(inner("B"))

    def public() -> None:
        with door.boundary():
            door.call(several())

    error = caught(public)
    assert isinstance(error, ExceptionGroup)
    assert SENTINEL not in "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert door.last_error().count("OSError") == 2


def test_run_keeps_the_users_frames_and_cuts_ours() -> None:
    async def users() -> None:
        await core("BTCUSD")

    async def users_own_error() -> None:
        raise LookupError("mine")

    error = caught(lambda: door.run(users_own_error()))
    assert [frame.name for frame in traceback.extract_tb(error.__traceback__)][-1] == "users_own_error"
    error = caught(lambda: door.run(users()))
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    # here even the core lies outside of the package: only what is ours is cut
    assert names == ["caught", "<lambda>", "run", "users", "core"]
    assert error.__cause__ is None
