"""The file with the key of a ledger's hashes: beside the ledger or where a setting says, never in it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from clicksend.errors import LedgerError, LedgerUrlError

LONGEST = 10_000
"""Characters of a key that is imported; more is another file by mistake."""
SHORTEST = 16
"""Characters; as of the setting ``pii_key``."""
NOWHERE = (
    "The key of a PostgreSQL ledger's hashes has no place yet: set pii_key_file to a file that stays, where"
    " it is made at the first use, or pii_key. Every worker needs the same one."
)


def place(ledger_url: str, pii_key_file: str | None) -> Path | None:
    """Return where a ledger's key file is; None for a PostgreSQL ledger where no setting says it."""
    return Path(pii_key_file) if pii_key_file else beside(ledger_url)


def beside(ledger_url: str) -> Path | None:
    """Return the path of the key file beside a SQLite ledger, None for another."""
    try:
        url = make_url(ledger_url)
    except ArgumentError:
        return None
    is_file = url.drivername.startswith("sqlite") and url.database
    return Path(f"{url.database}.key") if is_file else None


def read(path: Path | None) -> str | None:
    """Return the key in a file, None where there is no file.

    Raises:
        LedgerError: It cannot be read, or holds no key.
    """
    if path is None:
        return None
    try:
        key = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not a valid text"
        raise LedgerError(
            f"The ledger's key file {path} cannot be read: {said}. Check pii_key_file."
        ) from None
    if len(key) < SHORTEST:
        raise LedgerError(
            f"The ledger's key file {path} does not hold a valid key: bring back the right one (clicksend"
            " ledger key import)."
        )
    return key


def check(key: str, path: Path | None) -> None:
    """Look whether a key is one, and may be written to a file.

    Raises:
        LedgerError: It is not, or the file holds another.
    """
    if not SHORTEST <= len(key) < LONGEST or "\n" in key:
        raise LedgerError(f"That is not a valid key: it is one line of at least {SHORTEST} characters.")
    if path is None:
        raise LedgerUrlError(NOWHERE)
    if read(path) not in {None, key}:
        raise LedgerError(f"{path} holds another key: move it away first, if no ledger needs it.")


def make(path: Path | None, key: str | None = None) -> str:
    """Write a key, a random one unless it is given; return what the file holds then, which it may have had.

    It is on disk when this returns, whole and readable by its owner only; of several that make one, all get
    the first.

    Raises:
        LedgerError: It cannot be written, or there is no place for it (``LedgerUrlError``).
    """
    if path is None:
        raise LedgerUrlError(NOWHERE)
    if found := read(path):
        return found
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        _write(draft, key or secrets.token_hex(32))
        with suppress(FileExistsError):
            # Not replaced: another process may have made one meanwhile.
            os.link(draft, path)
        _sync(path.absolute().parent)
    except OSError as error:
        raise LedgerError(
            f"The ledger's key file {path} cannot be written: {error.strerror}. Check pii_key_file, or set"
            " pii_key."
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    return read(path) or make(path, key)


def _write(path: Path, key: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{key}\n")
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
