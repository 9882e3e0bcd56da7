"""What every sink is."""

from __future__ import annotations

from typing import Any, ClassVar

from target_clicksend.columns import Columns
from target_clicksend.keys import Keys
from target_clicksend.row import Row, Values
from target_clicksend.run import Run


class Sink:
    """Takes rows and writes them; every row it received has an outcome once ``clean_up`` returns."""

    name: str
    columns: frozenset[str]
    """The columns it knows."""
    personal: frozenset[str] = frozenset()
    """Columns about a person, which are never stored in clear."""

    sends: ClassVar[bool] = False
    """Whether it writes to people."""

    own_key: ClassVar[str | None] = None
    """Column with which a row brings its own key."""
    needs_key: ClassVar[bool] = False
    """Whether a row without a key is rejected."""

    needs_account: ClassVar[bool] = True
    """Whether it uses the API of ClickSend itself, which some hubs do not pass through."""

    def __init__(self, run: Run) -> None:
        self.run = run
        run.needs_account |= self.needs_account
        self._seen: set[str] = set()

    def begin(self, stream: str, keys: Keys) -> None:
        """Learn that rows of a stream will come, and by which keys they are known."""

    def process_record(self, row: Row) -> None:
        """Write a row, now or later."""
        raise NotImplementedError

    def reject(self, record: Any) -> None:
        """Learn of a record that was rejected before it became a row."""

    def call_off(self, custom_string: str | None) -> int:  # noqa: ARG002
        """Send nothing of what waits with a custom_string (None: with a schedule); return its count."""
        return 0

    def process_batch(self) -> None:
        """After the end of the input: write of what waits that on which other sinks' ``clean_up`` builds."""

    def clean_up(self) -> None:
        """After ``process_batch`` of all sinks: write what still waits."""
        raise NotImplementedError

    @property
    def known(self) -> frozenset[str]:
        """The columns that it writes or reads, those that the settings name included."""
        return self.columns

    def warn_unknown_columns(self, values: Values, columns: Columns) -> None:
        """Warn once which columns of a row go nowhere."""
        if not (new := values.keys() - self._seen):
            return
        self._seen |= new
        if unknown := columns.unknown(new):
            self.run.warn(
                f"{self.name}: {columns.described(unknown)} is not written, there is no such field: rename"
                " the column with stream_maps, or add it to ignored_columns."
            )
