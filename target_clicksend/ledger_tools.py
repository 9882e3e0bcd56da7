"""What ``clicksend ledger`` does to a ledger: look up what is unknown, rebuild a lost one, record rows."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import IO, Any

from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import CustomStreamMap
from typing_extensions import override

from clicksend.errors import ClickSendError, ForbiddenError, SettingsError, UnexpectedAnswerError
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import BASELINE, Outcome, Sent, Unknown, key_id_of, outcome_id, outcome_id_of
from clicksend.paging import Page, read_pages
from clicksend.text import escaped
from clicksend.validation import is_expression
from target_clicksend.columns import Columns
from target_clicksend.messages.cancel import cancel_opted_out
from target_clicksend.messages.channels import ENDPOINTS
from target_clicksend.messages.gates.chain import opt_outs_of
from target_clicksend.messages.message import Channel
from target_clicksend.messages.moments import read_moment
from target_clicksend.messages.reconcile import reconcile
from target_clicksend.messages.response import decimal_of
from target_clicksend.row import Rejected, Row, Values
from target_clicksend.run import COMMIT_ROWS, Run
from target_clicksend.settings import SINKS
from target_clicksend.sinks.base import Sink
from target_clicksend.sinks.messages import Messages
from target_clicksend.target import TargetClickSend, sink_class

CHANNELS: dict[str, Channel] = {"sms_messages": "sms", "mms_messages": "mms", "voice_messages": "voice"}
"""The sinks whose messages a history shows."""
REBUILT = "the ledger was lost; found in the history"
STREAM = "(rebuilt)"
"""What stands for the stream, which no history shows."""
TRIES = 3


@contextmanager
def opened(config: Mapping[str, Any], *, new: bool) -> Iterator[Run]:
    """Open connection and ledger as the target does.

    Args:
        config: The target's settings.
        new: Whether to make the ledger where there is none.

    Raises:
        SettingsError: A setting is missing, unknown or wrong.
        LedgerError: There is no ledger, or it is another account's.
        SystemExit: A signal came meanwhile.
    """
    with TargetClickSend(config=dict(config)).run as run:
        try:
            if not new:
                Ledger.existing(
                    config["ledger_url"],
                    pii_key=config.get("pii_key"),
                    pii_key_file=config.get("pii_key_file"),
                ).close()
            _ = run.ledger
            yield run
        finally:
            if run.stopped:
                raise SystemExit(128 + run.stopped)


@dataclass(frozen=True)
class ReconcileResult:
    """What became of a sink's unknown messages.

    Attributes:
        found: How many the history showed.
        unknown: What stays unknown; what a run may be sending just now was not looked up.
        problem: Why they could not be looked up, None when they could.
    """

    sink: str
    found: int
    unknown: Unknown
    problem: str | None = None


def look_up(run: Run) -> Iterator[ReconcileResult]:
    """Look up the unknown messages of all sinks in the histories; yield what came of each sink's."""
    for sink in SINKS:
        before = run.ledger.claims.unknown(sink)
        if not before.count and not before.leased:
            continue
        problem = None
        if channel := CHANNELS.get(sink):
            try:
                reconcile(run.client, run.ledger, sink, ENDPOINTS[channel], run.config)
            except ClickSendError as error:
                problem = str(error)
        after = run.ledger.claims.unknown(sink)
        yield ReconcileResult(sink, max(before.count - after.count, 0), after, problem)


def keys_of(config: Mapping[str, Any], stream: str, row: dict[str, Any]) -> list[str]:
    """Return the keys that a row has, or had in earlier versions, in the sinks that its stream goes to.

    Args:
        config: The target's settings.
        stream: Its stream upstream.
        row: Its key properties, and its idempotency_key where it brings one.

    Raises:
        SettingsError: A setting is missing, unknown or wrong, or no sink writes the stream.
        ClickSendError: The row has no key.
    """
    target = TargetClickSend(config={**config, "dry_run": True, "test_recipient": None})
    url, key, file = (config.get(name) for name in ("ledger_url", "pii_key", "pii_key_file"))
    # Whosever it is: for its key no account is asked.
    with Ledger.existing(str(url), pii_key=key, pii_key_file=file) as ledger:
        target.run.ledger = ledger
        try:
            return target.keys_of(stream, row)
        except Rejected as reason:
            raise ClickSendError(f"--row has no key: {reason}.") from None


def honour_opt_outs(run: Run) -> int:
    """Cancel what is scheduled to people who have opted out since; return how many messages.

    Raises:
        ClickSendError: Nobody knows who has opted out.
    """
    return cancel_opted_out(run, opt_outs_of(run)) if run.config["opt_out"] == "enforce" else 0


@dataclass
class RebuildResult:
    """What a channel's history gave to the ledger.

    Attributes:
        ours: Messages with our token.
        new: Those of them that it did not have as sent or unknown.
        foreign: Messages with a custom_string that is not our token: nobody can tell of which row they are.
        of_other_keys: Messages of a ledger with another key of its hashes: their rows would not be known.
        absent: Whether the account has no such channel.
    """

    sink: str
    ours: int = 0
    new: int = 0
    foreign: int = 0
    of_other_keys: int = 0
    absent: bool = False


def rebuild(run: Run, since: datetime) -> Iterator[RebuildResult]:
    """Write all our messages that the histories show since a time into the ledger; yield what came of each.

    Raises:
        ClickSendError: A history cannot be read whole; what was found until then is in the ledger.
    """
    at = run.client.started_at or run.now()
    for sink, channel in CHANNELS.items():
        rebuilt = _Rebuilding(run, sink, channel, int(since.timestamp())).rebuilt()
        if not rebuilt.of_other_keys:
            run.ledger.history.set_known_until(sink, at)
        yield rebuilt


class _Rebuilding:
    """The walk through one history."""

    def __init__(self, run: Run, sink: str, channel: Channel, since: int) -> None:
        self._run, self._sink, self._channel, self._since = run, sink, channel, since
        self._endpoints = ENDPOINTS[channel]
        self._currency = run.currency

    def rebuilt(self) -> RebuildResult:
        """Read the history until it was read whole, and write what it shows.

        Raises:
            ClickSendError: It was not.
        """
        done = RebuildResult(self._sink)
        try:
            if any(self._walk(done) for _ in range(TRIES)):
                return done
        except ForbiddenError:
            if self._channel != "voice":
                raise
            # Whoever may not call has called nobody.
            return replace(done, absent=True)
        raise UnexpectedAnswerError(
            f"GET {self._endpoints.history} showed fewer messages than it counts, {TRIES} times: run rebuild"
            " again before anything is sent."
        )

    def _walk(self, done: RebuildResult) -> bool:
        """Read the history once; return whether that was all of it."""
        # A second earlier, since the bound may be meant exclusively.
        params = {"date_from": self._since - 1, "order_by": f"{self._endpoints.history_date}:asc"}
        seen, total = 0, None
        done.ours = done.foreign = done.of_other_keys = 0
        for page in read_pages(self._run.client, self._endpoints.history, params):
            seen, total = seen + len(page.rows), page.total
            self._refill(page, done)
        return total is None or seen >= total

    def _refill(self, page: Page, done: RebuildResult) -> None:
        out = [row for row in page.rows if row.get("direction") != "in" and row.get("message_id")]
        tokens = [row for row in out if outcome_id_of(_reference(row))]
        keys = {key_id_of(_reference(row)) for row in tokens}
        ledger = self._run.ledger
        if None in keys and ledger.privacy.older_keys is None:
            ledger.privacy.expect_older_keys()
        ours = [row for row in tokens if key_id_of(_reference(row)) in {None, ledger.privacy.key_id}]
        found = [self._sent(str(outcome_id_of(_reference(row))), row) for row in ours]
        done.new += len(ledger.history.restore(self._run.id, found))
        done.ours += len(found)
        done.of_other_keys += len(tokens) - len(ours)
        done.foreign += sum(bool(_reference(row)) for row in out) - len(tokens)

    def _sent(self, outcome_id: str, row: Mapping[str, Any]) -> Sent:
        ledger = self._run.ledger
        parts, price = decimal_of(row.get("message_parts")), decimal_of(row.get("message_price"))
        return Sent(
            outcome_id=outcome_id,
            outcome=Outcome(
                sink=self._sink,
                # Only the row knows its key; the ledger knows it by the hash in the token.
                key=_reference(row),
                stream=STREAM,
                outcome="sent",
                reason=REBUILT,
                message_id=str(row["message_id"]),
                parts=None if parts is None else int(parts),
                price=price,
                currency=None if price is None else self._currency,
                custom_string=_reference(row),
            ),
            at=self._time(row),
            recipient_hash=ledger.privacy.hash(str(row.get("to") or "")),
            body_hash=ledger.privacy.fingerprint(str(row.get("body") or "")),
        )

    def _time(self, row: Mapping[str, Any]) -> datetime | None:
        """Return when a message went, None where the duplicate window could not know it anyway."""
        try:
            seconds = read_moment(dict(row), self._endpoints.history_date)
        except Rejected:
            return None
        # What a picture message said is not all in its history.
        return None if seconds is None or self._channel == "mms" else datetime.fromtimestamp(seconds, UTC)


def _reference(row: Mapping[str, Any]) -> str:
    return str(row.get("custom_string") or "")


LEFT_OUT = ("report_path", "test_recipient", "fail_on_rejected")
"""Settings that say nothing about keys, and would be in the way."""
WORDS = {"null": None, "true": True, "false": False}
"""What SQL and JSON call these, besides Python's names."""


class BaselineSink(Sink):
    """Stands in for a sink that sends: records that the rows' messages went out, and sends none."""

    own_key = Messages.own_key
    needs_key = Messages.needs_key

    def __init__(self, run: Run, kind: type[Messages]) -> None:
        super().__init__(run)
        self.name, self.columns, self.personal = kind.name, kind.columns, kind.personal
        self.recorded = 0
        self.repeated = 0
        self._waiting: list[Sent] = []

    @override
    def process_record(self, row: Row) -> None:
        self._waiting.append(self._sent(row))
        if len(self._waiting) >= COMMIT_ROWS:
            self.clean_up()

    @override
    def clean_up(self) -> None:
        written = len(self.run.ledger.history.restore(self.run.id, self._waiting))
        self.recorded += written
        self.repeated += len(self._waiting) - written
        self._waiting.clear()

    @override
    def warn_unknown_columns(self, values: Values, columns: Columns) -> None:
        """Do nothing: no column is written."""

    def _sent(self, row: Row) -> Sent:
        outcome = Outcome(
            sink=self.name,
            key=row.key,
            source_key=row.source_key,
            stream=row.stream,
            outcome="sent",
            reason=BASELINE,
        )
        return Sent(outcome_id=outcome_id(self.name, row.key), outcome=outcome)


@dataclass(frozen=True)
class Share:
    """How much of a stream is a baseline.

    Attributes:
        fits: Rows to which the condition applies; all without one.
    """

    stream: str
    rows: int
    fits: int


class BaselineTarget(TargetClickSend):
    """Reads as the target does, so that rows get the keys that they will get there; sends nothing."""

    def __init__(self, config: Mapping[str, Any], where: str | None = None, *, records: bool = True) -> None:
        """Prepare.

        Args:
            config: The target's settings.
            where: Condition of the rows that are recorded, like ``sent_at is not null``, evaluated as a
                ``__filter__`` of stream maps on the row as it comes; None: all.
            records: Whether to record them, or only to count.

        Raises:
            SettingsError: A setting, or the condition, is not valid.
        """
        if where is not None and not is_expression(where):
            raise SettingsError("--where is not a valid expression, like: sent_at is not null")
        given = {name: value for name, value in config.items() if name not in LEFT_OUT}
        # Whatever happens then, nothing is sent, and no state is written.
        super().__init__(config=given | {"dry_run": True})
        self.recorders: list[BaselineSink] = []
        self._where, self._records = where, records
        self._filters: dict[str, CustomStreamMap] = {}
        self._rows: Counter[str] = Counter()
        self._fits: Counter[str] = Counter()

    @property
    def shares(self) -> list[Share]:
        """How much of each stream fits, in the order of the streams."""
        return [Share(stream, rows, self._fits[stream]) for stream, rows in self._rows.items()]

    @override
    def reject_line(self, line: bytes) -> None:
        if self._records:
            super().reject_line(line)

    @override
    def _route(self, message: dict[str, Any], records: Iterable[Any]) -> None:
        stream = str(message.get("stream"))
        fitting = self._fitting(stream, records)
        if self._records:
            super()._route(message, fitting)
        else:
            for _ in fitting:
                pass

    def _fitting(self, stream: str, records: Iterable[Any]) -> Iterator[Any]:
        """Yield the records to which the condition applies, and what is not one: the target rejects it."""
        for record in records:
            self._rows[stream] += 1
            if self._where is None or not isinstance(record, dict) or self._fits_where(stream, record):
                self._fits[stream] += 1
                yield record

    def _fits_where(self, stream: str, record: dict[str, Any]) -> bool:
        if stream not in self._filters:
            self._filters[stream] = CustomStreamMap(
                stream_alias=stream,
                map_config={},
                faker_config={},
                raw_schema={"properties": {}},
                key_properties=None,
                map_transform={"__filter__": self._where},
                flattening_options=None,
            )
        try:
            return self._filters[stream].get_filter_result(WORDS | record)
        except MapExpressionError:
            reason = "it names a column that a row does not have, or a function that does not exist"
        except Exception as error:  # noqa: BLE001, an expression of the user's can raise anything
            reason = type(error).__name__
        raise ClickSendError(f"--where cannot be evaluated for a row of stream {escaped(stream)}: {reason}.")

    @override
    def make_sink(self, name: str) -> Sink:
        kind = sink_class(name)
        if not issubclass(kind, Messages):
            raise SettingsError(
                f"Sink {name} sends no messages, so there is nothing to record of its rows: leave its streams"
                " out of the input."
            )
        recorder = BaselineSink(self.run, kind)
        self.recorders.append(recorder)
        return recorder

    @override
    def end(self, error: Exception | None = None) -> None:
        """Commit what was turned away; what was recorded is told by whoever reads it here."""
        if error is not None:
            raise error
        if self._records:
            self.run.commit()


@contextmanager
def read_twice(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give a file that can be read from its beginning again; of a pipe a copy, unlinked and for us only."""
    if file.seekable():
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        for block in iter(lambda: file.read(1 << 20), b""):
            copy.write(block)
        copy.seek(0)
        yield copy
