"""The web application: a request passes faults, limits and credentials, in this order, to its endpoint."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

import msgspec
from aiohttp import web

from clicksend.sandbox.api import access, bodies
from clicksend.sandbox.api.answers import Call, Refusal
from clicksend.sandbox.api.routes import PUBLIC, ROUTES, Route
from clicksend.sandbox.prelude import HubRefusal, out_of_credits, unauthorized
from clicksend.sandbox.server import fault_responses, guard, page
from clicksend.sandbox.server.control import PREFIX as CONTROL
from clicksend.sandbox.server.control import control
from clicksend.sandbox.server.faults import Fault
from clicksend.sandbox.server.limits import EVERY_OTHER
from clicksend.sandbox.server.requests import Seen
from clicksend.sandbox.server.service import Service

DIRECT, HUB = "/v3", "/clicksend/v3"
RUN = "/v1/run"
_LARGEST_BODY = 16 * 2**20  # bytes: a thousand long messages, and room
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_log = logging.getLogger(__name__)


def application(service: Service) -> web.Application:
    """Build the application around a service."""
    app = web.Application(middlewares=[_gate(service)], client_max_size=_LARGEST_BODY)
    app.on_response_prepare.append(guard.seal)
    for route in ROUTES:
        method, path, _ = route
        app.router.add_route(method, DIRECT + path, _direct(service, route))
        app.router.add_route(method, HUB + path, _through_hub(service, route))
    app.router.add_route("POST", RUN, _run(service))
    return app


def _gate(service: Service) -> Any:
    """Make the middleware that records each request and lets faults and limits have their way with it."""

    @web.middleware
    async def gate(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if objection := guard.objection(request):
            return _json({"error": objection}, 403)
        service.run_on()
        if own := await _own(service, request):
            return own
        path, query = _below_base(request.path), _query(request)
        authorization = request.headers.get("Authorization", "")
        seen = service.seen.add(Seen(request.method, path, query, access.scheme(authorization)))
        try:
            service.seen.hold(seen, await request.read())
        except web.HTTPException as too_large:
            seen.status = too_large.status
            return _unroutable(request, too_large)
        except ConnectionError:  # the client is gone before it had said everything
            return web.Response()
        service.drift()
        fault = service.faults.strike(request.method, path, query)
        if fault and fault.kind in fault_responses.UNPROCESSED:
            return await fault_responses.unprocessed(request, fault)
        response = await _answer(service, request, handler, fault)
        seen.status = response.status
        return await fault_responses.deliver(request, response, fault)

    return gate


async def _own(service: Service, request: web.Request) -> web.Response | None:
    """Answer what is asked of the stand-in itself, which faults, limits and credentials have no part in."""
    if request.path.startswith(CONTROL):
        return await control(service, request)
    if request.path == page.PATH and request.method in page.METHODS:
        return page.answer()
    return None


async def _answer(
    service: Service, request: web.Request, handler: _Handler, fault: Fault | None
) -> web.Response:
    """Answer a request, whatever happens, with the headers that all answers have."""
    allowance = service.limiter.take(_endpoint_name(request))
    canned = fault_responses.canned(fault) if fault else None
    if not allowance.granted:
        response = _refused(request, Refusal(429))
    elif canned is not None:
        response = canned
    else:
        response = await _handled(request, handler)
        if fault:
            response = fault_responses.instead(fault, response)
    for name, value in allowance.headers().items():
        response.headers.setdefault(name, value)
    response.headers["Date"] = formatdate(service.sim.now, usegmt=True)
    return response


async def _handled(request: web.Request, handler: _Handler) -> web.Response:
    """Run the handler; whatever it raises becomes an envelope."""
    try:
        response = await handler(request)
    except Refusal as refusal:
        return _refused(request, refusal)
    except HubRefusal as refusal:
        return _json(refusal.body, refusal.status)
    except web.HTTPException as error:
        return _unroutable(request, error)
    except Exception:  # noqa: BLE001 - every answer is an envelope, this one too
        _log.exception("the sandbox failed to answer %s", request.path)
        return _refused(request, Refusal(500))
    if not isinstance(response, web.Response):
        raise TypeError("handlers of the sandbox answer in one piece")
    return response


def _direct(service: Service, route: Route) -> _Handler:
    """Serve an endpoint as ClickSend does, to HTTP Basic."""

    async def handle(request: web.Request) -> web.StreamResponse:
        user = ""
        if route[1] not in PUBLIC:
            user = access.check_basic(request.headers.get("Authorization", ""))
        answer = await _called(service, request, route, user)
        if service.sim.switches.empty_writes and request.method in {"PUT", "DELETE"}:
            return web.Response(status=204)
        return _json(answer)

    return handle


def _through_hub(service: Service, route: Route) -> _Handler:
    """Serve an endpoint as the hub might, to Bearer; whether the hub does so at all is a switch."""

    async def handle(request: web.Request) -> web.StreamResponse:
        switches = service.sim.switches
        if switches.hub_paths == "not_found":
            raise HubRefusal(404, "not_found", "Unknown path.")
        if switches.hub_paths == "not_allowed":
            raise HubRefusal(405, "method_not_allowed", "Method not allowed.")
        _check_hub(service, request, public=route[1] in PUBLIC)
        if not switches.hub_envelope:
            return _json(await _called(service, request, route))
        try:
            return _json({"status": "success", "result": await _called(service, request, route)})
        except Refusal as refusal:
            return _json({"status": "error", "result": refusal.envelope()}, refusal.status)

    return handle


def _run(service: Service) -> _Handler:
    """Serve the hub's own call."""

    async def handle(request: web.Request) -> web.StreamResponse:
        _check_hub(service, request)
        try:
            body = bodies.decoded(await request.read())
        except ValueError:
            raise HubRefusal(400, "invalid_json", "The body is not valid JSON.") from None
        result = service.run(body)
        return _json({"status": "success", "result": result} if service.sim.switches.run_envelope else result)

    return handle


def _check_hub(service: Service, request: web.Request, *, public: bool = False) -> None:
    authorization = request.headers.get("Authorization", "")
    if not public and not access.bearer_fits(authorization):
        raise unauthorized(authorization)
    if service.sim.switches.hub_balance == "empty":
        raise out_of_credits()


async def _called(service: Service, request: web.Request, route: Route, user: str = "") -> Any:
    method, path, endpoint = route
    body = None
    if method != "GET":
        body = bodies.fields(await request.read(), request.headers.get("Content-Type", ""))
    call = Call(dict(request.match_info), _query(request), body, user)
    answer = service.call(method, path, endpoint, call)
    if answer.bare:
        return answer.data
    return {
        "http_code": 200,
        "response_code": "SUCCESS",
        "response_msg": answer.message,
        "data": answer.data,
    }


def _unroutable(request: web.Request, error: web.HTTPException) -> web.Response:
    """Answer an unknown path, a wrong verb, or a body too large."""
    response = _refused(request, Refusal(error.status))
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _refused(request: web.Request, refusal: Refusal) -> web.Response:
    """Answer with ClickSend's error envelope, or with the hub's on its own path."""
    if request.path == RUN:
        return _json(HubRefusal(refusal.status, str(refusal.code).lower(), str(refusal)).body, refusal.status)
    return _json(refusal.envelope(), refusal.status)


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(data), status=status, content_type="application/json")


def _below_base(path: str) -> str:
    for base in (HUB, DIRECT):
        if path.startswith(f"{base}/"):
            return path.removeprefix(base)
    return path


def _endpoint_name(request: web.Request) -> str:
    """Name what a rate limit counts: the method and the path's pattern, the same for both bases.

    All that is served nowhere counts together: there is no end of other paths.
    """
    resource = request.match_info.route.resource
    return f"{request.method} {_below_base(resource.canonical)}" if resource else EVERY_OTHER


def _query(request: web.Request) -> dict[str, str]:
    """Read the query string; of a repeated name the last value counts, as in PHP."""
    return {name: value for name, value in request.query.items()}  # noqa: C416 - dict() would keep the first
