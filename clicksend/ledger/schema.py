"""The version of the ledger's tables, and whose ledger it is."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, inspect, select
from sqlalchemy.exc import DBAPIError

from clicksend.errors import LedgerError
from clicksend.hashing import unkeyed_hasher
from clicksend.ledger import keyfile
from clicksend.ledger.hiding import hide
from clicksend.ledger.migrations import MIGRATIONS
from clicksend.ledger.records import OlderKeys
from clicksend.ledger.store import insert, is_taken
from clicksend.ledger.tables import contact_keys, meta, metadata, opt_ins, opt_outs, outcomes, written
from clicksend.ledger.writing import IS_FINAL
from clicksend.settings import is_loopback

SINK = "sink:"
"""What the names of notes begin with that say which sinks have claimed anything; ``runs`` says it too, but
only of what is counted."""

OLDER_KEYS = "has_older_keys"
"""Name of the note that says that a version wrote outcomes which spelled keys otherwise."""
VERSION_3_KEYS = "version_3_keys"
"""Name of the note that says that version 3 or an earlier one made keys, and what they hashed them with."""
UNKEYED, KEYED = "unkeyed", "keyed"
CLEAR_ROWS = "has_clear_rows"
"""Name of the note that says that rows of these versions are not hidden yet."""
HASH_KEY = "hash_key"
"""Name under which versions 1 to 3 kept the key of the hashes."""
FINGERPRINT = "hash_key_fingerprint"
"""Name of the note by which the key of the hashes is known."""
STREAM = "stream:"
"""What the names of notes begin with that say which streams, by their keys' names, have sent anything."""

HASHED = (outcomes, opt_outs, opt_ins, contact_keys, written)
"""Tables whose rows are known by hashes."""

FOREIGN = (
    "The database holds other tables of the ledger's names: give the ledger a database or a schema of its"
    " own (on PostgreSQL add ?options=-csearch_path%3Dname to ledger_url)."
)


def version() -> int:
    """Return the version that this code reads and writes."""
    return 1 + len(MIGRATIONS)


def migrate(connection: Connection) -> None:
    """Bring the tables to the newest version; a writer is alone, so one process does it.

    Raises:
        LedgerError: The ledger is newer than this code, or the tables are somebody else's.
    """
    found = found_version(connection)
    if found is None:
        _create(connection)
    else:
        for migration in MIGRATIONS[found - 1 :]:
            migration(connection)
    write(connection, "schema_version", str(version()))


def found_version(connection: Connection) -> int | None:
    """Return the version of the tables, None when there are none.

    Raises:
        LedgerError: The ledger is newer than this code, or the tables are somebody else's.
    """
    inspector = inspect(connection)
    if not inspector.has_table("meta"):
        return None
    if {column["name"] for column in inspector.get_columns("meta")} != set(meta.columns.keys()):
        raise LedgerError(FOREIGN)
    found = read(connection, "schema_version")
    if found is None:
        raise LedgerError(FOREIGN)
    if int(found) > version():
        raise LedgerError(
            f"The ledger has version {found}, but this program knows only versions up to {version()}:"
            " upgrade singer-clicksend."
        )
    return int(found)


def existing_version(connection: Connection) -> int:
    """Return the version of tables that must be there.

    Raises:
        LedgerError: There are none, or none of ours, or they are newer than this code.
    """
    found = found_version(connection)
    if found is None:
        raise LedgerError("There is no ledger yet: check ledger_url, or let the target run first.")
    return found


def bind(connection: Connection, api_url: str, user_id: str) -> None:
    """Make the ledger this account's, at its first use.

    Where nobody says whose account it is (``user_id`` is empty), the address alone counts; of this machine's
    own addresses the port does not, since a local stand-in may have another one every day.

    Raises:
        LedgerError: It is another account's.
    """
    for name, value in {"api_url": _address(api_url), "user_id": user_id}.items():
        bound = read(connection, name) if value else value
        if bound is None:
            write(connection, name, value)
        elif bound != value:
            raise LedgerError(
                f"The ledger belongs to {name} {bound}, not to {value}: it knows nothing of what was sent"
                " there. Set ledger_url to another ledger."
            )


def _address(api_url: str) -> str:
    parts = urlsplit(api_url.rstrip("/"))
    host = parts.hostname or ""
    return parts._replace(netloc=host).geturl() if is_loopback(host) else parts.geturl()


def settle_key(connection: Connection, pii_key: str | None, path: Path | None) -> str:
    """Return the key of the ledger's hashes; fix it at the first use, for all: a writer is alone.

    Versions 1 to 3 kept a random one in the database: it moves out.

    Args:
        connection: To the database, for writing.
        pii_key: The setting's.
        path: Where the key file is, or is to be.

    Raises:
        LedgerError: The ledger's hashes were made with another key, or the key is not there.
    """
    key = known_key(connection, pii_key, path)
    if key is None and read(connection, FINGERPRINT) is not None:
        raise LedgerError(missing(path))
    if pii_key is None:
        made = keyfile.make(path, key)
        if key not in (None, made):
            raise LedgerError(another(path))
        key = made
    elif key is None:
        key = pii_key
    write(connection, FINGERPRINT, _fingerprint(key))
    connection.execute(delete(meta).where(meta.c.name == HASH_KEY))
    return key


def replace_key(connection: Connection, key: str) -> None:
    """Let hashes be made with a key: it is the ledger's, or the ledger has none yet.

    Raises:
        LedgerError: The ledger was made with another key.
    """
    own, fingerprint = read(connection, HASH_KEY), read(connection, FINGERPRINT)
    if (own is None or own == key) and fingerprint in {None, _fingerprint(key)}:
        return
    if any(connection.execute(select(table).limit(1)).first() for table in HASHED):
        raise LedgerError(
            "The ledger was made with another key, and is not empty: import the key that it was made with. If"
            " it is new, and the one before it was lost, remove it, import the key, and refill it: clicksend"
            " ledger rebuild."
        )
    write(connection, FINGERPRINT, _fingerprint(key))
    connection.execute(delete(meta).where(meta.c.name == HASH_KEY))


def known_key(connection: Connection, pii_key: str | None, path: Path | None) -> str | None:
    """Return the key of the ledger's hashes, None when it is not there.

    Raises:
        LedgerError: Another key is there.
    """
    own, fingerprint = read(connection, HASH_KEY), read(connection, FINGERPRINT)
    if own is not None:
        if pii_key not in (None, own):
            raise LedgerError(
                "The ledger's hashes were made without a pii_key: unset it, or set ledger_url to another"
                " ledger."
            )
        return own
    key = pii_key or keyfile.read(path)
    if key is not None and fingerprint and not hmac.compare_digest(fingerprint, _fingerprint(key)):
        raise LedgerError(another(None if pii_key else path))
    return key if fingerprint else None


def missing(path: Path | None) -> str:
    """Say that the key is not there, and what to do."""
    where = "pii_key is not set" if path is None else f"{path} is not there, nor is pii_key set"
    return (
        f"The key of the ledger's hashes is missing: {where}. Set the same pii_key, or bring back the key"
        " file (clicksend ledger key export where it is, clicksend ledger key import here). With a new key no"
        " row would be known, and all would go out AGAIN."
    )


def another(path: Path | None) -> str:
    """Say that a key is not the ledger's, and what to do."""
    given = "this pii_key" if path is None else f"the key in {path}"
    return (
        f"The ledger's hashes were made with another key than {given}: set the pii_key, or bring back the key"
        " file, that it was made with (clicksend ledger key import)."
    )


def older_keys(connection: Connection, hashed: Callable[[str], str] | None) -> OlderKeys | None:
    """Return how earlier versions have made keys, None where none has.

    Args:
        connection: To the database.
        hashed: Makes the ledger's hashes, None where its key is not known.
    """
    are_spelled_otherwise = read(connection, OLDER_KEYS) is not None
    made = read(connection, VERSION_3_KEYS)
    if made is None and not are_spelled_otherwise:
        return None
    hashes = [unkeyed_hasher()] if made != KEYED else []
    if hashed is not None and made != UNKEYED:
        hashes.append(hashed)
    return OlderKeys(hashes=tuple(hashes), are_spelled_otherwise=are_spelled_otherwise)


def expect_older_keys(connection: Connection) -> None:
    """Note that an earlier version, with or without a pii_key, may have made keys."""
    write(connection, OLDER_KEYS, "true")
    write(connection, VERSION_3_KEYS, "either")


def hide_clear_rows(connection: Connection, hashed: Callable[[str], str], clear: Collection[str]) -> None:
    """Hash what earlier versions have stored in clear, once."""
    if read(connection, CLEAR_ROWS) is None:
        return
    hide(connection, hashed, clear, is_keyed=read(connection, VERSION_3_KEYS) == KEYED)
    connection.execute(delete(meta).where(meta.c.name == CLEAR_ROWS))


def read(connection: Connection, name: str) -> str | None:
    """Return what is noted under a name."""
    return connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar()


def write(connection: Connection, name: str, value: str) -> None:
    """Note something under a name."""
    statement = insert(connection.dialect, meta).values(name=name, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=[meta.c.name], set_={"value": value}))


def knows_stream(
    connection: Connection, sink: str, stream: str, namespace: str, names: Sequence[str]
) -> bool:
    """Return whether a stream has sent anything with keys of that namespace and those names."""
    head, tail = _stream_note(sink, stream, namespace, names)
    noted = connection.execute(select(meta.c.name).where(meta.c.name.startswith(head))).scalars().all()
    if noted or read(connection, OLDER_KEYS) is None:
        return head + tail in noted
    # An earlier version has noted no streams; what went to somebody's own phone has no source key.
    query = select(outcomes.c.source_key).where(outcomes.c.sink == sink, outcomes.c.stream == stream)
    first = connection.execute(query.where(IS_FINAL, outcomes.c.source_key != "{}").limit(1)).scalar()
    return first is not None and set(json.loads(first)) <= {*names, "idempotency_key"}


def note_stream(connection: Connection, sink: str, stream: str, namespace: str, names: Sequence[str]) -> None:
    """Note that a stream sends with keys of that namespace and those names."""
    write(connection, "".join(_stream_note(sink, stream, namespace, names)), "")


def _stream_note(sink: str, stream: str, namespace: str, names: Sequence[str]) -> tuple[str, str]:
    head, tail = ([sink, stream], [namespace, *sorted(names)])
    hashed = [hashlib.sha256(json.dumps(part).encode()).hexdigest()[:24] for part in (head, tail)]
    return f"{STREAM}{hashed[0]}:", hashed[1]


def _create(connection: Connection) -> None:
    try:
        metadata.create_all(connection, checkfirst=False)
    except DBAPIError as error:
        if is_taken(error):
            raise LedgerError(FOREIGN) from None
        raise


def _fingerprint(pii_key: str) -> str:
    return hmac.new(pii_key.encode(), b"fingerprint of the ledger's key", hashlib.sha256).hexdigest()
