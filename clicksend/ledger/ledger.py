"""The ledger, as target, tap and command line open it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from sqlalchemy import Connection

from clicksend.errors import LedgerError
from clicksend.ledger import keyfile
from clicksend.ledger.budgets import Budgets
from clicksend.ledger.claims import Claims
from clicksend.ledger.memory import Memory
from clicksend.ledger.outcomes import Outcomes
from clicksend.ledger.privacy import Privacy, hide_clear_rows, known_key, replace_key, settle_key
from clicksend.ledger.reconciliation import Reconciliation
from clicksend.ledger.schedules import Schedules
from clicksend.ledger.schema import existing_version, migrate, read_meta, version, write_meta
from clicksend.ledger.store import Store
from clicksend.settings import is_loopback

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Ledger:
    """The durable record of what was sent to ClickSend and what came of every row.

    What a method of its parts wrote is on disk when it returns. Threads may share a ledger; processes may
    share a database.

    Attributes:
        outcomes: What came of rows.
        claims: What is being sent, was sent, or may have been.
        schedules: What was sent with a schedule, and may wait still.
        budgets: What groups of runs have spent.
        reconciliation: What ClickSend's histories show, and what the ledger makes of it.
        memory: What the target remembers between runs.
        privacy: The hashes under which it stores what could tell who a row is about.
    """

    def __init__(self, store: Store, key: str | None, clear: Collection[str], now: Now) -> None:
        """Use ``Ledger.open`` or ``Ledger.existing`` instead.

        Args:
            store: The database.
            key: Key of the hashes, None when it is not known.
            clear: Which of ``custom_string`` and ``campaign`` are stored as they are.
            now: Returns the time, with a zone.
        """
        self._store = store
        self.privacy = Privacy(store, key, clear)
        self.outcomes = Outcomes(store, self.privacy, now)
        self.claims = Claims(store, self.privacy, now)
        self.schedules = Schedules(store, self.privacy, now)
        self.budgets = Budgets(store)
        self.reconciliation = Reconciliation(store, now)
        self.memory = Memory(store, self.privacy, now)

    @classmethod
    def open(  # noqa: PLR0913
        cls,
        url: str,
        *,
        api_url: str,
        user_id: str,
        pii_key: str | None = None,
        pii_key_file: str | None = None,
        clear: Collection[str] = (),
        now: Now = utc_now,
    ) -> Ledger:
        """Open an account's ledger; the first to do so makes it and binds it to the account.

        Args:
            url: SQLAlchemy's, of a SQLite file (one host, local disk) or a PostgreSQL database.
            api_url: Where the account is.
            user_id: Which it is; ``""`` where a hub does not say.
            pii_key: Key of the hashes; without one it is in a file.
            pii_key_file: That file, made at the first use; None: beside a SQLite ledger.
            clear: Which of ``custom_string`` and ``campaign`` are stored as they are.
            now: Returns the time, with a zone.

        Raises:
            LedgerError: It is another account's, made with another key, or newer than this code; or its key
                is not there.
        """
        store = Store(url)
        try:
            with store.write() as connection:
                migrate(connection)
                _bind(connection, api_url, user_id)
                key = settle_key(connection, pii_key, keyfile.place(url, pii_key_file))
                hide_clear_rows(connection, key, clear)
            return cls(store, key, clear, now)
        except BaseException:
            store.close()
            raise

    @classmethod
    def existing(
        cls,
        url: str,
        *,
        pii_key: str | None = None,
        pii_key_file: str | None = None,
        clear: Collection[str] = (),
        now: Now = utc_now,
    ) -> Ledger:
        """Open a ledger whosever it is; for reading, a user with no right to write will do, and no key.

        Raises:
            LedgerError: There is none, it was made with another key, or it is newer than this code.
        """
        store, path = Store(url, create=False), keyfile.place(url, pii_key_file)
        try:
            with store.read() as connection:
                found = existing_version(connection)
            if found < version():
                with store.write() as connection:
                    migrate(connection)
                    if (path or pii_key) and known_key(connection, pii_key, path):
                        hide_clear_rows(connection, settle_key(connection, pii_key, path), clear)
            with store.read() as connection:
                return cls(store, known_key(connection, pii_key, path), clear, now)
        except BaseException:
            store.close()
            raise

    @staticmethod
    def import_key(url: str, path: Path | None, key: str) -> None:
        """Write a key into a ledger's key file, where no other is; the ledger need not be there.

        Raises:
            LedgerError: The key is not valid, the file holds another, or the ledger was made with another
                and is not empty.
        """
        keyfile.check(key, path)
        store = Store(url)
        try:
            with store.write() as connection:
                migrate(connection)
                replace_key(connection, key)
            keyfile.make(path, key)
        finally:
            store.close()

    def close(self) -> None:
        """Close all connections."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _bind(connection: Connection, api_url: str, user_id: str) -> None:
    """Make the ledger this account's, at its first use.

    Where nobody says whose account it is (``user_id`` is empty), the address alone counts; of this machine's
    own addresses the port does not, since a local stand-in may have another one every day.

    Raises:
        LedgerError: It is another account's.
    """
    for name, value in {"api_url": _address(api_url), "user_id": user_id}.items():
        bound = read_meta(connection, name) if value else value
        if bound is None:
            write_meta(connection, name, value)
        elif bound != value:
            raise LedgerError(
                f"The ledger belongs to {name} {bound}, not to {value}: it knows nothing of what was sent"
                " there. Set ledger_url to another ledger."
            )


def _address(api_url: str) -> str:
    parts = urlsplit(api_url.rstrip("/"))
    host = parts.hostname or ""
    return parts._replace(netloc=host).geturl() if is_loopback(host) else parts.geturl()
