"""One request and its response: requests' adapter, without what requests does around it.

Connections, proxies and certificates are requests' own. Cookies, hooks and redirects are not used here, and
cost a page of rows as much time as reading it. What a server sends is bounded, in bytes and in time.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError, SSLError

from clicksend.errors import NotConnectedError, SettingsError, UnexpectedAnswerError, UnreachableError
from clicksend.settings import Settings, is_loopback

# It logs whole URLs, whose queries can hold phone numbers; headers that it cannot read even at WARNING.
logging.getLogger("urllib3").setLevel(logging.ERROR)

LARGEST_ANSWER = 64 * 2**20
"""Bytes of a body, inflated; a page of a hundred rows has some 100,000."""
WHOLE = 10
"""A whole answer, headers included, may take so many times ``timeout``, which is for each part of it."""


class _TooLargeError(HTTPError):
    """A body is larger than anything that this API sends."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response with its whole body, inflated."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Transport(HTTPAdapter):
    """Connections to one host or two, shared by threads."""

    def __init__(self, settings: Settings, now: Callable[[], float]) -> None:
        """Prepare; nothing is connected yet.

        Args:
            settings: How many connections to keep, how many seconds to wait for one and for each part of a
                response, and the ``User-Agent``.
            now: Seconds from an arbitrary start.
        """
        super().__init__(pool_maxsize=settings.max_concurrency)
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": settings.user_agent, "Accept": "application/json"})
        # ClickSend's documentation asks for it on every call, GET included.
        self._session.headers["Content-Type"] = "application/json"
        self._timeout = Timeout(connect=settings.timeout, read=settings.timeout)
        self._incoming = partial(_Incoming, timeout=settings.timeout, now=now)
        self._pools: dict[str, tuple[HTTPConnectionPool, Mapping[str, str]]] = {}

    def prepare(self, request: requests.Request) -> requests.PreparedRequest:
        """Return a request as it goes out, with the headers that all have."""
        return self._session.prepare_request(request)

    def exchange(self, request: requests.PreparedRequest, endpoint: str) -> Response:
        """Send a request and return the response with its whole body.

        Args:
            request: The request.
            endpoint: What errors call it, like ``GET /account``.

        Raises:
            NotConnectedError: It was not sent.
            UnreachableError: There is no response, or not a whole one in time.
            UnexpectedAnswerError: The response is too large.
            SettingsError: The environment names a file of certificates that does not exist.
        """
        try:
            return self._exchange(request)
        except _TooLargeError:
            raise UnexpectedAnswerError(
                f"{endpoint} answered with more than {LARGEST_ANSWER // 2**20} MiB.",
                "Check api_url, and any proxy in between; else lower page_size.",
            ) from None
        except (HTTPError, requests.RequestException) as error:
            is_unconnected = isinstance(error, ConnectTimeoutError | NewConnectionError)
            kind = NotConnectedError if is_unconnected else UnreachableError
            raise kind(
                f"{endpoint} got no whole answer from {urlsplit(request.url or '').netloc}:"
                f" {_reason(error)}.",
                "Check api_url and the network, or run again later.",
            ) from None

    def _exchange(self, request: requests.PreparedRequest) -> Response:
        pool, proxies = self._pool(request)
        response = pool.urlopen(
            str(request.method),
            # Which of no proxies it is takes requests as long as all that bounds an answer.
            self.request_url(request, proxies) if proxies else request.path_url,
            body=request.body,
            headers=request.headers,
            redirect=False,
            assert_same_host=False,
            retries=False,
            timeout=self._timeout,
            preload_content=False,
        )
        try:
            body = self._body(response)
        except BaseException:
            response.close()
            raise
        finally:
            response.release_conn()
        return Response(response.status, response.headers, body)

    def _body(self, response: BaseHTTPResponse) -> bytes:
        encoding = response.headers.get("Content-Encoding", "")
        # One inside the other inflate a million times, out of what one step of the outer one gives.
        if "," in encoding:
            raise _TooLargeError
        body = response.read(LARGEST_ANSWER + 1, decode_content=True)
        if len(body) > LARGEST_ANSWER:
            raise _TooLargeError
        return body

    def _environment(self, url: str) -> Mapping[str, Any]:
        """Return proxies and certificates for a URL; a proxy cannot reach this machine's own loopback."""
        if is_loopback(urlsplit(url).hostname or ""):
            return {"proxies": {}, "verify": True, "cert": None}
        return self._session.merge_environment_settings(url, {}, None, None, None)

    def _pool(self, request: requests.PreparedRequest) -> tuple[HTTPConnectionPool, Mapping[str, str]]:
        """Return the connections to the host of a request, and the proxies on the way to it."""
        url = str(request.url)
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in self._pools:
            environment = self._environment(url)
            proxies, verify, cert = (environment[name] for name in ("proxies", "verify", "cert"))
            try:
                pool = cast(
                    "HTTPConnectionPool",
                    self.get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert),
                )
                self.cert_verify(pool, url, verify, cert)  # type: ignore[no-untyped-call]
            except requests.RequestException:
                raise
            except OSError:
                raise SettingsError(
                    "The environment's REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a file that does not exist:"
                    " correct it, or unset it."
                ) from None
            pool.ConnectionCls = _with_response(pool.ConnectionCls, self._incoming)
            self._pools[host] = pool, proxies
        return self._pools[host]


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


def _with_response(kind: Any, incoming: Any) -> Any:
    """Return a kind of connections whose answers are read in bounded time."""
    return type(kind.__name__, (kind,), {"response_class": staticmethod(incoming)})


class _Incoming(http.client.HTTPResponse):
    """An answer that must be whole, headers included, some time after the request went out."""

    def __init__(
        self, sock: socket.socket, *args: Any, timeout: float, now: Callable[[], float], **options: Any
    ) -> None:
        timed = _Timed(sock, timeout, now)
        super().__init__(timed, *args, **options)  # type: ignore[arg-type]  # it asks for a file, and no more


class _Timed(io.RawIOBase):
    """What arrives at a socket, until it is too late."""

    def __init__(self, sock: socket.socket, timeout: float, now: Callable[[], float]) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)
        self._timeout, self._now = timeout, now
        self._until = now() + WHOLE * timeout

    def makefile(self, _: str) -> io.BufferedReader:
        """Return what an answer is read from."""
        return io.BufferedReader(self)

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int | None:
        left = self._until - self._now()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(min(left, self._timeout))
        return self._file.readinto(buffer)

    @override
    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
