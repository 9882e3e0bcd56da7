"""The sinks ``sms_messages``, ``mms_messages`` and ``voice_messages``: one key, one message, ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

from msgspec.structs import replace
from typing_extensions import override

from clicksend.errors import ClickSendError, SettingsError
from target_clicksend.columns import Columns
from target_clicksend.keys import Keys
from target_clicksend.messages.cancel import Recall
from target_clicksend.messages.channels import ENDPOINTS
from target_clicksend.messages.gates.caps import Caps
from target_clicksend.messages.gates.chain import Gates
from target_clicksend.messages.gates.parts import count_parts
from target_clicksend.messages.lost_ledger import LostLedger
from target_clicksend.messages.message import Channel, Message
from target_clicksend.messages.moments import LocalTimes
from target_clicksend.messages.new_streams import NewStreams
from target_clicksend.messages.parse import COLUMNS, MessageParser
from target_clicksend.messages.reconcile import Unanswered, reconcile
from target_clicksend.messages.response import UNDER_WAY, SendResult
from target_clicksend.messages.send import ApiRoute, Route, Sender
from target_clicksend.messages.spool import Batch, Spool
from target_clicksend.messages.templates import Stored, Templates
from target_clicksend.messages.under_way import UnderWay
from target_clicksend.row import Postponed, Rejected, Row, Values
from target_clicksend.run import Run
from target_clicksend.scratch import SeenSet
from target_clicksend.sinks.base import Sink
from target_clicksend.sinks.collections import SmsTemplates
from target_clicksend.values import is_deleted, read_phone, read_text

CALLED_OFF = "a later row of this run cancels it"
TAKEN_BACK = "a later row of this run says that it was deleted"
GIVEN_BACK = SendResult("held", "another run was sending it while this one counted for its caps, and did not")


class Messages(Sink):
    """Messages of one channel, in batches as they arrive; with a cap set, none before the input has ended."""

    channel: ClassVar[Channel]
    own_key = "idempotency_key"
    needs_key = True
    sends = True
    personal = frozenset({"to", "from", "body", "from_email", "custom_string"})

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        if not run.config.get("ledger_url"):
            raise SettingsError(
                f"Sink {self.name} needs ledger_url: what was sent is remembered there, so that nothing is"
                " sent twice. Name a file that stays, like sqlite:////var/lib/clicksend/ledger.db, or a"
                " PostgreSQL database."
            )
        self._caps = Caps.from_settings(run.config)
        self._waiting: Batch | Spool = Spool() if self._caps.are_set else Batch()
        self._size: int = min(run.config["batch_size_rows"], run.config.get("messages_per_minute") or 1000)
        """Messages that are judged together; no more than go out before the judgement is old."""
        self._under_way = UnderWay(run, self.name)
        self._uncounted: set[int] = set()
        """Rows, by number, that another run was sending when the caps were counted."""
        self._no_room = 0
        """Messages that the other runs of the group have left no room for, since they were counted."""
        self._planned = SeenSet() if run.dry_run else None
        self._has_begun = self._has_sent = False
        self._new_streams = NewStreams(run, self.name)
        self._unanswered = Unanswered(run, self.name)
        self.local_times = LocalTimes(run.config.get("time_zone"))

    # What they are made of

    @cached_property
    @override
    def known(self) -> frozenset[str]:
        return self.columns | {self.run.config.get("created_at_column", "")}

    @override
    def begin(self, stream: str, keys: Keys) -> None:
        self._new_streams.begin(stream, keys)

    @override
    def warn_unknown_columns(self, values: Values, columns: Columns) -> None:
        """Warn, but not of what may fill the placeholders of the row's template."""
        named = values.get("template_id") or values.get("template_name")
        if not (named and "template_name" in self.columns):
            super().warn_unknown_columns(values, columns)

    @cached_property
    def route(self) -> Route:
        """The way that the messages take."""
        return ApiRoute(self.run, self.channel)

    @cached_property
    def _sender(self) -> Sender:
        return Sender(self.run, self.name, self.route, self._gates.may_go)

    @cached_property
    def _gates(self) -> Gates:
        return Gates(self.run, self.name, self.channel)

    @cached_property
    def _recall(self) -> Recall:
        return Recall(self.run, self.name, self.channel)

    @cached_property
    def _parser(self) -> MessageParser:
        config, templates = self.run.config, Templates(self._templates, self._check_template)
        return MessageParser(self.channel, config, self.run.country, templates, self.local_times)

    def _templates(self) -> Stored:
        """Return the templates as the rows before have left them."""
        return self._templates_of_run.stored()

    def _check_template(self, name: str) -> None:
        self._templates_of_run.check_written(name)

    @property
    def _templates_of_run(self) -> SmsTemplates:
        """The sink that writes templates; one of our own where the run has none."""
        sink = self.run.sinks.get(SmsTemplates.name)
        return sink if isinstance(sink, SmsTemplates) else self._own_templates

    @cached_property
    def _own_templates(self) -> SmsTemplates:
        return SmsTemplates(self.run)

    def parse(self, row: Row) -> Message:
        """Return the message that a row asks for.

        Raises:
            Rejected: It cannot be sent.
        """
        return self._parser.parse(row)

    # A row comes

    @override
    def process_record(self, row: Row) -> None:
        if not self._has_begun:
            self._begin_sending(brings_own="custom_string" in row.values)
        row = self._tried(row)
        if is_deleted(row.values):
            self._take_back(row)
            return
        try:
            message = self._addressed(self.parse(row))
        except (Rejected, Postponed) as reason:
            self._reject(row, "rejected" if isinstance(reason, Rejected) else "held", str(reason))
            return
        if self.run.dry_run:
            country = message.country or self.run.country
            text = read_text(row.values, "to")
            self.run.report.add_readings(self.name, {text: read_phone("to", text, country)})
        self._waiting.add(message)
        if not self._caps.are_set and len(self._waiting) >= self._size:
            self._send_waiting(all_there_are=False)

    def _begin_sending(self, *, brings_own: bool) -> None:
        """Learn what earlier runs have sent, before anything else is."""
        self._has_begun = True
        self._reconcile()
        LostLedger(self.run, self.name, ENDPOINTS.get(self.channel)).check(brings_own=brings_own)
        self._gates.cancel_opted_out()

    def _reconcile(self) -> None:
        """Look up what is unknown, where a history shows it; a dry run leaves the ledger as it is."""
        endpoints = ENDPOINTS.get(self.channel)
        if self.run.dry_run or endpoints is None:
            return
        try:
            reconcile(self.run.client, self.run.ledger, self.name, endpoints, self.run.config)
        except ClickSendError as error:
            self.run.warn(f"{self.name}: unanswered messages could not be looked up. {error}")

    def _tried(self, row: Row) -> Row:
        """Return a row, under a key of its own where all goes to ``test_recipient``."""
        recipient = self.run.config.get("test_recipient")
        if not recipient:
            return row
        known = self.run.ledger.privacy.older_keys
        hashes = () if known is None else known.hashes
        older = [hashed(f"{recipient}\0{one}") for hashed in hashes for one in (row.key, *row.older)]
        # Whoever joins outcomes to rows must not meet the test.
        key = self.run.hashed(f"{recipient}\0{row.key}")
        return Row(row.number, row.stream, key, "{}", row.values, tuple(older))

    def _addressed(self, message: Message) -> Message:
        """Return a message, to ``test_recipient`` where that is set; no campaign must count it."""
        recipient = self.run.config.get("test_recipient")
        return replace(message, to=recipient, time_zone=None, campaign=None) if recipient else message

    def _reject(self, row: Row, outcome: str, reason: str) -> None:
        """Record what came of a row that cannot be sent, unless it was sent long ago."""
        found = self.run.ledger.outcomes.known(self.name, {row.key: row.older}).get(row.key)
        if found:
            outcome, reason = "duplicate", f"an earlier run has it as {found.outcome}"
        self.run.record_outcome(row, self.name, outcome, reason)

    def _take_back(self, row: Row) -> None:
        """Send nothing of a deleted row, and nothing of what came before it under its key and still waits."""
        for messages in (self._under_way, self._waiting):
            for message in messages.of_key(row.key):
                messages.remove(message)
                self._record(message, SendResult("suppressed", TAKEN_BACK))
        outcome, reason = self._recall.recall(row)
        if outcome == "dry_run":
            self.run.record_plan(row, self.name, "cancel")
        else:
            self.run.record_outcome(row, self.name, outcome, reason, stored=outcome == "cancelled")

    @override
    def call_off(self, custom_string: str | None) -> int:
        meant = [
            message
            for messages in (self._under_way, self._waiting)
            for message in messages.of_custom_string(custom_string)
            if self._is_meant(message, custom_string)
        ]
        if not meant:
            return 0
        for message in meant:
            self._under_way.remove(message)
            self._waiting.remove(message)
        if self.run.dry_run:
            off, result = meant, SendResult("suppressed", CALLED_OFF)
        else:
            off, result = self._sender.call_off(meant, CALLED_OFF), SendResult("cancelled", CALLED_OFF)
        for message in off:
            self._record(message, result, stored=not self.run.dry_run)
        # Nor is sent what has a used key: another run may be about to give it back. It comes again.
        numbers = {message.row.number for message in off}
        for message, came in self._gates.used([one for one in meant if one.row.number not in numbers]):
            self._record(message, came)
        return len(off)

    def _is_meant(self, message: Message, custom_string: str | None) -> bool:
        """Return whether a row of cancellations means a message; None: all that would be scheduled."""
        if custom_string is not None:
            return (message.custom_string or "").strip() == custom_string.strip()
        return message.schedule is not None or self._gates.would_schedule(message)

    # The input has ended

    @override
    def process_batch(self) -> None:
        """With a cap set, count and price all messages; what may not be sent is done with."""
        if not self._caps.are_set:
            return
        # Before the count: what other runs send meanwhile would count twice, here and there.
        _ = self.run.spent_before
        few, seen = len(self._waiting) <= self._size, SeenSet()
        for batch in self._waiting.batches(self.run.config["batch_size_rows"]):
            if self.run.stopped:
                return
            fit = self._passing(batch, seen, all_there_are=few)
            self._new_streams.look(fit)
            for group in self._grouped(fit):
                self._tally(group)
        self._uncounted = self._under_way.numbers
        self._new_streams.check()

    def _tally(self, group: list[Message]) -> None:
        quotes = [SendResult("sent")] * len(group) if self._caps.spend is None else self.route.quotes(group)
        for message, quote in zip(group, quotes, strict=True):
            if quote.outcome == "rejected":
                self._waiting.remove(message)
                self._record(message, quote)
                continue
            self.run.tally.add(quote.price)
            if self._caps.budget and quote.price is not None:
                self._waiting.add(replace(message, price=quote.price))

    @override
    def clean_up(self) -> None:
        excess = self._caps.exceeded(self.run.tally, self.run.spent_before)
        if excess and len(self._waiting):
            self.run.error(f"{self.name}: {excess}: nothing was sent.")
        few = len(self._waiting) <= self._size and not self._has_sent
        self._send_waiting(all_there_are=few, excess=excess)
        self._wait_for_others()
        if not self.run.stopped:
            self._reconcile()
            self._unanswered.count_anew()
            self._gates.cancel_opted_out()
            if self._no_room:
                self.run.error(f"{self.name}: {self._no_room:,} messages: {self._caps.no_room}.")
            if self.route.breaker.reason and self.run.report.rows[self.name, "failed"]:
                self.run.error(f"{self.name}: {self.route.breaker.reason}")
        if self.run.dry_run:
            self._warn_of_zones()

    def _warn_of_zones(self) -> None:
        """Warn which zones were meant by times that name none."""
        for (column, zone), count in sorted(self.local_times.read.items()):
            they = f"1 time of {column} has" if count == 1 else f"{count:,} times of {column} have"
            self.run.warn(f"{self.name}: {they} no zone: read as {zone}.")

    # Messages go

    def _send_waiting(self, *, all_there_are: bool, excess: str | None = None) -> None:
        """Send all that waits, or hold it, when that is more than the run may send."""
        for batch in self._waiting.batches(self._size):
            self._look_again()
            if self.run.stopped:
                return
            for message in batch:
                self._waiting.remove(message)
            if excess:
                for message in batch:
                    self._record(message, SendResult("held", excess))
            else:
                self._send_batch(batch, all_there_are=all_there_are)

    def _look_again(self) -> None:
        """Judge anew what another run was sending: it has, is sending it still, or has left it."""
        if messages := self._under_way.take():
            self._send_batch(messages, all_there_are=False)

    def _wait_for_others(self) -> None:
        """Wait for what other runs are sending; what they have not done with by then comes again."""
        while len(self._under_way) and not self.run.stopped:
            if not self._under_way.wait():
                for message in self._under_way.take():
                    self._record(message, UNDER_WAY)
            self._look_again()

    def _send_batch(self, batch: Sequence[Message], *, all_there_are: bool) -> None:
        """Let a batch through the gates, and send what passes."""
        self._has_sent = True
        self.run.pace()
        passed = self._counted(self._passing(batch, self._planned, all_there_are=all_there_are))
        self._new_streams.look(passed)
        self._new_streams.check()
        for group in self._grouped(passed):
            if self.run.stopped:
                break
            if self.run.dry_run:
                self._plan(group)
            elif ended := self.route.breaker.reason:
                for message in group:
                    self._record(message, SendResult("failed", f"not sent: {ended}"))
            else:
                self.run.pace(len(group))
                self._send_group(group)
        self.run.commit()

    def _passing(
        self, batch: Sequence[Message], seen: SeenSet | None, *, all_there_are: bool
    ) -> list[Message]:
        """Return what passes the gates, and record what came of the others."""
        passed: list[Message] = []
        for message, result in self._gates.check(batch, seen, all_there_are=all_there_are):
            if result is None:
                passed.append(message)
                continue
            self._waiting.remove(message)
            if result is UNDER_WAY:
                self._under_way.add(message)
            else:
                self._record(message, result)
        return passed

    def _counted(self, messages: Sequence[Message]) -> list[Message]:
        """Return those that the caps have room for; one that was not counted comes again."""
        counted = [message for message in messages if message.row.number not in self._uncounted]
        for message in messages if len(counted) < len(messages) else ():
            if message.row.number in self._uncounted:
                self._record(message, GIVEN_BACK)
        return counted

    def _grouped(self, messages: Sequence[Message]) -> Iterator[list[Message]]:
        """Yield what goes into one request: for MMS one media_file."""
        by_media: dict[str, list[Message]] = {}
        for message in messages:
            by_media.setdefault(message.media_file, []).append(message)
        size = self.route.batch_size
        for group in by_media.values():
            for start in range(0, len(group), size):
                yield group[start : start + size]

    def _send_group(self, group: list[Message]) -> None:
        """Send what may still go now that it is its turn, and record what came of it."""
        fit: list[Message] = []
        for message, late in self._gates.recheck(group):
            if late is None:
                fit.append(message)
            else:
                self._record(message, late)
        for message, result in self._sender.send(fit):
            if result is UNDER_WAY:
                self._under_way.add(message)
                continue
            is_held = result.outcome == "held"
            if result.outcome == "sent":
                self.run.report.cost(result.price)
            self._no_room += is_held
            self._record(message, result, stored=not is_held)
            if result.outcome == "unknown":
                self._unanswered.add(message.row.key, result.reason)

    def _plan(self, group: list[Message]) -> None:
        """Record what would be sent, and for how much."""
        for message, quote in zip(group, self.route.quotes(group), strict=True):
            if quote.outcome == "rejected":
                self._record(message, quote)
                continue
            about: dict[str, Any] = {"campaign": message.campaign, "price": quote.price}
            if message.template is None:
                about["parts"] = quote.parts or count_parts(message.body, self.channel).count
            parts: int = about.get("parts", 0)
            self.run.report.price(self.name, quote.price, parts, partial(self.route.sample, message))
            self.run.record_plan(message.row, self.name, "send", **about)

    def _record(self, message: Message, result: SendResult, *, stored: bool = False) -> None:
        about: dict[str, Any] = {"custom_string": message.custom_string, "campaign": message.campaign}
        self.run.record_outcome(message.row, self.name, result.outcome, result.reason, stored=stored, **about)


class SmsMessages(Messages):
    """Text messages; their times without a zone are in the row's time_zone, else the setting's, else UTC."""

    name = "sms_messages"
    channel = "sms"
    columns = COLUMNS["sms"]


class MmsMessages(Messages):
    """Picture messages; those with one media_file go in one request. Times as for text messages."""

    name = "mms_messages"
    channel = "mms"
    columns = COLUMNS["mms"]


class VoiceMessages(Messages):
    """Calls that speak a text. Times as for text messages."""

    name = "voice_messages"
    channel = "voice"
    columns = COLUMNS["voice"]
