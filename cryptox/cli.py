"""The command line: ``cryptox demo``, ``cryptox doctor``, ``cryptox klines``, ``cryptox lab``, ``cryptox paper``."""

from __future__ import annotations

import argparse
import io
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptox import __version__
from cryptox.errors import ConfigurationError, CryptoxError, ValidationError

__all__ = ["main"]

SUFFIXES = (".parquet", ".csv", ".feather")
CSV_TIME = "%Y-%m-%dT%H:%M:%S%.3fZ"
ROWS_AT_ONCE = 50_000  # of CSV on standard output: whoever reads only the head ends it early
UNWELL, FAILED, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit status: 0 for success, 2 for an error, 130 after an interrupt.

    ``doctor`` ends with 1 where it found a problem.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.run is None:
        parser.print_help()
        return 0
    try:
        return int(options.run(options))
    except CryptoxError as error:
        from cryptox.show.errors import text_lines

        _complain("\n".join(text_lines(error)))
        return FAILED
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # `cryptox klines ... | head`
        _forget_output()
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cryptox", description="Crypto market history, and an exchange of its own to practise on."
    )
    parser.add_argument("--version", action="version", version=f"cryptox {__version__}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    demo = commands.add_parser("demo", help="the whole story in a terminal, offline, in half a minute")
    demo.set_defaults(run=_demo)

    doctor = commands.add_parser(
        "doctor",
        help="what may be wrong with this machine, the way to the exchange, and the key",
        description="Looks at versions, packages, addresses, clock, key, limits and proxy. Shows no key or password. "
        "Ends with status 1 where something does not work.",
    )
    doctor.add_argument("--venue", help="binance, binance-testnet, binance-demo, binance-us, paper")
    doctor.set_defaults(run=_doctor)

    klines = commands.add_parser(
        "klines",
        help="candles to a file or to standard output",
        description="Finished candles, oldest first; times are UTC, --start is included, --end is not.",
        epilog='example: cryptox klines BTCUSDT ETHUSDT 1h --start "2024-01-01" --end "2024-02-01" -o january.parquet',
    )
    klines.add_argument("symbol", nargs="+", help="BTCUSDT; several make one long table")
    klines.add_argument("interval", help="1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M")
    klines.add_argument("-n", "--limit", type=int, help="so many rows of each; without --start the newest")
    klines.add_argument("--start", help='first open time: "2024-01-01", "2024-01-01 12:00", "3 days ago"')
    klines.add_argument("--end", help="open times before it")
    klines.add_argument("-o", "--output", type=Path, help=f"file: {', '.join(SUFFIXES)}; standard output gets CSV")
    klines.add_argument("--venue", help="binance, binance-testnet, binance-demo, binance-us, paper")
    klines.add_argument("--unfinished", action="store_true", help="also the candle that is still forming")
    klines.add_argument("--exact", action="store_true", help="decimals instead of floats")
    klines.add_argument(
        "--partial", action="store_true", help="when some of it fails, write the rest and end with status 2"
    )
    klines.set_defaults(run=_klines)

    lab = commands.add_parser(
        "lab",
        help="JupyterLab on the example notebooks, with the paper venue",
        description="Copies the example notebooks into a folder of yours, changing nothing that is there, and opens "
        "JupyterLab on it. Its kernels have CRYPTOX_VENUE=paper and none of your keys.",
        epilog="What stands after -- is for JupyterLab: cryptox lab -- --allow-root",
    )
    lab.add_argument("--dir", type=Path, help="folder of the notebooks (default: cryptox-notebooks, here)")
    lab.add_argument("--port", type=int, help="port on this machine (default: 8888), or the next that is free")
    lab.add_argument("--no-browser", action="store_true", help="open no browser: JupyterLab prints its address")
    lab.add_argument("more", nargs="*", metavar="-- OPTION", help="further options of JupyterLab")
    lab.set_defaults(run=_lab)

    paper = commands.add_parser(
        "paper", help="an exchange on this machine for any client", add_help=False, prefix_chars="\0"
    )
    paper.add_argument("rest", nargs=argparse.REMAINDER)
    paper.set_defaults(run=_paper)
    return parser


def _demo(_: argparse.Namespace) -> int:
    from cryptox.show.demo import tell

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # tables have lines that not every Windows console knows
    tell()
    sys.stdout.flush()
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from cryptox.sync.doctor import doctor

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every Windows console knows the marks
    report = doctor(options.venue)
    print(report)
    sys.stdout.flush()
    return UNWELL if report.problems else 0


def _lab(options: argparse.Namespace) -> int:
    from cryptox.show.lab import FOLDER, open_lab

    folder = FOLDER if options.dir is None else options.dir
    return open_lab(folder, port=options.port, browser=not options.no_browser, more=options.more)


def _paper(options: argparse.Namespace) -> int:
    from cryptox.paper.process import serve

    return serve(options.rest)


def _klines(options: argparse.Namespace) -> int:
    from cryptox.sync.connect import connect
    from cryptox.table.attrs import attrs

    _check_output(options.output)
    if options.limit is None and options.start is None:
        raise ValidationError(
            "Say how much: without a limit and a start this would be everything since listing.",
            recovery_suggestions=["Give -n ROWS, or --start."],
        )
    with connect(options.venue, frame="polars", exact=options.exact) as session:
        try:
            frame = session.klines_bulk(
                options.symbol[0] if len(options.symbol) == 1 else options.symbol,
                options.interval,
                options.limit,
                start=options.start,
                end=options.end,
                include_unfinished=options.unfinished,
                on_error="partial" if options.partial else "raise",
            )
        except CryptoxError as error:
            raise _for_the_shell(error, options) from None
    about = attrs(frame)
    _write(frame, options.output)
    for symbol, start, end in about["gaps"]:
        _complain(f"{symbol}: the exchange itself has nothing from {start} to {end}")
    for symbol, start, end in about["missing"]:
        _complain(f"{symbol}: not fetched: {start} to {end}")
    return FAILED if about["missing"] else 0


def _for_the_shell(error: CryptoxError, options: argparse.Namespace) -> CryptoxError:
    """The same error with a command to copy in place of a line of Python."""
    if error.partial is not None and len(error.partial):
        error.recovery_suggestions.append("Give --partial to write what could be fetched.")
    error.partial = None
    suggested, error.suggested = error.suggested, None
    better = suggested or {}
    symbols, interval = better.get("symbol", options.symbol), better.get("interval", options.interval)
    symbols = [symbols] if isinstance(symbols, str) else list(symbols)
    if (symbols, interval) != (options.symbol, options.interval):
        error.recovery_suggestions.append(f"Try: cryptox klines {shlex.join([*symbols, str(interval)])} ...")
    return error


def _check_output(output: Path | None) -> None:
    """Refuse before the download what could not be written after it."""
    if output is None:
        return
    if output.suffix.lower() not in SUFFIXES:
        raise ValidationError(
            f"{output.name} should end in {', '.join(SUFFIXES)}.",
            recovery_suggestions=[f"Write {output.with_suffix('.parquet').name}."],
        )
    folder = output.absolute().parent
    if not folder.is_dir():
        raise ConfigurationError(f"There is no folder {folder}.", recovery_suggestions=["Make it first."])
    if output.is_dir() or not os.access(folder, os.W_OK):
        raise ConfigurationError(
            f"{output} cannot be written.", recovery_suggestions=["Name a file in a folder of your own."]
        )


def _write(frame: Any, output: Path | None) -> None:
    if output is None:
        _print_csv(frame)
        return
    writers = {
        ".parquet": frame.write_parquet,
        ".csv": lambda path: frame.write_csv(path, datetime_format=CSV_TIME),
        ".feather": frame.write_ipc,
    }
    part = output.with_name(output.name + ".part")
    try:
        writers[output.suffix.lower()](part)
        part.replace(output)  # a file under its name is a whole one
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written.", technical_details=str(error)) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    _complain(f"{len(frame):,} rows in {output}")


def _print_csv(frame: Any) -> None:
    out = sys.stdout.buffer
    for at in range(0, max(len(frame), 1), ROWS_AT_ONCE):
        part = frame.slice(at, ROWS_AT_ONCE)
        out.write(part.write_csv(include_header=at == 0, datetime_format=CSV_TIME).encode())
    out.flush()


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")


def _forget_output() -> None:
    """Nobody reads standard output any more: what is still in its buffer goes nowhere, in silence."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
