"""How a ledger hides whom its rows are about: the key of its hashes, hashing, and forgetting a person."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace
from sqlalchemy import Connection, Row, bindparam, delete, select, update

from clicksend.errors import LedgerError
from clicksend.hashing import hasher, text_hasher, unkeyed_hasher
from clicksend.key_values import is_impersonal, normalize, normalize_older
from clicksend.ledger import keyfile
from clicksend.ledger.records import (
    IN_HAND,
    TOKEN,
    Claim,
    Forgotten,
    OlderKeys,
    Outcome,
    outcome_id,
    outcome_id_of,
)
from clicksend.ledger.schema import (
    CLEAR_ROWS,
    HASH_KEY,
    KEYED,
    OLDER_KEYS,
    UNKEYED,
    VERSION_3_KEYS,
    contact_keys,
    meta,
    opt_ins,
    opt_outs,
    outcomes,
    read_meta,
    write_meta,
    written,
)
from clicksend.ledger.store import Store

FINGERPRINT = "hash_key_fingerprint"
"""Name in meta of what the key of the hashes is recognised by."""
HASHED = (outcomes, opt_outs, opt_ins, contact_keys, written)
"""Tables whose rows are known by hashes."""
HASH = re.compile(r"[0-9a-f]{64}")
HIDDEN = ("key", "source_key", "custom_string", "campaign")
"""Columns of what rows bring."""
PAGE = 5000
"""Rows that are in memory at once."""
FORGOTTEN = "(forgotten)"
"""What replaces the key of a row."""
SEPARATORS = ("", " ", "-", ".")

Record = TypeVar("Record", Outcome, Claim)


class Privacy:
    """The hashes under which a ledger stores what could tell who a row is about.

    Raises:
        LedgerError: From every method that hashes, when the key of the hashes is not known.
    """

    def __init__(self, store: Store, key: str | None, clear: Collection[str]) -> None:
        """Take the key.

        Args:
            store: The database.
            key: Key of the hashes, None when it is not known.
            clear: Which of ``custom_string`` and ``campaign`` are stored as they are.
        """
        self._store = store
        self._clear = frozenset(clear)
        self._key = key
        self._hashers = None if key is None else (lru_cache(IN_HAND)(hasher(key)), text_hasher(key))
        self._campaign = lru_cache(IN_HAND)(self.fingerprint)

    @property
    def key(self) -> str:
        """The key of the hashes."""
        if self._key is None:
            raise LedgerError(missing_key(None))
        return self._key

    @cached_property
    def key_id(self) -> str:
        """Eight hexadecimal digits that tell its key from others, and say nothing about it."""
        return self.fingerprint("id of the key")[:8]

    def hash(self, value: str) -> str:
        """Return the hash of a phone number or address, 64 hexadecimal digits, as the tap's ``pii: hash``."""
        return self._known_hashers()[0](value)

    def fingerprint(self, text: str) -> str:
        """Return the hash of a text as it is, with case and edges; for bodies and contents."""
        return self._known_hashers()[1](text)

    def _known_hashers(self) -> tuple[Callable[[str], str], Callable[[str], str]]:
        if self._hashers is None:
            raise LedgerError(missing_key(None))
        return self._hashers

    def hide(self, one: Record, sink: str) -> Record:
        """Return an outcome or a claim as it is stored: custom_string and campaign as hashes.

        Our own token stays, and so does what was declared clear.
        """
        custom_string, campaign = one.custom_string, one.campaign
        if custom_string and "custom_string" not in self._clear:
            is_ours = outcome_id_of(custom_string) == outcome_id(sink, one.key)
            custom_string = custom_string if is_ours else self.fingerprint(custom_string.strip())
        if campaign and "campaign" not in self._clear:
            campaign = self._campaign(campaign)
        if (custom_string, campaign) == (one.custom_string, one.campaign):
            return one
        return replace(one, custom_string=custom_string, campaign=campaign)

    def custom_strings(self, custom_string: str) -> set[str]:
        """Return the texts as which a custom_string, blanks around it aside, may be stored."""
        return {custom_string.strip(), self.fingerprint(custom_string.strip())}

    def keys(self, key: str) -> list[str]:
        """Return the texts as which a key may be stored; without the key of the hashes only itself."""
        return [key] if self._hashers is None else [key, self.fingerprint(key)]

    @cached_property
    def older_keys(self) -> OlderKeys | None:
        """How earlier versions have made keys that it knows, None where none has."""
        with self._store.read() as connection:
            are_spelled_otherwise = read_meta(connection, OLDER_KEYS) is not None
            made = read_meta(connection, VERSION_3_KEYS)
        if made is None and not are_spelled_otherwise:
            return None
        hashes = [unkeyed_hasher()] if made != KEYED else []
        if self._hashers is not None and made != UNKEYED:
            hashes.append(self._hashers[1])
        return OlderKeys(hashes=tuple(hashes), are_spelled_otherwise=are_spelled_otherwise)

    def expect_older_keys(self) -> None:
        """Look keys up as earlier versions made them, too, from now on: what is restored may have such."""
        with self._store.write() as connection:
            write_meta(connection, OLDER_KEYS, "true")
            # With or without a pii_key.
            write_meta(connection, VERSION_3_KEYS, "either")
        self.__dict__.pop("older_keys", None)

    def forget(self, number: str) -> Forgotten:
        """Remove a number (E.164) from all claims, and from keys and columns that are that number.

        The duplicate window no longer knows the number, and an unknown message to it can be confirmed by
        our own token only. That it opted out stays: forgetting that would text the person again. So do the
        ids of the rows: nothing is sent again.
        """
        hashed = self.hash(number)
        forms = written_forms(number)
        # Hashes of earlier versions were hashed again.
        older = [old(one) for one in forms for old in (self.older_keys.hashes if self.older_keys else ())]
        hashes = forms | {self.fingerprint(one) for one in (*forms, *older)}
        with self._store.write() as connection:
            claims = update(outcomes).where(outcomes.c.recipient_hash == hashed)
            messages = connection.execute(claims.values(recipient_hash=None, body_hash=None)).rowcount
            rows = list(_without(connection, hashes))
            if rows:
                connection.execute(_SET_HIDDEN, rows)
            by = select(opt_outs.c.source).where(opt_outs.c.hash == hashed).order_by(opt_outs.c.source)
            opted_in = select(opt_ins.c.hash).where(opt_ins.c.hash == hashed)
            return Forgotten(
                messages=messages,
                rows=len(rows),
                opted_out_by=tuple(connection.execute(by).scalars()),
                is_opted_in=connection.execute(opted_in).first() is not None,
            )


_SET_HIDDEN = (
    update(outcomes)
    .where(outcomes.c.outcome_id == bindparam("id"))
    .values({name: bindparam(f"new_{name}") for name in HIDDEN})
)


def _pages(connection: Connection) -> Iterator[Sequence[Row[Any]]]:
    """Yield the id and the hidden columns of all outcomes; what a page shows may be changed meanwhile."""
    query = select(outcomes.c.outcome_id, *(outcomes.c[name] for name in HIDDEN))
    query = query.order_by(outcomes.c.outcome_id).limit(PAGE)
    after = ""
    while rows := connection.execute(query.where(outcomes.c.outcome_id > after)).all():
        after = rows[-1].outcome_id
        yield rows


def _without(connection: Connection, hashes: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield new values for the rows that have one of a number's hashes."""
    for row in (row for page in _pages(connection) for row in page):
        named = json.loads(row.source_key) if row.source_key else {}
        # Integers may be declared clear.
        fits = [name for name, value in named.items() if str(value) in hashes]
        new = {
            "key": FORGOTTEN if fits or row.key in hashes else row.key,
            "source_key": json.dumps(named | dict.fromkeys(fits)) if fits else row.source_key,
            "custom_string": None if row.custom_string in hashes else row.custom_string,
            "campaign": None if row.campaign in hashes else row.campaign,
        }
        if new != {name: getattr(row, name) for name in HIDDEN}:
            yield {"id": row.outcome_id, **{f"new_{name}": value for name, value in new.items()}}


def written_forms(number: str) -> set[str]:
    """Return how a number (E.164) may have been written in a table."""
    import phonenumbers  # noqa: PLC0415, takes long

    parsed, kinds = phonenumbers.parse(number), phonenumbers.PhoneNumberFormat
    formats = (kinds.E164, kinds.INTERNATIONAL, kinds.NATIONAL, kinds.RFC3966)
    forms = {phonenumbers.format_number(parsed, one) for one in formats}
    forms |= {form.removeprefix("tel:") for form in forms}
    national = str(parsed.national_number)
    forms |= {number, f"{parsed.country_code} {national}", f"00 {parsed.country_code} {national}", national}
    forms |= {form.removeprefix("+") for form in forms}
    groups = {form: re.findall(r"\d+", form) for form in forms}
    for form, digits in groups.items():
        for separator in SEPARATORS:
            forms |= {separator.join(digits), f"{'+' * form.startswith('+')}{separator.join(digits)}"}
    return forms


# The key of the hashes


def settle_key(connection: Connection, pii_key: str | None, path: Path | None) -> str:
    """Return the key of the ledger's hashes; fix it at the first use, for all: a writer is alone.

    Versions 1 to 3 stored a random one in the database: it moves out.

    Args:
        connection: To the database, for writing.
        pii_key: The setting's.
        path: Where the key file is, or is to be.

    Raises:
        LedgerError: The ledger's hashes were made with another key, or the key is not there.
    """
    key = known_key(connection, pii_key, path)
    if key is None and read_meta(connection, FINGERPRINT) is not None:
        raise LedgerError(missing_key(path))
    if pii_key is None:
        made = keyfile.make(path, key)
        if key not in (None, made):
            raise LedgerError(_another_key(path))
        key = made
    elif key is None:
        key = pii_key
    _recognise(connection, key)
    return key


def replace_key(connection: Connection, key: str) -> None:
    """Let hashes be made with a key: it is the ledger's, or the ledger has none yet.

    Raises:
        LedgerError: The ledger was made with another key.
    """
    own, fingerprint = read_meta(connection, HASH_KEY), read_meta(connection, FINGERPRINT)
    if (own is None or own == key) and fingerprint in {None, _fingerprint(key)}:
        return
    if any(connection.execute(select(table).limit(1)).first() for table in HASHED):
        raise LedgerError(
            "The ledger was made with another key, and is not empty: import the key that it was made with. If"
            " it is new, and the one before it was lost, remove it, import the key, and refill it: clicksend"
            " ledger rebuild."
        )
    _recognise(connection, key)


def known_key(connection: Connection, pii_key: str | None, path: Path | None) -> str | None:
    """Return the key of the ledger's hashes, None when it is not there.

    Args:
        connection: To the database.
        pii_key: The setting's.
        path: Where the key file is.

    Raises:
        LedgerError: Another key is there.
    """
    own, fingerprint = read_meta(connection, HASH_KEY), read_meta(connection, FINGERPRINT)
    if own is not None:
        if pii_key not in (None, own):
            raise LedgerError(
                "The ledger's hashes were made without a pii_key: unset it, or set ledger_url to another"
                " ledger."
            )
        return own
    key = pii_key or keyfile.read(path)
    if key is not None and fingerprint and not hmac.compare_digest(fingerprint, _fingerprint(key)):
        raise LedgerError(_another_key(None if pii_key else path))
    return key if fingerprint else None


def _recognise(connection: Connection, key: str) -> None:
    write_meta(connection, FINGERPRINT, _fingerprint(key))
    connection.execute(delete(meta).where(meta.c.name == HASH_KEY))


def _fingerprint(key: str) -> str:
    return hmac.new(key.encode(), b"fingerprint of the ledger's key", hashlib.sha256).hexdigest()


def missing_key(path: Path | None) -> str:
    """Return the sentence that the key is not there, and what to do.

    Args:
        path: Where its file should be, None where no setting says it.
    """
    where = "pii_key is not set" if path is None else f"{path} is not there, nor is pii_key set"
    return (
        f"The key of the ledger's hashes is missing: {where}. Set the same pii_key, or bring back the key"
        " file (clicksend ledger key export where it is, clicksend ledger key import here). With a new key no"
        " row would be known, and all would go out AGAIN."
    )


def _another_key(path: Path | None) -> str:
    given = "this pii_key" if path is None else f"the key in {path}"
    return (
        f"The ledger's hashes were made with another key than {given}: set the pii_key, or bring back the key"
        " file, that it was made with (clicksend ledger key import)."
    )


# What earlier versions stored in clear


def hide_clear_rows(connection: Connection, key: str, clear: Collection[str]) -> None:
    """Hash what rows of earlier versions say about a person, once; ids and times stay.

    Args:
        connection: To the database, for writing.
        key: Key of the ledger's hashes.
        clear: Columns that are declared to be stored in clear.
    """
    if read_meta(connection, CLEAR_ROWS) is None:
        return
    older = _OlderRows(text_hasher(key), clear, are_keyed=read_meta(connection, VERSION_3_KEYS) == KEYED)
    for rows in _pages(connection):
        connection.execute(_SET_HIDDEN, [{"id": row.outcome_id, **older.hidden(row)} for row in rows])
    connection.execute(delete(meta).where(meta.c.name == CLEAR_ROWS))


class _OlderRows:
    """Rows of earlier versions.

    Attributes:
        are_keyed: Whether their hashes were made with the ledger's key, not without any.
    """

    def __init__(self, hashed: Callable[[str], str], clear: Collection[str], *, are_keyed: bool) -> None:
        self._hashed, self._clear, self.are_keyed = hashed, frozenset(clear), are_keyed

    def hidden(self, row: Row[Any]) -> dict[str, str | None]:
        """Return the new values of a row's columns."""
        custom_string, campaign = row.custom_string, row.campaign
        is_ours = custom_string is None or outcome_id_of(custom_string) == row.outcome_id
        if not is_ours and "custom_string" not in self._clear:
            custom_string = self._hashed(custom_string.strip())
        if campaign and "campaign" not in self._clear:
            campaign = self._hashed(campaign)
        return {
            "new_key": row.key if TOKEN.fullmatch(row.key) else self._hide(row.key),
            "new_source_key": self._source_key(row.source_key),
            "new_custom_string": custom_string,
            "new_campaign": campaign,
        }

    def _source_key(self, text: str | None) -> str | None:
        try:
            values = json.loads(text or "null")
        except ValueError:
            return None
        if not isinstance(values, dict):
            return None
        return json.dumps(
            {name: value if name in self._clear else self._hide(value) for name, value in values.items()}
        )

    def _hide(self, value: Any) -> Any:
        if is_impersonal(value, normalize(value)):
            return value
        is_ours = self.are_keyed and isinstance(value, str) and HASH.fullmatch(value)
        return value if is_ours else self._hashed(normalize_older(value))
