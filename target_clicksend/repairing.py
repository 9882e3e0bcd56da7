"""Mending the ledger, for ``clicksend ledger``: looking up what is unknown, refilling one that was lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from clicksend.errors import ClickSendError, ForbiddenError, UnexpectedAnswerError
from clicksend.ledger import Ledger, Outcome, Sent, Unknown, key_id_of, outcome_id_of
from clicksend.paging import Page, read_pages
from target_clicksend.gates.message import Channel
from target_clicksend.gates.moments import read_moment
from target_clicksend.messages.channels import ENDPOINTS
from target_clicksend.messages.consent import cancel_opted_out
from target_clicksend.messages.gating import opt_outs_of
from target_clicksend.messages.judging import decimal_of
from target_clicksend.messages.reconciling import reconcile
from target_clicksend.row import Rejected
from target_clicksend.run import Run, currency_of
from target_clicksend.settings import SINKS
from target_clicksend.target import TargetClickSend

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
    run = TargetClickSend(config=dict(config)).run
    try:
        if not new:
            Ledger.existing(
                config["ledger_url"], pii_key=config.get("pii_key"), pii_key_file=config.get("pii_key_file")
            ).close()
        _ = run.ledger
        yield run
    finally:
        for name in ("client", "ledger"):
            if name in run.__dict__:
                getattr(run, name).close()
        if run.stopped:
            raise SystemExit(128 + run.stopped)


@dataclass(frozen=True)
class LookedUp:
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


def look_up(run: Run) -> Iterator[LookedUp]:
    """Look up the unknown messages of all sinks in the histories; yield what came of each sink's."""
    for sink in SINKS:
        before = run.ledger.unknown(sink)
        if not before.count and not before.leased:
            continue
        problem = None
        if channel := CHANNELS.get(sink):
            try:
                reconcile(run.client, run.ledger, sink, ENDPOINTS[channel], run.config)
            except ClickSendError as error:
                problem = str(error)
        after = run.ledger.unknown(sink)
        yield LookedUp(sink, max(before.count - after.count, 0), after, problem)


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
        target.run.__dict__["ledger"] = ledger
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
class Rebuilt:
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


def rebuild(run: Run, since: datetime) -> Iterator[Rebuilt]:
    """Write all our messages that the histories show since a time into the ledger; yield what came of each.

    Raises:
        ClickSendError: A history cannot be read whole; what was found until then is in the ledger.
    """
    at = run.client.started_at or run.now()
    for sink, channel in CHANNELS.items():
        rebuilt = _Rebuilding(run, sink, channel, int(since.timestamp())).rebuilt()
        if not rebuilt.of_other_keys:
            run.ledger.note_known(sink, at)
        yield rebuilt


class _Rebuilding:
    """The walk through one history."""

    def __init__(self, run: Run, sink: str, channel: Channel, since: int) -> None:
        self._run, self._sink, self._channel, self._since = run, sink, channel, since
        self._endpoints = ENDPOINTS[channel]
        self._currency = currency_of(run.account)

    def rebuilt(self) -> Rebuilt:
        """Read the history until it was read whole, and write what it shows.

        Raises:
            ClickSendError: It was not.
        """
        done = Rebuilt(self._sink)
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

    def _walk(self, done: Rebuilt) -> bool:
        """Read the history once; return whether that was all of it."""
        # A second earlier, since the bound may be meant exclusively.
        params = {"date_from": self._since - 1, "order_by": f"{self._endpoints.history_date}:asc"}
        seen, total = 0, None
        done.ours = done.foreign = done.of_other_keys = 0
        for page in read_pages(self._run.client, self._endpoints.history, params):
            seen, total = seen + len(page.rows), page.total
            self._refill(page, done)
        return total is None or seen >= total

    def _refill(self, page: Page, done: Rebuilt) -> None:
        out = [row for row in page.rows if row.get("direction") != "in" and row.get("message_id")]
        tokens = [row for row in out if outcome_id_of(_reference(row))]
        keys = {key_id_of(_reference(row)) for row in tokens}
        ledger = self._run.ledger
        if None in keys and ledger.older_keys is None:
            ledger.expect_older_keys()
        ours = [row for row in tokens if key_id_of(_reference(row)) in {None, ledger.key_id}]
        found = [self._sent(str(outcome_id_of(_reference(row))), row) for row in ours]
        done.new += len(ledger.refill(self._run.id, found))
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
            recipient_hash=ledger.hash(str(row.get("to") or "")),
            body_hash=ledger.fingerprint(str(row.get("body") or "")),
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
