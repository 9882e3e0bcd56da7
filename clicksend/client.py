"""Calls of ClickSend and the hub, made within the rate limits, and again where that is safe."""

from __future__ import annotations

import json
import logging
import math
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from clicksend import envelope
from clicksend.errors import (
    ClickSendError,
    MethodNotAllowedError,
    NotFoundError,
    NotServedByHubError,
    StoppedError,
    TooLateError,
)
from clicksend.limiter import IDS, Clock, Limiter, Time, retry_after
from clicksend.meter import Meter, Traffic
from clicksend.settings import Settings
from clicksend.transport import Response, Transport

SENDING = 60.0
"""Seconds within which a send is repeated; whoever claimed its messages counts on it."""
LONGEST_WAIT = 900.0
"""Seconds; a server that asks for a longer pause gets its answer reported instead."""
AHEAD = 4
"""Results for each request at once that may wait for the reader, so that no request waits for it."""
BARE = ("/short-url/", "/own-numbers", "/alpha-tags", "/mms-campaigns")
"""Where ClickSend answers without its envelope (documented; of campaigns older pages show one)."""
NEED_NO_BODY = frozenset({"PUT", "DELETE"})
"""Writes that a 2xx without a body says to be done; 204 is one of the statuses that ClickSend documents. What
a POST made is known from its body, or must be looked up."""
RUN = "/v1/run"

Repeat = Literal["always", "unprocessed", "send"]
"""After which of the failures that may pass a call is made again.

``always``: after all of them, since twice does no more than once. ``unprocessed``: only where it certainly
changed nothing. ``send``: the same, within ``SENDING`` seconds, and each attempt has a connection of its own,
since a kept one may be dying.
"""

T = TypeVar("T")
R = TypeVar("R")

logger = logging.getLogger("clicksend")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an API.

    Attributes:
        method: The HTTP method.
        path: Below ``api_url``, like ``/sms/history``; below ``hub_url`` for the hub's own calls.
        query: Query parameters.
        body: What is sent as JSON, None for no body.
        repeat: When it is made again.
        may_start: Whether an attempt may still start; asked after all waits, right before each.
        hub: Whether it is a call of the hub's own API.
        raw: Whether its answer is wanted as it came, in all its envelopes.
    """

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    repeat: Repeat = "unprocessed"
    may_start: Callable[[], bool] | None = None
    hub: bool = False
    raw: bool = False

    @property
    def endpoint(self) -> str:
        """What errors and rate limits call it, like ``GET /account``."""
        return f"{self.method} {self.path}"

    def may_repeat(self, error: BaseException) -> bool:
        """Return whether it may be made again after a failure."""
        return (
            isinstance(error, ClickSendError)
            and error.retryable
            and (error.retry_after or 0) <= LONGEST_WAIT
            and (self.repeat == "always" or error.not_processed)
        )

    def data(self, body: Any, sent: envelope.Sent) -> Any:
        """Return what was asked for out of the decoded body of an answer.

        Raises:
            ApiError: The body says that the call failed.
            UnexpectedAnswerError: The body is not in the envelope of this API.
        """
        if self.raw:
            return body
        if self.hub:
            return envelope.unwrap_hub(self.endpoint, body, sent)
        unwrap = envelope.unwrap_bare if self.path.startswith(BARE) else envelope.unwrap
        return unwrap(self.endpoint, body, sent)


@dataclass(frozen=True)
class Answer:
    """What a call returned.

    Attributes:
        data: ClickSend's ``data``, or the hub's result.
        date: The server's clock (UTC), our own where it sent none.
    """

    data: Any
    date: datetime


class BearerAuth(AuthBase):
    """``Authorization: Bearer``; an auth object, because requests lets ~/.netrc replace a plain header."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a request."""
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Client:
    """One connection to ClickSend and the hub, shared by threads."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        """Prepare; nothing is connected yet.

        Args:
            settings: Addresses, keys and limits.
            clock: What waits and limits are counted by, the real time without one.
        """
        self.settings = settings
        self._time = Time()
        self._clock = self._meter = Meter(clock or self._time)
        self._limiter = Limiter(
            self._clock, settings.requests_per_minute, settings.rate_limit_share, settings.max_concurrency
        )
        self._transport = self._new_transport()
        self._backoff = wait_exponential_jitter(initial=1, max=60)
        self._get = self._transport.prepare(requests.Request("GET", settings.api_url, auth=_auth(settings)))
        self._workers = ThreadPoolExecutor(settings.max_concurrency, thread_name_prefix="clicksend")
        self.started_at: datetime | None = None
        """ClickSend's clock (UTC) at its first answer, None before that."""

    def request(self, call: Call) -> Answer:
        """Make a call, again after failures where it may be repeated; at most ``max_retries`` times.

        Raises:
            ClickSendError: One sentence on what went wrong and what to do. Unless it is ``not_processed``,
                the server may have done what was asked.
        """
        began, limit = self._clock.monotonic(), SENDING if call.repeat == "send" else math.inf

        def is_over(state: RetryCallState) -> bool:
            late = self._clock.monotonic() - began + state.upcoming_sleep >= limit
            return late or state.attempt_number > self.settings.max_retries

        retrying = Retrying(
            stop=is_over,
            retry=retry_if_exception(call.may_repeat),
            wait=self._wait,
            sleep=self._clock.sleep,
            before_sleep=_log_retry,
            reraise=True,
        )
        try:
            return retrying(self._attempt, call, self._prepare(call))
        except (NotFoundError, MethodNotAllowedError) as error:
            if self.settings.through_hub and call.method == "GET" and not IDS.search(call.path):
                raise NotServedByHubError(call.endpoint, error.status, error.code) from None
            raise

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Answer:
        """Read from the v3 API."""
        return self.request(Call("GET", path, query, repeat="always"))

    def put(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        *,
        repeat: Repeat = "always",
    ) -> Answer:
        """Change what is at a path."""
        return self.request(Call("PUT", path, query, body, repeat))

    def delete(self, path: str) -> Answer:
        """Delete what is at a path; after a lost answer, a ``NotFoundError`` may mean that it is done."""
        return self.request(Call("DELETE", path, repeat="always"))

    def post(self, path: str, body: Mapping[str, Any], *, repeat: Repeat = "unprocessed") -> Answer:
        """Make something new, or ask what takes a body."""
        return self.request(Call("POST", path, body=body, repeat=repeat))

    def send(
        self, path: str, body: Mapping[str, Any], *, may_start: Callable[[], bool] | None = None
    ) -> Answer:
        """Make a POST that must arrive at most once."""
        return self.request(Call("POST", path, body=body, repeat="send", may_start=may_start))

    def run(
        self,
        body: Mapping[str, Any],
        *,
        repeat: Repeat = "send",
        may_start: Callable[[], bool] | None = None,
    ) -> Answer:
        """Call the hub's ``/v1/run``: ``{"model": ..., "inputs": ...}`` or ``{"discover": True}``."""
        return self.request(Call("POST", RUN, body=body, repeat=repeat, may_start=may_start, hub=True))

    def wait(self, seconds: float) -> None:
        """Wait, unless stopped.

        Raises:
            StoppedError: It is not worth it any more.
        """
        self._clock.sleep(seconds)

    def submit(self, function: Callable[..., R], *arguments: Any) -> Future[R]:
        """Call a function in one of the client's threads."""
        return self._workers.submit(function, *arguments)

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
        """Apply a function in the client's threads; results come in order, few ahead of the reader."""
        pending: deque[Future[R]] = deque()
        try:
            for item in items:
                pending.append(self._workers.submit(function, item))
                if len(pending) >= AHEAD * self.concurrency:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

    @property
    def concurrency(self) -> int:
        """Requests that are worth making at once just now."""
        return self._limiter.level

    @property
    def limits(self) -> dict[str, int]:
        """Requests a minute that ClickSend's headers have named so far, by endpoint."""
        return self._limiter.limits

    @property
    def traffic(self) -> Traffic:
        """What its requests took so far."""
        return self._meter.read(self._limiter.requests)

    def stop(self) -> None:
        """Let no request start any more, and end all waits for one; fit for a signal handler."""
        self._time.stopped = True

    def close(self) -> None:
        """Give up all that waits; a request under way ends by itself."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _new_transport(self) -> Transport:
        return Transport(self.settings, self._clock.monotonic)

    def _prepare(self, call: Call) -> requests.PreparedRequest:
        if call.method == "GET":
            # Preparing takes requests as long as the exchange; only the URL differs from call to call.
            prepared = self._get.copy()
            prepared.url = f"{self.settings.api_url}{call.path}"
            prepared.url += f"?{urlencode(call.query)}" if call.query else ""
            return prepared
        base, auth = self.settings.api_url, _auth(self.settings)
        if call.hub:
            base, auth = self.settings.hub_url, BearerAuth(self.settings.hub_key or "")
        request = requests.Request(
            call.method, f"{base}{call.path}", params=call.query, json=call.body, auth=auth
        )
        return self._transport.prepare(request)

    def _attempt(self, call: Call, request: requests.PreparedRequest) -> Answer:
        """Make a call once."""
        if call.repeat != "send":
            return self._answer(call, request, self._exchange(call, request, self._transport))
        with closing(self._new_transport()) as transport:
            return self._answer(call, request, self._exchange(call, request, transport))

    def _exchange(self, call: Call, request: requests.PreparedRequest, transport: Transport) -> Response:
        """Make a request within the rate limits."""
        place = self._limiter.acquire(call.endpoint)
        try:
            self._check_start(call)
        except BaseException:
            self._limiter.give_back(place)
            raise
        headers: Mapping[str, str] = {}
        status = None
        try:
            response = transport.exchange(request, call.endpoint)
            status, headers = response.status, response.headers
        finally:
            self._limiter.release(place, status, headers)
        return response

    def _check_start(self, call: Call) -> None:
        """Refuse to make a request that is not to be made any more.

        Raises:
            StoppedError: The run was stopped.
            TooLateError: The call is asked for no longer.
        """
        if self._time.stopped:
            raise StoppedError
        if call.may_start and not call.may_start():
            raise TooLateError

    def _answer(self, call: Call, request: requests.PreparedRequest, response: Response) -> Answer:
        """Return what a response says.

        Raises:
            ClickSendError: It says that the call failed, or is not what this API sends.
        """
        sent, date = partial(_names, request), _date(response)
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._meter.count_rate_limited()
        try:
            if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                envelope.raise_for_answer(call.endpoint, response.status, response.data, sent)
            data = None
            if response.data or call.method not in NEED_NO_BODY:
                data = call.data(envelope.decode(call.endpoint, response.data), sent)
        except ClickSendError as error:
            error.retry_after = retry_after(response.headers)
            if response.status == HTTPStatus.TOO_MANY_REQUESTS and error.retry_after:
                self._limiter.pause(call.endpoint, min(error.retry_after, LONGEST_WAIT))
            raise
        if not call.hub:
            self.started_at = self.started_at or date
        return Answer(data, date)

    def _wait(self, state: RetryCallState) -> float:
        asked = getattr(state.outcome.exception(), "retry_after", None) if state.outcome else None
        return self._backoff(state) if asked is None else float(asked)


def _auth(settings: Settings) -> AuthBase:
    if settings.username is None:
        return BearerAuth(settings.api_key)
    return HTTPBasicAuth(settings.username.encode(), settings.api_key.encode())


def _log_retry(state: RetryCallState) -> None:
    error, wait = state.outcome and state.outcome.exception(), state.next_action and state.next_action.sleep
    logger.warning("%s Trying again in %.1f s (attempt %d failed).", error, wait, state.attempt_number)


def _names(request: requests.PreparedRequest) -> set[str]:
    """Return the names of all that a request sent, in its query and in its body."""
    names = {name for name, _ in parse_qsl(urlsplit(request.url or "").query)}
    parts = [json.loads(request.body)] if request.body else []
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            names |= part.keys()
            parts += part.values()
        elif isinstance(part, list):
            parts += part
    return names


def _date(response: Response) -> datetime:
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return datetime.now(UTC)
