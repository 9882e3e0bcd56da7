"""One exchange with a server: requests' adapter, without what requests does around it.

Connections, proxies and certificates are requests' own. Cookies, hooks and redirects are nobody's here, and
cost a page of rows as much time as reading it.
"""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout


class Transport(HTTPAdapter):
    """Exchanges of several threads with one host or two."""

    def __init__(self, environment: dict[str, Any], connections: int, timeout: float) -> None:
        """Prepare.

        Args:
            environment: What ``Session.merge_environment_settings`` makes of the environment.
            connections: How many to keep.
            timeout: Seconds to wait for a connection and for each part of an answer.
        """
        super().__init__(pool_maxsize=connections)
        self._environment = {name: environment[name] for name in ("proxies", "verify", "cert")}
        self._timeout = Timeout(connect=timeout, read=timeout)
        self._pools: dict[str, HTTPConnectionPool] = {}

    def exchange(self, request: requests.PreparedRequest) -> BaseHTTPResponse:
        """Send a request and return the answer with its whole body.

        Raises:
            HTTPError: urllib3's; there is no answer, or not a whole one.
            RequestException: A proxy in the environment is none.
        """
        return self._pool(request).urlopen(
            str(request.method),
            self.request_url(request, self._environment["proxies"]),
            body=request.body,
            headers=request.headers,
            redirect=False,
            assert_same_host=False,
            retries=False,
            timeout=self._timeout,
        )

    def _pool(self, request: requests.PreparedRequest) -> HTTPConnectionPool:
        url = str(request.url)
        host = urlsplit(url).netloc
        if host not in self._pools:
            pool = cast(
                "HTTPConnectionPool", self.get_connection_with_tls_context(request, **self._environment)
            )
            verify, cert = self._environment["verify"], self._environment["cert"]
            self.cert_verify(pool, url, verify, cert)  # type: ignore[no-untyped-call]
            self._pools[host] = pool
        return self._pools[host]
