"""Looking up in the history what stayed unanswered: found means sent; not found means nothing."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from clicksend.client import Client
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import Confirmation, OpenClaim, outcome_id_of
from clicksend.paging import read_pages
from target_clicksend.messages.channels import Endpoints
from target_clicksend.messages.moments import read_moment
from target_clicksend.messages.response import decimal_of
from target_clicksend.row import Rejected
from target_clicksend.run import Run

LAG = timedelta(hours=1)
"""How much earlier than its claim a message may seem, by clocks that differ."""

logger = logging.getLogger("target-clicksend")


def reconcile(
    client: Client, ledger: Ledger, sink: str, endpoints: Endpoints, config: Mapping[str, Any]
) -> None:
    """Confirm those unknown messages of a sink that its history shows.

    One walk of the history, from an hour before the oldest of them. A message is ours by our token; with a
    row's own custom_string by that, recipient, time and text. One that the ledger has already confirms
    nothing.

    Args:
        client: The connection.
        ledger: The ledger.
        sink: The sink.
        endpoints: Its channel.
        config: The settings: where links are shortened, texts cannot be compared.

    Raises:
        ClickSendError: The history cannot be read; what was found until then is confirmed.
    """
    claims = ledger.reconciliation.open_claims(sink)
    if not claims:
        return
    shows_text = endpoints.shows_text and not config.get("shorten_urls")
    search = Search(ledger, claims, endpoints.history_date, shows_text=shows_text)
    params = {
        "date_from": int((claims[0].claimed_at - LAG).timestamp()),
        "order_by": f"{endpoints.history_date}:asc",
    }
    confirmed = 0
    for page in read_pages(client, endpoints.history, params):
        rows = {str(row["message_id"]): row for row in page.rows if search.concerns(row)}
        for taken in ledger.reconciliation.message_ids(sink, rows):
            del rows[taken]
        confirmed += len(ledger.reconciliation.confirm(list(search.found_in(rows))))
    logger.info("%s: %d of %d unanswered messages are in the history.", sink, confirmed, len(claims))


class Search:
    """The unknown messages, by what a row of the history shows of them."""

    def __init__(self, ledger: Ledger, claims: Iterable[OpenClaim], date: str, *, shows_text: bool) -> None:
        self._ledger, self._date, self._shows_text = ledger, date, shows_text
        self._by_custom_string: dict[str | None, list[OpenClaim]] = defaultdict(list)
        for claim in claims:
            self._by_custom_string[claim.custom_string].append(claim)

    def concerns(self, row: dict[str, Any]) -> bool:
        """Return whether a row of the history may be one of the messages."""
        is_out = bool(row.get("message_id")) and row.get("direction") != "in"
        return is_out and self._name(row) is not None

    def found_in(self, rows: Mapping[str, dict[str, Any]]) -> Iterator[Confirmation]:
        """Yield the messages that rows of the history, by message_id, confirm; each once."""
        for message_id, row in rows.items():
            candidates = self._by_custom_string[self._name(row)]
            claim = self._one_of([one for one in candidates if self._fits(one, row)], row)
            if claim is not None:
                candidates.remove(claim)
                parts = decimal_of(row.get("message_parts"))
                yield Confirmation(
                    outcome_id=claim.outcome_id,
                    message_id=message_id,
                    parts=None if parts is None else int(parts),
                    price=decimal_of(row.get("message_price")),
                )

    def _name(self, row: dict[str, Any]) -> str | None:
        """Return as what the ledger keeps a row's custom_string, None where it keeps no such."""
        names = self._ledger.privacy.custom_strings(str(row.get("custom_string") or ""))
        return next((name for name in names if name in self._by_custom_string), None)

    def _fits(self, claim: OpenClaim, row: dict[str, Any]) -> bool:
        """Return whether a row may be the message of a claim; what was there before it is another one."""
        if _has_token(claim):
            return True
        if claim.recipient_hash != self._ledger.privacy.hash(str(row.get("to") or "")):
            return False
        try:
            at = read_moment(row, self._date)
        except Rejected:
            return False
        return at is not None and at >= (claim.claimed_at - LAG).timestamp()

    def _one_of(self, fitting: list[OpenClaim], row: dict[str, Any]) -> OpenClaim | None:
        """Return whose message a row is, None where that cannot be told.

        Rows that share custom_string and recipient differ in their text only, and one of them may not have
        been sent, or be on its way in another process just now.
        """
        if fitting and _has_token(fitting[0]):
            return fitting[0]
        if not self._shows_text:
            return fitting[0] if len(fitting) == 1 else None
        text = self._ledger.privacy.fingerprint(str(row.get("body") or ""))
        return next((one for one in fitting if one.body_hash == text), None)


def _has_token(claim: OpenClaim) -> bool:
    return outcome_id_of(claim.custom_string or "") == claim.outcome_id


class Unanswered:
    """Those of one sink."""

    def __init__(self, run: Run, sink: str) -> None:
        self._run, self._sink = run, sink
        self._reasons: dict[str, str] = {}

    def add(self, key: str, reason: str) -> None:
        """Remember a key whose message was counted as ``unknown``, and why."""
        self._reasons[key] = reason

    def count_anew(self) -> None:
        """Count those as ``sent`` that have been found since."""
        known = self._run.ledger.outcomes.known(self._sink, dict.fromkeys(self._reasons, ()))
        found = [key for key, one in known.items() if one.outcome == "sent"]
        if not found:
            return
        self._run.ledger.outcomes.count_found(self._run.id, self._sink, len(found))
        self._run.report.found(self._sink, [self._reasons.pop(key) for key in found])
