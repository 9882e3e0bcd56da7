"""All gates of a message, in one place and order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property

from clicksend.ledger.records import Known
from clicksend.paging import read_pages
from target_clicksend.messages.cancel import cancel_opted_out
from target_clicksend.messages.gates.expiry import timed
from target_clicksend.messages.gates.opt_outs import FEW, OptOuts, says_opted_out
from target_clicksend.messages.gates.parts import check_length
from target_clicksend.messages.gates.quiet_hours import QuietHours
from target_clicksend.messages.gates.voices import Voices, check_voice, read_voices
from target_clicksend.messages.message import Channel, Message
from target_clicksend.messages.response import UNDER_WAY, SendResult, decimal_of
from target_clicksend.report import OTHER_RECIPIENT, OTHER_TEXT
from target_clicksend.row import Postponed, Rejected
from target_clicksend.run import Run
from target_clicksend.scratch import SeenSet

Checked = tuple[Message, SendResult | None]
"""A message, as it may be sent; or what came of it, when it may not."""
OPTED_OUT = "the recipient has opted out"
MOST_PARTS = 6
"""Parts of an SMS where the account does not say; 6 and 8 were seen."""


def opt_outs_of(run: Run) -> OptOuts:
    """Return what knows who has opted out of an account."""
    return OptOuts(
        run.client,
        run.ledger,
        lambda: run.lists.opted_out,
        run.config["opt_out_keywords"],
        timedelta(hours=float(run.config["opt_out_max_age"])),
        run.country,
        run.now,
        run.report.look_at,
    )


class Gates:
    """The gates of one sink."""

    def __init__(self, run: Run, sink: str, channel: Channel) -> None:
        self._run, self._sink, self._channel = run, sink, channel
        quiet = run.config.get("quiet_hours")
        self._quiet_hours = QuietHours.from_setting(quiet) if quiet else None
        self._most_parts = int(decimal_of(run.account.get("setting_sms_message_char_limit")) or MOST_PARTS)
        self._opt_out: str = run.config["opt_out"]
        self._max_age = timedelta(hours=float(run.config["opt_out_max_age"]))
        self._looked_at = datetime.min.replace(tzinfo=UTC)
        self._opted_out_by_row: set[str] = set()
        self._are_few = False

    def check(
        self, messages: Sequence[Message], seen: SeenSet | None = None, *, all_there_are: bool
    ) -> Iterator[Checked]:
        """Yield what may be sent, and what came of the others; ``UNDER_WAY`` of what another run is sending.

        Args:
            messages: Some messages of the run.
            seen: What passed before and is not sent yet; None when what passes is sent at once.
            all_there_are: Whether the run has no others.

        Raises:
            OptOutsError: Nobody knows who has opted out.
        """
        known = self._run.ledger.outcomes.known(
            self._sink, {message.row.key: message.row.older for message in messages}
        )
        fresh = [message for message in messages if message.row.key not in known]
        opted_out = self._opted_out({message.to for message in fresh}, all_there_are=all_there_are)
        repeated = self._repeated(fresh)
        now, window = self._run.now(), self._run.config.get("dedupe_window_hours")
        in_run: SeenSet | set[str] = set() if seen is None else seen
        for message in messages:
            key, text = f"key {message.row.key}", f"text {message.to} {message.content}"
            if message.row.key in known:
                yield message, self._of_used_key(message, known[message.row.key], now)
            elif key in in_run:
                same_recipient, same_text = f"{key} to {message.to}" in in_run, f"{key} {text}" in in_run
                reason = OTHER_RECIPIENT if not same_recipient else "" if same_text else OTHER_TEXT
                yield message, SendResult("duplicate", reason or "another row of this run has the same key")
            elif message.to in opted_out:
                yield message, SendResult("suppressed", OPTED_OUT)
            elif (message.to, message.content) in repeated or (window and text in in_run):
                yield message, SendResult("suppressed", "it had the same text within dedupe_window_hours")
            else:
                checked = self._check_message(message, now)
                if checked[1] is None:
                    in_run.add(key)
                    in_run.add(f"{key} to {message.to}")
                    in_run.add(f"{key} {text}")
                    if window:
                        in_run.add(text)
                yield checked

    def recheck(self, messages: Sequence[Message]) -> Iterator[Checked]:
        """Judge anew, right before they are sent, what time decides of messages that have passed."""
        opted_out: set[str] = set()
        if self._opt_out == "enforce" and self._run.now() - self._looked_at >= self._max_age:
            opted_out = self._opted_out({one.to for one in messages}, all_there_are=self._are_few)
        now = self._run.now()
        for message in messages:
            if message.to in opted_out:
                yield message, SendResult("suppressed", OPTED_OUT)
            else:
                yield self._timed(message, now)

    def used(self, messages: Sequence[Message]) -> Iterator[tuple[Message, SendResult]]:
        """Yield messages whose keys were used a moment ago, and what that means for them.

        ``UNDER_WAY`` where another run has the key, or had it then.
        """
        older = {message.row.key: message.row.older for message in messages}
        known, now = self._run.ledger.outcomes.known(self._sink, older), self._run.now()
        for message in messages:
            found = known.get(message.row.key)
            yield message, UNDER_WAY if found is None else self._of_used_key(message, found, now)

    def _of_used_key(self, message: Message, known: Known, now: datetime) -> SendResult:
        """Return what comes of a message whose key was sent, or may have been, or is being sent."""
        if not known.is_under_way(now):
            return SendResult("duplicate", self._compared(message, known))
        return SendResult("duplicate", "another run is sending it") if self._run.dry_run else UNDER_WAY

    def may_go(self, message: Message) -> bool:
        """Return whether a message that has passed may be sent at this moment, as it is."""
        now = self._run.now()
        if self._opt_out == "enforce" and now - self._looked_at >= self._max_age:
            return False
        return self._timed(message, now) == (message, None)

    def would_schedule(self, message: Message) -> bool:
        """Return whether a message would wait at ClickSend if it were sent now."""
        try:
            return timed(message, self._quiet_hours, self._run.now()).schedule is not None
        except (Rejected, Postponed):
            return False

    def _compared(self, message: Message, known: Known) -> str:
        """Return why a message is a duplicate: its key may have been sent with another content."""
        ledger = self._run.ledger
        if known.recipient_hash not in (None, ledger.privacy.hash(message.to)):
            return OTHER_RECIPIENT
        if known.body_hash not in (None, ledger.privacy.fingerprint(message.content)):
            return OTHER_TEXT
        return f"an earlier run has it as {known.outcome}"

    def _check_message(self, message: Message, now: datetime) -> Checked:
        """Judge by what the message itself says."""
        try:
            if says_opted_out(message, self._opt_out):
                self._opted_out_by_row.add(message.to)
                return message, SendResult("suppressed", "the row says that the recipient has opted out")
            if message.template is None:
                check_length(message, self._most_parts)
            if self._channel == "voice":
                check_voice(message, self._voices)
        except Rejected as reason:
            return message, SendResult("rejected", str(reason))
        return self._timed(message, now)

    def _timed(self, message: Message, now: datetime) -> Checked:
        """Judge by what time decides."""
        try:
            return timed(message, self._quiet_hours, now), None
        except Rejected as reason:
            return message, SendResult("rejected", str(reason))
        except Postponed as reason:
            return message, SendResult("held", str(reason))

    def _opted_out(self, numbers: set[str], *, all_there_are: bool) -> set[str]:
        if self._opt_out != "enforce" or not numbers:
            return set()
        self._are_few = all_there_are and len(numbers) < FEW
        if self._are_few:
            # Before they are read: whoever says STOP meanwhile is known the next time.
            self._looked_at = self._run.now()
            self._opt_outs.ask(numbers)
        else:
            self._opt_outs.refresh()
            self._looked_at = self._opt_outs.known_at or self._looked_at
        return self._opt_outs.of(numbers)

    def _repeated(self, messages: Sequence[Message]) -> set[tuple[str, str]]:
        """Return recipient and text of what was sent within the window."""
        hours = self._run.config.get("dedupe_window_hours")
        if not hours:
            return set()
        ledger = self._run.ledger
        texts = {(one.to, one.content) for one in messages}
        hashed = {text: (ledger.privacy.hash(text[0]), ledger.privacy.fingerprint(text[1])) for text in texts}
        found = ledger.claims.recently_sent(hashed.values(), since=self._run.now() - timedelta(hours=hours))
        return {text for text, pair in hashed.items() if pair in found}

    @cached_property
    def _opt_outs(self) -> OptOuts:
        return opt_outs_of(self._run)

    def cancel_opted_out(self) -> None:
        """Cancel what is scheduled to people who have opted out, as far as this run knows."""
        if self._opt_out != "ignore":
            enforced = self._opt_outs if self._opt_out == "enforce" else None
            cancel_opted_out(self._run, enforced, self._opted_out_by_row)

    @cached_property
    def _voices(self) -> Voices:
        return read_voices(row for page in read_pages(self._run.client, "/voice/lang") for row in page.rows)
