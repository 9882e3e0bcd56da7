"""What the target remembers between runs: opt-outs, contacts, streams, and how far something was read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from clicksend.ledger.privacy import Privacy
from clicksend.ledger.records import outcome_id
from clicksend.ledger.schema import (
    IS_FINAL,
    OLDER_KEYS,
    contact_keys,
    meta,
    missing,
    opt_ins,
    opt_outs,
    outcomes,
    read_meta,
    write_meta,
    written,
)
from clicksend.ledger.store import WANTED, Store, insert, slices

CONTACTS = "contacts"
REPLY = "reply"
CURSOR = "cursor:"
"""Prefix of the names in meta that say how far something was read."""
STREAM = "stream:"
"""Prefix of the names in meta that say which streams, by the columns of their keys, have sent anything."""


class Memory:
    """What the target remembers.

    Raises:
        LedgerError: From every method, when the database cannot be used; then nothing was changed.
    """

    def __init__(self, store: Store, privacy: Privacy, now: Callable[[], datetime]) -> None:
        """Take the database, what hashes numbers, and the clock."""
        self._store = store
        self._privacy = privacy
        self._now = now

    # Opt-outs

    def add_opt_outs(self, hashes: Iterable[str], *, source: str, kind: str) -> None:
        """Record who has opted out, and that it was seen now.

        Args:
            hashes: Of numbers or addresses.
            source: ``list`` or ``reply``.
            kind: ``phone`` or ``email``.
        """
        with self._store.write() as connection:
            self._add_opt_outs(connection, hashes, source, kind)

    def _add_opt_outs(self, connection: Connection, hashes: Iterable[str], source: str, kind: str) -> None:
        now = self._now()
        rows = [{"hash": one, "source": source, "kind": kind, "seen_at": now} for one in set(hashes)]
        statement = insert(connection.dialect, opt_outs)
        if rows:
            seen = statement.on_conflict_do_update(
                index_elements=list(opt_outs.primary_key), set_={"seen_at": statement.excluded.seen_at}
            )
            connection.execute(seen, rows)

    def add_stops(self, written_at: Mapping[str, float]) -> None:
        """Record who replied STOP; a reply that is older than the number's opt-in does not count.

        Args:
            written_at: When (Unix seconds) the last STOP was written, by the hash of its number.
        """
        query = select(opt_ins.c.hash, opt_ins.c.opted_in_at).join(WANTED, opt_ins.c.hash == WANTED.c.key)
        with self._store.write() as connection:
            found = connection.execute(query, {"wanted": dict.fromkeys(written_at)})
            opted_in_at = {row.hash: row.opted_in_at.timestamp() for row in found}
            stops = [one for one, at in written_at.items() if one not in opted_in_at or at > opted_in_at[one]]
            self._add_opt_outs(connection, stops, REPLY, "phone")

    def opt_in(self, number: str, reason: str) -> set[str]:
        """Undo the STOPs of a number on a person's word, and record it; a STOP that comes later counts.

        What the Opt-Out List says stays. No program may call this of its own accord.

        Args:
            number: E.164.
            reason: Why, in the person's words; stored, and shown nowhere.

        Returns:
            By what the number was opted out: ``reply`` (undone now), ``list`` (still so).
        """
        hashed = self._privacy.hash(number)
        query = select(opt_outs.c.source).where(opt_outs.c.hash == hashed)
        with self._store.write() as connection:
            values = {"reason": reason, "opted_in_at": self._now()}
            sources = set(connection.execute(query).scalars())
            connection.execute(delete(opt_outs).where(opt_outs.c.hash == hashed, opt_outs.c.source == REPLY))
            statement = insert(connection.dialect, opt_ins).values(hash=hashed, **values)
            connection.execute(statement.on_conflict_do_update(index_elements=[opt_ins.c.hash], set_=values))
        return sources

    def drop_opt_outs(self, source: str, *, seen_before: datetime) -> int:
        """Take off who is no longer in a source, after the whole of it was added; return how many."""
        stale = delete(opt_outs).where(opt_outs.c.source == source, opt_outs.c.seen_at < seen_before)
        with self._store.write() as connection:
            return connection.execute(stale).rowcount

    def opted_out(self, hashes: Collection[str]) -> set[str]:
        """Return those of the hashes that have opted out."""
        query = select(opt_outs.c.hash).join(WANTED, opt_outs.c.hash == WANTED.c.key)
        with self._store.read() as connection:
            return set(connection.execute(query, {"wanted": dict.fromkeys(hashes)}).scalars())

    # How far something was read

    def cursor(self, name: str) -> str | None:
        """Return how far something was read, such as ``opt_outs_read_at``; None where it never was."""
        with self._store.read() as connection:
            return read_meta(connection, f"{CURSOR}{name}")

    def set_cursor(self, name: str, value: str) -> None:
        """Record how far something was read."""
        with self._store.write() as connection:
            write_meta(connection, f"{CURSOR}{name}", value)

    # Contacts

    def contacts_of(self, keys: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, int]]:
        """Return list_id and contact_id of what each key of ``contacts`` last was, where that is known.

        Args:
            keys: With each key, the forms that earlier versions gave it, the likelier first.
        """
        key_of = {
            outcome_id(CONTACTS, one): key for key, older in keys.items() for one in (*reversed(older), key)
        }
        query = select(contact_keys).join(WANTED, contact_keys.c.outcome_id == WANTED.c.key)
        with self._store.read() as connection:
            rows = connection.execute(query, {"wanted": dict.fromkeys(key_of)})
            found = {row.outcome_id: (row.list_id, row.contact_id) for row in rows}
        # A key as it is made now stands last: it knows better.
        return {key: found[name] for name, key in key_of.items() if name in found}

    def set_contacts(self, contacts: Mapping[str, tuple[int, int]]) -> None:
        """Record which contact each key of ``contacts`` is: list_id and contact_id."""
        rows = [
            {"outcome_id": outcome_id(CONTACTS, key), "list_id": list_id, "contact_id": contact_id}
            for key, (list_id, contact_id) in contacts.items()
        ]
        with self._store.write() as connection:
            statement = insert(connection.dialect, contact_keys)
            changed = statement.on_conflict_do_update(
                index_elements=[contact_keys.c.outcome_id],
                set_={"list_id": statement.excluded.list_id, "contact_id": statement.excluded.contact_id},
            )
            if rows:
                connection.execute(changed, rows)

    def missing(self, list_id: int) -> dict[int, int]:
        """Return in how many inputs in a row a list's contacts were missing, by contact_id."""
        query = select(missing.c.contact_id, missing.c.times).where(missing.c.list_id == list_id)
        with self._store.read() as connection:
            return {row.contact_id: row.times for row in connection.execute(query)}

    def set_missing(self, list_id: int, times: Mapping[int, int]) -> None:
        """Replace what is known of a list: in how many inputs in a row each contact_id was missing."""
        rows = [{"list_id": list_id, "contact_id": one, "times": count} for one, count in times.items()]
        with self._store.write() as connection:
            connection.execute(delete(missing).where(missing.c.list_id == list_id))
            if rows:
                connection.execute(missing.insert(), rows)

    def written(self, contact_ids: Collection[int]) -> dict[int, tuple[str, str]]:
        """Return fingerprints of contacts that read back different: (wanted, found) by contact_id."""
        with self._store.read() as connection:
            return {
                row.contact_id: (row.wanted, row.found)
                for some in slices(list(contact_ids))
                for row in connection.execute(select(written).where(written.c.contact_id.in_(some)))
            }

    def set_written(self, hashes: Mapping[int, tuple[str, str]]) -> None:
        """Record fingerprints of contacts that read back different: (wanted, found) by contact_id."""
        rows = [
            {"contact_id": one, "wanted": wanted, "found": found} for one, (wanted, found) in hashes.items()
        ]
        with self._store.write() as connection:
            statement = insert(connection.dialect, written)
            changed = statement.on_conflict_do_update(
                index_elements=[written.c.contact_id],
                set_={"wanted": statement.excluded.wanted, "found": statement.excluded.found},
            )
            if rows:
                connection.execute(changed, rows)

    # Streams

    def knows_stream(self, sink: str, stream: str, namespace: str, names: Sequence[str]) -> bool:
        """Return whether a stream has sent anything with keys of that namespace and those columns."""
        head, tail = _stream_name(sink, stream, namespace, names)
        with self._store.read() as connection:
            names_of_stream = select(meta.c.name).where(meta.c.name.startswith(head))
            known = connection.execute(names_of_stream).scalars().all()
            if known or read_meta(connection, OLDER_KEYS) is None:
                return head + tail in known
            # An earlier version has recorded no streams; what went to somebody's own phone has no source key.
            query = select(outcomes.c.source_key).where(outcomes.c.sink == sink, outcomes.c.stream == stream)
            query = query.where(IS_FINAL, outcomes.c.source_key != "{}").limit(1)
            first = connection.execute(query).scalar()
        return first is not None and set(json.loads(first)) <= {*names, "idempotency_key"}

    def add_stream(self, sink: str, stream: str, namespace: str, names: Sequence[str]) -> None:
        """Record that a stream sends with keys of that namespace and those columns."""
        with self._store.write() as connection:
            write_meta(connection, "".join(_stream_name(sink, stream, namespace, names)), "")


def _stream_name(sink: str, stream: str, namespace: str, names: Sequence[str]) -> tuple[str, str]:
    """Return the name in meta of a stream, and of its keys: the second follows the first."""
    head, tail = ([sink, stream], [namespace, *sorted(names)])
    hashed = [hashlib.sha256(json.dumps(part).encode()).hexdigest()[:24] for part in (head, tail)]
    return f"{STREAM}{hashed[0]}:", hashed[1]
