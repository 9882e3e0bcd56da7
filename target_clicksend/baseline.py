"""Recording the rows of an input as sent before us, without sending any."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import CustomStreamMap
from typing_extensions import override

from clicksend.errors import ClickSendError, SettingsError
from clicksend.ledger.records import BASELINE, Outcome, Sent, outcome_id
from clicksend.text import escaped
from clicksend.validation import is_expression
from target_clicksend.columns import Columns
from target_clicksend.row import Row, Values
from target_clicksend.run import COMMIT_ROWS, Run
from target_clicksend.sinks.base import Sink
from target_clicksend.sinks.messages import Messages
from target_clicksend.target import TargetClickSend, sink_class

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
        written = len(self.run.ledger.reconciliation.restore(self.run.id, self._waiting))
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
