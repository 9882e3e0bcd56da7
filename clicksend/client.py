"""HTTP to ClickSend and the hub: authentication, limits, retries, and answers out of their envelopes."""

from __future__ import annotations

import logging
import time
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
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from clicksend import envelope
from clicksend.errors import (
    ClickSendError,
    MethodNotAllowedError,
    NotFoundError,
    NotServedByHubError,
    UnreachableError,
)
from clicksend.limiter import IDS, Clock, Limiter, retry_after
from clicksend.settings import Settings, is_loopback

LONGEST_WAIT = 900.0
"""Seconds; a server that asks for a longer pause gets its answer reported instead."""

AHEAD = 4
"""Results for each thread that may wait for the reader, so that no thread waits for it."""

CHUNK = 1 << 20
"""Bytes read of a body at once: requests' own 10 kB cost a page several turns of the interpreter's lock."""

logger = logging.getLogger("clicksend")
# At DEBUG it logs whole URLs, whose queries can hold phone numbers.
logging.getLogger("urllib3").setLevel(logging.INFO)

T = TypeVar("T")
R = TypeVar("R")


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

    def __init__(self, settings: Settings, clock: Clock = time) -> None:
        self.settings = settings
        self._clock = clock
        self._limiter = Limiter(self._clock, settings.requests_per_minute)
        self._session = _session(settings)
        self._get = self._session.prepare_request(
            requests.Request("GET", settings.api_url, auth=_auth(settings))
        )
        environment = self._session.merge_environment_settings(
            settings.api_url, proxies={}, stream=True, verify=None, cert=None
        )
        self._transport: dict[str, Any] = {**environment}
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

    def run(self, payload: Mapping[str, Any], *, repeatable: bool = False) -> Any:
        """Call the hub's ``/v1/run`` and return its result.

        Args:
            payload: ``{"model": ..., "inputs": ...}`` or ``{"discover": True}``.
            repeatable: Whether a failed call may be made again without harm.

        Raises:
            ClickSendError: One sentence on what went wrong and what to do.
        """
        auth = BearerAuth(self.settings.hub_key or "")
        request = requests.Request("POST", f"{self.settings.hub_url}/v1/run", auth=auth, json=payload)
        prepared = self._session.prepare_request(request)

        def attempt() -> Answer:
            return self._answer("POST /v1/run", prepared, envelope.unwrap_hub)

        return (self._retrying(attempt) if repeatable else attempt()).data

    def submit(self, function: Callable[..., R], *arguments: Any) -> Future[R]:
        """Call a function in one of the client's threads."""
        return self._workers.submit(function, *arguments)

    @property
    def limits(self) -> dict[str, int]:
        """Requests a minute that ClickSend's headers have named so far, by endpoint."""
        return self._limiter.limits

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

    def close(self) -> None:
        """Give up all that waits; a request under way ends by itself."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._session.close()

    def _answer(
        self, endpoint: str, request: requests.PreparedRequest, unwrap: Callable[[str, Any], Any]
    ) -> Answer:
        """Make one request and take its answer out of the envelope.

        Raises:
            ClickSendError: There is no answer, it is an error, or not one of this API's.
        """
        response, body = self._exchange(endpoint, request)
        try:
            if response.status_code < HTTPStatus.MULTIPLE_CHOICES:
                return Answer(unwrap(endpoint, envelope.decode(endpoint, body)), _date(response))
            envelope.raise_for_answer(endpoint, response.status_code, body)
        except ClickSendError as error:
            error.retry_after = retry_after(response.headers)
            if response.status_code == HTTPStatus.TOO_MANY_REQUESTS and error.retry_after:
                self._limiter.pause(endpoint, min(error.retry_after, LONGEST_WAIT))
            raise

    def _exchange(self, endpoint: str, request: requests.PreparedRequest) -> tuple[requests.Response, bytes]:
        """Make one request and return the answer with its whole body."""
        headers: Mapping[str, str] = {}
        self._limiter.acquire(endpoint)
        try:
            with self._session.send(
                request, timeout=self.settings.timeout, allow_redirects=False, **self._transport
            ) as response:
                headers = response.headers
                return response, b"".join(response.iter_content(CHUNK))
        except requests.RequestException as error:
            raise UnreachableError(
                f"{endpoint} got no whole answer from {urlsplit(request.url or '').netloc}: {_reason(error)}."
                " Check api_url and the network, or run again later."
            ) from None
        finally:
            self._limiter.release(endpoint, headers)

    def _retrying(self, attempt: Callable[[], Answer]) -> Answer:
        retrying = Retrying(
            stop=stop_after_attempt(self.settings.max_retries + 1),
            retry=retry_if_exception(_may_pass),
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
    session.mount("http://", adapter := HTTPAdapter(pool_maxsize=settings.max_concurrency))
    session.mount("https://", adapter)
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


def _date(response: requests.Response) -> datetime:
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC)


def _reason(error: requests.RequestException) -> str:
    """Say why a request failed; requests' own text holds the URL with its query."""
    if isinstance(error, requests.ConnectTimeout | requests.ReadTimeout):
        return "it timed out"
    if isinstance(error, requests.exceptions.SSLError):
        return "the TLS certificate was not accepted"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer broke off"
    return (
        "the connection was refused or broke"
        if isinstance(error, requests.ConnectionError)
        else "bad request"
    )


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, ClickSendError) and error.transient and (error.retry_after or 0) <= LONGEST_WAIT


def _log_retry(state: RetryCallState) -> None:
    error, wait = state.outcome and state.outcome.exception(), state.next_action and state.next_action.sleep
    logger.warning("%s Trying again in %.1f s (attempt %d failed).", error, wait, state.attempt_number)
