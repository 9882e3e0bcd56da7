"""The ledger's database, SQLite or PostgreSQL: transactions that are on disk when they end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    Connection,
    Dialect,
    Table,
    Text,
    bindparam,
    column,
    create_engine,
    event,
    func,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from clicksend.errors import LedgerError, LedgerUrlError
from clicksend.extras import to_install
from clicksend.ledger.address import make_private, parsed

LOCK_TIMEOUT = 60
"""Seconds to wait for other processes' transactions."""
SLICE = 1000
"""Rows or values in one statement; SQLite takes 32,766 parameters."""
WANTED = func.json_each(bindparam("wanted", type_=JSON)).table_valued(column("key", Text), name="wanted")
"""A table of texts to look up: the names in the object that is the statement's parameter ``wanted``."""

T = TypeVar("T")

PRAGMAS = (
    # A claim must survive a power cut: with FULL the log is synced at the end of each transaction.
    "journal_mode = WAL",
    "synchronous = FULL",
    # Keys are hashes, so each batch touches all of an index: pages are written back rarely.
    "wal_autocheckpoint = 16384",  # pages of 4 KiB
    "cache_size = -65536",  # KiB
    "secure_delete = ON",  # what is forgotten is overwritten
)

BEGIN = {
    ("sqlite", True): ("BEGIN IMMEDIATE",),
    ("sqlite", False): ("BEGIN",),
    ("postgresql", False): ("SET TRANSACTION READ ONLY",),
    ("postgresql", True): (
        # Per transaction, since poolers mix sessions; synchronous_commit may be off for the whole server.
        """SELECT set_config('lock_timeout', '60s', true),
        set_config('idle_in_transaction_session_timeout', '60s', true),
        CASE current_setting('synchronous_commit')
            WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END""",
        # One writer at a time, as on SQLite: what a transaction has read stays true until it ends. Schemas
        # share the lock, since users with different search paths may share a ledger.
        "SELECT pg_advisory_xact_lock(hashtext('clicksend ledger'))",
    ),
}
"""What begins a transaction, by database and whether it writes."""

NAME_TAKEN = frozenset({"42P07", "42710"})
"""PostgreSQL's SQLSTATE where a table, an index or another object has that name already."""
REASONS = {
    "25006": "its PostgreSQL database is read-only. Make it writable, or name another one in ledger_url",
    "42501": "its PostgreSQL user lacks a right, like CREATE on the schema. Grant it, or change ledger_url",
    "3F000": "PostgreSQL has no schema to make its tables in. Create it, or change ledger_url",
}
"""What is wrong, by PostgreSQL's SQLSTATE, where only a person can change it."""

NO_TLS = (
    "its PostgreSQL server does not offer TLS, which is asked for unless it is on this machine. Switch it on"
    " there, or add ?sslmode=prefer to ledger_url if nobody else can read on the way"
)

INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


class Store:
    """A pool of connections; any thread may begin a transaction."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Connect lazily.

        Args:
            url: SQLAlchemy's, of a SQLite file or a PostgreSQL database.
            create: Whether to make the SQLite file when there is none.

        Raises:
            LedgerUrlError: The URL is not such a one, or its driver is not installed.
            LedgerError: The file or its folder does not exist, or cannot be used.
        """
        address = parsed(url)
        options: dict[str, Any] = {
            "isolation_level": "READ COMMITTED",
            "pool_pre_ping": True,
            "paramstyle": "format",
        }
        if address.get_backend_name() == "sqlite":
            make_private(Path(str(address.database)), create=create)
            options = {"connect_args": {"timeout": LOCK_TIMEOUT}}
        try:
            self._engine = create_engine(address, hide_parameters=True, use_insertmanyvalues=False, **options)
        except ModuleNotFoundError as missing:
            raise LedgerUrlError(
                f"ledger_url needs the database driver {missing.name}. Begin the URL with"
                f" postgresql+psycopg://; if psycopg is missing, {to_install('postgres')}."
            ) from None
        if address.get_backend_name() == "sqlite":
            event.listen(self._engine, "connect", _prepare)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction that only reads.

        Raises:
            LedgerError: The database cannot be used.
        """
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a transaction, the only one that writes.

        It is on disk when the block ends, or has left no trace when it raises.

        Raises:
            LedgerError: The database cannot be used; then nothing was changed.
        """
        with self._transaction(writes=True) as connection:
            yield connection

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                for statement in BEGIN[connection.dialect.name, writes]:
                    connection.exec_driver_sql(statement)
                yield connection
        except (DBAPIError, PoolTimeoutError) as error:
            raise LedgerError(_explain(error)) from None


def insert(dialect: Dialect, table: Table) -> Any:
    """Return the database's own INSERT, which knows ON CONFLICT."""
    return INSERTS[dialect.name](table)


def slices(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield values in as many as one statement takes."""
    for start in range(0, len(values), SLICE):
        yield values[start : start + SLICE]


def _is_busy(error: BaseException) -> bool:
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return primary == sqlite3.SQLITE_BUSY


# For the first one's change to WAL, SQLite lets nobody wait.
@retry(
    retry=retry_if_exception(_is_busy),
    wait=wait_random(0.01, 0.1),
    stop=stop_after_delay(LOCK_TIMEOUT),
    reraise=True,
)
def _prepare(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where we say
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def is_taken(error: DBAPIError) -> bool:
    """Return whether an error says that a table or an index of that name exists already."""
    if type(error.orig).__module__ == "sqlite3":
        return "already exists" in str(error.orig) or "already a table" in str(error.orig)
    return _sqlstate(error.orig) in NAME_TAKEN


def _sqlstate(original: object) -> str | None:
    return getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)


def _explain(error: SQLAlchemyError) -> str:
    """Return the sentence for an error of the database; the error's own text could hold values."""
    original = error.orig if isinstance(error, DBAPIError) else None
    state = _sqlstate(original)
    if state in REASONS:
        return f"The ledger cannot be used: {REASONS[state]}. Nothing was changed."
    if type(original).__module__ == "sqlite3":
        return f"The ledger cannot be used: {original}. Nothing was changed."
    if state:
        return f"The ledger cannot be used: PostgreSQL answered SQLSTATE {state}. Check ledger_url."
    if "server does not support SSL" in str(original):  # libpq's words: no SQLSTATE comes
        return f"The ledger cannot be used: {NO_TLS}. Nothing was changed."
    return f"The ledger cannot be reached ({type(error).__name__}). Check ledger_url, and that it runs."
