"""What a Spark job reads, and in which parts: options, windows, shares of the limit; it needs no Spark."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from clicksend.config import Schema, typed
from clicksend.errors import SettingsError
from clicksend.frames import Rows, StreamName, properties, read
from clicksend.validation import check

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

PII_KEY = "TAP_CLICKSEND_PII_KEY"
"""The variable with the key of hashes, the tap's own."""

OPTIONS: dict[str, Schema] = {
    "stream": {"type": "string"},
    "since": {"type": "string"},
    "until": {"type": "string"},
    "numpartitions": {"type": "integer", "minimum": 1, "maximum": 10_000},
}
"""Options beside the settings of ``clicksend.read``; Spark knows no capitals."""

PRIVATE = re.compile("key|secret|token|passw|credential|auth|username|ledgerurl")
"""What the names of secrets have in them, and of what says whose account it is."""


@dataclass(frozen=True)
class Part:
    """What one task reads.

    Attributes:
        since: The oldest moment, ISO 8601; None: the oldest that there is.
        until: The moment before which all lies; None: all.
        requests_per_minute: Its share of the limit; None: ClickSend's headers decide.
    """

    since: str | None
    until: str | None
    requests_per_minute: int | None = None


class Plan:
    """A read as its options describe it."""

    def __init__(self, options: Mapping[str, str]) -> None:
        """Check the options; nothing is requested.

        Args:
            options: By name, as Spark has them: text, and in whatever case.

        Raises:
            SettingsError: One is unknown, wrong or a secret, or ``stream`` is missing.
        """
        for name in options:
            if _is_private(name):
                raise SettingsError(
                    f"Option {name} is refused: Spark shows options in plans, event logs and its web pages."
                    " Put keys into the environment of the driver and of all executors: SKILLBOSS_API_KEY, or"
                    f" CLICKSEND_USERNAME and CLICKSEND_API_KEY; for pii=hash {PII_KEY}."
                )
        known = OPTIONS | {name: schema for name, schema in properties().items() if not _is_private(name)}
        given: dict[str, Any] = typed({name.lower(): text for name, text in options.items()}, known)
        check(given, known)
        self._stream = given.pop("stream", None)
        if not self._stream:
            raise SettingsError("Option stream is missing: name what to read, like sms_history.")
        if self._stream == "outcomes":
            raise SettingsError(
                "Option stream: outcomes is a table of the ledger's database; read it there, with"
                " spark.read.jdbc."
            )
        since, until = given.pop("since", None), given.pop("until", None)
        self._whole = Part(since, until, given.get("requests_per_minute"))
        self._count = given.pop("numpartitions", None)
        self._settings = given

    def schema(self) -> pa.Schema:
        """Return the columns, as ``clicksend.read`` has them; nothing is requested.

        Raises:
            SettingsError: There is no such stream, an option is wrong, or the key is missing.
        """
        return self._rows(self._whole).arrow_schema

    def parts(self) -> list[Part]:
        """Return what the tasks read: each row of the stream is in one of them.

        It takes one request to see how much there is of a history, and none for other streams.

        Raises:
            ClickSendError: ClickSend did not answer.
        """
        windows = self._rows(self._whole).windows(self._count)
        limit = self._whole.requests_per_minute
        share = limit and max(1, limit // len(windows))
        return [Part(since, until, share) for since, until in windows]

    def read(self, part: Part) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a part, some thousand at a time.

        Raises:
            ClickSendError: A page could not be read.
        """
        yield from self._rows(part).to_batches()

    def _rows(self, part: Part) -> Rows:
        settings = self._settings | {"requests_per_minute": part.requests_per_minute}
        if settings.get("pii") == "hash":
            settings["pii_key"] = os.environ.get(PII_KEY)
        given = {name: value for name, value in settings.items() if value is not None}
        return read(cast("StreamName", self._stream), since=part.since, until=part.until, **given)


def _is_private(name: str) -> bool:
    return bool(PRIVATE.search(re.sub("[^a-z]", "", name.lower())))
