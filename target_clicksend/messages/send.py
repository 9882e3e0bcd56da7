"""Sending messages: claim them in the ledger, post them, judge each by the answer, settle them in the ledger.

They go through a channel of ClickSend's API (``ApiRoute``), or through the hub (``HubRoute``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from msgspec.structs import replace

from clicksend.errors import ApiError, BadRequestError, ClickSendError, FailureKind, TooLateError
from clicksend.hub import Hub, doubt
from clicksend.ledger.records import Claim, Outcome, outcome_id, token
from clicksend.phone import mask
from target_clicksend.failures import CircuitBreaker
from target_clicksend.messages.channels import ENDPOINTS
from target_clicksend.messages.gates.caps import Caps
from target_clicksend.messages.message import Channel, Message
from target_clicksend.messages.response import NO_CREDIT, UNDER_WAY, SendResult, parse_send_response
from target_clicksend.run import Run

BEGIN = 120
"""Seconds after a claim in which its first request may begin."""
MARGIN = 60
"""Seconds that a claim holds beyond its last request: to write down what was answered."""
NOT_AGAIN = "It may have been sent, so it is not sent again."
UNANSWERED_IN_A_ROW = 2
"""Requests without a usable answer after which no more are made."""
HALVED = frozenset({"BAD_REQUEST", "TOO_MANY_RECIPIENTS"})
"""Codes of a 400 that says that a message of the batch is bad: nothing was sent (documented)."""
OK, BAD = 200, 400
UNFIT = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
"""What the hub answers where a message is at fault, with a code; other 4xx may come after it was sent."""
A_TOKEN = "(a token of its own)"  # noqa: S105, shown where a real one would be

MayBegin = Callable[[Sequence[Message]], bool]
"""Whether a request with some messages may begin now."""


class Sender:
    """Sends the messages of one sink."""

    def __init__(self, run: Run, sink: str, route: Route, may_go: Callable[[Message], bool]) -> None:
        """Prepare.

        Args:
            run: The run.
            sink: The sink.
            route: The way that the messages take.
            may_go: Whether a message may still be sent as it is, by what time decides.
        """
        self._run, self._sink, self._route, self._may_go = run, sink, route, may_go
        self._caps = Caps.from_settings(run.config)
        self._currency = run.currency

    def send(self, messages: Sequence[Message]) -> list[tuple[Message, SendResult]]:
        """Send messages that passed all gates, each with a key of its own; return what came of each.

        The ledger holds it then, except of what is ``held``: ``UNDER_WAY`` in another run, or too much for
        the budget of the run's group.

        Raises:
            LedgerError: Nothing was sent that has no claim.
        """
        if not messages:
            return []
        outgoing = [self._with_token(one) for one in messages]
        # 1. Claim: without its lease, a person may release a key, and another process send it.
        request = 2 * self._run.client.settings.timeout
        begin = BEGIN + request * (self._route.requests(len(messages)) - 1)
        until = self._run.now() + timedelta(seconds=begin)
        claims = [self._claim(one) for one in outgoing]
        seconds = begin + request + MARGIN
        prices, budget = {one.row.key: one.price for one in outgoing}, self._caps.budget
        claimed, over = self._run.ledger.claims.claim_within(
            budget, prices, self._run.id, self._sink, claims, lease_seconds=seconds
        )
        ours = [one for one in outgoing if one.row.key in claimed]
        no_room = SendResult("held", self._caps.no_room)

        def may_begin(some: Sequence[Message]) -> bool:
            return self._run.now() < until and all(map(self._may_go, some))

        # 2. Post, and judge each message by the answer.
        posted = self._route.post(ours, may_begin) if ours else []
        results = {one.row.number: no_room for one in outgoing if one.row.key in over}
        results |= dict(zip((one.row.number for one in ours), posted, strict=True))
        # 3. Settle.
        settled = [self._outcome(one, results[one.row.number]) for one in ours]
        group = self._caps.run_group
        self._run.ledger.claims.settle(self._run.id, settled, run_group=group, prices=prices)
        return [(one, results.get(one.row.number, UNDER_WAY)) for one in messages]

    def call_off(self, messages: Sequence[Message], reason: str) -> list[Message]:
        """Write messages that wait as cancelled, for good; return them, one of each key that is not used."""
        claims = [self._claim(self._with_token(one)) for one in messages]
        keys = self._run.ledger.claims.cancel_unsent(self._run.id, self._sink, claims, reason)
        first = {one.row.key: one for one in reversed(messages)}
        return [one for key, one in first.items() if key in keys]

    def _with_token(self, message: Message) -> Message:
        """Return a message with the custom_string that its row in the answer is found by, ours unless set."""
        if message.custom_string:
            return message
        return replace(
            message,
            custom_string=token(outcome_id(self._sink, message.row.key), self._run.ledger.privacy.key_id),
        )

    def _claim(self, message: Message) -> Claim:
        ledger = self._run.ledger
        return Claim(
            key=message.row.key,
            stream=message.row.stream,
            custom_string=str(message.custom_string),
            recipient_hash=ledger.privacy.hash(message.to),
            body_hash=ledger.privacy.fingerprint(message.content),
            source_key=message.row.source_key,
            campaign=message.campaign,
            scheduled_for=None if message.schedule is None else datetime.fromtimestamp(message.schedule, UTC),
        )

    def _outcome(self, message: Message, result: SendResult) -> Outcome:
        row = message.row
        return Outcome(
            sink=self._sink,
            key=row.key,
            source_key=row.source_key,
            stream=row.stream,
            outcome=result.outcome,
            reason=result.reason,
            message_id=result.message_id,
            parts=result.parts,
            price=result.price,
            currency=self._currency if result.price is not None else None,
            custom_string=message.custom_string,
            campaign=message.campaign,
        )


class ApiRoute:
    """A channel of ClickSend's API: up to 1000 messages in a request, which its history shows."""

    def __init__(self, run: Run, channel: Channel) -> None:
        self._client, self._config, self._endpoints = run.client, run.config, ENDPOINTS[channel]
        self.batch_size: int = run.config["batch_size_rows"]
        """Messages that are claimed together."""
        self.breaker = breaker_of_sends()

    def requests(self, messages: int) -> int:  # noqa: ARG002
        """Return how many requests so many messages take."""
        return 1

    def post(self, messages: Sequence[Message], may_begin: MayBegin) -> list[SendResult]:
        """Send messages in one request; where one of them spoils it, in several.

        Args:
            messages: At most 1000, claimed by this run; of MMS all with one media_file.
            may_begin: Asked right before each request.

        Returns:
            What came of each, in their order. Nothing is raised for a failed request.
        """
        if reason := self.breaker.reason:
            return [SendResult("failed", f"not sent: {reason}")] * len(messages)
        path, body = self._endpoints.send, self._endpoints.body(messages, self._config)
        try:
            data = self._client.send(path, body, may_start=lambda: may_begin(messages)).data
        except ClickSendError as error:
            if not _is_spoilt(error):
                return [result_of_failure(error, self.breaker)] * len(messages)
            self.breaker.count_success()
            if len(messages) == 1:
                return [SendResult("rejected", str(error))]
            middle = len(messages) // 2
            halves = messages[:middle], messages[middle:]
            return [result for half in halves for result in self.post(half, may_begin)]
        results = parse_send_response(messages, data)
        if all(result.outcome == "unknown" for result in results):
            self.breaker.count_failure(f"POST {path}: {results[0].reason}.")
        else:
            self.breaker.count_success()
        if any(result.reason == NO_CREDIT for result in results):
            self.breaker.open(NO_CREDIT)
        return results

    def quotes(self, messages: Sequence[Message]) -> list[SendResult]:
        """Return what would come of each message, and its price in the account's currency; nothing is sent.

        Args:
            messages: At most 1000; of MMS all with one media_file.

        Raises:
            ClickSendError: ClickSend does not say.
        """
        # Numbered, so that no two share a custom_string and each finds its own row in the answer.
        asked = [replace(message, custom_string=f"price-{n}") for n, message in enumerate(messages)]
        body = self._endpoints.body(asked, self._config)
        return parse_send_response(
            asked, self._client.post(self._endpoints.price, body, repeat="always").data
        )

    def sample(self, message: Message) -> dict[str, Any]:
        """Return the request that a message would go out with, its number masked."""
        return self._endpoints.body([_masked(message)], self._config)


class HubRoute:
    """Notifications through the hub: one request each, no prices, and no history to look anything up in."""

    batch_size = 20

    def __init__(self, run: Run) -> None:
        self._hub = Hub(run.client)
        self.breaker = breaker_of_sends()

    def requests(self, messages: int) -> int:
        """Return how many requests so many messages take."""
        return messages

    def post(self, messages: Sequence[Message], may_begin: MayBegin) -> list[SendResult]:
        """Send messages one by one; return what came of each. Nothing is raised for a failed request."""
        return [self._post_one(one, may_begin) for one in messages]

    def _post_one(self, message: Message, may_begin: MayBegin) -> SendResult:
        if reason := self.breaker.reason:
            return SendResult("failed", f"not sent: {reason}")
        try:
            answer = self._hub.notify_send(
                message.to, may_start=lambda: may_begin([message]), **_inputs(message)
            )
        except ClickSendError as error:
            if isinstance(error, ApiError) and error.code and error.status in UNFIT:
                self.breaker.count_success()
                return SendResult("rejected", str(error))
            return result_of_failure(error, self.breaker)
        if reason := doubt(answer):
            self.breaker.count_failure(reason)
            return SendResult("unknown", reason)
        self.breaker.count_success()
        return SendResult("sent", message_id=answer["id"])

    def quotes(self, messages: Sequence[Message]) -> list[SendResult]:
        """Return that nobody knows any price."""
        return [SendResult("sent")] * len(messages)

    def sample(self, message: Message) -> dict[str, Any]:
        """Return the call that a message would be, its number masked."""
        masked = _masked(message)
        return {"to": masked.to, **_inputs(masked)}


Route = ApiRoute | HubRoute


def breaker_of_sends() -> CircuitBreaker:
    """Return what opens where nothing more can be sent, or no answer says what came of it."""
    return CircuitBreaker(UNANSWERED_IN_A_ROW, "requests in a row got no usable answer.")


def result_of_failure(error: ClickSendError, breaker: CircuitBreaker) -> SendResult:
    """Return what a request that failed means for its messages, and count it."""
    # A value that is refused is told apart by its code: see `_is_spoilt`.
    if error.not_processed and error.kind is not FailureKind.REJECTED:
        # What came too late says nothing of the next one.
        if not isinstance(error, TooLateError):
            breaker.open(str(error))
        return SendResult("failed", str(error))
    # Not the error's advice: it may be to run again, which sends none of these.
    breaker.count_failure(error.happened)
    return SendResult("unknown", f"no usable answer: {error.happened} {NOT_AGAIN}")


def _is_spoilt(error: ClickSendError) -> bool:
    """Return whether a request was turned away because of one of its messages.

    Other 4xx with the same codes may be a proxy's, and come after the request was passed on.
    """
    return isinstance(error, BadRequestError) and error.status in (OK, BAD) and error.code in HALVED


def _inputs(message: Message) -> dict[str, Any]:
    """Return the inputs of a hub's call."""
    schedule = message.schedule
    at = {} if schedule is None else {"schedule_at": datetime.fromtimestamp(schedule, UTC).isoformat()}
    template = {} if message.template is None else message.template.inputs
    return {**template, **at, "correlation_id": message.custom_string}


def _masked(message: Message) -> Message:
    return replace(message, to=mask(message.to), custom_string=message.custom_string or A_TOKEN)
