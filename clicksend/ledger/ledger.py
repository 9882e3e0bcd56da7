"""The ledger, as target, tap and command line use it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from msgspec.structs import replace

from clicksend.errors import LedgerError
from clicksend.hashing import hasher, text_hasher
from clicksend.ledger import (
    claiming,
    keyfile,
    memory,
    reading,
    reconciling,
    recording,
    refilling,
    schema,
    unanswered,
)
from clicksend.ledger.forgetting import Forgotten, forget, hashes_of
from clicksend.ledger.reading import Columns
from clicksend.ledger.records import (
    IN_HAND,
    Claim,
    Confirmation,
    Known,
    OlderKeys,
    OpenClaim,
    Outcome,
    ScheduledMessage,
    Sent,
    Unknown,
    outcome_id,
    outcome_id_of,
)
from clicksend.ledger.store import Store
from clicksend.ledger.tables import INDEX_OF_RECIPIENTS

Now = Callable[[], datetime]
Kept = TypeVar("Kept", Outcome, Claim)


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Ledger:
    """The durable record of what was sent to ClickSend and what came of every row.

    What a method wrote is on disk when it returns. Threads may share a ledger; processes may share a
    database.

    Raises:
        LedgerError: From every method, when the database cannot be used; then nothing was changed.
    """

    def __init__(self, store: Store, key: str | None, clear: Collection[str], now: Now) -> None:
        """Use ``Ledger.open`` or ``Ledger.existing`` instead.

        Args:
            store: The database.
            key: Key of the hashes, None when it is not known.
            clear: Which of ``custom_string`` and ``campaign`` are kept as they are.
            now: Returns the time.
        """
        self._store = store
        self._now = now
        self._clear = frozenset(clear)
        self._finds_recipients = False
        self._key = key
        self._hashers = None if key is None else (lru_cache(IN_HAND)(hasher(key)), text_hasher(key))
        self._label = lru_cache(IN_HAND)(self.fingerprint)

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
            clear: Which of ``custom_string`` and ``campaign`` are kept as they are.
            now: Returns the time, with a zone.

        Raises:
            LedgerError: It is another account's, made with another key, or newer than this code; or its key
                is not there.
        """
        store = Store(url)
        try:
            with store.write() as connection:
                schema.migrate(connection)
                schema.bind(connection, api_url, user_id)
                key = schema.settle_key(connection, pii_key, keyfile.place(url, pii_key_file))
                schema.hide_clear_rows(connection, text_hasher(key), clear)
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
                found = schema.existing_version(connection)
            if found < schema.version():
                with store.write() as connection:
                    schema.migrate(connection)
                    if (path or pii_key) and schema.known_key(connection, pii_key, path):
                        key = schema.settle_key(connection, pii_key, path)
                        schema.hide_clear_rows(connection, text_hasher(key), clear)
            with store.read() as connection:
                return cls(store, schema.known_key(connection, pii_key, path), clear, now)
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Hashes

    @property
    def key(self) -> str:
        """The key of the hashes.

        Raises:
            LedgerError: It is not there.
        """
        if self._key is None:
            raise LedgerError(schema.missing(None))
        return self._key

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
                schema.migrate(connection)
                schema.replace_key(connection, key)
            keyfile.make(path, key)
        finally:
            store.close()

    def hash(self, value: str) -> str:
        """Return the hash of a phone number or address; the tap's ``pii: hash`` makes the same."""
        return self._known_hashers()[0](value)

    def fingerprint(self, text: str) -> str:
        """Return the hash of a text as it is, with case and edges; for bodies and contents."""
        return self._known_hashers()[1](text)

    def _known_hashers(self) -> tuple[Callable[[str], str], Callable[[str], str]]:
        if self._hashers is None:
            raise LedgerError(schema.missing(None))
        return self._hashers

    @cached_property
    def key_id(self) -> str:
        """What tells its key from others, and says nothing of it."""
        return self.fingerprint("id of the key")[:8]

    def reference(self, outcome_id: str, custom_string: str | None) -> str | None:
        """Return as what a message's custom_string is kept: our token as it is, a row's own as a hash."""
        if not custom_string or "custom_string" in self._clear or outcome_id_of(custom_string) == outcome_id:
            return custom_string
        return self.fingerprint(custom_string.strip())

    def _kept(self, one: Kept, sink: str) -> Kept:
        """Return an outcome or a claim as it is kept."""
        custom_string = self.reference(outcome_id(sink, one.key), one.custom_string)
        campaign = one.campaign
        if campaign and "campaign" not in self._clear:
            campaign = self._label(campaign)
        if (custom_string, campaign) == (one.custom_string, one.campaign):
            return one
        return replace(one, custom_string=custom_string, campaign=campaign)

    # Outcomes

    def record(self, run_id: str, outcomes: Sequence[Outcome]) -> None:
        """Write what came of rows, and count it: outcomes and counts are committed together.

        A key's row is replaced, but ``sent`` stays for ever, ``unknown`` yields to ``sent`` only, and
        ``dry_run`` replaces nothing but ``dry_run``. ``unchanged`` and ``duplicate`` are counted only.
        """
        with self._store.write() as connection:
            kept = [self._kept(one, one.sink) for one in outcomes]
            recording.record(connection, run_id, kept, self._now())

    def known(self, sink: str, keys: Mapping[str, Sequence[str]]) -> dict[str, Known]:
        """Return what there is of those keys that must not be sent again.

        Args:
            sink: The sink.
            keys: With each key, how earlier versions spelled it: what stands there counts too.
        """
        with self._store.read() as connection:
            found = recording.known(connection, sink, keys)
            if self.older_keys is None:
                return found
            others = [key for key in keys if key not in found]
            found |= recording.known_by_alias(connection, sink, others)
            rest = {key: keys[key] for key in others if key not in found}
            older = recording.known_by_older(connection, sink, rest)
        if older:
            with self._store.write() as connection:
                recording.adopt(connection, sink, older)
        return found | older

    @cached_property
    def older_keys(self) -> OlderKeys | None:
        """How earlier versions have made keys that it knows, None where none has."""
        with self._store.read() as connection:
            return schema.older_keys(connection, self._hashers and self._hashers[1])

    def scheduled(self, sink: str, custom_string: str | None, run_id: str | None = None) -> list[str]:
        """Return the message ids of what a sink sent with a schedule that is still to come.

        Args:
            sink: The sink.
            custom_string: Only what carries it; None: whatever.
            run_id: Only what this run sent; None: all runs.
        """
        with self._store.read() as connection:
            return claiming.scheduled(connection, sink, self.names_of(custom_string), run_id, self._now())

    def names_of(self, custom_string: str | None) -> set[str] | None:
        """Return as what a custom_string, blanks around it aside, may be kept; None for any."""
        if custom_string is None:
            return None
        return {custom_string.strip(), self.fingerprint(custom_string.strip())}

    def has_scheduled(self) -> bool:
        """Return whether anything was sent with a schedule that is still to come."""
        with self._store.read() as connection:
            return claiming.has_scheduled(connection, self._now())

    def scheduled_to(self, hashes: Collection[str], *, opted_out: bool) -> list[ScheduledMessage]:
        """Return what was sent with a schedule that is still to come to recipients.

        Args:
            hashes: Of their numbers.
            opted_out: Whether to all that have opted out, too.
        """
        with self._store.read() as connection:
            return claiming.scheduled_to(connection, hashes, self._now(), opted_out=opted_out)

    def note_cancelled(self, run_id: str, sink: str, message_ids: Sequence[str], reason: str) -> None:
        """Write that messages, where they are a sink's, were cancelled before their schedule; for good."""
        with self._store.write() as connection:
            claiming.note_cancelled(connection, run_id, sink, message_ids, reason, self._now())

    def call_off_claims(self, run_id: str, sink: str, wanted: Sequence[Claim], reason: str) -> set[str]:
        """Write messages that were not sent, and never will be, as ``cancelled``; return their keys.

        Keys that are final are not returned, and stay as they are.
        """
        now = self._now()
        with self._store.write() as connection:
            kept = [self._kept(one, sink) for one in wanted]
            keys = claiming.claim(connection, run_id, sink, kept, now, now)
            ended = {
                outcome_id(sink, one.key): Outcome(
                    sink=sink, key=one.key, stream=one.stream, outcome="cancelled", reason=reason
                )
                for one in wanted
                if one.key in keys
            }
            claiming.call_off(connection, run_id, ended, now)
        return keys

    def expect_older_keys(self) -> None:
        """Look keys up as earlier versions spelled them, too, from now on: what is refilled may be so."""
        with self._store.write() as connection:
            schema.expect_older_keys(connection)
        self.__dict__.pop("older_keys", None)

    def call_off(self, run_id: str, sent: Mapping[str, Outcome]) -> None:
        """Write and count that messages, by outcome id, were cancelled before their schedule; for good."""
        with self._store.write() as connection:
            claiming.call_off(connection, run_id, sent, self._now())

    def knows_stream(self, sink: str, stream: str, namespace: str, names: Sequence[str]) -> bool:
        """Return whether a stream has sent anything with keys of that namespace and those columns."""
        with self._store.read() as connection:
            return schema.knows_stream(connection, sink, stream, namespace, names)

    def note_stream(self, sink: str, stream: str, namespace: str, names: Sequence[str]) -> None:
        """Note that a stream sends with keys of that namespace and those columns."""
        with self._store.write() as connection:
            schema.note_stream(connection, sink, stream, namespace, names)

    def counts(self, run_id: str) -> dict[tuple[str, str], int]:
        """Return the rows of a run by sink and outcome."""
        with self._store.read() as connection:
            return recording.counts(connection, run_id)

    # Claims

    def claim(self, run_id: str, sink: str, wanted: Iterable[Claim], *, lease_seconds: float) -> set[str]:
        """Claim keys for sending, durably; return those that are this run's to send, each of them once.

        A claimed key is ``unknown`` until it is settled. Keys that are final are not returned.

        Args:
            run_id: The run that sends.
            sink: The sink.
            wanted: What is to be sent; of two with one key the first.
            lease_seconds: Longer than sending can take; nobody reconciles or releases a key before.
        """
        now = self._now()
        with self._store.write() as connection:
            kept = [self._kept(one, sink) for one in wanted]
            return claiming.claim(connection, run_id, sink, kept, now, now + timedelta(seconds=lease_seconds))

    def settle(self, run_id: str, answered: Sequence[Outcome]) -> None:
        """End claims with what was answered, and count it: both are committed together.

        ``sent`` and ``unknown`` are written whatever came in between (but ``sent`` stays); another outcome
        only while the claim is still this run's. What an answer leaves None stays as claimed. Settled as
        ``unknown``, a claim is open for reconciling at once.
        """
        with self._store.write() as connection:
            claiming.settle(connection, run_id, [self._kept(one, one.sink) for one in answered], self._now())

    def recently_sent(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        since: datetime,
        sink: str | None = None,
        often: bool = True,
    ) -> set[tuple[str, str]]:
        """Return those (recipient hash, body hash) that were sent, or perhaps sent, since a time.

        Args:
            pairs: What is looked for.
            since: The time.
            sink: Only what this sink sent; None: of all sinks.
            often: Whether an index is worth its making; without one the whole table is read.
        """
        if often and not self._finds_recipients:
            with self._store.write() as connection:
                connection.exec_driver_sql(INDEX_OF_RECIPIENTS)
            self._finds_recipients = True
        with self._store.read() as connection:
            return claiming.recently_sent(connection, pairs, since, sink)

    def open_claims(self, sink: str) -> list[OpenClaim]:
        """Return what may have been sent and nobody is sending now, the oldest first; for reconciling."""
        with self._store.read() as connection:
            return reconciling.open_claims(connection, sink, self._now())

    def unknown(self, sink: str) -> Unknown:
        """Return what is unknown of a sink."""
        with self._store.read() as connection:
            return unanswered.unknown(connection, sink, self._now())

    def note_found(self, run_id: str, sink: str, found: int) -> None:
        """Count messages of a run as ``sent`` that it has counted as ``unknown``."""
        with self._store.write() as connection:
            unanswered.note_found(connection, run_id, sink, found)

    def known_until(self, sink: str) -> datetime | None:
        """Return until when it knows all that a sink's history showed, None where the sink has sent nothing.

        That is, the later of what was noted and of the newest message's claim.
        """
        with self._store.read() as connection:
            return unanswered.known_until(connection, sink)

    def note_known(self, sink: str, at: datetime) -> None:
        """Note that it knows all that a sink's history showed at a time (by the server's clock)."""
        with self._store.write() as connection:
            unanswered.note_known(connection, sink, at)

    def strange(self, went: Mapping[str, datetime | None]) -> set[str]:
        """Return those messages that went out though, for all that the ledger knows, they did not.

        Args:
            went: When each went out, by outcome id; None when nobody knows.
        """
        with self._store.read() as connection:
            return unanswered.strange(connection, went)

    def message_ids(self, sink: str, ids: Iterable[str]) -> set[str]:
        """Return those message ids that a key of the sink has already."""
        with self._store.read() as connection:
            return reconciling.known_message_ids(connection, sink, ids)

    def confirm(self, found: Sequence[Confirmation]) -> set[str]:
        """Turn ``unknown`` into ``sent`` for messages found in the history; return their outcome ids.

        Nothing is turned that is no longer ``unknown``, nor by a message that another key of the sink has.
        """
        with self._store.write() as connection:
            return reconciling.confirm(connection, found, self._now())

    def release(
        self, keys: Sequence[str] | None = None, *, run_id: str | None = None, force: bool = False
    ) -> list[str]:
        """Reopen unknown keys on a person's word that they were not sent; return them.

        A reopened key is ``held``: it goes out when upstream delivers its row again.

        Args:
            keys: Only these; None: all of the run.
            run_id: Only those of this run; None: of all runs.
            force: Release also what was claimed less than 24 hours ago, but never what has a lease.

        Raises:
            LedgerError: A claim is too young; nothing was released.
        """
        with self._store.write() as connection:
            key_of = {name: key for key in keys or () for name in self._names_of_key(key)}
            names = None if keys is None else list(key_of)
            found = reconciling.release(connection, names, run_id, self._now(), force=force)
            return [key_of.get(name, name) for name in found]

    def retry(self, outcome: str, *, sink: str | None = None, run_id: str | None = None) -> list[str]:
        """Reopen keys that are ``rejected``, ``suppressed`` or ``failed``; return them.

        They are judged anew when upstream delivers them again, as they would be in any case: what is
        reopened here shows who waits for that.
        """
        with self._store.write() as connection:
            return reconciling.retry(connection, outcome, sink, run_id, self._now())

    def refill(self, run_id: str, found: Sequence[Sent]) -> set[str]:
        """Write messages as ``sent`` that went out, though not from this ledger; return what was new, by id.

        What is ``sent`` or ``unknown`` stays as it is. Anything else yields: it would be sent again. All are
        counted, those that were known already as ``duplicate``.
        """
        with self._store.write() as connection:
            return refilling.refill(connection, run_id, found, self._now())

    # Reading and removing

    def outcomes(
        self,
        *,
        outcome: str | None = None,
        sink: str | None = None,
        run_id: str | None = None,
        limit: int | None = None,
    ) -> list[Columns]:
        """Return outcomes as columns, those changed last first."""
        filters = {"outcome": outcome, "sink": sink, "run_id": run_id}
        with self._store.read() as connection:
            return reading.newest(connection, filters, limit)

    def show(self, key: str) -> list[Columns]:
        """Return what came of a key, in each sink that saw it, with its lease while it is ``unknown``."""
        with self._store.read() as connection:
            return reading.of_key(connection, self._names_of_key(key))

    def _names_of_key(self, key: str) -> list[str]:
        """Return as what a key that a person names may be kept."""
        return [key] if self._hashers is None else [key, self.fingerprint(key)]

    def changed_since(self, moment: datetime | None = None) -> Iterator[list[Columns]]:
        """Yield pages of what changed then or later (None: of everything), in the order of ``updated_at``.

        A row that changes meanwhile comes again. No transaction is open between pages.
        """
        page: list[Columns] = []
        while True:
            with self._store.read() as connection:
                page = reading.page_since(connection, moment, page[-1] if page else None)
            if not page:
                return
            yield page

    def prune(self, before: datetime) -> int:
        """Delete outcomes that last changed before a time, with their claims; return how many.

        A key that was ``sent`` is forgotten too: its row is sent again if upstream delivers it again.
        ``unknown`` is never deleted, nor are opt-outs and counts.
        """
        deleted = 0
        with self._store.write() as connection:
            unanswered.keep_known(connection)
        while True:
            with self._store.write() as connection:
                some = reading.prune(connection, before)
            deleted += some
            if not some:
                return deleted

    def forget_baseline(self, run_id: str) -> int:
        """Delete what a run of ``baseline`` has recorded as sent; return how many keys.

        Their rows are sent when upstream delivers them again.
        """
        with self._store.write() as connection:
            return refilling.forget_baseline(connection, run_id)

    def forget(self, number: str) -> Forgotten:
        """Remove a number (E.164) from all claims, and from keys and columns that are that number.

        The duplicate window no longer knows the number, and an unknown message to it can be confirmed by
        our own token only. That it opted out stays: forgetting that would text the person again. So do the
        ids of the rows: nothing is sent again.
        """
        older = self.older_keys
        hashes = hashes_of(number, self.fingerprint, () if older is None else older.hashes)
        with self._store.write() as connection:
            return forget(connection, self.hash(number), hashes)

    # Memory

    def add_opt_outs(self, hashes: Iterable[str], *, source: str, kind: str) -> None:
        """Note who opted out.

        Args:
            hashes: Of numbers or addresses.
            source: ``list`` or ``reply``.
            kind: ``phone`` or ``email``.
        """
        with self._store.write() as connection:
            memory.add_opt_outs(connection, hashes, source, kind, self._now())

    def add_stops(self, written_at: Mapping[str, float]) -> None:
        """Note who replied STOP; a reply that is older than the number's opt-in does not count.

        Args:
            written_at: When (Unix seconds) the last STOP was written, by the hash of its number.
        """
        with self._store.write() as connection:
            memory.add_stops(connection, written_at, self._now())

    def opt_in(self, number: str, reason: str) -> set[str]:
        """Undo the STOPs of a number on a person's word, and note it; a STOP that comes later counts.

        What the Opt-Out List says stays. No program may call this of its own accord.

        Args:
            number: E.164.
            reason: Why, in the person's words; kept, and shown nowhere.

        Returns:
            By what the number was opted out: ``reply`` (undone now), ``list`` (still so).
        """
        hashed = self.hash(number)
        with self._store.write() as connection:
            return memory.opt_in(connection, hashed, reason, self._now())

    def drop_opt_outs(self, source: str, *, seen_before: datetime) -> int:
        """Take off who is no longer in a source, after the whole of it was added; return how many."""
        with self._store.write() as connection:
            return memory.drop_opt_outs(connection, source, seen_before)

    def opted_out(self, hashes: Collection[str]) -> set[str]:
        """Return those of the hashes that have opted out."""
        with self._store.read() as connection:
            return memory.opted_out(connection, hashes)

    def cursor(self, name: str) -> str | None:
        """Return how far something was read, such as ``opt_outs_read_at``."""
        with self._store.read() as connection:
            return schema.read(connection, f"cursor:{name}")

    def set_cursor(self, name: str, value: str) -> None:
        """Note how far something was read."""
        with self._store.write() as connection:
            schema.write(connection, f"cursor:{name}", value)

    def contacts_of(self, keys: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, int]]:
        """Return list_id and contact_id of what each key of ``contacts`` last was, where that is known.

        Args:
            keys: With each key, how earlier versions spelled it.
        """
        with self._store.read() as connection:
            return memory.contacts_of(connection, keys)

    def set_contacts(self, contacts: Mapping[str, tuple[int, int]]) -> None:
        """Note which contact each key of ``contacts`` is: list_id and contact_id."""
        with self._store.write() as connection:
            memory.set_contacts(connection, contacts)

    def missing(self, list_id: int) -> dict[int, int]:
        """Return in how many inputs in a row a list's contacts were missing, by contact_id."""
        with self._store.read() as connection:
            return memory.missing_from(connection, list_id)

    def set_missing(self, list_id: int, times: Mapping[int, int]) -> None:
        """Replace what is known of a list."""
        with self._store.write() as connection:
            memory.set_missing(connection, list_id, times)

    def written(self, contact_ids: Collection[int]) -> dict[int, tuple[str, str]]:
        """Return fingerprints of contacts that read back different: (wanted, found) by contact_id."""
        with self._store.read() as connection:
            return memory.what_was_written(connection, contact_ids)

    def set_written(self, hashes: Mapping[int, tuple[str, str]]) -> None:
        """Note fingerprints of contacts that read back different: (wanted, found) by contact_id."""
        with self._store.write() as connection:
            memory.set_written(connection, hashes)
