"""Accounts, orders and trades of a paper exchange in a file: one transaction for each thing that happens.

SQLite in its write-ahead form: a process that is killed at any moment leaves the state of its last whole event.
The file holds the secrets of paper keys, so only its owner may read it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any, TypeVar

import msgspec

from cryptox.errors import ConfigurationError

from .accounts import Accounts
from .desk import Desk, Kept, NotSaved
from .forks import keep_forever
from .trading.accounts import Account
from .trading.orders import Amendment, Fill, Order, OrderList, Prevented
from .trading.prints import Print, Prints
from .trading.records import Changes, Counters, Records, Taken

__all__ = ["SqliteStore"]

VERSION = 1
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE accounts (uid INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE keys (api_key TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID;
CREATE TABLE counters (symbol TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID;
CREATE TABLE orders (symbol TEXT, id INTEGER, body BLOB, PRIMARY KEY (symbol, id)) WITHOUT ROWID;
CREATE TABLE lists (id INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE fills (number INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE prevented (number INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE amendments (number INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE prints (number INTEGER PRIMARY KEY, symbol TEXT, body BLOB);
"""
_LATER_TABLES = "CREATE TABLE IF NOT EXISTS taken (symbol TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID"
T = TypeVar("T")


class SqliteStore:
    """One file. All calls come one at a time, from any thread.

    Parameters
    ----------
    path
        The file; made when it is not there.
    market
        What identifies the market that the orders belong to; another market's file is refused.

    Raises
    ------
    ConfigurationError : not a file of this kind or of this market, or in use by another exchange.
    """

    def __init__(self, path: str, market: Mapping[str, Any]) -> None:
        self._path = path
        try:
            fresh = not os.path.exists(path) or os.path.getsize(path) == 0
            if fresh:
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
            try:
                self._execute("PRAGMA locking_mode = EXCLUSIVE")
                self._execute("PRAGMA journal_mode = WAL")
                self._execute("PRAGMA synchronous = NORMAL")
                self._identify(fresh, dict(market))
            except BaseException:
                self._connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise ConfigurationError(
                f"path={path!r} cannot keep the state of a paper exchange: {error}.",
                recovery_suggestions=["Another exchange may be using it; end that one, or give another path."],
            ) from error
        self._printed: dict[str, int] = {}  # how many prints of each symbol are written down

    def _execute(self, command: str, values: Iterable[Any] = ()) -> list[Any]:
        return self._connection.execute(command, tuple(values)).fetchall()

    def _identify(self, fresh: bool, market: dict[str, Any]) -> None:
        text = msgspec.json.encode(market, order="sorted").decode()
        if fresh:
            self._connection.executescript("BEGIN;" + _TABLES + "COMMIT;")
            self._execute("INSERT INTO meta VALUES ('version', ?), ('market', ?)", (VERSION, text))
        known = dict(self._execute("SELECT name, value FROM meta"))
        written = msgspec.json.decode(known.get("market", "{}")) if known.get("version") == VERSION else {}
        unnamed = "history" in market and bool(written) and "history" not in written
        if unnamed:  # of a version that did not know which
            written["history"] = market["history"]
        other = [name for name in {**market, **written} if written.get(name) != market.get(name)]
        if other:
            raise self._foreign(other, written, market)
        if unnamed:
            self._execute("REPLACE INTO meta VALUES ('market', ?)", (text,))
        self._execute(_LATER_TABLES)

    def _foreign(self, other: list[str], written: dict[str, Any], market: dict[str, Any]) -> ConfigurationError:
        """The refusal of a file that other names of its market's identity do not fit."""
        what = "history" if other == ["history"] else "market"
        told = "; ".join(f"{name} {written.get(name)!r}, and here {market.get(name)!r}" for name in other)
        return ConfigurationError(
            f"path={self._path!r} belongs to another {what}. It was made with {told}.",
            recovery_suggestions=["Start the exchange with the same seed, symbols and history, or another path."],
        )

    def load(self, accounts: Accounts) -> Kept:
        """What the file has; accounts and keys go into ``accounts``."""
        newest = self._execute("SELECT value FROM meta WHERE name = 'newest_us'")
        since_us = int(newest[0][0]) if newest else None
        for account in self._read("accounts", Account):
            accounts.accounts[account.uid] = account
        for body in self._bodies("keys"):
            self._restore_key(accounts, msgspec.json.decode(body))
        records, prints = Records(), Prints()
        for symbol, body in self._execute("SELECT symbol, body FROM counters"):
            records.counters[symbol] = msgspec.json.decode(body, type=Counters)
        for order in self._read("orders", Order):
            records.add(order)
        for order_list in self._read("lists", OrderList):
            records.add_list(order_list)
        for fill in self._read("fills", Fill):
            records.add_fill(fill)
        for match in self._read("prevented", Prevented):
            records.add_prevented(match)
        for amendment in self._read("amendments", Amendment):
            records.add_amendment(amendment)
        for symbol, body in self._execute("SELECT symbol, body FROM taken"):
            records.taken[symbol] = msgspec.json.decode(body, type=Taken)
        records.take_changes()
        for symbol, body in self._execute("SELECT symbol, body FROM prints ORDER BY number"):
            prints.add(symbol, msgspec.json.decode(body, type=Print))
            self._printed[symbol] = self._printed.get(symbol, 0) + 1
        return Kept(records, prints, since_us)

    def _bodies(self, table: str) -> list[bytes]:
        return [body for (body,) in self._execute(f"SELECT body FROM {table}")]  # noqa: S608 - our own names

    def _read(self, table: str, kind: type[T]) -> list[T]:
        decoder = msgspec.json.Decoder(kind)
        return [decoder.decode(body) for body in self._bodies(table)]

    def _restore_key(self, accounts: Accounts, body: dict[str, Any]) -> None:
        """A key of an account that there is; earlier versions could leave others behind."""
        if body["account"] in accounts.accounts:
            accounts.restore(body)
        else:
            self._execute("DELETE FROM keys WHERE api_key = ?", (body["api_key"],))

    def save(self, desk: Desk, now_us: int) -> None:
        """Write down what changed since the last time, in one transaction; nothing where nothing did.

        Raises
        ------
        NotSaved : none of it is; all of it is tried again the next time.
        """
        changed, prints = desk.records.changed, desk.prints
        printed = {
            symbol: prints.of(symbol)[self._printed.get(symbol, 0) :]
            for symbol in changed.symbols
            if len(prints.of(symbol)) > self._printed.get(symbol, 0)
        }
        if not (printed or any(getattr(changed, field.name) for field in fields(changed))):
            return
        try:
            self._execute("BEGIN")
            self._write(desk, changed, printed)
            self._execute("REPLACE INTO meta VALUES ('newest_us', ?)", (now_us,))
            self._execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            with suppress(sqlite3.Error):
                self._execute("ROLLBACK")  # an error that the disk made may have done so already
            raise NotSaved(f"path={self._path!r} cannot be written: {error}.") from error
        desk.records.take_changes()
        for symbol, rows in printed.items():
            self._printed[symbol] = self._printed.get(symbol, 0) + len(rows)

    def _write(self, desk: Desk, changed: Changes, printed: Mapping[str, list[Print]]) -> None:
        encode, many = msgspec.json.encode, self._connection.executemany
        accounts, records = desk.engine.accounts, desk.records
        many("REPLACE INTO accounts VALUES (?, ?)", [(uid, encode(accounts[uid])) for uid in changed.accounts])
        many("REPLACE INTO keys VALUES (?, ?)", [(key.api_key, encode(Accounts.body(key))) for key in changed.keys])
        many("REPLACE INTO counters VALUES (?, ?)", [(s, encode(records.counters[s])) for s in changed.symbols])
        many("REPLACE INTO taken VALUES (?, ?)", [(s, encode(records.taken[s])) for s in changed.taken])
        many("REPLACE INTO orders VALUES (?, ?, ?)", [(*key, encode(order)) for key, order in changed.orders.items()])
        many("REPLACE INTO lists VALUES (?, ?)", [(number, encode(one)) for number, one in changed.lists.items()])
        many("INSERT INTO fills (body) VALUES (?)", [(encode(fill),) for fill in changed.fills])
        many("INSERT INTO prevented (body) VALUES (?)", [(encode(match),) for match in changed.prevented])
        many("INSERT INTO amendments (body) VALUES (?)", [(encode(one),) for one in changed.amendments])
        rows = [(symbol, encode(one)) for symbol, prints in printed.items() for one in prints]
        many("INSERT INTO prints (symbol, body) VALUES (?, ?)", rows)

    def forked(self) -> None:
        """In a forked child: never close the file, not even at the end. SQLite would delete the parent's log."""
        keep_forever(self._connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
