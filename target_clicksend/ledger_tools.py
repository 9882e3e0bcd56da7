"""What ``clicksend ledger`` asks of the target: a run of its settings, what is unknown, a row's keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from clicksend.errors import ClickSendError
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import Unknown
from target_clicksend.messages.cancel import cancel_opted_out
from target_clicksend.messages.channels import ENDPOINTS
from target_clicksend.messages.gates.chain import opt_outs_of
from target_clicksend.messages.message import Channel
from target_clicksend.messages.reconcile import reconcile
from target_clicksend.row import Rejected
from target_clicksend.run import Run
from target_clicksend.settings import SINKS
from target_clicksend.target import TargetClickSend

CHANNELS: dict[str, Channel] = {"sms_messages": "sms", "mms_messages": "mms", "voice_messages": "voice"}
"""The sinks whose messages a history shows."""


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
