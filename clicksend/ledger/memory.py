"""What the target remembers: opt-outs, contacts missing from inputs, values that do not stick."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from clicksend.ledger.recording import slices
from clicksend.ledger.records import outcome_id
from clicksend.ledger.store import insert
from clicksend.ledger.tables import contact_keys, missing, opt_ins, opt_outs, written
from clicksend.ledger.writing import WANTED

CONTACTS = "contacts"
REPLY = "reply"


def add_opt_outs(
    connection: Connection, hashes: Iterable[str], source: str, kind: str, now: datetime
) -> None:
    """Note opt-outs, and when they were last seen."""
    statement = insert(connection.dialect, opt_outs)
    rows = [{"hash": one, "source": source, "kind": kind, "seen_at": now} for one in set(hashes)]
    if rows:
        seen = statement.on_conflict_do_update(
            index_elements=list(opt_outs.primary_key), set_={"seen_at": statement.excluded.seen_at}
        )
        connection.execute(seen, rows)


def add_stops(connection: Connection, written_at: Mapping[str, float], now: datetime) -> None:
    """Note who replied STOP, and when (Unix seconds); not where a person opted them in since."""
    query = select(opt_ins.c.hash, opt_ins.c.opted_in_at).join(WANTED, opt_ins.c.hash == WANTED.c.key)
    found = connection.execute(query, {"wanted": dict.fromkeys(written_at)})
    opted_in_at = {row.hash: row.opted_in_at.timestamp() for row in found}
    stops = [one for one, at in written_at.items() if one not in opted_in_at or at > opted_in_at[one]]
    add_opt_outs(connection, stops, REPLY, "phone", now)


def opt_in(connection: Connection, hashed: str, reason: str, now: datetime) -> set[str]:
    """Undo the STOPs of a number on a person's word; return by what sources it was opted out."""
    query = select(opt_outs.c.source).where(opt_outs.c.hash == hashed)
    sources = set(connection.execute(query).scalars())
    connection.execute(delete(opt_outs).where(opt_outs.c.hash == hashed, opt_outs.c.source == REPLY))
    noted = {"reason": reason, "opted_in_at": now}
    statement = insert(connection.dialect, opt_ins).values(hash=hashed, **noted)
    connection.execute(statement.on_conflict_do_update(index_elements=[opt_ins.c.hash], set_=noted))
    return sources


def drop_opt_outs(connection: Connection, source: str, seen_before: datetime) -> int:
    """Forget opt-outs of a source that were last seen before a time; return how many."""
    stale = delete(opt_outs).where(opt_outs.c.source == source, opt_outs.c.seen_at < seen_before)
    return connection.execute(stale).rowcount


def opted_out(connection: Connection, hashes: Collection[str]) -> set[str]:
    """Return those of the hashes that have opted out."""
    query = select(opt_outs.c.hash).join(WANTED, opt_outs.c.hash == WANTED.c.key)
    return set(connection.execute(query, {"wanted": dict.fromkeys(hashes)}).scalars())


def contacts_of(connection: Connection, keys: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, int]]:
    """Return list_id and contact_id of the contact that each key of ``contacts`` was last written as."""
    key_of = {
        outcome_id(CONTACTS, one): key for key, older in keys.items() for one in (*reversed(older), key)
    }
    query = select(contact_keys).join(WANTED, contact_keys.c.outcome_id == WANTED.c.key)
    found = {row.outcome_id: row for row in connection.execute(query, {"wanted": dict.fromkeys(key_of)})}
    # A key as it is spelled now stands last: it knows better.
    return {
        key: (found[name].list_id, found[name].contact_id) for name, key in key_of.items() if name in found
    }


def set_contacts(connection: Connection, contacts: Mapping[str, tuple[int, int]]) -> None:
    """Note which contact each key of ``contacts`` is; list_id and contact_id."""
    statement = insert(connection.dialect, contact_keys)
    changed = statement.on_conflict_do_update(
        index_elements=[contact_keys.c.outcome_id],
        set_={"list_id": statement.excluded.list_id, "contact_id": statement.excluded.contact_id},
    )
    rows = [
        {"outcome_id": outcome_id(CONTACTS, key), "list_id": list_id, "contact_id": contact_id}
        for key, (list_id, contact_id) in contacts.items()
    ]
    if rows:
        connection.execute(changed, rows)


def missing_from(connection: Connection, list_id: int) -> dict[int, int]:
    """Return how often in a row a list's contacts were missing, by contact_id."""
    query = select(missing.c.contact_id, missing.c.times).where(missing.c.list_id == list_id)
    return {row.contact_id: row.times for row in connection.execute(query)}


def set_missing(connection: Connection, list_id: int, times: Mapping[int, int]) -> None:
    """Replace what is known of a list."""
    connection.execute(delete(missing).where(missing.c.list_id == list_id))
    if times:
        rows = [{"list_id": list_id, "contact_id": one, "times": count} for one, count in times.items()]
        connection.execute(missing.insert(), rows)


def what_was_written(connection: Connection, contact_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Return the hashes of what was wanted and found, by contact_id."""
    return {
        row.contact_id: (row.wanted, row.found)
        for some in slices(list(contact_ids))
        for row in connection.execute(select(written).where(written.c.contact_id.in_(some)))
    }


def set_written(connection: Connection, hashes: Mapping[int, tuple[str, str]]) -> None:
    """Note the hashes of what was wanted and found, by contact_id."""
    statement = insert(connection.dialect, written)
    changed = statement.on_conflict_do_update(
        index_elements=[written.c.contact_id],
        set_={"wanted": statement.excluded.wanted, "found": statement.excluded.found},
    )
    rows = [{"contact_id": one, "wanted": wanted, "found": found} for one, (wanted, found) in hashes.items()]
    if rows:
        connection.execute(changed, rows)
