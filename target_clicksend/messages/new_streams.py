"""Streams that the ledger has never seen: one that was renamed would send all its texts again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from clicksend.errors import ClickSendError
from target_clicksend.columns import fold
from target_clicksend.keys import Keys
from target_clicksend.messages.message import Message
from target_clicksend.run import Run

LATELY = timedelta(days=31)
"""How long a text counts as sent lately: whoever sends a text each month says so with the setting."""
UNSTABLE = frozenset(
    map(
        fold,
        (
            *(
                "_sdc_line_number",
                "_sdc_row_number",
                "_sdc_source_lineno",
                "_smart_source_lineno",
                "line_number",
            ),
            *(
                "line_no",
                "line",
                "row_number",
                "row_no",
                "row_num",
                "row",
                "rownum",
                "row_id",
                "index",
                "__index",
            ),
            *("_sdc_path", "_sdc_source_file", "_smart_source_file", "_sdc_source_key", "file", "file_name"),
            *("file_path", "path", "source_file", "source_path", "_file", "_line", "_row", "_sheet_row"),
        ),
    )
)
"""Key columns that say where a row stood, not what it is (CSV and spreadsheet taps)."""


class RenamedStreamError(ClickSendError):
    """Most texts of a new stream went to the same people lately."""


class NewStreams:
    """Watches the streams of one sink."""

    def __init__(self, run: Run, sink: str) -> None:
        self._run, self._sink = run, sink
        self._keys: dict[str, Keys] = {}
        self._new: dict[str, bool] = {}
        self._rows: Counter[str] = Counter()
        self._repeated: Counter[str] = Counter()

    def begin(self, stream: str, keys: Keys) -> None:
        """Learn by which keys a stream's rows are known; say where they may be other rows tomorrow."""
        self._keys[stream] = keys
        unstable = [name for name in keys.properties if fold(name) in UNSTABLE]
        if unstable:
            self._run.warn(
                f"{self._sink}: the key of stream {stream} ({', '.join(keys.properties)}) looks like a line"
                " number or a file name: another row in its place tomorrow would be taken for the same, and"
                " not be sent. Give the stream key properties that stay with the row, or the rows an"
                " idempotency_key."
            )

    def look(self, messages: Sequence[Message]) -> None:
        """Count the messages of new streams that may be sent, and those whose text went out lately."""
        if self._run.config.get("test_recipient"):
            return
        new = [one for one in messages if self._is_new(one.row.stream)]
        if not new:
            return
        ledger = self._run.ledger
        hashed = [(ledger.privacy.hash(one.to), ledger.privacy.fingerprint(one.content)) for one in new]
        since = self._run.now() - LATELY
        found = ledger.claims.recently_sent(hashed, since=since, sink=self._sink, often=False)
        repeated = [one for one, pair in zip(new, hashed, strict=True) if pair in found]
        # Another run may have sent some meanwhile, under these very keys.
        known = ledger.outcomes.known(self._sink, {one.row.key: one.row.older for one in repeated})
        self._rows.update(one.row.stream for one in new)
        self._repeated.update(one.row.stream for one in repeated if one.row.key not in known)

    def check(self) -> None:
        """Let the new streams pass that were looked at.

        Raises:
            RenamedStreamError: Most of what one would send went out lately.
        """
        for stream, rows in self._rows.items():
            repeated = self._repeated[stream]
            if 2 * repeated > rows and not self._run.config["resend_under_new_keys"]:
                raise RenamedStreamError(
                    f"{self._sink}: {repeated:,} of {rows:,} messages of stream {stream} have the recipient"
                    " and the text of messages that were sent lately under another stream or key. If the"
                    " stream was renamed, set key_namespace to its old name; if its key was changed, change"
                    " it back, and they are known. If they should really go out again, set"
                    " resend_under_new_keys. Nothing of the stream was sent."
                )
            if not self._run.dry_run:
                self._run.ledger.memory.add_stream(self._sink, stream, *self._named(stream))
            self._new[stream] = False
        self._rows.clear()
        self._repeated.clear()

    def _is_new(self, stream: str) -> bool:
        if stream not in self._new:
            self._new[stream] = not self._run.ledger.memory.knows_stream(
                self._sink, stream, *self._named(stream)
            )
        return self._new[stream]

    def _named(self, stream: str) -> tuple[str, list[str]]:
        keys = self._keys[stream]
        return keys.namespace, sorted(keys.properties)
