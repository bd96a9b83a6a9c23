"""The command line: ``cryptox demo``, ``cryptox klines``, ``cryptox paper``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptox import __version__
from cryptox.errors import ConfigurationError, CryptoxError, ValidationError

__all__ = ["main"]

SUFFIXES = (".parquet", ".csv", ".feather")
FAILED, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit status: 0 for success, 2 for an error, 130 after an interrupt."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.run is None:
        parser.print_help()
        return 0
    try:
        return int(options.run(options))
    except CryptoxError as error:
        from cryptox.show.errors import text_lines

        sys.stderr.write("\n".join(text_lines(error)) + "\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:  # `cryptox klines ... | head`
        sys.stderr.close()
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

    klines = commands.add_parser("klines", help="candles to a file or to standard output")
    klines.add_argument("symbol", nargs="+", help="BTCUSDT; several make one long table")
    klines.add_argument("interval", help="1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M")
    klines.add_argument("-n", "--limit", type=int, help="so many rows; without --start the newest")
    klines.add_argument("--start", help='first open time, UTC: "2024-01-01", "3 days ago"')
    klines.add_argument("--end", help="open times before it, UTC")
    klines.add_argument("-o", "--output", type=Path, help=f"file: {', '.join(SUFFIXES)}; standard output gets CSV")
    klines.add_argument("--venue", help="binance, binance-testnet, binance-demo, binance-us, paper")
    klines.add_argument("--unfinished", action="store_true", help="also the candle that is still forming")
    klines.set_defaults(run=_klines)

    paper = commands.add_parser(
        "paper", help="an exchange on this machine for any client", add_help=False, prefix_chars="\0"
    )
    paper.add_argument("rest", nargs=argparse.REMAINDER)
    paper.set_defaults(run=_paper)
    return parser


def _demo(_: argparse.Namespace) -> int:
    from cryptox.show.demo import tell

    tell()
    return 0


def _paper(options: argparse.Namespace) -> int:
    from cryptox.paper.process import serve

    return serve(options.rest)


def _klines(options: argparse.Namespace) -> int:
    from cryptox.sync.connect import connect

    _check_output(options.output)
    if options.limit is None and options.start is None:
        raise ValidationError(
            "Say how much: without a limit and a start this would be everything since listing.",
            recovery_suggestions=["Give -n ROWS, or --start."],
        )
    with connect(options.venue, frame="polars") as session:
        frame = session.klines_bulk(
            options.symbol[0] if len(options.symbol) == 1 else options.symbol,
            options.interval,
            options.limit,
            start=options.start,
            end=options.end,
            include_unfinished=options.unfinished,
        )
    _write(frame, options.output)
    return 0


def _check_output(output: Path | None) -> None:
    """Refuse before the download what could not be written after it."""
    if output is None:
        return
    if output.suffix.lower() not in SUFFIXES:
        raise ValidationError(
            f"{output.name} should end in {', '.join(SUFFIXES)}.",
            recovery_suggestions=[f"Write {output.with_suffix('.parquet').name}."],
        )
    if not output.absolute().parent.is_dir():
        raise ConfigurationError(
            f"There is no folder {output.absolute().parent}.", recovery_suggestions=["Make it first."]
        )


def _write(frame: Any, output: Path | None) -> None:
    if output is None:
        frame.write_csv(sys.stdout.buffer)
        return
    writers = {".parquet": frame.write_parquet, ".csv": frame.write_csv, ".feather": frame.write_ipc}
    part = output.with_name(output.name + ".part")
    try:
        writers[output.suffix.lower()](part)
        part.replace(output)  # a file under its name is a whole one
    finally:
        part.unlink(missing_ok=True)
    sys.stderr.write(f"{len(frame):,} rows in {output}\n")
