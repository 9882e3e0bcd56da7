"""One exchange with a server: requests' adapter, without what requests does around it.

Connections, proxies and certificates are requests' own. Cookies, hooks and redirects are nobody's here, and
cost a page of rows as much time as reading it. What a server sends is bounded, in bytes and in time.
"""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout
from urllib3.exceptions import HTTPError

from clicksend.errors import SettingsError

LARGEST_ANSWER = 64 * 2**20
"""Bytes of a body, inflated; a page of a hundred rows has some 100,000."""
WHOLE = 10
"""A whole answer, headers included, may take so many times ``timeout``, which is for each part of it."""

Environment = Callable[[str], Mapping[str, Any]]
"""Returns the proxies and certificates for a URL, as ``Session.merge_environment_settings`` does."""


class TooLargeError(HTTPError):
    """A body is larger than anything that this API sends."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer with its whole body, inflated."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Transport(HTTPAdapter):
    """Exchanges of several threads with one host or two."""

    def __init__(
        self,
        environment: Environment,
        connections: int,
        timeout: float,
        now: Callable[[], float],
    ) -> None:
        """Prepare.

        Args:
            environment: What the environment says about a URL.
            connections: How many to keep.
            timeout: Seconds to wait for a connection and for each part of an answer.
            now: Seconds from an arbitrary start.
        """
        super().__init__(pool_maxsize=connections)
        self._environment = environment
        self._timeout = Timeout(connect=timeout, read=timeout)
        self._incoming = partial(_Incoming, timeout=timeout, now=now)
        self._pools: dict[str, tuple[HTTPConnectionPool, Mapping[str, str]]] = {}

    def exchange(self, request: requests.PreparedRequest) -> Response:
        """Send a request and return the answer with its whole body.

        Raises:
            HTTPError: urllib3's; there is no answer, or not a whole one in time, or too large a one.
            RequestException: A proxy in the environment is not a valid one.
            SettingsError: There are no certificates where the environment says.
        """
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
            raise TooLargeError
        body = response.read(LARGEST_ANSWER + 1, decode_content=True)
        if len(body) > LARGEST_ANSWER:
            raise TooLargeError
        return body

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
