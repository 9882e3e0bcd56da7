"""The calls of ClickSend and the hub: what each is, whether it may be made twice, and by which thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from clicksend import envelope
from clicksend.errors import ClickSendError, MethodNotAllowedError, NotFoundError, NotServedByHubError
from clicksend.exchange import Answer, Exchange, always
from clicksend.limiter import IDS, Clock, Time
from clicksend.retrying import Retry
from clicksend.settings import Settings

SENDING = 60.0
"""Seconds within which a send is tried again; whoever claimed its messages counts on it."""

AHEAD = 4
"""Results for each thread that may wait for the reader, so that no thread waits for it."""

BARE = ("/short-url/", "/own-numbers", "/alpha-tags", "/mms-campaigns")
"""Where ClickSend answers without its envelope (documented; of campaigns older pages show one)."""

T = TypeVar("T")
R = TypeVar("R")


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
        self._exchange = Exchange(settings, self._time, self._clock)
        self._retry = Retry(settings.max_retries, self._clock)
        self._get = self._exchange.prepare(requests.Request("GET", settings.api_url, auth=_auth(settings)))
        self._workers = ThreadPoolExecutor(settings.max_concurrency, thread_name_prefix="clicksend")
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

        unwrap = envelope.unwrap_bare if path.startswith(BARE) else envelope.unwrap

        def attempt() -> Answer:
            answer = self._exchange.answer(endpoint, request, unwrap)
            self.started_at = self.started_at or answer.date
            return answer

        try:
            return self._retry(attempt)
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
        return self._retry(attempt) if repeatable else self._retry(attempt, _undone)

    def delete(self, path: str) -> Answer:
        """Delete what is at a path, again after a failure that may pass.

        Raises:
            ClickSendError: One sentence on what went wrong and what to do; a ``NotFoundError`` may mean that
                an earlier attempt did it, whose answer was lost.
        """
        return self._retry(self._write("DELETE", path))

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
        return self._retry(attempt) if repeatable else self._retry(attempt, _undone)

    def send(self, path: str, payload: Mapping[str, Any], *, in_time: Callable[[], bool] = always) -> Answer:
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
        return self._retry(attempt, _undone, SENDING)

    def wait(self, seconds: float) -> None:
        """Wait, unless stopped.

        Raises:
            StoppedError: It is not worth it any more.
        """
        self._clock.sleep(seconds)

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
        unwrap: Callable[[str, Any, envelope.Sent], Any],
        *,
        own_connection: bool,
        in_time: Callable[[], bool] = always,
    ) -> Callable[[], Answer]:
        """Return a function that makes a request once."""
        prepared = self._exchange.prepare(request)
        if not own_connection:
            return lambda: self._exchange.answer(endpoint, prepared, unwrap)

        def attempt() -> Answer:
            transport = self._exchange.new_transport()
            try:
                return self._exchange.answer(endpoint, prepared, unwrap, transport, in_time)
            finally:
                transport.close()

        return attempt

    def run(
        self,
        payload: Mapping[str, Any],
        *,
        repeatable: bool = False,
        in_time: Callable[[], bool] = always,
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
            return self._retry(attempt).data
        return self._retry(attempt, _undone, SENDING).data

    def whole(self, path: str | None = None) -> Any:
        """Return a decoded body as it came, in all its wrappings.

        Args:
            path: What to read from the v3 API; without one the hub is asked what it offers.

        Raises:
            ClickSendError: One sentence on what went wrong and what to do.
        """
        if path is None:
            url, auth = f"{self.settings.hub_url}/v1/run", BearerAuth(self.settings.hub_key or "")
            endpoint = "POST /v1/run"
            request = requests.Request("POST", url, auth=auth, json={"discover": True})
        else:
            endpoint, request = f"GET {path}", self._request("GET", path)
        return self._retry(
            self._attempt(endpoint, request, lambda _, body, __: body, own_connection=False)
        ).data

    def submit(self, function: Callable[..., R], *arguments: Any) -> Future[R]:
        """Call a function in one of the client's threads."""
        return self._workers.submit(function, *arguments)

    @property
    def limits(self) -> dict[str, int]:
        """Requests a minute that ClickSend's headers have named so far, by endpoint."""
        return self._exchange.limiter.limits

    @property
    def request_count(self) -> int:
        """Requests made so far, repeated ones included."""
        return self._exchange.limiter.requests

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
        self._exchange.close()


def _auth(settings: Settings) -> AuthBase:
    if settings.username is None:
        return BearerAuth(settings.api_key)
    return HTTPBasicAuth(settings.username.encode(), settings.api_key.encode())


def _undone(error: ClickSendError) -> bool:
    return error.undone
