"""One request and its answer: within the rate limits, out of the envelope, or an error in one sentence."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3
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
    NotConnectedError,
    StoppedError,
    TooLateError,
    UnexpectedAnswerError,
    UnreachableError,
)
from clicksend.limiter import Clock, Limiter, Time, retry_after
from clicksend.retrying import LONGEST_WAIT
from clicksend.settings import Settings, is_loopback
from clicksend.transport import LARGEST_ANSWER, Response, TooLargeError, Transport

# It logs whole URLs, whose queries can hold phone numbers; headers that it cannot read even at WARNING.
logging.getLogger("urllib3").setLevel(logging.ERROR)


NEED_NO_BODY = frozenset({"PUT", "DELETE"})
"""Writes that a 2xx without a body says to be done; 204 is one of the statuses that ClickSend documents. What
a POST made is known from its body, or must be looked up."""


def always() -> bool:
    """Return that there is time."""
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


class Exchange:
    """Makes single requests; shared by threads."""

    def __init__(self, settings: Settings, time: Time, clock: Clock) -> None:
        """Prepare.

        Args:
            settings: Addresses and limits.
            time: Once it is stopped, no request starts.
            clock: What limits are counted by.
        """
        self.limiter = Limiter(clock, settings.requests_per_minute)
        self._settings = settings
        self._time = time
        self._clock = clock
        self._session = _session(settings)
        self._transport = self.new_transport()

    def new_transport(self) -> Transport:
        """Return connections of their own, none of them made yet."""
        settings = self._settings
        return Transport(self._environment, settings.max_concurrency, settings.timeout, self._clock.monotonic)

    def _environment(self, url: str) -> Mapping[str, Any]:
        """Return proxies and certificates for a URL; a proxy cannot reach this machine's own loopback."""
        if is_loopback(urlsplit(url).hostname or ""):
            return {"proxies": {}, "verify": True, "cert": None}
        return self._session.merge_environment_settings(url, {}, None, None, None)

    def prepare(self, request: requests.Request) -> requests.PreparedRequest:
        """Return a request as it goes out, with the headers that all have."""
        return self._session.prepare_request(request)

    def close(self) -> None:
        """Close all connections; a request under way ends by itself."""
        self._transport.close()

    def answer(
        self,
        endpoint: str,
        request: requests.PreparedRequest,
        unwrap: Callable[[str, Any, envelope.Sent], Any],
        transport: Transport | None = None,
        in_time: Callable[[], bool] = always,
    ) -> Answer:
        """Make one request and take its answer out of the envelope.

        Args:
            endpoint: For error texts, like ``GET /account``.
            request: The request.
            unwrap: Takes what was asked for out of a decoded body.
            transport: The connections to use instead of the shared ones.
            in_time: Whether it may still be made; asked after all waits.

        Raises:
            ClickSendError: No answer came, or an error, or what this API does not send.
        """
        response = self._exchange(endpoint, request, transport or self._transport, in_time)
        sent = partial(_names, request)
        try:
            if response.status < HTTPStatus.MULTIPLE_CHOICES:
                if not response.data and request.method in NEED_NO_BODY:
                    return Answer(None, _date(response))
                data = unwrap(endpoint, envelope.decode(endpoint, response.data), sent)
                return Answer(data, _date(response))
            envelope.raise_for_answer(endpoint, response.status, response.data, sent)
        except ClickSendError as error:
            error.retry_after = retry_after(response.headers)
            if response.status == HTTPStatus.TOO_MANY_REQUESTS and error.retry_after:
                self.limiter.pause(endpoint, min(error.retry_after, LONGEST_WAIT))
            raise

    def _exchange(
        self,
        endpoint: str,
        request: requests.PreparedRequest,
        transport: Transport,
        in_time: Callable[[], bool],
    ) -> Response:
        """Make one request and return the answer with its whole body."""
        headers: Mapping[str, str] = {}
        if self._time.stopped:
            raise StoppedError
        self.limiter.acquire(endpoint)
        try:
            if not in_time():
                raise TooLateError
            response = transport.exchange(request)
            headers = response.headers
        except TooLargeError:
            raise UnexpectedAnswerError(
                f"{endpoint} answered with more than {LARGEST_ANSWER // 2**20} MiB.",
                "Check api_url, and any proxy in between; else lower page_size.",
            ) from None
        except (HTTPError, requests.RequestException) as error:
            kind = NotConnectedError if _is_unconnected(error) else UnreachableError
            raise kind(
                f"{endpoint} got no whole answer from {urlsplit(request.url or '').netloc}:"
                f" {_reason(error)}.",
                "Check api_url and the network, or run again later.",
            ) from None
        finally:
            self.limiter.release(endpoint, headers)
        return response


def _session(settings: Settings) -> requests.Session:
    session = requests.Session()
    session.headers.update({"User-Agent": settings.user_agent, "Accept": "application/json"})
    # ClickSend's documentation asks for it on every call, GET included.
    session.headers["Content-Type"] = "application/json"
    return session


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
