"""What ``ledger_url`` names: a plain file that only its owner reads, or a PostgreSQL reached safely."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from clicksend import private_files
from clicksend.errors import LedgerError, LedgerUrlError
from clicksend.settings import is_loopback

FORM = "sqlite:///file.db, or postgresql+psycopg://user@host/database"
_CREATING = Lock()


def parsed(url: str) -> URL:
    """Read a URL; one of a PostgreSQL on another machine asks for TLS, unless it says ``sslmode`` itself.

    Raises:
        LedgerUrlError: It is not a valid one.
    """
    try:
        read = make_url(url)
        backend = read.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        backend = ""
    if backend == "sqlite":
        if read.database in (None, "", ":memory:") or "uri" in read.query:
            raise LedgerUrlError("ledger_url must name a plain file: a database in memory ends with the run.")
        if read.host or read.username or read.password:
            raise LedgerUrlError("ledger_url names a host before its file: write sqlite:///file.db.")
        return read
    if backend != "postgresql":
        raise LedgerUrlError(f"ledger_url must be a SQLAlchemy URL: {FORM}.")
    if read.drivername == "postgresql":
        read = read.set(drivername="postgresql+psycopg")
    if read.get_driver_name() not in {"psycopg", "psycopg2"}:
        raise LedgerUrlError("ledger_url must begin with postgresql+psycopg://: other drivers do not work.")
    return read if _is_safe(read) else read.update_query_dict({"sslmode": "require"})


def _is_safe(url: URL) -> bool:
    """Return whether somebody chose how to connect, or no network lies between.

    The environment's PGSSLMODE, or the file of a service, may ask for more than we would.
    """
    if "sslmode" in url.query or "service" in url.query or {"PGSSLMODE", "PGSERVICE"} & os.environ.keys():
        return True
    return all(host.startswith(("/", "@")) or is_loopback(host.lower()) for host in _hosts(url))


def _hosts(url: URL) -> Iterator[str]:
    """Yield the hosts that libpq (its manual, 32.1.2) would try; none at all means a socket."""
    named = [url.host or "", *_values(url, "host")]
    if not any(named):
        named = [os.environ.get("PGHOST", "")]
    addresses = _values(url, "hostaddr") or [os.environ.get("PGHOSTADDR", "")]
    for host in ",".join([*named, *addresses]).split(","):
        # SQLAlchemy takes ports in the query's hosts
        bare, _, port = host.rpartition(":")
        if name := bare if port.isdecimal() and ":" not in bare else host:
            yield name


def _values(url: URL, name: str) -> list[str]:
    value = url.query.get(name, ())
    return [value] if isinstance(value, str) else list(value)


def make_private(path: Path, *, create: bool) -> None:
    """See to it that only its owner can read a SQLite file, from before its first byte on.

    SQLite gives its log the same mode. A file that exists is never opened here: closing it would end
    the locks of all connections of this process (POSIX, fcntl).

    Raises:
        LedgerError: The file or its folder does not exist, or is not usable.
    """
    try:
        with suppress(FileExistsError), _CREATING:
            if create:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, private_files.MODE))
        is_plain = stat.S_ISREG(path.lstat().st_mode)
        private_files.close_to_others(path)
    except FileNotFoundError:
        what = "The folder of the ledger" if create else "The ledger"
        where = "" if path.is_absolute() else " in the current folder"
        raise LedgerError(f"{what} {path} does not exist{where}: check ledger_url.") from None
    except OSError as error:
        raise LedgerError(
            f"The ledger's file {path} cannot be used: {error.strerror}. Check ledger_url."
        ) from None
    if not is_plain:
        raise LedgerUrlError(
            f"ledger_url must name a plain file, but {path} is a link, a folder or a device: name the file."
        )
