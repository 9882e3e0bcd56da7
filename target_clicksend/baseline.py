"""Recording the rows of an input as sent before us, for ``clicksend ledger baseline``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from typing_extensions import override

from clicksend.errors import SettingsError
from clicksend.ledger import Outcome, Sent, outcome_id
from target_clicksend.columns import Columns
from target_clicksend.row import Row, Values
from target_clicksend.run import COMMIT_ROWS, Run
from target_clicksend.sinks import Sink
from target_clicksend.sinks.messages import Messages
from target_clicksend.target import TargetClickSend, sink_class

BASELINE = "baseline: recorded by a person as sent before us"
LEFT_OUT = ("report_path", "test_recipient", "fail_on_rejected")
"""Settings that say nothing about keys, and would be in the way."""


class Recorder(Sink):
    """Stands in for a sink that sends: notes that the rows' messages went out, and sends none."""

    own_key = Messages.own_key
    needs_key = Messages.needs_key
    columns: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.recorded = 0
        self.repeated = 0
        self._waiting: list[Sent] = []

    @override
    def receive(self, row: Row) -> None:
        self._waiting.append(self._sent(row))
        if len(self._waiting) >= COMMIT_ROWS:
            self.finish()

    @override
    def finish(self) -> None:
        written = len(self.run.ledger.refill(self.run.id, self._waiting))
        self.recorded += written
        self.repeated += len(self._waiting) - written
        self._waiting.clear()

    @override
    def note_unknown(self, values: Values, columns: Columns) -> None:
        """Say nothing: no column is written."""

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


class Baseline(TargetClickSend):
    """Reads as the target does, so that rows get the keys that they will get there; sends nothing."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        given = {name: value for name, value in config.items() if name not in LEFT_OUT}
        # Whatever happens then, nothing is sent, and no state is written.
        super().__init__(config=given | {"dry_run": True})
        self.recorders: list[Recorder] = []

    @override
    def make_sink(self, name: str) -> Sink:
        kind = sink_class(name)
        if not issubclass(kind, Messages):
            raise SettingsError(
                f"Sink {name} sends no messages, so there is nothing to record of its rows: leave its streams"
                " out of the input."
            )
        about = {"name": name, "personal": kind.personal, "columns": kind.columns}
        recorder = cast("Recorder", type(f"Recorder of {name}", (Recorder,), about)(self.run))
        self.recorders.append(recorder)
        return recorder

    @override
    def end(self, error: Exception | None = None) -> None:
        """Commit what was turned away; what was recorded is told by whoever reads it here."""
        if error is not None:
            raise error
        self.run.commit()

    def close(self) -> None:
        """Let go of everything."""
        for name in ("client", "ledger"):
            if name in self.run.__dict__:
                getattr(self.run, name).close()
