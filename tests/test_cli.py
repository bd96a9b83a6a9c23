"""The command line, run in this process and, where signals and pipes matter, in one of its own."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import cryptox as cx
from cryptox import cli
from cryptox.cli import main
from cryptox.paper.process import PaperProcess
from cryptox.sync import door

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
CRYPTOX = [sys.executable, "-m", "cryptox"]


@pytest.fixture(scope="module")
def shared_exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        yield exchange


@pytest.fixture
def exchange(shared_exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> Iterator[cx.PaperExchange]:
    """The command's default venue, at 2024-06-01 12:00."""
    monkeypatch.delenv("CRYPTOX_VENUE", raising=False)
    monkeypatch.setenv("BINANCE_API_URL", shared_exchange.rest_url)
    yield shared_exchange
    shared_exchange.faults.clear()


def expected(symbol: str, interval: str, rows: int, exchange: cx.PaperExchange) -> pd.DataFrame:
    with cx.connect(exchange) as session:
        frame: Any = session.klines_bulk(symbol, interval, rows)
        return frame.reset_index()


READERS = {".parquet": pl.read_parquet, ".feather": pl.read_ipc, ".csv": lambda path: pl.read_csv(path)}


@pytest.mark.parametrize("suffix", cli.SUFFIXES)
def test_klines_to_a_file(
    suffix: str, exchange: cx.PaperExchange, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"btc{suffix}"
    assert main(["klines", "BTCUSDT", "1h", "-n", "1500", "-o", str(path)]) == 0
    found, wanted = READERS[suffix](path), expected("BTCUSDT", "1h", 1500, exchange)
    assert found.columns == list(wanted.columns)
    assert len(found) == 1500
    for name in ("open", "high", "low", "close", "volume", "quote_volume", "trades"):
        assert np.array_equal(found[name].to_numpy(), wanted[name].to_numpy()), name
    times = found["open_time"].str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ") if suffix == ".csv" else found["open_time"]
    assert times.dt.epoch("ms").to_list() == [int(time.timestamp() * 1000) for time in wanted["open_time"]]
    assert capsys.readouterr() == ("", f"1,500 rows in {path}\n")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_what_it_writes_the_paper_exchange_can_serve(exchange: cx.PaperExchange, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    assert main(["klines", "BTCUSDT", "1h", "--start", "2024-05-01", "--end", "2024-05-03", "-o", str(path)]) == 0
    wanted = expected("BTCUSDT", "1h", 3000, exchange).set_index("open_time").loc["2024-05-01":"2024-05-02"]
    with cx.PaperExchange(history=path, symbols=["BTCUSDT"]) as served, cx.connect(served) as session:
        again: Any = session.klines_bulk("BTCUSDT", "1h", 48)
    assert again.index.equals(wanted.index)
    assert np.array_equal(again["close"], wanted["close"])


def test_klines_to_standard_output(exchange: cx.PaperExchange, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["klines", "BTCUSDT", "eth/usdt", "4h", "--start", "2024-05-31", "--end", "2024-06-01 08:00"]
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert said.err == ""
    frame = pd.read_csv(io.StringIO(said.out), parse_dates=["open_time", "close_time"])
    assert list(frame["symbol"]) == ["BTCUSDT"] * 8 + ["ETHUSDT"] * 8
    assert list(frame["open_time"])[:2] == [pd.Timestamp("2024-05-31", tz="UTC"), pd.Timestamp("2024-05-31 04:00Z")]
    assert frame["open_time"].iloc[7] == pd.Timestamp("2024-06-01 04:00Z")
    assert frame["close_time"].iloc[0] == pd.Timestamp("2024-05-31 03:59:59.999Z")


def test_no_rows_are_a_heading(exchange: cx.PaperExchange, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["klines", "BTCUSDT", "1h", "--start", "2024-05-01", "--end", "2024-05-01"]) == 0
    assert capsys.readouterr().out.startswith("open_time,open,high,low,close,volume,")


def test_the_forming_candle_only_when_asked_for(exchange: cx.PaperExchange, capsys: pytest.CaptureFixture[str]) -> None:
    last = []
    for more in ([], ["--unfinished"]):
        assert main(["klines", "BTCUSDT", "1d", "-n", "1", *more]) == 0
        last.append(capsys.readouterr().out.splitlines()[-1][:10])
    assert last == ["2024-05-31", "2024-06-01"]


def test_exact_writes_decimals(exchange: cx.PaperExchange, tmp_path: Path) -> None:
    path = tmp_path / "pepe.parquet"
    assert main(["klines", "PEPEUSDT", "1h", "-n", "2", "--exact", "-o", str(path)]) == 0
    assert pl.read_parquet(path).schema["close"] == pl.Decimal(18, 8)


def test_holes_of_the_exchange_are_told(exchange: cx.PaperExchange, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["klines", "BTCUSDT", "1h", "--start", "2018-02-07", "--end", "2018-02-11"]) == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 65
    assert said.err == ("BTCUSDT: the exchange itself has nothing from 2018-02-08T01:00:00Z to 2018-02-09T09:00:00Z\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["BTCUSDT", "1h", "-n", "5", "-o", "btc.xlsx"], "ValidationError: btc.xlsx should end in .parquet, .csv"),
        (["BTCUSDT", "1h", "-n", "5", "-o", "nowhere/btc.csv"], "ConfigurationError: There is no folder "),
        (["BTCUSDT", "1h", "-n", "5", "-o", "folder.csv"], "ConfigurationError: folder.csv cannot be written."),
        (["BTCUSDT", "1h"], "ValidationError: Say how much"),
        (["BTCUSDT", "1h", "--end", "2024-01-01"], "ValidationError: Say how much"),
        (["BTCUSDT", "1h", "-n", "-5"], "ValidationError: limit=-5 is not a positive number of rows."),
        (["BTCUSDT", "7h", "-n", "5"], "BadInterval: interval='7h' is not a candle interval here."),
        (["BTCUSDT", "1h", "--start", "someday"], "ValidationError: "),
        (["BTCUSDT", "1h", "--start", "2024-02-01", "--end", "2024-01-01"], "ValidationError: start (2024-02-01)"),
        (["BTCUSDT", "1h", "-n", "5", "--venue", "papre"], "ConfigurationError: "),
    ],
)
def test_what_cannot_succeed_is_refused_before_any_request(
    arguments: list[str],
    words: str,
    exchange: cx.PaperExchange,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    before = len(exchange.requests)
    assert main(["klines", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(words)
    assert "\nWhat to do\n" in said.err
    assert len(exchange.requests) == before


def test_an_unknown_symbol_gives_its_card_and_a_command_to_copy(
    exchange: cx.PaperExchange, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "btc.csv"
    assert main(["klines", "ETHUSDT", "BTCUSD", "1h", "-n", "5", "-o", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("BadSymbol: binance does not know BTCUSD (near: BTCUSDT")
    assert "Try: cryptox klines ETHUSDT BTCUSDT 1h ..." in said.err
    assert "Traceback" not in said.err
    assert ".partial" not in said.err
    assert not path.exists()


def test_what_was_fetched_is_written_when_asked_for(
    exchange: cx.PaperExchange, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.parquet"
    assert main(["klines", "ETHUSDT", "BTCUSD", "1h", "-n", "5", "--partial", "-o", str(path)]) == 2
    assert pl.read_parquet(path)["symbol"].to_list() == ["ETHUSDT"] * 5
    assert "\nBTCUSD: not fetched: " in capsys.readouterr().err


def test_an_unwritable_file_is_a_card(
    exchange: cx.PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    path = tmp_path / "btc.csv"
    assert main(["klines", "BTCUSDT", "1h", "-n", "5", "-o", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"ConfigurationError: {path} cannot be written.\n")
    assert "No space left on device" in said
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_ends_it_quietly(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cx.Session, "klines_bulk", interrupted)
    assert main(["klines", "BTCUSDT", "1h", "-n", "5"]) == 130
    assert capsys.readouterr() == ("", "interrupted\n")


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"cryptox {cx.__version__}\n"
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("demo", "klines", "paper"))
    for command, words in (("klines", "--partial"), ("paper", "REQUEST_WEIGHT=200/1s"), ("demo", "cryptox demo")):
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert words in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["kline"])
    assert ended.value.code == 2


def test_the_demo_tells_its_story(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    said, wrong = capsys.readouterr()
    assert wrong == ""
    lines = [line.strip() for line in said.splitlines()]
    assert "Traceback" not in said
    (hours,) = [line for line in lines if line.startswith("2024-06-01 11:00:00+00:00")]
    assert len(hours.split()) == 8
    assert any(line.startswith("5,000 finished candles in ") and line.endswith("exchange: []") for line in lines)
    assert any(line.startswith("100,000 candles in ") for line in lines)
    assert [line.split()[1] for line in lines if line[:1].isdigit() and " bid " in f" {line} "] == ["bid"] * 3
    assert any(line.startswith("│ PEPEUSDT ┆ 0.0000") for line in lines)
    assert any(line.endswith("sorted and unique: True, missing: []") for line in lines)
    assert 'session.klines("BTCUSDT", "1h")  # the session on paper' in lines
    assert 'session.klines_bulk("BTCUSDT", "1h", limit=5000)  # the session on paper' in lines


# In processes of their own


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise on Windows")
@pytest.mark.parametrize(("rows", "lines"), [(60_000, 1), (5, 0)])  # it breaks while writing, and at the last flush
def test_a_reader_that_leaves_early_is_no_error(rows: int, lines: int) -> None:
    with PaperProcess(clock="2024-06-01 12:00") as paper:
        writer = subprocess.Popen(
            [*CRYPTOX, "klines", "BTCUSDT", "1m", "-n", str(rows)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**ENVIRONMENT, "BINANCE_API_URL": paper.rest_url, "CRYPTOX_VENUE": "binance"},
        )
        assert writer.stdout is not None
        assert writer.stderr is not None
        for _ in range(lines):
            assert writer.stdout.readline().startswith(b"open_time,open,")
        writer.stdout.close()
        assert writer.stderr.read() == b""
        assert writer.wait(20) == 0
        writer.stderr.close()


def served(url: str) -> Any:
    with urllib.request.urlopen(f"{url}/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=2", timeout=10) as answer:
        return json.loads(answer.read())


@pytest.mark.parametrize("end", ["stdin", "SIGTERM", "SIGINT"])
def test_paper_serves_until_it_is_told_to_end(end: str) -> None:
    if end != "stdin" and os.name != "posix":
        pytest.skip("Windows has no such signals")
    paper = subprocess.Popen(
        [*CRYPTOX, "paper", "--clock", "2024-06-01 12:00", "--host", "127.0.0.1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert paper.stdin is not None
    assert paper.stdout is not None
    told = json.loads(paper.stdout.readline())
    assert sorted(told) == ["api_key", "pid", "rest_url", "secret_key", "stream_sbe_url", "stream_url", "ws_api_url"]
    assert told["pid"] == paper.pid
    assert [row[0] for row in served(told["rest_url"])] == [1717113600000, 1717200000000]
    if end == "stdin":
        paper.stdin.close()
        paper.stdin = None
    else:
        paper.send_signal(getattr(signal, end))
        # Its standard input is still open: waiting for more of it must not keep it, nor make it abort.
        assert paper.wait(10) == 0
    out, err = paper.communicate(timeout=10)
    assert (paper.returncode, out, err) == (0, "", "")


@pytest.mark.slow
def test_paper_tells_people_how_to_use_it_on_a_terminal() -> None:
    pty = pytest.importorskip("pty")
    ours, its = pty.openpty()
    paper = subprocess.Popen([*CRYPTOX, "paper"], stdin=subprocess.PIPE, stdout=its, stderr=its, env=ENVIRONMENT)
    os.close(its)
    said = ""
    while "Ctrl-C ends it" not in said:
        said += os.read(ours, 4096).decode()
    paper.send_signal(signal.SIGINT)
    paper.communicate(timeout=10)
    os.close(ours)
    assert paper.returncode == 0
    assert "PaperExchange(http://127.0.0.1:" in said
    assert 'cx.connect("binance", rest_url="http://127.0.0.1:' in said
    assert "BINANCE_API_URL=http://127.0.0.1:" in said
    assert "BINANCE_WS_URL=ws://127.0.0.1:" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--history", "nowhere.csv"], "nowhere.csv: there is no such file\nCheck the path."),
        (["--limit", "REQUEST_WEIGHT"], "REQUEST_WEIGHT=200/1s"),
        (["--port", "70000"], "port=70000"),
    ],
)
def test_paper_says_what_it_cannot_do(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paper", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err


@pytest.mark.slow
def test_paper_warns_when_others_can_reach_it() -> None:
    paper = subprocess.Popen(
        [*CRYPTOX, "paper", "--host", "0.0.0.0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert paper.stdout is not None
    told = json.loads(paper.stdout.readline())
    assert told["rest_url"].startswith("http://127.0.0.1:")
    _, err = paper.communicate("", timeout=10)
    assert err == "warning: 0.0.0.0 is not loopback; others on the network can reach it\n"


def test_the_doctor_says_ok_by_its_status(exchange: cx.PaperExchange, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--venue", "paper"]) == 0
    said = capsys.readouterr().out
    assert "✔ ok       REST " in said
    assert re.search(r"^(\d+ \w+, )*\d+ ok$", said.splitlines()[-1])


def test_the_doctor_says_a_problem_by_its_status(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(door._default, "_session", None)
    for name, text in {"BINANCE_WS_URL": "ws://127.0.0.1:9", "BINANCE_WS_API_URL": exchange.ws_api_url}.items():
        monkeypatch.setenv(name, text)
    assert main(["doctor"]) == 1
    assert "✘ problem  streams " in capsys.readouterr().out


def test_the_doctor_finds_a_wrong_setting_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--venue", "binanze"]) == 1
    said = capsys.readouterr().out
    assert "✘ problem  session" in said
    assert "✔ ok       Python" in said
