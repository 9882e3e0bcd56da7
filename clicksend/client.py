"""HTTP to ClickSend and the hub: authentication, limits, retries, and answers out of their envelopes."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import requests
import urllib3
from requests.auth import AuthBase, HTTPBasicAuth
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_any,
    stop_before_delay,
    stop_never,
    wait_exponential_jitter,
)
from tenacity.stop import stop_base
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from clicksend import envelope
from clicksend.errors import (
    ClickSendError,
    MethodNotAllowedError,
    NotConnectedError,
    NotFoundError,
    NotServedByHubError,
    StoppedError,
    TooLateError,
    UnreachableError,
)
from clicksend.limiter import IDS, Clock, Limiter, Time, retry_after
from clicksend.settings import Settings, is_loopback
from clicksend.transport import Transport

LONGEST_WAIT = 900.0
"""Seconds; a server that asks for a longer pause gets its answer reported instead."""

SENDING = 60.0
"""Seconds within which a send is tried again; whoever claimed its messages counts on it."""

AHEAD = 4
"""Results for each thread that may wait for the reader, so that no thread waits for it."""

logger = logging.getLogger("clicksend")
# At DEBUG it logs whole URLs, whose queries can hold phone numbers.
logging.getLogger("urllib3").setLevel(logging.INFO)

T = TypeVar("T")
R = TypeVar("R")


def _always() -> bool:
    return True


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
        self.settings = settings
        self._time = Time()
        self._clock = clock or self._time
        self._limiter = Limiter(self._clock, settings.requests_per_minute)
        self._session = _session(settings)
        self._get = self._session.prepare_request(
            requests.Request("GET", settings.api_url, auth=_auth(settings))
        )
        self._transport = self._new_transport()
        self._workers = ThreadPoolExecutor(settings.max_concurrency, thread_name_prefix="clicksend")
        self._backoff = wait_exponential_jitter(initial=1, max=60)
        self.started_at: datetime | None = None
        """The server's clock (UTC) at its first answer, None before that."""

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Read from the v3 API, again after a failure that may pass.

        Args:
            path: Below ``api_url``, like ``/sms/history``.
            params: Query parameters.

        Raises:
            ClickSendError: One sentence on what went wrong and what to do.
        """
        endpoint = f"GET {path}"
        # Preparing takes requests as long as the exchange; only the URL differs from call to call.
        request = self._get.copy()
        request.url = f"{self.settings.api_url}{path}" + (f"?{urlencode(params)}" if params else "")

        def attempt() -> Answer:
            answer = self._answer(endpoint, request, envelope.unwrap)
            self.started_at = self.started_at or answer.date
            return answer

        try:
            return self._retrying(attempt)
        except (NotFoundError, MethodNotAllowedError) as error:
            if self.settings.through_hub and not IDS.search(path):
                raise NotServedByHubError(endpoint, error.status, error.code) from None
            raise

    def put(
        self,
        path: str,
        payload: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        repeatable: bool = True,
    ) -> Answer:
        """Change what is at a path.

        Args:
            path: Below ``api_url``.
            payload: The body.
            params: Query parameters.
            repeatable: Whether doing it twice does no more than doing it once; then it is made again after a
                failure that may pass, else only after one that certainly changed nothing.

        Raises:
            ClickSendError: One sentence on what went wrong and what to do.
        """
        attempt = self._write("PUT", path, payload, params)
        return self._retrying(attempt) if repeatable else self._retrying(attempt, _undone)

    def delete(self, path: str) -> Answer:
        """Delete what is at a path, again after a failure that may pass.

        Raises:
            ClickSendError: One sentence on what went wrong and what to do; a ``NotFoundError`` may mean that
                an earlier attempt did it, whose answer was lost.
        """
        return self._retrying(self._write("DELETE", path))

    def post(self, path: str, payload: Mapping[str, Any], *, repeatable: bool = False) -> Answer:
        """Make something new, or ask what takes a body.

        Args:
            path: Below ``api_url``.
            payload: The body.
            repeatable: Whether it makes nothing; else it is made again only after a failure that certainly
                made nothing.

        Raises:
            ClickSendError: One sentence on what went wrong and what to do. Unless it is ``undone``, the thing
                may have been made.
        """
        attempt = self._write("POST", path, payload)
        return self._retrying(attempt) if repeatable else self._retrying(attempt, _undone)

    def send(self, path: str, payload: Mapping[str, Any], *, in_time: Callable[[], bool] = _always) -> Answer:
        """Make a POST that must arrive at most once: over a connection of its own, none that may be dying.

        It is made again only when there was no connection to write it to, or after a 429, and only within
        ``SENDING`` seconds.

        Args:
            path: Below ``api_url``.
            payload: The body.
            in_time: Whether it may still be made; asked after all waits, just before each attempt.

        Raises:
            ClickSendError: One sentence on what went wrong and what to do. Unless it is ``undone``, it may
                have arrived.
        """
        request = self._request("POST", path, payload)
        attempt = self._attempt(
            f"POST {path}", request, envelope.unwrap, own_connection=True, in_time=in_time
        )
        return self._retrying(attempt, _undone, stop_before_delay(SENDING))

    def wait(self, seconds: float) -> None:
        """Wait, unless stopped.

        Raises:
            StoppedError: It is not worth it any more.
        """
        self._clock.sleep(seconds)

    def _new_transport(self) -> Transport:
        settings = self.settings
        environment = self._session.merge_environment_settings(settings.api_url, {}, None, None, None)
        return Transport({**environment}, settings.max_concurrency, settings.timeout)

    def _write(
        self,
        method: str,
        path: str,
        payload: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Callable[[], Answer]:
        """Return a function that makes one attempt at a write."""
        request = self._request(method, path, payload, params)
        return self._attempt(f"{method} {path}", request, envelope.unwrap, own_connection=False)

    def _request(
        self,
        method: str,
        path: str,
        payload: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> requests.Request:
        url, auth = f"{self.settings.api_url}{path}", _auth(self.settings)
        return requests.Request(method, url, params=params, json=payload, auth=auth)

    def _attempt(
        self,
        endpoint: str,
        request: requests.Request,
        unwrap: Callable[[str, Any], Any],
        *,
        own_connection: bool,
        in_time: Callable[[], bool] = _always,
    ) -> Callable[[], Answer]:
        """Return a function that makes a request once."""
        prepared = self._session.prepare_request(request)
        if not own_connection:
            return lambda: self._answer(endpoint, prepared, unwrap)

        def attempt() -> Answer:
            transport = self._new_transport()
            try:
                return self._answer(endpoint, prepared, unwrap, transport, in_time)
            finally:
                transport.close()

        return attempt

    def run(
        self,
        payload: Mapping[str, Any],
        *,
        repeatable: bool = False,
        in_time: Callable[[], bool] = _always,
    ) -> Any:
        """Call the hub's ``/v1/run`` and return its result.

        Args:
            payload: ``{"model": ..., "inputs": ...}`` or ``{"discover": True}``.
            repeatable: Whether a failed call may be made again without harm; else that is done only where it
                certainly did nothing, and it has a connection of its own.
            in_time: As for ``send``; only for what is not repeatable.

        Raises:
            ClickSendError: One sentence on what went wrong and what to do.
        """
        url, auth = f"{self.settings.hub_url}/v1/run", BearerAuth(self.settings.hub_key or "")
        request = requests.Request("POST", url, auth=auth, json=payload)
        attempt = self._attempt(
            "POST /v1/run", request, envelope.unwrap_hub, own_connection=not repeatable, in_time=in_time
        )
        if repeatable:
            return self._retrying(attempt).data
        return self._retrying(attempt, _undone, stop_before_delay(SENDING)).data

    def submit(self, function: Callable[..., R], *arguments: Any) -> Future[R]:
        """Call a function in one of the client's threads."""
        return self._workers.submit(function, *arguments)

    @property
    def limits(self) -> dict[str, int]:
        """Requests a minute that ClickSend's headers have named so far, by endpoint."""
        return self._limiter.limits

    @property
    def request_count(self) -> int:
        """Requests made so far, repeated ones included."""
        return self._limiter.requests

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
        """Apply a function in the client's threads; results come in order, few ahead of the reader."""
        pending: deque[Future[R]] = deque()
        try:
            for item in items:
                pending.append(self._workers.submit(function, item))
                if len(pending) >= AHEAD * self.settings.max_concurrency:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

    def stop(self) -> None:
        """Let no request start any more, and end all waits for one; fit for a signal handler."""
        self._time.stopped = True

    def close(self) -> None:
        """Give up all that waits; a request under way ends by itself."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _answer(
        self,
        endpoint: str,
        request: requests.PreparedRequest,
        unwrap: Callable[[str, Any], Any],
        transport: Transport | None = None,
        in_time: Callable[[], bool] = _always,
    ) -> Answer:
        """Make one request and take its answer out of the envelope.

        Raises:
            ClickSendError: There is no answer, it is an error, or not one of this API's.
        """
        response = self._exchange(endpoint, request, transport or self._transport, in_time)
        try:
            if response.status < HTTPStatus.MULTIPLE_CHOICES:
                return Answer(unwrap(endpoint, envelope.decode(endpoint, response.data)), _date(response))
            envelope.raise_for_answer(endpoint, response.status, response.data)
        except ClickSendError as error:
            error.retry_after = retry_after(response.headers)
            if response.status == HTTPStatus.TOO_MANY_REQUESTS and error.retry_after:
                self._limiter.pause(endpoint, min(error.retry_after, LONGEST_WAIT))
            raise

    def _exchange(
        self,
        endpoint: str,
        request: requests.PreparedRequest,
        transport: Transport,
        in_time: Callable[[], bool],
    ) -> urllib3.BaseHTTPResponse:
        """Make one request and return the answer with its whole body."""
        headers: Mapping[str, str] = {}
        if self._time.stopped:
            raise StoppedError
        self._limiter.acquire(endpoint)
        try:
            if not in_time():
                raise TooLateError
            response = transport.exchange(request)
            headers = response.headers
        except (HTTPError, requests.RequestException) as error:
            kind = NotConnectedError if _is_unconnected(error) else UnreachableError
            raise kind(
                f"{endpoint} got no whole answer from {urlsplit(request.url or '').netloc}: {_reason(error)}."
                " Check api_url and the network, or run again later."
            ) from None
        finally:
            self._limiter.release(endpoint, headers)
        return response

    def _retrying(
        self,
        attempt: Callable[[], Answer],
        may_repeat: Callable[[ClickSendError], bool] = lambda _: True,
        stop: stop_base = stop_never,
    ) -> Answer:
        retrying = Retrying(
            stop=stop_any(stop_after_attempt(self.settings.max_retries + 1), stop),
            retry=retry_if_exception(
                lambda error: isinstance(error, ClickSendError) and _may_pass(error) and may_repeat(error)
            ),
            wait=self._wait,
            sleep=self._clock.sleep,
            before_sleep=_log_retry,
            reraise=True,
        )
        return retrying(attempt)

    def _wait(self, state: RetryCallState) -> float:
        asked = getattr(state.outcome.exception(), "retry_after", None) if state.outcome else None
        return self._backoff(state) if asked is None else float(asked)


def _session(settings: Settings) -> requests.Session:
    session = requests.Session()
    session.headers.update({"User-Agent": settings.user_agent, "Accept": "application/json"})
    # ClickSend's documentation asks for it on every call, GET included.
    session.headers["Content-Type"] = "application/json"
    # A proxy from the environment cannot reach this machine's own loopback.
    session.trust_env = not is_loopback(urlsplit(settings.api_url).hostname or "")
    return session


def _auth(settings: Settings) -> AuthBase:
    if settings.username is None:
        return BearerAuth(settings.api_key)
    return HTTPBasicAuth(settings.username.encode(), settings.api_key.encode())


def _date(response: urllib3.BaseHTTPResponse) -> datetime:
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC)


def _reason(error: Exception) -> str:
    """Say why a request failed; the errors' own texts hold the URL with its query."""
    if isinstance(error, NewConnectionError):
        return "no connection could be made"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "it timed out"
    if isinstance(error, SSLError):
        return "the TLS certificate was not accepted"
    if isinstance(error, ProxyError | requests.RequestException):
        return "the proxy did not do its part"
    return "the connection or the answer broke off"


def _is_unconnected(error: Exception) -> bool:
    """Return whether a request failed before it could be written."""
    return isinstance(error, ConnectTimeoutError | NewConnectionError)


def _may_pass(error: ClickSendError) -> bool:
    return error.transient and (error.retry_after or 0) <= LONGEST_WAIT


def _undone(error: ClickSendError) -> bool:
    return error.undone


def _log_retry(state: RetryCallState) -> None:
    error, wait = state.outcome and state.outcome.exception(), state.next_action and state.next_action.sleep
    logger.warning("%s Trying again in %.1f s (attempt %d failed).", error, wait, state.attempt_number)
