"""What every sink is."""

from __future__ import annotations

from typing import Any, ClassVar

from target_clicksend.columns import Columns
from target_clicksend.keys import Keys
from target_clicksend.row import Row, Values
from target_clicksend.run import Run


class Sink:
    """Takes rows and writes them; every row it received has an outcome once ``finish`` returns."""

    name: ClassVar[str]
    columns: ClassVar[frozenset[str]]
    """The columns it knows."""
    personal: ClassVar[frozenset[str]] = frozenset()
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
        """Learn that a stream's rows come, and by which keys they are known."""

    def receive(self, row: Row) -> None:
        """Take a row; write it now or later."""
        raise NotImplementedError

    def turn_away(self, record: Any) -> None:
        """Note a row of this sink's that was rejected before it got here."""

    def call_off(self, custom_string: str | None) -> int:  # noqa: ARG002
        """Send nothing of what waits with a custom_string (None: with a schedule); return its count."""
        return 0

    def prepare(self) -> None:
        """Write what other sinks' ``finish`` builds on, after the end of the input."""

    def finish(self) -> None:
        """Write what waits."""
        raise NotImplementedError

    @property
    def known(self) -> frozenset[str]:
        """The columns that it writes or reads, those that the settings name included."""
        return self.columns

    def note_unknown(self, values: Values, columns: Columns) -> None:
        """Say once which columns of a row go nowhere."""
        if not (new := values.keys() - self._seen):
            return
        self._seen |= new
        if unknown := columns.unknown(new):
            self.run.warn(
                f"{self.name}: {columns.described(unknown)} is not written, there is no such field: rename"
                " the column with stream_maps, or add it to ignored_columns."
            )
